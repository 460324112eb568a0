// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Every allocation failed once: each call that reaches the driver is made again and again while the kernel
 * fails the first, second, third... of the allocations (and copies from and to user space) that this thread
 * asks for, until there was none left to fail. A call may then say so, and nothing else; nothing has happened,
 * and the same call works at once; what it made runs a job. Afterwards nothing is left over. What else may go
 * wrong (an oops, a lock still held, a leak) the kernel says, at the latest when the module is unloaded: this
 * wants the debug kernel, and root.
 *
 * Faults come from /proc/thread-self/fail-nth. Exempt are the kernel's own watchers (kmemleak, debugobjects),
 * which give up for good when they cannot allocate, and the blocks of its buddy allocator, which frees one that
 * is still in its tree when it cannot split another (__gpu_buddy_alloc_blocks(), err_undo), and then crashes.
 * Probing a card is no case either: drm_minor_alloc() crashes in the same way when it has no memory for the
 * node's device.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <linux/udmabuf.h>

#include "../ioctl/npu_test.h"

#define PAGE		4096ull
#define MIB		(1024ull * 1024)
#define BASE_VA		0x100000ull	/* a buffer with the stream, what it reads and what it writes */
#define BASE_SIZE	0x4000ull
#define SRC_VA		(BASE_VA + 0x2000)
#define DST_VA		(BASE_VA + 0x3000)
#define OWN_VA		0x40000000ull	/* what a case binds */
#define BYTES		64u

/* ---- Faults ------------------------------------------------------------------------------------ */

static int fail_nth = -1;

static void put_file(const char *path, const char *text)
{
	int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	close(file);
}

static bool exempt(const char *path)
{
	static const char *const names[] = { "kmemleak", "debug_objects", "buddy_block" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(path, names[i]))
			return true;
	return false;
}

/* All allocations can fail, also those that may wait. */
static int setup_faults(void **state)
{
	static const char debugfs[] = "/sys/kernel/debug/";
	static const char *const settings[][2] = {
		{ "failslab/ignore-gfp-wait", "N" },
		{ "failslab/cache-filter", "Y" },
		{ "failslab/verbose", "0" },
		{ "fail_page_alloc/ignore-gfp-wait", "N" },
		{ "fail_page_alloc/ignore-gfp-highmem", "N" },
		{ "fail_page_alloc/min-order", "0" },
		{ "fail_page_alloc/verbose", "0" },
		{ "fail_usercopy/verbose", "0" },
	};
	glob_t caches;
	char path[256];

	(void)state;
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", debugfs, settings[i][0]);
		put_file(path, settings[i][1]);
	}
	assert_int_equal(glob("/sys/kernel/slab/*/failslab", 0, NULL, &caches), 0);
	for (size_t i = 0; i < caches.gl_pathc; i++)
		if (!exempt(caches.gl_pathv[i]))
			put_file(caches.gl_pathv[i], "1");
	globfree(&caches);

	fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	if (fail_nth < 0)
		fail_msg("this kernel injects no faults: %s", strerror(errno));
	return 0;
}

static void fault_begin(unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	assert_int_equal(pwrite(fail_nth, text, len, 0), len);
}

/* Whether something failed since fault_begin(). To ask is to copy, which may be what fails next. */
static bool fault_end(void)
{
	char text[16] = "";
	bool failed = pread(fail_nth, text, sizeof(text) - 1, 0) > 0 && !atoi(text);

	while (pwrite(fail_nth, "0", 1, 0) != 1)
		assert_int_equal(errno, EFAULT);
	return failed;
}

/* ---- What calls work on ------------------------------------------------------------------------- */

/*
 * An open node, with an address space, a buffer that is shared (so that jobs leave their fences in it) and
 * a queue; and what a case puts there.
 */
struct world {
	int node;	/* for questions, before and after */
	int fd;
	uint32_t vm;
	struct npu_buf base;
	struct npu_q q;
	uint32_t gate;		/* a syncobj that has signalled */
	uint32_t done;		/* one to signal */
	uint32_t handle;
	uint32_t id;
	uint64_t size;
	uint64_t offset;
	uint8_t *map;
	int file;
	uint64_t seqno;
	char path[128];
};

static uint32_t syncobj(int fd, uint32_t flags)
{
	struct drm_syncobj_create create = { .flags = flags };

	npu_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);
	return create.handle;
}

static int export(struct world *w, uint32_t handle)
{
	struct drm_prime_handle arg = { .handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret = npu_try_ioctl(w->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &arg);

	w->file = ret ? -1 : arg.fd;
	return ret;
}

static void world_open(struct world *w)
{
	*w = (struct world) { .node = w->node, .file = -1 };
	w->fd = npu_open();
	w->vm = npu_vm_create(w->fd);
	w->base = npu_buf_create(w->fd, w->vm, BASE_VA, BASE_SIZE, 0);
	npu_put_copy(w->base.map, BYTES);
	assert_int_equal(export(w, w->base.handle), 0);
	w->q = npu_queue_create(w->fd, w->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	w->gate = syncobj(w->fd, DRM_SYNCOBJ_CREATE_SIGNALED);
	w->done = syncobj(w->fd, 0);
}

/* Also what the kernel made and could not tell. */
static void world_close(struct world *w)
{
	npu_queue_unmap(&w->q);
	munmap(w->base.map, BASE_SIZE);
	w->base.map = NULL;
	close_range(w->node + 1, ~0u, 0);
}

/* A job that copies to @dst, of which @map is a mapping. */
static void run_job(struct world *w, uint64_t dst, const uint8_t *map)
{
	const uint64_t regions[2] = { SRC_VA, dst };
	uint8_t *src = w->base.map + (SRC_VA - BASE_VA);
	uint32_t sync = npu_syncobj_create(w->fd);
	uint64_t seqno;

	for (unsigned int i = 0; i < BYTES; i++)
		src[i]++;
	src[0] |= 1;
	seqno = npu_submit(&w->q, BASE_VA, npu_put_copy(w->base.map, BYTES), regions, 2, 1, 0, sync);
	npu_syncobj_wait(w->fd, sync);
	assert_int_equal(npu_queue_result(&w->q, seqno).error, 0);
	assert_memory_equal(map, src, BYTES);
}

/* ---- The calls ---------------------------------------------------------------------------------- */

static void prepare_open(struct world *w)
{
	struct stat st;

	assert_int_equal(fstat(w->node, &st), 0);
	snprintf(w->path, sizeof(w->path), "/dev/accel/accel%u", minor(st.st_rdev));
}

static int call_open(struct world *w)
{
	w->file = open(w->path, O_RDWR | O_CLOEXEC);
	return w->file < 0 ? -errno : 0;
}

static void check_open(struct world *w)
{
	npu_info(w->file);
}

/* What is mapped would keep it open. */
static void prepare_close(struct world *w)
{
	npu_queue_unmap(&w->q);
	munmap(w->base.map, BASE_SIZE);
	w->base.map = NULL;
}

static int call_close(struct world *w)
{
	return close(w->fd) ? -errno : 0;
}

static void check_close(struct world *w)
{
	world_open(w);
}

static int call_query(struct world *w)
{
	struct drm_npu_info info;
	struct drm_npu_dev_query query = {
		.type = DRM_NPU_QUERY_INFO,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};

	return npu_try_ioctl(w->fd, DRM_IOCTL_NPU_DEV_QUERY, &query);
}

static int create(struct world *w, uint64_t size, uint32_t flags)
{
	struct drm_npu_bo_create arg = { .size = size, .flags = flags };
	int ret = npu_try_ioctl(w->fd, DRM_IOCTL_NPU_BO_CREATE, &arg);

	w->handle = ret ? 0 : arg.handle;
	w->size = size;
	return ret;
}

static int call_create_host(struct world *w)
{
	return create(w, 16 * PAGE, 0);
}

/* Not a power of two, so of more than one block. */
static int call_create_local(struct world *w)
{
	return create(w, 7 * PAGE, DRM_NPU_BO_LOCAL);
}

static void check_buffer(struct world *w)
{
	uint8_t *map = npu_bo_map(w->fd, w->handle, w->size);

	for (uint64_t i = 0; i < w->size; i += 64)
		assert_int_equal(map[i], 0);
	assert_int_equal(npu_try_vm_bind(w->fd, w->vm, DRM_NPU_VM_BIND_MAP, w->handle, OWN_VA, w->size, 0,
					 0), 0);
	run_job(w, OWN_VA + w->size - PAGE, map + w->size - PAGE);
	munmap(map, w->size);
}

static void prepare_host(struct world *w)
{
	w->handle = npu_bo_create(w->fd, 16 * PAGE, 0);
	w->size = 16 * PAGE;
}

static void prepare_local(struct world *w)
{
	w->handle = npu_bo_create(w->fd, 4 * MIB, DRM_NPU_BO_LOCAL);
	w->size = 4 * MIB;
}

static int call_mmap_offset(struct world *w)
{
	struct drm_npu_bo_mmap_offset arg = { .handle = w->handle };

	return npu_try_ioctl(w->fd, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &arg);
}

static int call_bo_info(struct world *w)
{
	struct drm_npu_bo_info arg = { .handle = w->handle };

	return npu_try_ioctl(w->fd, DRM_IOCTL_NPU_BO_INFO, &arg);
}

static int call_gem_close(struct world *w)
{
	return npu_try_ioctl(w->fd, DRM_IOCTL_GEM_CLOSE, &(struct drm_gem_close) { .handle = w->handle });
}

static void offset_of(struct world *w)
{
	struct drm_npu_bo_mmap_offset arg = { .handle = w->handle };

	npu_ioctl(w->fd, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &arg);
	w->offset = arg.offset;
}

static void prepare_mmap_host(struct world *w)
{
	prepare_host(w);
	offset_of(w);
}

static void prepare_mmap_local(struct world *w)
{
	prepare_local(w);
	offset_of(w);
}

static void prepare_mmap_results(struct world *w)
{
	struct drm_npu_queue_create arg;

	assert_int_equal(npu_try_queue_create(w->fd, w->vm, 0, 0, &arg), 0);
	w->size = PAGE;
	w->offset = arg.result_offset;
}

static int call_mmap(struct world *w)
{
	int prot = w->handle ? PROT_READ | PROT_WRITE : PROT_READ;

	w->map = mmap(NULL, w->size, prot, MAP_SHARED, w->fd, w->offset);
	return w->map == MAP_FAILED ? -errno : 0;
}

static void check_mmap(struct world *w)
{
	assert_int_equal(w->map[0], 0);
	assert_int_equal(w->map[w->size - 1], 0);
	munmap(w->map, w->size);
}

static void prepare_fault_host(struct world *w)
{
	prepare_mmap_host(w);
	assert_int_equal(call_mmap(w), 0);
}

static void prepare_fault_local(struct world *w)
{
	prepare_mmap_local(w);
	assert_int_equal(call_mmap(w), 0);
}

static void prepare_fault_results(struct world *w)
{
	prepare_mmap_results(w);
	assert_int_equal(call_mmap(w), 0);
}

/* A page fault has no errno: without memory it happens again. */
static int call_fault(struct world *w)
{
	(void)*(volatile uint8_t *)w->map;
	return 0;
}

static int call_export(struct world *w)
{
	return export(w, w->handle);
}

static void check_export(struct world *w)
{
	struct drm_prime_handle arg = { .fd = w->file };

	npu_ioctl(w->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg);
	assert_int_equal(arg.handle, w->handle);
}

static void prepare_import(struct world *w)
{
	struct udmabuf_create arg = { .size = 16 * PAGE };
	int dev = open("/dev/udmabuf", O_RDWR | O_CLOEXEC);

	arg.memfd = memfd_create("npu", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(dev >= 0 && (int)arg.memfd >= 0);
	assert_int_equal(ftruncate(arg.memfd, arg.size), 0);
	assert_int_equal(fcntl(arg.memfd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
	w->file = ioctl(dev, UDMABUF_CREATE, &arg);
	assert_true(w->file >= 0);
	w->map = mmap(NULL, arg.size, PROT_READ | PROT_WRITE, MAP_SHARED, arg.memfd, 0);
	assert_true(w->map != MAP_FAILED);
	w->size = arg.size;
}

static int call_import(struct world *w)
{
	struct drm_prime_handle arg = { .fd = w->file };
	int ret = npu_try_ioctl(w->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &arg);

	w->handle = ret ? 0 : arg.handle;
	return ret;
}

static void check_import(struct world *w)
{
	assert_int_equal(npu_try_vm_bind(w->fd, w->vm, DRM_NPU_VM_BIND_MAP, w->handle, OWN_VA, w->size, 0,
					 0), 0);
	run_job(w, OWN_VA, w->map);
	munmap(w->map, w->size);
}

static int call_vm_create(struct world *w)
{
	struct drm_npu_vm_create arg = {};
	int ret = npu_try_ioctl(w->fd, DRM_IOCTL_NPU_VM_CREATE, &arg);

	w->id = arg.id;
	return ret;
}

static void check_vm_create(struct world *w)
{
	assert_int_equal(npu_try_vm_bind(w->fd, w->id, DRM_NPU_VM_BIND_MAP, w->base.handle, OWN_VA,
					 BASE_SIZE, 0, 0), 0);
}

static void prepare_vm_destroy(struct world *w)
{
	assert_int_equal(call_vm_create(w), 0);
	check_vm_create(w);
}

static int call_vm_destroy(struct world *w)
{
	struct drm_npu_vm_destroy arg = { .id = w->id };

	return npu_try_ioctl(w->fd, DRM_IOCTL_NPU_VM_DESTROY, &arg);
}

/* Across two leaf tables and two of the level above. */
#define BIND_VA	((1ull << 30) - 2 * PAGE)

static int call_bind_host(struct world *w)
{
	return npu_try_vm_bind(w->fd, w->vm, DRM_NPU_VM_BIND_MAP, w->handle, BIND_VA, w->size, 0, 0);
}

static void check_bind_host(struct world *w)
{
	uint8_t *map = npu_bo_map(w->fd, w->handle, w->size);

	run_job(w, BIND_VA, map);
	run_job(w, BIND_VA + 3 * PAGE, map + 3 * PAGE);
	munmap(map, w->size);
}

static int call_bind_local(struct world *w)
{
	return npu_try_vm_bind(w->fd, w->vm, DRM_NPU_VM_BIND_MAP, w->handle, OWN_VA, w->size, 0, 0);
}

static void check_bind_local(struct world *w)
{
	uint8_t *map = npu_bo_map(w->fd, w->handle, w->size);

	run_job(w, OWN_VA, map);
	run_job(w, OWN_VA + w->size - PAGE, map + w->size - PAGE);
	munmap(map, w->size);
}

static void prepare_unbind(struct world *w)
{
	prepare_local(w);
	assert_int_equal(call_bind_local(w), 0);
}

/* A page out of a large one. */
static int call_unbind(struct world *w)
{
	return npu_try_vm_bind(w->fd, w->vm, DRM_NPU_VM_BIND_UNMAP, 0, OWN_VA + MIB, PAGE, 0, 0);
}

static int call_bind_async(struct world *w)
{
	struct drm_npu_vm_bind_op ops[3] = {
		{ .handle = w->handle, .va = BIND_VA, .size = w->size },
		{ .type = DRM_NPU_VM_BIND_UNMAP, .va = BIND_VA + 2 * PAGE, .size = PAGE },
		{ .handle = w->base.handle, .va = OWN_VA, .size = PAGE, .flags = DRM_NPU_VM_BIND_READONLY },
	};
	struct drm_npu_sync syncs[2] = {
		{ .handle = w->gate },
		{ .handle = w->done, .flags = DRM_NPU_SYNC_SIGNAL | DRM_NPU_SYNC_TIMELINE, .timeline_value = 1 },
	};
	struct drm_npu_vm_bind arg = {
		.vm_id = w->vm,
		.flags = DRM_NPU_VM_BIND_ASYNC,
		.ops = { .stride = sizeof(ops[0]), .count = 3, .array = (uintptr_t)ops },
		.syncs = { .stride = sizeof(syncs[0]), .count = 2, .array = (uintptr_t)syncs },
	};

	return npu_try_ioctl(w->fd, DRM_IOCTL_NPU_VM_BIND, &arg);
}

static void wait_point(struct world *w)
{
	uint64_t point = 1;
	struct drm_syncobj_timeline_wait arg = {
		.handles = (uintptr_t)&w->done,
		.points = (uintptr_t)&point,
		.timeout_nsec = INT64_MAX,
		.count_handles = 1,
	};

	npu_ioctl(w->fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &arg);
}

static void check_bind_async(struct world *w)
{
	wait_point(w);
	check_bind_host(w);
}

static int call_queue_create(struct world *w)
{
	struct drm_npu_queue_create arg;
	int ret = npu_try_queue_create(w->fd, w->vm, DRM_NPU_PRIORITY_HIGH, 0, &arg);

	w->id = arg.id;
	return ret;
}

static void prepare_queue_destroy(struct world *w)
{
	assert_int_equal(call_queue_create(w), 0);
}

static int call_queue_destroy(struct world *w)
{
	struct drm_npu_queue_destroy arg = { .id = w->id };

	return npu_try_ioctl(w->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &arg);
}

static int call_queue_state(struct world *w)
{
	struct drm_npu_queue_get_state arg = { .id = w->q.id };

	return npu_try_ioctl(w->fd, DRM_IOCTL_NPU_QUEUE_GET_STATE, &arg);
}

#define JOBS	3

static int call_submit(struct world *w)
{
	const uint64_t regions[2] = { SRC_VA, DST_VA };
	const struct drm_npu_stream stream = { .va = BASE_VA, .size = npu_put_copy(w->base.map, BYTES) };
	struct drm_npu_job jobs[JOBS];
	struct drm_npu_sync syncs[2] = {
		{ .handle = w->gate },
		{ .handle = w->done, .flags = DRM_NPU_SYNC_SIGNAL | DRM_NPU_SYNC_TIMELINE, .timeline_value = 1 },
	};

	for (int i = 0; i < JOBS; i++)
		jobs[i] = (struct drm_npu_job) {
			.region_count = 2,
			.regions = (uintptr_t)regions,
			.streams = { .stride = sizeof(stream), .count = 1, .array = (uintptr_t)&stream },
		};
	return npu_try_submit(&w->q, jobs, JOBS, syncs, 2, &w->seqno);
}

static void check_submit(struct world *w)
{
	wait_point(w);
	for (int i = 0; i < JOBS; i++)
		assert_int_equal(npu_queue_result(&w->q, w->seqno - i).error, 0);
}

static int call_perf(struct world *w)
{
	struct drm_npu_perf_core perf;
	struct drm_npu_perf_query arg = {
		.type = DRM_NPU_PERF_CORE,
		.size = sizeof(perf),
		.pointer = (uintptr_t)&perf,
	};

	return npu_try_ioctl(w->fd, DRM_IOCTL_NPU_PERF_QUERY, &arg);
}

static void open_file(struct world *w, int flags)
{
	close(w->file);
	w->file = open(w->path, flags | O_CLOEXEC);
	if (w->file < 0)
		fail_msg("%s: %s", w->path, strerror(errno));
}

static void prepare_fdinfo(struct world *w)
{
	snprintf(w->path, sizeof(w->path), "/proc/self/fdinfo/%d", w->fd);
	open_file(w, O_RDONLY);
}

static void prepare_debugfs(struct world *w)
{
	char card[32];

	npu_pci_name(w->fd, card, sizeof(card));
	snprintf(w->path, sizeof(w->path), "/sys/kernel/debug/accel/%s/npu_vms", card);
	open_file(w, O_RDONLY);
}

static int call_read(struct world *w)
{
	char text[4096];

	return pread(w->file, text, sizeof(text), 0) < 0 ? -errno : 0;
}

static void prepare_reset(struct world *w)
{
	char card[32];

	npu_pci_name(w->fd, card, sizeof(card));
	snprintf(w->path, sizeof(w->path), "/sys/bus/pci/devices/%s/reset", card);
	open_file(w, O_WRONLY);
}

/* The driver's part of it allocates nothing; what others want they may lack. */
static int call_reset(struct world *w)
{
	return write(w->file, "1", 1) < 0 ? -errno : 0;
}

static void check_reset(struct world *w)
{
	assert_int_equal(npu_sysfs(w->fd, "wedged"), 0);
}

/*
 * @twice: what the call returns the second time when it did its work and could not copy the answer
 */
struct fault_case {
	void (*prepare)(struct world *w);
	int (*call)(struct world *w);
	void (*check)(struct world *w);
	int twice;
};

/* ---- The loop ----------------------------------------------------------------------------------- */

static bool may_return(int ret)
{
	return !ret || ret == -ENOMEM || ret == -EFAULT;
}

static struct world world;

static void run_case(void **state)
{
	const struct fault_case *c = *state;
	struct world *w = &world;
	unsigned int n = 0, refused = 0;
	bool failed = true;

	w->node = npu_open();
	while (failed) {
		int ret;

		world_open(w);
		if (c->prepare)
			c->prepare(w);
		fault_begin(++n);
		ret = c->call(w);
		failed = fault_end();
		if (!may_return(ret) || (!failed && ret))
			fail_msg("fault %u: %s", n, strerror(-ret));
		if (ret) {
			int again = c->call(w);

			refused++;
			if (again && (ret != -EFAULT || again != c->twice))
				fail_msg("after fault %u (%s): %s", n, strerror(-ret), strerror(-again));
		}
		if (c->check)
			c->check(w);
		run_job(w, DST_VA, w->base.map + (DST_VA - BASE_VA));
		world_close(w);
		if (n > 1000)
			fail_msg("no end of faults");
	}
	npu_expect_empty(w->node);
	print_message("             %u faults, %u refused\n", n - 1, refused);
}

/* Also of a case that failed: what it left is not the next one's. */
static int end_case(void **state)
{
	(void)state;
	if (world.base.map)
		munmap(world.base.map, BASE_SIZE);
	if (world.q.results)
		npu_queue_unmap(&world.q);
	close_range(world.node, ~0u, 0);
	world = (struct world) {};
	return 0;
}

#define CASE(_name, _prepare, _call, _check, _twice) { \
	.name = _name, \
	.test_func = run_case, \
	.teardown_func = end_case, \
	.initial_state = &(struct fault_case) { _prepare, _call, _check, _twice }, \
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE("open", prepare_open, call_open, check_open, 0),
		CASE("close", prepare_close, call_close, check_close, 0),
		CASE("DEV_QUERY", NULL, call_query, NULL, 0),
		CASE("BO_CREATE", NULL, call_create_host, check_buffer, 0),
		CASE("BO_CREATE local", NULL, call_create_local, check_buffer, 0),
		CASE("BO_MMAP_OFFSET", prepare_host, call_mmap_offset, NULL, 0),
		CASE("BO_INFO", prepare_host, call_bo_info, NULL, 0),
		CASE("GEM_CLOSE", prepare_host, call_gem_close, NULL, 0),
		CASE("GEM_CLOSE local", prepare_local, call_gem_close, NULL, 0),
		CASE("mmap", prepare_mmap_host, call_mmap, check_mmap, 0),
		CASE("mmap local", prepare_mmap_local, call_mmap, check_mmap, 0),
		CASE("mmap results", prepare_mmap_results, call_mmap, check_mmap, 0),
		CASE("page fault", prepare_fault_host, call_fault, check_mmap, 0),
		CASE("page fault local", prepare_fault_local, call_fault, check_mmap, 0),
		CASE("page fault results", prepare_fault_results, call_fault, check_mmap, 0),
		CASE("export", prepare_host, call_export, check_export, 0),
		CASE("export local", prepare_local, call_export, check_export, 0),
		CASE("import", prepare_import, call_import, check_import, 0),
		CASE("VM_CREATE", NULL, call_vm_create, check_vm_create, 0),
		CASE("VM_DESTROY", prepare_vm_destroy, call_vm_destroy, NULL, -ENOENT),
		CASE("VM_BIND", prepare_host, call_bind_host, check_bind_host, 0),
		CASE("VM_BIND local", prepare_local, call_bind_local, check_bind_local, 0),
		CASE("VM_BIND unmap", prepare_unbind, call_unbind, check_bind_local, 0),
		CASE("VM_BIND async", prepare_host, call_bind_async, check_bind_async, 0),
		CASE("QUEUE_CREATE", NULL, call_queue_create, NULL, 0),
		CASE("QUEUE_DESTROY", prepare_queue_destroy, call_queue_destroy, NULL, -ENOENT),
		CASE("QUEUE_GET_STATE", NULL, call_queue_state, NULL, 0),
		CASE("SUBMIT", NULL, call_submit, check_submit, 0),
		CASE("PERF_QUERY", NULL, call_perf, NULL, 0),
		CASE("fdinfo", prepare_fdinfo, call_read, NULL, 0),
		CASE("debugfs", prepare_debugfs, call_read, NULL, 0),
		CASE("reset", prepare_reset, call_reset, check_reset, 0),
	};

	return cmocka_run_group_tests_name("fault", tests, setup_faults, NULL);
}
