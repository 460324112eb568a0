// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Programs: from images and files, what they tell, what is refused, constants.
 */
#include <stdio.h>
#include <unistd.h>

#include "common.h"

static void a_program_tells_its_tensors(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_program *prog = test_copy_program(dev, 1000);
	const struct npu_tensor_info *t;

	(void)state;
	npu_close(dev);
	assert_int_equal(npu_program_cores(prog), 1);
	assert_int_equal(npu_program_tensors(prog), 2);
	t = npu_program_tensor(prog, 1);
	assert_string_equal(t->name, "to");
	assert_int_equal(t->role, NPU_TENSOR_OUTPUT);
	assert_int_equal(t->region, 1);
	assert_int_equal(t->size, 1000);
	assert_null(npu_program_tensor(prog, 2));
	assert_int_equal(npu_program_region(prog, 0)->kind, NPU_REGION_BOUND);
	assert_int_equal(npu_program_region(prog, 1)->size, 1000);
	assert_int_equal(npu_program_region(prog, 2)->kind, NPU_REGION_NONE);
	assert_null(npu_program_region(prog, 16));
	npu_program_release(prog);
	npu_program_release(NULL);
}

static void run_copy(struct npu_device *dev, struct npu_program *prog)
{
	struct npu_buffer *from = test_new_buffer(dev, 512, NPU_BUFFER_HOST, 9);
	struct npu_buffer *to = test_new_buffer(dev, 512, NPU_BUFFER_LOCAL, 0);
	struct npu_queue *queue;
	struct npu_fence *fence;
	struct test_job job;

	test_ok(npu_queue_create(dev, NULL, &queue));
	test_copy_job(&job, prog, from, to);
	test_ok(npu_queue_submit(queue, &job.job, 1, NULL, 0, &fence));
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	test_expect(to, 512, 9);
	npu_fence_release(fence);
	npu_queue_release(queue);
	npu_buffer_release(from);
	npu_buffer_release(to);
}

static void files_are_loaded(void **state)
{
	char path[] = P_tmpdir "/npu-test-XXXXXX";
	struct npu_device *dev = test_open();
	struct npu_program *prog;
	size_t size;
	void *image = test_copy_image(npu_device_caps(dev), 512, &size);
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(npu_program_load(dev, path, &prog), -EBADMSG);
	assert_null(prog);
	assert_int_equal(write(fd, image, size), size);
	test_ok(npu_program_load(dev, path, &prog));
	run_copy(dev, prog);
	npu_program_release(prog);
	assert_int_equal(ftruncate(fd, size - 1), 0);
	assert_int_equal(npu_program_load(dev, path, &prog), -EBADMSG);
	close(fd);
	unlink(path);
	assert_int_equal(npu_program_load(dev, path, &prog), -ENOENT);
	assert_non_null(strstr(npu_error(), path));
	assert_int_equal(npu_program_load(dev, P_tmpdir, &prog), -EBADMSG);
	free(image);
	npu_close(dev);
}

static void refuse(struct npu_device *dev, const struct npu_image *image, int err, const char *word)
{
	struct npu_program *prog;
	size_t size;
	void *data;

	test_ok(npu_image_write(image, &data, &size));
	assert_int_equal(npu_program_create(dev, data, size, &prog), err);
	assert_null(prog);
	if (!strstr(npu_error(), word))
		fail_msg("\"%s\" does not say \"%s\"", npu_error(), word);
	free(data);
}

static void what_the_card_lacks_is_named(void **state)
{
	struct npu_device *dev = test_open();
	const struct npu_caps *caps = npu_device_caps(dev);
	struct test_code code = { 0 };
	struct npu_image image;

	(void)state;
	image = test_image(caps, &code);
	image.spm_size = caps->spm_size + 16;
	refuse(dev, &image, -ENOTSUP, "scratchpad");
	image = test_image(caps, &code);
	image.isa += 0x10000;
	refuse(dev, &image, -ENOTSUP, "instruction set");
	image = test_image(caps, &code);
	image.features = 1u << 31;
	refuse(dev, &image, -ENOTSUP, "features");
	if (caps->cores < NPU_MAX_CORES) {
		image = test_image(caps, &code);
		image.cores = caps->cores + 1;
		refuse(dev, &image, -ENOTSUP, "cores");
	}
	npu_close(dev);
}

/* One command after the other is spoilt; each is found before anything runs. */
static void bad_commands_are_refused(void **state)
{
	struct npu_device *dev = test_open();
	struct test_code code = { 0 };
	struct npu_cmd_load *load;
	struct npu_cmd_load kept;
	struct npu_image image;

	(void)state;
	test_load(&code, 0, 0, 0, 64, NPU_SEM_NONE, 0);
	test_store(&code, 1, 0, 0, 64, 0, NPU_SEM_NONE);
	load = (struct npu_cmd_load *)code.data;
	kept = *load;
	image = test_image(npu_device_caps(dev), &code);
	image.region[0] = (struct npu_region_info){ NPU_REGION_BOUND, NPU_REGION_READ, 64 };
	image.region[1] = (struct npu_region_info){ NPU_REGION_BOUND, NPU_REGION_WRITE, 64 };
#define TRY(change)                                    \
	do {                                           \
		*load = kept;                          \
		change;                                \
		refuse(dev, &image, -EBADMSG, "");     \
		assert_true(strlen(npu_error()) > 10); \
	} while (0)
	TRY(load->h.opcode = 0x7f);
	TRY(load->h.opcode = NPU_OP_HANG);
	TRY(load->h.size += 16);
	TRY(load->h.flags = 1);
	TRY(load->type = NPU_TYPES);
	TRY(load->reserved1 = 1);
	TRY(load->spm = image.spm_size - 63); /* beyond what the image says it needs */
	TRY(load->offset = 1); /* beyond the region's end */
	TRY(load->offset = -1);
	TRY(load->region = 2); /* not a region */
	TRY(load->region = 1); /* a region that is only written */
	TRY(load->h.signal[0] = NPU_SEM_NONE); /* deadlock */
	TRY(load->h.signal[0] = NPU_SEMAPHORES);
	TRY(load->h.signal[1] = 1); /* left over */
	TRY(load->h.wait[0] = 2);
#undef TRY
	free(code.data);
	npu_close(dev);
}

static void constants_are_bound_by_the_library(void **state)
{
	static uint8_t constants[9000];
	struct npu_device *dev = test_open();
	struct test_code code = { 0 };
	struct npu_program *prog;
	struct npu_buffer *to;
	struct npu_queue *queue;
	struct npu_fence *fence;
	struct npu_image image;
	struct npu_binding binding = { .region = 3 };
	struct npu_job job = { .bindings = &binding, .binding_count = 1 };
	uint8_t got[9000];

	(void)state;
	for (unsigned int i = 0; i < sizeof(constants); i++)
		constants[i] = i * 7;
	test_load(&code, 5, 0, 0, 9000, NPU_SEM_NONE, 0);
	test_store(&code, 3, 0, 0, 9000, 0, NPU_SEM_NONE);
	image = test_image(npu_device_caps(dev), &code);
	image.region[3] = (struct npu_region_info){ NPU_REGION_BOUND, NPU_REGION_WRITE, 9000 };
	image.region[5] = (struct npu_region_info){ NPU_REGION_CONSTANTS, NPU_REGION_READ, 9000 };
	image.constants = constants;
	image.constants_size = 9000;
	prog = test_program(dev, &image, &code);
	to = test_new_buffer(dev, 9000, NPU_BUFFER_HOST, 0);
	test_ok(npu_queue_create(dev, NULL, &queue));
	job.program = prog;
	binding.buffer = to;
	test_ok(npu_queue_submit(queue, &job, 1, NULL, 0, &fence));
	test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	npu_fence_release(fence);
	test_ok(npu_buffer_read(to, 0, got, sizeof(got)));
	assert_memory_equal(got, constants, sizeof(got));

	/* They are not the caller's to bind. */
	binding.region = 5;
	assert_int_equal(npu_queue_submit(queue, &job, 1, NULL, 0, &fence), -EINVAL);
	npu_queue_release(queue);
	npu_buffer_release(to);
	npu_program_release(prog);
	npu_close(dev);
}

/* Code and constants go to host memory when local memory is full, and the program runs. */
static void full_local_memory_does_not_matter(void **state)
{
	struct npu_memory_info info;
	struct npu_device *dev;
	struct npu_program *prog;
	struct npu_buffer *all;

	(void)state;
	if (!test_is_sim())
		skip();
	test_ok(npu_open(&dev, "sim:lmem=2M"));
	test_ok(npu_device_memory(dev, &info));
	test_ok(npu_buffer_create(dev, info.local_free - 4096, NPU_BUFFER_LOCAL, &all));
	prog = test_copy_program(dev, 512); /* takes the last page */
	npu_program_release(prog);
	npu_buffer_release(all);
	test_ok(npu_buffer_create(dev, info.local_free, NPU_BUFFER_LOCAL, &all));
	prog = test_copy_program(dev, 512);
	npu_program_release(prog);
	npu_buffer_release(all);
	npu_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_tells_its_tensors),
		cmocka_unit_test(files_are_loaded),
		cmocka_unit_test(what_the_card_lacks_is_named),
		cmocka_unit_test(bad_commands_are_refused),
		cmocka_unit_test(constants_are_bound_by_the_library),
		cmocka_unit_test(full_local_memory_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
