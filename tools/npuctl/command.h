/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * What a sub-command is, how its words are parsed and how it ends. One table of options makes both
 * the parser and the help, so they cannot disagree.
 */
#ifndef NPUCTL_COMMAND_H
#define NPUCTL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes, as docs/npuctl.md and the manual page tell them. */
enum npuctl_exit {
	NPUCTL_DONE = 0,
	NPUCTL_FAILED = 1,
	NPUCTL_USAGE = 2,
	NPUCTL_NO_DEVICE = 3,
};

/**
 * struct command - a sub-command
 * @name: its word, or words ("bench matmul")
 * @arguments: what follows the options, for the usage line; "" when nothing does
 * @summary: one line
 * @details: more lines for its --help; may be NULL
 * @example: a command line, for its --help
 * @run: gets the words from its name's last on; returns enum npuctl_exit
 */
struct command {
	const char *name;
	const char *arguments;
	const char *summary;
	const char *details;
	const char *example;
	int (*run)(const struct command *self, int argc, char **argv);
};

extern const struct command command_list, command_info, command_test, command_bench, command_disasm,
	command_run, command_dump, command_doctor, command_monitor, command_top, command_reset,
	command_inject, command_trace;
extern const struct command command_bench_matmul, command_bench_latency, command_bench_dma,
	command_bench_shapes;

/**
 * command_dispatch() - run the one of @table that argv[1] names
 * @prefix: what comes before a name: "npuctl" or "npuctl bench"
 * @table: ends with NULL
 */
int command_dispatch(const char *prefix, const struct command *const *table, int argc, char **argv);

/** command_words() - print names and summaries of a table that ends with NULL */
void command_words(FILE *out, const struct command *const *table);

enum option_kind {
	OPTION_SWITCH, /* value is a bool, set */
	OPTION_STRING, /* value is a const char * */
	OPTION_STRINGS, /* value is a struct option_strings; may be given again */
	OPTION_NUMBER, /* value is a uint32_t, in min .. max, decimal */
	OPTION_CHOICE, /* value is an unsigned int: the index in @choices */
};

#define OPTION_MAX_STRINGS 1024

/** struct option_strings - the values of an option in their order */
struct option_strings {
	unsigned int count;
	const char *text[OPTION_MAX_STRINGS];
};

/**
 * struct option_spec - an option
 * @name: "device" for --device
 * @letter: 'd' for -d as well, or 0
 * @kind: enum option_kind
 * @value: where it goes; keeps its default when the option is not given
 * @metavar: of the help; NULL for switches and choices
 * @help: one line
 * @min, @max: of numbers
 * @choices: of choices, ends with NULL
 */
struct option_spec {
	const char *name;
	char letter;
	enum option_kind kind;
	void *value;
	const char *metavar;
	const char *help;
	uint32_t min, max;
	const char *const *choices;
};

#define OPTION_DEVICE(v)                                                                      \
	{                                                                                     \
		.name = "device", .letter = 'd', .kind = OPTION_STRING, .value = (v),         \
		.metavar = "NAME",                                                            \
		.help = "accel0, a PCI address, sim:, sim:cores=4 ... (NPU_DEVICE, else the " \
			"first card)"                                                         \
	}
#define OPTION_JSON(v)                                               \
	{                                                            \
		.name = "json", .kind = OPTION_SWITCH, .value = (v), \
		.help = "print JSON instead of text"                 \
	}
#define OPTION_END           \
	{                    \
		.name = NULL \
	}

/* options_parse() found what the command needs: go on. */
#define OPTIONS_GO_ON (-1)

/**
 * options_parse() - parse a command's words
 * @self: for messages and --help
 * @specs: ends with OPTION_END
 * @min, @max: how many words may remain after the options
 * @rest: argv + the first of them
 *
 * Returns OPTIONS_GO_ON, or the exit code with which the command ends (--help was asked for and
 * printed, or the words were wrong and it was said why).
 */
int options_parse(const struct command *self, const struct option_spec *specs, int argc,
		  char **argv, int min, int max, char ***rest);

/**
 * complain() - print "npuctl: " and a line to stderr; returns @code, so that a command can end with
 * it
 */
int complain(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/**
 * complain_usage() - the same for wrong words, pointing at the command's --help; returns
 * NPUCTL_USAGE
 */
int complain_usage(const struct command *self, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** complain_npu() - the same with npu_error() after "@what: "; returns NPUCTL_FAILED */
int complain_npu(const char *what);

#endif
