/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_SRC_UTF8_H
#define OCISPEC_SRC_UTF8_H

#include <stddef.h>

/* Length of the first character of the len bytes at s, 0 when it is not well-formed UTF-8 (RFC 3629 section
 * 4). */
size_t oci_utf8_length(const char *s, size_t len);

/* Why the text cannot be a string here, as the end of a sentence; NULL when it can: it is UTF-8 and without
 * NUL. */
const char *oci_text_problem(const char *text, size_t len);

#endif
