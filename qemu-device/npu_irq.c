// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Copyright (c) 2026 the npu authors
 *
 * Interrupts, from the card's threads to the guest. A thread of the card sets a bit; whoever holds the
 * BQL next for the card turns bits into msix_notify(). Under TCG that is the emulated processor that
 * wrote a register last: it is likely the one to be interrupted, and need not be woken by another
 * thread that was woken itself. Otherwise it is a bottom half.
 *
 * `irqs' is atomic; `writer' is under the BQL and the device's lock, either of which is enough to read
 * it.
 */
#include "qemu/osdep.h"
#include "qemu/atomic.h"
#include "qemu/bitops.h"
#include "qemu/lockable.h"
#include "hw/core/cpu.h"
#include "hw/pci/msix.h"
#if __has_include("system/tcg.h")
#include "system/tcg.h"
#else
#include "sysemu/tcg.h"
#endif

#include "npu.h"

void npu_irq_flush(NpuState *s)
{
	unsigned int vectors = NPU_VECTOR_RING(s->cfg.rings);
	unsigned int v;

	for (v = 0; v < vectors; v++) {
		if (test_bit(v, s->irqs) && bitmap_test_and_clear_atomic(s->irqs, v, 1))
			msix_notify(&s->parent, v);
	}
}

void npu_irq_forget(NpuState *s)
{
	bitmap_zero(s->irqs, NPU_MAX_VECTORS);
}

static void npu_irq_bh(void *opaque)
{
	npu_irq_flush(opaque);
}

/* On an emulated processor, which holds the BQL for it. */
static void npu_irq_work(CPUState *cpu, run_on_cpu_data data)
{
	NpuState *s = data.host_ptr;

	npu_irq_flush(s);
	object_unref(OBJECT(s));
}

void npu_irq_raise(NpuState *s, unsigned int vector)
{
	set_bit_atomic(vector, s->irqs);
	WITH_QEMU_LOCK_GUARD(&s->lock) {
		if (s->writer) {
			object_ref(OBJECT(s));
			async_run_on_cpu(s->writer, npu_irq_work, RUN_ON_CPU_HOST_PTR(s));
		} else {
			qemu_bh_schedule(s->irq_bh);
		}
	}
}

/* A processor can be unplugged, so the card keeps its structure. */
static void npu_irq_set_writer(NpuState *s, CPUState *cpu)
{
	CPUState *old = s->writer;

	if (cpu == old)
		return;
	if (cpu)
		object_ref(OBJECT(cpu));
	WITH_QEMU_LOCK_GUARD(&s->lock)
		s->writer = cpu;
	if (old)
		object_unref(OBJECT(old));
}

void npu_irq_written(NpuState *s)
{
	if (tcg_enabled() && current_cpu)
		npu_irq_set_writer(s, current_cpu);
}

void npu_irq_realize(NpuState *s)
{
	s->irq_bh = qemu_bh_new_guarded(npu_irq_bh, s, &DEVICE(s)->mem_reentrancy_guard);
}

void npu_irq_exit(NpuState *s)
{
	npu_irq_set_writer(s, NULL);
	/* A processor may have npu_irq_work() before it still. */
	npu_irq_forget(s);
	qemu_bh_delete(s->irq_bh);
}
