// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * VPU commands. Those that only make bytes of sums are vpu_requant.c's. Without a reduction one phase
 * of stages runs over the index space. With one, the space is walked with the reduced dimensions innermost, so that the elements of one result
 * follow each other; the first phase runs over that, results gather in a chunk of their own,
 * and the second phase runs over those.
 */
#include "func.h"
#include "scratch.h"
#include "vpu.h"

/* npu_isa_check() has seen that 32 bits are enough. */
static uint64_t elements(const uint32_t size[4])
{
	return (uint64_t)size[0] * size[1] * size[2] * size[3];
}

static int run_plain(struct npu_exec *e, const struct npu_cmd_vpu *c)
{
	static const uint8_t order[4] = { 0, 1, 2, 3 };
	struct npu_vpu_scratch *s = &e->scratch->vpu;
	uint64_t left = elements(c->size);
	struct npu_vpu_walk in, out;

	npu_vpu_phase_init(&s->pre, e, &c->p, 0, c->p.stages, c->size, order, true);
	npu_vpu_walk_init(&in, e, &c->p.x, c->size, order);
	npu_vpu_walk_init(&out, e, &c->p.out, c->size, order);
	while (left) {
		unsigned int n = left < s->pre.chunk ? (unsigned int)left : s->pre.chunk;

		if (npu_exec_poll(e, (uint64_t)n * (c->p.stages + 1u)))
			return -1;
		npu_vpu_read(&in, &c->p.x, &s->in, n);
		npu_vpu_stages(e, &s->pre, &s->in, n);
		npu_vpu_write(&out, &s->in, n);
		left -= n;
	}
	return 0;
}

/* ---- Reductions -------------------------------------------------------------------------- */

/**
 * struct partial - the reduction of one result so far
 * @lane: float sums
 * @count: lanes that hold something
 * @i: integers
 * @f: float minimum or maximum
 * @begun: @i or @f holds one
 */
struct partial {
	float lane[NPU_REDUCE_LANES];
	unsigned int count;
	uint32_t i;
	float f;
	bool begun;
};

static void reduce_floats(struct partial *p, uint8_t op, const float *x, unsigned int n)
{
	const struct npu_vpu_kernels *f = npu_vpu_kernels();
	unsigned int i;

	if (op == NPU_REDUCE_SUM) {
		unsigned int lanes = n < NPU_REDUCE_LANES ? n : NPU_REDUCE_LANES;

		/* A result's elements come in pieces whose beginnings fall on lane 0. */
		for (i = p->count; i < lanes; i++)
			p->lane[i] = -0.0f;
		p->count = p->count > lanes ? p->count : lanes;
		f->sum(p->lane, x, n);
		return;
	}
	for (i = 0; i < n; i++) {
		if (!p->begun)
			p->f = x[i];
		else
			p->f = op == NPU_REDUCE_MIN ? npu_fmin(p->f, x[i]) : npu_fmax(p->f, x[i]);
		p->begun = true;
	}
}

static void reduce_integers(struct partial *p, uint8_t op, const int32_t *x, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		int32_t v = (int32_t)p->i;

		if (op == NPU_REDUCE_SUM)
			p->i += (uint32_t)x[i];
		else if (!p->begun || (op == NPU_REDUCE_MIN ? x[i] < v : x[i] > v))
			p->i = (uint32_t)x[i];
		p->begun = true;
	}
}

/* Lanes that hold nothing are -0, which adds nothing; so the tree begins where lanes are. */
static float add_lanes(struct partial *p)
{
	unsigned int width = 1, i;

	while (width < p->count)
		width *= 2;
	for (i = p->count; i < width; i++)
		p->lane[i] = -0.0f;
	for (width /= 2; width; width /= 2)
		for (i = 0; i < width; i++)
			p->lane[i] += p->lane[i + width];
	return p->lane[0];
}

static void begin(struct partial *p)
{
	p->count = 0;
	p->i = 0;
	p->begun = false;
}

static void finish(struct partial *p, uint8_t op, bool is_float, struct npu_vpu_values *res,
		   unsigned int at)
{
	res->is_float = is_float;
	if (!is_float)
		res->i[at] = (int32_t)p->i;
	else
		res->f[at] = op == NPU_REDUCE_SUM ? add_lanes(p) : p->f;
	begin(p);
}

/*
 * Dimensions in the order of the walk, reduced ones first; returns how many elements make one
 * result.
 */
static uint64_t reduce_order(const struct npu_cmd_vpu *c, uint8_t order[4], uint32_t kept[4])
{
	uint32_t reduced[4];
	unsigned int d, n = 0;

	for (d = 0; d < 4; d++) {
		bool is_reduced = c->axes >> d & 1;

		reduced[d] = is_reduced ? c->size[d] : 1;
		kept[d] = is_reduced ? 1 : c->size[d];
		if (is_reduced)
			order[n++] = (uint8_t)d;
	}
	for (d = 0; d < 4; d++)
		if (!(c->axes >> d & 1))
			order[n++] = (uint8_t)d;
	return elements(reduced);
}

static int run_reduce(struct npu_exec *e, const struct npu_cmd_vpu *c)
{
	struct npu_vpu_scratch *s = &e->scratch->vpu;
	uint64_t each, results, done = 0;
	struct npu_vpu_walk in, out;
	unsigned int ready = 0;
	struct partial p;
	uint32_t kept[4];
	uint8_t order[4];

	each = reduce_order(c, order, kept);
	results = elements(kept);
	npu_vpu_phase_init(&s->pre, e, &c->p, 0, c->p.pre, c->size, order, false);
	npu_vpu_phase_init(&s->post, e, &c->p, c->p.pre, c->p.stages - c->p.pre, kept, order, true);
	npu_vpu_walk_init(&in, e, &c->p.x, c->size, order);
	npu_vpu_walk_init(&out, e, &c->p.out, kept, order);
	begin(&p);

	while (results) {
		/* Whole results, or a piece of one that begins on lane 0. */
		unsigned int whole =
			each < NPU_VPU_CHUNK ? (unsigned int)(NPU_VPU_CHUNK / each) : 0;
		unsigned int n, i;

		if (whole > results)
			whole = (unsigned int)results;
		if (whole > s->post.chunk - ready)
			whole = s->post.chunk - ready;
		n = whole			? whole * (unsigned int)each :
		    each - done < NPU_VPU_CHUNK ? (unsigned int)(each - done) :
						  NPU_VPU_CHUNK;

		if (npu_exec_poll(e, (uint64_t)n * (c->p.stages + 1u)))
			return -1;
		npu_vpu_read(&in, &c->p.x, &s->in, n);
		npu_vpu_stages(e, &s->pre, &s->in, n);
		for (i = 0; i < n;) {
			unsigned int part = whole ? (unsigned int)each : n;

			if (s->in.is_float)
				reduce_floats(&p, c->reduce, s->in.f + i, part);
			else
				reduce_integers(&p, c->reduce, s->in.i + i, part);
			i += part;
			done += part;
			if (done == each) {
				finish(&p, c->reduce, s->in.is_float, &s->res, ready++);
				done = 0;
				results--;
			}
		}
		if (ready == s->post.chunk || (ready && !results)) {
			npu_vpu_stages(e, &s->post, &s->res, ready);
			npu_vpu_write(&out, &s->res, ready);
			ready = 0;
		}
	}
	return 0;
}

int npu_exec_vpu(struct npu_exec *e, const struct npu_cmd_vpu *c)
{
	struct npu_vpu_requant *r = &e->scratch->vpu.requant;

	if (npu_vpu_requant_match(e, c, r))
		return npu_vpu_requant(e, c, r);
	return c->reduce == NPU_REDUCE_NONE ? run_plain(e, c) : run_reduce(e, c);
}
