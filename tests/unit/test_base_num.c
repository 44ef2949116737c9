/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/num.h: what is a number, and what only looks like one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/macros.h"
#include "base/num.h"

static void test_u64(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "007", 0, 7 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
		{ "99999999999999999999999x", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ NULL, -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t v = 42;

		assert_int_equal(num_parse_u64(cases[i].text, &v), cases[i].r);
		assert_true(v == (cases[i].r ? 42 : cases[i].value));
	}
}

static void test_i64(void **state)
{
	static const struct {
		const char *text;
		int r;
		int64_t value;
	} cases[] = {
		{ "-1", 0, -1 },
		{ "-0", 0, 0 },
		{ "9223372036854775807", 0, INT64_MAX },
		{ "9223372036854775808", -ERANGE, 0 },
		{ "-9223372036854775808", 0, INT64_MIN },
		{ "-9223372036854775809", -ERANGE, 0 },
		{ "-", -EINVAL, 0 },
		{ "--1", -EINVAL, 0 },
		{ "- 1", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t v = 42;

		assert_int_equal(num_parse_i64(cases[i].text, &v), cases[i].r);
		assert_true(v == (cases[i].r ? 42 : cases[i].value));
	}
}

static void test_narrow(void **state)
{
	uint32_t u = 1;
	mode_t m = 1;
	int n = 1;

	(void)state;
	assert_int_equal(num_parse_u32("4294967295", &u), 0);
	assert_true(u == UINT32_MAX);
	assert_int_equal(num_parse_u32("4294967296", &u), -ERANGE);
	assert_int_equal(num_parse_int("-5", -5, 5, &n), 0);
	assert_int_equal(n, -5);
	assert_int_equal(num_parse_int("6", -5, 5, &n), -ERANGE);
	assert_int_equal(num_parse_mode("0755", &m), 0);
	assert_int_equal(m, 0755);
	assert_int_equal(num_parse_mode("758", &m), -EINVAL);
	assert_int_equal(num_parse_mode("10000", &m), -ERANGE);
}

static void test_size(void **state)
{
	static const struct {
		const char *text;
		int r;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "10", 0, 10 },
		{ "10b", 0, 10 },
		{ "10k", 0, 10240 },
		{ "10K", 0, 10240 },
		{ "1M", 0, 1 << 20 },
		{ "1mb", 0, 1 << 20 },
		{ "1MiB", 0, 1 << 20 },
		{ "2g", 0, 2ULL << 30 },
		{ "1T", 0, 1ULL << 40 },
		{ "1p", 0, 1ULL << 50 },
		{ "16383p", 0, 16383ULL << 50 },
		{ "16384p", -ERANGE, 0 },
		{ "1.5G", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "1Mi", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ "1mm", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "1 M", -EINVAL, 0 },
		{ "1bb", -EINVAL, 0 },
	};
	int64_t limit = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t v = 42;

		assert_int_equal(num_parse_size(cases[i].text, &v), cases[i].r);
		assert_true(v == (cases[i].r ? 42 : cases[i].value));
	}
	assert_int_equal(num_parse_limit("-1", &limit), 0);
	assert_int_equal(limit, -1);
	assert_int_equal(num_parse_limit("-2", &limit), -EINVAL);
	assert_int_equal(num_parse_limit("8192p", &limit), -ERANGE);
	assert_int_equal(num_parse_limit("1k", &limit), 0);
	assert_int_equal(limit, 1024);
}

static void test_user(void **state)
{
	static const struct {
		const char *text;
		int r;
		uid_t uid;
		bool has_gid;
		gid_t gid;
	} cases[] = {
		{ "0", 0, 0, false, 7 },
		{ "1000", 0, 1000, false, 7 },
		{ "1:2", 0, 1, true, 2 },
		{ "4294967294:0", 0, 4294967294U, true, 0 },
		{ "4294967295", -ERANGE, 0, false, 0 },
		{ "0:4294967295", -ERANGE, 0, false, 0 },
		{ "1:", -EINVAL, 0, false, 0 },
		{ ":1", -EINVAL, 0, false, 0 },
		{ "root", -EINVAL, 0, false, 0 },
		{ "1x", -EINVAL, 0, false, 0 },
		{ "1:2:3", -EINVAL, 0, false, 0 },
		{ "-1", -EINVAL, 0, false, 0 },
		{ "", -EINVAL, 0, false, 0 },
		{ NULL, -EINVAL, 0, false, 0 },
		{ "00000000000000000000001:1", -EINVAL, 0, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		bool has_gid = false;
		uid_t uid = 7;
		gid_t gid = 7;

		assert_int_equal(num_parse_user(cases[i].text, &uid, &has_gid, &gid), cases[i].r);
		if (cases[i].r) {
			assert_int_equal(uid, 7);
			assert_int_equal(gid, 7);
			continue;
		}
		assert_true(uid == cases[i].uid);
		assert_int_equal(has_gid, cases[i].has_gid);
		assert_true(gid == cases[i].gid);
	}
}

static void test_scan(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_string_equal(num_scan_u64("12 rest", &v), " rest");
	assert_true(v == 12);
	assert_null(num_scan_u64("x", &v));
	assert_null(num_scan_u64("18446744073709551616", &v));
	assert_string_equal(num_scan_hex("00ffFF\n", &v), "\n");
	assert_true(v == 0xffff);
	assert_null(num_scan_hex("-1", &v));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),  cmocka_unit_test(test_i64),  cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_size), cmocka_unit_test(test_user), cmocka_unit_test(test_scan),
	};

	return cmocka_run_group_tests_name("num", tests, NULL, NULL);
}
