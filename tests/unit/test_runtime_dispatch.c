/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * runtime/isolation.h and container/compat.h: the rule that chooses the runtime type. First row by row, then
 * all combinations of what can be said against the two properties that must hold for every one of them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ocispec/types.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/isolation.h"
#include "container/settings.h"
#include "hyperv/hyperv.h"
#include "native/native.h"
#include "runtime/isolation.h"

/* The types' implementations are not what is tested. */
const struct isolation_ops native_ops = { .name = "Default" };
const struct isolation_ops hyperv_ops = { .name = "HyperV" };

/* One more than the types of runtime_type.h: what is not mentioned in a row is 0, NONE. */
enum { NONE, DEFAULT, HYPERV, AUTO, REFUSED };
enum section { NO_SECTION, VM, WINDOWS_BESIDE_LINUX, WINDOWS_ALONE };

/* What the four parties say. */
struct situation {
	const char *annotation;
	enum section section;
	int option;
	const char *program;
	int settings;
	bool allow_default;
	int sandbox;
	const char *architecture;
	bool emulates;
};

/* The type, or an error that is < 0. */
static int resolve(const struct situation *s, struct error *err)
{
	struct oci_string_map_entry entries[] = {
		{ (char *)"io.kubernetes.cri.container-type", (char *)"container" },
		{ (char *)"io.kubernetes.cri.sandbox-id", (char *)"pod" },
		{ (char *)"io.hvrun.runtime-type", (char *)s->annotation }
	};
	struct oci_string_map annotations = { s->annotation ? 3 : 2, entries };
	struct oci_vm vm = { 0 };
	struct oci_linux linux_section = { 0 };
	struct oci_hyperv hyperv = { 0 };
	struct oci_windows windows = { .hyperv = &hyperv };
	struct oci_config config = {
		.annotations = &annotations,
		.vm = s->section == VM ? &vm : NULL,
		.linux_ = s->section == WINDOWS_ALONE ? NULL : &linux_section,
		.windows = s->section >= WINDOWS_BESIDE_LINUX ? &windows : NULL,
	};
	struct settings settings = { .runtime_type = s->settings - 1,
				     .allow_annotation_default = s->allow_default };
	struct compat_kernel guests[] = { { "default", "x86_64", 0, NULL }, { "riscv", "riscv64", 0, NULL } };
	const struct compat compat = {
		.image = { .os = s->section == WINDOWS_ALONE ? "windows" : NULL, .architecture = s->architecture },
		.host = { NULL, "x86_64", 0, NULL },
		.emulates = s->emulates,
		.guests = guests,
		.n_guests = ARRAY_SIZE(guests),
		.wanted = -1,
	};
	struct dispatch d = {
		.config = &config,
		.settings = &settings,
		.option = s->option - 1,
		.program = s->program ? s->program : "/usr/bin/hvrun",
		.sandbox = s->sandbox ? "pod" : NULL,
		.sandbox_type = s->sandbox - 1,
		.compat = &compat,
	};

	int r = runtime_type_resolve(&d, err);

	return r < 0 ? r : r + 1;
}

#define SAID(...)                                                                                            \
	{                                                                                                    \
		__VA_ARGS__                                                                                  \
	}

static const struct {
	struct situation s;
	int type;
	const char *message; /* the beginning of it, when REFUSED */
} rows[] = {
	/* 1: the annotation, in any case */
	{ SAID(.option = NONE), DEFAULT, NULL },
	{ SAID(.annotation = "Default"), DEFAULT, NULL },
	{ SAID(.annotation = "HyperV"), HYPERV, NULL },
	{ SAID(.annotation = "hyperv"), HYPERV, NULL },
	{ SAID(.annotation = "HYPERV"), HYPERV, NULL },
	{ SAID(.annotation = "auto"), DEFAULT, NULL },
	{ SAID(.annotation = "kata"), REFUSED,
	  "io.hvrun.runtime-type: \"kata\" is not a runtime type (Default, HyperV, Auto)" },
	{ SAID(.annotation = ""), REFUSED,
	  "io.hvrun.runtime-type: \"\" is not a runtime type (Default, HyperV, Auto)" },
	{ SAID(.annotation = "HyperV", .option = DEFAULT, .settings = DEFAULT), HYPERV, NULL },
	/* 2: sections that only a VM can honour */
	{ SAID(.section = VM), HYPERV, NULL },
	{ SAID(.section = WINDOWS_BESIDE_LINUX), HYPERV, NULL },
	{ SAID(.section = VM, .annotation = "HyperV"), HYPERV, NULL },
	{ SAID(.section = VM, .annotation = "Auto"), HYPERV, NULL },
	{ SAID(.section = VM, .option = DEFAULT), HYPERV, NULL },
	{ SAID(.section = VM, .annotation = "Default"), REFUSED,
	  "annotation io.hvrun.runtime-type is Default, but the configuration has a vm section, which needs "
	  "HyperV" },
	{ SAID(.section = WINDOWS_BESIDE_LINUX, .annotation = "Default"), REFUSED,
	  "annotation io.hvrun.runtime-type is Default, but the configuration has a windows.hyperv section, "
	  "which needs HyperV" },
	{ SAID(.section = WINDOWS_ALONE), REFUSED, "the image is for windows, the host is linux/x86_64: " },
	/* 3: the operator, by option, program name, configuration file, in this order */
	{ SAID(.option = HYPERV), HYPERV, NULL },
	{ SAID(.program = "hvrun-hyperv"), HYPERV, NULL },
	{ SAID(.program = "/usr/local/bin/hvrun-hyperv"), HYPERV, NULL },
	{ SAID(.program = "/hvrun-hyperv/hvrun"), DEFAULT, NULL },
	{ SAID(.settings = HYPERV), HYPERV, NULL },
	{ SAID(.settings = AUTO), DEFAULT, NULL },
	{ SAID(.option = DEFAULT, .program = "hvrun-hyperv"), DEFAULT, NULL },
	{ SAID(.program = "hvrun-hyperv", .settings = DEFAULT), HYPERV, NULL },
	{ SAID(.option = DEFAULT, .settings = HYPERV), DEFAULT, NULL },
	/* never weaker than the operator's HyperV */
	{ SAID(.annotation = "Default", .option = HYPERV), REFUSED,
	  "annotation io.hvrun.runtime-type: Default is weaker than the operator's HyperV" },
	{ SAID(.annotation = "Default", .program = "hvrun-hyperv"), REFUSED,
	  "annotation io.hvrun.runtime-type: Default is weaker" },
	{ SAID(.annotation = "Default", .settings = HYPERV), REFUSED,
	  "annotation io.hvrun.runtime-type: Default is weaker" },
	{ SAID(.annotation = "Auto", .settings = HYPERV), HYPERV, NULL },
	{ SAID(.annotation = "Default", .settings = HYPERV, .allow_default = true), DEFAULT, NULL },
	{ SAID(.annotation = "Auto", .settings = HYPERV, .allow_default = true), DEFAULT, NULL },
	/* pod members */
	{ SAID(.sandbox = HYPERV), HYPERV, NULL },
	{ SAID(.sandbox = DEFAULT), DEFAULT, NULL },
	{ SAID(.sandbox = HYPERV, .annotation = "HyperV"), HYPERV, NULL },
	{ SAID(.sandbox = HYPERV, .annotation = "Auto"), HYPERV, NULL },
	{ SAID(.sandbox = HYPERV, .option = DEFAULT), HYPERV, NULL },
	{ SAID(.sandbox = HYPERV, .annotation = "Default"), REFUSED,
	  "runtime type Default: the container's pod sandbox \"pod\" is HyperV" },
	{ SAID(.sandbox = DEFAULT, .annotation = "HyperV"), REFUSED,
	  "runtime type HyperV: the container's pod sandbox \"pod\" is Default" },
	{ SAID(.sandbox = DEFAULT, .option = HYPERV), REFUSED,
	  "runtime type HyperV: the container's pod sandbox \"pod\" is Default" },
	{ SAID(.sandbox = DEFAULT, .section = VM), REFUSED,
	  "runtime type HyperV: the container's pod sandbox \"pod\" is Default" },
	/* images for other machines */
	{ SAID(.architecture = "amd64"), DEFAULT, NULL },
	{ SAID(.architecture = "386", .annotation = "HyperV"), HYPERV, NULL },
	{ SAID(.architecture = "arm64"), REFUSED,
	  "the image is for linux/arm64, the host is linux/x86_64: runtime type HyperV with a guest for it would" },
	{ SAID(.architecture = "arm64", .annotation = "HyperV"), REFUSED,
	  "the image is for linux/arm64, guest \"default\" is linux/x86_64: " },
	{ SAID(.architecture = "arm64", .annotation = "Auto"), REFUSED,
	  "the image is for linux/arm64, the host is linux/x86_64: " },
	{ SAID(.architecture = "arm64", .emulates = true), DEFAULT, NULL },
	{ SAID(.architecture = "arm64", .emulates = true, .annotation = "Auto"), DEFAULT, NULL },
	{ SAID(.architecture = "arm64", .emulates = true, .annotation = "HyperV"), REFUSED,
	  "the image is for linux/arm64, guest \"default\" is linux/x86_64: runtime type Default can run it" },
	{ SAID(.architecture = "riscv64"), REFUSED,
	  "the image is for linux/riscv64, the host is linux/x86_64: runtime type HyperV can run it with guest \"riscv\"" },
	{ SAID(.architecture = "riscv64", .annotation = "Default"), REFUSED, "the image is for linux/riscv64, the host" },
	{ SAID(.architecture = "riscv64", .annotation = "HyperV"), HYPERV, NULL },
	{ SAID(.architecture = "riscv64", .annotation = "Auto"), HYPERV, NULL },
	{ SAID(.architecture = "riscv64", .annotation = "Auto", .emulates = true), HYPERV, NULL },
	{ SAID(.architecture = "riscv64", .annotation = "Default", .emulates = true), DEFAULT, NULL },
};

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct error err = { 0 };
		int r = resolve(&rows[i].s, &err);

		if (rows[i].type == REFUSED) {
			if (r >= 0 || !str_skip_prefix(err.msg, rows[i].message))
				fail_msg("row %zu: %d, %s", i, r, err.msg);
		} else if (r != rows[i].type) {
			fail_msg("row %zu: %d, %s", i, r, err.msg);
		}
	}
}

static const char *const annotations[] = { NULL, "Default", "HyperV", "Auto" }, *const programs[] = {
	"hvrun", "hvrun-hyperv"
};
static const enum section sections[] = { NO_SECTION, VM, WINDOWS_BESIDE_LINUX };
static const int operators[] = { NONE, DEFAULT, HYPERV, AUTO }, sandboxes[] = { NONE, DEFAULT, HYPERV };

/* Combination number n of all that can be said, counted like a number with digits of different bases. */
static struct situation combination(size_t n)
{
	struct situation s = { 0 };

#define DIGIT(table) (table)[n % ARRAY_SIZE(table)]
	s.annotation = DIGIT(annotations);
	n /= ARRAY_SIZE(annotations);
	s.program = DIGIT(programs);
	n /= ARRAY_SIZE(programs);
	s.section = DIGIT(sections);
	n /= ARRAY_SIZE(sections);
	s.option = DIGIT(operators);
	n /= ARRAY_SIZE(operators);
	s.settings = DIGIT(operators);
	n /= ARRAY_SIZE(operators);
	s.sandbox = DIGIT(sandboxes);
	n /= ARRAY_SIZE(sandboxes);
	s.allow_default = n % 2;
	return s;
}

static bool operator_wants_hyperv(const struct situation *s)
{
	if (s->option != NONE)
		return s->option == HYPERV;
	return str_eq(s->program, "hvrun-hyperv") || s->settings == HYPERV;
}

static void test_no_way_to_less_isolation(void **state)
{
	size_t total = ARRAY_SIZE(annotations) * ARRAY_SIZE(programs) * ARRAY_SIZE(sections) *
		       ARRAY_SIZE(operators) * ARRAY_SIZE(operators) * ARRAY_SIZE(sandboxes) * 2,
	       natively = 0;

	(void)state;
	for (size_t n = 0; n < total; n++) {
		struct situation s = combination(n);
		struct error err = { 0 };
		int r = resolve(&s, &err);

		assert_int_equal(r < 0, err.msg[0] != '\0');
		assert_true(r < 0 || r == DEFAULT || r == HYPERV);
		if (r != DEFAULT)
			continue;
		natively++;
		/* nobody who could demand a VM did */
		assert_int_equal(s.section, NO_SECTION);
		assert_false(str_eq(s.annotation, "HyperV"));
		assert_int_not_equal(s.sandbox, HYPERV);
		assert_true(!operator_wants_hyperv(&s) || (s.allow_default && s.annotation));
	}
	assert_true(natively > 0);
}

static void test_types(void **state)
{
	(void)state;
	assert_ptr_equal(isolation_of(RUNTIME_TYPE_DEFAULT), &native_ops);
	assert_ptr_equal(isolation_of(RUNTIME_TYPE_HYPERV), &hyperv_ops);
	assert_ptr_equal(isolation_find("HyperV"), &hyperv_ops);
	assert_null(isolation_find("Auto"));
	assert_null(isolation_find(NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),   cmocka_unit_test(test_no_way_to_less_isolation),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests_name("dispatch", tests, NULL, NULL);
}
