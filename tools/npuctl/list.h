/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * How a list of cards is rendered, apart from gathering it: tests give it lists of their own.
 */
#ifndef NPUCTL_LIST_H
#define NPUCTL_LIST_H

#include <jansson.h>
#include <stdio.h>

struct card_list;

json_t *list_json(const struct card_list *list);
void list_text(FILE *out, const struct card_list *list);

#endif
