// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The line to the host over which faults are injected; see npu_inject.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <linux/serial.h>

#include "npu_inject.h"
#include "npu_test.h"

#define QMP_LINE	"/dev/ttyS2"
#define QMP_IRQ		5	/* as run.sh has it; not every firmware tells */

static int qmp = -1;

static void open_line(void)
{
	struct serial_struct serial;
	struct termios tio;

	qmp = open(QMP_LINE, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (qmp < 0)
		fail_msg(QMP_LINE ": %s", strerror(errno));
	assert_int_equal(ioctl(qmp, TIOCGSERIAL, &serial), 0);
	if (serial.irq != QMP_IRQ) {
		serial.irq = QMP_IRQ;
		assert_int_equal(ioctl(qmp, TIOCSSERIAL, &serial), 0);
	}
	assert_int_equal(tcgetattr(qmp, &tio), 0);
	cfmakeraw(&tio);
	cfsetspeed(&tio, B115200);
	assert_int_equal(tcsetattr(qmp, TCSANOW, &tio), 0);
}

void npu_inject_ask(const char *request, char *answer, size_t size)
{
	size_t used = 0;

	if (qmp < 0)
		open_line();
	assert_int_equal(write(qmp, request, strlen(request)), strlen(request));
	do {
		assert_int_equal(read(qmp, answer + used, 1), 1);
	} while (answer[used] != '\n' && ++used < size - 1);
	answer[used] = 0;
}

/* The one in the slot that is at its address, and slots count from 1. */
int npu_inject_card(const char *name)
{
	char path[64], address[32] = "";
	int slot;

	for (slot = 1; slot < 10; slot++) {
		FILE *file;

		snprintf(path, sizeof(path), "/sys/bus/pci/slots/%d/address", slot);
		file = fopen(path, "re");
		if (!file)
			continue;
		if (fscanf(file, "%31s", address) == 1 && !strncmp(address, name, strlen(address))) {
			fclose(file);
			return slot - 1;
		}
		fclose(file);
	}
	fail_msg("no slot has %s", name);
	return -1;
}

void npu_inject(const char *name, const char *property, long long value)
{
	char request[128], answer[256];

	snprintf(request, sizeof(request), "npu%d inject-%s %lld\n", npu_inject_card(name), property,
		 value);
	npu_inject_ask(request, answer, sizeof(answer));
	if (strcmp(answer, "ok"))
		fail_msg("%s: %s", request, answer);
}
