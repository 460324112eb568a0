// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl: what a person does with NPU cards. The table of its commands; each is in a file of its
 * own, gathers first and renders then.
 */
#include <stdio.h>
#include <string.h>

#include "npu/npu.h"

#include "command.h"

static const struct command *const commands[] = {
	&command_list,	 &command_info,	 &command_top,	 &command_monitor,
	&command_test,	 &command_bench, &command_run,	 &command_disasm,
	&command_trace,	 &command_dump,	 &command_reset, &command_inject,
	&command_doctor, NULL,
};

static void help(void)
{
	fputs("Usage: npuctl COMMAND [OPTION...] [ARGUMENT...]\n"
	      "\n"
	      "Looks after NPU cards.\n"
	      "\n"
	      "Commands\n",
	      stdout);
	command_words(stdout, commands);
	fputs("\n"
	      "npuctl COMMAND --help tells more. npuctl --version tells the library's version.\n"
	      "\n"
	      "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no device.\n"
	      "\n"
	      "Example\n"
	      "  npuctl list\n",
	      stdout);
}

/* What was printed may not have arrived: a full disk is a failure, too. */
static int end(int code)
{
	if (fflush(stdout) || ferror(stdout))
		return complain(code == NPUCTL_DONE ? NPUCTL_FAILED : code,
				"cannot write the output");
	return code;
}

int main(int argc, char **argv)
{
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		help();
		return end(NPUCTL_DONE);
	}
	if (argc >= 2 && !strcmp(argv[1], "--version")) {
		printf("npuctl, libnpu %s\n", npu_version());
		return end(NPUCTL_DONE);
	}
	return end(command_dispatch("npuctl", commands, argc, argv));
}
