// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npucc: ONNX models to .npu images.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "array.h"
#include "onnx.h"

#define MAX_OPTIONS 64u

enum { EXIT_USAGE = 2 };

static const char usage[] =
	"Usage: npucc MODEL.onnx -o MODEL.npu [options]\n"
	"Compiles an ONNX model into an image that npuctl and libnpu run.\n"
	"\n"
	"  -o, --output FILE      the image\n"
	"  -d, --dtype TYPE       bf16 (default) or fp16: what float models compute in\n"
	"  -t, --target DEVICE    the card it is for, as libnpu names devices (sim:, sim:cores=8, "
	"accel0; default sim:)\n"
	"  -c, --cores N          use N of its cores (all)\n"
	"  -b, --batch N          size of open dimensions that --dim does not name\n"
	"      --dim NAME=N       size of the open dimension NAME\n"
	"      --fix NAME=FILE    make the input NAME a constant; FILE is a TensorProto (.pb) or "
	"an array of NumPy's (.npy)\n"
	"  -h, --help             this\n"
	"\n"
	"Example: npucc resnet50.onnx -o resnet50.npu --batch 1\n"
	"Exit status: 0 done, 1 failed (what cannot be compiled is listed, all of it), 2 wrong "
	"usage.\n";

struct settings {
	const char *input, *output, *target;
	struct npu_graph_options graph;
	struct onnx_dim dim[MAX_OPTIONS];
	struct onnx_fixed fixed[MAX_OPTIONS];
	struct onnx_options onnx;
};

static int usage_error(const char *what, const char *arg)
{
	fprintf(stderr, "npucc: %s%s%s; npucc --help tells more\n", what, arg ? ": " : "",
		arg ? arg : "");
	return EXIT_USAGE;
}

/* A file's bytes, mapped; empty files are none. */
static const void *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *data = MAP_FAILED;
	struct stat st;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0)
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	else if (fd >= 0 && !errno)
		errno = EINVAL;
	if (fd >= 0)
		close(fd);
	if (data == MAP_FAILED) {
		fprintf(stderr, "npucc: %s: %s\n", path,
			errno ? strerror(errno) : "not a file with contents");
		return NULL;
	}
	*size = (size_t)st.st_size;
	return data;
}

static bool parse_number(const char *s, uint32_t *out)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || end == s || *end || v < 1 || v > INT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* NAME=REST; cuts the argument in two. */
static char *cut_name(char *arg)
{
	char *eq = strrchr(arg, '=');

	if (!eq || eq == arg)
		return NULL;
	*eq = 0;
	return eq + 1;
}

static int add_dim(struct settings *s, char *arg, const char *size)
{
	if (s->onnx.dims == MAX_OPTIONS || !size || !parse_number(size, &s->dim[s->onnx.dims].size))
		return usage_error("a size is a number from 1 on", arg);
	s->dim[s->onnx.dims++].name = arg;
	return 0;
}

static int fixed_from_npy(struct onnx_fixed *f, const char *path)
{
	char error[256];
	struct npy a;

	if (npy_read(&a, path, error, sizeof(error))) {
		fprintf(stderr, "npucc: %s\n", error);
		return EXIT_FAILURE;
	}
	f->type = array_type(a.type);
	f->dims = a.dims;
	memcpy(f->shape, a.shape, sizeof(f->shape));
	f->data = a.data;
	if (!a.size) {
		free(a.data);
		f->data = NULL;
	}
	return 0;
}

static int fixed_from_proto(struct onnx_fixed *f, const char *path)
{
	const void *data;
	char error[256];
	void *values;
	size_t size;
	int ret;

	data = map_file(path, &size);
	if (!data)
		return EXIT_FAILURE;
	ret = onnx_tensor(data, size, &f->type, &f->dims, f->shape, &values, error, sizeof(error));
	munmap((void *)data, size);
	if (ret) {
		fprintf(stderr, "npucc: %s: %s\n", path, error);
		return EXIT_FAILURE;
	}
	f->data = values;
	return 0;
}

static int add_fixed(struct settings *s, char *arg)
{
	char *file = cut_name(arg), *end;
	struct onnx_fixed *f = &s->fixed[s->onnx.fixed_count];
	int ret;

	if (!file || s->onnx.fixed_count == MAX_OPTIONS)
		return usage_error("--fix takes NAME=FILE", arg);
	end = strrchr(file, '.');
	ret = end && !strcmp(end, ".npy") ? fixed_from_npy(f, file) : fixed_from_proto(f, file);
	if (ret)
		return ret;
	f->name = arg;
	s->onnx.fixed_count++;
	return 0;
}

static int parse(struct settings *s, int argc, char **argv)
{
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "dtype", required_argument, NULL, 'd' },
		{ "target", required_argument, NULL, 't' },
		{ "cores", required_argument, NULL, 'c' },
		{ "batch", required_argument, NULL, 'b' },
		{ "dim", required_argument, NULL, 'D' },
		{ "fix", required_argument, NULL, 'F' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int opt, ret = 0;

	while (!ret && (opt = getopt_long(argc, argv, "o:d:t:c:b:h", options, NULL)) != -1) {
		switch (opt) {
		case 'o':
			s->output = optarg;
			break;
		case 'd':
			if (strcmp(optarg, "bf16") && strcmp(optarg, "fp16"))
				return usage_error("--dtype is bf16 or fp16", optarg);
			s->graph.float_type = strcmp(optarg, "fp16") ? NPU_BF16 : NPU_FP16;
			break;
		case 't':
			s->target = optarg;
			break;
		case 'c':
			if (!parse_number(optarg, &s->graph.cores))
				return usage_error("--cores takes a number from 1 on", optarg);
			break;
		case 'b':
			ret = add_dim(s, (char *)"", optarg);
			break;
		case 'D':
			ret = add_dim(s, optarg, cut_name(optarg));
			break;
		case 'F':
			ret = add_fixed(s, optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		default:
			return usage_error("wrong option", NULL);
		}
	}
	if (ret)
		return ret;
	if (optind + 1 != argc || !s->output)
		return usage_error("one model, and -o with the image's name", NULL);
	s->input = argv[optind];
	return 0;
}

/* Whole, or not at all: written beside and renamed. */
static int write_file(const char *path, const void *data, size_t size)
{
	char *tmp;
	FILE *f;
	bool ok;

	if (asprintf(&tmp, "%s.%d", path, (int)getpid()) < 0)
		return EXIT_FAILURE;
	f = fopen(tmp, "we");
	ok = f && fwrite(data, 1, size, f) == size;
	if (f && fclose(f))
		ok = false;
	if (!ok || rename(tmp, path)) {
		fprintf(stderr, "npucc: %s: %s\n", path, strerror(errno));
		unlink(tmp);
		ok = false;
	}
	free(tmp);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int compile(const struct settings *s, struct npu_graph *g, const struct npu_caps *caps)
{
	unsigned int i;
	size_t size;
	void *image;
	int ret;

	ret = npu_graph_compile(g, caps, &s->graph, &image, &size);
	if (npu_graph_issues(g)) {
		fprintf(stderr, "npucc: %s cannot be compiled:\n", s->input);
		for (i = 0; i < npu_graph_issues(g); i++)
			fprintf(stderr, "  %s\n", npu_graph_issue(g, i));
		free(image);
		return EXIT_FAILURE;
	}
	if (ret) {
		fprintf(stderr, "npucc: %s: %s\n", s->input, npu_error());
		return EXIT_FAILURE;
	}
	ret = write_file(s->output, image, size);
	free(image);
	return ret;
}

int main(int argc, char **argv)
{
	struct settings s = { .target = "sim:" };
	struct npu_graph *g = NULL;
	struct npu_device *dev = NULL;
	char error[256];
	const void *data;
	unsigned int i;
	size_t size;
	int ret;

	s.onnx.dim = s.dim;
	s.onnx.fixed = s.fixed;
	ret = parse(&s, argc, argv);
	if (ret)
		return ret;
	data = map_file(s.input, &size);
	if (!data)
		return EXIT_FAILURE;
	ret = EXIT_FAILURE;
	g = npu_graph_create();
	if (!g)
		fprintf(stderr, "npucc: out of memory\n");
	else if (npu_open(&dev, s.target))
		fprintf(stderr, "npucc: %s: %s\n", s.target, npu_error());
	else if (onnx_load(g, data, size, &s.onnx, error, sizeof(error)))
		fprintf(stderr, "npucc: %s: %s\n", s.input, error);
	else
		ret = compile(&s, g, npu_device_caps(dev));
	npu_graph_free(g);
	npu_close(dev);
	for (i = 0; i < s.onnx.fixed_count; i++)
		free((void *)s.fixed[i].data);
	munmap((void *)data, size);
	return ret;
}
