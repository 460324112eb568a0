// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Post-mortems.
 *
 * The first trouble leaves a dump; what follows, until that was read or has timed out (five
 * minutes, the core's decision), does not: later trouble is mostly a consequence, and who asks
 * wants the cause. Whether a dump is still there the core tells by a link in the card's folder in
 * sysfs, so one that comes too early is thrown away in the work.
 *
 * Two halves. What begins a dump may be an interrupt handler, or what fences wait for: it copies
 * the registers and memory that would be another a moment later into a buffer that has been there
 * since the card was bound, or since the last dump was handed over. The work adds what needs locks
 * under which others allocate: the job's code, what was mapped, other queues. Its address space is
 * kept for that long, so code and mappings are there even if the process is gone; a process that
 * rewrites its code as soon as the job has ended may be shown what it wrote.
 *
 * The buffer is given to the core, which frees it whether the module is still there or not.
 *
 * State: @busy is taken by npu_dump_begin() and given back when the dump was handed over or thrown
 * away; who has it owns all the rest. No locks.
 */
#include <linux/devcoredump.h>
#include <linux/mm.h>
#include <linux/sched/clock.h>
#include <linux/sysfs.h>
#include <linux/timekeeping.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include <drm/drm_managed.h>

#include "npu_drv.h"
#include "npu_dump.h"
#include "npu_pm.h"
#include "npu_queue.h"
#include "npu_reset.h"
#include "npu_ring.h"
#include "npu_vm.h"

/* Most of each, in one dump. */
#define NPU_DUMP_SECTIONS	(16 + NPU_MAX_CORES + NPU_MAX_RINGS)
#define NPU_DUMP_MAX_QUEUES	256
#define NPU_DUMP_MAX_MAPPINGS	128
#define NPU_DUMP_MAX_SLOTS	(4 * NPU_RING_ENTRIES)
/* Of each stream: as much before the failing command as after it. */
#define NPU_DUMP_CODE_BYTES	SZ_8K

#define NPU_DUMP_ALIGN(x)	ALIGN(x, 8)

/**
 * struct npu_dump - a card's dump
 * @ndev: its card
 * @busy: see above
 * @stopped: no more of them
 * @work: the second half
 * @size: bytes of @buf
 * @buf: header, table, sections; NULL: no memory for the next one yet
 * @used: bytes of it
 * @vm: address space of the guilty job, a reference; NULL without one
 * @error: how that ended
 */
struct npu_dump {
	struct npu_device *ndev;
	atomic_t busy;
	bool stopped;
	struct work_struct work;
	size_t size;
	void *buf;
	size_t used;
	struct npu_vm *vm;
	struct npu_error error;
};

/* ---- Writing --------------------------------------------------------------------------------- */

static struct npu_dump_header *npu_dump_header(struct npu_dump *dump)
{
	return dump->buf;
}

static struct npu_dump_section *npu_dump_table(struct npu_dump *dump)
{
	return dump->buf + sizeof(struct npu_dump_header);
}

struct npu_dump *npu_dump_begin(struct npu_device *ndev, enum npu_dump_reason reason)
{
	struct npu_dump *dump = ndev->dump;
	struct npu_dump_header *header;

	if (READ_ONCE(dump->stopped) || atomic_cmpxchg(&dump->busy, 0, 1))
		return NULL;
	/* Jobs and resets keep it awake, the work may come later. */
	npu_pm_get_awake(ndev);
	if (!dump->buf) {
		/* The work gets one, for the next time. */
		npu_dump_end(dump);
		return NULL;
	}
	dump->used = sizeof(*header) + NPU_DUMP_SECTIONS * sizeof(struct npu_dump_section);
	dump->vm = NULL;
	dump->error = (struct npu_error) {
		.cmd = cpu_to_le32(NPU_ERROR_NO_CMD),
	};
	header = npu_dump_header(dump);
	memset(header, 0, sizeof(*header));
	memcpy(header->magic, NPU_DUMP_MAGIC, sizeof(NPU_DUMP_MAGIC));
	header->version = cpu_to_le32(NPU_DUMP_VERSION);
	header->reason = cpu_to_le32(reason);
	header->table = cpu_to_le64(sizeof(*header));
	header->section_stride = cpu_to_le32(sizeof(struct npu_dump_section));
	header->time_ns = cpu_to_le64(ktime_get_real_ns());
	header->boot_ns = cpu_to_le64(local_clock());
	strscpy((char *)header->device, pci_name(ndev->pdev), sizeof(header->device));
	strscpy((char *)header->kernel, init_utsname()->release, sizeof(header->kernel));
	snprintf((char *)header->driver, sizeof(header->driver), "%d.%d", npu_drm_driver.major,
		 npu_drm_driver.minor);
	return dump;
}

void *npu_dump_add(struct npu_dump *dump, enum npu_dump_type type, u32 index, u32 count,
		   u32 stride)
{
	struct npu_dump_header *header = npu_dump_header(dump);
	u32 n = le32_to_cpu(header->sections);
	size_t bytes = size_mul(count, stride);
	void *room = dump->buf + dump->used;

	if (n == NPU_DUMP_SECTIONS || bytes > dump->size - dump->used) {
		le32_add_cpu(&header->truncated, 1);
		return NULL;
	}
	npu_dump_table(dump)[n] = (struct npu_dump_section) {
		.type = cpu_to_le32(type),
		.index = cpu_to_le32(index),
		.offset = cpu_to_le64(dump->used),
		.count = cpu_to_le32(count),
		.stride = cpu_to_le32(stride),
	};
	header->sections = cpu_to_le32(n + 1);
	dump->used = NPU_DUMP_ALIGN(dump->used + bytes);
	memset(room, 0, bytes);
	return room;
}

void npu_dump_trim(struct npu_dump *dump, u32 count)
{
	u32 n = le32_to_cpu(npu_dump_header(dump)->sections);
	struct npu_dump_section *section = &npu_dump_table(dump)[n - 1];

	section->count = cpu_to_le32(count);
	dump->used = NPU_DUMP_ALIGN(le64_to_cpu(section->offset) +
				    (size_t)count * le32_to_cpu(section->stride));
}

void npu_dump_set_job(struct npu_dump *dump, struct npu_vm *vm)
{
	dump->vm = npu_vm_get(vm);
}

void npu_dump_set_error(struct npu_dump *dump, const struct npu_error *error)
{
	dump->error = *error;
}

void npu_dump_end(struct npu_dump *dump)
{
	/* Not a work queue of the card's: it may be stopped, and this need not be quick. */
	queue_work(npu_release_wq, &dump->work);
}

/* ---- Registers ------------------------------------------------------------------------------- */

/* Registers from @first to @last; of pairs that latch LO comes first. */
struct npu_dump_range {
	u16 first;
	u16 last;
};

static const struct npu_dump_range npu_dump_card_regs[] = {
	{ NPU_REG_MAGIC, NPU_REG_IDLE_MW },
	{ NPU_REG_CTRL, NPU_REG_EVENT_ENABLE },
	{ NPU_REG_TLB_CTX, NPU_REG_TLB_CTX },
	{ NPU_REG_TLB_START_LO, NPU_REG_TLB_DONE },
	{ NPU_REG_TEMP_MC, NPU_REG_THROTTLE },
	{ NPU_REG_ENERGY_LO, NPU_REG_TEMP_CRIT_MC },
};

static u32 npu_dump_range_count(const struct npu_dump_range *range)
{
	return (range->last - range->first) / 4 + 1;
}

static u32 npu_dump_card_count(void)
{
	u32 i, n = 0;

	for (i = 0; i < ARRAY_SIZE(npu_dump_card_regs); i++)
		n += npu_dump_range_count(&npu_dump_card_regs[i]);
	return n;
}

/* Registers of a core: CTRL, STATUS, counters. */
#define NPU_DUMP_CORE_REGS	(2 + NPU_ENGINES * NPU_CTRS * 2)

static struct npu_dump_reg *npu_dump_read(struct npu_device *ndev, struct npu_dump_reg *reg,
					  u32 first, u32 count)
{
	for (; count; count--, first += 4, reg++) {
		reg->offset = cpu_to_le32(first);
		reg->value = cpu_to_le32(npu_read(ndev, first));
	}
	return reg;
}

void npu_dump_regs(struct npu_dump *dump, enum npu_dump_moment moment)
{
	struct npu_device *ndev = dump->ndev;
	u32 count = npu_dump_card_count() + ndev->caps.cores * NPU_DUMP_CORE_REGS +
		    ndev->nrings * NPU_RING_DUMP_REGS;
	struct npu_dump_reg *reg;
	u32 i;

	reg = npu_dump_add(dump, NPU_DUMP_REGS, moment, count, sizeof(*reg));
	if (!reg)
		return;
	mutex_lock(&ndev->latch_lock);
	for (i = 0; i < ARRAY_SIZE(npu_dump_card_regs); i++)
		reg = npu_dump_read(ndev, reg, npu_dump_card_regs[i].first,
				    npu_dump_range_count(&npu_dump_card_regs[i]));
	for (i = 0; i < ndev->caps.cores; i++) {
		reg = npu_dump_read(ndev, reg, NPU_CORE(i) + NPU_CORE_CTRL, 2);
		reg = npu_dump_read(ndev, reg, NPU_CORE(i) + NPU_CORE_CTR(0, 0),
				    NPU_ENGINES * NPU_CTRS * 2);
	}
	mutex_unlock(&ndev->latch_lock);
	for (i = 0; i < ndev->nrings; i++)
		reg = npu_ring_dump_regs(npu_ring_at(ndev, i), reg);
}

/* ---- The second half ------------------------------------------------------------------------- */

static void npu_dump_regs_later(struct npu_dump *dump)
{
	struct npu_device *ndev = dump->ndev;
	int idx;

	if (!npu_dev_enter(ndev, &idx))
		return;
	if (npu_reset_hold(ndev)) {
		npu_dump_regs(dump, NPU_DUMP_LATER);
		npu_reset_release(ndev);
	}
	npu_dev_exit(idx);
}

static const struct npu_dump_section *npu_dump_find(struct npu_dump *dump, enum npu_dump_type type)
{
	const struct npu_dump_section *section = npu_dump_table(dump);
	u32 n = le32_to_cpu(npu_dump_header(dump)->sections);

	for (; n; n--, section++)
		if (le32_to_cpu(section->type) == type)
			return section;
	return NULL;
}

/* The part of a stream around its failing command, or its beginning. */
static void npu_dump_window(struct npu_dump_stream *stream)
{
	u64 size = le64_to_cpu(stream->size), start = 0;
	u32 cmd = le32_to_cpu(stream->cmd);

	/* Where the command is the card says, which may be anything. */
	if (cmd != NPU_ERROR_NO_CMD)
		start = min_t(u64, cmd, size);
	start -= min_t(u64, start, NPU_DUMP_CODE_BYTES / 2);
	stream->start = cpu_to_le64(start);
	stream->bytes = cpu_to_le64(min_t(u64, size - start, NPU_DUMP_CODE_BYTES));
}

/* What the guilty job was made of. */
static void npu_dump_code(struct npu_dump *dump)
{
	const struct npu_dump_section *section = npu_dump_find(dump, NPU_DUMP_SIDE_TABLE);
	const struct npu_error *error = &dump->error;
	const struct npu_side_table *table;
	struct npu_dump_stream *stream;
	u32 i, n;

	if (!section)
		return;
	table = dump->buf + le64_to_cpu(section->offset);
	n = (le32_to_cpu(section->count) - offsetof(struct npu_side_table, stream)) /
	    sizeof(table->stream[0]);
	stream = npu_dump_add(dump, NPU_DUMP_STREAMS, 0, n, sizeof(*stream));
	if (!stream)
		return;
	for (i = 0; i < n; i++, stream++) {
		void *code;
		u64 bytes;

		stream->addr = table->stream[i].addr;
		stream->size = table->stream[i].size;
		stream->cmd = error->core == i ? error->cmd : cpu_to_le32(NPU_ERROR_NO_CMD);
		npu_dump_window(stream);
		bytes = le64_to_cpu(stream->bytes);
		code = bytes ? npu_dump_add(dump, NPU_DUMP_CODE, i, bytes, 1) : NULL;
		if (code)
			bytes = npu_vm_read(dump->vm, le64_to_cpu(stream->addr) +
					    le64_to_cpu(stream->start), code, bytes);
		else
			bytes = 0;
		stream->bytes = cpu_to_le64(bytes);
		if (code)
			npu_dump_trim(dump, bytes);
	}
	npu_vm_dump(dump->vm, dump, le64_to_cpu(error->addr), NPU_DUMP_MAX_MAPPINGS);
}

/* The core does not take a second one; its link in the card's folder says that there is a first. */
static bool npu_dump_is_pending(struct npu_device *ndev)
{
	struct kernfs_node *link = sysfs_get_dirent(ndev->pdev->dev.kobj.sd, "devcoredump");

	sysfs_put(link);
	return link;
}

static void npu_dump_hand_over(struct npu_dump *dump)
{
	struct npu_device *ndev = dump->ndev;
	void *buf = dump->buf;

	npu_dump_header(dump)->size = cpu_to_le64(dump->used);
	dump->buf = NULL;
	dev_coredumpv(&ndev->pdev->dev, buf, dump->used, GFP_KERNEL);
	drm_notice(&ndev->base, "a dump is in /sys/class/devcoredump/\n");
}

static void npu_dump_work(struct work_struct *work)
{
	struct npu_dump *dump = container_of(work, struct npu_dump, work);
	struct npu_device *ndev = dump->ndev;

	if (dump->buf && !npu_dump_is_pending(ndev)) {
		npu_dump_regs_later(dump);
		npu_rings_dump(ndev, dump);
		npu_queues_dump(ndev, dump, NPU_DUMP_MAX_QUEUES);
		if (dump->vm)
			npu_dump_code(dump);
		npu_dump_hand_over(dump);
	}
	if (dump->vm)
		npu_vm_put(dump->vm);
	dump->vm = NULL;
	if (!dump->buf && !READ_ONCE(dump->stopped))
		dump->buf = vzalloc(dump->size);
	npu_pm_put(ndev);
	atomic_set_release(&dump->busy, 0);
}

void npu_dump_card(struct npu_device *ndev, enum npu_dump_reason reason)
{
	struct npu_dump *dump = npu_dump_begin(ndev, reason);

	if (!dump)
		return;
	npu_dump_regs(dump, NPU_DUMP_AT_ONCE);
	npu_rings_dump_slots(ndev, dump);
	npu_dump_end(dump);
}

/* ---- Making and ending ----------------------------------------------------------------------- */

static size_t npu_dump_max_size(struct npu_device *ndev)
{
	u32 cores = ndev->caps.cores, rings = ndev->nrings;
	size_t size;

	size = sizeof(struct npu_dump_header) +
	       NPU_DUMP_SECTIONS * (sizeof(struct npu_dump_section) + 8);
	size += sizeof(struct npu_dump_job) + sizeof(struct npu_side_table);
	size += 2 * sizeof(struct npu_dump_reg) *
		(npu_dump_card_count() + cores * NPU_DUMP_CORE_REGS + rings * NPU_RING_DUMP_REGS);
	size += rings * sizeof(struct npu_dump_ring);
	size += NPU_DUMP_MAX_SLOTS * sizeof(struct npu_dump_slot);
	size += NPU_DUMP_MAX_QUEUES * sizeof(struct npu_dump_queue);
	size += cores * (sizeof(struct npu_dump_stream) + NPU_DUMP_CODE_BYTES);
	size += NPU_DUMP_MAX_MAPPINGS * sizeof(struct npu_dump_mapping);
	return PAGE_ALIGN(size);
}

/* The card is stopped, and its jobs have ended: hands over what was begun. */
static void npu_dump_unbind(void *data)
{
	struct npu_dump *dump = data;

	WRITE_ONCE(dump->stopped, true);
	flush_work(&dump->work);
}

static void npu_dump_free(struct drm_device *dev, void *data)
{
	struct npu_dump *dump = data;

	vfree(dump->buf);
}

int npu_dump_init(struct npu_device *ndev)
{
	struct npu_dump *dump;
	int ret;

	dump = drmm_kzalloc(&ndev->base, sizeof(*dump), GFP_KERNEL);
	if (!dump)
		return -ENOMEM;
	dump->ndev = ndev;
	INIT_WORK(&dump->work, npu_dump_work);
	dump->size = npu_dump_max_size(ndev);
	dump->buf = vzalloc(dump->size);
	if (!dump->buf)
		return -ENOMEM;
	ndev->dump = dump;
	ret = drmm_add_action_or_reset(&ndev->base, npu_dump_free, dump);
	if (ret)
		return ret;
	return devm_add_action_or_reset(ndev->base.dev, npu_dump_unbind, dump);
}
