/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Properties of units as text: the part of GVariant's text format (GLib, "GVariant Text Format") that systemd's unit properties
 * need, turned into D-Bus' bytes. Whoever wrote it is not trusted: what is not understood to the last byte is refused.
 */
#include "linux/cgroup/unit_property.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "linux/dbus_message.h"

enum { NAME_MIN = 3, NAME_MAX_LEN = 128, USEC_PER_SEC = 1000000 };

/* "...Sec", but not "...USec": the name without "Sec", as a length; 0 when it is another. */
static size_t seconds_stem(const char *name)
{
	return str_has_suffix(name, "Sec") && !str_has_suffix(name, "USec") ? strlen(name) - strlen("Sec") : 0;
}

char *unit_property_name(const char *name)
{
	size_t n = strlen(name), stem = seconds_stem(name);

	if (n < NAME_MIN || n > NAME_MAX_LEN)
		return NULL;
	for (size_t i = 0; i < n; i++)
		if (!((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z')))
			return NULL;
	return stem ? xasprintf("%.*sUSec", (int)stem, name) : xstrdup(name);
}

static const char *skip_spaces(const char *s)
{
	return s + strspn(s, " \t");
}

static bool at_end(const char *s)
{
	return *skip_spaces(s) == '\0';
}

/* A quoted string; appended without quotes and escapes. Returns what follows, or NULL. */
static const char *scan_string(const char *s, struct buf *out)
{
	char quote = *s;

	if (quote != '\'' && quote != '"')
		return NULL;
	for (s++; *s != quote; s++) {
		if (*s == '\\' && (s[1] == '\\' || s[1] == '\'' || s[1] == '"'))
			s++;
		else if (*s == '\0' || *s == '\\' || iscntrl((unsigned char)*s))
			return NULL;
		buf_append(out, s, 1);
	}
	return s + 1;
}

static bool put_string(struct buf *b, const char *text)
{
	_cleanup_buf_ struct buf s = { 0 };
	const char *rest = scan_string(text, &s);

	if (!rest || !at_end(rest))
		return false;
	dbus_put_signature(b, "s");
	dbus_put_string(b, s.len ? s.data : "");
	return true;
}

static bool put_strings(struct buf *b, const char *text)
{
	const char *p = skip_spaces(text + 1);
	size_t mark;

	dbus_put_signature(b, "as");
	mark = dbus_begin_array(b, 4);
	while (*p != ']') {
		_cleanup_buf_ struct buf s = { 0 };

		p = scan_string(p, &s);
		if (!p)
			return false;
		dbus_put_string(b, s.len ? s.data : "");
		p = skip_spaces(p);
		if (*p == ',')
			p = skip_spaces(p + 1);
		else if (*p != ']')
			return false;
	}
	dbus_end_array(b, mark, 4);
	return at_end(p + 1);
}

/* Types of numbers: what is before them, D-Bus' letter, the largest value and that of a negative one. */
static const struct number {
	const char *prefix, *signature;
	uint64_t max, max_negative;
} numbers[] = {
	{ "int32 ", "i", INT32_MAX, (uint64_t)INT32_MAX + 1 }, { "uint32 ", "u", UINT32_MAX, 0 },
	{ "int64 ", "x", INT64_MAX, (uint64_t)INT64_MAX + 1 }, { "uint64 ", "t", UINT64_MAX, 0 },
	{ "", "i", INT32_MAX, (uint64_t)INT32_MAX + 1 },
};

/* The row and the number's text. */
static const struct number *find_number(const char *text, const char **ret)
{
	const struct number *n = numbers;

	while (!(*ret = str_skip_prefix(text, n->prefix)))
		n++;
	*ret = skip_spaces(*ret);
	return n;
}

static bool put_number(struct buf *b, const char *text)
{
	const char *digits;
	const struct number *n = find_number(text, &digits);
	bool negative = *digits == '-';
	uint64_t v;

	digits = num_scan_u64(digits + negative, &v);
	if (!digits || !at_end(digits) || v > (negative ? n->max_negative : n->max))
		return false;
	v = negative ? -v : v;
	dbus_put_signature(b, n->signature);
	if (n->max > UINT32_MAX)
		dbus_put_u64(b, v);
	else
		dbus_put_u32(b, (uint32_t)v);
	return true;
}

/* "90", "uint64 90", "1.5": microseconds. */
static bool put_seconds(struct buf *b, const char *text)
{
	const char *p;
	uint64_t usec, unit = USEC_PER_SEC;

	find_number(text, &p);
	p = num_scan_u64(p, &usec);
	if (!p || usec > UINT64_MAX / USEC_PER_SEC - 1)
		return false;
	usec *= USEC_PER_SEC;
	if (*p == '.' && isdigit((unsigned char)p[1]))
		for (p++; isdigit((unsigned char)*p); p++) /* what is finer than a microsecond is too fine */
			usec += (uint64_t)(*p - '0') * (unit /= 10);
	if (!at_end(p))
		return false;
	dbus_put_signature(b, "t");
	dbus_put_u64(b, usec);
	return true;
}

static bool put_bool(struct buf *b, const char *text)
{
	bool value = strncmp(text, "true", 4) == 0;

	dbus_put_signature(b, "b");
	dbus_put_bool(b, value);
	return at_end(text + (value ? 4 : 5));
}

static bool put_value(struct buf *b, const char *text, bool seconds)
{
	if (seconds)
		return put_seconds(b, text);
	if (*text == '[')
		return put_strings(b, text);
	if (*text == '\'' || *text == '"')
		return put_string(b, text);
	if (strncmp(text, "true", 4) == 0 || strncmp(text, "false", 5) == 0)
		return put_bool(b, text);
	return put_number(b, text);
}

int unit_property_put(struct buf *b, const struct unit_property *p, struct error *err)
{
	_cleanup_free_ char *name = unit_property_name(p->name);
	bool seconds = seconds_stem(p->name) > 0;

	if (!name)
		return error_set(err, EINVAL, "\"%s\" is not the name of a property (letters only, three or more)", p->name);
	dbus_put_struct(b);
	dbus_put_string(b, name);
	if (put_value(b, skip_spaces(p->value), seconds))
		return 0;
	return error_set(err, EINVAL, "\"%s\" is not %s", p->value,
			 seconds ? "a number of seconds"
				 : "true, false, a number (5, uint32 5, int64 5, uint64 5), 'text' or ['text', ...]");
}
