/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/calendar.h: the same dates as the C library's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "base/calendar.h"

static void check(int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm expected, got;

	assert_non_null(gmtime_r(&t, &expected));
	calendar_utc(seconds, &got);
	assert_int_equal(got.tm_year, expected.tm_year);
	assert_int_equal(got.tm_mon, expected.tm_mon);
	assert_int_equal(got.tm_mday, expected.tm_mday);
	assert_int_equal(got.tm_hour, expected.tm_hour);
	assert_int_equal(got.tm_min, expected.tm_min);
	assert_int_equal(got.tm_sec, expected.tm_sec);
}

/* Every day of 900 years, both sides of midnight. */
static void test_days(void **state)
{
	(void)state;
	for (int64_t day = 0; day < INT64_C(900) * 366; day++) {
		check(day * 86400);
		check(day * 86400 + 86399);
	}
}

static void test_seconds(void **state)
{
	(void)state;
	for (int64_t second = 0; second < 86400; second += 7)
		check(1767225600 + second);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_days), cmocka_unit_test(test_seconds) };

	return cmocka_run_group_tests_name("calendar", tests, NULL, NULL);
}
