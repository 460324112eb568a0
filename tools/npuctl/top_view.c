// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Two samples, and what happened between them: shares and rates, in an order, as JSON and as text.
 */
#include "top.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "output.h"

const char *const top_order_names[TOP_ORDERS + 1] = {
	"use", "pid", "name", "memory", "time", NULL
};

static void *need(void *p)
{
	if (!p)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	return p;
}

/* ---- Rates ----------------------------------------------------------------------------------- */

/* Growth a second of a counter; < 0: it began anew, or no time has passed. */
static double rate(double before, double now, double seconds)
{
	return now < before || seconds <= 0 ? -1 : (now - before) / seconds;
}

static const struct sample_card *find_card(const struct sample *s, const char *pci)
{
	for (size_t i = 0; i < s->card_count; i++)
		if (!strcmp(s->cards[i].card.pci, pci))
			return &s->cards[i];
	return NULL;
}

static const struct sample_client *find_client(const struct sample *s,
					       const struct sample_client *c)
{
	for (size_t i = 0; i < s->client_count; i++)
		if (s->clients[i].id == c->id && !strcmp(s->clients[i].pci, c->pci))
			return &s->clients[i];
	return NULL;
}

static double cores_of(const struct sample_card *c)
{
	return c && c->figures.known[FIGURE_CORES] && c->figures.value[FIGURE_CORES] > 0 ?
		       c->figures.value[FIGURE_CORES] :
		       1;
}

static double figure_rate(const struct sample_card *before, const struct sample_card *now,
			  enum figure_id id, double seconds)
{
	if (!before->figures.known[id] || !now->figures.known[id])
		return -1;
	return rate(figure_value(&before->figures, id), figure_value(&now->figures, id), seconds);
}

/* Engines count cycles of the card's clock. */
static void engines(const struct sample_card *before, const struct sample_card *now, double seconds,
		    struct top_card *out)
{
	double cycles = now->clock_khz * 1000.0 * seconds;

	if (!before->counted || !now->counted || before->cores != now->cores || !now->cores)
		return;
	for (unsigned int e = 0; e < NPU_ENGINES; e++) {
		double sum = 0;

		for (unsigned int c = 0; c < now->cores; c++) {
			out->core[c][e] =
				rate(before->core[c].busy[e], now->core[c].busy[e], cycles);
			sum += out->core[c][e];
		}
		out->engine[e] = sum < 0 ? -1 : sum / now->cores;
	}
}

static void make_card(const struct sample_card *before, const struct sample_card *now,
		      double seconds, struct top_card *out)
{
	*out = (struct top_card){ .now = now, .use = -1, .jobs_per_s = -1 };
	for (unsigned int e = 0; e < NPU_ENGINES; e++) {
		out->engine[e] = -1;
		for (unsigned int c = 0; c < NPU_MAX_CORES; c++)
			out->core[c][e] = -1;
	}
	if (!before)
		return;
	out->use = figure_rate(before, now, FIGURE_BUSY, seconds);
	if (out->use > 0)
		out->use /= cores_of(now);
	out->jobs_per_s = figure_rate(before, now, FIGURE_JOBS, seconds);
	engines(before, now, seconds, out);
}

static void make_client(const struct sample *before, const struct sample *now,
			const struct sample_client *client, double seconds, struct top_client *out)
{
	const struct sample_client *then = find_client(before, client);
	const struct sample_card *card = find_card(now, client->pci);

	*out = (struct top_client){ .now = client, .use = -1, .card = client->pci };
	if (card && card->card.name[0])
		out->card = card->card.name;
	if (!then)
		return;
	out->use = rate(then->busy_ns * 1e-9, client->busy_ns * 1e-9, seconds);
	if (out->use > 0)
		out->use /= cores_of(card);
}

/* ---- Order ----------------------------------------------------------------------------------- */

static int compare(double a, double b)
{
	return a < b ? -1 : a > b;
}

static uint64_t memory_of(const struct top_client *c)
{
	return c->now->host_bytes + c->now->local_bytes;
}

/* The most first, names and numbers ascending; what is equal by its process, so that lines stay. */
static int ordered(const void *pa, const void *pb, void *arg)
{
	const struct top_client *a = pa, *b = pb;
	int r = 0;

	switch (*(const enum top_order *)arg) {
	case TOP_BY_USE:
		r = compare(b->use, a->use);
		break;
	case TOP_BY_NAME:
		r = strcmp(a->now->comm, b->now->comm);
		break;
	case TOP_BY_MEMORY:
		r = compare(memory_of(b), memory_of(a));
		break;
	case TOP_BY_TIME:
		r = compare(b->now->busy_ns, a->now->busy_ns);
		break;
	default:
		break;
	}
	if (!r)
		r = compare(a->now->pid, b->now->pid);
	return r ? r : compare(a->now->id, b->now->id);
}

void top_view_make(const struct sample *before, const struct sample *now, enum top_order order,
		   struct top_view *view)
{
	double seconds = now->time_s - before->time_s;

	view->card_count = now->card_count;
	view->cards = need(calloc(now->card_count + 1, sizeof(*view->cards)));
	for (size_t i = 0; i < now->card_count; i++)
		make_card(find_card(before, now->cards[i].card.pci), &now->cards[i], seconds,
			  &view->cards[i]);
	view->client_count = now->client_count;
	view->clients = need(calloc(now->client_count + 1, sizeof(*view->clients)));
	for (size_t i = 0; i < now->client_count; i++)
		make_client(before, now, &now->clients[i], seconds, &view->clients[i]);
	qsort_r(view->clients, view->client_count, sizeof(*view->clients), ordered, &order);
}

void top_view_free(struct top_view *view)
{
	free(view->cards);
	free(view->clients);
}

bool top_throttled(const struct sample_card *card)
{
	const struct card_figures *f = &card->figures;

	return f->known[FIGURE_TEMPERATURE] && f->known[FIGURE_TEMPERATURE_CRITICAL] &&
	       f->value[FIGURE_TEMPERATURE] >= f->value[FIGURE_TEMPERATURE_CRITICAL];
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *share(double v)
{
	return v < 0 ? json_null() : json_real(v);
}

static json_t *engines_json(const double engine[NPU_ENGINES])
{
	return output_pack("{s:o, s:o, s:o, s:o}", "load", share(engine[0]), "mxu",
			   share(engine[1]), "vpu", share(engine[2]), "store", share(engine[3]));
}

static json_t *figure_json(const struct sample_card *c, enum figure_id id)
{
	if (!c->figures.known[id])
		return json_null();
	return figures[id].scale ? json_real(figure_value(&c->figures, id)) :
				   json_integer(c->figures.value[id]);
}

static json_t *count_json(bool known, uint64_t v)
{
	return known ? json_integer(v) : json_null();
}

static json_t *card_json(const struct top_card *card)
{
	const struct sample_card *c = card->now;
	json_t *j = json_object(), *cores = json_array();

	for (unsigned int i = 0; i < c->cores; i++)
		json_array_append_new(cores, engines_json(card->core[i]));
	json_object_set_new(j, "pci", json_string(c->card.pci));
	json_object_set_new(j, "name", c->card.name[0] ? json_string(c->card.name) : json_null());
	json_object_set_new(j, "utilisation", share(card->use));
	json_object_set_new(j, "jobs_per_s", share(card->jobs_per_s));
	json_object_set_new(j, "engines", engines_json(card->engine));
	json_object_set_new(j, "cores", cores);
	json_object_set_new(j, "clock_khz", count_json(c->opened && c->clock_khz, c->clock_khz));
	json_object_set_new(j, "local_bytes", count_json(c->opened, c->local_bytes));
	json_object_set_new(j, "local_free_bytes", count_json(c->opened, c->local_free));
	json_object_set_new(j, "throttled",
			    c->figures.known[FIGURE_TEMPERATURE] ? json_boolean(top_throttled(c)) :
								   json_null());
	json_object_set_new(j, "ecc_corrected", count_json(c->ecc_told, c->corrected));
	json_object_set_new(j, "ecc_uncorrected", count_json(c->ecc_told, c->uncorrected));
	for (unsigned int f = 0; f < FIGURES; f++)
		if (figures[f].key)
			json_object_set_new(j, figures[f].key, figure_json(c, f));
	return j;
}

json_t *top_json(const struct top_view *view)
{
	json_t *doc = output_document("npuctl-top"), *cards = json_array(), *clients = json_array();

	for (size_t i = 0; i < view->card_count; i++)
		json_array_append_new(cards, card_json(&view->cards[i]));
	for (size_t i = 0; i < view->client_count; i++) {
		const struct top_client *c = &view->clients[i];

		json_array_append_new(clients,
				      output_pack("{s:i,s:s,s:s,s:I,s:o,s:f,s:I,s:I}", "pid",
						  c->now->pid, "comm", output_name(c->now->comm),
						  "pci", output_name(c->now->pci), "client",
						  (json_int_t)c->now->id, "utilisation",
						  share(c->use), "busy_s", c->now->busy_ns * 1e-9,
						  "host_bytes", (json_int_t)c->now->host_bytes,
						  "local_bytes", (json_int_t)c->now->local_bytes));
	}
	json_object_set_new(doc, "devices", cards);
	json_object_set_new(doc, "clients", clients);
	return doc;
}

/* ---- Text ------------------------------------------------------------------------------------ */

static const char *percent(double v)
{
	static char text[8][16];
	static unsigned int next;
	char *s = text[next++ % 8];

	if (v < 0)
		return "-";
	snprintf(s, sizeof(text[0]), "%.0f%%", v * 100);
	return s;
}

const char *top_figure(const struct sample_card *c, enum figure_id id, const char *format)
{
	static char text[8][32];
	static unsigned int next;
	char *s = text[next++ % 8];

	if (!c->figures.known[id])
		return "-";
	snprintf(s, sizeof(text[0]), format, figure_value(&c->figures, id));
	return s;
}

void top_text(FILE *out, const struct top_view *view)
{
	struct table *t =
		table_create("DEVICE|>USE|>LOAD|>MXU|>VPU|>STORE|>TEMP|>POWER|>LOCAL USED|"
			     ">JOBS|>ERRORS|>RESETS|STATE");

	for (size_t i = 0; i < view->card_count; i++) {
		const struct top_card *c = &view->cards[i];
		const struct sample_card *s = c->now;

		table_add(t, "%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s|%s",
			  s->card.name[0] ? s->card.name : s->card.pci, percent(c->use),
			  percent(c->engine[0]), percent(c->engine[1]), percent(c->engine[2]),
			  percent(c->engine[3]), top_figure(s, FIGURE_TEMPERATURE, "%.0f C"),
			  top_figure(s, FIGURE_POWER, "%.1f W"),
			  s->opened ? output_bytes(s->local_bytes - s->local_free) : "-",
			  top_figure(s, FIGURE_JOBS, "%.0f"),
			  top_figure(s, FIGURE_ERRORS, "%.0f"),
			  top_figure(s, FIGURE_RESETS, "%.0f"),
			  figure_value(&s->figures, FIGURE_WEDGED) ? "given up" :
			  top_throttled(s)			   ? "throttled" :
			  s->card.name[0]			   ? "ready" :
								     "no driver");
	}
	table_print(t, out);
	fputc('\n', out);
	t = table_create(">PID|PROCESS|DEVICE|>USE|>BUSY|>HOST|>LOCAL");
	for (size_t i = 0; i < view->client_count; i++) {
		const struct top_client *c = &view->clients[i];

		table_add(t, "%d|%s|%s|%s|%.2f s|%s|%s", c->now->pid, output_cell(c->now->comm),
			  output_cell(c->card), percent(c->use), c->now->busy_ns * 1e-9,
			  output_bytes(c->now->host_bytes), output_bytes(c->now->local_bytes));
	}
	table_print(t, out);
}
