/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.rlimits: order, duplicates, and that they reach the kernel. */
#include <ocispec/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "linux/rlimit.h"

static void test_order(void **state)
{
	const struct oci_rlimit oci[] = {
		{OCI_RLIMIT_TYPE_NOFILE, 100, 50},
		{OCI_RLIMIT_TYPE_CORE, 0, 0},
		{OCI_RLIMIT_TYPE_AS, UINT64_MAX, UINT64_MAX},
	};
	struct rlimits r;
	struct error err;

	(void)state;
	assert_int_equal(rlimits_from_oci(oci, ARRAY_SIZE(oci), &r, &err), 0);
	assert_int_equal(r.n, 3);
	assert_int_equal(r.items[0].resource, RLIMIT_CORE);
	assert_int_equal(r.items[1].resource, RLIMIT_AS);
	assert_true(r.items[1].limit.rlim_max == RLIM_INFINITY);
	assert_int_equal(r.items[2].resource, RLIMIT_NOFILE);
	assert_int_equal(r.items[2].limit.rlim_cur, 50);
	assert_int_equal(r.items[2].limit.rlim_max, 100);
	assert_int_equal(rlimits_from_oci(NULL, 0, &r, &err), 0);
	assert_int_equal(r.n, 0);
}

static void test_all(void **state)
{
	struct oci_rlimit oci[_OCI_RLIMIT_TYPE_MAX];
	struct rlimits r;
	struct error err;

	(void)state;
	for (int i = 0; i < _OCI_RLIMIT_TYPE_MAX; i++)
		oci[i] = (struct oci_rlimit){.type = i};
	assert_int_equal(rlimits_from_oci(oci, _OCI_RLIMIT_TYPE_MAX, &r, &err), 0);
	assert_int_equal(r.n, RLIM_NLIMITS);
	for (size_t i = 0; i < r.n; i++)
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(r.items[i].resource, r.items[k].resource);
	assert_string_equal(rlimit_to_string(RLIMIT_NOFILE), "RLIMIT_NOFILE");
	assert_string_equal(rlimit_to_string(99), "unknown");
}

static void test_bad(void **state)
{
	const struct oci_rlimit twice[] = {
		{OCI_RLIMIT_TYPE_CORE, 1, 1}, {OCI_RLIMIT_TYPE_CPU, 1, 1}, {OCI_RLIMIT_TYPE_CORE, 2, 2}};
	const struct oci_rlimit soft[] = {{OCI_RLIMIT_TYPE_CORE, 1, 2}};
	struct rlimits r;
	struct error err;

	(void)state;
	assert_true(rlimits_from_oci(twice, 3, &r, &err) < 0);
	assert_string_equal(err.msg, "process.rlimits[2].type: RLIMIT_CORE is given twice");
	assert_true(rlimits_from_oci(soft, 1, &r, &err) < 0);
	assert_string_equal(err.msg, "process.rlimits[0]: RLIMIT_CORE: soft 2 is more than hard 1");
}

static void test_apply(void **state)
{
	const struct oci_rlimit oci[] = {{OCI_RLIMIT_TYPE_NOFILE, 40, 30}};
	struct rlimits r;
	struct error err;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(rlimits_from_oci(oci, 1, &r, &err), 0);
	pid = fork();
	if (pid == 0) {
		struct rlimit now;

		if (rlimits_apply(&r, &err) < 0 || getrlimit(RLIMIT_NOFILE, &now) < 0)
			_exit(1);
		_exit(now.rlim_cur == 30 && now.rlim_max == 40 ? 0 : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
