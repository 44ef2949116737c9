/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vmwp/log_file.h: what a guest says is kept, made harmless, and bounded. */
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
#include "base/mem.h"
#include "vmwp/log_file.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/hvrun-test-log-file.XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, dir);
}

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void expect(const char *name, const char *text)
{
	_cleanup_free_ char *path = in_dir(name), *found = NULL;

	assert_int_equal(file_read_at(AT_FDCWD, path, 1 << 20, &found, NULL), 0);
	assert_string_equal(found, text);
}

static void write_text(struct log_file *f, const char *text)
{
	log_file_write(f, text, strlen(text));
}

static void test_write(void **state)
{
	_cleanup_free_ char *path = in_dir("console");
	struct log_file f;
	struct error err;
	struct stat st;

	(void)state;
	assert_int_equal(log_file_open(&f, "--vm-console", path, 10, &err), 0);
	write_text(&f, "a\r\nb\x1b[2J\t\xc3\xa4");
	expect("console", "a\nb?[2J\t\xc3\xa4");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	log_file_done(&f);

	/* added to, and begun anew when it is full */
	assert_int_equal(log_file_open(&f, "--vm-console", path, 10, &err), 0);
	write_text(&f, "12345");
	expect("console.1", "a\nb?[2J\t\xc3\xa4");
	expect("console", "12345");
	write_text(&f, "6789012345678901234567890");
	expect("console.1", "6789012345");
	expect("console", "67890");
	log_file_done(&f);
	write_text(&f, "nowhere");
}

static void test_refused(void **state)
{
	_cleanup_free_ char *path = in_dir("console"), *link = in_dir("link"), *fifo = in_dir("fifo"), *none = in_dir("none/console");
	const char *const paths[] = { link, fifo, none, dir };
	struct log_file f;
	struct error err;

	(void)state;
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_true(log_file_open(&f, "--vm-console", paths[i], 10, &err) < 0);
		assert_non_null(strstr(err.msg, "--vm-console: "));
		write_text(&f, "nothing");
		log_file_done(&f);
	}
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(log_file_open(&f, "--vm-console", NULL, 10, &err), 0);
	write_text(&f, "nothing");
	log_file_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_write, setup, teardown),
					    cmocka_unit_test_setup_teardown(test_refused, setup, teardown) };

	return cmocka_run_group_tests_name("log_file", tests, NULL, NULL);
}
