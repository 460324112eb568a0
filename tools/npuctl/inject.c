// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * npuctl inject: faults for an emulated card (docs/hardware.md, section 13), through the QMP socket of
 * the QEMU it is in. Runs where QEMU does, not in the guest.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "command.h"
#include "output.h"

/* Faults, as QEMU's properties "inject-..." name them, and what their number is. */
static const struct {
	const char *name, *help;
} faults[] = {
	{ "job-hang", "the next N jobs hang" },
	{ "card-hang",
	  "1: the card hangs until it is reset; 2: until it loses power; 0: it goes on" },
	{ "ecc-corrected", "N memory errors were corrected" },
	{ "ecc-uncorrected", "the byte at offset N of local memory is lost" },
	{ "temperature", "the thermometer shows N millidegrees; 0: what the card models" },
	{ "lost-irq", "the next N interrupts are not raised" },
	{ "dropped-completion", "the next N completions are not written" },
	{ "corrupt-completion", "the next N completions are garbage" },
	{ "bad-pte", "the next N page walks find a reserved bit set" },
	{ "removal", "1: the card is pulled out; 0: one is put in" },
	{ "where", "what the counted ones after it are for: a ring or vector; -1: any" },
	{ "seed", "of the garbage" },
};

#define FAULTS (sizeof(faults) / sizeof(*faults))

static void list_faults(void)
{
	for (size_t i = 0; i < FAULTS; i++)
		printf("%-20s %s\n", faults[i].name, faults[i].help);
}

static json_t *faults_json(void)
{
	json_t *doc = output_document("npuctl-inject-list"), *list = json_array();

	for (size_t i = 0; i < FAULTS; i++)
		json_array_append_new(list, output_pack("{s:s, s:s}", "fault", faults[i].name,
							"meaning", faults[i].help));
	json_object_set_new(doc, "faults", list);
	return doc;
}

static bool known(const char *name)
{
	for (size_t i = 0; i < FAULTS; i++)
		if (!strcmp(name, faults[i].name))
			return true;
	return false;
}

/* ---- QMP ------------------------------------------------------------------------------------- */

/* struct qmp - the socket in both directions */
struct qmp {
	FILE *in, *out;
};

/* Returns a socket, or -1. */
static int dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(addr.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static void qmp_close(struct qmp *qmp)
{
	if (qmp->in)
		fclose(qmp->in);
	if (qmp->out)
		fclose(qmp->out);
}

/* False: errno says why. */
static bool qmp_open(struct qmp *qmp, const char *path)
{
	int in = dial(path), out = in < 0 ? -1 : dup(in);

	*qmp = (struct qmp){ in < 0 ? NULL : fdopen(in, "r"), out < 0 ? NULL : fdopen(out, "w") };
	return qmp->in && qmp->out;
}

/* The next message that is no event; NULL: QEMU is gone, or it is none. */
static json_t *qmp_read(struct qmp *qmp)
{
	json_t *message;
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, qmp->in) > 0) {
		message = json_loads(line, 0, NULL);
		if (!message || !json_object_get(message, "event")) {
			free(line);
			return message;
		}
		json_decref(message);
	}
	free(line);
	return NULL;
}

/* Sends a command, which is released; returns enum npuctl_exit. */
static int qmp_do(struct qmp *qmp, json_t *command)
{
	json_t *answer = NULL;
	const char *why;
	int r = NPUCTL_DONE;

	if (!json_dumpf(command, qmp->out, JSON_COMPACT) && fputc('\n', qmp->out) != EOF &&
	    !fflush(qmp->out))
		answer = qmp_read(qmp);
	json_decref(command);
	why = json_string_value(json_object_get(json_object_get(answer, "error"), "desc"));
	if (why)
		r = complain(NPUCTL_FAILED, "QEMU refuses: %s", output_name(why));
	else if (!json_object_get(answer, "return"))
		r = complain(NPUCTL_FAILED, "QEMU does not answer as QMP has it");
	json_decref(answer);
	return r;
}

static int inject(const char *path, const char *card, const char *fault, int64_t value)
{
	char object[128], property[64];
	json_t *greeting;
	struct qmp qmp;
	int r;

	if (!qmp_open(&qmp, path)) {
		r = complain(NPUCTL_FAILED,
			     "%s: %s; is QEMU run with -qmp unix:%s,server=on,wait=off?", path,
			     strerror(errno), path);
		qmp_close(&qmp);
		return r;
	}
	snprintf(object, sizeof(object), "/machine/peripheral/%s", card);
	snprintf(property, sizeof(property), "inject-%s", fault);
	greeting = qmp_read(&qmp);
	if (!json_object_get(greeting, "QMP"))
		r = complain(NPUCTL_FAILED, "%s: who answers there is not QEMU", path);
	else
		r = qmp_do(&qmp, output_pack("{s:s}", "execute", "qmp_capabilities"));
	json_decref(greeting);
	if (!r)
		r = qmp_do(&qmp, output_pack("{s:s, s:{s:s, s:s, s:I}}", "execute", "qom-set",
					     "arguments", "path", object, "property", property,
					     "value", (json_int_t)value));
	qmp_close(&qmp);
	return r;
}

/* ---- The command ----------------------------------------------------------------------------- */

static int parse_value(const struct command *self, const char *text, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 0);
	if (errno || end == text || *end)
		return complain_usage(self, "\"%s\" is not a whole number", text);
	return NPUCTL_DONE;
}

static int run(const struct command *self, int argc, char **argv)
{
	const char *qmp = NULL, *card = "npu0";
	bool json = false, list = false;
	const struct option_spec options[] = {
		{ .name = "qmp",
		  .kind = OPTION_STRING,
		  .value = &qmp,
		  .metavar = "SOCKET",
		  .help = "QEMU's: -qmp unix:SOCKET,server=on,wait=off" },
		{ .name = "card",
		  .kind = OPTION_STRING,
		  .value = &card,
		  .metavar = "ID",
		  .help = "of QEMU's -device npu,id=ID,inject=on (npu0)" },
		{ .name = "list",
		  .kind = OPTION_SWITCH,
		  .value = &list,
		  .help = "tell which faults there are" },
		OPTION_JSON(&json),
		OPTION_END,
	};
	int64_t value;
	char **words;
	int r = options_parse(self, options, argc, argv, 0, 2, &words);

	if (r != OPTIONS_GO_ON)
		return r;
	if (list) {
		if (json)
			return output_json(faults_json());
		list_faults();
		return NPUCTL_DONE;
	}
	if (!words[0] || !words[1])
		return complain_usage(self, "FAULT or N is missing");
	if (!known(words[0]))
		return complain_usage(self, "no fault \"%s\"; --list tells which there are",
				      words[0]);
	if (!qmp)
		return complain_usage(self, "--qmp is missing: a real card takes no faults");
	r = parse_value(self, words[1], &value);
	if (!r)
		r = inject(qmp, card, words[0], value);
	if (r)
		return r;
	if (json)
		return output_json(output_pack("{s:s, s:i, s:s, s:s, s:I}", "schema",
					       "npuctl-inject", "version", OUTPUT_VERSION, "card",
					       card, "fault", words[0], "value",
					       (json_int_t)value));
	printf("%s: %s %" PRId64 "\n", card, words[0], value);
	return NPUCTL_DONE;
}

const struct command command_inject = {
	.name = "inject",
	.arguments = "FAULT N",
	.summary = "Inject a fault into an emulated card",
	.details =
		"On the host that runs QEMU, through its QMP socket: the guest's driver then sees "
		"the fault. The card wants\n"
		"inject=on. What happens to it there, npuctl monitor in the guest tells.",
	.example = "npuctl inject --qmp /run/vm.qmp job-hang 1\n"
		   "  npuctl inject --list",
	.run = run,
};
