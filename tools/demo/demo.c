// SPDX-License-Identifier: MIT
/* Copyright (c) 2026 the npu authors */
/*
 * The demo: Fashion-MNIST's 10,000 test images classified on the card.
 *
 *	npu-demo calibrate [-i IMAGES] [-b BATCH] [-c COUNT] DIR
 *	npu-demo classify [-d DEVICE] [-m MODEL] [-i IMAGES] ANSWERS
 *	npu-demo report [-q PARAMETERS] [-i IMAGES] [-p PICTURE.png] ANSWERS
 *
 * `calibrate' writes training images for npucc, which makes the model of tools/demo/fmnist.onnx and tells its
 * parameters. `classify' runs where the card is (in the VM, say) and leaves its answers in a file; `report' holds each
 * of them against the plain C reference, tells accuracy, speed and cycles, and draws a picture. It fails when an answer
 * differs or fewer than 90 % are right, and then says that and nothing else.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "npu/npu.h"
#include "answers.h"
#include "idx.h"
#include "network.h"
#include "npy.h"
#include "picture.h"
#include "reference.h"

#define DEFAULT_MODEL "build/tools/demo/fmnist.npu"
#define DEFAULT_PARAMETERS "build/tools/demo/fmnist.quant"
#define DEFAULT_BATCH 100
#define DEFAULT_COUNT 1000
#define MAX_BATCH 1000
#define ENOUGH_PERCENT 90
#define PICTURE_TILES 60
#define PICTURE_COLUMNS 10

struct options {
	const char *device;
	const char *model;
	const char *parameters;
	const char *images;
	const char *picture;
	const char *file;
	int batch;
	int count;
};

static void usage(FILE *out)
{
	fprintf(out,
		"Usage: npu-demo calibrate [-i IMAGES] [-b BATCH] [-c COUNT] DIR\n"
		"       npu-demo classify [-d DEVICE] [-m MODEL] [-i IMAGES] ANSWERS\n"
		"       npu-demo report [-q PARAMETERS] [-i IMAGES] [-p PICTURE.png] ANSWERS\n"
		"\n"
		"Classifies Fashion-MNIST's test images on an NPU card; tells how well and how fast.\n"
		"\n"
		"  -d DEVICE      accel0, sim:, sim:cores=4 ... (NPU_DEVICE, else the first card)\n"
		"  -m MODEL       the network, as npucc made it (" DEFAULT_MODEL ")\n"
		"  -q PARAMETERS  folder of what it was quantised to (" DEFAULT_PARAMETERS ")\n"
		"  -i IMAGES      folder of the dataset (" NPU_DEMO_DATASET_DIR ")\n"
		"  -b BATCH       training images in a file for npucc (%d)\n"
		"  -c COUNT       of them in all (%d)\n"
		"  -p PICTURE     draw some of the images with their labels\n"
		"\n"
		"Example: npu-demo classify -d sim: answers && npu-demo report answers\n",
		DEFAULT_BATCH, DEFAULT_COUNT);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000000000) + ts.tv_nsec;
}

/* A line that grows in place on a terminal, one line a tenth elsewhere. */
static void progress(const char *what, size_t done, size_t all)
{
	static size_t shown = (size_t)-1;
	size_t tenth = done * 10 / all;
	const char *term = getenv("TERM");

	if (isatty(STDERR_FILENO) && term && strcmp(term, "dumb")) {
		fprintf(stderr, "\r%s %zu of %zu images%s", what, done, all, done == all ? "\n" : "");
	} else if (tenth != shown) {
		fprintf(stderr, "%s %zu of %zu images\n", what, done, all);
		shown = tenth;
	}
	fflush(stderr);
}

static int complain(int ret, const struct npu_demo_error *err)
{
	fprintf(stderr, "npu-demo: %s\n", err->text);
	return ret;
}

/* ---- Images for npucc ---- */

static int write_batch(const char *dir, size_t number, const uint8_t *pixels, size_t batch,
		       const struct npu_demo_idx *set, struct npu_demo_error *err)
{
	struct npy a = { .type = NPY_FLOAT32, .dims = 4, .shape = { batch, 1, set->dim[1], set->dim[2] } };
	size_t n = batch * set->dim[1] * set->dim[2];
	char path[PATH_MAX];
	float *v = malloc(n * sizeof(*v));
	int ret;

	if (!v)
		return npu_demo_fail(err, -ENOMEM, "no memory for %zu images", batch);
	for (size_t i = 0; i < n; i++)
		v[i] = (float)pixels[i] / 255;
	a.data = v;
	a.size = n * sizeof(*v);
	snprintf(path, sizeof(path), "%s/%05zu.npy", dir, number);
	ret = npy_write(&a, path, err->text, sizeof(err->text));
	free(v);
	return ret;
}

static int calibrate(const struct options *o)
{
	struct npu_demo_error err;
	struct npu_demo_idx set;
	size_t batch = o->batch, count = o->count;
	int ret = npu_demo_training_load(&set, o->images, &err);

	if (ret)
		return complain(ret, &err);
	if (count > set.dim[0] || count % batch)
		ret = npu_demo_fail(&err, -EINVAL, "%zu images: there are %zu, in batches of %zu", count,
				    set.dim[0], batch);
	if (!ret && mkdir(o->file, 0777) && errno != EEXIST)
		ret = npu_demo_fail(&err, -errno, "%s: %s", o->file, strerror(errno));
	for (size_t i = 0; i < count && !ret; i += batch)
		ret = write_batch(o->file, i, set.data + i * set.dim[1] * set.dim[2], batch, &set, &err);
	if (ret)
		complain(ret, &err);
	npu_demo_idx_free(&set);
	return ret;
}

/* ---- On the card ---- */

static void classified(size_t done, size_t all)
{
	progress("classified", done, all);
}

/* The network runs, and its answers and the time are in @a. */
static int run(struct npu_demo_network *net, const struct npu_demo_dataset *set,
	       struct npu_demo_answers *a, struct npu_demo_error *err)
{
	struct npu_demo_shape shape = npu_demo_network_shape(net);
	uint64_t start = now();

	if (shape.height != set->height || shape.width != set->width)
		return npu_demo_fail(err, -EINVAL, "the images are not of the size the network takes");
	a->images = set->count;
	a->classes = shape.classes;
	a->logits = malloc(a->images * a->classes * sizeof(*a->logits));
	if (!a->logits)
		return npu_demo_fail(err, -ENOMEM, "no memory for the answers");
	if (npu_demo_network_run(net, set->pixels, set->count, a->logits, &a->cycles, classified))
		return npu_demo_fail(err, -EIO, "%s", npu_error());
	a->nanoseconds = now() - start;
	return 0;
}

static int classify(const struct options *o)
{
	struct npu_demo_network *net = NULL;
	struct npu_demo_answers a = { 0 };
	struct npu_device *dev = NULL;
	struct npu_demo_dataset set;
	struct npu_demo_error err;
	int ret = npu_demo_dataset_load(&set, o->images, &err);

	if (ret)
		return complain(ret, &err);
	if (npu_open(&dev, o->device))
		ret = npu_demo_fail(&err, -ENODEV, "%s", npu_error());
	if (!ret)
		ret = npu_demo_network_load(&net, dev, o->model, &err);
	if (!ret) {
		snprintf(a.device, sizeof(a.device), "%s", npu_device_name(dev));
		ret = run(net, &set, &a, &err);
	}
	if (!ret)
		ret = npu_demo_answers_save(&a, o->file, &err);
	if (ret)
		complain(ret, &err);
	free(a.logits);
	npu_demo_network_free(net);
	npu_close(dev);
	npu_demo_dataset_free(&set);
	return ret;
}

/* ---- The verdict ---- */

static int draw(const struct options *o, const struct npu_demo_dataset *set,
		const struct npu_demo_answers *a, unsigned int correct, struct npu_demo_error *err)
{
	struct npu_demo_tile tiles[PICTURE_TILES];
	char title[128];
	size_t n = set->count < PICTURE_TILES ? set->count : PICTURE_TILES;

	for (size_t i = 0; i < n; i++)
		tiles[i] = (struct npu_demo_tile){
			.pixels = set->pixels + i * set->height * set->width,
			.answer = npu_demo_class_name(npu_demo_argmax(a->logits + i * a->classes, a->classes)),
			.truth = npu_demo_class_name(set->labels[i]),
		};
	snprintf(title, sizeof(title), "Fashion-MNIST on %s: %.2f %% of %zu right", a->device,
		 100.0 * correct / set->count, set->count);
	return npu_demo_picture_write(&(struct npu_demo_picture){ .title = title,
								  .tiles = tiles,
								  .count = n,
								  .columns = PICTURE_COLUMNS,
								  .height = set->height,
								  .width = set->width },
				      o->picture, err);
}

/* What comparing found; @image and @class are the first difference's place, @want and @got its values. */
struct verdict {
	unsigned int correct, different;
	size_t image;
	unsigned int class;
	float want, got;
};

static unsigned int first_difference(const float *want, const float *got)
{
	unsigned int c = 0;

	while (!memcmp(&want[c], &got[c], sizeof(*want)))
		c++;
	return c;
}

/* Every bit of every logit of every image against the reference, not only the answers. */
static int compare(const struct npu_demo_params *params, const struct npu_demo_dataset *set,
		   const struct npu_demo_answers *a, struct verdict *v, struct npu_demo_error *err)
{
	float want[NPU_DEMO_CLASSES];

	for (size_t i = 0; i < set->count; i++) {
		const float *got = a->logits + i * a->classes;

		if (npu_demo_reference_run(params, set->pixels + i * set->height * set->width,
					   want))
			return npu_demo_fail(err, -ENOMEM, "no memory for the reference");
		if (memcmp(got, want, sizeof(want)) && !v->different++) {
			v->image = i;
			v->class = first_difference(want, got);
			v->want = want[v->class];
			v->got = got[v->class];
		}
		v->correct += npu_demo_argmax(got, a->classes) == set->labels[i];
		progress("compared", i + 1, set->count);
	}
	return 0;
}

/* A negative errno with what is wrong, the worst first. */
static int judge(const struct verdict *v, size_t images, struct npu_demo_error *err)
{
	if (v->different)
		return npu_demo_fail(
			err, -EIO,
			"the card is not equal to plain C: %u of %zu images differ, first "
			"image %zu, class %u: %.9g, not %.9g",
			v->different, images, v->image, v->class, (double)v->got, (double)v->want);
	if (v->correct * UINT64_C(100) < ENOUGH_PERCENT * (uint64_t)images)
		return npu_demo_fail(err, -EIO, "only %u of %zu answers are right, less than %d %%",
				     v->correct, images, ENOUGH_PERCENT);
	return 0;
}

/* Figures are those of answers that are right: one that fails prints none. */
static void print_figures(const struct options *o, const struct npu_demo_answers *a,
			  const struct verdict *v)
{
	printf("device            %s\n"
	       "accuracy          %.2f %% (%u of %" PRIu64 ")\n"
	       "equal to plain C  %" PRIu64 " of %" PRIu64 " images, every logit\n"
	       "speed             %.0f images/s (wall time here; the card is emulated)\n"
	       "modelled cycles   %.0f an image\n",
	       a->device, 100.0 * v->correct / a->images, v->correct, a->images, a->images,
	       a->images, a->images * 1e9 / a->nanoseconds, (double)a->cycles / a->images);
	if (o->picture)
		printf("picture           %s\n", o->picture);
}

static int report(const struct options *o)
{
	struct verdict v = { 0 };
	struct npu_demo_params params;
	struct npu_demo_dataset set;
	struct npu_demo_answers a;
	struct npu_demo_error err;
	int ret = npu_demo_params_load(&params, o->parameters, &err);

	if (ret)
		return complain(ret, &err);
	ret = npu_demo_dataset_load(&set, o->images, &err);
	if (ret) {
		npu_demo_params_free(&params);
		return complain(ret, &err);
	}
	ret = npu_demo_answers_load(&a, o->file, &err);
	if (!ret) {
		if (a.images != set.count || a.classes != NPU_DEMO_CLASSES ||
		    set.height != params.layers[0].in_h || set.width != params.layers[0].in_w)
			ret = npu_demo_fail(&err, -EINVAL, "%s answers other images", o->file);
		if (!ret)
			ret = compare(&params, &set, &a, &v, &err);
		if (!ret)
			ret = judge(&v, set.count, &err);
		if (!ret && o->picture)
			ret = draw(o, &set, &a, v.correct, &err);
		if (!ret)
			print_figures(o, &a, &v);
		free(a.logits);
	}
	if (ret)
		complain(ret, &err);
	npu_demo_dataset_free(&set);
	npu_demo_params_free(&params);
	return ret;
}

/* A whole number from 1 to @most; false, having said so: it is none. */
static bool parse_number(int opt, const char *s, int most, int *out)
{
	/* strtol() takes spaces and signs. */
	long v = isdigit((unsigned char)*s) ? strtol(s, NULL, 10) : 0;

	if (s[strspn(s, "0123456789")] || v < 1 || v > most) {
		fprintf(stderr, "npu-demo: -%c takes a whole number from 1 to %d, not %s\n", opt, most,
			s);
		return false;
	}
	*out = (int)v;
	return true;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct options *o);
	} verbs[] = { { "calibrate", calibrate }, { "classify", classify }, { "report", report } };
	struct options o = { .model = DEFAULT_MODEL, .parameters = DEFAULT_PARAMETERS, .batch = DEFAULT_BATCH,
			     .count = DEFAULT_COUNT };
	const char *verb = argc > 1 ? argv[1] : "";
	bool right = true;
	int opt;

	if (!strcmp(verb, "--help") || !strcmp(verb, "-h")) {
		usage(stdout);
		return 0;
	}
	optind = 2;
	while ((opt = getopt(argc, argv, "d:m:q:i:b:c:p:h")) != -1) {
		switch (opt) {
		case 'd':
			o.device = optarg;
			break;
		case 'm':
			o.model = optarg;
			break;
		case 'q':
			o.parameters = optarg;
			break;
		case 'i':
			o.images = optarg;
			break;
		case 'b':
			right &= parse_number(opt, optarg, MAX_BATCH, &o.batch);
			break;
		case 'c':
			right &= parse_number(opt, optarg, INT_MAX, &o.count);
			break;
		case 'p':
			o.picture = optarg;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind + 1 != argc || !right) {
		usage(stderr);
		return 2;
	}
	o.file = argv[optind];
	for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verb, verbs[i].name))
			return verbs[i].run(&o) ? 1 : 0;
	usage(stderr);
	return 2;
}
