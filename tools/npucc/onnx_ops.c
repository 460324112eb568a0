// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The table of operators: ONNX' names, the graph's operators, and who fills in the attributes.
 */
#include <string.h>

#include "node.h"

static void op_none(struct reader *r, struct npu_graph_attrs *a)
{
	(void)r;
	(void)a;
}

static const struct operator
{
	const char *name;
	uint32_t op;
	onnx_handler *fn;
}
operators[] = {
	{ "Abs", NPU_GRAPH_ABS, op_none },
	{ "Add", NPU_GRAPH_ADD, op_binary },
	{ "AveragePool", NPU_GRAPH_AVERAGE_POOL, op_pool },
	{ "BatchNormalization", NPU_GRAPH_BATCH_NORM, op_epsilon },
	{ "Cast", NPU_GRAPH_CAST, op_cast },
	{ "Ceil", NPU_GRAPH_CEIL, op_none },
	{ "Clip", NPU_GRAPH_CLIP, op_clip },
	{ "Concat", NPU_GRAPH_CONCAT, op_axis_1 },
	{ "Constant", NPU_GRAPH_IDENTITY, op_constant },
	{ "ConstantOfShape", NPU_GRAPH_EXPAND, op_constant_of_shape },
	{ "Conv", NPU_GRAPH_CONV, op_window },
	{ "ConvInteger", NPU_GRAPH_CONV_INTEGER, op_window },
	{ "ConvTranspose", NPU_GRAPH_CONV_TRANSPOSE, op_conv_transpose },
	{ "DequantizeLinear", NPU_GRAPH_DEQUANTIZE, op_axis_1 },
	{ "Div", NPU_GRAPH_DIV, op_binary },
	{ "Dropout", NPU_GRAPH_IDENTITY, op_dropout },
	{ "DynamicQuantizeLinear", NPU_GRAPH_DYNAMIC_QUANTIZE, op_none },
	{ "Erf", NPU_GRAPH_ERF, op_none },
	{ "Exp", NPU_GRAPH_EXP, op_none },
	{ "Expand", NPU_GRAPH_EXPAND, op_expand },
	{ "Flatten", NPU_GRAPH_RESHAPE, op_flatten },
	{ "Floor", NPU_GRAPH_FLOOR, op_none },
	{ "Gather", NPU_GRAPH_GATHER, op_axis_0 },
	{ "Gelu", NPU_GRAPH_GELU, op_gelu },
	{ "Gemm", NPU_GRAPH_GEMM, op_gemm },
	{ "GlobalAveragePool", NPU_GRAPH_REDUCE_MEAN, op_global },
	{ "GlobalMaxPool", NPU_GRAPH_REDUCE_MAX, op_global },
	{ "HardSigmoid", NPU_GRAPH_HARD_SIGMOID, op_hard_sigmoid },
	{ "HardSwish", NPU_GRAPH_HARD_SWISH, op_none },
	{ "Identity", NPU_GRAPH_IDENTITY, op_none },
	{ "InstanceNormalization", NPU_GRAPH_INSTANCE_NORM, op_epsilon },
	{ "LayerNormalization", NPU_GRAPH_LAYER_NORM, op_layer_norm },
	{ "LeakyRelu", NPU_GRAPH_LEAKY_RELU, op_alpha_001 },
	{ "Log", NPU_GRAPH_LOG, op_none },
	{ "MatMul", NPU_GRAPH_MATMUL, op_none },
	{ "MatMulInteger", NPU_GRAPH_MATMUL_INTEGER, op_none },
	{ "Max", NPU_GRAPH_MAX, op_none },
	{ "MaxPool", NPU_GRAPH_MAX_POOL, op_pool },
	{ "Min", NPU_GRAPH_MIN, op_none },
	{ "Mul", NPU_GRAPH_MUL, op_binary },
	{ "Neg", NPU_GRAPH_NEG, op_none },
	{ "PRelu", NPU_GRAPH_PRELU, op_prelu },
	{ "Pad", NPU_GRAPH_PAD, op_pad },
	{ "Pow", NPU_GRAPH_POW, op_binary },
	{ "QLinearConv", NPU_GRAPH_QLINEAR_CONV, op_window },
	{ "QLinearMatMul", NPU_GRAPH_QLINEAR_MATMUL, op_none },
	{ "QuantizeLinear", NPU_GRAPH_QUANTIZE, op_axis_1 },
	{ "Reciprocal", NPU_GRAPH_RECIPROCAL, op_none },
	{ "ReduceMax", NPU_GRAPH_REDUCE_MAX, op_reduce },
	{ "ReduceMean", NPU_GRAPH_REDUCE_MEAN, op_reduce },
	{ "ReduceMin", NPU_GRAPH_REDUCE_MIN, op_reduce },
	{ "ReduceSum", NPU_GRAPH_REDUCE_SUM, op_reduce },
	{ "Relu", NPU_GRAPH_RELU, op_none },
	{ "Reshape", NPU_GRAPH_RESHAPE, op_reshape },
	{ "Resize", NPU_GRAPH_RESIZE, op_resize },
	{ "Round", NPU_GRAPH_ROUND, op_none },
	{ "Shape", NPU_GRAPH_IDENTITY, op_shape },
	{ "Sigmoid", NPU_GRAPH_SIGMOID, op_none },
	{ "Size", NPU_GRAPH_IDENTITY, op_size },
	{ "Slice", NPU_GRAPH_SLICE, op_slice },
	{ "Softmax", NPU_GRAPH_SOFTMAX, op_softmax },
	{ "Split", NPU_GRAPH_SPLIT, op_split },
	{ "Sqrt", NPU_GRAPH_SQRT, op_none },
	{ "Squeeze", NPU_GRAPH_RESHAPE, op_squeeze },
	{ "Sub", NPU_GRAPH_SUB, op_binary },
	{ "Sum", NPU_GRAPH_IDENTITY, op_sum },
	{ "Tanh", NPU_GRAPH_TANH, op_none },
	{ "Transpose", NPU_GRAPH_TRANSPOSE, op_transpose },
	{ "Unsqueeze", NPU_GRAPH_RESHAPE, op_unsqueeze },
	{ "Upsample", NPU_GRAPH_RESIZE, op_resize },
};

bool reader_operator(struct reader *r, struct npu_graph_attrs *a)
{
	size_t i;

	for (i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		if (strcmp(operators[i].name, r->node->op_type))
			continue;
		r->op = operators[i].op;
		if (a)
			operators[i].fn(r, a);
		return true;
	}
	return false;
}
