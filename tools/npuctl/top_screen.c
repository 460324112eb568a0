// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl top on a terminal: draws what top_view.c made, and listens to keys. 80 columns and 24 lines
 * are enough; what has no room is cut off, cards before processes.
 */
#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ncurses.h>

#include "command.h"
#include "output.h"
#include "top.h"

#define BAR_WIDTH 20

enum { PAIR_GOOD = 1, PAIR_BAD };

/* struct screen - what the user has chosen, and the next line */
struct screen {
	enum top_order order;
	bool cores;
	int line;
};

static const struct {
	int key;
	enum top_order order;
} orders[] = {
	{ 'u', TOP_BY_USE },	{ 'p', TOP_BY_PID },  { 'n', TOP_BY_NAME },
	{ 'm', TOP_BY_MEMORY }, { 't', TOP_BY_TIME },
};

/* The next line, but for the last one of the screen, which is the keys'. */
static void __attribute__((format(printf, 3, 4)))
put(struct screen *s, attr_t attr, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (s->line >= LINES - 1)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	attrset(attr);
	mvaddnstr(s->line++, 0, text, COLS);
	attrset(0);
}

static const char *percent(double v)
{
	static char text[8][16];
	static unsigned int next;
	char *s = text[next++ % 8];

	if (v < 0)
		return "  -";
	snprintf(s, sizeof(text[0]), "%3.0f%%", v * 100);
	return s;
}

static const char *bar(double v)
{
	static char text[BAR_WIDTH + 3];
	int full = v < 0 ? 0 : v > 1 ? BAR_WIDTH : (int)(v * BAR_WIDTH + 0.5);

	memset(text, ' ', sizeof(text) - 1);
	memset(text + 1, '|', full);
	text[0] = '[';
	text[BAR_WIDTH + 1] = ']';
	return text;
}

static void draw_engines(struct screen *s, const char *what, const double engine[NPU_ENGINES])
{
	put(s, 0, "  %-8s LOAD %s  MXU %s  VPU %s  STORE %s", what, percent(engine[0]),
	    percent(engine[1]), percent(engine[2]), percent(engine[3]));
}

static void draw_card(struct screen *s, const struct top_card *card)
{
	const struct sample_card *c = card->now;
	bool gone = figure_value(&c->figures, FIGURE_WEDGED) != 0, hot = top_throttled(c);
	char ecc[64] = "-", core[16];

	put(s, A_BOLD | COLOR_PAIR(gone || hot ? PAIR_BAD : PAIR_GOOD),
	    "%-7s %s  %s %s  %6s C %7s W  %s", c->card.name[0] ? c->card.name : "-", c->card.pci,
	    percent(card->use), bar(card->use), top_figure(c, FIGURE_TEMPERATURE, "%.1f"),
	    top_figure(c, FIGURE_POWER, "%.1f"),
	    gone	    ? "GIVEN UP" :
	    hot		    ? "THROTTLED" :
	    c->card.name[0] ? "ready" :
			      "no driver");
	draw_engines(s, "engines", card->engine);
	for (unsigned int i = 0; s->cores && i < c->cores; i++) {
		snprintf(core, sizeof(core), "core %u", i);
		draw_engines(s, core, card->core[i]);
	}
	if (c->opened)
		put(s, 0, "  local    %s of %s used   clock %.0f MHz",
		    output_bytes(c->local_bytes - c->local_free), output_bytes(c->local_bytes),
		    c->clock_khz / 1000.0);
	if (c->ecc_told)
		snprintf(ecc, sizeof(ecc), "%" PRId64 "+%" PRId64, c->corrected, c->uncorrected);
	put(s, 0, "  jobs     %s (%.0f a second)  errors %s  timeouts %s  resets %s  ecc %s",
	    top_figure(c, FIGURE_JOBS, "%.0f"), card->jobs_per_s < 0 ? 0 : card->jobs_per_s,
	    top_figure(c, FIGURE_ERRORS, "%.0f"), top_figure(c, FIGURE_TIMEOUTS, "%.0f"),
	    top_figure(c, FIGURE_RESETS, "%.0f"), ecc);
}

static void draw_clients(struct screen *s, const struct top_view *view)
{
	put(s, A_REVERSE, "%7s  %-18s %-8s %5s %11s %10s %10s%*s", "PID", "PROCESS", "DEVICE",
	    "USE", "BUSY", "HOST", "LOCAL", COLS > 0 ? COLS : 0, "");
	for (size_t i = 0; i < view->client_count; i++) {
		const struct top_client *c = &view->clients[i];

		put(s, 0, "%7d  %-18.18s %-8.8s %5s %9.2f s %10s %10s", c->now->pid,
		    output_name(c->now->comm), output_name(c->card), percent(c->use),
		    c->now->busy_ns * 1e-9, output_bytes(c->now->host_bytes),
		    output_bytes(c->now->local_bytes));
	}
}

static void draw(struct screen *s, const struct top_view *view)
{
	erase();
	s->line = 0;
	if (!view->card_count)
		put(s, 0, "No NPU card in this machine; npuctl doctor tells more.");
	for (size_t i = 0; i < view->card_count; i++)
		draw_card(s, &view->cards[i]);
	s->line++;
	draw_clients(s, view);
	attrset(A_DIM);
	mvaddnstr(LINES - 1, 0,
		  "q leave  space look  c cores  order: u use  p pid  n name  m memory  t time",
		  COLS);
	attrset(0);
	refresh();
}

/* False: the user wants to leave. */
static bool obey(struct screen *s, int key)
{
	if (key == 'q' || key == 3)
		return false;
	if (key == 'c')
		s->cores = !s->cores;
	for (size_t i = 0; i < sizeof(orders) / sizeof(*orders); i++)
		if (key == orders[i].key)
			s->order = orders[i].order;
	return true;
}

/* Shows two samples, and obeys keys until it is time for the next one. False: the user wants to leave. */
static bool show(struct screen *s, const struct sample *before, const struct sample *now,
		 double interval_s)
{
	struct top_view view;
	int key = ERR;
	bool stay = true;

	timeout((int)(interval_s * 1000));
	do {
		top_view_make(before, now, s->order, &view);
		draw(s, &view);
		top_view_free(&view);
		key = getch();
		stay = obey(s, key);
	} while (stay && key != ERR && key != ' ');
	return stay;
}

static void colours(void)
{
	const char *none = getenv("NO_COLOR");

	start_color();
	use_default_colors();
	if ((none && *none) || !has_colors())
		return;
	init_pair(PAIR_GOOD, COLOR_GREEN, -1);
	init_pair(PAIR_BAD, COLOR_RED, -1);
}

int top_screen(double interval_s, enum top_order order)
{
	struct screen screen = { .order = order };
	struct sample before, now;
	struct sampler *sampler;
	bool stay;
	SCREEN *terminal;

	if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))
		return complain(NPUCTL_USAGE,
				"top wants a terminal; npuctl top --once does without");
	setlocale(LC_CTYPE, "");
	terminal = newterm(NULL, stdout, stdin);
	if (!terminal)
		return complain(NPUCTL_FAILED,
				"the terminal \"%s\" is not known; npuctl top --once "
				"does without",
				getenv("TERM") ?: "");
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, TRUE);
	colours();
	sampler = sampler_create();
	sample_take(sampler, &before);
	stay = show(&screen, &before, &before, interval_s);
	while (stay) {
		sample_take(sampler, &now);
		stay = show(&screen, &before, &now, interval_s);
		sample_free(&before);
		before = now;
	}
	endwin();
	delscreen(terminal);
	sample_free(&before);
	sampler_free(sampler);
	return NPUCTL_DONE;
}
