/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_ERROR_H
#define HV_BASE_ERROR_H

#include <limits.h>

#include "base/macros.h"

/*
 * An error by value: no allocation on the failure path, usable in the child of a clone, and small enough to
 * cross a pipe or a VM channel in one atomic write. A fallible function returns 0 (or a positive, documented
 * code) and leaves *err alone, or returns < 0 and has filled *err: never one without the other.
 */
struct error {
	int code; /* an errno value, > 0 when set */
	char msg[1020];
};

_Static_assert(sizeof(struct error) <= PIPE_BUF, "an error must fit one atomic pipe write");

/* Sets *e to code and the formatted text. Returns -code. code 0 is taken as EINVAL. e may be NULL. */
int error_set(struct error *e, int code, const char *fmt, ...) _printf_(3, 4);

/* Sets *e from the current errno: "text: strerror". Returns -errno. */
int error_errno(struct error *e, const char *fmt, ...) _printf_(2, 3);

/* Like error_errno() for a function that returned a negative errno value r. Returns r. */
int error_errnum(struct error *e, int r, const char *fmt, ...) _printf_(3, 4);

/* Puts "text: " before the message that is in *e. Returns -e->code. */
int error_wrap(struct error *e, const char *fmt, ...) _printf_(2, 3);

/* "ENOENT" of ENOENT: a name that stays, on every architecture. "E<number>" in buf for one that we do not use. */
const char *error_name(int code, char buf[static 16]);

/*
 * Makes an error that came over a pipe or channel safe to print: terminated, code > 0, control characters
 * replaced.
 */
void error_sanitize(struct error *e);

#endif
