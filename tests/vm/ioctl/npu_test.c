// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the driver's tests share; see npu_test.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "npu_test.h"

int npu_try_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

void npu_ioctl(int fd, unsigned long request, void *arg)
{
	int ret = npu_try_ioctl(fd, request, arg);

	if (ret)
		fail_msg("ioctl %#lx: %s", request, strerror(-ret));
}

static bool is_npu(int fd)
{
	char name[16] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };

	return !npu_try_ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, "npu");
}

int npu_open(void)
{
	char path[64];

	for (int i = 0; i < 16; i++) {
		int fd;

		snprintf(path, sizeof(path), "/dev/accel/accel%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (is_npu(fd))
			return fd;
		close(fd);
	}
	fail_msg("no npu node in /dev/accel");
	return -1;
}

struct drm_npu_info npu_info(int fd)
{
	struct drm_npu_info info = {};
	struct drm_npu_dev_query query = {
		.type = DRM_NPU_QUERY_INFO,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};

	npu_ioctl(fd, DRM_IOCTL_NPU_DEV_QUERY, &query);
	return info;
}

/* ---- Memory ------------------------------------------------------------------------------------ */

uint32_t npu_vm_create(int fd)
{
	struct drm_npu_vm_create create = {};

	npu_ioctl(fd, DRM_IOCTL_NPU_VM_CREATE, &create);
	assert_int_not_equal(create.id, 0);
	return create.id;
}

int npu_try_vm_bind(int fd, uint32_t vm, uint32_t op, uint32_t handle, uint64_t va, uint64_t size,
		    uint64_t offset, uint32_t flags)
{
	struct drm_npu_vm_bind_op arg = {
		.type = op,
		.flags = flags,
		.handle = handle,
		.va = va,
		.size = size,
		.offset = offset,
	};
	struct drm_npu_vm_bind bind = {
		.vm_id = vm,
		.ops = { .stride = sizeof(arg), .count = 1, .array = (uintptr_t)&arg },
	};

	return npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_BIND, &bind);
}

uint32_t npu_bo_create(int fd, uint64_t size, uint32_t flags)
{
	struct drm_npu_bo_create create = { .size = size, .flags = flags };

	npu_ioctl(fd, DRM_IOCTL_NPU_BO_CREATE, &create);
	assert_int_not_equal(create.handle, 0);
	return create.handle;
}

void *npu_bo_map(int fd, uint32_t handle, uint64_t size)
{
	struct drm_npu_bo_mmap_offset offset = { .handle = handle };
	void *map;

	npu_ioctl(fd, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &offset);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset.offset);
	if (map == MAP_FAILED)
		fail_msg("mmap of a buffer: %s", strerror(errno));
	return map;
}

struct npu_buf npu_buf_create(int fd, uint32_t vm, uint64_t va, uint64_t size, uint32_t flags)
{
	struct npu_buf buf = { .size = size, .va = va };

	buf.handle = npu_bo_create(fd, size, flags);
	buf.map = npu_bo_map(fd, buf.handle, size);
	assert_int_equal(npu_try_vm_bind(fd, vm, DRM_NPU_VM_BIND_MAP, buf.handle, va, size, 0, 0), 0);
	return buf;
}

/* ---- Queues ------------------------------------------------------------------------------------ */

int npu_try_queue_create(int fd, uint32_t vm, uint32_t priority, uint32_t timeout_ms,
			 struct drm_npu_queue_create *out)
{
	*out = (struct drm_npu_queue_create) {
		.vm_id = vm,
		.priority = priority,
		.timeout_ms = timeout_ms,
	};
	return npu_try_ioctl(fd, DRM_IOCTL_NPU_QUEUE_CREATE, out);
}

struct npu_q npu_queue_create(int fd, uint32_t vm, uint32_t priority, uint32_t timeout_ms)
{
	struct drm_npu_queue_create create;
	struct npu_q q;
	void *map;

	assert_int_equal(npu_try_queue_create(fd, vm, priority, timeout_ms, &create), 0);
	assert_int_not_equal(create.id, 0);
	assert_int_not_equal(create.result_count, 0);
	assert_int_equal(create.result_count & (create.result_count - 1), 0);
	map = mmap(NULL, create.result_count * sizeof(struct drm_npu_result), PROT_READ, MAP_SHARED,
		   fd, create.result_offset);
	if (map == MAP_FAILED)
		fail_msg("mmap of a result ring: %s", strerror(errno));
	q = (struct npu_q) {
		.fd = fd,
		.id = create.id,
		.count = create.result_count,
		.results = map,
	};
	return q;
}

void npu_queue_unmap(struct npu_q *q)
{
	munmap((void *)q->results, q->count * sizeof(*q->results));
	q->results = NULL;
}

struct drm_npu_result npu_queue_result(const struct npu_q *q, uint64_t seqno)
{
	const struct drm_npu_result *entry = &q->results[seqno % q->count];

	assert_int_equal(__atomic_load_n(&entry->seqno, __ATOMIC_ACQUIRE), seqno);
	return *entry;
}

struct drm_npu_queue_get_state npu_queue_state(const struct npu_q *q)
{
	struct drm_npu_queue_get_state state = { .id = q->id };

	npu_ioctl(q->fd, DRM_IOCTL_NPU_QUEUE_GET_STATE, &state);
	return state;
}

int npu_try_submit(const struct npu_q *q, const struct drm_npu_job *jobs, uint32_t njobs,
		   const struct drm_npu_sync *syncs, uint32_t nsyncs, uint64_t *seqno)
{
	struct drm_npu_submit submit = {
		.queue_id = q->id,
		.jobs = { .stride = sizeof(*jobs), .count = njobs, .array = (uintptr_t)jobs },
		.syncs = { .stride = sizeof(*syncs), .count = nsyncs, .array = (uintptr_t)syncs },
	};
	int ret = npu_try_ioctl(q->fd, DRM_IOCTL_NPU_SUBMIT, &submit);

	if (!ret && seqno)
		*seqno = submit.seqno;
	return ret;
}

uint64_t npu_submit(const struct npu_q *q, uint64_t va, uint64_t size, const uint64_t *regions,
		    uint32_t nregions, uint32_t n, uint32_t wait, uint32_t signal)
{
	struct drm_npu_stream stream = { .va = va, .size = size };
	struct drm_npu_job jobs[n];
	struct drm_npu_sync syncs[2];
	uint32_t nsyncs = 0;
	uint64_t seqno = 0;
	int ret;

	for (uint32_t i = 0; i < n; i++) {
		jobs[i] = (struct drm_npu_job) {
			.region_count = nregions,
			.regions = (uintptr_t)regions,
			.streams = { .stride = sizeof(stream), .count = 1, .array = (uintptr_t)&stream },
		};
	}
	if (wait)
		syncs[nsyncs++] = (struct drm_npu_sync) { .handle = wait };
	if (signal)
		syncs[nsyncs++] = (struct drm_npu_sync) {
			.flags = DRM_NPU_SYNC_SIGNAL,
			.handle = signal,
		};
	ret = npu_try_submit(q, jobs, n, syncs, nsyncs, &seqno);
	if (ret)
		fail_msg("SUBMIT: %s", strerror(-ret));
	return seqno;
}

/* ---- Syncobjs ---------------------------------------------------------------------------------- */

uint32_t npu_syncobj_create(int fd)
{
	struct drm_syncobj_create create = {};

	npu_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create);
	return create.handle;
}

static int syncobj_wait(int fd, uint32_t handle, int seconds)
{
	struct timespec now;
	struct drm_syncobj_wait wait = {
		.handles = (uintptr_t)&handle,
		.count_handles = 1,
		.flags = DRM_SYNCOBJ_WAIT_FLAGS_WAIT_ALL,
	};

	clock_gettime(CLOCK_MONOTONIC, &now);
	wait.timeout_nsec = seconds ? (now.tv_sec + seconds) * 1000000000ll + now.tv_nsec : 0;
	return npu_try_ioctl(fd, DRM_IOCTL_SYNCOBJ_WAIT, &wait);
}

int npu_try_syncobj_wait(int fd, uint32_t handle)
{
	return syncobj_wait(fd, handle, 60);
}

void npu_syncobj_wait(int fd, uint32_t handle)
{
	int ret = npu_try_syncobj_wait(fd, handle);

	if (ret)
		fail_msg("wait for a syncobj: %s", strerror(-ret));
}

bool npu_syncobj_signaled(int fd, uint32_t handle)
{
	int ret = syncobj_wait(fd, handle, 0);

	if (ret && ret != -ETIME)
		fail_msg("look at a syncobj: %s", strerror(-ret));
	return !ret;
}

int npu_syncobj_export_fence(int fd, uint32_t handle)
{
	struct drm_syncobj_handle arg = {
		.handle = handle,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		.fd = -1,
	};

	npu_ioctl(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &arg);
	return arg.fd;
}

static struct sync_fence_info sync_file_fence(int sync_file)
{
	struct sync_fence_info fence = {};
	struct sync_file_info info = {
		.num_fences = 1,
		.sync_fence_info = (uintptr_t)&fence,
	};

	npu_ioctl(sync_file, SYNC_IOC_FILE_INFO, &info);
	assert_int_equal(info.num_fences, 1);
	return fence;
}

int npu_sync_file_status(int sync_file)
{
	return sync_file_fence(sync_file).status;
}

int npu_sync_file_wait(int sync_file, int timeout_ms, uint64_t *when_ns)
{
	struct pollfd fd = { .fd = sync_file, .events = POLLIN };
	struct sync_fence_info fence;
	int ret;

	do {
		ret = poll(&fd, 1, timeout_ms);
	} while (ret < 0 && errno == EINTR);
	assert_true(ret >= 0);
	fence = sync_file_fence(sync_file);
	*when_ns = fence.timestamp_ns;
	return fence.status;
}

/* ---- Streams ----------------------------------------------------------------------------------- */

static struct npu_cmd header(uint8_t opcode, size_t size, uint32_t tag)
{
	struct npu_cmd h = { .opcode = opcode, .size = size, .tag = tag };

	memset(h.wait, NPU_SEM_NONE, sizeof(h.wait));
	memset(h.signal, NPU_SEM_NONE, sizeof(h.signal));
	return h;
}

size_t npu_put_hang(void *at)
{
	struct npu_cmd cmd = header(NPU_OP_HANG, sizeof(cmd), 0x4a46);

	memcpy(at, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

size_t npu_put_barrier(void *at)
{
	struct npu_cmd cmd = header(NPU_OP_BARRIER, sizeof(cmd), 0xba);

	memcpy(at, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

size_t npu_put_load(void *at, unsigned int region, uint32_t bytes, uint32_t tag)
{
	struct npu_cmd_load cmd = {
		.h = header(NPU_OP_LOAD, sizeof(cmd), tag),
		.type = NPU_U8,
		.region = region,
		.size = { bytes, 1, 1, 1 },
	};

	cmd.h.signal[0] = 0;
	memcpy(at, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

size_t npu_put_store(void *at, unsigned int region, uint32_t bytes, uint32_t tag)
{
	struct npu_cmd_store cmd = {
		.h = header(NPU_OP_STORE, sizeof(cmd), tag),
		.space = NPU_SPACE_SPM,
		.region = region,
		.size = { bytes, 1, 1, 1 },
	};

	cmd.h.wait[0] = 0;
	memcpy(at, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

size_t npu_put_copy(void *at, uint32_t bytes)
{
	size_t len = npu_put_load(at, 0, bytes, 1);

	return len + npu_put_store((uint8_t *)at + len, 1, bytes, 2);
}

/* In SPM the first operand is at 0, the second behind it; semaphores 0 and 1 tell of them, 2 of the product. */
size_t npu_put_matmul(void *at, uint32_t m, uint32_t n, uint32_t k)
{
	uint32_t second = (m * k + NPU_GRANULE - 1) / NPU_GRANULE * NPU_GRANULE;
	struct npu_cmd_matmul matmul = {
		.h = header(NPU_OP_MATMUL, sizeof(matmul), 3),
		.o = {
			.a_type = NPU_S8,
			.b_type = NPU_S8,
			.b_layout = NPU_B_ROWS,
			.b = second,
			.b_stride = n,
		},
		.m = m,
		.n = n,
		.k = k,
		.a_stride = k,
		.acc_stride = n * 4,
	};
	struct npu_cmd_load load;
	struct npu_cmd_store store;
	uint8_t *p = at;

	p += npu_put_load(p, 0, m * k, 1);
	npu_put_load(&load, 1, k * n, 2);
	load.spm = second;
	load.h.signal[0] = 1;
	memcpy(p, &load, sizeof(load));
	p += sizeof(load);
	matmul.h.wait[0] = 0;
	matmul.h.wait[1] = 1;
	matmul.h.signal[0] = 2;
	memcpy(p, &matmul, sizeof(matmul));
	p += sizeof(matmul);
	npu_put_store(&store, 2, m * n * 4, 4);
	store.space = NPU_SPACE_ACC;
	store.h.wait[0] = 2;
	memcpy(p, &store, sizeof(store));
	return p + sizeof(store) - (uint8_t *)at;
}

/* ---- sysfs ------------------------------------------------------------------------------------- */

static void device_folder(int fd, char *path, size_t size)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	snprintf(path, size, "/sys/dev/char/%u:%u/device", major(st.st_rdev), minor(st.st_rdev));
}

bool npu_try_pci_name(int fd, char *name, size_t size)
{
	char path[PATH_MAX], target[PATH_MAX];

	device_folder(fd, path, sizeof(path));
	if (!realpath(path, target))
		return false;
	snprintf(name, size, "%s", strrchr(target, '/') + 1);
	return true;
}

void npu_pci_name(int fd, char *name, size_t size)
{
	assert_true(npu_try_pci_name(fd, name, size));
}

long long npu_sysfs(int fd, const char *name)
{
	char folder[128], path[256];
	long long value;
	FILE *file;

	device_folder(fd, folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/npu/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fscanf(file, "%lld", &value), 1);
	fclose(file);
	return value;
}

pid_t npu_fork(void)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		setenv("CMOCKA_TEST_ABORT", "1", 1);
	return pid;
}

int npu_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

static void write_pci(const char *file, const char *text)
{
	char path[128];
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/%s", file);
	ret = npu_write_file(path, text);
	if (ret)
		fail_msg("%s < %s: %s", path, text, strerror(-ret));
}

void npu_take_away(enum npu_way way, const char *name)
{
	char file[96];

	snprintf(file, sizeof(file), "devices/%s/remove", name);
	if (way == NPU_UNBIND)
		write_pci("drivers/npu/unbind", name);
	else
		write_pci(file, "1");
}

void npu_bring_back(enum npu_way way, const char *name)
{
	if (way == NPU_UNBIND)
		write_pci("drivers/npu/bind", name);
	else
		write_pci("rescan", "1");
}

int npu_sysfs_write(int fd, const char *name, const char *text)
{
	char folder[128], path[256];

	device_folder(fd, folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return npu_write_file(path, text);
}

int npu_suspend(bool to_memory)
{
	int ret;

	if (to_memory) {
		assert_int_equal(npu_write_file("/sys/power/mem_sleep", "deep"), 0);
		npu_write_file("/sys/class/rtc/rtc0/wakealarm", "0");
		assert_int_equal(npu_write_file("/sys/class/rtc/rtc0/wakealarm", "+3"), 0);
		return npu_write_file("/sys/power/state", "mem");
	}
	npu_write_file("/sys/module/suspend/parameters/pm_test_delay", "0");
	assert_int_equal(npu_write_file("/sys/power/pm_test", "devices"), 0);
	ret = npu_write_file("/sys/power/state", "freeze");
	npu_write_file("/sys/power/pm_test", "none");
	return ret;
}

/* ---- What is left over -------------------------------------------------------------------------- */

static bool debugfs_has(int fd, const char *name, const char *word)
{
	char card[32], path[96], line[256];
	bool found = false;
	FILE *file;

	npu_pci_name(fd, card, sizeof(card));
	snprintf(path, sizeof(path), "/sys/kernel/debug/accel/%s/%s", card, name);
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	while (fgets(line, sizeof(line), file))
		found |= !!strstr(line, word);
	fclose(file);
	return found;
}

void npu_expect_empty(int fd)
{
	struct drm_npu_memory memory;
	struct drm_npu_dev_query query = {
		.type = DRM_NPU_QUERY_MEMORY,
		.size = sizeof(memory),
		.pointer = (uintptr_t)&memory,
	};
	bool queues = false, vms = false;

	for (int i = 0; i < 1000; i++) {
		npu_ioctl(fd, DRM_IOCTL_NPU_DEV_QUERY, &query);
		queues = debugfs_has(fd, "npu_queues", "queue ");
		vms = debugfs_has(fd, "npu_vms", "vm ");
		if (memory.local_free == memory.local_size && !queues && !vms)
			return;
		usleep(10000);
	}
	fail_msg("left over: %llu bytes of local memory%s%s",
		 (unsigned long long)(memory.local_size - memory.local_free), queues ? ", queues" : "",
		 vms ? ", address spaces" : "");
}
