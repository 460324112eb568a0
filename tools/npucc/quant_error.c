// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * What quantising costs: differences to the float network, and how they are told.
 */
#include <math.h>
#include <stdlib.h>

#include "quant.h"
#include "rewrite.h"

#define WORST 10u

void quant_error_add(struct quant_error *e, const float *want, const float *got, uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++) {
		double d = fabs((double)got[i] - (double)want[i]);

		if (isinf(want[i]) && got[i] == want[i])
			continue;
		if (!isfinite(want[i]) || !isfinite(got[i])) {
			e->odd++;
			continue;
		}
		e->signal += (double)want[i] * (double)want[i];
		e->noise += d * d;
		e->sum += d;
		e->max = fmax(e->max, d);
	}
	e->count += count;
}

double quant_error_sqnr(const struct quant_error *e)
{
	/* What could not be compared is not to look like no noise. */
	if (e->odd || !e->count)
		return NAN;
	return e->noise == 0 ? INFINITY : 10 * log10(e->signal / e->noise);
}

static void line(FILE *f, const char *name, const struct quant_error *e)
{
	if (e->odd)
		fprintf(f, "  %-40s %8s  %10s  %10s  %llu of %llu values are infinite or none\n",
			name, "nan", "nan", "nan", (unsigned long long)e->odd,
			(unsigned long long)e->count);
	else
		fprintf(f, "  %-40s %8.2f  %10.4g  %10.4g\n", name, quant_error_sqnr(e), e->max,
			e->sum / (double)e->count);
}

struct place {
	double sqnr;
	int tensor;
};

static int worst_first(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (isnan(x->sqnr) != isnan(y->sqnr))
		return isnan(x->sqnr) ? -1 : 1;
	if (x->sqnr != y->sqnr && !isnan(x->sqnr))
		return x->sqnr < y->sqnr ? -1 : 1;
	return x->tensor - y->tensor;
}

/* Tensors that a node computed; what only moved is as good as it was. */
static void report_layers(FILE *f, const struct quant_plan *p, const struct quant_error *e)
{
	struct place *place = malloc((p->tensors + 1) * sizeof(*place));
	const char **name = calloc(p->tensors + 1, sizeof(*name));
	struct npu_graph_node_info n;
	unsigned int count = 0, i;

	for (i = 0; place && name && i < p->nodes; i++) {
		npu_graph_get_node(p->g, i, &n);
		if (!p->tensor[n.out[0]].integer || p->node[i].kind == QUANT_MOVE)
			continue;
		name[n.out[0]] = n.name;
		place[count++] = (struct place){ quant_error_sqnr(&e[n.out[0]]), n.out[0] };
	}
	if (count) {
		qsort(place, count, sizeof(*place), worst_first);
		fprintf(f, "layers, the worst first (what is before them is quantised too)\n");
	}
	for (i = 0; i < count && i < WORST; i++)
		line(f, name[place[i].tensor], &e[place[i].tensor]);
	free(place);
	free(name);
}

void quant_report(FILE *f, const struct quant_plan *p, const char *data, const char *beyond,
		  const struct quant_error *output, const struct quant_error *tensor)
{
	unsigned int done = 0, all = 0, integers = 0, i;
	struct npu_graph_node_info n;
	const char *name;

	for (i = 0; i < p->nodes; i++) {
		npu_graph_get_node(p->g, i, &n);
		done += p->node[i].kind == QUANT_PRODUCT;
		all += quant_is_product(n.op);
	}
	for (i = 0; i < p->tensors; i++)
		integers += p->tensor[i].integer;
	fprintf(f, "quantised: %u of %u products; %u tensors of 8 bits\n", done, all, integers);
	for (i = 0; i < p->nodes; i++) {
		npu_graph_get_node(p->g, i, &n);
		if (p->node[i].why)
			fprintf(f, "  %s %s stays float: %s\n", n.op_name, n.name, p->node[i].why);
	}
	fprintf(f, "calibrated with %s\n", data);
	if (beyond)
		fprintf(f, "  %s gives values that are infinite or none there\n", beyond);
	fprintf(f, "%-42s %8s  %10s  %10s\n", "outputs, beside the float network's", "SQNR dB",
		"max error", "mean error");
	for (i = 0; npu_graph_get_output(p->g, i, &name) >= 0; i++)
		if (output[i].count)
			line(f, name, &output[i]);
	report_layers(f, p, tensor);
}
