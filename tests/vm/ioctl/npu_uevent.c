// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * The kernel's uevents; see npu_uevent.h.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "npu_test.h"
#include "npu_uevent.h"

/* The kernel's own group; udev tells others in another one. */
#define KERNEL_GROUP	1

int npu_uevent_open(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP };
	int sock = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT), size = 1 << 20;

	assert_true(sock >= 0);
	assert_int_equal(setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	assert_int_equal(bind(sock, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return sock;
}

const char *npu_uevent_value(const struct npu_uevent *ev, const char *variable)
{
	size_t len = strlen(variable);

	for (size_t at = 0; at < ev->size; at += strlen(ev->text + at) + 1)
		if (!strncmp(ev->text + at, variable, len) && ev->text[at + len] == '=')
			return ev->text + at + len + 1;
	return NULL;
}

long long npu_uevent_number(const struct npu_uevent *ev, const char *variable)
{
	const char *value = npu_uevent_value(ev, variable);
	long long number;
	char *end;

	assert_non_null(value);
	number = strtoll(value, &end, 10);
	assert_true(*value && !*end);
	return number;
}

bool npu_uevent_try_next(int socket, struct npu_uevent *ev, int ms)
{
	struct pollfd fd = { .fd = socket, .events = POLLIN };

	while (poll(&fd, 1, ms) > 0) {
		ssize_t n = recv(socket, ev->text, sizeof(ev->text) - 1, 0);

		assert_true(n > 0);
		ev->text[n] = 0;
		ev->size = n;
		if (!npu_uevent_value(ev, "NPU_EVENT"))
			continue;
		assert_string_equal(npu_uevent_value(ev, "ACTION"), "change");
		assert_string_equal(npu_uevent_value(ev, "SUBSYSTEM"), "accel");
		return true;
	}
	return false;
}

void npu_uevent_next(int socket, const char *name, const char *kind, struct npu_uevent *ev)
{
	do {
		if (!npu_uevent_try_next(socket, ev, 60000))
			fail_msg("no event \"%s\" of %s", kind, name);
	} while (strcmp(npu_uevent_value(ev, "NPU_EVENT"), kind) ||
		 !strstr(npu_uevent_value(ev, "DEVPATH"), name));
}
