/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Tracepoints: a job from SUBMIT to its end, and what recovery does. A queue is named by the
 * context of its fences, which is unique.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM npu

#if !defined(NPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NPU_TRACE_H

#include <linux/tracepoint.h>

#include <drm/npu_accel.h>

TRACE_EVENT(npu_job_submit,
	TP_PROTO(u64 queue, u64 first, u32 count),
	TP_ARGS(queue, first, count),
	TP_STRUCT__entry(
		__field(u64, queue)
		__field(u64, first)
		__field(u32, count)
	),
	TP_fast_assign(
		__entry->queue = queue;
		__entry->first = first;
		__entry->count = count;
	),
	TP_printk("queue=%llu first=%llu count=%u", __entry->queue, __entry->first, __entry->count)
);

TRACE_EVENT(npu_job_run,
	TP_PROTO(u64 queue, u64 first, u32 count, u32 ring),
	TP_ARGS(queue, first, count, ring),
	TP_STRUCT__entry(
		__field(u64, queue)
		__field(u64, first)
		__field(u32, count)
		__field(u32, ring)
	),
	TP_fast_assign(
		__entry->queue = queue;
		__entry->first = first;
		__entry->count = count;
		__entry->ring = ring;
	),
	TP_printk("queue=%llu first=%llu count=%u ring=%u", __entry->queue, __entry->first,
		  __entry->count, __entry->ring)
);

TRACE_EVENT(npu_task_done,
	TP_PROTO(u64 queue, const struct drm_npu_result *result),
	TP_ARGS(queue, result),
	TP_STRUCT__entry(
		__field(u64, queue)
		__field(u64, seqno)
		__field(u64, cycles)
		__field(u64, addr)
		__field(int, error)
		__field(u8, status)
		__field(u8, reason)
	),
	TP_fast_assign(
		__entry->queue = queue;
		__entry->seqno = result->seqno;
		__entry->cycles = result->cycles;
		__entry->addr = result->addr;
		__entry->error = result->error;
		__entry->status = result->status;
		__entry->reason = result->reason;
	),
	TP_printk("queue=%llu seqno=%llu cycles=%llu error=%d status=%u reason=%u addr=%#llx",
		  __entry->queue, __entry->seqno, __entry->cycles, __entry->error,
		  __entry->status, __entry->reason, __entry->addr)
);

TRACE_EVENT(npu_ring_command,
	TP_PROTO(u32 ring, u64 job_id, u32 cmd, int ret),
	TP_ARGS(ring, job_id, cmd, ret),
	TP_STRUCT__entry(
		__field(u32, ring)
		__field(u64, job_id)
		__field(u32, cmd)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->ring = ring;
		__entry->job_id = job_id;
		__entry->cmd = cmd;
		__entry->ret = ret;
	),
	TP_printk("ring=%u job_id=%llu cmd=%u ret=%d", __entry->ring, __entry->job_id,
		  __entry->cmd, __entry->ret)
);

TRACE_EVENT(npu_reset_ring,
	TP_PROTO(u32 ring, int ret),
	TP_ARGS(ring, ret),
	TP_STRUCT__entry(
		__field(u32, ring)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->ring = ring;
		__entry->ret = ret;
	),
	TP_printk("ring=%u ret=%d", __entry->ring, __entry->ret)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE npu_trace
#include <trace/define_trace.h>
