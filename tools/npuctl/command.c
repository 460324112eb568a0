// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Sub-commands: finding one by its name, parsing its words, telling how it is used.
 */
#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "npu/npu.h"

#define MAX_OPTIONS 24
#define HELP_COLUMN 24

static const char *last_word(const char *name)
{
	const char *space = strrchr(name, ' ');

	return space ? space + 1 : name;
}

void command_words(FILE *out, const struct command *const *table)
{
	for (; *table; table++)
		fprintf(out, "  %-8s %s\n", last_word((*table)->name), (*table)->summary);
}

int command_dispatch(const char *prefix, const struct command *const *table, int argc, char **argv)
{
	if (argc < 2) {
		complain(NPUCTL_USAGE, "which command? One of:");
		command_words(stderr, table);
		return NPUCTL_USAGE;
	}
	for (const struct command *const *c = table; *c; c++)
		if (!strcmp(argv[1], last_word((*c)->name)))
			return (*c)->run(*c, argc - 1, argv + 1);
	return complain(NPUCTL_USAGE, "no command \"%s\"; %s --help lists them", argv[1], prefix);
}

int complain(int code, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("npuctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

int complain_usage(const struct command *self, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "npuctl %s: ", self->name);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "; see npuctl %s --help\n", self->name);
	return NPUCTL_USAGE;
}

int complain_npu(const char *what)
{
	return complain(NPUCTL_FAILED, "%s: %s", what, npu_error());
}

/* "  -d, --device NAME": returns how wide it is. */
static int print_option(FILE *out, const struct option_spec *s)
{
	int n;

	if (s->letter)
		n = fprintf(out, "  -%c, --%s", s->letter, s->name);
	else
		n = fprintf(out, "      --%s", s->name);
	if (s->metavar)
		n += fprintf(out, " %s", s->metavar);
	for (const char *const *c = s->choices; c && *c; c++)
		n += fprintf(out, "%c%s", c == s->choices ? ' ' : '|', *c);
	return n;
}

static void print_help(FILE *out, const struct command *self, const struct option_spec *specs)
{
	fprintf(out, "Usage: npuctl %s [OPTION...]%s%s\n\n%s.\n", self->name,
		*self->arguments ? " " : "", self->arguments, self->summary);
	if (self->details)
		fprintf(out, "\n%s\n", self->details);
	fputs("\nOptions\n", out);
	for (const struct option_spec *s = specs; s->name; s++) {
		int n = print_option(out, s);

		if (n >= HELP_COLUMN) {
			fputc('\n', out);
			n = 0;
		}
		fprintf(out, "%*s%s\n", HELP_COLUMN - n, "", s->help);
	}
	fprintf(out, "%-*s%s\n", HELP_COLUMN, "  -h, --help", "print this");
	fprintf(out, "\nExample\n  %s\n", self->example);
}

static int parse_number(const struct command *self, const struct option_spec *s, const char *text)
{
	unsigned long long v;
	char *end;

	errno = 0;
	v = strtoull(text, &end, 10);
	/* strtoull() takes signs and blanks, which no number here has. */
	if (errno || end == text || *end || *text < '0' || *text > '9')
		return complain_usage(self, "--%s: \"%s\" is not a number", s->name, text);
	if (v < s->min || v > s->max)
		return complain_usage(self, "--%s: %s is not in %" PRIu32 " .. %" PRIu32, s->name,
				      text, s->min, s->max);
	*(uint32_t *)s->value = v;
	return OPTIONS_GO_ON;
}

static int parse_choice(const struct command *self, const struct option_spec *s, const char *text)
{
	char all[256] = "";

	for (unsigned int i = 0; s->choices[i]; i++) {
		if (!strcmp(text, s->choices[i])) {
			*(unsigned int *)s->value = i;
			return OPTIONS_GO_ON;
		}
		snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%s", i ? ", " : "",
			 s->choices[i]);
	}
	return complain_usage(self, "--%s: \"%s\" is none of %s", s->name, text, all);
}

static int parse_strings(const struct command *self, const struct option_spec *s, const char *text)
{
	struct option_strings *list = s->value;

	if (list->count == OPTION_MAX_STRINGS)
		return complain_usage(self, "--%s more than %d times", s->name, OPTION_MAX_STRINGS);
	list->text[list->count++] = text;
	return OPTIONS_GO_ON;
}

static int parse_value(const struct command *self, const struct option_spec *s, const char *text)
{
	switch (s->kind) {
	case OPTION_SWITCH:
		*(bool *)s->value = true;
		return OPTIONS_GO_ON;
	case OPTION_STRING:
		*(const char **)s->value = text;
		return OPTIONS_GO_ON;
	case OPTION_STRINGS:
		return parse_strings(self, s, text);
	case OPTION_NUMBER:
		return parse_number(self, s, text);
	case OPTION_CHOICE:
		return parse_choice(self, s, text);
	}
	return complain_usage(self, "--%s", s->name);
}

static const struct option_spec *find_spec(const struct option_spec *specs, int value)
{
	for (const struct option_spec *s = specs; s->name; s++)
		if (value == 256 + (s - specs) || (s->letter && value == s->letter))
			return s;
	return NULL;
}

/* getopt's tables from ours. Long options return 256 + their index. */
static void fill_getopt(const struct option_spec *specs, struct option *options, char *letters)
{
	size_t n = 0, l = 0;

	letters[l++] = ':';
	letters[l++] = 'h';
	for (; specs[n].name && n < MAX_OPTIONS; n++) {
		bool argument = specs[n].kind != OPTION_SWITCH;

		options[n] =
			(struct option){ specs[n].name, argument ? required_argument : no_argument,
					 NULL, 256 + (int)n };
		if (specs[n].letter) {
			letters[l++] = specs[n].letter;
			if (argument)
				letters[l++] = ':';
		}
	}
	options[n] = (struct option){ "help", no_argument, NULL, 'h' };
	options[n + 1] = (struct option){ NULL, 0, NULL, 0 };
	letters[l] = 0;
}

int options_parse(const struct command *self, const struct option_spec *specs, int argc,
		  char **argv, int min, int max, char ***rest)
{
	struct option options[MAX_OPTIONS + 2];
	char letters[2 * MAX_OPTIONS + 3];
	int c, r;

	fill_getopt(specs, options, letters);
	/* 0 also makes glibc forget what an earlier table left. */
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		const struct option_spec *s;

		if (c == 'h') {
			print_help(stdout, self, specs);
			return NPUCTL_DONE;
		}
		if (c == ':')
			return complain_usage(self, "%s needs a value", argv[optind - 1]);
		s = find_spec(specs, c);
		if (!s && optopt && optopt < 256)
			return complain_usage(self, "no option -%c", optopt);
		if (!s)
			return complain_usage(self, "no option %s", argv[optind - 1]);
		r = parse_value(self, s, optarg);
		if (r != OPTIONS_GO_ON)
			return r;
	}
	if (argc - optind < min)
		return complain_usage(self, "%s is missing",
				      max > 1 ? self->arguments : "an argument");
	if (argc - optind > max)
		return complain_usage(self, "what is \"%s\"", argv[optind + max]);
	if (rest)
		*rest = argv + optind;
	return OPTIONS_GO_ON;
}
