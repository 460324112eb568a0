// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * MATMUL and CONV: both become npu_mxu_job, one a group, whose product of matrices is cut into
 * panels.
 *
 * Integers: with a = a' - az' and b = b' - bz' (bytes as shifted for the kernels), the sum over
 * k of a b is Σ a'b' - az' Σ b' - bz' (Σ a' - k az'), modulo 2^32. So kernels multiply plain
 * bytes, and the sums of rows and columns, needed only where a zero point is not zero, are put
 * right where the result is written. A coordinate outside the tile is a' = az', which adds
 * nothing.
 *
 * Floats: outputs whose windows meet the same part of the tile go through the kernels together,
 * so that nothing at all is added for coordinates outside.
 */
#include "mxu.h"

#include <string.h>

#include "scratch.h"

#define COLS NPU_PACK_COLS

int32_t npu_mxu_zero(const uint8_t *p, unsigned int step, uint64_t i, uint8_t type, int32_t imm)
{
	if (!p)
		return imm;
	p += i * step;
	return type == NPU_U8 ? *p : (int8_t)*p;
}

void npu_mxu_cols(const struct npu_mxu_job *j, uint32_t x, uint32_t *s0, uint32_t *s1)
{
	int64_t first = npu_mxu_col(j, x, 0);
	int64_t left = (int64_t)j->in_w - first;
	int64_t lo = first < 0 ? (-first + j->dilation_w - 1) / j->dilation_w : 0;
	int64_t hi = left > 0 ? (left + j->dilation_w - 1) / j->dilation_w : 0;

	*s0 = (uint32_t)(lo < j->kernel_w ? lo : j->kernel_w);
	*s1 = (uint32_t)(hi < j->kernel_w ? hi : j->kernel_w);
}

/* ---- Integers ---------------------------------------------------------------------------- */

/**
 * struct panel_i8 - what is common to the rows multiplied with one panel of the second operand
 * @ldb: bytes between its blocks
 * @piece: bytes of a piece of a row
 * @pieces: of a row
 * @tap_row: row of taps that @k0 is in
 * @tap_k: and how far
 * @in_place: pieces whose coordinates are all inside are used where they lie; each is of one row of
 *	taps
 * @has_az: some zero point of the first operand, as shifted, is not zero
 * @has_bz: likewise of the second
 * @x0: for columns of outputs from here to before @x1 all columns of taps are inside
 */
struct panel_i8 {
	const int8_t *b;
	ptrdiff_t ldb;
	uint32_t n0;
	uint32_t n1;
	uint64_t k0;
	uint64_t k1;
	uint64_t piece;
	unsigned int pieces;
	uint32_t tap_row;
	uint64_t tap_k;
	bool in_place;
	bool has_az;
	bool has_bz;
	int64_t x0;
	int64_t x1;
};

static int32_t shifted_az(const struct npu_mxu_job *j, uint32_t image)
{
	int32_t az = npu_mxu_zero(j->az, j->az_step, image, j->a_type, j->az_imm);

	return j->a_type == NPU_S8 ? az + 128 : az;
}

static int32_t shifted_bz(const struct npu_mxu_job *j, uint32_t n)
{
	int32_t bz = npu_mxu_zero(j->bz, j->bz_step, n, j->b_type, j->bz_imm);

	return j->b_type == NPU_U8 ? bz - 128 : bz;
}

static uint64_t row_of_taps(const struct npu_mxu_job *j)
{
	return (uint64_t)j->kernel_w * j->in_c;
}

/* Where nothing lies between the taps of a row, and pieces are whole groups of 4. */
static void find_in_place(const struct npu_mxu_job *j, struct panel_i8 *p)
{
	int64_t reach = (int64_t)(j->kernel_w - 1) * j->dilation_w;

	p->in_place =
		row_of_taps(j) % 4 == 0 && row_of_taps(j) >= NPU_MXU_PIECE &&
		(j->kernel_w == 1 || (j->a_stride[0] == (int64_t)j->in_c && j->dilation_w == 1));
	p->x0 = j->pad_left > 0 ? (j->pad_left + j->stride_w - 1) / j->stride_w : 0;
	p->x1 = (int64_t)j->in_w - 1 - reach + j->pad_left;
	p->x1 = p->x1 < 0 ? 0 : p->x1 / j->stride_w + 1;
}

/* From @p->k0 on: as many equal panels as there have to be, of whole pieces. */
static void cut_k(const struct npu_mxu_job *j, struct panel_i8 *p)
{
	uint64_t row = row_of_taps(j), left = j->k - p->k0, most = NPU_MXU_K_I8, panels;

	p->tap_row = (uint32_t)(p->k0 / row);
	p->tap_k = p->k0 % row;
	if (p->in_place && row <= most) {
		left /= row;
		most /= row;
		panels = (left + most - 1) / most;
		p->pieces = (unsigned int)((left + panels - 1) / panels);
		p->piece = row;
	} else {
		if (p->in_place)
			left = row - p->tap_k;
		panels = (left + most - 1) / most;
		p->pieces = 1;
		p->piece = ((left + panels - 1) / panels + 3) / 4 * 4;
		p->piece = p->piece < left ? p->piece : left;
	}
	p->k1 = p->k0 + p->pieces * p->piece;
}

static unsigned int groups_of(const struct panel_i8 *p)
{
	return (unsigned int)((p->piece + 3) / 4);
}

/* The second operand's panel: in place where it lies as the kernels want it. */
static void prepare_b(struct npu_exec *e, const struct npu_mxu_job *j, struct panel_i8 *p)
{
	struct npu_scratch *s = e->scratch;
	uint32_t n;

	if (j->b_layout == NPU_B_PACKED && j->b_type == NPU_S8) {
		p->b = (const int8_t *)j->b + (int64_t)(p->n0 / COLS) * j->b_stride + p->k0 * COLS;
		p->ldb = j->b_stride;
	} else {
		p->ldb = (ptrdiff_t)p->pieces * groups_of(p) * 4 * COLS;
		p->b = s->i8.b;
		npu_mxu_pack_b_i8(j, p->n0, p->n1, p->k0, p->k1, s->i8.b, p->ldb);
	}

	p->has_bz = false;
	for (n = p->n0; n < p->n1 && (j->bz || shifted_bz(j, 0)); n++) {
		s->i8.bz[n - p->n0] = shifted_bz(j, n);
		p->has_bz |= s->i8.bz[n - p->n0] != 0;
	}
	p->has_az = j->az || shifted_az(j, 0);
}

/*
 * The sums of columns are the product with a row of ones. It goes before all others: its results are
 * there when theirs are put right.
 */
static void prepare_ones(struct npu_exec *e, const struct npu_mxu_job *j, const struct panel_i8 *p)
{
	struct npu_scratch *s = e->scratch;
	unsigned int i;

	memset(s->i8.ones, npu_mxu_flip(j), (size_t)groups_of(p) * 4);
	memset(s->i8.ones, npu_mxu_flip(j) ^ 1, p->piece);
	for (i = 0; i < p->pieces; i++)
		s->i8.rows[i * NPU_MXU_ROWS] = s->i8.ones;
	/* In case that the other rows add to what is there. */
	memset(s->i8.sb, 0, (size_t)(p->n1 - p->n0) * sizeof(s->i8.sb[0]));
	s->i8.c[0] = s->i8.sb;
	s->i8.az[0] = 0;
	s->i8.ra[0] = 0;
}

/* Row @row of a panel; its pieces are in place or packed. */
static void prepare_row(struct npu_exec *e, const struct npu_mxu_kernels *f,
			const struct npu_mxu_job *j, const struct panel_i8 *p,
			const struct npu_mxu_pixel *pixel, unsigned int row)
{
	struct npu_scratch *s = e->scratch;
	uint8_t *packed = s->i8.a + row * NPU_MXU_LDA_I8;
	int32_t az = shifted_az(j, pixel->image);
	bool inside = p->in_place && pixel->x >= p->x0 && pixel->x < p->x1;
	uint64_t k = p->k0, sum = 0;
	unsigned int i;

	for (i = 0; i < p->pieces; i++, k += p->piece) {
		int64_t y = npu_mxu_row(j, pixel->y, p->tap_row + i);
		const uint8_t *a = packed;

		if (inside && y >= 0 && y < j->in_h) {
			a = npu_mxu_tile(j, pixel->image, y, npu_mxu_col(j, pixel->x, 0)) +
			    p->tap_k;
		} else {
			npu_mxu_pack_a_i8(j, pixel, k, k + p->piece, (uint8_t)az ^ npu_mxu_flip(j),
					  packed);
			packed += p->piece;
		}
		if (p->has_bz)
			sum += f->sum(a, p->piece, npu_mxu_flip(j));
		s->i8.rows[i * NPU_MXU_ROWS + row] = a;
	}
	s->i8.az[row] = az;
	s->i8.ra[row] = (int32_t)((uint32_t)sum - (uint32_t)(p->k1 - p->k0) * (uint32_t)az);
	s->i8.c[row] = (int32_t *)npu_mxu_out(j, pixel) + p->n0;
}

/**
 * struct run - pixels one after another of which every piece is in place
 * @count: of them; 0: the first is not such a pixel
 * @images: they are images, not columns of outputs
 * @a: from one's first operand to the next one's
 * @c: from one's results to the next one's
 */
struct run {
	uint32_t count;
	bool images;
	int64_t a;
	int64_t c;
};

/* From @pixel on, @most at most: along a row of outputs, or images where each has but one output. */
static struct run find_run(const struct npu_mxu_job *j, const struct panel_i8 *p,
			   const struct npu_mxu_pixel *pixel, uint32_t most)
{
	int64_t first = npu_mxu_row(j, pixel->y, p->tap_row);
	int64_t last = npu_mxu_row(j, pixel->y, p->tap_row + p->pieces - 1);
	struct run run = { 0 };
	int64_t count;

	if (!p->in_place || p->has_bz || pixel->x < p->x0 || pixel->x >= p->x1 || first < 0 ||
	    last >= j->in_h)
		return run;
	run.images = j->out_w == 1 && j->out_h == 1;
	if (run.images) {
		count = (int64_t)j->batch - pixel->image;
		run.a = j->a_stride[2];
		run.c = j->acc_stride[2];
	} else {
		count = (p->x1 < j->out_w ? p->x1 : j->out_w) - pixel->x;
		run.a = (int64_t)j->stride_w * j->a_stride[0];
		run.c = j->acc_stride[0];
	}
	run.count = count < most ? (uint32_t)count : most;
	return run;
}

/* Rows from @row on of a panel, and @pixel steps to the last of them. */
static void prepare_run(struct npu_exec *e, const struct npu_mxu_job *j, const struct panel_i8 *p,
			struct npu_mxu_pixel *pixel, unsigned int row, const struct run *run)
{
	struct npu_scratch *s = e->scratch;
	int32_t az = shifted_az(j, pixel->image);
	uint8_t *c = (uint8_t *)((int32_t *)npu_mxu_out(j, pixel) + p->n0);
	unsigned int i, n;

	for (i = 0; i < p->pieces; i++) {
		const uint8_t *a =
			npu_mxu_tile(j, pixel->image, npu_mxu_row(j, pixel->y, p->tap_row + i),
				     npu_mxu_col(j, pixel->x, 0)) +
			p->tap_k;
		const uint8_t **rows = s->i8.rows + i * NPU_MXU_ROWS + row;

		for (n = 0; n < run->count; n++)
			rows[n] = a + n * run->a;
	}
	for (n = 0; n < run->count; n++) {
		s->i8.c[row + n] = (int32_t *)(void *)(c + n * run->c);
		s->i8.az[row + n] =
			run->images && j->az_step ? shifted_az(j, pixel->image + n) : az;
	}
	if (run->images)
		pixel->image += run->count - 1;
	else
		pixel->x += run->count - 1;
}

static int multiply_panel_i8(struct npu_exec *e, const struct npu_mxu_kernels *f,
			     const struct npu_mxu_job *j, const struct panel_i8 *p)
{
	struct npu_scratch *s = e->scratch;
	struct npu_mxu_pixel pixel = { 0 };
	struct npu_mxu_dot_i8 d = {
		.a = s->i8.rows,
		.b = p->b,
		.c = s->i8.c,
		.az = p->has_az ? s->i8.az : NULL,
		.sb = s->i8.sb,
		.bz = p->has_bz ? s->i8.bz : NULL,
		.ra = s->i8.ra,
		.ldb = p->ldb,
		.cols = p->n1 - p->n0,
		.pieces = p->pieces,
		.groups = groups_of(p),
		.flip = npu_mxu_flip(j),
		.same_az = !j->az_step,
		.accumulate = j->accumulate || p->k0,
	};
	bool more = true;

	if (p->has_az) {
		prepare_ones(e, j, p);
		d.rows = 1;
	}
	while (more) {
		do {
			struct run run = find_run(j, p, &pixel, NPU_MXU_ROWS - d.rows);

			if (run.count) {
				prepare_run(e, j, p, &pixel, d.rows, &run);
				d.rows += run.count;
			} else {
				prepare_row(e, f, j, p, &pixel, d.rows++);
			}
			more = npu_mxu_next(j, &pixel);
		} while (d.rows < NPU_MXU_ROWS && more);
		if (npu_exec_poll(e, (uint64_t)d.rows * d.cols * d.pieces * d.groups / 16 + 64))
			return -1;
		f->dot_i8(&d);
		d.rows = 0;
	}
	return 0;
}

static int multiply_i8(struct npu_exec *e, const struct npu_mxu_job *j)
{
	const struct npu_mxu_kernels *f = npu_mxu_kernels();
	struct panel_i8 p;

	find_in_place(j, &p);
	for (p.n0 = 0; p.n0 < j->n; p.n0 = p.n1) {
		p.n1 = j->n - p.n0 < NPU_MXU_COLS ? j->n : p.n0 + NPU_MXU_COLS;
		for (p.k0 = 0; p.k0 < j->k; p.k0 = p.k1) {
			cut_k(j, &p);
			prepare_b(e, j, &p);
			if (multiply_panel_i8(e, f, j, &p))
				return -1;
		}
	}
	return 0;
}

/* ---- Floats ------------------------------------------------------------------------------ */

/**
 * struct panel_f32 - a panel of the second operand, within one row of taps
 * @row: of taps
 * @k0: counted from the first channel of the row's first tap
 * @k1: likewise
 */
struct panel_f32 {
	const float *b;
	ptrdiff_t ldb;
	uint32_t n0;
	uint32_t n1;
	uint32_t row;
	uint64_t k0;
	uint64_t k1;
};

/* The part of the panel's k that lies inside the tile for a pixel; false if none does. */
static bool clip(const struct npu_mxu_job *j, const struct panel_f32 *p,
		 const struct npu_mxu_pixel *pixel, uint64_t *lo, uint64_t *hi)
{
	int64_t row = npu_mxu_row(j, pixel->y, p->row);
	uint32_t s0, s1;

	npu_mxu_cols(j, pixel->x, &s0, &s1);
	*lo = (uint64_t)s0 * j->in_c > p->k0 ? (uint64_t)s0 * j->in_c : p->k0;
	*hi = (uint64_t)s1 * j->in_c < p->k1 ? (uint64_t)s1 * j->in_c : p->k1;
	return row >= 0 && row < j->in_h && *lo < *hi;
}

static void pack_a_f32(const struct npu_mxu_kernels *f, const struct npu_mxu_job *j,
		       const struct npu_mxu_pixel *pixel, uint32_t r, uint64_t lo, uint64_t hi,
		       float *dst)
{
	uint32_t s = (uint32_t)(lo / j->in_c);
	uint64_t c = lo % j->in_c;

	while (lo < hi) {
		uint64_t len = j->in_c - c < hi - lo ? j->in_c - c : hi - lo;

		f->widen(dst,
			 npu_mxu_tile(j, pixel->image, npu_mxu_row(j, pixel->y, r),
				      npu_mxu_col(j, pixel->x, s)) +
				 2 * c,
			 len, j->a_type);
		dst += len;
		lo += len;
		c = 0;
		s++;
	}
}

/* All pixels with one panel of the second operand. */
static int multiply_panel_f32(struct npu_exec *e, const struct npu_mxu_kernels *f,
			      const struct npu_mxu_job *j, const struct panel_f32 *p)
{
	struct npu_scratch *s = e->scratch;
	struct npu_mxu_pixel pixel = { 0 };
	uint64_t lo = 0, hi = 0;
	unsigned int rows = 0;
	bool more = true;

	while (more || rows) {
		uint64_t next_lo = 0, next_hi = 0;
		bool inside = more && clip(j, p, &pixel, &next_lo, &next_hi);

		/* Rows go together as long as the same part of k is inside. */
		if (rows && (!more || rows == NPU_MXU_ROWS ||
			     (inside && (next_lo != lo || next_hi != hi)))) {
			struct npu_mxu_dot_f32 d = {
				.a = s->f32.a,
				.b = p->b + (lo - p->k0) * COLS,
				.c = s->f32.c,
				.lda = NPU_MXU_LDA_F32,
				.ldb = p->ldb,
				.rows = rows,
				.cols = p->n1 - p->n0,
				.k = (unsigned int)(hi - lo),
				.accumulate = true,
			};

			if (npu_exec_poll(e, (uint64_t)rows * d.cols * d.k / 8 + 64))
				return -1;
			f->dot_f32(&d);
			rows = 0;
		}
		if (!more)
			break;
		if (inside) {
			lo = next_lo;
			hi = next_hi;
			pack_a_f32(f, j, &pixel, p->row, lo, hi, s->f32.a + rows * NPU_MXU_LDA_F32);
			s->f32.c[rows++] = (float *)npu_mxu_out(j, &pixel) + p->n0;
		} else if (npu_exec_poll(e, 16)) {
			return -1;
		}
		more = npu_mxu_next(j, &pixel);
	}
	return 0;
}

/* Zero, or what was there with its NaNs made canonical, for outputs that no tap may reach. */
static int begin_f32(struct npu_exec *e, const struct npu_mxu_job *j)
{
	struct npu_mxu_pixel pixel = { 0 };

	do {
		uint32_t *c = npu_mxu_out(j, &pixel);
		uint32_t n;

		if (npu_exec_poll(e, j->n))
			return -1;
		if (!j->accumulate) {
			memset(c, 0, (size_t)j->n * 4);
			continue;
		}
		for (n = 0; n < j->n; n++)
			c[n] = (c[n] & 0x7fffffff) > 0x7f800000 ? NPU_FP32_NAN : c[n];
	} while (npu_mxu_next(j, &pixel));
	return 0;
}

static int multiply_f32(struct npu_exec *e, const struct npu_mxu_job *j)
{
	const struct npu_mxu_kernels *f = npu_mxu_kernels();
	uint64_t row_k = (uint64_t)j->kernel_w * j->in_c;
	struct panel_f32 p;

	if (begin_f32(e, j))
		return -1;
	for (p.n0 = 0; p.n0 < j->n; p.n0 = p.n1) {
		p.n1 = j->n - p.n0 < NPU_MXU_COLS_F32 ? j->n : p.n0 + NPU_MXU_COLS_F32;
		for (p.row = 0; p.row < j->kernel_h; p.row++) {
			for (p.k0 = 0; p.k0 < row_k; p.k0 = p.k1) {
				uint64_t k = p.row * row_k;

				p.k1 = row_k - p.k0 < NPU_MXU_K_F32 ? row_k : p.k0 + NPU_MXU_K_F32;
				p.b = e->scratch->f32.b;
				p.ldb = (ptrdiff_t)(p.k1 - p.k0) * COLS;
				npu_mxu_pack_b_f32(j, p.n0, p.n1, k + p.k0, k + p.k1,
						   e->scratch->f32.b, p.ldb);
				if (npu_exec_poll(e, (uint64_t)p.ldb) ||
				    multiply_panel_f32(e, f, j, &p))
					return -1;
			}
		}
	}
	return 0;
}

/* ---- Commands ---------------------------------------------------------------------------- */

static int multiply(struct npu_exec *e, const struct npu_mxu_job *j)
{
	return j->a_type == NPU_BF16 || j->a_type == NPU_FP16 ? multiply_f32(e, j) :
								multiply_i8(e, j);
}

static unsigned int type_size(uint8_t type)
{
	return type == NPU_BF16 || type == NPU_FP16 ? 2 : 1;
}

static void take_operands(struct npu_exec *e, const struct npu_mxu_operands *o,
			  struct npu_mxu_job *j)
{
	j->a = e->spm + o->a;
	j->b = e->spm + o->b;
	j->c = e->acc + o->acc;
	j->a_type = o->a_type;
	j->b_type = o->b_type;
	j->b_layout = o->b_layout;
	j->b_stride = (int32_t)o->b_stride;
	j->accumulate = o->flags & NPU_MXU_ACCUMULATE;
	j->az = o->a_zp_mode == NPU_ZP_IMM ? NULL : e->spm + o->a_zp;
	j->az_step = o->a_zp_mode == NPU_ZP_VECTOR;
	j->az_imm = (int32_t)o->a_zp;
	j->bz = o->b_zp_mode == NPU_ZP_IMM ? NULL : e->spm + o->b_zp;
	j->bz_step = o->b_zp_mode == NPU_ZP_VECTOR;
	j->bz_imm = (int32_t)o->b_zp;
}

int npu_exec_matmul(struct npu_exec *e, const struct npu_cmd_matmul *c)
{
	struct npu_mxu_job j = {
		.batch = c->m,
		.n = c->n,
		.k = c->k,
		.in_h = 1,
		.in_w = 1,
		.in_c = c->k,
		.out_h = 1,
		.out_w = 1,
		.kernel_h = 1,
		.kernel_w = 1,
		.stride_h = 1,
		.stride_w = 1,
		.dilation_h = 1,
		.dilation_w = 1,
		.a_stride = { 0, 0, (int32_t)c->a_stride },
		.acc_stride = { 0, 0, (int32_t)c->acc_stride },
	};

	take_operands(e, &c->o, &j);
	return multiply(e, &j);
}

int npu_exec_conv(struct npu_exec *e, const struct npu_cmd_conv *c)
{
	struct npu_mxu_job j = {
		.batch = c->batch,
		.n = c->out_c,
		.k = (uint64_t)c->kernel_h * c->kernel_w * c->in_c,
		.in_h = c->in_h,
		.in_w = c->in_w,
		.in_c = c->in_c,
		.out_h = c->out_h,
		.out_w = c->out_w,
		.kernel_h = c->kernel_h,
		.kernel_w = c->kernel_w,
		.stride_h = c->stride_h,
		.stride_w = c->stride_w,
		.dilation_h = c->dilation_h,
		.dilation_w = c->dilation_w,
		.pad_top = (int16_t)c->pad_top,
		.pad_left = (int16_t)c->pad_left,
		.a_stride = { (int32_t)c->a_stride[0], (int32_t)c->a_stride[1],
			      (int32_t)c->a_stride[2] },
		.acc_stride = { (int32_t)c->acc_stride[0], (int32_t)c->acc_stride[1],
				(int32_t)c->acc_stride[2] },
	};
	uint32_t g;

	take_operands(e, &c->o, &j);
	if (c->o.flags & NPU_MXU_DEPTHWISE)
		return npu_mxu_depthwise(e, &j);
	for (g = 0; g < c->groups; g++) {
		if (multiply(e, &j))
			return -1;
		j.a += (size_t)c->in_c * type_size(j.a_type);
		j.b += (int32_t)c->b_group_stride;
		j.c += (size_t)c->out_c * 4;
		if (j.bz)
			j.bz += (size_t)j.bz_step * c->out_c;
	}
	return 0;
}
