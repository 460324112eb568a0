// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See net.h. Everything in the plainest form, in double.
 */
#include "net.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What fp16 between nodes may cost, of a tensor's largest value. */
#define HALF 0x1p-10

static uint64_t state;

void seed(uint64_t from)
{
	state = from * 0x9e3779b97f4a7c15ull;
	rnd(2);
}

uint32_t rnd(uint32_t n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % n);
}

/* -1 .. 1 */
double unit(void)
{
	return (double)(int32_t)(rnd(2000001) - 1000000) / 1e6;
}

static void note(struct net *n, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(struct net *n, const char *fmt, ...)
{
	size_t at = strlen(n->log);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(n->log + at, sizeof(n->log) - at, fmt, ap);
	va_end(ap);
}

uint64_t count_of(const struct value *x)
{
	uint64_t n = 1;

	for (uint32_t i = 0; i < x->dims; i++)
		n *= x->shape[i];
	return n;
}

double largest(const struct value *x)
{
	double m = 0;

	for (uint64_t i = 0; i < count_of(x); i++)
		m = fmax(m, fabs(x->v[i]));
	return m;
}

void must(int ret)
{
	if (ret < 0) {
		printf("%s\n", npu_error());
		exit(1);
	}
}

struct value *new_value(struct net *n, uint32_t dims, const uint32_t *shape)
{
	struct value *y = &n->value[n->values];

	*y = (struct value){ .dims = dims, .group = n->values++ };
	memcpy(y->shape, shape, dims * sizeof(*shape));
	y->v = calloc(count_of(y), sizeof(*y->v));
	return y;
}

static int constant(struct net *n, uint32_t dims, const uint32_t *shape, const double *v)
{
	uint64_t count = 1, i;
	float *f;
	int id;

	for (i = 0; i < dims; i++)
		count *= shape[i];
	f = malloc(count * sizeof(*f));
	for (i = 0; i < count; i++)
		f[i] = (float)v[i];
	id = npu_graph_constant(n->g, NULL, NPU_FP32, dims, shape, f);
	must(id);
	free(f);
	return id;
}

static void node(struct net *n, struct value *y, uint32_t op, const struct npu_graph_attrs *a,
		 const int *in, unsigned int in_count)
{
	must(npu_graph_node(n->g, op, NULL, a, in, in_count, &y->id, 1));
}

/* Half a step of all that shares a scale with @x. */
double half_step(const struct net *n, const struct value *x)
{
	double lo = 0, hi = 0, top = 0;

	for (unsigned int i = 0; i < n->values; i++) {
		const struct value *y = &n->value[i];

		if (y->group != x->group)
			continue;
		for (uint64_t k = 0; k < count_of(y); k++) {
			lo = fmin(lo, y->v[k]);
			hi = fmax(hi, y->v[k]);
		}
	}
	top = fmax(-lo, hi);
	/* The scale is what the float network gave, in fp16; the zero point is rounded. */
	return (hi - lo) / 255 / 2 * (1 + HALF) + top * HALF;
}

double squared(double v)
{
	return v * v;
}

/* The spread with half a step more, evenly. */
static double quantised_spread(const struct net *n, const struct value *x)
{
	return sqrt(squared(x->spread) + squared(half_step(n, x)) / 3);
}

/* Does it share a scale with others? Then it is quantised, whoever reads it. */
bool grouped(const struct net *n, const struct value *x)
{
	for (unsigned int i = 0; i < n->values; i++)
		if (&n->value[i] != x && n->value[i].group == x->group)
			return true;
	return false;
}

/* What comes of a tensor one to one, if it is quantised or if it is not. */
void inherit(const struct net *n, const struct value *x, struct value *y, bool quantised)
{
	y->error = x->error + (quantised ? half_step(n, x) : 0) + 2 * largest(x) * HALF;
	y->spread = (quantised ? quantised_spread(n, x) : x->spread) + largest(x) * HALF / 4;
}

static void join(struct net *n, const struct value *a, const struct value *b)
{
	unsigned int from = b->group, to = a->group;

	for (unsigned int i = 0; i < n->values; i++)
		if (n->value[i].group == from)
			n->value[i].group = to;
}

/* ---- Products -------------------------------------------------------------------------------- */

struct weights {
	uint32_t channels, per; /* weights of each */
	double *w, *b; /* [channels][per]; b may be NULL */
};

enum invention invention;

static double weight(uint32_t c, uint32_t i)
{
	switch (invention) {
	case RANDOM:
		return (float)(unit() * (1 + c % 2) / (1 + rnd(3)));
	case GAIN:
		return c == i ? 127.0 / 32 : 0;
	default:
		return ldexp(i ? (double)rnd(255) - 127 : 127, (int)c - 2);
	}
}

static double bias(uint32_t c)
{
	double v = ldexp((double)rnd(20001) - 10000, (int)c - 2);

	return invention == RANDOM ? (float)unit() : invention == EXACT ? v : v * 127 / 32;
}

static struct weights new_weights(uint32_t channels, uint32_t per, bool has_bias)
{
	struct weights w = { channels, per, malloc(channels * per * sizeof(double)),
			     has_bias ? malloc(channels * sizeof(double)) : NULL };
	uint32_t i;

	for (i = 0; i < channels * per; i++)
		w.w[i] = weight(i / per, i % per);
	for (i = 0; has_bias && i < channels; i++)
		w.b[i] = bias(i);
	return w;
}

/* How far a product may be off: operands off, weights off, bias off. */
static void product_error(const struct net *n, const struct weights *w, const struct value *x,
			  struct value *y)
{
	double ex = x->error + half_step(n, x), top = largest(x), square = 0, step;
	uint32_t c, i;

	for (i = 0; i < count_of(x); i++)
		square += squared(x->v[i]) / (double)count_of(x);

	for (c = 0; c < w->channels; c++) {
		double sum = 0, max = 0, squares = 0, bias;

		for (i = 0; i < w->per; i++) {
			sum += fabs(w->w[c * w->per + i]);
			squares += squared(w->w[c * w->per + i]);
			max = fmax(max, fabs(w->w[c * w->per + i]));
		}
		step = max / 127;
		bias = w->b ? step * 2 * half_step(n, x) : 0;
		y->error = fmax(y->error, sum * ex + w->per * step / 2 * (top + ex) + bias);
		y->spread =
			fmax(y->spread, sqrt(squares * squared(quantised_spread(n, x)) +
					     w->per * squared(step) / 12 * square + squared(bias)));
	}
	y->error *= 1 + 1e-5;
}

struct value *conv(struct net *n, const struct value *x, uint32_t channels, const struct conv *d)
{
	struct npu_graph_attrs a = { .window_dims = 2, .groups = d->groups, .epsilon = 1e-5f };
	uint32_t cg = x->shape[1] / d->groups, og = channels / d->groups;
	uint32_t shape[4] = { x->shape[0], channels,
			      (x->shape[2] + 2 * d->pad - d->k) / d->stride + 1,
			      (x->shape[3] + 2 * d->pad - d->k) / d->stride + 1 };
	struct weights w = new_weights(channels, cg * d->k * d->k, d->bias || d->norm);
	struct value *y = new_value(n, 4, shape);
	int in[5] = { x->id, -1, -1, -1, -1 };
	double *parts[4] = { NULL };
	uint32_t b, o, oy, ox, c, r, s, i;

	for (i = 0; i < 2; i++) {
		a.stride[i] = d->stride;
		a.pad_lo[i] = a.pad_hi[i] = d->pad;
	}
	for (i = 0; i < 4 && d->norm; i++) {
		parts[i] = malloc(channels * sizeof(double));
		for (o = 0; o < channels; o++)
			parts[i][o] = (float)(i == 3 ? 0.1 + fabs(unit()) : unit());
	}
	in[1] = constant(n, 4, (uint32_t[]){ channels, cg, d->k, d->k }, w.w);
	if (d->bias)
		in[2] = constant(n, 1, &channels, w.b);
	node(n, y, NPU_GRAPH_CONV, &a, in, d->bias ? 3 : 2);
	if (d->norm) {
		in[0] = y->id;
		for (i = 0; i < 4; i++)
			in[i + 1] = constant(n, 1, &channels, parts[i]);
		node(n, y, NPU_GRAPH_BATCH_NORM, &a, in, 5);
		for (o = 0; o < channels; o++) {
			double gain = parts[0][o] / sqrt(parts[3][o] + (double)1e-5f);

			w.b[o] = ((d->bias ? w.b[o] : 0) - parts[2][o]) * gain + parts[1][o];
			for (i = 0; i < w.per; i++)
				w.w[o * w.per + i] *= gain;
		}
	}
	for (b = 0; b < shape[0]; b++)
		for (o = 0; o < channels; o++)
			for (oy = 0; oy < shape[2]; oy++)
				for (ox = 0; ox < shape[3]; ox++) {
					double sum = w.b ? w.b[o] : 0;

					for (c = 0; c < cg; c++)
						for (r = 0; r < d->k; r++)
							for (s = 0; s < d->k; s++) {
								uint32_t iy = oy * d->stride + r -
									      d->pad,
									 ix = ox * d->stride + s -
									      d->pad,
									 ic = o / og * cg + c;

								if (iy < x->shape[2] &&
								    ix < x->shape[3])
									sum += x->v[((b * x->shape[1] +
										      ic) * x->shape[2] +
										     iy) * x->shape[3] +
										    ix] *
									       w.w[o * w.per +
										   (c * d->k + r) *
											   d->k +
										   s];
							}
					y->v[((b * channels + o) * shape[2] + oy) * shape[3] + ox] =
						sum;
				}
	product_error(n, &w, x, y);
	n->products++;
	note(n, " conv%u/%u+%u g%u %u->%u%s%s", d->k, d->stride, d->pad, d->groups, x->shape[1],
	     channels, d->bias ? " bias" : "", d->norm ? " norm" : "");
	for (i = 0; i < 4; i++)
		free(parts[i]);
	free(w.w);
	free(w.b);
	return y;
}

/* A product of matrices, written in one of the ways that there are. */
struct value *matmul(struct net *n, const struct value *x, uint32_t channels)
{
	uint32_t k = x->shape[x->dims - 1], rows = (uint32_t)(count_of(x) / k), r, c, i,
		 way = x->dims == 2 ? rnd(4) : 3;
	struct npu_graph_attrs a = { .alpha = 1, .beta = 1 };
	struct weights w = new_weights(channels, k, rnd(2));
	double *flat = malloc(k * channels * sizeof(double)),
	       *beta = calloc(channels, sizeof(double));
	uint32_t shape[4];
	struct value *y;
	int in[3] = { x->id, -1, -1 };

	memcpy(shape, x->shape, sizeof(shape));
	shape[x->dims - 1] = channels;
	y = new_value(n, x->dims, shape);
	for (c = 0; c < channels; c++)
		for (i = 0; i < k; i++)
			flat[way == 1 ? c * k + i : i * channels + c] =
				way == 2 ? 2 * w.w[c * k + i] : w.w[c * k + i];
	for (c = 0; w.b && c < channels; c++)
		beta[c] = way == 2 ? w.b[c] / 4 : w.b[c];
	in[1] = constant(n, 2, way == 1 ? (uint32_t[]){ channels, k } : (uint32_t[]){ k, channels },
			 flat);
	if (w.b)
		in[2] = constant(n, 1, &channels, beta);
	a.trans_b = way == 1;
	if (way == 2) {
		a.alpha = 0.5f;
		a.beta = 4;
	}
	if (way < 3) {
		node(n, y, NPU_GRAPH_GEMM, &a, in, w.b ? 3 : 2);
	} else {
		node(n, y, NPU_GRAPH_MATMUL, NULL, in, 2);
		if (w.b)
			node(n, y, NPU_GRAPH_ADD, NULL, (int[]){ y->id, in[2] }, 2);
	}
	for (r = 0; r < rows; r++)
		for (c = 0; c < channels; c++) {
			double sum = w.b ? w.b[c] : 0;

			for (i = 0; i < k; i++)
				sum += x->v[r * k + i] * w.w[c * k + i];
			y->v[r * channels + c] = sum;
		}
	product_error(n, &w, x, y);
	n->products++;
	note(n, " matmul%u %u->%u%s", way, k, channels, w.b ? " bias" : "");
	free(flat);
	free(beta);
	free(w.w);
	free(w.b);
	return y;
}

/* ---- The others ------------------------------------------------------------------------------ */

struct value *element(struct net *n, const struct value *x)
{
	static const uint32_t ops[] = { NPU_GRAPH_RELU, NPU_GRAPH_CLIP, NPU_GRAPH_LEAKY_RELU };
	struct value *y = new_value(n, x->dims, x->shape);
	double top = (float)(largest(x) * 0.75);
	struct npu_graph_attrs a = { .lo = (float)-top, .hi = (float)top, .alpha = 0.5f };
	uint32_t way = rnd(3);

	for (uint64_t i = 0; i < count_of(x); i++)
		y->v[i] = way == 0 ? fmax(x->v[i], 0) :
			  way == 1 ? fmin(fmax(x->v[i], -top), top) :
				     x->v[i] * (x->v[i] < 0 ? 0.5 : 1);
	node(n, y, ops[way], &a, &x->id, 1);
	/* None is steeper than 1. */
	inherit(n, x, y, grouped(n, x));
	note(n, " element%u", way);
	return y;
}

static struct value *add(struct net *n, const struct value *x, const struct value *z)
{
	struct value *y = new_value(n, x->dims, x->shape);

	for (uint64_t i = 0; i < count_of(x); i++)
		y->v[i] = x->v[i] + z->v[i];
	node(n, y, NPU_GRAPH_ADD, NULL, (int[]){ x->id, z->id }, 2);
	y->error = x->error + half_step(n, x) + z->error + largest(y) * HALF;
	if (grouped(n, z))
		y->error += half_step(n, z);
	/* They may come from one tensor, and be off together. */
	y->spread = quantised_spread(n, x) + z->spread + largest(y) * HALF / 4;
	note(n, " add");
	return y;
}

struct value *pool(struct net *n, const struct value *x, bool max, uint32_t k, uint32_t stride)
{
	uint32_t b, oy, ox, r, s;
	struct npu_graph_attrs a = { .window_dims = 2,
				     .kernel = { k, k },
				     .stride = { stride, stride } };
	uint32_t shape[4] = { x->shape[0], x->shape[1], 0, 0 };
	struct value *y;

	if (x->shape[2] < k || x->shape[3] < k)
		k = a.kernel[0] = a.kernel[1] = 1;
	shape[2] = (x->shape[2] - k) / stride + 1;
	shape[3] = (x->shape[3] - k) / stride + 1;
	y = new_value(n, 4, shape);
	for (b = 0; b < shape[0] * shape[1]; b++)
		for (oy = 0; oy < shape[2]; oy++)
			for (ox = 0; ox < shape[3]; ox++) {
				double m = -INFINITY, sum = 0;

				for (r = 0; r < k; r++)
					for (s = 0; s < k; s++) {
						double v = x->v[(b * x->shape[2] + oy * stride +
								 r) * x->shape[3] +
								ox * stride + s];

						m = fmax(m, v);
						sum += v;
					}
				y->v[(b * shape[2] + oy) * shape[3] + ox] = max ? m : sum / (k * k);
			}
	node(n, y, max ? NPU_GRAPH_MAX_POOL : NPU_GRAPH_AVERAGE_POOL, &a, &x->id, 1);
	if (max) {
		y->error = x->error;
		/* The largest of some is off as the luckiest of them. */
		y->spread = 2 * x->spread;
		join(n, x, y);
	} else {
		inherit(n, x, y, true);
	}
	note(n, " %spool%u/%u", max ? "max" : "average", k, stride);
	return y;
}

/* Some of its first value around. */
struct value *pad(struct net *n, const struct value *x)
{
	uint32_t shape[4] = { x->shape[0], x->shape[1], x->shape[2] + 1, x->shape[3] + 3 }, i;
	struct npu_graph_attrs a = { .starts = { 0, 0, 1, 2 },
				     .ends = { 0, 0, 0, 1 },
				     .alpha = (float)x->v[0] };
	struct value *y = new_value(n, 4, shape);

	for (i = 0; i < count_of(y); i++) {
		uint32_t px = i % shape[3] - 2, py = i / shape[3] % shape[2] - 1,
			 plane = i / shape[3] / shape[2];
		bool inside = px < x->shape[3] && py < x->shape[2];

		y->v[i] = inside ? x->v[(plane * x->shape[2] + py) * x->shape[3] + px] : x->v[0];
	}
	node(n, y, NPU_GRAPH_PAD, &a, &x->id, 1);
	y->error = x->error;
	y->spread = x->spread;
	join(n, x, y);
	note(n, " pad");
	return y;
}

static struct value *concat(struct net *n, const struct value *x, const struct value *z)
{
	struct npu_graph_attrs a = { .axis = 1 };
	uint32_t shape[4] = { x->shape[0], x->shape[1] + z->shape[1], x->shape[2], x->shape[3] }, b;
	uint64_t sx = count_of(x) / x->shape[0], sz = count_of(z) / z->shape[0];
	struct value *y = new_value(n, 4, shape);

	for (b = 0; b < x->shape[0]; b++) {
		memcpy(y->v + b * (sx + sz), x->v + b * sx, sx * sizeof(double));
		memcpy(y->v + b * (sx + sz) + sx, z->v + b * sz, sz * sizeof(double));
	}
	node(n, y, NPU_GRAPH_CONCAT, &a, (int[]){ x->id, z->id }, 2);
	y->error = fmax(x->error, z->error);
	y->spread = fmax(x->spread, z->spread);
	join(n, x, y);
	join(n, x, z);
	note(n, " concat");
	return y;
}

/* [n][c][h][w] to [n][h][w][c], or to rows, or rows of means. */
struct value *rearrange(struct net *n, const struct value *x, uint32_t way)
{
	static const uint32_t order[] = { 0, 2, 3, 1 };
	struct npu_graph_attrs a = { .axis_count = way ? 2 : 4, .keep_dims = 1 };
	uint32_t plane = x->shape[2] * x->shape[3], c = x->shape[1], i, p;
	uint32_t moved[4] = { x->shape[0], x->shape[2], x->shape[3], c },
		 rows[2] = { x->shape[0], way == 2 ? c : c * plane };
	struct value *y = way == 0 ? new_value(n, 4, moved) : new_value(n, 2, rows);
	int id = x->id;

	for (i = 0; i < 4; i++)
		a.axes[i] = way ? 2 + (int)(i % 2) : (int)order[i];
	y->error = x->error;
	y->spread = x->spread;
	if (way == 0) {
		for (i = 0; i < x->shape[0] * c; i++)
			for (p = 0; p < plane; p++)
				y->v[(i / c * plane + p) * c + i % c] = x->v[i * plane + p];
		node(n, y, NPU_GRAPH_TRANSPOSE, &a, &id, 1);
	} else if (way == 1) {
		memcpy(y->v, x->v, count_of(x) * sizeof(double));
	} else {
		for (i = 0; i < x->shape[0] * c; i++)
			for (p = 0; p < plane; p++)
				y->v[i] += x->v[i * plane + p] / plane;
		must(npu_graph_node(n->g, NPU_GRAPH_REDUCE_MEAN, NULL, &a, &id, 1, &id, 1));
		inherit(n, x, y, true);
	}
	if (way) {
		a = (struct npu_graph_attrs){ .dims = 2, .shape = { rows[0], rows[1] } };
		node(n, y, NPU_GRAPH_RESHAPE, &a, &id, 1);
	}
	if (way < 2)
		join(n, x, y);
	note(n, way == 0 ? " transpose" : way == 1 ? " flatten" : " means");
	return y;
}

static struct value *random_conv(struct net *n, const struct value *x)
{
	struct conv d = { .k = rnd(2) ? 3 : 1,
			  .stride = 1 + (rnd(4) == 0),
			  .groups = 1,
			  .bias = rnd(2),
			  .norm = rnd(3) == 0 };
	bool depthwise = rnd(4) == 0;

	d.pad = d.k / 2;
	if (depthwise)
		d.groups = x->shape[1];
	return conv(n, x, depthwise ? x->shape[1] : 1 + rnd(8), &d);
}

/* A branch that joins again: added to what it began with, or put beside it. */
static struct value *branch(struct net *n, struct value *x)
{
	struct conv d = { .k = 3, .stride = 1, .pad = 1, .groups = 1, .bias = true };
	struct value *z = conv(n, x, x->shape[1], &d);

	if (rnd(2))
		z = element(n, z);
	return rnd(2) ? add(n, rnd(2) ? conv(n, x, x->shape[1], &d) : x, z) : concat(n, x, z);
}

struct value *random_net(struct net *n, struct value *x)
{
	uint32_t steps = 1 + rnd(4);

	x = random_conv(n, x);
	while (steps-- && n->values + 8 < MAX_VALUES) {
		switch (rnd(5)) {
		case 0:
			x = random_conv(n, x);
			break;
		case 1:
			x = branch(n, x);
			break;
		case 2:
			x = pool(n, x, rnd(2), 1 + rnd(3), 1 + rnd(2));
			break;
		default:
			x = element(n, x);
		}
	}
	if (rnd(2)) {
		uint32_t way = rnd(3);

		x = rearrange(n, x, way);
		x = matmul(n, x, 1 + rnd(8));
	}
	return x;
}
