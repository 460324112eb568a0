// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * matmul [DEVICE]: a matrix product on the card, compared with plain C.
 */
/* [includes] */
#include <stdio.h>

#include <npu/ops.h>
/* [end] */

#define M 64
#define N 96
#define K 128

static int8_t a[M][K], b[K][N];
static int32_t out[M][N];

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, npu_error());
	return 1;
}

static int count_wrong(void)
{
	int wrong = 0;

	for (int m = 0; m < M; m++) {
		for (int n = 0; n < N; n++) {
			int32_t sum = 0;

			for (int k = 0; k < K; k++)
				sum += a[m][k] * b[k][n];
			wrong += sum != out[m][n];
		}
	}
	return wrong;
}

int main(int argc, char **argv)
{
	struct npu_device *dev;
	struct npu_queue *queue;
	struct npu_fence *done;
	struct npu_result result;
	int wrong;

	for (int i = 0; i < M * K; i++)
		a[i / K][i % K] = (int8_t)(i * 7);
	for (int i = 0; i < K * N; i++)
		b[i / N][i % N] = (int8_t)(i * 5);

	/* [device] */
	if (npu_open(&dev, argc > 1 ? argv[1] : NULL))
		return fail("no card");
	if (npu_queue_create(dev, NULL, &queue))
		return fail("no queue");
	/* [end] */

	/* [buffers] */
	struct npu_product_args args = { 0 };

	if (npu_buffer_create(dev, sizeof(a), NPU_BUFFER_LOCAL, &args.a.buffer) ||
	    npu_buffer_create(dev, sizeof(b), NPU_BUFFER_LOCAL, &args.b.buffer) ||
	    npu_buffer_create(dev, sizeof(out), NPU_BUFFER_HOST, &args.out.buffer) ||
	    npu_buffer_write(args.a.buffer, 0, a, sizeof(a)) ||
	    npu_buffer_write(args.b.buffer, 0, b, sizeof(b)))
		return fail("no buffers");
	/* [end] */

	/* [product] */
	const struct npu_matmul product = {
		.m = M,
		.n = N,
		.k = K,
		.a_type = NPU_S8,
		.b_type = NPU_S8,
		.b_layout = NPU_B_ROWS,
		.epilogue = { .out_type = NPU_S32 },
	};

	if (npu_matmul(queue, &product, &args, NULL, 0, &done))
		return fail("no job");
	/* [end] */

	/* [wait] */
	if (npu_fence_wait(done, NPU_WAIT_FOREVER))
		return fail("the job failed");
	if (npu_buffer_read(args.out.buffer, 0, out, sizeof(out)) ||
	    npu_fence_result(done, &result))
		return fail("no result");
	/* [end] */

	wrong = count_wrong();
	printf("%s: %d x %d x %d in %llu cycles, %d of %d sums are wrong\n", npu_device_name(dev),
	       M, N, K, (unsigned long long)result.cycles, wrong, M * N);

	npu_fence_release(done);
	npu_buffer_release(args.a.buffer);
	npu_buffer_release(args.b.buffer);
	npu_buffer_release(args.out.buffer);
	npu_queue_release(queue);
	npu_close(dev);
	return wrong != 0;
}
