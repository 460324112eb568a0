/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The card as its homes see it (QEMU's PCI front, libnpu's simulator, tests, fuzzers): make one
 * from a configuration, give it a way to reach the host's memory and to interrupt, read and write
 * its registers.
 *
 * Threads: each core of the card has a host thread of its own, and one more thread fetches and
 * schedules. Register accesses may come from any one thread at a time (QEMU's big lock, a
 * simulator's mutex) and never wait for a core. The calls of struct npu_card_host come from the
 * card's threads.
 */
#ifndef NPU_CARD_H
#define NPU_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct npu_card;

/**
 * struct npu_card_config - a card that may not exist yet; the capability registers tell the same
 *
 * npu_card_config_default() gives the default card, npu_card_config_parse() changes it by name.
 */
struct npu_card_config {
	uint32_t cores;
	uint32_t rings;
	uint32_t spm_size;		/* bytes a core */
	uint32_t acc_size;		/* bytes a core */
	uint64_t lmem_size;		/* bytes */
	uint32_t array_rows;
	uint32_t array_cols;
	uint32_t clock_mhz;
	uint32_t vpu_lanes;
	uint32_t weight_rows;
	uint32_t dw_channels;
	uint32_t dw_taps;
	uint32_t float_div;
	uint32_t lmem_bw;		/* bytes a cycle, all cores */
	uint32_t lmem_latency;		/* cycles */
	uint32_t pcie_bw;		/* bytes a cycle, all cores */
	uint32_t pcie_latency;		/* cycles */
	uint32_t cmd_cycles;
	uint32_t barrier_cycles;
	uint32_t mac_fj;		/* femtojoules an int8 MAC */
	uint32_t lmem_fj;		/* a byte */
	uint32_t pcie_fj;		/* a byte */
	uint32_t vpu_fj;		/* an element operation */
	uint32_t idle_mw;
	bool check;			/* the hazard checker */
	bool inject;			/* faults may be injected; HANG commands are accepted */
	bool timing_real;		/* completions wait for the modelled time */
};

/** npu_card_config_default() - the default card of docs/hardware.md */
void npu_card_config_default(struct npu_card_config *cfg);

/**
 * npu_card_config_parse() - change a configuration by "name=value,name=value"
 * @cfg: changed only when all of @text is good
 * @text: names are those of npu_card_options; sizes take K, M, G; switches on, off
 * @err: filled with what is wrong, naming the option
 * @err_size: of @err
 *
 * Returns 0 or -EINVAL.
 */
int npu_card_config_parse(struct npu_card_config *cfg, const char *text, char *err,
			  size_t err_size);

/**
 * npu_card_config_check() - 0, or -EINVAL with @err saying which option is out of its range and
 * what the range is
 */
int npu_card_config_check(const struct npu_card_config *cfg, char *err, size_t err_size);

enum npu_card_option_type {
	NPU_OPTION_U32,
	NPU_OPTION_U64,
	NPU_OPTION_SIZE32,
	NPU_OPTION_SIZE64,
	NPU_OPTION_BOOL,
};

/**
 * struct npu_card_option - one option, the same in QEMU's -device, in "sim:" and in documentation
 */
struct npu_card_option {
	const char *name;		/* "cores", "spm", "acc", "lmem", "rings", "check", ... */
	enum npu_card_option_type type;
	size_t offset;			/* in struct npu_card_config */
	uint64_t min, max;
	const char *help;		/* one line */
};

extern const struct npu_card_option npu_card_options[];
extern const size_t npu_card_option_count;

/** npu_card_option_get() - its value in @cfg, 0 or 1 for a switch */
uint64_t npu_card_option_get(const struct npu_card_config *cfg, const struct npu_card_option *o);

enum npu_card_log { NPU_LOG_GUEST_ERROR, NPU_LOG_TRACE };

/**
 * struct npu_card_host - how the card reaches the world
 *
 * All are called from the card's threads, without any lock of the card that a register access
 * takes; @unmap also by npu_card_bus_master(), _reset(), _pause() and _free(). These wait for calls
 * under way, so no call may wait for the thread that is in one of them.
 */
struct npu_card_host {
	/**
	 * @map: host pointer to bus address @bus for at least one byte and at most *@len; *@len
	 * becomes how many bytes are there. NULL where nothing answers, or where this memory can
	 * only be read and written by copying. Valid until @unmap.
	 */
	void *(*map)(void *opaque, uint64_t bus, uint64_t *len, bool write);
	/**
	 * @unmap: ends a mapping; @len as @map returned it, @dirty bytes of it, from its start,
	 * may have been written
	 */
	void (*unmap)(void *opaque, void *ptr, uint64_t len, bool write, uint64_t dirty);
	/** @read: copy from bus memory; 0, or -EIO where nothing answers */
	int (*read)(void *opaque, uint64_t bus, void *buf, uint64_t len);
	/** @write: copy to bus memory; 0 or -EIO */
	int (*write)(void *opaque, uint64_t bus, const void *buf, uint64_t len);
	/** @interrupt: raise MSI-X vector @vector */
	void (*interrupt)(void *opaque, unsigned int vector);
	/**
	 * @lmem_written: local memory [@offset, @offset + @len) was written (dirty tracking); may
	 * be NULL
	 */
	void (*lmem_written)(void *opaque, uint64_t offset, uint64_t len);
	/**
	 * @log: one line without newline; may be NULL. Unlike the others it is called with a lock
	 * held and from register accesses too: it must neither wait nor call the card
	 */
	void (*log)(void *opaque, enum npu_card_log level, const char *text);
	/**
	 * @stable_map: mappings never change while the card has not been told to reset or
	 * invalidate, so @map's answers may be kept (plain RAM, no IOMMU)
	 */
	bool stable_map;
};

/**
 * npu_card_new() - power on a card
 * @cfg: copied
 * @host: copied
 * @opaque: passed to the calls of @host
 * @lmem: cfg->lmem_size bytes of zeroed memory, the owner's, 4 KiB aligned
 * @err: filled with a message on failure
 * @err_size: of @err
 *
 * Bus-master is off. Returns NULL on failure.
 */
struct npu_card *npu_card_new(const struct npu_card_config *cfg, const struct npu_card_host *host,
			      void *opaque, void *lmem, char *err, size_t err_size);

/** npu_card_free() - drain, stop all threads, free. NULL is allowed */
void npu_card_free(struct npu_card *card);

/** npu_card_config_get() - the configuration it was made from */
const struct npu_card_config *npu_card_config_get(const struct npu_card *card);

/** npu_card_regs_size() - bytes of BAR0, a power of two */
uint64_t npu_card_regs_size(const struct npu_card *card);

/**
 * npu_card_read() - read a 32-bit register; other sizes and misaligned offsets are guest errors and
 * read 0
 * npu_card_write() - write one; doorbells included
 *
 * Never block.
 */
uint32_t npu_card_read(struct npu_card *card, uint64_t offset, unsigned int size);
void npu_card_write(struct npu_card *card, uint64_t offset, uint32_t value, unsigned int size);

/**
 * npu_card_bus_master() - allow or forbid DMA and interrupts
 * npu_card_bus_forbid() - forbid them without waiting for what is under way: first, where the host
 *	refuses calls under way so that npu_card_bus_master(card, false) has an end
 *
 * Off: returns when no access of the card to host memory is under way any more; jobs that need one
 * end with NPU_JOB_BUS.
 */
void npu_card_bus_master(struct npu_card *card, bool on);
void npu_card_bus_forbid(struct npu_card *card);

/**
 * npu_card_reset() - function-level reset, also what writing NPU_CTRL_RESET starts
 *
 * Returns when drained: registers are as after power-on (but for resets, uptime and the PCIe link),
 * no DMA of before reaches memory any more, no mapping is held. Local memory keeps its contents.
 * What of injected faults it ends, docs/hardware.md says.
 */
void npu_card_reset(struct npu_card *card);

/**
 * npu_card_pause() - stop between two commands and return when stopped; registers still answer
 * npu_card_pause_within() - likewise, but wait no longer than @ns nanoseconds
 * npu_card_pause_wake() - have a thread that waits in it return; from any thread, calls of the host too
 * npu_card_resume() - go on
 *
 * How long it takes is bounded by one command of each core, and a barrier of a gang counts as one; a
 * job that hangs or waits is at rest already. But a stream can make a single command last for hours, so
 * who cannot wait uses npu_card_pause_within(), which returns 0, -ETIMEDOUT, or -EINTR after
 * npu_card_pause_wake(). In both cases the card goes on stopping; call again, or npu_card_resume().
 *
 * Once it has stopped, what the card has written is the host's (@unmap, @lmem_written), no mapping is
 * held, and npu_card_save() (snapshot.h) can take its state.
 */
void npu_card_pause(struct npu_card *card);
int npu_card_pause_within(struct npu_card *card, uint64_t ns);
void npu_card_pause_wake(struct npu_card *card);
void npu_card_resume(struct npu_card *card);

/** npu_card_set_link() - what NPU_REG_PCIE_LINK reads */
void npu_card_set_link(struct npu_card *card, unsigned int generation, unsigned int width);

/* Faults that can be injected from outside: docs/hardware.md, "Fault injection". */
enum npu_injection {
	NPU_INJECT_WHERE,
	NPU_INJECT_SEED,
	NPU_INJECT_JOB_HANG,
	NPU_INJECT_CARD_HANG,
	NPU_INJECT_ECC_CORRECTED,
	NPU_INJECT_ECC_UNCORRECTED,
	NPU_INJECT_TEMPERATURE,
	NPU_INJECT_LOST_IRQ,
	NPU_INJECT_DROPPED_COMPLETION,
	NPU_INJECT_CORRUPT_COMPLETION,
	NPU_INJECT_BAD_PTE,
	NPU_INJECT_REMOVAL,
	NPU_INJECTIONS,
};

/**
 * struct npu_card_injection - one of them, the same as a property in QEMU and in documentation
 */
struct npu_card_injection {
	const char *name;		/* "inject-job-hang", ... */
	int64_t min, max;		/* of its value; a card may have less */
	const char *help;		/* one line */
};

extern const struct npu_card_injection npu_card_injections[NPU_INJECTIONS];

/**
 * npu_card_inject() - a fault happens, or will
 * @card: one with the option inject=on
 * @what: which
 * @value: how often, or what the table says
 *
 * NPU_INJECT_REMOVAL returns, as npu_card_reset() does, when no access of the card to host memory
 * is under way any more; the others do not wait. To put the card in again is to power it on: its
 * owner clears local memory and sets bus-master as then.
 *
 * Returns 0, -EPERM without inject=on, -ERANGE, or -ENODEV while the card is pulled out.
 */
int npu_card_inject(struct npu_card *card, enum npu_injection what, int64_t value);

/** npu_card_injected() - what is left of it; of ECC errors, how many there were */
int64_t npu_card_injected(struct npu_card *card, enum npu_injection what);

/**
 * npu_card_inject_clear() - nothing is injected any more but a removal: the card lost power; the
 * caller resets it then
 */
void npu_card_inject_clear(struct npu_card *card);

#ifdef __cplusplus
}
#endif

#endif
