// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Maps (map.h): cut into tiles, each of them loaded, passed through the VPU and stored.
 *
 * First the index space is tidied: dimensions of size 1 go, the others are sorted by the output's
 * strides, and those that are one behind the other in every tensor become one. A tile has more than
 * one element in at most four dimensions, as commands do. Tensors lie in SPM as in memory, dense,
 * in the order of their own strides; so DMA is in rows, and what is transposed is so by the VPU's
 * strides.
 *
 * A reduction whose range does not fit is done in chunks, with two places for the sums so far in
 * turn.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hal/error.h"

#include "map.h"

/* Elements of memory between two that are wanted, up to which a row is loaded whole. */
#define MAX_STEP      8
#define TILE_ELEMENTS 32768u
#define FIRST_GROWTH  128u
/* More than any sensible layer has: commands must not fill the memory. */
#define MAX_TILES (1ull << 20)

/* ---- Tidying --------------------------------------------------------------------------------- */

static uint32_t swap_bits(uint32_t mask, unsigned int i, unsigned int j)
{
	uint32_t x = (mask >> i ^ mask >> j) & 1;

	return mask ^ (x << i | x << j);
}

static void swap_strides(struct npu_map_tensor *t, unsigned int i, unsigned int j)
{
	int64_t s = t->stride[i];

	t->stride[i] = t->stride[j];
	t->stride[j] = s;
}

static void swap_dims(struct npu_map *m, unsigned int i, unsigned int j)
{
	uint32_t size = m->size[i], k;

	m->size[i] = m->size[j];
	m->size[j] = size;
	for (k = 0; k < m->operands; k++)
		swap_strides(&m->operand[k], i, j);
	swap_strides(&m->out, i, j);
	for (k = 0; k < m->temps; k++)
		m->temp_dims[k] = swap_bits(m->temp_dims[k], i, j);
	for (k = 0; k < m->passes; k++)
		m->pass[k].axes = swap_bits(m->pass[k].axes, i, j);
	m->whole = swap_bits(m->whole, i, j);
}

static bool same_bits(uint32_t mask, unsigned int i, unsigned int j)
{
	return (mask >> i & 1) == (mask >> j & 1);
}

/* May dimension i and the next be one? */
static bool mergeable(const struct npu_map *m, unsigned int i)
{
	uint32_t k;

	if ((uint64_t)m->size[i] * m->size[i + 1] > INT32_MAX)
		return false;
	for (k = 0; k < m->operands; k++)
		if (m->operand[k].stride[i + 1] != m->operand[k].stride[i] * m->size[i])
			return false;
	for (k = 0; k < m->temps; k++)
		if (!same_bits(m->temp_dims[k], i, i + 1))
			return false;
	for (k = 0; k < m->passes; k++)
		if (!same_bits(m->pass[k].axes, i, i + 1))
			return false;
	return m->out.stride[i + 1] == m->out.stride[i] * m->size[i] &&
	       same_bits(m->whole, i, i + 1);
}

/* The last dimension goes; it must have size 1. */
static void drop_last(struct npu_map *m)
{
	uint32_t bit = 1u << --m->dims, k;

	m->size[m->dims] = 1;
	for (k = 0; k < m->operands; k++)
		m->operand[k].stride[m->dims] = 0;
	m->out.stride[m->dims] = 0;
	for (k = 0; k < m->temps; k++)
		m->temp_dims[k] &= ~bit;
	for (k = 0; k < m->passes; k++)
		m->pass[k].axes &= ~bit;
	m->whole &= ~bit;
}

static void drop(struct npu_map *m, unsigned int i)
{
	for (; i + 1 < m->dims; i++)
		swap_dims(m, i, i + 1);
	drop_last(m);
}

static uint64_t magnitude(int64_t v)
{
	return v < 0 ? -(uint64_t)v : (uint64_t)v;
}

/*
 * Ascending by the output's stride; reduced dimensions, which it does not have, by the first
 * operand's, and first.
 */
static bool goes_before(const struct npu_map *m, unsigned int i, unsigned int j)
{
	uint64_t a = magnitude(m->out.stride[i]), b = magnitude(m->out.stride[j]);

	if (a != b)
		return a < b;
	return magnitude(m->operand[0].stride[i]) < magnitude(m->operand[0].stride[j]);
}

static void tidy(struct npu_map *m)
{
	unsigned int i, j;

	for (i = m->dims; i-- > 0;)
		if (m->size[i] == 1)
			drop(m, i);
	for (i = 1; i < m->dims; i++)
		for (j = i; j > 0 && goes_before(m, j, j - 1); j--)
			swap_dims(m, j, j - 1);
	for (i = 0; i + 1 < m->dims;) {
		if (!mergeable(m, i)) {
			i++;
			continue;
		}
		m->size[i] *= m->size[i + 1];
		m->size[i + 1] = 1;
		drop(m, i + 1);
	}
}

/* ---- Places ---------------------------------------------------------------------------------- */

/* A tile of the index space. */
struct tile {
	uint32_t start[NPU_MAP_DIMS];
	uint32_t size[NPU_MAP_DIMS];
};

/* A tile of a tensor: how it is moved, and how it lies in SPM. */
struct layout {
	struct npu_box box;
	int64_t stride[NPU_MAP_DIMS]; /* in SPM */
	uint32_t first; /* in SPM, of the element at the tile's start */
	uint64_t bytes;
};

/*
 * Lay out a tile; false: more dimensions than a command has. @exact: no byte between may be
 * touched.
 */
static bool lay_out(const struct npu_map *m, const struct npu_map_tensor *t,
		    const struct tile *tile, bool exact, struct layout *l)
{
	uint32_t element = npu_type_size(t->type), order[NPU_MAP_DIMS], n = 0, i, j, used = 0,
		 k = 0;
	uint64_t bytes;

	memset(l, 0, sizeof(*l));
	l->box = (struct npu_box){
		.region = t->region, .element = element, .offset = t->offset, .size = { 1, 1, 1, 1 }
	};
	for (i = 0; i < m->dims; i++) {
		l->box.offset += tile->start[i] * t->stride[i];
		if (tile->size[i] == 1 || !t->stride[i])
			continue;
		if (t->stride[i] < 0)
			l->box.offset += (tile->size[i] - 1) * t->stride[i];
		for (j = n++; j > 0 && magnitude(t->stride[i]) < magnitude(t->stride[order[j - 1]]);
		     j--)
			order[j] = order[j - 1];
		order[j] = i;
	}
	if (n) {
		uint64_t step = magnitude(t->stride[order[0]]) / element;

		if (step == 1 || (!exact && step <= MAX_STEP)) {
			l->box.size[0] = (tile->size[order[0]] - 1) * step + 1;
			l->stride[order[0]] = t->stride[order[0]];
			used = 1;
		}
	}
	bytes = (uint64_t)l->box.size[0] * element;
	for (i = used; i < n; i++, k++) {
		uint32_t d = order[i];

		if (k == 3 || bytes > INT32_MAX)
			return false;
		l->box.size[k + 1] = tile->size[d];
		l->box.mem_stride[k] = (int64_t)magnitude(t->stride[d]);
		l->box.spm_stride[k] = bytes;
		l->stride[d] = t->stride[d] < 0 ? -(int64_t)bytes : (int64_t)bytes;
		bytes *= tile->size[d];
	}
	l->bytes = bytes;
	for (i = 0; i < m->dims; i++)
		if (l->stride[i] < 0)
			l->first += (tile->size[i] - 1) * (uint32_t)-l->stride[i];
	return true;
}

static uint64_t temp_bytes(const struct npu_map *m, uint32_t i, const struct tile *tile)
{
	uint64_t n = 4;
	uint32_t d;

	for (d = 0; d < m->dims; d++)
		if (m->temp_dims[i] >> d & 1)
			n *= tile->size[d];
	return n;
}

/* Slots of everything: two, so that a tile is loaded while another is worked on. */
#define SLOTS 2u

static bool fits(const struct npu_map *m, const struct npu_caps *caps, const struct tile *tile)
{
	uint64_t bytes = 0, elements = 1;
	uint32_t i, many = 0;
	struct layout l;

	for (i = 0; i < m->dims; i++) {
		many += tile->size[i] > 1;
		elements *= tile->size[i];
		if (elements > INT32_MAX)
			return false;
	}
	if (many > 4)
		return false;
	for (i = 0; i < m->operands; i++) {
		if (!lay_out(m, &m->operand[i], tile, false, &l))
			return false;
		bytes += SLOTS * npu_round_up(l.bytes, NPU_EMIT_ALIGN);
	}
	if (!lay_out(m, &m->out, tile, true, &l))
		return false;
	bytes += SLOTS * npu_round_up(l.bytes, NPU_EMIT_ALIGN);
	for (i = 0; i < m->temps; i++)
		bytes += SLOTS * npu_round_up(temp_bytes(m, i, tile), NPU_EMIT_ALIGN);
	return bytes <= caps->spm_size;
}

static uint64_t elements(const struct tile *t, unsigned int dims)
{
	uint64_t n = 1;
	unsigned int i;

	for (i = 0; i < dims; i++)
		n *= t->size[i];
	return n;
}

/* Make a tile longer in one dimension, as far as it may be. */
static void grow(const struct npu_map *m, const struct npu_caps *caps, struct tile *t,
		 unsigned int d, uint32_t limit, uint64_t most)
{
	uint32_t old = t->size[d], want = npu_min(m->size[d], limit);

	while (want > old) {
		t->size[d] = want;
		if (fits(m, caps, t) && elements(t, m->dims) <= most)
			return;
		want = want > 2 * old ? (want + 1) / 2 : want - 1;
	}
	t->size[d] = old;
}

static int choose_tile(const struct npu_map *m, const struct npu_caps *caps, unsigned int cores,
		       bool chunked, struct tile *t)
{
	uint64_t total = 1, most;
	uint32_t i, k;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < NPU_MAP_DIMS; i++) {
		t->size[i] = !chunked && i < m->dims && m->whole >> i & 1 ? m->size[i] : 1;
		if (i < m->dims)
			total *= m->size[i];
	}
	if (!fits(m, caps, t))
		return -ENOSPC;
	most = npu_min(npu_max(total / (cores * 4), 2048), TILE_ELEMENTS);
	/* Whatever is contiguous somewhere first, so that DMA has rows. */
	for (k = 0; k <= m->operands; k++) {
		const struct npu_map_tensor *x = k ? &m->operand[k - 1] : &m->out;

		for (i = 0; i < m->dims; i++)
			if (magnitude(x->stride[i]) == npu_type_size(x->type))
				grow(m, caps, t, i, FIRST_GROWTH, most);
	}
	for (i = 0; i < m->dims; i++)
		grow(m, caps, t, i, UINT32_MAX, most);
	return 0;
}

/* ---- Tiles ----------------------------------------------------------------------------------- */

struct work {
	struct npu_emit e;
	const struct npu_map *m;
	struct tile tile; /* the largest */
	uint32_t tiles[NPU_MAP_DIMS]; /* along each dimension */
	struct npu_slots operand[NPU_MAP_OPERANDS], temp[NPU_MAP_TEMPS], out;
};

/* What a tile's passes see. */
struct view {
	struct tile tile;
	struct layout operand[NPU_MAP_OPERANDS], out;
	uint32_t operand_addr[NPU_MAP_OPERANDS], temp_addr[NPU_MAP_TEMPS], out_addr;
};

static bool prepare(struct work *w)
{
	const struct npu_map *m = w->m;
	struct layout l;
	uint32_t i;

	for (i = 0; i < m->operands; i++) {
		lay_out(m, &m->operand[i], &w->tile, false, &l);
		npu_slots_spm(&w->e, &w->operand[i], l.bytes, SLOTS);
	}
	for (i = 0; i < m->temps; i++)
		npu_slots_spm(&w->e, &w->temp[i], temp_bytes(m, i, &w->tile), SLOTS);
	lay_out(m, &m->out, &w->tile, true, &l);
	npu_slots_spm(&w->e, &w->out, l.bytes, SLOTS);
	for (i = 0; i < m->dims; i++)
		w->tiles[i] = npu_div_up(m->size[i], w->tile.size[i]);
	return !w->e.full && !w->e.s->error;
}

static void finish(struct work *w)
{
	uint32_t i;

	for (i = 0; i < w->m->operands; i++)
		npu_slots_free(&w->operand[i]);
	for (i = 0; i < w->m->temps; i++)
		npu_slots_free(&w->temp[i]);
	npu_slots_free(&w->out);
}

/* Load what a tile reads, unless it is there: a broadcast tensor is the same for many. */
static void load_operands(struct work *w, struct view *v)
{
	const struct npu_map *m = w->m;
	uint32_t i, d;

	for (i = 0; i < m->operands; i++) {
		uint64_t key = 0;

		for (d = 0; d < m->dims; d++)
			if (m->operand[i].stride[d])
				key = key * w->tiles[d] + v->tile.start[d] / w->tile.size[d];
		lay_out(m, &m->operand[i], &v->tile, false, &v->operand[i]);
		/*
		 * A tile at the edge that is one element wide in the innermost dimension would be
		 * loaded with gaps which full tiles do not have, nor their places room for.
		 */
		if (v->operand[i].bytes > w->operand[i].size)
			lay_out(m, &m->operand[i], &v->tile, true, &v->operand[i]);
		if (!npu_slots_get(&w->operand[i], key, &v->operand_addr[i])) {
			v->operand[i].box.spm = v->operand_addr[i];
			npu_emit_load(&w->e, &v->operand[i].box);
		}
		v->operand_addr[i] += v->operand[i].first;
	}
}

/* ---- Passes ---------------------------------------------------------------------------------- */

/* Dimensions that a pass walks: those of its result and those it reduces. */
static uint32_t pass_dims(const struct npu_map *m, const struct npu_map_pass *p)
{
	uint32_t mask = p->axes, d;

	if (p->out >= NPU_MAP_TEMP)
		return mask | m->temp_dims[p->out - NPU_MAP_TEMP];
	for (d = 0; d < m->dims; d++)
		if (m->out.stride[d])
			mask |= 1u << d;
	return mask;
}

struct walk {
	uint32_t dim[4];
	unsigned int dims;
};

static struct npu_vpu_operand operand_of(const struct npu_map *m, const struct view *v,
					 const struct walk *walk, uint8_t ref)
{
	struct npu_vpu_operand o = { .space = NPU_SPACE_SPM };
	unsigned int i;
	uint32_t d;

	if (ref >= NPU_MAP_TEMP) {
		uint32_t k = ref - NPU_MAP_TEMP, stride = 4;

		o.addr = v->temp_addr[k];
		o.type = m->temp_type[k];
		for (d = 0; d < m->dims; d++) {
			if (!(m->temp_dims[k] >> d & 1))
				continue;
			for (i = 0; i < walk->dims; i++)
				if (walk->dim[i] == d)
					o.stride[i] = stride;
			stride *= v->tile.size[d];
		}
		return o;
	}
	if (ref == NPU_MAP_OUT) {
		o.addr = v->out_addr;
		o.type = m->out.type;
	} else {
		o.addr = v->operand_addr[ref - NPU_MAP_OPERAND];
		o.type = m->operand[ref - NPU_MAP_OPERAND].type;
		if (m->operand[ref - NPU_MAP_OPERAND].dequant) {
			o.flags = NPU_OPERAND_DEQUANT;
			o.zp = (uint32_t)m->operand[ref - NPU_MAP_OPERAND].zp;
			o.scale = npu_float_bits(m->operand[ref - NPU_MAP_OPERAND].scale);
		}
	}
	for (i = 0; i < walk->dims; i++)
		o.stride[i] =
			(uint32_t)(ref == NPU_MAP_OUT ?
					   v->out.stride[walk->dim[i]] :
					   v->operand[ref - NPU_MAP_OPERAND].stride[walk->dim[i]]);
	return o;
}

/* The command's number of an operand; all stages that name a tensor share one. */
static uint8_t source(struct npu_vpu_pipe *p, const struct npu_vpu_operand *o)
{
	uint8_t i;

	for (i = 0; i < p->operands; i++)
		if (!memcmp(&p->operand[i], o, sizeof(*o)))
			return NPU_SRC_0 + i;
	if (p->operands == NPU_VPU_OPERANDS)
		return NPU_SRC_NONE;
	p->operand[p->operands] = *o;
	return NPU_SRC_0 + p->operands++;
}

static void add_stage(struct work *w, const struct view *v, const struct walk *walk,
		      const struct npu_map_pass *pass, const struct npu_map_stage *s, bool after,
		      struct npu_vpu_pipe *p)
{
	uint8_t src = NPU_SRC_NONE;
	unsigned int i;

	if (s->src == NPU_MAP_IMM) {
		src = NPU_SRC_IMM;
	} else if (s->src == NPU_MAP_X) {
		src = NPU_SRC_X;
	} else if (s->src != NPU_MAP_NONE) {
		struct npu_vpu_operand o = operand_of(w->m, v, walk, s->src);

		for (i = 0; after && i < walk->dims; i++)
			if (pass->axes >> walk->dim[i] & 1)
				o.stride[i] = 0;
		src = source(p, &o);
		if (src == NPU_SRC_NONE)
			w->e.full = true;
	}
	npu_emit_stage(p, s->op, src, s->src2, s->imm);
}

/* @x, @out: other places than the pass says; 0: as it says. */
static void emit_pass(struct work *w, const struct view *v, const struct npu_map_pass *pass,
		      uint8_t x, uint8_t out, const struct npu_map_stage *stage,
		      unsigned int stages, unsigned int pre)
{
	struct npu_cmd_vpu cmd = { .size = { 1, 1, 1, 1 }, .reduce = pass->reduce };
	uint32_t mask = pass_dims(w->m, pass), d;
	struct walk walk = { .dims = 0 };
	unsigned int i;

	for (d = 0; d < w->m->dims; d++) {
		if (!(mask >> d & 1) || v->tile.size[d] == 1)
			continue;
		walk.dim[walk.dims] = d;
		cmd.size[walk.dims] = v->tile.size[d];
		if (pass->reduce && pass->axes >> d & 1)
			cmd.axes |= 1u << walk.dims;
		walk.dims++;
	}
	/* A reduction over single elements still is one. */
	if (pass->reduce && !cmd.axes && walk.dims < 4)
		cmd.axes = 1u << walk.dims;
	else if (pass->reduce && !cmd.axes)
		cmd.reduce = NPU_REDUCE_NONE;
	cmd.p.x = operand_of(w->m, v, &walk, x ? x : pass->x);
	cmd.p.out = operand_of(w->m, v, &walk, out ? out : pass->out);
	for (i = 0; i < walk.dims; i++)
		if (cmd.axes >> i & 1)
			cmd.p.out.stride[i] = 0;
	for (i = 0; i < stages; i++)
		add_stage(w, v, &walk, pass, &stage[i], pass->reduce && i >= pre, &cmd.p);
	cmd.p.pre = cmd.reduce ? pre : 0;
	npu_stream_vpu(w->e.s, &cmd);
}

static void set_tile(const struct work *w, struct view *v, uint64_t index, uint32_t dims)
{
	uint32_t d;

	for (d = 0; d < w->m->dims; d++) {
		if (!(dims >> d & 1))
			continue;
		v->tile.start[d] = index % w->tiles[d] * w->tile.size[d];
		v->tile.size[d] = npu_min(w->tile.size[d], w->m->size[d] - v->tile.start[d]);
		index /= w->tiles[d];
	}
}

static void store_out(struct work *w, struct view *v)
{
	/* An output's strides are not negative: its first element is the lowest. */
	v->out.box.spm = v->out_addr;
	npu_emit_store(&w->e, &v->out.box, false);
}

static void place_out(struct work *w, struct view *v)
{
	lay_out(w->m, &w->m->out, &v->tile, true, &v->out);
	v->out_addr = npu_slots_next(&w->out);
}

static void emit_tile(struct work *w, uint64_t index)
{
	const struct npu_map *m = w->m;
	struct view v = { .out_addr = 0 };
	uint32_t i;

	set_tile(w, &v, index, ~0u);
	load_operands(w, &v);
	for (i = 0; i < m->temps; i++)
		v.temp_addr[i] = npu_slots_next(&w->temp[i]);
	place_out(w, &v);
	for (i = 0; i < m->passes; i++)
		emit_pass(w, &v, &m->pass[i], 0, 0, m->pass[i].stage, m->pass[i].stages,
			  m->pass[i].pre);
	store_out(w, &v);
}

/* One tile of results from many chunks: temporaries 0 and 1 hold what there is so far. */
static void emit_chunks(struct work *w, uint64_t index, uint32_t reduced)
{
	static const uint8_t combine[][2] = {
		[NPU_REDUCE_SUM] = { NPU_STAGE_IADD, NPU_STAGE_ADD },
		[NPU_REDUCE_MIN] = { NPU_STAGE_IMIN, NPU_STAGE_MIN },
		[NPU_REDUCE_MAX] = { NPU_STAGE_IMAX, NPU_STAGE_MAX },
	};
	const struct npu_map_pass *pass = &w->m->pass[0];
	struct npu_map_pass last = { .out = NPU_MAP_OUT };
	struct npu_map_stage stage[NPU_VPU_STAGES];
	struct view v = { .out_addr = 0 };
	uint64_t chunks = 1, c;
	uint32_t d, now = 0;

	for (d = 0; d < w->m->dims; d++)
		if (reduced >> d & 1)
			chunks *= w->tiles[d];
	memcpy(stage, pass->stage, sizeof(stage));
	set_tile(w, &v, index, ~reduced);
	v.temp_addr[0] = npu_slots_next(&w->temp[0]);
	v.temp_addr[1] = npu_slots_next(&w->temp[1]);
	for (c = 0; c < chunks; c++, now = !now) {
		struct npu_map_pass part = *pass;

		set_tile(w, &v, c, reduced);
		load_operands(w, &v);
		part.out = NPU_MAP_TEMP + now;
		stage[pass->pre] = (struct npu_map_stage){
			.op = combine[pass->reduce][w->m->temp_type[0] == NPU_FP32],
			.src = NPU_MAP_TEMP + !now,
		};
		emit_pass(w, &v, &part, 0, 0, stage, pass->pre + (c > 0), pass->pre);
	}
	set_tile(w, &v, 0, reduced);
	place_out(w, &v);
	emit_pass(w, &v, &last, NPU_MAP_TEMP + !now, 0, pass->stage + pass->pre,
		  pass->stages - pass->pre, 0);
	store_out(w, &v);
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* A map that is one reduction gets two temporaries to be done in chunks. */
static bool make_chunked(struct npu_map *m)
{
	const struct npu_map_pass *p = &m->pass[0];
	bool floats = npu_is_float(m->operand[0].type) || m->operand[0].dequant;
	uint32_t d, i;

	if (m->passes != 1 || !p->reduce || m->temps || p->pre == NPU_VPU_STAGES)
		return false;
	for (i = 0; i < p->pre; i++)
		if (p->stage[i].op >= NPU_STAGE_ADD && p->stage[i].op < NPU_STAGE_QUANT)
			floats = true;
	m->temps = 2;
	for (i = 0; i < 2; i++) {
		m->temp_type[i] = floats ? NPU_FP32 : NPU_S32;
		m->temp_dims[i] = 0;
		for (d = 0; d < m->dims; d++)
			if (!(p->axes >> d & 1))
				m->temp_dims[i] |= 1u << d;
	}
	return true;
}

int npu_map_emit(struct npu_stream *s, const struct npu_caps *caps, const struct npu_map *map,
		 unsigned int core, unsigned int cores)
{
	struct npu_map m = *map;
	struct work w = { .e = { .s = s, .caps = caps }, .m = &m };
	uint64_t tiles = 1, each, i;
	uint32_t d, chunked = 0;
	int ret;

	tidy(&m);
	ret = choose_tile(&m, caps, cores, false, &w.tile);
	if (ret == -ENOSPC && make_chunked(&m)) {
		chunked = m.whole;
		ret = choose_tile(&m, caps, cores, true, &w.tile);
	}
	if (ret)
		return npu_fail(-ENOTSUP, "its rows do not fit the scratchpad");
	if (prepare(&w)) {
		for (d = 0; d < m.dims; d++)
			if (!(chunked >> d & 1))
				tiles *= w.tiles[d];
		if (tiles > MAX_TILES) {
			finish(&w);
			return npu_fail(-ENOTSUP, "%llu tiles: its rows are too scattered",
					(unsigned long long)tiles);
		}
		each = npu_div_up(tiles, cores);
		for (i = core * each;
		     i < npu_min((core + 1) * each, tiles) && !w.e.full && !s->error; i++) {
			if (chunked)
				emit_chunks(&w, i, chunked);
			else
				emit_tile(&w, i);
		}
	}
	finish(&w);
	if (s->error)
		return npu_fail(s->error, NPU_STREAM_ERROR);
	return w.e.full ? npu_fail(-ENOTSUP, "a pass has more operands than the VPU") : 0;
}
