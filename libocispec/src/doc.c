/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Documents as their users edit them: an arena, the root, and helpers for lists, maps and enums. */
#include "doc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

int oci_doc_new(const struct oci_type *type, struct oci_doc **ret, struct oci_error *err)
{
	struct oci_doc *doc = calloc(1, sizeof(*doc));
	if (doc)
		doc->root = oci_arena_alloc(&doc->arena, type->size);
	if (!doc || !doc->root) {
		oci_doc_free(doc);
		return oci_error_memory(err);
	}
	*ret = doc;
	return 0;
}

void oci_doc_free(struct oci_doc *doc)
{
	if (doc)
		oci_arena_done(&doc->arena);
	free(doc);
}

void *oci_doc_root(struct oci_doc *doc)
{
	return doc->root;
}

void *oci_doc_alloc(struct oci_doc *doc, size_t size)
{
	return oci_arena_alloc(&doc->arena, size);
}

char *oci_doc_strdup(struct oci_doc *doc, const char *s)
{
	return oci_arena_strndup(&doc->arena, s, strlen(s));
}

void *oci_doc_append(struct oci_doc *doc, void *array, size_t *n, size_t elem_size)
{
	void *old;
	memcpy(&old, array, sizeof(old));
	/* one element more than counted: the end of a list of strings */
	char *new = oci_arena_grow(&doc->arena, old, *n * elem_size, (*n + 2) * elem_size);
	if (!new)
		return NULL;
	memcpy(array, &new, sizeof(new));
	return new + elem_size *(*n)++;
}

static struct oci_string_map_entry *map_find(const struct oci_string_map *map, const char *key)
{
	for (size_t i = 0; map && i < map->n; i++)
		if (strcmp(map->entries[i].key, key) == 0)
			return &map->entries[i];
	return NULL;
}

int oci_doc_map_set(struct oci_doc *doc, struct oci_string_map **map, const char *key, const char *value)
{
	char *copy = oci_doc_strdup(doc, value), *name = oci_doc_strdup(doc, key);
	if (!*map)
		*map = oci_doc_alloc(doc, sizeof(**map));
	if (!*map || !copy || !name)
		return -ENOMEM;
	struct oci_string_map_entry *e = map_find(*map, key);
	if (!e)
		e = oci_doc_append(doc, &(*map)->entries, &(*map)->n, sizeof(*e));
	if (!e)
		return -ENOMEM;
	*e = (struct oci_string_map_entry){ .key = name, .value = copy };
	return 0;
}

const char *oci_map_get(const struct oci_string_map *map, const char *key)
{
	const struct oci_string_map_entry *e = map_find(map, key);
	return e ? e->value : NULL;
}

const char *oci_enum_name(const struct oci_enum *e, int value)
{
	return value >= 0 && (size_t)value < e->n_values ? e->values[value] : NULL;
}

int oci_enum_value(const struct oci_enum *e, const char *name)
{
	for (size_t i = 0; i < e->n_values; i++)
		if (strcmp(e->values[i], name) == 0)
			return (int)i;
	return -EINVAL;
}

size_t oci_field_size(const struct oci_field *f)
{
	static const size_t sizes[] = {
		[OCI_BOOL] = sizeof(bool),       [OCI_INT32] = sizeof(int32_t),
		[OCI_UINT32] = sizeof(uint32_t), [OCI_INT64] = sizeof(int64_t),
		[OCI_UINT64] = sizeof(uint64_t), [OCI_ENUM] = sizeof(int),
		[OCI_STRING] = sizeof(char *),   [OCI_STRING_MAP] = sizeof(struct oci_string_map_entry),
	};
	return f->kind == OCI_OBJECT || f->kind == OCI_OBJECT_MAP ? f->type->size : sizes[f->kind];
}
