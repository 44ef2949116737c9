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

const char *error_name(int code, char buf[static 16])
{
#define ROW(name) { name, #name }
	static const struct {
		int code;
		const char *name;
	} rows[] = {
		ROW(EPERM),	   ROW(ENOENT),	     ROW(ESRCH),	ROW(EINTR),	  ROW(EIO),	   ROW(ENXIO),	      ROW(E2BIG),
		ROW(ENOEXEC),	   ROW(EBADF),	     ROW(ECHILD),	ROW(EAGAIN),	  ROW(ENOMEM),	   ROW(EACCES),	      ROW(EBUSY),
		ROW(EEXIST),	   ROW(EXDEV),	     ROW(ENODEV),	ROW(ENOTDIR),	  ROW(EISDIR),	   ROW(EINVAL),	      ROW(ENFILE),
		ROW(EMFILE),	   ROW(ETXTBSY),     ROW(EFBIG),	ROW(ENOSPC),	  ROW(EROFS),	   ROW(EPIPE),	      ROW(ERANGE),
		ROW(ENAMETOOLONG), ROW(ENOLCK),	     ROW(ENOSYS),	ROW(ENOTEMPTY),	  ROW(ELOOP),	   ROW(EPROTO),	      ROW(EOVERFLOW),
		ROW(EOPNOTSUPP),   ROW(EADDRINUSE),  ROW(ECONNRESET),	ROW(ECONNREFUSED), ROW(ETIMEDOUT),  ROW(EHOSTDOWN),   ROW(ESTALE),
	};
#undef ROW

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].code == code)
			return rows[i].name;
	snprintf(buf, 16, "E%d", code);
	return buf;
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
