/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_SRC_DOC_H
#define OCISPEC_SRC_DOC_H

#include <ocispec/doc.h>
#include <ocispec/field.h>

#include "arena.h"

struct oci_doc {
	struct oci_arena arena;
	void *root;
};

/* The size of a value of the field, or of each element when it is an array or a map. */
size_t oci_field_size(const struct oci_field *f);

/* Where in the object the field's has_x or n_x is; only for fields that have one. */
static inline bool *oci_field_has(const struct oci_field *f, const void *object)
{
	return (bool *)((char *)object + f->aux);
}

static inline size_t *oci_field_count(const struct oci_field *f, const void *object)
{
	return (size_t *)((char *)object + f->aux);
}

#endif
