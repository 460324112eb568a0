// SPDX-License-Identifier: MIT
/*
 * Copyright (c) 2026 the npu authors
 *
 * Coverage of npu.ko; see kcov.h. A call of the tracing function is known by its relocation in the module's
 * file; what a trace has are the addresses such calls return to.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kcov.h>

#include "kcov.h"

#define TRACER		"__sanitizer_cov_trace_pc"
/* Addresses a call can leave. */
#define TRACE_SIZE	(16 * 1024)

/* A section of code has its own place; those of the module's beginning and end are elsewhere. */
static const char code_section[] = ".text";

static uint64_t section_address(const char *name)
{
	unsigned long long address = 0;
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/npu/sections/%s", name);
	file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%llx", &address) != 1)
		address = 0;
	fclose(file);
	return address;
}

/* Calls of the tracer in the section @code of a module's file. */
static size_t count_points(const uint8_t *elf, const Elf64_Shdr *sections, unsigned int n, unsigned int code)
{
	size_t points = 0;

	for (unsigned int i = 0; i < n; i++) {
		const Elf64_Shdr *rela = &sections[i], *symtab, *strtab;
		const Elf64_Sym *symbols;

		if (rela->sh_type != SHT_RELA || rela->sh_info != code)
			continue;
		symtab = &sections[rela->sh_link];
		strtab = &sections[symtab->sh_link];
		symbols = (const void *)(elf + symtab->sh_offset);
		for (uint64_t k = 0; k < rela->sh_size / sizeof(Elf64_Rela); k++) {
			const Elf64_Rela *r = (const Elf64_Rela *)(elf + rela->sh_offset) + k;
			const char *name = (const char *)elf + strtab->sh_offset +
					   symbols[ELF64_R_SYM(r->r_info)].st_name;

			points += !strcmp(name, TRACER);
		}
	}
	return points;
}

static bool read_module(struct kcov *kcov, const uint8_t *elf)
{
	const Elf64_Ehdr *header = (const void *)elf;
	const Elf64_Shdr *sections = (const void *)(elf + header->e_shoff);
	const char *names = (const char *)elf + sections[header->e_shstrndx].sh_offset;

	for (unsigned int i = 0; i < header->e_shnum; i++) {
		if (strcmp(names + sections[i].sh_name, code_section))
			continue;
		kcov->size = sections[i].sh_size;
		kcov->points = count_points(elf, sections, header->e_shnum, i);
	}
	return kcov->points;
}

bool kcov_open(struct kcov *kcov, const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *elf;
	bool ok;

	*kcov = (struct kcov) {};
	if (access("/sys/kernel/debug/kcov", R_OK)) {
		printf("coverage: this kernel has no KCOV\n");
		return false;
	}
	if (file < 0 || fstat(file, &st)) {
		printf("coverage: %s: %s\n", path, strerror(errno));
		return false;
	}
	elf = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	close(file);
	if (elf == MAP_FAILED)
		return false;
	ok = read_module(kcov, elf);
	munmap(elf, st.st_size);
	kcov->base = section_address(code_section);
	if (!ok || !kcov->base) {
		printf("coverage: %s was built without it, or is not loaded\n", path);
		return false;
	}
	kcov->hit = mmap(NULL, kcov->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return kcov->hit != MAP_FAILED;
}

size_t kcov_reached(const struct kcov *kcov)
{
	size_t n = 0;

	for (uint64_t i = 0; i < kcov->size; i++)
		n += kcov->hit[i];
	return n;
}

uint64_t *kcov_trace_create(const struct kcov *kcov, int *fd)
{
	uint64_t *trace;

	*fd = -1;
	if (!kcov->hit)
		return NULL;
	*fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	if (*fd < 0 || ioctl(*fd, KCOV_INIT_TRACE, (unsigned long)TRACE_SIZE))
		return NULL;
	trace = mmap(NULL, TRACE_SIZE * sizeof(*trace), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	return trace == MAP_FAILED ? NULL : trace;
}

void kcov_trace_start(uint64_t *trace, int fd)
{
	if (!trace)
		return;
	if (ioctl(fd, KCOV_ENABLE, (unsigned long)KCOV_TRACE_PC)) {
		perror("KCOV_ENABLE");
		exit(1);
	}
	__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}

void kcov_trace_take(const struct kcov *kcov, uint64_t *trace)
{
	uint64_t n;

	if (!trace)
		return;
	n = __atomic_load_n(&trace[0], __ATOMIC_RELAXED);
	for (uint64_t i = 1; i <= n; i++)
		if (trace[i] - kcov->base < kcov->size)
			kcov->hit[trace[i] - kcov->base] = 1;
	__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}
