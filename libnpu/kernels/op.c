// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Operations as programs, and the programs a device keeps.
 *
 * The cache hangs at npu_device.ops. It holds weak programs (npu_program_weaken()): they do not
 * keep the device alive; whoever runs one has a queue, which does. At most NPU_CACHE_PROGRAMS are
 * kept, the one used longest ago goes first; jobs under way hold references of their own.
 *
 * Locks: npu_device.lock only to hang up the cache; cache.lock for everything in it. Compiling
 * takes neither, so two threads may compile the same; the first to finish is kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/backend.h"
#include "hal/error.h"
#include "npu/image.h"

#include "plan.h"

#define NPU_CACHE_PROGRAMS 256u

/* ---- Tensors --------------------------------------------------------------------------------- */

struct npu_tensor_info *npu_spec_add(struct npu_spec *spec, const char *name, uint32_t region,
				     uint32_t role, uint32_t type, uint64_t span, uint32_t dims,
				     const uint32_t *shape)
{
	struct npu_tensor_info *t = &spec->tensor[spec->count++];
	uint64_t count = 1;
	uint32_t i;

	*t = (struct npu_tensor_info){
		.name = name, .region = region, .role = role, .type = type, .dims = dims
	};
	for (i = 0; i < dims; i++) {
		t->shape[i] = shape[i];
		count *= shape[i];
	}
	if (!span || span == count)
		return t;
	/*
	 * Not dense: described as the elements it spans, in as few dimensions as can hold their
	 * number.
	 */
	t->dims = 1;
	memset(t->shape, 0, sizeof(t->shape));
	t->shape[0] = span;
	if (span > UINT32_MAX) {
		t->dims = 2;
		t->shape[0] = npu_div_up(span, 1u << 16);
		t->shape[1] = 1u << 16;
	}
	return t;
}

void npu_spec_product(struct npu_spec *spec, const struct npu_epilogue *ep, uint32_t channels)
{
	/* A bias has the type of the sums; tensor 0 is the first operand. */
	bool floats = npu_is_float(spec->tensor[0].type);

	if (ep->bias)
		npu_spec_add(spec, "bias", NPU_OP_REGION_BIAS, NPU_TENSOR_INPUT,
			     floats ? NPU_FP32 : NPU_S32, 0, 1, &channels);
	if (ep->scale_per == NPU_PER_CHANNEL)
		npu_spec_add(spec, "scale", NPU_OP_REGION_SCALE, NPU_TENSOR_INPUT, NPU_FP32, 0, 1,
			     &channels);
}

/* ---- Programs -------------------------------------------------------------------------------- */

static int build(struct npu_device *dev, const struct npu_op *op, const void *desc,
		 struct npu_program **prog)
{
	struct npu_spec spec = { .count = 0 };
	struct npu_program_desc pd = { .tensors = spec.tensor };
	struct npu_effort effort = { .limit = NPU_EFFORT_KERNEL };
	struct npu_gang gang;
	unsigned int i;
	int ret;

	ret = op->compile(npu_device_caps(dev), desc, &effort, &gang);
	if (ret)
		return ret;
	op->describe(desc, &spec);
	pd.tensor_count = spec.count;
	for (i = 0; i < gang.cores && !gang.ordered && !ret; i++)
		ret = npu_stream_sync(gang.stream[i], npu_device_caps(dev));
	if (!ret)
		ret = npu_program_from_streams(dev, gang.stream, gang.cores, &pd, prog);
	npu_gang_free(&gang);
	return ret;
}

int npu_op_program(struct npu_device *dev, const struct npu_op *op, const void *desc,
		   struct npu_program **prog)
{
	uint64_t normal[NPU_OP_MAX_DESC / 8] = { 0 };
	int ret;

	*prog = NULL;
	ret = op->normalise(desc, normal);
	return ret ? ret : build(dev, op, normal, prog);
}

/* ---- The cache ------------------------------------------------------------------------------- */

/**
 * struct entry - a program kept
 * @program: NULL: unused
 * @op: what it does
 * @hash: of @desc
 * @used: when last, in uses of the cache
 * @desc: normalised
 */
struct entry {
	struct npu_program *program;
	const struct npu_op *op;
	uint64_t hash;
	uint64_t used;
	uint64_t desc[NPU_OP_MAX_DESC / 8];
};

struct cache {
	pthread_mutex_t lock;
	uint64_t uses;
	struct entry entry[NPU_CACHE_PROGRAMS];
};

static void free_cache(void *opaque)
{
	struct cache *cache = opaque;
	unsigned int i;

	for (i = 0; i < NPU_CACHE_PROGRAMS; i++)
		npu_program_release(cache->entry[i].program);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

static struct cache *get_cache(struct npu_device *dev)
{
	struct cache *cache;

	pthread_mutex_lock(&dev->lock);
	cache = dev->ops;
	if (!cache) {
		cache = calloc(1, sizeof(*cache));
		if (cache) {
			pthread_mutex_init(&cache->lock, NULL);
			dev->ops = cache;
			dev->ops_free = free_cache;
		}
	}
	pthread_mutex_unlock(&dev->lock);
	return cache;
}

static uint64_t hash_desc(const uint64_t *desc, size_t size)
{
	uint64_t h = 0xcbf29ce484222325ull;
	size_t i;

	for (i = 0; i < npu_div_up(size, 8); i++)
		h = (h ^ desc[i]) * 0x9e3779b97f4a7c15ull ^ h >> 29;
	return h;
}

/* A reference to the program, or NULL. */
static struct npu_program *look_up(struct cache *cache, const struct npu_op *op,
				   const uint64_t *desc, uint64_t hash)
{
	struct npu_program *prog = NULL;
	unsigned int i;

	pthread_mutex_lock(&cache->lock);
	for (i = 0; i < NPU_CACHE_PROGRAMS; i++) {
		struct entry *e = &cache->entry[i];

		if (e->program && e->hash == hash && e->op == op &&
		    !memcmp(e->desc, desc, op->size)) {
			e->used = ++cache->uses;
			prog = npu_program_get(e->program);
			break;
		}
	}
	pthread_mutex_unlock(&cache->lock);
	return prog;
}

/* Takes over the caller's reference to @prog and gives it one to what is kept. */
static struct npu_program *keep(struct cache *cache, const struct npu_op *op, const uint64_t *desc,
				uint64_t hash, struct npu_program *prog)
{
	struct npu_program *drop = NULL, *kept;
	struct entry *oldest = &cache->entry[0];
	unsigned int i;

	kept = look_up(cache, op, desc, hash);
	if (kept) {
		npu_program_release(prog);
		return kept;
	}
	npu_program_weaken(prog);
	pthread_mutex_lock(&cache->lock);
	for (i = 0; i < NPU_CACHE_PROGRAMS; i++) {
		struct entry *e = &cache->entry[i];

		if (!e->program || (oldest->program && e->used < oldest->used))
			oldest = e;
		if (!e->program)
			break;
	}
	drop = oldest->program;
	oldest->program = npu_program_get(prog);
	oldest->op = op;
	oldest->hash = hash;
	oldest->used = ++cache->uses;
	memcpy(oldest->desc, desc, sizeof(oldest->desc));
	pthread_mutex_unlock(&cache->lock);
	npu_program_release(drop);
	return prog;
}

static int bind_refs(const struct npu_program *prog, const struct npu_ref *refs,
		     struct npu_binding *bindings, unsigned int *count)
{
	unsigned int i;

	*count = 0;
	for (i = 0; i < npu_program_tensors(prog); i++) {
		const struct npu_tensor_info *t = npu_program_tensor(prog, i);
		const struct npu_ref *ref = &refs[t->region];

		if (!ref->buffer)
			return npu_fail(-EINVAL, "args.%s has no buffer", t->name);
		if (ref->offset % npu_type_size(t->type))
			return npu_fail(-EINVAL,
					"args.%s: offset %llu is not aligned to its element",
					t->name, (unsigned long long)ref->offset);
		bindings[(*count)++] = (struct npu_binding){ .region = t->region,
							     .buffer = ref->buffer,
							     .offset = ref->offset };
	}
	return 0;
}

int npu_op_run(struct npu_queue *queue, const struct npu_op *op, const void *desc,
	       const struct npu_ref *refs, struct npu_fence *const *waits, unsigned int wait_count,
	       struct npu_fence **fence)
{
	uint64_t normal[NPU_OP_MAX_DESC / 8] = { 0 };
	struct npu_binding bindings[NPU_MAX_REGIONS];
	struct npu_job job = { .bindings = bindings };
	struct npu_device *dev = queue->dev;
	struct cache *cache = get_cache(dev);
	uint64_t hash;
	int ret;

	if (fence)
		*fence = NULL;
	if (!cache)
		return npu_fail(-ENOMEM, "out of memory");
	ret = op->normalise(desc, normal);
	if (ret)
		return ret;
	hash = hash_desc(normal, op->size);
	job.program = look_up(cache, op, normal, hash);
	if (!job.program) {
		ret = build(dev, op, normal, &job.program);
		if (ret)
			return ret;
		job.program = keep(cache, op, normal, hash, job.program);
	}
	ret = bind_refs(job.program, refs, bindings, &job.binding_count);
	if (!ret)
		ret = npu_overlap_check(op, normal, job.program, refs);
	if (!ret)
		ret = npu_queue_submit(queue, &job, 1, waits, wait_count, fence);
	npu_program_release(job.program);
	return ret;
}

/* ---- The calls ------------------------------------------------------------------------------- */

static int run_product(struct npu_queue *queue, const struct npu_op *op, const void *desc,
		       const struct npu_product_args *args, struct npu_fence *const *waits,
		       unsigned int wait_count, struct npu_fence **fence)
{
	const struct npu_ref refs[NPU_MAX_REGIONS] = {
		[NPU_OP_REGION_A] = args->a,	     [NPU_OP_REGION_B] = args->b,
		[NPU_OP_REGION_OUT] = args->out,     [NPU_OP_REGION_BIAS] = args->bias,
		[NPU_OP_REGION_SCALE] = args->scale, [NPU_OP_REGION_RESIDUAL] = args->residual,
		[NPU_OP_REGION_A_ZP] = args->a_zp,   [NPU_OP_REGION_B_ZP] = args->b_zp,
	};

	return npu_op_run(queue, op, desc, refs, waits, wait_count, fence);
}

int npu_matmul(struct npu_queue *queue, const struct npu_matmul *desc,
	       const struct npu_product_args *args, struct npu_fence *const *waits,
	       unsigned int wait_count, struct npu_fence **fence)
{
	return run_product(queue, &npu_op_matmul, desc, args, waits, wait_count, fence);
}

int npu_matmul_program(struct npu_device *dev, const struct npu_matmul *desc,
		       struct npu_program **prog)
{
	return npu_op_program(dev, &npu_op_matmul, desc, prog);
}

int npu_conv2d(struct npu_queue *queue, const struct npu_conv2d *desc,
	       const struct npu_product_args *args, struct npu_fence *const *waits,
	       unsigned int wait_count, struct npu_fence **fence)
{
	return run_product(queue, &npu_op_conv2d, desc, args, waits, wait_count, fence);
}

int npu_conv2d_program(struct npu_device *dev, const struct npu_conv2d *desc,
		       struct npu_program **prog)
{
	return npu_op_program(dev, &npu_op_conv2d, desc, prog);
}

int npu_pool2d(struct npu_queue *queue, const struct npu_pool2d *desc,
	       const struct npu_pool2d_args *args, struct npu_fence *const *waits,
	       unsigned int wait_count, struct npu_fence **fence)
{
	const struct npu_ref refs[NPU_MAX_REGIONS] = {
		[NPU_OP_REGION_A] = args->in, [NPU_OP_REGION_OUT] = args->out
	};

	return npu_op_run(queue, &npu_op_pool2d, desc, refs, waits, wait_count, fence);
}

int npu_pool2d_program(struct npu_device *dev, const struct npu_pool2d *desc,
		       struct npu_program **prog)
{
	return npu_op_program(dev, &npu_op_pool2d, desc, prog);
}

int npu_add(struct npu_queue *queue, const struct npu_add *desc, const struct npu_add_args *args,
	    struct npu_fence *const *waits, unsigned int wait_count, struct npu_fence **fence)
{
	const struct npu_ref refs[NPU_MAX_REGIONS] = { [NPU_OP_REGION_A] = args->a,
						       [NPU_OP_REGION_B] = args->b,
						       [NPU_OP_REGION_OUT] = args->out };

	return npu_op_run(queue, &npu_op_add, desc, refs, waits, wait_count, fence);
}

int npu_add_program(struct npu_device *dev, const struct npu_add *desc, struct npu_program **prog)
{
	return npu_op_program(dev, &npu_op_add, desc, prog);
}
