/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copyright (c) 2026 the npu authors
 *
 * Where QEMU's build leaves what it makes of trace-events.
 */
#include "trace/trace-hw_misc_npu.h"
