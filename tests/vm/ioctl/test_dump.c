// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Post-mortems: a job that faults and one that hangs leave a dump that names them, with the code that
 * was submitted; the first one stays until it is let go of. Wants root, a card with inject=on, and a
 * kernel with devcoredumps.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <npu/dump.h>

#include "npu_test.h"

#define CODE_VA		0x100000ull
#define DATA_VA		0x200000ull
#define SIZE		0x10000u
#define NOWHERE		0x123456000ull
#define SHORT_MS	300

struct env {
	int fd;
	uint32_t vm;
	struct npu_buf code;
	struct npu_buf data;
	struct npu_q q;
	uint32_t sync;
	char data_file[128];	/* the card's dump, if there is one */
};

/* Lets go of the dump that others have left; true when there was one. */
static bool let_go(struct env *e)
{
	int fd = open(e->data_file, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	assert_int_equal(write(fd, "1", 1), 1);
	close(fd);
	while (!access(e->data_file, F_OK))
		usleep(1000);
	return true;
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	char name[32];

	e->fd = npu_open();
	npu_pci_name(e->fd, name, sizeof(name));
	snprintf(e->data_file, sizeof(e->data_file), "/sys/bus/pci/devices/%s/devcoredump/data", name);
	/* One that is under way would come after. */
	usleep(100000);
	let_go(e);
	e->vm = npu_vm_create(e->fd);
	e->code = npu_buf_create(e->fd, e->vm, CODE_VA, SIZE, 0);
	e->data = npu_buf_create(e->fd, e->vm, DATA_VA, SIZE, DRM_NPU_BO_LOCAL);
	e->q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, SHORT_MS);
	e->sync = npu_syncobj_create(e->fd);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	usleep(100000);
	let_go(e);
	npu_queue_unmap(&e->q);
	munmap(e->code.map, SIZE);
	munmap(e->data.map, SIZE);
	close(e->fd);
	free(e);
	return 0;
}

/* ---- Reading ----------------------------------------------------------------------------------- */

/* With NPU_DUMP_KEEP=DIR, dumps are kept there, numbered: what npuctl's tests have was made so. */
static void keep(const uint8_t *bytes, size_t size)
{
	const char *dir = getenv("NPU_DUMP_KEEP");
	static unsigned int number;
	char path[256];
	FILE *f;

	if (!dir)
		return;
	snprintf(path, sizeof(path), "%s/%u.dump", dir, number++);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

struct dump {
	uint8_t *bytes;
	size_t size;
	const struct npu_dump_header *header;
};

static struct dump read_dump(struct env *e)
{
	struct dump d = { .bytes = malloc(4 << 20) };
	ssize_t got;
	int fd = -1;

	/* A work makes it. */
	for (int i = 0; i < 6000 && fd < 0; i++) {
		fd = open(e->data_file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			usleep(10000);
	}
	if (fd < 0)
		fail_msg("%s: %s", e->data_file, strerror(errno));
	while ((got = read(fd, d.bytes + d.size, (4 << 20) - d.size)) > 0)
		d.size += got;
	assert_int_equal(got, 0);
	close(fd);
	keep(d.bytes, d.size);

	d.header = (void *)d.bytes;
	assert_true(d.size >= sizeof(*d.header));
	assert_memory_equal(d.header->magic, NPU_DUMP_MAGIC, sizeof(NPU_DUMP_MAGIC));
	assert_int_equal(d.header->version, NPU_DUMP_VERSION);
	assert_int_equal(d.header->size, d.size);
	assert_int_equal(d.header->truncated, 0);
	return d;
}

/* The section of a type and index, and its entries; NULL when there is none. */
static const void *section(const struct dump *d, uint32_t type, uint32_t index, uint32_t *count)
{
	for (uint32_t i = 0; i < d->header->sections; i++) {
		const struct npu_dump_section *s = (void *)(d->bytes + d->header->table +
							     i * d->header->section_stride);

		assert_true((const uint8_t *)(s + 1) <= d->bytes + d->size);
		assert_int_equal(s->offset % 8, 0);
		assert_true(s->offset <= d->size);
		assert_true((uint64_t)s->count * s->stride <= d->size - s->offset);
		if (s->type != type || s->index != index)
			continue;
		*count = s->count;
		return d->bytes + s->offset;
	}
	return NULL;
}

static const struct npu_dump_job *the_job(const struct dump *d)
{
	uint32_t n;
	const struct npu_dump_job *job = section(d, NPU_DUMP_JOB, 0, &n);

	assert_non_null(job);
	assert_int_equal(n, 1);
	return job;
}

static uint32_t reg(const struct dump *d, uint32_t moment, uint32_t offset)
{
	uint32_t n;
	const struct npu_dump_reg *r = section(d, NPU_DUMP_REGS, moment, &n);

	assert_non_null(r);
	for (uint32_t i = 0; i < n; i++)
		if (r[i].offset == offset)
			return r[i].value;
	fail_msg("no register %#x", offset);
	return 0;
}

static void assert_job(struct env *e, const struct dump *d, uint64_t seqno, int error)
{
	const struct npu_dump_job *job = the_job(d);
	struct drm_npu_info info = npu_info(e->fd);
	const struct npu_side_table *table;
	const struct npu_dump_queue *q;
	bool found = false;
	uint32_t n;

	assert_int_equal(job->seqno, seqno);
	assert_int_equal(job->queue, e->q.id);
	assert_int_equal(job->pid, getpid());
	assert_string_equal((const char *)job->comm, "test_dump");
	assert_int_equal((int)job->status, error);
	assert_int_equal(job->timeout_ms, SHORT_MS);
	assert_int_equal(job->ended, 1);
	assert_int_equal(job->ncores, 1);
	assert_true(job->ring < info.rings);
	table = section(d, NPU_DUMP_SIDE_TABLE, 0, &n);
	assert_non_null(table);
	assert_int_equal(n, offsetof(struct npu_side_table, stream[1]));
	assert_int_equal(table->stream[0].addr, CODE_VA);

	/* What the card is, from the card itself. */
	assert_int_equal(reg(d, NPU_DUMP_LATER, NPU_REG_MAGIC), NPU_MAGIC);
	assert_int_equal(reg(d, NPU_DUMP_LATER, NPU_REG_CORES), info.cores);
	assert_int_equal(reg(d, NPU_DUMP_AT_ONCE, NPU_RING(job->ring) + NPU_RING_CTRL), NPU_RING_ENABLE);

	q = section(d, NPU_DUMP_QUEUES, 0, &n);
	assert_non_null(q);
	for (uint32_t i = 0; i < n; i++) {
		if (q[i].client != job->client || q[i].queue != e->q.id)
			continue;
		found = true;
		assert_int_equal(q[i].submitted, seqno);
		assert_int_equal((int)q[i].error, error);
		assert_int_equal(q[i].ctx, job->ctx);
	}
	assert_true(found);
	assert_non_null(section(d, NPU_DUMP_RINGS, 0, &n));
	assert_true(n <= info.rings && n > job->ring);
}

static void assert_mapping(const struct dump *d, uint64_t va, uint64_t size, uint32_t flags)
{
	uint32_t n;
	const struct npu_dump_mapping *m = section(d, NPU_DUMP_MAPPINGS, 0, &n);

	assert_non_null(m);
	for (uint32_t i = 0; i < n; i++) {
		if (m[i].addr != va)
			continue;
		assert_int_equal(m[i].size, size);
		assert_int_equal(m[i].flags, flags);
		return;
	}
	fail_msg("no mapping at %#llx", (unsigned long long)va);
}

/* ---- Tests ------------------------------------------------------------------------------------- */

/* Fills the code with good copies, then one that reads from nowhere; returns where that begins. */
static size_t put_fault(struct env *e, unsigned int copies, size_t *size)
{
	size_t at, len = 0;

	for (unsigned int i = 0; i < copies; i++) {
		len += npu_put_load(e->code.map + len, 1, 16, 100 + i);
		len += npu_put_store(e->code.map + len, 2, 16, 100 + i);
		len += npu_put_barrier(e->code.map + len);
	}
	at = len;
	len += npu_put_load(e->code.map + len, 0, 64, 0xbad);
	len += npu_put_store(e->code.map + len, 2, 64, 0xbad);
	assert_true(len <= SIZE);
	*size = len;
	return at;
}

static const uint64_t regions[3] = { NOWHERE, DATA_VA, DATA_VA + 0x1000 };

static void assert_code(struct env *e, const struct dump *d, size_t size, size_t at)
{
	uint32_t n;
	const struct npu_dump_stream *s = section(d, NPU_DUMP_STREAMS, 0, &n);
	const uint8_t *code;

	assert_non_null(s);
	assert_int_equal(n, 1);
	assert_int_equal(s->addr, CODE_VA);
	assert_int_equal(s->size, size);
	assert_true(s->start <= at && s->start + s->bytes > at);
	code = section(d, NPU_DUMP_CODE, 0, &n);
	assert_non_null(code);
	assert_int_equal(n, s->bytes);
	assert_memory_equal(code, e->code.map + s->start, n);
}

static void test_fault(void **state)
{
	struct env *e = *state;
	const struct npu_dump_job *job;
	struct dump d;
	size_t size, at;
	uint64_t seqno;
	uint32_t n;

	/* So long that the dump has a part of it only. */
	at = put_fault(e, 150, &size);
	assert_true(at > 16384);
	seqno = npu_submit(&e->q, CODE_VA, size, regions, 3, 1, 0, e->sync);
	npu_syncobj_wait(e->fd, e->sync);
	assert_int_equal(npu_queue_result(&e->q, seqno).error, -EFAULT);

	d = read_dump(e);
	assert_int_equal(d.header->reason, NPU_DUMP_FAULT);
	assert_job(e, &d, seqno, -EFAULT);
	job = the_job(&d);
	assert_int_equal(job->error.status, NPU_JOB_FAULT);
	assert_int_equal(job->error.reason, NPU_REASON_NOT_PRESENT);
	assert_int_equal(job->error.cmd, at);
	assert_int_equal(job->error.tag, 0xbad);
	assert_int_equal(job->error.addr, NOWHERE);
	assert_code(e, &d, size, at);
	assert_non_null(section(&d, NPU_DUMP_SLOTS, job->ring, &n));
	assert_mapping(&d, CODE_VA, SIZE, 0);
	assert_mapping(&d, DATA_VA, SIZE, NPU_DUMP_MAPPING_LOCAL);
	free(d.bytes);
}

static void test_timeout(void **state)
{
	struct env *e = *state;
	const struct npu_dump_job *job;
	const uint64_t copy[2] = { DATA_VA, DATA_VA + 0x1000 };
	struct dump d;
	size_t size, at;
	uint64_t seqno;

	at = npu_put_copy(e->code.map, 16);
	size = at + npu_put_hang(e->code.map + at);
	seqno = npu_submit(&e->q, CODE_VA, size, copy, 2, 1, 0, e->sync);
	npu_syncobj_wait(e->fd, e->sync);
	assert_int_equal(npu_queue_result(&e->q, seqno).error, -ETIMEDOUT);

	d = read_dump(e);
	assert_int_equal(d.header->reason, NPU_DUMP_TIMEOUT);
	assert_job(e, &d, seqno, -ETIMEDOUT);
	job = the_job(&d);
	assert_int_equal(job->error.status, NPU_JOB_ABORTED);
	/* As it ran. */
	assert_int_equal(reg(&d, NPU_DUMP_AT_ONCE, NPU_RING(job->ring) + NPU_RING_STATUS), NPU_RING_RUNNING);
	assert_int_equal(reg(&d, NPU_DUMP_AT_ONCE, NPU_RING(job->ring) + NPU_RING_JOB_LO), job->id);
	/* And later. */
	assert_int_equal(reg(&d, NPU_DUMP_LATER, NPU_RING(job->ring) + NPU_RING_STATUS), 0);
	assert_code(e, &d, size, at);
	free(d.bytes);
}

/* The first one stays, whatever happens; once let go of, there is another. */
static void test_first_only(void **state)
{
	struct env *e = *state;
	struct npu_q first = e->q;
	struct dump d;
	size_t size;

	put_fault(e, 0, &size);
	npu_submit(&e->q, CODE_VA, size, regions, 3, 1, 0, e->sync);
	npu_syncobj_wait(e->fd, e->sync);
	d = read_dump(e);
	assert_int_equal(the_job(&d)->queue, first.id);
	free(d.bytes);

	for (int i = 0; i < 3; i++) {
		e->q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, SHORT_MS);
		npu_submit(&e->q, CODE_VA, size, regions, 3, 1, 0, e->sync);
		npu_syncobj_wait(e->fd, e->sync);
		usleep(50000);
	}
	d = read_dump(e);
	assert_int_equal(the_job(&d)->queue, first.id);
	free(d.bytes);
	assert_true(let_go(e));
	usleep(100000);
	assert_int_not_equal(access(e->data_file, F_OK), 0);

	e->q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, SHORT_MS);
	npu_submit(&e->q, CODE_VA, size, regions, 3, 1, 0, e->sync);
	npu_syncobj_wait(e->fd, e->sync);
	d = read_dump(e);
	assert_int_equal(the_job(&d)->queue, e->q.id);
	free(d.bytes);
	npu_queue_unmap(&first);
}

/* What ends by somebody's wish leaves none. */
static void test_none(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	const uint64_t copy[2] = { DATA_VA, DATA_VA + 0x1000 };
	size_t size;

	size = npu_put_copy(e->code.map, 16);
	npu_submit(&q, CODE_VA, size, copy, 2, 1, 0, e->sync);
	npu_syncobj_wait(e->fd, e->sync);
	size += npu_put_hang(e->code.map + size);
	npu_submit(&q, CODE_VA, size, copy, 2, 1, 0, e->sync);
	npu_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &(struct drm_npu_queue_destroy) { .id = q.id });
	npu_syncobj_wait(e->fd, e->sync);
	usleep(200000);
	assert_int_not_equal(access(e->data_file, F_OK), 0);
	npu_queue_unmap(&q);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fault),
		TEST(timeout),
		TEST(first_only),
		TEST(none),
	};

	if (access("/sys/class/devcoredump", F_OK)) {
		printf("no devcoredumps in this kernel: not tested\n");
		return 0;
	}
	return cmocka_run_group_tests_name("dump", tests, NULL, NULL);
}
