/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_REPORT_H
#define HV_CONTAINER_REPORT_H

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct buf;

/* How a thing that was looked at is: as it should be; worth knowing; in the way of something. */
enum report_status { REPORT_OK, REPORT_NOTE, REPORT_NO };
const char *report_status_to_string(enum report_status s); /* "ok", "note", "no" */

/* What `hvrun check` has found, in sections. {0} is an empty one. */
struct report {
	struct report_row {
		const char *section;
		char *name, *detail;
		enum report_status status;
	} *rows;
	size_t n;
	const char *section; /* of the rows that come; borrowed */
};

void report_add(struct report *r, enum report_status status, const char *name, const char *fmt, ...) _printf_(4, 5);

/* A row for something that works when result is >= 0 (then detail says more), and else fails with *err. Returns result. */
int report_result(struct report *r, const char *name, int result, const char *detail, const struct error *err);

/* As lines for people: a title for each section, below it name, status and detail in columns. */
void report_print(const struct report *r, struct buf *out);

void report_done(struct report *r);
#define _cleanup_report_ _cleanup_(report_done)

#endif
