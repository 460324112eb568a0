// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Which bytes a command touches. A tensor of a command (struct npu_shape) becomes a set of bytes
 * (struct npu_access) whose dimensions are positive, sorted, and merged wherever two of them
 * together are one.
 */
#include "isa_check.h"

/* ---- Shapes --------------------------------------------------------------------------------- */

static int64_t add_saturated(int64_t a, int64_t b)
{
	int64_t sum;

	if (!__builtin_add_overflow(a, b, &sum))
		return sum;
	return b < 0 ? INT64_MIN : INT64_MAX;
}

static int64_t span_saturated(uint64_t count, int64_t stride)
{
	int64_t span;

	if (count - 1 <= INT64_MAX && !__builtin_mul_overflow((int64_t)(count - 1), stride, &span))
		return span;
	return stride < 0 ? INT64_MIN : INT64_MAX;
}

enum npu_reason npu_shape_bounds(const struct npu_shape *s, uint64_t limit, uint64_t *where)
{
	int64_t first = s->base;
	int64_t last = add_saturated(s->base, (int64_t)(s->run - 1));
	unsigned int i;

	for (i = 0; i < s->dims; i++) {
		int64_t span = span_saturated(s->count[i], s->stride[i]);

		if (span < 0)
			first = add_saturated(first, span);
		else
			last = add_saturated(last, span);
	}
	if (first < 0)
		return npu_isa_fail(where, NPU_REASON_BOUNDS, (uint64_t)first);
	if ((uint64_t)last >= limit)
		return npu_isa_fail(where, NPU_REASON_BOUNDS, (uint64_t)last);
	return NPU_REASON_NONE;
}

/* Sort by stride; a handful of elements. */
static void sort_dims(unsigned int dims, uint64_t *count, int64_t *stride)
{
	unsigned int i, j;

	for (i = 1; i < dims; i++) {
		uint64_t c = count[i];
		int64_t s = stride[i];

		for (j = i; j > 0 && stride[j - 1] > s; j--) {
			count[j] = count[j - 1];
			stride[j] = stride[j - 1];
		}
		count[j] = c;
		stride[j] = s;
	}
}

/*
 * Keep dimensions that move, make their strides positive, sort. Returns how many, and the lowest
 * address.
 */
static unsigned int positive_dims(const struct npu_shape *s, uint64_t *count, int64_t *stride,
				  int64_t *base)
{
	unsigned int i, n = 0;

	*base = s->base;
	for (i = 0; i < s->dims; i++) {
		if (s->count[i] <= 1)
			continue;
		count[n] = s->count[i];
		stride[n] = s->stride[i];
		if (stride[n] < 0) {
			/* Memory's addresses are modulo 2^64. */
			*base = (int64_t)((uint64_t)*base +
					  (uint64_t)span_saturated(count[n], stride[n]));
			stride[n] = -stride[n];
		}
		n++;
	}
	sort_dims(n, count, stride);
	return n;
}

int npu_shape_still(const struct npu_shape *s)
{
	unsigned int i;

	for (i = 0; i < s->dims; i++)
		if (s->count[i] > 1 && !s->stride[i])
			return (int)i;
	return -1;
}

/* Nested in the order given, which need not be that of the strides. */
static bool nested(unsigned int dims, const uint64_t *count, const int64_t *stride, uint64_t run)
{
	int64_t extent = (int64_t)run;
	unsigned int i;

	for (i = 0; i < dims; i++) {
		int64_t step = stride[i] < 0 ? -stride[i] : stride[i];

		if (count[i] <= 1)
			continue;
		if (step < extent)
			return false;
		extent = add_saturated(extent, span_saturated(count[i], step));
	}
	return true;
}

bool npu_shape_nested(const struct npu_shape *s)
{
	return nested(s->dims, s->count, s->stride, s->run);
}

bool npu_shape_folds(const struct npu_shape *s)
{
	uint64_t count[SHAPE_DIMS];
	int64_t stride[SHAPE_DIMS];
	int64_t base;
	unsigned int dims = positive_dims(s, count, stride, &base);

	return !nested(dims, count, stride, s->run);
}

static void drop_dim(struct npu_access *a, unsigned int i)
{
	a->dims--;
	for (; i < a->dims; i++) {
		a->count[i] = a->count[i + 1];
		a->stride[i] = a->stride[i + 1];
	}
}

/*
 * The sum of two progressions, of strides s and m * s, is one of stride s again when the first is
 * at least m long: overlapping and adjacent windows become one. Runs are progressions of stride 1.
 */
static bool merge_dims(struct npu_access *a)
{
	unsigned int i, j;

	if (a->dims && (uint64_t)a->stride[0] <= a->run) {
		a->run += (a->count[0] - 1) * (uint64_t)a->stride[0];
		drop_dim(a, 0);
		return true;
	}
	for (i = 0; i < a->dims; i++) {
		for (j = i + 1; j < a->dims; j++) {
			uint64_t m = (uint64_t)a->stride[j] / (uint64_t)a->stride[i];

			if (a->stride[j] % a->stride[i] || m > a->count[i])
				continue;
			a->count[i] += m * (a->count[j] - 1);
			drop_dim(a, j);
			return true;
		}
	}
	return false;
}

void npu_shape_access(const struct npu_shape *s, uint8_t space, uint8_t kind, struct npu_access *a)
{
	_Static_assert(SHAPE_DIMS <= NPU_ACCESS_DIMS, "every shape is an access");

	a->space = space;
	a->kind = kind;
	a->region = 0;
	a->run = s->run;
	a->dims = (uint8_t)positive_dims(s, a->count, a->stride, &a->base);
	while (a->dims && a->stride[0] == 0)
		drop_dim(a, 0);
	while (merge_dims(a))
		;
}

static uint64_t access_extent(const struct npu_access *a)
{
	uint64_t extent = a->run;
	unsigned int i;

	for (i = 0; i < a->dims; i++)
		extent += (a->count[i] - 1) * (uint64_t)a->stride[i];
	return extent;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/*
 * Does [first, last] meet the lowest @dims dimensions of @a, based at 0? A block's first and last
 * byte belong to it, so a range that reaches two blocks of the highest dimension meets the end of
 * one.
 */
static bool range_meets(const struct npu_access *a, unsigned int dims, int64_t extent,
			int64_t first, int64_t last)
{
	int64_t stride, block, lo, hi;

	if (last < 0 || first >= extent)
		return false;
	if (!dims)
		return true;
	dims--;
	stride = a->stride[dims];
	block = extent - (int64_t)(a->count[dims] - 1) * stride;
	/* Blocks i with i * stride <= last and i * stride + block > first. */
	hi = floor_div(last, stride);
	lo = floor_div(first - block, stride) + 1;
	if (lo < 0)
		lo = 0;
	if (hi > (int64_t)a->count[dims] - 1)
		hi = (int64_t)a->count[dims] - 1;
	if (lo > hi)
		return false;
	if (hi > lo)
		return true;
	return range_meets(a, dims, block, first - lo * stride, last - lo * stride);
}

static bool access_meets(const struct npu_access *plain, const struct npu_access *b)
{
	int64_t extent = (int64_t)access_extent(plain);
	int64_t start = b->base - plain->base;
	uint64_t box = access_extent(b), runs = 1;
	uint64_t at[NPU_ACCESS_DIMS] = { 0 };
	unsigned int i;

	if (start >= extent || start + (int64_t)box <= 0)
		return false;
	for (i = 0; i < b->dims; i++)
		runs *= b->count[i];
	/* Walks over more elements than there are bytes are taken for all the bytes. */
	if (runs > box)
		return range_meets(plain, plain->dims, extent, start, start + (int64_t)box - 1);
	for (;;) {
		if (range_meets(plain, plain->dims, extent, start, start + (int64_t)b->run - 1))
			return true;
		for (i = 0; i < b->dims; i++) {
			start += b->stride[i];
			if (++at[i] < b->count[i])
				break;
			start -= (int64_t)b->count[i] * b->stride[i];
			at[i] = 0;
		}
		if (i == b->dims)
			return false;
	}
}

bool npu_shape_meets(const struct npu_shape *out, uint8_t out_space, const struct npu_access *in)
{
	struct npu_access a;

	if (out_space != in->space)
		return false;
	npu_shape_access(out, out_space, NPU_ACCESS_WRITE, &a);
	if (!nested(a.dims, a.count, a.stride, a.run)) {
		a.run = access_extent(&a);
		a.dims = 0;
	}
	return access_meets(&a, in);
}

/* ---- Commands ------------------------------------------------------------------------------- */

struct visitor {
	npu_access_fn *fn;
	void *opaque;
};

static void visit(const struct visitor *v, const struct npu_shape *s, uint8_t space, uint8_t kind)
{
	struct npu_access a;

	npu_shape_access(s, space, kind, &a);
	v->fn(v->opaque, &a);
}

static void visit_memory(const struct visitor *v, const struct npu_cmd *cmd, uint8_t kind)
{
	struct npu_dma_shape d;
	struct npu_shape s;
	struct npu_access a;
	unsigned int i;

	npu_isa_dma_shape(cmd, &d);
	if (!d.row)
		return;
	npu_shape_init(&s, d.offset, d.row);
	for (i = 0; i < 3; i++)
		npu_shape_dim(&s, d.count[i], d.stride[i]);
	npu_shape_access(&s, NPU_SPACE_MEM, kind, &a);
	a.region = d.region;
	v->fn(v->opaque, &a);
}

void npu_isa_dma_shape(const struct npu_cmd *cmd, struct npu_dma_shape *shape)
{
	unsigned int i;

	if (cmd->opcode == NPU_OP_STORE) {
		const struct npu_cmd_store *s = (const void *)cmd;

		shape->region = s->region;
		shape->offset = (int64_t)s->offset;
		shape->row = s->size[0];
		for (i = 0; i < 3; i++) {
			shape->count[i] = s->size[i + 1];
			shape->stride[i] = (int64_t)s->mem_stride[i];
		}
	} else {
		const struct npu_cmd_load *l = (const void *)cmd;
		uint64_t n = (uint64_t)l->size[0] - l->pad_lo[0] - l->pad_hi[0];
		bool any = n;

		shape->region = l->region;
		shape->offset = (int64_t)l->offset;
		for (i = 0; i < 3; i++) {
			shape->count[i] =
				(uint64_t)l->size[i + 1] - l->pad_lo[i + 1] - l->pad_hi[i + 1];
			shape->stride[i] = (int64_t)l->mem_stride[i];
			any = any && shape->count[i];
		}
		shape->row = any ? (n * npu_isa_type_bits(l->type) + 7) / 8 : 0;
	}
}

bool npu_isa_gather_index(const struct npu_cmd_gather *cmd, const uint8_t *spm, uint32_t i,
			  uint64_t *row)
{
	int64_t index;

	if (cmd->type == NPU_S64)
		__builtin_memcpy(&index, spm + cmd->index + (uint64_t)i * 8, 8);
	else
		index = ((const int32_t *)(const void *)(spm + cmd->index))[i];
	if (index < 0)
		index += (int64_t)cmd->rows;
	if (index < 0 || (uint64_t)index >= cmd->rows)
		return false;
	*row = (uint64_t)index;
	return true;
}

static void visit_load(const struct visitor *v, const struct npu_cmd_load *cmd)
{
	unsigned int bits = npu_isa_type_bits(cmd->type);
	unsigned int bytes = bits < 8 ? 1 : bits / 8;
	bool pad = false;
	struct npu_shape s;
	unsigned int i;

	for (i = 0; i < 4; i++)
		pad = pad || cmd->pad_lo[i] || cmd->pad_hi[i];
	if (pad && cmd->fill_mode == NPU_FILL_SPM) {
		npu_shape_init(&s, cmd->fill, bytes);
		visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_READ);
	}
	visit_memory(v, &cmd->h, NPU_ACCESS_READ);
	npu_shape_init(&s, cmd->spm, (uint64_t)cmd->size[0] * bytes);
	for (i = 0; i < 3; i++)
		npu_shape_dim(&s, cmd->size[i + 1], (int32_t)cmd->spm_stride[i]);
	visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_WRITE);
}

static void visit_gather(const struct visitor *v, const struct npu_cmd_gather *cmd)
{
	struct npu_shape s;

	npu_shape_init(&s, cmd->index, (uint64_t)cmd->count * npu_isa_bytes(cmd->type));
	visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_READ);
	npu_shape_init(&s, cmd->spm, cmd->row_bytes);
	npu_shape_dim(&s, cmd->count, (int32_t)cmd->spm_stride);
	visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_WRITE);
}

static void visit_store(const struct visitor *v, const struct npu_cmd_store *cmd)
{
	struct npu_shape s;
	unsigned int i;

	npu_shape_init(&s, cmd->local, cmd->size[0]);
	for (i = 0; i < 3; i++)
		npu_shape_dim(&s, cmd->size[i + 1], (int32_t)cmd->local_stride[i]);
	visit(v, &s, cmd->space, NPU_ACCESS_READ);
	visit_memory(v, &cmd->h, NPU_ACCESS_WRITE);
}

static void visit_vector(const struct visitor *v, uint8_t mode, uint32_t addr, uint64_t count)
{
	struct npu_shape s;

	if (mode == NPU_ZP_IMM)
		return;
	/* Zero points are 8-bit wide whatever they belong to. */
	npu_shape_init(&s, addr, mode == NPU_ZP_VECTOR ? count : 1);
	visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_READ);
}

/* The second operand: k by n elements, a group after another. */
static void visit_second(const struct visitor *v, const struct npu_mxu_operands *o, uint64_t k,
			 uint64_t n, uint64_t groups, int64_t group_stride)
{
	unsigned int bits = npu_isa_type_bits(o->b_type);
	uint64_t q = bits == 16 ? 2 : 4;
	uint64_t column = q * bits / 8, group = NPU_PACK_COLS * column;
	uint64_t blocks = n / NPU_PACK_COLS, columns = n % NPU_PACK_COLS, whole = k / q;
	uint64_t tail = (k % q * bits + 7) / 8;
	int64_t stride = (int32_t)o->b_stride;
	struct npu_shape s;

	if (o->b_layout != NPU_B_PACKED) {
		bool rows = o->b_layout == NPU_B_ROWS;

		npu_shape_init(&s, o->b, (rows ? n : k) * bits / 8);
		npu_shape_dim(&s, rows ? k : n, stride);
		npu_shape_dim(&s, groups, group_stride);
		visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_READ);
		return;
	}
	if (blocks && whole) {
		npu_shape_init(&s, o->b, group);
		npu_shape_dim(&s, whole, (int64_t)group);
		npu_shape_dim(&s, blocks, stride);
		npu_shape_dim(&s, groups, group_stride);
		visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_READ);
	}
	if (blocks && tail) {
		npu_shape_init(&s, o->b + (int64_t)(whole * group), tail);
		npu_shape_dim(&s, NPU_PACK_COLS, (int64_t)column);
		npu_shape_dim(&s, blocks, stride);
		npu_shape_dim(&s, groups, group_stride);
		visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_READ);
	}
	if (columns && whole) {
		npu_shape_init(&s, o->b + (int64_t)blocks * stride, columns * column);
		npu_shape_dim(&s, whole, (int64_t)group);
		npu_shape_dim(&s, groups, group_stride);
		visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_READ);
	}
	if (columns && tail) {
		npu_shape_init(&s, o->b + (int64_t)blocks * stride + (int64_t)(whole * group),
			       tail);
		npu_shape_dim(&s, columns, (int64_t)column);
		npu_shape_dim(&s, groups, group_stride);
		visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_READ);
	}
}

static void visit_acc(const struct visitor *v, const struct npu_mxu_operands *o,
		      const struct npu_shape *s)
{
	if (o->flags & NPU_MXU_ACCUMULATE)
		visit(v, s, NPU_SPACE_ACC, NPU_ACCESS_READ);
	visit(v, s, NPU_SPACE_ACC, NPU_ACCESS_WRITE);
}

static void visit_matmul(const struct visitor *v, const struct npu_cmd_matmul *cmd)
{
	const struct npu_mxu_operands *o = &cmd->o;
	struct npu_shape s;

	npu_shape_init(&s, o->a, (uint64_t)cmd->k * npu_isa_bytes(o->a_type));
	npu_shape_dim(&s, cmd->m, (int32_t)cmd->a_stride);
	visit(v, &s, NPU_SPACE_SPM, NPU_ACCESS_READ);
	visit_second(v, o, cmd->k, cmd->n, 1, 0);
	visit_vector(v, o->a_zp_mode, o->a_zp, cmd->m);
	visit_vector(v, o->b_zp_mode, o->b_zp, cmd->n);
	npu_shape_init(&s, o->acc, (uint64_t)cmd->n * 4);
	npu_shape_dim(&s, cmd->m, (int32_t)cmd->acc_stride);
	visit_acc(v, o, &s);
}

/* One axis of a window that moves over a tile. */
struct axis {
	uint32_t out, stride, kernel, dilation, in;
	int32_t pad;
};

/* Coordinates first, first + step, ... */
struct progression {
	int64_t first, step, count;
};

static bool clip(struct progression *p, int64_t limit)
{
	int64_t skip = p->first < 0 ? (-p->first + p->step - 1) / p->step : 0;

	p->first += skip * p->step;
	p->count -= skip;
	if (p->count <= 0 || p->first >= limit)
		return false;
	if (p->count > (limit - p->first + p->step - 1) / p->step)
		p->count = (limit - p->first + p->step - 1) / p->step;
	return true;
}

/* All coordinates of the tile that the window covers, where they are one progression. */
static bool axis_whole(const struct axis *x, struct progression *p)
{
	p->first = -(int64_t)x->pad;
	if (x->out == 1 || x->kernel == 1) {
		p->step = x->out == 1 ? x->dilation : x->stride;
		p->count = x->out == 1 ? x->kernel : x->out;
	} else if (x->stride % x->dilation == 0 && x->stride / x->dilation <= x->kernel) {
		p->step = x->dilation;
		p->count = x->kernel + (int64_t)(x->stride / x->dilation) * (x->out - 1);
	} else if (x->dilation % x->stride == 0 && x->dilation / x->stride <= x->out) {
		p->step = x->stride;
		p->count = x->out + (int64_t)(x->dilation / x->stride) * (x->kernel - 1);
	} else {
		return false;
	}
	return true;
}

/* Part @i of the axis: all of it, or what one tap covers. */
static bool axis_part(const struct axis *x, bool whole, uint32_t i, struct progression *p)
{
	if (!whole || !axis_whole(x, p)) {
		p->first = (int64_t)i * x->dilation - x->pad;
		p->step = x->stride;
		p->count = x->out;
	}
	return clip(p, x->in);
}

/*
 * The part of a tile that windows cover; @s has the run and the dimensions that are neither rows
 * nor columns.
 */
static void visit_windows(const struct visitor *v, const struct npu_shape *s,
			  const struct axis *rows, int64_t row_stride, const struct axis *columns,
			  int64_t column_stride, uint8_t space)
{
	struct progression row, column;
	bool whole_rows = axis_whole(rows, &row), whole_columns = axis_whole(columns, &column);
	uint32_t r, c;

	for (r = 0; r < (whole_rows ? 1 : rows->kernel); r++) {
		if (!axis_part(rows, whole_rows, r, &row))
			continue;
		for (c = 0; c < (whole_columns ? 1 : columns->kernel); c++) {
			struct npu_shape part = *s;

			if (!axis_part(columns, whole_columns, c, &column))
				continue;
			part.base += row.first * row_stride + column.first * column_stride;
			npu_shape_dim(&part, (uint64_t)column.count, column.step * column_stride);
			npu_shape_dim(&part, (uint64_t)row.count, row.step * row_stride);
			visit(v, &part, space, NPU_ACCESS_READ);
		}
	}
}

static void visit_conv(const struct visitor *v, const struct npu_cmd_conv *cmd)
{
	const struct npu_mxu_operands *o = &cmd->o;
	struct axis rows = { cmd->out_h,      cmd->stride_h, cmd->kernel_h,
			     cmd->dilation_h, cmd->in_h,     (int16_t)cmd->pad_top };
	struct axis columns = { cmd->out_w,	 cmd->stride_w, cmd->kernel_w,
				cmd->dilation_w, cmd->in_w,	(int16_t)cmd->pad_left };
	uint64_t taps = (uint64_t)cmd->kernel_h * cmd->kernel_w;
	uint64_t channels = (uint64_t)cmd->groups * cmd->in_c;
	struct npu_shape s;

	npu_shape_init(&s, o->a, channels * npu_isa_bytes(o->a_type));
	npu_shape_dim(&s, cmd->batch, (int32_t)cmd->a_stride[2]);
	visit_windows(v, &s, &rows, (int32_t)cmd->a_stride[1], &columns, (int32_t)cmd->a_stride[0],
		      NPU_SPACE_SPM);
	if (o->flags & NPU_MXU_DEPTHWISE)
		visit_second(v, o, taps, cmd->out_c, 1, 0);
	else
		visit_second(v, o, taps * cmd->in_c, cmd->out_c, cmd->groups,
			     (int32_t)cmd->b_group_stride);
	visit_vector(v, o->a_zp_mode, o->a_zp, cmd->batch);
	visit_vector(v, o->b_zp_mode, o->b_zp, (uint64_t)cmd->groups * cmd->out_c);
	npu_shape_init(&s, o->acc, (uint64_t)cmd->groups * cmd->out_c * 4);
	npu_shape_dim(&s, cmd->out_w, (int32_t)cmd->acc_stride[0]);
	npu_shape_dim(&s, cmd->out_h, (int32_t)cmd->acc_stride[1]);
	npu_shape_dim(&s, cmd->batch, (int32_t)cmd->acc_stride[2]);
	visit_acc(v, o, &s);
}

static void visit_operand(const struct visitor *v, const struct npu_vpu_operand *o,
			  const uint32_t *size, uint8_t kind)
{
	struct npu_shape s;
	unsigned int i;

	npu_shape_init(&s, o->addr, npu_isa_bytes(o->type));
	for (i = 0; i < 4; i++)
		npu_shape_dim(&s, size[i], (int32_t)o->stride[i]);
	visit(v, &s, o->space, kind);
}

static void visit_pipe(const struct visitor *v, const struct npu_vpu_pipe *p, const uint32_t *size)
{
	unsigned int i, plain, lut = npu_vpu_lut_operands(p, &plain);
	struct npu_shape s;

	for (i = 0; i < p->operands; i++) {
		const struct npu_vpu_operand *o = &p->operand[i];

		if (plain & 1u << i)
			visit_operand(v, o, size, NPU_ACCESS_READ);
		if (lut & 1u << i) {
			npu_shape_init(&s, o->addr, 256u * npu_isa_bytes(o->type));
			visit(v, &s, o->space, NPU_ACCESS_READ);
		}
	}
	/* Dimensions that are reduced have a stride of zero in the output. */
	visit_operand(v, &p->out, size, NPU_ACCESS_WRITE);
}

static void visit_pool(const struct visitor *v, const struct npu_cmd_pool *cmd)
{
	const struct npu_vpu_operand *x = &cmd->p.x;
	struct axis rows = { cmd->size[2],    cmd->stride_h, cmd->kernel_h,
			     cmd->dilation_h, cmd->in_h,     (int16_t)cmd->pad_top };
	struct axis columns = { cmd->size[1],	 cmd->stride_w, cmd->kernel_w,
				cmd->dilation_w, cmd->in_w,	(int16_t)cmd->pad_left };
	struct npu_shape s;

	npu_shape_init(&s, x->addr, npu_isa_bytes(x->type));
	npu_shape_dim(&s, cmd->size[0], (int32_t)x->stride[0]);
	npu_shape_dim(&s, cmd->size[3], (int32_t)x->stride[3]);
	visit_windows(v, &s, &rows, (int32_t)x->stride[2], &columns, (int32_t)x->stride[1],
		      x->space);
	visit_pipe(v, &cmd->p, cmd->size);
}

void npu_isa_footprint(const struct npu_cmd *cmd, npu_access_fn *fn, void *opaque)
{
	struct visitor v = { fn, opaque };

	switch (cmd->opcode) {
	case NPU_OP_LOAD:
		visit_load(&v, (const void *)cmd);
		break;
	case NPU_OP_GATHER:
		visit_gather(&v, (const void *)cmd);
		break;
	case NPU_OP_STORE:
		visit_store(&v, (const void *)cmd);
		break;
	case NPU_OP_MATMUL:
		visit_matmul(&v, (const void *)cmd);
		break;
	case NPU_OP_CONV:
		visit_conv(&v, (const void *)cmd);
		break;
	case NPU_OP_VPU: {
		const struct npu_cmd_vpu *vpu = (const void *)cmd;

		visit_operand(&v, &vpu->p.x, vpu->size, NPU_ACCESS_READ);
		visit_pipe(&v, &vpu->p, vpu->size);
		break;
	}
	case NPU_OP_POOL:
		visit_pool(&v, (const void *)cmd);
		break;
	}
}
