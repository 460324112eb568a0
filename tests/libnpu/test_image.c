// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Images: what is written is read back; what is damaged, cut or inconsistent is refused; whatever
 * is accepted is exactly what the writer would have written.
 */
#include <time.h>

#include "common.h"
#include "hal/crc32c.h"
#include "tests/seed.h"

static const uint8_t commands[2][64] __attribute__((aligned(64))) = { { 1, 2, 3 }, { 4, 5, 6 } };
static const uint8_t constants[5000] = { 7, 8, 9 };

static const struct npu_tensor_info tensors[] = {
	{ .name = "image",
	  .role = NPU_TENSOR_INPUT,
	  .type = NPU_U8,
	  .dims = 4,
	  .shape = { 1, 28, 28, 3 },
	  .scale = 0.5f,
	  .zero_point = -3,
	  .region = 0,
	  .offset = 16 },
	{ .name = "class",
	  .role = NPU_TENSOR_OUTPUT,
	  .type = NPU_FP32,
	  .dims = 1,
	  .shape = { 10 },
	  .region = 1 },
};

static const struct npu_layer layers[] = {
	{ "conv", "Conv", "conv2d", { 123456, 789, NPU_RATE_ARRAY } },
	{ "pool", "MaxPool", "pool2d", { 0, 0, NPU_RATE_NONE } },
	{ "conv", "Conv", "map", { 0, 0, NPU_RATE_NONE } },
	{ "head", "MatMul", "matmul", { UINT64_C(1) << 40, 5, NPU_RATE_ARRAY_FLOAT } },
};

/* As before there were layers. */
static struct npu_image plain(void)
{
	return (struct npu_image){
		.isa = NPU_ISA_MAJOR << 16 | NPU_ISA_MINOR,
		.features = NPU_FEATURE_INJECT,
		.spm_size = 1 << 20,
		.acc_size = 1 << 16,
		.cores = 3,
		.tensor_count = 2,
		.code = { { commands[0], 48 }, { NULL, 0 }, { commands[1], 64 } },
		.constants = constants,
		.constants_size = sizeof(constants),
		.region = { { NPU_REGION_BOUND, NPU_REGION_READ, 3000 },
			    { NPU_REGION_BOUND, NPU_REGION_WRITE, 40 },
			    { NPU_REGION_CONSTANTS, NPU_REGION_READ, sizeof(constants) },
			    [15] = { NPU_REGION_BOUND, NPU_REGION_READ | NPU_REGION_WRITE,
				     1 << 20 } },
		.tensors = tensors,
	};
}

static struct npu_image good(void)
{
	struct npu_image image = plain();

	image.layers = layers;
	image.layer_count = 4;
	return image;
}

static void write_one(bool with_layers, void **data, size_t *size)
{
	struct npu_image image = with_layers ? good() : plain();

	test_ok(npu_image_write(&image, data, size));
}

/* Checksums as they should be, wherever the fields say the sections are. */
static void seal(void *data, size_t size)
{
	struct npu_image_header *h = data;
	unsigned int sections =
		h->version == NPU_IMAGE_VERSION_PLAIN ? NPU_IMAGE_LAYERS : NPU_IMAGE_SECTIONS;

	for (unsigned int s = 0; s < sections; s++) {
		if (h->part[s].offset <= size && h->part[s].size <= size - h->part[s].offset)
			h->part[s].crc =
				npu_crc32c(0, (uint8_t *)data + h->part[s].offset, h->part[s].size);
	}
	h->crc = 0;
	h->crc = npu_crc32c(0, h, (uint8_t *)&h->part[sections] - (uint8_t *)h);
}

static void crc_is_castagnoli(void **state)
{
	(void)state;
	/* RFC 3720, B.4, and the usual check value. */
	uint8_t bytes[32];

	assert_int_equal(npu_crc32c(0, "123456789", 9), 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(npu_crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(npu_crc32c(0, bytes, 32), 0x62a8ab43);
	assert_int_equal(npu_crc32c(npu_crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
	assert_int_equal(npu_crc32c(0, "", 0), 0);
}

static void what_is_written_is_read(void **state)
{
	struct npu_image image = good(), got;
	void *data;
	size_t size;

	(void)state;
	write_one(true, &data, &size);
	test_ok(npu_image_parse(&got, data, size));
	assert_int_equal(got.isa, image.isa);
	assert_int_equal(got.features, image.features);
	assert_int_equal(got.spm_size, image.spm_size);
	assert_int_equal(got.acc_size, image.acc_size);
	assert_int_equal(got.cores, 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(got.code[i].size, image.code[i].size);
		if (got.code[i].size)
			assert_memory_equal(got.code[i].cmds, image.code[i].cmds, got.code[i].size);
		assert_int_equal((uintptr_t)got.code[i].cmds % 16, 0);
	}
	assert_int_equal(got.constants_size, sizeof(constants));
	assert_memory_equal(got.constants, constants, sizeof(constants));
	assert_memory_equal(got.region, image.region, sizeof(image.region));
	assert_int_equal(got.tensor_count, 2);
	for (unsigned int i = 0; i < 2; i++) {
		assert_string_equal(got.tensors[i].name, tensors[i].name);
		assert_int_equal(got.tensors[i].role, tensors[i].role);
		assert_int_equal(got.tensors[i].type, tensors[i].type);
		assert_int_equal(got.tensors[i].dims, tensors[i].dims);
		assert_memory_equal(got.tensors[i].shape, tensors[i].shape,
				    sizeof(tensors[i].shape));
		assert_true(got.tensors[i].scale == tensors[i].scale);
		assert_int_equal(got.tensors[i].zero_point, tensors[i].zero_point);
		assert_int_equal(got.tensors[i].region, tensors[i].region);
		assert_int_equal(got.tensors[i].offset, tensors[i].offset);
	}
	assert_int_equal(got.tensors[0].size, 28 * 28 * 3);
	assert_int_equal(got.tensors[1].size, 40);
	assert_int_equal(got.layer_count, 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_string_equal(got.layers[i].name, layers[i].name);
		assert_string_equal(got.layers[i].op, layers[i].op);
		assert_string_equal(got.layers[i].kernel, layers[i].kernel);
		assert_int_equal(got.layers[i].work.macs, layers[i].work.macs);
		assert_int_equal(got.layers[i].work.bytes, layers[i].work.bytes);
		assert_int_equal(got.layers[i].work.rate, layers[i].work.rate);
	}
	npu_image_clear(&got);
	free(data);
}

/* The sum is of the bytes that the library wrote, and read, when there was no other version. */
static void without_layers_it_is_version_1(void **state)
{
	struct npu_image got;
	void *data;
	size_t size;

	(void)state;
	write_one(false, &data, &size);
	assert_int_equal(((struct npu_image_header *)data)->version, 1);
	assert_int_equal(size, 9096);
	assert_int_equal(npu_crc32c(0, data, size), 0xa645d577);
	test_ok(npu_image_parse(&got, data, size));
	assert_int_equal(got.layer_count, 0);
	assert_null(got.layers);
	assert_int_equal(got.tensor_count, 2);
	npu_image_clear(&got);
	free(data);
}

static void find_damage(bool with_layers)
{
	struct npu_image got;
	uint8_t *data;
	size_t size;

	write_one(with_layers, (void **)&data, &size);
	for (size_t i = 0; i < size; i++) {
		int ret;

		data[i] ^= 1 << i % 8;
		ret = npu_image_parse(&got, data, size);
		if (ret != -EBADMSG && !(ret == -ENOTSUP && i >= 8 && i < 12))
			fail_msg("byte %zu: %d", i, ret);
		assert_true(*npu_error());
		data[i] ^= 1 << i % 8;
	}
	free(data);
}

static void every_damaged_byte_is_found(void **state)
{
	(void)state;
	find_damage(false);
	find_damage(true);
}

static void find_cuts(bool with_layers)
{
	struct npu_image got;
	uint8_t *data, *cut;
	size_t size;

	write_one(with_layers, (void **)&data, &size);
	for (size_t i = 0; i < size; i++) {
		/* In memory of its own, so that a read beyond the cut is seen. */
		cut = aligned_alloc(16, (i + 16) / 16 * 16);
		assert_non_null(cut);
		memcpy(cut, data, i);
		assert_int_equal(npu_image_parse(&got, cut, i), -EBADMSG);
		free(cut);
	}
	free(data);
}

static void every_cut_is_found(void **state)
{
	(void)state;
	find_cuts(false);
	find_cuts(true);
}

/*
 * Whatever the fields say, with checksums that are right: no crash, and what is accepted is what
 * the writer writes.
 */
static void mutate(bool with_layers)
{
	unsigned int accepted = 0;
	struct npu_image got;
	uint8_t *data, *copy;
	size_t size;

	write_one(with_layers, (void **)&data, &size);
	copy = aligned_alloc(64, (size + 63) / 64 * 64);
	assert_non_null(copy);
	for (unsigned int n = 0; n < 20000; n++) {
		unsigned int changes = 1 + rand() % 3;

		memcpy(copy, data, size);
		while (changes--) {
			static const uint8_t values[] = { 0, 1, 2, 3, 15, 16, 0x7f, 0x80, 0xff };
			size_t at = rand() % (int)sizeof(struct npu_image_header);

			/* The other tables are in front, the layers' behind all. */
			if (rand() % 2)
				at = rand() % 2 ? (size_t)rand() % 1024 : size - 1 - rand() % 200;

			copy[at] = values[rand() % (int)sizeof(values)];
		}
		seal(copy, size);
		if (!npu_image_parse(&got, copy, size)) {
			size_t again_size;
			void *again;

			accepted++;
			test_ok(npu_image_write(&got, &again, &again_size));
			assert_int_equal(again_size, size);
			assert_memory_equal(again, copy, size);
			free(again);
			npu_image_clear(&got);
		}
	}
	assert_true(accepted > 0);
	free(copy);
	free(data);
}

static void mutations_are_refused_or_canonical(void **state)
{
	unsigned int seed = (unsigned int)test_seed(NULL);

	(void)state;
	print_message("seed %u\n", seed);
	srand(seed);
	mutate(false);
	mutate(true);
}

/* A layer table with sums that are right and contents that are not; @change makes them so. */
static void damage_layers(void (*change)(struct npu_image_header *h, struct npu_image_layer *l),
			  const char *word)
{
	struct npu_image_header *h;
	struct npu_image got;
	uint8_t *data;
	size_t size;

	write_one(true, (void **)&data, &size);
	h = (void *)data;
	change(h, (void *)(data + h->part[NPU_IMAGE_LAYERS].offset));
	/* A change may make it smaller. */
	size = h->size;
	seal(data, size);
	assert_int_equal(npu_image_parse(&got, data, size), -EBADMSG);
	if (!strstr(npu_error(), word))
		fail_msg("\"%s\" does not say \"%s\"", npu_error(), word);
	free(data);
}

static void change_name(struct npu_image_header *h, struct npu_image_layer *l)
{
	(void)h;
	l[1].name++;
}

static void change_order(struct npu_image_header *h, struct npu_image_layer *l)
{
	struct npu_image_layer first = l[0];

	(void)h;
	l[0] = l[1];
	l[1] = first;
}

static void change_reserved(struct npu_image_header *h, struct npu_image_layer *l)
{
	(void)h;
	l[3].reserved = 1;
}

static void change_rate(struct npu_image_header *h, struct npu_image_layer *l)
{
	(void)h;
	l[0].rate = NPU_RATES;
}

static void change_macs(struct npu_image_header *h, struct npu_image_layer *l)
{
	(void)h;
	l[0].macs = UINT64_MAX;
}

static void change_idle(struct npu_image_header *h, struct npu_image_layer *l)
{
	(void)h;
	l[2].bytes = 1;
}

static void change_count(struct npu_image_header *h, struct npu_image_layer *l)
{
	(void)l;
	/* An entry less: its names have nobody. */
	h->part[NPU_IMAGE_LAYERS].size -= sizeof(*l);
	h->size -= sizeof(*l);
}

static void change_size(struct npu_image_header *h, struct npu_image_layer *l)
{
	(void)l;
	h->part[NPU_IMAGE_LAYERS].size--;
	h->size--;
}

static void change_to_none(struct npu_image_header *h, struct npu_image_layer *l)
{
	(void)l;
	h->part[NPU_IMAGE_LAYERS].size = 0;
	h->size = h->part[NPU_IMAGE_CONSTANTS].offset + h->part[NPU_IMAGE_CONSTANTS].size;
	h->part[NPU_IMAGE_LAYERS].offset = h->size;
}

static void change_text(struct npu_image_header *h, struct npu_image_layer *l)
{
	/* The NUL between a name and its operator: then a kernel is missing at the end. */
	((char *)h)[h->part[NPU_IMAGE_NAMES].offset + l->name + strlen(layers[0].name)] = '/';
}

static void damaged_layers_are_refused(void **state)
{
	(void)state;
	damage_layers(change_name, "layer 1: its name");
	damage_layers(change_order, "layer 0: its name");
	damage_layers(change_reserved, "layer 3: its name or a reserved field");
	damage_layers(change_rate, "rate 5");
	damage_layers(change_macs, "multiply-accumulates");
	damage_layers(change_idle, "no product");
	damage_layers(change_count, "names that nothing has");
	damage_layers(change_size, "layer table: 127 bytes, should be 96");
	damage_layers(change_to_none, "0 layers");
	damage_layers(change_text, "layer 1: its name");
}

static void refuse(const struct npu_image *image, const char *word)
{
	size_t size;
	void *data;

	assert_int_equal(npu_image_write(image, &data, &size), -EINVAL);
	assert_null(data);
	if (!strstr(npu_error(), word))
		fail_msg("\"%s\" does not say \"%s\"", npu_error(), word);
}

static void inconsistent_contents_are_not_written(void **state)
{
	struct npu_tensor_info t[2];
	struct npu_layer l[4];
	struct npu_image image;

	(void)state;
#define TRY(change, word)                      \
	do {                                   \
		image = good();                \
		memcpy(t, tensors, sizeof(t)); \
		image.tensors = t;             \
		change;                        \
		refuse(&image, word);          \
	} while (0)
	TRY(image.cores = 0, "streams");
	TRY(image.cores = NPU_MAX_CORES + 1, "streams");
	TRY(image.code[0].size = 47, "stream 0");
	TRY(image.region[0].kind = 3, "region 0");
	TRY(image.region[0].flags = 4, "region 0");
	TRY(image.region[2].flags = NPU_REGION_WRITE, "constants");
	TRY(image.region[2].size--, "constants");
	TRY(image.region[3] = image.region[2], "region 3");
	TRY(memset(&image.region[2], 0, sizeof(image.region[2])), "no region");
	TRY(image.region[4].size = 1, "region 4");
	TRY(t[0].name = "", "name");
	TRY(t[1].name = "image", "image");
	TRY(t[0].role = 2, "role");
	TRY(t[0].type = NPU_TYPES, "type");
	TRY(t[0].dims = NPU_MAX_DIMS + 1, "dimensions");
	TRY(t[0].shape[1] = 0, "shape");
	TRY(t[0].shape[0] = t[0].shape[1] = t[0].shape[2] = UINT32_MAX, "shape");
	TRY(t[1].shape[1] = 1, "shape");
	TRY(t[0].scale = -1, "scale");
	TRY(t[0].scale = __builtin_nanf(""), "scale");
	TRY(t[0].scale = __builtin_inff(), "scale");
	TRY(t[0].region = 16, "region 16");
	TRY(t[0].region = 2, "region 2");
	TRY(t[0].region = 5, "region 5");
	TRY(t[0].offset = 3000, "beyond");
	TRY(t[0].offset = UINT64_MAX, "beyond");
	TRY(t[1].region = 0, "not written");
#undef TRY
#define TRY(change, word)                     \
	do {                                  \
		image = good();               \
		memcpy(l, layers, sizeof(l)); \
		image.layers = l;             \
		change;                       \
		refuse(&image, word);         \
	} while (0)
	TRY(l[0].name = "", "layer 0");
	TRY(l[1].op = "", "layer 1");
	TRY(l[2].kernel = NULL, "layer 2");
	TRY(l[0].work.rate = NPU_RATES, "rate 5");
	TRY(l[0].work.rate = NPU_RATE_NONE, "no product");
	TRY(l[1].work.bytes = 1, "no product");
	TRY(l[0].work.macs = 0, "0 multiply-accumulates");
	TRY(l[3].work.bytes = 0, "0 bytes");
	TRY(l[3].work.macs = UINT64_C(1) << 60, "multiply-accumulates");
	TRY(image.layer_count = 1 << 17, "layers");
#undef TRY
}

static void fits_names_what_is_missing(void **state)
{
	struct npu_image image = good();
	const struct npu_caps caps = {
		.isa = image.isa + 1,
		.features = image.features,
		.cores = 3,
		.spm_size = image.spm_size,
		.acc_size = image.acc_size,
	};
	struct npu_caps less;

	(void)state;
	test_ok(npu_image_fits(&image, &caps));
#define TRY(change, word)                                                  \
	do {                                                               \
		less = caps;                                               \
		change;                                                    \
		assert_int_equal(npu_image_fits(&image, &less), -ENOTSUP); \
		assert_non_null(strstr(npu_error(), word));                \
	} while (0)
	TRY(less.isa = image.isa + 0x10000, "instruction set");
	TRY(less.isa = image.isa - 1, "instruction set");
	TRY(less.features = 0, "features");
	TRY(less.cores = 2, "cores");
	TRY(less.spm_size--, "scratchpad");
	TRY(less.acc_size--, "accumulators");
#undef TRY
}

static void tensors_have_bytes(void **state)
{
	const uint32_t shape[] = { 3, 5 };

	(void)state;
	assert_int_equal(npu_tensor_bytes(NPU_S8, 2, shape), 15);
	assert_int_equal(npu_tensor_bytes(NPU_BF16, 2, shape), 30);
	assert_int_equal(npu_tensor_bytes(NPU_S64, 2, shape), 120);
	assert_int_equal(npu_tensor_bytes(NPU_S4, 2, shape), 8);
	assert_int_equal(npu_tensor_bytes(NPU_FP32, 0, shape), 4);
	assert_int_equal(npu_tensor_bytes(NPU_TYPES, 2, shape), 0);
}

static void work_takes_cycles(void **state)
{
	const struct npu_caps caps = { .cores = 2,
				       .array_rows = 64,
				       .array_cols = 32,
				       .dw_channels = 16,
				       .dw_taps = 9,
				       .float_div = 4,
				       .lmem_bw = 100 };
	static const struct {
		struct npu_work work;
		uint64_t macs, bytes;
	} cases[] = {
		{ { 4096, 0, NPU_RATE_ARRAY }, 1, 0 },
		{ { 4097, 200, NPU_RATE_ARRAY }, 2, 2 },
		{ { 4096, 201, NPU_RATE_ARRAY_FLOAT }, 4, 3 },
		{ { 2880, 2001, NPU_RATE_DEPTHWISE }, 10, 21 },
		{ { 2880, 1, NPU_RATE_DEPTHWISE_FLOAT }, 40, 1 },
		{ { 0, 0, NPU_RATE_NONE }, 0, 0 },
		{ { 0, 100, NPU_RATE_NONE }, 0, 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint64_t macs, bytes, both = npu_work_cycles(&caps, &cases[i].work, &macs, &bytes);

		assert_int_equal(macs, cases[i].macs);
		assert_int_equal(bytes, cases[i].bytes);
		assert_int_equal(both, macs > bytes ? macs : bytes);
	}
}

static void memory_must_be_aligned(void **state)
{
	struct npu_image got;
	uint8_t *data, *off;
	size_t size;

	(void)state;
	write_one(true, (void **)&data, &size);
	off = aligned_alloc(16, (size + 31) / 16 * 16);
	assert_non_null(off);
	memcpy(off + 8, data, size);
	assert_int_equal(npu_image_parse(&got, off + 8, size), -EINVAL);
	assert_int_equal(npu_image_parse(&got, NULL, 0), -EINVAL);
	free(off);
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_castagnoli),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(without_layers_it_is_version_1),
		cmocka_unit_test(damaged_layers_are_refused),
		cmocka_unit_test(every_damaged_byte_is_found),
		cmocka_unit_test(every_cut_is_found),
		cmocka_unit_test(mutations_are_refused_or_canonical),
		cmocka_unit_test(inconsistent_contents_are_not_written),
		cmocka_unit_test(fits_names_what_is_missing),
		cmocka_unit_test(tensors_have_bytes),
		cmocka_unit_test(work_takes_cycles),
		cmocka_unit_test(memory_must_be_aligned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
