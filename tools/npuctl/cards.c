// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Gathering what is known of cards: libpci for the bus, sysfs for the module, links, sensors and
 * nodes.
 */
#include "cards.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pci/pci.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "npu/hw/regs.h"

#include "command.h"
#include "system.h"

#define SYS_PCI "/sys/bus/pci/devices"

static enum module_state find_module(void)
{
	char path[PATH_MAX], state[16];

	system_path(path, "/sys/module");
	if (access(path, F_OK))
		return MODULE_UNKNOWN;
	system_path(path, "/sys/module/npu");
	if (access(path, F_OK))
		return MODULE_ABSENT;
	system_line(state, sizeof(state), "/sys/module/npu/initstate");
	return strcmp(state, "live") ? MODULE_COMING : MODULE_LIVE;
}

const char *module_state_name(enum module_state state)
{
	static const char *const names[] = {
		[MODULE_ABSENT] = "not loaded",
		[MODULE_COMING] = "loading",
		[MODULE_LIVE] = "live",
		[MODULE_UNKNOWN] = "unknown",
	};

	return names[state];
}

void card_path(const struct card *card, const char *file, char *path, size_t size)
{
	char whole[PATH_MAX];
	glob_t found;

	path[0] = 0;
	system_path(whole, SYS_PCI "/%s/%s", card->pci, file);
	if (strchr(file, '*')) {
		if (glob(whole, 0, NULL, &found))
			return;
		snprintf(path, size, "%s", found.gl_pathv[0]);
		globfree(&found);
		return;
	}
	snprintf(path, size, "%s", whole);
}

bool card_read(const struct card *card, const char *file, int64_t *value)
{
	char path[PATH_MAX], text[64] = "", *end;
	FILE *f;

	card_path(card, file, path, sizeof(path));
	f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	fclose(f);
	*value = strtoll(text, &end, 10);
	return end != text;
}

/* libpci gives up by this and must not come back. */
static void pci_gave_up(char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void pci_gave_up(char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	exit(complain(NPUCTL_FAILED, "cannot read the PCI bus: %s", text));
}

static void pci_warned(char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void pci_warned(char *fmt, ...)
{
	(void)fmt;
}

static struct card *add_card(struct card_list *list)
{
	struct card *more = reallocarray(list->cards, list->count + 1, sizeof(*more));

	if (!more)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	list->cards = more;
	memset(&more[list->count], 0, sizeof(*more));
	return &more[list->count++];
}

static void describe(struct pci_access *access, struct pci_dev *d, struct card *card)
{
	const char *driver, *name;

	snprintf(card->pci, sizeof(card->pci), "%04x:%02x:%02x.%x", d->domain & 0xffff, d->bus,
		 d->dev, d->func & 7);
	card->vendor = d->vendor_id;
	card->device = d->device_id;
	card->revision = pci_read_byte(d, PCI_REVISION_ID);
	name = pci_lookup_name(access, card->product, sizeof(card->product),
			       PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS |
				       PCI_LOOKUP_NO_HWDB,
			       d->vendor_id, d->device_id);
	snprintf(card->product, sizeof(card->product), "%s", name ? name : "npu accelerator");
	driver = pci_get_string_property(d, PCI_FILL_DRIVER);
	if (driver)
		snprintf(card->driver, sizeof(card->driver), "%s", driver);
	system_line(card->link_speed, sizeof(card->link_speed), SYS_PCI "/%s/current_link_speed",
		    card->pci);
	system_line(card->link_width, sizeof(card->link_width), SYS_PCI "/%s/current_link_width",
		    card->pci);
}

static int by_address(const void *a, const void *b)
{
	return strcmp(((const struct card *)a)->pci, ((const struct card *)b)->pci);
}

static void scan_bus(struct card_list *list)
{
	struct pci_access *access_;
	char path[PATH_MAX];
	struct pci_dev *d;

	/* Without a bus libpci would go on to look at I/O ports. */
	system_path(path, SYS_PCI);
	if (access(path, F_OK))
		return;
	access_ = pci_alloc();
	access_->method = PCI_ACCESS_SYS_BUS_PCI;
	system_path(path, "/sys/bus/pci");
	pci_set_param(access_, "sysfs.path", path);
	access_->error = pci_gave_up;
	access_->warning = pci_warned;
	pci_init(access_);
	pci_scan_bus(access_);
	for (d = access_->devices; d; d = d->next) {
		pci_fill_info(d, PCI_FILL_IDENT | PCI_FILL_DRIVER);
		if (d->vendor_id == NPU_PCI_VENDOR_ID && d->device_id == NPU_PCI_DEVICE_ID)
			describe(access_, d, add_card(list));
	}
	pci_cleanup(access_);
	if (list->count)
		qsort(list->cards, list->count, sizeof(*list->cards), by_address);
}

/* Of a snapshot: "OWNER GROUP MODE yes|no" in the node's place. */
static void recorded_node(struct card *card)
{
	char line[128], may[8] = "";
	unsigned int mode = 0;

	if (!system_line(line, sizeof(line), "%s", card->node))
		return;
	sscanf(line, "%31s %31s %o %7s", card->owner, card->group, &mode, may);
	card->mode = mode;
	card->accessible = !strcmp(may, "yes");
}

static void real_node(struct card *card)
{
	struct passwd *user;
	struct group *group;
	struct stat st;

	card->accessible = !access(card->node, R_OK | W_OK);
	if (stat(card->node, &st))
		return;
	user = getpwuid(st.st_uid);
	group = getgrgid(st.st_gid);
	card->mode = st.st_mode & 07777;
	if (user)
		snprintf(card->owner, sizeof(card->owner), "%s", user->pw_name);
	else
		snprintf(card->owner, sizeof(card->owner), "%ju", (uintmax_t)st.st_uid);
	if (group)
		snprintf(card->group, sizeof(card->group), "%s", group->gr_name);
	else
		snprintf(card->group, sizeof(card->group), "%ju", (uintmax_t)st.st_gid);
}

static void describe_node(struct card *card)
{
	char path[PATH_MAX];
	const char *name;

	card_path(card, "accel/accel*", path, sizeof(path));
	name = strrchr(path, '/');
	if (!name || strlen(name + 1) >= sizeof(card->name))
		return;
	strcpy(card->name, name + 1);
	snprintf(card->node, sizeof(card->node), "/dev/accel/%s", card->name);
	if (*system_root())
		recorded_node(card);
	else
		real_node(card);
}

void cards_gather(struct card_list *list)
{
	memset(list, 0, sizeof(*list));
	list->module = find_module();
	scan_bus(list);
	for (size_t c = 0; c < list->count; c++)
		describe_node(&list->cards[c]);
}

void cards_free(struct card_list *list)
{
	free(list->cards);
	memset(list, 0, sizeof(*list));
}

const struct card *card_find(const struct card_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct card *c = &list->cards[i];

		if (!strcmp(name, c->pci) ||
		    (c->name[0] && (!strcmp(name, c->name) || !strcmp(name, c->node))))
			return c;
	}
	return NULL;
}
