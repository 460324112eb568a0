/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The card's inside, as its files share it: registers (regs.c), rings (ring.c), the scheduler
 * (sched.c), gangs (gang.c), cores (core.c), telemetry (telemetry.c), injected faults (inject.c),
 * life and reset (card.c).
 *
 * Threads
 *
 * - One a core, which runs its member of a gang and, when it is the last one to end, completes the
 *   job and reads the ring's next descriptor. One that has no job answers doorbells: it reads the ring
 *   and starts what it finds, on itself if it can.
 * - One more, the front: it answers doorbells while all cores are busy, carries out ABORT, CANCEL, TLB
 *   invalidations and resets, and lets moderated interrupts go.
 *
 * Register accesses only set flags for them.
 *
 * Locks, outermost first
 *
 * - npu_card.lock: registers, rings, jobs, who runs what. Held for moments: never across an access
 *   to memory or a call of the host (but log()), nor while waiting for anything but its own
 *   conditions.
 * - npu_job.lock: the barrier and the end of a gang; likewise.
 *
 * and apart from them, taken with none of them held,
 *
 * - npu_port.lock, one a thread, see bus.h: its accesses to memory.
 *
 * Movement: a thread "moves" while it may touch memory or values. It rests in every wait, and asks
 * before it moves again; so npu_card_pause() waits for no thread to move. Threads of a job that was
 * stopped do not move on a paused card, but walk to the end of the job, up to its completion; that
 * takes no time to speak of and is waited for as well. After that nothing on the card changes but by
 * registers and resets, and the state can be saved (snapshot.h): where each member of a gang rests is
 * npu_core.place.
 * A card that hangs is one in which nothing moves either (NPU_PAUSED_HANG), and resets end what they
 * find at rest.
 */
#ifndef NPU_CARD_DEVICE_H
#define NPU_CARD_DEVICE_H

#include <pthread.h>
#include <stdatomic.h>

#include "npu/hw/isa.h"

#include "bus.h"
#include "card.h"
#include "inject.h"
#include "mmu.h"

struct npu_card;
struct npu_core;
struct npu_ring;
struct npu_wire;

/* ---- Jobs ------------------------------------------------------------------------------------ */

/**
 * struct npu_job - a descriptor that was read, and the gang that runs it
 * @ring: whose it is
 * @desc: the descriptor
 * @region: from its side table
 * @stream: likewise
 * @error: how it ended; before it starts, what is wrong with the descriptor
 * @discard: no completion is to be written (ring or function reset); npu_card.lock
 * @stopped: ABORT, a reset of a core, or @discard; npu_card.lock
 * @members: cores still in it; npu_card.lock
 * @core: its members
 * @hang: the job hangs before its first command (injected)
 * @started: when, in nanoseconds of the monotonic clock
 * @cycles: modelled, so far
 * @energy_nj: of all members, once all have ended
 * @lock: protects the rest
 * @cond: a barrier opened, or the gang is to end
 * @arrived: members at the barrier
 * @ended: members whose stream has ended
 * @barriers: barriers passed
 * @hanging: members in HANG
 * @arrival: modelled time of the latest arrival at the last barrier
 * @first_failed: lowest member that failed of itself, or ncores
 * @halted: members are to end where they wait
 */
struct npu_job {
	struct npu_ring *ring;
	struct npu_desc desc;
	uint64_t region[NPU_MAX_REGIONS];
	struct npu_stream_ref stream[NPU_MAX_CORES];
	struct npu_error error;
	bool discard;
	bool stopped;
	bool hang;
	unsigned int members;
	struct npu_core *core[NPU_MAX_CORES];
	uint64_t started;
	_Atomic uint64_t cycles;
	uint64_t energy_nj;

	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned int arrived;
	unsigned int ended;
	unsigned int barriers;
	unsigned int hanging;
	uint64_t arrival;
	unsigned int first_failed;
	bool halted;
};

/* ---- Rings ----------------------------------------------------------------------------------- */

/**
 * struct npu_ring - one hardware ring; all under npu_card.lock but for @progress
 * @card: whose
 * @index: number
 * @desc: registers: addresses, size, priority, moderation
 * @enabled: NPU_RING_ENABLE
 * @error: NPU_RING_ERROR
 * @epoch: counts disablings, so that the front knows that what it has just read is old
 * @head: descriptors started or skipped
 * @tail: as last read from memory
 * @cpl_count: completions written
 * @doorbell: the tail is to be read
 * @reset: a reset is asked for
 * @cmd: NPU_RING_CMD_* under way, or 0
 * @cmd_job: what it names
 * @cmd_result: what NPU_RING_CMD reads afterwards
 * @aborting: the running job is the one that ABORT named
 * @reading: a thread reads the ring, without the lock
 * @read_again: the front is to look at the ring when that ends
 * @job: what @next or @running is; never both
 * @next: descriptor @head, read and not started yet
 * @running: on cores
 * @cancel: slots of canceled descriptors, one bit each
 * @progress: NPU_RING_PROGRESS
 * @irq_count: completions not yet told
 * @irq_deadline: when they have to be, 0 for none
 */
struct npu_ring {
	struct npu_card *card;
	unsigned int index;
	uint64_t desc;
	uint64_t cpl;
	uint64_t tail_addr;
	uint32_t size_log2;
	uint32_t priority;
	uint32_t irq;
	bool enabled;
	bool error;
	uint32_t epoch;
	uint32_t head;
	uint32_t tail;
	uint32_t cpl_count;
	bool doorbell;
	bool reset;
	uint32_t cmd;
	uint64_t cmd_job;
	uint32_t cmd_result;
	bool aborting;
	bool reading;
	bool read_again;
	struct npu_job job;
	struct npu_job *next;
	struct npu_job *running;
	uint64_t cancel[(1 << NPU_MAX_RING_LOG2) / 64];
	_Atomic uint32_t progress;
	uint32_t irq_count;
	uint64_t irq_deadline;
};

/* ring.c: all of them with npu_card.lock held, which those marked (*) drop and take again */

void npu_ring_init(struct npu_ring *ring, struct npu_card *card, unsigned int index);
void npu_ring_fini(struct npu_ring *ring);
/** npu_ring_power_on() - all registers as after power-on, no job */
void npu_ring_power_on(struct npu_ring *ring);
/** npu_ring_service() (*) - what there is to do for a ring: commands, reset, reading. Front only */
void npu_ring_service(struct npu_card *card, struct npu_ring *ring);
/** npu_ring_disable() - no job of it is read or started any more */
void npu_ring_disable(struct npu_ring *ring);
/**
 * npu_ring_complete() (*) - tell the driver how @job ended; through @port, that of the calling
 * thread
 */
void npu_ring_complete(struct npu_card *card, struct npu_job *job, struct npu_port *port);
/**
 * npu_ring_read() (*) - have the next descriptor at hand; through @port, that of the calling thread
 */
void npu_ring_read(struct npu_card *card, struct npu_ring *ring, struct npu_port *port);
/** npu_ring_desc_ok() - a descriptor that obeys the rules, and so do the streams of its table */
bool npu_ring_desc_ok(const struct npu_card *card, const struct npu_desc *desc);
bool npu_ring_streams_ok(const struct npu_job *job);
/** npu_ring_retire() - the running job has been completed; somebody has to read the ring now */
void npu_ring_retire(struct npu_card *card, struct npu_ring *ring);
/**
 * npu_ring_deadlines() - raise what moderation has held back long enough; returns the next deadline
 * or 0
 */
uint64_t npu_ring_deadlines(struct npu_card *card, uint64_t now);

/* ---- Telemetry ------------------------------------------------------------------------------- */

#define NPU_POWER_WINDOW_MS 1000

/**
 * struct npu_telemetry - npu_card.lock
 * @power_on: when, in nanoseconds of the monotonic clock
 * @reset: last function reset, likewise
 * @energy_nj: of jobs, since then
 * @stamp: when @milliwatts and @temp_mc were brought up to date
 * @dynamic_mw: moving average of the jobs' power over NPU_POWER_WINDOW_MS
 * @temp_mc: temperature
 * @throttle: NPU_THROTTLE_*
 * @ecc_corrected: errors since the last function reset
 * @ecc_uncorrected: likewise
 */
struct npu_telemetry {
	uint64_t power_on;
	uint64_t reset;
	uint64_t energy_nj;
	uint64_t stamp;
	double dynamic_mw;
	double temp_mc;
	uint32_t throttle;
	uint32_t ecc_corrected;
	uint32_t ecc_uncorrected;
};

/** npu_telemetry_wire() - to or from @w (wire.h) */
void npu_telemetry_wire(struct npu_card *card, struct npu_wire *w);
void npu_telemetry_power_on(struct npu_card *card);
void npu_telemetry_reset(struct npu_card *card);
/** npu_telemetry_job() - a job of @energy_nj and @cycles, that began at @start, ends now */
void npu_telemetry_job(struct npu_card *card, uint64_t energy_nj, uint64_t cycles, uint64_t start);
/** npu_telemetry_update() - the thermometer is looked at, and what follows from it happens */
void npu_telemetry_update(struct npu_card *card);
/** npu_telemetry_slowdown() - the clock is CLOCK_KHZ divided by this */
unsigned int npu_telemetry_slowdown(const struct npu_card *card);
uint32_t npu_telemetry_read(struct npu_card *card, uint64_t offset);
uint64_t npu_telemetry_energy_uj(struct npu_card *card);
uint64_t npu_telemetry_uptime_ms(struct npu_card *card);

/* ---- The card -------------------------------------------------------------------------------- */

/**
 * struct npu_tlb_request - registers of TLB invalidation, and the one under way; npu_card.lock
 */
struct npu_tlb_request {
	uint32_t ctx;
	uint64_t first;
	uint64_t last;
	uint32_t cmd;
	uint32_t done;
};

/**
 * struct npu_card - all under @lock but what says otherwise
 * @cfg: fixed
 * @bus: has its own locks
 * @mmu: likewise
 * @port: the front's
 * @work: the front has something to do, and @kicked says so
 * @changed: threads, movement or a reset changed
 * @enabled: NPU_CTRL_ENABLE
 * @quit: the card is being freed
 * @reset_asked: a function reset is to be done, or under way
 * @resets: how many were
 * @paused: NPU_PAUSED_*: nothing moves; also read without @lock
 * @pause_woken: npu_card_pause_wake()
 * @moving: threads that move
 * @event_status: NPU_EVENT_*
 * @event_enable: likewise
 * @irq: vectors to raise, by ring
 * @irq_event: NPU_VECTOR_EVENT is to be raised
 * @pending: rings that the front has to look at
 * @tlb: invalidation
 * @link: NPU_REG_PCIE_LINK
 * @latch_offset: LO register read last ...
 * @latch: ... and what its HI reads
 * @last: ring of the job started last, by priority
 * @core: cores; those of a card never change
 * @ring: rings, likewise
 * @telemetry: see there
 * @inject: see there
 */
struct npu_card {
	struct npu_card_config cfg;
	struct npu_bus bus;
	struct npu_mmu mmu;
	struct npu_port *port;
	pthread_t front;
	bool front_runs;

	pthread_mutex_t lock;
	pthread_cond_t work;
	bool kicked;
	pthread_cond_t changed;
	bool enabled;
	bool quit;
	bool reset_asked;
	uint32_t resets;
	atomic_uint paused;
	bool pause_woken;
	unsigned int moving;
	uint32_t event_status;
	uint32_t event_enable;
	uint64_t irq;
	bool irq_event;
	uint64_t pending;
	struct npu_tlb_request tlb;
	uint32_t link;
	uint64_t latch_offset;
	uint32_t latch;
	unsigned int last[NPU_PRIORITIES];
	struct npu_core *core[NPU_MAX_CORES];
	struct npu_ring *ring;
	struct npu_telemetry telemetry;
	struct npu_inject inject;
};

#define NPU_PAUSED_HOST	(1u << 0)	/* npu_card_pause() */
#define NPU_PAUSED_HANG	(1u << 1)	/* npu_inject.hang */

/** npu_card_kick() - the front has something to do for the rings in @rings; lock held */
void npu_card_kick(struct npu_card *card, uint64_t rings);
/** npu_card_event() - NPU_EVENT_* happened; lock held */
void npu_card_event(struct npu_card *card, uint32_t event);
/**
 * npu_card_interrupts() - raise what is to be raised, through @port; lock held, dropped and taken
 * again
 */
void npu_card_interrupts(struct npu_card *card, struct npu_port *port);
/** npu_card_power_on() - all registers as after power-on; no job runs */
void npu_card_power_on(struct npu_card *card);
/** npu_card_ready() - rings may fetch and start; lock held */
bool npu_card_ready(const struct npu_card *card);
/**
 * npu_card_move() - wait until movement is allowed, then move. @give_up, if not NULL, is looked at
 *	while paused: false is returned when it is set, and the thread rests still
 * npu_card_rest() - move no more
 *
 * Both with the lock held.
 */
bool npu_card_move(struct npu_card *card, const bool *give_up);
void npu_card_rest(struct npu_card *card);
/** npu_card_changed() - something that a pause or a reset waits for; lock held */
void npu_card_changed(struct npu_card *card);
/** npu_card_at_rest() - paused, and nothing changes any more; lock held */
bool npu_card_at_rest(const struct npu_card *card);

__attribute__((format(printf, 3, 4))) void
npu_card_log(struct npu_card *card, enum npu_card_log level, const char *fmt, ...);
/** npu_wire_ago() - a moment of that clock that has passed, to or from a wire (wire.h) */
void npu_wire_ago(struct npu_wire *w, uint64_t *when);
/** npu_now() - nanoseconds of the monotonic clock */
uint64_t npu_now(void);
/** npu_cond_init() - a condition whose timed waits are of that clock */
void npu_cond_init(pthread_cond_t *cond);
/** npu_cond_wait() - until signalled or @deadline, 0 for none */
void npu_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t deadline);

/* sched.c */

/**
 * npu_sched_run() - start what can start; lock held. From the front and from cores that fell free
 */
void npu_sched_run(struct npu_card *card);
/**
 * npu_sched_waiting() - the ring whose gang waits for cores and has those free reserved, or NULL
 */
struct npu_ring *npu_sched_waiting(struct npu_card *card);
/** npu_sched_front() - the front's thread */
void *npu_sched_front(void *card);

#endif
