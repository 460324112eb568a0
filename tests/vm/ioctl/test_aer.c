// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * PCI errors that the root port reports (AER), as the kernel's aer_inject makes them; the resets of the link
 * that follow are real ones. Wants a port with native hot-plug (run.sh --qmp), since QEMU's others say that
 * their link is down. Every test ends with a card that works.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/pci_regs.h>

#include "npu_test.h"
#include "npu_uevent.h"

#define CODE_VA		0x100000ull
#define LOCAL_VA	0x40000000ull
#define SIZE		0x4000u
#define LONG_MS		600000

/* What /dev/aer_inject takes; the kernel has no header of it. */
struct error {
	uint8_t bus, dev, fn;
	uint32_t uncor_status, cor_status, header_log[4], domain;
};

struct env {
	int fd;
	char name[64];
	uint32_t vm;
	struct npu_buf code;
	struct npu_buf local;
	size_t hang;
	volatile uint8_t *runs;	/* not 0: the job that hangs has begun */
	size_t copy;		/* bytes of the stream at 0x1000 */
};

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	e->fd = npu_open();
	npu_pci_name(e->fd, e->name, sizeof(e->name));
	e->vm = npu_vm_create(e->fd);
	e->code = npu_buf_create(e->fd, e->vm, CODE_VA, SIZE, 0);
	e->local = npu_buf_create(e->fd, e->vm, LOCAL_VA, SIZE, DRM_NPU_BO_LOCAL);
	e->hang = npu_put_copy(e->code.map, 1);
	e->hang += npu_put_hang(e->code.map + e->hang);
	e->code.map[0x800] = 1;
	e->runs = e->code.map + 0xc00;
	e->copy = npu_put_copy(e->code.map + 0x1000, 256);
	for (int i = 0; i < 256; i++)
		e->code.map[0x2000 + i] = i ^ 0x5a;
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;

	munmap(e->code.map, SIZE);
	munmap(e->local.map, SIZE);
	close(e->fd);
	free(e);
	return 0;
}

static void start_hanging(struct env *e, const struct npu_q *q, uint32_t sync)
{
	const uint64_t regions[2] = { CODE_VA + 0x800, CODE_VA + 0xc00 };

	npu_submit(q, CODE_VA, e->hang, regions, 2, 1, 0, sync);
	while (!*e->runs)
		usleep(1000);
}

/* A job that copies to local memory, and its outcome. */
static void assert_copies(struct env *e, const struct npu_q *q)
{
	const uint64_t regions[2] = { CODE_VA + 0x2000, LOCAL_VA };
	uint32_t sync = npu_syncobj_create(e->fd);
	uint64_t n = npu_submit(q, CODE_VA + 0x1000, e->copy, regions, 2, 1, 0, sync);

	npu_syncobj_wait(e->fd, sync);
	assert_int_equal(npu_queue_result(q, n).error, 0);
	assert_memory_equal(e->local.map, e->code.map + 0x2000, 256);
	memset(e->local.map, 0, 256);
}

static void report(struct env *e, uint32_t uncorrected, uint32_t corrected)
{
	struct error error = { .uncor_status = uncorrected, .cor_status = corrected };
	unsigned int domain, bus, dev, fn;
	int file = open("/dev/aer_inject", O_WRONLY | O_CLOEXEC);

	if (file < 0)
		fail_msg("/dev/aer_inject: %s", strerror(errno));
	assert_int_equal(sscanf(e->name, "%x:%x:%x.%x", &domain, &bus, &dev, &fn), 4);
	error.domain = domain;
	error.bus = bus;
	error.dev = dev;
	error.fn = fn;
	/* As long as the interrupt of the one before has not been seen, there is no next one. */
	while (write(file, &error, sizeof(error)) < 0)
		if (errno != EBUSY || usleep(1000))
			fail_msg("aer_inject: %s", strerror(errno));
	close(file);
}

/* About a transaction: nothing has happened to the card. */
static void test_harmless(void **state)
{
	struct env *e = *state;
	struct npu_q busy = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_LOW, LONG_MS);
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	long long resets = npu_sysfs(e->fd, "resets");

	start_hanging(e, &busy, npu_syncobj_create(e->fd));
	for (int i = 0; i < 3; i++) {
		report(e, 0, PCI_ERR_COR_RCVR);
		assert_copies(e, &q);
		report(e, PCI_ERR_UNC_COMP_TIME, 0);
		assert_copies(e, &q);
		sleep(1);
	}
	assert_int_equal(npu_queue_state(&busy).completed, 0);
	assert_int_equal(npu_queue_state(&busy).banned, 0);
	assert_int_equal(npu_sysfs(e->fd, "resets"), resets);
	npu_queue_unmap(&busy);
	npu_queue_unmap(&q);
}

/* The link is reset: what ran is lost, local memory too, and so all queues there are; new ones work. */
static void test_link_reset(void **state)
{
	struct env *e = *state;

	for (int round = 0; round < 2; round++) {
		struct npu_q busy = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_LOW, LONG_MS);
		struct npu_q idle = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0), q;
		uint32_t sync = npu_syncobj_create(e->fd);
		long long resets = npu_sysfs(e->fd, "resets");
		int events = npu_uevent_open();
		struct drm_npu_stream stream = { .va = CODE_VA };
		struct drm_npu_job job = { .streams = { sizeof(stream), 1, (uintptr_t)&stream } };
		struct npu_uevent ev;

		assert_copies(e, &idle);
		*e->runs = 0;
		start_hanging(e, &busy, sync);
		report(e, PCI_ERR_UNC_MALF_TLP, 0);
		npu_syncobj_wait(e->fd, sync);
		assert_int_equal(npu_queue_result(&busy, 1).error, -ECANCELED);
		npu_uevent_next(events, e->name, "reset", &ev);
		assert_string_equal(npu_uevent_value(&ev, "STAGE"), "link");
		assert_int_equal(npu_queue_state(&idle).error, -EIO);
		assert_int_equal(npu_try_submit(&idle, &job, 1, NULL, 0, NULL), -ECANCELED);
		assert_int_equal(npu_sysfs(e->fd, "resets"), resets + 1);
		assert_int_equal(npu_sysfs(e->fd, "wedged"), 0);
		q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
		assert_copies(e, &q);
		npu_queue_unmap(&busy);
		npu_queue_unmap(&idle);
		npu_queue_unmap(&q);
		close(events);
	}
}

/* Its driver is unbound in the middle of that: what was submitted meanwhile ends all the same. */
static void test_unbound_meanwhile(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	uint32_t sync = npu_syncobj_create(e->fd);
	struct drm_npu_stream stream = { .va = CODE_VA + 0x1000, .size = e->copy };
	uint64_t regions[2] = { CODE_VA + 0x2000, LOCAL_VA };
	struct drm_npu_job job = {
		.region_count = 2,
		.regions = (uintptr_t)regions,
		.streams = { sizeof(stream), 1, (uintptr_t)&stream },
	};
	struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL, .handle = sync };
	struct pollfd fence = { .events = POLLIN };

	assert_copies(e, &q);
	report(e, PCI_ERR_UNC_MALF_TLP, 0);
	usleep(30000);
	/* If its queue was not banned before. */
	if (!npu_try_submit(&q, &job, 1, &out, 1, NULL))
		fence.fd = npu_syncobj_export_fence(e->fd, sync);
	npu_take_away(NPU_UNBIND, e->name);
	if (fence.fd) {
		assert_int_equal(poll(&fence, 1, 60000), 1);
		close(fence.fd);
	}
	npu_queue_unmap(&q);
	/* Nobody has restored its configuration after the reset, so it has to be found anew. */
	npu_take_away(NPU_REMOVE, e->name);
	npu_bring_back(NPU_REMOVE, e->name);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(harmless),
		TEST(link_reset),
		TEST(unbound_meanwhile),
	};

	return cmocka_run_group_tests_name("aer", tests, NULL, NULL);
}
