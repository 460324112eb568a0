// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl monitor --prometheus. Names, labels and units of metrics are promised (docs/npuctl.md).
 */
#include "prometheus.h"

#include <inttypes.h>
#include <stdlib.h>

#include "command.h"
#include "figures.h"
#include "file.h"

static void head(FILE *out, const char *metric, const char *help, bool counter)
{
	fprintf(out, "# HELP %s %s.\n# TYPE %s %s\n", metric, help, metric,
		counter ? "counter" : "gauge");
}

static void print_figure(FILE *out, const struct card_list *list, const struct card_figures *all,
			 unsigned int id)
{
	const struct figure *f = &figures[id];
	bool told = false;

	for (size_t i = 0; i < list->count; i++) {
		if (!all[i].known[id])
			continue;
		if (!told)
			head(out, f->metric, f->help, f->counter);
		told = true;
		if (f->scale)
			fprintf(out, "%s{pci=\"%s\"} %.9g\n", f->metric, list->cards[i].pci,
				figure_value(&all[i], id));
		else
			fprintf(out, "%s{pci=\"%s\"} %" PRId64 "\n", f->metric, list->cards[i].pci,
				all[i].value[id]);
	}
}

void prometheus_print(FILE *out)
{
	struct card_figures *all;
	struct card_list list;

	cards_gather(&list);
	all = calloc(list.count + 1, sizeof(*all));
	if (!all)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	head(out, "npu_card_info", "A card; its name and its driver", false);
	for (size_t i = 0; i < list.count; i++) {
		const struct card *c = &list.cards[i];

		figures_read(c, &all[i]);
		fprintf(out, "npu_card_info{pci=\"%s\",name=\"%s\",driver=\"%s\"} 1\n", c->pci,
			c->name, c->driver);
	}
	for (unsigned int id = 0; id < FIGURES; id++)
		print_figure(out, &list, all, id);
	free(all);
	cards_free(&list);
}

static void print(FILE *f, const void *opaque)
{
	(void)opaque;
	prometheus_print(f);
}

int prometheus_write(const char *path)
{
	/* The collector takes *.prom alone, so it does not see a draft; and it is another user. */
	return file_write(path, 0644, print, NULL);
}
