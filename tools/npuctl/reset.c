// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl reset: a reset of the card's function by its administrator. Says it is done only when the
 * driver says that the card takes jobs again.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cards.h"
#include "command.h"
#include "figures.h"
#include "output.h"

/* Returns 0 or an errno; the write ends when the reset has. */
static int write_reset(const struct card *card)
{
	char path[PATH_MAX];
	int fd, error = 0;

	card_path(card, "reset", path, sizeof(path));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	if (write(fd, "1", 1) != 1)
		error = errno;
	close(fd);
	return error;
}

static int failed(const struct card *card, int error)
{
	if (error == EACCES || error == EPERM)
		return complain(NPUCTL_FAILED,
				"only root may reset a card: sudo npuctl reset --device %s",
				card->pci);
	if (error == ENOENT)
		return complain(NPUCTL_FAILED, "%s: the kernel has no way to reset it", card->pci);
	return complain(NPUCTL_FAILED, "%s: the reset failed: %s", card->pci, strerror(error));
}

static int reset(const struct card *card, bool json)
{
	struct card_figures before, after;
	int error;

	if (strcmp(card->driver, "npu"))
		return complain(NPUCTL_NO_DEVICE,
				"%s: its driver is not npu, which would have to set it up again; "
				"npuctl doctor tells more",
				card->pci);
	figures_read(card, &before);
	error = write_reset(card);
	if (error)
		return failed(card, error);
	figures_read(card, &after);
	if (!after.known[FIGURE_WEDGED] || after.value[FIGURE_WEDGED])
		return complain(NPUCTL_FAILED,
				"%s: it was reset, but the driver has given it up; npuctl doctor "
				"tells more",
				card->pci);
	if (json)
		return output_json(output_pack(
			"{s:s, s:i, s:s, s:s?, s:b, s:I, s:I}", "schema", "npuctl-reset", "version",
			OUTPUT_VERSION, "pci", card->pci, "name", card->name[0] ? card->name : NULL,
			"revived", before.value[FIGURE_WEDGED] != 0, "resets_before",
			(json_int_t)before.value[FIGURE_RESETS], "resets",
			(json_int_t)after.value[FIGURE_RESETS]));
	printf("%s: reset, %s. What ran was canceled; local memory is as it was.\n",
	       card->name[0] ? card->name : card->pci,
	       before.value[FIGURE_WEDGED] ? "and it takes jobs again" : "and it takes jobs");
	return NPUCTL_DONE;
}

static int run(const struct command *self, int argc, char **argv)
{
	const char *device = NULL;
	bool json = false;
	const struct option_spec options[] = { OPTION_DEVICE(&device), OPTION_JSON(&json),
					       OPTION_END };
	const struct card *card;
	struct card_list list;
	int r = options_parse(self, options, argc, argv, 0, 0, NULL);

	if (r != OPTIONS_GO_ON)
		return r;
	if (!device)
		device = getenv("NPU_DEVICE");
	if (device && !strncmp(device, "sim:", 4))
		return complain_usage(self, "a simulated card is new each time");
	cards_gather(&list);
	/* Which one, is to be said where there are several: others lose their jobs. */
	if (!device && list.count > 1)
		r = complain_usage(self, "there are %zu cards; --device says which", list.count);
	else if (!list.count || (device && !card_find(&list, device)))
		r = device_advice(&list, device, -ENODEV, "");
	else {
		card = device ? card_find(&list, device) : &list.cards[0];
		r = reset(card, json);
	}
	cards_free(&list);
	return r;
}

const struct command command_reset = {
	.name = "reset",
	.arguments = "",
	.summary = "Reset a card",
	.details =
		"Jobs that run on it are canceled, those that have not begun run afterwards; local "
		"memory is kept. Revives\n"
		"a card that the driver has given up, if anything does. Root's. Exit code 0 means "
		"that the card takes jobs.",
	.example = "sudo npuctl reset --device accel0",
	.run = run,
};
