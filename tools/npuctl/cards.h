/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The cards of this machine as PCI, the module and sysfs know them, whether or not one can be
 * opened.
 */
#ifndef NPUCTL_CARDS_H
#define NPUCTL_CARDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct npu_device;

enum module_state {
	MODULE_ABSENT, /* not loaded */
	MODULE_COMING, /* loading or going */
	MODULE_LIVE,
	MODULE_UNKNOWN, /* this system does not tell */
};

/** struct card - a card; texts are empty where nothing is known */
struct card {
	char pci[16]; /* "0000:01:00.0" */
	uint16_t vendor, device;
	uint8_t revision;
	char product[96]; /* of the PCI id list, or what we call it */
	char driver[32]; /* bound to it */
	char link_speed[32], link_width[8]; /* as they are */
	char name[32]; /* "accel0" */
	char node[64]; /* "/dev/accel/accel0" */
	bool accessible; /* the caller may open the node */
	char owner[32], group[32]; /* of the node, names or numbers */
	mode_t mode; /* its permissions */
};

/** struct card_list - all of them, in PCI order, and the module npu */
struct card_list {
	struct card *cards;
	size_t count;
	enum module_state module;
};

/** cards_gather() - look at the machine; never fails: what cannot be read is not there */
void cards_gather(struct card_list *list);
void cards_free(struct card_list *list);

/** module_state_name() - "live", "not loaded" ... */
const char *module_state_name(enum module_state state);

/** card_find() - the card of that name, node or PCI address; NULL: none */
const struct card *card_find(const struct card_list *list, const char *name);

/**
 * card_path() - the path of one of the card's files in sysfs
 * @file: below /sys/bus/pci/devices/<address>/; a '*' stands for the one directory that is there
 * @path: empty if there is none
 */
void card_path(const struct card *card, const char *file, char *path, size_t size);

/**
 * card_read() - a number of the card's in sysfs
 * @file: as of card_path()
 *
 * Returns false where there is none.
 */
bool card_read(const struct card *card, const char *file, int64_t *value);

/**
 * device_open() - npu_open() for a command that needs a device
 *
 * Returns NPUCTL_DONE; else what is wrong and what to do has been said, and the exit code is
 * returned.
 */
int device_open(struct npu_device **dev, const char *name);

#define ADVICE_SIZE 256

/** struct advice - what is wrong, and what mends it */
struct advice {
	char wrong[ADVICE_SIZE], mend[ADVICE_SIZE];
};

/** card_advice() - what keeps the caller from opening a card; false: nothing does */
bool card_advice(const struct card_list *list, const struct card *card, struct advice *advice);

/**
 * device_advice() - says what to do when @name could not be opened for @error; returns the exit
 * code
 */
int device_advice(const struct card_list *list, const char *name, int error, const char *text);

#endif
