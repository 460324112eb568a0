// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The VPU's tensors, walked in chunks: strided elements are gathered into a packed chunk, which
 * kernels convert. A chunk that is packed already is converted where it lies.
 */
#include <string.h>

#include "vpu.h"

unsigned int npu_vpu_size(uint8_t type)
{
	switch (type) {
	case NPU_S8:
	case NPU_U8:
		return 1;
	case NPU_BF16:
	case NPU_FP16:
		return 2;
	default:
		return 4;
	}
}

void npu_vpu_walk_init(struct npu_vpu_walk *w, struct npu_exec *e, const struct npu_vpu_operand *o,
		       const uint32_t size[4], const uint8_t order[4])
{
	unsigned int i;

	w->base = (o->space == NPU_SPACE_ACC ? e->acc : e->spm) + o->addr;
	w->type = o->type;
	w->esize = (uint8_t)npu_vpu_size(o->type);
	w->dims = 0;
	w->at = 0;
	memset(w->index, 0, sizeof(w->index));
	for (i = 0; i < 4; i++) {
		uint64_t count = size[order[i]];
		int64_t stride = (int32_t)o->stride[order[i]];

		if (count == 1)
			continue;
		if (w->dims && stride == w->stride[w->dims - 1] * (int64_t)w->size[w->dims - 1]) {
			w->size[w->dims - 1] *= count;
			continue;
		}
		w->size[w->dims] = count;
		w->stride[w->dims++] = stride;
	}
	if (!w->dims) {
		w->size[0] = 1;
		w->stride[0] = 0;
		w->dims = 1;
	}
}

/* Step over @n elements of the innermost dimension; @n is at most what is left of it. */
static void advance(struct npu_vpu_walk *w, uint64_t n)
{
	unsigned int d;

	w->index[0] += n;
	w->at += (int64_t)n * w->stride[0];
	for (d = 0; w->index[d] == w->size[d]; d++) {
		w->at -= (int64_t)w->size[d] * w->stride[d];
		w->index[d] = 0;
		if (d + 1 == w->dims)
			break;
		w->index[d + 1]++;
		w->at += w->stride[d + 1];
	}
}

static void copy_strided(uint8_t *dst, int64_t dst_step, const uint8_t *src, int64_t src_step,
			 uint64_t n, unsigned int esize)
{
	uint64_t i;

	/* A case for each size makes the copies single moves. */
	switch (esize) {
	case 1:
		for (i = 0; i < n; i++, dst += dst_step, src += src_step)
			*dst = *src;
		break;
	case 2:
		for (i = 0; i < n; i++, dst += dst_step, src += src_step)
			memcpy(dst, src, 2);
		break;
	default:
		for (i = 0; i < n; i++, dst += dst_step, src += src_step)
			memcpy(dst, src, 4);
		break;
	}
}

static unsigned int blocks_of(unsigned int n)
{
	return (n + NPU_VPU_BLOCK - 1) / NPU_VPU_BLOCK;
}

void npu_vpu_read(struct npu_vpu_walk *w, const struct npu_vpu_operand *o, struct npu_vpu_values *v,
		  unsigned int n)
{
	const struct npu_vpu_kernels *f = npu_vpu_kernels();
	uint8_t raw[NPU_VPU_CHUNK * 4] __attribute__((aligned(64)));
	unsigned int blocks = blocks_of(n);
	unsigned int done = 0;

	if (w->stride[0] == w->esize && w->size[0] - w->index[0] >= n && n % NPU_VPU_BLOCK == 0) {
		f->widen(v, w->base + w->at, w->type, blocks);
		advance(w, n);
	} else {
		while (done < n) {
			uint64_t run = w->size[0] - w->index[0];

			if (run > n - done)
				run = n - done;
			if (w->stride[0] == w->esize)
				memcpy(raw + (size_t)done * w->esize, w->base + w->at,
				       run * w->esize);
			else
				copy_strided(raw + (size_t)done * w->esize, w->esize,
					     w->base + w->at, w->stride[0], run, w->esize);
			done += (unsigned int)run;
			advance(w, run);
		}
		/* Kernels do whole blocks; keep what they meet there defined. */
		memset(raw + (size_t)n * w->esize, 0,
		       (size_t)(blocks * NPU_VPU_BLOCK - n) * w->esize);
		f->widen(v, raw, w->type, blocks);
	}
	if (o->flags & NPU_OPERAND_DEQUANT) {
		float scale;

		memcpy(&scale, &o->scale, 4);
		f->dequant(v, (int32_t)o->zp, scale, blocks);
	}
}

void npu_vpu_write(struct npu_vpu_walk *w, const struct npu_vpu_values *v, unsigned int n)
{
	const struct npu_vpu_kernels *f = npu_vpu_kernels();
	uint8_t raw[NPU_VPU_CHUNK * 4] __attribute__((aligned(64)));
	unsigned int done = 0;

	if (w->stride[0] == w->esize && w->size[0] - w->index[0] >= n && n % NPU_VPU_BLOCK == 0) {
		f->narrow(w->base + w->at, v, w->type, blocks_of(n));
		advance(w, n);
		return;
	}
	f->narrow(raw, v, w->type, blocks_of(n));
	while (done < n) {
		uint64_t run = w->size[0] - w->index[0];

		if (run > n - done)
			run = n - done;
		if (w->stride[0] == w->esize)
			memcpy(w->base + w->at, raw + (size_t)done * w->esize, run * w->esize);
		else
			copy_strided(w->base + w->at, w->stride[0], raw + (size_t)done * w->esize,
				     w->esize, run, w->esize);
		done += (unsigned int)run;
		advance(w, run);
	}
}
