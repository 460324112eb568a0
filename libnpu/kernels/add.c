// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Sums of two tensors, element by element: tiles of rows and columns go through the VPU in one
 * pass. Dense tensors are one long row, cut wherever it suits. Cores split rows, or the long row.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "hal/error.h"

#include "plan.h"

enum { TILE_ROWS, TILE_COLS, SLOTS };

#define MAX_STRIDE (1ull << 40)

static bool is_type(uint32_t type)
{
	return type == NPU_S8 || type == NPU_U8 || type == NPU_S32 || npu_is_float(type);
}

/* All in integers. */
static bool is_integer(const struct npu_add *d)
{
	return d->a_type == NPU_S32 && d->b_type == NPU_S32 && d->out_type == NPU_S32 &&
	       d->a_scale == 0 && d->b_scale == 0 && d->out_scale == 0 && !d->activation;
}

static int check_quantisation(const char *name, uint32_t type, float scale, int32_t zp,
			      bool integer)
{
	int64_t lo = type == NPU_S8 ? -128 : type == NPU_U8 ? 0 : INT32_MIN;
	int64_t hi = type == NPU_S8 ? 127 : type == NPU_U8 ? 255 : INT32_MAX;

	if (!is_type(type))
		return npu_fail(-EINVAL, "%s_type %u", name, type);
	if (npu_is_float(type) || integer)
		return scale == 0 && !zp ?
			       0 :
			       npu_fail(-EINVAL, "%s_scale, %s_zp: there is none", name, name);
	if (!isfinite(scale) || scale <= 0)
		return npu_fail(-EINVAL, "%s_scale: integer types need a positive one", name);
	if (zp < lo || zp > hi)
		return npu_fail(-EINVAL, "%s_zp %d", name, zp);
	return 0;
}

static int check_stride(const char *name, uint64_t *stride, uint32_t cols)
{
	if (!*stride)
		*stride = cols;
	if (*stride < cols || *stride > MAX_STRIDE)
		return npu_fail(-EINVAL, "%s_stride %llu: %u to 2^40", name,
				(unsigned long long)*stride, cols);
	return 0;
}

static int normalise(const void *desc, void *out)
{
	struct npu_add *d = out;
	int ret;

	memcpy(d, desc, sizeof(*d));
	d->rows = d->rows ? d->rows : 1;
	if (!d->cols || d->rows > 1u << 30 || d->cols > 1u << 30)
		return npu_fail(-EINVAL, "rows %u, cols %u: 1 to 2^30", d->rows, d->cols);
	if (d->b_broadcast > 1 || d->reserved)
		return npu_fail(-EINVAL, "b_broadcast is 0 or 1, reserved is zero");
	if (d->activation > NPU_ACT_ERF || (d->activation == NPU_ACT_CLIP && !(d->lo <= d->hi)))
		return npu_fail(-EINVAL, "activation %u, or lo above hi", d->activation);
	ret = check_quantisation("a", d->a_type, d->a_scale, d->a_zp, is_integer(d));
	if (!ret)
		ret = check_quantisation("b", d->b_type, d->b_scale, d->b_zp, is_integer(d));
	if (!ret)
		ret = check_quantisation("out", d->out_type, d->out_scale, d->out_zp,
					 is_integer(d));
	if (!ret)
		ret = check_stride("a", &d->a_stride, d->cols);
	if (!ret)
		ret = check_stride("b", &d->b_stride, d->cols);
	if (!ret)
		ret = check_stride("out", &d->out_stride, d->cols);
	if (!ret && (!npu_span_fits(1, 0, d->rows, d->a_stride) ||
		     !npu_span_fits(1, 0, d->rows, d->b_stride) ||
		     !npu_span_fits(1, 0, d->rows, d->out_stride)))
		ret = npu_fail(-EINVAL, "a tensor of more than 2^46 elements");
	return ret;
}

static void describe(const void *desc, struct npu_spec *spec)
{
	const struct npu_add *d = desc;
	uint32_t shape[] = { d->rows, d->cols };
	uint64_t rows = d->rows - 1;

	npu_spec_add(spec, "a", NPU_OP_REGION_A, NPU_TENSOR_INPUT, d->a_type,
		     rows * d->a_stride + d->cols, 2, shape)
		->zero_point = d->a_zp;
	if (d->b_broadcast)
		npu_spec_add(spec, "b", NPU_OP_REGION_B, NPU_TENSOR_INPUT, d->b_type, 0, 1,
			     &d->cols)
			->zero_point = d->b_zp;
	else
		npu_spec_add(spec, "b", NPU_OP_REGION_B, NPU_TENSOR_INPUT, d->b_type,
			     rows * d->b_stride + d->cols, 2, shape)
			->zero_point = d->b_zp;
	npu_spec_add(spec, "out", NPU_OP_REGION_OUT, NPU_TENSOR_OUTPUT, d->out_type,
		     rows * d->out_stride + d->cols, 2, shape)
		->zero_point = d->out_zp;
}

static void layout(const void *desc, unsigned int region, struct npu_layout *l)
{
	const struct npu_add *d = desc;
	bool one = region == NPU_OP_REGION_B && d->b_broadcast;
	uint64_t stride = region == NPU_OP_REGION_A ? d->a_stride :
			  region == NPU_OP_REGION_B ? d->b_stride :
						      d->out_stride;

	*l = (struct npu_layout){ d->cols, { one ? 1 : d->rows }, { stride } };
}

/* ---- Emission -------------------------------------------------------------------------------- */

/* The sum as it is carried out. */
struct view {
	const struct npu_add *d;
	uint64_t rows, cols;
	uint64_t a_stride, b_stride, out_stride;
};

struct range {
	uint64_t first, end;
};

static struct npu_box box_of(uint32_t region, uint32_t type, uint64_t stride, struct range r,
			     struct range c, uint32_t spm)
{
	uint32_t size = npu_type_size(type), cols = c.end - c.first;

	return (struct npu_box){
		.region = region,
		.element = size,
		.offset = (int64_t)((r.first * stride + c.first) * size),
		.size = { cols, r.end - r.first, 1, 1 },
		.mem_stride = { (int64_t)(stride * size) },
		.spm = spm,
		.spm_stride = { cols * size },
	};
}

static struct npu_vpu_operand operand(uint32_t addr, uint32_t type, float scale, int32_t zp,
				      uint32_t cols, bool broadcast)
{
	uint32_t size = npu_type_size(type);
	struct npu_vpu_operand o = { .addr = addr,
				     .space = NPU_SPACE_SPM,
				     .type = type,
				     .stride = { size, broadcast ? 0 : cols * size } };

	if (scale != 0) {
		o.flags = NPU_OPERAND_DEQUANT;
		o.zp = (uint32_t)zp;
		o.scale = npu_float_bits(scale);
	}
	return o;
}

static void emit_tile(struct npu_emit *e, const struct view *v, struct npu_slots slots[3],
		      struct range r, struct range c)
{
	const struct npu_add *d = v->d;
	uint32_t cols = c.end - c.first, os = npu_type_size(d->out_type);
	struct range row_b = d->b_broadcast ? (struct range){ 0, 1 } : r;
	uint32_t a, b, out = npu_slots_next(&slots[2]);
	struct npu_cmd_vpu cmd = { .size = { cols, r.end - r.first, 1, 1 } };
	struct npu_vpu_pipe *p = &cmd.p;
	struct npu_box box;

	a = npu_slots_next(&slots[0]);
	box = box_of(NPU_OP_REGION_A, d->a_type, v->a_stride, r, c, a);
	npu_emit_load(e, &box);
	if (!npu_slots_get(&slots[1], (d->b_broadcast ? 0 : r.first * v->cols) + c.first, &b)) {
		box = box_of(NPU_OP_REGION_B, d->b_type, v->b_stride, row_b, c, b);
		npu_emit_load(e, &box);
	}
	p->x = operand(a, d->a_type, d->a_scale, d->a_zp, cols, false);
	p->operand[p->operands++] =
		operand(b, d->b_type, d->b_scale, d->b_zp, cols, d->b_broadcast);
	p->out = (struct npu_vpu_operand){ .addr = out,
					   .space = NPU_SPACE_SPM,
					   .type = d->out_type,
					   .stride = { os, cols * os } };
	npu_emit_stage(p, is_integer(d) ? NPU_STAGE_IADD : NPU_STAGE_ADD, NPU_SRC_0, 0, 0);
	npu_emit_activation(p, d->activation, d->lo, d->hi);
	if (d->out_scale != 0) {
		npu_emit_stage(p, NPU_STAGE_DIV, NPU_SRC_IMM, 0, npu_float_bits(d->out_scale));
		npu_emit_stage(p, NPU_STAGE_QUANT, NPU_SRC_IMM, d->out_type, (uint32_t)d->out_zp);
	}
	npu_stream_vpu(e->s, &cmd);
	box = box_of(NPU_OP_REGION_OUT, d->out_type, v->out_stride, r, c, out);
	npu_emit_store(e, &box, false);
}

/* A core's part: of rows, or where there is one row, of that. */
static void emit(struct npu_emit *e, const void *problem, const struct npu_candidate *cand,
		 unsigned int core)
{
	const struct view *v = problem;
	const uint32_t *p = cand->param;
	uint64_t tile = (uint64_t)p[TILE_ROWS] * p[TILE_COLS], tiles, each, i, columns;
	struct npu_slots slots[3] = { { 0 } };

	npu_slots_spm(e, &slots[0], tile * npu_type_size(v->d->a_type), p[SLOTS]);
	npu_slots_spm(e, &slots[1],
		      (v->d->b_broadcast ? p[TILE_COLS] : tile) * npu_type_size(v->d->b_type),
		      p[SLOTS]);
	npu_slots_spm(e, &slots[2], tile * npu_type_size(v->d->out_type), p[SLOTS]);
	columns = npu_div_up(v->cols, p[TILE_COLS]);
	tiles = npu_div_up(v->rows, p[TILE_ROWS]) * columns;
	each = npu_div_up(tiles, cand->cores);
	for (i = core * each; i < npu_min((core + 1) * each, tiles) && !e->full && !e->s->error;
	     i++) {
		struct range r = { i / columns * p[TILE_ROWS], 0 };
		struct range c = { i % columns * p[TILE_COLS], 0 };

		r.end = npu_min(r.first + p[TILE_ROWS], v->rows);
		c.end = npu_min(c.first + p[TILE_COLS], v->cols);
		emit_tile(e, v, slots, r, c);
	}
	for (i = 0; i < 3; i++)
		npu_slots_free(&slots[i]);
}

static int compile(const struct npu_caps *caps, const void *desc, struct npu_effort *effort,
		   struct npu_gang *gang)
{
	static const uint32_t sizes[] = { 65536, 32768, 16384, 8192, 4096, 1024, 256, 64 };
	const struct npu_add *d = desc;
	struct view v = { d, d->rows, d->cols, d->a_stride, d->b_stride, d->out_stride };
	struct npu_search search = { .caps = caps, .problem = &v, .effort = effort, .emit = emit };
	uint64_t element =
		npu_type_size(d->a_type) + npu_type_size(d->b_type) + npu_type_size(d->out_type);
	uint32_t cores, i;

	if (v.a_stride == v.cols && v.b_stride == v.cols && v.out_stride == v.cols &&
	    !d->b_broadcast) {
		v.cols *= v.rows;
		v.rows = 1;
		v.a_stride = v.b_stride = v.out_stride = v.cols;
	}
	for (cores = caps->cores; cores; cores /= 2) {
		for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct npu_candidate c = { .cores = cores };
			uint32_t *p = c.param;
			uint64_t tiles, work = v.rows * v.cols, tile,
					share = npu_max(1, caps->lmem_bw / caps->cores);

			p[TILE_COLS] = npu_min(v.cols, sizes[i]);
			p[TILE_ROWS] = npu_max(1, npu_min(v.rows, sizes[i] / p[TILE_COLS]));
			tile = (uint64_t)p[TILE_ROWS] * p[TILE_COLS];
			p[SLOTS] =
				npu_min(3, caps->spm_size / (tile * element + 3 * NPU_EMIT_ALIGN));
			if (!p[SLOTS])
				continue;
			tiles = npu_div_up(v.rows, p[TILE_ROWS]) * npu_div_up(v.cols, p[TILE_COLS]);
			c.estimate = npu_div_up(tiles, cores) * (2 * caps->cmd_cycles +
								 work / tiles * element / share) +
				     tile * element / share + 2 * caps->lmem_latency;
			npu_search_add(&search, &c);
		}
	}
	return npu_search_run(&search, gang);
}

const struct npu_op npu_op_add = {
	.name = "add",
	.size = sizeof(struct npu_add),
	.normalise = normalise,
	.compile = compile,
	.describe = describe,
	.layout = layout,
	.in_place = 1u << NPU_OP_REGION_A | 1u << NPU_OP_REGION_B,
};
