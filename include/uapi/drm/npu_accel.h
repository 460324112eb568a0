/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 */
#ifndef _UAPI_NPU_ACCEL_H_
#define _UAPI_NPU_ACCEL_H_

#include "drm.h"

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: Introduction
 *
 * The contract between npu.ko and user space, on /dev/accel/accelN.
 *
 * Rules by which it may grow:
 *
 * - Structures are aligned on 64 bits, padding is explicit and must be zero (else -EINVAL), and
 *   there are no unions.
 * - Fields are only appended to structures. The DRM core zero-extends what an older caller passed;
 *   zero always means "as before the field existed".
 * - Ioctls are only appended to &enum drm_npu_ioctl_id; enum values are never reused.
 * - Unknown flags are -EINVAL.
 * - Arrays of structures are passed as &struct drm_npu_array, with their stride, so that the
 *   structures in them may grow as well.
 * - Fields are documented as [in], [out] or [in/out]; [out] fields are ignored on entry.
 *
 * Shape of the driver: a process opens the node, creates address spaces (VMs), buffers (BOs) and
 * queues, maps buffers at virtual addresses of its own choice, and submits jobs, each a set of
 * command streams that are somewhere in the VM. The kernel never reads a command stream: the card's
 * MMU isolates. All synchronisation is explicit, by syncobjs (binary and timeline). Shared buffers
 * carry the fences as BOOKKEEP, which orders nobody; users of implicit synchronisation take what
 * others left in a dma-buf by DMA_BUF_IOCTL_EXPORT_SYNC_FILE, and leave a job's fence there by
 * DMA_BUF_IOCTL_IMPORT_SYNC_FILE.
 *
 * Why a job failed reaches its owner by the queue's result ring, &struct drm_npu_result, which is
 * written before the job's fence signals; the fence carries the errno as well.
 *
 * Deliberately absent: userptr (memfd with udmabuf, and a dma-buf import, do the same under the
 * rules of shared buffers), user-mode submission (the doorbell pages' layout allows it), SR-IOV
 * (ids leave room for it).
 */

/**
 * enum drm_npu_ioctl_id - ioctl numbers, relative to DRM_COMMAND_BASE
 */
enum drm_npu_ioctl_id {
	/** @DRM_NPU_DEV_QUERY: &struct drm_npu_dev_query */
	DRM_NPU_DEV_QUERY = 0,
	/** @DRM_NPU_BO_CREATE: &struct drm_npu_bo_create */
	DRM_NPU_BO_CREATE,
	/** @DRM_NPU_BO_MMAP_OFFSET: &struct drm_npu_bo_mmap_offset */
	DRM_NPU_BO_MMAP_OFFSET,
	/** @DRM_NPU_BO_INFO: &struct drm_npu_bo_info */
	DRM_NPU_BO_INFO,
	/** @DRM_NPU_VM_CREATE: &struct drm_npu_vm_create */
	DRM_NPU_VM_CREATE,
	/** @DRM_NPU_VM_DESTROY: &struct drm_npu_vm_destroy */
	DRM_NPU_VM_DESTROY,
	/** @DRM_NPU_VM_BIND: &struct drm_npu_vm_bind */
	DRM_NPU_VM_BIND,
	/** @DRM_NPU_QUEUE_CREATE: &struct drm_npu_queue_create */
	DRM_NPU_QUEUE_CREATE,
	/** @DRM_NPU_QUEUE_DESTROY: &struct drm_npu_queue_destroy */
	DRM_NPU_QUEUE_DESTROY,
	/** @DRM_NPU_QUEUE_GET_STATE: &struct drm_npu_queue_get_state */
	DRM_NPU_QUEUE_GET_STATE,
	/** @DRM_NPU_SUBMIT: &struct drm_npu_submit */
	DRM_NPU_SUBMIT,
	/** @DRM_NPU_PERF_QUERY: &struct drm_npu_perf_query */
	DRM_NPU_PERF_QUERY,
};

/**
 * struct drm_npu_array - a user-space array of structures that may grow
 *
 * -E2BIG: an element is longer than the kernel knows, and what it does not know is not zero.
 */
struct drm_npu_array {
	/** @stride: [in] Size of one element as the caller knows it; elements are zero-extended. */
	__u32 stride;
	/** @count: [in] Number of elements. */
	__u32 count;
	/** @array: [in] User pointer to the first. */
	__u64 array;
};

/**
 * enum drm_npu_sync_flags - flags of &struct drm_npu_sync
 */
enum drm_npu_sync_flags {
	/** @DRM_NPU_SYNC_WAIT: wait for it before the operation starts. */
	DRM_NPU_SYNC_WAIT = 0,
	/** @DRM_NPU_SYNC_SIGNAL: it signals when the operation has ended. */
	DRM_NPU_SYNC_SIGNAL = 1 << 0,
	/**
	 * @DRM_NPU_SYNC_TIMELINE: @timeline_value is a point of a timeline; else it must be zero.
	 */
	DRM_NPU_SYNC_TIMELINE = 1 << 1,
};

/**
 * struct drm_npu_sync - one syncobj to wait for or to signal
 */
struct drm_npu_sync {
	/** @flags: [in] Of &enum drm_npu_sync_flags. */
	__u32 flags;
	/** @handle: [in] Syncobj handle. */
	__u32 handle;
	/** @timeline_value: [in] Point on the timeline, from 1. */
	__u64 timeline_value;
};

/**
 * enum drm_npu_dev_query_type - what DEV_QUERY answers
 */
enum drm_npu_dev_query_type {
	/** @DRM_NPU_QUERY_INFO: &struct drm_npu_info */
	DRM_NPU_QUERY_INFO = 0,
	/** @DRM_NPU_QUERY_MEMORY: &struct drm_npu_memory */
	DRM_NPU_QUERY_MEMORY,
};

/**
 * struct drm_npu_dev_query - capability and information blocks
 */
struct drm_npu_dev_query {
	/** @type: [in] &enum drm_npu_dev_query_type. */
	__u32 type;
	/**
	 * @size: [in/out] Size of the caller's structure. With @pointer zero, the size of the
	 * kernel's comes back; else as much as both know is copied and @size says how much that
	 * was.
	 */
	__u32 size;
	/** @pointer: [in] User pointer to the structure of that type, or 0. */
	__u64 pointer;
};

/**
 * struct drm_npu_info - the card's capability registers and the driver's limits
 *
 * The first part mirrors the registers of the same names in npu/hw/regs.h.
 */
struct drm_npu_info {
	/** @revision: register interface, major << 16 | minor */
	__u32 revision;
	/** @isa: command set, major << 16 | minor */
	__u32 isa;
	/** @features: NPU_FEATURE_* */
	__u32 features;
	/** @cores: cores, the largest gang */
	__u32 cores;
	/** @rings: hardware rings */
	__u32 rings;
	/** @spm_size: scratchpad bytes a core */
	__u32 spm_size;
	/** @acc_size: accumulator bytes a core */
	__u32 acc_size;
	/** @array_rows: rows of the MXU's array */
	__u32 array_rows;
	/** @array_cols: columns of it */
	__u32 array_cols;
	/** @clock_khz: clock of the modelled cycles */
	__u32 clock_khz;
	/** @vpu_lanes: elements a cycle */
	__u32 vpu_lanes;
	/** @weight_rows: weight rows loaded a cycle */
	__u32 weight_rows;
	/** @dw_channels: depthwise channels a cycle */
	__u32 dw_channels;
	/** @dw_taps: depthwise taps a cycle */
	__u32 dw_taps;
	/** @float_div: bf16 and fp16 run at 1/this of int8's rate */
	__u32 float_div;
	/** @lmem_bw: local memory, bytes a cycle, all cores */
	__u32 lmem_bw;
	/** @lmem_latency: cycles */
	__u32 lmem_latency;
	/** @pcie_bw: host memory, bytes a cycle, all cores */
	__u32 pcie_bw;
	/** @pcie_latency: cycles */
	__u32 pcie_latency;
	/** @cmd_cycles: cycles to start a command */
	__u32 cmd_cycles;
	/** @barrier_cycles: cycles of a barrier */
	__u32 barrier_cycles;
	/** @mac_fj: femtojoules an int8 MAC */
	__u32 mac_fj;
	/** @lmem_fj: femtojoules a byte of local memory */
	__u32 lmem_fj;
	/** @pcie_fj: femtojoules a byte over PCIe */
	__u32 pcie_fj;
	/** @vpu_fj: femtojoules a VPU element operation */
	__u32 vpu_fj;
	/** @idle_mw: milliwatts of an idle card */
	__u32 idle_mw;
	/** @lmem_size: bytes of local memory that buffers can have */
	__u64 lmem_size;
	/** @va_start: first virtual address that can be bound */
	__u64 va_start;
	/** @va_end: first one that cannot any more */
	__u64 va_end;
	/** @page_size: what addresses, offsets and sizes of VM_BIND are multiples of */
	__u32 page_size;
	/** @max_jobs: jobs in one SUBMIT */
	__u32 max_jobs;
	/** @max_binds: operations in one VM_BIND */
	__u32 max_binds;
	/** @max_syncs: syncobjs in one call */
	__u32 max_syncs;
	/** @max_priority: highest &enum drm_npu_priority the caller may use */
	__u32 max_priority;
	/** @default_timeout_ms: a queue's timeout unless it asks for another */
	__u32 default_timeout_ms;
};

/**
 * struct drm_npu_memory - local memory as it is now
 */
struct drm_npu_memory {
	/** @local_size: bytes buffers can have in all */
	__u64 local_size;
	/** @local_free: bytes not allocated */
	__u64 local_free;
};

/**
 * enum drm_npu_bo_flags - flags of BO_CREATE
 */
enum drm_npu_bo_flags {
	/**
	 * @DRM_NPU_BO_LOCAL: in the card's local memory; else in host memory. It keeps its contents
	 * when the card is reset and over suspend, but not when its link has to be reset: all
	 * queues there are get banned with -EIO then.
	 */
	DRM_NPU_BO_LOCAL = 1 << 0,
	/**
	 * @DRM_NPU_BO_WC: CPU mappings are write-combined; else cached and coherent. Mappings of
	 * local memory are always write-combined.
	 */
	DRM_NPU_BO_WC = 1 << 1,
};

/**
 * struct drm_npu_bo_create - a buffer; its memory reads as zero
 *
 * -ENOSPC: local memory has no room. -ENOMEM: the host has none, or the cgroup may have no more
 * local memory (dmem.max).
 */
struct drm_npu_bo_create {
	/** @size: [in/out] Bytes, not zero; the size given (page multiple) comes back. */
	__u64 size;
	/** @flags: [in] Of &enum drm_npu_bo_flags. */
	__u32 flags;
	/** @handle: [out] GEM handle. Closed with DRM_IOCTL_GEM_CLOSE. */
	__u32 handle;
};

/**
 * struct drm_npu_bo_mmap_offset - where to mmap a buffer in the node's file
 *
 * -EOPNOTSUPP for imported buffers: map the dma-buf.
 */
struct drm_npu_bo_mmap_offset {
	/** @handle: [in] GEM handle. */
	__u32 handle;
	/** @pad: MBZ. */
	__u32 pad;
	/** @offset: [out] For mmap(). */
	__u64 offset;
};

/**
 * struct drm_npu_bo_info - what a handle is
 */
struct drm_npu_bo_info {
	/** @handle: [in] GEM handle. */
	__u32 handle;
	/** @flags: [out] As created. */
	__u32 flags;
	/** @size: [out] Bytes. */
	__u64 size;
	/** @imported: [out] 1 when it came in as a dma-buf of another device. */
	__u32 imported;
	/** @pad: [out] Zero. */
	__u32 pad;
};

/**
 * struct drm_npu_vm_create - an address space
 *
 * -ENOSPC: the file has as many as it may, or the card has no context left.
 */
struct drm_npu_vm_create {
	/** @flags: [in] MBZ. */
	__u32 flags;
	/** @id: [out] VM id, not zero. */
	__u32 id;
};

/**
 * struct drm_npu_vm_destroy - ends an address space
 *
 * Its id is gone at once. Queues that use it keep it alive until they are destroyed.
 */
struct drm_npu_vm_destroy {
	/** @id: [in] VM id. */
	__u32 id;
	/** @pad: MBZ. */
	__u32 pad;
};

/**
 * enum drm_npu_vm_bind_op_type - what an operation of VM_BIND does
 */
enum drm_npu_vm_bind_op_type {
	/**
	 * @DRM_NPU_VM_BIND_MAP: map; what the range overlaps is unmapped first (so this remaps).
	 */
	DRM_NPU_VM_BIND_MAP = 0,
	/** @DRM_NPU_VM_BIND_UNMAP: unmap; mappings that overlap in part are split. */
	DRM_NPU_VM_BIND_UNMAP,
};

/**
 * enum drm_npu_vm_bind_op_flags - flags of an operation
 */
enum drm_npu_vm_bind_op_flags {
	/** @DRM_NPU_VM_BIND_READONLY: MAP only: the card may not write. */
	DRM_NPU_VM_BIND_READONLY = 1 << 0,
};

/**
 * struct drm_npu_vm_bind_op - one operation
 */
struct drm_npu_vm_bind_op {
	/** @type: [in] &enum drm_npu_vm_bind_op_type. */
	__u32 type;
	/** @flags: [in] Of &enum drm_npu_vm_bind_op_flags. */
	__u32 flags;
	/** @handle: [in] MAP: GEM handle; UNMAP: MBZ. */
	__u32 handle;
	/** @pad: MBZ. */
	__u32 pad;
	/** @va: [in] First virtual address, page multiple. */
	__u64 va;
	/** @size: [in] Bytes, page multiple, not zero. */
	__u64 size;
	/** @offset: [in] MAP: first byte of the buffer, page multiple; UNMAP: MBZ. */
	__u64 offset;
};

/**
 * enum drm_npu_vm_bind_flags - flags of VM_BIND
 */
enum drm_npu_vm_bind_flags {
	/**
	 * @DRM_NPU_VM_BIND_ASYNC: return once accepted; without it, @syncs must be empty and the
	 * call returns when all is done (after asynchronous binds of this VM that came before).
	 */
	DRM_NPU_VM_BIND_ASYNC = 1 << 0,
};

/**
 * struct drm_npu_vm_bind - map and unmap ranges of an address space
 *
 * Operations are done in order, calls in the order they were made. All arguments are checked before
 * anything is done, and everything that can fail (memory for page tables included) is done before
 * the call returns, so an accepted operation does not fail later but by loss of the card.
 */
struct drm_npu_vm_bind {
	/** @vm_id: [in] VM id. */
	__u32 vm_id;
	/** @flags: [in] Of &enum drm_npu_vm_bind_flags. */
	__u32 flags;
	/** @ops: [in] Of &struct drm_npu_vm_bind_op, not empty. */
	struct drm_npu_array ops;
	/** @syncs: [in] Of &struct drm_npu_sync. */
	struct drm_npu_array syncs;
};

/**
 * enum drm_npu_priority - a queue's priority; the card runs higher ones first
 */
enum drm_npu_priority {
	/** @DRM_NPU_PRIORITY_LOW: background */
	DRM_NPU_PRIORITY_LOW = 0,
	/** @DRM_NPU_PRIORITY_NORMAL: what everybody uses */
	DRM_NPU_PRIORITY_NORMAL,
	/** @DRM_NPU_PRIORITY_HIGH: needs CAP_SYS_NICE */
	DRM_NPU_PRIORITY_HIGH,
	/** @DRM_NPU_PRIORITY_REALTIME: needs CAP_SYS_NICE */
	DRM_NPU_PRIORITY_REALTIME,
};

/**
 * struct drm_npu_queue_create - a queue of jobs, which start and end in order
 */
struct drm_npu_queue_create {
	/** @vm_id: [in] VM its jobs run in. */
	__u32 vm_id;
	/** @priority: [in] &enum drm_npu_priority. -EACCES when not allowed. */
	__u32 priority;
	/**
	 * @timeout_ms: [in] A job is ended when it completes no command for so long; 0: the
	 * default. More than the default needs CAP_SYS_ADMIN (-EACCES).
	 */
	__u32 timeout_ms;
	/** @flags: [in] MBZ. */
	__u32 flags;
	/** @id: [out] Queue id, not zero. */
	__u32 id;
	/** @result_count: [out] Entries in the result ring, a power of two. */
	__u32 result_count;
	/**
	 * @result_offset: [out] Where to mmap the result ring (PROT_READ, MAP_SHARED,
	 * result_count * sizeof(struct drm_npu_result) bytes).
	 */
	__u64 result_offset;
};

/**
 * struct drm_npu_queue_destroy - ends a queue
 *
 * Jobs not started are cancelled and a running one is aborted, with -ECANCELED.
 */
struct drm_npu_queue_destroy {
	/** @id: [in] Queue id. */
	__u32 id;
	/** @pad: MBZ. */
	__u32 pad;
};

/**
 * struct drm_npu_result - how a job ended
 *
 * Job number n of a queue (SUBMIT returns the numbers, from 1) is in entry n % result_count, valid
 * when @seqno reads n. It stays until result_count more jobs have ended. The error fields are those
 * of struct npu_error in npu/hw/regs.h.
 */
struct drm_npu_result {
	/** @seqno: the job's number, written last */
	__u64 seqno;
	/** @cycles: modelled cycles */
	__u64 cycles;
	/** @addr: faulting address or what @reason says */
	__u64 addr;
	/** @len: bytes in conflict, for hazards */
	__u64 len;
	/**
	 * @error: 0 or a negative errno: -EFAULT fault, -EDEADLK deadlock, -EILSEQ hazard,
	 * -EBADMSG invalid stream, -ERANGE gather index, -ETIMEDOUT, -ECANCELED queue or file
	 * closed, or queue banned, -EIO uncorrectable memory or bus error, or the card has not
	 * told how the job ended, -ENODEV card gone
	 */
	__s32 error;
	/** @cmd: byte offset of the command in its stream */
	__u32 cmd;
	/** @other_cmd: of the other command of a hazard */
	__u32 other_cmd;
	/** @tag: the command's tag */
	__u32 tag;
	/** @other_tag: of the other command */
	__u32 other_tag;
	/** @status: enum npu_status */
	__u8 status;
	/** @reason: enum npu_reason */
	__u8 reason;
	/** @core: member of the gang */
	__u8 core;
	/** @engine: enum npu_engine */
	__u8 engine;
	/** @access: enum npu_access_kind */
	__u8 access;
	/** @space: enum npu_space */
	__u8 space;
	/** @other_core: of the other command */
	__u8 other_core;
	/** @other_engine: of the other command */
	__u8 other_engine;
	/** @pad: zero */
	__u32 pad;
};

/**
 * struct drm_npu_queue_get_state - is a queue still good
 *
 * A queue is banned by a job of its own that ended with an error. Its later jobs end with
 * -ECANCELED, and SUBMIT returns -ECANCELED.
 */
struct drm_npu_queue_get_state {
	/** @id: [in] Queue id. */
	__u32 id;
	/** @banned: [out] 0 or 1. */
	__u32 banned;
	/** @error: [out] The errno that banned it, negative, or 0. */
	__s32 error;
	/** @pad: [out] Zero. */
	__u32 pad;
	/** @submitted: [out] Jobs accepted so far: the last number given. */
	__u64 submitted;
	/** @completed: [out] Jobs that have ended. */
	__u64 completed;
};

/**
 * struct drm_npu_stream - one core's commands
 */
struct drm_npu_stream {
	/** @va: [in] Virtual address, 16-byte aligned. */
	__u64 va;
	/** @size: [in] Bytes, a multiple of 16; 0: an empty stream. */
	__u64 size;
};

/**
 * struct drm_npu_job - one job of a SUBMIT
 */
struct drm_npu_job {
	/** @flags: [in] MBZ. */
	__u32 flags;
	/** @region_count: [in] Entries of @regions, at most 16; further regions have base 0. */
	__u32 region_count;
	/** @regions: [in] User pointer to __u64 virtual base addresses. */
	__u64 regions;
	/**
	 * @streams: [in] Of &struct drm_npu_stream: one a core, at least 1, at most the card's
	 * cores.
	 */
	struct drm_npu_array streams;
};

/**
 * struct drm_npu_submit - jobs for a queue
 *
 * All jobs are accepted or none. The wait syncobjs hold back the first (and so all), the signal
 * syncobjs signal when the last has ended. Results of all of them are there by then; they may come
 * late for all but the last.
 *
 * At most result_count jobs of a queue are accepted and not ended. The call waits for room,
 * interruptibly; -EAGAIN instead on a node opened with O_NONBLOCK. -ECANCELED when the queue is
 * banned.
 */
struct drm_npu_submit {
	/** @queue_id: [in] Queue id. */
	__u32 queue_id;
	/** @flags: [in] MBZ. */
	__u32 flags;
	/** @jobs: [in] Of &struct drm_npu_job, 1 to max_jobs. */
	struct drm_npu_array jobs;
	/** @syncs: [in] Of &struct drm_npu_sync. */
	struct drm_npu_array syncs;
	/** @seqno: [out] Number of the last job; the first has seqno - jobs.count + 1. */
	__u64 seqno;
};

/**
 * enum drm_npu_perf_type - whose counters PERF_QUERY reads
 */
enum drm_npu_perf_type {
	/** @DRM_NPU_PERF_QUEUE: &struct drm_npu_perf_queue; @id is a queue of the caller's */
	DRM_NPU_PERF_QUEUE = 0,
	/** @DRM_NPU_PERF_CORE: &struct drm_npu_perf_core; @id is a core; needs perfmon_capable() */
	DRM_NPU_PERF_CORE,
};

/**
 * struct drm_npu_perf_query - counters
 */
struct drm_npu_perf_query {
	/** @type: [in] &enum drm_npu_perf_type. */
	__u32 type;
	/** @id: [in] Queue id or core number. */
	__u32 id;
	/** @size: [in/out] As in &struct drm_npu_dev_query. */
	__u32 size;
	/** @pad: MBZ. */
	__u32 pad;
	/** @pointer: [in] As in &struct drm_npu_dev_query. */
	__u64 pointer;
};

/**
 * struct drm_npu_perf_queue - what a queue has done
 */
struct drm_npu_perf_queue {
	/** @jobs: jobs that ended well */
	__u64 jobs;
	/** @errors: jobs that ended with an error */
	__u64 errors;
	/** @cycles: modelled cycles of all of them */
	__u64 cycles;
	/** @busy_ns: those cycles at the card's clock */
	__u64 busy_ns;
};

/**
 * struct drm_npu_perf_engine - counters of an engine since the card's reset
 *
 * The fields are NPU_CTR_* of npu/hw/regs.h.
 */
struct drm_npu_perf_engine {
	/** @busy: cycles occupied */
	__u64 busy;
	/** @stall_sem: cycles waiting for a semaphore */
	__u64 stall_sem;
	/** @stall_port: cycles waiting for the memory port */
	__u64 stall_port;
	/** @cmds: commands completed */
	__u64 cmds;
	/** @work: MACs or element operations */
	__u64 work;
	/** @lmem_bytes: bytes of local memory */
	__u64 lmem_bytes;
	/** @pcie_bytes: bytes over PCIe */
	__u64 pcie_bytes;
	/** @energy_nj: nanojoules */
	__u64 energy_nj;
};

/**
 * struct drm_npu_perf_core - counters of a core, by enum npu_engine
 */
struct drm_npu_perf_core {
	/** @engine: LOAD, MXU, VPU, STORE */
	struct drm_npu_perf_engine engine[4];
};

#define DRM_IOCTL_NPU(access, nr, type) \
	DRM_IO##access(DRM_COMMAND_BASE + DRM_NPU_##nr, struct drm_npu_##type)

/** DRM_IOCTL_NPU_* - the ioctls; DRM core's own (GEM_CLOSE, PRIME, SYNCOBJ) come in addition. */
#define DRM_IOCTL_NPU_DEV_QUERY		DRM_IOCTL_NPU(WR, DEV_QUERY, dev_query)
#define DRM_IOCTL_NPU_BO_CREATE		DRM_IOCTL_NPU(WR, BO_CREATE, bo_create)
#define DRM_IOCTL_NPU_BO_MMAP_OFFSET	DRM_IOCTL_NPU(WR, BO_MMAP_OFFSET, bo_mmap_offset)
#define DRM_IOCTL_NPU_BO_INFO		DRM_IOCTL_NPU(WR, BO_INFO, bo_info)
#define DRM_IOCTL_NPU_VM_CREATE		DRM_IOCTL_NPU(WR, VM_CREATE, vm_create)
#define DRM_IOCTL_NPU_VM_DESTROY	DRM_IOCTL_NPU(WR, VM_DESTROY, vm_destroy)
#define DRM_IOCTL_NPU_VM_BIND		DRM_IOCTL_NPU(WR, VM_BIND, vm_bind)
#define DRM_IOCTL_NPU_QUEUE_CREATE	DRM_IOCTL_NPU(WR, QUEUE_CREATE, queue_create)
#define DRM_IOCTL_NPU_QUEUE_DESTROY	DRM_IOCTL_NPU(WR, QUEUE_DESTROY, queue_destroy)
#define DRM_IOCTL_NPU_QUEUE_GET_STATE	DRM_IOCTL_NPU(WR, QUEUE_GET_STATE, queue_get_state)
#define DRM_IOCTL_NPU_SUBMIT		DRM_IOCTL_NPU(WR, SUBMIT, submit)
#define DRM_IOCTL_NPU_PERF_QUERY	DRM_IOCTL_NPU(WR, PERF_QUERY, perf_query)

#if defined(__cplusplus)
}
#endif

#endif /* _UAPI_NPU_ACCEL_H_ */
