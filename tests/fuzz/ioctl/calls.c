// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The fuzzer's calls: which there are, how often each is made, and the making of one. Most are such as a program
 * makes, of what lives; some have a field or two changed, or are of what another thread is just destroying, or
 * have arguments in memory that another thread writes. All arguments are in the sandbox, whose address has no
 * neighbours when a bit of it changes.
 *
 * Weights are per 2000 calls, and by what a call costs on the debug kernel, where allocating, mapping and running
 * take milliseconds, with what works do for it afterwards, and asking takes some 20 us. So nine in ten calls ask, and
 * most of the time goes to the others: of a million calls, 25000 are SUBMITs and 10000 binds. A process opens the
 * node three times before it begins, which makes buffers, address spaces, queues and syncobjs that are not counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "calls.h"

/* One in so many is timed. */
#define TIMED_EVERY	64

static int do_read_state(struct fuzz_thread *t)
{
	static const char *const names[] = { "npu_rings", "npu_queues", "npu_vms" };
	char path[96], text[4096];
	int file, ret;

	if (chance(t, 2))
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", any_file(t)->fd);
	else
		snprintf(path, sizeof(path), "/sys/kernel/debug/accel/%s/%s", fuzz_card,
			 names[roll(t, 3)]);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return -errno;
	ret = read(file, text, sizeof(text)) < 0 ? -errno : 0;
	close(file);
	return ret;
}

/* A number and a size of an ioctl that nobody promised, with noise. */
static int do_raw(struct fuzz_thread *t)
{
	uint64_t *noise = arg(t, 256);
	unsigned int nr = DRM_COMMAND_BASE + roll(t, 14);

	for (int i = 0; i < 32; i++)
		noise[i] = chance(t, 2) ? 0 : chance(t, 2) ? roll(t, 8) : fuzz_random(t);
	return try_ioctl(any_file(t)->fd, _IOC(roll(t, 4), 'd', nr, roll(t, 256)), noise);
}

static const struct {
	const char *name;
	unsigned int weight;
	int (*make)(struct fuzz_thread *t);
} calls[OPS] = {
	[OP_OPEN] = { "open", 1, do_open },
	[OP_CLOSE] = { "close", 1, do_close },
	[OP_QUERY] = { "DEV_QUERY", 302, do_query },
	[OP_BO_CREATE] = { "BO_CREATE", 8, do_bo_create },
	[OP_GEM_CLOSE] = { "GEM_CLOSE", 8, do_gem_close },
	[OP_BO_INFO] = { "BO_INFO", 320, do_bo_info },
	[OP_MMAP_OFFSET] = { "BO_MMAP_OFFSET", 260, do_mmap_offset },
	[OP_MMAP] = { "mmap", 8, do_mmap },
	[OP_MUNMAP] = { "munmap", 3, do_munmap },
	[OP_TOUCH] = { "touch", 16, do_touch },
	[OP_VM_CREATE] = { "VM_CREATE", 2, do_vm_create },
	[OP_VM_DESTROY] = { "VM_DESTROY", 2, do_vm_destroy },
	[OP_BIND] = { "VM_BIND", 12, do_bind },
	[OP_BIND_ASYNC] = { "VM_BIND async", 8, do_bind_async },
	[OP_QUEUE_CREATE] = { "QUEUE_CREATE", 3, do_queue_create },
	[OP_QUEUE_DESTROY] = { "QUEUE_DESTROY", 2, do_queue_destroy },
	[OP_QUEUE_STATE] = { "QUEUE_GET_STATE", 340, do_queue_state },
	[OP_SUBMIT] = { "SUBMIT", 50, do_submit },
	[OP_PERF] = { "PERF_QUERY", 280, do_perf },
	[OP_SYNC_CREATE] = { "SYNCOBJ_CREATE", 24, do_sync_create },
	[OP_SYNC_DESTROY] = { "SYNCOBJ_DESTROY", 20, do_sync_destroy },
	[OP_SYNC_WAIT] = { "SYNCOBJ_WAIT", 120, do_sync_wait },
	[OP_SYNC_EXPORT] = { "sync file out", 16, do_sync_export },
	[OP_SYNC_IMPORT] = { "sync file in", 20, do_sync_import },
	[OP_SW_SYNC] = { "sw_sync", 16, do_sw_sync },
	[OP_EXPORT] = { "dma-buf out", 8, do_export },
	[OP_IMPORT] = { "dma-buf in", 10, do_import },
	[OP_BUF_EXPORT_SYNC] = { "dma-buf fence out", 8, do_buf_export_sync },
	[OP_BUF_IMPORT_SYNC] = { "dma-buf fence in", 10, do_buf_import_sync },
	[OP_FD_CLOSE] = { "close of another", 10, do_fd_close },
	[OP_READ_STATE] = { "fdinfo, debugfs", 2, do_read_state },
	[OP_RAW] = { "noise", 110, do_raw },
};

const char *fuzz_name(enum fuzz_op op)
{
	return calls[op].name;
}

static uint64_t thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static void count(uint64_t *n, uint64_t add)
{
	__atomic_add_fetch(n, add, __ATOMIC_RELAXED);
}

void fuzz_call(struct fuzz_thread *t)
{
	unsigned int total = 0;
	uint64_t r, start = 0;
	enum fuzz_op op;
	int ret;

	for (op = 0; op < OPS; op++)
		total += calls[op].weight;
	r = roll(t, total);
	for (op = 0; r >= calls[op].weight; op++)
		r -= calls[op].weight;

	t->used = 0;
	__atomic_store_n(&t->begun, t->begun + 1, __ATOMIC_RELAXED);
	if (chance(t, TIMED_EVERY))
		start = thread_ns();
	ret = calls[op].make(t);
	if (start) {
		count(&fuzz_shared->ns[op], thread_ns() - start);
		count(&fuzz_shared->timed[op], 1);
	}
	__atomic_store_n(&t->begun, t->begun + 1, __ATOMIC_RELAXED);
	kcov_trace_take(&fuzz_kcov, t->trace);
	count(&fuzz_shared->made[op], 1);
	ret = ret > 0 ? 0 : -ret;
	count(&fuzz_shared->errors[op][ret < FUZZ_ERRNOS ? ret : FUZZ_ERRNOS - 1], 1);
}
