/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_FIELD_H
#define OCISPEC_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The whole idea: a JSON object is a C struct and a table that says which member of the object lives at which
 * offset and what it may hold. gen/ocigen.py writes both from the JSON Schemas; one engine (src/parse.c,
 * src/write.c) walks the tables. Users of documents need <ocispec/doc.h> and the generated types.h, not this
 * file.
 */
enum oci_kind {
	OCI_BOOL,  /* bool */
	OCI_INT32, /* int32_t within .min and .max; so on for the next three */
	OCI_UINT32,
	OCI_INT64,
	OCI_UINT64,
	OCI_ENUM,       /* int, an index into .values; so far scalars, from here on pointers */
	OCI_STRING,     /* char *; .pattern may be NULL */
	OCI_OBJECT,     /* the struct of .type; from here on objects in the JSON */
	OCI_STRING_MAP, /* struct oci_string_map */
	OCI_OBJECT_MAP, /* array of { char *key; struct x value; }; .type is that of this entry */
};

enum oci_field_flags {
	OCI_REQUIRED = 1 << 0,
	OCI_IS_ARRAY = 1 << 1, /* pointer to the elements, their number at .aux; char ** ends with NULL too */
	OCI_IS_ALIAS = 1 << 2, /* other spelling of the field before it; read, never written */
};

struct oci_enum {
	const char *const *values;
	size_t n_values;
};

/* A string's form: a regular expression (of the subset in src/pattern.h), and how messages call it. */
struct oci_pattern {
	const char *pattern;
	const char *title;
};

struct oci_field {
	const char *name; /* as in the JSON */
	union {
		const struct oci_type *type;
		const struct oci_enum *values;
		const struct oci_pattern *pattern;
	};
	int64_t min;
	uint64_t max;
	uint16_t offset;
	uint16_t aux; /* offset of has_x (bool, optional scalar) or n_x (size_t, array); 0 = none */
	uint16_t min_items;
	uint8_t kind;
	uint8_t flags;
};

enum oci_type_flags {
	OCI_CLOSED = 1 << 0,         /* a member that is not in the table is an error, not ignored */
	OCI_ZERO_IS_ABSENT = 1 << 1, /* an empty string in it counts as absent, and so does an object with nothing else in it */
};

struct oci_type {
	const char *name;
	const struct oci_field *fields;
	const struct oci_field *unique; /* no two objects of a list agree in this (enum) field; may be NULL */
	size_t n_fields;
	size_t size;         /* of the struct */
	size_t value_offset; /* entry of an object map: where the value is */
	const struct oci_type *value;
	unsigned int flags;
};

/* The rows of tables: required scalars, strings and objects; optional scalars; arrays and object maps. */
/* clang-format off */
#define OCI_FIELD(s, member, json, k, ...) \
	{ .name = json, .kind = k, .offset = offsetof(struct s, member), __VA_ARGS__ }
#define OCI_OPTIONAL(s, member, json, k, ...) \
	OCI_FIELD(s, member, json, k, .aux = offsetof(struct s, has_##member), __VA_ARGS__)
#define OCI_LIST(s, member, json, k, ...) \
	OCI_FIELD(s, member, json, k, .aux = offsetof(struct s, n_##member), __VA_ARGS__)
/* clang-format on */

#endif
