// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Gathering what is known of cards: libpci for the bus, libkmod for the module, sysfs for links and
 * sensors, libnpu for nodes.
 */
#include "cards.h"

#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <inttypes.h>
#include <libkmod.h>
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
#include "npu/npu.h"

#include "command.h"

#define SYS_PCI	  "/sys/bus/pci/devices"
#define MODULE	  "npu"
#define MAX_NODES 256

static enum module_state find_module(void)
{
	enum module_state state = MODULE_UNKNOWN;
	struct kmod_module *mod;
	struct kmod_ctx *ctx;

	if (access("/sys/module", F_OK))
		return MODULE_UNKNOWN;
	ctx = kmod_new(NULL, NULL);
	if (!ctx)
		return MODULE_UNKNOWN;
	/* Where the running kernel has no folder of modules, libkmod would tell stderr. */
	kmod_set_log_priority(ctx, 0);
	if (!kmod_module_new_from_name(ctx, MODULE, &mod)) {
		switch (kmod_module_get_initstate(mod)) {
		case KMOD_MODULE_LIVE:
		case KMOD_MODULE_BUILTIN:
			state = MODULE_LIVE;
			break;
		case KMOD_MODULE_COMING:
		case KMOD_MODULE_GOING:
			state = MODULE_COMING;
			break;
		default:
			state = MODULE_ABSENT;
			break;
		}
		kmod_module_unref(mod);
	}
	kmod_unref(ctx);
	return state;
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

/* First line of a file of the card's in sysfs; empty if there is none. */
static void read_line(const char *pci, const char *file, char *text, size_t size)
{
	char path[PATH_MAX];
	FILE *f;

	text[0] = 0;
	snprintf(path, sizeof(path), SYS_PCI "/%s/%s", pci, file);
	f = fopen(path, "re");
	if (!f)
		return;
	if (!fgets(text, size, f))
		text[0] = 0;
	text[strcspn(text, "\n")] = 0;
	fclose(f);
}

bool card_read(const struct card *card, const char *file, int64_t *value)
{
	char pattern[PATH_MAX], text[64] = "", *end;
	glob_t found;
	FILE *f;

	snprintf(pattern, sizeof(pattern), SYS_PCI "/%s/%s", card->pci, file);
	if (glob(pattern, 0, NULL, &found))
		return false;
	f = fopen(found.gl_pathv[0], "re");
	globfree(&found);
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
			       PCI_LOOKUP_VENDOR | PCI_LOOKUP_DEVICE | PCI_LOOKUP_NO_NUMBERS,
			       d->vendor_id, d->device_id);
	snprintf(card->product, sizeof(card->product), "%s", name ? name : "npu accelerator");
	driver = pci_get_string_property(d, PCI_FILL_DRIVER);
	if (driver)
		snprintf(card->driver, sizeof(card->driver), "%s", driver);
	read_line(card->pci, "current_link_speed", card->link_speed, sizeof(card->link_speed));
	read_line(card->pci, "current_link_width", card->link_width, sizeof(card->link_width));
}

static int by_address(const void *a, const void *b)
{
	return strcmp(((const struct card *)a)->pci, ((const struct card *)b)->pci);
}

static void scan_bus(struct card_list *list)
{
	struct pci_access *access_;
	struct pci_dev *d;

	/* Without a bus libpci would go on to look at I/O ports. */
	if (access(SYS_PCI, F_OK))
		return;
	access_ = pci_alloc();
	access_->method = PCI_ACCESS_SYS_BUS_PCI;
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

static void describe_node(struct card *card, const struct npu_device_entry *e)
{
	struct passwd *user;
	struct group *group;
	struct stat st;

	_Static_assert(sizeof(card->name) == sizeof(e->name), "names as libnpu has them");
	_Static_assert(sizeof(card->node) == sizeof(e->node), "nodes as libnpu has them");
	memcpy(card->name, e->name, sizeof(card->name));
	memcpy(card->node, e->node, sizeof(card->node));
	card->accessible = e->accessible;
	if (stat(e->node, &st))
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

void cards_gather(struct card_list *list)
{
	static struct npu_device_entry nodes[MAX_NODES];
	int count;

	memset(list, 0, sizeof(*list));
	list->module = find_module();
	scan_bus(list);
	count = npu_device_list(nodes, MAX_NODES);
	for (int i = 0; i < count && i < MAX_NODES; i++)
		for (size_t c = 0; c < list->count; c++)
			if (!strcmp(nodes[i].pci, list->cards[c].pci))
				describe_node(&list->cards[c], &nodes[i]);
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
