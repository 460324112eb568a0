// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl bench dma: copies through SPM, by LOAD and STORE of all cores, each with some slots in
 * turn so that both engines are busy. Within local memory, and between it and host memory.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "npu/npu.h"
#include "npu/stream.h"

#include "bench.h"
#include "cards.h"
#include "command.h"
#include "output.h"

#define SLOTS 4
#define MIB   (UINT64_C(1) << 20)

static const struct direction {
	const char *name;
	unsigned int from, to; /* enum npu_buffer_flags */
} directions[] = {
	{ "local to local", NPU_BUFFER_LOCAL, NPU_BUFFER_LOCAL },
	{ "host to local", NPU_BUFFER_HOST, NPU_BUFFER_LOCAL },
	{ "local to host", NPU_BUFFER_LOCAL, NPU_BUFFER_HOST },
};

#define DIRECTIONS (sizeof(directions) / sizeof(*directions))

struct options {
	const char *device;
	uint32_t mib, seconds;
	bool json;
};

struct figures {
	uint64_t cycles, limit_cycles; /* of one copy */
	uint64_t ns, copies;
};

/* One core's part of the copy: [first, end). */
static int append_part(struct npu_stream *s, const struct npu_caps *caps, uint64_t first,
		       uint64_t end)
{
	uint32_t chunk = caps->spm_size / SLOTS / NPU_DMA_BURST * NPU_DMA_BURST, slot = 0;

	for (uint64_t at = first; at < end; at += chunk, slot = (slot + 1) % SLOTS) {
		uint32_t n = end - at < chunk ? end - at : chunk;
		const struct npu_cmd_load load = {
			.type = NPU_U8,
			.region = 0,
			.offset = at,
			.spm = slot * chunk,
			.size = { n, 1, 1, 1 },
		};
		const struct npu_cmd_store store = {
			.space = NPU_SPACE_SPM,
			.region = 1,
			.local = slot * chunk,
			.offset = at,
			.size = { n, 1, 1, 1 },
		};

		npu_stream_load(s, &load);
		npu_stream_store(s, &store);
	}
	return npu_stream_sync(s, caps);
}

static int copy_program(struct npu_device *dev, uint64_t size, struct npu_program **prog)
{
	const struct npu_caps *caps = npu_device_caps(dev);
	const struct npu_program_desc desc = { 0 };
	struct npu_stream *streams[NPU_MAX_CORES] = { NULL };
	uint64_t part = (size / caps->cores + NPU_DMA_BURST - 1) / NPU_DMA_BURST * NPU_DMA_BURST;
	int r = 0;

	*prog = NULL;
	for (unsigned int c = 0; c < caps->cores && !r; c++) {
		uint64_t first = c * part < size ? c * part : size;
		uint64_t end = first + part < size ? first + part : size;

		streams[c] = npu_stream_create();
		r = streams[c] ? append_part(streams[c], caps, first, end) : -1;
	}
	if (!r)
		r = npu_program_from_streams(dev, streams, caps->cores, &desc, prog);
	for (unsigned int c = 0; c < caps->cores; c++)
		npu_stream_free(streams[c]);
	return r;
}

static int measure(struct npu_device *dev, const struct options *o, const struct npu_job *job,
		   struct figures *f)
{
	struct bench_window w = { .depth = 2 };
	struct bench_jobs x = { .job = job, .count = 1 };
	int r = npu_queue_create(dev, NULL, &x.queue);

	if (r)
		return r;
	r = bench_window_fill(&w, o->seconds * 1000, bench_jobs_submit, &x, &f->ns);
	f->copies = w.done;
	f->cycles = w.done ? w.cycles / w.done : 0;
	npu_queue_release(x.queue);
	return r;
}

static uint64_t limit(const struct npu_caps *caps, const struct direction *d, uint64_t size)
{
	uint64_t lmem = 0, pcie = 0;

	*(d->from == NPU_BUFFER_LOCAL ? &lmem : &pcie) += size;
	*(d->to == NPU_BUFFER_LOCAL ? &lmem : &pcie) += size;
	lmem = (lmem + caps->lmem_bw - 1) / caps->lmem_bw;
	pcie = (pcie + caps->pcie_bw - 1) / caps->pcie_bw;
	return lmem > pcie ? lmem : pcie;
}

static int run_direction(struct npu_device *dev, const struct options *o, const struct direction *d,
			 struct figures *f)
{
	uint64_t size = o->mib * MIB;
	struct npu_binding bindings[2] = { { .region = 0 }, { .region = 1 } };
	struct npu_job job = { .bindings = bindings, .binding_count = 2 };
	int r;

	r = npu_buffer_create(dev, size, d->from, &bindings[0].buffer);
	if (!r)
		r = npu_buffer_create(dev, size, d->to, &bindings[1].buffer);
	if (!r)
		r = copy_program(dev, size, &job.program);
	if (!r)
		r = measure(dev, o, &job, f);
	f->limit_cycles = limit(npu_device_caps(dev), d, size);
	if (r)
		r = complain_npu(d->name);
	npu_program_release(job.program);
	npu_buffer_release(bindings[0].buffer);
	npu_buffer_release(bindings[1].buffer);
	return r;
}

static json_t *figures_json(const char *device, const struct options *o, const struct figures *f)
{
	json_t *doc = output_document("npuctl-bench-dma"), *rows = json_array();

	for (size_t i = 0; i < DIRECTIONS; i++)
		json_array_append_new(
			rows,
			output_pack("{s:s, s:I, s:I, s:f, s:f}", "direction", directions[i].name,
				    "cycles", (json_int_t)f[i].cycles, "limit_cycles",
				    (json_int_t)f[i].limit_cycles, "utilisation",
				    (double)f[i].limit_cycles / f[i].cycles, "host_gb_per_s",
				    (double)(o->mib * MIB) * f[i].copies / f[i].ns));
	json_object_set_new(doc, "device", json_string(device));
	json_object_set_new(doc, "bytes", json_integer(o->mib * MIB));
	json_object_set_new(doc, "rows", rows);
	return doc;
}

static void figures_text(FILE *out, const char *device, const struct options *o,
			 const struct figures *f)
{
	struct table *t = table_create("COPY|>CYCLES|>LIMIT|>UTILISATION|>HOST GB/s");

	fprintf(out, "%s: copies of %u MiB\n", device, o->mib);
	for (size_t i = 0; i < DIRECTIONS; i++)
		table_add(t, "%s|%" PRIu64 "|%" PRIu64 "|%.3f|%.2f", directions[i].name,
			  f[i].cycles, f[i].limit_cycles, (double)f[i].limit_cycles / f[i].cycles,
			  (double)(o->mib * MIB) * f[i].copies / f[i].ns);
	table_print(t, out);
}

static int run_on(struct npu_device *dev, const void *opaque)
{
	const struct options *o = opaque;
	struct figures f[DIRECTIONS] = { 0 };
	int r = NPUCTL_DONE;

	for (size_t i = 0; i < DIRECTIONS && !r; i++)
		r = run_direction(dev, o, &directions[i], &f[i]);
	if (!r && o->json)
		return output_json(figures_json(npu_device_name(dev), o, f));
	if (!r)
		figures_text(stdout, npu_device_name(dev), o, f);
	return r;
}

static int run(const struct command *self, int argc, char **argv)
{
	struct options o = { .mib = 16, .seconds = 1 };
	const struct option_spec options[] = {
		{ .name = "mib",
		  .kind = OPTION_NUMBER,
		  .value = &o.mib,
		  .metavar = "N",
		  .help = "MiB a copy (16)",
		  .min = 1,
		  .max = 4096 },
		OPTION_SECONDS(&o.seconds, "how long each direction (1)"),
		OPTION_DEVICE(&o.device),
		OPTION_JSON(&o.json),
		OPTION_END,
	};

	return bench_on_device(self, options, argc, argv, &o.device, run_on, &o);
}

const struct command command_bench_dma = {
	.name = "bench dma",
	.arguments = "",
	.summary = "Copies within local memory and between it and the host",
	.example = "npuctl bench dma --device sim: --mib 64",
	.run = run,
};
