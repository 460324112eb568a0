/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the driver and the card agree on: the PCI function, registers, descriptors, completions,
 * context table and page tables. The only encoding of docs/hardware.md, sections 1 to 5; commands
 * are in isa.h. All structures are little-endian and naturally aligned.
 */
#ifndef NPU_HW_REGS_H
#define NPU_HW_REGS_H

#include <linux/types.h>

/* ---- PCI function ---------------------------------------------------------------------------- */
#define NPU_PCI_VENDOR_ID	0x1234	/* the one QEMU's unregistered virtual devices use */
#define NPU_PCI_DEVICE_ID	0x4e50
#define NPU_PCI_CLASS		0x1200	/* processing accelerator */
#define NPU_PCI_REVISION	0x01

#define NPU_BAR_REGS		0	/* registers, then doorbell pages */
#define NPU_BAR_LMEM		2	/* aperture onto local memory, 64-bit prefetchable */
#define NPU_BAR_MSIX		4	/* MSI-X table and PBA, nothing else */
#define NPU_MSIX_TABLE_OFFSET	0x0000
#define NPU_MSIX_PBA_OFFSET	0x1000
#define NPU_BAR_MSIX_SIZE	0x2000

#define NPU_VECTOR_EVENT	0
#define NPU_VECTOR_RING(r)	(1 + (r))

/* ---- Limits of the encoding (what a card really has, its capability registers say) ----------- */
#define NPU_MAX_RINGS		64
#define NPU_MAX_CORES		32
#define NPU_MAX_REGIONS		16
#define NPU_MAX_RING_LOG2	12	/* at most 4096 descriptors a ring */
#define NPU_MIN_RING_LOG2	2
#define NPU_PRIORITIES		4	/* 0 is the lowest */
#define NPU_MAX_CTX		65536
#define NPU_VA_BITS		48
#define NPU_DMA_BITS		52	/* a page table entry has no room for more */

/* ---- BAR0: identity and capabilities (read-only, 32 bits unless said) ------------------------ */
#define NPU_REG_MAGIC		0x000
#define   NPU_MAGIC		0x3155504e	/* "NPU1" */
#define NPU_REG_REVISION	0x004	/* of this register interface: major << 16 | minor */
#define   NPU_REVISION_MAJOR	1
#define   NPU_REVISION_MINOR	0
#define NPU_REG_ISA		0x008	/* of the command set: major << 16 | minor */
#define NPU_REG_FEATURES	0x00c
#define   NPU_FEATURE_CHECK	(1u << 0)	/* the hazard checker is on */
#define   NPU_FEATURE_INJECT	(1u << 1)	/* faults may be injected; HANG commands are accepted */
#define   NPU_FEATURE_TIMING	(1u << 2)	/* completions wait for the modelled time */
#define   NPU_FEATURE_PREEMPT	(1u << 3)	/* reserved for preemption: reads zero */
#define   NPU_FEATURE_GROUP	(1u << 4)	/* reserved for group-scaled products: reads zero */
#define NPU_REG_CORES		0x010
#define NPU_REG_RINGS		0x014
#define NPU_REG_SPM_SIZE	0x018	/* bytes a core */
#define NPU_REG_ACC_SIZE	0x01c	/* bytes a core */
#define NPU_REG_ARRAY_ROWS	0x020
#define NPU_REG_ARRAY_COLS	0x024
#define NPU_REG_LMEM_SIZE_LO	0x028	/* 64 bits */
#define NPU_REG_LMEM_SIZE_HI	0x02c
#define NPU_REG_DMA_BITS	0x030	/* bus address bits the card drives */
#define NPU_REG_CLOCK_KHZ	0x034	/* nominal; modelled cycles are of this clock */
#define NPU_REG_VPU_LANES	0x038
#define NPU_REG_WEIGHT_ROWS	0x03c	/* weight rows loaded into the array a cycle */
#define NPU_REG_DW_CHANNELS	0x040	/* depthwise: channels ... */
#define NPU_REG_DW_TAPS		0x044	/* ... times taps a cycle */
#define NPU_REG_FLOAT_DIV	0x048	/* bf16 and fp16 run at 1/this of int8's rate */
#define NPU_REG_LMEM_BW		0x04c	/* bytes a cycle, all cores together */
#define NPU_REG_LMEM_LATENCY	0x050	/* cycles */
#define NPU_REG_PCIE_BW		0x054	/* bytes a cycle, all cores together */
#define NPU_REG_PCIE_LATENCY	0x058	/* cycles */
#define NPU_REG_CMD_CYCLES	0x05c	/* to start a command */
#define NPU_REG_BARRIER_CYCLES	0x060	/* from the last member's arrival to the release */
#define NPU_REG_MAC_FJ		0x064	/* energy of one int8 multiply-accumulate, femtojoules */
#define NPU_REG_LMEM_FJ		0x068	/* energy of one byte to or from local memory */
#define NPU_REG_PCIE_FJ		0x06c	/* energy of one byte over PCIe */
#define NPU_REG_VPU_FJ		0x070	/* energy of one VPU element operation */
#define NPU_REG_IDLE_MW		0x074	/* power of an idle card, milliwatts */

/* ---- BAR0: control ---------------------------------------------------------------------------- */
#define NPU_REG_CTRL		0x080
#define   NPU_CTRL_ENABLE	(1u << 0)	/* rings may fetch */
#define   NPU_CTRL_RESET	(1u << 1)	/* write 1: reset the function; reads 1 until it is done */
#define NPU_REG_STATUS		0x084
#define   NPU_STATUS_READY	(1u << 0)	/* out of reset */
#define   NPU_STATUS_BUSY	(1u << 1)	/* some core runs a job */
#define NPU_REG_CTX_BASE_LO	0x088	/* bus address of the context table, 4 KiB aligned */
#define NPU_REG_CTX_BASE_HI	0x08c
#define NPU_REG_CTX_COUNT	0x090	/* entries in it, at most NPU_MAX_CTX */
#define NPU_REG_EVENT_STATUS	0x094	/* RW1C; an event not masked raises NPU_VECTOR_EVENT */
#define NPU_REG_EVENT_ENABLE	0x098
#define   NPU_EVENT_RING_ERROR	(1u << 0)	/* some ring's NPU_RING_STATUS has ERROR */
#define   NPU_EVENT_RING_CMD	(1u << 1)	/* an ABORT, CANCEL or ring reset was acknowledged */
#define   NPU_EVENT_TLB		(1u << 2)	/* an invalidation was acknowledged */
#define   NPU_EVENT_CORE	(1u << 3)	/* a core reset was acknowledged */
#define   NPU_EVENT_THERMAL	(1u << 4)	/* the throttle reason changed */
#define   NPU_EVENT_ECC		(1u << 5)	/* an ECC count changed */
#define   NPU_EVENT_ALL		0x3f

/*
 * TLB invalidation: write context and range, then TLB_CMD. TLB_DONE counts the acknowledged ones;
 * one may be under way at a time (TLB_CMD reads non-zero until it is acknowledged). The
 * acknowledgement means that no access translated before the write is under way any more.
 */
#define NPU_REG_TLB_CTX		0x0a0
#define NPU_REG_TLB_START_LO	0x0a8	/* first virtual address */
#define NPU_REG_TLB_START_HI	0x0ac
#define NPU_REG_TLB_LAST_LO	0x0b0	/* last virtual address, inclusive */
#define NPU_REG_TLB_LAST_HI	0x0b4
#define NPU_REG_TLB_CMD		0x0b8
#define   NPU_TLB_RANGE		1	/* the range of the context */
#define   NPU_TLB_CTX		2	/* all of the context, its table entry included */
#define   NPU_TLB_ALL		3
#define NPU_REG_TLB_DONE	0x0bc

/* ---- BAR0: telemetry --------------------------------------------------------------------------- */
#define NPU_REG_TEMP_MC		0x100	/* signed, millidegrees Celsius */
#define NPU_REG_POWER_MW	0x104
#define NPU_REG_CUR_CLOCK_KHZ	0x108
#define NPU_REG_THROTTLE	0x10c
#define   NPU_THROTTLE_THERMAL	(1u << 0)
#define   NPU_THROTTLE_POWER	(1u << 1)
#define NPU_REG_ENERGY_LO	0x110	/* microjoules since reset, 64 bits; read LO first: it latches HI */
#define NPU_REG_ENERGY_HI	0x114
#define NPU_REG_UPTIME_LO	0x118	/* milliseconds since power-on, 64 bits, latched likewise */
#define NPU_REG_UPTIME_HI	0x11c
#define NPU_REG_ECC_CORRECTED	0x120
#define NPU_REG_ECC_UNCORRECTED	0x124
#define NPU_REG_PCIE_LINK	0x128	/* generation << 8 | width; 0 where there is no link (simulator) */
#define NPU_REG_RESETS		0x12c	/* function resets since power-on */
#define NPU_REG_TEMP_CRIT_MC	0x130	/* throttling begins here */

/* ---- BAR0: a block a core ---------------------------------------------------------------------- */
#define NPU_CORE_BASE		0x2000
#define NPU_CORE_STRIDE		0x200
#define NPU_CORE(c)		(NPU_CORE_BASE + (c) * NPU_CORE_STRIDE)
#define NPU_CORE_CTRL		0x00
#define   NPU_CORE_RESET	(1u << 0)	/* write 1: its job ends ABORTED; reads 1 until done */
#define NPU_CORE_STATUS		0x04
#define   NPU_CORE_RUNNING	(1u << 0)
#define   NPU_CORE_RESERVED	(1u << 1)	/* kept for a gang that waits */
#define   NPU_CORE_RING(s)	(((s) >> 8) & 0xff)	/* whose job it runs */
/* Counters since reset: 64 bits each, LO latches HI. */
#define NPU_CORE_CTR(e, n)	(0x40 + (e) * 0x40 + (n) * 8)
#define   NPU_CTR_BUSY		0	/* cycles the engine was occupied */
#define   NPU_CTR_STALL_SEM	1	/* cycles it waited for a semaphore with a command at hand */
#define   NPU_CTR_STALL_PORT	2	/* cycles it waited for the memory port */
#define   NPU_CTR_CMDS		3	/* commands completed */
#define   NPU_CTR_WORK		4	/* MACs (MXU), element operations (VPU), 0 (LOAD, STORE) */
#define   NPU_CTR_LMEM_BYTES	5	/* bytes moved, whole bursts */
#define   NPU_CTR_PCIE_BYTES	6
#define   NPU_CTR_ENERGY_NJ	7
#define   NPU_CTRS		8

/* ---- BAR0: a block a ring ---------------------------------------------------------------------- */
#define NPU_RING_BASE		0x8000
#define NPU_RING_STRIDE		0x100
#define NPU_RING(r)		(NPU_RING_BASE + (r) * NPU_RING_STRIDE)
/* Configuration: written while the ring is disabled; ignored otherwise. */
#define NPU_RING_DESC_LO	0x00	/* bus address of the descriptors, 64-byte aligned */
#define NPU_RING_DESC_HI	0x04
#define NPU_RING_CPL_LO		0x08	/* bus address of the completions (as many entries), 64-byte aligned */
#define NPU_RING_CPL_HI		0x0c
#define NPU_RING_TAIL_LO	0x10	/* bus address of the tail, a __le32, 4-byte aligned */
#define NPU_RING_TAIL_HI	0x14
#define NPU_RING_SIZE_LOG2	0x18
#define NPU_RING_PRIORITY	0x1c	/* 0 .. NPU_PRIORITIES - 1 */
#define NPU_RING_IRQ		0x20	/* moderation */
#define   NPU_RING_IRQ_COUNT(x)	((x) & 0xff)	/* interrupt after so many completions, 0 and 1: each */
#define   NPU_RING_IRQ_USEC(x)	((__u32)(x) << 16)	/* or so long after the first of them */
#define NPU_RING_SAVE_LO	0x24	/* reserved for preemption: save area and its size */
#define NPU_RING_SAVE_HI	0x28
#define NPU_RING_SAVE_SIZE	0x2c
/* Operation. */
#define NPU_RING_CTRL		0x40
#define   NPU_RING_ENABLE	(1u << 0)
#define   NPU_RING_RESET	(1u << 1)	/* write 1; reads 1 until done. See the specification */
#define NPU_RING_STATUS		0x44
#define   NPU_RING_RUNNING	(1u << 0)	/* a job of it is on cores */
#define   NPU_RING_ERROR	(1u << 1)	/* halted: a descriptor, tail or completion was out of reach */
#define NPU_RING_HEAD		0x48	/* descriptors taken, free-running */
#define NPU_RING_CPL_COUNT	0x4c	/* completions written, free-running */
#define NPU_RING_JOB_LO		0x50	/* id of the running job, 0 when none; latched */
#define NPU_RING_JOB_HI		0x54
#define NPU_RING_PROGRESS	0x58	/* commands completed by jobs of this ring, free-running */
#define NPU_RING_BUSY_LO	0x60	/* cycles of the running job so far; latched */
#define NPU_RING_BUSY_HI	0x64
#define NPU_RING_CMD_JOB_LO	0x68	/* the job that the next NPU_RING_CMD names */
#define NPU_RING_CMD_JOB_HI	0x6c
#define NPU_RING_CMD		0x70	/* write a command; reads BUSY until acknowledged, then the result */
#define   NPU_RING_CMD_ABORT	1	/* end the job if it is the one running */
#define   NPU_RING_CMD_CANCEL	2	/* skip the job if it has not started */
#define   NPU_RING_CMD_BUSY	(1u << 31)
#define   NPU_RING_CMD_DONE	1	/* acted on; its completion has been written (ABORT) or will be */
#define   NPU_RING_CMD_NONE	2	/* no such job in that state */

/* ---- BAR0: doorbells, a page a ring ------------------------------------------------------------ */
#define NPU_DOORBELL_BASE	0x10000
#define NPU_DOORBELL_STRIDE	0x1000
#define NPU_DOORBELL(r)		(NPU_DOORBELL_BASE + (r) * NPU_DOORBELL_STRIDE)
/* Any 32-bit write at offset 0 of the page: "read the tail in memory". The value is ignored. */

/* ---- Structures in host memory ------------------------------------------------------------------ */

/**
 * struct npu_desc - a job on a hardware ring
 * @job_id: the driver's name for it; not zero, not reused while outstanding
 * @table: bus address of its struct npu_side_table, 64-byte aligned
 * @ctx: context id (address space)
 * @ncores: streams in the gang, 1 .. cores
 * @reserved0: zero
 * @flags: NPU_DESC_*
 * @reserved1: zero
 */
struct npu_desc {
	__le64 job_id;
	__le64 table;
	__le16 ctx;
	__u8 ncores;
	__u8 reserved0;
	__le32 flags;
	__le64 reserved1[5];
};

#define NPU_DESC_IRQ		(1u << 0)	/* interrupt on completion */
#define NPU_DESC_FLAGS		NPU_DESC_IRQ

/**
 * struct npu_stream_ref - where a core finds its commands
 * @addr: virtual address, 16-byte aligned
 * @size: bytes, a multiple of 16 below 2^32; 0 is an empty stream
 */
struct npu_stream_ref {
	__le64 addr;
	__le64 size;
};

/* What went wrong: struct npu_completion and struct npu_error. */
enum npu_status {
	NPU_JOB_OK = 0,
	NPU_JOB_FAULT = 1,	/* an address did not translate, or not for this access */
	NPU_JOB_DEADLOCK = 2,	/* a wait that no earlier signal satisfies; unequal barriers */
	NPU_JOB_HAZARD = 3,	/* found by the checker */
	NPU_JOB_INVALID = 4,	/* a command or descriptor that does not decode */
	NPU_JOB_ABORTED = 5,	/* by ABORT or a core reset */
	NPU_JOB_CANCELED = 6,	/* by CANCEL, before it started */
	NPU_JOB_INDEX = 7,	/* a GATHER index out of range */
	NPU_JOB_ECC = 8,	/* uncorrectable memory error */
	NPU_JOB_BUS = 9,	/* a bus address that the host did not answer */
};

/* Finer: struct npu_error's reason. */
enum npu_reason {
	NPU_REASON_NONE = 0,
	/* FAULT */
	NPU_REASON_CONTEXT = 1,	/* context id outside the table, or its entry not valid */
	NPU_REASON_NOT_PRESENT = 2,
	NPU_REASON_PERMISSION = 3,
	NPU_REASON_RANGE = 4,	/* address beyond 48 bits, or local memory beyond its size */
	NPU_REASON_BAD_PTE = 5,	/* reserved bits, or misaligned large page */
	/* DEADLOCK */
	NPU_REASON_SEMAPHORE = 16,
	NPU_REASON_BARRIER = 17,
	/* HAZARD */
	NPU_REASON_RAW = 32,	/* a read not ordered after the write of the other command */
	NPU_REASON_WAR = 33,
	NPU_REASON_WAW = 34,
	NPU_REASON_UNWRITTEN = 35,	/* reads SPM or ACC that no command of this job wrote */
	NPU_REASON_LEFTOVER = 36,	/* a semaphore (its number in addr) not zero at the end */
	/* INVALID */
	NPU_REASON_OPCODE = 48,
	NPU_REASON_SIZE = 49,	/* command size, or the stream ends within a command */
	NPU_REASON_RESERVED = 50,	/* a reserved field is not zero */
	NPU_REASON_FIELD = 51,	/* a field's value is not allowed; its byte offset in addr */
	NPU_REASON_ALIGN = 52,	/* likewise, for alignment */
	NPU_REASON_BOUNDS = 53,	/* SPM or ACC exceeded; the offending address in addr */
	NPU_REASON_SEM_OWNER = 54,	/* two engines signal, or two wait on, one semaphore */
	NPU_REASON_SEM_OVERFLOW = 55,
	NPU_REASON_INJECT = 56,	/* HANG where the card's inject property forbids it */
	NPU_REASON_DESC = 57,	/* descriptor or side table */
	/* ECC */
	NPU_REASON_ECC_LMEM = 64,	/* in local memory; its offset there in addr */
};

enum npu_engine {
	NPU_ENGINE_LOAD = 0,
	NPU_ENGINE_MXU = 1,
	NPU_ENGINE_VPU = 2,
	NPU_ENGINE_STORE = 3,
	NPU_ENGINES = 4,
	NPU_ENGINE_NONE = 0xf,	/* code fetch, barrier, descriptor */
};

enum npu_space {
	NPU_SPACE_SPM = 0,
	NPU_SPACE_ACC = 1,
	NPU_SPACE_MEM = 2,	/* virtual addresses */
};

enum npu_access_kind {
	NPU_ACCESS_READ = 0,
	NPU_ACCESS_WRITE = 1,
	NPU_ACCESS_FETCH = 2,	/* of commands */
};

#define NPU_ERROR_NO_CMD	0xffffffffu

/**
 * struct npu_error - all that is known of why a job did not end well
 * @status: enum npu_status
 * @reason: enum npu_reason
 * @core: member of the gang (0 ..) whose command it was
 * @engine: enum npu_engine
 * @access: enum npu_access_kind
 * @space: enum npu_space that @addr is in
 * @other_core: for hazards, the earlier command of the pair; else 0
 * @other_engine: likewise, else NPU_ENGINE_NONE
 * @cmd: byte offset of the command in its stream, NPU_ERROR_NO_CMD if none
 * @other_cmd: of the other command
 * @tag: the command's tag
 * @other_tag: of the other command
 * @addr: faulting address, first byte of a conflict, or what @reason says
 * @len: bytes from @addr that conflict, else 0
 * @reserved: zero
 *
 * The card writes it into the job's side table before the completion; not at all after NPU_JOB_OK.
 */
struct npu_error {
	__u8 status;
	__u8 reason;
	__u8 core;
	__u8 engine;
	__u8 access;
	__u8 space;
	__u8 other_core;
	__u8 other_engine;
	__le32 cmd;
	__le32 other_cmd;
	__le32 tag;
	__le32 other_tag;
	__le64 addr;
	__le64 len;
	__le64 reserved[3];
};

/**
 * struct npu_side_table - what a descriptor's 64 bytes have no room for
 * @error: written by the card, see there
 * @region: virtual base addresses that LOAD, GATHER and STORE name by number
 * @stream: one a core of the gang
 */
struct npu_side_table {
	struct npu_error error;
	__le64 region[NPU_MAX_REGIONS];
	struct npu_stream_ref stream[NPU_MAX_CORES];
};

/**
 * struct npu_completion - how a job ended
 * @job_id: of the descriptor
 * @cycles: modelled cycles from its first command's start to the last one's end
 * @addr: as in struct npu_error
 * @cmd: as in struct npu_error
 * @status: enum npu_status
 * @reason: enum npu_reason
 * @where: core | engine << 5 (NPU_CPL_CORE, NPU_CPL_ENGINE)
 * @phase: bit 0 flips each time round the ring, first round 1; bits 7:1 are npu_cpl_check() of the
 *	rest; written last
 *
 * Entry n of a ring's life lands in slot n % size. The driver never has more than `size` jobs whose
 * completions it has not consumed; the card does not check.
 */
struct npu_completion {
	__le64 job_id;
	__le64 cycles;
	__le64 addr;
	__le32 cmd;
	__u8 status;
	__u8 reason;
	__u8 where;
	__u8 phase;
};

#define NPU_CPL_WHERE(core, engine)	((__u8)((core) | ((engine) & 7) << 5))
#define NPU_CPL_CORE(where)		((where) & 0x1f)
#define NPU_CPL_ENGINE(where)		((where) >> 5)	/* 7: none */
#define NPU_CPL_PHASE			0x01
#define NPU_CPL_CHECK			0xfe

/**
 * npu_cpl_check - what a completion's @phase has in NPU_CPL_CHECK
 * @cpl: the completion; what it has there is taken as 0
 */
static inline __u8 npu_cpl_check(const struct npu_completion *cpl)
{
	const __u8 *byte = (const __u8 *)cpl;
	unsigned int i, x = 0;

	/* Its 16-bit words, each as two bytes. */
	for (i = 0; i < sizeof(*cpl) - 1; i++)
		x ^= (unsigned int)byte[i] << i % 2 * 8;
	x ^= (unsigned int)(cpl->phase & NPU_CPL_PHASE) << 8;
	return (x ^ x >> 7 ^ x >> 14) << 1 & NPU_CPL_CHECK;
}

/* ---- Address spaces ----------------------------------------------------------------------------- */

/**
 * struct npu_ctx_entry - one address space, indexed by context id
 * @root: bus address of its top-level page table | NPU_CTX_VALID
 * @reserved: zero
 */
struct npu_ctx_entry {
	__le64 root;
	__le64 reserved;
};

#define NPU_CTX_VALID		(1ull << 0)

/* Four levels of 512 entries (3: bits 47:39 … 0: bits 20:12). Entries are __le64 in host memory. */
#define NPU_PT_LEVELS		4
#define NPU_PT_BITS		9
#define NPU_PT_ENTRIES		512
#define NPU_PT_SHIFT(level)	(12 + NPU_PT_BITS * (level))
#define NPU_PTE_VALID		(1ull << 0)
#define NPU_PTE_READ		(1ull << 1)	/* leaves only; a table entry has neither */
#define NPU_PTE_WRITE		(1ull << 2)
#define NPU_PTE_LOCAL		(1ull << 3)	/* leaves: an offset in local memory, not a bus address */
#define NPU_PTE_LARGE		(1ull << 7)	/* level 1: a leaf of 2 MiB, aligned to its size */
#define NPU_PTE_ADDR		0x000ffffffffff000ull
#define NPU_PTE_RESERVED	(~(NPU_PTE_ADDR | 0x8full))
#define NPU_PAGE_SIZE		0x1000u
#define NPU_LARGE_PAGE_SIZE	0x200000u

#endif
