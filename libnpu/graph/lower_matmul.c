// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Matrix products: the views that a product can read, batches as steps, Gemm's third operand.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"

#include "product.h"

/* ---- Matrix products ------------------------------------------------------------------------- */

/* Drop dimensions so that the last two are a matrix; vectors get one of size 1. */
static void as_matrices(struct npu_lower_view *v, bool first)
{
	if (v->dims > 1)
		return;
	v->dims = 2;
	if (first) {
		v->size[1] = v->size[0];
		v->stride[1] = v->stride[0];
		v->size[0] = 1;
		v->stride[0] = 0;
	} else {
		v->size[1] = 1;
		v->stride[1] = 0;
	}
}

/* Rows whose elements are side by side, at least a row apart. */
static bool row_major(const struct npu_lower_view *v)
{
	uint32_t r = v->dims - 2, c = v->dims - 1;

	return (v->size[c] == 1 || v->stride[c] == 1) &&
	       (v->size[r] == 1 || v->stride[r] >= v->size[c]);
}

static bool column_major(const struct npu_lower_view *v)
{
	uint32_t r = v->dims - 2, c = v->dims - 1;

	return (v->size[r] == 1 || v->stride[r] == 1) &&
	       (v->size[c] == 1 || v->stride[c] >= v->size[r]);
}

/* Negative strides of a batch are no strides of a product. */
static bool batch_ascends(const struct npu_lower_view *v)
{
	uint32_t d;

	for (d = 0; d + 2 < v->dims; d++)
		if (v->size[d] > 1 && v->stride[d] < 0)
			return false;
	return true;
}

static int pack_constant(struct npu_product *p, int value, bool transposed, struct npu_matmul *d,
			 struct npu_lower_ref *ref)
{
	const struct npu_graph_tensor *t = &p->l->g->value[value].t;
	uint32_t size = npu_type_size(d->b_type);
	uint64_t i, j, count = (uint64_t)d->k * d->n;
	uint8_t *rows = malloc(count * size);
	void *data;
	int ret;

	if (!rows)
		return npu_fail(-ENOMEM, "out of memory");
	for (i = 0; i < d->k; i++)
		for (j = 0; j < d->n; j++) {
			uint64_t from = transposed ? j * d->k + i : i * d->n + j, to = i * d->n + j;

			if (npu_graph_is_float(d->b_type))
				npu_graph_put_float(d->b_type, rows, to,
						    npu_graph_get_float(t->type, t->data, from));
			else
				rows[to] = ((const uint8_t *)t->data)[from];
		}
	d->b_layout = NPU_B_PACKED;
	ret = npu_lower_constant_bytes(p->l, npu_weights_packed_size(d->b_type, d->k, d->n, 1),
				       &data, ref);
	if (!ret)
		ret = npu_weights_pack(data, rows, d->b_type, d->k, d->n, 1, 0);
	free(rows);
	return ret;
}

#define MAX_BATCHES 65536u

/* One batch dimension of a step, the others are steps of their own. */
struct batches {
	uint32_t dims;
	uint32_t size[NPU_MAX_DIMS];
	int64_t a[NPU_MAX_DIMS], b[NPU_MAX_DIMS], out[NPU_MAX_DIMS], residual[NPU_MAX_DIMS];
};

static int64_t batch_stride(const struct npu_lower_view *v, uint32_t dims, uint32_t d)
{
	uint32_t missing = dims - (v->dims - 2);

	return d < missing || v->size[d - missing] == 1 ? 0 : v->stride[d - missing];
}

/*
 * Dimensions that are one behind the other for all operands become one; the innermost is the
 * products' own.
 */
static void find_batches(struct batches *s, const struct npu_lower_view *a,
			 const struct npu_lower_view *b, const struct npu_lower_view *out,
			 const struct npu_lower_view *residual)
{
	uint32_t dims = out->dims - 2, d, n = 0;

	memset(s, 0, sizeof(*s));
	for (d = 0; d < dims; d++) {
		int64_t as = batch_stride(a, dims, d), bs = b ? batch_stride(b, dims, d) : 0;
		int64_t os = batch_stride(out, dims, d),
			rs = residual ? batch_stride(residual, dims, d) : 0;
		uint32_t size = out->size[d];

		if (size == 1)
			continue;
		if (n && s->a[n - 1] == as * size && s->b[n - 1] == bs * size &&
		    s->out[n - 1] == os * size && s->residual[n - 1] == rs * size) {
			s->size[n - 1] *= size;
			n--;
		} else {
			s->size[n] = size;
		}
		s->a[n] = as;
		s->b[n] = bs;
		s->out[n] = os;
		s->residual[n++] = rs;
	}
	s->dims = n;
}

static int matmul_steps(struct npu_product *p, struct npu_lower_step *step, const struct batches *s)
{
	struct npu_matmul *d = &step->u.matmul;
	struct npu_lower_ref base[3] = { step->ref[NPU_OP_REGION_A], step->ref[NPU_OP_REGION_B],
					 step->ref[NPU_OP_REGION_OUT] },
			     residual = step->ref[NPU_OP_REGION_RESIDUAL];
	uint32_t at[NPU_MAX_DIMS] = { 0 }, i, outer = s->dims ? s->dims - 1 : 0;
	uint64_t steps = 1;
	int ret;

	if (s->dims) {
		d->batch = s->size[outer];
		d->a_batch = (uint64_t)s->a[outer];
		d->b_batch = (uint64_t)s->b[outer];
		d->out_batch = (uint64_t)s->out[outer];
		d->residual_batch = (uint64_t)s->residual[outer];
	}
	for (i = 0; i < outer; i++)
		steps *= s->size[i];
	if (steps > MAX_BATCHES)
		return npu_fail(-ENOTSUP, "%llu products in one", (unsigned long long)steps);
	for (;;) {
		int64_t a = 0, b = 0, out = 0, r = 0;

		for (i = 0; i < outer; i++) {
			a += at[i] * s->a[i];
			b += at[i] * s->b[i];
			out += at[i] * s->out[i];
			r += at[i] * s->residual[i];
		}
		step->ref[NPU_OP_REGION_A].offset = base[0].offset + a * npu_type_size(d->a_type);
		step->ref[NPU_OP_REGION_B].offset = base[1].offset + b * npu_type_size(d->b_type);
		step->ref[NPU_OP_REGION_OUT].offset =
			base[2].offset + out * npu_type_size(d->epilogue.out_type);
		step->ref[NPU_OP_REGION_RESIDUAL].offset =
			residual.offset + r * npu_type_size(d->epilogue.residual_type);
		ret = npu_lower_step_add(p->l, step);
		if (ret)
			return ret;
		for (i = outer; i-- > 0;) {
			if (++at[i] < s->size[i])
				break;
			at[i] = 0;
		}
		if (i == UINT32_MAX)
			return 0;
	}
}

static void swap_last(struct npu_lower_view *v)
{
	uint32_t r = v->dims - 2, c = v->dims - 1, size = v->size[r];
	int64_t stride = v->stride[r];

	v->size[r] = v->size[c];
	v->stride[r] = v->stride[c];
	v->size[c] = size;
	v->stride[c] = stride;
}

/* The second operand; *view is valid unless it is a packed constant. */
static int second_operand(struct npu_product *p, const struct npu_graph_node *n,
			  struct npu_matmul *d, struct npu_lower_step *step,
			  struct npu_lower_view *b, bool *packed)
{
	const struct npu_graph_tensor *t = &p->l->g->value[p->w].t;
	bool transposed = n->op == NPU_GRAPH_GEMM && n->a.trans_b;
	int ret;

	*packed = t->data && t->dims == 2;
	if (*packed)
		return pack_constant(p, p->w, transposed, d, &step->ref[NPU_OP_REGION_B]);
	ret = npu_product_operand(p->l, p->w, b);
	if (ret)
		return ret;
	as_matrices(b, false);
	if (transposed)
		swap_last(b);
	if ((!row_major(b) && !column_major(b)) || !batch_ascends(b))
		ret = npu_lower_dense(p->l, b, b->type, NULL);
	if (row_major(b)) {
		d->b_layout = NPU_B_ROWS;
		d->b_stride = b->size[b->dims - 2] > 1 ? (uint64_t)b->stride[b->dims - 2] : 0;
	} else {
		d->b_layout = NPU_B_COLS;
		d->b_stride = b->size[b->dims - 1] > 1 ? (uint64_t)b->stride[b->dims - 1] : 0;
	}
	step->ref[NPU_OP_REGION_B] = (struct npu_lower_ref){ b->buffer, b->offset };
	return ret;
}

/* Gemm's c: a bias, or added by a map; an alpha scales the product first. */
static int gemm_extras(struct npu_product *p, const struct npu_graph_node *n,
		       struct npu_lower_view *result)
{
	struct npu_lower_step step = { .kind = NPU_STEP_MAP };
	struct npu_map *m = &step.u.map;
	struct npu_lower_view c, out;
	int ret = npu_lower_view(p->l, n->in[2], &c);

	if (!ret)
		ret = npu_lower_result(p->l, p->out, NULL, &out);
	if (ret)
		return ret;
	m->dims = 2;
	m->size[0] = out.size[1];
	m->size[1] = out.size[0];
	m->operands = 2;
	npu_lower_map_tensor(&c, 2, &m->operand[0]);
	npu_lower_map_tensor(result, 2, &m->operand[1]);
	npu_lower_map_tensor(&out, 2, &m->out);
	m->passes = 1;
	m->pass[0] = (struct npu_map_pass){ .x = NPU_MAP_OPERAND, .out = NPU_MAP_OUT, .stages = 2 };
	m->pass[0].stage[0] = (struct npu_map_stage){ .op = NPU_STAGE_MUL,
						      .src = NPU_MAP_IMM,
						      .imm = npu_float_bits(n->a.beta) };
	m->pass[0].stage[1] =
		(struct npu_map_stage){ .op = NPU_STAGE_ADD, .src = NPU_MAP_OPERAND + 1 };
	*result = out;
	return npu_lower_step_add(p->l, &step);
}

int npu_lower_matmul(struct npu_product *p)
{
	struct npu_lower *l = p->l;
	const struct npu_graph_node *n = &l->g->node[p->node];
	const struct npu_graph_tensor *t = &l->g->value[p->out].t;
	struct npu_lower_step step = { .kind = NPU_STEP_PRODUCT, .op = &npu_op_matmul };
	struct npu_matmul *d = &step.u.matmul;
	struct npu_lower_view a, b, out, residual, shaped;
	bool extras = n->op == NPU_GRAPH_GEMM && npu_graph_in(l->g, n, 2) && p->b < 0 &&
		      !p->dequantised,
	     packed;
	bool vector = l->g->value[p->x].t.dims == 1;
	struct batches batches;
	int ret;

	npu_product_no_refs(&step);
	ret = npu_product_check_macs(
		(double)npu_graph_count(t->dims, t->shape), 1,
		n->op == NPU_GRAPH_GEMM && n->a.trans_a ?
			l->g->value[p->x].t.shape[0] :
			l->g->value[p->x].t.shape[l->g->value[p->x].t.dims - 1]);
	if (!ret)
		ret = npu_product_operand(l, p->x, &a);
	if (ret)
		return ret;
	as_matrices(&a, true);
	if (n->op == NPU_GRAPH_GEMM && n->a.trans_a)
		swap_last(&a);
	if (!row_major(&a) || !batch_ascends(&a))
		ret = npu_lower_dense(l, &a, a.type, NULL);
	if (ret)
		return ret;
	d->m = a.size[a.dims - 2];
	d->k = a.size[a.dims - 1];
	d->n = p->channels;
	d->a_type = a.type;
	d->a_stride = d->m > 1 ? (uint64_t)a.stride[a.dims - 2] : 0;
	d->b_type = npu_product_type(l, p->w);
	step.ref[NPU_OP_REGION_A] = (struct npu_lower_ref){ a.buffer, a.offset };
	ret = second_operand(p, n, d, &step, &b, &packed);
	if (!ret)
		ret = npu_product_zero_point(p, p->x_zp, p->x_zero, NPU_PER_ROW, &d->a_zp_per,
					     &d->a_zp, &step.ref[NPU_OP_REGION_A_ZP]);
	if (!ret)
		ret = npu_product_zero_point(p, p->w_zp, p->w_zero, NPU_PER_CHANNEL, &d->b_zp_per,
					     &d->b_zp, &step.ref[NPU_OP_REGION_B_ZP]);
	if (ret)
		return ret;
	ret = npu_product_epilogue(p, &step);
	if (ret)
		return ret;
	if (extras)
		p->ep.out_type = NPU_FP32;
	/* The result has all dimensions of a matrix, whatever the value has. */
	if (!extras && p->rest == UINT32_MAX && l->g->value[p->out].t.type == p->ep.out_type)
		ret = npu_lower_result(l, p->out, NULL, &out);
	else
		ret = npu_lower_scratch(l, p->ep.out_type, t->dims, t->shape, NULL, &out);
	if (ret)
		return ret;
	if (out.type != p->ep.out_type)
		p->ep.out_type = out.type;
	shaped = out;
	if (vector && l->g->value[p->w].t.dims == 1) {
		shaped.dims = 2;
		shaped.size[0] = shaped.size[1] = 1;
		shaped.stride[0] = shaped.stride[1] = 0;
	} else if (vector || l->g->value[p->w].t.dims == 1) {
		/* A dimension of size 1 before or behind the last. */
		uint32_t at = vector ? shaped.dims - 1 : shaped.dims, k;

		for (k = shaped.dims; k > at; k--) {
			shaped.size[k] = shaped.size[k - 1];
			shaped.stride[k] = shaped.stride[k - 1];
		}
		shaped.size[at] = 1;
		shaped.stride[at] = 0;
		shaped.dims++;
	}
	d->out_stride = d->m > 1 ? (uint64_t)shaped.stride[shaped.dims - 2] : 0;
	if (p->ep.residual) {
		ret = npu_product_residual(p, &residual);
		if (!ret)
			as_matrices(&residual, true);
		if (!ret && (!row_major(&residual) || !batch_ascends(&residual)))
			ret = npu_lower_dense(l, &residual, residual.type, NULL);
		if (ret)
			return ret;
		d->residual_stride = d->m > 1 ? (uint64_t)residual.stride[residual.dims - 2] : 0;
		step.ref[NPU_OP_REGION_RESIDUAL] =
			(struct npu_lower_ref){ residual.buffer, residual.offset };
	}
	d->epilogue = p->ep;
	step.ref[NPU_OP_REGION_OUT] = (struct npu_lower_ref){ out.buffer, out.offset };
	find_batches(&batches, &a, packed ? NULL : &b, &shaped, p->ep.residual ? &residual : NULL);
	/* Many rows of one matrix are one product. */
	if (batches.dims == 1 && !batches.b[0] && d->a_zp_per != NPU_PER_ROW && packed &&
	    batches.a[0] == (int64_t)(d->a_stride ? d->a_stride : d->k) * d->m &&
	    batches.out[0] == (int64_t)(d->out_stride ? d->out_stride : d->n) * d->m &&
	    (!p->ep.residual ||
	     batches.residual[0] ==
		     (int64_t)(d->residual_stride ? d->residual_stride : d->n) * d->m)) {
		d->m *= batches.size[0];
		batches.dims = 0;
	}
	ret = matmul_steps(p, &step, &batches);
	if (!ret && extras)
		ret = gemm_extras(p, n, &out);
	return ret ? ret : npu_product_finish(p, &out);
}
