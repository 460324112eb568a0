// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Devices: names, capabilities, what is said when there is none.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common.h"
#include "hal/nodes.h"

static void caps_make_sense(void **state)
{
	struct npu_device *dev = test_open();
	const struct npu_caps *caps = npu_device_caps(dev);

	(void)state;
	assert_int_equal(caps->isa >> 16, NPU_ISA_MAJOR);
	assert_in_range(caps->cores, 1, NPU_MAX_CORES);
	assert_in_range(caps->rings, 1, NPU_MAX_RINGS);
	assert_true(caps->spm_size >= 65536 && caps->acc_size >= 4096);
	assert_true(caps->array_rows && caps->array_cols && caps->vpu_lanes && caps->clock_khz);
	assert_true(caps->weight_rows && caps->dw_channels && caps->dw_taps && caps->float_div);
	assert_true(caps->lmem_bw && caps->pcie_bw && caps->lmem_size);
	npu_close(dev);
	npu_close(NULL);
}

static void the_environment_names_the_device(void **state)
{
	char *old = getenv("NPU_DEVICE") ? strdup(getenv("NPU_DEVICE")) : NULL;
	struct npu_device *dev;

	(void)state;
	setenv("NPU_DEVICE", "sim:cores=3", 1);
	test_ok(npu_open(&dev, NULL));
	assert_string_equal(npu_device_name(dev), "sim:cores=3");
	assert_int_equal(npu_device_caps(dev)->cores, 3);
	npu_close(dev);
	if (old)
		setenv("NPU_DEVICE", old, 1);
	else
		unsetenv("NPU_DEVICE");
	free(old);
}

static void options_shape_the_simulated_card(void **state)
{
	struct npu_device *dev;
	const struct npu_caps *caps;

	(void)state;
	test_ok(npu_open(&dev, "sim:cores=5,spm=512K,acc=64K,lmem=8M,rings=7,inject=on,check=off"));
	caps = npu_device_caps(dev);
	assert_int_equal(caps->cores, 5);
	assert_int_equal(caps->spm_size, 512 << 10);
	assert_int_equal(caps->acc_size, 64 << 10);
	assert_int_equal(caps->lmem_size, 8 << 20);
	assert_int_equal(caps->rings, 7);
	assert_int_equal(caps->features, NPU_FEATURE_INJECT);
	npu_close(dev);
}

static void refuse(const char *name, int err, const char *word)
{
	struct npu_device *dev = (void *)1;

	assert_int_equal(npu_open(&dev, name), err);
	assert_null(dev);
	if (!strstr(npu_error(), word))
		fail_msg("\"%s\" does not say \"%s\"", npu_error(), word);
}

static void bad_names_are_explained(void **state)
{
	(void)state;
	refuse("sim:corse=2", -EINVAL, "corse");
	refuse("sim:cores=0", -EINVAL, "cores");
	refuse("sim:cores=many", -EINVAL, "cores");
	refuse("sim:spm", -EINVAL, "spm");
	refuse("accel4711", -ENODEV, "accel4711");
	refuse("/dev/null", -ENODEV, "/dev/null");
	refuse("card", -ENODEV, "sim:");
}

static void versions_are_told(void **state)
{
	char expected[32];

	(void)state;
	snprintf(expected, sizeof(expected), "%d.%d.%d", NPU_VERSION_MAJOR, NPU_VERSION_MINOR,
		 NPU_VERSION_PATCH);
	assert_string_equal(npu_version(), expected);
}

static void counters_count(void **state)
{
	struct npu_device *dev = test_open();
	struct npu_program *prog = test_copy_program(dev, 4096);
	struct npu_buffer *from = test_new_buffer(dev, 4096, NPU_BUFFER_LOCAL, 1);
	struct npu_buffer *to = test_new_buffer(dev, 4096, NPU_BUFFER_HOST, 0);
	struct npu_engine_counters before[4], after[4];
	struct npu_queue *queue;
	struct npu_fence *fence;
	struct test_job job;
	uint64_t lmem = 0, pcie = 0;

	(void)state;
	assert_int_equal(npu_device_counters(dev, npu_device_caps(dev)->cores, before), -EINVAL);
	test_ok(npu_queue_create(dev, NULL, &queue));
	test_copy_job(&job, prog, from, to);
	for (unsigned int n = 0; n < 2; n++) {
		for (unsigned int c = 0; c < npu_device_caps(dev)->cores; c++) {
			test_ok(npu_device_counters(dev, c, n ? after : before));
			for (unsigned int e = 0; e < 4; e++) {
				lmem += n ? after[e].lmem_bytes : -before[e].lmem_bytes;
				pcie += n ? after[e].pcie_bytes : -before[e].pcie_bytes;
			}
		}
		if (n)
			break;
		test_ok(npu_queue_submit(queue, &job.job, 1, NULL, 0, &fence));
		test_ok(npu_fence_wait(fence, NPU_WAIT_FOREVER));
		npu_fence_release(fence);
	}
	/* Others may use a real card meanwhile. */
	assert_true(lmem >= 4096 && pcie >= 4096);
	if (test_is_sim())
		assert_true(lmem == 4096 && pcie == 4096);
	npu_queue_release(queue);
	npu_buffer_release(from);
	npu_buffer_release(to);
	npu_program_release(prog);
	npu_close(dev);
}

/* ---- Finding cards in a folder that looks like sysfs ----------------------------------------- */

static void put(const char *root, const char *path, const char *text)
{
	char name[256];
	FILE *f;

	snprintf(name, sizeof(name), "%s/%s", root, path);
	f = fopen(name, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void folder(const char *root, const char *path)
{
	char name[256];

	snprintf(name, sizeof(name), "%s/%s", root, path);
	assert_int_equal(mkdir(name, 0755), 0);
}

static void card(const char *root, const char *node, const char *pci, const char *device)
{
	char path[200], target[200];

	snprintf(path, sizeof(path), "devices/%s", pci);
	folder(root, path);
	snprintf(path, sizeof(path), "devices/%s/vendor", pci);
	put(root, path, "0x1234\n");
	snprintf(path, sizeof(path), "devices/%s/device", pci);
	put(root, path, device);
	snprintf(path, sizeof(path), "class/%s", node);
	folder(root, path);
	snprintf(path, sizeof(path), "%s/class/%s/device", root, node);
	snprintf(target, sizeof(target), "../../devices/%s", pci);
	assert_int_equal(symlink(target, path), 0);
}

static void cards_are_found_in_sysfs(void **state)
{
	char root[] = P_tmpdir "/npu-test-XXXXXX", class[64], nodes[64], command[80];
	struct npu_device_entry e[4];

	(void)state;
	assert_non_null(mkdtemp(root));
	snprintf(class, sizeof(class), "%s/class", root);
	snprintf(nodes, sizeof(nodes), "%s/dev", root);
	assert_int_equal(npu_nodes_scan(class, nodes, e, 4), 0);
	folder(root, "class");
	folder(root, "devices");
	folder(root, "dev");
	card(root, "accel10", "0000:03:00.0", "0x4e50\n");
	card(root, "accel2", "0000:02:00.0", "0x4e50\n");
	card(root, "accel0", "0000:01:00.0", "0x1020\n"); /* another driver's */
	folder(root, "class/accel1"); /* no PCI device */
	folder(root, "class/version");
	put(root, "dev/accel2", "");

	assert_int_equal(npu_nodes_scan(class, nodes, e, 4), 2);
	assert_string_equal(e[0].name, "accel2");
	assert_string_equal(e[0].pci, "0000:02:00.0");
	assert_int_equal(e[0].device, NPU_PCI_DEVICE_ID);
	assert_true(e[0].accessible);
	assert_string_equal(e[1].name, "accel10");
	assert_string_equal(e[1].node + strlen(e[1].node) - 12, "/dev/accel10");
	assert_false(e[1].accessible);
	memset(&e[1], 0x55, sizeof(e[1]));
	assert_int_equal(npu_nodes_scan(class, nodes, e, 1), 2);
	assert_int_equal(e[1].name[0], 0x55);

	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static void a_card_is_in_the_list(void **state)
{
	struct npu_device_entry e[8];
	int count = npu_device_list(e, 8);

	(void)state;
	assert_true(count >= 0);
	assert_int_equal(npu_device_list(NULL, 0), count);
	assert_int_equal(npu_device_list(NULL, 1), -EINVAL);
	if (!test_is_sim())
		assert_true(count > 0);
	for (int i = 0; i < count && i < 8; i++) {
		struct npu_device *dev;

		if (!e[i].accessible)
			continue;
		test_ok(npu_open(&dev, e[i].pci));
		assert_string_equal(npu_device_name(dev), e[i].name);
		npu_close(dev);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(caps_make_sense),
		cmocka_unit_test(the_environment_names_the_device),
		cmocka_unit_test(options_shape_the_simulated_card),
		cmocka_unit_test(bad_names_are_explained),
		cmocka_unit_test(versions_are_told),
		cmocka_unit_test(counters_count),
		cmocka_unit_test(cards_are_found_in_sysfs),
		cmocka_unit_test(a_card_is_in_the_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
