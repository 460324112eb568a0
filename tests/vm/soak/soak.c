// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the soaks share but their work; see soak.h.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"

#define PATIENCE_MS	60000
#define TELL_NS		10000000000ull

/* ---- Saying -------------------------------------------------------------------------------------- */

void soak_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("soak: ", stdout);
	vprintf(format, args);
	putchar('\n');
	fflush(stdout);
	va_end(args);
}

bool soak_due(unsigned int done, unsigned int count)
{
	static uint64_t last;
	uint64_t now = soak_now_ns();

	if (done != count && now - last < TELL_NS)
		return false;
	last = now;
	return true;
}

/* ---- Chance and time ----------------------------------------------------------------------------- */

static unsigned int chance;

void soak_seed(unsigned int seed)
{
	chance = seed;
}

unsigned int soak_roll(unsigned int n)
{
	return rand_r(&chance) % n;
}

uint64_t soak_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* ---- The host ------------------------------------------------------------------------------------ */

#define HOST_CPUS	8
#define HOST_TICK_NS	10000000ull

static volatile uint64_t *stolen;

static void watch_cpu(void *arg)
{
	int cpu = (intptr_t)arg;
	struct sched_param param = { .sched_priority = 50 };
	const struct timespec tick = { .tv_nsec = HOST_TICK_NS };
	uint64_t last = soak_now_ns(), now;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		_exit(0);
	assert_int_equal(sched_setscheduler(0, SCHED_FIFO, &param), 0);
	for (;; last = now) {
		nanosleep(&tick, NULL);
		now = soak_now_ns();
		if (now - last > 2 * HOST_TICK_NS)
			stolen[cpu] += now - last - HOST_TICK_NS;
	}
}

void soak_watch_host(void)
{
	stolen = soak_share(HOST_CPUS * sizeof(*stolen));
	for (intptr_t cpu = 0; cpu < sysconf(_SC_NPROCESSORS_ONLN) && cpu < HOST_CPUS; cpu++)
		soak_start(watch_cpu, (void *)cpu);
}

uint64_t soak_stolen_ns(void)
{
	uint64_t sum = 0;

	for (int cpu = 0; stolen && cpu < HOST_CPUS; cpu++)
		sum += stolen[cpu];
	return sum;
}

uint64_t soak_delay_own(uint64_t delay_ns, uint64_t stolen_ns)
{
	uint64_t part = soak_stolen_ns() - stolen_ns;

	return part < delay_ns ? delay_ns - part : 0;
}

/* ---- Processes ----------------------------------------------------------------------------------- */

void *soak_share(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(at, MAP_FAILED);
	return at;
}

pid_t soak_start(void (*run)(void *arg), void *arg)
{
	pid_t pid = npu_fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(arg);
	_exit(0);
}

bool soak_has_ended(pid_t pid)
{
	siginfo_t info = {};

	assert_int_equal(waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT), 0);
	return info.si_pid;
}

void soak_reap(pid_t pid, const char *who)
{
	int status = 0;
	pid_t ended = 0;

	for (int i = 0; i < PATIENCE_MS / 10 && !ended; i++) {
		ended = waitpid(pid, &status, WNOHANG);
		if (!ended)
			usleep(10000);
	}
	if (!ended)
		fail_msg("%s is stuck", who);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("%s failed (status %#x)", who, status);
}

void soak_await(const volatile uint64_t *counter, uint64_t value, pid_t pid, const char *who)
{
	for (int i = 0; i < PATIENCE_MS && *counter <= value; i++) {
		if (soak_has_ended(pid))
			fail_msg("%s has ended too soon", who);
		usleep(1000);
	}
	if (*counter <= value)
		fail_msg("%s makes no progress", who);
}

/* ---- Delays -------------------------------------------------------------------------------------- */

void soak_delay_add(struct soak_delays *d, uint64_t ns)
{
	uint64_t bin = ns / SOAK_BIN_NS;

	d->bins[bin < SOAK_BINS ? bin : SOAK_BINS - 1]++;
	d->count++;
	if (ns > d->worst_ns)
		d->worst_ns = ns;
}

void soak_delay_merge(struct soak_delays *d, const struct soak_delays *more)
{
	for (unsigned int i = 0; i < SOAK_BINS; i++)
		d->bins[i] += more->bins[i];
	d->count += more->count;
	if (more->worst_ns > d->worst_ns)
		d->worst_ns = more->worst_ns;
}

double soak_delay_median_ms(const struct soak_delays *d)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < SOAK_BINS - 1; i++) {
		sum += d->bins[i];
		if (2 * sum >= d->count)
			break;
	}
	return (i + 0.5) * SOAK_BIN_NS / 1e6;
}

double soak_delay_worst_ms(const struct soak_delays *d)
{
	return d->worst_ns / 1e6;
}
