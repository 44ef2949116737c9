/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* container/compat.h, elf.h, binfmt.h: what an image wants, and who can give it that. */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/binfmt.h"
#include "container/compat.h"
#include "container/elf.h"

#define V(a, b) KERNEL_VERSION(a, b, 0)

static char *const ebpf[] = { (char *)"ebpf", (char *)"zfs", NULL };

/* The matrix ---------------------------------------------------------------------------------------------------- */

static void test_fit(void **state)
{
	static const struct {
		struct compat_image image;
		struct compat_kernel kernel;
		enum compat_misfit misfit;
	} cases[] = {
		{ { 0 }, { NULL, "x86_64", V(6, 1), NULL }, COMPAT_FITS },
		{ { .os = "linux", .architecture = "amd64" }, { NULL, "x86_64", V(6, 1), NULL }, COMPAT_FITS },
		{ { .architecture = "386" }, { NULL, "x86_64", 0, NULL }, COMPAT_FITS },
		{ { .architecture = "amd64" }, { NULL, "i686", 0, NULL }, COMPAT_ARCHITECTURE },
		{ { .architecture = "arm64", .variant = "v8" }, { NULL, "aarch64", 0, NULL }, COMPAT_FITS },
		{ { .architecture = "arm64", .variant = "v8" }, { NULL, "x86_64", 0, NULL }, COMPAT_ARCHITECTURE },
		{ { .architecture = "arm", .variant = "v7" }, { NULL, "aarch64", 0, NULL }, COMPAT_FITS },
		{ { .architecture = "arm", .variant = "v7" }, { NULL, "armv7l", 0, NULL }, COMPAT_FITS },
		{ { .architecture = "arm", .variant = "v8" }, { NULL, "armv7l", 0, NULL }, COMPAT_ARCHITECTURE },
		{ { .architecture = "arm", .variant = "v7" }, { NULL, "armv6l", 0, NULL }, COMPAT_ARCHITECTURE },
		{ { .architecture = "sparc64" }, { NULL, "x86_64", 0, NULL }, COMPAT_ARCHITECTURE },
		{ { .os = "windows", .architecture = "amd64" }, { NULL, "x86_64", 0, NULL }, COMPAT_OS },
		{ { .os = "freebsd" }, { NULL, "x86_64", 0, NULL }, COMPAT_OS },
		{ { .kernel = V(3, 2) }, { NULL, "x86_64", V(6, 1), NULL }, COMPAT_FITS },
		{ { .kernel = V(6, 1) }, { NULL, "x86_64", V(6, 1), NULL }, COMPAT_FITS },
		{ { .kernel = V(6, 2) }, { NULL, "x86_64", V(6, 1), NULL }, COMPAT_VERSION },
		{ { .kernel = V(6, 2) }, { NULL, "x86_64", 0, NULL }, COMPAT_FITS },
		{ { .features = "zfs" }, { NULL, "x86_64", 0, ebpf }, COMPAT_FITS },
		{ { .features = "zfs,ebpf" }, { NULL, "x86_64", 0, ebpf }, COMPAT_FITS },
		{ { .features = "zfs,win32k" }, { NULL, "x86_64", 0, ebpf }, COMPAT_FEATURE },
		{ { .features = "zf" }, { NULL, "x86_64", 0, ebpf }, COMPAT_FEATURE },
		{ { .features = "zfs" }, { NULL, "x86_64", 0, NULL }, COMPAT_FEATURE },
		{ { .features = "" }, { NULL, "x86_64", 0, NULL }, COMPAT_FITS },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (compat_fit(&cases[i].image, &cases[i].kernel) != cases[i].misfit)
			fail_msg("case %zu", i);
}

enum { D = COMPAT_DEFAULT, H = COMPAT_HYPERV, N = COMPAT_NATIVE };

static struct compat_kernel guests[] = {
	{ "default", "x86_64", V(6, 1), NULL },
	{ "new", "x86_64", V(6, 12), NULL },
	{ "arm64", "aarch64", V(6, 1), NULL },
	{ "zfs", "x86_64", V(6, 1), ebpf },
};

static const struct {
	struct compat c;
	unsigned can;
	int guest;
	const char *as_default, *as_hyperv; /* the refusals; NULL: it can */
} cases[] = {
	{ { .image = { 0 }, .wanted = -1 }, D | N | H, 0, NULL, NULL },
	{ { .image = { .architecture = "arm64" }, .wanted = -1 }, H, 2,
	  "the image is for linux/arm64, the host is linux/x86_64: runtime type HyperV can run it with guest \"arm64\" (annotation "
	  "io.hvrun.runtime-type, or --runtime-type), Default cannot", NULL },
	{ { .image = { .architecture = "arm64" }, .emulates = true, .wanted = -1 }, D | H, 2, NULL, NULL },
	{ { .image = { .architecture = "arm64" }, .wanted = 0 }, 0, -1, "the image is for linux/arm64, the host is linux/x86_64: ",
	  "the image is for linux/arm64, guest \"default\" is linux/x86_64: runtime type HyperV with a guest for it would run it, but there "
	  "is none (hyperv.guests in the configuration file)" },
	{ { .image = { .architecture = "amd64" }, .wanted = 2 }, D | N, -1, NULL,
	  "the image is for linux/amd64, guest \"arm64\" is linux/aarch64: runtime type Default can run it, HyperV has no guest for it" },
	{ { .image = { .kernel = V(6, 10) }, .wanted = -1 }, H, 1,
	  "the image needs kernel 6.10.0 or newer, the host has 6.5.0: runtime type HyperV can run it with guest \"new\"", NULL },
	{ { .image = { .kernel = V(6, 10) }, .emulates = true, .wanted = -1 }, H, 1, "the image needs kernel 6.10.0 or newer", NULL },
	{ { .image = { .kernel = V(6, 20) }, .wanted = -1 }, 0, -1, "the image needs kernel 6.20.0 or newer, the host has 6.5.0: runtime "
	  "type HyperV with a guest for it would", "the image needs kernel 6.20.0 or newer, guest \"default\" has 6.1.0: " },
	{ { .image = { .features = "zfs" }, .wanted = -1 }, H, 3, "the image needs the feature \"zfs\", the host is not said to have it "
	  "(configuration file: os_features): runtime type HyperV can run it with guest \"zfs\"", NULL },
	{ { .image = { .os = "windows" }, .emulates = true, .wanted = -1 }, 0, -1, "the image is for windows, the host is linux/x86_64: ",
	  "the image is for windows, guest \"default\" is linux/x86_64: " },
};

static void check_refusal(size_t i, const struct compat *c, enum runtime_type type, const char *message)
{
	struct error err;

	if (!message)
		return;
	assert_int_equal(compat_refuse(c, type, &err), -ENOEXEC);
	if (!str_skip_prefix(err.msg, message))
		fail_msg("case %zu: %s", i, err.msg);
}

static void test_matrix(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct compat c = cases[i].c;

		c.host = (struct compat_kernel){ NULL, "x86_64", V(6, 5), NULL };
		c.guests = guests;
		c.n_guests = ARRAY_SIZE(guests);
		if (compat_check(&c) != cases[i].can || compat_guest(&c) != cases[i].guest)
			fail_msg("case %zu: %u, guest %d", i, compat_check(&c), compat_guest(&c));
		assert_int_equal(cases[i].as_default == NULL, (cases[i].can & D) != 0);
		assert_int_equal(cases[i].as_hyperv == NULL, (cases[i].can & H) != 0);
		check_refusal(i, &c, RUNTIME_TYPE_DEFAULT, cases[i].as_default);
		check_refusal(i, &c, RUNTIME_TYPE_HYPERV, cases[i].as_hyperv);
	}
}

static void test_version(void **state)
{
	static const struct {
		const char *release;
		uint32_t version;
	} rows[] = { { "6.18.44-fc-v669", KERNEL_VERSION(6, 18, 44) }, { "5.10", V(5, 10) }, { "6.1.0-56-amd64", V(6, 1) },
		     { "6", V(6, 0) },  { "", 0 }, { NULL, 0 }, { "new", 0 }, { "4.19.325", KERNEL_VERSION(4, 19, 255) },
		     { "99999999999999999999.1", 0 }, { "-1.2", 0 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (compat_parse_version(rows[i].release) != rows[i].version)
			fail_msg("%s: %x", rows[i].release, compat_parse_version(rows[i].release));
}

/* ELF ------------------------------------------------------------------------------------------------------------- */

/* A 64-bit little-endian program with one note segment that has two notes, the second of them the ABI tag 3.2.0. */
struct program {
	Elf64_Ehdr header;
	Elf64_Phdr phdr[2];
	struct {
		Elf64_Nhdr head;
		char name[4];
		uint32_t desc[5];
	} build_id;
	struct {
		Elf64_Nhdr head;
		char name[4];
		uint32_t desc[4];
	} abi;
};

static struct program make_program(void)
{
	struct program p = {
		.header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_DYN,
			    .e_machine = EM_X86_64, .e_phoff = offsetof(struct program, phdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 2 },
		.phdr = { { .p_type = PT_LOAD }, { .p_type = PT_NOTE, .p_offset = offsetof(struct program, build_id),
			  .p_filesz = sizeof(p.build_id) + sizeof(p.abi) } },
		.build_id = { { 4, 20, NT_GNU_BUILD_ID }, "GNU", { 1, 2, 3, 4, 5 } },
		.abi = { { 4, 16, NT_GNU_ABI_TAG }, "GNU", { 0, 3, 2, 0 } },
	};

	return p;
}

static void test_elf(void **state)
{
	struct program p = make_program();
	struct elf_identity id;

	(void)state;
	assert_true(elf_identify((void *)&p, sizeof(p), &id));
	assert_string_equal(compat_architecture_of(&id), "amd64");
	assert_int_equal(id.kernel, V(3, 2));
	assert_false(id.has_interpreter);
	p.abi.desc[0] = 3; /* FreeBSD */
	p.phdr[0].p_type = PT_INTERP;
	assert_true(elf_identify((void *)&p, sizeof(p), &id));
	assert_int_equal(id.kernel, 0);
	assert_true(id.has_interpreter);
	assert_false(elf_identify((const unsigned char *)"#!/bin/sh\n", 10, &id));
	assert_false(elf_identify((const unsigned char *)"", 0, &id));
}

/* Every architecture of the table is found again in the header that is made for it. */
static void test_headers(void **state)
{
	static const char *const names[] = { "amd64", "386", "arm64", "arm", "riscv64", "s390x", "ppc64le", "ppc64", "loong64" };
	unsigned char header[sizeof(Elf64_Ehdr)] = { 0 };
	struct elf_identity id;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(compat_make_header(names[i], header), COMPAT_HEADER_SIZE);
		assert_true(elf_identify(header, sizeof(header), &id));
		assert_string_equal(compat_architecture_of(&id), names[i]);
		assert_non_null(compat_machine(names[i]));
	}
	assert_int_equal(compat_make_header("vax", header), 0);
	assert_null(compat_machine("vax"));
}

/* Cut off anywhere, and with every 32-bit word of it replaced by the values that overflow things: nothing outside is read (ASan, valgrind). */
static void test_elf_hostile(void **state)
{
	static const uint32_t evil[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	const struct program good = make_program();
	struct elf_identity id;

	(void)state;
	for (size_t len = 0; len <= sizeof(good); len++) {
		unsigned char *copy = xmemdup(&good, len);

		assert_int_equal(elf_identify(copy, len, &id), len >= sizeof(Elf32_Ehdr));
		free(copy);
	}
	for (size_t at = 4; at + 4 <= sizeof(good); at += 4)
		for (size_t i = 0; i < ARRAY_SIZE(evil); i++) {
			unsigned char *copy = xmemdup(&good, sizeof(good));

			memcpy(copy + at, &evil[i], 4);
			assert_true(elf_identify(copy, sizeof(good), &id));
			assert_true(id.kernel == 0 || id.kernel == V(3, 2) || at >= offsetof(struct program, abi));
			free(copy);
		}
}

/* binfmt_misc ----------------------------------------------------------------------------------------------------- */

#define AARCH64 "offset 0\nmagic 7f454c460201010000000000000000000200b700\nmask ffffffffffffff00fffffffffffffffffeffffff\n"

static void test_binfmt(void **state)
{
	static const struct {
		const char *text;
		bool matches;
		const char *interpreter;
	} rows[] = {
		{ "enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: OC\n" AARCH64, true, "/usr/bin/qemu-aarch64" },
		{ "enabled\ninterpreter /usr/bin/qemu-aarch64\nflags: OCF\n" AARCH64, true, NULL },
		{ "disabled\ninterpreter /usr/bin/qemu-aarch64\nflags: OCF\n" AARCH64, false, NULL },
		{ "enabled\ninterpreter /x\nflags: F\noffset 18\nmagic b7\n", true, NULL },
		{ "enabled\ninterpreter /x\nflags: F\noffset 18\nmagic b8\n", false, NULL },
		{ "enabled\ninterpreter /x\nflags: F\noffset 20\nmagic b7\n", false, NULL },
		{ "enabled\ninterpreter /x\nflags: F\noffset 18446744073709551615\nmagic b7\n", false, NULL },
		{ "enabled\ninterpreter /x\nflags: F\noffset 18\nmagic b7\nmask ffff\n", false, NULL },
		{ "enabled\ninterpreter /x\nflags: F\noffset 18\nmagic b\n", false, NULL },
		{ "enabled\ninterpreter /x\nflags: F\noffset 18\nmagic xx\n", false, NULL },
		{ "enabled\ninterpreter /x\nflags: F\nextension .exe\n", false, NULL },
		{ "enabled\n", false, NULL },
		{ "", false, NULL },
	};
	unsigned char header[COMPAT_HEADER_SIZE];

	(void)state;
	compat_make_header("arm64", header);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *interpreter = NULL;
		size_t len = 0;

		if (binfmt_matches(rows[i].text, header, sizeof(header), &interpreter, &len) != rows[i].matches)
			fail_msg("row %zu", i);
		if (!rows[i].interpreter)
			assert_null(interpreter);
		else if (!interpreter || strlen(rows[i].interpreter) != len || strncmp(interpreter, rows[i].interpreter, len) != 0)
			fail_msg("row %zu: interpreter", i);
	}
	compat_make_header("amd64", header);
	assert_false(binfmt_matches(rows[0].text, header, sizeof(header), &(const char *){ NULL }, &(size_t){ 0 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fit), cmocka_unit_test(test_matrix), cmocka_unit_test(test_version), cmocka_unit_test(test_elf),
		cmocka_unit_test(test_headers), cmocka_unit_test(test_elf_hostile), cmocka_unit_test(test_binfmt),
	};

	return cmocka_run_group_tests_name("compat", tests, NULL, NULL);
}
