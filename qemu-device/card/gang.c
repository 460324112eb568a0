// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Gangs: barriers, and how a job with several members ends. A job of one core is a gang of one.
 *
 * How a gang ends must not depend on how its threads interleave. So a member that fails does not
 * stop the others at once: they go on to their next barrier or end, and when all stand still, the
 * lowest member that failed tells how the job ended. Only where none failed, barriers that not all
 * members reach are a deadlock, and the checker compares what the members did. ABORT and resets do
 * stop at once.
 *
 * "Standing still" is one of: waiting at the barrier, ended, hanging. The last one to do so decides
 * for all.
 */
#include "core.h"

static void no_command(struct npu_error *err, enum npu_status status, enum npu_reason reason)
{
	*err = (struct npu_error){
		.status = status,
		.reason = reason,
		.engine = NPU_ENGINE_NONE,
		.other_engine = NPU_ENGINE_NONE,
		.cmd = NPU_ERROR_NO_CMD,
		.other_cmd = NPU_ERROR_NO_CMD,
	};
}

void npu_gang_start(struct npu_job *job)
{
	pthread_mutex_lock(&job->lock);
	job->arrived = 0;
	job->ended = 0;
	job->barriers = 0;
	job->hanging = 0;
	job->arrival = 0;
	job->first_failed = job->desc.ncores;
	job->halted = false;
	for (unsigned int i = 0; i < job->desc.ncores; i++)
		job->core[i]->waits = false;
	pthread_mutex_unlock(&job->lock);
}

static void halt(struct npu_job *job)
{
	job->halted = true;
	pthread_cond_broadcast(&job->cond);
}

static bool has_failed(const struct npu_job *job)
{
	return job->first_failed < job->desc.ncores;
}

/* Some wait at a barrier that others have ended without. The lowest that waits is named. */
static void deadlock(struct npu_job *job)
{
	unsigned int i = 0;

	while (!job->core[i]->waits)
		i++;
	no_command(&job->error, NPU_JOB_DEADLOCK, NPU_REASON_BARRIER);
	job->error.core = i;
	job->error.cmd = job->core[i]->at;
	job->error.tag = job->core[i]->at_tag;
	job->first_failed = i;
}

/*
 * What the checker finds in what the members did since the last barrier. All stand still; no lock
 * held.
 */
static bool check_epoch(struct npu_job *job, struct npu_error *err)
{
	struct npu_hazard *hazard[NPU_MAX_CORES];

	for (unsigned int i = 0; i < job->desc.ncores; i++)
		hazard[i] = job->core[i]->hazard;
	return !hazard[0] || npu_hazard_epoch(hazard, job->desc.ncores, err);
}

static void open_barrier(struct npu_job *job)
{
	job->arrival = 0;
	for (unsigned int i = 0; i < job->desc.ncores; i++) {
		uint64_t t = npu_time_drain(job->core[i]->time);

		job->arrival = t > job->arrival ? t : job->arrival;
		job->core[i]->waits = false;
	}
	job->arrived = 0;
	job->barriers++;
	pthread_cond_broadcast(&job->cond);
}

/*
 * The last member has arrived and none has failed. The checker may read memory, so not under the
 * lock.
 */
static void meet(struct npu_job *job)
{
	struct npu_error err;
	bool ok;

	pthread_mutex_unlock(&job->lock);
	no_command(&err, NPU_JOB_HAZARD, NPU_REASON_NONE);
	ok = check_epoch(job, &err);
	pthread_mutex_lock(&job->lock);
	if (job->halted)
		return;
	if (ok) {
		open_barrier(job);
	} else {
		job->error = err;
		job->first_failed = err.core;
		halt(job);
	}
}

/*
 * Something changed: if all stand still, decide. job->lock held, perhaps dropped and taken again.
 */
static void decide(struct npu_job *job)
{
	if (job->halted || job->arrived + job->ended + job->hanging < job->desc.ncores)
		return;
	if (has_failed(job)) {
		halt(job);
	} else if (job->arrived == job->desc.ncores) {
		meet(job);
	} else if (job->arrived && !job->hanging) {
		deadlock(job);
		halt(job);
	}
}

/*
 * Rest at @place while the gang is not halted and has passed @barriers barriers. job->lock held,
 * dropped, taken again.
 */
static void stand(struct npu_core *core, unsigned int barriers, enum npu_place place)
{
	struct npu_job *job = core->job;
	struct npu_card *card = core->card;

	pthread_mutex_unlock(&job->lock);
	pthread_mutex_lock(&card->lock);
	core->place = place;
	npu_core_rest(core);
	pthread_mutex_unlock(&card->lock);

	pthread_mutex_lock(&job->lock);
	while (!job->halted && job->barriers == barriers)
		pthread_cond_wait(&job->cond, &job->lock);
	pthread_mutex_unlock(&job->lock);

	pthread_mutex_lock(&card->lock);
	npu_core_move(core);
	pthread_mutex_unlock(&card->lock);
	pthread_mutex_lock(&job->lock);
}

bool npu_gang_barrier(struct npu_core *core, uint32_t tag)
{
	struct npu_job *job = core->job;
	unsigned int barriers;
	bool go;

	pthread_mutex_lock(&job->lock);
	barriers = job->barriers;
	core->at = core->pc;
	core->at_tag = tag;
	core->waits = true;
	job->arrived++;
	decide(job);
	if (!job->halted && job->barriers == barriers)
		stand(core, barriers, NPU_PLACE_BARRIER);
	go = !job->halted;
	pthread_mutex_unlock(&job->lock);
	return go;
}

bool npu_gang_stands(struct npu_core *core)
{
	struct npu_job *job = core->job;
	bool stands;

	pthread_mutex_lock(&job->lock);
	stands = core->waits || job->halted;
	pthread_mutex_unlock(&job->lock);
	return stands;
}

void npu_gang_hang(struct npu_core *core)
{
	struct npu_job *job = core->job;

	pthread_mutex_lock(&job->lock);
	job->hanging++;
	decide(job);
	while (!job->halted)
		stand(core, job->barriers, NPU_PLACE_COMMAND);
	pthread_mutex_unlock(&job->lock);
}

void npu_gang_end(struct npu_core *core, const struct npu_error *err)
{
	struct npu_job *job = core->job;

	pthread_mutex_lock(&job->lock);
	if (err && err->status == NPU_JOB_ABORTED) {
		if (job->error.cmd == NPU_ERROR_NO_CMD && !has_failed(job))
			job->error = *err;
	} else if (err && core->member < job->first_failed) {
		job->error = *err;
		job->first_failed = core->member;
	}
	job->ended++;
	decide(job);
	pthread_mutex_unlock(&job->lock);
}

void npu_gang_halt(struct npu_job *job)
{
	pthread_mutex_lock(&job->lock);
	if (!job->error.status)
		no_command(&job->error, NPU_JOB_ABORTED, NPU_REASON_NONE);
	halt(job);
	pthread_mutex_unlock(&job->lock);
}

void npu_job_stop(struct npu_job *job, bool discard)
{
	job->discard |= discard;
	/* Who waits for a pause to end looks at both, and may have been stopped before. */
	pthread_cond_broadcast(&job->ring->card->changed);
	if (job->stopped)
		return;
	job->stopped = true;
	for (unsigned int i = 0; i < job->desc.ncores; i++) {
		if (!job->core[i])
			continue;
		atomic_store(&job->core[i]->view.stop, true);
		pthread_cond_signal(&job->core[i]->wake);
	}
	/* With no member left it is being completed already. */
	if (job->members)
		npu_gang_halt(job);
}
