/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_SRC_ERROR_H
#define OCISPEC_SRC_ERROR_H

#include <ocispec/doc.h>

#include "path.h"

/* Fills *err (when there is one): "<path>: <text>", or only the text: path may be NULL. Returns -code. */
int oci_error_at(struct oci_error *err, int code, const struct oci_path *path, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "<path>: " before the message that is in *err; not before that of ENOMEM, which is nobody's fault. */
void oci_error_prefix(struct oci_error *err, const struct oci_path *path);

int oci_error_memory(struct oci_error *err);

#endif
