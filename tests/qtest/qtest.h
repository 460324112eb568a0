/* SPDX-License-Identifier: MIT */
/*
 * Copyright (c) 2026 the npu authors
 *
 * A QEMU without a guest, driven over its qtest protocol: memory, ports and PCI configuration space as a
 * driver would touch them. Any failure of the connection ends the test program: QEMU has died.
 */
#ifndef NPU_TESTS_QTEST_H
#define NPU_TESTS_QTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct qtest;

/** qtest_start() - q35 with 128 MiB; @args are appended to the command line, split at spaces */
struct qtest *qtest_start(const char *args);

/** qtest_stop() - end QEMU; returns its exit status, 0 when it ended as told */
int qtest_stop(struct qtest *q);

/** qtest_refuses() - QEMU with @args exits at once with an error; its message is left in @err */
int qtest_refuses(const char *args, char *err, size_t size);

/** qtest_read() - 1, 2, 4 or 8 bytes of guest physical memory; qtest_write() likewise */
uint64_t qtest_read(struct qtest *q, uint64_t addr, unsigned int size);
void qtest_write(struct qtest *q, uint64_t addr, uint64_t value, unsigned int size);

struct qtest_write {
	uint64_t addr;
	uint64_t value;
	size_t size;	/* above 8: so many bytes of @value */
};

/**
 * qtest_write_at_once() - a few writes that QEMU's main loop carries out without looking at anything else in
 * between, its big lock held
 */
void qtest_write_at_once(struct qtest *q, const struct qtest_write *list, unsigned int count);

void qtest_memread(struct qtest *q, uint64_t addr, void *buf, size_t size);
void qtest_memwrite(struct qtest *q, uint64_t addr, const void *buf, size_t size);

void qtest_outb(struct qtest *q, uint16_t port, uint8_t value);
void qtest_outl(struct qtest *q, uint16_t port, uint32_t value);

/** qtest_qom_set() - set a property of the device with id @id over QMP; 0, or -1 when QEMU refuses */
int qtest_qom_set(struct qtest *q, const char *id, const char *property, const char *value);

/** qtest_qom_refuses() - QEMU refuses to set it, and @why is in what it says */
bool qtest_qom_refuses(struct qtest *q, const char *id, const char *property, const char *value,
		       const char *why);

/** qtest_qom_get() - a whole number; qtest ends the program where there is none */
long long qtest_qom_get(struct qtest *q, const char *id, const char *property);

/** qtest_pci_init() - turn on the memory-mapped configuration space */
void qtest_pci_init(struct qtest *q);

/** qtest_pci_config() - address of a register of bus 0's function @slot.0 */
uint64_t qtest_pci_config(unsigned int slot, unsigned int offset);

#endif
