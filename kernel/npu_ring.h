/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Hardware rings: descriptors, doorbells, completions, interrupts, watchdog.
 */
#ifndef NPU_RING_H
#define NPU_RING_H

#include <linux/bits.h>
#include <linux/types.h>

struct drm_gpu_scheduler;
struct npu_device;
struct npu_dump;
struct npu_dump_reg;
struct npu_job;
struct npu_queue;
struct npu_ring;
struct seq_file;

/* Descriptors in a ring: as many jobs can be outstanding on it. */
#define NPU_RING_LOG2		8
#define NPU_RING_ENTRIES	BIT(NPU_RING_LOG2)

/* Jobs in one SUBMIT; it occupies a ring as a whole. */
#define NPU_MAX_JOBS		(NPU_RING_ENTRIES / 2)

/**
 * npu_rings_init - makes rings, their schedulers, interrupts and the watchdog
 * @ndev: the card, its MSI-X vectors allocated and @ndev->nrings set
 *
 * Return: 0 or a negative errno. Nothing runs before npu_rings_restart().
 */
int npu_rings_init(struct npu_device *ndev);

/** npu_rings_fini - ends the watchdog; the node is unplugged and the card stopped */
void npu_rings_fini(struct npu_device *ndev);

/** npu_ring_scheds - the schedulers of the rings of a priority; *@count of them */
struct drm_gpu_scheduler **npu_ring_scheds(struct npu_device *ndev, u32 priority,
					   unsigned int *count);

/**
 * npu_ring_choose - the ring, by its scheduler, that a job should go to
 * @ndev: the card
 * @priority: the job's
 *
 * Return: an element of npu_ring_scheds(): the ring whose interrupt comes to this processor, unless
 * it has more to do than another.
 */
struct drm_gpu_scheduler **npu_ring_choose(struct npu_device *ndev, u32 priority);

struct npu_ring *npu_ring_at(struct npu_device *ndev, unsigned int index);
struct npu_ring *npu_ring_of_sched(struct drm_gpu_scheduler *sched);
struct npu_device *npu_ring_device(struct npu_ring *ring);
unsigned int npu_ring_index(struct npu_ring *ring);

/** npu_ring_push - gives a job to the card; the scheduler sees to it that there is room */
void npu_ring_push(struct npu_ring *ring, struct npu_job *job);

/** npu_ring_cancel - lets a ring end all that it has of queues that are doomed; any context */
void npu_ring_cancel(struct npu_ring *ring);

/**
 * npu_rings_drain - lets running jobs end, and no other begin
 * @ndev: the card; the schedulers are paused
 * @timeout_ms: how long that may take
 *
 * Return: 0, after which no job runs until npu_rings_undrain() or npu_rings_restart(); or -EBUSY,
 * and everything goes on.
 */
int npu_rings_drain(struct npu_device *ndev, unsigned int timeout_ms);

/** npu_rings_undrain - lets jobs begin again */
void npu_rings_undrain(struct npu_device *ndev);

/**
 * npu_ring_running - cycles that the job now running, if it is one of @queue's, took on all cores
 */
u64 npu_ring_running(struct npu_ring *ring, struct npu_queue *queue);

/* The rest is for npu_reset.c. */

/** npu_ring_pause, npu_ring_resume - keep a ring's scheduler from starting jobs, and let it */
void npu_ring_pause(struct npu_ring *ring);
void npu_ring_resume(struct npu_ring *ring);

/**
 * npu_rings_halt - stops all rings and bus mastering, and notes how far they had got
 * @ndev: the card; the schedulers are paused, and resets held off by nobody
 */
void npu_rings_halt(struct npu_device *ndev);

/** npu_rings_restart - programs the rings of a card that was reset; jobs not begun run again */
void npu_rings_restart(struct npu_device *ndev);

/** npu_rings_enable - lets the rings of a card that slept, and have no jobs, go on */
void npu_rings_enable(struct npu_device *ndev);

/** npu_rings_fail - ends all jobs the rings have, with @error */
void npu_rings_fail(struct npu_device *ndev, int error);

/**
 * npu_ring_end_stuck - ends the job that makes no progress, if there is still one
 * @ring: the ring; inside npu_reset_hold()
 *
 * Return: 0, or an error when that is not enough: the ring has to be reset.
 */
int npu_ring_end_stuck(struct npu_ring *ring);

/**
 * npu_ring_reset - resets a ring, and if need be the cores that run its job
 * @ring: the ring, paused; inside npu_reset_hold()
 *
 * The job that ran is lost, jobs not begun run again.
 *
 * Return: 0, or an error when the card has to be reset.
 */
int npu_ring_reset(struct npu_ring *ring);

/* For npu_dump.c. */

/* Registers of a ring that a dump has. */
#define NPU_RING_DUMP_REGS	22

/** npu_ring_dump_regs - fills in NPU_RING_DUMP_REGS of them; returns what follows */
struct npu_dump_reg *npu_ring_dump_regs(struct npu_ring *ring, struct npu_dump_reg *reg);

/** npu_rings_dump - adds how the driver sees its rings */
void npu_rings_dump(struct npu_device *ndev, struct npu_dump *dump);

/** npu_rings_dump_slots - adds the jobs that are on all rings */
void npu_rings_dump_slots(struct npu_device *ndev, struct npu_dump *dump);

/** npu_rings_show - state of all rings, for debugfs */
void npu_rings_show(struct npu_device *ndev, struct seq_file *m);

#endif
