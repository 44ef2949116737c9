/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Small helpers on C strings and NULL-terminated vectors of them. */
#include "base/str.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

bool str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	for (; *a && lower(*a) == lower(*b); a++)
		b++;
	return lower(*a) == lower(*b);
}

const char *str_skip_prefix(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);

	return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool str_has_suffix(const char *s, const char *suffix)
{
	size_t len = strlen(s), n = strlen(suffix);

	return len >= n && memcmp(s + len - n, suffix, n) == 0;
}

bool str_is_empty(const char *s)
{
	return !s || !*s;
}

int str_index(const char *const *table, size_t n, const char *s)
{
	for (size_t i = 0; i < n; i++)
		if (table[i] && str_eq(table[i], s))
			return (int)i;
	return -1;
}

char **str_split(const char *s, char separator)
{
	char **v = NULL;
	size_t n = 0;

	for (;;) {
		const char *end = strchrnul(s, separator);

		v = xreallocarray(v, n + 2, sizeof(*v));
		v[n++] = xstrndup(s, (size_t)(end - s));
		v[n] = NULL;
		if (!*end)
			return v;
		s = end + 1;
	}
}

char *str_join(char *const *v, const char *separator)
{
	struct buf b = { 0 };

	for (size_t i = 0; v && v[i]; i++) {
		if (i > 0)
			buf_append_str(&b, separator);
		buf_append_str(&b, v[i]);
	}
	return buf_take(&b);
}

size_t strv_length(char *const *v)
{
	size_t n = 0;

	while (v && v[n])
		n++;
	return n;
}

bool strv_contains(char *const *v, const char *s)
{
	for (; v && *v; v++)
		if (str_eq(*v, s))
			return true;
	return false;
}

void strv_append(char ***v, const char *s)
{
	size_t n = strv_length(*v);

	*v = xreallocarray(*v, n + 2, sizeof(**v));
	(*v)[n] = xstrdup(s);
	(*v)[n + 1] = NULL;
}

const char *strv_env_get(char *const *env, const char *name)
{
	for (; env && *env; env++) {
		const char *rest = str_skip_prefix(*env, name);

		if (rest && *rest == '=')
			return rest + 1;
	}
	return NULL;
}
