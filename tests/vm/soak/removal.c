// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Cards that are pulled out and put in again, reset, and removed and found again by the administrator,
 * @count times, while processes compute on them. After each nobody is stuck, every fence has signalled and
 * the next job works; at the end the memory is back.
 *
 * Surprise removal wants run.sh's --qmp and several cards: pciehp takes seconds for each, so each card has
 * a process of its own that pulls it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../ioctl/npu_inject.h"
#include "soak.h"

#define MOST_CARDS	8
#define WORKERS		2
/* Lost in each round in this much memory, on the average, is nothing but noise. */
#define NOISE_KB	16
/* Before memory is looked at the first time: what grows once. */
#define WARM_UP		8

struct card {
	char name[32];
	unsigned int count;
	unsigned int seed;
	volatile uint64_t done;
	struct soak_worker worker[WORKERS];
	pid_t pid[WORKERS];
};

static struct card *cards;
static int ncards;

static void find_cards(void)
{
	cards = soak_share(MOST_CARDS * sizeof(*cards));
	for (int i = 0; i < MOST_CARDS; i++) {
		char path[64];
		int fd;

		snprintf(path, sizeof(path), "/dev/accel/accel%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		npu_pci_name(fd, cards[ncards].name, sizeof(cards[ncards].name));
		cards[ncards++].seed = soak_roll(1u << 30);
		close(fd);
	}
	assert_true(ncards > 0);
}

static void start_workers(struct card *c, enum soak_fate fate)
{
	for (int i = 0; i < WORKERS; i++) {
		struct soak_worker *w = &c->worker[i];

		w->priority = i ? DRM_NPU_PRIORITY_HIGH : DRM_NPU_PRIORITY_NORMAL;
		w->fate = fate;
		w->seed = soak_roll(1u << 30);
		w->stop = false;
		w->products = 0;
		strcpy(w->card, c->name);
		c->pid[i] = soak_start(soak_worker_run, w);
	}
	for (int i = 0; i < WORKERS; i++)
		soak_await(&c->worker[i].products, 0, c->pid[i], "a process at work");
	usleep(soak_roll(50000));
}

static void reap_workers(struct card *c)
{
	for (int i = 0; i < WORKERS; i++)
		soak_reap(c->pid[i], "a process at work");
}

/* ---- Memory -------------------------------------------------------------------------------------- */

static void write_file(const char *path, const char *text)
{
	int ret = npu_write_file(path, text);

	if (ret)
		fail_msg("%s < %s: %s", path, text, strerror(-ret));
}

static long long available_kb(void)
{
	long long kb = -1;
	char line[128];
	FILE *file;

	sync();
	write_file("/proc/sys/vm/drop_caches", "3");
	/* RCU and works give back what is theirs. */
	sleep(1);
	file = fopen("/proc/meminfo", "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %lld", &kb) == 1)
			break;
	fclose(file);
	assert_true(kb > 0);
	return kb;
}

static void expect_nothing_left(const char *what, unsigned int rounds, long long before_kb)
{
	long long lost;

	for (int i = 0; i < ncards; i++) {
		int fd = npu_open_card(cards[i].name);

		assert_true(fd >= 0);
		npu_expect_empty(fd);
		assert_int_equal(npu_sysfs(fd, "wedged"), 0);
		close(fd);
	}
	if (rounds <= WARM_UP)
		return;
	rounds -= WARM_UP;
	lost = before_kb - available_kb();
	soak_say("%s: %.1f KiB less memory a round, over %u rounds", what, (double)lost / rounds, rounds);
	/* A card's rings alone are a thousand. */
	if (lost > (long long)NOISE_KB * rounds + 4096)
		fail_msg("memory is lost: %lld KiB in %u rounds", lost, rounds);
}

/* ---- Surprise ------------------------------------------------------------------------------------ */

static void pull_and_put(void *arg)
{
	struct card *c = arg;

	soak_seed(c->seed);
	while (c->done < c->count) {
		start_workers(c, SOAK_GONE);
		npu_inject(c->name, "removal", 1);
		reap_workers(c);
		npu_inject_put_in(c->name);
		soak_card_works(c->name);
		c->done++;
	}
}

static unsigned int all_done(void)
{
	unsigned int sum = 0;

	for (int i = 0; i < ncards; i++)
		sum += cards[i].done;
	return sum;
}

/* All cards at once, until it was @upto times in all. */
static void pull_all(unsigned int upto, unsigned int count)
{
	unsigned int todo = upto - all_done();
	pid_t pid[MOST_CARDS];

	for (int i = 0; i < ncards; i++) {
		cards[i].count = cards[i].done + (todo + ncards - 1 - i) / ncards;
		pid[i] = soak_start(pull_and_put, &cards[i]);
	}
	while (all_done() < upto) {
		for (int i = 0; i < ncards; i++)
			if (soak_has_ended(pid[i]) && cards[i].done < cards[i].count)
				soak_reap(pid[i], "who pulls a card");
		usleep(100000);
		if (soak_due(all_done(), count))
			soak_say("surprise: %u of %u", all_done(), count);
	}
	for (int i = 0; i < ncards; i++)
		soak_reap(pid[i], "who pulls a card");
}

void soak_surprise(unsigned int count)
{
	long long before_kb = 0;

	find_cards();
	if (count > WARM_UP) {
		pull_all(WARM_UP, count);
		before_kb = available_kb();
	}
	pull_all(count, count);
	expect_nothing_left("surprise", count, before_kb);
}

/* ---- What the administrator does ------------------------------------------------------------------- */

/* Jobs that ran are lost, all others are done. */
static void reset_card(struct card *c)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", c->name);
	write_file(path, "1");
}

void soak_flr(unsigned int count)
{
	long long resets[MOST_CARDS], before_kb = 0;
	uint64_t products = 0, losses = 0;

	find_cards();
	for (int i = 0; i < ncards; i++) {
		int fd = npu_open_card(cards[i].name);

		resets[i] = npu_sysfs(fd, "resets");
		close(fd);
		start_workers(&cards[i], SOAK_LOSSES);
	}
	for (unsigned int n = 0; n < count; n++) {
		struct card *c = &cards[n % ncards];

		if (n == WARM_UP)
			before_kb = available_kb();
		usleep(soak_roll(50000));
		reset_card(c);
		soak_card_works(c->name);
		c->done++;
		for (int i = 0; i < WORKERS; i++)
			soak_await(&c->worker[i].products, c->worker[i].products, c->pid[i],
				   "a process at work");
		if (soak_due(n + 1, count))
			soak_say("flr: %u of %u", n + 1, count);
	}
	for (int i = 0; i < ncards; i++) {
		struct card *c = &cards[i];
		int fd = npu_open_card(c->name);

		for (int j = 0; j < WORKERS; j++)
			c->worker[j].stop = true;
		reap_workers(c);
		for (int j = 0; j < WORKERS; j++) {
			products += c->worker[j].products;
			losses += c->worker[j].losses;
		}
		/* Nobody has reset it but we. */
		assert_int_equal(npu_sysfs(fd, "resets") - resets[i], c->done);
		close(fd);
	}
	soak_say("flr: %llu products right, %llu times jobs were lost", (unsigned long long)products,
		 (unsigned long long)losses);
	expect_nothing_left("flr", count, before_kb);
}

void soak_rescan(unsigned int count)
{
	long long before_kb = 0;

	find_cards();
	for (unsigned int n = 0; n < count; n++) {
		struct card *c = &cards[n % ncards];
		char path[128];

		if (n == WARM_UP)
			before_kb = available_kb();
		start_workers(c, SOAK_GONE);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", c->name);
		write_file(path, "1");
		reap_workers(c);
		write_file("/sys/bus/pci/rescan", "1");
		if (!npu_inject_until_bound(c->name, true, 60))
			fail_msg("%s is not found again", c->name);
		soak_card_works(c->name);
		if (soak_due(n + 1, count))
			soak_say("rescan: %u of %u", n + 1, count);
	}
	expect_nothing_left("rescan", count, before_kb);
}
