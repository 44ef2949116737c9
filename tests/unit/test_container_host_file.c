/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* container/host_file.h: which files of the host a bundle may name. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "container/host_file.h"

static void test_matches(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} cases[] = {
		{ "/boot/vmlinuz", "/boot/vmlinuz", true },	{ "/boot/vmlinuz", "/boot/vmlinuz-6", false },
		{ "/boot/vmlinuz-*", "/boot/vmlinuz-6", true }, { "/boot/*", "/boot/a/b", false },
		{ "/boot/*/b", "/boot/a/b", true },		{ "/boot/", "/boot/a/b", true },
		{ "/boot/", "/boot", false },			{ "/boot/", "/boot/", false },
		{ "/boot/", "/bootx", false },			{ "/boot", "/boot/a", false },
		{ "/", "/etc/shadow", true },			{ "/boot/*", "/boot/.hidden", false },
		{ "/boot/[ab]", "/boot/b", true },		{ "", "/", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (host_file_matches(cases[i].pattern, cases[i].path) != cases[i].matches)
			fail_msg("%s, %s", cases[i].pattern, cases[i].path);
}

static char dir[] = "/tmp/hvrun-test-host-file.XXXXXX";

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void make(const char *name, mode_t mode)
{
	_cleanup_free_ char *path = in_dir(name);

	assert_int_equal(file_replace_at(AT_FDCWD, path, "x", 1, mode), 0);
}

static int setup(void **state)
{
	_cleanup_free_ char *open_dir = NULL, *link = NULL, *fifo = NULL;

	(void)state;
	if (!mkdtemp(dir))
		return -1;
	open_dir = in_dir("open");
	link = in_dir("link");
	fifo = in_dir("fifo");
	make("kernel", 0644);
	make("group", 0664);
	make("known", 0666);
	return mkdir(open_dir, 0755) < 0 || chmod(open_dir, 0777) < 0 || symlink("kernel", link) < 0 || mkfifo(fifo, 0600) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, dir);
}

/* message NULL: permitted, as real */
static void expect(const char *name, char *const *allowed, const char *real, const char *message)
{
	_cleanup_free_ char *path = in_dir(name), *known = in_dir("known"), *want = real ? in_dir(real) : NULL, *got = NULL;
	const char *const known_files[] = { known, NULL };
	const struct host_file f = { "vm.kernel.path", path, "hyperv.allowed_kernels", allowed, known_files };
	struct error err = { 0 };
	int r = host_file_check(&f, &got, &err);

	assert_int_equal(r < 0, message != NULL);
	if (message && !strstr(err.msg, message))
		fail_msg("%s: \"%s\" does not say \"%s\"", name, err.msg, message);
	if (!message)
		assert_string_equal(got, want);
	else
		assert_null(got);
}

static void test_check(void **state)
{
	_cleanup_free_ char *all = xasprintf("%s/", dir), *one = in_dir("kernel"), *link = in_dir("link");
	char *const everything[] = { all, NULL }, *const that[] = { one, NULL }, *const by_link[] = { link, NULL };

	(void)state;
	make("open/kernel", 0644);
	expect("kernel", everything, "kernel", NULL);
	expect("kernel", that, "kernel", NULL);
	expect("known", NULL, "known", NULL);
	expect("link", that, "kernel", NULL);
	/* the file counts, not its name */
	expect("link", by_link, NULL, ", which is ");
	expect("kernel", NULL, NULL, "is not allowed here (hyperv.allowed_kernels in the configuration file would permit it)");
	expect("open/../group", that, NULL, "is not allowed here");
	expect("group", everything, NULL, "belongs to, or can be written by, others than root");
	expect("open/kernel", everything, NULL, "/open belongs to, or can be written by, others than root");
	expect("none", everything, NULL, "No such file or directory");
	expect("fifo", everything, NULL, "is not a regular file");
	expect("open", everything, NULL, "is not a regular file");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_matches), cmocka_unit_test(test_check) };

	return cmocka_run_group_tests_name("host_file", tests, setup, teardown);
}
