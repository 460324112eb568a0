// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The static rules of commands: header, LOAD, GATHER, STORE, MATMUL, CONV (VPU and POOL:
 * isa_vpu.c), and semaphores in program order. Rules are checked in the order of a command's fields
 * where that is possible, so that the first wrong field is the one that is named.
 */
#include <string.h>

#include "isa_check.h"
#include "wire.h"

_Static_assert(sizeof(struct npu_cmd) == 16, "header");
_Static_assert(sizeof(struct npu_cmd_load) == 128, "LOAD");
_Static_assert(sizeof(struct npu_cmd_gather) == 64, "GATHER");
_Static_assert(sizeof(struct npu_cmd_store) == 96, "STORE");
_Static_assert(sizeof(struct npu_cmd_matmul) == 96, "MATMUL");
_Static_assert(sizeof(struct npu_cmd_conv) == 128, "CONV");
_Static_assert(sizeof(struct npu_cmd_vpu) == 336, "VPU");
_Static_assert(sizeof(struct npu_cmd_pool) == 352, "POOL");

/* Elements or bytes of a command: strides that repeat would make one last for hours. */
#define MAX_WORK UINT32_MAX

struct op_info {
	uint16_t size;
	uint8_t engine;
	const char *name;
};

static const struct op_info ops[256] = {
	[NPU_OP_BARRIER] = { sizeof(struct npu_cmd), NPU_ENGINE_NONE, "BARRIER" },
	[NPU_OP_HANG] = { sizeof(struct npu_cmd), NPU_ENGINE_NONE, "HANG" },
	[NPU_OP_LOAD] = { sizeof(struct npu_cmd_load), NPU_ENGINE_LOAD, "LOAD" },
	[NPU_OP_GATHER] = { sizeof(struct npu_cmd_gather), NPU_ENGINE_LOAD, "GATHER" },
	[NPU_OP_MATMUL] = { sizeof(struct npu_cmd_matmul), NPU_ENGINE_MXU, "MATMUL" },
	[NPU_OP_CONV] = { sizeof(struct npu_cmd_conv), NPU_ENGINE_MXU, "CONV" },
	[NPU_OP_VPU] = { sizeof(struct npu_cmd_vpu), NPU_ENGINE_VPU, "VPU" },
	[NPU_OP_POOL] = { sizeof(struct npu_cmd_pool), NPU_ENGINE_VPU, "POOL" },
	[NPU_OP_STORE] = { sizeof(struct npu_cmd_store), NPU_ENGINE_STORE, "STORE" },
};

static const uint8_t type_bits[NPU_TYPES] = {
	[NPU_S8] = 8,	 [NPU_U8] = 8, [NPU_S32] = 32, [NPU_BF16] = 16, [NPU_FP16] = 16,
	[NPU_FP32] = 32, [NPU_S4] = 4, [NPU_U4] = 4,   [NPU_S64] = 64,
};

size_t npu_isa_size(uint8_t opcode)
{
	return ops[opcode].size;
}

enum npu_engine npu_isa_engine(uint8_t opcode)
{
	return ops[opcode].size ? ops[opcode].engine : NPU_ENGINE_NONE;
}

const char *npu_isa_name(uint8_t opcode)
{
	return ops[opcode].name;
}

unsigned int npu_isa_type_bits(uint8_t type)
{
	return type < NPU_TYPES ? type_bits[type] : 0;
}

/* ---- Parts ---------------------------------------------------------------------------------- */

static enum npu_reason check_semaphores(const uint8_t *list, bool allowed, uint64_t at,
					uint64_t *where)
{
	unsigned int i, j;

	for (i = 0; i < NPU_CMD_SEMS; i++) {
		if (list[i] == NPU_SEM_NONE)
			continue;
		if (!allowed || list[i] >= NPU_SEMAPHORES)
			return npu_isa_fail(where, NPU_REASON_FIELD, at + i);
		for (j = 0; j < i; j++)
			if (list[j] == list[i])
				return npu_isa_fail(where, NPU_REASON_FIELD, at + i);
	}
	return NPU_REASON_NONE;
}

static enum npu_reason check_header(const struct npu_cmd *cmd, size_t avail, uint64_t *where)
{
	bool allowed;

	if (avail < sizeof(*cmd))
		return npu_isa_fail(where, NPU_REASON_SIZE, 0);
	if (!ops[cmd->opcode].size)
		return npu_isa_fail(where, NPU_REASON_OPCODE, AT(npu_cmd, opcode));
	if (cmd->flags)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd, flags));
	if (cmd->size != ops[cmd->opcode].size || avail < cmd->size)
		return npu_isa_fail(where, NPU_REASON_SIZE, AT(npu_cmd, size));
	allowed = ops[cmd->opcode].engine != NPU_ENGINE_NONE;
	CHECK(check_semaphores(cmd->wait, allowed, AT(npu_cmd, wait), where));
	CHECK(check_semaphores(cmd->signal, allowed, AT(npu_cmd, signal), where));
	if (cmd->reserved)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd, reserved));
	return NPU_REASON_NONE;
}

static enum npu_reason check_sizes(const uint32_t *size, unsigned int count, uint64_t at,
				   uint64_t *where)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!size[i])
			return npu_isa_fail(where, NPU_REASON_FIELD, at + i * sizeof(*size));
	return NPU_REASON_NONE;
}

/* A dimension that spans the whole address space cannot be meant. */
static enum npu_reason check_memory(const uint64_t *count, const __le64 *stride, bool zero_allowed,
				    uint64_t at, uint64_t *where)
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		uint64_t s = (int64_t)stride[i] < 0 ? -stride[i] : stride[i];

		if (count[i] <= 1)
			continue;
		if ((!s && !zero_allowed) || s >> NPU_VA_BITS ||
		    (s && count[i] - 1 >= (1ull << NPU_VA_BITS) / s))
			return npu_isa_fail(where, NPU_REASON_FIELD, at + i * sizeof(*stride));
	}
	return NPU_REASON_NONE;
}

/* ---- LOAD, GATHER, STORE -------------------------------------------------------------------- */

static enum npu_reason check_load(const struct npu_card_config *cfg, const struct npu_cmd_load *cmd,
				  uint64_t *where)
{
	unsigned int i, bits = npu_isa_type_bits(cmd->type), bytes = bits < 8 ? 1 : bits / 8;
	struct npu_shape dst, fill;
	uint64_t inside[3], total = 1;
	int still;

	if (!bits || cmd->type == NPU_S64)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_load, type));
	if (cmd->fill_mode > NPU_FILL_SPM)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_load, fill_mode));
	if (cmd->region >= NPU_MAX_REGIONS)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_load, region));
	if (cmd->reserved0)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd_load, reserved0));
	if (cmd->fill_mode == NPU_FILL_NONE && cmd->fill)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_load, fill));
	if (cmd->reserved1)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd_load, reserved1));
	CHECK(check_sizes(cmd->size, 4, AT(npu_cmd_load, size), where));
	for (i = 0; i < 4; i++) {
		total *= cmd->size[i];
		if (total > MAX_WORK)
			return npu_isa_fail(where, NPU_REASON_FIELD,
					    AT(npu_cmd_load, size) + i * 4);
	}
	for (i = 0; i < 4; i++) {
		bool pad = cmd->pad_lo[i] || cmd->pad_hi[i];

		if ((uint64_t)cmd->pad_lo[i] + cmd->pad_hi[i] > cmd->size[i] ||
		    (pad && cmd->fill_mode == NPU_FILL_NONE))
			return npu_isa_fail(where, NPU_REASON_FIELD,
					    (cmd->pad_lo[i] ? AT(npu_cmd_load, pad_lo) :
							      AT(npu_cmd_load, pad_hi)) +
						    i * 4);
		if (i)
			inside[i - 1] = (uint64_t)cmd->size[i] - cmd->pad_lo[i] - cmd->pad_hi[i];
	}
	CHECK(check_memory(inside, cmd->mem_stride, true, AT(npu_cmd_load, mem_stride), where));
	if (cmd->reserved2)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd_load, reserved2));

	npu_shape_init(&dst, cmd->spm, (uint64_t)cmd->size[0] * bytes);
	for (i = 0; i < 3; i++)
		npu_shape_dim(&dst, cmd->size[i + 1], (int32_t)cmd->spm_stride[i]);
	CHECK(npu_shape_bounds(&dst, cfg->spm_size, where));
	still = npu_shape_still(&dst);
	if (still >= 0)
		return npu_isa_fail(where, NPU_REASON_FIELD,
				    AT(npu_cmd_load, spm_stride) + (unsigned int)still * 4);
	if (cmd->fill_mode == NPU_FILL_SPM) {
		if (cmd->fill % bytes)
			return npu_isa_fail(where, NPU_REASON_ALIGN, AT(npu_cmd_load, fill));
		npu_shape_init(&fill, cmd->fill, bytes);
		CHECK(npu_shape_bounds(&fill, cfg->spm_size, where));
	}
	return NPU_REASON_NONE;
}

static enum npu_reason check_gather(const struct npu_card_config *cfg,
				    const struct npu_cmd_gather *cmd, uint64_t *where)
{
	unsigned int bytes = npu_isa_bytes(cmd->type);
	struct npu_access set;
	struct npu_shape dst, index;

	if (cmd->type != NPU_S32 && cmd->type != NPU_S64)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_gather, type));
	if (cmd->reserved0)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd_gather, reserved0));
	if (cmd->region >= NPU_MAX_REGIONS)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_gather, region));
	if (cmd->reserved1)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd_gather, reserved1));
	if (cmd->index % bytes)
		return npu_isa_fail(where, NPU_REASON_ALIGN, AT(npu_cmd_gather, index));
	if (!cmd->rows || cmd->rows > INT64_MAX)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_gather, rows));
	if (!cmd->count)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_gather, count));
	if (!cmd->row_bytes || (uint64_t)cmd->row_bytes * cmd->count > MAX_WORK)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_gather, row_bytes));

	npu_shape_init(&index, cmd->index, (uint64_t)cmd->count * bytes);
	CHECK(npu_shape_bounds(&index, cfg->spm_size, where));
	npu_shape_init(&dst, cmd->spm, cmd->row_bytes);
	npu_shape_dim(&dst, cmd->count, (int32_t)cmd->spm_stride);
	CHECK(npu_shape_bounds(&dst, cfg->spm_size, where));
	if (npu_shape_still(&dst) >= 0)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_gather, spm_stride));
	npu_shape_access(&index, NPU_SPACE_SPM, NPU_ACCESS_READ, &set);
	if (npu_shape_meets(&dst, NPU_SPACE_SPM, &set))
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_gather, spm));
	return NPU_REASON_NONE;
}

static enum npu_reason check_store(const struct npu_card_config *cfg,
				   const struct npu_cmd_store *cmd, uint64_t *where)
{
	uint64_t total = 1, count[3];
	struct npu_shape src;
	unsigned int i;

	if (cmd->space != NPU_SPACE_SPM && cmd->space != NPU_SPACE_ACC)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_store, space));
	if (cmd->reserved0)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd_store, reserved0));
	if (cmd->region >= NPU_MAX_REGIONS)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_store, region));
	if (cmd->reserved1)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd_store, reserved1));
	CHECK(check_sizes(cmd->size, 4, AT(npu_cmd_store, size), where));
	for (i = 0; i < 4; i++) {
		total *= cmd->size[i];
		if (total > MAX_WORK)
			return npu_isa_fail(where, NPU_REASON_FIELD,
					    AT(npu_cmd_store, size) + i * 4);
		if (i)
			count[i - 1] = cmd->size[i];
	}
	CHECK(check_memory(count, cmd->mem_stride, false, AT(npu_cmd_store, mem_stride), where));
	if (cmd->reserved2)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd_store, reserved2));
	if (cmd->reserved3)
		return npu_isa_fail(where, NPU_REASON_RESERVED, AT(npu_cmd_store, reserved3));

	npu_shape_init(&src, cmd->local, cmd->size[0]);
	for (i = 0; i < 3; i++)
		npu_shape_dim(&src, cmd->size[i + 1], (int32_t)cmd->local_stride[i]);
	return npu_shape_bounds(&src, cmd->space == NPU_SPACE_SPM ? cfg->spm_size : cfg->acc_size,
				where);
}

/* ---- MATMUL and CONV ------------------------------------------------------------------------ */

/* The operands stand at the same place of both. */
#define O(field) (AT(npu_cmd_matmul, o) + AT(npu_mxu_operands, field))
_Static_assert(AT(npu_cmd_matmul, o) == AT(npu_cmd_conv, o), "operands");

static bool is_float(uint8_t type)
{
	return type == NPU_BF16 || type == NPU_FP16;
}

static enum npu_reason check_zero_point(uint8_t mode, uint32_t value, uint8_t type,
					uint64_t mode_at, uint64_t value_at, uint64_t *where)
{
	int32_t v = (int32_t)value;

	if (mode > NPU_ZP_VECTOR || (is_float(type) && mode != NPU_ZP_IMM))
		return npu_isa_fail(where, NPU_REASON_FIELD, mode_at);
	if (mode != NPU_ZP_IMM)
		return NPU_REASON_NONE;
	if (is_float(type) ? v != 0 :
	    type == NPU_U8 ? v < 0 || v > UINT8_MAX :
			     v < INT8_MIN || v > INT8_MAX)
		return npu_isa_fail(where, NPU_REASON_FIELD, value_at);
	return NPU_REASON_NONE;
}

static enum npu_reason check_operands(const struct npu_mxu_operands *o, uint8_t flags,
				      uint64_t *where)
{
	unsigned int a_bytes = npu_isa_bytes(o->a_type), b_align;

	if (o->a_type != NPU_S8 && o->a_type != NPU_U8 && !is_float(o->a_type))
		return npu_isa_fail(where, NPU_REASON_FIELD, O(a_type));
	if (is_float(o->a_type) ? o->b_type != o->a_type :
				  o->b_type != NPU_S8 && o->b_type != NPU_U8 && o->b_type != NPU_S4)
		return npu_isa_fail(where, NPU_REASON_FIELD, O(b_type));
	if (o->b_layout > NPU_B_PACKED || (o->b_type == NPU_S4 && o->b_layout != NPU_B_PACKED))
		return npu_isa_fail(where, NPU_REASON_FIELD, O(b_layout));
	if (o->flags & ~flags)
		return npu_isa_fail(where, NPU_REASON_FIELD, O(flags));
	CHECK(check_zero_point(o->a_zp_mode, o->a_zp, o->a_type, O(a_zp_mode), O(a_zp), where));
	CHECK(check_zero_point(o->b_zp_mode, o->b_zp, o->b_type, O(b_zp_mode), O(b_zp), where));
	if (o->group)
		return npu_isa_fail(where, NPU_REASON_RESERVED, O(group));
	if (o->a % a_bytes)
		return npu_isa_fail(where, NPU_REASON_ALIGN, O(a));
	b_align = o->b_layout == NPU_B_PACKED ? NPU_PACK_ALIGN : npu_isa_bytes(o->b_type);
	if (o->b % b_align)
		return npu_isa_fail(where, NPU_REASON_ALIGN, O(b));
	if (o->b_stride % b_align)
		return npu_isa_fail(where, NPU_REASON_ALIGN, O(b_stride));
	if (o->acc % 4)
		return npu_isa_fail(where, NPU_REASON_ALIGN, O(acc));
	if (o->scales)
		return npu_isa_fail(where, NPU_REASON_RESERVED, O(scales));
	if (o->reserved)
		return npu_isa_fail(where, NPU_REASON_RESERVED, O(reserved));
	return NPU_REASON_NONE;
}

static enum npu_reason check_vector(const struct npu_card_config *cfg, uint8_t mode, uint32_t addr,
				    uint64_t count, uint64_t *where)
{
	struct npu_shape s;

	if (mode == NPU_ZP_IMM)
		return NPU_REASON_NONE;
	npu_shape_init(&s, addr, mode == NPU_ZP_VECTOR ? count : 1);
	return npu_shape_bounds(&s, cfg->spm_size, where);
}

/* A packed block is there whole, used or not. */
static enum npu_reason check_second(const struct npu_card_config *cfg,
				    const struct npu_mxu_operands *o, uint64_t k, uint64_t n,
				    uint64_t groups, int64_t group_stride, uint64_t *where)
{
	unsigned int bits = npu_isa_type_bits(o->b_type);
	uint64_t q = bits == 16 ? 2 : 4;
	struct npu_shape s;

	switch (o->b_layout) {
	case NPU_B_ROWS:
		npu_shape_init(&s, o->b, n * bits / 8);
		npu_shape_dim(&s, k, (int32_t)o->b_stride);
		break;
	case NPU_B_COLS:
		npu_shape_init(&s, o->b, k * bits / 8);
		npu_shape_dim(&s, n, (int32_t)o->b_stride);
		break;
	default:
		npu_shape_init(&s, o->b, (k + q - 1) / q * q * NPU_PACK_COLS * bits / 8);
		npu_shape_dim(&s, (n + NPU_PACK_COLS - 1) / NPU_PACK_COLS, (int32_t)o->b_stride);
	}
	npu_shape_dim(&s, groups, group_stride);
	return npu_shape_bounds(&s, cfg->spm_size, where);
}

static enum npu_reason check_matmul(const struct npu_card_config *cfg,
				    const struct npu_cmd_matmul *cmd, uint64_t *where)
{
	const struct npu_mxu_operands *o = &cmd->o;
	struct npu_shape s;
	unsigned int i;

	CHECK(check_operands(o, NPU_MXU_ACCUMULATE, where));
	CHECK(check_sizes(&cmd->m, 3, AT(npu_cmd_matmul, m), where));
	if (cmd->a_stride % npu_isa_bytes(o->a_type))
		return npu_isa_fail(where, NPU_REASON_ALIGN, AT(npu_cmd_matmul, a_stride));
	if (cmd->acc_stride % 4)
		return npu_isa_fail(where, NPU_REASON_ALIGN, AT(npu_cmd_matmul, acc_stride));
	for (i = 0; i < 5; i++)
		if (cmd->reserved[i])
			return npu_isa_fail(where, NPU_REASON_RESERVED,
					    AT(npu_cmd_matmul, reserved) + i * 4);

	npu_shape_init(&s, o->a, (uint64_t)cmd->k * npu_isa_bytes(o->a_type));
	npu_shape_dim(&s, cmd->m, (int32_t)cmd->a_stride);
	CHECK(npu_shape_bounds(&s, cfg->spm_size, where));
	CHECK(check_second(cfg, o, cmd->k, cmd->n, 1, 0, where));
	CHECK(check_vector(cfg, o->a_zp_mode, o->a_zp, cmd->m, where));
	CHECK(check_vector(cfg, o->b_zp_mode, o->b_zp, cmd->n, where));
	npu_shape_init(&s, o->acc, (uint64_t)cmd->n * 4);
	npu_shape_dim(&s, cmd->m, (int32_t)cmd->acc_stride);
	CHECK(npu_shape_bounds(&s, cfg->acc_size, where));
	if (!npu_shape_nested(&s))
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_matmul, acc_stride));
	return NPU_REASON_NONE;
}

static enum npu_reason check_conv_fields(const struct npu_cmd_conv *cmd, uint64_t *where)
{
	const struct npu_mxu_operands *o = &cmd->o;
	const __le16 *size = &cmd->batch;
	unsigned int i, b_align;

	CHECK(check_operands(o, NPU_MXU_ACCUMULATE | NPU_MXU_DEPTHWISE, where));
	/* batch .. dilation_w are all sizes. */
	for (i = 0; i < 14; i++)
		if (!size[i])
			return npu_isa_fail(where, NPU_REASON_FIELD,
					    AT(npu_cmd_conv, batch) + i * 2);
	if (o->flags & NPU_MXU_DEPTHWISE) {
		if (o->b_layout != NPU_B_ROWS)
			return npu_isa_fail(where, NPU_REASON_FIELD, O(b_layout));
		if (cmd->groups != 1)
			return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_conv, groups));
		if (cmd->out_c != cmd->in_c)
			return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_conv, out_c));
	}
	if ((uint32_t)cmd->kernel_h * cmd->kernel_w > NPU_MAX_TAPS)
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_conv, kernel_h));
	for (i = 0; i < 3; i++)
		if (cmd->a_stride[i] % npu_isa_bytes(o->a_type))
			return npu_isa_fail(where, NPU_REASON_ALIGN,
					    AT(npu_cmd_conv, a_stride) + i * 4);
	for (i = 0; i < 3; i++)
		if (cmd->acc_stride[i] % 4)
			return npu_isa_fail(where, NPU_REASON_ALIGN,
					    AT(npu_cmd_conv, acc_stride) + i * 4);
	b_align = o->b_layout == NPU_B_PACKED ? NPU_PACK_ALIGN : npu_isa_bytes(o->b_type);
	if (cmd->groups > 1 && cmd->b_group_stride % b_align)
		return npu_isa_fail(where, NPU_REASON_ALIGN, AT(npu_cmd_conv, b_group_stride));
	for (i = 0; i < 3; i++)
		if (cmd->reserved[i])
			return npu_isa_fail(where, NPU_REASON_RESERVED,
					    AT(npu_cmd_conv, reserved) + i * 4);
	return NPU_REASON_NONE;
}

static enum npu_reason check_conv(const struct npu_card_config *cfg, const struct npu_cmd_conv *cmd,
				  uint64_t *where)
{
	const struct npu_mxu_operands *o = &cmd->o;
	uint64_t taps = (uint64_t)cmd->kernel_h * cmd->kernel_w;
	bool depthwise = o->flags & NPU_MXU_DEPTHWISE;
	struct npu_shape s;

	CHECK(check_conv_fields(cmd, where));
	/* The tile that is said to be there is there. */
	npu_shape_init(&s, o->a, (uint64_t)cmd->groups * cmd->in_c * npu_isa_bytes(o->a_type));
	npu_shape_dim(&s, cmd->in_w, (int32_t)cmd->a_stride[0]);
	npu_shape_dim(&s, cmd->in_h, (int32_t)cmd->a_stride[1]);
	npu_shape_dim(&s, cmd->batch, (int32_t)cmd->a_stride[2]);
	CHECK(npu_shape_bounds(&s, cfg->spm_size, where));
	CHECK(check_second(cfg, o, depthwise ? taps : taps * cmd->in_c, cmd->out_c, cmd->groups,
			   (int32_t)cmd->b_group_stride, where));
	CHECK(check_vector(cfg, o->a_zp_mode, o->a_zp, cmd->batch, where));
	CHECK(check_vector(cfg, o->b_zp_mode, o->b_zp, (uint64_t)cmd->groups * cmd->out_c, where));
	npu_shape_init(&s, o->acc, (uint64_t)cmd->groups * cmd->out_c * 4);
	npu_shape_dim(&s, cmd->out_w, (int32_t)cmd->acc_stride[0]);
	npu_shape_dim(&s, cmd->out_h, (int32_t)cmd->acc_stride[1]);
	npu_shape_dim(&s, cmd->batch, (int32_t)cmd->acc_stride[2]);
	CHECK(npu_shape_bounds(&s, cfg->acc_size, where));
	if (!npu_shape_nested(&s))
		return npu_isa_fail(where, NPU_REASON_FIELD, AT(npu_cmd_conv, acc_stride));
	return NPU_REASON_NONE;
}

enum npu_reason npu_isa_check(const struct npu_card_config *cfg, const struct npu_cmd *cmd,
			      size_t avail, uint64_t *where)
{
	*where = 0;
	CHECK(check_header(cmd, avail, where));
	switch (cmd->opcode) {
	case NPU_OP_BARRIER:
		return NPU_REASON_NONE;
	case NPU_OP_HANG:
		return cfg->inject ? NPU_REASON_NONE : NPU_REASON_INJECT;
	case NPU_OP_LOAD:
		return check_load(cfg, (const void *)cmd, where);
	case NPU_OP_GATHER:
		return check_gather(cfg, (const void *)cmd, where);
	case NPU_OP_MATMUL:
		return check_matmul(cfg, (const void *)cmd, where);
	case NPU_OP_CONV:
		return check_conv(cfg, (const void *)cmd, where);
	case NPU_OP_VPU:
		return npu_vpu_check(cfg, (const void *)cmd, where);
	case NPU_OP_POOL:
		return npu_pool_check(cfg, (const void *)cmd, where);
	case NPU_OP_STORE:
		return check_store(cfg, (const void *)cmd, where);
	}
	return npu_isa_fail(where, NPU_REASON_OPCODE, AT(npu_cmd, opcode));
}

/* ---- Semaphores ----------------------------------------------------------------------------- */

void npu_sems_reset(struct npu_sems *sems)
{
	memset(sems->count, 0, sizeof(sems->count));
	memset(sems->signaller, NPU_ENGINE_NONE, sizeof(sems->signaller));
	memset(sems->waiter, NPU_ENGINE_NONE, sizeof(sems->waiter));
}

enum npu_reason npu_sems_command(struct npu_sems *sems, const struct npu_cmd *cmd, uint64_t *where)
{
	uint8_t engine = npu_isa_engine(cmd->opcode);
	unsigned int i;

	/* Look before changing anything; a semaphore stands at most once in each list. */
	for (i = 0; i < NPU_CMD_SEMS; i++) {
		uint8_t s = cmd->wait[i];

		if (s == NPU_SEM_NONE)
			continue;
		*where = s;
		if (sems->waiter[s] != NPU_ENGINE_NONE && sems->waiter[s] != engine)
			return NPU_REASON_SEM_OWNER;
		if (!sems->count[s])
			return NPU_REASON_SEMAPHORE;
	}
	for (i = 0; i < NPU_CMD_SEMS; i++) {
		uint8_t s = cmd->signal[i];
		bool taken;

		if (s == NPU_SEM_NONE)
			continue;
		*where = s;
		if (sems->signaller[s] != NPU_ENGINE_NONE && sems->signaller[s] != engine)
			return NPU_REASON_SEM_OWNER;
		taken = s == cmd->wait[0] || s == cmd->wait[1] || s == cmd->wait[2];
		if (sems->count[s] - taken >= NPU_SEM_MAX)
			return NPU_REASON_SEM_OVERFLOW;
	}
	for (i = 0; i < NPU_CMD_SEMS; i++) {
		if (cmd->wait[i] != NPU_SEM_NONE) {
			sems->count[cmd->wait[i]]--;
			sems->waiter[cmd->wait[i]] = engine;
		}
	}
	for (i = 0; i < NPU_CMD_SEMS; i++) {
		if (cmd->signal[i] != NPU_SEM_NONE) {
			sems->count[cmd->signal[i]]++;
			sems->signaller[cmd->signal[i]] = engine;
		}
	}
	*where = 0;
	return NPU_REASON_NONE;
}

static bool is_user(uint8_t engine)
{
	return engine < NPU_ENGINES || engine == NPU_ENGINE_NONE;
}

void npu_sems_wire(struct npu_sems *sems, struct npu_wire *w)
{
	for (unsigned int i = 0; i < NPU_SEMAPHORES; i++) {
		npu_wire_u8(w, &sems->count[i]);
		npu_wire_u8(w, &sems->signaller[i]);
		npu_wire_u8(w, &sems->waiter[i]);
		npu_wire_check(w, is_user(sems->signaller[i]) && is_user(sems->waiter[i]),
			       "a semaphore of no engine");
	}
	if (w->error)
		npu_sems_reset(sems);
}

int npu_sems_leftover(const struct npu_sems *sems)
{
	int s;

	for (s = 0; s < NPU_SEMAPHORES; s++)
		if (sems->count[s])
			return s;
	return -1;
}
