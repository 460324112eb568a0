// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The table of figures. Names of metrics and keys are promised (docs/npuctl.md): they are added,
 * never changed.
 */
#include "figures.h"

const struct figure figures[FIGURES] = {
	[FIGURE_TEMPERATURE] = { "temperature_c", "hwmon/hwmon*/temp1_input", 1e-3,
				 "temperature  %.1f °C\n", "npu_temperature_celsius",
				 "Temperature of the card", false },
	[FIGURE_TEMPERATURE_CRITICAL] = { "temperature_critical_c", "hwmon/hwmon*/temp1_crit", 1e-3,
					  "  critical   %.1f °C\n",
					  "npu_temperature_critical_celsius",
					  "Temperature at which the card begins to throttle",
					  false },
	[FIGURE_POWER] = { "power_w", "hwmon/hwmon*/power1_input", 1e-6, "power        %.1f W\n",
			   "npu_power_watts", "Power that the card takes", false },
	[FIGURE_JOBS] = { "jobs", "npu/jobs", 0, "jobs         %.0f\n", "npu_jobs_total",
			  "Jobs that have ended", true },
	[FIGURE_ERRORS] = { "errors", "npu/errors", 0, "  errors     %.0f\n",
			    "npu_job_errors_total", "Jobs that ended with an error", true },
	[FIGURE_TIMEOUTS] = { "timeouts", "npu/timeouts", 0, "  timeouts   %.0f\n",
			      "npu_job_timeouts_total", "Jobs that made no progress", true },
	[FIGURE_RESETS] = { "resets", "npu/resets", 0, "resets       %.0f\n", "npu_resets_total",
			    "Resets of rings, cores and the card", true },
	[FIGURE_WEDGED] = { "wedged", "npu/wedged", 0, "wedged       %.0f\n", "npu_wedged",
			    "Whether the driver has given the card up", false },
	[FIGURE_BUSY] = { "busy_s", "npu/busy_ns", 1e-9,
			  "busy         %.3f s, all cores together\n", "npu_busy_seconds_total",
			  "Time in which jobs ran, all cores together", true },
	[FIGURE_CORES] = { NULL, "npu/cores", 0, NULL, "npu_cores", "Cores of the card", false },
};

void figures_read(const struct card *card, struct card_figures *out)
{
	for (unsigned int i = 0; i < FIGURES; i++) {
		out->value[i] = 0;
		out->known[i] = card_read(card, figures[i].file, &out->value[i]);
	}
}

double figure_value(const struct card_figures *f, enum figure_id id)
{
	if (!f->known[id])
		return 0;
	return f->value[id] * (figures[id].scale ? figures[id].scale : 1);
}
