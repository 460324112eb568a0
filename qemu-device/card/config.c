// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The options of a card: one table that QEMU's properties, "sim:" strings, documentation and the
 * checks of ranges are all made from. Nothing else knows a default or a range.
 */
#include "card.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "npu/hw/regs.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define OPTION(name, type, field, min, max, help) \
	{ name, NPU_OPTION_##type, offsetof(struct npu_card_config, field), min, max, help }

const struct npu_card_option npu_card_options[] = {
	OPTION("cores", U32, cores, 1, NPU_MAX_CORES, "cores"),
	OPTION("rings", U32, rings, 1, NPU_MAX_RINGS, "hardware rings"),
	OPTION("spm", SIZE32, spm_size, 64 * KIB, 256 * MIB, "scratchpad of a core, in bytes"),
	OPTION("acc", SIZE32, acc_size, 4 * KIB, 64 * MIB,
	       "accumulator memory of a core, in bytes"),
	OPTION("lmem", SIZE64, lmem_size, 2 * MIB, 1024 * GIB, "local memory, in bytes"),
	OPTION("array-rows", U32, array_rows, 1, 1024, "rows of the MXU's array"),
	OPTION("array-cols", U32, array_cols, 1, 1024, "columns of the MXU's array"),
	OPTION("clock-mhz", U32, clock_mhz, 1, 10000, "clock that modelled cycles are of, in MHz"),
	OPTION("vpu-lanes", U32, vpu_lanes, 1, 65536, "elements the VPU takes a cycle"),
	OPTION("weight-rows", U32, weight_rows, 1, 1024,
	       "weight rows loaded into the array a cycle"),
	OPTION("dw-channels", U32, dw_channels, 1, 4096, "depthwise: channels a cycle"),
	OPTION("dw-taps", U32, dw_taps, 1, 1024, "depthwise: taps of each of them a cycle"),
	OPTION("float-div", U32, float_div, 1, 64, "bf16 and fp16 run at 1/this of int8's rate"),
	OPTION("lmem-bw", U32, lmem_bw, 1, 65536,
	       "local memory, bytes a cycle of all cores together"),
	OPTION("lmem-latency", U32, lmem_latency, 0, 1000000,
	       "local memory, cycles until data arrive"),
	OPTION("pcie-bw", U32, pcie_bw, 1, 65536, "PCIe, bytes a cycle of all cores together"),
	OPTION("pcie-latency", U32, pcie_latency, 0, 1000000, "PCIe, cycles until data arrive"),
	OPTION("cmd-cycles", U32, cmd_cycles, 0, 1000000, "cycles to start a command"),
	OPTION("barrier-cycles", U32, barrier_cycles, 0, 1000000,
	       "cycles from a gang's last arrival at a barrier to its release"),
	OPTION("mac-fj", U32, mac_fj, 0, 1000000000,
	       "energy of an int8 multiply-accumulate, in fJ"),
	OPTION("lmem-fj", U32, lmem_fj, 0, 1000000000, "energy of a byte of local memory, in fJ"),
	OPTION("pcie-fj", U32, pcie_fj, 0, 1000000000, "energy of a byte over PCIe, in fJ"),
	OPTION("vpu-fj", U32, vpu_fj, 0, 1000000000, "energy of a VPU element operation, in fJ"),
	OPTION("idle-mw", U32, idle_mw, 0, 1000000, "power of the idle card, in mW"),
	OPTION("check", BOOL, check, 0, 1, "find missing semaphores and unwritten reads"),
	OPTION("inject", BOOL, inject, 0, 1, "accept HANG commands, and faults injected from outside"),
	OPTION("timing-real", BOOL, timing_real, 0, 1, "completions wait for the modelled time"),
};

const size_t npu_card_option_count = sizeof(npu_card_options) / sizeof(npu_card_options[0]);

void npu_card_config_default(struct npu_card_config *cfg)
{
	*cfg = (struct npu_card_config){
		.cores = 2,
		.rings = 16,
		.spm_size = 2 * MIB,
		.acc_size = 256 * KIB,
		.lmem_size = GIB,
		.array_rows = 64,
		.array_cols = 64,
		.clock_mhz = 1000,
		.vpu_lanes = 128,
		.weight_rows = 2,
		.dw_channels = 64,
		.dw_taps = 9,
		.float_div = 4,
		.lmem_bw = 128,
		.lmem_latency = 100,
		.pcie_bw = 16,
		.pcie_latency = 800,
		.cmd_cycles = 4,
		.barrier_cycles = 32,
		.mac_fj = 200,
		.lmem_fj = 32000,
		.pcie_fj = 60000,
		.vpu_fj = 1000,
		.idle_mw = 4000,
		.check = true,
	};
}

__attribute__((format(printf, 3, 4))) static int fail(char *err, size_t size, const char *fmt, ...)
{
	va_list ap;

	if (err && size) {
		va_start(ap, fmt);
		vsnprintf(err, size, fmt, ap);
		va_end(ap);
	}
	return -EINVAL;
}

uint64_t npu_card_option_get(const struct npu_card_config *cfg, const struct npu_card_option *o)
{
	const char *p = (const char *)cfg + o->offset;

	switch (o->type) {
	case NPU_OPTION_U32:
	case NPU_OPTION_SIZE32:
		return *(const uint32_t *)p;
	case NPU_OPTION_U64:
	case NPU_OPTION_SIZE64:
		return *(const uint64_t *)p;
	case NPU_OPTION_BOOL:
		return *(const bool *)p;
	}
	return 0;
}

static void option_set(struct npu_card_config *cfg, const struct npu_card_option *o, uint64_t value)
{
	char *p = (char *)cfg + o->offset;

	switch (o->type) {
	case NPU_OPTION_U32:
	case NPU_OPTION_SIZE32:
		*(uint32_t *)p = value;
		break;
	case NPU_OPTION_U64:
	case NPU_OPTION_SIZE64:
		*(uint64_t *)p = value;
		break;
	case NPU_OPTION_BOOL:
		*(bool *)p = value;
		break;
	}
}

static bool is_size(const struct npu_card_option *o)
{
	return o->type == NPU_OPTION_SIZE32 || o->type == NPU_OPTION_SIZE64;
}

static int check_range(const struct npu_card_option *o, uint64_t value, char *err, size_t err_size)
{
	if (value >= o->min && value <= o->max)
		return 0;
	if (is_size(o))
		return fail(err, err_size, "%s: %" PRIu64 " is not in %" PRIu64 "K .. %" PRIu64 "K",
			    o->name, value, o->min / KIB, o->max / KIB);
	return fail(err, err_size, "%s: %" PRIu64 " is not in %" PRIu64 " .. %" PRIu64, o->name,
		    value, o->min, o->max);
}

int npu_card_config_check(const struct npu_card_config *cfg, char *err, size_t err_size)
{
	for (size_t i = 0; i < npu_card_option_count; i++) {
		int ret = check_range(&npu_card_options[i], npu_card_option_get(cfg, &npu_card_options[i]),
				      err, err_size);

		if (ret)
			return ret;
	}
	if (cfg->spm_size % NPU_PAGE_SIZE)
		return fail(err, err_size, "spm: %" PRIu32 " is not a multiple of 4K",
			    cfg->spm_size);
	if (cfg->acc_size % NPU_PAGE_SIZE)
		return fail(err, err_size, "acc: %" PRIu32 " is not a multiple of 4K",
			    cfg->acc_size);
	if (cfg->lmem_size % NPU_LARGE_PAGE_SIZE)
		return fail(err, err_size, "lmem: %" PRIu64 " is not a multiple of 2M",
			    cfg->lmem_size);
	return 0;
}

static int parse_bool(const struct npu_card_option *o, const char *text, uint64_t *value, char *err,
		      size_t err_size)
{
	static const char *const words[][2] = {
		{ "off", "on" }, { "false", "true" }, { "no", "yes" }, { "0", "1" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (*value = 0; *value < 2; (*value)++) {
			if (!strcmp(text, words[i][*value]))
				return 0;
		}
	}
	return fail(err, err_size, "%s: '%s' is neither on nor off", o->name, text);
}

static int parse_number(const struct npu_card_option *o, const char *text, uint64_t *value,
			char *err, size_t err_size)
{
	uint64_t unit = 1;
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return fail(err, err_size, "%s: '%s' is not a number", o->name, text);
	errno = 0;
	*value = strtoull(text, &end, 0);
	if (is_size(o) && *end) {
		switch (*end) {
		case 'k':
		case 'K':
			unit = KIB;
			break;
		case 'm':
		case 'M':
			unit = MIB;
			break;
		case 'g':
		case 'G':
			unit = GIB;
			break;
		default:
			unit = 0;
		}
		end++;
	}
	if (*end || !unit)
		return fail(err, err_size, "%s: '%s' is not a number%s", o->name, text,
			    is_size(o) ? " with K, M or G" : "");
	if (errno || *value > UINT64_MAX / unit)
		return fail(err, err_size, "%s: '%s' is too large", o->name, text);
	*value *= unit;
	return 0;
}

static int parse_one(struct npu_card_config *cfg, char *item, char *err, size_t err_size)
{
	char *equals = strchr(item, '=');
	uint64_t value = 0;
	int ret;

	if (!equals)
		return fail(err, err_size, "'%s' is not name=value", item);
	*equals = '\0';
	for (size_t i = 0; i < npu_card_option_count; i++) {
		const struct npu_card_option *o = &npu_card_options[i];

		if (strcmp(item, o->name))
			continue;
		if (o->type == NPU_OPTION_BOOL)
			ret = parse_bool(o, equals + 1, &value, err, err_size);
		else
			ret = parse_number(o, equals + 1, &value, err, err_size);
		if (!ret)
			ret = check_range(o, value, err, err_size);
		if (!ret)
			option_set(cfg, o, value);
		return ret;
	}
	return fail(err, err_size, "no option is called '%s'", item);
}

int npu_card_config_parse(struct npu_card_config *cfg, const char *text, char *err, size_t err_size)
{
	struct npu_card_config changed = *cfg;
	char *copy, *item, *next;
	int ret = 0;

	copy = strdup(text);
	if (!copy)
		return fail(err, err_size, "out of memory");
	for (item = copy; !ret && item && *copy; item = next) {
		next = strchr(item, ',');
		if (next)
			*next++ = '\0';
		ret = parse_one(&changed, item, err, err_size);
	}
	free(copy);
	if (!ret)
		ret = npu_card_config_check(&changed, err, err_size);
	if (!ret)
		*cfg = changed;
	return ret;
}
