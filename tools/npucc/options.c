// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * See options.h.
 */
#include "options.h"

#include <ctype.h>
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
#include "complain.h"

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
	"Float models to 8 bits:\n"
	"  -q, --quantize         quantise it, and tell what that costs\n"
	"      --calibrate DIR    data to run it on: each .npy file is a batch, float32, of the "
	"input's shape; with several inputs a folder INPUT for each in DIR\n"
	"      --calibration HOW  ranges of tensors: minmax (default), or percentile, the inner "
	"99.99 % of values\n"
	"      --input-type TYPE  what inputs are: float (default), int8 or uint8, of scales that "
	"the image tells\n"
	"      --dump-quant DIR   write integers and scales of the products there, as .npy\n"
	"\n"
	"Examples: npucc resnet50.onnx -o resnet50.npu --batch 1\n"
	"          npucc resnet50.onnx -o resnet50.npu --batch 1 --quantize --calibrate images\n"
	"Exit status: 0 done, 1 failed (what cannot be compiled is listed, all of it), 2 wrong "
	"usage.\n";

static int usage_error(const char *what, const char *arg)
{
	complain("%s%s%s; npucc --help tells more", what, arg ? ": " : "", arg ? arg : "");
	return EXIT_USAGE;
}

const void *map_file(const char *path, size_t *size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why = NULL;
	void *data = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st)) {
		why = strerror(errno);
	} else if (!S_ISREG(st.st_mode) || st.st_size <= 0) {
		why = "not a file with contents";
	} else {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (data == MAP_FAILED)
			why = strerror(errno);
	}
	if (fd >= 0)
		close(fd);
	if (why) {
		complain("%s: %s", path, why);
		return NULL;
	}
	*size = (size_t)st.st_size;
	return data;
}

static bool parse_number(const char *s, uint32_t *out)
{
	char *end;
	unsigned long v;

	/* strtoul() takes spaces and signs. */
	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || *end || v < 1 || v > INT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

/* The '=' of NAME=VALUE; NULL: it is none. */
static char *find_value(char *arg)
{
	char *eq = strrchr(arg, '=');

	return eq == arg ? NULL : eq;
}

static int add_dim(struct settings *s, const char *name, uint32_t size)
{
	if (s->onnx.dims == MAX_OPTIONS)
		return usage_error("too many sizes", name);
	s->dim[s->onnx.dims++] = (struct onnx_dim){ name, size };
	return 0;
}

static int set_batch(struct settings *s, const char *arg)
{
	uint32_t size;

	if (!parse_number(arg, &size))
		return usage_error("--batch takes a whole number from 1 on", arg);
	return add_dim(s, "", size);
}

static int set_dim(struct settings *s, char *arg)
{
	char *eq = find_value(arg);
	uint32_t size;

	if (!eq || !parse_number(eq + 1, &size))
		return usage_error("--dim takes NAME=N, N a whole number from 1 on", arg);
	*eq = 0;
	return add_dim(s, arg, size);
}

static int fixed_from_npy(struct onnx_fixed *f, const char *path)
{
	char error[256];
	struct npy a;

	if (npy_read(&a, path, error, sizeof(error)))
		return complain("%s", error);
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
	if (ret)
		return complain("%s: %s", path, error);
	f->data = values;
	return 0;
}

static int add_fixed(struct settings *s, char *arg)
{
	struct onnx_fixed *f = &s->fixed[s->onnx.fixed_count];
	char *file = find_value(arg), *end;
	int ret;

	if (!file)
		return usage_error("--fix takes NAME=FILE", arg);
	if (s->onnx.fixed_count == MAX_OPTIONS)
		return usage_error("too many --fix", arg);
	*file++ = 0;
	end = strrchr(file, '.');
	ret = end && !strcmp(end, ".npy") ? fixed_from_npy(f, file) : fixed_from_proto(f, file);
	if (ret)
		return ret;
	f->name = arg;
	s->onnx.fixed_count++;
	return 0;
}

static int set_dtype(struct settings *s, const char *arg)
{
	if (strcmp(arg, "bf16") && strcmp(arg, "fp16"))
		return usage_error("--dtype is bf16 or fp16", arg);
	s->graph.float_type = strcmp(arg, "fp16") ? NPU_BF16 : NPU_FP16;
	return 0;
}

static int set_method(struct settings *s, const char *arg)
{
	if (strcmp(arg, "minmax") && strcmp(arg, "percentile"))
		return usage_error("--calibration is minmax or percentile", arg);
	s->quant.method = strcmp(arg, "percentile") ? QUANT_MINMAX : QUANT_PERCENTILE;
	return 0;
}

static int set_input_type(struct settings *s, const char *arg)
{
	if (strcmp(arg, "float") && strcmp(arg, "int8") && strcmp(arg, "uint8"))
		return usage_error("--input-type is float, int8 or uint8", arg);
	s->quant.input_type = !strcmp(arg, "int8")  ? NPU_S8 :
			      !strcmp(arg, "uint8") ? NPU_U8 :
						      NPU_FP32;
	return 0;
}

/* What goes together. */
static int check(const struct settings *s, bool quantizing)
{
	if (quantizing && !s->quantize)
		return usage_error("--calibrate, --calibration, --input-type and --dump-quant "
				   "belong to --quantize",
				   NULL);
	if (s->quantize && !s->quant.data)
		return usage_error("--quantize needs data: --calibrate DIR", NULL);
	return 0;
}

int settings_parse(struct settings *s, int argc, char **argv)
{
	enum { DIM = 256, FIX, CALIBRATE, CALIBRATION, INPUT_TYPE, DUMP };
	static const struct option options[] = {
		{ "output", required_argument, NULL, 'o' },
		{ "dtype", required_argument, NULL, 'd' },
		{ "target", required_argument, NULL, 't' },
		{ "cores", required_argument, NULL, 'c' },
		{ "batch", required_argument, NULL, 'b' },
		{ "dim", required_argument, NULL, DIM },
		{ "fix", required_argument, NULL, FIX },
		{ "quantize", no_argument, NULL, 'q' },
		{ "calibrate", required_argument, NULL, CALIBRATE },
		{ "calibration", required_argument, NULL, CALIBRATION },
		{ "input-type", required_argument, NULL, INPUT_TYPE },
		{ "dump-quant", required_argument, NULL, DUMP },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool quantizing = false;
	int opt, ret = 0;

	*s = (struct settings){ .target = "sim:", .quant.input_type = NPU_FP32 };
	s->onnx.dim = s->dim;
	s->onnx.fixed = s->fixed;
	while (!ret && (opt = getopt_long(argc, argv, "o:d:t:c:b:qh", options, NULL)) != -1) {
		quantizing |= opt >= CALIBRATE;
		switch (opt) {
		case 'o':
			s->output = optarg;
			break;
		case 'd':
			ret = set_dtype(s, optarg);
			break;
		case 't':
			s->target = optarg;
			break;
		case 'c':
			if (!parse_number(optarg, &s->graph.cores))
				ret = usage_error("--cores takes a whole number from 1 on", optarg);
			break;
		case 'b':
			ret = set_batch(s, optarg);
			break;
		case DIM:
			ret = set_dim(s, optarg);
			break;
		case FIX:
			ret = add_fixed(s, optarg);
			break;
		case 'q':
			s->quantize = true;
			break;
		case CALIBRATE:
			s->quant.data = optarg;
			break;
		case CALIBRATION:
			ret = set_method(s, optarg);
			break;
		case INPUT_TYPE:
			ret = set_input_type(s, optarg);
			break;
		case DUMP:
			s->quant.dump = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		default:
			ret = usage_error("wrong option", NULL);
		}
	}
	if (ret)
		return ret;
	if (optind + 1 != argc || !s->output)
		return usage_error("one model, and -o with the image's name", NULL);
	s->input = argv[optind];
	return check(s, quantizing);
}

void settings_free(struct settings *s)
{
	unsigned int i;

	for (i = 0; i < s->onnx.fixed_count; i++)
		free((void *)s->fixed[i].data);
}
