// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What npuctl doctor looks at for each card. Each check is a function; it adds one finding, or none
 * where the system does not tell.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npu/hw/isa.h"
#include "npu/npu.h"

#include "doctor.h"
#include "system.h"

#define CARD_FILE "/sys/bus/pci/devices/%s/%s"

static bool check_access(struct findings *f, const struct card_list *list, const struct card *card)
{
	struct advice advice;

	if (card_advice(list, card, &advice)) {
		struct finding *one = findings_add(f, card->node[0] ? "permission" : "driver",
						   VERDICT_WRONG, "%s", advice.wrong);

		finding_mend(one, "%s", advice.mend);
		return false;
	}
	findings_add(f, "driver", VERDICT_OK, "the driver npu runs it");
	findings_add(f, "permission", VERDICT_OK, "%s (%s:%s, mode %04o) is yours to open",
		     card->node, card->owner, card->group, (unsigned int)card->mode);
	return true;
}

/* In a snapshot the node's line ends with the card's command set, as "1.0". */
static bool recorded_isa(const struct card *card, uint32_t *isa)
{
	unsigned int major, minor;
	char line[128];

	if (!system_line(line, sizeof(line), "%s", card->node) ||
	    sscanf(line, "%*s %*s %*s %*s %u.%u", &major, &minor) != 2)
		return false;
	*isa = major << 16 | minor;
	return true;
}

static bool card_isa(const struct card *card, uint32_t *isa)
{
	struct npu_device *dev;

	if (*system_root())
		return recorded_isa(card, isa);
	if (npu_open(&dev, card->name))
		return false;
	*isa = npu_device_caps(dev)->isa;
	npu_close(dev);
	return true;
}

/* The driver passes on what the card is; the library has to know its command set. */
static bool check_version(struct findings *f, const struct card *card)
{
	uint32_t isa;

	if (!card_isa(card, &isa)) {
		finding_mend(findings_add(f, "version", VERDICT_WRONG, "%s cannot be opened: %s",
					  card->node, *system_root() ? "" : npu_error()),
			     "let driver and library be of the same release");
		return false;
	}
	if (isa >> 16 != NPU_ISA_MAJOR) {
		finding_mend(findings_add(f, "version", VERDICT_WRONG,
					  "the card has command set %u.%u, libnpu %s knows %u.%u",
					  isa >> 16, isa & 0xffff, npu_version(), NPU_ISA_MAJOR,
					  NPU_ISA_MINOR),
			     "install a libnpu that knows the card");
		return false;
	}
	findings_add(f, "version", VERDICT_OK, "driver and libnpu %s agree; command set %u.%u",
		     npu_version(), isa >> 16, isa & 0xffff);
	return true;
}

static bool check_wedged(struct findings *f, const struct card *card)
{
	int64_t wedged;

	if (!card_read(card, "npu/wedged", &wedged))
		return true;
	if (wedged)
		finding_mend(
			findings_add(f, "state", VERDICT_WRONG,
				     "the driver has given the card up: no reset helped"),
			"sudo npuctl reset --device %s; if that fails, power the machine off and "
			"on",
			card->pci);
	else
		findings_add(f, "state", VERDICT_OK, "the card takes jobs");
	return !wedged;
}

static void check_iommu(struct findings *f, const struct card *card)
{
	char type[32], path[PATH_MAX];

	system_path(path, CARD_FILE, card->pci, "iommu_group");
	if (access(path, F_OK)) {
		finding_mend(
			findings_add(f, "iommu", VERDICT_NOTE,
				     "no IOMMU confines the card: its DMA reaches all memory"),
			"switch VT-d or AMD-Vi on in the firmware, and boot with intel_iommu=on");
		return;
	}
	system_line(type, sizeof(type), CARD_FILE, card->pci, "iommu_group/type");
	if (!strcmp(type, "identity"))
		finding_mend(findings_add(f, "iommu", VERDICT_NOTE,
					  "the IOMMU lets the card's DMA through to all memory"),
			     "boot without iommu=pt");
	else
		findings_add(f, "iommu", VERDICT_OK, "an IOMMU confines the card's DMA");
}

static void check_link(struct findings *f, const struct card *card)
{
	char best_speed[32], best_width[8];

	system_line(best_speed, sizeof(best_speed), CARD_FILE, card->pci, "max_link_speed");
	system_line(best_width, sizeof(best_width), CARD_FILE, card->pci, "max_link_width");
	if (!card->link_speed[0] || !best_speed[0] || !strcmp(card->link_speed, "Unknown"))
		return;
	if (strtod(card->link_speed, NULL) < strtod(best_speed, NULL) ||
	    atoi(card->link_width) < atoi(best_width))
		finding_mend(findings_add(f, "link", VERDICT_NOTE,
					  "the link runs at %s x%s, the card could do %s x%s",
					  card->link_speed, card->link_width, best_speed,
					  best_width),
			     "seat the card anew, or give it a better slot; sudo lspci -vv -s %s",
			     card->pci);
	else
		findings_add(f, "link", VERDICT_OK, "the link runs at its best, %s x%s",
			     card->link_speed, card->link_width);
}

static void check_temperature(struct findings *f, const struct card *card)
{
	int64_t now, critical;

	if (!card_read(card, "hwmon/hwmon*/temp1_input", &now) ||
	    !card_read(card, "hwmon/hwmon*/temp1_crit", &critical))
		return;
	if (now >= critical)
		finding_mend(findings_add(f, "temperature", VERDICT_WRONG,
					  "%.1f °C, and it throttles from %.1f °C on", now * 1e-3,
					  critical * 1e-3),
			     "see to its cooling; npuctl top shows whether it helps");
	else
		findings_add(f, "temperature", VERDICT_OK, "%.1f °C, throttling begins at %.1f °C",
			     now * 1e-3, critical * 1e-3);
}

/* The total of a file of PCI's error counters; its last line is "TOTAL_ERR_... N". */
static int64_t aer_total(const struct card *card, const char *file)
{
	char path[PATH_MAX], line[128];
	int64_t total = 0;
	FILE *in;

	card_path(card, file, path, sizeof(path));
	in = fopen(path, "re");
	if (!in)
		return -1;
	while (fgets(line, sizeof(line), in))
		if (!strncmp(line, "TOTAL_ERR", 9))
			sscanf(line, "%*s %" SCNd64, &total);
	fclose(in);
	return total;
}

static void check_aer(struct findings *f, const struct card *card)
{
	int64_t fatal = aer_total(card, "aer_dev_fatal");
	int64_t nonfatal = aer_total(card, "aer_dev_nonfatal");
	int64_t corrected = aer_total(card, "aer_dev_correctable");

	if (fatal < 0 || nonfatal < 0 || corrected < 0)
		return;
	if (fatal || nonfatal || corrected)
		finding_mend(findings_add(f, "pcie-errors",
					  fatal || nonfatal ? VERDICT_WRONG : VERDICT_NOTE,
					  "errors of the link: %" PRId64 " fatal, %" PRId64
					  " others, %" PRId64 " corrected",
					  fatal, nonfatal, corrected),
			     "seat the card anew, or give it another slot; sudo dmesg | grep AER");
	else
		findings_add(f, "pcie-errors", VERDICT_OK, "no errors of the link");
}

static void check_counts(struct findings *f, const struct card *card)
{
	int64_t jobs, errors, timeouts, resets;

	if (!card_read(card, "npu/jobs", &jobs) || !card_read(card, "npu/errors", &errors) ||
	    !card_read(card, "npu/timeouts", &timeouts) || !card_read(card, "npu/resets", &resets))
		return;
	if (errors || timeouts || resets)
		finding_mend(findings_add(f, "jobs", VERDICT_NOTE,
					  "of %" PRId64 " jobs %" PRId64 " failed, %" PRId64
					  " of them by timeout; %" PRId64 " resets",
					  jobs, errors, timeouts, resets),
			     "npuctl monitor tells whose the next ones are");
	else
		findings_add(f, "jobs", VERDICT_OK, "%" PRId64 " jobs, all of them went well",
			     jobs);
}

static void check_dump(struct findings *f, const struct card *card)
{
	char path[PATH_MAX];

	card_path(card, "devcoredump/data", path, sizeof(path));
	if (!access(path, F_OK))
		finding_mend(findings_add(f, "dump", VERDICT_NOTE,
					  "there is a post-mortem of something that went wrong"),
			     "sudo npuctl dump --device %s", card->pci);
}

bool doctor_card(struct findings *f, const struct card_list *list, const struct card *card)
{
	bool usable;

	f->card = card;
	usable = check_access(f, list, card);
	/* A card that was given up cannot be asked what it is. */
	usable = check_wedged(f, card) && usable;
	if (usable)
		usable = check_version(f, card);
	check_iommu(f, card);
	check_link(f, card);
	check_temperature(f, card);
	check_aer(f, card);
	check_counts(f, card);
	check_dump(f, card);
	f->card = NULL;
	return usable;
}
