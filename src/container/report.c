/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `hvrun check` has found. Both runtime types add to one list, so it is here. */
#include "container/report.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

const char *report_status_to_string(enum report_status s)
{
	static const char *const names[] = { [REPORT_OK] = "ok", [REPORT_NOTE] = "note", [REPORT_NO] = "no" };

	return names[s];
}

static void add(struct report *r, enum report_status status, const char *name, char *detail)
{
	r->rows = xreallocarray(r->rows, r->n + 1, sizeof(*r->rows));
	r->rows[r->n++] = (struct report_row){ r->section, xstrdup(name), detail, status };
}

void report_add(struct report *r, enum report_status status, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(r, status, name, xvasprintf(fmt, ap));
	va_end(ap);
}

int report_result(struct report *r, const char *name, int result, const char *detail, const struct error *err)
{
	struct error shown;

	if (result >= 0) {
		add(r, REPORT_OK, name, xstrdup(detail));
		return result;
	}
	shown = *err;
	error_sanitize(&shown);
	add(r, REPORT_NO, name, xstrdup(shown.msg));
	return result;
}

void report_print(const struct report *r, struct buf *out)
{
	size_t width = 0;

	for (size_t i = 0; i < r->n; i++)
		width = MAX(width, strlen(r->rows[i].name));
	for (size_t i = 0; i < r->n; i++) {
		const struct report_row *row = &r->rows[i];

		if (i == 0 || !str_eq(row->section, r->rows[i - 1].section))
			buf_printf(out, "%s%s\n", i ? "\n" : "", row->section);
		buf_printf(out, "  %-*s  %-4s  %s\n", (int)width, row->name, report_status_to_string(row->status), row->detail);
	}
}

void report_done(struct report *r)
{
	for (size_t i = 0; i < r->n; i++) {
		free(r->rows[i].name);
		free(r->rows[i].detail);
	}
	free(r->rows);
	*r = (struct report){ 0 };
}
