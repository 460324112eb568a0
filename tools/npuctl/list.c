// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl list: the cards of this machine, also those that cannot be used.
 */
#include <inttypes.h>

#include "cards.h"
#include "command.h"
#include "list.h"
#include "output.h"

json_t *list_json(const struct card_list *list)
{
	json_t *doc = output_document("npuctl-list"), *devices = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct card *c = &list->cards[i];

		json_array_append_new(
			devices,
			output_pack("{s:s, s:s?, s:s?, s:i, s:i, s:i, s:s, s:s?, s:b, s:s?, s:s?}",
				    "pci", c->pci, "name", c->name[0] ? c->name : NULL, "node",
				    c->node[0] ? c->node : NULL, "vendor", c->vendor, "device",
				    c->device, "revision", c->revision, "product", c->product,
				    "driver", c->driver[0] ? c->driver : NULL, "accessible",
				    c->accessible, "link_speed",
				    c->link_speed[0] ? c->link_speed : NULL, "link_width",
				    c->link_width[0] ? c->link_width : NULL));
	}
	json_object_set_new(doc, "module", json_string(module_state_name(list->module)));
	json_object_set_new(doc, "devices", devices);
	return doc;
}

static const char *state(const struct card *c)
{
	if (!c->node[0])
		return "no driver";
	return c->accessible ? "ready" : "no permission";
}

void list_text(FILE *out, const struct card_list *list)
{
	struct table *t;

	if (!list->count) {
		fprintf(out,
			"No NPU card in this machine (module npu: %s). The device sim: is a "
			"simulated one.\n",
			module_state_name(list->module));
		return;
	}
	t = table_create("DEVICE|PCI|ID|LINK|DRIVER|STATE|PRODUCT");
	for (size_t i = 0; i < list->count; i++) {
		const struct card *c = &list->cards[i];
		char link[48] = "-";

		if (c->link_speed[0])
			snprintf(link, sizeof(link), "%s x%s", c->link_speed, c->link_width);
		table_add(t, "%s|%s|%04x:%04x|%s|%s|%s|%s", c->name[0] ? c->name : "-", c->pci,
			  c->vendor, c->device, link, c->driver[0] ? c->driver : "-", state(c),
			  c->product);
	}
	table_print(t, out);
	for (size_t i = 0; i < list->count; i++)
		if (!list->cards[i].accessible) {
			fputs("npuctl info --device PCI-ADDRESS tells what a card lacks that is "
			      "not ready.\n",
			      out);
			break;
		}
}

static int run(const struct command *self, int argc, char **argv)
{
	bool json = false;
	const struct option_spec options[] = { OPTION_JSON(&json), OPTION_END };
	struct card_list list;
	int r = options_parse(self, options, argc, argv, 0, 0, NULL);

	if (r != OPTIONS_GO_ON)
		return r;
	cards_gather(&list);
	r = NPUCTL_DONE;
	if (json)
		r = output_json(list_json(&list));
	else
		list_text(stdout, &list);
	cards_free(&list);
	return r;
}

const struct command command_list = {
	.name = "list",
	.arguments = "",
	.summary = "List the cards of this machine",
	.details =
		"Also cards without a driver, or that you may not open. Having none is no failure.",
	.example = "npuctl list --json",
	.run = run,
};
