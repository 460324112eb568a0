/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the soaks share: processes whose failure is seen, work that checks itself, delays, and what is said
 * while it lasts. Everything here fails (the process, with a message) rather than returns, where nothing else
 * is said.
 */
#ifndef NPU_SOAK_H
#define NPU_SOAK_H

#include <sys/types.h>

#include "../ioctl/npu_test.h"

/* A soak: does what it is there for @count times. */
void soak_innocents(unsigned int count);
void soak_surprise(unsigned int count);
void soak_flr(unsigned int count);
void soak_rescan(unsigned int count);
void soak_s3(unsigned int count);
void soak_s2idle(unsigned int count);
void soak_lost(unsigned int count);
void soak_dropped(unsigned int count);

/* ---- Saying -------------------------------------------------------------------------------------- */

/* A line of the running soak's. */
void soak_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* True now and then: the time has come to tell how far it is. */
bool soak_due(unsigned int done, unsigned int count);

/* ---- Chance and time ----------------------------------------------------------------------------- */

/* Numbers that the seed decides; each process has its own sequence. */
unsigned int soak_roll(unsigned int n);
void soak_seed(unsigned int seed);
uint64_t soak_now_ns(void);

/*
 * From now on the time is counted that the host does not give to the guest's processors: what a thread of real-time
 * priority on each comes too late. In a process and those that it starts.
 */
void soak_watch_host(void);
uint64_t soak_stolen_ns(void);

/* ---- Processes ----------------------------------------------------------------------------------- */

/* Memory that this process and those it makes share. */
void *soak_share(size_t size);
/* A process that runs @run; it dies with this one. */
pid_t soak_start(void (*run)(void *arg), void *arg);
bool soak_has_ended(pid_t pid);
/* It has to end well, and within a minute. */
void soak_reap(pid_t pid, const char *who);
/* Waits, a minute at most, until *@counter is beyond @value; the process that counts must not end. */
void soak_await(const volatile uint64_t *counter, uint64_t value, pid_t pid, const char *who);

/* ---- Delays -------------------------------------------------------------------------------------- */

#define SOAK_BIN_NS	100000ull	/* how exact a median is */
#define SOAK_BINS	20000u

struct soak_delays {
	uint64_t count;
	uint64_t worst_ns;
	uint32_t bins[SOAK_BINS];
};

void soak_delay_add(struct soak_delays *d, uint64_t ns);
void soak_delay_merge(struct soak_delays *d, const struct soak_delays *more);
/* @delay_ns of something that began at @stolen_ns, as it would be on a host that has time. */
uint64_t soak_delay_own(uint64_t delay_ns, uint64_t stolen_ns);
double soak_delay_median_ms(const struct soak_delays *d);
double soak_delay_worst_ms(const struct soak_delays *d);

/* ---- Work ---------------------------------------------------------------------------------------- */

/* What may happen to it. */
enum soak_fate {
	SOAK_CALM,	/* nothing */
	SOAK_LOSSES,	/* jobs may be lost, with -ECANCELED or -EIO: a new queue goes on */
	SOAK_GONE,	/* the card goes: everything ends with -ENODEV */
};

/* Of a process that works, in shared memory. */
struct soak_worker {
	char card[32];			/* whose work: a PCI name */
	uint32_t priority;
	enum soak_fate fate;
	unsigned int seed;
	volatile bool stop;
	volatile uint64_t products;	/* right ones */
	volatile uint64_t losses;
	struct soak_delays delays;	/* of all jobs, from SUBMIT to the fence */
	uint64_t worst_own_ns;		/* without what the host stole */
};

#define SOAK_DEPTH	3
#define SOAK_MOST	24	/* rows, columns, products a sum */

struct soak_slot {
	uint8_t *in;		/* code and operands: work.c has where */
	uint8_t *out;		/* the result */
	uint64_t in_va;
	uint64_t out_va;
	uint32_t m, n, k;
	/* The operands once more: local memory may be gone when the job has ended. */
	int8_t a[SOAK_MOST * SOAK_MOST];
	int8_t b[SOAK_MOST * SOAK_MOST];
	uint32_t sync;
	int fence;		/* sync file; -1: none could be had */
	bool busy;
	uint64_t seqno;
	uint64_t start_ns;
	uint64_t stolen_ns;	/* until then */
};

/* Random products, each compared with plain C. */
struct soak_work {
	int fd;
	uint32_t vm;
	uint32_t priority;
	struct npu_buf host;
	struct npu_buf local;
	struct npu_q q;
	struct soak_slot slot[SOAK_DEPTH];
};

/*
 * @fd is the work's from now on. @may_go: the card may go, so nothing that has to be read is in its local
 * memory.
 */
void soak_work_open(struct soak_work *w, int fd, uint32_t priority, bool may_go);
void soak_work_close(struct soak_work *w);
void soak_work_new_queue(struct soak_work *w);
/* Submits one; 0 or SUBMIT's -errno. */
int soak_work_begin(struct soak_work *w, struct soak_slot *s);
/* Waits for its end: 0 or the job's -errno, and how long that took; *@own_ns without what the host stole. */
int soak_work_end(struct soak_work *w, struct soak_slot *s, uint64_t *delay_ns, uint64_t *own_ns);
/* One, which has to be right. */
void soak_work_once(struct soak_work *w);
/* The same with a file of its own. */
void soak_card_works(const char *card);

/* A process's whole life, for soak_start(): products until told to stop or the card is gone. */
void soak_worker_run(void *worker);

#endif
