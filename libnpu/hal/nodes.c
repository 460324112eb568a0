// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Finding cards: libdrm does not enumerate accel nodes, so sysfs is read. Nodes of other drivers
 * are there too; ours have the card's PCI ids.
 */
#include "nodes.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "npu/hw/regs.h"
#include "npu/npu.h"

#include "error.h"

static bool read_hex(const char *dir, const char *entry, const char *file, unsigned int *value)
{
	char path[PATH_MAX];
	FILE *f;
	bool ok;

	if (snprintf(path, sizeof(path), "%s/%s/device/%s", dir, entry, file) >= (int)sizeof(path))
		return false;
	f = fopen(path, "re");
	if (!f)
		return false;
	ok = fscanf(f, "%x", value) == 1;
	fclose(f);
	return ok;
}

/* Fills @e if the node is a card's. */
static bool look_at(const char *class, const char *nodes, const char *entry,
		    struct npu_device_entry *e)
{
	char path[PATH_MAX], real[PATH_MAX];
	unsigned int vendor, device;
	const char *pci;

	memset(e, 0, sizeof(*e));
	if (!read_hex(class, entry, "vendor", &vendor) ||
	    !read_hex(class, entry, "device", &device) || vendor != NPU_PCI_VENDOR_ID ||
	    device != NPU_PCI_DEVICE_ID)
		return false;
	e->vendor = vendor;
	e->device = device;
	if (snprintf(e->name, sizeof(e->name), "%s", entry) >= (int)sizeof(e->name) ||
	    snprintf(e->node, sizeof(e->node), "%s/%s", nodes, entry) >= (int)sizeof(e->node) ||
	    snprintf(path, sizeof(path), "%s/%s/device", class, entry) >= (int)sizeof(path))
		return false;
	pci = realpath(path, real) ? strrchr(real, '/') : NULL;
	if (pci && strlen(pci + 1) < sizeof(e->pci))
		strcpy(e->pci, pci + 1);
	e->accessible = access(e->node, R_OK | W_OK) == 0;
	return true;
}

static int is_node(const struct dirent *d)
{
	unsigned int n;
	char end;

	return sscanf(d->d_name, "accel%u%c", &n, &end) == 1;
}

int npu_nodes_scan(const char *class, const char *nodes, struct npu_device_entry *entries, int max)
{
	struct dirent **dir;
	int count, found = 0;

	count = scandir(class, &dir, is_node, versionsort);
	if (count < 0) {
		if (errno == ENOENT)
			return 0;
		return npu_fail(-errno, "%s: %s", class, strerror(errno));
	}
	for (int i = 0; i < count; i++) {
		struct npu_device_entry e;

		if (look_at(class, nodes, dir[i]->d_name, &e)) {
			if (found < max)
				entries[found] = e;
			found++;
		}
		free(dir[i]);
	}
	free(dir);
	return found;
}
