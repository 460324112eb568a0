// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Commands for people (a line each) and for programs (a JSON object each, docs/disasm.md). One
 * table of fields a command serves both: text leaves out what is zero, JSON leaves out nothing.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "qemu-device/card/isa.h"

#include "stream.h"
#include "tables.h"

enum kind {
	UNSIGNED,
	SIGNED,
	BITS, /* hexadecimal in text */
	ADDRESS, /* likewise, and there even if it is zero */
	TYPE, /* enum npu_type */
	SPACE, /* enum npu_space */
	LAYOUT, /* enum npu_b_layout */
	REDUCE, /* enum npu_reduce */
	POOL, /* enum npu_pool */
};

struct field {
	const char *name;
	uint16_t at;
	uint8_t size; /* bytes of one */
	uint8_t count;
	uint8_t kind;
};

#define ONE(type, member, label, k)                                                            \
	{                                                                                      \
		label, offsetof(struct type, member), sizeof(((struct type *)0)->member), 1, k \
	}
#define MANY(type, member, label, n, k)                                                           \
	{                                                                                         \
		label, offsetof(struct type, member), sizeof(((struct type *)0)->member[0]), n, k \
	}
#define END                      \
	{                        \
		NULL, 0, 0, 0, 0 \
	}

static const struct field load_fields[] = { ONE(npu_cmd_load, type, "type", TYPE),
					    ONE(npu_cmd_load, region, "region", UNSIGNED),
					    ONE(npu_cmd_load, offset, "offset", SIGNED),
					    ONE(npu_cmd_load, spm, "spm", ADDRESS),
					    MANY(npu_cmd_load, size, "size", 4, UNSIGNED),
					    MANY(npu_cmd_load, mem_stride, "mem_stride", 3, SIGNED),
					    MANY(npu_cmd_load, spm_stride, "spm_stride", 3, SIGNED),
					    MANY(npu_cmd_load, pad_lo, "pad_lo", 4, UNSIGNED),
					    MANY(npu_cmd_load, pad_hi, "pad_hi", 4, UNSIGNED),
					    ONE(npu_cmd_load, fill_mode, "fill_mode", UNSIGNED),
					    ONE(npu_cmd_load, fill, "fill", BITS),
					    END };

static const struct field gather_fields[] = { ONE(npu_cmd_gather, type, "type", TYPE),
					      ONE(npu_cmd_gather, region, "region", UNSIGNED),
					      ONE(npu_cmd_gather, offset, "offset", SIGNED),
					      ONE(npu_cmd_gather, index, "index", ADDRESS),
					      ONE(npu_cmd_gather, row_stride, "row_stride", SIGNED),
					      ONE(npu_cmd_gather, rows, "rows", UNSIGNED),
					      ONE(npu_cmd_gather, count, "count", UNSIGNED),
					      ONE(npu_cmd_gather, row_bytes, "row_bytes", UNSIGNED),
					      ONE(npu_cmd_gather, spm, "spm", ADDRESS),
					      ONE(npu_cmd_gather, spm_stride, "spm_stride", SIGNED),
					      END };

static const struct field store_fields[] = {
	ONE(npu_cmd_store, space, "space", SPACE),
	ONE(npu_cmd_store, local, "local", ADDRESS),
	ONE(npu_cmd_store, region, "region", UNSIGNED),
	ONE(npu_cmd_store, offset, "offset", SIGNED),
	MANY(npu_cmd_store, size, "size", 4, UNSIGNED),
	MANY(npu_cmd_store, mem_stride, "mem_stride", 3, SIGNED),
	MANY(npu_cmd_store, local_stride, "local_stride", 3, SIGNED),
	END
};

#define OPERANDS(type)                                                                            \
	ONE(type, o.a_type, "a_type", TYPE), ONE(type, o.b_type, "b_type", TYPE),                 \
		ONE(type, o.b_layout, "b_layout", LAYOUT),                                        \
		ONE(type, o.flags, "mxu_flags", UNSIGNED), ONE(type, o.a, "a", ADDRESS),          \
		ONE(type, o.b, "b", ADDRESS), ONE(type, o.b_stride, "b_stride", SIGNED),          \
		ONE(type, o.acc, "acc", ADDRESS), ONE(type, o.a_zp_mode, "a_zp_mode", UNSIGNED),  \
		ONE(type, o.a_zp, "a_zp", SIGNED), ONE(type, o.b_zp_mode, "b_zp_mode", UNSIGNED), \
		ONE(type, o.b_zp, "b_zp", SIGNED)

static const struct field matmul_fields[] = { OPERANDS(npu_cmd_matmul),
					      ONE(npu_cmd_matmul, m, "m", UNSIGNED),
					      ONE(npu_cmd_matmul, n, "n", UNSIGNED),
					      ONE(npu_cmd_matmul, k, "k", UNSIGNED),
					      ONE(npu_cmd_matmul, a_stride, "a_stride", SIGNED),
					      ONE(npu_cmd_matmul, acc_stride, "acc_stride", SIGNED),
					      END };

static const struct field conv_fields[] = { OPERANDS(npu_cmd_conv),
					    ONE(npu_cmd_conv, batch, "batch", UNSIGNED),
					    ONE(npu_cmd_conv, groups, "groups", UNSIGNED),
					    ONE(npu_cmd_conv, in_h, "in_h", UNSIGNED),
					    ONE(npu_cmd_conv, in_w, "in_w", UNSIGNED),
					    ONE(npu_cmd_conv, in_c, "in_c", UNSIGNED),
					    ONE(npu_cmd_conv, out_h, "out_h", UNSIGNED),
					    ONE(npu_cmd_conv, out_w, "out_w", UNSIGNED),
					    ONE(npu_cmd_conv, out_c, "out_c", UNSIGNED),
					    ONE(npu_cmd_conv, kernel_h, "kernel_h", UNSIGNED),
					    ONE(npu_cmd_conv, kernel_w, "kernel_w", UNSIGNED),
					    ONE(npu_cmd_conv, stride_h, "stride_h", UNSIGNED),
					    ONE(npu_cmd_conv, stride_w, "stride_w", UNSIGNED),
					    ONE(npu_cmd_conv, dilation_h, "dilation_h", UNSIGNED),
					    ONE(npu_cmd_conv, dilation_w, "dilation_w", UNSIGNED),
					    ONE(npu_cmd_conv, pad_top, "pad_top", SIGNED),
					    ONE(npu_cmd_conv, pad_left, "pad_left", SIGNED),
					    MANY(npu_cmd_conv, a_stride, "a_stride", 3, SIGNED),
					    MANY(npu_cmd_conv, acc_stride, "acc_stride", 3, SIGNED),
					    ONE(npu_cmd_conv, b_group_stride, "b_group_stride",
						SIGNED),
					    END };

static const struct field vpu_fields[] = { MANY(npu_cmd_vpu, size, "size", 4, UNSIGNED),
					   ONE(npu_cmd_vpu, reduce, "reduce", REDUCE),
					   ONE(npu_cmd_vpu, axes, "axes", UNSIGNED),
					   ONE(npu_cmd_vpu, p.pre, "pre", UNSIGNED), END };

static const struct field pool_fields[] = { ONE(npu_cmd_pool, op, "op", POOL),
					    MANY(npu_cmd_pool, size, "size", 4, UNSIGNED),
					    ONE(npu_cmd_pool, in_h, "in_h", UNSIGNED),
					    ONE(npu_cmd_pool, in_w, "in_w", UNSIGNED),
					    ONE(npu_cmd_pool, kernel_h, "kernel_h", UNSIGNED),
					    ONE(npu_cmd_pool, kernel_w, "kernel_w", UNSIGNED),
					    ONE(npu_cmd_pool, stride_h, "stride_h", UNSIGNED),
					    ONE(npu_cmd_pool, stride_w, "stride_w", UNSIGNED),
					    ONE(npu_cmd_pool, dilation_h, "dilation_h", UNSIGNED),
					    ONE(npu_cmd_pool, dilation_w, "dilation_w", UNSIGNED),
					    ONE(npu_cmd_pool, pad_top, "pad_top", SIGNED),
					    ONE(npu_cmd_pool, pad_left, "pad_left", SIGNED),
					    END };

static const struct field operand_fields[] = { ONE(npu_vpu_operand, space, "space", SPACE),
					       ONE(npu_vpu_operand, addr, "addr", ADDRESS),
					       ONE(npu_vpu_operand, type, "type", TYPE),
					       MANY(npu_vpu_operand, stride, "stride", 4, SIGNED),
					       ONE(npu_vpu_operand, flags, "flags", UNSIGNED),
					       ONE(npu_vpu_operand, zp, "zp", SIGNED),
					       ONE(npu_vpu_operand, scale, "scale_bits", BITS),
					       END };

static const struct field stage_fields[] = { ONE(npu_vpu_stage, src, "src", UNSIGNED),
					     ONE(npu_vpu_stage, src2, "src2", UNSIGNED),
					     ONE(npu_vpu_stage, imm, "imm", BITS), END };

static const struct field no_fields[] = { END };

static const struct field *fields_of(uint8_t opcode)
{
	switch (opcode) {
	case NPU_OP_LOAD:
		return load_fields;
	case NPU_OP_GATHER:
		return gather_fields;
	case NPU_OP_STORE:
		return store_fields;
	case NPU_OP_MATMUL:
		return matmul_fields;
	case NPU_OP_CONV:
		return conv_fields;
	case NPU_OP_VPU:
		return vpu_fields;
	case NPU_OP_POOL:
		return pool_fields;
	default:
		return no_fields;
	}
}

/* ---- Fields ---------------------------------------------------------------------------------- */

static uint64_t get(const void *data, const struct field *f, unsigned int i)
{
	uint64_t v = 0;

	/* Little-endian, as every host of the card's code is. */
	memcpy(&v, (const uint8_t *)data + f->at + i * f->size, f->size);
	return v;
}

static int64_t sign_extend(uint64_t v, unsigned int bytes)
{
	unsigned int shift = 64 - 8 * bytes;

	return (int64_t)(v << shift) >> shift;
}

static const char *word(unsigned int kind, uint64_t v)
{
	static const char *const space[] = { "spm", "acc", "mem" };
	static const char *const layout[] = { "rows", "cols", "packed" };
	static const char *const reduce[] = { "none", "sum", "min", "max" };
	static const char *const pool[] = { "max", "avg", "avg_pad" };

	switch (kind) {
	case TYPE:
		return npu_type_text(v);
	case SPACE:
		return v < 3 ? space[v] : NULL;
	case LAYOUT:
		return v < 3 ? layout[v] : NULL;
	case REDUCE:
		return v < 4 ? reduce[v] : NULL;
	case POOL:
		return v < 3 ? pool[v] : NULL;
	default:
		return NULL;
	}
}

static void print_value(FILE *out, const struct field *f, uint64_t v, bool json)
{
	const char *text = word(f->kind, v);

	if (text)
		fprintf(out, json ? "\"%s\"" : "%s", text);
	else if (f->kind == SIGNED)
		fprintf(out, "%" PRId64, sign_extend(v, f->size));
	else if ((f->kind == ADDRESS || f->kind == BITS) && !json)
		fprintf(out, "0x%" PRIx64, v);
	else
		fprintf(out, "%" PRIu64, v);
}

static bool is_zero(const void *data, const struct field *f)
{
	unsigned int i;

	for (i = 0; i < f->count; i++)
		if (get(data, f, i))
			return false;
	return true;
}

static void print_text(FILE *out, const void *data, const struct field *f)
{
	unsigned int i;

	for (; f->name; f++) {
		if (f->kind < ADDRESS && is_zero(data, f))
			continue;
		fprintf(out, " %s=", f->name);
		for (i = 0; i < f->count; i++) {
			fputs(i ? "," : "", out);
			print_value(out, f, get(data, f, i), false);
		}
	}
}

static void print_json(FILE *out, const void *data, const struct field *f)
{
	unsigned int i;

	for (; f->name; f++) {
		fprintf(out, ", \"%s\": %s", f->name, f->count > 1 ? "[" : "");
		for (i = 0; i < f->count; i++) {
			fputs(i ? ", " : "", out);
			print_value(out, f, get(data, f, i), true);
		}
		fputs(f->count > 1 ? "]" : "", out);
	}
}

/* ---- Commands -------------------------------------------------------------------------------- */

static const struct npu_vpu_pipe *pipe_of(const struct npu_cmd *cmd)
{
	if (cmd->opcode == NPU_OP_VPU)
		return &((const struct npu_cmd_vpu *)(const void *)cmd)->p;
	if (cmd->opcode == NPU_OP_POOL)
		return &((const struct npu_cmd_pool *)(const void *)cmd)->p;
	return NULL;
}

static unsigned int at_most(unsigned int v, unsigned int limit)
{
	return v < limit ? v : limit;
}

static void print_stage_text(FILE *out, const struct npu_vpu_stage *s)
{
	const char *name = npu_stage_text(s->op);
	float imm;

	fprintf(out, " | %s", name ?: "?");
	if (s->src >= NPU_SRC_0 && s->src <= NPU_SRC_3)
		fprintf(out, " op%u", s->src - NPU_SRC_0);
	else if (s->src == NPU_SRC_X)
		fputs(" x", out);
	if (s->src == NPU_SRC_IMM) {
		memcpy(&imm, &s->imm, sizeof(imm));
		if (s->op < NPU_STAGE_ADD || s->op == NPU_STAGE_QUANT)
			fprintf(out, " %" PRId32, (int32_t)s->imm);
		else
			fprintf(out, " %g", (double)imm);
	}
	if (s->op == NPU_STAGE_QUANT)
		fprintf(out, " %s", npu_type_text(s->src2) ?: "?");
	else if (s->src2)
		fprintf(out, " op%u", s->src2 - NPU_SRC_0);
}

static void print_pipe_text(FILE *out, const struct npu_vpu_pipe *p)
{
	unsigned int i;

	fputs(" x:", out);
	print_text(out, &p->x, operand_fields);
	for (i = 0; i < at_most(p->operands, NPU_VPU_OPERANDS); i++) {
		fprintf(out, " op%u:", i);
		print_text(out, &p->operand[i], operand_fields);
	}
	for (i = 0; i < at_most(p->stages, NPU_VPU_STAGES); i++)
		print_stage_text(out, &p->stage[i]);
	fputs(" | out:", out);
	print_text(out, &p->out, operand_fields);
}

/* Fields of an object; they all begin with a comma, so the first needs something before it. */
static void print_operand_json(FILE *out, const char *role, const struct npu_vpu_operand *o)
{
	fprintf(out, "{\"role\": \"%s\"", role);
	print_json(out, o, operand_fields);
	fputc('}', out);
}

static void print_pipe_json(FILE *out, const struct npu_vpu_pipe *p)
{
	unsigned int i;

	fputs(", \"x\": ", out);
	print_operand_json(out, "x", &p->x);
	fputs(", \"out\": ", out);
	print_operand_json(out, "out", &p->out);
	fputs(", \"operands\": [", out);
	for (i = 0; i < at_most(p->operands, NPU_VPU_OPERANDS); i++) {
		fputs(i ? ", " : "", out);
		print_operand_json(out, "operand", &p->operand[i]);
	}
	fputs("], \"stages\": [", out);
	for (i = 0; i < at_most(p->stages, NPU_VPU_STAGES); i++) {
		const char *name = npu_stage_text(p->stage[i].op);

		fprintf(out, "%s{\"stage\": ", i ? ", " : "");
		if (name)
			fprintf(out, "\"%s\"", name);
		else
			fprintf(out, "%u", p->stage[i].op);
		print_json(out, &p->stage[i], stage_fields);
		fputc('}', out);
	}
	fputc(']', out);
}

static void print_semaphores(FILE *out, const char *name, const uint8_t *list, bool json)
{
	unsigned int i, count = 0;

	if (json)
		fprintf(out, ", \"%s\": [", name);
	for (i = 0; i < NPU_CMD_SEMS; i++) {
		if (list[i] == NPU_SEM_NONE)
			continue;
		if (json)
			fprintf(out, "%s%u", count ? ", " : "", list[i]);
		else
			fprintf(out, "%s%s%u", count ? "" : " ", count ? "," : name, list[i]);
		count++;
	}
	if (json)
		fputc(']', out);
}

static void print_command(FILE *out, const struct npu_cmd *cmd, size_t at, bool json)
{
	const struct npu_vpu_pipe *p = pipe_of(cmd);
	const char *engine = npu_engine_text(npu_isa_engine(cmd->opcode));

	if (json) {
		fprintf(out, "{\"at\": %zu, \"command\": \"%s\", \"engine\": ", at,
			npu_isa_name(cmd->opcode));
		fprintf(out, engine ? "\"%s\"" : "null", engine ?: "");
		fprintf(out, ", \"tag\": %u", cmd->tag);
		print_semaphores(out, "wait", cmd->wait, true);
		print_semaphores(out, "signal", cmd->signal, true);
		print_json(out, cmd, fields_of(cmd->opcode));
		if (p)
			print_pipe_json(out, p);
		fputc('}', out);
		return;
	}
	fprintf(out, "%06zx  %-7s", at, npu_isa_name(cmd->opcode));
	print_semaphores(out, "wait:", cmd->wait, false);
	print_semaphores(out, "signal:", cmd->signal, false);
	if (cmd->tag)
		fprintf(out, " tag:%u", cmd->tag);
	print_text(out, cmd, fields_of(cmd->opcode));
	if (p)
		print_pipe_text(out, p);
	fputc('\n', out);
}

int npu_disasm(FILE *out, const struct npu_code *code, enum npu_disasm_format format)
{
	bool json = format == NPU_DISASM_JSON;
	size_t at = 0;
	int ret = 0;

	if (json)
		fputs("[", out);
	while (at < code->size) {
		const struct npu_cmd *cmd = (const void *)((const uint8_t *)code->cmds + at);
		size_t left = code->size - at;

		if (left < sizeof(*cmd) || !npu_isa_size(cmd->opcode) ||
		    left < npu_isa_size(cmd->opcode)) {
			if (json)
				fprintf(out, "%s\n {\"at\": %zu, \"command\": null}", at ? "," : "",
					at);
			else
				fprintf(out, "%06zx  not a command\n", at);
			ret = -EBADMSG;
			break;
		}
		if (json)
			fputs(at ? ",\n " : "\n ", out);
		print_command(out, cmd, at, json);
		at += npu_isa_size(cmd->opcode);
	}
	if (json)
		fputs("\n]\n", out);
	return ferror(out) ? -EIO : ret;
}
