// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Quantising, from a float network to an image. The float network runs twice over the data, on the
 * very card: once to see which values tensors take, once beside the quantised network. It computes in
 * fp16, whose products are exact to 11 bits, so that what is told as the error is that of the
 * quantisation; where that overflows, in bf16. An overflow may end in a number again (1 / inf), so all
 * tensors between nodes are looked at, not only those that become integers.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compile.h"
#include "complain.h"
#include "fold.h"
#include "quant.h"
#include "rewrite.h"
#include "session.h"

/* So few elements are looked at one by one. */
#define SMALL_TENSOR 256u

/**
 * struct work - all that there is under way
 * @operand: of each tensor: a product reads it, in the type that the network computes in
 * @limit: from here on values are infinite as such
 * @beyond: a tensor with values that are infinite or none, or too large for products; -1: none
 * @floats: the float network, showing all tensors that become integers
 * @probed, @final: the quantised one, showing them too; as it will be
 * @value: memory for the largest tensor, twice
 */
struct work {
	struct npu_device *dev;
	const struct quant_options *options;
	struct npu_graph *folded;
	struct quant_plan plan;
	struct calibration data;
	bool *operand;
	float limit;
	int beyond;
	struct quant_range *range;
	struct quant_error *output_error, *tensor_error;
	struct session *floats, *probed, *final;
	float *value, *value2;
};

/* ---- Networks that run ----------------------------------------------------------------------- */

static int open_session(struct work *w, struct npu_graph *g,
			const struct npu_graph_options *options, const char *what,
			struct session **s)
{
	void *image = NULL;
	size_t size;
	int ret = compile_graph(g, npu_device_caps(w->dev), options, what, &image, &size);

	if (!ret && session_open(s, w->dev, image, size))
		ret = complain("%s: %s", what, npu_error());
	free(image);
	return ret;
}

static bool is_input(const struct work *w, unsigned int tensor)
{
	unsigned int i;

	for (i = 0; i < w->data.inputs; i++)
		if (w->data.input[i] == (int)tensor)
			return true;
	return false;
}

/* How a tensor is looked at: all of its values, the least and the largest, or not at all. */
enum look { LOOK_NONE, LOOK_ALL, LOOK_ENDS };

static enum look look_at(const struct work *w, unsigned int tensor)
{
	const struct npu_graph_tensor *t = npu_graph_tensor(w->folded, (int)tensor);
	const char *name;
	unsigned int i;
	int output;

	if (t->data || t->type != NPU_FP32 || is_input(w, tensor))
		return LOOK_NONE;
	if (w->plan.tensor[tensor].integer || graph_count(t) <= SMALL_TENSOR)
		return LOOK_ALL;
	for (i = 0; (output = npu_graph_get_output(w->folded, i, &name)) >= 0; i++)
		if (output == (int)tensor)
			return LOOK_ALL;
	return LOOK_ENDS;
}

static void end_name(char name[32], unsigned int tensor, bool most)
{
	snprintf(name, 32, "%s %u", most ? "most" : "least", tensor);
}

/* The least and the largest of a tensor as outputs: NaN if any value is. */
static int show_ends(struct rewrite *r, unsigned int tensor)
{
	struct npu_graph_attrs all = { .keep_dims = 0 };
	int most, out, ret = 0;
	char name[32];

	for (most = 0; most < 2 && !ret; most++) {
		end_name(name, tensor, most);
		ret = npu_graph_node(r->to, most ? NPU_GRAPH_REDUCE_MAX : NPU_GRAPH_REDUCE_MIN,
				     name, &all, &r->map[tensor], 1, &out, 1);
		if (!ret)
			ret = npu_graph_output(r->to, out, name);
	}
	return ret;
}

/* The float network, what is looked at being outputs as well. */
static int open_floats(struct work *w, uint32_t float_type)
{
	struct npu_graph_options options = { .float_type = float_type };
	struct npu_graph_node_info n;
	struct rewrite r;
	unsigned int i;
	char name[32];
	int ret = rewrite_begin(&r, w->folded);

	if (!ret)
		ret = rewrite_inputs(&r);
	for (i = 0; i < w->plan.nodes && !ret; i++) {
		npu_graph_get_node(w->folded, i, &n);
		ret = rewrite_node(&r, &n);
	}
	if (!ret)
		ret = rewrite_outputs(&r);
	for (i = 0; i < w->plan.tensors && !ret; i++) {
		enum look look = look_at(w, i);

		quant_probe_name(name, i);
		if (look == LOOK_ALL)
			ret = npu_graph_output(r.to, r.map[i], name);
		else if (look == LOOK_ENDS)
			ret = show_ends(&r, i);
	}
	if (ret)
		ret = complain("the float network: %s",
			       ret == -ENOMEM ? "out of memory" : npu_error());
	else
		ret = open_session(w, r.to, &options, "the float network", &w->floats);
	npu_graph_free(r.to);
	rewrite_end(&r);
	return ret;
}

static int open_quantised(struct work *w, const struct npu_graph_options *options)
{
	struct quant_net net;
	int ret = quant_build(&net, &w->plan, true);

	if (ret)
		ret = complain("the quantised network: %s",
			       ret == -ENOMEM ? "out of memory" : npu_error());
	else
		ret = open_session(w, net.g, options, "the quantised network", &w->probed);
	quant_net_free(&net);
	return ret;
}

static void quantise_input(const struct npu_tensor_info *t, const struct quant_tensor *q,
			   const float *v, int8_t *out)
{
	float lo = t->type == NPU_S8 ? -128 : 0;
	uint64_t i;

	for (i = 0; i < t->size; i++)
		out[i] = (int8_t)(int)fminf(fmaxf(rintf(v[i] / q->scale) + (float)q->zero, lo),
					    lo + 255);
}

static int set_input(struct work *w, struct session *s, int tensor, const void *data)
{
	const struct npu_graph_tensor *x = npu_graph_tensor(w->folded, tensor);
	const struct npu_tensor_info *t = session_tensor(s, NPU_TENSOR_INPUT, x->name);
	int8_t *integers;
	int ret;

	if (!t || t->type == x->type)
		return t ? session_set(s, t, data) : 0;
	integers = malloc(t->size);
	if (!integers)
		return -ENOMEM;
	quantise_input(t, quant_of(&w->plan, tensor), data, integers);
	ret = session_set(s, t, integers);
	free(integers);
	return ret;
}

/*
 * One batch through some networks. With @ranges, also what values the inputs take.
 */
static int run_batch(struct work *w, struct session *const *s, unsigned int sessions,
		     unsigned int batch, bool ranges)
{
	unsigned int i, k;
	int ret = 0;

	for (i = 0; i < w->data.inputs && !ret; i++) {
		int tensor = w->data.input[i];
		const struct npu_graph_tensor *x = npu_graph_tensor(w->folded, tensor);
		void *v = calibration_read(&w->data, batch, i);

		if (!v)
			return EXIT_FAILURE;
		for (k = 0; k < sessions && !ret; k++)
			ret = set_input(w, s[k], tensor, v);
		if (!ret && ranges && (w->plan.tensor[tensor].integer || w->operand[tensor]))
			ret = quant_range_add(&w->range[tensor], v, graph_count(x));
		free(v);
	}
	for (k = 0; k < sessions && !ret; k++)
		ret = session_run(s[k]);
	return ret ? complain("running the network: %s",
			      ret == -ENOMEM ? "out of memory" : npu_error()) :
		     EXIT_SUCCESS;
}

/* The @count floats of an output; 0, or EXIT_FAILURE having said why not. */
static int get_floats(struct session *s, const char *name, float *v, uint64_t count)
{
	const struct npu_tensor_info *t = session_tensor(s, NPU_TENSOR_OUTPUT, name);

	if (!t || t->type != NPU_FP32 || t->size != count * sizeof(*v))
		return complain("the network has no output %s of %llu floats", name,
				(unsigned long long)count);
	return session_get(s, t, v) ? complain("%s: %s", name, npu_error()) : EXIT_SUCCESS;
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

/* Are all of them numbers, and such that products take them? */
static bool all_within(const struct work *w, unsigned int tensor, const float *v, uint64_t count)
{
	float limit = w->operand[tensor] ? w->limit : INFINITY;
	uint64_t i;

	for (i = 0; i < count; i++)
		if (!(fabsf(v[i]) < limit))
			return false;
	return true;
}

/* The name of the node that makes a tensor, for messages. */
static const char *maker(const struct work *w, unsigned int tensor, struct npu_graph_node_info *n)
{
	unsigned int i, k;

	for (i = 0; !npu_graph_get_node(w->folded, i, n); i++)
		for (k = 0; k < n->out_count; k++)
			if (n->out[k] == (int)tensor)
				return n->name;
	return npu_graph_tensor(w->folded, (int)tensor)->name;
}

/* One tensor, as the float network left it. */
static int see_tensor(struct work *w, unsigned int tensor)
{
	const struct quant_range *r = &w->range[tensor];
	uint64_t count = graph_count(npu_graph_tensor(w->folded, (int)tensor));
	enum look look = look_at(w, tensor);
	char name[32];
	int ret = 0;

	if (is_input(w, tensor) && r->count) {
		w->value[0] = r->lo;
		w->value2[0] = r->hi;
	} else if (look == LOOK_ALL) {
		quant_probe_name(name, tensor);
		ret = get_floats(w->floats, name, w->value, count);
		w->value2[0] = 0;
	} else if (look == LOOK_ENDS) {
		end_name(name, tensor, false);
		ret = get_floats(w->floats, name, w->value, 1);
		end_name(name, tensor, true);
		if (!ret)
			ret = get_floats(w->floats, name, w->value2, 1);
	} else {
		return 0;
	}
	if (ret)
		return ret;
	if (!all_within(w, tensor, w->value, look == LOOK_ALL ? count : 1) ||
	    !all_within(w, tensor, w->value2, 1)) {
		if (w->beyond < 0 || w->plan.tensor[tensor].integer)
			w->beyond = (int)tensor;
	} else if (look == LOOK_ALL && w->plan.tensor[tensor].integer &&
		   quant_range_add(&w->range[tensor], w->value, count)) {
		ret = complain("out of memory");
	}
	return ret;
}

/* Nothing is to be seen behind that: in fp16 any values that are none, else those to be integers. */
static bool seen_enough(const struct work *w, uint32_t float_type)
{
	return w->beyond >= 0 && (float_type == NPU_FP16 || w->plan.tensor[w->beyond].integer);
}

static int see_all(struct work *w, uint32_t float_type)
{
	unsigned int batch, i;
	int ret;

	for (i = 0; i < w->plan.tensors; i++) {
		quant_range_free(&w->range[i]);
		w->range[i] = (struct quant_range){ .bin = NULL };
	}
	session_close(w->floats);
	w->floats = NULL;
	/* Half a step beyond the largest number. */
	w->limit = float_type == NPU_FP16 ? 65520 : 0x1.ffp127f;
	w->beyond = -1;
	ret = open_floats(w, float_type);
	for (batch = 0; batch < w->data.batches && !ret && !seen_enough(w, float_type); batch++) {
		ret = run_batch(w, &w->floats, 1, batch, true);
		for (i = 0; i < w->plan.tensors && !ret && !seen_enough(w, float_type); i++)
			ret = see_tensor(w, i);
	}
	return ret;
}

static int find_ranges(struct work *w, uint32_t *float_type)
{
	struct npu_graph_node_info n;
	unsigned int i;
	int ret;

	*float_type = NPU_FP16;
	ret = see_all(w, *float_type);
	if (!ret && w->beyond >= 0) {
		*float_type = NPU_BF16;
		ret = see_all(w, *float_type);
	}
	if (!ret && seen_enough(w, *float_type))
		ret = complain("%s gives values that are infinite or none: there is no scale for "
			       "them",
			       maker(w, (unsigned int)w->beyond, &n));
	for (i = 0; i < w->plan.tensors && !ret; i++)
		if (w->plan.tensor[i].integer)
			quant_range_get(&w->range[i], w->options->method, &w->plan.tensor[i].lo,
					&w->plan.tensor[i].hi);
	return ret;
}

/* ---- Errors ---------------------------------------------------------------------------------- */

static int compare(struct work *w, struct session *s, int tensor, const char *name,
		   struct quant_error *e)
{
	uint64_t count = graph_count(npu_graph_tensor(w->folded, tensor));
	int ret = get_floats(w->floats, name, w->value, count);

	if (!ret)
		ret = get_floats(s, name, w->value2, count);
	if (!ret)
		quant_error_add(e, w->value, w->value2, count);
	return ret;
}

static int find_errors(struct work *w)
{
	struct session *const s[] = { w->floats, w->probed, w->final };
	unsigned int batch, i;
	const char *name;
	char probe[32];
	int ret = 0, t;

	for (batch = 0; batch < w->data.batches && !ret; batch++) {
		ret = run_batch(w, s, 3, batch, false);
		for (i = 0; !ret && (t = npu_graph_get_output(w->folded, i, &name)) >= 0; i++)
			if (npu_graph_tensor(w->folded, t)->type == NPU_FP32)
				ret = compare(w, w->final, t, name, &w->output_error[i]);
		for (i = 0; !ret && i < w->plan.tensors; i++) {
			quant_probe_name(probe, i);
			if (w->plan.tensor[i].integer && !is_input(w, i))
				ret = compare(w, w->probed, (int)i, probe, &w->tensor_error[i]);
		}
	}
	return ret;
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* Which tensors products read. */
static int find_operands(struct work *w)
{
	struct npu_graph_node_info n;
	unsigned int i, k;

	w->operand = calloc(w->plan.tensors + 1, sizeof(*w->operand));
	for (i = 0; w->operand && !npu_graph_get_node(w->folded, i, &n); i++)
		for (k = 0; quant_is_product(n.op) && k < 2 && k < n.in_count; k++)
			if (n.in[k] >= 0)
				w->operand[n.in[k]] = true;
	return w->operand ? EXIT_SUCCESS : complain("out of memory");
}

static int prepare(struct work *w, struct npu_graph *g)
{
	uint64_t largest = 1;
	const char *name;
	unsigned int i, outputs = 0;
	int ret = fold_products(g, NPU_BF16, &w->folded);

	if (ret)
		return complain("%s", ret == -ENOMEM ? "out of memory" : npu_error());
	ret = quant_plan_make(&w->plan, w->folded, w->options->input_type);
	if (!ret)
		ret = calibration_open(&w->data, w->folded, w->options->data);
	if (!ret)
		ret = find_operands(w);
	if (ret)
		return ret;
	for (i = 0; i < w->plan.tensors; i++) {
		uint64_t n = graph_count(npu_graph_tensor(w->folded, (int)i));

		largest = n > largest ? n : largest;
	}
	while (npu_graph_get_output(w->folded, outputs, &name) >= 0)
		outputs++;
	w->range = calloc(w->plan.tensors + 1, sizeof(*w->range));
	w->tensor_error = calloc(w->plan.tensors + 1, sizeof(*w->tensor_error));
	w->output_error = calloc(outputs + 1, sizeof(*w->output_error));
	w->value = malloc(largest * sizeof(*w->value));
	w->value2 = malloc(largest * sizeof(*w->value2));
	return w->range && w->tensor_error && w->output_error && w->value && w->value2 ?
		       EXIT_SUCCESS :
		       complain("out of memory");
}

static int make_image(struct work *w, const struct npu_graph_options *options, void **image,
		      size_t *size)
{
	struct quant_net net;
	int ret = quant_build(&net, &w->plan, false);

	if (ret)
		ret = complain("the quantised network: %s",
			       ret == -ENOMEM ? "out of memory" : npu_error());
	if (!ret)
		ret = compile_graph(net.g, npu_device_caps(w->dev), options,
				    "the quantised network", image, size);
	if (!ret && session_open(&w->final, w->dev, *image, *size))
		ret = complain("the quantised network: %s", npu_error());
	if (!ret && w->options->dump)
		ret = quant_dump(&net, &w->plan, w->options->dump);
	quant_net_free(&net);
	return ret;
}

static void finish(struct work *w)
{
	unsigned int i;

	for (i = 0; w->range && i < w->plan.tensors; i++)
		quant_range_free(&w->range[i]);
	session_close(w->floats);
	session_close(w->probed);
	session_close(w->final);
	free(w->range);
	free(w->operand);
	free(w->tensor_error);
	free(w->output_error);
	free(w->value);
	free(w->value2);
	calibration_close(&w->data);
	quant_plan_free(&w->plan);
	npu_graph_free(w->folded);
}

int quantize(struct npu_graph *g, struct npu_device *dev, const struct npu_graph_options *graph,
	     const struct quant_options *options, FILE *report, void **image, size_t *size)
{
	struct work w = { .dev = dev, .options = options };
	struct npu_graph_node_info n;
	uint32_t float_type;
	char data[160];
	int ret;

	*image = NULL;
	ret = prepare(&w, g);
	if (!ret)
		ret = find_ranges(&w, &float_type);
	if (!ret) {
		quant_plan_scales(&w.plan);
		ret = make_image(&w, graph, image, size);
	}
	if (!ret)
		ret = open_quantised(&w, graph);
	if (!ret)
		ret = find_errors(&w);
	if (!ret) {
		snprintf(data, sizeof(data), "%u batch%s, %s; the float network in %s",
			 w.data.batches, w.data.batches == 1 ? "" : "es",
			 options->method == QUANT_MINMAX ? "minmax" : "percentile 99.99",
			 float_type == NPU_FP16 ? "fp16" : "bf16");
		quant_report(report, &w.plan, data,
			     w.beyond < 0 ? NULL : maker(&w, (unsigned int)w.beyond, &n),
			     w.output_error, w.tensor_error);
	} else {
		free(*image);
		*image = NULL;
	}
	finish(&w);
	return ret;
}
