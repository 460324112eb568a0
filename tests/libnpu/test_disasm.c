// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Listings: text as it is documented, JSON that is JSON, and bytes that are no commands.
 */
#include <ctype.h>
#include <stdio.h>

#include "npu/stream.h"

#include "common.h"

static char *list(const struct npu_code *code, enum npu_disasm_format format, int want)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_int_equal(npu_disasm(out, code, format), want);
	fclose(out);
	return text;
}

/* ---- A JSON reader that only says whether it is ---------------------------------------------- */

static const char *value(const char *p);

static const char *space(const char *p)
{
	while (p && isspace((unsigned char)*p))
		p++;
	return p;
}

static const char *string(const char *p)
{
	if (!p || *p != '"')
		return NULL;
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' || (unsigned char)*p < 0x20)
			return NULL;
	return *p ? p + 1 : NULL;
}

static const char *members(const char *p, char end, bool named)
{
	p = space(p + 1);
	if (p && *p == end)
		return p + 1;
	for (;;) {
		if (named) {
			p = space(string(space(p)));
			if (!p || *p++ != ':')
				return NULL;
		}
		p = space(value(space(p)));
		if (!p)
			return NULL;
		if (*p == end)
			return p + 1;
		if (*p++ != ',')
			return NULL;
	}
}

static const char *value(const char *p)
{
	char *end;

	if (!p)
		return NULL;
	if (*p == '{')
		return members(p, '}', true);
	if (*p == '[')
		return members(p, ']', false);
	if (*p == '"')
		return string(p);
	if (!strncmp(p, "null", 4))
		return p + 4;
	strtoll(p, &end, 10);
	return end == p ? NULL : end;
}

static void expect_json(const char *text)
{
	const char *end = space(value(space(text)));

	if (!end || *end)
		fail_msg("not JSON: %s", text);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static struct npu_stream *sample(void)
{
	struct npu_stream *s = npu_stream_create();
	struct npu_device *dev = test_open();

	test_ok(npu_stream_load(s, &(struct npu_cmd_load){ .type = NPU_S8,
							   .region = 2,
							   .offset = 0x40,
							   .size = { 64, 16, 1, 1 },
							   .mem_stride = { (uint64_t)-64 },
							   .spm_stride = { 64 } }));
	test_ok(npu_stream_matmul(
		s, &(struct npu_cmd_matmul){
			   .h = { .tag = 9 },
			   .o = { .a_type = NPU_S8, .b_type = NPU_S8, .b = 256, .b_stride = 16 },
			   .m = 4,
			   .n = 16,
			   .k = 16,
			   .a_stride = 64,
			   .acc_stride = 64 }));
	test_ok(npu_stream_vpu(
		s, &(struct npu_cmd_vpu){
			   .size = { 64, 1, 1, 1 },
			   .p = { .x = { .space = NPU_SPACE_ACC, .type = NPU_S32, .stride = { 4 } },
				  .out = { .addr = 1024, .type = NPU_U8, .stride = { 1 } },
				  .operand = { { .addr = 512, .type = NPU_S8, .stride = { 1 } } },
				  .operands = 1,
				  .stage = { { .op = NPU_STAGE_IADD, .src = NPU_SRC_0 },
					     { .op = NPU_STAGE_MUL,
					       .src = NPU_SRC_IMM,
					       .imm = 0x3f000000 },
					     { .op = NPU_STAGE_QUANT,
					       .src = NPU_SRC_IMM,
					       .src2 = NPU_U8,
					       .imm = 128 } },
				  .stages = 3 } }));
	test_ok(npu_stream_barrier(s, 0));
	test_ok(npu_stream_store(
		s, &(struct npu_cmd_store){ .region = 1, .local = 1024, .size = { 64, 1, 1, 1 } }));
	test_ok(npu_stream_sync(s, npu_device_caps(dev)));
	npu_close(dev);
	return s;
}

static struct npu_code code_of(struct npu_stream *s)
{
	struct npu_code code;
	size_t size;

	code.cmds = npu_stream_data(s, &size);
	code.size = size;
	return code;
}

static void text_lines(void **state)
{
	static const char want[] =
		"000000  LOAD    signal:1 type=s8 region=2 offset=64 spm=0x0 size=64,16,1,1 "
		"mem_stride=-64,0,0 spm_stride=64,0,0\n"
		"000080  MATMUL  wait:1 signal:6 tag:9 a_type=s8 b_type=s8 b_layout=rows a=0x0 "
		"b=0x100 b_stride=16 acc=0x0 m=4 n=16 k=16 a_stride=64 acc_stride=64\n"
		"0000e0  VPU     wait:6 size=64,1,1,1 reduce=none x: space=acc addr=0x0 type=s32 "
		"stride=4,0,0,0"
		" op0: space=spm addr=0x200 type=s8 stride=1,0,0,0 | iadd op0 | mul 0.5 | quant "
		"128 u8 |"
		" out: space=spm addr=0x400 type=u8 stride=1,0,0,0\n"
		"000230  BARRIER\n"
		"000240  STORE   space=spm local=0x400 region=1 size=64,1,1,1\n";
	struct npu_stream *s = sample();
	struct npu_code code = code_of(s);
	char *text = list(&code, NPU_DISASM_TEXT, 0);

	(void)state;
	assert_string_equal(text, want);
	free(text);
	npu_stream_free(s);
}

static void json_is_json(void **state)
{
	struct npu_stream *s = sample();
	struct npu_code code = code_of(s), none = { 0 };
	char *text = list(&code, NPU_DISASM_JSON, 0);

	(void)state;
	expect_json(text);
	assert_non_null(strstr(text, "\"command\": \"MATMUL\", \"engine\": \"MXU\", \"tag\": 9"));
	assert_non_null(strstr(text, "\"stage\": \"quant\""));
	assert_non_null(strstr(text, "\"mem_stride\": [-64, 0, 0]"));
	free(text);
	text = list(&none, NPU_DISASM_JSON, 0);
	expect_json(text);
	free(text);
	npu_stream_free(s);
}

static void no_commands(void **state)
{
	struct npu_stream *s = sample();
	struct npu_code code = code_of(s), cut = { code.cmds, 0x88 };
	char *text = list(&cut, NPU_DISASM_TEXT, -EBADMSG);

	(void)state;
	assert_non_null(strstr(text, "000080  not a command\n"));
	free(text);
	text = list(&cut, NPU_DISASM_JSON, -EBADMSG);
	expect_json(text);
	free(text);
	npu_stream_free(s);
}

/* Whatever the bytes are: no crash, no read beyond the end, JSON stays JSON. */
static void noise(void **state)
{
	struct npu_stream *s = sample();
	struct npu_code code = code_of(s);
	uint8_t *copy = aligned_alloc(16, code.size);
	unsigned int seed = 7;

	(void)state;
	assert_non_null(copy);
	for (int i = 0; i < 2000; i++) {
		struct npu_code noisy = { copy, code.size };
		char *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		memcpy(copy, code.cmds, code.size);
		for (int n = 0; n < 8; n++)
			copy[rand_r(&seed) % code.size] = rand_r(&seed);
		npu_disasm(out, &noisy, NPU_DISASM_JSON);
		fclose(out);
		expect_json(text);
		free(text);
		out = open_memstream(&text, &size);
		npu_disasm(out, &noisy, NPU_DISASM_TEXT);
		fclose(out);
		free(text);
	}
	free(copy);
	npu_stream_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines),
		cmocka_unit_test(json_is_json),
		cmocka_unit_test(no_commands),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests_name("disasm", tests, NULL, NULL);
}
