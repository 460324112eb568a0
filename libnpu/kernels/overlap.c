// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Do two tensors of an operation share bytes? Streams take regions for different memory, so an
 * output that overlaps an input would be a race; it is found before anything is submitted.
 *
 * Exact to the byte, with strides: the channels of one tensor may lie between those of another.
 */
#include <errno.h>

#include "hal/error.h"

#include "plan.h"

/* A tensor's bytes in its buffer: runs at up to three strides, ascending. */
struct runs {
	uint64_t first;
	uint64_t size;
	unsigned int dims;
	uint64_t count[3];
	uint64_t stride[3];
};

/* Equal bytes in equal order become equal structures. */
static struct runs runs_of(const struct npu_layout *l, uint64_t first, uint32_t element)
{
	struct runs r = { .first = first, .size = l->run * element };
	unsigned int i, j;

	for (i = 0; i < 3; i++) {
		if (l->count[i] <= 1)
			continue;
		for (j = r.dims; j && r.stride[j - 1] > l->stride[i] * element; j--) {
			r.count[j] = r.count[j - 1];
			r.stride[j] = r.stride[j - 1];
		}
		r.count[j] = l->count[i];
		r.stride[j] = l->stride[i] * element;
		r.dims++;
	}
	while (r.dims && r.stride[0] == r.size) {
		r.size *= r.count[0];
		r.dims--;
		for (i = 0; i < r.dims; i++) {
			r.count[i] = r.count[i + 1];
			r.stride[i] = r.stride[i + 1];
		}
	}
	return r;
}

static bool same(const struct runs *a, const struct runs *b)
{
	unsigned int i;

	if (a->first != b->first || a->size != b->size || a->dims != b->dims)
		return false;
	for (i = 0; i < a->dims; i++)
		if (a->count[i] != b->count[i] || a->stride[i] != b->stride[i])
			return false;
	return true;
}

/* Bytes from the first to the last of the inner @dims. */
static uint64_t span(const struct runs *r, unsigned int dims)
{
	uint64_t bytes = r->size;

	while (dims--)
		bytes += (r->count[dims] - 1) * r->stride[dims];
	return bytes;
}

/* Does a run of the inner @dims, from @base on, touch [first, end)? */
static bool touches(const struct runs *r, unsigned int dims, uint64_t base, uint64_t first,
		    uint64_t end)
{
	uint64_t inner, i, last;

	if (!dims)
		return base < end && first < base + r->size;
	dims--;
	inner = span(r, dims);
	if (base >= end)
		return false;
	i = first < base + inner ? 0 : (first - base - inner) / r->stride[dims] + 1;
	last = npu_min(r->count[dims] - 1, (end - 1 - base) / r->stride[dims]);
	for (; i <= last; i++)
		if (touches(r, dims, base + i * r->stride[dims], first, end))
			return true;
	return false;
}

/* Does any run of the inner @dims of @a, from @base on, touch @b? */
static bool meets(const struct runs *a, unsigned int dims, uint64_t base, const struct runs *b)
{
	uint64_t i;

	if (base >= b->first + span(b, b->dims) || b->first >= base + span(a, dims))
		return false;
	if (!dims)
		return touches(b, b->dims, b->first, base, base + a->size);
	dims--;
	for (i = 0; i < a->count[dims]; i++)
		if (meets(a, dims, base + i * a->stride[dims], b))
			return true;
	return false;
}

static struct npu_layout layout_of(const struct npu_op *op, const void *desc,
				   const struct npu_tensor_info *t)
{
	struct npu_layout l = { .run = t->size / npu_type_size(t->type) };

	op->layout(desc, t->region, &l);
	return l;
}

int npu_overlap_check(const struct npu_op *op, const void *desc, const struct npu_program *prog,
		      const struct npu_ref *refs)
{
	const struct npu_ref *out = &refs[NPU_OP_REGION_OUT];
	const struct npu_tensor_info *t, *target = NULL;
	struct npu_layout l;
	struct runs ours, theirs;
	unsigned int i;

	for (i = 0; (t = npu_program_tensor(prog, i)); i++)
		if (t->region == NPU_OP_REGION_OUT)
			target = t;
	l = layout_of(op, desc, target);
	ours = runs_of(&l, out->offset, npu_type_size(target->type));
	for (i = 0; (t = npu_program_tensor(prog, i)); i++) {
		if (t == target || refs[t->region].buffer != out->buffer)
			continue;
		l = layout_of(op, desc, t);
		theirs = runs_of(&l, refs[t->region].offset, npu_type_size(t->type));
		if (!meets(&ours, ours.dims, ours.first, &theirs))
			continue;
		if (op->in_place & 1u << t->region && t->type == target->type &&
		    same(&ours, &theirs))
			continue;
		return npu_fail(-EINVAL, "args.out overlaps args.%s%s", t->name,
				op->in_place & 1u << t->region ?
					": it may be the same, in place, type and strides" :
					"");
	}
	return 0;
}
