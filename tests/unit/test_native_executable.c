/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is looked up in a container's files: the home in an /etc/passwd that may be anything, and the program
 * in PATH. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

#include "base/fd.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "native/executable.h"

static char dir[64];
static int root = -1;

static int setup(void **state _unused_)
{
	strcpy(dir, "/tmp/hv-executable-XXXXXX");
	assert_non_null(mkdtemp(dir));
	root = file_open_dir(AT_FDCWD, dir);
	assert_int_equal(mkdirat(root, "etc", 0755), 0);
	return 0;
}

static int teardown(void **state _unused_)
{
	root = fd_close(root);
	return file_remove_tree(AT_FDCWD, dir);
}

static void check_home(const char *passwd, size_t len, uid_t uid, const char *expected)
{
	char buf[PATH_MAX];

	if (passwd)
		assert_int_equal(file_replace_at(root, "etc/passwd", passwd, len, 0644), 0);
	assert_string_equal(executable_home(root, uid, buf), expected);
}

static void test_home(void **state _unused_)
{
	static const char passwd[] = "root:x:0:0:root:/root:/bin/sh\n"
				     "\n"
				     "broken\n"
				     "bad:x:7x:7::/bad:\n"
				     "relative:x:8:8::home:\n"
				     "u:x:1000:1000:A, B:/home/u:/bin/sh\n"
				     "u2:x:1000:1000::/home/u2:/bin/sh\n"
				     "last:x:9:9::/last:";

	check_home(NULL, 0, 0, "HOME=/"); /* no file at all */
	check_home(passwd, strlen(passwd), 0, "HOME=/root");
	check_home(passwd, strlen(passwd), 1000, "HOME=/home/u");
	check_home(passwd, strlen(passwd), 7, "HOME=/");
	check_home(passwd, strlen(passwd), 8, "HOME=/");
	check_home(passwd, strlen(passwd), 9, "HOME=/last"); /* without its newline */
	check_home(passwd, strlen(passwd), 10, "HOME=/");
	check_home("", 0, 0, "HOME=/");
}

/* Lines that cross the buffer, one that is longer than it, more than is ever read. */
static void test_home_bounds(void **state _unused_)
{
	size_t size = 3 << 20, n = 0;
	_cleanup_free_ char *text = xmalloc(size);

	while (n < 64 << 10)
		n += (size_t)sprintf(text + n, "u%zu:x:5:5::/five/%zu:\n", n, n);
	n += (size_t)sprintf(text + n, "six:x:6:6::/six:\n");
	check_home(text, n, 6, "HOME=/six");
	memset(text, 'x', 8192);
	sprintf(text + 8192, "\nsix:x:6:6::/six:\n");
	check_home(text, strlen(text), 6, "HOME=/");
	for (n = 0; n < 2 << 20;)
		n += (size_t)sprintf(text + n, "u:x:5:5::/five:\n");
	n += (size_t)sprintf(text + n, "six:x:6:6::/six:\n");
	check_home(text, n, 6, "HOME=/");
}

/* A FIFO must not block, a device not be read, a symlink not lead out. */
static void test_home_hostile(void **state _unused_)
{
	assert_int_equal(mkfifoat(root, "etc/passwd", 0644), 0);
	check_home(NULL, 0, 0, "HOME=/");
	assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
	assert_int_equal(symlinkat("/../../../etc/passwd", root, "etc/passwd"), 0);
	check_home(NULL, 0, 0, "HOME=/");
	assert_int_equal(unlinkat(root, "etc/passwd", 0), 0);
	assert_int_equal(mkdirat(root, "etc/passwd", 0755), 0);
	check_home(NULL, 0, 0, "HOME=/");
}

static void put(const char *name, mode_t mode)
{
	assert_int_equal(file_replace_at(root, name, "x", 1, mode), 0);
}

static void check_find(const char *name, const char *path, const char *expected, const char *message)
{
	_cleanup_free_ char *var = path ? xasprintf("PATH=%s", path) : NULL;
	char *const env[] = { (char *)"A=b", var, NULL };
	struct error err = { 0 };
	char ret[PATH_MAX];
	int r = executable_find(name, env, ret, &err);

	if (expected) {
		assert_int_equal(r, 0);
		assert_string_equal(ret, expected);
	} else {
		assert_true(r < 0);
		assert_string_equal(err.msg, message);
	}
}

static void test_find(void **state _unused_)
{
	_cleanup_free_ char *path = xasprintf("/nothing:%s/etc:%s", dir, dir);
	_cleanup_free_ char *tool = xasprintf("%s/tool", dir);
	_cleanup_free_ char *data = xasprintf("%s/data", dir);
	_cleanup_free_ char *none = xasprintf("%s/none", dir);
	_cleanup_free_ char *not_found =
		xasprintf("exec: \"%s\": stat %s: no such file or directory", none, none);
	_cleanup_free_ char *denied = xasprintf("exec: \"%s\": permission denied", data);
	_cleanup_free_ char *is_dir = xasprintf("exec: \"%s\": is a directory", dir);

	put("tool", 0755);
	put("data", 0644);
	check_find("tool", path, tool, NULL);
	check_find(tool, path, tool, NULL);
	check_find("none", path, NULL, "exec: \"none\": executable file not found in $PATH");
	check_find("etc", path, NULL, "exec: \"etc\": executable file not found in $PATH");
	check_find("", path, NULL, "exec: \"\": executable file not found in $PATH");
	check_find("data", path, NULL, "exec: \"data\": permission denied");
	check_find(none, path, NULL, not_found);
	check_find(data, path, NULL, denied);
	check_find(dir, path, NULL, is_dir);
	check_find("true", NULL, "/usr/bin/true", NULL); /* no PATH: the usual places */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_home, setup, teardown),
		cmocka_unit_test_setup_teardown(test_home_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_home_hostile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
