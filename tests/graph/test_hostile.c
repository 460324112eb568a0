// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Bad ONNX files: test_hostile [SEED [CASES]]
 *
 * Models of ONNX' test data are cut short, have bits turned and bytes exchanged for telling ones,
 * and are compiled. Nothing is asked of the result but that there is one: the sanitisers watch, and
 * memory is limited. Some files are built on purpose: too deep, too large, going in a circle.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "onnx.h"
#include "tests/seed.h"

#define DATA	  "/usr/share/libonnx-testdata/data/node"
#define MAX_MODEL 4096u

static struct npu_device *dev;
static uint64_t state;

static uint32_t rnd(uint32_t n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)((state >> 33) % n);
}

/* Returns whether it compiled. */
static bool try_model(const void *data, size_t size)
{
	struct npu_graph *g = npu_graph_create();
	struct onnx_dim dim = { "", 2 };
	struct onnx_options options = { .dim = &dim, .dims = 1 };
	void *copy = malloc(size + 1), *image = NULL;
	char error[256];
	size_t image_size;
	bool ok = false;

	/* A copy of its own, so that reading beyond it shows. */
	copy = realloc(copy, size ? size : 1);
	memcpy(copy, data, size);
	if (!onnx_load(g, copy, size, &options, error, sizeof(error)))
		ok = !npu_graph_compile(g, npu_device_caps(dev), NULL, &image, &image_size);
	free(image);
	free(copy);
	npu_graph_free(g);
	return ok;
}

static void mutate(uint8_t *data, size_t *size)
{
	static const uint8_t telling[] = { 0, 1, 0x7f, 0x80, 0xff, 0x08, 0x0a, 0x12 };
	unsigned int n = 1 + rnd(4);
	size_t at;

	while (n-- && *size) {
		at = rnd((uint32_t)*size);
		switch (rnd(5)) {
		case 0:
			data[at] ^= (uint8_t)(1u << rnd(8));
			break;
		case 1:
			data[at] = telling[rnd(sizeof(telling))];
			break;
		case 2:
			data[at] = (uint8_t)rnd(256);
			break;
		case 3:
			*size = rnd(8) ? *size : at;
			break;
		default:
			data[at] = data[rnd((uint32_t)*size)];
		}
	}
}

static size_t load(const char *name, uint8_t *data)
{
	char path[512];
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), DATA "/%s/model.onnx", name);
	f = fopen(path, "re");
	if (f) {
		size = fread(data, 1, MAX_MODEL, f);
		fclose(f);
	}
	return size;
}

/* Messages within messages: a node's attribute that is a graph with a node, and so on. */
static bool deep(void)
{
	static const uint8_t tags[] = { 0x3a, 0x0a, 0x2a,
					0x32 }; /* graph; node; attribute; graph */
	size_t levels = 100000, size = 0, i;
	uint8_t *data = malloc(levels * 8), *p = data + levels * 8;
	bool ok;

	for (i = 0; i < levels; i++) {
		size_t v = size;
		uint8_t len[6];
		int n = 0;

		do {
			len[n++] = (uint8_t)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
			v >>= 7;
		} while (v);
		p -= n;
		memcpy(p, len, (size_t)n);
		*--p = i + 1 == levels ? tags[0] : tags[1 + (levels - 2 - i) % 3];
		size = (size_t)(data + levels * 8 - p);
	}
	ok = !try_model(p, size);
	free(data);
	return ok;
}

/* A graph that comes twice: merging the parts of thousands would take minutes. */
static bool merged(void)
{
	static const uint8_t once[] = { 0x3a, 0x02, 0x0a, 0x00 };
	struct npu_graph *g = npu_graph_create();
	uint8_t data[2 * sizeof(once)];
	char error[256];
	bool ok;

	memcpy(data, once, sizeof(once));
	memcpy(data + sizeof(once), once, sizeof(once));
	ok = !onnx_load(g, data, sizeof(once), NULL, error, sizeof(error)) &&
	     onnx_load(g, data, sizeof(data), NULL, error, sizeof(error)) == -EBADMSG;
	npu_graph_free(g);
	return ok;
}

int main(int argc, char **argv)
{
	uint64_t seed = test_seed(argc > 1 ? argv[1] : NULL);
	unsigned int cases = argc > 2 ? (unsigned int)atoi(argv[2]) : 4000, i, compiled = 0;
	struct dirent **entries;
	uint8_t data[MAX_MODEL];
	size_t size;
	int n = scandir(DATA, &entries, NULL, alphasort);

	printf("seed %llu\n", (unsigned long long)seed);
	if (n < 3 || npu_open(&dev, "sim:")) {
		printf("no test data, or no simulator\n");
		return 1;
	}
	for (i = 0; i < cases; i++) {
		state = (seed + i) * 0x9e3779b97f4a7c15ull;
		rnd(2);
		size = load(entries[rnd((uint32_t)n)]->d_name, data);
		mutate(data, &size);
		compiled += try_model(data, size);
	}
	while (n--)
		free(entries[n]);
	free(entries);
	i = deep() + merged();
	printf("%u of the damaged models still compiled\n%u passed, %u failed\n", compiled,
	       cases + i, 2 - i);
	npu_close(dev);
	return i != 2;
}
