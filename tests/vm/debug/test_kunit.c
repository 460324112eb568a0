// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Usage: test_kunit npu_kunit.ko
 *
 * The driver's KUnit tests (kernel/tests/), each as a test here: loads the module, which runs them, and reads
 * what KUnit kept of them (KTAP, as in the kernel's log).
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdbool.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_CASES	200

static struct CMUnitTest tests[MAX_CASES];
static size_t ntests;
/* What the kernel says, for the log of a run that failed. */
static char said[65536];

static void test_case(void **state)
{
	if (!strcmp(*state, "ok"))
		return;
	print_message("%s", said);
	fail_msg("the kernel says so");
}

static void add_case(const char *name, const char *result)
{
	if (ntests == MAX_CASES)
		exit(2);
	tests[ntests++] = (struct CMUnitTest) {
		.name = strdup(name),
		.test_func = test_case,
		.initial_state = strdup(result),
	};
}

/*
 * One suite. Its cases are indented: a plan, then a line each. Too few of them, or a suite that is not well
 * itself, is a case that fails.
 */
static void read_suite(const char *path)
{
	unsigned int planned = 0, found = 0;
	FILE *file = fopen(path, "re");
	char line[512], name[128];
	bool well = false;

	while (file && fgets(line, sizeof(line), file)) {
		strncat(said, line, sizeof(said) - strlen(said) - 1);
		if (sscanf(line, "    1..%u", &planned) == 1)
			continue;
		if (sscanf(line, "    ok %*u %127s", name) == 1 && !strncmp(line, "    ok", 6)) {
			add_case(name, strstr(line, "# SKIP") ? "skipped" : "ok");
			found++;
		} else if (sscanf(line, "    not ok %*u %127s", name) == 1 && !strncmp(line, "    not", 7)) {
			add_case(name, "not ok");
			found++;
		} else if (!strncmp(line, "ok ", 3)) {
			well = true;
		}
	}
	if (file)
		fclose(file);
	if (!well || !found || found != planned)
		add_case(path, "incomplete");
}

int main(int argc, char **argv)
{
	int module = argc > 1 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	glob_t suites;

	if (module < 0 || syscall(SYS_finit_module, module, "", 0)) {
		fprintf(stderr, "test_kunit: loading %s: %s\n", argc > 1 ? argv[1] : "nothing", strerror(errno));
		return 2;
	}
	if (glob("/sys/kernel/debug/kunit/npu_*/results", 0, NULL, &suites))
		add_case("results", "none");
	else
		for (size_t i = 0; i < suites.gl_pathc; i++)
			read_suite(suites.gl_pathv[i]);
	if (syscall(SYS_delete_module, "npu_kunit", O_NONBLOCK))
		add_case("unload", strerror(errno));
	return _cmocka_run_group_tests("kunit", tests, ntests, NULL, NULL);
}
