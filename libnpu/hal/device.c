// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Devices: choosing one by name, and what all of them have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "nodes.h"

#define CLASS	  "/sys/class/accel"
#define NODES	  "/dev/accel"
#define MAX_CARDS 256

int npu_device_list(struct npu_device_entry *entries, int max)
{
	if (max < 0 || (max > 0 && !entries))
		return npu_fail(-EINVAL, "npu_device_list: no room for %d entries", max);
	return npu_nodes_scan(CLASS, NODES, entries, max);
}

/*
 * The card of that name, node or PCI address, or with @name NULL the first that can be opened, else
 * the first.
 */
static int find_card(const char *name, struct npu_device_entry *out)
{
	struct npu_device_entry *all;
	int count, pick = -1;

	all = calloc(MAX_CARDS, sizeof(*all));
	if (!all)
		return npu_fail(-ENOMEM, "out of memory");
	count = npu_device_list(all, MAX_CARDS);
	if (count > MAX_CARDS)
		count = MAX_CARDS;
	for (int i = 0; i < count; i++) {
		if (name ? !strcmp(name, all[i].name) || !strcmp(name, all[i].node) ||
				    !strcmp(name, all[i].pci) :
			   all[i].accessible) {
			pick = i;
			break;
		}
	}
	if (pick < 0 && !name && count > 0)
		pick = 0;
	if (pick >= 0)
		*out = all[pick];
	free(all);
	if (count < 0)
		return count;
	if (pick >= 0)
		return 0;
	if (name)
		return npu_fail(-ENODEV,
				"there is no card \"%s\" (known: names as accel0, nodes, PCI "
				"addresses; sim: is a simulated one)",
				name);
	return npu_fail(-ENODEV,
			"there is no card in this machine (none in " CLASS
			"; is the module npu loaded?); the device sim: is a simulated one");
}

int npu_open(struct npu_device **dev, const char *name)
{
	struct npu_device_entry card;
	int ret;

	if (!dev)
		return npu_fail(-EINVAL, "npu_open: dev is NULL");
	*dev = NULL;
	if (!name)
		name = getenv("NPU_DEVICE");
	if (name && !*name)
		name = NULL;
	if (name && !strncmp(name, "sim:", 4))
		return npu_sim_open(name + 4, dev);
	ret = find_card(name, &card);
	if (ret)
		return ret;
	return npu_drm_open(card.node, card.name, dev);
}

void npu_close(struct npu_device *dev)
{
	if (dev)
		npu_device_put(dev);
}

int npu_device_init(struct npu_device *dev, const struct npu_backend *backend, const char *name)
{
	dev->backend = backend;
	atomic_init(&dev->refs, 1);
	dev->name = strdup(name);
	if (!dev->name)
		return npu_fail(-ENOMEM, "out of memory");
	pthread_mutex_init(&dev->lock, NULL);
	npu_list_init(&dev->queues);
	return 0;
}

void npu_device_fini(struct npu_device *dev)
{
	pthread_mutex_destroy(&dev->lock);
	free(dev->name);
}

void npu_device_put(struct npu_device *dev)
{
	if (atomic_fetch_sub_explicit(&dev->refs, 1, memory_order_acq_rel) != 1)
		return;
	if (dev->ops)
		dev->ops_free(dev->ops);
	dev->backend->close(dev);
}

void npu_device_reap(struct npu_device *dev)
{
	struct npu_queue *some[16];
	unsigned int count, skip = 0;

	/*
	 * Reaping drops references, which takes dev->lock when a queue goes: collect a few, let go
	 * of the lock, go on.
	 */
	do {
		unsigned int i = 0;

		count = 0;
		pthread_mutex_lock(&dev->lock);
		for (struct npu_list *l = dev->queues.next; l != &dev->queues && count < 16;
		     l = l->next) {
			struct npu_queue *queue = npu_list_entry(l, struct npu_queue, node);

			if (i++ >= skip && npu_queue_try_get(queue))
				some[count++] = queue;
		}
		pthread_mutex_unlock(&dev->lock);
		for (i = 0; i < count; i++) {
			npu_queue_reap(some[i]);
			npu_queue_put(some[i]);
		}
		skip += count;
	} while (count == 16);
}

const struct npu_caps *npu_device_caps(const struct npu_device *dev)
{
	return &dev->caps;
}

const char *npu_device_name(const struct npu_device *dev)
{
	return dev->name;
}

int npu_device_memory(struct npu_device *dev, struct npu_memory_info *info)
{
	npu_device_reap(dev);
	return dev->backend->memory(dev, info);
}

int npu_device_counters(struct npu_device *dev, unsigned int core,
			struct npu_engine_counters out[4])
{
	if (core >= dev->caps.cores)
		return npu_fail(-EINVAL, "core %u: the card has %u", core, dev->caps.cores);
	return dev->backend->counters(dev, core, out);
}
