/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Doubly linked rings, and the structure around a member.
 */
#ifndef NPU_HAL_LIST_H
#define NPU_HAL_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define npu_container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/**
 * struct npu_list - a head, or a link in a structure; alone it points to itself
 */
struct npu_list {
	struct npu_list *next, *prev;
};

#define npu_list_entry(ptr, type, member) npu_container_of(ptr, type, member)

static inline void npu_list_init(struct npu_list *l)
{
	l->next = l;
	l->prev = l;
}

static inline bool npu_list_empty(const struct npu_list *head)
{
	return head->next == head;
}

static inline void npu_list_add_tail(struct npu_list *head, struct npu_list *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

/** npu_list_del() - take out; alone again afterwards */
static inline void npu_list_del(struct npu_list *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	npu_list_init(l);
}

#endif
