/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Seconds since 1970 as a date of the Gregorian calendar. */
#include "base/calendar.h"

#include <stdbool.h>

enum { DAY = 24 * 60 * 60, DAYS_OF_ERA = 400 * 365 + 97 /* 400 years, after which it all begins again */ };

static bool is_leap(int64_t year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_of_month(int64_t year, int month)
{
	static const int days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return days[month] + (month == 1 && is_leap(year));
}

void calendar_utc(int64_t seconds, struct tm *ret)
{
	int64_t days = seconds / DAY, year = 1970 + days / DAYS_OF_ERA * 400;
	int second = (int)(seconds % DAY), month = 0;

	for (days %= DAYS_OF_ERA; days >= 365 + is_leap(year); year++)
		days -= 365 + is_leap(year);
	for (; days >= days_of_month(year, month); month++)
		days -= days_of_month(year, month);
	*ret = (struct tm){
		.tm_year = (int)(year - 1900),
		.tm_mon = month,
		.tm_mday = (int)days + 1,
		.tm_hour = second / 3600,
		.tm_min = second / 60 % 60,
		.tm_sec = second % 60,
	};
}
