// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Faults that are injected into the card while the driver works with it: run.sh --qmp, cards with
 * inject=on. Every test ends with a card that works.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "npu_inject.h"
#include "npu_test.h"
#include "npu_uevent.h"

#define CODE_VA		0x100000ull
#define SIZE		0x4000u
#define SHORT_MS	300
/* Where something has to be injected before it. */
#define SLOW_MS		3000
#define LONG_MS		600000

/* ---- A card and its work --------------------------------------------------------------------- */

struct env {
	int fd;
	char name[64];
	uint32_t vm;
	struct npu_buf code;
	size_t hang;
	volatile uint8_t *runs;	/* not 0: the job that hangs has begun */
	uint64_t marks[2];	/* its regions */
	uint64_t copy;
	size_t copy_size;
	uint64_t regions[2];
};

static void fill_env(struct env *e)
{
	npu_pci_name(e->fd, e->name, sizeof(e->name));
	e->vm = npu_vm_create(e->fd);
	e->code = npu_buf_create(e->fd, e->vm, CODE_VA, SIZE, 0);
	e->hang = npu_put_copy(e->code.map, 1);
	e->hang += npu_put_hang(e->code.map + e->hang);
	e->marks[0] = CODE_VA + 0x2800;
	e->marks[1] = CODE_VA + 0x3800;
	e->code.map[0x2800] = 1;
	e->runs = e->code.map + 0x3800;
	e->copy = CODE_VA + 0x1000;
	e->copy_size = npu_put_copy(e->code.map + 0x1000, 256);
	e->regions[0] = CODE_VA + 0x2000;
	e->regions[1] = CODE_VA + 0x3000;
	for (int i = 0; i < 256; i++)
		e->code.map[0x2000 + i] = i ^ 0x5a;
	memset(e->code.map + 0x3000, 0, 256);
}

static void close_env(struct env *e)
{
	munmap(e->code.map, e->code.size);
	close(e->fd);
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	e->fd = npu_open();
	assert_true(npu_info(e->fd).features & NPU_FEATURE_INJECT);
	fill_env(e);
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	close_env(*state);
	free(*state);
	return 0;
}

static uint64_t submit_copies(struct env *e, const struct npu_q *q, uint32_t n, uint32_t sync)
{
	return npu_submit(q, e->copy, e->copy_size, e->regions, 2, n, 0, sync);
}

static void start_hanging(struct env *e, const struct npu_q *q, uint32_t sync)
{
	npu_submit(q, CODE_VA, e->hang, e->marks, 2, 1, 0, sync);
	while (!*e->runs)
		usleep(1000);
	*e->runs = 0;
}

static void assert_card_works(struct env *e)
{
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	uint32_t sync = npu_syncobj_create(e->fd);
	uint64_t n;

	memset(e->code.map + 0x3000, 0, 256);
	n = submit_copies(e, &q, 10, sync);
	npu_syncobj_wait(e->fd, sync);
	for (uint64_t i = 1; i <= n; i++)
		assert_int_equal(npu_queue_result(&q, i).error, 0);
	assert_memory_equal(e->code.map + 0x2000, e->code.map + 0x3000, 256);
	npu_queue_unmap(&q);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

/* The line lets nothing through but injections. */
static void test_whitelist(void **state)
{
	static const char *const bad[] = {
		"quit\n", "npu0 cores 4\n", "npu0 inject-lost-irq 1 2\n", "npu0 inject-lost-irq \"\n",
		"../x inject-lost-irq 1\n",
	};
	char answer[256];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		npu_inject_ask(bad[i], answer, sizeof(answer));
		assert_string_equal(answer, "error not allowed");
	}
	npu_inject_ask("npu0 inject-lost-irq -1\n", answer, sizeof(answer));
	assert_non_null(strstr(answer, "out of range"));
}

static unsigned int now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000u + ts.tv_nsec / 1000000;
}

/*
 * The watchdog notices, and soon: within half a second, where the host has time for it in one of a few
 * tries.
 */
static void test_lost_irq(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	unsigned long long before = npu_interrupts();
	unsigned int best = ~0u;

	assert_card_works(e);
	assert_true(npu_interrupts() > before);
	for (int i = 0; i < 10 && (i < 3 || best > 500); i++) {
		uint32_t sync = npu_syncobj_create(e->fd);
		unsigned int start, took;

		npu_inject(e->name, "lost-irq", 1);
		before = npu_interrupts();
		start = now_ms();
		submit_copies(e, &q, 1, sync);
		npu_syncobj_wait(e->fd, sync);
		took = now_ms() - start;
		assert_int_equal(npu_interrupts(), before);
		best = took < best ? took : best;
		assert_int_equal(npu_queue_result(&q, i + 1).error, 0);
	}
	print_message("             found after %u ms\n", best);
	/* By the watchdog, that is: a timeout would be 10 s. How soon is measured by tests/vm/soak. */
	assert_in_range(best, 0, 5000);
	assert_card_works(e);
}

static void test_bad_pte(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	uint32_t sync = npu_syncobj_create(e->fd);

	npu_inject(e->name, "bad-pte", 1);
	/* An address space that the card has not walked yet: the first fetch meets it. */
	submit_copies(e, &q, 1, sync);
	npu_syncobj_wait(e->fd, sync);
	assert_int_equal(npu_queue_result(&q, 1).error, -EFAULT);
	assert_int_equal(npu_queue_result(&q, 1).reason, NPU_REASON_BAD_PTE);
	assert_card_works(e);
}

static void test_ecc(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, LONG_MS);
	struct npu_q other = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	uint32_t sync = npu_syncobj_create(e->fd), after = npu_syncobj_create(e->fd);
	struct npu_uevent ev;
	bool counted = false, banned = false;
	long long lost;
	int uevents = npu_uevent_open();

	npu_inject(e->name, "ecc-corrected", 5);
	npu_uevent_next(uevents, e->name, "ecc", &ev);
	assert_true(npu_uevent_number(&ev, "CORRECTED") >= 5);
	lost = npu_uevent_number(&ev, "UNCORRECTED");
	assert_card_works(e);
	start_hanging(e, &q, sync);
	npu_inject(e->name, "ecc-uncorrected", 0x5000);
	/*
	 * In either order, for the two are noticed by two interrupts; and jobs of tests before may come
	 * first, if they were so many that they were held back.
	 */
	while (!counted || !banned) {
		if (!npu_uevent_try_next(uevents, &ev, 60000))
			fail_msg("no event of the %s", counted ? "job" : "counter");
		if (!strstr(npu_uevent_value(&ev, "DEVPATH"), e->name))
			continue;
		if (!strcmp(npu_uevent_value(&ev, "NPU_EVENT"), "ecc")) {
			assert_int_equal(npu_uevent_number(&ev, "UNCORRECTED"), lost + 1);
			counted = true;
		} else if (!strcmp(npu_uevent_value(&ev, "NPU_EVENT"), "job")) {
			banned |= !strcmp(npu_uevent_value(&ev, "REASON"), "ecc");
		}
	}
	close(uevents);
	npu_syncobj_wait(e->fd, sync);
	assert_int_equal(npu_queue_result(&q, 1).error, -EIO);
	assert_int_equal(npu_queue_result(&q, 1).status, NPU_JOB_ECC);
	assert_int_equal(npu_queue_result(&q, 1).reason, NPU_REASON_ECC_LMEM);
	assert_int_equal(npu_queue_result(&q, 1).addr, 0x5000);
	assert_int_equal(npu_queue_state(&q).error, -EIO);
	submit_copies(e, &other, 1, after);
	npu_syncobj_wait(e->fd, after);
	assert_int_equal(npu_queue_result(&other, 1).error, 0);
	assert_card_works(e);
}

static long sensor(const char *name, const char *file)
{
	char path[512];
	struct dirent *d;
	long value = -1;
	FILE *f;
	DIR *dir;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/hwmon", name);
	dir = opendir(path);
	assert_non_null(dir);
	do {
		d = readdir(dir);
		assert_non_null(d);
	} while (strncmp(d->d_name, "hwmon", 5));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/hwmon/%s/%s", name, d->d_name, file);
	closedir(dir);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld", &value), 1);
	fclose(f);
	return value;
}

static void test_temperature(void **state)
{
	struct env *e = *state;
	long crit = sensor(e->name, "temp1_crit");
	struct npu_uevent ev;
	int uevents = npu_uevent_open();

	assert_true(sensor(e->name, "temp1_input") < crit);
	npu_inject(e->name, "temperature", crit + 6000);
	npu_uevent_next(uevents, e->name, "thermal", &ev);
	assert_int_equal(npu_uevent_number(&ev, "THROTTLED"), 1);
	assert_int_equal(sensor(e->name, "temp1_input"), crit + 6000);
	assert_card_works(e);
	npu_inject(e->name, "temperature", 0);
	npu_uevent_next(uevents, e->name, "thermal", &ev);
	assert_int_equal(npu_uevent_number(&ev, "THROTTLED"), 0);
	close(uevents);
	assert_true(sensor(e->name, "temp1_input") < crit);
	assert_card_works(e);
}

/* ---- Completions that are lost ------------------------------------------------------------------ */

/*
 * A job of another ring that runs all the time: as far as the card as a whole can be seen, it works. The end of
 * the queue ends it.
 */
static struct npu_q keep_busy(struct env *e)
{
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_LOW, LONG_MS);

	start_hanging(e, &q, npu_syncobj_create(e->fd));
	return q;
}

/* Nothing has happened to that job meanwhile. */
static void end_busy(struct env *e, struct npu_q *q)
{
	struct drm_npu_queue_get_state state = npu_queue_state(q);

	assert_int_equal(state.banned, 0);
	assert_int_equal(state.completed, 0);
	npu_ioctl(e->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &(struct drm_npu_queue_destroy) { .id = q->id });
	npu_queue_unmap(q);
	assert_card_works(e);
}

static void destroy_queue(struct npu_q *q)
{
	npu_ioctl(q->fd, DRM_IOCTL_NPU_QUEUE_DESTROY, &(struct drm_npu_queue_destroy) { .id = q->id });
	npu_queue_unmap(q);
}

#define QUEUES	8	/* more than a priority has rings, so some share one */

/*
 * A job on each of some queues, of which one loses its completion (or, with @corrupt, gets garbage):
 * that one is told so, the others do not notice. Milliseconds that it took all of them.
 */
static unsigned int lose_one(struct env *e, bool corrupt)
{
	struct npu_q q[QUEUES];
	uint32_t sync[QUEUES];
	unsigned int start, took, lost = 0;

	for (int i = 0; i < QUEUES; i++) {
		q[i] = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
		sync[i] = npu_syncobj_create(e->fd);
	}
	npu_inject(e->name, corrupt ? "corrupt-completion" : "dropped-completion", 1);
	start = now_ms();
	for (int i = 0; i < QUEUES; i++)
		submit_copies(e, &q[i], 1, sync[i]);
	for (int i = 0; i < QUEUES; i++)
		npu_syncobj_wait(e->fd, sync[i]);
	took = now_ms() - start;
	for (int i = 0; i < QUEUES; i++) {
		int error = npu_queue_result(&q[i], 1).error;

		lost += error == -EIO;
		assert_true(!error || error == -EIO);
		assert_int_equal(npu_queue_state(&q[i]).error, error);
		assert_int_equal(npu_queue_state(&q[i]).completed, 1);
		destroy_queue(&q[i]);
	}
	assert_int_equal(lost, 1);
	return took;
}

/* Found out, and soon, as a lost interrupt is, though the card is at work. */
static void test_dropped_completion(void **state)
{
	struct env *e = *state;
	long long resets = npu_sysfs(e->fd, "resets");
	struct npu_q busy = keep_busy(e);
	unsigned int best = ~0u;

	for (int i = 0; i < 10 && (i < 3 || best > 500); i++) {
		unsigned int took = lose_one(e, false);

		best = took < best ? took : best;
	}
	print_message("             found after %u ms\n", best);
	/* By the watchdog, that is: a timeout would be 10 s. How soon is measured by tests/vm/soak. */
	assert_in_range(best, 0, 5000);
	assert_int_equal(npu_sysfs(e->fd, "resets"), resets);
	end_busy(e, &busy);
}

/* In the middle of a SUBMIT: what was behind it has run, but its queue was banned by then. */
static void test_dropped_in_batch(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, 0);
	struct npu_q busy = keep_busy(e);
	uint32_t sync = npu_syncobj_create(e->fd);
	int file;

	npu_inject(e->name, "dropped-completion", 2);
	submit_copies(e, &q, 4, sync);
	file = npu_syncobj_export_fence(e->fd, sync);
	npu_syncobj_wait(e->fd, sync);
	assert_int_equal(npu_sync_file_status(file), -EIO);
	close(file);
	assert_int_equal(npu_queue_result(&q, 1).error, -EIO);
	for (int i = 2; i <= 4; i++)
		assert_int_equal(npu_queue_result(&q, i).error, -ECANCELED);
	assert_int_equal(npu_queue_state(&q).completed, 4);
	end_busy(e, &busy);
}

/* The end of a job that was ended for its hanging. */
static void test_dropped_abort(void **state)
{
	struct env *e = *state;
	struct npu_q busy = keep_busy(e);
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, SLOW_MS);
	uint32_t sync = npu_syncobj_create(e->fd);

	start_hanging(e, &q, sync);
	npu_inject(e->name, "dropped-completion", 1);
	npu_syncobj_wait(e->fd, sync);
	assert_int_equal(npu_queue_result(&q, 1).error, -ETIMEDOUT);
	end_busy(e, &busy);
}

/*
 * Nothing that the card says but the phase is true. What is corrupt depends on the seed; with 171 it is the
 * number of cycles alone, which nothing tells of but the entry's own check.
 */
static void test_corrupt_completions(void **state)
{
	struct env *e = *state;
	long long resets = npu_sysfs(e->fd, "resets");
	struct npu_q busy = keep_busy(e);

	for (int i = 0; i < 25; i++) {
		npu_inject(e->name, "seed", i < 24 ? i : 171);
		lose_one(e, true);
	}
	assert_int_equal(npu_sysfs(e->fd, "resets"), resets);
	end_busy(e, &busy);
}

/*
 * NPU_LOST interrupts and as many completions, some hundred at a time: each job ends, once. Says how long the
 * slowest took.
 */
static void test_lost_many(void **state)
{
	const char *given = getenv("NPU_LOST");
	unsigned int left = given ? strtoul(given, NULL, 0) : 300, worst = 0, lost = 0, jobs = 0;
	struct env *e = *state;
	struct npu_q busy = keep_busy(e);

	while (left) {
		unsigned int n = left < 100 ? left : 100, start;
		struct npu_q q[100];
		uint32_t sync[100];

		for (unsigned int i = 0; i < n; i++) {
			q[i] = npu_queue_create(e->fd, e->vm, 1 + i % 3, 0);
			sync[i] = npu_syncobj_create(e->fd);
		}
		npu_inject(e->name, "lost-irq", n);
		npu_inject(e->name, "dropped-completion", n);
		start = now_ms();
		for (unsigned int i = 0; i < n; i++)
			submit_copies(e, &q[i], 1 + i % 2, sync[i]);
		for (unsigned int i = 0; i < n; i++) {
			struct drm_syncobj_destroy destroy = { .handle = sync[i] };
			uint64_t count = 1 + i % 2;

			npu_syncobj_wait(e->fd, sync[i]);
			worst = now_ms() - start > worst ? now_ms() - start : worst;
			assert_int_equal(npu_queue_state(&q[i]).completed, count);
			for (uint64_t s = 1; s <= count; s++) {
				int error = npu_queue_result(&q[i], s).error;

				lost += error == -EIO;
				assert_true(!error || error == -EIO || (s == 2 && error == -ECANCELED));
			}
			jobs += count;
			npu_ioctl(e->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
			destroy_queue(&q[i]);
		}
		npu_inject(e->name, "lost-irq", 0);
		npu_inject(e->name, "dropped-completion", 0);
		left -= n;
	}
	print_message("             %u of %u jobs lost, the last of a round known after %u ms\n", lost, jobs,
		      worst);
	end_busy(e, &busy);
}

/* Nothing helps but a reset of the function: one who hung is told so, and others run again. */
static void test_card_hang(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, SHORT_MS);
	struct npu_q other = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_HIGH, 0);
	uint32_t sync = npu_syncobj_create(e->fd), after = npu_syncobj_create(e->fd);
	long long resets = npu_sysfs(e->fd, "resets");
	uint64_t n;

	start_hanging(e, &q, sync);
	npu_inject(e->name, "card-hang", 1);
	n = submit_copies(e, &other, 5, after);
	npu_syncobj_wait(e->fd, sync);
	npu_syncobj_wait(e->fd, after);
	assert_int_equal(npu_queue_result(&q, 1).error, -ETIMEDOUT);
	for (uint64_t i = 1; i <= n; i++)
		assert_int_equal(npu_queue_result(&other, i).error, 0);
	assert_int_equal(npu_sysfs(e->fd, "resets"), resets + 1);
	assert_card_works(e);
}

static void until_status(int file, int status)
{
	for (int i = 0; i < 6000 && !npu_sync_file_status(file); i++)
		usleep(10000);
	assert_int_equal(npu_sync_file_status(file), status);
}

/* Submits until the card is gone, and writes a byte to @ready when it has begun; 0 when it is, in all calls. */
static int load(const char *name, int ready)
{
	struct env own = { .fd = npu_open_card(name) };
	struct npu_q q;
	uint32_t sync;
	int ret = 0;

	fill_env(&own);
	q = npu_queue_create(own.fd, own.vm, DRM_NPU_PRIORITY_NORMAL, 0);
	if (write(ready, "", 1) != 1)
		return 1;
	while (!ret) {
		struct drm_npu_stream stream = { .va = own.copy, .size = own.copy_size };
		struct drm_npu_job job = {
			.region_count = 2,
			.regions = (uintptr_t)own.regions,
			.streams = { sizeof(stream), 1, (uintptr_t)&stream },
		};
		struct drm_syncobj_create create = {};
		struct drm_npu_sync out = { .flags = DRM_NPU_SYNC_SIGNAL };

		ret = npu_try_ioctl(own.fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);
		sync = out.handle = create.handle;
		if (!ret)
			ret = npu_try_submit(&q, &job, 1, &out, 1, NULL);
		if (!ret)
			ret = npu_try_syncobj_wait(own.fd, sync);
		if (!ret) {
			struct drm_syncobj_destroy destroy = { .handle = sync };

			ret = npu_try_ioctl(own.fd, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy);
		}
	}
	/* A job that the loss has ended bans its queue before the loss is told. */
	return ret == -ENODEV ? 0 : 1;
}

/*
 * Of pciehp itself, in 6.12 and in 7.x, lockdep says that it takes reset_lock and pci_rescan_remove_lock either way
 * around, and looks no further. So it learns no order of locks while a card is pulled out; what a removal calls
 * in the driver it sees when the driver is unbound (test_unplug).
 */
static void prove_locking(bool on)
{
	FILE *f = fopen("/proc/sys/kernel/prove_locking", "we");

	/* Only a kernel that checks itself has it. */
	if (!f)
		return;
	assert_true(fputs(on ? "1" : "0", f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void pull_out(struct env *e)
{
	prove_locking(false);
	npu_inject(e->name, "removal", 1);
}

/* Puts the card in again, and a file of it where the lost one was. */
static void put_in(struct env *e)
{
	assert_true(npu_inject_until_bound(e->name, false, 60));
	close_env(e);
	npu_inject_put_in(e->name);
	prove_locking(true);
	e->fd = npu_open_card(e->name);
	assert_true(e->fd >= 0);
	fill_env(e);
}

/* Pulled out of its slot while processes compute, with a job that hangs. */
static void test_removal(void **state)
{
	struct env *e = *state;
	struct drm_npu_dev_query query = { .type = DRM_NPU_QUERY_INFO };
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, LONG_MS);
	uint32_t sync = npu_syncobj_create(e->fd), after = npu_syncobj_create(e->fd);
	int files[2], ready[2], status;
	pid_t pids[3];
	char c;

	assert_int_equal(pipe(ready), 0);
	start_hanging(e, &q, sync);
	submit_copies(e, &q, 20, after);
	files[0] = npu_syncobj_export_fence(e->fd, sync);
	files[1] = npu_syncobj_export_fence(e->fd, after);
	for (int i = 0; i < 3; i++) {
		pids[i] = npu_fork();
		if (!pids[i])
			_exit(load(e->name, ready[1]));
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	usleep(300000);
	pull_out(e);
	for (int i = 0; i < 2; i++) {
		until_status(files[i], -ENODEV);
		close(files[i]);
	}
	for (int i = 0; i < 3; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	for (uint64_t i = 1; i <= 21; i++)
		assert_int_equal(npu_queue_result(&q, i).error, -ENODEV);
	assert_int_equal(npu_try_ioctl(e->fd, DRM_IOCTL_NPU_DEV_QUERY, &query), -ENODEV);
	e->code.map[0]++;
	npu_queue_unmap(&q);
	put_in(e);
	assert_card_works(e);
}

/* A card that no reset brings back is given up; another one in its slot is well. */
static void test_hang_for_good(void **state)
{
	struct env *e = *state;
	struct npu_q q = npu_queue_create(e->fd, e->vm, DRM_NPU_PRIORITY_NORMAL, SLOW_MS);
	struct drm_npu_queue_create create;
	uint32_t sync = npu_syncobj_create(e->fd);
	int file;

	start_hanging(e, &q, sync);
	file = npu_syncobj_export_fence(e->fd, sync);
	npu_inject(e->name, "card-hang", 2);
	until_status(file, -ENODEV);
	close(file);
	while (npu_try_queue_create(e->fd, e->vm, 1, 0, &create) != -ENODEV)
		usleep(10000);
	npu_queue_unmap(&q);
	/* It still shows the job; that keeps nobody from sleeping. */
	assert_int_equal(npu_suspend(false), 0);
	pull_out(e);
	put_in(e);
	assert_card_works(e);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(whitelist),
		TEST(lost_irq),
		TEST(bad_pte),
		TEST(ecc),
		TEST(temperature),
		TEST(dropped_completion),
		TEST(dropped_in_batch),
		TEST(dropped_abort),
		TEST(corrupt_completions),
		TEST(lost_many),
		TEST(card_hang),
		TEST(removal),
		TEST(hang_for_good),
	};

	return cmocka_run_group_tests_name("inject", tests, NULL, NULL);
}
