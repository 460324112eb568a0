/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Networks and what they should give: each function here adds an operator to a graph, computes its
 * result, and says how far that may be off once the network is quantised.
 */
#ifndef TESTS_NPUCC_NET_H
#define TESTS_NPUCC_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "npu/graph.h"

#define MAX_VALUES 24

/**
 * struct value - a tensor as the reference has it
 * @v: values
 * @error: how far any of them may be off in the quantised network before it is quantised itself
 * @spread: how far they are off on average, as a standard deviation
 * @group: value whose scale it shares
 */
struct value {
	int id;
	uint32_t dims, shape[4];
	double *v;
	double error, spread;
	unsigned int group;
};

struct net {
	struct npu_graph *g;
	struct value value[MAX_VALUES];
	unsigned int values, products;
	char log[1024];
};

struct conv {
	uint32_t k, stride, pad, groups;
	bool bias, norm;
};

/* What weights are like; the gain is 127 / 32. */
enum invention { RANDOM, EXACT, GAIN, EXACT_BEHIND_GAIN };
extern enum invention invention;

/** seed() - what is random begins here; rnd() - below @n; unit() - -1 .. 1 */
void seed(uint64_t from);
uint32_t rnd(uint32_t n);
double unit(void);

/** must() - ends the program if that failed, with npu_error() */
void must(int ret);

double squared(double v);
uint64_t count_of(const struct value *x);
double largest(const struct value *x);

/** new_value() - values, all 0 */
struct value *new_value(struct net *n, uint32_t dims, const uint32_t *shape);

/** grouped() - does it share a scale with others? Then it is quantised, whoever reads it */
bool grouped(const struct net *n, const struct value *x);

/** half_step() - of all that shares a scale with @x */
double half_step(const struct net *n, const struct value *x);

/** inherit() - errors that come of a tensor one to one, if it is quantised or if it is not */
void inherit(const struct net *n, const struct value *x, struct value *y, bool quantised);

/* Operators: the result. rearrange(): 0 transposes, 1 flattens, 2 averages planes. */
struct value *conv(struct net *n, const struct value *x, uint32_t channels, const struct conv *d);
struct value *matmul(struct net *n, const struct value *x, uint32_t channels);
struct value *element(struct net *n, const struct value *x);
struct value *pool(struct net *n, const struct value *x, bool max, uint32_t k, uint32_t stride);
struct value *pad(struct net *n, const struct value *x);
struct value *rearrange(struct net *n, const struct value *x, uint32_t way);

/** random_net() - some of them */
struct value *random_net(struct net *n, struct value *x);

#endif
