// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Unloading the driver: refused while somebody has the node open, and safe while sync files of its jobs
 * live. Wants root, a card with inject=on, and the module at /modules/npu.ko, where the VM has it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "npu_test.h"

#define CODE_VA		0x100000ull
#define SIZE		0x1000u

static int unload(void)
{
	return syscall(SYS_delete_module, "npu", O_NONBLOCK) ? -errno : 0;
}

static void load(void)
{
	int file = open("/modules/npu.ko", O_RDONLY | O_CLOEXEC);

	assert_true(file >= 0);
	if (syscall(SYS_finit_module, file, "", 0))
		fail_msg("loading the module: %s", strerror(errno));
	close(file);
}

/* Runs an empty job to its end, or hangs one and leaves; its sync file. */
static int job_of_a_closed_file(bool hang)
{
	int fd = npu_open(), file;
	uint32_t vm = npu_vm_create(fd), sync = npu_syncobj_create(fd);
	struct npu_buf code = npu_buf_create(fd, vm, CODE_VA, SIZE, 0);
	struct npu_q q = npu_queue_create(fd, vm, DRM_NPU_PRIORITY_NORMAL, 0);

	npu_submit(&q, CODE_VA, hang ? npu_put_hang(code.map) : 0, NULL, 0, 1, 0, sync);
	if (!hang)
		npu_syncobj_wait(fd, sync);
	file = npu_syncobj_export_fence(fd, sync);
	npu_queue_unmap(&q);
	munmap(code.map, SIZE);
	close(fd);
	return file;
}

static void test_refused(void **state)
{
	int fd = npu_open();

	(void)state;
	assert_int_equal(unload(), -EAGAIN);
	npu_info(fd);
	close(fd);
}

/* A mapping is as good as an open file. */
static void test_refused_by_mapping(void **state)
{
	int fd = npu_open();
	uint8_t *map = npu_bo_map(fd, npu_bo_create(fd, SIZE, 0), SIZE);

	(void)state;
	close(fd);
	assert_int_equal(unload(), -EAGAIN);
	map[0] = 1;
	munmap(map, SIZE);
}

static void test_fences_outlive(void **state)
{
	int good = job_of_a_closed_file(false), bad = job_of_a_closed_file(true), status;

	(void)state;
	assert_int_equal(unload(), 0);
	assert_int_equal(npu_sync_file_status(good), 1);
	/* Cancelled with its file or lost with the card, whichever came first. */
	status = npu_sync_file_status(bad);
	assert_true(status == -ECANCELED || status == -ENODEV);

	load();
	assert_int_equal(npu_sync_file_status(good), 1);
	assert_int_equal(npu_sync_file_status(bad), status);
	close(good);
	close(bad);
	close(job_of_a_closed_file(false));
}

/* Over and over, with a job on its way each time. */
static void test_reload(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		int file = job_of_a_closed_file(i % 2);

		assert_int_equal(unload(), 0);
		assert_int_not_equal(npu_sync_file_status(file), 0);
		close(file);
		load();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_by_mapping),
		cmocka_unit_test(test_fences_outlive),
		cmocka_unit_test(test_reload),
	};

	return cmocka_run_group_tests_name("unload", tests, NULL, NULL);
}
