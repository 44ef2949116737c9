/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_CALENDAR_H
#define HV_BASE_CALENDAR_H

#include <stdint.h>
#include <time.h>

/*
 * gmtime_r(3) for times from 1970 on, without day of the week and of the year. That of the C library reads the file of the time zone first,
 * which a date in UTC has no use for.
 */
void calendar_utc(int64_t seconds, struct tm *ret);

#endif
