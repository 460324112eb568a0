// SPDX-License-Identifier: GPL-2.0
/*
 * Copyright (c) 2026 the npu authors
 *
 * Page tables: what they say after any sequence of changes, read as the card reads them and
 * compared with a list of pages; what the card is asked to forget; and that no table is lost.
 */
#include <linux/prandom.h>
#include <linux/xarray.h>

#include "npu_kunit.h"
#include "../npu_mmu.c"
#include "../npu_vm.h"

/* Segments of a list of memory, at most. */
#define NPU_KUNIT_SEGS	16
/* Bytes of a window in which random changes happen. */
#define NPU_KUNIT_WINDOW	(3 * (u64)NPU_LARGE_PAGE_SIZE)
#define NPU_KUNIT_CHANGES	120

/*
 * @pages: what is mapped, an entry a page: address and attributes
 * @sgt: memory to map
 */
struct npu_mmu_kunit {
	struct npu_device *ndev;
	struct npu_mmu_ctx *ctx;
	struct xarray pages;
	struct sg_table sgt;
	struct scatterlist sgl[NPU_KUNIT_SEGS];
	struct rnd_state rnd;
};

static int npu_mmu_kunit_init(struct kunit *test)
{
	struct npu_mmu_kunit *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, t);
	xa_init(&t->pages);
	t->ndev = npu_kunit_device(test);
	KUNIT_ASSERT_EQ(test, npu_mmu_init(t->ndev), 0);
	t->ctx = npu_mmu_ctx_create(t->ndev);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, t->ctx);
	prandom_seed_state(&t->rnd, 1);
	test->priv = t;
	return 0;
}

static void npu_mmu_kunit_exit(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;

	if (!t)
		return;
	xa_destroy(&t->pages);
	npu_mmu_ctx_destroy(t->ctx);
	KUNIT_EXPECT_TRUE(test, list_empty(&t->ndev->mmu->tables));
}

static u32 npu_mmu_roll(struct npu_mmu_kunit *t, u32 n)
{
	return prandom_u32_state(&t->rnd) % n;
}

/* ---- Reading as the card does ---------------------------------------------------------------- */

static struct npu_pt *npu_mmu_table_at(struct npu_mmu_kunit *t, u64 addr)
{
	struct npu_pt *pt;

	list_for_each_entry(pt, &t->ndev->mmu->tables, all)
		if (pt->dma == addr)
			return pt;
	return NULL;
}

/* The entry that translates @va, as of one small page, or 0; and whether it was a large one. */
static u64 npu_mmu_read(struct kunit *test, u64 va, bool *large)
{
	struct npu_mmu_kunit *t = test->priv;
	u64 table = le64_to_cpu(t->ndev->mmu->contexts[t->ctx->id].root);
	static const int shift[] = { 12, 21, 30, 39 };
	int level;

	*large = false;
	for (level = 3; level >= 0; level--) {
		struct npu_pt *pt = npu_mmu_table_at(t, table & 0x000ffffffffff000);
		u64 entry;

		KUNIT_ASSERT_NOT_NULL_MSG(test, pt, "no table at %#llx, level %d of %#llx", table,
					  level, va);
		entry = le64_to_cpu(pt->entries[va >> shift[level] & 511]);
		if (!(entry & 1))
			return 0;
		if (!level)
			return entry;
		if (entry & 0x80) {
			KUNIT_ASSERT_EQ(test, level, 1);
			KUNIT_EXPECT_EQ_MSG(test, entry & 0x1ff000, 0, "large page at %#llx", va);
			*large = true;
			return (entry & ~0x80ull) + (va & 0x1ff000);
		}
		/* An entry of a table has nothing but its address. */
		KUNIT_EXPECT_EQ(test, entry & 0xffe, 0);
		table = entry;
	}
	return 0;
}

static u64 npu_mmu_expected(struct npu_mmu_kunit *t, u64 va)
{
	void *page = xa_load(&t->pages, va >> 12);

	return page ? (u64)xa_to_value(page) << 1 | 1 : 0;
}

/* Compares all pages of a range; stops at the first that is wrong. */
static void npu_mmu_compare(struct kunit *test, u64 va, u64 size)
{
	struct npu_mmu_kunit *t = test->priv;
	u64 end = va + size;
	bool large;

	for (; va < end; va += 0x1000)
		KUNIT_ASSERT_EQ_MSG(test, npu_mmu_read(test, va, &large), npu_mmu_expected(t, va),
				    "page %#llx", va);
}

/* Each table counts its valid entries, and knows those below it. */
static void npu_mmu_check_tables(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;
	struct npu_pt *pt;

	list_for_each_entry(pt, &t->ndev->mmu->tables, all) {
		unsigned int i, used = 0;

		for (i = 0; i < 512; i++) {
			u64 entry = le64_to_cpu(pt->entries[i]);

			used += entry & 1;
			if (pt->child && pt->child[i])
				KUNIT_EXPECT_EQ(test, entry, pt->child[i]->dma | 1);
		}
		KUNIT_ASSERT_EQ(test, pt->used, used);
	}
}

/* ---- Changing -------------------------------------------------------------------------------- */

/* Memory of @n parts of @pages pages, from @addr on, @gap bytes between them. */
static void npu_mmu_memory(struct npu_mmu_kunit *t, unsigned int n, u64 pages, u64 addr, u64 gap)
{
	unsigned int i;

	sg_init_table(t->sgl, n);
	t->sgt.sgl = t->sgl;
	t->sgt.nents = n;
	t->sgt.orig_nents = n;
	for (i = 0; i < n; i++) {
		sg_dma_address(&t->sgl[i]) = addr;
		sg_dma_len(&t->sgl[i]) = pages << 12;
		addr += (pages << 12) + gap;
	}
}

/* What is at @offset of that memory, by going there page by page. */
static u64 npu_mmu_memory_at(struct npu_mmu_kunit *t, u64 offset)
{
	unsigned int i = 0;

	while (offset >= sg_dma_len(&t->sgl[i]))
		offset -= sg_dma_len(&t->sgl[i++]);
	return sg_dma_address(&t->sgl[i]) + offset;
}

/*
 * One map (with the memory of npu_mmu_memory()) or unmap, on the card and in the list. What was
 * valid and changed must be in the range that the card is asked to forget, if it is asked.
 */
static void npu_mmu_change(struct kunit *test, bool map, u64 va, u64 size, u64 offset, u32 flags)
{
	struct npu_mmu_kunit *t = test->priv;
	unsigned int asked = npu_kunit_invalidations;
	struct sg_table *sgt = map ? &t->sgt : NULL;
	struct npu_mmu_update update;
	bool forget = false;
	u64 done;

	npu_mmu_update_init(&update, t->ctx);
	KUNIT_ASSERT_EQ(test, npu_mmu_update_reserve(&update, va, size, sgt, offset), 0);
	if (map)
		npu_mmu_update_map(&update, va, size, sgt, offset, flags);
	else
		npu_mmu_update_unmap(&update, va, size);

	for (done = 0; done < size; done += 0x1000) {
		u64 old = npu_mmu_expected(t, va + done), new = 0;

		if (map)
			new = npu_mmu_memory_at(t, offset + done) | 3 |
			      (flags & NPU_MMU_READONLY ? 0 : 4) | (flags & NPU_MMU_LOCAL ? 8 : 0);
		if (old) {
			forget = true;
			KUNIT_ASSERT_LE_MSG(test, update.start, va + done, "change of %#llx", va);
			KUNIT_ASSERT_GE_MSG(test, update.last, va + done + 0xfff, "change of %#llx",
					    va);
		}
		xa_store(&t->pages, (va + done) >> 12, new ? xa_mk_value(new >> 1) : NULL,
			 GFP_KERNEL);
	}

	KUNIT_EXPECT_EQ(test, npu_mmu_update_flush(&update), 0);
	KUNIT_EXPECT_EQ(test, npu_kunit_invalidations - asked, forget);
	npu_mmu_update_fini(&update);
	npu_mmu_compare(test, va, size);
}

static void npu_mmu_map(struct kunit *test, u64 va, u64 size)
{
	npu_mmu_change(test, true, va, size, 0, 0);
}

static void npu_mmu_unmap(struct kunit *test, u64 va, u64 size)
{
	npu_mmu_change(test, false, va, size, 0, 0);
}

/* All there is, at once. */
static void npu_mmu_unmap_all(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;
	const u64 size = NPU_VA_END - NPU_VA_START;
	struct npu_mmu_update update;

	npu_mmu_update_init(&update, t->ctx);
	KUNIT_ASSERT_EQ(test, npu_mmu_update_reserve(&update, NPU_VA_START, size, NULL, 0), 0);
	npu_mmu_update_unmap(&update, NPU_VA_START, size);
	KUNIT_EXPECT_EQ(test, npu_mmu_update_flush(&update), 0);
	npu_mmu_update_fini(&update);
	xa_destroy(&t->pages);
}

/* Tables of the context that are in use. */
static unsigned int npu_mmu_tables(struct npu_mmu_kunit *t)
{
	return list_count_nodes(&t->ndev->mmu->tables) - t->ctx->nspare[NPU_PT_LEAF] -
	       t->ctx->nspare[NPU_PT_UPPER];
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void npu_mmu_test_index(struct kunit *test)
{
	const u64 va = 0x0000ff8040201000ull | 0xfff;

	KUNIT_EXPECT_EQ(test, npu_pt_index(va, 0), 1);
	KUNIT_EXPECT_EQ(test, npu_pt_index(va, 1), 1);
	KUNIT_EXPECT_EQ(test, npu_pt_index(va, 2), 1);
	KUNIT_EXPECT_EQ(test, npu_pt_index(va, 3), 511);
	KUNIT_EXPECT_EQ(test, npu_pt_index(0x0000ffffffffffff, 0), 511);
	KUNIT_EXPECT_EQ(test, npu_pt_index(0, 3), 0);
}

static void npu_mmu_test_span(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, npu_mmu_span(0, 0xfff, 0), 1);
	KUNIT_EXPECT_EQ(test, npu_mmu_span(0, 0x1fffff, 0), 1);
	KUNIT_EXPECT_EQ(test, npu_mmu_span(0, 0x200000, 0), 2);
	KUNIT_EXPECT_EQ(test, npu_mmu_span(0x1fffff, 0x200000, 0), 2);
	KUNIT_EXPECT_EQ(test, npu_mmu_span(0x1ff000, 0x400000, 0), 3);
	KUNIT_EXPECT_EQ(test, npu_mmu_span(0x3ffff000, 0x40000fff, 1), 2);
	KUNIT_EXPECT_EQ(test, npu_mmu_span(0x7ffffff000, 0x8000000fff, 2), 2);
	KUNIT_EXPECT_EQ(test, npu_mmu_span(0, 0xffffffffffff, 2), 512);
}

static void npu_mmu_test_cursor(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;
	struct npu_cursor cur;
	u64 offset;

	npu_mmu_memory(t, 5, 3, 0x100000, 0x5000);
	for (offset = 0; offset < 15 * 0x1000; offset += 0x1000) {
		cur = npu_cursor_start(&t->sgt, offset);
		KUNIT_EXPECT_EQ(test, npu_cursor_addr(&cur), npu_mmu_memory_at(t, offset));
	}
	cur = npu_cursor_start(&t->sgt, 0);
	npu_cursor_advance(&cur, 14 * 0x1000);
	KUNIT_EXPECT_EQ(test, npu_cursor_addr(&cur), npu_mmu_memory_at(t, 14 * 0x1000));
	npu_cursor_advance(&cur, 0x1000);
	KUNIT_EXPECT_NULL(test, cur.sg);
}

/* The first and the last page there is, and the edges of what a table of each level covers. */
static const u64 npu_mmu_edges[] = {
	0x10000, 0x200000, 0x40000000, 0x8000000000, 0x1000000000000 - 0x2000,
};

static void npu_mmu_test_edges(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;
	unsigned int i;

	npu_mmu_memory(t, 1, 4, 0x123456000, 0);
	for (i = 0; i < ARRAY_SIZE(npu_mmu_edges); i++) {
		u64 va = npu_mmu_edges[i], before = i && i < 4 ? 0x2000 : 0;

		npu_mmu_map(test, va - before, 0x2000 + before);
		npu_mmu_compare(test, va - before - 0x1000, 0x1000);
		if (i < 4)
			npu_mmu_compare(test, va + 0x2000, 0x1000);
		/* In two steps, from the outside. */
		npu_mmu_unmap(test, va + 0x1000, 0x1000);
		npu_mmu_unmap(test, va - before, 0x1000 + before);
		KUNIT_EXPECT_EQ(test, npu_mmu_tables(t), 1);
	}
	npu_mmu_check_tables(test);
}

static void npu_mmu_test_attributes(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;
	bool large;
	u32 flags;

	/* A large page and a small one after it. */
	npu_mmu_memory(t, 1, 513, 0x40000000, 0);
	for (flags = 0; flags < 4; flags++) {
		npu_mmu_change(test, true, 0x400000, 0x201000, 0, flags);
		KUNIT_EXPECT_EQ(test, npu_mmu_read(test, 0x400000, &large) & 0xf,
				3 | (flags & 1 ? 0 : 4) | (flags & 2 ? 8 : 0));
		KUNIT_EXPECT_TRUE(test, large);
		KUNIT_EXPECT_EQ(test, npu_mmu_read(test, 0x600000, &large) & 0xf,
				3 | (flags & 1 ? 0 : 4) | (flags & 2 ? 8 : 0));
		KUNIT_EXPECT_FALSE(test, large);
	}
}

/* Large where address, memory and length allow it. */
static void npu_mmu_test_large(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;
	bool large;

	npu_mmu_memory(t, 1, 512, 0x80000000, 0);
	npu_mmu_map(test, 0x400000, 0x200000);
	npu_mmu_read(test, 0x400000, &large);
	KUNIT_EXPECT_TRUE(test, large);

	/* The memory is a page off. */
	npu_mmu_memory(t, 1, 512, 0x80001000, 0);
	npu_mmu_map(test, 0x800000, 0x200000);
	npu_mmu_read(test, 0x800000, &large);
	KUNIT_EXPECT_FALSE(test, large);

	/* The address is. */
	npu_mmu_memory(t, 1, 512, 0x80000000, 0);
	npu_mmu_map(test, 0xc01000, 0x200000);
	npu_mmu_read(test, 0xc01000, &large);
	KUNIT_EXPECT_FALSE(test, large);

	/* A page is missing. */
	npu_mmu_map(test, 0x1000000, 0x1ff000);
	npu_mmu_read(test, 0x1000000, &large);
	KUNIT_EXPECT_FALSE(test, large);

	/* It is in two parts. */
	npu_mmu_memory(t, 2, 256, 0x80000000, 0x200000);
	npu_mmu_map(test, 0x1400000, 0x200000);
	npu_mmu_read(test, 0x1400000, &large);
	KUNIT_EXPECT_FALSE(test, large);
	npu_mmu_check_tables(test);
}

/* A part taken out of a large page, at its beginning, end and middle, leaves the rest as it was. */
static void npu_mmu_test_split(struct kunit *test)
{
	static const u64 part[][2] = {
		{ 0, 0x1000 }, { 0x1ff000, 0x1000 }, { 0x80000, 0x3000 }, { 0x1000, 0x1ff000 },
	};
	struct npu_mmu_kunit *t = test->priv;
	unsigned int i;
	u32 flags;

	for (flags = 0; flags < 4; flags++) {
		for (i = 0; i < ARRAY_SIZE(part); i++) {
			npu_mmu_memory(t, 1, 512, 0x80000000, 0);
			npu_mmu_change(test, true, 0x600000, 0x200000, 0, flags);
			npu_mmu_unmap(test, 0x600000 + part[i][0], part[i][1]);
			npu_mmu_compare(test, 0x600000, 0x200000);
			/* And a small one put over a large one. */
			npu_mmu_change(test, true, 0x600000, 0x200000, 0, flags);
			npu_mmu_change(test, true, 0x600000 + part[i][0], part[i][1], 0x1000,
				       ~flags & 3);
			npu_mmu_compare(test, 0x600000, 0x200000);
		}
	}
	npu_mmu_check_tables(test);
	npu_mmu_unmap(test, 0x600000, 0x200000);
	KUNIT_EXPECT_EQ(test, npu_mmu_tables(t), 1);
}

/* What the card is asked to forget: the range, of this context; nothing when nothing was there. */
static void npu_mmu_test_forget(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;

	npu_mmu_memory(t, 1, 16, 0x80000000, 0);
	npu_mmu_map(test, 0x7ffffff000, 0x3000);
	KUNIT_EXPECT_EQ(test, npu_kunit_invalidations, 0);

	npu_mmu_unmap(test, 0x8000000000, 0x1000);
	KUNIT_EXPECT_EQ(test, npu_kunit_invalidations, 1);
	KUNIT_EXPECT_EQ(test, npu_read(t->ndev, NPU_REG_TLB_CTX), t->ctx->id);
	KUNIT_EXPECT_LE(test, npu_read64(t->ndev, NPU_REG_TLB_START_LO), 0x8000000000);
	KUNIT_EXPECT_GE(test, npu_read64(t->ndev, NPU_REG_TLB_LAST_LO), 0x8000000fff);
}

/* Spare tables are bounded, however much was mapped. */
static void npu_mmu_test_spares(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;
	unsigned int i;

	npu_mmu_memory(t, 1, 1, 0x80000000, 0);
	for (i = 0; i < 40; i++)
		npu_mmu_map(test, i * 0x8000000000ull + 0x10000, 0x1000);
	/* Each has a table of its own on all three levels below the root. */
	KUNIT_EXPECT_EQ(test, npu_mmu_tables(t), 1 + 3 * 40);
	npu_mmu_unmap_all(test);
	KUNIT_EXPECT_EQ(test, npu_mmu_tables(t), 1);
	KUNIT_EXPECT_LE(test, list_count_nodes(&t->ndev->mmu->tables), 1 + 2 * NPU_MMU_SPARES);
}

static void npu_mmu_test_contexts(struct kunit *test)
{
	struct npu_mmu_kunit *t = test->priv;
	struct npu_mmu_ctx *other = npu_mmu_ctx_create(t->ndev);
	unsigned int asked = npu_kunit_invalidations;
	struct npu_ctx_entry *entry;
	u16 id;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, other);
	id = npu_mmu_ctx_id(other);
	entry = &t->ndev->mmu->contexts[id];
	KUNIT_EXPECT_NE(test, id, 0);
	KUNIT_EXPECT_NE(test, id, t->ctx->id);
	KUNIT_EXPECT_EQ(test, le64_to_cpu(entry->root), other->root->dma | NPU_CTX_VALID);
	KUNIT_EXPECT_EQ(test, t->ndev->mmu->contexts[0].root, 0);

	npu_mmu_ctx_destroy(other);
	KUNIT_EXPECT_EQ(test, entry->root, 0);
	KUNIT_EXPECT_EQ(test, npu_kunit_invalidations, asked + 1);
	KUNIT_EXPECT_EQ(test, npu_read(t->ndev, NPU_REG_TLB_CTX), id);
}

/* Random memory: parts of one length, some fit for large pages. */
static u64 npu_mmu_random_memory(struct npu_mmu_kunit *t)
{
	unsigned int n = 1 + npu_mmu_roll(t, 4);
	u64 pages = npu_mmu_roll(t, 2) ? 1 + npu_mmu_roll(t, 700) : 512 * (1 + npu_mmu_roll(t, 3));
	u64 addr = 0x100000000ull + ((u64)npu_mmu_roll(t, 1 << 16) << 21);

	if (npu_mmu_roll(t, 2))
		addr += npu_mmu_roll(t, 512) << 12;
	npu_mmu_memory(t, n, pages, addr, npu_mmu_roll(t, 2) ? 0x200000 : 0x3000);
	return n * pages;
}

/* Random changes around each edge. */
static void npu_mmu_test_random(struct kunit *test)
{
	static const u64 window[] = {
		0x10000, 0x40000000 - 0x400000, 0x8000000000 - 0x200000,
		0x1000000000000 - NPU_KUNIT_WINDOW,
	};
	const u32 pages = NPU_KUNIT_WINDOW >> 12;
	struct npu_mmu_kunit *t = test->priv;
	unsigned int i, k;

	for (i = 0; i < NPU_KUNIT_CHANGES; i++) {
		u64 base = window[npu_mmu_roll(t, ARRAY_SIZE(window))];
		u32 first = npu_mmu_roll(t, pages), count = 1 + npu_mmu_roll(t, pages - first);
		u64 memory = npu_mmu_random_memory(t), offset = npu_mmu_roll(t, memory);

		/* Often what large pages begin with. */
		if (npu_mmu_roll(t, 2)) {
			first = round_down(first, 512);
			offset = 0;
		}
		if (npu_mmu_roll(t, 3))
			npu_mmu_change(test, true, base + ((u64)first << 12),
				       min(count, memory - offset) << 12, offset << 12,
				       npu_mmu_roll(t, 4));
		else
			npu_mmu_unmap(test, base + ((u64)first << 12), (u64)count << 12);
		if (i % 16)
			continue;
		npu_mmu_check_tables(test);
		for (k = 0; k < ARRAY_SIZE(window); k++)
			npu_mmu_compare(test, window[k], NPU_KUNIT_WINDOW);
	}
	for (k = 0; k < ARRAY_SIZE(window); k++) {
		npu_mmu_compare(test, window[k], NPU_KUNIT_WINDOW);
		npu_mmu_unmap(test, window[k], NPU_KUNIT_WINDOW);
	}
	KUNIT_EXPECT_EQ(test, npu_mmu_tables(t), 1);
}

static struct kunit_case npu_mmu_cases[] = {
	KUNIT_CASE(npu_mmu_test_index),
	KUNIT_CASE(npu_mmu_test_span),
	KUNIT_CASE(npu_mmu_test_cursor),
	KUNIT_CASE(npu_mmu_test_edges),
	KUNIT_CASE(npu_mmu_test_attributes),
	KUNIT_CASE(npu_mmu_test_large),
	KUNIT_CASE(npu_mmu_test_split),
	KUNIT_CASE(npu_mmu_test_forget),
	KUNIT_CASE(npu_mmu_test_spares),
	KUNIT_CASE(npu_mmu_test_contexts),
	KUNIT_CASE_SLOW(npu_mmu_test_random),
	{}
};

static struct kunit_suite npu_mmu_suite = {
	.name = "npu_mmu",
	.init = npu_mmu_kunit_init,
	.exit = npu_mmu_kunit_exit,
	.test_cases = npu_mmu_cases,
};

kunit_test_suite(npu_mmu_suite);
