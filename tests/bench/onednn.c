// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: onednn SECONDS [N]
 *
 * What the host's processor does without a card: products of N x N x N (1024) by oneDNN with one
 * thread. Of int8, weights packed by oneDNN as it likes best: once with sums as they are, once
 * requantised with a bias and a scale a column. And of binary32 (sgemm). One JSON object on stdout.
 */
#include <dnnl.h>
#include <omp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static dnnl_dim_t size = 1024;

static void check(dnnl_status_t status, const char *what)
{
	if (status == dnnl_success)
		return;
	fprintf(stderr, "onednn: %s: status %d\n", what, status);
	exit(1);
}

static void *need(void *p)
{
	if (!p) {
		perror("onednn");
		exit(1);
	}
	return p;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec * 1e-9;
}

static dnnl_memory_t make_memory(const dnnl_memory_desc_t *md, dnnl_engine_t engine)
{
	dnnl_memory_t memory;

	check(dnnl_memory_create(&memory, md, engine, DNNL_MEMORY_ALLOCATE), "memory");
	return memory;
}

static void *data_of(dnnl_memory_t memory)
{
	void *data;

	check(dnnl_memory_get_data_handle(memory, &data), "data");
	return data;
}

static void fill(dnnl_memory_t memory, uint32_t seed)
{
	int8_t *data = data_of(memory);

	for (dnnl_dim_t i = 0; i < size * size; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = seed >> 24;
	}
}

/* The memory as the primitive wants it. */
static dnnl_memory_t reorder(dnnl_memory_t from, const dnnl_memory_desc_t *from_md,
			     const dnnl_memory_desc_t *to_md, dnnl_engine_t engine,
			     dnnl_stream_t stream)
{
	dnnl_memory_t to = make_memory(to_md, engine);
	dnnl_primitive_desc_t pd;
	dnnl_primitive_t p;

	check(dnnl_reorder_primitive_desc_create(&pd, from_md, engine, to_md, engine, NULL),
	      "reorder");
	check(dnnl_primitive_create(&p, pd), "reorder");
	check(dnnl_primitive_execute(
		      p, stream, 2,
		      (dnnl_exec_arg_t[]){ { DNNL_ARG_FROM, from }, { DNNL_ARG_TO, to } }),
	      "reorder");
	check(dnnl_stream_wait(stream), "reorder");
	dnnl_primitive_destroy(p);
	dnnl_primitive_desc_destroy(pd);
	return to;
}

static dnnl_primitive_attr_t requantise(void)
{
	float *scale = need(malloc(size * sizeof(*scale)));
	dnnl_primitive_attr_t attr;

	for (dnnl_dim_t i = 0; i < size; i++)
		scale[i] = 1e-3f;
	check(dnnl_primitive_attr_create(&attr), "attributes");
	/* One a column: dimension 1. */
	check(dnnl_primitive_attr_set_output_scales(attr, size, 1 << 1, scale), "scales");
	free(scale);
	return attr;
}

static double gops(uint64_t count, double seconds)
{
	return 2.0 * size * size * size * count / seconds / 1e9;
}

static double measure(dnnl_engine_t engine, dnnl_stream_t stream, int requant, double seconds)
{
	const dnnl_dims_t dims = { size, size }, bias_dims = { 1, size };
	dnnl_memory_desc_t a_md, b_md, b_any, out_md, bias_md;
	dnnl_primitive_attr_t attr = requant ? requantise() : NULL;
	dnnl_memory_t a, b, packed, out, bias;
	dnnl_primitive_desc_t pd;
	dnnl_matmul_desc_t desc;
	dnnl_primitive_t p;
	uint64_t count = 0;
	double start, end;

	check(dnnl_memory_desc_init_by_tag(&a_md, 2, dims, dnnl_s8, dnnl_ab), "a");
	check(dnnl_memory_desc_init_by_tag(&b_md, 2, dims, dnnl_s8, dnnl_ab), "b");
	check(dnnl_memory_desc_init_by_tag(&b_any, 2, dims, dnnl_s8, dnnl_format_tag_any), "b");
	check(dnnl_memory_desc_init_by_tag(&out_md, 2, dims, requant ? dnnl_s8 : dnnl_s32, dnnl_ab),
	      "out");
	check(dnnl_memory_desc_init_by_tag(&bias_md, 2, bias_dims, dnnl_s32, dnnl_ab), "bias");
	check(dnnl_matmul_desc_init(&desc, &a_md, &b_any, requant ? &bias_md : NULL, &out_md),
	      "matmul");
	check(dnnl_primitive_desc_create(&pd, &desc, attr, engine, NULL), "matmul");
	check(dnnl_primitive_create(&p, pd), "matmul");
	a = make_memory(&a_md, engine);
	b = make_memory(&b_md, engine);
	out = make_memory(&out_md, engine);
	bias = make_memory(&bias_md, engine);
	fill(a, 1);
	fill(b, 2);
	for (dnnl_dim_t i = 0; i < size; i++)
		((int32_t *)data_of(bias))[i] = 0;
	packed = reorder(b, &b_md, dnnl_primitive_desc_query_md(pd, dnnl_query_weights_md, 0),
			 engine, stream);

	const dnnl_exec_arg_t args[] = {
		{ DNNL_ARG_SRC, a },
		{ DNNL_ARG_WEIGHTS, packed },
		{ DNNL_ARG_DST, out },
		{ DNNL_ARG_BIAS, bias },
	};

	check(dnnl_primitive_execute(p, stream, requant ? 4 : 3, args), "matmul");
	check(dnnl_stream_wait(stream), "matmul");
	start = now();
	do {
		check(dnnl_primitive_execute(p, stream, requant ? 4 : 3, args), "matmul");
		check(dnnl_stream_wait(stream), "matmul");
		end = now();
		count++;
	} while (end - start < seconds);
	dnnl_memory_destroy(a);
	dnnl_memory_destroy(b);
	dnnl_memory_destroy(packed);
	dnnl_memory_destroy(out);
	dnnl_memory_destroy(bias);
	dnnl_primitive_destroy(p);
	dnnl_primitive_desc_destroy(pd);
	if (attr)
		dnnl_primitive_attr_destroy(attr);
	return gops(count, end - start);
}

static double measure_sgemm(double seconds)
{
	float *a = need(malloc(size * size * sizeof(*a)));
	float *b = need(malloc(size * size * sizeof(*b)));
	float *c = need(malloc(size * size * sizeof(*c)));
	uint64_t count = 0;
	double start, end;

	for (dnnl_dim_t i = 0; i < size * size; i++) {
		a[i] = (float)(i % 251) / 256;
		b[i] = (float)(i % 241) / 256;
	}
	check(dnnl_sgemm('N', 'N', size, size, size, 1, a, size, b, size, 0, c, size), "sgemm");
	start = now();
	do {
		check(dnnl_sgemm('N', 'N', size, size, size, 1, a, size, b, size, 0, c, size),
		      "sgemm");
		end = now();
		count++;
	} while (end - start < seconds);
	free(a);
	free(b);
	free(c);
	return gops(count, end - start);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1, sums, requant, sgemm;
	const dnnl_version_t *version = dnnl_version();
	dnnl_engine_t engine;
	dnnl_stream_t stream;

	if (argc > 2)
		size = atoi(argv[2]);
	omp_set_num_threads(1);
	check(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
	check(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
	sums = measure(engine, stream, 0, seconds);
	requant = measure(engine, stream, 1, seconds);
	sgemm = measure_sgemm(seconds);
	printf("{\"version\": \"%d.%d.%d\", \"sums_gops\": %.3f, \"requant_gops\": %.3f, "
	       "\"sgemm_gflops\": %.3f}\n",
	       version->major, version->minor, version->patch, sums, requant, sgemm);
	dnnl_stream_destroy(stream);
	dnnl_engine_destroy(engine);
	return fflush(stdout) ? 1 : 0;
}
