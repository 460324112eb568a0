/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A card's state as bytes: save it from a card that is paused, load it into another with the same
 * options, and that goes on where the first one was, with the same bits, cycles and verdicts. What the
 * state is and what bounds it is said in docs/hardware.md, "State"; what it leaves to the
 * card's home is
 *
 * - memory: local memory and the host's, as they are once the card is paused,
 * - bus-master and the PCIe link, which are told to the loaded card as to a new one,
 * - interrupts that the host was told of.
 *
 * The bytes begin with a version. What is read is trusted in nothing: bytes that are no state are
 * refused, and a card never crashes of a state that it took.
 */
#ifndef NPU_CARD_SNAPSHOT_H
#define NPU_CARD_SNAPSHOT_H

#include "card.h"

#ifdef __cplusplus
extern "C" {
#endif

/** npu_snapshot_write_fn - take @len bytes; 0 or a negative errno */
typedef int npu_snapshot_write_fn(void *opaque, const void *data, size_t len);
/** npu_snapshot_read_fn - fill @len bytes; 0, or a negative errno where there are no more */
typedef int npu_snapshot_read_fn(void *opaque, void *data, size_t len);

/**
 * npu_card_save() - write the state of a card that is paused
 * @card: changed in nothing; it may be resumed, or saved again
 * @write: called many times, with none of the card's locks held
 * @opaque: for @write
 * @err: filled with what went wrong
 * @err_size: of @err
 *
 * No register is accessed meanwhile. Returns 0, -EBUSY when the card is not at rest, or what @write
 * returned.
 */
int npu_card_save(struct npu_card *card, npu_snapshot_write_fn *write, void *opaque, char *err,
		  size_t err_size);

/**
 * npu_card_load() - become what was saved
 * @card: paused and without jobs, as after power-on or npu_card_reset(); whatever its registers were.
 *	It stays paused
 * @read: called many times, likewise
 * @opaque: for @read
 * @err: filled with what went wrong
 * @err_size: of @err
 *
 * No register is accessed meanwhile. Reads exactly what was written. Returns 0, -EBUSY, what @read
 * returned, or -EINVAL for what is no state of such a card; then the card is as after power-on.
 */
int npu_card_load(struct npu_card *card, npu_snapshot_read_fn *read, void *opaque, char *err,
		  size_t err_size);

#ifdef __cplusplus
}
#endif

#endif
