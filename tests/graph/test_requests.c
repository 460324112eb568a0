// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * One compiled network, many who want it at once: threads with a queue each, threads that share
 * one, more queues than the card has rings, processes with the device opened each for itself. Every
 * result is that of the same network compiled for one core and run alone.
 *
 * The device comes from NPU_DEVICE, without one the simulator.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "networks.h"
#include "npu/image.h"

#define INPUTS	  6u
#define THREADS	  6u
#define ROUNDS	  8u
#define PROCESSES 4u
#define QUEUES	  24u /* a card has 16 rings */
#define CLASSES	  16u

static void *input[INPUTS];
static uint32_t input_bytes;
static int8_t want[INPUTS][CLASSES];
static void *image;
static size_t image_size;

/* One request's memory. */
struct request {
	struct npu_buffer *buffer[16];
	struct npu_binding binding[16];
	struct npu_job job;
	const struct npu_tensor_info *x, *y;
	struct npu_fence *fence;
};

static const char *device_name(void)
{
	const char *name = getenv("NPU_DEVICE");

	return name && *name ? name : "sim:";
}

static int complain(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, npu_error());
	return -1;
}

/* Buffers in local or host memory, as chance has it. */
static int request_init(struct request *r, struct npu_device *dev, struct npu_program *prog,
			unsigned int flags)
{
	unsigned int i;

	memset(r, 0, sizeof(*r));
	r->job.program = prog;
	r->job.bindings = r->binding;
	for (i = 0; i < npu_program_tensors(prog); i++) {
		const struct npu_tensor_info *t = npu_program_tensor(prog, i);

		*(t->role == NPU_TENSOR_INPUT ? &r->x : &r->y) = t;
	}
	for (i = 0; i < 16; i++) {
		const struct npu_region_info *region = npu_program_region(prog, i);

		if (region->kind != NPU_REGION_BOUND)
			continue;
		if (npu_buffer_create(dev, region->size, flags, &r->buffer[i]))
			return complain("buffer");
		r->binding[r->job.binding_count++] =
			(struct npu_binding){ .region = i, .buffer = r->buffer[i] };
	}
	return 0;
}

static void request_free(struct request *r)
{
	npu_fence_release(r->fence);
	for (unsigned int i = 0; i < 16; i++)
		npu_buffer_release(r->buffer[i]);
}

static int request_submit(struct request *r, struct npu_queue *queue, unsigned int number)
{
	if (npu_buffer_write(r->buffer[r->x->region], r->x->offset, input[number], input_bytes) ||
	    npu_queue_submit(queue, &r->job, 1, NULL, 0, &r->fence))
		return complain("submit");
	return 0;
}

/* Wait for it; its result into @got. */
static int request_result(struct request *r, int8_t got[CLASSES])
{
	int ret = npu_fence_wait(r->fence, NPU_WAIT_FOREVER);

	npu_fence_release(r->fence);
	r->fence = NULL;
	if (ret || npu_buffer_read(r->buffer[r->y->region], r->y->offset, got, CLASSES))
		return complain("result");
	return 0;
}

static int request_check(struct request *r, unsigned int number)
{
	int8_t got[CLASSES];

	if (request_result(r, got))
		return -1;
	if (!memcmp(got, want[number], CLASSES))
		return 0;
	fprintf(stderr, "input %u: not the result that it gives alone\n", number);
	return -1;
}

/* ---- Threads --------------------------------------------------------------------------------- */

struct worker {
	pthread_t thread;
	struct npu_device *dev;
	struct npu_program *prog;
	struct npu_queue *queue; /* NULL: one of its own */
	unsigned int number;
	int ret;
};

static void *work(void *opaque)
{
	struct worker *w = opaque;
	struct npu_queue *queue = w->queue;
	struct request r[2];
	unsigned int i, k, next;

	memset(r, 0, sizeof(r));
	w->ret = -1;
	if (!queue && npu_queue_create(w->dev, NULL, &queue))
		goto out;
	for (i = 0; i < 2; i++)
		if (request_init(&r[i], w->dev, w->prog, (w->number + i) & NPU_BUFFER_LOCAL))
			goto out;
	/* Two under way. */
	for (i = 0; i < ROUNDS; i++) {
		for (k = 0; k < 2; k++) {
			next = (w->number + i + k) % INPUTS;
			if (request_submit(&r[k], queue, next))
				goto out;
		}
		for (k = 0; k < 2; k++)
			if (request_check(&r[k], (w->number + i + k) % INPUTS))
				goto out;
	}
	w->ret = 0;
out:
	if (!w->queue)
		npu_queue_release(queue);
	request_free(&r[0]);
	request_free(&r[1]);
	return NULL;
}

/* @queue: all share it; NULL: each has its own. 0: all results were right. */
static int run_threads(struct npu_device *dev, struct npu_program *prog, struct npu_queue *queue)
{
	struct worker w[THREADS];
	unsigned int i, n;
	int ret = 0;

	for (n = 0; n < THREADS; n++) {
		w[n] = (struct worker){ .dev = dev, .prog = prog, .queue = queue, .number = n };
		if (pthread_create(&w[n].thread, NULL, work, &w[n]))
			break;
	}
	for (i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		ret |= w[i].ret;
	}
	return n == THREADS ? ret : -1;
}

static void open_all(struct npu_device **dev, struct npu_program **prog)
{
	if (npu_open(dev, device_name()) || npu_program_create(*dev, image, image_size, prog))
		fail_msg("%s", npu_error());
}

static void threads_with_queues(void **state)
{
	struct npu_device *dev;
	struct npu_program *prog;

	(void)state;
	open_all(&dev, &prog);
	assert_int_equal(run_threads(dev, prog, NULL), 0);
	npu_program_release(prog);
	npu_close(dev);
}

static void threads_with_one_queue(void **state)
{
	struct npu_device *dev;
	struct npu_program *prog;
	struct npu_queue *queue;

	(void)state;
	open_all(&dev, &prog);
	assert_int_equal(npu_queue_create(dev, NULL, &queue), 0);
	assert_int_equal(run_threads(dev, prog, queue), 0);
	npu_queue_release(queue);
	npu_program_release(prog);
	npu_close(dev);
}

/* All under way before the first is looked at; then in another order. */
static void more_queues_than_rings(void **state)
{
	struct npu_queue *queue[QUEUES];
	struct request r[QUEUES];
	struct npu_device *dev;
	struct npu_program *prog;
	unsigned int i;

	(void)state;
	open_all(&dev, &prog);
	for (i = 0; i < QUEUES; i++) {
		assert_int_equal(npu_queue_create(dev, NULL, &queue[i]), 0);
		assert_int_equal(request_init(&r[i], dev, prog, i & NPU_BUFFER_LOCAL), 0);
	}
	for (i = 0; i < QUEUES; i++)
		assert_int_equal(request_submit(&r[i], queue[i], i % INPUTS), 0);
	for (i = 0; i < QUEUES; i++) {
		unsigned int k = i * 7 % QUEUES;

		assert_int_equal(request_check(&r[k], k % INPUTS), 0);
	}
	for (i = 0; i < QUEUES; i++) {
		npu_queue_release(queue[i]);
		request_free(&r[i]);
	}
	npu_program_release(prog);
	npu_close(dev);
}

/* ---- Processes ------------------------------------------------------------------------------- */

/* A process of its own has everything of its own but the image. */
static int child(void)
{
	struct npu_device *dev;
	struct npu_program *prog;
	int ret;

	if (npu_open(&dev, device_name()) || npu_program_create(dev, image, image_size, &prog))
		return complain(device_name());
	ret = run_threads(dev, prog, NULL);
	npu_program_release(prog);
	npu_close(dev);
	return ret;
}

static void processes(void **state)
{
	pid_t pid[PROCESSES];
	unsigned int i;
	int status;

	(void)state;
	fflush(NULL);
	for (i = 0; i < PROCESSES; i++) {
		pid[i] = fork();
		assert_true(pid[i] >= 0);
		/* cmocka's exit would be another run of everything that is registered there. */
		if (!pid[i])
			_exit(child() ? 1 : 0);
	}
	for (i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	}
}

/* ---- The network ----------------------------------------------------------------------------- */

static void build(struct network *n)
{
	static const struct network_options small = { .quantised = true,
						      .image = 32,
						      .narrow = 8,
						      .shallow = 1,
						      .classes = CLASSES,
						      .seed = 3 };

	network_mobilenet(n, &small);
}

/* Compiled for one core, one after the other. */
static int make_references(const struct network *n)
{
	struct npu_graph_options one = { .cores = 1 };
	struct npu_device *dev;
	struct npu_program *prog;
	struct npu_queue *queue;
	struct request r;
	uint32_t shape[4], i;
	size_t size;
	void *data;

	if (npu_open(&dev, device_name()) ||
	    npu_graph_compile(n->g, npu_device_caps(dev), &one, &data, &size) ||
	    npu_program_create(dev, data, size, &prog) || npu_queue_create(dev, NULL, &queue) ||
	    npu_graph_compile(n->g, npu_device_caps(dev), NULL, &image, &image_size))
		return complain("the network");
	if (request_init(&r, dev, prog, NPU_BUFFER_LOCAL))
		return -1;
	for (i = 0; i < INPUTS; i++) {
		input[i] = network_input(n, i + 1, shape);
		input_bytes = (uint32_t)r.x->size;
		if (request_submit(&r, queue, i) || request_result(&r, want[i]))
			return -1;
	}
	request_free(&r);
	npu_queue_release(queue);
	npu_program_release(prog);
	npu_close(dev);
	free(data);
	return 0;
}

/* Inputs give different results, or a test that takes one for another finds nothing. */
static void references_differ(void **state)
{
	unsigned int i, k;

	(void)state;
	for (i = 0; i < INPUTS; i++)
		for (k = 0; k < i; k++)
			assert_memory_not_equal(want[i], want[k], CLASSES);
}

int main(void)
{
	/* Processes first: forking with threads about is another test. */
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_differ),	  cmocka_unit_test(processes),
		cmocka_unit_test(threads_with_queues),	  cmocka_unit_test(threads_with_one_queue),
		cmocka_unit_test(more_queues_than_rings),
	};
	struct network n;
	unsigned int i;
	int ret;

	build(&n);
	ret = make_references(&n);
	network_free(&n);
	if (!ret)
		ret = cmocka_run_group_tests_name("requests", tests, NULL, NULL);
	for (i = 0; i < INPUTS; i++)
		free(input[i]);
	free(image);
	return ret ? 1 : 0;
}
