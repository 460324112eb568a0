// SPDX-License-Identifier: MIT
/* Copyright (c) 2026 the npu authors */
/*
 * The demo: Fashion-MNIST's 10,000 test images classified on the card.
 *
 *	npu-demo classify [-d DEVICE] [-w WEIGHTS] [-i IMAGES] [-b BATCH] ANSWERS
 *	npu-demo report [-w WEIGHTS] [-i IMAGES] [-p PICTURE.png] ANSWERS
 *
 * `classify' runs where the card is (in the VM, say) and leaves its answers in a file; `report' holds each of them
 * against the plain C reference, tells accuracy, speed and cycles, and draws a picture. It fails when an answer
 * differs or fewer than 90 % are right.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "npu/npu.h"
#include "answers.h"
#include "idx.h"
#include "network.h"
#include "picture.h"
#include "reference.h"

#define DEFAULT_WEIGHTS "tools/demo/fmnist.npuw"
#define DEFAULT_BATCH 100
#define MAX_BATCH 1000
#define ENOUGH_PERCENT 90
#define PICTURE_TILES 60
#define PICTURE_COLUMNS 10

struct options {
	const char *device;
	const char *weights;
	const char *images;
	const char *picture;
	const char *answers;
	unsigned int batch;
};

static void usage(FILE *out)
{
	fprintf(out,
		"Usage: npu-demo classify [-d DEVICE] [-w WEIGHTS] [-i IMAGES] [-b BATCH] ANSWERS\n"
		"       npu-demo report [-w WEIGHTS] [-i IMAGES] [-p PICTURE.png] ANSWERS\n"
		"\n"
		"Classifies Fashion-MNIST's test images on an NPU card; tells how well and how fast.\n"
		"\n"
		"  -d DEVICE   accel0, sim:, sim:cores=4 ... (NPU_DEVICE, else the first card)\n"
		"  -w WEIGHTS  the network (" DEFAULT_WEIGHTS ")\n"
		"  -i IMAGES   folder of the dataset (" NPU_DEMO_DATASET_DIR ")\n"
		"  -b BATCH    images at a time (%d)\n"
		"  -p PICTURE  draw some of the images with their labels\n"
		"\n"
		"Example: npu-demo classify -d sim: answers && npu-demo report answers\n",
		DEFAULT_BATCH);
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

static int load(const struct options *o, struct npu_demo_weights **weights, struct npu_demo_dataset *set)
{
	struct npu_demo_error err;
	int ret = npu_demo_weights_load(weights, o->weights, &err);

	if (ret)
		return complain(ret, &err);
	ret = npu_demo_dataset_load(set, o->images, &err);
	if (!ret && (set->height != (*weights)->in_h || set->width != (*weights)->in_w || (*weights)->in_c != 1))
		ret = npu_demo_fail(&err, -EINVAL, "the images are not of the size the network takes");
	if (ret) {
		npu_demo_weights_free(*weights);
		return complain(ret, &err);
	}
	return 0;
}

/* Keeps as many batches under way as the network has slots. */
static int classify_all(struct npu_demo_network *net, const struct npu_demo_weights *w,
			const struct npu_demo_dataset *set, unsigned int batch, struct npu_demo_answers *a)
{
	size_t pixels = set->height * set->width;
	size_t batches = (set->count + batch - 1) / batch;
	unsigned int slots = npu_demo_network_slots();
	int ret = 0;

	for (size_t b = 0; b < batches + slots && !ret; b++) {
		unsigned int slot = b % slots;

		if (b >= slots && b - slots < batches) {
			size_t first = (b - slots) * batch;
			size_t left = set->count - first;

			ret = npu_demo_network_finish(net, slot, a->logits + first * a->classes, &a->cycles);
			progress("classified", first + (left < batch ? left : batch), set->count);
		}
		if (!ret && b < batches) {
			size_t first = b * batch;
			size_t n = set->count - first < batch ? set->count - first : batch;

			npu_demo_quantise(w, set->pixels + first * pixels,
					  npu_demo_network_input(net, slot), n * pixels);
			ret = npu_demo_network_start(net, slot, n);
		}
	}
	return ret;
}

static int classify(const struct options *o)
{
	struct npu_demo_answers a = { 0 };
	struct npu_demo_network *net = NULL;
	struct npu_demo_weights *w;
	struct npu_demo_dataset set;
	struct npu_device *dev = NULL;
	struct npu_demo_error err;
	uint64_t start;
	int ret = load(o, &w, &set);

	if (ret)
		return ret;
	ret = npu_open(&dev, o->device);
	if (!ret)
		ret = npu_demo_network_create(&net, dev, w, o->batch);
	a.images = set.count;
	a.classes = w->classes;
	a.logits = malloc(set.count * w->classes * sizeof(*a.logits));
	if (!a.logits)
		ret = -ENOMEM;
	if (!ret) {
		snprintf(a.device, sizeof(a.device), "%s", npu_device_name(dev));
		start = now();
		ret = classify_all(net, w, &set, o->batch, &a);
		a.nanoseconds = now() - start;
	}
	if (ret) {
		fprintf(stderr, "npu-demo: %s\n", npu_error());
	} else {
		ret = npu_demo_answers_save(&a, o->answers, &err);
		if (ret)
			complain(ret, &err);
	}
	free(a.logits);
	npu_demo_network_free(net);
	npu_close(dev);
	npu_demo_dataset_free(&set);
	npu_demo_weights_free(w);
	return ret;
}

static int draw(const struct options *o, const struct npu_demo_dataset *set,
		const struct npu_demo_answers *a, unsigned int correct)
{
	struct npu_demo_tile tiles[PICTURE_TILES];
	struct npu_demo_error err;
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
	if (npu_demo_picture_write(&(struct npu_demo_picture){ .title = title, .tiles = tiles, .count = n,
							       .columns = PICTURE_COLUMNS, .height = set->height,
							       .width = set->width },
				   o->picture, &err))
		return complain(-EIO, &err);
	return 0;
}

/* Every logit of every image against the reference, not only the answers. */
static int compare(const struct npu_demo_weights *w, const struct npu_demo_dataset *set,
		   const struct npu_demo_answers *a, unsigned int *correct, unsigned int *different)
{
	size_t pixels = set->height * set->width;
	int32_t *want = malloc(w->classes * sizeof(*want));
	int8_t *in = malloc(pixels);
	int ret = want && in ? 0 : -ENOMEM;

	for (size_t i = 0; i < set->count && !ret; i++) {
		const int32_t *got = a->logits + i * a->classes;

		npu_demo_quantise(w, set->pixels + i * pixels, in, pixels);
		ret = npu_demo_reference_run(w, in, want);
		*different += !!memcmp(got, want, w->classes * sizeof(*want));
		*correct += npu_demo_argmax(got, a->classes) == set->labels[i];
		progress("compared", i + 1, set->count);
	}
	free(want);
	free(in);
	return ret;
}

static int report(const struct options *o)
{
	unsigned int correct = 0, different = 0;
	struct npu_demo_weights *w;
	struct npu_demo_dataset set;
	struct npu_demo_answers a;
	struct npu_demo_error err;
	int ret = load(o, &w, &set);

	if (ret)
		return ret;
	ret = npu_demo_answers_load(&a, o->answers, &err);
	if (!ret && (a.images != set.count || a.classes != w->classes)) {
		ret = npu_demo_fail(&err, -EINVAL, "%s answers other images", o->answers);
		free(a.logits);
	}
	if (ret) {
		complain(ret, &err);
		goto out;
	}
	ret = compare(w, &set, &a, &correct, &different);
	if (!ret && o->picture)
		ret = draw(o, &set, &a, correct);
	printf("device            %s\n"
	       "accuracy          %.2f %% (%u of %" PRIu64 ")\n"
	       "equal to plain C  %" PRIu64 " of %" PRIu64 " images, every logit\n"
	       "speed             %.0f images/s (wall time here; the card is emulated)\n"
	       "modelled cycles   %.0f an image\n",
	       a.device, 100.0 * correct / a.images, correct, a.images, a.images - different, a.images,
	       a.images * 1e9 / a.nanoseconds, (double)a.cycles / a.images);
	if (!ret && o->picture)
		printf("picture           %s\n", o->picture);
	if (!ret && (different || correct * UINT64_C(100) < ENOUGH_PERCENT * a.images)) {
		fprintf(stderr, "npu-demo: %s\n", different ? "the card's answers are not the reference's" :
							     "too few answers are right");
		ret = -EIO;
	}
	free(a.logits);
out:
	npu_demo_dataset_free(&set);
	npu_demo_weights_free(w);
	return ret;
}

int main(int argc, char **argv)
{
	struct options o = { .weights = DEFAULT_WEIGHTS, .batch = DEFAULT_BATCH };
	const char *verb = argc > 1 ? argv[1] : "";
	int opt;

	if (!strcmp(verb, "--help") || !strcmp(verb, "-h")) {
		usage(stdout);
		return 0;
	}
	optind = 2;
	while ((opt = getopt(argc, argv, "d:w:i:b:p:h")) != -1) {
		switch (opt) {
		case 'd':
			o.device = optarg;
			break;
		case 'w':
			o.weights = optarg;
			break;
		case 'i':
			o.images = optarg;
			break;
		case 'b':
			o.batch = atoi(optarg);
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
	if (optind + 1 != argc || o.batch < 1 || o.batch > MAX_BATCH) {
		usage(stderr);
		return 2;
	}
	o.answers = argv[optind];
	if (!strcmp(verb, "classify"))
		return classify(&o) ? 1 : 0;
	if (!strcmp(verb, "report"))
		return report(&o) ? 1 : 0;
	usage(stderr);
	return 2;
}
