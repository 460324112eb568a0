/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the fuzzer's calls share: how they choose (choose.c), and the calls themselves, by their objects
 * (calls_*.c). Each call returns 0 or -errno.
 */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include "../../vm/ioctl/npu_test.h"
#include "fuzz.h"

#define PAGE		4096ull

/** try_ioctl - not restarted: who waits too long is interrupted (main.c); 0 or -errno */
int try_ioctl(int fd, unsigned long request, void *p);
/** call - an ioctl with its argument changed, now and then */
int call(struct fuzz_thread *t, struct fuzz_file *f, unsigned long request, void *p);

/**
 * arg - memory for an argument, zeroed; now and then another thread's. So what is written there is not what is read
 * from there: a number that the fuzzer goes by itself is kept elsewhere.
 */
void *arg(struct fuzz_thread *t, size_t size);
/** mutate - changes a few bits or fields of an argument, now and then */
void mutate(struct fuzz_thread *t, void *p, size_t size);
uint32_t any_u32(struct fuzz_thread *t);
/** edge - @usual, or a number around a limit */
uint32_t edge(struct fuzz_thread *t, uint32_t usual, uint32_t limit);

/** any_file - one that is open, mostly: if need be, it is opened */
struct fuzz_file *any_file(struct fuzz_thread *t);
/* Handles that live, if a few tries find any; sometimes one that does not. */
uint32_t any_bo(struct fuzz_thread *t, struct fuzz_file *f);
uint32_t any_vm(struct fuzz_thread *t, struct fuzz_file *f);
uint32_t any_queue(struct fuzz_thread *t, struct fuzz_file *f);
uint32_t any_sync(struct fuzz_thread *t, struct fuzz_file *f);
int any_fd(struct fuzz_thread *t, const int *fds);
struct fuzz_bo *live_bo(struct fuzz_thread *t, struct fuzz_file *f);
/** forget - that a handle lives, for who destroys it: mostly, so that some are used afterwards */
void forget(struct fuzz_thread *t, uint32_t *handles, size_t stride, unsigned int n, uint32_t handle);

/* calls_bo.c */
int do_open(struct fuzz_thread *t);
int do_close(struct fuzz_thread *t);
int do_query(struct fuzz_thread *t);
int do_bo_create(struct fuzz_thread *t);
int do_gem_close(struct fuzz_thread *t);
int do_bo_info(struct fuzz_thread *t);
int do_mmap_offset(struct fuzz_thread *t);
int do_mmap(struct fuzz_thread *t);
int do_munmap(struct fuzz_thread *t);
int do_touch(struct fuzz_thread *t);

/* calls_vm.c */
int do_vm_create(struct fuzz_thread *t);
int do_vm_destroy(struct fuzz_thread *t);
int do_bind(struct fuzz_thread *t);
int do_bind_async(struct fuzz_thread *t);

/* calls_job.c */
int do_queue_create(struct fuzz_thread *t);
int do_queue_destroy(struct fuzz_thread *t);
int do_queue_state(struct fuzz_thread *t);
int do_submit(struct fuzz_thread *t);
int do_perf(struct fuzz_thread *t);

/* calls_sync.c */
/** any_syncs - syncobjs of a call to wait for and to signal, up to three */
void any_syncs(struct fuzz_thread *t, struct fuzz_file *f, struct drm_npu_array *array);
int do_sync_create(struct fuzz_thread *t);
int do_sync_destroy(struct fuzz_thread *t);
int do_sync_wait(struct fuzz_thread *t);
int do_sync_export(struct fuzz_thread *t);
int do_sync_import(struct fuzz_thread *t);
int do_sw_sync(struct fuzz_thread *t);
int do_export(struct fuzz_thread *t);
int do_import(struct fuzz_thread *t);
int do_buf_export_sync(struct fuzz_thread *t);
int do_buf_import_sync(struct fuzz_thread *t);
int do_fd_close(struct fuzz_thread *t);

#endif
