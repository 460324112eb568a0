// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * share [accelN]: two processes with a matrix product each, one's output being the other's input.
 * What lies between is two dma-bufs, used in turn; two timelines tell which of them is full and
 * which is free again. No process waits for the other's jobs to end: the card does.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>

#include <npu/ops.h>

#define SIZE   64
#define SLOTS  2
#define ROUNDS 16

/* What goes through the socket, once: descriptors of the buffers, then of the timelines. */
#define HANDED (SLOTS + 2)

static void die(const char *what)
{
	fprintf(stderr, "share: %s: %s\n", what, *npu_error() ? npu_error() : strerror(errno));
	exit(1);
}

/* ---- Timelines ------------------------------------------------------------------------------- */

/* [timeline] */
/* A syncobj of which each process has a handle of its own. Points are counted from 1. */
struct timeline {
	int node;
	uint32_t handle;
};

/* Promises: the point is reached when the fence has signalled. */
static void timeline_add(const struct timeline *t, uint64_t point, struct npu_fence *fence)
{
	uint32_t binary;
	int fd;

	if (npu_fence_fd(fence, &fd) || drmSyncobjCreate(t->node, 0, &binary) ||
	    drmSyncobjImportSyncFile(t->node, binary, fd) ||
	    drmSyncobjTransfer(t->node, t->handle, point, binary, 0, 0))
		die("no point on the timeline");
	drmSyncobjDestroy(t->node, binary);
	close(fd);
}

/* The promise as a fence. Waits until it is made, at most ten seconds, not until it is kept. */
static struct npu_fence *timeline_fence(const struct timeline *t, uint64_t point,
					struct npu_device *dev)
{
	uint32_t binary, handle = t->handle;
	struct npu_fence *fence;
	struct timespec now;
	int fd;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (drmSyncobjTimelineWait(t->node, &handle, &point, 1,
				   (now.tv_sec + 10) * INT64_C(1000000000),
				   DRM_SYNCOBJ_WAIT_FLAGS_WAIT_AVAILABLE, NULL))
		die("the other process has promised nothing");
	if (drmSyncobjCreate(t->node, 0, &binary) ||
	    drmSyncobjTransfer(t->node, binary, 0, t->handle, point, 0) ||
	    drmSyncobjExportSyncFile(t->node, binary, &fd) || npu_fence_import(dev, fd, &fence))
		die("no fence of a point");
	drmSyncobjDestroy(t->node, binary);
	close(fd);
	return fence;
}
/* [end] */

/* ---- Descriptors through a socket ------------------------------------------------------------ */

static struct msghdr *message(int **fds)
{
	static union {
		struct cmsghdr head;
		char room[CMSG_SPACE(HANDED * sizeof(int))];
	} control;
	static char byte;
	static struct iovec io = { &byte, 1 };
	static struct msghdr msg = { .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control };

	msg.msg_controllen = sizeof(control.room);
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_RIGHTS;
	control.head.cmsg_len = CMSG_LEN(HANDED * sizeof(int));
	*fds = (int *)CMSG_DATA(&control.head);
	return &msg;
}

static void hand_over(int to, const int fds[HANDED])
{
	int *place;
	struct msghdr *msg = message(&place);

	memcpy(place, fds, HANDED * sizeof(int));
	if (sendmsg(to, msg, 0) != 1)
		die("sendmsg");
}

static void take_over(int from, int fds[HANDED])
{
	int *place;
	struct msghdr *msg = message(&place);

	if (recvmsg(from, msg, MSG_CMSG_CLOEXEC) != 1 || msg->msg_controllen == 0)
		die("recvmsg");
	memcpy(fds, place, HANDED * sizeof(int));
}

/* ---- Both processes -------------------------------------------------------------------------- */

struct side {
	struct npu_device *dev;
	struct npu_queue *queue;
	int node; /* for the DRM core's own calls */
	struct npu_buffer *shared[SLOTS];
	struct timeline full, empty;
};

static void open_card(struct side *s, const char *name)
{
	char node[64];

	if (npu_open(&s->dev, name) || npu_queue_create(s->dev, NULL, &s->queue))
		die("no card");
	snprintf(node, sizeof(node), "/dev/accel/%s", npu_device_name(s->dev));
	s->node = open(node, O_RDWR | O_CLOEXEC);
	if (s->node < 0)
		die(node);
	s->full.node = s->empty.node = s->node;
}

static void close_card(struct side *s)
{
	for (int i = 0; i < SLOTS; i++)
		npu_buffer_release(s->shared[i]);
	npu_queue_release(s->queue);
	npu_close(s->dev);
	close(s->node);
}

static struct npu_buffer *make_buffer(struct side *s, size_t size, const void *data)
{
	struct npu_buffer *buf;

	if (npu_buffer_create(s->dev, size, NPU_BUFFER_HOST, &buf) ||
	    (data && npu_buffer_write(buf, 0, data, size)))
		die("no buffer");
	return buf;
}

/* out = a * b, after a fence, which is released. */
static struct npu_fence *multiply(struct side *s, uint32_t out_type, struct npu_buffer *a,
				  struct npu_buffer *b, struct npu_buffer *out,
				  struct npu_fence *after)
{
	const struct npu_matmul product = {
		.m = SIZE,
		.n = SIZE,
		.k = SIZE,
		.a_type = NPU_S8,
		.b_type = NPU_S8,
		.epilogue = { .out_type = out_type },
	};
	const struct npu_product_args args = {
		.a.buffer = a,
		.b.buffer = b,
		.out.buffer = out,
	};
	struct npu_fence *done;

	if (npu_matmul(s->queue, &product, &args, &after, after ? 1 : 0, &done))
		die("no job");
	npu_fence_release(after);
	return done;
}

typedef int8_t matrix[SIZE][SIZE];

/* Numbers small enough that the first product fits 8 bits: its second operand is two diagonals. */
static void fill_input(matrix m, int round)
{
	for (int i = 0; i < SIZE * SIZE; i++)
		m[i / SIZE][i % SIZE] = (int8_t)((i * 11 + round * 29) % 100 - 50);
}

static void fill_diagonals(matrix m)
{
	memset(m, 0, sizeof(matrix));
	for (int i = 0; i < SIZE; i++)
		m[i][i] = m[i][(i + 1) % SIZE] = 1;
}

static void fill_weights(matrix m)
{
	for (int i = 0; i < SIZE * SIZE; i++)
		m[i / SIZE][i % SIZE] = (int8_t)(i * 3);
}

/* ---- The producer ---------------------------------------------------------------------------- */

static void produce(const char *card, int socket)
{
	struct npu_buffer *in[ROUNDS], *diagonals;
	struct npu_fence *done = NULL, *after;
	struct side s = { 0 };
	int fds[HANDED];
	matrix m;

	/* [share] */
	open_card(&s, card);
	for (int i = 0; i < SLOTS; i++) {
		s.shared[i] = make_buffer(&s, sizeof(matrix), NULL);
		if (npu_buffer_export(s.shared[i], &fds[i]))
			die("no dma-buf");
	}
	if (drmSyncobjCreate(s.node, 0, &s.full.handle) ||
	    drmSyncobjCreate(s.node, 0, &s.empty.handle) ||
	    drmSyncobjHandleToFD(s.node, s.full.handle, &fds[SLOTS]) ||
	    drmSyncobjHandleToFD(s.node, s.empty.handle, &fds[SLOTS + 1]))
		die("no timelines");
	hand_over(socket, fds);
	/* [end] */
	for (int i = 0; i < HANDED; i++)
		close(fds[i]);

	fill_diagonals(m);
	diagonals = make_buffer(&s, sizeof(m), m);
	/* [produce] */
	for (int round = 0; round < ROUNDS; round++) {
		fill_input(m, round);
		in[round] = make_buffer(&s, sizeof(m), m);
		/* The slot is free when the round that had it before has been read. */
		after = round < SLOTS ? NULL : timeline_fence(&s.empty, round - SLOTS + 1, s.dev);
		npu_fence_release(done);
		done = multiply(&s, NPU_S8, in[round], diagonals, s.shared[round % SLOTS], after);
		timeline_add(&s.full, round + 1, done);
	}
	/* [end] */

	if (npu_fence_wait(done, NPU_WAIT_FOREVER))
		die("the producer's job failed");
	npu_fence_release(done);
	for (int round = 0; round < ROUNDS; round++)
		npu_buffer_release(in[round]);
	npu_buffer_release(diagonals);
	close_card(&s);
}

/* ---- The consumer ---------------------------------------------------------------------------- */

static int count_wrong(struct npu_buffer *out, int round)
{
	static int32_t got[SIZE][SIZE];
	static matrix in, weights;
	int wrong = 0;

	fill_input(in, round);
	fill_weights(weights);
	if (npu_buffer_read(out, 0, got, sizeof(got)))
		die("no result");
	for (int i = 0; i < SIZE; i++) {
		for (int j = 0; j < SIZE; j++) {
			int32_t sum = 0;

			for (int k = 0; k < SIZE; k++)
				sum += (in[i][k] + in[i][(k + SIZE - 1) % SIZE]) * weights[k][j];
			wrong += sum != got[i][j];
		}
	}
	return wrong;
}

static void consume(const char *card, int socket)
{
	struct npu_buffer *out[ROUNDS], *weights;
	struct npu_fence *done = NULL, *after;
	struct side s = { 0 };
	int fds[HANDED], wrong = 0;
	matrix m;

	/* [take] */
	take_over(socket, fds);
	open_card(&s, card);
	for (int i = 0; i < SLOTS; i++)
		if (npu_buffer_import(s.dev, fds[i], &s.shared[i]))
			die("no buffer of a dma-buf");
	if (drmSyncobjFDToHandle(s.node, fds[SLOTS], &s.full.handle) ||
	    drmSyncobjFDToHandle(s.node, fds[SLOTS + 1], &s.empty.handle))
		die("no timelines");
	/* [end] */
	for (int i = 0; i < HANDED; i++)
		close(fds[i]);

	fill_weights(m);
	weights = make_buffer(&s, sizeof(m), m);
	/* [consume] */
	for (int round = 0; round < ROUNDS; round++) {
		out[round] = make_buffer(&s, sizeof(int32_t[SIZE][SIZE]), NULL);
		after = timeline_fence(&s.full, round + 1, s.dev);
		npu_fence_release(done);
		done = multiply(&s, NPU_S32, s.shared[round % SLOTS], weights, out[round], after);
		timeline_add(&s.empty, round + 1, done);
	}
	/* [end] */

	if (npu_fence_wait(done, NPU_WAIT_FOREVER))
		die("the consumer's job failed");
	npu_fence_release(done);
	for (int round = 0; round < ROUNDS; round++) {
		wrong += count_wrong(out[round], round);
		npu_buffer_release(out[round]);
	}
	printf("%d rounds, %d of %d sums are wrong\n", ROUNDS, wrong, ROUNDS * SIZE * SIZE);
	npu_buffer_release(weights);
	close_card(&s);
	if (wrong)
		exit(1);
}

int main(int argc, char **argv)
{
	const char *card = argc > 1 ? argv[1] : NULL;
	int sockets[2], status;
	pid_t child;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets))
		die("socketpair");
	child = fork();
	if (child < 0)
		die("fork");
	if (!child) {
		close(sockets[0]);
		consume(card, sockets[1]);
		return 0;
	}
	close(sockets[1]);
	produce(card, sockets[0]);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		die("the consumer is gone");
	return WEXITSTATUS(status);
}
