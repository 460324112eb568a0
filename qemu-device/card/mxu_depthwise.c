// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Depthwise convolution: each channel by itself, channels beside each other in the kernels.
 * Taps are cut into runs whose weights fit the scratch memory; a float's taps stay in order
 * since the runs are.
 */
#include "mxu.h"

#include <string.h>

#include "scratch.h"

/**
 * struct part - channels and taps done in one walk over the outputs
 */
struct part {
	uint32_t c0;
	uint32_t c1;
	uint64_t t0;
	uint64_t t1;
};

static void take_weights(struct npu_scratch *s, const struct npu_mxu_kernels *f,
			 const struct npu_mxu_job *j, const struct part *p, bool is_float)
{
	uint32_t c;
	uint64_t t;

	for (t = p->t0; t < p->t1; t++) {
		const uint8_t *src = j->b + (int64_t)t * j->b_stride;
		size_t row = (size_t)(t - p->t0) * NPU_DW_CHANNELS;

		if (is_float) {
			f->widen(s->dw.wf + row, src + 2 * (size_t)p->c0, p->c1 - p->c0, j->b_type);
			continue;
		}
		for (c = p->c0; c < p->c1; c++)
			s->dw.wi[row + c - p->c0] =
				(j->b_type == NPU_U8 ? src[c] : (int8_t)src[c]) -
				npu_mxu_zero(j->bz, j->bz_step, c, j->b_type, j->bz_imm);
	}
}

static void canonical(uint32_t *v, uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++)
		v[i] = (v[i] & 0x7fffffff) > 0x7f800000 ? NPU_FP32_NAN : v[i];
}

static int do_pixel(struct npu_exec *e, const struct npu_mxu_kernels *f,
		    const struct npu_mxu_job *j, const struct part *p,
		    const struct npu_mxu_pixel *pixel, bool is_float)
{
	struct npu_scratch *s = e->scratch;
	uint8_t flip = j->a_type == NPU_S8 ? 0x80 : 0;
	int32_t az = npu_mxu_zero(j->az, j->az_step, pixel->image, j->a_type, j->az_imm) + flip;
	uint8_t *out = (uint8_t *)npu_mxu_out(j, pixel) + 4 * (size_t)p->c0;
	uint32_t n = p->c1 - p->c0;
	uint32_t s0, s1;
	uint64_t t;

	if (npu_exec_poll(e, (p->t1 - p->t0) * (4 + n / 16)))
		return -1;
	if (!j->accumulate && !p->t0)
		memset(out, 0, 4 * (size_t)n);
	npu_mxu_cols(j, pixel->x, &s0, &s1);
	for (t = p->t0; t < p->t1; t++) {
		uint32_t tap_col = (uint32_t)(t % j->kernel_w);
		int64_t row = npu_mxu_row(j, pixel->y, (uint32_t)(t / j->kernel_w));
		size_t w = (size_t)(t - p->t0) * NPU_DW_CHANNELS;
		const uint8_t *a;

		if (row < 0 || row >= j->in_h || tap_col < s0 || tap_col >= s1)
			continue;
		a = npu_mxu_tile(j, pixel->image, row, npu_mxu_col(j, pixel->x, tap_col));
		if (is_float)
			f->depthwise_f32((float *)out, a + 2 * (size_t)p->c0, s->dw.wf + w, n,
					 j->a_type);
		else
			f->depthwise_i8((int32_t *)out, a + p->c0, s->dw.wi + w, n, flip, az);
	}
	if (is_float)
		canonical((uint32_t *)out, n);
	return 0;
}

int npu_mxu_depthwise(struct npu_exec *e, const struct npu_mxu_job *j)
{
	const struct npu_mxu_kernels *f = npu_mxu_kernels();
	bool is_float = j->a_type == NPU_BF16 || j->a_type == NPU_FP16;
	uint64_t taps = (uint64_t)j->kernel_h * j->kernel_w;
	struct part p;

	for (p.c0 = 0; p.c0 < j->n; p.c0 = p.c1) {
		p.c1 = j->n - p.c0 < NPU_DW_CHANNELS ? j->n : p.c0 + NPU_DW_CHANNELS;
		for (p.t0 = 0; p.t0 < taps; p.t0 = p.t1) {
			struct npu_mxu_pixel pixel = { 0 };

			p.t1 = taps - p.t0 < NPU_DW_TAPS ? taps : p.t0 + NPU_DW_TAPS;
			take_weights(e->scratch, f, j, &p, is_float);
			do {
				if (do_pixel(e, f, j, &p, &pixel, is_float))
					return -1;
			} while (npu_mxu_next(j, &pixel));
		}
	}
	return 0;
}
