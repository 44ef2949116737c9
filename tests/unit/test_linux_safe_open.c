/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Paths below a hostile root, in a temporary directory that holds the root and a secret beside it: no path,
 * by whatever symlink, leads to the secret. Each by openat2(2) and by the walk that stands in for it.
 */
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
#include "linux/safe_open.h"

struct fixture {
	char dir[64];
	int dirfd, root;
};

static void put(int dirfd, const char *name, const char *text)
{
	_cleanup_fd_ int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, text, strlen(text)), 0);
}

static const struct {
	const char *name, *target;
} links[] = {
	{ "root/up", "../secret" },
	{ "root/absolute", "/etc/inside" },
	{ "root/chain", "up" },
	{ "root/loop", "loop" },
	{ "root/dir", "etc" },
	{ "root/climb", "../../../../etc/inside" },
	{ "root/dangling", "/new/file" },
	{ "root/dangling-up", "../../made" },
	{ "root/dev", "/../../secret-dir" },
};

static int setup(void **state)
{
	static struct fixture f;

	strcpy(f.dir, "/tmp/hv-safe-open-XXXXXX");
	assert_non_null(mkdtemp(f.dir));
	f.dirfd = file_open_dir(AT_FDCWD, f.dir);
	assert_true(f.dirfd >= 0);
	assert_int_equal(mkdirat(f.dirfd, "root", 0755), 0);
	assert_int_equal(mkdirat(f.dirfd, "root/etc", 0755), 0);
	assert_int_equal(mkdirat(f.dirfd, "secret-dir", 0755), 0);
	put(f.dirfd, "secret", "secret");
	put(f.dirfd, "root/etc/inside", "inside");
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		assert_int_equal(symlinkat(links[i].target, f.dirfd, links[i].name), 0);
	f.root = openat(f.dirfd, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->root);
	close(f->dirfd);
	return file_remove_tree(AT_FDCWD, f->dir);
}

typedef int open_fn(int root_fd, const char *path, int flags);

static void check_open(struct fixture *f, open_fn *fn, const char *path, int expected)
{
	_cleanup_fd_ int fd = fn(f->root, path, O_RDONLY);
	char text[16] = "";

	if (expected < 0) {
		assert_int_equal(fd, expected);
		return;
	}
	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fd_read_all(fd, text, sizeof(text) - 1), 6);
	assert_string_equal(text, "inside");
}

static const struct {
	const char *path;
	int expected; /* 0: the file inside */
} opens[] = {
	{ "etc/inside", 0 },
	{ "/etc/inside", 0 },
	{ "//etc/./inside", 0 },
	{ "etc/../etc/inside", 0 },
	{ "../../etc/inside", 0 },
	{ "absolute", 0 },
	{ "dir/inside", 0 },
	{ "climb", 0 },
	{ "etc/../../../etc/inside", 0 },
	{ "up", -ENOENT },
	{ "chain", -ENOENT },
	{ "loop", -ELOOP },
	{ "dangling", -ENOENT },
	{ "../secret", -ENOENT },
	{ "etc/inside/x", -ENOTDIR },
	{ "nothing", -ENOENT },
};

static void test_open(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(opens); i++) {
		check_open(*state, safe_open, opens[i].path, opens[i].expected);
		check_open(*state, safe_open_walk, opens[i].path, opens[i].expected);
	}
}

/* No outside change, whatever is made inside. */
static void check_outside(struct fixture *f)
{
	struct stat st;

	assert_int_equal(faccessat(f->dirfd, "made", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(faccessat(f->dirfd, "new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	assert_int_equal(fstatat(f->dirfd, "secret-dir", &st, 0), 0);
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(faccessat(f->dirfd, "secret-dir/null", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static const struct {
	const char *path;
	enum safe_make what;
	const char *result; /* where it must be; NULL = an error */
	int expected;
} makes[] = {
	{ "a/b/c", SAFE_MAKE_DIR, "root/a/b/c", 0 },
	{ "/a/b/c", SAFE_MAKE_DIR, "root/a/b/c", 0 },
	{ "a/../x/y", SAFE_MAKE_FILE, "root/x/y", 0 },
	{ "dangling", SAFE_MAKE_FILE, "root/new/file", 0 },
	{ "dangling-up/sub", SAFE_MAKE_DIR, "root/made/sub", 0 },
	{ "up", SAFE_MAKE_FILE, "root/secret", 0 },
	{ "dev/null", SAFE_MAKE_FILE, "root/secret-dir/null", 0 },
	{ "loop", SAFE_MAKE_FILE, NULL, -ELOOP },
	{ "etc/inside/deeper", SAFE_MAKE_DIR, NULL, -ENOTDIR },
	{ "etc/inside", SAFE_MAKE_DIR, "root/etc/inside",
	  0 }, /* there already: it is opened, as what it is */
};

static void test_make(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(makes); i++) {
		_cleanup_fd_ int fd = safe_make(f->root, makes[i].path, makes[i].what, 0700);
		struct stat got, want;

		if (!makes[i].result) {
			assert_int_equal(fd, makes[i].expected);
			continue;
		}
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &got), 0);
		assert_int_equal(fstatat(f->dirfd, makes[i].result, &want, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(got.st_ino, want.st_ino);
	}
	check_outside(f);
}

static void test_long_paths(void **state)
{
	struct fixture *f = *state;
	char path[PATH_MAX + 16], name[NAME_MAX + 2];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(safe_make(f->root, path, SAFE_MAKE_DIR, 0755), -ENAMETOOLONG);
	memset(name, 'b', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(safe_make(f->root, name, SAFE_MAKE_DIR, 0755), -ENAMETOOLONG);
	assert_int_equal(safe_open_walk(f->root, name, O_PATH), -ENAMETOOLONG);
}

static void test_plain_dir(void **state)
{
	struct fixture *f = *state;
	_cleanup_fd_ int made = safe_make_plain_dir(f->root, "/proc", 0755);
	_cleanup_fd_ int again = safe_make_plain_dir(f->root, "proc/", 0755);

	assert_true(made >= 0);
	assert_true(again >= 0);
	assert_int_equal(safe_make_plain_dir(f->root, "/dev", 0755), -ELOOP);
	assert_int_equal(safe_make_plain_dir(f->root, "/dev/sub", 0755), -ELOOP);
	assert_int_equal(safe_make_plain_dir(f->root, "/etc/inside", 0755), -ENOTDIR);
	check_outside(f);
}

static void test_nofollow(void **state)
{
	struct fixture *f = *state;
	_cleanup_fd_ int fd = safe_open_nofollow(f->root, "dir/inside", O_PATH);

	assert_true(fd >= 0); /* a link on the way is fine */
	assert_int_equal(safe_open_nofollow(f->root, "absolute", O_PATH), -ELOOP);
	assert_int_equal(safe_open_nofollow(f->root, "absolute", O_RDONLY), -ELOOP);
}

static void test_parent(void **state)
{
	struct fixture *f = *state;
	char name[NAME_MAX + 1];
	_cleanup_fd_ int fd = safe_open_parent(f->root, "/p/q/r/", name, sizeof(name));

	assert_true(fd >= 0);
	assert_string_equal(name, "r");
	assert_int_equal(faccessat(f->dirfd, "root/p/q", F_OK, 0), 0);
	assert_int_equal(faccessat(f->dirfd, "root/p/q/r", F_OK, 0), -1);
	assert_int_equal(safe_open_parent(f->root, "/", name, sizeof(name)), -EINVAL);
	assert_int_equal(safe_open_parent(f->root, "a/..", name, sizeof(name)), -EINVAL);
	assert_int_equal(safe_open_parent(f->root, "abc", name, 3), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_open, setup, teardown),
		cmocka_unit_test_setup_teardown(test_make, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_paths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_plain_dir, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nofollow, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parent, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
