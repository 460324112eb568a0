// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl dump: what the driver's post-mortem of a card says.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cards.h"
#include "command.h"
#include "dump.h"
#include "output.h"

/* The card's dump, or of all cards the first there is; NULL: said why there is none. */
static const char *find_dump(const char *device, int *code)
{
	static char path[PATH_MAX];
	const struct card *card = NULL;
	struct card_list list;

	if (!device)
		device = getenv("NPU_DEVICE");
	cards_gather(&list);
	path[0] = 0;
	for (size_t i = 0; i < list.count && !path[0]; i++) {
		if (device && *device && card_find(&list, device) != &list.cards[i])
			continue;
		card = &list.cards[i];
		card_path(card, "devcoredump/data", path, sizeof(path));
		if (access(path, F_OK))
			path[0] = 0;
	}
	if (!card)
		*code = device_advice(&list, device, -ENODEV, "no such card");
	else if (!path[0])
		*code = complain(
			NPUCTL_FAILED,
			"no card has a dump: nothing went wrong since the last one was let "
			"go of, or five minutes have passed");
	cards_free(&list);
	return path[0] ? path : NULL;
}

static int let_go(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), r = NPUCTL_DONE;

	if (fd < 0 || write(fd, "1", 1) != 1)
		r = complain(NPUCTL_FAILED, "%s: cannot let go of it: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return r;
}

static int run(const struct command *self, int argc, char **argv)
{
	bool json = false, registers = false, release = false;
	const char *device = NULL, *path;
	const struct option_spec options[] = {
		OPTION_DEVICE(&device),
		{ .name = "registers",
		  .kind = OPTION_SWITCH,
		  .value = &registers,
		  .help = "print all registers, too" },
		{ .name = "release",
		  .kind = OPTION_SWITCH,
		  .value = &release,
		  .help = "let the kernel forget the card's dump, so that there can be another" },
		OPTION_JSON(&json),
		OPTION_END,
	};
	struct dump dump;
	char **files;
	int r = options_parse(self, options, argc, argv, 0, 1, &files);

	if (r != OPTIONS_GO_ON)
		return r;
	if (files[0] && release)
		return complain_usage(self, "--release is for the card's own dump, not for a file");
	r = NPUCTL_FAILED;
	path = files[0] ? files[0] : find_dump(device, &r);
	if (!path)
		return r;
	r = dump_read(&dump, path);
	if (!r && json)
		r = output_json(dump_json(&dump));
	else if (!r)
		dump_text(stdout, &dump, registers);
	dump_free(&dump);
	return !r && release ? let_go(path) : r;
}

const struct command command_dump = {
	.name = "dump",
	.arguments = "[FILE]",
	.summary = "Tell what a post-mortem of the driver's says",
	.details =
		"Of FILE, a copy of /sys/class/devcoredump/devcdN/data; else of the card's own, "
		"which root may read.\n"
		"What happened, the command that did it and its neighbours, what was mapped near "
		"the address,\n"
		"queues and rings. The kernel keeps a dump for five minutes, or until it is let go "
		"of.",
	.example = "sudo npuctl dump --release\n"
		   "  npuctl dump saved-dump --json",
	.run = run,
};
