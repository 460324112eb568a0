/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What the compiler and the card agree on: the commands of a core's stream. The only encoding of
 * docs/hardware.md, sections 6 to 9; semantics are told here in short and there to the bit.
 *
 * A stream is a sequence of commands, each 16-byte aligned, starting with struct npu_cmd. Fields are
 * little-endian; reserved ones are zero. Floating-point immediates are IEEE binary32 bit patterns.
 * "Local" addresses are byte offsets in SPM or ACC; strides are signed bytes unless said otherwise.
 * Sizes of zero are invalid where not said otherwise. Dimension 0 is the innermost.
 */
#ifndef NPU_HW_ISA_H
#define NPU_HW_ISA_H

#include <linux/types.h>

#define NPU_ISA_MAJOR		1
#define NPU_ISA_MINOR		0

#define NPU_SEMAPHORES		64	/* a core's, zero when a job starts */
#define NPU_SEM_MAX		255	/* tokens one can hold; a signal above it is SEM_OVERFLOW */
#define NPU_SEM_NONE		0xff	/* in a wait or signal slot: nothing */
#define NPU_CMD_SEMS		3
#define NPU_CMD_ALIGN		16
#define NPU_GRANULE		16	/* SPM and ACC: engines are ordered by lines of so many bytes */
#define NPU_PACK_COLS		16	/* columns in a block of a packed second operand */
#define NPU_PACK_ALIGN		64
#define NPU_REDUCE_LANES	128	/* partial sums of an inner reduction (a fact of the ISA, not of a card) */
#define NPU_DMA_BURST		64	/* bytes are counted in whole bursts */
#define NPU_LOOKAHEAD		4096	/* commands the memory port's arbiter sees ahead */
#define NPU_MAX_TAPS		65536	/* kernel_h * kernel_w of a CONV or POOL */

enum npu_opcode {
	NPU_OP_BARRIER = 0x01,	/* struct npu_cmd: all engines of all members drain, then go on */
	NPU_OP_HANG = 0x02,	/* struct npu_cmd: never completes; for tests (inject) */
	NPU_OP_LOAD = 0x10,	/* struct npu_cmd_load */
	NPU_OP_GATHER = 0x11,	/* struct npu_cmd_gather */
	NPU_OP_MATMUL = 0x20,	/* struct npu_cmd_matmul */
	NPU_OP_CONV = 0x21,	/* struct npu_cmd_conv */
	NPU_OP_VPU = 0x30,	/* struct npu_cmd_vpu */
	NPU_OP_POOL = 0x31,	/* struct npu_cmd_pool */
	NPU_OP_STORE = 0x40,	/* struct npu_cmd_store */
};

enum npu_type {
	NPU_S8 = 0,
	NPU_U8 = 1,
	NPU_S32 = 2,
	NPU_BF16 = 3,
	NPU_FP16 = 4,
	NPU_FP32 = 5,
	NPU_S4 = 6,	/* two an octet, low nibble first; LOAD's unpacking and packed second operands only */
	NPU_U4 = 7,	/* LOAD's unpacking only */
	NPU_S64 = 8,	/* GATHER's indices only */
	NPU_TYPES = 9,
};

/**
 * struct npu_cmd - what every command begins with
 * @opcode: enum npu_opcode
 * @flags: zero
 * @size: bytes of the whole command: the size of the structure of its opcode
 * @wait: semaphores it takes one token of each, all or nothing, before it starts
 * @signal: semaphores it adds one token to when it ends; no semaphore twice in either list
 * @reserved: zero
 * @tag: software's; comes back in struct npu_error
 *
 * Unused slots are NPU_SEM_NONE. BARRIER and HANG have no semaphores.
 */
struct npu_cmd {
	__u8 opcode;
	__u8 flags;
	__le16 size;
	__u8 wait[NPU_CMD_SEMS];
	__u8 signal[NPU_CMD_SEMS];
	__le16 reserved;
	__le32 tag;
};

/* ---- LOAD and STORE engines --------------------------------------------------------------------- */

enum npu_fill {
	NPU_FILL_NONE = 0,	/* all of pad_lo and pad_hi are zero */
	NPU_FILL_IMM = 1,	/* the low element-size bytes of fill */
	NPU_FILL_SPM = 2,	/* the element at local address fill */
};

/**
 * struct npu_cmd_load - memory → SPM, up to 4-D, with padding
 * @h: header, NPU_OP_LOAD
 * @type: enum npu_type of an element: S8 U8 (1 byte), BF16 FP16 (2), S32 FP32 (4) are copied unread;
 *	S4 U4 are unpacked to S8 U8, each row of the source starting on a byte
 * @fill_mode: enum npu_fill
 * @region: 0 .. NPU_MAX_REGIONS - 1
 * @reserved0: zero
 * @fill: see enum npu_fill
 * @offset: signed byte offset from the region's base of the first element that is read
 * @spm: destination, the element at coordinate 0 (fill included)
 * @reserved1: zero
 * @size: elements a dimension of the destination, fill included
 * @pad_lo: leading coordinates of each dimension that are filled instead of read
 * @pad_hi: trailing ones; pad_lo + pad_hi <= size (equal: nothing is read)
 * @mem_stride: bytes between successive coordinates of dimensions 1, 2, 3 in memory
 * @spm_stride: likewise in SPM; not 0 in a dimension larger than 1. Dimension 0 is contiguous on both sides
 * @reserved2: zero
 */
struct npu_cmd_load {
	struct npu_cmd h;
	__u8 type;
	__u8 fill_mode;
	__u8 region;
	__u8 reserved0;
	__le32 fill;
	__le64 offset;
	__le32 spm;
	__le32 reserved1;
	__le32 size[4];
	__le32 pad_lo[4];
	__le32 pad_hi[4];
	__le64 mem_stride[3];
	__le32 spm_stride[3];
	__le32 reserved2;
};

/**
 * struct npu_cmd_gather - rows of a table in memory → SPM, by index (LOAD engine)
 * @h: header, NPU_OP_GATHER
 * @type: of the indices: NPU_S32 or NPU_S64
 * @reserved0: zero
 * @region: of the table
 * @reserved1: zero
 * @index: local address of the first index in SPM, contiguous, aligned to its size
 * @offset: of row 0 from the region's base
 * @row_stride: bytes between rows in memory
 * @rows: of the table. An index i < 0 means i + rows; out of range then: NPU_JOB_INDEX
 * @count: indices
 * @row_bytes: bytes copied a row
 * @spm: destination of the first
 * @spm_stride: between destinations; not 0 with more than one
 */
struct npu_cmd_gather {
	struct npu_cmd h;
	__u8 type;
	__u8 reserved0;
	__u8 region;
	__u8 reserved1;
	__le32 index;
	__le64 offset;
	__le64 row_stride;
	__le64 rows;
	__le32 count;
	__le32 row_bytes;
	__le32 spm;
	__le32 spm_stride;
};

/**
 * struct npu_cmd_store - SPM or ACC → memory, up to 4-D
 * @h: header, NPU_OP_STORE
 * @space: NPU_SPACE_SPM or NPU_SPACE_ACC
 * @reserved0: zero
 * @region: 0 .. NPU_MAX_REGIONS - 1
 * @reserved1: zero
 * @local: source
 * @offset: signed byte offset from the region's base
 * @size: dimension 0 in bytes, 1 to 3 in coordinates
 * @mem_stride: bytes, of dimensions 1 to 3. A STORE that writes a byte twice is INVALID (FIELD) when the
 *	strides show it: a dimension of size > 1 with a stride of 0
 * @local_stride: likewise in SPM or ACC (0 repeats)
 * @reserved2: zero
 * @reserved3: zero
 */
struct npu_cmd_store {
	struct npu_cmd h;
	__u8 space;
	__u8 reserved0;
	__u8 region;
	__u8 reserved1;
	__le32 local;
	__le64 offset;
	__le32 size[4];
	__le64 mem_stride[3];
	__le32 local_stride[3];
	__le32 reserved2;
	__le64 reserved3;
};

/* ---- MXU ------------------------------------------------------------------------------------------ */

/*
 * Types: (S8|U8) × (S8|U8|S4) → S32; BF16 × BF16 → FP32; FP16 × FP16 → FP32.
 *
 * Integer: acc (+)= Σ (a - a_zp)(b - b_zp), modulo 2^32. Float: acc = fma(a, b, acc), one rounding a product, k
 * ascending, from zero or from ACC; a NaN in ACC is written as NPU_FP32_NAN.
 *
 * No output of a command overlaps another: where a dimension is larger than 1, the magnitude of its ACC stride is not less
 * than the bytes from the first to the last that the dimensions inside it span (columns or channels innermost).
 */
#define NPU_FP32_NAN		0x7fc00000u
#define NPU_BF16_NAN		0x7fc0u
#define NPU_FP16_NAN		0x7e00u

enum npu_b_layout {
	NPU_B_ROWS = 0,		/* n contiguous; b_stride between successive k */
	NPU_B_COLS = 1,		/* k contiguous; b_stride between successive n */
	/*
	 * The way the array eats it: blocks of NPU_PACK_COLS columns, b_stride apart (a multiple of
	 * NPU_PACK_ALIGN, as the address is); in a block, groups of q successive k (q = 4 for 8-bit and
	 * S4, 2 for 16-bit types), in a group column after column, in a column its q elements. Where k or n
	 * end within a group or block, the rest is there but not used.
	 */
	NPU_B_PACKED = 2,
};

enum npu_zp_mode {
	NPU_ZP_IMM = 0,		/* the zero point itself (0 for float types) */
	NPU_ZP_SPM = 1,		/* local address of one element of the operand's type (S4: S8) */
	NPU_ZP_VECTOR = 2,	/* local address of one a row (first operand: m, or output pixel's image) or column (second: n) */
};

#define NPU_MXU_ACCUMULATE	(1u << 0)	/* add to ACC; else overwrite */
#define NPU_MXU_DEPTHWISE	(1u << 1)	/* CONV only */

/**
 * struct npu_mxu_operands - what MATMUL and CONV have in common
 * @a_type: of the first operand
 * @b_type: of the second
 * @b_layout: enum npu_b_layout
 * @flags: NPU_MXU_*
 * @a_zp_mode: enum npu_zp_mode. For CONV, NPU_ZP_VECTOR has one zero point an image of the batch
 * @b_zp_mode: likewise. For CONV columns are counted through all groups
 * @group: reserved for group-scaled products (k elements a scale): zero
 * @a: local address in SPM, aligned to its element
 * @b: local address in SPM, aligned to its element
 * @b_stride: see enum npu_b_layout
 * @acc: local address in ACC of output (0, 0), 4-byte aligned
 * @a_zp: see enum npu_zp_mode
 * @b_zp: likewise
 * @scales: reserved for group-scaled products: zero
 * @reserved: zero
 */
struct npu_mxu_operands {
	__u8 a_type;
	__u8 b_type;
	__u8 b_layout;
	__u8 flags;
	__u8 a_zp_mode;
	__u8 b_zp_mode;
	__le16 group;
	__le32 a;
	__le32 b;
	__le32 b_stride;
	__le32 acc;
	__le32 a_zp;
	__le32 b_zp;
	__le32 scales;
	__le32 reserved;
};

/**
 * struct npu_cmd_matmul - acc[m][n] (+)= Σk a[m][k] b[k][n]
 * @h: header, NPU_OP_MATMUL
 * @o: operands
 * @m: rows
 * @n: columns
 * @k: products a sum
 * @a_stride: bytes between rows of the first operand; k is contiguous
 * @acc_stride: bytes between rows of ACC, a multiple of 4; n is contiguous
 * @reserved: zero
 */
struct npu_cmd_matmul {
	struct npu_cmd h;
	struct npu_mxu_operands o;
	__le32 m;
	__le32 n;
	__le32 k;
	__le32 a_stride;
	__le32 acc_stride;
	__le32 reserved[5];
};

/**
 * struct npu_cmd_conv - convolution of an NHWC tile in SPM (implicit im2col)
 * @h: header, NPU_OP_CONV
 * @o: operands. The first is the tile; the second has k = (kernel row, kernel column, channel), channel
 *	fastest, and n = output channel of the group. With NPU_MXU_DEPTHWISE the second is [tap][channel],
 *	NPU_B_ROWS, groups is 1, out_c equals in_c and channel c of the output comes from channel c alone
 * @batch: images
 * @groups: convolution groups; group g reads channels g * in_c .. of the tile, weights b + g * b_group_stride, and
 *	writes output channels g * out_c ..
 * @in_h: rows that are there; coordinates outside contribute nothing
 * @in_w: columns that are there
 * @in_c: channels a group; contiguous
 * @out_h: output rows
 * @out_w: output columns
 * @out_c: output channels a group; contiguous in ACC
 * @kernel_h: taps down
 * @kernel_w: taps across
 * @stride_h: input rows between outputs
 * @stride_w: input columns between outputs
 * @dilation_h: input rows between taps
 * @dilation_w: input columns between taps
 * @pad_top: signed; input row of output row y and tap r is y * stride_h - pad_top + r * dilation_h
 * @pad_left: signed; likewise
 * @a_stride: bytes between columns, rows, images of the tile
 * @acc_stride: bytes between columns, rows, images of ACC, multiples of 4
 * @b_group_stride: bytes between groups' weights
 * @reserved: zero
 *
 * Products in order of k. A coordinate outside the tile adds nothing at all (no product, also for floats).
 */
struct npu_cmd_conv {
	struct npu_cmd h;
	struct npu_mxu_operands o;
	__le16 batch;
	__le16 groups;
	__le16 in_h;
	__le16 in_w;
	__le16 in_c;
	__le16 out_h;
	__le16 out_w;
	__le16 out_c;
	__le16 kernel_h;
	__le16 kernel_w;
	__le16 stride_h;
	__le16 stride_w;
	__le16 dilation_h;
	__le16 dilation_w;
	__le16 pad_top;
	__le16 pad_left;
	__le32 a_stride[3];
	__le32 acc_stride[3];
	__le32 b_group_stride;
	__le32 reserved[3];
};

/* ---- VPU ------------------------------------------------------------------------------------------- */

/*
 * A VPU command walks a 4-D index space and computes, for each element, x, then a list of stages on x,
 * then writes x. A value is in the integer domain (int32) or in the float domain (binary32): S8, U8 and
 * S32 operands are integers, BF16, FP16 and FP32 floats. A float stage on an integer value, or with an integer
 * operand, converts it first (round to nearest even). An integer stage on a float value is INVALID, as is an
 * output type of the other domain. Integer outputs saturate; float outputs round to nearest even; NaNs are
 * canonical.
 */
#define NPU_VPU_OPERANDS	4	/* beside x */
#define NPU_VPU_STAGES		12

#define NPU_OPERAND_DEQUANT	(1u << 0)	/* integer types: becomes (float)(v - zp) * scale */

/**
 * struct npu_vpu_operand - one tensor of a VPU command
 * @addr: local address of element (0, 0, 0, 0), aligned to its element
 * @space: NPU_SPACE_SPM or NPU_SPACE_ACC (S32 and FP32 only; not for outputs)
 * @type: S8 U8 S32 BF16 FP16 FP32
 * @flags: NPU_OPERAND_*
 * @reserved: zero
 * @zp: signed; zero unless NPU_OPERAND_DEQUANT
 * @scale: binary32; zero unless NPU_OPERAND_DEQUANT
 * @stride: of dimensions 0 to 3, multiples of the element size; 0 broadcasts. Outputs: no zero stride in a
 *	dimension larger than 1
 */
struct npu_vpu_operand {
	__le32 addr;
	__u8 space;
	__u8 type;
	__u8 flags;
	__u8 reserved;
	__le32 zp;
	__le32 scale;
	__le32 stride[4];
};

enum npu_stage_op {
	NPU_STAGE_NOP = 0,	/* unused slots, after the last used one */
	/* Integer: imm is int32. */
	NPU_STAGE_IADD = 1,	/* x + y, saturating */
	NPU_STAGE_ISUB = 2,	/* x - y, saturating */
	NPU_STAGE_IMIN = 3,
	NPU_STAGE_IMAX = 4,
	/* Float, binary: imm is binary32. */
	NPU_STAGE_ADD = 16,
	NPU_STAGE_SUB = 17,	/* x - y */
	NPU_STAGE_RSUB = 18,	/* y - x */
	NPU_STAGE_MUL = 19,
	NPU_STAGE_DIV = 20,	/* x / y, correctly rounded */
	NPU_STAGE_RDIV = 21,	/* y / x */
	NPU_STAGE_MIN = 22,	/* NaN if either is; -0 < +0 */
	NPU_STAGE_MAX = 23,
	NPU_STAGE_GT = 24,	/* x > y ? 1 : 0 */
	NPU_STAGE_GE = 25,
	NPU_STAGE_EQ = 26,
	NPU_STAGE_SELECT = 27,	/* x != 0 ? y : z; z is src2 (both operands, or y the immediate) */
	NPU_STAGE_PRELU = 28,	/* x < 0 ? x * y : x */
	/* Float, unary: src is NPU_SRC_NONE. */
	NPU_STAGE_ABS = 48,
	NPU_STAGE_NEG = 49,
	NPU_STAGE_EXP = 50,
	NPU_STAGE_LOG = 51,
	NPU_STAGE_ERF = 52,
	NPU_STAGE_SIGMOID = 53,
	NPU_STAGE_TANH = 54,
	NPU_STAGE_GELU = 55,	/* x / 2 (1 + erf(x / √2)) */
	NPU_STAGE_SILU = 56,
	NPU_STAGE_SQRT = 57,	/* correctly rounded */
	NPU_STAGE_RSQRT = 58,	/* 1 / sqrt(x), both correctly rounded */
	NPU_STAGE_RECIP = 59,	/* 1 / x, correctly rounded */
	NPU_STAGE_FLOOR = 60,
	NPU_STAGE_CEIL = 61,
	NPU_STAGE_RINT = 62,	/* to nearest even */
	/* Between the domains. */
	NPU_STAGE_QUANT = 80,	/* float → integer: saturate(rint(x) + zp) to type src2 (S8 U8 S32); zp is y,
				 * an integer; NaN becomes zp */
	NPU_STAGE_LUT = 81,	/* integer → the operand's domain: table[x & 255]; src is an operand, whose
				 * strides are zero and whose table of 256 elements starts at addr */
};

enum npu_stage_src {
	NPU_SRC_NONE = 0,
	NPU_SRC_0 = 1,	/* operand[0] .. */
	NPU_SRC_1 = 2,
	NPU_SRC_2 = 3,
	NPU_SRC_3 = 4,
	NPU_SRC_IMM = 5,
	NPU_SRC_X = 6,	/* the value itself (x * x) */
};

/**
 * struct npu_vpu_stage - one step of the pipeline
 * @op: enum npu_stage_op
 * @src: y, enum npu_stage_src
 * @src2: SELECT: z; QUANT: enum npu_type; else zero
 * @reserved: zero
 * @imm: for NPU_SRC_IMM, else zero
 */
struct npu_vpu_stage {
	__u8 op;
	__u8 src;
	__u8 src2;
	__u8 reserved;
	__le32 imm;
};

/**
 * struct npu_vpu_pipe - operands and stages, common to VPU and POOL
 * @x: what comes in
 * @out: where it goes; SPM
 * @operand: used ones first; unused ones all zero
 * @stage: used ones first
 * @operands: how many operands are used
 * @stages: how many stages are used
 * @pre: VPU with a reduction: stages before it (the rest come after it); else zero
 * @reserved: zero
 */
struct npu_vpu_pipe {
	struct npu_vpu_operand x;
	struct npu_vpu_operand out;
	struct npu_vpu_operand operand[NPU_VPU_OPERANDS];
	struct npu_vpu_stage stage[NPU_VPU_STAGES];
	__u8 operands;
	__u8 stages;
	__u8 pre;
	__u8 reserved[5];
};

enum npu_reduce {
	NPU_REDUCE_NONE = 0,
	NPU_REDUCE_SUM = 1,
	NPU_REDUCE_MIN = 2,
	NPU_REDUCE_MAX = 3,
};

/**
 * struct npu_cmd_vpu - element-wise passes and reductions
 * @h: header, NPU_OP_VPU
 * @size: of the index space
 * @reduce: enum npu_reduce
 * @axes: bit d: dimension d is reduced (its output and post-stage operand strides are zero); not zero with a reduction
 * @reserved: zero
 * @p: pipe. Stages before the reduction see operands over the whole space, those after it over what remains
 *
 * Integer sums are modulo 2^32. Float sums: the reduced elements of one output, in order (dimension 0 fastest), are
 * dealt to NPU_REDUCE_LANES partial sums in turn, each starting from -0; the partial sums are added pairwise, l with
 * l + 64, then l + 32, ... l + 1. The result must not overlap x, an operand or a table unless it is written element for
 * element where it was read (no reduction, same address, type size and strides). Where its strides make elements overlap
 * each other, the last one in order stays.
 */
struct npu_cmd_vpu {
	struct npu_cmd h;
	__le32 size[4];
	__u8 reduce;
	__u8 axes;
	__u8 reserved[6];
	struct npu_vpu_pipe p;
};

enum npu_pool {
	NPU_POOL_MAX = 0,	/* over coordinates inside; x's domain. None inside: the lowest value of x's type, -inf */
	NPU_POOL_AVG = 1,	/* divided by the number of coordinates inside (none: 0) */
	NPU_POOL_AVG_PAD = 2,	/* divided by kernel_h * kernel_w */
};

/**
 * struct npu_cmd_pool - window pooling of an NHWC tile in SPM (VPU engine)
 * @h: header, NPU_OP_POOL
 * @size: of the output: channels, columns, rows, images
 * @in_h: rows that are there
 * @in_w: columns that are there
 * @kernel_h: window rows
 * @kernel_w: window columns
 * @stride_h: as in struct npu_cmd_conv
 * @stride_w: as in struct npu_cmd_conv
 * @dilation_h: as in struct npu_cmd_conv
 * @dilation_w: as in struct npu_cmd_conv
 * @pad_top: as in struct npu_cmd_conv
 * @pad_left: as in struct npu_cmd_conv
 * @op: enum npu_pool
 * @reserved: zero
 * @p: pipe; x's strides are those of channel, column, row, image of the input. Stages come after the pooling
 *
 * An average is exact in the integer domain (then converted) or summed in order of taps, row by row, starting from
 * -0 in the float domain, then divided (correctly rounded); its result is a float, +0 where no coordinate is inside. The
 * result must not overlap x, an operand or a table.
 */
struct npu_cmd_pool {
	struct npu_cmd h;
	__le32 size[4];
	__le16 in_h;
	__le16 in_w;
	__le16 kernel_h;
	__le16 kernel_w;
	__le16 stride_h;
	__le16 stride_w;
	__le16 dilation_h;
	__le16 dilation_w;
	__le16 pad_top;
	__le16 pad_left;
	__u8 op;
	__u8 reserved[3];
	struct npu_vpu_pipe p;
};

#endif
