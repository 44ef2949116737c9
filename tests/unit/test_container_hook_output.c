/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* container/hook_output.h: which files hooks may write to, and which never. */
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

#include "base/macros.h"
#include "base/mem.h"
#include "container/hook_output.h"

static char dir[] = "/tmp/hvrun-test-XXXXXX";
static char rootfs[64];

static char *below(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static int open_output(const char *out, struct hook_output *ret, struct error *err)
{
	struct oci_hook hook = { .path = (char *)"/bin/true" };
	struct oci_hooks hooks = { .poststop = &hook, .n_poststop = 1 };
	struct oci_string_map_entry entry = { (char *)"run.oci.hooks.stdout", (char *)out };
	struct oci_string_map map = { 1, &entry };
	struct oci_config config = { .annotations = &map, .hooks = &hooks };

	return hook_output_open(&config, rootfs, ret, err);
}

static void test_appends(void **state _unused_)
{
	_cleanup_free_ char *path = below("made");
	struct hook_output o = HOOK_OUTPUT_NONE;
	struct error err = { 0 };
	struct stat st;

	for (int i = 1; i <= 2; i++) {
		if (open_output(path, &o, &err) < 0)
			fail_msg("%s", err.msg);
		assert_int_equal(write(o.out_fd, "line\n", 5), 5);
		assert_int_equal(o.err_fd, -1);
		assert_int_equal(fcntl(o.out_fd, F_GETFD), FD_CLOEXEC);
		hook_output_close(&o);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_size, 5 * i);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	if (open_output("/dev/null", &o, &err) < 0)
		fail_msg("%s", err.msg);
	hook_output_close(&o);
}

static void test_refused(void **state _unused_)
{
	static const struct {
		const char *name, *message;
	} cases[] = {
		{ "rootfs/log", "is below root.path" },
		{ "rootfs/etc/log", "is below root.path" },
		{ "bind/log", "\"bind\" is a symlink" },
		{ "rootfs/out/log", "is below root.path" },
		{ "door/log", "\"door\" is a symlink" },
		{ "link", "is a symlink" },
		{ "link/log", "is a symlink" },
		{ "fifo", "fifo" }, /* nobody reads it: it does not block */
		{ "rootfs", "Is a directory" },
		{ "none/log", "\"none\": No such file or directory" },
		{ "file/log", "\"file\" is no directory" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *path = below(cases[i].name);
		struct hook_output o = HOOK_OUTPUT_NONE;
		struct error err = { 0 };

		assert_true(open_output(path, &o, &err) < 0);
		if (strncmp(err.msg, "annotation run.oci.hooks.stdout: ", 33) != 0 || !strstr(err.msg, cases[i].message))
			fail_msg("%s: %s", path, err.msg);
	}
	{ /* where the symlinks lead nothing was made */
		_cleanup_free_ char *victim = below("victim/log");

		assert_int_equal(access(victim, F_OK), -1);
	}
	for (size_t i = 0; i < 2; i++) {
		struct hook_output o = HOOK_OUTPUT_NONE;
		struct error err = { 0 };

		assert_true(open_output((const char *const[]){ "/", "/dev/zero" }[i], &o, &err) < 0);
	}
}

static void test_nothing_without_hooks(void **state _unused_)
{
	struct oci_string_map_entry entry = { (char *)"run.oci.hooks.stderr", (char *)"/nonexistent/x" };
	struct oci_string_map map = { 1, &entry };
	struct oci_config config = { .annotations = &map };
	struct hook_output o = HOOK_OUTPUT_NONE;
	struct error err = { 0 };

	assert_int_equal(hook_output_open(&config, rootfs, &o, &err), 0);
	assert_int_equal(o.err_fd, -1);
}

static int setup(void **state _unused_)
{
	static const char *const dirs[] = { "rootfs", "rootfs/etc", "victim" };

	if (!mkdtemp(dir))
		return -1;
	snprintf(rootfs, sizeof(rootfs), "%s/rootfs", dir);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_free_ char *path = below(dirs[i]);

		if (mkdir(path, 0755) < 0)
			return -1;
	}
	{
		_cleanup_free_ char *bind = below("bind"), *link = below("link"), *door = below("door"), *out = below("rootfs/out"), *fifo = below("fifo"),
				    *file = below("file"), *victim = below("victim");

		if (symlink(rootfs, bind) < 0 || symlink("/dev/null", link) < 0 || symlink(victim, door) < 0 || symlink(victim, out) < 0 || mkfifo(fifo, 0600) < 0 ||
		    close(open(file, O_CREAT | O_WRONLY, 0600)) < 0)
			return -1;
	}
	return 0;
}

static int teardown(void **state _unused_)
{
	static const char *const files[] = { "made", "bind", "door", "link", "rootfs/out", "fifo", "file", "rootfs/etc", "rootfs", "victim", "" };

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = below(files[i]);

		if (remove(path) < 0)
			print_message("# %s stays\n", path);
	}
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_appends),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nothing_without_hooks),
	};

	return cmocka_run_group_tests_name("hook_output", tests, setup, teardown);
}
