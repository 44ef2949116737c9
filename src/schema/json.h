/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_SCHEMA_JSON_H
#define HV_SCHEMA_JSON_H

#include <stddef.h>

#include <ocispec/doc.h>

#include "base/error.h"
#include "base/macros.h"

#define _cleanup_doc_ _cleanup_(oci_doc_freep)

/* oci_parse() and oci_write() of <ocispec/doc.h> with our errors. */

/* Reads a message's body. Returns 0 with *ret (oci_doc_free()), or < 0. */
int json_parse(const struct oci_type *type, const char *text, size_t len, struct oci_doc **ret,
	       struct error *err);

/* Writes one line. Returns 0 with *ret (free()), or < 0. */
int json_write(const struct oci_type *type, const void *root, char **ret, size_t *ret_len, struct error *err);

#endif
