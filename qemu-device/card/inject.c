// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Faults injected from outside: the table that QEMU's properties and the documentation are made
 * from, arming, and what of it a reset ends. See inject.h.
 */
#include "inject.h"

#include <errno.h>
#include <string.h>

#include "core.h"

#define MOST UINT32_MAX

const struct npu_card_injection npu_card_injections[NPU_INJECTIONS] = {
	[NPU_INJECT_WHERE] = {
		"inject-where", NPU_INJECT_ANYWHERE, NPU_VECTOR_RING(NPU_MAX_RINGS) - 1,
		"the ring, for inject-lost-irq the vector, that what is injected next is for; -1: any",
	},
	[NPU_INJECT_SEED] = {
		"inject-seed", 0, INT64_MAX,
		"of the random numbers in corrupt completions injected next",
	},
	[NPU_INJECT_JOB_HANG] = {
		"inject-job-hang", 0, MOST,
		"so many jobs that start next hang, until ABORT or a reset",
	},
	[NPU_INJECT_CARD_HANG] = {
		"inject-card-hang", NPU_HANG_NONE, NPU_HANG_FOR_GOOD,
		"1: the card hangs until a function reset; 2: until it loses power; 0: no more",
	},
	[NPU_INJECT_ECC_CORRECTED] = {
		"inject-ecc-corrected", 0, MOST,
		"so many memory errors happened and were corrected",
	},
	[NPU_INJECT_ECC_UNCORRECTED] = {
		"inject-ecc-uncorrected", 0, INT64_MAX,
		"a memory error at this offset of local memory could not be corrected: running jobs end",
	},
	[NPU_INJECT_TEMPERATURE] = {
		"inject-temperature", 0, 200000,
		"what the thermometer shows, in millidegrees Celsius; 0: the card's own model",
	},
	[NPU_INJECT_LOST_IRQ] = {
		"inject-lost-irq", 0, MOST, "so many interrupts that come next are lost",
	},
	[NPU_INJECT_DROPPED_COMPLETION] = {
		"inject-dropped-completion", 0, MOST,
		"so many completions that come next are not written",
	},
	[NPU_INJECT_CORRUPT_COMPLETION] = {
		"inject-corrupt-completion", 0, MOST,
		"so many completions that come next have random fields",
	},
	[NPU_INJECT_BAD_PTE] = {
		"inject-bad-pte", 0, MOST, "so many page walks that come next find reserved bits set",
	},
	[NPU_INJECT_REMOVAL] = {
		"inject-removal", 0, 1, "1: the card is pulled out of its slot; 0: it is put in again",
	},
};

/* ---- What happens at once -------------------------------------------------------------------- */

static void set_hang(struct npu_card *card, enum npu_inject_hang hang)
{
	bool held = card->inject.reset_held;

	card->inject.hang = hang;
	if (hang) {
		atomic_fetch_or(&card->paused, NPU_PAUSED_HANG);
		return;
	}
	atomic_fetch_and(&card->paused, ~NPU_PAUSED_HANG);
	card->inject.reset_held = false;
	card->reset_asked |= held;
	card->kicked = true;
	pthread_cond_broadcast(&card->changed);
	pthread_cond_signal(&card->work);
}

/*
 * How the job ends is settled before it is stopped: its members find themselves stopped, which tells
 * nothing, or fail of themselves, which is too late. A job that has failed already ends so.
 */
static void fail_job(struct npu_job *job, uint64_t offset)
{
	pthread_mutex_lock(&job->lock);
	if (job->first_failed == job->desc.ncores && !job->error.status) {
		job->error = (struct npu_error){
			.status = NPU_JOB_ECC,
			.reason = NPU_REASON_ECC_LMEM,
			.engine = NPU_ENGINE_NONE,
			.other_engine = NPU_ENGINE_NONE,
			.cmd = NPU_ERROR_NO_CMD,
			.other_cmd = NPU_ERROR_NO_CMD,
			.addr = offset,
		};
		job->first_failed = 0;
	}
	pthread_mutex_unlock(&job->lock);
	npu_job_stop(job, false);
}

static void ecc_uncorrected(struct npu_card *card, uint64_t offset)
{
	card->telemetry.ecc_uncorrected++;
	npu_card_event(card, NPU_EVENT_ECC);
	for (unsigned int r = 0; r < card->cfg.rings; r++) {
		struct npu_job *job = card->ring[r].running;

		if (job && job->members && !job->stopped)
			fail_job(job, offset);
	}
}

static void ecc_corrected(struct npu_card *card, uint32_t count)
{
	if (!count)
		return;
	card->telemetry.ecc_corrected += count;
	npu_card_event(card, NPU_EVENT_ECC);
}

/* ---- Removal --------------------------------------------------------------------------------- */

static void pull_out(struct npu_card *card)
{
	npu_bus_forbid(&card->bus, NPU_BUS_REMOVED);
	pthread_mutex_lock(&card->lock);
	card->inject.removed = true;
	pthread_mutex_unlock(&card->lock);
	/* Jobs end, and nothing is under way any more. */
	npu_card_reset(card);
}

static void put_in(struct npu_card *card)
{
	pthread_mutex_lock(&card->lock);
	npu_inject_power_on(card);
	card->resets = 0;
	npu_telemetry_power_on(card);
	pthread_mutex_unlock(&card->lock);
	npu_bus_open(&card->bus, NPU_BUS_REMOVED);
}

static void set_removed(struct npu_card *card, bool removed)
{
	if (npu_card_injected(card, NPU_INJECT_REMOVAL) == removed)
		return;
	if (removed)
		pull_out(card);
	else
		put_in(card);
}

/* ---- Arming ---------------------------------------------------------------------------------- */

static struct npu_inject_count *count_of(struct npu_inject *inject, enum npu_injection what)
{
	switch (what) {
	case NPU_INJECT_JOB_HANG:
		return &inject->job_hang;
	case NPU_INJECT_LOST_IRQ:
		return &inject->lost_irq;
	case NPU_INJECT_DROPPED_COMPLETION:
		return &inject->dropped;
	case NPU_INJECT_CORRUPT_COMPLETION:
		return &inject->corrupt;
	default:
		return NULL;
	}
}

static void arm(struct npu_card *card, enum npu_injection what, int64_t value)
{
	struct npu_inject *inject = &card->inject;
	struct npu_inject_count *count = count_of(inject, what);

	if (count)
		*count = (struct npu_inject_count){ .left = value, .where = inject->where };
	switch (what) {
	case NPU_INJECT_WHERE:
		inject->where = value;
		break;
	case NPU_INJECT_SEED:
		inject->seed = value;
		break;
	case NPU_INJECT_CARD_HANG:
		set_hang(card, value);
		break;
	case NPU_INJECT_ECC_CORRECTED:
		ecc_corrected(card, value);
		break;
	case NPU_INJECT_ECC_UNCORRECTED:
		ecc_uncorrected(card, value);
		break;
	case NPU_INJECT_TEMPERATURE:
		inject->temp_mc = value;
		npu_telemetry_update(card);
		break;
	case NPU_INJECT_CORRUPT_COMPLETION:
		inject->random = inject->seed;
		break;
	case NPU_INJECT_BAD_PTE:
		atomic_store(&card->mmu.bad_ptes, value);
		break;
	default:
		break;
	}
}

static int64_t most(const struct npu_card *card, enum npu_injection what)
{
	switch (what) {
	case NPU_INJECT_WHERE:
		return NPU_VECTOR_RING(card->cfg.rings) - 1;
	case NPU_INJECT_ECC_UNCORRECTED:
		return card->cfg.lmem_size - 1;
	default:
		return npu_card_injections[what].max;
	}
}

int npu_card_inject(struct npu_card *card, enum npu_injection what, int64_t value)
{
	int ret = 0;

	if (!card->cfg.inject)
		return -EPERM;
	if (value < npu_card_injections[what].min || value > most(card, what))
		return -ERANGE;
	npu_card_log(card, NPU_LOG_TRACE, "%s %lld", npu_card_injections[what].name,
		     (long long)value);
	if (what == NPU_INJECT_REMOVAL) {
		set_removed(card, value);
		return 0;
	}
	pthread_mutex_lock(&card->lock);
	if (card->inject.removed)
		ret = -ENODEV;
	else
		arm(card, what, value);
	pthread_mutex_unlock(&card->lock);
	return ret;
}

int64_t npu_card_injected(struct npu_card *card, enum npu_injection what)
{
	struct npu_inject_count *count;
	int64_t value = 0;

	pthread_mutex_lock(&card->lock);
	count = count_of(&card->inject, what);
	if (count)
		value = count->left;
	switch (what) {
	case NPU_INJECT_WHERE:
		value = card->inject.where;
		break;
	case NPU_INJECT_SEED:
		value = card->inject.seed;
		break;
	case NPU_INJECT_CARD_HANG:
		value = card->inject.hang;
		break;
	case NPU_INJECT_ECC_CORRECTED:
		value = card->telemetry.ecc_corrected;
		break;
	case NPU_INJECT_ECC_UNCORRECTED:
		value = card->telemetry.ecc_uncorrected;
		break;
	case NPU_INJECT_TEMPERATURE:
		value = card->inject.temp_mc;
		break;
	case NPU_INJECT_BAD_PTE:
		value = atomic_load(&card->mmu.bad_ptes);
		break;
	case NPU_INJECT_REMOVAL:
		value = card->inject.removed;
		break;
	default:
		break;
	}
	pthread_mutex_unlock(&card->lock);
	return value;
}

void npu_card_inject_clear(struct npu_card *card)
{
	pthread_mutex_lock(&card->lock);
	if (!card->inject.removed) {
		npu_inject_power_on(card);
		npu_telemetry_update(card);
	}
	pthread_mutex_unlock(&card->lock);
}

/* ---- Resets ---------------------------------------------------------------------------------- */

bool npu_inject_armed(const struct npu_card *card)
{
	const struct npu_inject *x = &card->inject;

	return x->job_hang.left || x->lost_irq.left || x->dropped.left || x->corrupt.left ||
	       x->hang != NPU_HANG_NONE || x->temp_mc || x->removed ||
	       atomic_load(&card->mmu.bad_ptes);
}

void npu_inject_power_on(struct npu_card *card)
{
	if (card->inject.hang)
		set_hang(card, NPU_HANG_NONE);
	memset(&card->inject, 0, sizeof(card->inject));
	card->inject.where = NPU_INJECT_ANYWHERE;
	atomic_store(&card->mmu.bad_ptes, 0);
}

void npu_inject_reset(struct npu_card *card)
{
	const struct npu_inject old = card->inject;

	/* It is done now, or forgotten. */
	card->inject.reset_held = false;
	npu_inject_power_on(card);
	card->inject.removed = old.removed;
	card->inject.temp_mc = old.temp_mc;
	if (old.hang == NPU_HANG_FOR_GOOD)
		set_hang(card, old.hang);
}

bool npu_inject_holds_reset(struct npu_card *card)
{
	if (card->inject.hang == NPU_HANG_FOR_GOOD)
		card->inject.reset_held = true;
	return card->inject.reset_held;
}

/* ---- What the next ones meet ----------------------------------------------------------------- */

void npu_inject_irqs(struct npu_card *card, uint64_t *rings, bool *event)
{
	struct npu_inject_count *lost = &card->inject.lost_irq;

	if (*event && npu_inject_hits(lost, NPU_VECTOR_EVENT))
		*event = false;
	for (uint64_t left = *rings; left; left &= left - 1) {
		if (npu_inject_hits(lost, NPU_VECTOR_RING(__builtin_ctzll(left))))
			*rings &= ~(left & -left);
	}
}

/* splitmix64 */
static uint64_t next_random(struct npu_inject *inject)
{
	uint64_t z = inject->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

void npu_inject_corrupt(struct npu_card *card, unsigned int ring, struct npu_completion *cpl)
{
	static const struct {
		size_t offset, size;
	} fields[] = {
#define FIELD(f) { offsetof(struct npu_completion, f), sizeof(cpl->f) }
		FIELD(job_id), FIELD(cycles), FIELD(addr),  FIELD(cmd),
		FIELD(status), FIELD(reason), FIELD(where), FIELD(phase),
#undef FIELD
	};
	struct npu_inject *inject = &card->inject;
	uint8_t phase = cpl->phase & NPU_CPL_PHASE;
	uint64_t which, value;

	if (!npu_inject_hits(&inject->corrupt, ring))
		return;
	which = next_random(inject) & 0xff;
	for (unsigned int i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		value = next_random(inject);
		/* All but the phase may be right by chance; then all are garbage. */
		if (!(which & 0x7f) || which >> i & 1)
			memcpy((char *)cpl + fields[i].offset, &value, fields[i].size);
	}
	cpl->phase = (cpl->phase & ~NPU_CPL_PHASE) | phase;
}
