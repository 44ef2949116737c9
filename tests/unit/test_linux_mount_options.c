/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mount options as the kernel's attributes; the list for "features". */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "linux/mount_options.h"
#include "linux/sys.h"

static const struct row {
	const char *options; /* comma separated */
	struct mount_attributes attr, rec;
	unsigned extra;
	unsigned propagation; /* the first */
	const char *data;     /* all, comma separated */
} rows[] = {
	{ .options = "" },
	{ .options = "defaults" },
	{ .options = "ro", .attr = { MOUNT_ATTR_RDONLY, 0 } },
	{ .options = "ro,rw", .attr = { 0, MOUNT_ATTR_RDONLY } },
	{ .options = "rw,ro", .attr = { MOUNT_ATTR_RDONLY, 0 } },
	{ .options = "nosuid,nodev,noexec",
	  .attr = { MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, 0 } },
	{ .options = "nosuid,suid", .attr = { 0, MOUNT_ATTR_NOSUID } },
	{ .options = "noatime", .attr = { MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME } },
	{ .options = "noatime,strictatime", .attr = { MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME } },
	{ .options = "strictatime,noatime,atime", .attr = { 0, MOUNT_ATTR__ATIME } },
	{ .options = "strictatime,atime", .attr = { MOUNT_ATTR_STRICTATIME, MOUNT_ATTR__ATIME } },
	{ .options = "strictatime,nostrictatime", .attr = { 0, MOUNT_ATTR__ATIME } },
	{ .options = "relatime", .attr = { 0, MOUNT_ATTR__ATIME } },
	{ .options = "nodiratime,nosymfollow",
	  .attr = { MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW, 0 } },
	{ .options = "rro", .rec = { MOUNT_ATTR_RDONLY, 0 } },
	{ .options = "rro,rrw", .rec = { 0, MOUNT_ATTR_RDONLY } },
	{ .options = "rnoatime", .rec = { MOUNT_ATTR_NOATIME, MOUNT_ATTR__ATIME } },
	{ .options = "rnorelatime" },
	{ .options = "rbind,rprivate",
	  .extra = MOUNT_EXTRA_BIND | MOUNT_EXTRA_RECURSIVE,
	  .propagation = MS_PRIVATE | MS_REC },
	{ .options = "bind,shared", .extra = MOUNT_EXTRA_BIND, .propagation = MS_SHARED },
	{ .options = "remount", .extra = MOUNT_EXTRA_REMOUNT },
	{ .options = "tmpcopyup,mode=755,size=64k",
	  .extra = MOUNT_EXTRA_TMPCOPYUP,
	  .data = "mode=755,size=64k" },
	{ .options = "ridmap", .extra = MOUNT_EXTRA_IDMAP | MOUNT_EXTRA_RIDMAP },
	{ .options = "bind,copy-symlink,src-nofollow,dest-nofollow",
	  .extra = MOUNT_EXTRA_BIND | MOUNT_EXTRA_COPY_SYMLINK | MOUNT_EXTRA_SRC_NOFOLLOW |
		   MOUNT_EXTRA_DEST_NOFOLLOW },
	{ .options = "idmap=uids=0-1-2;gids=0-1-2", .extra = MOUNT_EXTRA_IDMAP },
	{ .options = "rasync,rmand,rnomand" },
	{ .options = "rsync,rdirsync", .data = "sync,dirsync" },
	{ .options = "sync,dirsync,lazytime", .data = "sync,dirsync,lazytime" },
	{ .options = "silent,loud,iversion,noiversion,mand,nomand,async,nolazytime,norelatime" },
	{ .options = "newinstance,ptmxmode=0666,gid=5", .data = "newinstance,ptmxmode=0666,gid=5" },
	{ .options = "rfoo,RO", .data = "rfoo,RO" }, /* not ours, so the file system's */
};

static size_t split(char *text, char **v)
{
	size_t n = 0;
	char *one;

	while (text[0] && (one = strsep(&text, ","))) {
		v[n++] = one;
		if (!text)
			break;
	}
	return n;
}

static void join(const struct mount_options *o, char *buf, size_t size)
{
	buf[0] = '\0';
	for (size_t i = 0; i < o->n_data; i++)
		snprintf(buf + strlen(buf), size - strlen(buf), "%s%s", i ? "," : "", o->data[i]);
}

static void test_table(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[256], data[256], *v[32];
		struct mount_options o;
		struct error err;
		size_t n;

		snprintf(text, sizeof(text), "%s", rows[i].options);
		n = split(text, v);
		assert_int_equal(mount_options_parse(v, n, &o, &err), 0);
		assert_int_equal(o.attr.set, rows[i].attr.set);
		assert_int_equal(o.attr.clr, rows[i].attr.clr);
		assert_int_equal(o.rec.set, rows[i].rec.set);
		assert_int_equal(o.rec.clr, rows[i].rec.clr);
		assert_int_equal(o.extra, rows[i].extra);
		assert_int_equal(o.n_propagation ? o.propagation[0] : 0, rows[i].propagation);
		join(&o, data, sizeof(data));
		assert_string_equal(data, rows[i].data ? rows[i].data : "");
	}
}

static void test_too_many(void **state _unused_)
{
	char *v[MOUNT_OPTIONS_MAX + 1], *p[9];
	struct mount_options o = { .n_data = 7 };
	struct error err;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		v[i] = (char *)"x=1";
	for (size_t i = 0; i < ARRAY_SIZE(p); i++)
		p[i] = (char *)"rslave";
	assert_int_equal(mount_options_parse(v, ARRAY_SIZE(v), &o, &err), -E2BIG);
	assert_int_equal(mount_options_parse(p, ARRAY_SIZE(p), &o, &err), -E2BIG);
	assert_int_equal(o.n_data, 7); /* untouched */
}

/* "features" names what the parser knows: no more, no less, sorted. */
static void test_names(void **state _unused_)
{
	const char *const *names = mount_options_names();

	for (size_t i = 0; names[i]; i++) {
		char *v[1] = { (char *)names[i] };
		struct mount_options o;
		struct error err;

		assert_int_equal(mount_options_parse(v, 1, &o, &err), 0);
		if (o.n_data > 0) /* a superblock flag, under the name that file systems know */
			assert_true(strcmp(o.data[0], "sync") == 0 || strcmp(o.data[0], "dirsync") == 0 ||
				    strcmp(o.data[0], "lazytime") == 0);
		if (i > 0)
			assert_true(strcmp(names[i - 1], names[i]) < 0);
	}
}

static void test_next_datum(void **state _unused_)
{
	static const struct {
		const char *data, *options[4];
	} cases[] = {
		{ "", {} },
		{ ",,", {} },
		{ "size=64k", { "size=64k" } },
		{ "size=64k,mode=700,", { "size=64k", "mode=700" } },
		{ "lowerdir=/a\\,b:/c,userxattr", { "lowerdir=/a\\,b:/c", "userxattr" } },
		{ "context=\"u:r:t:s0:c1,c2\",uid=1", { "context=\"u:r:t:s0:c1,c2\"", "uid=1" } },
		{ "mpol=bind:0,2,size=1", { "mpol=bind:0,2", "size=1" } },
		{ "a\\", { "a\\" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *rest = cases[i].data, *one;
		size_t n, k = 0;

		for (; (one = mount_options_next_datum(&rest, &n)); k++) {
			assert_non_null(cases[i].options[k]);
			assert_int_equal(n, strlen(cases[i].options[k]));
			assert_memory_equal(one, cases[i].options[k], n);
		}
		assert_null(cases[i].options[k]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_datum),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
