/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors by value: nothing is allocated to report that nothing can be allocated. */
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int oci_error_at(struct oci_error *err, int code, const struct oci_path *path, const char *fmt, ...)
{
	if (!err)
		return -code;
	int n = path && path->len > 0 ? snprintf(err->msg, sizeof(err->msg), "%s: ", path->text) : 0;
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(err->msg + n, sizeof(err->msg) - (size_t)n, fmt, args);
	va_end(args);
	err->code = code;
	return -code;
}

void oci_error_prefix(struct oci_error *err, const struct oci_path *path)
{
	if (!err || err->code == ENOMEM || path->len == 0)
		return;
	struct oci_error inner = *err;
	(void)oci_error_at(err, inner.code, path, "%s", inner.msg);
}

int oci_error_memory(struct oci_error *err)
{
	return oci_error_at(err, ENOMEM, NULL, "out of memory");
}
