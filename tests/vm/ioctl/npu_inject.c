// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The line to the host over which faults are injected, and the guest's side of hot-plug; see npu_inject.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <linux/serial.h>

#include "npu_inject.h"
#include "npu_test.h"

#define QMP_LINE	"/dev/ttyS2"
#define QMP_IRQ		5	/* as run.sh has it; not every firmware tells */
/* Whose turn it is to ask: a question and its answer belong together. */
#define QMP_LOCK	"/tmp/npu-inject.lock"

/* ---- The line ---------------------------------------------------------------------------------- */

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
	int lock = open(QMP_LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	size_t used = 0;

	assert_true(lock >= 0);
	assert_int_equal(flock(lock, LOCK_EX), 0);
	if (qmp < 0)
		open_line();
	assert_int_equal(write(qmp, request, strlen(request)), strlen(request));
	do {
		assert_int_equal(read(qmp, answer + used, 1), 1);
	} while (answer[used] != '\n' && ++used < size - 1);
	answer[used] = 0;
	close(lock);
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

/* ---- The guest's side ------------------------------------------------------------------------- */

unsigned long long npu_interrupts(void)
{
	FILE *file = fopen("/proc/interrupts", "re");
	unsigned long long sum = 0;
	char line[4096];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		char *at = strchr(line, ':');
		int cpu;

		if (!at || !strstr(line, "npu"))
			continue;
		for (cpu = 0, at++; cpu < 64; cpu++) {
			char *end;
			unsigned long long n = strtoull(at, &end, 10);

			if (end == at || (*end != ' ' && *end != '\n'))
				break;
			sum += n;
			at = end;
		}
	}
	fclose(file);
	return sum;
}

int npu_open_card(const char *name)
{
	for (int i = 0; i < 64; i++) {
		char path[64], other[64];
		int fd;

		snprintf(path, sizeof(path), "/dev/accel/accel%d", i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			continue;
		/* Others may go meanwhile. */
		if (npu_try_pci_name(fd, other, sizeof(other)) && !strcmp(name, other))
			return fd;
		close(fd);
	}
	return -1;
}

/* ---- Hot-plug ---------------------------------------------------------------------------------- */

bool npu_inject_until_bound(const char *name, bool bound, int seconds)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", name);
	for (int i = 0; i < seconds * 100; i++) {
		if (!access(path, F_OK) == bound)
			return true;
		usleep(10000);
	}
	return false;
}

/* Waits until pciehp has switched off the slot of a card that is gone. */
static void until_off(int card)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/bus/pci/slots/%d/power", card + 1);
	for (int i = 0; i < 6000; i++) {
		FILE *file = fopen(path, "re");
		int power = -1;

		assert_non_null(file);
		assert_int_equal(fscanf(file, "%d", &power), 1);
		fclose(file);
		if (!power)
			return;
		usleep(10000);
	}
	fail_msg("slot %d keeps its power", card + 1);
}

/*
 * For a second after it took a slot's power away, pciehp believes no change, and then the slot is empty for it: it
 * wants the card to be put in once more.
 */
void npu_inject_put_in(const char *name)
{
	int tries, fd = -1;

	assert_true(npu_inject_until_bound(name, false, 60));
	for (tries = 0; tries < 5; tries++) {
		until_off(npu_inject_card(name));
		sleep(2);
		npu_inject(name, "removal", 0);
		if (npu_inject_until_bound(name, true, 15))
			break;
		npu_inject(name, "removal", 1);
	}
	assert_true(npu_inject_until_bound(name, true, 1));
	for (int i = 0; i < 6000 && fd < 0; i++) {
		fd = npu_open_card(name);
		if (fd < 0)
			usleep(10000);
	}
	assert_true(fd >= 0);
	close(fd);
}
