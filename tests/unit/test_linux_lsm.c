/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels: nothing asked for costs nothing, and what is asked for of a module that is not there is refused by
 * its field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_mount_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
