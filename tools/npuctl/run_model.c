// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl run on a model: inputs from files, outputs to files. All words, files and names are looked
 * at before the device is opened. Every region that is bound gets memory of its own, also those
 * with no tensor in them, in which a program keeps what lies between its steps.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "npu/npu.h"

#include "bench.h"
#include "cards.h"
#include "model.h"
#include "output.h"
#include "run.h"
#include "tensor.h"

/**
 * struct place - a tensor's file
 * @path: NULL: none
 * @data: of inputs, as the tensor has it
 */
struct place {
	char *path;
	void *data;
};

struct run {
	const struct run_options *o;
	struct model model;
	struct place *place; /* of each tensor */
	struct npu_program *prog;
	struct npu_binding bindings[NPU_MAX_REGIONS];
	struct npu_job job;
	uint64_t cycles;
	double host_us, host_us_min;
};

static const struct npu_tensor_info *tensor(const struct run *x, uint32_t i)
{
	return &x->model.image.tensors[i];
}

static uint32_t count_role(const struct run *x, uint32_t role)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->model.image.tensor_count; i++)
		n += tensor(x, i)->role == role;
	return n;
}

/* ---- Words ---- */

/* A message's end: what there is. */
static int complain_names(const struct run *x, uint32_t role, const char *word)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	const char *between = "";

	if (!f)
		return complain(NPUCTL_FAILED, "out of memory");
	for (uint32_t i = 0; i < x->model.image.tensor_count; i++) {
		if (tensor(x, i)->role != role)
			continue;
		fprintf(f, "%s%s", between, output_name(tensor(x, i)->name));
		between = ", ";
	}
	fclose(f);
	complain(0, "%s; the %ss are: %s", word, tensor_role_name(role), size ? text : "none");
	free(text);
	return NPUCTL_FAILED;
}

static int set_path(struct run *x, uint32_t i, const char *path)
{
	if (x->place[i].path)
		return complain(NPUCTL_FAILED, "the %s \"%s\" has two files, %s and %s",
				tensor_role_name(tensor(x, i)->role),
				output_name(tensor(x, i)->name), x->place[i].path, path);
	x->place[i].path = strdup(path);
	return x->place[i].path ? NPUCTL_DONE : complain(NPUCTL_FAILED, "out of memory");
}

/* NAME=FILE: sets the tensor's file. */
static int take_named(struct run *x, uint32_t role, const char *word)
{
	const char *equals = strrchr(word, '=');
	size_t length = equals - word;
	char *text;

	for (uint32_t i = 0; i < x->model.image.tensor_count; i++) {
		const char *name = tensor(x, i)->name;

		if (tensor(x, i)->role == role && strlen(name) == length &&
		    !memcmp(name, word, length))
			return set_path(x, i, equals + 1);
	}
	if (asprintf(&text, "%s has no %s \"%.*s\"", x->model.path, tensor_role_name(role),
		     (int)length, word) < 0)
		return complain(NPUCTL_FAILED, "out of memory");
	complain_names(x, role, text);
	free(text);
	return NPUCTL_FAILED;
}

/* Files without a name are those of the inputs that have none yet, in turn. */
static int take_inputs(struct run *x, char **files, int count)
{
	uint32_t next = 0;
	char text[160];
	int r = NPUCTL_DONE;

	for (int i = 0; i < count && !r; i++)
		if (strchr(files[i], '='))
			r = take_named(x, NPU_TENSOR_INPUT, files[i]);
	for (int i = 0; i < count && !r; i++) {
		if (strchr(files[i], '='))
			continue;
		while (next < x->model.image.tensor_count &&
		       (tensor(x, next)->role != NPU_TENSOR_INPUT || x->place[next].path))
			next++;
		if (next == x->model.image.tensor_count) {
			snprintf(text, sizeof(text), "%d files for %u inputs", count,
				 count_role(x, NPU_TENSOR_INPUT));
			return complain_names(x, NPU_TENSOR_INPUT, text);
		}
		r = set_path(x, next, files[i]);
	}
	for (uint32_t i = 0; i < x->model.image.tensor_count && !r; i++)
		if (tensor(x, i)->role == NPU_TENSOR_INPUT && !x->place[i].path)
			r = complain(NPUCTL_FAILED, "there is no file for the input \"%s\" (%s)",
				     output_name(tensor(x, i)->name),
				     tensor_text(tensor(x, i), text, sizeof(text)));
	return r;
}

static bool is_directory(const char *path)
{
	struct stat st;

	return path[strlen(path) - 1] == '/' || (!stat(path, &st) && S_ISDIR(st.st_mode));
}

/* DIRECTORY/NAME.npy for each output that has no file; a name's slashes become underscores. */
static int take_directory(struct run *x, const char *directory)
{
	const char *slash = directory[strlen(directory) - 1] == '/' ? "" : "/";

	for (uint32_t i = 0; i < x->model.image.tensor_count; i++) {
		char *name;

		if (tensor(x, i)->role != NPU_TENSOR_OUTPUT || x->place[i].path)
			continue;
		name = strdup(tensor(x, i)->name);
		if (name)
			for (char *c = name; *c; c++)
				if (*c == '/')
					*c = '_';
		if (!name ||
		    asprintf(&x->place[i].path, "%s%s%s.npy", directory, slash, name) < 0) {
			free(name);
			x->place[i].path = NULL;
			return complain(NPUCTL_FAILED, "out of memory");
		}
		free(name);
	}
	return NPUCTL_DONE;
}

static int take_single(struct run *x, const char *path)
{
	uint32_t i = 0;

	if (count_role(x, NPU_TENSOR_OUTPUT) != 1)
		return complain_names(x, NPU_TENSOR_OUTPUT,
				      "several outputs do not go into one file: "
				      "-o NAME=OUT.npy, or -o and a directory");
	while (tensor(x, i)->role != NPU_TENSOR_OUTPUT)
		i++;
	return set_path(x, i, path);
}

static int take_outputs(struct run *x)
{
	const struct option_strings *words = &x->o->outputs;
	int r = NPUCTL_DONE;

	for (unsigned int i = 0; i < words->count && !r; i++)
		if (!*words->text[i])
			r = complain(NPUCTL_FAILED, "--output is empty");
	for (unsigned int i = 0; i < words->count && !r; i++)
		if (strchr(words->text[i], '='))
			r = take_named(x, NPU_TENSOR_OUTPUT, words->text[i]);
	for (unsigned int i = 0; i < words->count && !r; i++)
		if (!strchr(words->text[i], '='))
			r = is_directory(words->text[i]) ? take_directory(x, words->text[i]) :
							   take_single(x, words->text[i]);
	for (uint32_t i = 0; i < x->model.image.tensor_count && !r; i++)
		for (uint32_t k = 0; k < i && !r; k++)
			if (tensor(x, i)->role == NPU_TENSOR_OUTPUT &&
			    tensor(x, k)->role == NPU_TENSOR_OUTPUT && x->place[i].path &&
			    x->place[k].path && !strcmp(x->place[i].path, x->place[k].path))
				r = complain(NPUCTL_FAILED, "two outputs would both be %s",
					     x->place[i].path);
	return r;
}

static int read_inputs(struct run *x)
{
	char error[512];
	int r = NPUCTL_DONE;

	for (uint32_t i = 0; i < x->model.image.tensor_count && !r; i++) {
		struct npy a;

		if (tensor(x, i)->role != NPU_TENSOR_INPUT)
			continue;
		if (npy_read(&a, x->place[i].path, error, sizeof(error)))
			return complain(NPUCTL_FAILED, "%s", error);
		r = tensor_from_npy(tensor(x, i), &a, x->place[i].path, &x->place[i].data);
		free(a.data);
	}
	return r;
}

/* ---- The card ---- */

/* Local memory, or the host's where that is full. */
static int bind_region(struct run *x, struct npu_device *dev, unsigned int region)
{
	uint64_t size = npu_program_region(x->prog, region)->size;
	struct npu_binding *b = &x->bindings[x->job.binding_count];
	int ret = npu_buffer_create(dev, size ? size : 1, NPU_BUFFER_LOCAL, &b->buffer);

	if (ret == -ENOSPC)
		ret = npu_buffer_create(dev, size ? size : 1, NPU_BUFFER_HOST, &b->buffer);
	if (ret)
		return complain(NPUCTL_FAILED, "%s: %s for region %u: %s", x->model.path,
				output_bytes(size), region, npu_error());
	b->region = region;
	x->job.binding_count++;
	return NPUCTL_DONE;
}

static struct npu_buffer *buffer_of(const struct run *x, uint32_t region)
{
	for (uint32_t i = 0; i < x->job.binding_count; i++)
		if (x->bindings[i].region == region)
			return x->bindings[i].buffer;
	return NULL;
}

static int load(struct run *x, struct npu_device *dev)
{
	int r = NPUCTL_DONE;

	if (npu_program_create(dev, x->model.data, x->model.size, &x->prog))
		return complain_npu(x->model.path);
	x->job.program = x->prog;
	x->job.bindings = x->bindings;
	for (unsigned int i = 0; i < NPU_MAX_REGIONS && !r; i++)
		if (npu_program_region(x->prog, i)->kind == NPU_REGION_BOUND)
			r = bind_region(x, dev, i);
	for (uint32_t i = 0; i < x->model.image.tensor_count && !r; i++) {
		const struct npu_tensor_info *t = tensor(x, i);

		if (t->role == NPU_TENSOR_INPUT &&
		    npu_buffer_write(buffer_of(x, t->region), t->offset, x->place[i].data, t->size))
			r = complain_npu(output_name(t->name));
	}
	return r;
}

static int run_once(struct run *x, struct npu_queue *queue)
{
	struct npu_fence *fence = NULL;
	struct npu_result how;
	int r = npu_queue_submit(queue, &x->job, 1, NULL, 0, &fence);

	if (!r)
		r = npu_fence_wait(fence, NPU_WAIT_FOREVER);
	if (!r)
		r = npu_fence_result(fence, &how);
	if (!r)
		x->cycles = how.cycles;
	npu_fence_release(fence);
	return r;
}

static int execute(struct run *x, struct npu_device *dev)
{
	uint32_t times = x->o->repeat ? x->o->repeat : 1;
	double *us = calloc(times, sizeof(*us));
	struct npu_queue *queue = NULL;
	int r;

	if (!us)
		return complain(NPUCTL_FAILED, "out of memory");
	r = npu_queue_create(dev, NULL, &queue);
	for (uint32_t i = 0; i < times && !r; i++) {
		uint64_t start = now_ns();

		r = run_once(x, queue);
		us[i] = (now_ns() - start) / 1e3;
	}
	if (r) {
		r = complain_npu(x->model.path);
	} else {
		x->host_us = median(us, times);
		x->host_us_min = us[0];
	}
	npu_queue_release(queue);
	free(us);
	return r;
}

static int write_output(struct run *x, uint32_t i)
{
	const struct npu_tensor_info *t = tensor(x, i);
	struct npy a = { .data = NULL };
	void *data = malloc(t->size);
	char error[512];
	int r;

	if (!data)
		return complain(NPUCTL_FAILED, "out of memory");
	if (npu_buffer_read(buffer_of(x, t->region), t->offset, data, t->size))
		r = complain_npu(output_name(t->name));
	else
		r = tensor_to_npy(t, data, &a);
	if (!r && npy_write(&a, x->place[i].path, error, sizeof(error)))
		r = complain(NPUCTL_FAILED, "%s", error);
	free(a.data ? a.data : data);
	return r;
}

static int write_outputs(struct run *x)
{
	int r = NPUCTL_DONE;

	for (uint32_t i = 0; i < x->model.image.tensor_count && !r; i++)
		if (tensor(x, i)->role == NPU_TENSOR_OUTPUT && x->place[i].path)
			r = write_output(x, i);
	return r;
}

/* ---- What is told ---- */

static double card_us(const struct run *x, const struct npu_device *dev)
{
	return x->cycles * 1e3 / npu_device_caps(dev)->clock_khz;
}

static void report_text(const struct run *x, const struct npu_device *dev)
{
	struct table *t = table_create("TENSOR|ROLE|TYPE AND SHAPE|FILE");
	char text[TENSOR_TEXT];

	printf("%s on %s\n", x->model.path, npu_device_name(dev));
	printf("modelled  %" PRIu64 " cycles, %.1f us at %g MHz\n", x->cycles, card_us(x, dev),
	       npu_device_caps(dev)->clock_khz / 1e3);
	if (x->o->repeat)
		printf("host      %.3f ms median, %.3f ms at best, of %u\n", x->host_us / 1e3,
		       x->host_us_min / 1e3, x->o->repeat);
	else
		printf("host      %.3f ms\n", x->host_us / 1e3);
	for (uint32_t i = 0; i < x->model.image.tensor_count; i++)
		table_add(t, "%s|%s|%s|%s", output_cell(tensor(x, i)->name),
			  tensor_role_name(tensor(x, i)->role),
			  tensor_text(tensor(x, i), text, sizeof(text)),
			  x->place[i].path ? output_cell(x->place[i].path) : "-");
	table_print(t, stdout);
}

static int report_json(const struct run *x, const struct npu_device *dev)
{
	json_t *doc = output_document("npuctl-run-model"), *tensors = json_array();

	for (uint32_t i = 0; i < x->model.image.tensor_count; i++) {
		const struct npu_tensor_info *t = tensor(x, i);
		json_t *one = tensor_json(t);

		json_object_set_new(one, "file",
				    x->place[i].path ? json_string(output_name(x->place[i].path)) :
						       json_null());
		json_array_append_new(tensors, one);
	}
	json_object_update_new(
		doc, output_pack("{s:s, s:s, s:I, s:f, s:I, s:f, s:f, s:o}", "device",
				 npu_device_name(dev), "model", output_name(x->model.path),
				 "cycles", (json_int_t)x->cycles, "card_us", card_us(x, dev),
				 "runs", (json_int_t)(x->o->repeat ? x->o->repeat : 1), "host_us",
				 x->host_us, "host_us_min", x->host_us_min, "tensors", tensors));
	return output_json(doc);
}

int run_model(const struct command *self, const struct run_options *o, char **files, int count)
{
	struct run x = { .o = o };
	struct npu_device *dev = NULL;
	int r;

	if (o->dtype != RUN_AS_FILES)
		return complain_usage(self, "--dtype is for products; a model has its own types");
	r = model_read(&x.model, files[0]);
	if (!r) {
		x.place = calloc(x.model.image.tensor_count + 1, sizeof(*x.place));
		r = x.place ? take_inputs(&x, files + 1, count - 1) :
			      complain(NPUCTL_FAILED, "out of memory");
	}
	if (!r)
		r = take_outputs(&x);
	if (!r)
		r = read_inputs(&x);
	if (!r)
		r = device_open(&dev, o->device);
	if (!r)
		r = load(&x, dev);
	if (!r)
		r = execute(&x, dev);
	if (!r)
		r = write_outputs(&x);
	if (!r && o->json)
		r = report_json(&x, dev);
	else if (!r)
		report_text(&x, dev);
	for (uint32_t i = 0; i < x.job.binding_count; i++)
		npu_buffer_release(x.bindings[i].buffer);
	npu_program_release(x.prog);
	npu_close(dev);
	for (uint32_t i = 0; x.place && i < x.model.image.tensor_count; i++) {
		free(x.place[i].path);
		free(x.place[i].data);
	}
	free(x.place);
	model_free(&x.model);
	return r;
}
