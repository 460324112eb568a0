// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The stages of a pipe, applied to a chunk: which operand a stage wants, in which domain, and
 * the kernel that does it. An operand that is the same in every chunk is read once.
 */
#include <string.h>

#include "vpu.h"

static unsigned int blocks_of(unsigned int n)
{
	return (n + NPU_VPU_BLOCK - 1) / NPU_VPU_BLOCK;
}

static bool is_operand(uint8_t src)
{
	return src >= NPU_SRC_0 && src < NPU_SRC_0 + NPU_VPU_OPERANDS;
}

static bool repeats(const struct npu_vpu_operand_state *o)
{
	return o->walk.dims == 2 && o->walk.stride[1] == 0 && o->walk.size[0] <= NPU_VPU_CHUNK;
}

void npu_vpu_phase_init(struct npu_vpu_phase *ph, struct npu_exec *e,
			const struct npu_vpu_pipe *pipe, unsigned int first, unsigned int count,
			const uint32_t size[4], const uint8_t order[4], bool chunked)
{
	unsigned int i;

	ph->pipe = pipe;
	ph->first = first;
	ph->count = count;
	ph->chunk = NPU_VPU_CHUNK;
	for (i = 0; i < NPU_VPU_OPERANDS; i++) {
		ph->operand[i].used = false;
		ph->table_loaded[i] = false;
	}
	for (i = first; i < first + count; i++) {
		const struct npu_vpu_stage *s = &pipe->stage[i];

		if (s->op != NPU_STAGE_LUT && is_operand(s->src))
			ph->operand[s->src - NPU_SRC_0].used = true;
		if (s->op == NPU_STAGE_SELECT && is_operand(s->src2))
			ph->operand[s->src2 - NPU_SRC_0].used = true;
	}
	for (i = 0; i < NPU_VPU_OPERANDS; i++) {
		struct npu_vpu_operand_state *o = &ph->operand[i];

		if (!o->used)
			continue;
		npu_vpu_walk_init(&o->walk, e, &pipe->operand[i], size, order);
		o->loaded = false;
		o->fixed = o->walk.dims == 1 && o->walk.stride[0] == 0;
		/*
		 * A row that repeats, as one scale a channel does: whole rows make every chunk
		 * the same.
		 */
		if (chunked && repeats(o) && ph->chunk == NPU_VPU_CHUNK)
			ph->chunk =
				(unsigned int)(NPU_VPU_CHUNK / o->walk.size[0] * o->walk.size[0]);
	}
	for (i = 0; i < NPU_VPU_OPERANDS; i++) {
		struct npu_vpu_operand_state *o = &ph->operand[i];

		if (o->used && chunked && repeats(o) && ph->chunk % o->walk.size[0] == 0)
			o->fixed = true;
	}
}

static const struct npu_vpu_values *read_operand(struct npu_vpu_phase *ph, unsigned int i,
						 unsigned int n)
{
	struct npu_vpu_operand_state *o = &ph->operand[i];

	if (!o->loaded) {
		/*
		 * What is read once must do for the fullest chunk: of a row that repeats, more
		 * is at hand.
		 */
		uint64_t all = 1;
		unsigned int d;

		for (d = 0; d < o->walk.dims && all < ph->chunk; d++)
			all *= o->walk.size[d];
		if (o->fixed && all > n)
			n = (unsigned int)(all < ph->chunk ? all : ph->chunk);
		npu_vpu_read(&o->walk, &ph->pipe->operand[i], &o->values, n);
		o->loaded = o->fixed;
	}
	return &o->values;
}

static void splat(struct npu_vpu_values *v, uint32_t bits, bool is_float, unsigned int blocks)
{
	unsigned int i;

	for (i = 0; i < blocks * NPU_VPU_BLOCK; i++)
		v->i[i] = (int32_t)bits;
	v->is_float = is_float;
}

/*
 * The second value of a stage, of domain @is_float, not in the same memory as @x. Operands are
 * read for each chunk before its first stage (@ph->operand[].values), so a stage only looks.
 */
static const struct npu_vpu_values *second(struct npu_vpu_phase *ph, uint8_t src, uint32_t imm,
					   const struct npu_vpu_values *x,
					   struct npu_vpu_values *tmp, bool is_float,
					   unsigned int blocks)
{
	const struct npu_vpu_values *v = x;

	if (src == NPU_SRC_NONE)
		return NULL;
	if (src == NPU_SRC_IMM) {
		splat(tmp, imm, is_float, blocks);
		return tmp;
	}
	if (is_operand(src))
		v = &ph->operand[src - NPU_SRC_0].values;
	if (v != x && v->is_float == is_float)
		return v;
	memcpy(tmp->i, v->i, (size_t)blocks * NPU_VPU_BLOCK * sizeof(tmp->i[0]));
	tmp->is_float = v->is_float;
	if (is_float && !tmp->is_float)
		npu_vpu_kernels()->to_float(tmp, blocks);
	return tmp;
}

static void look_up(struct npu_exec *e, struct npu_vpu_phase *ph, unsigned int i,
		    struct npu_vpu_values *x, unsigned int n)
{
	static const uint32_t size[4] = { 256, 1, 1, 1 };
	static const uint8_t order[4] = { 0, 1, 2, 3 };
	struct npu_vpu_values *table = &ph->table[i];
	unsigned int j;

	if (!ph->table_loaded[i]) {
		struct npu_vpu_operand o = ph->pipe->operand[i];
		struct npu_vpu_walk w;

		o.stride[0] = npu_vpu_size(o.type);
		npu_vpu_walk_init(&w, e, &o, size, order);
		npu_vpu_read(&w, &o, table, 256);
		ph->table_loaded[i] = true;
	}
	for (j = 0; j < n; j++)
		x->i[j] = table->i[x->i[j] & 255];
	x->is_float = table->is_float;
}

void npu_vpu_stages(struct npu_exec *e, struct npu_vpu_phase *ph, struct npu_vpu_values *x,
		    unsigned int n)
{
	const struct npu_vpu_kernels *f = npu_vpu_kernels();
	unsigned int blocks = blocks_of(n);
	unsigned int i;

	for (i = 0; i < NPU_VPU_OPERANDS; i++)
		if (ph->operand[i].used)
			read_operand(ph, i, n);

	for (i = ph->first; i < ph->first + ph->count; i++) {
		const struct npu_vpu_stage *s = &ph->pipe->stage[i];
		const struct npu_vpu_values *y, *z = NULL;
		bool is_float = s->op >= NPU_STAGE_ADD && s->op < NPU_STAGE_QUANT;

		if (s->op == NPU_STAGE_NOP)
			continue;
		if (s->op == NPU_STAGE_LUT) {
			look_up(e, ph, s->src - NPU_SRC_0, x, n);
			continue;
		}
		if ((is_float || s->op == NPU_STAGE_QUANT) && !x->is_float)
			f->to_float(x, blocks);
		y = second(ph, s->src, s->imm, x, &ph->y, is_float, blocks);
		if (s->op == NPU_STAGE_SELECT)
			z = second(ph, s->src2, 0, x, &ph->z, true, blocks);
		f->stage(s->op, x, y, z, s->src2, blocks);
	}
}
