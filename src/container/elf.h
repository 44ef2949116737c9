/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_ELF_H
#define HV_CONTAINER_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A kernel's version in one number that can be compared; parts above 255 count as 255. */
#define KERNEL_VERSION(major, minor, patch) ((uint32_t)(major) << 16 | (uint32_t)(minor) << 8 | (uint32_t)(patch))

/* What the beginning of a program says about the machine that it wants (elf(5)). */
struct elf_identity {
	unsigned char elf_class, data; /* ELFCLASS32/64, ELFDATA2LSB/MSB */
	uint16_t machine;	       /* EM_... */
	bool has_interpreter;	       /* it is linked dynamically (PT_INTERP) */
	uint32_t kernel;	       /* the oldest Linux that will do, by the note .note.ABI-tag; 0: it does not say */
};

/*
 * Reads that from the first bytes of a file, which may say anything: what lies outside of them is as good as not there. Pure. Returns whether it
 * is an ELF file.
 */
bool elf_identify(const unsigned char *head, size_t len, struct elf_identity *ret);

/* Where a file's first segment of notes is, and whether notes (of a little-endian file) have one of that name and type. Pure. */
bool elf_find_notes(const unsigned char *head, size_t len, uint64_t *ret_offset, uint64_t *ret_size);
bool elf_has_note(const unsigned char *notes, size_t len, const char *name, uint32_t type);

#endif
