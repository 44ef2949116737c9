/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Events + tables -> structs. A stack of frames mirrors the nesting of the document: an object that is being
 * filled, a list or a map that grows. What a document does wrong is refused here or in value.c, with the path
 * of the field; all that is read lies in the document's arena, so a refusal has nothing to undo. Implements
 * config.md "Extensibility" (unknown properties are ignored) and "Valid values"; null counts as absent, as in
 * the specification's Go types.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "error.h"
#include "utf8.h"
#include "value.h"

enum frame_kind { FRAME_OBJECT, FRAME_LIST, FRAME_MAP };

struct frame {
	enum frame_kind kind;
	const struct oci_field
		*field; /* object: the member being read (NULL: not known); else the list or map */
	/* an object */
	const struct oci_type *type;
	char *object;
	unsigned char *rows; /* SEEN, PRESENT of each row of the table */
	/* a list or a map */
	void *items; /* address of the pointer to the elements */
	size_t *n_items;
	size_t capacity;
	const char *key; /* of a map's newest entry */
};

enum { SEEN = 1, PRESENT = 2 };

struct parser {
	const struct oci_type *type;
	const struct oci_parse_options *options;
	struct oci_doc *doc;
	struct oci_error *err;
	struct oci_path path; /* scratch of path_of() */
	size_t skipping;      /* nesting inside a value that is not read */
	size_t n_frames;
	struct frame frames[OCI_MAX_DEPTH];
};

/* The path that the first n frames lead to. */
static struct oci_path *path_of(struct parser *p, size_t n)
{
	p->path = (struct oci_path){ 0 };
	for (const struct frame *f = p->frames; f < p->frames + n; f++) {
		if (f->kind == FRAME_LIST)
			oci_path_index(&p->path, *f->n_items - 1);
		else if (f->kind == FRAME_MAP)
			oci_path_key(&p->path, f->key, strlen(f->key));
		else
			oci_path_member(&p->path, f->field->name, strlen(f->field->name));
	}
	return &p->path;
}

/* The path of the value that is being read, and that of the object, list or map it belongs to. */
#define PATH(p) path_of(p, (p)->n_frames)
#define OUTER_PATH(p) path_of(p, (p)->n_frames - 1)

static int check_depth(const struct parser *p)
{
	if (p->n_frames + p->skipping < OCI_MAX_DEPTH)
		return 0;
	return oci_error_at(p->err, EFBIG, NULL, "nested more than %d levels deep", OCI_MAX_DEPTH);
}

static int push(struct parser *p, struct frame frame)
{
	int r = check_depth(p);
	if (r < 0)
		return r;
	p->frames[p->n_frames++] = frame;
	return 0;
}

static int push_object(struct parser *p, const struct oci_type *type, void *object)
{
	unsigned char *rows = oci_arena_alloc(&p->doc->arena, type->n_fields);
	if (!rows)
		return oci_error_memory(p->err);
	return push(p, (struct frame){ .kind = FRAME_OBJECT, .type = type, .object = object, .rows = rows });
}

static int push_list(struct parser *p, enum frame_kind kind, const struct oci_field *field, void *items,
		     size_t *n_items)
{
	return push(p, (struct frame){ .kind = kind, .field = field, .items = items, .n_items = n_items });
}

/* The next element of a list or map, zeroed; behind the last one is always room for a terminating NULL. */
static void *next_item(struct parser *p, struct frame *f)
{
	size_t size = oci_field_size(f->field), n = *f->n_items, bytes;
	char *items;
	memcpy(&items, f->items, sizeof(items));
	if (n + 2 > f->capacity) {
		size_t capacity = f->capacity > 0 ? 2 * f->capacity : 4;
		if (__builtin_mul_overflow(capacity, size, &bytes))
			return NULL;
		items = oci_arena_grow(&p->doc->arena, items, n * size, bytes);
		if (!items)
			return NULL;
		memcpy(f->items, &items, sizeof(items));
		f->capacity = capacity;
	}
	(*f->n_items)++;
	return items + n * size;
}

static int expect(struct parser *p, enum oci_event_kind wanted, const char *name,
		  const struct oci_event *event)
{
	if (event->kind == wanted)
		return 0;
	return oci_error_at(p->err, EINVAL, PATH(p), "expected %s, found %s", name, oci_value_found(event));
}

/* Starts a list or map of objects. An empty one is not NULL: that tells it from one that is absent. */
static int begin_list(struct parser *p, struct frame *f, enum frame_kind kind)
{
	void *where = f->object + f->field->offset;
	void *none = oci_arena_alloc(&p->doc->arena, sizeof(void *));
	if (!none)
		return oci_error_memory(p->err);
	memcpy(where, &none, sizeof(none));
	return push_list(p, kind, f->field, where, oci_field_count(f->field, f->object));
}

/* Allocates what a pointer in the struct stands for. */
static void *make_target(struct parser *p, struct frame *f, size_t size)
{
	void *target = oci_arena_alloc(&p->doc->arena, size);
	memcpy(f->object + f->field->offset, &target, sizeof(target));
	return target;
}

static int begin_string_map(struct parser *p, struct frame *f)
{
	struct oci_string_map *map = make_target(p, f, sizeof(*map));
	return map ? push_list(p, FRAME_MAP, f->field, &map->entries, &map->n) : oci_error_memory(p->err);
}

static int begin_object(struct parser *p, struct frame *f)
{
	void *object = make_target(p, f, f->field->type->size);
	return object ? push_object(p, f->field->type, object) : oci_error_memory(p->err);
}

static int store(struct parser *p, const struct oci_field *field, void *where, const struct oci_event *event)
{
	int r = oci_value_store(field, where, event, &p->doc->arena, p->err);
	if (r < 0) /* paths are made for messages only: making one costs more than storing a value */
		oci_error_prefix(p->err, PATH(p));
	return r;
}

static int member_value(struct parser *p, struct frame *f, const struct oci_event *event)
{
	const struct oci_field *field = f->field;
	bool empty = event->kind == OCI_EVENT_STRING && event->len == 0;
	bool may_be_empty = (f->type->flags & OCI_ZERO_IS_ABSENT) || (field->kind == OCI_ENUM && !(field->flags & OCI_REQUIRED));
	if (event->kind == OCI_EVENT_NULL || (empty && may_be_empty))
		return 0;
	f->rows[field - f->type->fields] |= PRESENT;

	bool list = field->flags & OCI_IS_ARRAY;
	int r = 0;
	if (list || field->kind >= OCI_OBJECT)
		r = expect(p, list ? OCI_EVENT_ARRAY : OCI_EVENT_OBJECT, list ? "array" : "object", event);
	if (r < 0)
		return r;
	if (list || field->kind == OCI_OBJECT_MAP)
		return begin_list(p, f, list ? FRAME_LIST : FRAME_MAP);
	if (field->kind == OCI_STRING_MAP)
		return begin_string_map(p, f);
	if (field->kind == OCI_OBJECT)
		return begin_object(p, f);
	if (field->aux)
		*oci_field_has(field, f->object) = true;
	return store(p, field, f->object + field->offset, event);
}

static int list_value(struct parser *p, struct frame *f, const struct oci_event *event)
{
	void *item = next_item(p, f);
	if (!item)
		return oci_error_memory(p->err);
	if (f->field->kind != OCI_OBJECT)
		return store(p, f->field, item, event);
	int r = expect(p, OCI_EVENT_OBJECT, "object", event);
	return r < 0 ? r : push_object(p, f->field->type, item);
}

static int map_value(struct parser *p, struct frame *f, const struct oci_event *event)
{
	char *items, *entry;
	memcpy(&items, f->items, sizeof(items));
	entry = items + (*f->n_items - 1) * oci_field_size(f->field);
	if (f->field->kind == OCI_STRING_MAP)
		return store(p, f->field, entry + offsetof(struct oci_string_map_entry, value), event);
	int r = expect(p, OCI_EVENT_OBJECT, "object", event);
	return r < 0 ? r : push_object(p, f->field->type->value, entry + f->field->type->value_offset);
}

static int on_value(struct parser *p, const struct oci_event *event)
{
	if (p->n_frames == 0) {
		int r = expect(p, OCI_EVENT_OBJECT, "object", event);
		return r < 0 ? r : push_object(p, p->type, p->doc->root);
	}
	struct frame *f = &p->frames[p->n_frames - 1];
	if (f->kind == FRAME_LIST)
		return list_value(p, f, event);
	if (f->kind == FRAME_MAP)
		return map_value(p, f, event);
	if (f->field)
		return member_value(p, f, event);
	if (event->kind != OCI_EVENT_OBJECT && event->kind != OCI_EVENT_ARRAY)
		return 0;
	p->skipping = 1;
	return 0;
}

static int unknown_member(struct parser *p, const struct frame *f, const struct oci_event *event)
{
	if (f->type->flags & OCI_CLOSED) {
		struct oci_quoted quoted;
		char list[600] = "";
		for (size_t i = 0, n = 0; i < f->type->n_fields && n < sizeof(list); i++)
			n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i > 0 ? ", " : "",
					      f->type->fields[i].name);
		return oci_error_at(p->err, EINVAL, OUTER_PATH(p), "\"%s\" is not a valid name (%s)",
				    oci_quote(&quoted, event->text, event->len), list);
	}
	if (p->options->unknown) {
		struct oci_path *path = OUTER_PATH(p);
		oci_path_member(path, event->text, event->len);
		p->options->unknown(p->options->arg, path->text);
	}
	return 0;
}

static int member_key(struct parser *p, struct frame *f, const struct oci_event *event)
{
	const struct oci_field *row = NULL;
	for (size_t i = 0; i < f->type->n_fields && !row; i++) {
		const char *name = f->type->fields[i].name;
		if (strlen(name) == event->len && memcmp(name, event->text, event->len) == 0)
			row = &f->type->fields[i];
	}
	const char *name = row ? row->name : NULL;
	if (row && (row->flags & OCI_IS_ALIAS))
		row--;
	f->field = row;
	if (!row)
		return unknown_member(p, f, event);
	if (f->rows[row - f->type->fields] & SEEN)
		return oci_error_at(p->err, EINVAL, OUTER_PATH(p), "\"%s\" appears twice", name);
	f->rows[row - f->type->fields] |= SEEN;
	return 0;
}

static int map_key(struct parser *p, struct frame *f, const struct oci_event *event)
{
	const char *problem = event->len > 0 ? oci_text_problem(event->text, event->len) : "is empty";
	if (problem)
		return oci_error_at(p->err, EINVAL, OUTER_PATH(p), "a key %s", problem);
	char *key = oci_arena_strndup(&p->doc->arena, event->text, event->len);
	char *entry = next_item(p, f); /* all entries begin with their key */
	if (!key || !entry)
		return oci_error_memory(p->err);
	memcpy(entry, &key, sizeof(key));
	f->key = key;
	return 0;
}

static int on_key(struct parser *p, const struct oci_event *event)
{
	struct frame *f = &p->frames[p->n_frames - 1];
	return f->kind == FRAME_MAP ? map_key(p, f, event) : member_key(p, f, event);
}

static int check_required(struct parser *p, const struct frame *f)
{
	for (size_t i = 0; i < f->type->n_fields; i++)
		if ((f->type->fields[i].flags & OCI_REQUIRED) && !(f->rows[i] & PRESENT))
			return oci_error_at(p->err, EINVAL, OUTER_PATH(p), "missing \"%s\"",
					    f->type->fields[i].name);
	return 0;
}

/* The newest object of a list against those before it: namespaces of one type, limits of one resource. */
static int check_unique(struct parser *p, const struct frame *f)
{
	const struct oci_field *unique = f->type->unique;
	const struct frame *list = f - 1;
	if (!unique || p->n_frames < 2 || list->kind != FRAME_LIST)
		return 0;
	const char *first;
	memcpy(&first, list->items, sizeof(first));
	for (const char *o = first; o < f->object; o += f->type->size) {
		const int *value = (const int *)(f->object + unique->offset);
		if (memcmp(o + unique->offset, value, sizeof(*value)) != 0)
			continue;
		struct oci_path *path = OUTER_PATH(p);
		oci_path_member(path, unique->name, strlen(unique->name));
		return oci_error_at(p->err, EINVAL, path, "\"%s\" appears twice",
				    oci_enum_name(unique->values, *value));
	}
	return 0;
}

static int end_object(struct parser *p, struct frame *f)
{
	struct frame *outer = p->n_frames > 1 ? f - 1 : NULL;
	bool empty = !memchr(f->rows, SEEN | PRESENT, f->type->n_fields);
	if (empty && (f->type->flags & OCI_ZERO_IS_ABSENT) && outer && outer->kind == FRAME_OBJECT) {
		memset(outer->object + outer->field->offset, 0, sizeof(void *));
		outer->rows[outer->field - outer->type->fields] &= (unsigned char)~PRESENT;
		return 0;
	}
	int r = check_required(p, f);
	return r < 0 ? r : check_unique(p, f);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted, so that a hostile map costs n log n. */
static int end_map(struct parser *p, struct frame *f)
{
	size_t n = *f->n_items, size = oci_field_size(f->field);
	const char **keys = oci_arena_alloc(&p->doc->arena, (n + 1) * sizeof(*keys));
	if (!keys)
		return oci_error_memory(p->err);
	const char *items;
	memcpy(&items, f->items, sizeof(items));
	for (size_t i = 0; i < n; i++)
		memcpy(&keys[i], items + i * size, sizeof(*keys));
	qsort(keys, n, sizeof(*keys), compare_keys);
	struct oci_quoted quoted;
	for (size_t i = 1; i < n; i++)
		if (strcmp(keys[i - 1], keys[i]) == 0)
			return oci_error_at(p->err, EINVAL, OUTER_PATH(p), "\"%s\" appears twice",
					    oci_quote(&quoted, keys[i], strlen(keys[i])));
	return 0;
}

static int end_list(struct parser *p, struct frame *f)
{
	if (*f->n_items >= f->field->min_items)
		return 0;
	return oci_error_at(p->err, EINVAL, OUTER_PATH(p), "%u item%s or more needed", f->field->min_items,
			    f->field->min_items == 1 ? "" : "s");
}

static int on_end(struct parser *p)
{
	struct frame *f = &p->frames[p->n_frames - 1];
	static int (*const ends[])(struct parser *, struct frame *) = {
		[FRAME_OBJECT] = end_object,
		[FRAME_LIST] = end_list,
		[FRAME_MAP] = end_map,
	};
	int r = ends[f->kind](p, f);
	p->n_frames--;
	return r;
}

static int on_event(void *arg, const struct oci_event *event)
{
	struct parser *p = arg;
	bool begin = event->kind == OCI_EVENT_OBJECT || event->kind == OCI_EVENT_ARRAY;
	bool end = event->kind == OCI_EVENT_OBJECT_END || event->kind == OCI_EVENT_ARRAY_END;
	if (p->skipping > 0) {
		int r = begin ? check_depth(p) : 0;
		p->skipping += begin;
		p->skipping -= end;
		return r;
	}
	if (end)
		return on_end(p);
	return event->kind == OCI_EVENT_KEY ? on_key(p, event) : on_value(p, event);
}

int oci_parse(const struct oci_type *type, const char *json, size_t len,
	      const struct oci_parse_options *options, struct oci_doc **ret, struct oci_error *err)
{
	static const struct oci_parse_options none;
	struct parser p = { .type = type, .options = options ? options : &none, .err = err };
	size_t max = p.options->max_size > 0 ? p.options->max_size : OCI_MAX_SIZE;
	if (len > max)
		return oci_error_at(err, EFBIG, NULL, "larger than %zu bytes", max);
	int r = oci_doc_new(type, &p.doc, err);
	if (r < 0)
		return r;
	r = oci_events_read(json, len, p.options->comments, on_event, &p, err);
	if (r < 0) {
		oci_doc_free(p.doc);
		return r;
	}
	*ret = p.doc;
	return 0;
}
