// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: growth_jobs queues|processes COUNT
 *
 * Empty jobs a second, submitted one by one for a second, to COUNT queues of one process in turn or by COUNT processes
 * with a queue each; one JSON object. 32 are under way in all, and at least one of each process. A process opens the
 * card once for so many queues as the driver allows an open file.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "npu/npu.h"
#include "npu/stream.h"

#define QUEUES_A_FILE 256
#define MAX_QUEUES    1024
#define MAX_PROCESSES 256
#define DEPTH	      32
#define SECONDS	      1.0

/* Where processes meet: all are ready before any begins. */
static struct {
	atomic_uint ready;
	atomic_bool go;
	double jobs_per_s[MAX_PROCESSES];
} * shared;

static struct npu_queue *queue[MAX_QUEUES];
static struct npu_program *program[MAX_QUEUES];

static void check(int ret)
{
	if (!ret)
		return;
	fprintf(stderr, "growth_jobs: %s\n", npu_error());
	exit(1);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void make_queues(unsigned int count)
{
	const struct npu_program_desc desc = { 0 };
	struct npu_stream *empty = npu_stream_create();
	struct npu_device *dev = NULL;

	if (!empty)
		check(-ENOMEM);
	for (unsigned int i = 0; i < count; i++) {
		if (i % QUEUES_A_FILE) {
			program[i] = program[i - 1];
		} else {
			check(npu_open(&dev, NULL));
			check(npu_program_from_streams(dev, &empty, 1, &desc, &program[i]));
		}
		check(npu_queue_create(dev, NULL, &queue[i]));
	}
	npu_stream_free(empty);
}

static struct npu_fence *submit(unsigned int i)
{
	const struct npu_job job = { .program = program[i] };
	struct npu_fence *fence;

	check(npu_queue_submit(queue[i], &job, 1, NULL, 0, &fence));
	return fence;
}

static void finish(struct npu_fence *fence)
{
	check(npu_fence_wait(fence, NPU_WAIT_FOREVER));
	npu_fence_release(fence);
}

/* Jobs a second to queues in turn, @depth under way. */
static double measure(unsigned int queues, unsigned int depth)
{
	struct npu_fence *fence[DEPTH];
	unsigned long jobs = 0, done = 0;
	double start = now(), end;

	do {
		if (jobs - done == depth)
			finish(fence[done++ % depth]);
		fence[jobs % depth] = submit(jobs % queues);
		jobs++;
		end = now();
	} while (end - start < SECONDS);
	while (done < jobs)
		finish(fence[done++ % depth]);
	return (double)jobs / (now() - start);
}

static void warm_up(unsigned int queues)
{
	for (unsigned int i = 0; i < queues; i++)
		finish(submit(i));
}

static void process(unsigned int index, unsigned int depth)
{
	make_queues(1);
	warm_up(1);
	shared->ready++;
	while (!shared->go)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	shared->jobs_per_s[index] = measure(1, depth);
	_exit(0);
}

static double measure_processes(unsigned int count)
{
	double sum = 0;
	int status;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		check(-ENOMEM);
	for (unsigned int i = 0; i < count; i++) {
		pid_t pid = fork();

		if (pid < 0)
			exit(1);
		if (!pid)
			process(i, DEPTH > count ? DEPTH / count : 1);
	}
	while (shared->ready < count)
		if (waitpid(-1, &status, WNOHANG) > 0)
			exit(1);
		else
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	shared->go = true;
	for (unsigned int i = 0; i < count; i++) {
		if (wait(&status) < 0 || status)
			exit(1);
	}
	for (unsigned int i = 0; i < count; i++)
		sum += shared->jobs_per_s[i];
	return sum;
}

int main(int argc, char **argv)
{
	unsigned int count = argc == 3 ? (unsigned int)atoi(argv[2]) : 0;
	double rate;

	if (argc == 3 && !strcmp(argv[1], "queues") && count && count <= MAX_QUEUES) {
		make_queues(count);
		warm_up(count);
		rate = measure(count, DEPTH);
	} else if (argc == 3 && !strcmp(argv[1], "processes") && count && count <= MAX_PROCESSES) {
		rate = measure_processes(count);
	} else {
		fputs("usage: growth_jobs queues|processes COUNT\n", stderr);
		return 2;
	}
	printf("{\"count\": %u, \"jobs_per_s\": %.1f}\n", count, rate);
	return fflush(stdout) ? 1 : 0;
}
