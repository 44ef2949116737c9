/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One scalar of a document: its type, an integer's range, a string's form, an enum's values (RFC 8259; the
 * ranges and forms are the schemas'). Integers are read here and not by yajl, which takes 64 bits with a sign
 * at most.
 */
#include "value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doc.h"
#include "error.h"
#include "pattern.h"
#include "utf8.h"

static bool is_integer(uint8_t kind)
{
	return kind >= OCI_INT32 && kind <= OCI_UINT64;
}

static const char *expected(const struct oci_field *f)
{
	return f->kind == OCI_BOOL ? "boolean" : is_integer(f->kind) ? "integer" : "string";
}

static bool has_fraction(const struct oci_event *event)
{
	return memchr(event->text, '.', event->len) || memchr(event->text, 'e', event->len) ||
	       memchr(event->text, 'E', event->len);
}

const char *oci_value_found(const struct oci_event *event)
{
	static const char *const names[] = {
		[OCI_EVENT_NULL] = "null",     [OCI_EVENT_BOOL] = "boolean",  [OCI_EVENT_NUMBER] = "integer",
		[OCI_EVENT_STRING] = "string", [OCI_EVENT_OBJECT] = "object", [OCI_EVENT_ARRAY] = "array",
	};
	return event->kind == OCI_EVENT_NUMBER && has_fraction(event) ? "number" : names[event->kind];
}

/* A JSON integer as sign and magnitude; false when the magnitude is more than 64 bits. */
static bool read_integer(const char *s, size_t len, bool *negative, uint64_t *magnitude)
{
	*negative = len > 0 && s[0] == '-';
	*magnitude = 0;
	for (size_t i = *negative; i < len; i++)
		if (__builtin_mul_overflow(*magnitude, 10u, magnitude) ||
		    __builtin_add_overflow(*magnitude, (unsigned int)(s[i] - '0'), magnitude))
			return false;
	*negative = *negative && *magnitude > 0;
	return true;
}

static int store_integer(const struct oci_field *f, void *where, const struct oci_event *event,
			 struct oci_error *err)
{
	bool negative;
	uint64_t magnitude;
	bool fits = read_integer(event->text, event->len, &negative, &magnitude);
	if (fits && negative)
		fits = f->min < 0 && magnitude <= -(uint64_t)f->min;
	else if (fits)
		fits = magnitude <= f->max && (f->min < 0 || magnitude >= (uint64_t)f->min);
	struct oci_quoted quoted;
	if (!fits)
		return oci_error_at(err, EINVAL, NULL, "%s is not in the range from %" PRId64 " to %" PRIu64,
				    oci_quote(&quoted, event->text, event->len), f->min, f->max);

	uint64_t value = negative ? -magnitude : magnitude;
	uint32_t half = (uint32_t)value;
	if (oci_field_size(f) == sizeof(half))
		memcpy(where, &half, sizeof(half));
	else
		memcpy(where, &value, sizeof(value));
	return 0;
}

static int store_enum(const struct oci_field *f, void *where, const struct oci_event *event,
		      struct oci_error *err)
{
	for (size_t i = 0; i < f->values->n_values; i++) {
		const char *name = f->values->values[i];
		if (strlen(name) == event->len && memcmp(name, event->text, event->len) == 0) {
			memcpy(where, &(int){ (int)i }, sizeof(int));
			return 0;
		}
	}
	char list[800] = "";
	for (size_t i = 0, n = 0; i < f->values->n_values && n < sizeof(list); i++)
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s", i > 0 ? ", " : "",
				      f->values->values[i]);
	struct oci_quoted quoted;
	return oci_error_at(err, EINVAL, NULL, "\"%s\" is not a valid value (%s)",
			    oci_quote(&quoted, event->text, event->len), list);
}

static int store_string(const struct oci_field *f, void *where, const struct oci_event *event,
			struct oci_arena *arena, struct oci_error *err)
{
	struct oci_quoted quoted;
	const struct oci_pattern *p = f->kind == OCI_STRING ? f->pattern : NULL;
	const char *problem = oci_text_problem(event->text, event->len);
	if (problem)
		return oci_error_at(err, EINVAL, NULL, "%s", problem);
	if (p && !oci_pattern_match(p->pattern, event->text, event->len))
		return oci_error_at(err, EINVAL, NULL, "\"%s\" is not %s",
				    oci_quote(&quoted, event->text, event->len), p->title);
	char *copy = oci_arena_strndup(arena, event->text, event->len);
	if (!copy)
		return oci_error_memory(err);
	memcpy(where, &copy, sizeof(copy));
	return 0;
}

int oci_value_store(const struct oci_field *f, void *where, const struct oci_event *event,
		    struct oci_arena *arena, struct oci_error *err)
{
	bool is_string = f->kind == OCI_STRING || f->kind == OCI_STRING_MAP;
	if (event->kind == OCI_EVENT_BOOL && f->kind == OCI_BOOL) {
		*(bool *)where = event->truth;
		return 0;
	}
	if (event->kind == OCI_EVENT_NUMBER && is_integer(f->kind) && !has_fraction(event))
		return store_integer(f, where, event, err);
	if (event->kind == OCI_EVENT_STRING && f->kind == OCI_ENUM)
		return store_enum(f, where, event, err);
	if (event->kind == OCI_EVENT_STRING && is_string)
		return store_string(f, where, event, arena, err);
	return oci_error_at(err, EINVAL, NULL, "expected %s, found %s", expected(f), oci_value_found(event));
}
