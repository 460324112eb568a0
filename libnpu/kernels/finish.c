// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * From a tile of sums in ACC to memory: the stages of struct npu_epilogue in one VPU pass, then a
 * STORE.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "hal/error.h"

#include "emit.h"

static bool vpu_type(uint32_t type)
{
	return type == NPU_S8 || type == NPU_U8 || type == NPU_S32 || npu_is_float(type);
}

/* A zero point that type can hold. */
static bool zero_point_fits(uint32_t type, int32_t zp)
{
	if (type == NPU_S8)
		return zp >= -128 && zp <= 127;
	if (type == NPU_U8)
		return zp >= 0 && zp <= 255;
	return type == NPU_S32 || zp == 0;
}

int npu_epilogue_check(const struct npu_epilogue *ep)
{
	if (!vpu_type(ep->out_type))
		return npu_fail(-EINVAL, "epilogue.out_type %u", ep->out_type);
	if (ep->bias > 1 || ep->residual > 1 || ep->mid > 1)
		return npu_fail(-EINVAL, "epilogue: bias, residual and mid are 0 or 1");
	if (ep->scale_per > NPU_PER_CHANNEL)
		return npu_fail(-EINVAL, "epilogue.scale_per %u", ep->scale_per);
	if (ep->residual && !vpu_type(ep->residual_type))
		return npu_fail(-EINVAL, "epilogue.residual_type %u", ep->residual_type);
	if (ep->residual && !npu_is_float(ep->residual_type) && !(fabsf(ep->residual_scale) > 0))
		return npu_fail(-EINVAL, "epilogue.residual_scale: an integer residual needs one");
	if (ep->residual && npu_is_float(ep->residual_type) &&
	    (ep->residual_scale != 0 || ep->residual_zp))
		return npu_fail(-EINVAL,
				"epilogue.residual_scale and _zp are for integer residuals");
	if (ep->mid && ep->mid_type != NPU_S8 && ep->mid_type != NPU_U8)
		return npu_fail(-EINVAL, "epilogue.mid_type %u", ep->mid_type);
	if (ep->mid && !zero_point_fits(ep->mid_type, ep->mid_zp))
		return npu_fail(-EINVAL, "epilogue.mid_zp %d", ep->mid_zp);
	if (ep->mid && !(ep->mid_scale > 0))
		return npu_fail(-EINVAL, "epilogue.mid_scale is not positive");
	if (ep->activation > NPU_ACT_ERF)
		return npu_fail(-EINVAL, "epilogue.activation %u", ep->activation);
	if (ep->activation == NPU_ACT_CLIP && !(ep->lo <= ep->hi))
		return npu_fail(-EINVAL, "epilogue.lo is above hi");
	if (npu_is_float(ep->out_type) && ep->out_scale != 0)
		return npu_fail(-EINVAL, "epilogue.out_scale is for integer outputs");
	if (!zero_point_fits(ep->out_type, ep->out_zp))
		return npu_fail(-EINVAL, "epilogue.out_zp %d", ep->out_zp);
	if (ep->reserved)
		return npu_fail(-EINVAL, "epilogue.reserved is not zero");
	return 0;
}

bool npu_epilogue_stays(const struct npu_epilogue *ep, uint32_t acc_type)
{
	return ep->out_type == acc_type && !ep->scale_per && !ep->residual && !ep->mid &&
	       !ep->activation && ep->out_scale == 0 && !ep->out_zp;
}

uint64_t npu_finish_bytes(const struct npu_epilogue *ep, uint32_t acc_type, uint64_t elements,
			  uint32_t columns, uint32_t tile, uint32_t slots)
{
	uint64_t vector = npu_max(npu_min((uint64_t)columns * 4, 32768), (uint64_t)tile * 12) + 192;
	uint64_t bytes = 0;

	if (!npu_epilogue_stays(ep, acc_type) || ep->bias)
		bytes += slots *
			 npu_round_up(elements * npu_type_size(ep->out_type), NPU_EMIT_ALIGN);
	if (ep->residual)
		bytes += slots *
			 npu_round_up(elements * npu_type_size(ep->residual_type), NPU_EMIT_ALIGN);
	if (ep->bias)
		bytes += vector;
	if (ep->scale_per == NPU_PER_CHANNEL)
		bytes += vector;
	return bytes;
}

void npu_finish_init(struct npu_emit *e, struct npu_finish *f, const struct npu_epilogue *ep,
		     uint32_t acc_type, uint64_t elements, uint32_t first, uint32_t end,
		     uint32_t tile, uint32_t slots)
{
	*f = (struct npu_finish){ .ep = ep, .acc_type = acc_type };
	f->raw = npu_epilogue_stays(ep, acc_type) && !ep->bias;
	if (!f->raw)
		npu_slots_spm(e, &f->out, elements * npu_type_size(ep->out_type), slots);
	if (ep->residual)
		npu_slots_spm(e, &f->residual, elements * npu_type_size(ep->residual_type), slots);
	if (ep->bias)
		npu_vector_init(e, &f->bias, NPU_OP_REGION_BIAS, 4, first, end, tile);
	if (ep->scale_per == NPU_PER_CHANNEL)
		npu_vector_init(e, &f->scale, NPU_OP_REGION_SCALE, 4, first, end, tile);
}

void npu_finish_free(struct npu_finish *f)
{
	npu_slots_free(&f->out);
	npu_slots_free(&f->residual);
	npu_vector_free(&f->bias);
	npu_vector_free(&f->scale);
}

/* ---- Stages ---------------------------------------------------------------------------------- */

void npu_emit_stage(struct npu_vpu_pipe *p, uint8_t op, uint8_t src, uint8_t src2, uint32_t imm)
{
	p->stage[p->stages++] =
		(struct npu_vpu_stage){ .op = op, .src = src, .src2 = src2, .imm = imm };
}

static void stage_imm(struct npu_vpu_pipe *p, uint8_t op, float imm)
{
	npu_emit_stage(p, op, NPU_SRC_IMM, 0, npu_float_bits(imm));
}

void npu_emit_activation(struct npu_vpu_pipe *p, uint32_t activation, float lo, float hi)
{
	static const uint8_t unary[] = {
		[NPU_ACT_SIGMOID] = NPU_STAGE_SIGMOID, [NPU_ACT_TANH] = NPU_STAGE_TANH,
		[NPU_ACT_GELU] = NPU_STAGE_GELU,       [NPU_ACT_SILU] = NPU_STAGE_SILU,
		[NPU_ACT_ERF] = NPU_STAGE_ERF,
	};

	switch (activation) {
	case NPU_ACT_NONE:
		break;
	case NPU_ACT_RELU:
		stage_imm(p, NPU_STAGE_MAX, 0);
		break;
	case NPU_ACT_CLIP:
		stage_imm(p, NPU_STAGE_MAX, lo);
		stage_imm(p, NPU_STAGE_MIN, hi);
		break;
	default:
		npu_emit_stage(p, unary[activation], NPU_SRC_NONE, 0, 0);
	}
}

static uint8_t add_operand(struct npu_vpu_pipe *p, const struct npu_vpu_operand *o)
{
	p->operand[p->operands] = *o;
	return NPU_SRC_0 + p->operands++;
}

static uint8_t add_vector(struct npu_vpu_pipe *p, uint32_t addr, uint8_t type)
{
	struct npu_vpu_operand o = {
		.addr = addr, .space = NPU_SPACE_SPM, .type = type, .stride = { 4 }
	};

	return add_operand(p, &o);
}

static void residual_stages(struct npu_vpu_pipe *p, const struct npu_epilogue *ep, uint32_t addr,
			    const uint32_t stride[3])
{
	struct npu_vpu_operand o = {
		.addr = addr,
		.space = NPU_SPACE_SPM,
		.type = ep->residual_type,
		.stride = { npu_type_size(ep->residual_type), stride[0], stride[1], stride[2] },
	};

	if (!npu_is_float(ep->residual_type)) {
		o.flags = NPU_OPERAND_DEQUANT;
		o.zp = (uint32_t)ep->residual_zp;
		o.scale = npu_float_bits(ep->residual_scale);
	}
	npu_emit_stage(p, NPU_STAGE_ADD, add_operand(p, &o), 0, 0);
}

static void output_stages(struct npu_vpu_pipe *p, const struct npu_epilogue *ep, uint32_t acc_type)
{
	bool floats =
		acc_type == NPU_FP32 || ep->scale_per || ep->residual || ep->mid || ep->activation;

	if (npu_is_float(ep->out_type)) {
		if (!floats)
			stage_imm(p, NPU_STAGE_MUL, 1);
		return;
	}
	if (npu_epilogue_stays(ep, acc_type))
		return;
	if (ep->out_scale != 0)
		stage_imm(p, NPU_STAGE_DIV, ep->out_scale);
	npu_emit_stage(p, NPU_STAGE_QUANT, NPU_SRC_IMM, ep->out_type, (uint32_t)ep->out_zp);
}

void npu_finish_pipe(struct npu_vpu_pipe *p, const struct npu_epilogue *ep, uint32_t acc_type,
		     const struct npu_finish_places *at)
{
	p->x = (struct npu_vpu_operand){ .addr = at->acc,
					 .space = NPU_SPACE_ACC,
					 .type = acc_type,
					 .stride = { at->acc_stride[0], at->acc_stride[1],
						     at->acc_stride[2], at->acc_stride[3] } };
	p->out = (struct npu_vpu_operand){ .addr = at->out,
					   .space = NPU_SPACE_SPM,
					   .type = ep->out_type,
					   .stride = { npu_type_size(ep->out_type),
						       at->out_stride[0], at->out_stride[1],
						       at->out_stride[2] } };
	if (ep->bias)
		npu_emit_stage(p, acc_type == NPU_S32 ? NPU_STAGE_IADD : NPU_STAGE_ADD,
			       add_vector(p, at->bias, acc_type), 0, 0);
	if (ep->scale_per == NPU_PER_TENSOR)
		stage_imm(p, NPU_STAGE_MUL, ep->scale);
	if (ep->scale_per == NPU_PER_CHANNEL)
		npu_emit_stage(p, NPU_STAGE_MUL, add_vector(p, at->scale, NPU_FP32), 0, 0);
	if (ep->mid) {
		npu_emit_stage(p, NPU_STAGE_QUANT, NPU_SRC_IMM, ep->mid_type, (uint32_t)ep->mid_zp);
		npu_emit_stage(p, NPU_STAGE_ISUB, NPU_SRC_IMM, 0, (uint32_t)ep->mid_zp);
		stage_imm(p, NPU_STAGE_MUL, ep->mid_scale);
	}
	if (ep->residual)
		residual_stages(p, ep, at->residual, at->residual_stride);
	npu_emit_activation(p, ep->activation, ep->lo, ep->hi);
	output_stages(p, ep, acc_type);
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

unsigned int npu_tile_cut(const struct npu_tile *t)
{
	return t->rows[2] > 1 ? 2 : t->rows[1] > 1 ? 1 : 0;
}

/* Rows within a coordinate of the dimension that is cut. */
static uint32_t inner_rows(const struct npu_tile *t, unsigned int cut)
{
	return (cut > 0 ? t->rows[0] : 1) * (cut > 1 ? t->rows[1] : 1);
}

bool npu_part_next(const struct npu_parts *how, const struct npu_tile *t, struct npu_part *part)
{
	uint32_t rows = t->rows[npu_tile_cut(t)];

	part->row += part->rows;
	if (!part->rows || part->row >= rows) {
		part->row = 0;
		part->col += part->cols;
	}
	if (part->col >= t->cols)
		return false;
	part->cols = npu_min(how->cols ? how->cols : t->cols, t->cols - part->col);
	part->rows = npu_min(how->rows ? how->rows : rows, rows - part->row);
	return true;
}

/* A part's box in memory, and in SPM or ACC, where the tile is dense and begins at @local. */
static struct npu_box part_box(const struct npu_tile *t, const struct npu_part *part,
			       uint32_t region, uint32_t type, uint64_t first,
			       const uint64_t *stride, uint32_t local)
{
	uint32_t size = npu_type_size(type), cut = npu_tile_cut(t);
	struct npu_box box = {
		.region = region,
		.element = size,
		.offset = (int64_t)((first + part->row * stride[cut] + part->col) * size),
		.size = { part->cols, t->rows[0], t->rows[1], t->rows[2] },
		.mem_stride = { (int64_t)(stride[0] * size), (int64_t)(stride[1] * size),
				(int64_t)(stride[2] * size) },
		.spm = local + (part->row * inner_rows(t, cut) * t->cols + part->col) * size,
		.spm_stride = { t->cols * size, t->rows[0] * t->cols * size,
				t->rows[1] * t->rows[0] * t->cols * size },
	};

	box.size[1 + cut] = part->rows;
	return box;
}

void npu_finish_begin(struct npu_emit *e, struct npu_finish *f, const struct npu_tile *t)
{
	const struct npu_part whole = { 0, t->cols, 0, t->rows[npu_tile_cut(t)] };
	const struct npu_epilogue *ep = f->ep;
	struct npu_box box;

	if (e->full)
		return;
	if (ep->residual) {
		f->at.residual = npu_slots_next(&f->residual);
		box = part_box(t, &whole, NPU_OP_REGION_RESIDUAL, ep->residual_type, t->residual,
			       t->residual_stride, f->at.residual);
		npu_emit_load(e, &box);
	}
	if (ep->bias)
		f->at.bias = npu_vector_get(e, &f->bias, t->col0);
	if (ep->scale_per == NPU_PER_CHANNEL)
		f->at.scale = npu_vector_get(e, &f->scale, t->col0);
	if (!f->raw)
		f->at.out = npu_slots_next(&f->out);
}

void npu_finish_part(struct npu_emit *e, struct npu_finish *f, const struct npu_tile *t,
		     const struct npu_part *part)
{
	const struct npu_epilogue *ep = f->ep;
	struct npu_box box;

	if (e->full)
		return;
	box = part_box(t, part, NPU_OP_REGION_OUT, ep->out_type, t->out, t->out_stride,
		       f->raw ? t->acc : f->at.out);
	if (!f->raw) {
		uint32_t inner = inner_rows(t, npu_tile_cut(t));
		uint32_t element = part->row * inner * t->cols + part->col;
		uint32_t residual_size = npu_type_size(ep->residual_type);
		struct npu_cmd_vpu cmd = { .size = { part->cols, inner * part->rows, 1, 1 } };

		npu_finish_pipe(&cmd.p, ep, f->acc_type,
				&(struct npu_finish_places){
					.acc = t->acc + element * 4,
					.acc_stride = { 4, t->cols * 4 },
					.out = box.spm,
					.out_stride = { t->cols * npu_type_size(ep->out_type) },
					.residual = f->at.residual + element * residual_size,
					.residual_stride = { t->cols * residual_size },
					.bias = f->at.bias + part->col * 4,
					.scale = f->at.scale + part->col * 4,
				});
		npu_stream_vpu(e->s, &cmd);
	}
	npu_emit_store(e, &box, f->raw);
}

/* Sums that are results already: element by element, images one after the other. */
static void store_sums(struct npu_emit *e, const struct npu_tile *t, const struct npu_sums *sums)
{
	uint64_t first =
		t->out + sums->first[0] * t->out_stride[0] + sums->first[1] * t->out_stride[1];
	uint32_t i;

	for (i = 0; i < sums->size[2]; i++) {
		struct npu_box box = {
			.region = NPU_OP_REGION_OUT,
			.element = 4,
			.offset = (int64_t)((first + (sums->first[2] + i) * t->out_stride[2]) * 4),
			.size = { 1, t->cols, sums->size[0], sums->size[1] },
			.mem_stride = { 4, (int64_t)(t->out_stride[0] * 4),
					(int64_t)(t->out_stride[1] * 4) },
			.spm = sums->acc + i * sums->acc_stride[3],
			.spm_stride = { sums->acc_stride[0], sums->acc_stride[1],
					sums->acc_stride[2] },
		};

		npu_emit_store(e, &box, true);
	}
}

void npu_finish_sums(struct npu_emit *e, struct npu_finish *f, const struct npu_tile *t,
		     const struct npu_sums *sums)
{
	const struct npu_epilogue *ep = f->ep;
	uint32_t out = t->cols * npu_type_size(ep->out_type);
	uint32_t residual = t->cols * npu_type_size(ep->residual_type);
	uint32_t row = t->rows[0], image = t->rows[0] * t->rows[1];
	uint32_t pixel = sums->first[0] + sums->first[1] * row + sums->first[2] * image;
	struct npu_cmd_vpu cmd = { .size = { t->cols, sums->size[0], sums->size[1],
					     sums->size[2] } };
	struct npu_finish_places at = {
		.acc = sums->acc,
		.out = f->at.out + pixel * out,
		.out_stride = { out, out * row, out * image },
		.residual = f->at.residual + pixel * residual,
		.residual_stride = { residual, residual * row, residual * image },
		.bias = f->at.bias,
		.scale = f->at.scale,
	};

	if (e->full)
		return;
	if (f->raw) {
		store_sums(e, t, sums);
		return;
	}
	memcpy(at.acc_stride, sums->acc_stride, sizeof(at.acc_stride));
	npu_finish_pipe(&cmd.p, ep, f->acc_type, &at);
	npu_stream_vpu(e->s, &cmd);
}

void npu_finish_store(struct npu_emit *e, struct npu_finish *f, const struct npu_tile *t,
		      const struct npu_part *part)
{
	struct npu_box box;

	if (e->full || f->raw)
		return;
	box = part_box(t, part, NPU_OP_REGION_OUT, f->ep->out_type, t->out, t->out_stride,
		       f->at.out);
	npu_emit_store(e, &box, false);
}
