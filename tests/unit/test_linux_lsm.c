/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels: nothing asked for costs nothing, and what is asked for of a module that is not there is refused by
 * its field. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "linux/lsm/lsm.h"

static void test_nothing(void **state)
{
	static const struct lsm_labels cases[] = {{0}, {.selinux = "", .apparmor = "", .mount = ""}};
	struct error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_int_equal(lsm_validate(&cases[i], &err), 0);
		assert_int_equal(lsm_set_exec_labels(-1, &cases[i], &err), 0);
		assert_int_equal(lsm_set_key_label(-1, &cases[i], false, &err), 0);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *module;
		struct lsm_labels labels;
		const char *field;
	} cases[] = {
		{"selinux",
		 {.selinux = "system_u:system_r:container_t:s0"},
		 "process.selinuxLabel: \"system_u:system_r:container_t:s0\" is set, but"},
		{"apparmor",
		 {.apparmor = "docker-default"},
		 "process.apparmorProfile: \"docker-default\" is set, but"},
		{"selinux",
		 {.mount = "system_u:object_r:container_file_t:s0"},
		 "linux.mountLabel: \"system_u:object_r:container_file_t:s0\" is set, but"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err;

		if (lsm_is_enabled(cases[i].module)) {
			print_message("# %s is on here: not tested\n", cases[i].module);
			continue;
		}
		assert_true(lsm_validate(&cases[i].labels, &err) < 0);
		assert_non_null(strstr(err.msg, cases[i].field));
	}
	assert_false(lsm_is_enabled("smack"));
}

/* What could break out of the quotes is refused whatever the machine has. */
static void test_quotes(void **state)
{
	const struct lsm_labels labels = {.mount = "x\",exec=\"y"};
	struct error err;

	(void)state;
	assert_true(lsm_validate(&labels, &err) < 0);
	assert_non_null(strstr(err.msg, "linux.mountLabel"));
}

static void test_mount_options(void **state)
{
	const struct lsm_labels none = {0}, label = {.mount = "a:b:c"};
	static const struct {
		bool labelled;
		const char *data, *wanted;
	} cases[] = {
		{false, NULL, NULL},
		{false, "", NULL},
		{false, "size=1m", "size=1m"},
		{true, NULL, "context=\"a:b:c\""},
		{true, "size=1m", "size=1m,context=\"a:b:c\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got =
			lsm_mount_options(cases[i].labelled ? &label : &none, cases[i].data);

		if (cases[i].wanted)
			assert_string_equal(got, cases[i].wanted);
		else
			assert_null(got);
	}
}

static void put(int dirfd, const char *path, const char *text)
{
	assert_int_equal(file_replace_at(dirfd, path, text, strlen(text), 0600), 0);
}

/* A directory as securityfs has it: policies are found by the profile's whole name, whatever the entry is called. */
static void test_policy(void **state)
{
	static const char *const dirs[] = { "policy/profiles/docker-default.3", "policy/profiles/usr.bin.man.1", "policy/profiles/bare.2" };
	static const struct {
		const char *profile;
		int r;
		const char *policy;
	} cases[] = { { "docker-default", 0, "compiled" }, { "/usr/bin/man", 0, "manual" }, { "bare", -ENODATA, NULL },
		      { "docker-default.3", -ENOENT, NULL }, { "docker", -ENOENT, NULL } };
	char scratch[] = "/tmp/hvt.lsm.XXXXXX";
	int dirfd;

	(void)state;
	assert_non_null(mkdtemp(scratch));
	dirfd = file_open_dir(AT_FDCWD, scratch);
	assert_true(dirfd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) { /* no policy at all */
		char *policy = NULL;
		size_t len;

		assert_int_equal(apparmor_policy_read(dirfd, cases[i].profile, &policy, &len), -ENOENT);
	}
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_true(file_mkdir_p(dirfd, dirs[i], 0700) >= 0);
	put(dirfd, "policy/profiles/docker-default.3/name", "docker-default\n");
	put(dirfd, "policy/profiles/docker-default.3/raw_data", "compiled");
	put(dirfd, "policy/profiles/usr.bin.man.1/name", "/usr/bin/man\n");
	put(dirfd, "policy/profiles/usr.bin.man.1/raw_data", "manual");
	put(dirfd, "policy/profiles/bare.2/name", "bare\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *policy = NULL;
		size_t len;

		assert_int_equal(apparmor_policy_read(dirfd, cases[i].profile, &policy, &len), cases[i].r);
		if (cases[i].policy) {
			assert_int_equal(len, strlen(cases[i].policy));
			assert_memory_equal(policy, cases[i].policy, len);
		}
		free(policy);
	}
	assert_int_equal(apparmor_policy_load(dirfd, "x", 1), -ENOENT);
	put(dirfd, ".replace", "");
	assert_int_equal(apparmor_policy_load(dirfd, "x", 1), 0);
	close(dirfd);
	file_remove_tree(AT_FDCWD, scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_mount_options),
		cmocka_unit_test(test_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
