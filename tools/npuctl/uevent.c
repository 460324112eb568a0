// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Uevents from the kernel's netlink socket. What others may send there is not taken: only the
 * kernel has the address 0.
 */
#include "uevent.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "system.h"

/* The kernel's own group; udev tells others in another one. */
#define KERNEL_GROUP 1

int uevent_open(struct uevent_source *source)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
	char path[PATH_MAX];
	int size = 1 << 20, error;

	*source = (struct uevent_source){ .socket = -1 };
	if (*system_root()) {
		system_path(path, "/uevents");
		source->record = fopen(path, "re");
		return source->record ? 0 : -errno;
	}
	source->socket = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	if (source->socket < 0)
		return -errno;
	/* A burst of other devices' events must not push ours out; less room is no failure. */
	setsockopt(source->socket, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (bind(source->socket, (struct sockaddr *)&addr, sizeof(addr))) {
		error = -errno;
		uevent_close(source);
		return error;
	}
	return 0;
}

void uevent_close(struct uevent_source *source)
{
	if (source->socket >= 0)
		close(source->socket);
	if (source->record)
		fclose(source->record);
	*source = (struct uevent_source){ .socket = -1 };
}

/* Lines "KEY=VALUE" up to an empty one. */
static int read_record(FILE *f, struct uevent *event)
{
	char line[512];

	event->size = 0;
	while (fgets(line, sizeof(line), f)) {
		size_t n = strcspn(line, "\n");

		if (!n && event->size)
			return 1;
		line[n] = 0;
		if (!n || event->size + n + 1 > sizeof(event->text))
			continue;
		memcpy(event->text + event->size, line, n + 1);
		event->size += n + 1;
	}
	return event->size != 0;
}

static int receive(int sock, struct uevent *event, int wait_ms)
{
	struct pollfd fd = { .fd = sock, .events = POLLIN };
	struct sockaddr_nl from = { 0 };
	socklen_t length = sizeof(from);
	ssize_t n;
	int r = poll(&fd, 1, wait_ms);

	if (r <= 0)
		return r < 0 ? -errno : 0;
	n = recvfrom(sock, event->text, sizeof(event->text) - 1, 0, (struct sockaddr *)&from,
		     &length);
	if (n < 0)
		return -errno;
	event->text[n] = 0;
	/* Its last text ends within it. */
	event->size = from.nl_pid ? 0 : n;
	return 1;
}

static bool of_a_card(const struct uevent *event)
{
	const char *subsystem = uevent_get(event, "SUBSYSTEM");

	return subsystem && !strcmp(subsystem, "accel") &&
	       (uevent_get(event, "NPU_EVENT") || uevent_get(event, "WEDGED"));
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

int uevent_next(struct uevent_source *source, struct uevent *event, int wait_ms)
{
	int64_t end = now_ms() + wait_ms;
	int r;

	do {
		int64_t left = end - now_ms();

		if (source->record)
			r = read_record(source->record, event);
		else
			r = receive(source->socket, event,
				    wait_ms < 0 ? -1 :
				    left < 0	? 0 :
						  (int)left);
	} while (r == 1 && !of_a_card(event));
	return r;
}

const char *uevent_get(const struct uevent *event, const char *key)
{
	size_t length = strlen(key), at = 0;

	while (at < event->size) {
		const char *text = event->text + at;

		if (!strncmp(text, key, length) && text[length] == '=')
			return text + length + 1;
		at += strlen(text) + 1;
	}
	return NULL;
}

bool uevent_number(const struct uevent *event, const char *key, int64_t *value)
{
	const char *text = uevent_get(event, key);
	char *end;

	if (!text)
		return false;
	*value = strtoll(text, &end, 10);
	return end != text && !*end;
}

/* DEVPATH is ".../0000:01:00.0/accel/accel0". */
void uevent_card(const struct uevent *event, char name[32], char pci[16])
{
	char path[512], *slash;

	name[0] = pci[0] = 0;
	snprintf(path, sizeof(path), "%s", uevent_get(event, "DEVPATH") ?: "");
	slash = strrchr(path, '/');
	if (!slash)
		return;
	snprintf(name, 32, "%s", slash + 1);
	*slash = 0;
	slash = strrchr(path, '/');
	if (!slash || strcmp(slash, "/accel"))
		return;
	*slash = 0;
	slash = strrchr(path, '/');
	if (slash)
		snprintf(pci, 16, "%s", slash + 1);
}
