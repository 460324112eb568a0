/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * The kernel's uevents, as udev gets them; a test fails when one that it waits for does not come.
 */
#ifndef NPU_UEVENT_H
#define NPU_UEVENT_H

#include <stdbool.h>
#include <stddef.h>

/* Its variables, each with a 0 behind it. */
struct npu_uevent {
	char text[4096];
	size_t size;
};

/* A socket that gets all events from now on. */
int npu_uevent_open(void);

/* The next one of the driver's, of any card and kind, within @ms. */
bool npu_uevent_try_next(int socket, struct npu_uevent *ev, int ms);

/* Waits for the next one of that card and kind (NPU_EVENT); those in between are gone. */
void npu_uevent_next(int socket, const char *name, const char *kind, struct npu_uevent *ev);

/* A variable's value, or NULL. */
const char *npu_uevent_value(const struct npu_uevent *ev, const char *variable);

/* One that there must be. */
long long npu_uevent_number(const struct npu_uevent *ev, const char *variable);

#endif
