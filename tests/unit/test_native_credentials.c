/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The order in which privileges go, on the fake kernel; and that nothing goes on after the kernel said no. */
#include <errno.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include <cmocka.h>

#include "base/macros.h"
#include "fake/sys.h"
#include "native/plan.h"
#include "native/setup.h"

#define ALL_CAPS (~UINT64_C(0)) /* nothing to drop from the bounding set: the log stays short */
#define CAP(n) (UINT64_C(1) << (n))

static struct sock_filter filter[1];
static const gid_t groups[] = { 5, 6 };

static struct plan_process process(bool no_new_privs)
{
	return (struct plan_process){
		.uid = 1000,
		.gid = 1001,
		.gids = groups,
		.n_gids = 2,
		.umask = 022,
		.no_new_privs = no_new_privs,
		.caps = { .bounding = ALL_CAPS, .permitted = CAP(CAP_KILL), .effective = CAP(CAP_KILL) },
		.seccomp = { .insns = filter, .n_insns = 1 },
	};
}

/* Where in the log the first line that starts so is; fails the test without one. */
static long at(const char *prefix)
{
	const char *log = fake_log(), *p = log;

	while ((p = strstr(p, prefix))) {
		if (p == log || p[-1] == '\n')
			return p - log;
		p++;
	}
	fail_msg("no call \"%s\" in:\n%s", prefix, log);
	return -1;
}

static void assert_order(const char *const *calls, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if (at(calls[i - 1]) >= at(calls[i]))
			fail_msg("\"%s\" must come before \"%s\":\n%s", calls[i - 1], calls[i], fake_log());
}

static char keepcaps[32], no_new_privs[32];

static void test_with_no_new_privs(void **state _unused_)
{
	const char *const order[] = { keepcaps, "setgroups 2 5", "setresgid 1001", "setresuid 1000",
				      "capset", no_new_privs,    "seccomp" };
	struct plan_process p = process(true);
	struct error err;

	fake_reset(0, 0);
	assert_int_equal(credentials_apply(&p, -1, &err), 0);
	assert_order(order, ARRAY_SIZE(order));
	assert_string_equal(fake_last(), "seccomp 1 0"); /* nothing that the filter might forbid follows */
}

static void test_without_no_new_privs(void **state _unused_)
{
	const char *const order[] = { "seccomp", keepcaps, "setgroups", "setresgid", "setresuid", "capset" };
	struct plan_process p = process(false);
	struct error err;

	fake_reset(0, 0);
	assert_int_equal(credentials_apply(&p, -1, &err), 0);
	assert_order(order, ARRAY_SIZE(order));
	assert_null(strstr(fake_log(), no_new_privs));
}

/* The final sets are written once, after the user changed, and are just those asked for. */
static void test_capabilities_last(void **state _unused_)
{
	struct plan_process p = process(true);
	struct error err;
	char capset[64];

	fake_reset(0, 0);
	assert_int_equal(credentials_apply(&p, -1, &err), 0);
	snprintf(capset, sizeof(capset), "capset %x %x 0", 1U << CAP_KILL, 1U << CAP_KILL);
	assert_true(at(capset) > at("setresuid"));
}

/* The nth line of the log, counted from 1. */
static const char *line(unsigned n)
{
	const char *p = fake_log();

	while (--n > 0)
		p = strchr(p, '\n') + 1;
	return p;
}

static bool may_fail(const char *call)
{
	char read_bounding[32];

	snprintf(read_bounding, sizeof(read_bounding), "prctl %d ",
		 PR_CAPBSET_READ); /* past the kernel's last capability */
	return strncmp(call, read_bounding, strlen(read_bounding)) == 0;
}

static void check_failure(const struct plan_process *p, unsigned n)
{
	struct error err = { 0 };
	int r;

	fake_reset(n, ENOLCK);
	r = credentials_apply(p, -1, &err);
	if (r == 0 && may_fail(line(n)))
		return;
	if (r == 0)
		fail_msg("call %u failed, and nobody cared:\n%s", n, fake_log());
	assert_int_equal(r, -ENOLCK);
	assert_int_equal(err.code, ENOLCK);
	assert_int_equal(fake_calls(), n);
}

/* Whichever call fails, it is the last one, and the error is its. */
static void test_failure_at_each_call(void **state _unused_)
{
	for (int nnp = 0; nnp < 2; nnp++) {
		struct plan_process p = process(nnp);
		struct error err;
		unsigned n;

		fake_reset(0, 0);
		assert_int_equal(credentials_apply(&p, -1, &err), 0);
		n = fake_calls();
		for (unsigned i = 1; i <= n; i++)
			check_failure(&p, i);
	}
}

/* setgroups(2) is denied in a namespace without gid map: fine without groups asked for, an error with. */
static void test_setgroups_denied(void **state _unused_)
{
	struct plan_process p = process(true);
	struct error err;
	unsigned n = 1;

	fake_reset(0, 0);
	assert_int_equal(credentials_apply(&p, -1, &err), 0);
	for (const char *c = fake_log(); c < fake_log() + at("setgroups"); c++)
		n += *c == '\n';
	fake_reset(n, EPERM);
	assert_int_equal(credentials_apply(&p, -1, &err), -EPERM);
	assert_non_null(strstr(err.msg, "additionalGids"));
	p.n_gids = 0;
	fake_reset(n, EPERM);
	assert_int_equal(credentials_apply(&p, -1, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_no_new_privs), cmocka_unit_test(test_without_no_new_privs),
		cmocka_unit_test(test_capabilities_last), cmocka_unit_test(test_failure_at_each_call),
		cmocka_unit_test(test_setgroups_denied),
	};

	snprintf(keepcaps, sizeof(keepcaps), "prctl %d 1", PR_SET_KEEPCAPS);
	snprintf(no_new_privs, sizeof(no_new_privs), "prctl %d 1", PR_SET_NO_NEW_PRIVS);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
