// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * ONNX files: protobuf, tensors, names of values, and the walk over the nodes.
 *
 * Nothing in a file is trusted. protobuf-c follows messages within messages as deep as a file says,
 * so how deep that is is looked at first; lengths are its business. Sizes of tensors are checked
 * against the bytes that are there.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/image.h"

#include "reader.h"

#define MAX_DEPTH 24u
#define MAX_ISSUE 400u

/* ---- Protobuf -------------------------------------------------------------------------------- */

static bool read_varint(const uint8_t **p, const uint8_t *end, uint64_t *v)
{
	unsigned int shift;

	*v = 0;
	for (shift = 0; shift < 64 && *p < end; shift += 7) {
		uint8_t b = *(*p)++;

		*v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return true;
	}
	return false;
}

/*
 * Is @p a message of @desc, with others inside at most @depth deep? A message that should be there
 * once is: protobuf lets it come many times and merges them, which takes protobuf-c quadratic time.
 */
static bool shallow(const uint8_t *p, const uint8_t *end, const ProtobufCMessageDescriptor *desc,
		    unsigned int depth)
{
	const ProtobufCFieldDescriptor *f;
	uint64_t tag, len, seen = 0, bit;

	if (!depth)
		return false;
	while (p < end) {
		if (!read_varint(&p, end, &tag))
			return false;
		switch (tag & 7) {
		case 0:
			if (!read_varint(&p, end, &len))
				return false;
			break;
		case 1:
		case 5:
			len = (tag & 7) == 1 ? 8 : 4;
			if (len > (uint64_t)(end - p))
				return false;
			p += len;
			break;
		case 2:
			if (!read_varint(&p, end, &len) || len > (uint64_t)(end - p))
				return false;
			f = tag >> 3 > UINT32_MAX ? NULL :
						    protobuf_c_message_descriptor_get_field(
							    desc, (unsigned int)(tag >> 3));
			if (f && f->type == PROTOBUF_C_TYPE_MESSAGE) {
				bit = f->label == PROTOBUF_C_LABEL_REPEATED ?
					      0 :
					      1ull << (f - desc->fields) % 64;
				if (seen & bit || !shallow(p, p + len, f->descriptor, depth - 1))
					return false;
				seen |= bit;
			}
			p += len;
			break;
		default:
			return false;
		}
	}
	return true;
}

/* ---- Tensors --------------------------------------------------------------------------------- */

uint32_t reader_type(int64_t elem)
{
	switch (elem) {
	case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT:
		return NPU_FP32;
	case ONNX__TENSOR_PROTO__DATA_TYPE__UINT8:
		return NPU_U8;
	case ONNX__TENSOR_PROTO__DATA_TYPE__INT8:
		return NPU_S8;
	case ONNX__TENSOR_PROTO__DATA_TYPE__INT32:
		return NPU_S32;
	case ONNX__TENSOR_PROTO__DATA_TYPE__INT64:
		return NPU_S64;
	case ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT16:
		return NPU_FP16;
	case ONNX__TENSOR_PROTO__DATA_TYPE__BFLOAT16:
		return NPU_BF16;
	default:
		return NPU_TYPES;
	}
}

/* Values that are one by one in the file; false: not as many as there should be. */
static bool copy_values(const Onnx__TensorProto *t, uint32_t type, uint64_t count, void *out)
{
	uint64_t i;

	switch (type) {
	case NPU_FP32:
		if (t->n_float_data != count)
			return false;
		memcpy(out, t->float_data, count * 4);
		return true;
	case NPU_S64:
		if (t->n_int64_data != count)
			return false;
		memcpy(out, t->int64_data, count * 8);
		return true;
	default:
		if (t->n_int32_data != count)
			return false;
		for (i = 0; i < count; i++) {
			if (type == NPU_S32)
				((int32_t *)out)[i] = t->int32_data[i];
			else if (type == NPU_FP16 || type == NPU_BF16)
				((uint16_t *)out)[i] = (uint16_t)t->int32_data[i];
			else
				((uint8_t *)out)[i] = (uint8_t)t->int32_data[i];
		}
		return true;
	}
}

void *reader_convert(const Onnx__TensorProto *t, uint32_t *type, uint32_t *dims, uint32_t *shape,
		     const char **why)
{
	uint64_t bytes, size;
	void *out;
	size_t i;

	*type = reader_type(t->data_type);
	if (*type == NPU_TYPES) {
		*why = "elements of a type that the card does not have";
		return NULL;
	}
	if (t->n_external_data || (t->has_data_location && t->data_location != 0)) {
		*why = "data in another file";
		return NULL;
	}
	if (t->n_dims > NPU_MAX_DIMS) {
		*why = "more than 8 dimensions";
		return NULL;
	}
	for (i = 0; i < t->n_dims; i++) {
		if (t->dims[i] <= 0 || t->dims[i] > INT32_MAX) {
			*why = t->dims[i] ? "a size out of range" : "no elements";
			return NULL;
		}
		shape[i] = (uint32_t)t->dims[i];
	}
	*dims = (uint32_t)t->n_dims;
	bytes = npu_tensor_bytes(*type, *dims, shape);
	size = npu_tensor_bytes(*type, 0, NULL);
	if (!bytes || (t->has_raw_data && t->raw_data.len != bytes)) {
		*why = "not as many bytes as its shape says";
		return NULL;
	}
	/* Not more than the file has: a shape alone takes no memory. */
	if (!t->has_raw_data &&
	    bytes / size > t->n_float_data + t->n_int32_data + t->n_int64_data) {
		*why = "fewer values than its shape says";
		return NULL;
	}
	out = malloc(bytes);
	if (!out) {
		*why = "out of memory";
		return NULL;
	}
	if (t->has_raw_data) {
		memcpy(out, t->raw_data.data, bytes);
	} else if (!copy_values(t, *type, bytes / size, out)) {
		free(out);
		*why = "not as many values as its shape says";
		return NULL;
	}
	return out;
}

bool reader_empty(const Onnx__TensorProto *t)
{
	size_t i;

	for (i = 0; i < t->n_dims; i++)
		if (!t->dims[i])
			return true;
	return false;
}

int onnx_tensor(const void *data, size_t size, uint32_t *type, uint32_t *dims, uint32_t *shape,
		void **values, char *error, size_t error_size)
{
	const uint8_t *p = data;
	Onnx__TensorProto *t = NULL;
	const char *why = "not a tensor";
	bool empty = false;

	*values = NULL;
	if (shallow(p, p + size, &onnx__tensor_proto__descriptor, MAX_DEPTH))
		t = onnx__tensor_proto__unpack(NULL, size, data);
	if (t)
		empty = reader_empty(t);
	if (empty)
		*type = reader_type(t->data_type);
	else if (t)
		*values = reader_convert(t, type, dims, shape, &why);
	if (t)
		onnx__tensor_proto__free_unpacked(t, NULL);
	if (*values || empty)
		return 0;
	snprintf(error, error_size, "%s", why);
	return -EBADMSG;
}

/* ---- Names ----------------------------------------------------------------------------------- */

static size_t hash(const char *s)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 0x100000001b3ull;
	return h ^ h >> 29;
}

static struct reader_name *find_name(struct reader *r, const char *name)
{
	size_t i = hash(name) & (r->name_room - 1);

	while (r->names[i].name && strcmp(r->names[i].name, name))
		i = (i + 1) & (r->name_room - 1);
	return &r->names[i];
}

static int grow_names(struct reader *r)
{
	struct reader_name *old = r->names;
	size_t room = r->name_room, i;

	if (r->names && r->name_count * 2 < r->name_room)
		return 0;
	r->name_room = room ? room * 2 : 256;
	r->names = calloc(r->name_room, sizeof(*r->names));
	if (!r->names) {
		r->names = old;
		r->name_room = room;
		return r->err = -ENOMEM;
	}
	for (i = 0; i < room; i++)
		if (old[i].name)
			*find_name(r, old[i].name) = old[i];
	free(old);
	return 0;
}

static int set_name(struct reader *r, const char *name, int tensor)
{
	struct reader_name *n;

	if (grow_names(r))
		return -ENOMEM;
	n = find_name(r, name);
	if (!n->name)
		r->name_count++;
	*n = (struct reader_name){ name, tensor };
	return 0;
}

int reader_set(struct reader *r, unsigned int i, int tensor)
{
	if (i >= r->node->n_output || !*r->node->output[i])
		return 0;
	return set_name(r, r->node->output[i], tensor);
}

/* ---- Issues ---------------------------------------------------------------------------------- */

static void add_issue(struct reader *r, const char *kind, const char *name, const char *why)
{
	char text[MAX_ISSUE];

	snprintf(text, sizeof(text), "%s%s%s", kind, *kind && *name ? " " : "", name);
	if (npu_graph_add_issue(r->g, text, why))
		r->err = -ENOMEM;
}

void reader_fail(struct reader *r, const char *fmt, ...)
{
	const char *name = r->node->name && *r->node->name ? r->node->name :
			   r->node->n_output		   ? r->node->output[0] :
							     "";
	char why[MAX_ISSUE];
	va_list ap;

	if (r->failed)
		return;
	r->failed = true;
	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	add_issue(r, r->node->op_type ? r->node->op_type : "", name, why);
}

/* ---- Inputs ---------------------------------------------------------------------------------- */

static int add_constant(struct reader *r, const Onnx__TensorProto *t, const char *name)
{
	uint32_t type, dims, shape[NPU_MAX_DIMS];
	const char *why = "";
	void *data;
	int id = -1;

	if (reader_empty(t))
		return READER_EMPTY;
	data = reader_convert(t, &type, &dims, shape, &why);
	if (data)
		id = npu_graph_constant(r->g, name, type, dims, shape, data);
	free(data);
	if (id == -ENOMEM)
		r->err = id;
	if (id < 0)
		add_issue(r, "initializer", name, data ? npu_error() : why);
	return id < 0 ? -1 : id;
}

static bool open_dim(const struct reader *r, const char *name, uint32_t *size)
{
	unsigned int i;

	for (i = 0; i < r->options->dims; i++) {
		if (!strcmp(r->options->dim[i].name, name ? name : "")) {
			*size = r->options->dim[i].size;
			return true;
		}
	}
	for (i = 0; i < r->options->dims; i++) {
		if (!*r->options->dim[i].name) {
			*size = r->options->dim[i].size;
			return true;
		}
	}
	return false;
}

static int add_input(struct reader *r, const Onnx__ValueInfoProto *v)
{
	bool tensor = v->type && v->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	const Onnx__TypeProto__Tensor *t = tensor ? v->type->tensor_type : NULL;
	uint32_t shape[NPU_MAX_DIMS], dims = 0, type;
	char why[MAX_ISSUE] = "";
	size_t i;
	int id = -1;

	for (i = 0; i < r->options->fixed_count; i++) {
		const struct onnx_fixed *f = &r->options->fixed[i];

		if (strcmp(f->name, v->name))
			continue;
		if (!f->data)
			return READER_EMPTY;
		id = npu_graph_constant(r->g, v->name, f->type, f->dims, f->shape, f->data);
		if (id < 0)
			add_issue(r, "input", v->name, npu_error());
		return id;
	}
	type = t ? reader_type(t->elem_type) : NPU_TYPES;
	if (!t)
		snprintf(why, sizeof(why), "not a tensor");
	else if (type == NPU_TYPES)
		snprintf(why, sizeof(why), "elements of a type that the card does not have (%d)",
			 t->elem_type);
	else if (!t->shape || t->shape->n_dim > NPU_MAX_DIMS)
		snprintf(why, sizeof(why), "no shape, or more than %d dimensions", NPU_MAX_DIMS);
	for (i = 0; !*why && i < t->shape->n_dim; i++) {
		const Onnx__TensorShapeProto__Dimension *d = t->shape->dim[i];

		if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
		    d->dim_value > 0 && d->dim_value <= INT32_MAX)
			shape[dims++] = (uint32_t)d->dim_value;
		else if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE &&
			 d->dim_value > 0)
			snprintf(why, sizeof(why), "dimension %zu is too large", i);
		else if (
			!open_dim(
				r,
				d->value_case ==
						ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM ?
					d->dim_param :
					"",
				&shape[dims++]))
			snprintf(
				why, sizeof(why), "dimension %zu (%s) is open: fix it with --dim",
				i,
				d->value_case ==
						ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM ?
					d->dim_param :
					"unnamed");
	}
	if (!*why) {
		id = npu_graph_input(r->g, v->name, type, dims, shape);
		if (id < 0)
			snprintf(why, sizeof(why), "%s", npu_error());
	}
	if (*why)
		add_issue(r, "input", v->name, why);
	return id;
}

/* ---- What was asked for by name -------------------------------------------------------------- */

#define MAX_LISTED 32u

/* Names for a message, each once. */
struct names {
	const char *name[MAX_LISTED];
	unsigned int count;
	bool more;
};

static void list_name(struct names *n, const char *name)
{
	unsigned int i;

	for (i = 0; i < n->count; i++)
		if (!strcmp(n->name[i], name))
			return;
	if (n->count < MAX_LISTED)
		n->name[n->count++] = name;
	else
		n->more = true;
}

static void unknown_name(struct reader *r, const char *option, const char *name, const char *what,
			 const struct names *known)
{
	char *why = NULL;
	size_t length;
	FILE *f = open_memstream(&why, &length);
	unsigned int i;

	if (!f) {
		r->err = -ENOMEM;
		return;
	}
	fprintf(f, "there is no such %s", what);
	for (i = 0; i < known->count; i++)
		fprintf(f, "%s%s", i ? ", " : "; there are ", known->name[i]);
	fputs(known->more ? ", ..." : known->count ? "" : ", nor any other", f);
	if (fclose(f))
		r->err = -ENOMEM;
	else
		add_issue(r, option, name, why);
	free(why);
}

/* Inputs that are to be constants; those that have initializers are already, and have names by now. */
static void check_fixed(struct reader *r, const Onnx__GraphProto *graph)
{
	unsigned int i;
	size_t k;

	for (i = 0; i < r->options->fixed_count; i++) {
		const char *name = r->options->fixed[i].name;
		struct names inputs = { .count = 0 };
		bool found = false;

		if (find_name(r, name)->name) {
			add_issue(r, "--fix", name, "it is a constant of the model already");
			continue;
		}
		for (k = 0; k < graph->n_input && !found; k++) {
			const char *input = graph->input[k]->name;

			found = input && !strcmp(input, name);
			if (input && !find_name(r, input)->name)
				list_name(&inputs, input);
		}
		if (!found)
			unknown_name(r, "--fix", name, "input", &inputs);
	}
}

/* Has a dimension of an input this name? All names are listed. */
static bool has_dim(const Onnx__ValueInfoProto *v, const char *name, struct names *names)
{
	bool tensor = v->type && v->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
	const Onnx__TensorShapeProto *s = tensor ? v->type->tensor_type->shape : NULL;
	bool found = false;
	size_t i;

	for (i = 0; s && i < s->n_dim; i++) {
		const Onnx__TensorShapeProto__Dimension *d = s->dim[i];

		if (d->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_PARAM ||
		    !d->dim_param || !*d->dim_param)
			continue;
		list_name(names, d->dim_param);
		found |= !strcmp(d->dim_param, name);
	}
	return found;
}

static void check_dims(struct reader *r, const Onnx__GraphProto *graph)
{
	unsigned int i;
	size_t k;

	for (i = 0; i < r->options->dims; i++) {
		const char *name = r->options->dim[i].name;
		struct names dims = { .count = 0 };
		bool found = !*name;

		for (k = 0; k < graph->n_input && !found; k++)
			found = has_dim(graph->input[k], name, &dims);
		if (!found)
			unknown_name(r, "--dim", name, "dimension of an input", &dims);
	}
}

/* ---- Nodes ----------------------------------------------------------------------------------- */

static bool known_domain(const char *domain)
{
	return !domain || !*domain || !strcmp(domain, "ai.onnx");
}

/* The node's inputs; false: one of them could not be made, which has been said. */
static bool find_inputs(struct reader *r)
{
	const Onnx__NodeProto *n = r->node;
	size_t i;

	r->in_count = 0;
	for (i = 0; i < n->n_input; i++) {
		const struct reader_name *name;

		r->in[r->in_count++] = -1;
		if (!*n->input[i])
			continue;
		name = find_name(r, n->input[i]);
		if (!name->name) {
			reader_fail(r, "its input %s is not there", n->input[i]);
			return false;
		}
		if (name->tensor == -1)
			return false;
		r->in[i] = name->tensor < 0 ? -1 : name->tensor;
	}
	while (r->in_count && r->in[r->in_count - 1] < 0)
		r->in_count--;
	return true;
}

static void add_node(struct reader *r)
{
	const Onnx__NodeProto *n = r->node;
	int out[NPU_GRAPH_MAX_IO], ret;
	struct npu_graph_attrs *a;
	size_t i, outs = n->n_output;
	bool known, inputs;

	r->done = r->failed = false;
	if (n->n_input > NPU_GRAPH_MAX_IO || n->n_output > NPU_GRAPH_MAX_IO || !n->n_output ||
	    !n->op_type) {
		reader_fail(r, "more than %d inputs or outputs, or none", NPU_GRAPH_MAX_IO);
		n = NULL;
	}
	a = calloc(1, sizeof(*a));
	if (!a || grow_names(r)) {
		free(a);
		r->err = -ENOMEM;
		return;
	}
	inputs = n && find_inputs(r);
	known = n && known_domain(n->domain) && reader_operator(r, inputs ? a : NULL);
	if (n && !known)
		reader_fail(r, "this operator%s%s is not supported",
			    n->domain && *n->domain ? " of " : "", n->domain ? n->domain : "");
	if (inputs && !r->failed && !r->done) {
		/* Trailing outputs that nobody named are none. */
		while (outs > 1 && !*n->output[outs - 1])
			outs--;
		ret = npu_graph_node(r->g, r->op, n->name && *n->name ? n->name : n->output[0], a,
				     r->in, r->in_count, out, (unsigned int)outs);
		if (ret == -ENOMEM)
			r->err = ret;
		else if (ret)
			reader_fail(r, "%s", npu_error());
		for (i = 0; !ret && i < outs && !r->err; i++)
			reader_set(r, (unsigned int)i, out[i]);
	}
	for (i = 0; n && (!inputs || r->failed) && i < n->n_output && !r->err; i++)
		reader_set(r, (unsigned int)i, -1);
	free(a);
}

static int load_graph(struct reader *r, const Onnx__GraphProto *graph)
{
	size_t i;

	if (grow_names(r))
		return -ENOMEM;
	for (i = 0; i < graph->n_sparse_initializer; i++)
		add_issue(r, "initializer", "", "sparse tensors are not supported");
	for (i = 0; i < graph->n_initializer && !r->err; i++) {
		const char *name = graph->initializer[i]->name ? graph->initializer[i]->name : "";

		set_name(r, name, add_constant(r, graph->initializer[i], name));
	}
	check_fixed(r, graph);
	check_dims(r, graph);
	for (i = 0; i < graph->n_input && !r->err; i++)
		if (graph->input[i]->name && !find_name(r, graph->input[i]->name)->name)
			set_name(r, graph->input[i]->name, add_input(r, graph->input[i]));
	for (i = 0; i < graph->n_node && !r->err; i++) {
		r->node = graph->node[i];
		add_node(r);
	}
	for (i = 0; i < graph->n_output && !r->err; i++) {
		const char *name = graph->output[i]->name ? graph->output[i]->name : "";
		const struct reader_name *n = find_name(r, name);

		if (!n->name)
			add_issue(r, "output", name, "nothing makes it");
		else if (n->tensor >= 0 && npu_graph_output(r->g, n->tensor, name))
			r->err = -ENOMEM;
	}
	return r->err;
}

int onnx_load(struct npu_graph *g, const void *data, size_t size,
	      const struct onnx_options *options, char *error, size_t error_size)
{
	static const struct onnx_options none;
	struct reader r = { .g = g, .options = options ? options : &none, .opset = 0 };
	const uint8_t *p = data;
	Onnx__ModelProto *model;
	size_t i;
	int ret = -EBADMSG;

	if (!shallow(p, p + size, &onnx__model_proto__descriptor, MAX_DEPTH)) {
		snprintf(error, error_size, "not an ONNX model, or damaged");
		return -EBADMSG;
	}
	model = onnx__model_proto__unpack(NULL, size, data);
	if (!model || !model->graph) {
		snprintf(error, error_size, "not an ONNX model, or damaged");
	} else {
		for (i = 0; i < model->n_opset_import; i++)
			if (known_domain(model->opset_import[i]->domain))
				r.opset = model->opset_import[i]->version;
		if (!r.opset)
			r.opset = 1;
		ret = load_graph(&r, model->graph);
		if (ret)
			snprintf(error, error_size, "out of memory");
	}
	free(r.names);
	if (model)
		onnx__model_proto__free_unpacked(model, NULL);
	return ret;
}
