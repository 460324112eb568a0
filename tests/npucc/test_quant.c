// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Quantising against plain references: test_quant [SEED [CASES]]
 *
 * Exact cases: products whose activations and weights are such integers that quantising loses
 * nothing; results must be right to the bit. Random networks: no result may be further from the
 * reference than steps allow, where every tensor is off by half a step of its range, every weight by
 * half a step of its channel's, and every bias by half a step of the sums, at worst; and all together
 * must be as near as they are if these errors fall evenly between (a variance of a twelfth of a
 * squared step).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "net.h"
#include "networks.h"
#include "npy.h"
#include "quant.h"
#include "session.h"
#include "tests/seed.h"

static char dir[] = "/tmp/test_quant.XXXXXX";

static float *floats(const struct value *x)
{
	float *f = malloc(count_of(x) * sizeof(*f));

	for (uint64_t i = 0; i < count_of(x); i++)
		f[i] = (float)x->v[i];
	return f;
}

/* As the image says that its input is quantised. */
static void *integers(const struct value *x, const struct npu_tensor_info *t)
{
	int8_t *q = malloc(count_of(x));

	for (uint64_t i = 0; i < count_of(x); i++)
		q[i] = (int8_t)(int)rint(x->v[i] / (double)t->scale + t->zero_point);
	return q;
}

static void write_batch(const struct value *x)
{
	struct npy a = { NPY_FLOAT32, x->dims, { 0 }, count_of(x) * sizeof(float), floats(x) };
	char error[256], path[64];

	memcpy(a.shape, x->shape, x->dims * sizeof(*x->shape));
	snprintf(path, sizeof(path), "%s/0.npy", dir);
	if (npy_write(&a, path, error, sizeof(error))) {
		printf("%s\n", error);
		exit(1);
	}
	free(a.data);
}

/* Quantises, runs and returns the result; NULL: it could not, or not all of it. */
static float *run(struct net *n, const struct value *x, const struct value *y,
		  struct npu_device *dev, const struct quant_options *how)
{
	struct npu_graph_options options = { .float_type = NPU_FP16 };
	const struct npu_tensor_info *t = NULL;
	void *in = NULL;
	float *out = malloc(count_of(y) * sizeof(*out));
	char *report = NULL, want[64];
	struct session *s = NULL;
	void *image = NULL;
	size_t size, length;
	FILE *f = open_memstream(&report, &length);
	bool ok;

	write_batch(x);
	npu_graph_output(n->g, y->id, "y");
	ok = !quantize(n->g, dev, &options, how, f, &image, &size);
	fclose(f);
	snprintf(want, sizeof(want), "quantised: %u of %u products;", n->products, n->products);
	if (ok && strncmp(report, want, strlen(want))) {
		printf("not \"%s\" but:\n%s", want, report);
		ok = false;
	}
	if (ok && !session_open(&s, dev, image, size)) {
		t = session_tensor(s, NPU_TENSOR_INPUT, "x");
		in = t->type == NPU_FP32 ? (void *)floats(x) : integers(x, t);
	}
	if (ok && (!in || session_set(s, t, in) || session_run(s) ||
		   session_get(s, session_tensor(s, NPU_TENSOR_OUTPUT, "y"), out))) {
		printf("%s\n", npu_error());
		ok = false;
	}
	session_close(s);
	free(report);
	free(image);
	free(in);
	if (!ok)
		free(out);
	return ok ? out : NULL;
}

static bool compare(const struct net *n, const struct value *y, const float *got, double error)
{
	for (uint64_t i = 0; i < count_of(y); i++) {
		if (fabs((double)got[i] - y->v[i]) <= error)
			continue;
		printf("element %llu is %g, not %g (%g allowed):%s\n", (unsigned long long)i,
		       (double)got[i], y->v[i], error, n->log);
		return false;
	}
	return true;
}

static void end(struct net *n)
{
	for (unsigned int i = 0; i < n->values; i++)
		free(n->value[i].v);
	npu_graph_free(n->g);
}

static struct value *start(struct net *n, uint32_t dims, const uint32_t *shape)
{
	struct value *x;

	*n = (struct net){ .g = npu_graph_create() };
	x = new_value(n, dims, shape);
	x->id = npu_graph_input(n->g, "x", NPU_FP32, dims, shape);
	must(x->id);
	return x;
}

/* How far off on average, of what is expected: so that a bound that says nothing is seen. */
static double share;

static bool random_case(struct npu_device *dev)
{
	struct quant_options how = { .data = dir, .input_type = NPU_FP32 };
	uint32_t shape[4] = { 1 + rnd(2), 1 + rnd(5), 3 + rnd(6), 3 + rnd(6) };
	double square = 0;
	struct value *x, *y;
	struct net n;
	float *got;
	bool ok;

	x = start(&n, 4, shape);
	for (uint64_t i = 0; i < count_of(x); i++)
		x->v[i] = (float)(unit() * (i % 7 ? 1 : 2) + 0.3);
	y = random_net(&n, x);
	/* Of a product nothing is rounded; what is read from a quantised tensor is off by that. */
	inherit(&n, y, y, grouped(&n, y));
	y->error += 1e-6;
	got = run(&n, x, y, dev, &how);
	ok = got && compare(&n, y, got, y->error);
	for (uint64_t i = 0; ok && i < count_of(y); i++)
		square += squared((double)got[i] - y->v[i]) / (double)count_of(y);
	if (sqrt(square) > 1.5 * y->spread + 1e-6) {
		printf("off by %g on average, not %g:%s\n", sqrt(square), y->spread, n.log);
		ok = false;
	}
	share += ok ? sqrt(square) / y->spread : 0;
	free(got);
	end(&n);
	return ok;
}

/*
 * Integers that span 255 have scale 1, wherever zero is; so have weights the largest of which is 127
 * in each channel, times a power of two. Nothing is lost then. So also behind a convolution that only
 * multiplies, by 127 times a power of two, and behind what moves elements after that.
 */
static bool exact_case(struct npu_device *dev)
{
	struct quant_options how = { .data = dir, .input_type = NPU_FP32 };
	static const uint32_t types[] = { NPU_FP32, NPU_S8, NPU_U8 };
	uint32_t shape[4] = { 2, 3, 5, 4 };
	struct conv gain = { .k = 1, .stride = 1, .groups = 1 },
		    last = { .k = 3, .stride = 1, .pad = 1, .groups = 1, .bias = rnd(2) };
	int lo = -(int)rnd(256);
	struct value *x, *y;
	struct net n;
	float *got;
	bool ok;

	y = x = start(&n, 4, shape);
	for (uint32_t i = 0; i < count_of(x); i++)
		x->v[i] = lo + (int)rnd(256);
	x->v[rnd(10)] = lo;
	x->v[10 + rnd(10)] = lo + 255;
	how.input_type = types[rnd(3)];
	invention = EXACT;
	if (rnd(2)) {
		invention = GAIN;
		y = pool(&n, pad(&n, conv(&n, y, 3, &gain)), true, 2, 1);
		invention = EXACT_BEHIND_GAIN;
	}
	y = rnd(2) ? conv(&n, y, 5, &last) : matmul(&n, rearrange(&n, y, rnd(2)), 5);
	invention = RANDOM;
	for (uint32_t i = 0; i < count_of(y); i++)
		y->v[i] = (float)y->v[i];
	got = run(&n, x, y, dev, &how);
	ok = got && compare(&n, y, got, 0);
	free(got);
	end(&n);
	return ok;
}

/*
 * A million values from -0.25 to 0.75, but for some far out on either side: minmax gives them all the
 * room, percentile leaves out 50 a side, not one more.
 */
static bool test_ranges(uint32_t below, uint32_t above)
{
	struct quant_range r = { .bin = NULL };
	uint32_t count = 1000000, i;
	float *v = malloc(count * sizeof(*v)), lo, hi;
	double want_lo = below > 50 ? -2 : -0.25, want_hi = above > 50 ? 3 : 0.75;
	bool ok;

	for (i = 0; i < count; i++)
		v[i] = i % 1000 == 0 && i / 1000 < below ? -2 :
		       i % 1000 == 1 && i / 1000 < above ? 3 :
							   (float)i / (float)count - 0.25f;
	ok = !quant_range_add(&r, v, count / 2) && !quant_range_add(&r, v + count / 2, count / 2);
	quant_range_get(&r, QUANT_MINMAX, &lo, &hi);
	ok = ok && lo == -2 && hi == 3;
	quant_range_get(&r, QUANT_PERCENTILE, &lo, &hi);
	/* To a bin, which are 4 / 4096 wide by then. */
	if (!ok || fabs((double)lo - want_lo) > 1e-3 || fabs((double)hi - want_hi) > 1e-3) {
		printf("percentile: %g .. %g, not %g .. %g\n", (double)lo, (double)hi, want_lo,
		       want_hi);
		ok = false;
	}
	free(v);
	quant_range_free(&r);
	return ok;
}

/* Is what the report tells of output y a finite error, and a small one? "inf" would be no error at all. */
static bool reports_good_error(const char *report)
{
	const char *y = strstr(report, "\n  y ");
	double sqnr = y ? strtod(y + 5, NULL) : 0;

	return isfinite(sqnr) && sqnr > 20;
}

/*
 * Networks as they are published, but small: all of their products become integers, and the result is
 * what 8 bits can give (a tensor's own steps are some 40 dB below it).
 */
static bool test_network(struct npu_device *dev, bool resnet)
{
	struct network_options size = { .image = 64, .narrow = 4, .shallow = 2, .classes = 10 };
	struct quant_options how = { .data = dir, .input_type = NPU_FP32 };
	struct npu_graph_options options = { .float_type = NPU_FP16 };
	char *report = NULL, error[256], path[64];
	unsigned int done = 0, all = 1;
	struct npy a = { NPY_FLOAT32, 4, { 0 }, sizeof(float), NULL };
	size_t bytes, length;
	struct network n;
	void *image = NULL;
	FILE *f = open_memstream(&report, &length);
	bool ok;

	if (resnet)
		network_resnet50(&n, &size);
	else
		network_mobilenet(&n, &size);
	a.data = network_input(&n, 1, a.shape);
	for (uint32_t i = 0; i < 4; i++)
		a.size *= a.shape[i];
	snprintf(path, sizeof(path), "%s/0.npy", dir);
	ok = !npy_write(&a, path, error, sizeof(error)) &&
	     !quantize(n.g, dev, &options, &how, f, &image, &bytes);
	fclose(f);
	if (!ok || sscanf(report, "quantised: %u of %u", &done, &all) != 2 || done != all ||
	    !reports_good_error(report)) {
		printf("%s is not quantised well:\n%s", resnet ? "ResNet" : "MobileNet", report);
		ok = false;
	}
	free(image);
	free(report);
	free(a.data);
	network_free(&n);
	return ok;
}

/* Inputs that nothing quantises cannot be integers. */
static bool test_input_type(struct npu_device *dev)
{
	struct quant_options how = { .data = dir, .input_type = NPU_U8 };
	uint32_t shape[4] = { 1, 2, 3, 3 };
	struct conv one = { .k = 1, .stride = 1, .groups = 1 };
	size_t size, length;
	char *report = NULL;
	FILE *f = open_memstream(&report, &length);
	struct value *x, *y;
	void *image;
	struct net n;
	bool ok;

	x = start(&n, 4, shape);
	y = conv(&n, element(&n, x), 2, &one);
	write_batch(x);
	npu_graph_output(n.g, y->id, "y");
	ok = quantize(n.g, dev, NULL, &how, f, &image, &size) && !image;
	fclose(f);
	free(image);
	if (!ok)
		printf("an input that is read as floats became integers\n");
	free(report);
	end(&n);
	return ok;
}

int main(int argc, char **argv)
{
	static const char *const devices[] = { "sim:", "sim:cores=1,spm=64K,acc=16K" };
	uint64_t first = test_seed(argc > 1 ? argv[1] : NULL);
	unsigned int cases = argc > 2 ? (unsigned int)atoi(argv[2]) : 60, i, failed = 0;
	struct npu_device *dev[2];
	char file[64];

	printf("seed %llu\n", (unsigned long long)first);
	if (!mkdtemp(dir))
		return 1;
	for (i = 0; i < 2; i++)
		must(npu_open(&dev[i], devices[i]));
	for (i = 0; i < cases; i++) {
		/* So that one case can be run alone: test_quant SEED+i 1. */
		seed(first + i);
		if (!exact_case(dev[(first + i) % 2]) || !random_case(dev[(first + i) % 2])) {
			printf("  seed %llu\n", (unsigned long long)(first + i));
			failed++;
		}
	}
	failed += !test_ranges(40, 60) || !test_ranges(51, 50);
	failed += !test_network(dev[0], true);
	failed += !test_network(dev[0], false);
	failed += !test_input_type(dev[0]);
	for (i = 0; i < 2; i++)
		npu_close(dev[i]);
	snprintf(file, sizeof(file), "%s/0.npy", dir);
	unlink(file);
	rmdir(dir);
	printf("errors are %.3f of what is expected\n", share / cases);
	printf("%u passed, %u failed\n", cases + 4 - failed, failed);
	return failed != 0;
}
