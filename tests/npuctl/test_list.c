// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * How lists of cards are rendered, and what is advised when one cannot be opened: for machines that
 * are not here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cards.h"
#include "command.h"
#include "list.h"

static struct card ready = {
	.pci = "0000:01:00.0",
	.vendor = 0x1234,
	.device = 0x4e50,
	.revision = 1,
	.product = "npu accelerator",
	.driver = "npu",
	.link_speed = "16.0 GT/s PCIe",
	.link_width = "16",
	.name = "accel0",
	.node = "/dev/accel/accel0",
	.accessible = true,
	.owner = "root",
	.group = "render",
	.mode = 0660,
};
static struct card bare = {
	.pci = "0000:02:00.0",
	.vendor = 0x1234,
	.device = 0x4e50,
	.product = "npu accelerator",
};

static struct card_list list_of(struct card *cards, size_t count, enum module_state module)
{
	return (struct card_list){ .cards = cards, .count = count, .module = module };
}

static void renders(const struct card_list *list, const char *want)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	list_text(f, list);
	fclose(f);
	assert_string_equal(text, want);
	free(text);
}

static void test_text(void **state)
{
	struct card both[] = { ready, bare };
	struct card_list list;

	(void)state;
	list = list_of(NULL, 0, MODULE_ABSENT);
	renders(&list, "No NPU card in this machine (module npu: not loaded). The device sim: is a "
		       "simulated one.\n");
	list = list_of(&ready, 1, MODULE_LIVE);
	renders(&list,
		"DEVICE  PCI           ID         LINK                DRIVER  STATE  PRODUCT\n"
		"accel0  0000:01:00.0  1234:4e50  16.0 GT/s PCIe x16  npu     ready  npu "
		"accelerator\n");
	list = list_of(both, 2, MODULE_LIVE);
	both[0].accessible = false;
	renders(&list,
		"DEVICE  PCI           ID         LINK                DRIVER  STATE          "
		"PRODUCT\n"
		"accel0  0000:01:00.0  1234:4e50  16.0 GT/s PCIe x16  npu     no permission  npu "
		"accelerator\n"
		"-       0000:02:00.0  1234:4e50  -                   -       no driver      npu "
		"accelerator\n"
		"npuctl info --device PCI-ADDRESS tells what a card lacks that is not ready.\n");
}

static void test_json(void **state)
{
	static const char want[] =
		"{\"devices\": ["
		"{\"accessible\": true, \"device\": 20048, \"driver\": \"npu\", \"link_speed\": "
		"\"16.0 GT/s PCIe\", "
		"\"link_width\": \"16\", \"name\": \"accel0\", \"node\": \"/dev/accel/accel0\", "
		"\"pci\": \"0000:01:00.0\", \"product\": \"npu accelerator\", \"revision\": 1, "
		"\"vendor\": 4660}, "
		"{\"accessible\": false, \"device\": 20048, \"driver\": null, \"link_speed\": "
		"null, "
		"\"link_width\": null, \"name\": null, \"node\": null, "
		"\"pci\": \"0000:02:00.0\", \"product\": \"npu accelerator\", \"revision\": 0, "
		"\"vendor\": 4660}"
		"], \"module\": \"live\", \"schema\": \"npuctl-list\", \"version\": 1}";
	struct card both[] = { ready, bare };
	struct card_list list = list_of(both, 2, MODULE_LIVE);
	json_t *j = list_json(&list);
	char *text = json_dumps(j, JSON_SORT_KEYS);

	(void)state;
	assert_string_equal(text, want);
	free(text);
	json_decref(j);
}

static char said[1024];

/* device_advice(), with what it says to stderr. */
static int advise(const struct card_list *list, const char *name, int error)
{
	int saved = dup(STDERR_FILENO), code;
	FILE *f = tmpfile();
	size_t n;

	assert_non_null(f);
	fflush(stderr);
	dup2(fileno(f), STDERR_FILENO);
	code = device_advice(list, name, error, "the library's words");
	fflush(stderr);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = 0;
	fclose(f);
	return code;
}

#define SAYS(words) assert_non_null(strstr(said, words))

static void test_advice(void **state)
{
	struct card closed = ready, taken = bare, rooted = ready;
	struct card_list none = list_of(NULL, 0, MODULE_ABSENT),
			 one = list_of(&bare, 1, MODULE_ABSENT);

	(void)state;
	assert_int_equal(advise(&none, NULL, -ENODEV), NPUCTL_NO_DEVICE);
	SAYS("no NPU card");
	SAYS("lspci -d 1234:4e50");
	SAYS("sim:");
	assert_int_equal(advise(&none, "accel7", -ENODEV), NPUCTL_NO_DEVICE);
	SAYS("\"accel7\"");
	assert_int_equal(advise(&one, NULL, -ENODEV), NPUCTL_NO_DEVICE);
	SAYS("0000:02:00.0");
	SAYS("modprobe npu");
	one.module = MODULE_LIVE;
	assert_int_equal(advise(&one, "0000:02:00.0", -ENODEV), NPUCTL_NO_DEVICE);
	SAYS("dmesg");
	strcpy(taken.driver, "vfio-pci");
	one.cards = &taken;
	assert_int_equal(advise(&one, NULL, -ENODEV), NPUCTL_NO_DEVICE);
	SAYS("vfio-pci");
	assert_int_equal(advise(&one, "accel3", -ENODEV), NPUCTL_NO_DEVICE);
	SAYS("npuctl list");

	closed.accessible = false;
	one.cards = &closed;
	assert_int_equal(advise(&one, NULL, -EACCES), NPUCTL_NO_DEVICE);
	SAYS("/dev/accel/accel0 (root:render, mode 0660)");
	SAYS("usermod -a -G render");
	strcpy(rooted.group, "root");
	rooted.mode = 0600;
	one.cards = &rooted;
	assert_int_equal(advise(&one, "accel0", -EACCES), NPUCTL_NO_DEVICE);
	SAYS("chgrp render /dev/accel/accel0");
	assert_int_equal(advise(&one, "accel0", -EIO), NPUCTL_NO_DEVICE);
	SAYS("the library's words");
	assert_int_equal(advise(&one, "sim:x", -EINVAL), NPUCTL_USAGE);
	SAYS("the library's words");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
