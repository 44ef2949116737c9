/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.intelRdt: the plans for what config.json says, and what they do to a directory that behaves like a
 * resctrl file system: each directory made has its files at once, and goes with them.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <ocispec/types.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/resctrl.h"

static char top[] = "/tmp/test-resctrl-XXXXXX";
static const char host_schemata[] = "    L3:0=00f;1=0ff\n    MB:0= 70;1=100\n";

int __real_mkdirat(int dirfd, const char *path, mode_t mode);
int __wrap_mkdirat(int dirfd, const char *path, mode_t mode);
int __wrap_mkdirat(int dirfd, const char *path, mode_t mode)
{
	int r = __real_mkdirat(dirfd, path, mode);

	if (r == 0) {
		_cleanup_free_ char *schemata = xasprintf("%s/schemata", path),
				    *tasks = xasprintf("%s/tasks", path),
				    *groups = xasprintf("%s/mon_groups", path);

		file_replace_at(AT_FDCWD, schemata, "", 0, 0644);
		file_replace_at(AT_FDCWD, tasks, "", 0, 0644);
		__real_mkdirat(AT_FDCWD, groups, 0755);
	}
	return r;
}

int __real_unlinkat(int dirfd, const char *path, int flags);
int __wrap_unlinkat(int dirfd, const char *path, int flags);
int __wrap_unlinkat(int dirfd, const char *path, int flags)
{
	if (dirfd == AT_FDCWD && flags == AT_REMOVEDIR) {
		_cleanup_free_ char *schemata = xasprintf("%s/schemata", path),
				    *tasks = xasprintf("%s/tasks", path),
				    *groups = xasprintf("%s/mon_groups", path);

		__real_unlinkat(AT_FDCWD, schemata, 0);
		__real_unlinkat(AT_FDCWD, tasks, 0);
		__real_unlinkat(AT_FDCWD, groups, AT_REMOVEDIR);
	}
	return __real_unlinkat(dirfd, path, flags);
}

static char *plan_text(const struct oci_intel_rdt *rdt, bool exists)
{
	struct buf out = { 0 };
	struct resctrl_plan p;
	struct error err;

	if (resctrl_plan(rdt, "web", exists, &p, &err) < 0) {
		buf_printf(&out, "error: %s", err.msg);
		return buf_take(&out);
	}
	buf_printf(&out, "class \"%s\"%s%s", p.clos, p.make ? " make" : "", p.own ? " own" : "");
	for (size_t i = 0; i < 2 && p.compare[i]; i++)
		buf_printf(&out, " compare(%s)", p.compare[i]);
	for (char **line = p.write; line && *line; line++)
		buf_printf(&out, " write(%s)", *line);
	if (p.monitor)
		buf_printf(&out, " monitor(%s)", p.monitor);
	resctrl_plan_done(&p);
	return buf_take(&out);
}

#define S(s) ((char *)(s))

static char *two_lines[] = { S("L2:0=1"), S("MB:0=10"), NULL };

static void test_plans(void **state _unused_)
{
	static const struct {
		struct oci_intel_rdt rdt;
		bool exists;
		const char *wanted;
	} cases[] = {
		{ { 0 }, false, "class \"web\" make own" },
		{ { .clos_id = S("") }, false, "class \"web\" make own" },
		{ { .clos_id = S("/") }, true, "class \"\"" },
		{ { .clos_id = S("/"), .enable_monitoring = true }, true, "class \"\" monitor(web)" },
		{ { .mem_bw_schema = S("MB:0=10"),
		    .l3_cache_schema = S("L3:0=f"),
		    .schemata = two_lines,
		    .n_schemata = 2 },
		  false,
		  "class \"web\" make own write(L3:0=f) write(MB:0=10) write(L2:0=1) write(MB:0=10)" },
		{ { .clos_id = S("gold"), .l3_cache_schema = S("L3:0=f") },
		  false,
		  "class \"gold\" make write(L3:0=f)" },
		{ { .clos_id = S("gold"), .l3_cache_schema = S("L3:0=f"), .mem_bw_schema = S("MB:0=10") },
		  true,
		  "class \"gold\" compare(L3:0=f) compare(MB:0=10)" },
		{ { .clos_id = S("gold"), .schemata = two_lines, .n_schemata = 2 },
		  true,
		  "class \"gold\" write(L2:0=1) write(MB:0=10)" },
		{ { .clos_id = S("gold") }, true, "class \"gold\"" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = plan_text(&cases[i].rdt, cases[i].exists);

		assert_string_equal(text, cases[i].wanted);
	}
}

static void test_errors(void **state _unused_)
{
	static char *with_newline[] = { S("L2:0=1\nL3:0=1"), NULL };
	static const struct {
		struct oci_intel_rdt rdt;
		bool exists;
		const char *wanted;
	} cases[] = {
		{ { .clos_id = S("gold") },
		  false,
		  "error: linux.intelRdt.closID: there is no class \"gold\", and no schema to make it with" },
		{ { 0 }, true, "error: linux.intelRdt: the class \"web\" exists already" },
		{ { .clos_id = S("../x") },
		  false,
		  "error: linux.intelRdt.closID: \"../x\" is not a name for a class" },
		{ { .clos_id = S("..") },
		  true,
		  "error: linux.intelRdt.closID: \"..\" is not a name for a class" },
		{ { .clos_id = S("info") },
		  true,
		  "error: linux.intelRdt.closID: \"info\" is not a name for a class" },
		{ { .schemata = with_newline, .n_schemata = 1 },
		  false,
		  "error: linux.intelRdt.schemata: must be one line" },
		{ { .mem_bw_schema = S("0=10") },
		  false,
		  "error: linux.intelRdt.memBwSchema: \"0=10\" does not start with \"MB:\"" },
		{ { .l3_cache_schema = S("L3:0=f\n") },
		  false,
		  "error: linux.intelRdt.l3CacheSchema: must be one line" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = plan_text(&cases[i].rdt, cases[i].exists);

		assert_string_equal(text, cases[i].wanted);
	}
}

static void test_compare(void **state _unused_)
{
	static const struct {
		const char *line;
		bool wanted;
	} cases[] = {
		{ "L3:0=f;1=ff", true },   { "L3:1=0ff", true },    { "L3:0=F", true },  { "L3:0=ff", false },
		{ "L3:2=f", false },       { "L3CODE:0=f", false }, { "MB:0=70", true }, { "MB:0=7", false },
		{ "MB:0=70;1=99", false }, { "L3", false },         { "", false },       { "L3:", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (resctrl_line_holds(host_schemata, cases[i].line) != cases[i].wanted)
			fail_msg("\"%s\"", cases[i].line);
}

static bool exists(const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", top, name);

	return access(path, F_OK) == 0;
}

static void assert_file(const char *name, const char *wanted)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", top, name), *text = NULL;

	assert_int_equal(file_read_at(AT_FDCWD, path, 4096, &text, NULL), 0);
	assert_string_equal(text, wanted);
}

static void remove_all(char **made)
{
	struct error err;

	assert_int_equal(resctrl_remove(made, strv_length(made), &err), 0);
}

static void test_own_class(void **state _unused_)
{
	const struct oci_intel_rdt rdt = { .l3_cache_schema = S("L3:0=f"), .enable_monitoring = true };
	_cleanup_strv_ char **made = NULL;
	size_t n_shared;
	struct error err;

	assert_int_equal(resctrl_create(top, "web", &rdt, &made, &n_shared, &err), 0);
	assert_int_equal(n_shared, 0);
	assert_file("web/schemata", "L3:0=f\n");
	assert_int_equal(resctrl_join(top, "web", &rdt, 4242, &err), 0);
	assert_file("web/tasks", "4242\n");
	assert_file("web/mon_groups/web/tasks", "4242\n");
	assert_int_equal(resctrl_update(top, "web", &rdt, "L3:0=1", NULL, &err), 0);
	assert_file("web/schemata", "L3:0=1\n");
	remove_all(made);
	assert_false(exists("web"));
	remove_all(made); /* again: gone is fine */
}

static void test_host_class(void **state _unused_)
{
	struct oci_intel_rdt rdt = { .clos_id = S("gold"),
				     .l3_cache_schema = S("L3:0=f"),
				     .enable_monitoring = true };
	_cleanup_strv_ char **made = NULL, **again = NULL;
	size_t n_shared;
	struct error err;

	assert_int_equal(resctrl_create(top, "web", &rdt, &made, &n_shared, &err), 0);
	assert_int_equal(n_shared, 1);
	remove_all(made + n_shared);
	assert_true(exists("gold"));
	assert_false(exists("gold/mon_groups/web"));
	rdt.enable_monitoring = false;
	assert_int_equal(resctrl_create(top, "db", &rdt, &again, &n_shared, &err), 0);
	assert_null(again);
	rdt.l3_cache_schema = S("L3:0=ff");
	assert_int_equal(resctrl_create(top, "db", &rdt, &again, &n_shared, &err), -EINVAL);
	assert_string_equal(err.msg, "linux.intelRdt: the class \"gold\" exists, but not with \"L3:0=ff\"");
	remove_all(made);
	assert_false(exists("gold"));
}

/* The monitoring group cannot be made, for the default class here has no mon_groups: nothing is left. */
static void test_failure(void **state _unused_)
{
	const struct oci_intel_rdt rdt = { .clos_id = S("/"), .enable_monitoring = true };
	_cleanup_strv_ char **made = NULL;
	size_t n_shared;
	struct error err;

	assert_true(resctrl_create(top, "web", &rdt, &made, &n_shared, &err) < 0);
	assert_null(made);
	assert_false(exists("web"));
}

static void test_not_mounted(void **state _unused_)
{
	const struct oci_intel_rdt rdt = { 0 };
	_cleanup_free_ char *mounts = NULL;
	_cleanup_strv_ char **made = NULL;
	size_t n_shared;
	struct error err;

	assert_int_equal(file_read_at(AT_FDCWD, "/proc/self/mountinfo", 16 << 20, &mounts, NULL), 0);
	if (strstr(mounts, " - resctrl "))
		skip();
	assert_int_equal(resctrl_create(NULL, "web", &rdt, &made, &n_shared, &err), -ENOENT);
	assert_string_equal(err.msg, "linux.intelRdt: resctrl is not mounted (this machine may not have it)");
}

static int start(void **state _unused_)
{
	return mkdtemp(top) ? 0 : -1;
}

static int end(void **state _unused_)
{
	return file_remove_tree(AT_FDCWD, top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plans),       cmocka_unit_test(test_errors),
		cmocka_unit_test(test_compare),     cmocka_unit_test(test_own_class),
		cmocka_unit_test(test_host_class),  cmocka_unit_test(test_failure),
		cmocka_unit_test(test_not_mounted),
	};

	return cmocka_run_group_tests(tests, start, end);
}
