/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a program, and its note about the kernel that it was built for. The file is a stranger's: every offset and length in it is
 * checked against what has been read, and nothing but that is looked at.
 */
#include "container/elf.h"

#include <elf.h>
#include <string.h>

#include "base/macros.h"

enum { PHDRS_MAX = 64, NOTES_MAX = 64, ABI_OS_LINUX = 0 };

/* The bytes, and how their numbers are written. */
struct view {
	const unsigned char *bytes;
	size_t len;
	bool big_endian, is_64;
};

/* A number of n bytes; 0 where there are none. */
static uint64_t number(const struct view *v, uint64_t offset, size_t n)
{
	uint64_t value = 0;

	if (offset > v->len || v->len - offset < n)
		return 0;
	for (size_t i = 0; i < n; i++)
		value = value << 8 | v->bytes[offset + (v->big_endian ? i : n - 1 - i)];
	return value;
}

/* A member that both classes have, each at its own place and the last two of its own size. */
#define FIELD(v, base, type, member)                                                                                   \
	((v)->is_64 ? number((v), (base) + offsetof(Elf64_##type, member), sizeof(((Elf64_##type *)0)->member))        \
		    : number((v), (base) + offsetof(Elf32_##type, member), sizeof(((Elf32_##type *)0)->member)))

/* NT_GNU_ABI_TAG (the LSB's "note.ABI-tag"): operating system, then the version in three words. */
static uint32_t abi_tag(const struct view *v, uint64_t desc, uint64_t size)
{
	if (size < 16 || desc > v->len || v->len - desc < 16 || number(v, desc, 4) != ABI_OS_LINUX)
		return 0;
	return KERNEL_VERSION(MIN(number(v, desc + 4, 4), 255), MIN(number(v, desc + 8, 4), 255), MIN(number(v, desc + 12, 4), 255));
}

static uint64_t align4(uint64_t n)
{
	return (n + 3) & ~UINT64_C(3);
}

/* The notes between offset and end; sizes have 32 bits, so no sum of them overflows. */
static uint32_t find_abi_tag(const struct view *v, uint64_t offset, uint64_t end)
{
	end = MIN(end, v->len);
	for (int i = 0; i < NOTES_MAX && offset < end && end - offset >= sizeof(Elf32_Nhdr); i++) {
		uint64_t name_size = number(v, offset, 4), size = number(v, offset + 4, 4), type = number(v, offset + 8, 4);
		uint64_t name = offset + sizeof(Elf32_Nhdr), desc = name + align4(name_size);

		if (type == NT_GNU_ABI_TAG && name_size == sizeof(ELF_NOTE_GNU) && name + name_size <= end &&
		    !memcmp(v->bytes + name, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)))
			return abi_tag(v, desc, size);
		offset = desc + align4(size);
	}
	return 0;
}

static uint32_t kernel_of(const struct view *v)
{
	uint64_t at = FIELD(v, 0, Ehdr, e_phoff), size = FIELD(v, 0, Ehdr, e_phentsize);
	uint64_t n = MIN(FIELD(v, 0, Ehdr, e_phnum), PHDRS_MAX);
	uint32_t found = 0;

	if (size != (v->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return 0;
	for (uint64_t i = 0; i < n && !found && at < v->len; i++, at += size) {
		uint64_t offset = FIELD(v, at, Phdr, p_offset), length = FIELD(v, at, Phdr, p_filesz);

		if (FIELD(v, at, Phdr, p_type) == PT_NOTE && offset < v->len)
			found = find_abi_tag(v, offset, length < v->len ? offset + length : v->len);
	}
	return found;
}

bool elf_identify(const unsigned char *head, size_t len, struct elf_identity *ret)
{
	struct view v = { head, len, false, false };

	if (len < sizeof(Elf32_Ehdr) || memcmp(head, ELFMAG, SELFMAG) != 0)
		return false;
	v.is_64 = head[EI_CLASS] == ELFCLASS64;
	v.big_endian = head[EI_DATA] == ELFDATA2MSB;
	*ret = (struct elf_identity){ .elf_class = head[EI_CLASS], .data = head[EI_DATA] };
	ret->machine = (uint16_t)FIELD(&v, 0, Ehdr, e_machine);
	ret->kernel = kernel_of(&v);
	return true;
}
