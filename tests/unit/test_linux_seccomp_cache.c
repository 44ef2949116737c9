/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The cache of compiled filters: no two profiles share a file's content, and nothing but an intact file of
 * our own is used. */
#include <dirent.h>
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
#include <ocispec/doc.h>
#include <ocispec/types.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "linux/seccomp_internal.h"

static char top[] = "/tmp/test-seccomp-cache-XXXXXX";
static int root_fd = -1, cache_fd = -1, kept_fd = -1;

#define PROFILE(names, more)                                                                                 \
	"{\"defaultAction\": \"SCMP_ACT_ALLOW\", \"syscalls\": [{\"names\": [" names                         \
	"], \"action\": \"SCMP_ACT_ERRNO\"" more "}]}"

/* Pairs of these have had the same key in a runtime that left out lengths and numbers. */
static const char *const profiles[] = {
	PROFILE("\"getpid\"", ""),
	PROFILE("\"getpid\"", ", \"errnoRet\": 1"),
	PROFILE("\"getpid\"", ", \"errnoRet\": 2"),
	PROFILE("\"get\", \"pid\"", ""),
	PROFILE("\"getp\", \"id\"", ""),
	PROFILE("\"getpid\"", ", \"args\": [{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}]"),
	PROFILE("\"getpid\"", ", \"args\": [{\"index\": 1, \"value\": 1, \"op\": \"SCMP_CMP_EQ\"}]"),
	PROFILE("\"getpid\"", ", \"args\": [{\"index\": 0, \"value\": 2, \"op\": \"SCMP_CMP_EQ\"}]"),
	PROFILE("\"getpid\"", ", \"args\": [{\"index\": 0, \"value\": 1, \"op\": \"SCMP_CMP_NE\"}]"),
	PROFILE("\"getpid\"", ", \"args\": [{\"index\": 0, \"value\": 1, \"valueTwo\": 1, \"op\": "
			      "\"SCMP_CMP_MASKED_EQ\"}]"),
	PROFILE("\"getpid\"", ", \"args\": [{\"index\": 0, \"value\": 1, \"valueTwo\": 2, \"op\": "
			      "\"SCMP_CMP_MASKED_EQ\"}]"),
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\"}",
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": 1}",
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"flags\": []}",
	"{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"architectures\": [\"SCMP_ARCH_X86\"]}",
};

static struct oci_doc *parse(const char *json)
{
	struct oci_error err;
	struct oci_doc *doc;

	if (oci_parse(&oci_seccomp_type, json, strlen(json), NULL, &doc, &err) < 0)
		fail_msg("%s", err.msg);
	return doc;
}

static struct buf key_of(const char *json, unsigned available)
{
	_cleanup_(oci_doc_freep) struct oci_doc *doc = parse(json);
	struct buf key = { 0 };

	seccomp_cache_key(oci_doc_root(doc), available, &key);
	return key;
}

static void compile(const char *json, struct seccomp_filter *f)
{
	_cleanup_(oci_doc_freep) struct oci_doc *doc = parse(json);
	struct error err;

	if (seccomp_filter_compile(oci_doc_root(doc), cache_fd, kept_fd, f, &err) < 0)
		fail_msg("%s", err.msg);
}

static bool is_cached(const char *json)
{
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
	_cleanup_buf_ struct buf key = key_of(json, seccomp_available_actions());

	return seccomp_cache_load(cache_fd, &key, &f);
}

/* The names of the files in the cache, "." and ".." aside. */
static char **files(void)
{
	DIR *d = fdopendir(openat(cache_fd, ".", O_RDONLY | O_DIRECTORY));
	char **v = xcalloc(1000, sizeof(*v));
	size_t n = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (e->d_name[0] != '.')
			v[n++] = xstrdup(e->d_name);
	closedir(d);
	return v;
}

static int empty_cache(void **state _unused_)
{
	_cleanup_strv_ char **v = files();

	for (char **name = v; *name; name++)
		unlinkat(cache_fd, *name, 0);
	return 0;
}

static void test_keys_differ(void **state _unused_)
{
	struct buf keys[ARRAY_SIZE(profiles) + 1];

	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++)
		keys[i] = key_of(profiles[i], 255);
	keys[ARRAY_SIZE(profiles)] = key_of(profiles[0], 254);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		for (size_t k = 0; k < i; k++)
			if (keys[i].len == keys[k].len &&
			    memcmp(keys[i].data, keys[k].data, keys[i].len) == 0)
				fail_msg("profiles %zu and %zu have the same key", k, i);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		buf_done(&keys[i]);
}

static void test_hit_is_the_same(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(profiles); i++) {
		_cleanup_seccomp_filter_ struct seccomp_filter first = { 0 }, second = { 0 };

		assert_false(is_cached(profiles[i]));
		compile(profiles[i], &first);
		assert_true(is_cached(profiles[i]));
		compile(profiles[i], &second);
		assert_int_equal(first.n_insns, second.n_insns);
		assert_int_equal(first.flags, second.flags);
		assert_memory_equal(first.insns, second.insns, first.n_insns * sizeof(*first.insns));
	}
}

/* The one file there is: its content, to be put back changed. */
static char *only_file(char **ret, size_t *ret_len)
{
	_cleanup_strv_ char **v = files();

	assert_non_null(v[0]);
	assert_null(v[1]);
	assert_int_equal(file_read_at(cache_fd, v[0], 1 << 20, ret, ret_len), 0);
	return xstrdup(v[0]);
}

static void put_file(const char *name, const char *data, size_t len)
{
	assert_int_equal(file_replace_at(cache_fd, name, data, len, 0600), 0);
}

static void test_damage(void **state _unused_)
{
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
	_cleanup_free_ char *data = NULL, *name = NULL, *longer = NULL;
	size_t len;

	compile(profiles[1], &f);
	name = only_file(&data, &len);
	for (size_t i = 0; i < len; i++) {
		data[i] ^= 0x10;
		put_file(name, data, len);
		if (is_cached(profiles[1]))
			fail_msg("taken with byte %zu changed", i);
		data[i] ^= 0x10;
	}
	for (size_t i = 0; i < len; i++) {
		put_file(name, data, i);
		if (is_cached(profiles[1]))
			fail_msg("taken with %zu of %zu bytes", i, len);
	}
	longer = xcalloc(1, len + 8);
	memcpy(longer, data, len);
	put_file(name, longer, len + 8);
	assert_false(is_cached(profiles[1]));
	put_file(name, data, len);
	assert_true(is_cached(profiles[1]));
}

/* Another profile's file under this one's name, as two that hash alike would have it. */
static void test_collision(void **state)
{
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 }, g = { 0 };
	_cleanup_free_ char *data = NULL, *name = NULL, *other = NULL, *other_data = NULL;
	size_t len;

	compile(profiles[2], &f);
	other = only_file(&other_data, &len);
	empty_cache(state);
	compile(profiles[1], &g);
	name = only_file(&data, &len);
	put_file(other, data, len);
	assert_false(is_cached(profiles[2]));
	assert_true(is_cached(profiles[1]));
}

static void test_foreign_files(void **state _unused_)
{
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
	_cleanup_free_ char *data = NULL, *name = NULL;
	size_t len;

	compile(profiles[0], &f);
	name = only_file(&data, &len);
	assert_int_equal(fchmodat(cache_fd, name, 0620, 0), 0);
	assert_false(is_cached(profiles[0]));
	assert_int_equal(fchmodat(cache_fd, name, 0600, 0), 0);
	assert_true(is_cached(profiles[0]));
	if (geteuid() == 0) {
		assert_int_equal(fchownat(cache_fd, name, 1000, 0, 0), 0);
		assert_false(is_cached(profiles[0]));
		assert_int_equal(fchownat(cache_fd, name, 0, 0, 0), 0);
	}
	assert_int_equal(renameat(cache_fd, name, cache_fd, "elsewhere"), 0);
	assert_int_equal(symlinkat("elsewhere", cache_fd, name), 0);
	assert_false(is_cached(profiles[0]));
	assert_int_equal(unlinkat(cache_fd, name, 0), 0);
	assert_int_equal(mkfifoat(cache_fd, name, 0600), 0);
	assert_false(is_cached(profiles[0])); /* and does not wait for a writer */
}

static void test_directory(void **state _unused_)
{
	struct stat st;

	assert_int_equal(fstat(cache_fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fchmod(cache_fd, 0770), 0);
	assert_int_equal(seccomp_cache_open(root_fd), -EPERM);
	assert_int_equal(fchmod(cache_fd, 0700), 0);
	assert_true(seccomp_cache_open(-1) < 0);
}

static bool is_kept(const char *json)
{
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
	_cleanup_buf_ struct buf key = key_of(json, seccomp_available_actions());

	return seccomp_kept_load(kept_fd, &key, &f);
}

/* A container's own: by another name of the cache's file, or alone; what it is not the filter of does not count. */
static void test_kept(void **state)
{
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 }, g = { 0 }, h = { 0 }, i = { 0 };
	int cache = cache_fd;

	assert_false(is_kept(profiles[0]));
	kept_fd = root_fd;
	assert_false(is_kept(profiles[0]));
	compile(profiles[0], &f);
	assert_true(is_kept(profiles[0]));
	assert_false(is_kept(profiles[1]));
	empty_cache(state);
	compile(profiles[0], &g);
	assert_false(is_cached(profiles[0])); /* nothing was compiled */
	assert_int_equal(f.n_insns, g.n_insns);
	assert_memory_equal(f.insns, g.insns, f.n_insns * sizeof(*f.insns));
	compile(profiles[1], &h);
	assert_true(is_kept(profiles[1]));
	assert_false(is_kept(profiles[0]));
	assert_int_equal(unlinkat(root_fd, "seccomp.bpf", 0), 0);
	cache_fd = -1;
	compile(profiles[0], &i);
	cache_fd = cache;
	assert_true(is_kept(profiles[0]));
	assert_int_equal(unlinkat(root_fd, "seccomp.bpf", 0), 0);
	kept_fd = -1;
}

static void test_bounded(void **state _unused_)
{
	_cleanup_strv_ char **v = NULL;
	size_t n = 0;

	for (int i = 0; i < 200; i++) {
		_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };
		_cleanup_free_ char *json =
			xasprintf("{\"defaultAction\": \"SCMP_ACT_ERRNO\", \"defaultErrnoRet\": %d}", i);

		compile(json, &f);
	}
	v = files();
	while (v[n])
		n++;
	assert_in_range(n, 1, 64);
}

static int start(void **state _unused_)
{
	if (!mkdtemp(top))
		return -1;
	root_fd = file_open_dir(AT_FDCWD, top);
	cache_fd = seccomp_cache_open(root_fd);
	return cache_fd < 0 ? -1 : 0;
}

static int end(void **state _unused_)
{
	fd_close(cache_fd);
	fd_close(root_fd);
	return file_remove_tree(AT_FDCWD, top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_differ),
		cmocka_unit_test_teardown(test_hit_is_the_same, empty_cache),
		cmocka_unit_test_teardown(test_damage, empty_cache),
		cmocka_unit_test_teardown(test_collision, empty_cache),
		cmocka_unit_test_teardown(test_foreign_files, empty_cache),
		cmocka_unit_test_teardown(test_directory, empty_cache),
		cmocka_unit_test_teardown(test_kept, empty_cache),
		cmocka_unit_test_teardown(test_bounded, empty_cache),
	};

	return cmocka_run_group_tests(tests, start, end);
}
