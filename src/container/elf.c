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

/*
 * The description of the first note of that name and type between offset and end: its place, or 0. Sizes have 32 bits, so no sum of them
 * overflows.
 */
static uint64_t find_note(const struct view *v, uint64_t offset, uint64_t end, const char *name, uint64_t type, uint64_t *ret_size)
{
	size_t len = strlen(name) + 1;

	end = MIN(end, v->len);
	for (int i = 0; i < NOTES_MAX && offset < end && end - offset >= sizeof(Elf32_Nhdr); i++) {
		uint64_t name_size = number(v, offset, 4), size = number(v, offset + 4, 4);
		uint64_t at = offset + sizeof(Elf32_Nhdr), desc = at + align4(name_size);

		if (number(v, offset + 8, 4) == type && name_size == len && at + len <= end && !memcmp(v->bytes + at, name, len)) {
			*ret_size = size;
			return desc;
		}
		offset = desc + align4(size);
	}
	return 0;
}

/* The i-th segment of a type. */
static bool find_segment(const struct view *v, uint32_t type, unsigned i, uint64_t *ret_offset, uint64_t *ret_size)
{
	uint64_t at = FIELD(v, 0, Ehdr, e_phoff), size = FIELD(v, 0, Ehdr, e_phentsize);
	uint64_t n = MIN(FIELD(v, 0, Ehdr, e_phnum), PHDRS_MAX);

	if (size != (v->is_64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return false;
	for (; n > 0 && at < v->len; n--, at += size) {
		if (FIELD(v, at, Phdr, p_type) != type || i-- > 0)
			continue;
		*ret_offset = FIELD(v, at, Phdr, p_offset);
		*ret_size = FIELD(v, at, Phdr, p_filesz);
		return true;
	}
	return false;
}

static uint32_t kernel_of(const struct view *v)
{
	uint64_t offset, size, desc;
	uint32_t found = 0;

	for (unsigned i = 0; !found && find_segment(v, PT_NOTE, i, &offset, &size); i++) {
		if (offset >= v->len)
			continue;
		desc = find_note(v, offset, size < v->len ? offset + size : v->len, ELF_NOTE_GNU, NT_GNU_ABI_TAG, &size);
		found = desc ? abi_tag(v, desc, size) : 0;
	}
	return found;
}

static struct view view_of(const unsigned char *head, size_t len)
{
	return (struct view){ head, len, head[EI_DATA] == ELFDATA2MSB, head[EI_CLASS] == ELFCLASS64 };
}

static bool is_elf(const unsigned char *head, size_t len)
{
	return len >= sizeof(Elf32_Ehdr) && memcmp(head, ELFMAG, SELFMAG) == 0;
}

bool elf_identify(const unsigned char *head, size_t len, struct elf_identity *ret)
{
	uint64_t offset, size;
	struct view v;

	if (!is_elf(head, len))
		return false;
	v = view_of(head, len);
	*ret = (struct elf_identity){ .elf_class = head[EI_CLASS], .data = head[EI_DATA] };
	ret->machine = (uint16_t)FIELD(&v, 0, Ehdr, e_machine);
	ret->kernel = kernel_of(&v);
	ret->has_interpreter = find_segment(&v, PT_INTERP, 0, &offset, &size);
	return true;
}

bool elf_find_notes(const unsigned char *head, size_t len, uint64_t *ret_offset, uint64_t *ret_size)
{
	struct view v;

	if (!is_elf(head, len))
		return false;
	v = view_of(head, len);
	return find_segment(&v, PT_NOTE, 0, ret_offset, ret_size);
}

bool elf_has_note(const unsigned char *notes, size_t len, const char *name, uint32_t type)
{
	const struct view v = { notes, len, false, true };
	uint64_t size;

	return find_note(&v, 0, len, name, type, &size) != 0;
}
