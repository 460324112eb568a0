// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: test_kexec first KERNEL INITRAMFS
 *        test_kexec second
 *
 * A new kernel in the middle of jobs. The first kernel's half keeps the card busy, with a job that hangs and with
 * processes whose jobs write to memory all the time, and starts the new one. In the new one the card has to
 * work, and must have been reset before the new driver did so: what it wrote later would have hit the new
 * kernel's memory. The count of its resets tells, handed over on the command line.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "npu_test.h"

#define CODE_VA		0x100000ull
#define DATA_VA		0x200000ull
#define LOCAL_VA	0x40000000ull
#define SIZE		(1u << 20)
#define LONG_MS		600000
#define WRITERS		3
#define COUNT_IS	"npu_kexec="

static const char *kernel, *initramfs;

/* Function resets of the card since power-on. */
static unsigned int resets(int fd)
{
	char name[64], path[128];
	volatile uint32_t *regs;
	unsigned int value;
	int file;

	npu_pci_name(fd, name, sizeof(name));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource%d", name, NPU_BAR_REGS);
	file = open(path, O_RDWR | O_CLOEXEC);
	assert_true(file >= 0);
	regs = mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, file, 0);
	if (regs == MAP_FAILED)
		fail_msg("mmap of %s: %s", path, strerror(errno));
	value = regs[NPU_REG_RESETS / 4];
	munmap((void *)regs, 0x1000);
	close(file);
	return value;
}

/* Copies from local to host memory and back, without an end. */
static void write_all_the_time(int ready)
{
	static const uint64_t regions[2][2] = { { LOCAL_VA, DATA_VA }, { DATA_VA, LOCAL_VA } };
	int fd = npu_open();
	uint32_t vm = npu_vm_create(fd);
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = npu_syncobj_create(fd) };
	struct npu_buf code = npu_buf_create(fd, vm, CODE_VA, 4096, 0);
	struct npu_q q = npu_queue_create(fd, vm, DRM_NPU_PRIORITY_HIGH, 0);
	struct drm_npu_stream stream = { .va = CODE_VA, .size = npu_put_copy(code.map, SIZE) };
	struct drm_npu_job jobs[8];

	for (int i = 0; i < 8; i++)
		jobs[i] = (struct drm_npu_job) {
			.region_count = 2,
			.regions = (uintptr_t)regions[i & 1],
			.streams = { sizeof(stream), 1, (uintptr_t)&stream },
		};
	npu_buf_create(fd, vm, DATA_VA, SIZE, 0);
	npu_buf_create(fd, vm, LOCAL_VA, SIZE, DRM_NPU_BO_LOCAL);
	for (unsigned int i = 0;; i++) {
		/* The card is gone before the processes are. */
		if (npu_try_submit(&q, jobs, 8, &out, 1, NULL) || npu_try_syncobj_wait(fd, out.handle))
			pause();
		if (i == 1 && write(ready, "x", 1) != 1)
			_exit(1);
	}
}

static void load_kernel(unsigned int count)
{
	char line[4096];
	int files[3] = { open(kernel, O_RDONLY), open(initramfs, O_RDONLY), open("/proc/cmdline", O_RDONLY) };
	ssize_t n;

	for (int i = 0; i < 3; i++)
		assert_true(files[i] >= 0);
	n = read(files[2], line, sizeof(line) - 64);
	assert_true(n > 0);
	snprintf(line + n - 1, sizeof(line) - n, " " COUNT_IS "%u", count);
	if (syscall(SYS_kexec_file_load, files[0], files[1], strlen(line) + 1, line, 0ul))
		fail_msg("kexec_file_load: %s", strerror(errno));
	for (int i = 0; i < 3; i++)
		close(files[i]);
}

static void test_first(void **state)
{
	int fd = npu_open(), ready[2];
	uint32_t vm = npu_vm_create(fd);
	struct npu_buf code = npu_buf_create(fd, vm, CODE_VA, 4096, 0);
	struct npu_q q = npu_queue_create(fd, vm, DRM_NPU_PRIORITY_NORMAL, LONG_MS);
	const uint64_t regions[2] = { CODE_VA + 0x800, CODE_VA + 0xc00 };
	size_t len = npu_put_copy(code.map, 1);
	char c;

	(void)state;
	len += npu_put_hang(code.map + len);
	code.map[0x800] = 1;
	load_kernel(resets(fd));
	npu_submit(&q, CODE_VA, len, regions, 2, 1, 0, npu_syncobj_create(fd));
	while (!*(volatile uint8_t *)(code.map + 0xc00))
		usleep(1000);
	assert_int_equal(pipe(ready), 0);
	for (int i = 0; i < WRITERS; i++)
		if (!fork())
			write_all_the_time(ready[1]);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(read(ready[0], &c, 1), 1);
	printf("the first kernel ends\n");
	fflush(stdout);
	usleep(200000);
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_KEXEC, NULL);
	fail_msg("reboot: %s", strerror(errno));
}

static unsigned int count_before(void)
{
	char line[4096], *at;
	int file = open("/proc/cmdline", O_RDONLY);
	ssize_t n = read(file, line, sizeof(line) - 1);

	assert_true(n > 0);
	close(file);
	line[n] = 0;
	at = strstr(line, COUNT_IS);
	assert_non_null(at);
	return strtoul(at + strlen(COUNT_IS), NULL, 10);
}

/* Once by the first kernel when it ended, once by the second one's driver. */
static void test_was_reset(void **state)
{
	int fd = npu_open();

	(void)state;
	assert_int_equal(resets(fd), count_before() + 2);
	close(fd);
}

static void test_works(void **state)
{
	const uint64_t regions[2][2] = { { DATA_VA, LOCAL_VA }, { LOCAL_VA, DATA_VA + SIZE / 2 } };
	int fd = npu_open();
	uint32_t vm = npu_vm_create(fd), sync = npu_syncobj_create(fd);
	struct npu_buf code = npu_buf_create(fd, vm, CODE_VA, 4096, 0);
	struct npu_buf data = npu_buf_create(fd, vm, DATA_VA, SIZE, 0);
	struct npu_buf local = npu_buf_create(fd, vm, LOCAL_VA, SIZE, DRM_NPU_BO_LOCAL);
	struct npu_q q = npu_queue_create(fd, vm, DRM_NPU_PRIORITY_NORMAL, 0);
	size_t len = npu_put_copy(code.map, SIZE / 2);

	(void)state;
	/* Nothing of what the first kernel's processes had. */
	for (unsigned int i = 0; i < SIZE; i++)
		assert_int_equal(local.map[i], 0);
	for (unsigned int i = 0; i < SIZE / 2; i++)
		data.map[i] = i * 2654435761u >> 24;
	for (int i = 0; i < 2; i++) {
		npu_submit(&q, CODE_VA, len, regions[i], 2, 1, 0, sync);
		npu_syncobj_wait(fd, sync);
		assert_int_equal(npu_queue_result(&q, i + 1).error, 0);
	}
	assert_memory_equal(data.map, data.map + SIZE / 2, SIZE / 2);
	assert_int_equal(npu_sysfs(fd, "wedged"), 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest first[] = { cmocka_unit_test(test_first) };
	const struct CMUnitTest second[] = { cmocka_unit_test(test_was_reset), cmocka_unit_test(test_works) };

	if (argc == 4 && !strcmp(argv[1], "first")) {
		kernel = argv[2];
		initramfs = argv[3];
		return cmocka_run_group_tests_name("kexec", first, NULL, NULL);
	}
	if (argc == 2 && !strcmp(argv[1], "second"))
		return cmocka_run_group_tests_name("kexec", second, NULL, NULL);
	fprintf(stderr, "usage: test_kexec first KERNEL INITRAMFS | second\n");
	return 2;
}
