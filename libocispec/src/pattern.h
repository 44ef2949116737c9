/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_SRC_PATTERN_H
#define OCISPEC_SRC_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the string matches: a subset of ECMA-262's (JSON Schema's) regular expressions, which gen/model.py
 * checks. Alternatives by |, each of them: ^, then characters, escaped characters (\n, \.), '.' or [classes],
 * each perhaps with one of * + ?, and perhaps $ at the end. Time is at most the product of the length and the
 * number of * and +.
 */
bool oci_pattern_match(const char *pattern, const char *s, size_t len);

#endif
