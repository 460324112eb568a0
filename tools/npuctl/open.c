// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Opening the device a command needs; and when that fails, finding out why and telling what to do
 * next.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/hw/regs.h"
#include "npu/npu.h"

#include "cards.h"
#include "command.h"

static int no_card(const char *name)
{
	if (name)
		complain(0, "there is no device \"%s\" and no NPU card in this machine", name);
	else
		complain(0, "there is no NPU card in this machine");
	return complain(NPUCTL_NO_DEVICE,
			"lspci -d %04x:%04x would show one; --device sim: is a simulated card",
			NPU_PCI_VENDOR_ID, NPU_PCI_DEVICE_ID);
}

static void __attribute__((format(printf, 2, 3))) put(char text[ADVICE_SIZE], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, ADVICE_SIZE, fmt, ap);
	va_end(ap);
}

static void no_driver(const struct card_list *list, const struct card *card, struct advice *a)
{
	if (list->module == MODULE_ABSENT) {
		put(a->wrong, "the card %s is there, but the module npu is not loaded", card->pci);
		put(a->mend,
		    "load it: sudo modprobe npu (where it is not installed: make module, then sudo "
		    "insmod the npu.ko it names)");
	} else if (card->driver[0] && strcmp(card->driver, "npu")) {
		put(a->wrong, "the card %s is bound to the driver %s", card->pci, card->driver);
		put(a->mend,
		    "give it back: echo %s | sudo tee /sys/bus/pci/devices/%s/driver/unbind "
		    "/sys/bus/pci/drivers/npu/bind",
		    card->pci, card->pci);
	} else {
		put(a->wrong, "the card %s is there, but its driver did not start it", card->pci);
		put(a->mend, "the kernel's log tells why: sudo dmesg | grep npu");
	}
}

static void no_permission(const struct card *card, struct advice *a)
{
	put(a->wrong, "no permission on %s (%s:%s, mode %04o)", card->node, card->owner,
	    card->group, (unsigned int)card->mode);
	if ((card->mode & 0060) == 0060 && strcmp(card->group, "root"))
		put(a->mend, "join the group %s: sudo usermod -a -G %s $USER, then log in again",
		    card->group, card->group);
	else
		put(a->mend,
		    "give it to a group, as udev does with accel nodes: sudo chgrp render %s; "
		    "sudo chmod 660 %s; the group's members may use the card",
		    card->node, card->node);
}

bool card_advice(const struct card_list *list, const struct card *card, struct advice *a)
{
	if (!card->node[0])
		no_driver(list, card, a);
	else if (!card->accessible)
		no_permission(card, a);
	else
		return false;
	return true;
}

static int say(const struct advice *a)
{
	complain(0, "%s", a->wrong);
	return complain(NPUCTL_NO_DEVICE, "%s", a->mend);
}

int device_advice(const struct card_list *list, const char *name, int error, const char *text)
{
	const struct card *card = NULL;
	struct advice a;

	if (name && *name) {
		card = card_find(list, name);
	} else {
		/* The one that npu_open() would have taken. */
		for (size_t i = 0; i < list->count && !card; i++)
			if (list->cards[i].node[0])
				card = &list->cards[i];
		if (!card && list->count)
			card = &list->cards[0];
	}
	switch (error) {
	case -EACCES:
	case -EPERM:
		if (card && card->node[0]) {
			no_permission(card, &a);
			return say(&a);
		}
		break;
	case -ENODEV:
	case -ENOENT:
		if (!list->count)
			return no_card(name && *name ? name : NULL);
		if (!card) {
			complain(0, "there is no device \"%s\"", name);
			return complain(NPUCTL_NO_DEVICE, "npuctl list tells which there are");
		}
		if (!card->node[0]) {
			no_driver(list, card, &a);
			return say(&a);
		}
		break;
	case -EINVAL:
		return complain(NPUCTL_USAGE, "%s", text);
	}
	return complain(NPUCTL_NO_DEVICE, "cannot open the device: %s", text);
}

int device_open(struct npu_device **dev, const char *name)
{
	struct card_list list;
	char text[256];
	int error, code;

	if (!name)
		name = getenv("NPU_DEVICE");
	error = npu_open(dev, name);
	if (!error)
		return NPUCTL_DONE;
	snprintf(text, sizeof(text), "%s", npu_error());
	cards_gather(&list);
	code = device_advice(&list, name, error, text);
	cards_free(&list);
	return code;
}
