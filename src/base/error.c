/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors are fixed-size values that the callee fills and callers prefix on the way up. Only main(), the
 * agent's loop and the worker's loop print them. Nothing here allocates, so all of it may run between clone
 * and exec.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _printf_(4, 0) int set_v(struct error *e, int code, const char *suffix, const char *fmt, va_list ap)
{
	size_t len;

	if (code <= 0)
		code = EINVAL;
	if (!e)
		return -code;
	e->code = code;
	if (vsnprintf(e->msg, sizeof(e->msg), fmt, ap) < 0)
		e->msg[0] = '\0';
	if (suffix) {
		len = strlen(e->msg);
		snprintf(e->msg + len, sizeof(e->msg) - len, ": %s", suffix);
	}
	return -code;
}

int error_set(struct error *e, int code, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = set_v(e, code, NULL, fmt, ap);
	va_end(ap);
	return r;
}

int error_errno(struct error *e, const char *fmt, ...)
{
	int code = errno;
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = set_v(e, code, strerror(code), fmt, ap);
	va_end(ap);
	return r;
}

int error_errnum(struct error *e, int num, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = set_v(e, -num, strerror(-num), fmt, ap);
	va_end(ap);
	return r;
}

int error_wrap(struct error *e, const char *fmt, ...)
{
	char old[sizeof(e->msg)];
	va_list ap;
	int r;

	if (!e)
		return -EINVAL;
	memcpy(old, e->msg, sizeof(old));
	va_start(ap, fmt);
	r = set_v(e, e->code, old, fmt, ap);
	va_end(ap);
	return r;
}

void error_sanitize(struct error *e)
{
	if (e->code <= 0)
		e->code = EPROTO;
	e->msg[sizeof(e->msg) - 1] = '\0';
	for (char *p = e->msg; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = *p == '\n' || *p == '\t' ? ' ' : '?';
}
