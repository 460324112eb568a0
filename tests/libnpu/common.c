// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What libnpu's tests of the hal share.
 */
#include "common.h"

const char *test_device_name(void)
{
	const char *name = getenv("NPU_DEVICE");

	return name && *name ? name : "sim:inject=on";
}

bool test_is_sim(void)
{
	return !strncmp(test_device_name(), "sim:", 4);
}

int test_setup(void **state)
{
	struct test_fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->dev = test_open();
	test_ok(npu_queue_create(f->dev, NULL, &f->queue));
	*state = f;
	return 0;
}

int test_teardown(void **state)
{
	struct test_fixture *f = *state;

	npu_queue_release(f->queue);
	npu_close(f->dev);
	free(f);
	return 0;
}

bool test_other_card(struct npu_device *dev, char name[32])
{
	struct npu_device_entry e[8];
	int count = npu_device_list(e, 8);

	for (int i = 0; !test_is_sim() && i < count && i < 8; i++) {
		if (strcmp(e[i].name, npu_device_name(dev))) {
			strcpy(name, e[i].name);
			return true;
		}
	}
	return false;
}

void test_ok_at(int ret, const char *what, const char *file, int line)
{
	if (!ret)
		return;
	print_error("%s: %d (%s)\n", what, ret, npu_error());
	_fail(file, line);
}

struct npu_device *test_open(void)
{
	struct npu_device *dev;

	test_ok(npu_open(&dev, test_device_name()));
	return dev;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static void *append(struct test_code *code, uint8_t opcode, uint16_t size, uint8_t wait,
		    uint8_t signal)
{
	struct npu_cmd *h;
	uint8_t *data;

	data = aligned_alloc(64, (code->size + size + 63) / 64 * 64);
	assert_non_null(data);
	if (code->size)
		memcpy(data, code->data, code->size);
	free(code->data);
	code->data = data;
	h = (struct npu_cmd *)(data + code->size);
	memset(h, 0, size);
	h->opcode = opcode;
	h->size = size;
	h->wait[0] = wait;
	h->signal[0] = signal;
	for (unsigned int i = 1; i < NPU_CMD_SEMS; i++) {
		h->wait[i] = NPU_SEM_NONE;
		h->signal[i] = NPU_SEM_NONE;
	}
	h->tag = code->size;
	code->size += size;
	return h;
}

void test_load(struct test_code *code, unsigned int region, uint64_t offset, uint32_t spm,
	       uint32_t size, uint8_t wait, uint8_t signal)
{
	struct npu_cmd_load *c = append(code, NPU_OP_LOAD, sizeof(*c), wait, signal);

	c->type = NPU_S8;
	c->region = region;
	c->offset = offset;
	c->spm = spm;
	c->size[0] = size;
	for (unsigned int d = 1; d < 4; d++)
		c->size[d] = 1;
}

void test_store(struct test_code *code, unsigned int region, uint64_t offset, uint32_t spm,
		uint32_t size, uint8_t wait, uint8_t signal)
{
	struct npu_cmd_store *c = append(code, NPU_OP_STORE, sizeof(*c), wait, signal);

	c->space = NPU_SPACE_SPM;
	c->region = region;
	c->local = spm;
	c->offset = offset;
	c->size[0] = size;
	for (unsigned int d = 1; d < 4; d++)
		c->size[d] = 1;
}

/* ---- Programs -------------------------------------------------------------------------------- */

struct npu_image test_image(const struct npu_caps *caps, const struct test_code *code)
{
	return (struct npu_image){
		.isa = caps->isa,
		.spm_size = 65536,
		.acc_size = 4096,
		.cores = 1,
		.code[0] = { .cmds = code->data, .size = code->size },
	};
}

struct npu_program *test_program(struct npu_device *dev, const struct npu_image *image,
				 struct test_code *code)
{
	struct npu_program *prog;
	size_t size;
	void *data;

	test_ok(npu_image_write(image, &data, &size));
	free(code->data);
	*code = (struct test_code){ 0 };
	test_ok(npu_program_create(dev, data, size, &prog));
	free(data);
	return prog;
}

static struct npu_region_info bound(uint32_t flags, uint64_t size)
{
	return (struct npu_region_info){ NPU_REGION_BOUND, flags, size };
}

static struct npu_tensor_info bytes_tensor(const char *name, uint32_t role, uint32_t region,
					   uint32_t size)
{
	return (struct npu_tensor_info){
		.name = name,
		.role = role,
		.type = NPU_U8,
		.dims = 1,
		.shape = { size },
		.region = region,
	};
}

void *test_copy_image(const struct npu_caps *caps, uint32_t size, size_t *image_size)
{
	const struct npu_tensor_info tensors[] = {
		bytes_tensor("from", NPU_TENSOR_INPUT, 0, size),
		bytes_tensor("to", NPU_TENSOR_OUTPUT, 1, size),
	};
	struct test_code code = { 0 };
	struct npu_image image;
	void *data;

	test_load(&code, 0, 0, 0, size, NPU_SEM_NONE, 0);
	test_store(&code, 1, 0, 0, size, 0, NPU_SEM_NONE);
	image = test_image(caps, &code);
	image.region[0] = bound(NPU_REGION_READ, size);
	image.region[1] = bound(NPU_REGION_WRITE, size);
	image.tensors = tensors;
	image.tensor_count = 2;
	test_ok(npu_image_write(&image, &data, image_size));
	free(code.data);
	return data;
}

struct npu_program *test_copy_program(struct npu_device *dev, uint32_t size)
{
	struct npu_program *prog;
	size_t image_size;
	void *image = test_copy_image(npu_device_caps(dev), size, &image_size);

	test_ok(npu_program_create(dev, image, image_size, &prog));
	free(image);
	return prog;
}

void test_copy_job(struct test_job *job, struct npu_program *prog, struct npu_buffer *from,
		   struct npu_buffer *to)
{
	*job = (struct test_job){
		.binding = { { .region = 0, .buffer = from }, { .region = 1, .buffer = to } },
	};
	job->job = (struct npu_job){
		.program = prog,
		.bindings = job->binding,
		.binding_count = 2,
	};
}

struct npu_program *test_gather_program(struct npu_device *dev)
{
	struct test_code code = { 0 };
	struct npu_cmd_gather *g;
	struct npu_image image;

	test_load(&code, 1, 0, 0, 4, NPU_SEM_NONE, NPU_SEM_NONE);
	g = append(&code, NPU_OP_GATHER, sizeof(*g), NPU_SEM_NONE, 0);
	g->type = NPU_S32;
	g->row_stride = 16;
	g->rows = 4;
	g->count = 1;
	g->row_bytes = 16;
	g->spm = 64;
	g->spm_stride = 16;
	test_store(&code, 2, 0, 64, 16, 0, NPU_SEM_NONE);
	image = test_image(npu_device_caps(dev), &code);
	image.region[0] = bound(NPU_REGION_READ, 64);
	image.region[1] = bound(NPU_REGION_READ, 4);
	image.region[2] = bound(NPU_REGION_WRITE, 16);
	return test_program(dev, &image, &code);
}

struct npu_program *test_slow_program(struct npu_device *dev, unsigned int times)
{
	const uint32_t size = 4096;
	struct test_code code = { 0 };
	struct npu_image image;

	for (unsigned int i = 0; i < times; i++) {
		test_load(&code, 0, 0, 0, size, i ? 1 : NPU_SEM_NONE, 0);
		test_store(&code, 1, 0, 0, size, 0, i + 1 < times ? 1 : NPU_SEM_NONE);
	}
	image = test_image(npu_device_caps(dev), &code);
	image.region[0] = bound(NPU_REGION_READ, size);
	image.region[1] = bound(NPU_REGION_WRITE, size);
	return test_program(dev, &image, &code);
}

bool test_can_hang(struct npu_device *dev)
{
	return npu_device_caps(dev)->features & NPU_FEATURE_INJECT;
}

struct npu_program *test_hang_program(struct npu_device *dev)
{
	struct test_code code = { 0 };
	struct npu_image image;

	append(&code, NPU_OP_HANG, sizeof(struct npu_cmd), NPU_SEM_NONE, NPU_SEM_NONE);
	image = test_image(npu_device_caps(dev), &code);
	image.features = NPU_FEATURE_INJECT;
	return test_program(dev, &image, &code);
}

/* ---- Buffers --------------------------------------------------------------------------------- */

struct npu_buffer *test_new_buffer(struct npu_device *dev, size_t size, unsigned int flags,
				   uint8_t fill)
{
	struct npu_buffer *buf;
	void *p;

	test_ok(npu_buffer_create(dev, size, flags, &buf));
	test_ok(npu_buffer_map(buf, &p));
	memset(p, fill, size);
	return buf;
}

void test_expect(struct npu_buffer *buf, size_t size, uint8_t fill)
{
	uint8_t *data = malloc(size);

	assert_non_null(data);
	test_ok(npu_buffer_read(buf, 0, data, size));
	for (size_t i = 0; i < size; i++)
		assert_int_equal(data[i], fill);
	free(data);
}
