// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * POOL commands: for each output pixel the taps inside are combined channel by channel, then
 * results go through the stages in chunks that follow the output's own order, whatever pixels
 * they come from.
 */
#include <string.h>

#include "scratch.h"
#include "vpu.h"

/**
 * struct window - of an output pixel, rows [r0, r1) and columns [s0, s1) of taps that lie inside
 */
struct window {
	uint32_t r0, r1;
	uint32_t s0, s1;
	int64_t row;
	int64_t col;
};

static void inside(int64_t first, uint32_t there, uint32_t dilation, uint32_t kernel, uint32_t *t0,
		   uint32_t *t1)
{
	int64_t left = (int64_t)there - first;
	int64_t lo = first < 0 ? (-first + dilation - 1) / dilation : 0;
	int64_t hi = left > 0 ? (left + dilation - 1) / dilation : 0;

	*t1 = (uint32_t)(hi < kernel ? hi : kernel);
	*t0 = (uint32_t)(lo < *t1 ? lo : *t1);
}

static struct window window_at(const struct npu_cmd_pool *c, uint32_t x, uint32_t y)
{
	struct window w;

	w.row = (int64_t)y * c->stride_h - (int16_t)c->pad_top;
	w.col = (int64_t)x * c->stride_w - (int16_t)c->pad_left;
	inside(w.row, c->in_h, c->dilation_h, c->kernel_h, &w.r0, &w.r1);
	inside(w.col, c->in_w, c->dilation_w, c->kernel_w, &w.s0, &w.s1);
	return w;
}

static unsigned int blocks_of(unsigned int n)
{
	return (n + NPU_VPU_BLOCK - 1) / NPU_VPU_BLOCK;
}

/* @n channels of the tile from @c0 on, at input (@row, @col) of image @image. */
static void read_tap(struct npu_exec *e, const struct npu_cmd_pool *c, uint32_t c0, unsigned int n,
		     int64_t col, int64_t row, uint32_t image, struct npu_vpu_values *v)
{
	static const uint8_t order[4] = { 0, 1, 2, 3 };
	const struct npu_vpu_operand *x = &c->p.x;
	const uint32_t size[4] = { n, 1, 1, 1 };
	struct npu_vpu_walk w;

	npu_vpu_walk_init(&w, e, x, size, order);
	w.base += (int64_t)c0 * (int32_t)x->stride[0] + col * (int32_t)x->stride[1] +
		  row * (int32_t)x->stride[2] + (int64_t)image * (int32_t)x->stride[3];
	npu_vpu_read(&w, x, v, n);
}

static bool x_is_float(const struct npu_vpu_operand *x)
{
	return (x->flags & NPU_OPERAND_DEQUANT) || x->type == NPU_BF16 || x->type == NPU_FP16 ||
	       x->type == NPU_FP32;
}

static void begin(const struct npu_cmd_pool *c, struct npu_vpu_scratch *s, unsigned int n)
{
	bool is_float = x_is_float(&c->p.x);
	int32_t lowest = c->p.x.type == NPU_S8 ? INT8_MIN : c->p.x.type == NPU_U8 ? 0 : INT32_MIN;
	unsigned int i;

	s->in.is_float = is_float;
	for (i = 0; i < blocks_of(n) * NPU_VPU_BLOCK; i++) {
		if (c->op == NPU_POOL_MAX && is_float)
			s->in.f[i] = -__builtin_inff();
		else if (c->op == NPU_POOL_MAX)
			s->in.i[i] = lowest;
		else
			s->in.f[i] = -0.0f;
		s->sums[i] = 0;
	}
}

static void combine(const struct npu_cmd_pool *c, struct npu_vpu_scratch *s, unsigned int n)
{
	const struct npu_vpu_kernels *f = npu_vpu_kernels();
	unsigned int i;

	if (c->op == NPU_POOL_MAX)
		f->stage(s->tap.is_float ? NPU_STAGE_MAX : NPU_STAGE_IMAX, &s->in, &s->tap, NULL, 0,
			 blocks_of(n));
	else if (s->tap.is_float)
		f->stage(NPU_STAGE_ADD, &s->in, &s->tap, NULL, 0, blocks_of(n));
	else
		for (i = 0; i < n; i++)
			s->sums[i] += s->tap.i[i];
}

static void divide(const struct npu_cmd_pool *c, struct npu_vpu_scratch *s, const struct window *w,
		   unsigned int n)
{
	bool is_float = x_is_float(&c->p.x);
	uint64_t taps = (uint64_t)(w->r1 - w->r0) * (w->s1 - w->s0);
	uint64_t by = c->op == NPU_POOL_AVG ? taps : (uint64_t)c->kernel_h * c->kernel_w;
	unsigned int i;

	s->in.is_float = true;
	for (i = 0; i < n; i++)
		s->in.f[i] = !taps ? 0.0f : (is_float ? s->in.f[i] : (float)s->sums[i]) / (float)by;
}

/* The pooled values of @n channels of an output pixel, to s->in. */
static int pool_pixel(struct npu_exec *e, const struct npu_cmd_pool *c, uint32_t c0, unsigned int n,
		      const uint32_t at[4])
{
	struct npu_vpu_scratch *s = &e->scratch->vpu;
	struct window w = window_at(c, at[1], at[2]);
	uint32_t r, t;

	begin(c, s, n);
	for (r = w.r0; r < w.r1; r++) {
		for (t = w.s0; t < w.s1; t++) {
			if (npu_exec_poll(e, 32 + n))
				return -1;
			read_tap(e, c, c0, n, w.col + (int64_t)t * c->dilation_w,
				 w.row + (int64_t)r * c->dilation_h, at[3], &s->tap);
			combine(c, s, n);
		}
	}
	if (c->op != NPU_POOL_MAX)
		divide(c, s, &w, n);
	return npu_exec_poll(e, 32 + n);
}

/* The next pixel of the output; false at the end. */
static bool next_pixel(const struct npu_cmd_pool *c, uint32_t at[4])
{
	unsigned int d;

	for (d = 1; d < 4; d++) {
		if (++at[d] < c->size[d])
			return true;
		at[d] = 0;
	}
	return false;
}

int npu_exec_pool(struct npu_exec *e, const struct npu_cmd_pool *c)
{
	static const uint8_t order[4] = { 0, 1, 2, 3 };
	struct npu_vpu_scratch *s = &e->scratch->vpu;
	uint32_t at[4] = { 0 };
	unsigned int ready = 0;
	struct npu_vpu_walk out;
	bool more = true;

	npu_vpu_phase_init(&s->post, e, &c->p, 0, c->p.stages, c->size, order, true);
	npu_vpu_walk_init(&out, e, &c->p.out, c->size, order);
	while (more) {
		uint64_t room = s->post.chunk - ready;
		unsigned int n =
			c->size[0] - at[0] < room ? c->size[0] - at[0] : (unsigned int)room;

		if (pool_pixel(e, c, at[0], n, at))
			return -1;
		memcpy(s->res.i + ready, s->in.i, n * sizeof(s->res.i[0]));
		s->res.is_float = s->in.is_float;
		ready += n;
		at[0] += n;
		if (at[0] == c->size[0]) {
			at[0] = 0;
			more = next_pixel(c, at);
		}
		if (ready == s->post.chunk || !more) {
			npu_vpu_stages(e, &s->post, &s->res, ready);
			npu_vpu_write(&out, &s->res, ready);
			ready = 0;
		}
	}
	return 0;
}
