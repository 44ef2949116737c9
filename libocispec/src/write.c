/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Structs + tables -> JSON (RFC 8259): members in the table's order, so that two writings of equal structs
 * are equal; on one line or indented the way Go's encoding/json does it, which is what callers of runtimes
 * are used to.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doc.h"
#include "error.h"
#include "utf8.h"

/* How the value being written is reached: a member (.name), a map's entry (.key) or a list's (.index). */
struct step {
	const struct step *up;
	const char *name;
	const char *key;
	size_t index;
};

struct writer {
	char *data;
	size_t len;
	size_t size;
	bool no_memory;
	const char *indent;
	size_t depth;
	const struct step *at;
	struct oci_error *err;
};

static void put(struct writer *w, const char *text, size_t n)
{
	if (w->len + n + 1 > w->size) {
		size_t size = 2 * (w->len + n) + 1024;
		char *data = w->no_memory ? NULL : realloc(w->data, size);
		if (!data) {
			w->no_memory = true;
			return;
		}
		w->data = data;
		w->size = size;
	}
	memcpy(w->data + w->len, text, n);
	w->len += n;
	w->data[w->len] = '\0';
}

static void put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

static void path_of(const struct step *s, struct oci_path *path)
{
	if (!s)
		return;
	path_of(s->up, path);
	if (s->name)
		oci_path_member(path, s->name, strlen(s->name));
	else if (s->key)
		oci_path_key(path, s->key, strlen(s->key));
	else
		oci_path_index(path, s->index);
}

static int invalid(struct writer *w, const char *what)
{
	struct oci_path path = { 0 };
	path_of(w->at, &path);
	return oci_error_at(w->err, EINVAL, &path, "%s", what);
}

/* Between the members of an object or list: begin, separate, end. */
static void put_break(struct writer *w)
{
	if (!w->indent)
		return;
	put_text(w, "\n");
	for (size_t i = 0; i < w->depth; i++)
		put_text(w, w->indent);
}

static void put_next(struct writer *w, bool first)
{
	if (!first)
		put_text(w, ",");
	put_break(w);
}

static void put_open(struct writer *w, const char *bracket)
{
	put_text(w, bracket);
	w->depth++;
}

static void put_close(struct writer *w, const char *bracket, bool empty)
{
	w->depth--;
	if (!empty)
		put_break(w);
	put_text(w, bracket);
}

/* What must be escaped by RFC 8259 section 7 and nothing else: no slash, no <, no &. */
static void put_escaped(struct writer *w, char c)
{
	/* what follows the backslash, what it stands for */
	static const char shorts[] = "\"\"\\\\b\bf\fn\nr\rt\t";
	for (const char *s = shorts; *s != '\0'; s += 2)
		if (s[1] == c) {
			put(w, (const char[]){ '\\', s[0] }, 2);
			return;
		}
	char text[8];
	(void)snprintf(text, sizeof(text), "\\u%04x", (unsigned char)c);
	put_text(w, text);
}

static int write_string(struct writer *w, const char *s)
{
	const char *problem = oci_text_problem(s, strlen(s));
	if (problem)
		return invalid(w, problem);
	put_text(w, "\"");
	while (*s != '\0') {
		size_t n = 0;
		while ((unsigned char)s[n] >= 0x20 && s[n] != '"' && s[n] != '\\')
			n++;
		put(w, s, n);
		s += n;
		if (*s != '\0')
			put_escaped(w, *s++);
	}
	put_text(w, "\"");
	return 0;
}

static int write_key(struct writer *w, const char *key)
{
	int r = write_string(w, key);
	put_text(w, w->indent ? ": " : ":");
	return r;
}

static int write_enum(struct writer *w, const struct oci_field *f, int value)
{
	const char *name = oci_enum_name(f->values, value);
	return name ? write_string(w, name) : invalid(w, "not a value of the enum");
}

static int write_object(struct writer *w, const struct oci_type *type, const char *object);

/* One value, or one element of a list, at where. */
static int write_value(struct writer *w, const struct oci_field *f, const char *where)
{
	union {
		bool boolean;
		int32_t i32;
		uint32_t u32;
		int64_t i64;
		uint64_t u64;
		int number;
		const char *string;
	} v = { 0 };
	char text[32] = "";
	if (f->kind == OCI_OBJECT)
		return write_object(w, f->type, where);
	memcpy(&v, where, oci_field_size(f));
	switch (f->kind) {
	case OCI_ENUM:
		return write_enum(w, f, v.number);
	case OCI_STRING:
		return v.string ? write_string(w, v.string) : invalid(w, "a list ends before its count");
	case OCI_BOOL:
		(void)snprintf(text, sizeof(text), "%s", v.boolean ? "true" : "false");
		break;
	case OCI_INT32:
		(void)snprintf(text, sizeof(text), "%" PRId32, v.i32);
		break;
	case OCI_UINT32:
		(void)snprintf(text, sizeof(text), "%" PRIu32, v.u32);
		break;
	case OCI_INT64:
		(void)snprintf(text, sizeof(text), "%" PRId64, v.i64);
		break;
	default:
		(void)snprintf(text, sizeof(text), "%" PRIu64, v.u64);
	}
	put_text(w, text);
	return 0;
}

static int write_list(struct writer *w, const struct oci_field *f, const char *items, size_t n)
{
	struct step here = { .up = w->at };
	w->at = &here;
	put_open(w, "[");
	for (; here.index < n; here.index++) {
		put_next(w, here.index == 0);
		int r = write_value(w, f, items + here.index * oci_field_size(f));
		if (r < 0)
			return r;
	}
	put_close(w, "]", n == 0);
	w->at = here.up;
	return 0;
}

static int write_entry(struct writer *w, const struct oci_field *f, const char *entry)
{
	struct oci_string_map_entry e = { 0 }; /* a map of objects has its key in the same place */
	memcpy(&e, entry, f->kind == OCI_STRING_MAP ? sizeof(e) : sizeof(e.key));
	if (!e.key || (f->kind == OCI_STRING_MAP && !e.value))
		return invalid(w, "an entry without key or value");
	struct step here = { .up = w->at, .key = e.key };
	w->at = &here;
	int r = write_key(w, e.key);
	if (r == 0 && f->kind == OCI_STRING_MAP)
		r = write_string(w, e.value);
	else if (r == 0)
		r = write_object(w, f->type->value, entry + f->type->value_offset);
	w->at = here.up;
	return r;
}

static int write_map(struct writer *w, const struct oci_field *f, const char *entries, size_t n)
{
	put_open(w, "{");
	for (size_t i = 0; i < n; i++) {
		put_next(w, i == 0);
		int r = write_entry(w, f, entries + i * oci_field_size(f));
		if (r < 0)
			return r;
	}
	put_close(w, "}", n == 0);
	return 0;
}

/* The pointer that the member is, NULL also for a scalar. */
static const char *target_of(const struct oci_field *f, const char *object)
{
	const char *target = NULL;
	if ((f->flags & OCI_IS_ARRAY) || f->kind >= OCI_STRING)
		memcpy(&target, object + f->offset, sizeof(target));
	return target;
}

static bool is_present(const struct oci_field *f, const char *object)
{
	if ((f->flags & OCI_IS_ARRAY) || f->kind >= OCI_STRING)
		return target_of(f, object);
	return f->aux == 0 || *oci_field_has(f, object);
}

static int write_member(struct writer *w, const struct oci_field *f, const char *object)
{
	const char *target = target_of(f, object);
	if (f->flags & OCI_IS_ARRAY)
		return write_list(w, f, target, *oci_field_count(f, object));
	if (f->kind == OCI_OBJECT_MAP)
		return write_map(w, f, target, *oci_field_count(f, object));
	if (f->kind == OCI_OBJECT)
		return write_object(w, f->type, target);
	if (f->kind != OCI_STRING_MAP)
		return write_value(w, f, object + f->offset);
	struct oci_string_map map;
	memcpy(&map, target, sizeof(map));
	return write_map(w, f, (const char *)map.entries, map.n);
}

static int write_object(struct writer *w, const struct oci_type *type, const char *object)
{
	struct step here = { .up = w->at };
	bool first = true;
	put_open(w, "{");
	for (const struct oci_field *f = type->fields; f < type->fields + type->n_fields; f++) {
		if (f->flags & OCI_IS_ALIAS)
			continue;
		here.name = f->name;
		w->at = &here;
		bool present = is_present(f, object);
		if (!present && (f->flags & OCI_REQUIRED))
			return invalid(w, "required, but absent");
		if (present) {
			put_next(w, first);
			first = false;
			(void)write_key(w, f->name);
			int r = write_member(w, f, object);
			if (r < 0)
				return r;
		}
		w->at = here.up;
	}
	put_close(w, "}", first);
	return 0;
}

int oci_write(const struct oci_type *type, const void *root, const char *indent, char **ret, size_t *ret_len,
	      struct oci_error *err)
{
	struct writer w = { .indent = indent, .err = err };
	int r = write_object(&w, type, root);
	if (r == 0 && w.no_memory)
		r = oci_error_memory(err);
	if (r < 0) {
		free(w.data);
		return r;
	}
	*ret = w.data;
	if (ret_len)
		*ret_len = w.len;
	return 0;
}
