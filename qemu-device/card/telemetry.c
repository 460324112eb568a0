// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Power, temperature, energy, uptime. All under npu_card.lock.
 *
 * Energy is modelled: what jobs used, and idle power over the uptime. Power and temperature are of
 * the host's time, as if modelled time took as long as the model does: a job that draws 10 W on the
 * card it models shows 10 W while it runs here. Power is the moving average over
 * NPU_POWER_WINDOW_MS; the temperature follows it like a body that heats by HEAT_MC_PER_MW and
 * takes HEAT_MS to. The thermometer shows another one where that was injected, and throttling goes by
 * what it shows. ECC errors are all injected.
 */
#include "device.h"
#include "wire.h"

#define AMBIENT_MC     35000.0
#define CRITICAL_MC    95000
#define HEAT_MC_PER_MW 1.5
#define HEAT_MS	       20000.0
/* A job draws no more: its core count times this still fits the registers. */
#define MOST_MW 1e7
/* Above any temperature of a card that draws it, and below what the register holds. */
#define MOST_MC 1e9

/* 1 - exp(-x), near enough for a thermometer and without libm. */
static double approach(double x)
{
	return x / (1 + x);
}

static double shown_mc(const struct npu_card *card)
{
	return card->inject.temp_mc ? card->inject.temp_mc : card->telemetry.temp_mc;
}

void npu_telemetry_update(struct npu_card *card)
{
	struct npu_telemetry *t = &card->telemetry;
	uint64_t now = npu_now();
	double ms = (now - t->stamp) / 1e6;
	double target;
	uint32_t throttle;

	t->stamp = now;
	t->dynamic_mw -= t->dynamic_mw * approach(ms / NPU_POWER_WINDOW_MS);
	target = AMBIENT_MC + (card->cfg.idle_mw + t->dynamic_mw) * HEAT_MC_PER_MW;
	t->temp_mc += (target - t->temp_mc) * approach(ms / HEAT_MS);
	throttle = shown_mc(card) >= CRITICAL_MC ? NPU_THROTTLE_THERMAL : 0;
	if (throttle != t->throttle) {
		t->throttle = throttle;
		npu_card_event(card, NPU_EVENT_THERMAL);
	}
}

void npu_telemetry_reset(struct npu_card *card)
{
	card->telemetry.reset = npu_now();
	card->telemetry.energy_nj = 0;
	card->telemetry.ecc_corrected = 0;
	card->telemetry.ecc_uncorrected = 0;
}

void npu_telemetry_power_on(struct npu_card *card)
{
	struct npu_telemetry *t = &card->telemetry;

	npu_telemetry_reset(card);
	t->power_on = t->reset;
	t->stamp = t->reset;
	t->dynamic_mw = 0;
	t->temp_mc = AMBIENT_MC;
	t->throttle = 0;
}

void npu_telemetry_job(struct npu_card *card, uint64_t energy_nj, uint64_t cycles, uint64_t start)
{
	struct npu_telemetry *t = &card->telemetry;
	double ms = (npu_now() - start) / 1e6;
	double mw;

	t->energy_nj += energy_nj;
	npu_telemetry_update(card);
	if (!cycles)
		return;
	/* nJ a cycle times cycles a microsecond are milliwatts. */
	mw = (double)energy_nj / cycles * card->cfg.clock_mhz;
	mw = mw < MOST_MW ? mw : MOST_MW;
	t->dynamic_mw += mw * approach(ms / NPU_POWER_WINDOW_MS);
}

uint64_t npu_telemetry_energy_uj(struct npu_card *card)
{
	uint64_t us = (npu_now() - card->telemetry.reset) / 1000;

	return card->telemetry.energy_nj / 1000 + us * card->cfg.idle_mw / 1000;
}

uint64_t npu_telemetry_uptime_ms(struct npu_card *card)
{
	return (npu_now() - card->telemetry.power_on) / 1000000;
}

unsigned int npu_telemetry_slowdown(const struct npu_card *card)
{
	return card->telemetry.throttle ? 2 : 1;
}

uint32_t npu_telemetry_read(struct npu_card *card, uint64_t offset)
{
	const struct npu_telemetry *t = &card->telemetry;

	npu_telemetry_update(card);
	switch (offset) {
	case NPU_REG_TEMP_MC:
		return (int32_t)shown_mc(card);
	case NPU_REG_POWER_MW:
		return card->cfg.idle_mw + (uint32_t)t->dynamic_mw;
	case NPU_REG_CUR_CLOCK_KHZ:
		return card->cfg.clock_mhz * 1000 / npu_telemetry_slowdown(card);
	case NPU_REG_THROTTLE:
		return t->throttle;
	case NPU_REG_TEMP_CRIT_MC:
		return CRITICAL_MC;
	case NPU_REG_ECC_CORRECTED:
		return t->ecc_corrected;
	case NPU_REG_ECC_UNCORRECTED:
		return t->ecc_uncorrected;
	default:
		return 0;
	}
}

/* Times are told as how long ago: the clock of another host is another one. */
void npu_telemetry_wire(struct npu_card *card, struct npu_wire *w)
{
	struct npu_telemetry *t = &card->telemetry;

	npu_wire_ago(w, &t->power_on);
	npu_wire_ago(w, &t->reset);
	npu_wire_ago(w, &t->stamp);
	npu_wire_u64(w, &t->energy_nj);
	npu_wire_double(w, &t->dynamic_mw, 0, MOST_MW * NPU_MAX_CORES);
	npu_wire_double(w, &t->temp_mc, 0, MOST_MC);
	npu_wire_u32(w, &t->throttle);
	npu_wire_check(w, !(t->throttle & ~NPU_THROTTLE_THERMAL), "throttled for no reason");
	npu_wire_u32(w, &t->ecc_corrected);
	npu_wire_u32(w, &t->ecc_uncorrected);
}
