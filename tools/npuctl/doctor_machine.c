// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What npuctl doctor looks at once: are there cards, is the driver's module there, what has the
 * kernel said.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npu/hw/regs.h"

#include "doctor.h"
#include "output.h"
#include "system.h"

/* Whether npu.ko is among the modules of the running kernel. */
static bool module_installed(const char *release)
{
	char path[PATH_MAX], line[4096];
	bool found = false;
	FILE *f;

	system_path(path, "/lib/modules/%s/modules.dep", release);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':'), *slash;

		if (!colon)
			continue;
		*colon = 0;
		slash = strrchr(line, '/');
		found = !strncmp(slash ? slash + 1 : line, "npu.ko", 6);
	}
	if (f)
		fclose(f);
	return found;
}

static void check_module(struct findings *f, enum module_state state)
{
	char release[128];

	switch (state) {
	case MODULE_LIVE:
		findings_add(f, "module", VERDICT_OK, "the module npu is loaded");
		return;
	case MODULE_COMING:
		finding_mend(findings_add(f, "module", VERDICT_WRONG,
					  "the module npu is loading or unloading, and not done"),
			     "wait; if it stays so, the kernel's log tells why: sudo dmesg");
		return;
	case MODULE_UNKNOWN:
		findings_add(f, "module", VERDICT_UNKNOWN,
			     "this system does not tell which modules are loaded");
		return;
	case MODULE_ABSENT:
		break;
	}
	system_line(release, sizeof(release), "/proc/sys/kernel/osrelease");
	if (module_installed(release))
		finding_mend(
			findings_add(f, "module", VERDICT_WRONG, "the module npu is not loaded"),
			"sudo modprobe npu");
	else
		finding_mend(
			findings_add(f, "module", VERDICT_WRONG,
				     "the module npu is not loaded, nor installed for Linux %s",
				     release),
			"make module KVER=%s, then sudo insmod the npu.ko it names", release);
}

void doctor_machine(struct findings *f, const struct card_list *list)
{
	if (list->count)
		findings_add(f, "card", VERDICT_OK, "%zu NPU card%s on the PCI bus", list->count,
			     list->count == 1 ? "" : "s");
	else
		finding_mend(findings_add(f, "card", VERDICT_WRONG,
					  "there is no NPU card on the PCI bus"),
			     "look whether it is seated and powered, then: echo 1 | sudo tee "
			     "/sys/bus/pci/rescan; lspci -d %04x:%04x shows one",
			     NPU_PCI_VENDOR_ID, NPU_PCI_DEVICE_ID);
	check_module(f, list->module);
}

/* ---- The kernel's messages ------------------------------------------------------------------- */

#define LEVEL_WARNING 4

/* A record "PRIORITY,NUMBER,MICROSECONDS,FLAGS;TEXT": its text, if the driver complains in it. */
static char *complaint(char *record)
{
	char *text = strchr(record, ';'), *end;
	long priority = strtol(record, &end, 10);

	if (!text || end == record || (priority & 7) > LEVEL_WARNING)
		return NULL;
	text++;
	text[strcspn(text, "\n")] = 0;
	/* Of a card: of the module itself there is only that it is not of the kernel's tree. */
	return strncmp(text, "npu ", 4) ? NULL : text;
}

void doctor_log(struct findings *f)
{
	char path[PATH_MAX], last[160] = "", *record = NULL, *text;
	unsigned int count = 0;
	size_t room = 0;
	FILE *log;
	int fd;

	system_path(path, "/dev/kmsg");
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	log = fd >= 0 ? fdopen(fd, "r") : NULL;
	if (!log) {
		finding_mend(findings_add(f, "log", VERDICT_UNKNOWN,
					  "the kernel's messages may not be read: %s",
					  strerror(errno)),
			     "sudo npuctl doctor");
		if (fd >= 0)
			close(fd);
		return;
	}
	for (;;) {
		errno = 0;
		if (getline(&record, &room, log) < 0) {
			/* What was next has been overwritten: go on with what is there. */
			if (errno != EPIPE)
				break;
			clearerr(log);
			continue;
		}
		text = complaint(record);
		if (!text)
			continue;
		count++;
		snprintf(last, sizeof(last), "%s", output_name(text));
	}
	free(record);
	fclose(log);
	if (!count)
		findings_add(f, "log", VERDICT_OK, "the driver has complained of nothing");
	else
		finding_mend(findings_add(f, "log", VERDICT_NOTE,
					  "the driver has complained %u time%s, last: %s", count,
					  count == 1 ? "" : "s", last),
			     "sudo dmesg | grep npu");
}
