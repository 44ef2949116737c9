/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bodies of our own messages, read and written by libocispec's tables (types.h), with errors of the kind
 * that the rest of the program speaks.
 */
#include "schema/json.h"

static int forward(const struct oci_error *e, struct error *err)
{
	return error_set(err, e->code, "%s", e->msg);
}

int json_parse(const struct oci_type *type, const char *text, size_t len, struct oci_doc **ret,
	       struct error *err)
{
	struct oci_error e;

	return oci_parse(type, text, len, NULL, ret, &e) < 0 ? forward(&e, err) : 0;
}

int json_write(const struct oci_type *type, const void *root, char **ret, size_t *ret_len, struct error *err)
{
	struct oci_error e;

	return oci_write(type, root, NULL, ret, ret_len, &e) < 0 ? forward(&e, err) : 0;
}
