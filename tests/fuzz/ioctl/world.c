// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What lives in a process of the fuzzer; see fuzz.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../vm/ioctl/npu_test.h"
#include "fuzz.h"

struct fuzz_world fuzz_world;

static uint32_t job_size[JOBS];

/* splitmix64 */
uint64_t fuzz_random(struct fuzz_thread *t)
{
	uint64_t z = t->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint64_t fuzz_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

void world_init(void)
{
	for (int i = 0; i < FILES; i++)
		fuzz_world.file[i].fd = -1;
	for (int i = 0; i < FDS; i++) {
		fuzz_world.dma_buf[i] = -1;
		fuzz_world.sync_file[i] = -1;
		fuzz_world.timeline[i] = -1;
	}
}

static size_t put_noise(struct fuzz_thread *t, uint8_t *at)
{
	size_t len = npu_put_copy(at, 64);

	for (unsigned int i = 0; i < 4; i++)
		at[roll(t, len)] = fuzz_random(t);
	return len;
}

static void put_jobs(struct fuzz_thread *t, uint8_t *code)
{
	job_size[JOB_COPY] = npu_put_copy(code + JOB_COPY * 0x200, 64);
	job_size[JOB_GANG] = npu_put_barrier(code + JOB_GANG * 0x200);
	job_size[JOB_FAULT] = 16;
	code[JOB_INVALID * 0x200] = 0xee;
	job_size[JOB_INVALID] = 16;
	/* Leaves a semaphore, or reads what nobody wrote. */
	if (chance(t, 2))
		job_size[JOB_HAZARD] = npu_put_load(code + JOB_HAZARD * 0x200, 0, 64, 3);
	else
		job_size[JOB_HAZARD] = npu_put_store(code + JOB_HAZARD * 0x200, 1, 64, 3);
	job_size[JOB_NOISE] = put_noise(t, code + JOB_NOISE * 0x200);
	job_size[JOB_HANG] = npu_put_hang(code + JOB_HANG * 0x200);
}

uint64_t world_job(enum fuzz_job kind, uint32_t *size)
{
	*size = job_size[kind];
	return kind == JOB_FAULT ? 0x7000000000ull : CODE_VA + kind * 0x200;
}

int world_bind_code(struct fuzz_file *f, uint32_t vm)
{
	return npu_try_vm_bind(f->fd, vm, DRM_NPU_VM_BIND_MAP, f->code, CODE_VA, CODE_SIZE, 0, 0);
}

/* A buffer with streams. Zero when there is none to be had. */
static uint32_t make_code(struct fuzz_thread *t, int fd)
{
	struct drm_npu_bo_create create = {
		.size = CODE_SIZE,
		.flags = chance(t, 2) ? DRM_NPU_BO_LOCAL : 0,
	};
	struct drm_npu_bo_mmap_offset offset = {};
	void *map;

	if (npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_CREATE, &create))
		return 0;
	offset.handle = create.handle;
	if (npu_try_ioctl(fd, DRM_IOCTL_NPU_BO_MMAP_OFFSET, &offset))
		return 0;
	map = mmap(NULL, CODE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset.offset);
	if (map == MAP_FAILED)
		return 0;
	put_jobs(t, map);
	munmap(map, CODE_SIZE);
	return create.handle;
}

int world_open(struct fuzz_thread *t, unsigned int place)
{
	struct fuzz_file *f = &fuzz_world.file[place];
	int fd = open("/dev/accel/accel0", O_RDWR | O_CLOEXEC | (chance(t, 4) ? O_NONBLOCK : 0));
	struct drm_npu_vm_create vm = {};
	struct drm_npu_queue_create queue;
	struct drm_npu_info info = {};
	struct drm_npu_dev_query query = {
		.type = DRM_NPU_QUERY_INFO,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};
	int old;

	if (fd < 0)
		return -errno;
	if (npu_try_ioctl(fd, DRM_IOCTL_NPU_DEV_QUERY, &query))
		info.cores = 1;
	old = __atomic_exchange_n(&f->fd, -1, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
	memset(f->bo, 0, sizeof(f->bo));
	memset(f->vm, 0, sizeof(f->vm));
	memset(f->queue, 0, sizeof(f->queue));
	memset(f->sync, 0, sizeof(f->sync));
	f->cores = info.cores;
	f->code = make_code(t, fd);
	/* What another thread has put there meanwhile is closed. */
	old = __atomic_exchange_n(&f->fd, fd, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
	if (!npu_try_ioctl(fd, DRM_IOCTL_NPU_VM_CREATE, &vm)) {
		f->vm[0] = vm.id;
		world_bind_code(f, vm.id);
	}
	if (!npu_try_queue_create(fd, vm.id, 0, 400, &queue)) {
		f->queue[0] = queue.id;
		f->results[0] = queue.result_offset;
	}
	for (int i = 0; i < 3; i++) {
		struct drm_syncobj_create sync = { .flags = i ? 0 : DRM_SYNCOBJ_CREATE_SIGNALED };

		if (!npu_try_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &sync))
			f->sync[i] = sync.handle;
	}
	return 0;
}

void world_keep(struct fuzz_thread *t, int *fds, int fd)
{
	int old;

	/* Not one of the kernel's then, but what another thread wrote there meanwhile. */
	if (fd < FIRST_FD)
		return;
	old = __atomic_exchange_n(&fds[roll(t, FDS)], fd, __ATOMIC_RELAXED);
	if (old >= 0)
		close(old);
}
