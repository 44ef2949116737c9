/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_SRC_PATH_H
#define OCISPEC_SRC_PATH_H

#include <stddef.h>

/* A place in a document, for messages: linux.namespaces[1].type, annotations["a.b"]. {0} is the root. */
struct oci_path {
	size_t len;
	char text[400];
};

/* Each goes one step down. A name that is long is cut, what is not printable is escaped. */
void oci_path_member(struct oci_path *p, const char *name, size_t len);
void oci_path_key(struct oci_path *p, const char *key, size_t len);
void oci_path_index(struct oci_path *p, size_t index);

/* Back to where the path had this len. */
void oci_path_cut(struct oci_path *p, size_t len);

/* A value for a message: printable, at most 64 bytes of it, not yet between quotes. Returns buf. */
struct oci_quoted {
	char text[64 * 4 + 4];
};
const char *oci_quote(struct oci_quoted *buf, const char *text, size_t len);

#endif
