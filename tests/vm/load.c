// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: load
 *
 * Work for a card that is saved, loaded and migrated meanwhile: threads with a queue each multiply
 * random matrices, several under way at a time, and compare each product with plain C, for ever. Says
 * "load: N products right" now and then; ends at the first error.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <npu/ops.h>

#define THREADS 3
#define DEPTH	4
#define MOST	96
#define TELL	20

static struct npu_device *dev;
static atomic_uint products;

struct product {
	struct npu_matmul op;
	struct npu_product_args x;
	struct npu_fence *done;
	int8_t a[MOST * MOST];
	int8_t b[MOST * MOST];
};

static void check(int ret, const char *what)
{
	if (!ret)
		return;
	printf("load: %s: %s\n", what, npu_error());
	exit(1);
}

static void begin(struct npu_queue *queue, struct product *p, unsigned int *seed)
{
	p->op = (struct npu_matmul){
		.m = 1 + rand_r(seed) % MOST,
		.n = 1 + rand_r(seed) % MOST,
		.k = 1 + rand_r(seed) % MOST,
		.epilogue.out_type = NPU_S32,
	};
	for (uint32_t i = 0; i < p->op.m * p->op.k; i++)
		p->a[i] = rand_r(seed);
	for (uint32_t i = 0; i < p->op.k * p->op.n; i++)
		p->b[i] = rand_r(seed);
	check(npu_buffer_write(p->x.a.buffer, 0, p->a, p->op.m * p->op.k), "write");
	check(npu_buffer_write(p->x.b.buffer, 0, p->b, p->op.k * p->op.n), "write");
	check(npu_matmul(queue, &p->op, &p->x, NULL, 0, &p->done), "submit");
}

static void end(struct product *p)
{
	static __thread int32_t out[MOST * MOST];

	check(npu_fence_wait(p->done, NPU_WAIT_FOREVER), "job");
	npu_fence_release(p->done);
	check(npu_buffer_read(p->x.out.buffer, 0, out, p->op.m * p->op.n * sizeof(out[0])), "read");
	for (uint32_t i = 0; i < p->op.m; i++) {
		for (uint32_t j = 0; j < p->op.n; j++) {
			int32_t want = 0;

			for (uint32_t k = 0; k < p->op.k; k++)
				want += p->a[i * p->op.k + k] * p->b[k * p->op.n + j];
			if (out[i * p->op.n + j] == want)
				continue;
			printf("load: WRONG at %" PRIu32 ",%" PRIu32 ": %" PRId32 ", not %" PRId32
			       "\n",
			       i, j, out[i * p->op.n + j], want);
			exit(1);
		}
	}
	if ((atomic_fetch_add(&products, 1) + 1) % TELL == 0)
		printf("load: %u products right\n", atomic_load(&products));
}

static void *work(void *arg)
{
	struct product *p = calloc(DEPTH, sizeof(*p));
	unsigned int seed = (uintptr_t)arg;
	struct npu_queue *queue;

	check(!p, "memory");
	check(npu_queue_create(dev, NULL, &queue), "queue");
	for (unsigned int i = 0; i < DEPTH; i++) {
		enum npu_buffer_flags where = i % 2 ? NPU_BUFFER_HOST : NPU_BUFFER_LOCAL;

		check(npu_buffer_create(dev, sizeof(p->a), where, &p[i].x.a.buffer), "buffer");
		check(npu_buffer_create(dev, sizeof(p->b), where, &p[i].x.b.buffer), "buffer");
		check(npu_buffer_create(dev, 4 * sizeof(p->a), where, &p[i].x.out.buffer),
		      "buffer");
		begin(queue, &p[i], &seed);
	}
	for (unsigned int i = 0;; i = (i + 1) % DEPTH) {
		end(&p[i]);
		begin(queue, &p[i], &seed);
	}
	return NULL;
}

int main(void)
{
	pthread_t thread;

	setvbuf(stdout, NULL, _IOLBF, 0);
	check(npu_open(&dev, NULL), "open");
	for (uintptr_t i = 0; i < THREADS; i++)
		check(pthread_create(&thread, NULL, work, (void *)(i + 1)), "thread");
	pthread_join(thread, NULL);
	return 1;
}
