/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Capabilities: names, sets, what cannot be granted, and the whole sequence in a child of its own. */
#include <ocispec/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "linux/caps.h"
#include "linux/sys.h"

#define BIT(n) (UINT64_C(1) << (n))

static void test_names(void **state)
{
	(void)state;
	for (int n = 0; n <= 40; n++)
		assert_int_equal(caps_from_name(caps_to_name(n)), n);
	assert_int_equal(caps_from_name("chown"), 0);
	assert_int_equal(caps_from_name("cap_sys_admin"), 21);
	assert_int_equal(caps_from_name("Sys_Admin"), 21);
	assert_true(caps_from_name("CAP_") < 0);
	assert_true(caps_from_name("") < 0);
	assert_true(caps_from_name("CAP_CHOWNS") < 0);
	assert_null(caps_to_name(-1));
	assert_null(caps_to_name(64));
	assert_true(caps_last() >= 37 && caps_last() < 64);
}

static void test_sets(void **state)
{
	char *bounding[] = {(char *)"CAP_CHOWN", (char *)"CAP_KILL", NULL},
	     *effective[] = {(char *)"CAP_KILL", (char *)"CAP_SETUID", NULL},
	     *permitted[] = {(char *)"CAP_KILL", (char *)"CAP_MAKE_COFFEE", (char *)"CAP_SYS_ADMIN", NULL},
	     *inheritable[] = {(char *)"CAP_KILL", NULL},
	     *ambient[] = {(char *)"CAP_KILL", (char *)"CAP_CHOWN", NULL};
	struct oci_capabilities oci = {
		.bounding = bounding,
		.n_bounding = 2,
		.effective = effective,
		.n_effective = 2,
		.permitted = permitted,
		.n_permitted = 3,
		.inheritable = inheritable,
		.n_inheritable = 1,
		.ambient = ambient,
		.n_ambient = 2,
	};
	_cleanup_strv_ char **warnings = NULL;
	struct caps c;

	(void)state;
	caps_from_oci(&oci, ~BIT(21), &c, &warnings);
	assert_int_equal(c.bounding, BIT(0) | BIT(5));
	assert_int_equal(c.permitted, BIT(5));
	assert_int_equal(c.effective, BIT(5)); /* not more than is permitted: capset(2) would refuse */
	assert_int_equal(c.inheritable, BIT(5));
	assert_int_equal(c.ambient, BIT(5));
	assert_int_equal(strv_length(warnings), 3);
	assert_string_equal(warnings[0],
			    "process.capabilities.permitted[1]: unknown capability CAP_MAKE_COFFEE");
	assert_string_equal(warnings[1],
			    "process.capabilities.permitted[2]: cannot be granted here: CAP_SYS_ADMIN");
	assert_non_null(strstr(warnings[2], "can't raise ambient capability CAP_CHOWN:"));
}

static void test_absent(void **state)
{
	struct caps c = {.bounding = 1, .ambient = 1};
	char **warnings;

	(void)state;
	caps_from_oci(NULL, ~UINT64_C(0), &c, &warnings);
	assert_int_equal(c.bounding | c.effective | c.permitted | c.inheritable | c.ambient, 0);
	assert_null(warnings);
}

static void apply_in_child(void)
{
	struct caps c = {.bounding = BIT(0) | BIT(5) | BIT(10),
			 .permitted = BIT(5) | BIT(10),
			 .effective = BIT(5),
			 .inheritable = BIT(5),
			 .ambient = BIT(5) | BIT(0)};
	uint64_t permitted = 0, failed = 0;
	struct error err;

	if (caps_drop_bounding(&c, &err) < 0 || caps_keep(true, &err) < 0 || sys_setresuid(1000) < 0)
		_exit(1);
	if (caps_apply(&c, &failed, &err) < 0)
		_exit(2);
	if (sys_capget(&permitted) < 0 || permitted != (BIT(5) | BIT(10)))
		_exit(3);
	if (failed != BIT(0) || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 5, 0, 0) != 1)
		_exit(4);
	if (prctl(PR_CAPBSET_READ, 21, 0, 0, 0) != 0 || prctl(PR_CAPBSET_READ, 10, 0, 0, 0) != 1)
		_exit(5);
	if (prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) != 0)
		_exit(6);
	_exit(0);
}

static void test_apply(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0) {
		print_message("# SKIP needs root\n");
		skip();
	}
	pid = fork();
	if (pid == 0)
		apply_in_child();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
