// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Buffers: contents, addresses, limits, lifetimes; and the allocator of ranges below them.
 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common.h"
#include "hal/va.h"
#include "tests/seed.h"

static void memory_reads_as_zero(void **state)
{
	static const size_t sizes[] = { 1, 4095, 4096, 4097, 2 << 20, (2 << 20) + 1, 5 << 20 };
	struct npu_device *dev = test_open();

	(void)state;
	for (unsigned int flags = 0; flags < 2; flags++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct npu_buffer *buf;
			void *p;

			/* Twice, so that memory that was used before comes again. */
			for (unsigned int n = 0; n < 2; n++) {
				test_ok(npu_buffer_create(dev, sizes[i], flags, &buf));
				assert_int_equal(npu_buffer_size(buf), sizes[i]);
				test_expect(buf, sizes[i], 0);
				test_ok(npu_buffer_map(buf, &p));
				memset(p, 0xa5, sizes[i]);
				npu_buffer_release(buf);
			}
		}
	}
	npu_buffer_release(NULL);
	npu_close(dev);
}

static void addresses_do_not_touch(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_buffer *buf[20];

	(void)state;
	for (unsigned int i = 0; i < 20; i++)
		buf[i] = test_new_buffer(dev, 1 + i * 300000, i & 1, i);
	for (unsigned int i = 0; i < 20; i++) {
		test_expect(buf[i], npu_buffer_size(buf[i]), i);
		assert_int_equal(npu_buffer_address(buf[i]) % 4096, 0);
		for (unsigned int k = 0; k < i; k++) {
			uint64_t a = npu_buffer_address(buf[i]), b = npu_buffer_address(buf[k]);

			/* A page between them is bound to nothing. */
			assert_true(a >= b + npu_buffer_size(buf[k]) + 4096 ||
				    b >= a + npu_buffer_size(buf[i]) + 4096);
		}
	}
	for (unsigned int i = 0; i < 20; i++)
		npu_buffer_release(buf[i]);
	npu_close(dev);
}

static void copies_stay_inside(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_buffer *buf;
	char data[100] = "abc";
	void *p, *again;

	(void)state;
	test_ok(npu_buffer_create(dev, 100, NPU_BUFFER_HOST, &buf));
	test_ok(npu_buffer_map(buf, &p));
	test_ok(npu_buffer_map(buf, &again));
	assert_ptr_equal(p, again);
	test_ok(npu_buffer_write(buf, 97, data, 3));
	assert_memory_equal((char *)p + 97, "abc", 3);
	test_ok(npu_buffer_read(buf, 98, data, 2));
	assert_memory_equal(data, "bc", 2);
	test_ok(npu_buffer_write(buf, 100, data, 0));
	assert_int_equal(npu_buffer_write(buf, 98, data, 3), -ERANGE);
	assert_int_equal(npu_buffer_read(buf, 101, data, 0), -ERANGE);
	assert_int_equal(npu_buffer_read(buf, SIZE_MAX, data, 2), -ERANGE);
	assert_int_equal(npu_buffer_read(buf, 1, data, SIZE_MAX), -ERANGE);
	npu_buffer_release(buf);
	npu_close(dev);
}

static void bad_arguments_are_refused(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_buffer *buf = (void *)1;
	int ret;

	(void)state;
	assert_int_equal(npu_buffer_create(dev, 0, 0, &buf), -EINVAL);
	assert_null(buf);
	assert_int_equal(npu_buffer_create(dev, 4096, 2, &buf), -EINVAL);
	assert_int_equal(npu_buffer_create(dev, SIZE_MAX, 0, &buf), -EINVAL);
	ret = npu_buffer_create(dev, SIZE_MAX / 4, 0, &buf);
	assert_true(ret == -ENOMEM || ret == -EINVAL);
	assert_null(buf);
	npu_close(dev);
}

static void local_memory_ends(void **state)
{
	struct npu_memory_info before, now;
	struct npu_device *dev;
	struct npu_buffer *buf[64], *more;
	unsigned int n = 0;

	(void)state;
	if (test_is_sim())
		test_ok(npu_open(&dev, "sim:lmem=8M"));
	else
		dev = test_open();
	test_ok(npu_device_memory(dev, &before));
	while (n < 64) {
		int ret = npu_buffer_create(dev, before.local_size / 16, NPU_BUFFER_LOCAL, &buf[n]);

		if (ret) {
			assert_int_equal(ret, -ENOSPC);
			assert_non_null(strstr(npu_error(), "local memory"));
			break;
		}
		n++;
	}
	assert_in_range(n, 1, 16);
	test_ok(npu_device_memory(dev, &now));
	assert_int_equal(now.local_free, before.local_free - n * (before.local_size / 16));
	npu_buffer_release(buf[--n]);
	test_ok(npu_buffer_create(dev, before.local_size / 16, NPU_BUFFER_LOCAL, &more));
	npu_buffer_release(more);
	while (n)
		npu_buffer_release(buf[--n]);
	npu_close(dev);
}

static void a_buffer_outlives_its_device(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_buffer *buf = test_new_buffer(dev, 100, NPU_BUFFER_LOCAL, 5);

	(void)state;
	npu_close(dev);
	test_expect(buf, 100, 5);
	npu_buffer_release(buf);
}

/* The job goes on with what was released; its memory comes back afterwards. */
static void a_running_job_keeps_its_buffers(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_program *slow = test_slow_program(dev, 300);
	struct npu_program *copy = test_copy_program(dev, 4096);
	struct npu_memory_info before, after;
	struct npu_buffer *from, *middle, *to;
	struct test_job first, second;
	struct npu_queue *queue;
	struct npu_fence *fence;

	(void)state;
	test_ok(npu_device_memory(dev, &before));
	from = test_new_buffer(dev, 4096, NPU_BUFFER_LOCAL, 0x77);
	middle = test_new_buffer(dev, 4096, NPU_BUFFER_LOCAL, 0);
	to = test_new_buffer(dev, 4096, NPU_BUFFER_HOST, 0);
	test_ok(npu_queue_create(dev, NULL, &queue));
	test_copy_job(&first, slow, from, middle);
	test_copy_job(&second, copy, middle, to);
	test_ok(npu_queue_submit(queue, &first.job, 1, NULL, 0, NULL));
	test_ok(npu_queue_submit(queue, &second.job, 1, NULL, 0, &fence));
	npu_buffer_release(from);
	npu_buffer_release(middle);
	npu_program_release(slow);
	npu_program_release(copy);
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	npu_fence_release(fence);
	test_expect(to, 4096, 0x77);
	npu_buffer_release(to);
	npu_queue_release(queue);
	if (test_is_sim()) {
		test_ok(npu_device_memory(dev, &after));
		/* The programs' code was there before and is not any more. */
		assert_true(after.local_free > before.local_free);
	}
	npu_close(dev);
}

/*
 * What the card translated for a buffer that is gone must not be used for the next at its address.
 */
static void an_address_is_used_again(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_program *copy = test_copy_program(dev, 4096);
	struct npu_buffer *to = test_new_buffer(dev, 4096, NPU_BUFFER_HOST, 0);
	struct npu_queue *queue;
	uint64_t address = 0;

	(void)state;
	test_ok(npu_queue_create(dev, NULL, &queue));
	for (unsigned int i = 1; i < 20; i++) {
		struct npu_buffer *from = test_new_buffer(dev, 4096, i & 1, i);
		struct npu_fence *fence;
		struct test_job t;

		if (address)
			assert_int_equal(npu_buffer_address(from), address);
		address = npu_buffer_address(from);
		test_copy_job(&t, copy, from, to);
		test_ok(npu_queue_submit(queue, &t.job, 1, NULL, 0, &fence));
		test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
		test_expect(to, 4096, i);
		npu_fence_release(fence);
		npu_buffer_release(from);
	}
	npu_queue_release(queue);
	npu_buffer_release(to);
	npu_program_release(copy);
	npu_close(dev);
}

static void dma_bufs_carry_memory(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_buffer *buf = test_new_buffer(dev, 4096, NPU_BUFFER_HOST, 3), *same;
	int fd;

	(void)state;
	if (test_is_sim()) {
		assert_int_equal(npu_buffer_export(buf, &fd), -EOPNOTSUPP);
		assert_int_equal(npu_buffer_import(dev, 0, &same), -EOPNOTSUPP);
		assert_null(same);
	} else {
		test_ok(npu_buffer_export(buf, &fd));
		test_ok(npu_buffer_import(dev, fd, &same));
		close(fd);
		/* One goes, the other stays, though the kernel gives both one handle. */
		npu_buffer_release(buf);
		test_expect(same, 4096, 3);
		buf = same;
		assert_int_equal(npu_buffer_import(dev, -1, &same), -EBADF);
	}
	npu_buffer_release(buf);
	npu_close(dev);
}

/* Memory of one card, used by a job of another. */
static void cards_share_memory(void **state)
{
	struct npu_device *dev = test_open(), *other;
	struct npu_buffer *mine, *theirs, *to;
	struct npu_program *copy;
	struct npu_queue *queue;
	struct npu_fence *fence;
	struct test_job t;
	char name[32];
	int fd;

	(void)state;
	if (!test_other_card(dev, name)) {
		npu_close(dev);
		skip();
	}
	test_ok(npu_open(&other, name));
	copy = test_copy_program(other, 4096);
	mine = test_new_buffer(dev, 4096, NPU_BUFFER_HOST, 0x66);
	to = test_new_buffer(other, 4096, NPU_BUFFER_HOST, 0);
	test_ok(npu_buffer_export(mine, &fd));
	test_ok(npu_buffer_import(other, fd, &theirs));
	close(fd);
	assert_int_equal(npu_buffer_size(theirs), 4096);
	test_expect(theirs, 4096, 0x66);
	test_ok(npu_queue_create(other, NULL, &queue));
	test_copy_job(&t, copy, theirs, to);
	test_ok(npu_queue_submit(queue, &t.job, 1, NULL, 0, &fence));
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	test_expect(to, 4096, 0x66);
	npu_fence_release(fence);
	npu_queue_release(queue);
	npu_program_release(copy);
	npu_buffer_release(mine);
	npu_buffer_release(theirs);
	npu_buffer_release(to);
	npu_close(other);
	npu_close(dev);
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

#define LINE 4096

/* A map of the line, one byte a unit, is the whole reference. */
static void ranges_are_like_a_map(void **state)
{
	struct {
		uint64_t start, size;
	} used[256];
	unsigned int seed = (unsigned int)test_seed(NULL), count = 0;
	uint8_t map[LINE] = { 0 };
	struct npu_va va;

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	assert_int_equal(npu_va_init(&va, 64, LINE), 0);
	memset(map, 1, 64);
	for (unsigned int n = 0; n < 100000; n++) {
		uint64_t size = 1 + rand() % 64, align = UINT64_C(1) << rand() % 7, start, lowest;
		unsigned int free_units = 0;

		if (count && (count == 256 || rand() % 2)) {
			unsigned int i = rand() % count;

			npu_va_free(&va, used[i].start, used[i].size);
			memset(map + used[i].start, 0, used[i].size);
			used[i] = used[--count];
		} else {
			for (lowest = 0; lowest + size <= LINE; lowest += align) {
				if (!memchr(map + lowest, 1, size))
					break;
			}
			if (lowest + size > LINE) {
				assert_int_equal(npu_va_alloc(&va, size, align, &start), -ENOSPC);
				continue;
			}
			assert_int_equal(npu_va_alloc(&va, size, align, &start), 0);
			assert_int_equal(start, lowest);
			memset(map + start, 1, size);
			used[count].start = start;
			used[count++].size = size;
		}
		for (unsigned int i = 0; i < LINE; i++)
			free_units += !map[i];
		assert_int_equal(npu_va_bytes(&va), free_units);
	}
	while (count) {
		count--;
		npu_va_free(&va, used[count].start, used[count].size);
	}
	assert_int_equal(va.count, 1);
	assert_int_equal(npu_va_bytes(&va), LINE - 64);
	npu_va_fini(&va);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_reads_as_zero),
		cmocka_unit_test(addresses_do_not_touch),
		cmocka_unit_test(copies_stay_inside),
		cmocka_unit_test(bad_arguments_are_refused),
		cmocka_unit_test(local_memory_ends),
		cmocka_unit_test(a_buffer_outlives_its_device),
		cmocka_unit_test(a_running_job_keeps_its_buffers),
		cmocka_unit_test(an_address_is_used_again),
		cmocka_unit_test(dma_bufs_carry_memory),
		cmocka_unit_test(cards_share_memory),
		cmocka_unit_test(ranges_are_like_a_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
