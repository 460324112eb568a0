// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Uevents, of the accel node.
 *
 * What happens is noticed in interrupts and where fences wait; sending sleeps and allocates. So an
 * event is written down with its variables, and a work sends what is there. Who breaks his queues
 * all day must not keep udev busy: of each kind a few are sent in a while, and of the others the
 * last, when that while is over, which says how many are missing. Kinds are counted apart, so that
 * nobody's bad jobs hide what happens to the card.
 *
 * Locks: @lock, innermost, interrupts off.
 */
#include <linux/kobject.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include <drm/drm_managed.h>

#include "npu_drv.h"
#include "npu_event.h"
#include "npu_queue.h"

/* Of a kind, so many are sent in such a time. */
#define NPU_EVENT_BURST		10
#define NPU_EVENT_PERIOD	(5 * HZ)

/* Variables of an event, LOST included, and bytes of one. */
#define NPU_EVENT_VARS		6
#define NPU_EVENT_VAR_SIZE	32

enum npu_event_kind {
	NPU_EVENT_KIND_JOB,
	NPU_EVENT_KIND_RESET,
	NPU_EVENT_KIND_ECC,
	NPU_EVENT_KIND_THERMAL,
	NPU_EVENT_KINDS
};

/**
 * struct npu_event - an event to send
 * @vars: its variables
 * @count: of them
 */
struct npu_event {
	char vars[NPU_EVENT_VARS][NPU_EVENT_VAR_SIZE];
	unsigned int count;
};

/**
 * struct npu_event_limit - how often a kind is told
 * @begin: of the time in which they are counted, jiffies
 * @told: events in it
 * @held: events not told since the last one that was
 * @last: of these
 */
struct npu_event_limit {
	unsigned long begin;
	unsigned int told;
	unsigned int held;
	struct npu_event last;
};

/**
 * struct npu_events - a card's
 * @ndev: the card
 * @work: sends them
 * @later: tells what is held back
 * @lock: protects what follows
 * @limit: by kind
 * @first: of @queued
 * @count: of @queued
 * @queued: what is to be sent, a circle; @limit leaves it room, unless the work is late
 */
struct npu_events {
	struct npu_device *ndev;
	struct work_struct work;
	struct delayed_work later;
	spinlock_t lock;	/* what follows */
	struct npu_event_limit limit[NPU_EVENT_KINDS];
	unsigned int first;
	unsigned int count;
	struct npu_event queued[NPU_EVENT_KINDS * NPU_EVENT_BURST];
};

/* ---- Sending --------------------------------------------------------------------------------- */

/* Inside drm_dev_enter(). */
static void npu_event_send(struct npu_device *ndev, char **env)
{
	struct drm_minor *minor = ndev->base.accel;

	/* Not before the node is there. */
	if (minor && minor->kdev && device_is_registered(minor->kdev))
		kobject_uevent_env(&minor->kdev->kobj, KOBJ_CHANGE, env);
}

static bool npu_event_take(struct npu_events *events, struct npu_event *event)
{
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&events->lock, flags);
	found = events->count;
	if (found) {
		*event = events->queued[events->first];
		events->first = (events->first + 1) % ARRAY_SIZE(events->queued);
		events->count--;
	}
	spin_unlock_irqrestore(&events->lock, flags);
	return found;
}

static void npu_event_work(struct work_struct *work)
{
	struct npu_events *events = container_of(work, struct npu_events, work);
	struct npu_event event;
	char *env[NPU_EVENT_VARS + 1];
	unsigned int i;
	int idx;

	/* Also of a card that is given up: why it was is the most interesting of all. */
	if (!drm_dev_enter(&events->ndev->base, &idx))
		return;
	while (npu_event_take(events, &event)) {
		for (i = 0; i < event.count; i++)
			env[i] = event.vars[i];
		env[i] = NULL;
		npu_event_send(events->ndev, env);
	}
	drm_dev_exit(idx);
}

static __printf(2, 3) void npu_event_add(struct npu_event *event, const char *format, ...)
{
	va_list args;

	if (WARN_ON(event->count == NPU_EVENT_VARS))
		return;
	va_start(args, format);
	vsnprintf(event->vars[event->count++], NPU_EVENT_VAR_SIZE, format, args);
	va_end(args);
}

static bool npu_event_may_tell(struct npu_events *events, struct npu_event_limit *limit)
{
	if (time_after_eq(jiffies, limit->begin + NPU_EVENT_PERIOD)) {
		limit->begin = jiffies;
		limit->told = 0;
	}
	return limit->told < NPU_EVENT_BURST && events->count < ARRAY_SIZE(events->queued);
}

/* Writes down an event to be sent; @lost others never will be. The lock is held. */
static void npu_event_queue(struct npu_events *events, struct npu_event_limit *limit,
			    struct npu_event *event, unsigned int lost)
{
	unsigned int last = (events->first + events->count++) % ARRAY_SIZE(events->queued);

	if (lost)
		npu_event_add(event, "LOST=%u", lost);
	limit->held = 0;
	limit->told++;
	events->queued[last] = *event;
	queue_work(npu_release_wq, &events->work);
}

static void npu_event_tell(struct npu_device *ndev, enum npu_event_kind kind,
			   struct npu_event *event)
{
	struct npu_events *events = ndev->events;
	struct npu_event_limit *limit = &events->limit[kind];
	unsigned long flags;
	int idx;

	/* Unplugged, it is not queued again, so npu_event_unbind() is the end of it. */
	if (!npu_dev_enter(ndev, &idx))
		return;
	spin_lock_irqsave(&events->lock, flags);
	if (npu_event_may_tell(events, limit)) {
		npu_event_queue(events, limit, event, limit->held);
	} else {
		limit->held++;
		limit->last = *event;
		queue_delayed_work(npu_release_wq, &events->later, NPU_EVENT_PERIOD);
	}
	spin_unlock_irqrestore(&events->lock, flags);
	npu_dev_exit(idx);
}

/* As npu_event_work(), also of a card that is given up. */
static void npu_event_later(struct work_struct *work)
{
	struct npu_events *events = container_of(work, struct npu_events, later.work);
	struct npu_event_limit *limit;
	bool again = false;
	unsigned int i;
	int idx;

	if (!drm_dev_enter(&events->ndev->base, &idx))
		return;
	spin_lock_irq(&events->lock);
	for (i = 0; i < NPU_EVENT_KINDS; i++) {
		limit = &events->limit[i];
		if (!limit->held)
			continue;
		if (npu_event_may_tell(events, limit))
			npu_event_queue(events, limit, &limit->last, limit->held - 1);
		else
			again = true;
	}
	if (again)
		queue_delayed_work(npu_release_wq, &events->later, NPU_EVENT_PERIOD);
	spin_unlock_irq(&events->lock);
	drm_dev_exit(idx);
}

/* ---- What there is to tell ------------------------------------------------------------------- */

static const char *npu_event_job_reason(const struct drm_npu_result *result)
{
	switch (result->error) {
	case -EFAULT:
		return "fault";
	case -EDEADLK:
		return "deadlock";
	case -EILSEQ:
		return "hazard";
	case -EBADMSG:
		return "invalid";
	case -ERANGE:
		return "index";
	case -ETIMEDOUT:
		return "timeout";
	case -ECANCELED:
		return "reset";
	default:
		break;
	}
	switch (result->status) {
	case NPU_JOB_ECC:
		return "ecc";
	case NPU_JOB_BUS:
		return "bus";
	default:
		return "lost";
	}
}

void npu_event_banned(struct npu_queue *queue, const struct drm_npu_result *result)
{
	struct npu_event event = {};

	npu_event_add(&event, "NPU_EVENT=job");
	npu_event_add(&event, "PID=%d", queue->pid);
	npu_event_add(&event, "QUEUE=%u", queue->id);
	npu_event_add(&event, "JOB=%llu", result->seqno);
	npu_event_add(&event, "REASON=%s", npu_event_job_reason(result));
	npu_event_tell(queue->ndev, NPU_EVENT_KIND_JOB, &event);
}

void npu_event_reset(struct npu_device *ndev, const char *stage)
{
	struct npu_event event = {};

	npu_event_add(&event, "NPU_EVENT=reset");
	npu_event_add(&event, "STAGE=%s", stage);
	npu_event_tell(ndev, NPU_EVENT_KIND_RESET, &event);
}

void npu_event_ring_reset(struct npu_device *ndev, const char *stage, unsigned int ring)
{
	struct npu_event event = {};

	npu_event_add(&event, "NPU_EVENT=reset");
	npu_event_add(&event, "STAGE=%s", stage);
	npu_event_add(&event, "RING=%u", ring);
	npu_event_tell(ndev, NPU_EVENT_KIND_RESET, &event);
}

void npu_event_ecc(struct npu_device *ndev, u32 corrected, u32 uncorrected)
{
	struct npu_event event = {};

	npu_event_add(&event, "NPU_EVENT=ecc");
	npu_event_add(&event, "CORRECTED=%u", corrected);
	npu_event_add(&event, "UNCORRECTED=%u", uncorrected);
	npu_event_tell(ndev, NPU_EVENT_KIND_ECC, &event);
}

void npu_event_thermal(struct npu_device *ndev, bool throttled)
{
	struct npu_event event = {};

	npu_event_add(&event, "NPU_EVENT=thermal");
	npu_event_add(&event, "THROTTLED=%d", throttled);
	npu_event_tell(ndev, NPU_EVENT_KIND_THERMAL, &event);
}

/*
 * In the form of drm_dev_wedged_event(), which cannot be called: it takes the primary node for
 * granted, and accelerators have none.
 */
void npu_event_wedged(struct npu_device *ndev)
{
	char wedged[] = "WEDGED=rebind,bus-reset";
	char *env[2] = { wedged, NULL };
	int idx;

	if (!drm_dev_enter(&ndev->base, &idx))
		return;
	npu_event_send(ndev, env);
	drm_dev_exit(idx);
}

/* ---- Making and ending ----------------------------------------------------------------------- */

static void npu_event_unbind(void *data)
{
	struct npu_events *events = data;

	cancel_delayed_work_sync(&events->later);
	cancel_work_sync(&events->work);
}

int npu_event_init(struct npu_device *ndev)
{
	struct npu_events *events;
	unsigned int i;

	events = drmm_kzalloc(&ndev->base, sizeof(*events), GFP_KERNEL);
	if (!events)
		return -ENOMEM;
	events->ndev = ndev;
	INIT_WORK(&events->work, npu_event_work);
	INIT_DELAYED_WORK(&events->later, npu_event_later);
	spin_lock_init(&events->lock);
	for (i = 0; i < NPU_EVENT_KINDS; i++)
		events->limit[i].begin = jiffies;
	ndev->events = events;
	return devm_add_action_or_reset(&ndev->pdev->dev, npu_event_unbind, events);
}
