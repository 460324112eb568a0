// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The qtest protocol, a line each way, and QMP beside it, over socket pairs that QEMU inherits.
 */
#include "qtest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define QEMU "build/qemu/qemu-system-x86_64"
#define MMCONFIG UINT64_C(0xb0000000)
#define MAX_ARGS 64

struct qtest {
	pid_t pid;
	FILE *in;
	int fd;
	FILE *qmp_in;
	int qmp;
	char *line;
	size_t line_size;
};

static void die(const char *what)
{
	fprintf(stderr, "qtest: %s\n", what);
	abort();
}

static void run(const char *args, int fd, int qmp)
{
	static const char *const fixed[] = {
		QEMU, "-machine", "q35", "-accel", "qtest", "-m", "128", "-nodefaults", "-no-user-config",
		"-display", "none",
	};
	char *argv[MAX_ARGS + 1], *copy = strdup(args), *save, *word, chardev[64], monitor[64];
	int n = 0;

	/* A test that fails leaves its QEMU behind. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		argv[n++] = (char *)fixed[i];
	if (fd >= 0) {
		snprintf(chardev, sizeof(chardev), "socket,id=qtest,fd=%d", fd);
		argv[n++] = "-chardev";
		argv[n++] = chardev;
		argv[n++] = "-qtest";
		argv[n++] = "chardev:qtest";
		argv[n++] = "-qtest-log";
		argv[n++] = "/dev/null";
		snprintf(monitor, sizeof(monitor), "socket,id=qmp,fd=%d", qmp);
		argv[n++] = "-chardev";
		argv[n++] = monitor;
		argv[n++] = "-mon";
		argv[n++] = "chardev=qmp,mode=control";
	}
	for (word = strtok_r(copy, " ", &save); word && n < MAX_ARGS; word = strtok_r(NULL, " ", &save))
		argv[n++] = word;
	argv[n] = NULL;
	execv(QEMU, argv);
	perror(QEMU);
	_exit(127);
}

struct qtest *qtest_start(const char *args)
{
	struct qtest *q = calloc(1, sizeof(*q));
	int sv[2], mon[2];

	if (!q || socketpair(AF_UNIX, SOCK_STREAM, 0, sv) || socketpair(AF_UNIX, SOCK_STREAM, 0, mon))
		die("no memory or sockets");
	fcntl(sv[0], F_SETFD, FD_CLOEXEC);
	fcntl(mon[0], F_SETFD, FD_CLOEXEC);
	q->pid = fork();
	if (q->pid < 0)
		die("cannot fork");
	if (!q->pid)
		run(args, sv[1], mon[1]);
	close(sv[1]);
	close(mon[1]);
	q->fd = sv[0];
	q->qmp = mon[0];
	q->in = fdopen(sv[0], "r");
	q->qmp_in = fdopen(mon[0], "r");
	if (!q->in || !q->qmp_in)
		die("no memory");
	return q;
}

int qtest_stop(struct qtest *q)
{
	int status;

	kill(q->pid, SIGTERM);
	while (waitpid(q->pid, &status, 0) < 0 && errno == EINTR)
		;
	fclose(q->in);
	fclose(q->qmp_in);
	free(q->line);
	free(q);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int qtest_refuses(const char *args, char *err, size_t size)
{
	int fds[2], status;
	ssize_t got;
	size_t used = 0;
	pid_t pid;

	if (pipe(fds))
		die("cannot make a pipe");
	pid = fork();
	if (pid < 0)
		die("cannot fork");
	if (!pid) {
		dup2(fds[1], 2);
		close(fds[0]);
		close(fds[1]);
		alarm(20);
		run(args, -1, -1);
	}
	close(fds[1]);
	while (used + 1 < size && (got = read(fds[0], err + used, size - 1 - used)) > 0)
		used += got;
	err[used] = 0;
	close(fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void send_all(struct qtest *q, const char *text, size_t len)
{
	while (len) {
		ssize_t n = send(q->fd, text, len, MSG_NOSIGNAL);

		if (n <= 0)
			die("QEMU is gone");
		text += n;
		len -= n;
	}
}

/* What follows "OK" in the next answer, which is to @text. */
static const char *answer(struct qtest *q, const char *text)
{
	do {
		if (getline(&q->line, &q->line_size, q->in) < 0)
			die("QEMU is gone");
	} while (!strncmp(q->line, "IRQ", 3));
	if (strncmp(q->line, "OK", 2)) {
		fprintf(stderr, "qtest: %s", text);
		die(q->line);
	}
	return q->line + 2;
}

/* Sends a command and returns what follows "OK". */
__attribute__((format(printf, 2, 3))) static const char *command(struct qtest *q, const char *fmt, ...)
{
	const char *ret;
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (len < 0)
		die("no memory");
	send_all(q, text, len);
	ret = answer(q, text);
	free(text);
	return ret;
}

static char suffix(unsigned int size)
{
	switch (size) {
	case 1:
		return 'b';
	case 2:
		return 'w';
	case 4:
		return 'l';
	default:
		return 'q';
	}
}

uint64_t qtest_read(struct qtest *q, uint64_t addr, unsigned int size)
{
	return strtoull(command(q, "read%c 0x%" PRIx64 "\n", suffix(size), addr), NULL, 0);
}

void qtest_write(struct qtest *q, uint64_t addr, uint64_t value, unsigned int size)
{
	command(q, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n", suffix(size), addr, value);
}

void qtest_write_at_once(struct qtest *q, const struct qtest_write *list, unsigned int count)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		die("no memory");
	for (unsigned int i = 0; i < count; i++) {
		if (list[i].size > 8)
			fprintf(f, "memset 0x%" PRIx64 " 0x%zx 0x%" PRIx64 "\n", list[i].addr, list[i].size,
				list[i].value);
		else
			fprintf(f, "write%c 0x%" PRIx64 " 0x%" PRIx64 "\n", suffix(list[i].size),
				list[i].addr, list[i].value);
	}
	fclose(f);
	send_all(q, text, len);
	for (unsigned int i = 0; i < count; i++)
		answer(q, text);
	free(text);
}

void qtest_memread(struct qtest *q, uint64_t addr, void *buf, size_t size)
{
	const char *hex = strstr(command(q, "read 0x%" PRIx64 " 0x%zx\n", addr, size), "0x");
	uint8_t *out = buf;

	if (!hex || strlen(hex) < 2 + 2 * size)
		die("short answer");
	for (size_t i = 0; i < size; i++) {
		char byte[3] = { hex[2 + 2 * i], hex[3 + 2 * i], 0 };

		out[i] = strtoul(byte, NULL, 16);
	}
}

void qtest_memwrite(struct qtest *q, uint64_t addr, const void *buf, size_t size)
{
	char *hex = malloc(2 * size + 1);

	if (!hex)
		die("no memory");
	for (size_t i = 0; i < size; i++)
		sprintf(hex + 2 * i, "%02x", ((const uint8_t *)buf)[i]);
	command(q, "write 0x%" PRIx64 " 0x%zx 0x%s\n", addr, size, hex);
	free(hex);
}

void qtest_outb(struct qtest *q, uint16_t port, uint8_t value)
{
	command(q, "outb 0x%x 0x%x\n", port, value);
}

void qtest_outl(struct qtest *q, uint16_t port, uint32_t value)
{
	command(q, "outl 0x%x 0x%x\n", port, value);
}

/* The answer to a QMP command, past greeting and events; 0 or -1. */
static int qmp_answer(struct qtest *q)
{
	for (;;) {
		if (getline(&q->line, &q->line_size, q->qmp_in) < 0)
			die("QEMU is gone");
		if (strstr(q->line, "\"return\""))
			return 0;
		if (strstr(q->line, "\"error\""))
			return -1;
	}
}

static void qmp_capabilities(struct qtest *q)
{
	if (dprintf(q->qmp, "{\"execute\":\"qmp_capabilities\"}\n") < 0)
		die("QEMU is gone");
	qmp_answer(q);
}

int qtest_qom_set(struct qtest *q, const char *id, const char *property, const char *value)
{
	qmp_capabilities(q);
	if (dprintf(q->qmp,
		    "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/machine/peripheral/%s\","
		    "\"property\":\"%s\",\"value\":%s}}\n",
		    id, property, value) < 0)
		die("QEMU is gone");
	return qmp_answer(q);
}

bool qtest_qom_refuses(struct qtest *q, const char *id, const char *property, const char *value,
		       const char *why)
{
	return qtest_qom_set(q, id, property, value) && strstr(q->line, why);
}

long long qtest_qom_get(struct qtest *q, const char *id, const char *property)
{
	long long value;

	qmp_capabilities(q);
	if (dprintf(q->qmp,
		    "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine/peripheral/%s\","
		    "\"property\":\"%s\"}}\n",
		    id, property) < 0)
		die("QEMU is gone");
	if (qmp_answer(q) || sscanf(strstr(q->line, "\"return\""), "\"return\": %lld", &value) != 1)
		die(q->line);
	return value;
}

void qtest_pci_init(struct qtest *q)
{
	/* PCIEXBAR of q35's host bridge, 00:00.0: enabled, 256 buses. */
	qtest_outl(q, 0xcf8, 0x80000064);
	qtest_outl(q, 0xcfc, 0);
	qtest_outl(q, 0xcf8, 0x80000060);
	qtest_outl(q, 0xcfc, MMCONFIG | 1);
}

uint64_t qtest_pci_config(unsigned int slot, unsigned int offset)
{
	return MMCONFIG + (slot << 15) + offset;
}
