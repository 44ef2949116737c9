/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_SRC_ARENA_H
#define OCISPEC_SRC_ARENA_H

#include <stddef.h>

/* Memory that is given back all at once. {0} is an empty arena. */
struct oci_arena {
	struct oci_arena_chunk *chunks;
};

/* Zeroed memory, aligned for any type. NULL: out of memory. */
void *oci_arena_alloc(struct oci_arena *a, size_t size);

/* A zeroed block of size bytes, its first old_size copied from old (may be NULL), which stays as it is. */
void *oci_arena_grow(struct oci_arena *a, const void *old, size_t old_size, size_t size);

/* len bytes and a NUL. */
char *oci_arena_strndup(struct oci_arena *a, const char *s, size_t len);

void oci_arena_done(struct oci_arena *a);

#endif
