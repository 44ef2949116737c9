/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_DOC_H
#define OCISPEC_DOC_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Documents: JSON that is read into the structs of <ocispec/types.h> (or of another types.h that
 * gen/ocigen.py made), edited there and written again. A document owns all memory of its structs; one
 * oci_doc_free() ends it. No function prints, exits or aborts. Nothing is global: different documents may be
 * used by different threads.
 */
struct oci_doc;
struct oci_type; /* of a struct oci_x: oci_x_type, in types.h */
struct oci_enum;

/* An error by value. A function that can fail returns 0, or -code with *err filled; err may be NULL. */
struct oci_error {
	int code; /* EINVAL: not what the type says; EILSEQ: not JSON; EFBIG: a limit; ENOMEM; a file's */
	char msg[1020];
};

struct oci_string_map {
	size_t n;
	struct oci_string_map_entry {
		char *key;
		char *value;
	} *entries;
};

struct oci_parse_options {
	bool comments;   /* allow C and C++ comments */
	size_t max_size; /* bytes; 0 = OCI_MAX_SIZE */
	/* gets the path of each member that no table has; may be NULL */
	void (*unknown)(void *arg, const char *field);
	void *arg;
};

enum { OCI_MAX_SIZE = 16 << 20, OCI_MAX_DEPTH = 64 };

/*
 * Reads len bytes of JSON (RFC 8259, UTF-8) as a struct of the given type. A null member counts as absent,
 * as does an optional enum that is "" (what Go programs write for one that was not set);
 * members that the type does not know are ignored, as the specification demands, unless the schema closes the
 * object. Messages name the field: `linux.namespaces[1].type: "pidd" is not a valid value (pid, network,
 * ...)`, `mounts[1]: missing "destination"`, `line 3, column 7: ...`. options may be NULL. json is not kept.
 */
int oci_parse(const struct oci_type *type, const char *json, size_t len,
	      const struct oci_parse_options *options, struct oci_doc **ret, struct oci_error *err);

/* The same with the contents of a file; messages begin with its path. */
int oci_parse_file(const struct oci_type *type, const char *path, const struct oci_parse_options *options,
		   struct oci_doc **ret, struct oci_error *err);

/* A document with an empty (zeroed) root, to be filled and written. */
int oci_doc_new(const struct oci_type *type, struct oci_doc **ret, struct oci_error *err);

/* The struct of the document's type; valid until oci_doc_free(). */
void *oci_doc_root(struct oci_doc *doc);

/* Zeroed memory, aligned for any type; a copy of a string. They live as long as doc. NULL: out of memory. */
void *oci_doc_alloc(struct oci_doc *doc, size_t size);
char *oci_doc_strdup(struct oci_doc *doc, const char *s);

/*
 * Appends a zeroed element of elem_size bytes to the array *array (of *n elements, owned by the document) and
 * returns it: `struct oci_mount *m = oci_doc_append(doc, &config->mounts, &config->n_mounts, sizeof(*m));`. A
 * list of strings stays terminated by NULL. array is a pointer to the array's pointer. The array moves:
 * earlier elements' addresses change.
 */
void *oci_doc_append(struct oci_doc *doc, void *array, size_t *n, size_t elem_size);

/* Sets key to value (both copied) in *map, which is made when it is NULL. -ENOMEM when out of memory. */
int oci_doc_map_set(struct oci_doc *doc, struct oci_string_map **map, const char *key, const char *value);

/* The value of key, NULL when map is NULL or has none. */
const char *oci_map_get(const struct oci_string_map *map, const char *key);

/*
 * Writes the struct at root, which is of the given type and need not belong to a document: members in the
 * schema's order, absent ones left out, an array that is empty but not NULL as []. indent: NULL = on one
 * line; else what each level is indented with ("\t", "  "). No newline at the end. *ret is for free(3);
 * ret_len may be NULL. A required member that is absent, an enum value that is none and text that is not
 * UTF-8 are errors (EINVAL), named like a parser's.
 */
int oci_write(const struct oci_type *type, const void *root, const char *indent, char **ret, size_t *ret_len,
	      struct oci_error *err);

/* The text of an enum's value, NULL when it has none; types.h has oci_<enum>_to_string() for each. */
const char *oci_enum_name(const struct oci_enum *e, int value);

/* The value of a text, -EINVAL when it is none. */
int oci_enum_value(const struct oci_enum *e, const char *name);

void oci_doc_free(struct oci_doc *doc);
static inline void oci_doc_freep(struct oci_doc **doc)
{
	oci_doc_free(*doc);
}

#endif
