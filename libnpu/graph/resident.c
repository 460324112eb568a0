// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * How steps stay in SPM (resident.h): who does what, and what lies where.
 *
 * Splitting by rows costs no exchange where windows are single pixels, and a barrier and a few
 * rows where they are not; but every core streams all weights, and few rows leave the array
 * waiting for them. Splitting by channels shares the weights, and exchanges everything. Images
 * shrink along a network, so a group changes from rows to channels once; where is tried out
 * (resident_find.c).
 *
 * Only the first steps of a group may make more rows than their share, so that the next one needs
 * no barrier: their inputs come from memory, which has all rows; anywhere else it would drag more
 * rows of more steps along.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"
#include "resident.h"

/* Blocks of weights: small ones fill the ring better, large ones need fewer commands. */
#define BLOCK_BYTES 32768u
/* Bias and scales in SPM. */
#define VECTOR_BYTES 65536u
/* Rows made twice instead of a barrier, in cycles of the array. */
#define BARRIER_COST 500u

/* ---- Facts of steps -------------------------------------------------------------------------- */

unsigned int npu_resident_rest(const struct npu_resident_box *need,
			       const struct npu_resident_box *own, struct npu_resident_box rest[4])
{
	struct npu_resident_box in = npu_resident_cut(need, own), b[4];
	unsigned int i, count = 0;

	if (npu_resident_empty(need))
		return 0;
	if (npu_resident_empty(&in)) {
		rest[0] = *need;
		return 1;
	}
	for (i = 0; i < 4; i++)
		b[i] = *need;
	b[0].row[1] = in.row[0];
	b[1].row[0] = in.row[1];
	memcpy(b[2].row, in.row, sizeof(in.row));
	memcpy(b[3].row, in.row, sizeof(in.row));
	b[2].ch[1] = in.ch[0];
	b[3].ch[0] = in.ch[1];
	for (i = 0; i < 4; i++)
		if (!npu_resident_empty(&b[i]))
			rest[count++] = b[i];
	return count;
}

uint64_t npu_resident_weights(const struct npu_resident_step *s, uint64_t k, uint32_t columns)
{
	uint64_t size = npu_type_size(s->conv.weight_type);

	if (s->depthwise)
		return k * columns * size;
	return npu_round_up(k, npu_pack_group(s->conv.weight_type)) * npu_round_up(columns, NPU_PACK_COLS) * size;
}

uint64_t npu_resident_mxu(const struct npu_caps *caps, const struct npu_resident_step *s,
			  uint64_t pixels, uint64_t k, uint64_t columns)
{
	uint64_t depth = s->depthwise ? caps->dw_taps : caps->array_rows;
	uint64_t width = s->depthwise ? caps->dw_channels : caps->array_cols;
	uint64_t slow = npu_is_float(s->conv.in_type) ? caps->float_div : 1;

	return caps->cmd_cycles +
	       npu_div_up(k, depth) * npu_div_up(columns, width) *
		       npu_max(pixels * slow, npu_div_up(npu_min(k, depth), caps->weight_rows));
}

void npu_resident_window(const struct npu_resident_step *s, const uint32_t out[2], uint32_t row[2])
{
	uint32_t stride = s->is_pool ? s->pool.stride_h : s->conv.stride_h;
	uint32_t pad = s->is_pool ? s->pool.pad_top : s->conv.pad_top;
	uint32_t kernel = s->is_pool ? s->pool.kernel_h : s->conv.kernel_h;
	uint32_t dilation = s->is_pool ? s->pool.dilation_h : s->conv.dilation_h;
	uint32_t in = s->is_pool ? s->pool.in_h : s->conv.in_h;
	int64_t first = (int64_t)out[0] * stride - pad;
	int64_t end = (int64_t)(out[1] - 1) * stride - pad + (int64_t)(kernel - 1) * dilation + 1;

	first = first < 0 ? 0 : first;
	end = end > in ? in : end;
	/* Windows of padding alone: the command still needs a row to be there. */
	first = first >= in ? in - 1 : first;
	end = end <= first ? first + 1 : end;
	row[0] = (uint32_t)first;
	row[1] = (uint32_t)end;
}

/* ---- What steps can be --------------------------------------------------------------------- */

static bool constant(const struct npu_lower *l, const struct npu_lower_ref *ref)
{
	return ref->buffer >= 0 && l->buffer[ref->buffer].kind == NPU_LOWER_CONSTANTS;
}

/* A product of matrices as a convolution: each row is a pixel. */
static bool from_matmul(const struct npu_matmul *desc, struct npu_conv2d *d)
{
	struct npu_matmul m;

	if (npu_op_matmul.normalise(desc, &m) || m.batch != 1 || m.b_layout != NPU_B_PACKED ||
	    m.k > UINT16_MAX || m.b_stride != npu_weights_packed_size(m.b_type, m.k, 16, 1))
		return false;
	*d = (struct npu_conv2d){
		.batch = 1,
		.in_h = m.m,
		.in_w = 1,
		.in_c = m.k,
		.out_c = m.n,
		.kernel_h = 1,
		.kernel_w = 1,
		.in_type = m.a_type,
		.weight_type = m.b_type,
		.weight_layout = m.b_layout,
		.in_zp_per = m.a_zp_per,
		.in_zp = m.a_zp,
		.weight_zp_per = m.b_zp_per,
		.weight_zp = m.b_zp,
		.in_stride = { m.a_stride, m.a_stride },
		.out_stride = { m.out_stride, m.out_stride },
		.residual_stride = { m.residual_stride, m.residual_stride },
		.epilogue = m.epilogue,
	};
	return true;
}

static bool product_fits(const struct npu_lower *l, const struct npu_lower_step *step,
			 struct npu_resident_step *s)
{
	struct npu_conv2d *d = &s->conv, raw;

	if (step->op == &npu_op_matmul) {
		if (!from_matmul(&step->u.matmul, &raw))
			return false;
	} else {
		raw = step->u.conv;
	}
	if (npu_op_conv2d.normalise(&raw, d))
		return false;
	s->depthwise = d->groups > 1 && d->groups == d->in_c && d->groups == d->out_c;
	s->weights = step->ref[NPU_OP_REGION_B];
	s->bias = step->ref[NPU_OP_REGION_BIAS];
	s->scale = step->ref[NPU_OP_REGION_SCALE];
	return d->batch == 1 && (d->groups == 1 || s->depthwise) &&
	       d->weight_layout == (s->depthwise ? NPU_B_ROWS : NPU_B_PACKED) &&
	       d->in_zp_per <= NPU_PER_TENSOR && d->weight_zp_per <= NPU_PER_TENSOR &&
	       constant(l, &s->weights) && (!d->epilogue.bias || constant(l, &s->bias)) &&
	       (d->epilogue.scale_per != NPU_PER_CHANNEL || constant(l, &s->scale)) &&
	       (d->epilogue.bias ||
		!npu_epilogue_stays(&d->epilogue, npu_is_float(d->in_type) ? NPU_FP32 : NPU_S32)) &&
	       (uint64_t)d->kernel_h * d->kernel_w <= NPU_MAX_TAPS &&
	       d->in_h <= UINT16_MAX && d->in_w <= UINT16_MAX && d->in_c <= UINT16_MAX &&
	       d->pad_left <= INT16_MAX && npu_conv2d_out_w(d) <= UINT16_MAX;
}

static bool step_fits(const struct npu_lower *l, unsigned int number, struct npu_resident_step *s)
{
	const struct npu_lower_step *step = &l->step[number];

	*s = (struct npu_resident_step){ .number = number, .residual = -1 };
	if (step->kind != NPU_STEP_PRODUCT)
		return false;
	if (step->op == &npu_op_pool2d) {
		s->is_pool = true;
		return !npu_op_pool2d.normalise(&step->u.pool, &s->pool) && s->pool.batch == 1 &&
		       !(s->pool.op == NPU_POOL_AVG_PAD && s->pool.in_zp) &&
		       s->pool.in_h <= UINT16_MAX && s->pool.in_w <= UINT16_MAX &&
		       (uint64_t)npu_pool2d_out_w(&s->pool) * s->pool.channels * s->pool.kernel_h *
				       s->pool.kernel_w <=
			       UINT32_MAX / npu_pool2d_out_h(&s->pool);
	}
	if (step->op != &npu_op_conv2d && step->op != &npu_op_matmul)
		return false;
	return product_fits(l, step, s);
}

/* ---- Tensors --------------------------------------------------------------------------------- */

/* The tensor of a step, found or added; -1: it lies across another one, or memory is out. */
static int tensor(struct npu_resident *r, const struct npu_lower_ref *ref, uint32_t h, uint32_t w,
		  uint32_t c, uint32_t type, const uint64_t stride[3], bool fresh)
{
	struct npu_resident_tensor t = { .ref = *ref,
					 .h = h,
					 .w = w,
					 .c = c,
					 .size = npu_type_size(type),
					 .producer = -1,
					 .loaded = -1 };
	unsigned int i;

	t.stride[0] = w > 1 ? stride[0] * t.size : 0;
	t.stride[1] = h > 1 ? stride[1] * t.size : 0;
	for (i = 0; i < r->tensors; i++) {
		const struct npu_resident_tensor *o = &r->tensor[i];

		if (o->ref.buffer != ref->buffer)
			continue;
		return !fresh && o->ref.offset == ref->offset && o->h == h && o->w == w &&
				       o->c == c && o->size == t.size &&
				       !memcmp(o->stride, t.stride, sizeof(t.stride)) ?
			       (int)i :
			       -1;
	}
	r->tensor[r->tensors] = t;
	return (int)r->tensors++;
}

static bool add_tensors(const struct npu_lower *l, struct npu_resident *r,
			struct npu_resident_step *s)
{
	const struct npu_lower_ref *ref = l->step[s->number].ref;
	const struct npu_conv2d *d = &s->conv;
	const struct npu_pool2d *p = &s->pool;

	if (s->is_pool) {
		s->in = tensor(r, &ref[NPU_OP_REGION_A], p->in_h, p->in_w, p->channels, p->in_type,
			       p->in_stride, false);
		s->out = s->in < 0 ? -1 :
				     tensor(r, &ref[NPU_OP_REGION_OUT], npu_pool2d_out_h(p),
					    npu_pool2d_out_w(p), p->channels, p->out_type,
					    p->out_stride, true);
		return s->out >= 0;
	}
	s->in = tensor(r, &ref[NPU_OP_REGION_A], d->in_h, d->in_w, d->in_c, d->in_type,
		       d->in_stride, false);
	if (s->in < 0)
		return false;
	if (d->epilogue.residual) {
		s->residual = tensor(r, &ref[NPU_OP_REGION_RESIDUAL], npu_conv2d_out_h(d),
				     npu_conv2d_out_w(d), d->out_c, d->epilogue.residual_type,
				     d->residual_stride, false);
		if (s->residual < 0)
			return false;
	}
	s->out = tensor(r, &ref[NPU_OP_REGION_OUT], npu_conv2d_out_h(d), npu_conv2d_out_w(d),
			d->out_c, d->epilogue.out_type, d->out_stride, true);
	return s->out >= 0;
}

/* As many steps from @first on as can be a group, at most @most. */
int npu_resident_collect(const struct npu_lower *l, struct npu_resident *r, unsigned int first,
			 unsigned int most)
{
	unsigned int i, k;

	*r = (struct npu_resident){ .caps = l->caps, .first = first, .cores = l->cores };
	r->step = calloc(most, sizeof(*r->step));
	r->tensor = calloc(most * 3ull, sizeof(*r->tensor));
	r->top = calloc(most, sizeof(*r->top));
	if (!r->step || !r->tensor || !r->top)
		return npu_fail(-ENOMEM, "out of memory");
	for (i = 0; i < most; i++) {
		unsigned int tensors = r->tensors;

		if (!step_fits(l, first + i, &r->step[i]))
			break;
		if (!add_tensors(l, r, &r->step[i])) {
			r->tensors = tensors;
			break;
		}
		r->tensor[r->step[i].out].producer = (int)i;
		r->steps++;
	}
	for (k = 0; k < r->tensors; k++) {
		struct npu_resident_tensor *t = &r->tensor[k];
		const struct npu_lower_buffer *b = &l->buffer[t->ref.buffer];

		t->kept = t->producer >= 0 &&
			  (b->kind == NPU_LOWER_OUTPUT || b->last >= (int)(first + r->steps));
	}
	return 0;
}

/* ---- Who does what --------------------------------------------------------------------------- */

static uint32_t columns_unit(const struct npu_caps *caps, const struct npu_resident_step *s)
{
	return npu_column_unit(s->depthwise ? caps->dw_channels : caps->array_cols);
}

static void extend(struct npu_resident_box *box, const struct npu_resident_box *by)
{
	if (npu_resident_empty(by))
		return;
	if (npu_resident_empty(box)) {
		*box = *by;
		return;
	}
	box->row[0] = npu_min(box->row[0], by->row[0]);
	box->row[1] = npu_max(box->row[1], by->row[1]);
	box->ch[0] = npu_min(box->ch[0], by->ch[0]);
	box->ch[1] = npu_max(box->ch[1], by->ch[1]);
}

static void share(const struct npu_resident *r, const struct npu_resident_step *s,
		  struct npu_resident_tensor *t)
{
	unsigned int c;

	for (c = 0; c < r->cores; c++) {
		struct npu_resident_box *b = &t->home[c];

		*b = (struct npu_resident_box){ { 0, t->h }, { 0, t->c } };
		if (s->by_rows)
			npu_share(t->h, 1, r->cores, c, &b->row[0], &b->row[1]);
		else
			npu_share(t->c, columns_unit(r->caps, s), r->cores, c, &b->ch[0],
				  &b->ch[1]);
		t->own[c] = *b;
		t->need[c] = (struct npu_resident_box){ { 0, 0 }, { 0, 0 } };
	}
}

static bool from_memory(const struct npu_resident *r, const struct npu_resident_step *s)
{
	return r->tensor[s->in].producer < 0 &&
	       (s->residual < 0 || r->tensor[s->residual].producer < 0);
}

/* Rows more than its share that a core had better make itself. */
static void make_more(const struct npu_resident *r, const struct npu_resident_step *s)
{
	struct npu_resident_tensor *t = &r->tensor[s->out];
	uint64_t most = 0;
	unsigned int c;

	if (s->is_pool || !s->by_rows || !from_memory(r, s))
		return;
	for (c = 0; c < r->cores; c++) {
		struct npu_resident_box b = t->own[c];
		uint64_t rows = b.row[1] - b.row[0];

		extend(&b, &t->need[c]);
		rows = b.row[1] - b.row[0] - rows;
		most = npu_max(most, npu_resident_mxu(r->caps, s, rows * t->w,
						      (uint64_t)s->conv.kernel_h *
							      s->conv.kernel_w * s->conv.in_c,
						      t->c));
	}
	for (c = 0; c < r->cores && most <= BARRIER_COST; c++)
		extend(&t->own[c], &t->need[c]);
}

/* What a step reads to make its part. */
static void needs(const struct npu_resident *r, const struct npu_resident_step *s)
{
	const struct npu_resident_tensor *out = &r->tensor[s->out];
	struct npu_resident_tensor *in = &r->tensor[s->in];
	unsigned int c;

	for (c = 0; c < r->cores; c++) {
		struct npu_resident_box b = out->own[c];

		if (npu_resident_empty(&b))
			continue;
		if (s->residual >= 0)
			extend(&r->tensor[s->residual].need[c], &b);
		npu_resident_window(s, out->own[c].row, b.row);
		if (!s->is_pool && !s->depthwise) {
			b.ch[0] = 0;
			b.ch[1] = in->c;
		}
		extend(&in->need[c], &b);
	}
}

/* Does some core read what another one makes? */
bool npu_resident_exchanged(const struct npu_resident *r, const struct npu_resident_tensor *t)
{
	struct npu_resident_box rest[4];
	unsigned int c;

	for (c = 0; c < r->cores; c++)
		if (t->producer >= 0 && npu_resident_rest(&t->need[c], &t->own[c], rest))
			return true;
	return false;
}

static void use(struct npu_resident *r, int tensor, unsigned int step, bool *barrier)
{
	struct npu_resident_tensor *t = tensor < 0 ? NULL : &r->tensor[tensor];
	unsigned int i;
	bool behind = false;

	if (!t)
		return;
	t->last = (int)step;
	if (t->loaded >= 0)
		return;
	t->loaded = (int)step;
	if (t->producer < 0) {
		t->first = (int)step;
		return;
	}
	for (i = (unsigned int)t->producer + 1; i < step; i++)
		behind |= r->step[i].barrier;
	*barrier |= !behind && npu_resident_exchanged(r, t);
}

static void divide(struct npu_resident *r, uint32_t least_rows)
{
	unsigned int i, c;

	for (i = 0; i < r->steps; i++) {
		struct npu_resident_step *s = &r->step[i];

		s->by_rows = r->tensor[s->out].h >= least_rows;
		share(r, s, &r->tensor[s->out]);
	}
	for (i = 0; i < r->tensors; i++) {
		struct npu_resident_tensor *t = &r->tensor[i];

		t->loaded = -1;
		t->first = t->last = t->producer;
		for (c = 0; c < r->cores && t->producer < 0; c++)
			t->own[c] = t->need[c] = (struct npu_resident_box){ { 0, 0 }, { 0, 0 } };
	}
	for (i = r->steps; i-- > 0;) {
		make_more(r, &r->step[i]);
		needs(r, &r->step[i]);
	}
	for (i = 0; i < r->tensors; i++) {
		struct npu_resident_tensor *t = &r->tensor[i];

		for (c = 0; c < r->cores; c++) {
			t->hold[c] = t->own[c];
			extend(&t->hold[c], &t->need[c]);
		}
	}
	for (i = 0; i < r->steps; i++) {
		r->step[i].barrier = false;
		use(r, r->step[i].in, i, &r->step[i].barrier);
		use(r, r->step[i].residual, i, &r->step[i].barrier);
	}
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

/* The largest chunk of k of at most BLOCK_BYTES that packed weights can be cut into. */
static void cut_kernel(const struct npu_caps *caps, struct npu_resident_step *s)
{
	uint32_t group = npu_pack_group(s->conv.weight_type), *chunk = s->chunk;
	uint32_t unit = npu_k_unit(caps);

	chunk[0] = s->conv.kernel_h;
	chunk[1] = s->conv.kernel_w;
	chunk[2] = s->depthwise ? 1 : s->conv.in_c;
	if (s->depthwise || s->conv.in_c % group)
		return;
	if (npu_resident_weights(s, (uint64_t)chunk[0] * chunk[1] * chunk[2], s->tile_cols) >
	    BLOCK_BYTES)
		chunk[0] = 1;
	if (npu_resident_weights(s, (uint64_t)chunk[1] * chunk[2], s->tile_cols) > BLOCK_BYTES)
		chunk[1] = 1;
	while (npu_resident_weights(s, chunk[2], s->tile_cols) > BLOCK_BYTES &&
	       chunk[0] * chunk[1] == 1 && chunk[2] > unit)
		chunk[2] = npu_round_up(npu_div_up(chunk[2], 2), unit);
}

static bool cut_step(const struct npu_resident *r, struct npu_resident_step *s, uint64_t room,
		     uint32_t pixels)
{
	const struct npu_resident_tensor *out = &r->tensor[s->out];
	uint64_t rows = 0, cols = 0, weights = 0, k, tiles;
	unsigned int c;

	for (c = 0; c < r->cores; c++) {
		if (npu_resident_empty(&out->own[c]))
			continue;
		rows = npu_max(rows, out->own[c].row[1] - out->own[c].row[0]);
		cols = npu_max(cols, out->own[c].ch[1] - out->own[c].ch[0]);
	}
	if (s->is_pool) {
		/* A few tiles, so that what follows can begin. */
		s->tile_rows = npu_max(1, npu_div_up(rows, 4));
		return true;
	}
	s->tile_cols = npu_min(columns_unit(r->caps, s), npu_round_up(out->c, NPU_PACK_COLS));
	pixels = npu_min(pixels, r->caps->acc_size / 2 / 4 / s->tile_cols);
	if (out->w > r->caps->acc_size / 4 / s->tile_cols)
		return false;
	s->tile_rows = npu_max(1, npu_min(UINT16_MAX, pixels / out->w));
	tiles = npu_div_up(rows, s->tile_rows);
	s->tile_rows = npu_max(1, npu_div_up(rows, npu_max(1, tiles)));
	cut_kernel(r->caps, s);
	k = (uint64_t)s->conv.kernel_h * s->conv.kernel_w * (s->depthwise ? 1 : s->conv.in_c);
	weights = npu_resident_weights(s, k, cols);
	s->pixels_outer = weights <= room / 2;
	return true;
}

/* ---- Places ---------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
	const struct npu_resident_tensor *x = *(struct npu_resident_tensor *const *)a,
					 *y = *(struct npu_resident_tensor *const *)b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x < y ? -1 : x > y;
}

/*
 * From the end of SPM down: larger tensors first, each as high as those that are there at the same
 * time leave it. False: SPM is too small.
 */
static bool place_tensors(struct npu_resident *r, struct npu_resident_tensor **order)
{
	unsigned int i, k, c, placed = 0;
	uint64_t spm = r->caps->spm_size;

	for (i = 0; i < r->tensors; i++) {
		struct npu_resident_tensor *t = &r->tensor[i];

		t->bytes = 0;
		for (c = 0; c < r->cores; c++)
			if (!npu_resident_empty(&t->hold[c]))
				t->bytes = npu_max(
					t->bytes,
					(uint64_t)(t->hold[c].row[1] - t->hold[c].row[0]) * t->w *
						(t->hold[c].ch[1] - t->hold[c].ch[0]) * t->size);
		t->bytes = npu_round_up(t->bytes, NPU_EMIT_ALIGN);
		order[i] = t;
	}
	qsort(order, r->tensors, sizeof(*order), by_size);
	for (i = 0; i < r->steps; i++)
		r->top[i] = spm;
	for (i = 0; i < r->tensors; i++) {
		struct npu_resident_tensor *t = order[i];
		uint64_t at = 0;

		/* order[0 .. placed) ascend by their distance from the end. */
		for (k = 0; k < placed; k++) {
			uint64_t from = spm - order[k]->addr - order[k]->bytes;

			if (order[k]->last < t->first || order[k]->first > t->last)
				continue;
			if (at + t->bytes <= from)
				break;
			at = npu_max(at, spm - order[k]->addr);
		}
		if (at + t->bytes > spm)
			return false;
		t->addr = spm - at - t->bytes;
		for (k = placed++;
		     k > 0 && order[k - 1]->addr + order[k - 1]->bytes < t->addr + t->bytes; k--)
			order[k] = order[k - 1];
		order[k] = t;
		for (k = (unsigned int)t->first; (int)k <= t->last; k++)
			r->top[k] = npu_min(r->top[k], t->addr);
	}
	return true;
}

/* A pool takes rows as the step before it makes them, where nothing is between the two. */
static void follow(struct npu_resident *r)
{
	unsigned int i;

	for (i = 1; i < r->steps; i++) {
		struct npu_resident_step *s = &r->step[i], *before = &r->step[i - 1];
		struct npu_resident_tensor *out = &r->tensor[s->out];

		s->with_previous = s->is_pool && !before->is_pool && !s->barrier &&
				   before->by_rows && s->by_rows && s->in == before->out;
		if (s->with_previous)
			out->first = (int)i - 1;
	}
}

/* A plan for a group; false: there is none. */
bool npu_resident_arrange(struct npu_resident *r, uint32_t least_rows, uint32_t pixels)
{
	struct npu_resident_tensor **order = malloc((r->tensors + 1) * sizeof(*order));
	uint64_t vectors = 0;
	unsigned int i;
	bool fits;

	if (!order)
		return false;
	divide(r, least_rows);
	follow(r);
	fits = place_tensors(r, order);
	free(order);
	for (i = 0; i < r->steps; i++)
		if (!r->step[i].is_pool)
			vectors = npu_max(vectors, r->tensor[r->step[i].out].c);
	/* Room for two at least, so that the next ones come in time; many if they are small. */
	vectors = npu_round_up(vectors * 4, NPU_EMIT_ALIGN) * 2;
	r->vectors = npu_max(2 * vectors, npu_min(VECTOR_BYTES, r->caps->spm_size / 16));
	for (i = 0; i < r->steps && fits; i++) {
		struct npu_resident_step *s = &r->step[i];

		fits = r->top[i] >= r->vectors && cut_step(r, s, r->top[i] - r->vectors, pixels);
		if (s->with_previous && !s[-1].pixels_outer)
			s->with_previous = false;
	}
	return fits;
}

void npu_resident_free(struct npu_resident *r)
{
	free(r->step);
	free(r->tensor);
	free(r->top);
	r->step = NULL;
	r->tensor = NULL;
	r->top = NULL;
}
