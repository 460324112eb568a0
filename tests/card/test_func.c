// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The VPU's functions: near the true ones, right at their ends, the same from every set of
 * kernels, and the same bits as ever (a fingerprint; it changes only with the specification).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "func.h"
#include "unit.h"

static double true_sigmoid(double x)
{
	return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

static double true_gelu(double x)
{
	return 0.5 * x * erfc(-x * 0.70710678118654752440);
}

static double true_silu(double x)
{
	return x * true_sigmoid(x);
}

/**
 * struct function - what docs/hardware.md says of one
 * @ulp: largest error in units of the last place
 * @absolute: GELU instead: largest error as a part of |x|
 * @from: for x not less than this
 */
static const struct function {
	const char *name;
	uint8_t op;
	float (*card)(float x);
	double (*truth)(double x);
	double ulp;
	double absolute;
	double from;
	uint64_t fingerprint;
} functions[] = {
	{ "exp", NPU_STAGE_EXP, npu_exp, exp, 1.0, 0, -INFINITY, 0xc06823d61afc37af },
	{ "log", NPU_STAGE_LOG, npu_log, log, 0.8, 0, 0, 0xfee7815409e1077c },
	{ "erf", NPU_STAGE_ERF, npu_erf, erf, 1.3, 0, -INFINITY, 0x53d8bfc6b39b15c4 },
	{ "sigmoid", NPU_STAGE_SIGMOID, npu_sigmoid, true_sigmoid, 2.4, 0, -INFINITY,
	  0x661a32228f21cb0b },
	{ "tanh", NPU_STAGE_TANH, npu_tanh, tanh, 1.4, 0, -INFINITY, 0xc413261fa06df406 },
	{ "gelu", NPU_STAGE_GELU, npu_gelu, true_gelu, 0, 0x1p-23, -INFINITY, 0x4375f0581952899f },
	{ "silu", NPU_STAGE_SILU, npu_silu, true_silu, 3.5, 0, -87, 0x5d237d371fbfae94 },
};

#define FUNCTIONS (sizeof(functions) / sizeof(functions[0]))
#define STEP	  8191 /* a prime: all exponents, and low bits of all kinds */

static void check_error(const struct function *f, float x)
{
	double truth = f->truth(x);
	float y = f->card(x);
	double error, allowed;
	int e;

	if (isnan(x) || isinf(x) || isnan(truth) || x < f->from)
		return;
	if (fabs(truth) >= 0x1.ffffffp127) {
		assert_true(isinf(y));
		return;
	}
	frexp(truth, &e);
	error = fabs((double)y - truth);
	allowed = f->absolute ? f->absolute * fabs((double)x) + 0x1p-149 :
				f->ulp * ldexp(1, (e < -125 ? -125 : e) - 24);
	if (error > allowed) {
		fprintf(stderr, "%s(%a) = %a, not %a\n", f->name, (double)x, (double)y, truth);
		fail();
	}
}

static void test_errors(void **state)
{
	uint64_t u;
	size_t i;

	(void)state;
	for (i = 0; i < FUNCTIONS; i++)
		for (u = 0; u < UINT64_C(1) << 32; u += STEP)
			check_error(&functions[i], npu_f32((uint32_t)u));
}

static void test_fingerprints(void **state)
{
	bool same = true;
	size_t i;

	(void)state;
	for (i = 0; i < FUNCTIONS; i++) {
		uint64_t hash = UINT64_C(0xcbf29ce484222325), u;

		for (u = 0; u < UINT64_C(1) << 32; u += STEP) {
			float y = npu_f32_canonical(functions[i].card(npu_f32((uint32_t)u)));

			hash = (hash ^ npu_f32_bits(y)) * UINT64_C(0x100000001b3);
		}
		if (hash != functions[i].fingerprint) {
			fprintf(stderr, "%s: 0x%016llx\n", functions[i].name,
				(unsigned long long)hash);
			same = false;
		}
	}
	assert_true(same);
}

static void test_ends(void **state)
{
	static const struct {
		float (*f)(float x);
		uint32_t x, y;
	} ends[] = {
		{ npu_exp, 0x7f800000, 0x7f800000 },
		{ npu_exp, 0xff800000, 0 },
		{ npu_exp, 0, 0x3f800000 },
		{ npu_exp, 0x80000000, 0x3f800000 },
		{ npu_log, 0x7f800000, 0x7f800000 },
		{ npu_log, 0, 0xff800000 },
		{ npu_log, 0x80000000, 0xff800000 },
		{ npu_log, 0xbf800000, NPU_FP32_NAN },
		{ npu_log, 0xff800000, NPU_FP32_NAN },
		{ npu_log, 0x3f800000, 0 },
		{ npu_erf, 0x7f800000, 0x3f800000 },
		{ npu_erf, 0xff800000, 0xbf800000 },
		{ npu_erf, 0x80000000, 0x80000000 },
		{ npu_sigmoid, 0x7f800000, 0x3f800000 },
		{ npu_sigmoid, 0xff800000, 0 },
		{ npu_sigmoid, 0, 0x3f000000 },
		{ npu_tanh, 0x7f800000, 0x3f800000 },
		{ npu_tanh, 0xff800000, 0xbf800000 },
		{ npu_tanh, 0x80000000, 0x80000000 },
		{ npu_gelu, 0x7f800000, 0x7f800000 },
		{ npu_gelu, 0xff800000, 0x80000000 },
		{ npu_gelu, 0x80000000, 0x80000000 },
		{ npu_silu, 0x7f800000, 0x7f800000 },
		{ npu_silu, 0xff800000, 0x80000000 },
		{ npu_silu, 0x80000000, 0x80000000 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		uint32_t y = npu_f32_bits(npu_f32_canonical(ends[i].f(npu_f32(ends[i].x))));

		if (y != ends[i].y)
			fprintf(stderr, "end %zu: %08x\n", i, y);
		assert_int_equal(y, ends[i].y);
	}
	for (i = 0; i < FUNCTIONS; i++)
		assert_int_equal(
			npu_f32_bits(npu_f32_canonical(functions[i].card(npu_f32(0xffc01234)))),
			NPU_FP32_NAN);
}

/* The loops of every set of kernels do what one call does. */
static void test_kernels(void **state)
{
	struct npu_cmd_vpu c = {
		.h = unit_cmd(NPU_OP_VPU, sizeof(c)),
		.size = { 32768, 1, 1, 1 },
		.p.stages = 1,
	};
	struct unit *u = unit_new(512u << 10, 4096);
	unsigned int k, i;
	size_t f;

	(void)state;
	c.p.x.type = NPU_FP32;
	c.p.x.stride[0] = 4;
	c.p.out = c.p.x;
	c.p.out.addr = 256u << 10;
	rnd_seed();
	unit_random(u);
	for (i = 0; i < 32768; i += 2) {
		/* Half of them where functions are not flat. */
		float x = (float)rnd_in(-3000000, 3000000) / 200000.0f;

		memcpy(u->spm + 4 * i, &x, 4);
	}
	for (k = 0; unit_kernels(k); k++) {
		for (f = 0; f < FUNCTIONS; f++) {
			c.p.stage[0].op = functions[f].op;
			assert_int_equal(unit_run(u, &c), 0);
			for (i = 0; i < 32768; i++) {
				uint32_t got, want;
				float x;

				memcpy(&x, u->spm + 4 * i, 4);
				memcpy(&got, u->spm + c.p.out.addr + 4 * i, 4);
				want = npu_f32_bits(npu_f32_canonical(functions[f].card(x)));
				if (got != want)
					fprintf(stderr, "kernels %u: %s(%a)\n", npu_exec_kernels(),
						functions[f].name, (double)x);
				assert_int_equal(got, want);
			}
		}
	}
	unit_free(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_kernels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
