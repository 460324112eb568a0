// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * The fences that leave the driver; npu_fence.h says why there is a kind of their own.
 *
 * A fence that has signalled stands on its own: newer kernels detach one without a release function
 * from its operations; on older ones it is given those of the kernel's stub fence. What lockdep
 * knows of its lock is the kernel's from the beginning (npu_compat.h). Until it has signalled, its
 * job or bind is not done, which keeps the card's structure and with it the module (npu_exit()).
 */
#include <linux/irq_work.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "npu_compat.h"
#include "npu_fence.h"

struct npu_fence {
	struct dma_fence base;
	spinlock_t lock;	/* dma_fence's, where it has none of its own */
};

struct npu_late_fence {
	struct npu_fence own;
	struct irq_work work;
};

/*
 * The core frees them by their base, after a grace period, which is after the work: that runs with
 * interrupts off. (With PREEMPT_RT it does not; dma_fence_chain is freed in its work as well.)
 */
static_assert(!offsetof(struct npu_fence, base));
static_assert(!offsetof(struct npu_late_fence, own));

static struct dma_fence *npu_fence_stub;

static const char *npu_fence_driver_name(struct dma_fence *fence)
{
	return "npu";
}

static const char *npu_fence_timeline_name(struct dma_fence *fence)
{
	return "npu-queue";
}

static const struct dma_fence_ops npu_fence_ops = {
	.get_driver_name = npu_fence_driver_name,
	.get_timeline_name = npu_fence_timeline_name,
};

struct dma_fence *npu_fence_alloc(void)
{
	struct npu_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL_ACCOUNT);

	return fence ? &fence->base : NULL;
}

struct dma_fence *npu_fence_alloc_late(void)
{
	struct npu_late_fence *late = kzalloc(sizeof(*late), GFP_KERNEL_ACCOUNT);

	return late ? &late->own.base : NULL;
}

void npu_fence_init(struct dma_fence *fence, u64 context, u64 seqno)
{
	struct npu_fence *own = container_of(fence, struct npu_fence, base);

	dma_fence_init(fence, &npu_fence_ops, npu_fence_init_lock(&own->lock, npu_fence_stub),
		       context, seqno);
}

void npu_fence_signal(struct dma_fence *fence)
{
	dma_fence_signal(fence);
	npu_fence_detach(fence, npu_fence_stub);
}

static void npu_fence_late_work(struct irq_work *work)
{
	struct npu_late_fence *late = container_of(work, struct npu_late_fence, work);

	/*
	 * The last job may be gone with this, and the module after it. Its exit waits for
	 * RCU's readers, which an interrupt is but a thread of PREEMPT_RT is not.
	 */
	rcu_read_lock();
	npu_fence_signal(&late->own.base);
	dma_fence_put(&late->own.base);
	rcu_read_unlock();
}

void npu_fence_signal_late(struct dma_fence *fence)
{
	struct npu_late_fence *late = container_of(fence, struct npu_late_fence, own.base);

	init_irq_work(&late->work, npu_fence_late_work);
	irq_work_queue(&late->work);
}

void npu_fence_free(struct dma_fence *fence)
{
	kfree(fence);
}

void npu_fence_module_init(void)
{
	npu_fence_stub = dma_fence_get_stub();
}

void npu_fence_module_exit(void)
{
	/* Whoever looks at a fence's name does so under RCU. */
	synchronize_rcu();
	dma_fence_put(npu_fence_stub);
}
