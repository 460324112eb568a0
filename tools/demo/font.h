/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 the npu authors */
/*
 * A bitmap font of 5x7 dots for the demo's picture: letters, digits and the few signs it uses.
 */
#ifndef TOOLS_DEMO_FONT_H
#define TOOLS_DEMO_FONT_H

#include <stdint.h>

#define NPU_DEMO_FONT_W 5
#define NPU_DEMO_FONT_H 7

/**
 * npu_demo_glyph() - the dots of a character
 *
 * Returns its seven rows from the top, bit 4 leftmost; a hollow box if the font lacks it.
 */
const uint8_t *npu_demo_glyph(char c);

#endif
