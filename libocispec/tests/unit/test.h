/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_TESTS_UNIT_TEST_H
#define OCISPEC_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <ocispec/types.h>

/* Parses text, which must be valid, as the type. */
static inline struct oci_doc *parse(const struct oci_type *type, const char *text)
{
	struct oci_doc *doc = NULL;
	struct oci_error err = { 0 };
	if (oci_parse(type, text, strlen(text), NULL, &doc, &err) < 0)
		fail_msg("%s", err.msg);
	return doc;
}

#define CONFIG_START "{\"ociVersion\": \"1.3.0\", \"root\": {\"path\": \"rootfs\"}"

#endif
