// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl doctor: what is wrong with the cards of this machine, and what mends it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "npu/npu.h"

#include "command.h"
#include "doctor.h"
#include "output.h"

struct finding *findings_add(struct findings *f, const char *check, enum verdict verdict,
			     const char *fmt, ...)
{
	struct finding *more = reallocarray(f->list, f->count + 1, sizeof(*more));
	va_list ap;

	if (!more)
		exit(complain(NPUCTL_FAILED, "out of memory"));
	f->list = more;
	more += f->count++;
	*more = (struct finding){ .check = check, .verdict = verdict };
	if (f->card)
		snprintf(more->card, sizeof(more->card), "%s", f->card->pci);
	va_start(ap, fmt);
	vsnprintf(more->text, sizeof(more->text), fmt, ap);
	va_end(ap);
	return more;
}

void finding_mend(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->mend, sizeof(f->mend), fmt, ap);
	va_end(ap);
}

static const char *const verdicts[] = {
	[VERDICT_OK] = "ok",
	[VERDICT_NOTE] = "note",
	[VERDICT_WRONG] = "wrong",
	[VERDICT_UNKNOWN] = "unknown",
};

static size_t count(const struct findings *f, enum verdict verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		n += f->list[i].verdict == verdict;
	return n;
}

static json_t *findings_json(const struct findings *f)
{
	json_t *doc = output_document("npuctl-doctor"), *list = json_array();

	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->list[i];

		json_array_append_new(
			list, output_pack("{s:s, s:s?, s:s, s:s, s:s?}", "check", one->check,
					  "card", one->card[0] ? one->card : NULL, "verdict",
					  verdicts[one->verdict], "text", output_name(one->text),
					  "mend", one->mend[0] ? one->mend : NULL));
	}
	json_object_set_new(doc, "library", json_string(npu_version()));
	json_object_set_new(doc, "healthy", json_boolean(!count(f, VERDICT_WRONG)));
	json_object_set_new(doc, "findings", list);
	return doc;
}

static void findings_text(FILE *out, const struct findings *f)
{
	static const enum output_colour colours[] = {
		[VERDICT_OK] = OUTPUT_GOOD,
		[VERDICT_NOTE] = OUTPUT_DIM,
		[VERDICT_WRONG] = OUTPUT_BAD,
		[VERDICT_UNKNOWN] = OUTPUT_DIM,
	};
	const char *card = "", *plain = output_colour(out, OUTPUT_PLAIN);
	size_t wrong = count(f, VERDICT_WRONG);

	for (size_t i = 0; i < f->count; i++) {
		const struct finding *one = &f->list[i];

		if (strcmp(card, one->card))
			fprintf(out, "\n%s\n", one->card[0] ? one->card : "this machine");
		card = one->card;
		fprintf(out, "%s%-7s%s  %s\n", output_colour(out, colours[one->verdict]),
			verdicts[one->verdict], plain, output_name(one->text));
		if (one->mend[0])
			fprintf(out, "         -> %s\n", one->mend);
	}
	if (wrong)
		fprintf(out, "\n%zu thing%s wrong.\n", wrong, wrong == 1 ? " is" : "s are");
	else
		fputs("\nNothing is wrong.\n", out);
}

static int run(const struct command *self, int argc, char **argv)
{
	const char *device = NULL;
	bool json = false, usable = false;
	const struct option_spec options[] = {
		{ .name = "device",
		  .letter = 'd',
		  .kind = OPTION_STRING,
		  .value = &device,
		  .metavar = "NAME",
		  .help = "this card alone: accel0, a PCI address (all)" },
		OPTION_JSON(&json),
		OPTION_END,
	};
	struct findings findings = { 0 };
	struct card_list list;
	int r = options_parse(self, options, argc, argv, 0, 0, NULL);

	if (r != OPTIONS_GO_ON)
		return r;
	cards_gather(&list);
	if (device && !card_find(&list, device)) {
		r = device_advice(&list, device, -ENODEV, "");
		cards_free(&list);
		return r;
	}
	doctor_machine(&findings, &list);
	doctor_log(&findings);
	for (size_t i = 0; i < list.count; i++)
		if (!device || card_find(&list, device) == &list.cards[i])
			usable |= doctor_card(&findings, &list, &list.cards[i]);
	r = NPUCTL_DONE;
	if (json)
		r = output_json(findings_json(&findings));
	else
		findings_text(stdout, &findings);
	if (!r && !usable)
		r = NPUCTL_NO_DEVICE;
	else if (!r && count(&findings, VERDICT_WRONG))
		r = NPUCTL_FAILED;
	free(findings.list);
	cards_free(&list);
	return r;
}

const struct command command_doctor = {
	.name = "doctor",
	.arguments = "",
	.summary = "Find out what is wrong with cards, driver and permissions",
	.details =
		"Looks at the module, the node and who may open it, IOMMU, link, sensors, counts "
		"of errors, versions\n"
		"and the kernel's messages. What is wrong comes with what mends it. Exit code 0: "
		"nothing is wrong\n"
		"(notes do not count); 1: something is; 3: no card can be used.",
	.example = "npuctl doctor",
	.run = run,
};
