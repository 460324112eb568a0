// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Taking samples. A card that may be opened is opened once and kept, so that looking at it often
 * costs it nothing; npuctl's own files are not among the clients. Of a snapshot, /npu/PCI-ADDRESS
 * has what a card that is open would tell (docs/npuctl.md, "Snapshots").
 */
#include "sample.h"

#include <ctype.h>
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "npu/npu.h"

#include "command.h"
#include "system.h"

#define MAX_OPEN 64

/**
 * struct known - what is kept of a card from one sample to the next
 * @dev: open, or NULL
 */
struct known {
	char pci[16];
	struct npu_device *dev;
	bool ecc_told;
	int64_t corrected, uncorrected;
};

struct sampler {
	struct known known[MAX_OPEN];
	size_t count;
	struct uevent_source events;
};

static void *need(void *p)
{
	if (!p)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	return p;
}

struct sampler *sampler_create(void)
{
	struct sampler *s = need(calloc(1, sizeof(*s)));

	/* Without them there are no counts of memory errors, no more. */
	uevent_open(&s->events);
	return s;
}

void sampler_free(struct sampler *s)
{
	for (size_t i = 0; i < s->count; i++)
		npu_close(s->known[i].dev);
	uevent_close(&s->events);
	free(s);
}

/* NULL: there are too many. */
static struct known *find_known(struct sampler *s, const char *pci)
{
	for (size_t i = 0; i < s->count; i++)
		if (!strcmp(s->known[i].pci, pci))
			return &s->known[i];
	if (s->count == MAX_OPEN)
		return NULL;
	snprintf(s->known[s->count].pci, sizeof(s->known->pci), "%s", pci);
	return &s->known[s->count++];
}

/* ---- Events ---------------------------------------------------------------------------------- */

static void take_events(struct sampler *s)
{
	struct uevent event;
	int64_t corrected, uncorrected;
	char name[32], pci[16];

	while ((s->events.record || s->events.socket >= 0) &&
	       uevent_next(&s->events, &event, 0) == 1) {
		struct known *k;

		if (!uevent_number(&event, "CORRECTED", &corrected) ||
		    !uevent_number(&event, "UNCORRECTED", &uncorrected))
			continue;
		uevent_card(&event, name, pci);
		k = find_known(s, pci);
		if (!k)
			continue;
		k->ecc_told = true;
		k->corrected = corrected;
		k->uncorrected = uncorrected;
	}
}

/* ---- Cards ----------------------------------------------------------------------------------- */

/* Lines "memory BYTES FREE", "clock KHZ" and, core by core, "core LOAD MXU VPU STORE". */
static void recorded_card(struct sample_card *c)
{
	char path[PATH_MAX], line[256];
	FILE *f;

	system_path(path, "/npu/%s", c->card.pci);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		uint64_t *busy = c->core[c->cores].busy;

		if (sscanf(line, "memory %" SCNu64 " %" SCNu64, &c->local_bytes, &c->local_free) ==
		    2)
			c->opened = true;
		sscanf(line, "clock %" SCNu32, &c->clock_khz);
		if (c->cores + 1 < NPU_MAX_CORES &&
		    sscanf(line, "core %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, &busy[0],
			   &busy[1], &busy[2], &busy[3]) == 4) {
			c->counted = true;
			c->cores++;
		}
	}
	if (f)
		fclose(f);
}

static void count_cores(struct sample_card *c, struct npu_device *dev, unsigned int cores)
{
	struct npu_engine_counters counters[NPU_ENGINES];

	c->counted = true;
	for (c->cores = 0; c->cores < cores && c->cores < NPU_MAX_CORES; c->cores++) {
		if (npu_device_counters(dev, c->cores, counters)) {
			c->counted = false;
			return;
		}
		for (unsigned int e = 0; e < NPU_ENGINES; e++)
			c->core[c->cores].busy[e] = counters[e].busy;
	}
}

/* Reading counters would wake it. */
static bool asleep(const struct card *card)
{
	char status[32];

	return system_line(status, sizeof(status), "/sys/bus/pci/devices/%s/power/runtime_status",
			   card->pci) &&
	       !strcmp(status, "suspended");
}

static void ask_card(struct sample_card *c, struct known *k)
{
	struct npu_memory_info memory;

	if (!k->dev && c->card.name[0] && npu_open(&k->dev, c->card.name))
		k->dev = NULL;
	if (!k->dev)
		return;
	if (npu_device_memory(k->dev, &memory)) {
		/* It is gone, and may come back as another one. */
		npu_close(k->dev);
		k->dev = NULL;
		return;
	}
	c->opened = true;
	c->local_bytes = memory.local_size;
	c->local_free = memory.local_free;
	c->clock_khz = npu_device_caps(k->dev)->clock_khz;
	if (!asleep(&c->card))
		count_cores(c, k->dev, npu_device_caps(k->dev)->cores);
}

static void take_cards(struct sampler *s, struct sample *out)
{
	struct card_list list;

	cards_gather(&list);
	out->cards = need(calloc(list.count + 1, sizeof(*out->cards)));
	out->card_count = list.count;
	for (size_t i = 0; i < list.count; i++) {
		struct sample_card *c = &out->cards[i];
		struct known *k = find_known(s, list.cards[i].pci);

		c->card = list.cards[i];
		figures_read(&c->card, &c->figures);
		if (!k)
			continue;
		if (*system_root())
			recorded_card(c);
		else
			ask_card(c, k);
		c->ecc_told = k->ecc_told;
		c->corrected = k->corrected;
		c->uncorrected = k->uncorrected;
	}
	cards_free(&list);
}

/* ---- Clients --------------------------------------------------------------------------------- */

/* "VALUE [KiB|MiB]" */
static uint64_t bytes(const char *text)
{
	char unit[8] = "";
	uint64_t value = 0;

	sscanf(text, "%" SCNu64 " %7s", &value, unit);
	return value << (!strcmp(unit, "KiB") ? 10 : !strcmp(unit, "MiB") ? 20 : 0);
}

/* False: not a file of npu's. */
static bool read_fdinfo(FILE *f, struct sample_client *c)
{
	char line[256];
	bool ours = false;

	while (fgets(line, sizeof(line), f)) {
		char *value = strchr(line, ':');

		if (!value)
			continue;
		*value++ = 0;
		value += strspn(value, " \t");
		value[strcspn(value, "\n")] = 0;
		if (!strcmp(line, "drm-driver"))
			ours = !strcmp(value, "npu");
		else if (!strcmp(line, "drm-client-id"))
			c->id = strtoull(value, NULL, 10);
		else if (!strcmp(line, "drm-pdev"))
			snprintf(c->pci, sizeof(c->pci), "%.15s", value);
		else if (!strcmp(line, "drm-engine-npu"))
			c->busy_ns = strtoull(value, NULL, 10);
		else if (!strcmp(line, "drm-total-system"))
			c->host_bytes = bytes(value);
		else if (!strcmp(line, "drm-total-local"))
			c->local_bytes = bytes(value);
	}
	return ours;
}

/* A file may be open under many numbers, in many processes: the first one has it. */
static void add_client(struct sample *out, const struct sample_client *c)
{
	for (size_t i = 0; i < out->client_count; i++)
		if (out->clients[i].id == c->id && !strcmp(out->clients[i].pci, c->pci))
			return;
	out->clients =
		need(reallocarray(out->clients, out->client_count + 1, sizeof(*out->clients)));
	out->clients[out->client_count++] = *c;
}

/* Files of /dev/accel alone are worth to be asked; a snapshot has no others. */
static bool may_be_ours(int pid, const char *fd)
{
	char path[PATH_MAX], target[32];
	ssize_t n;

	if (*system_root())
		return true;
	system_path(path, "/proc/%d/fd/%s", pid, fd);
	n = readlink(path, target, sizeof(target));
	return n > 11 && !strncmp(target, "/dev/accel/", 11);
}

static void take_process(struct sample *out, int pid)
{
	char path[PATH_MAX];
	struct dirent *d;
	DIR *dir;

	system_path(path, "/proc/%d/fdinfo", pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir))) {
		struct sample_client c = { .pid = pid };
		FILE *f;

		if (!isdigit((unsigned char)d->d_name[0]) || !may_be_ours(pid, d->d_name))
			continue;
		system_path(path, "/proc/%d/fdinfo/%s", pid, d->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (read_fdinfo(f, &c)) {
			system_line(c.comm, sizeof(c.comm), "/proc/%d/comm", pid);
			add_client(out, &c);
		}
		fclose(f);
	}
	if (dir)
		closedir(dir);
}

static int is_process(const struct dirent *d)
{
	int pid = atoi(d->d_name);

	return isdigit((unsigned char)d->d_name[0]) && pid != getpid();
}

static void take_clients(struct sample *out)
{
	struct dirent **dir;
	char path[PATH_MAX];
	int count;

	system_path(path, "/proc");
	/* In their order, so that whose file is open in two processes stays the same. */
	count = scandir(path, &dir, is_process, versionsort);
	for (int i = 0; i < count; i++) {
		take_process(out, atoi(dir[i]->d_name));
		free(dir[i]);
	}
	if (count >= 0)
		free(dir);
}

void sample_take_cards(struct sampler *s, struct sample *out)
{
	struct timespec t;
	char uptime[64];

	memset(out, 0, sizeof(*out));
	clock_gettime(CLOCK_MONOTONIC, &t);
	out->time_s = t.tv_sec + t.tv_nsec * 1e-9;
	if (*system_root() && system_line(uptime, sizeof(uptime), "/proc/uptime"))
		out->time_s = strtod(uptime, NULL);
	take_events(s);
	take_cards(s, out);
}

void sample_take(struct sampler *s, struct sample *out)
{
	sample_take_cards(s, out);
	take_clients(out);
}

void sample_free(struct sample *sample)
{
	free(sample->cards);
	free(sample->clients);
	memset(sample, 0, sizeof(*sample));
}
