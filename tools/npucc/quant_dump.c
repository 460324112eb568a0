// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What was quantised, so that others can compute the same: for product N, in the order in which
 * they are computed (products.txt names them),
 *
 *	N.input.npy	scale, zero point and least integer (-128: int8, 0: uint8) of its activations;
 *			N.second.npy of the other ones, where both operands are such
 *	N.weight.npy	int8, in ONNX' order: channels first (Conv) or last
 *	N.scale.npy	of the weights, one a channel
 *	N.bias.npy	int32, of scale input * weight; where there is a bias
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "array.h"
#include "complain.h"
#include "quant.h"
#include "rewrite.h"

static int write_array(const char *dir, unsigned int number, const char *what,
		       const struct npy *array)
{
	char error[512], *path;
	int ret;

	if (asprintf(&path, "%s/%u.%s.npy", dir, number, what) < 0)
		return complain("out of memory");
	ret = npy_write(array, path, error, sizeof(error));
	free(path);
	return ret ? complain("%s", error) : EXIT_SUCCESS;
}

static int write_constant(const struct quant_net *net, const char *dir, unsigned int number,
			  const char *what, int tensor)
{
	const struct npu_graph_tensor *t = npu_graph_tensor(net->g, tensor);
	struct npy a = { .dims = t->dims, .data = (void *)t->data };

	a.type = t->type == NPU_S8 ? NPY_INT8 : t->type == NPU_S32 ? NPY_INT32 : NPY_FLOAT32;
	memcpy(a.shape, t->shape, t->dims * sizeof(*t->shape));
	a.size = graph_count(t) * npy_type_size(a.type);
	return write_array(dir, number, what, &a);
}

static int write_scale(const struct quant_plan *p, const char *dir, unsigned int number,
		       const char *what, int tensor)
{
	const struct quant_tensor *q = quant_of(p, tensor);
	float v[3] = { q->scale, (float)q->zero, q->type == NPU_S8 ? -128 : 0 };
	struct npy a = { NPY_FLOAT32, 1, { 3 }, sizeof(v), v };

	return write_array(dir, number, what, &a);
}

static int write_names(const struct quant_net *net, const struct quant_plan *p, const char *dir)
{
	struct npu_graph_node_info n;
	unsigned int i;
	char *path;
	FILE *f;
	bool ok;

	if (asprintf(&path, "%s/products.txt", dir) < 0)
		return complain("out of memory");
	f = fopen(path, "we");
	for (i = 0; f && i < net->products; i++) {
		npu_graph_get_node(p->g, net->product[i].node, &n);
		fprintf(f, "%u %s %s\n", i, n.op_name, n.name);
	}
	ok = f && !ferror(f);
	if (f && fclose(f))
		ok = false;
	if (!ok)
		complain("%s: %s", path, strerror(errno));
	free(path);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int quant_dump(const struct quant_net *net, const struct quant_plan *p, const char *dir)
{
	unsigned int i;
	int ret;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return complain("%s: %s", dir, strerror(errno));
	ret = write_names(net, p, dir);
	for (i = 0; i < net->products && !ret; i++) {
		const struct quant_product *q = &net->product[i];
		struct npu_graph_node_info n;

		npu_graph_get_node(p->g, q->node, &n);
		ret = write_scale(p, dir, i, "input", q->x);
		if (!ret && q->weight < 0)
			ret = write_scale(p, dir, i, "second", n.in[1]);
		if (!ret && q->weight >= 0)
			ret = write_constant(net, dir, i, "weight", q->weight);
		if (!ret && q->scale >= 0)
			ret = write_constant(net, dir, i, "scale", q->scale);
		if (!ret && q->bias >= 0)
			ret = write_constant(net, dir, i, "bias", q->bias);
	}
	return ret;
}
