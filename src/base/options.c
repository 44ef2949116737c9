/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Command-line options from a table. The grammar is the union of what callers of runc and crun write: long
 * options with one dash or two (go-runc says -no-subreaper), "=value" or the next argument, and options after
 * plain arguments ("update ID --memory 1g") where what follows a container's id is no command with options of
 * its own.
 */
#include "base/options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

static bool takes_value(const struct option_def *d)
{
	return d->type != OPTION_BOOL && d->type != OPTION_IGNORED_BOOL;
}

static const struct option_def *find_long(const struct option_def *defs, const char *name, size_t len)
{
	for (; defs->name; defs++)
		if (strlen(defs->name) == len && memcmp(defs->name, name, len) == 0)
			return defs;
	return NULL;
}

static const struct option_def *find_letter(const struct option_def *defs, char letter)
{
	for (; defs->name; defs++)
		if (defs->letter == letter)
			return defs;
	return NULL;
}

static int bad_value(const struct option_def *d, const char *value, const char *why, struct error *err)
{
	return error_set(err, EINVAL, "invalid value \"%s\" for flag --%s: %s", value, d->name, why);
}

static int store_bool(const struct option_def *d, bool *to, const char *value, struct error *err)
{
	static const char *const words[] = { "false", "true", "0", "1" };
	int i = value ? str_index(words, ARRAY_SIZE(words), value) : 1;

	if (i < 0)
		return bad_value(d, value, "expected true or false", err);
	*to = i % 2;
	return 0;
}

static int store_u32(const struct option_def *d, uint32_t *to, const char *value, struct error *err)
{
	return num_parse_u32(value, to) < 0
		       ? bad_value(d, value, "expected a number from 0 to 4294967295", err)
		       : 0;
}

static int store_choice(const struct option_def *d, int *to, const char *value, struct error *err)
{
	_cleanup_free_ char *known = NULL;

	for (int i = 0; d->choices[i]; i++)
		if (str_eq_nocase(d->choices[i], value)) {
			*to = i;
			return 0;
		}
	known = str_join((char *const *)d->choices, ", ");
	return error_set(err, EINVAL, "invalid value \"%s\" for flag --%s: expected one of %s", value,
			 d->name, known);
}

static int store(const struct option_def *d, void *opts, const char *value, struct error *err)
{
	void *to = (char *)opts + d->offset;
	bool ignored;

	switch (d->type) {
	case OPTION_BOOL:
		return store_bool(d, to, value, err);
	case OPTION_STRING:
		*(const char **)to = value;
		return 0;
	case OPTION_LIST:
		strv_append(to, value);
		return 0;
	case OPTION_U32:
		return store_u32(d, to, value, err);
	case OPTION_CHOICE:
		return store_choice(d, to, value, err);
	case OPTION_IGNORED_BOOL:
		return store_bool(d, &ignored, value, err);
	case OPTION_IGNORED_STRING:
		return 0;
	}
	return 0;
}

/* Stores d with the value given beside it, or with the next argument. */
static int take(const struct option_def *d, void *opts, const char *value, char ***argv, struct error *err)
{
	if (takes_value(d) && !value) {
		value = **argv;
		if (!value)
			return error_set(err, EINVAL, "flag needs an argument: --%s", d->name);
		(*argv)++;
	}
	return store(d, opts, value, err);
}

/* "-it", "-u1000", "-u=1000", "-u 1000" */
static int parse_letters(const struct option_def *defs, void *opts, const char *arg, char ***argv,
			 struct error *err)
{
	for (const char *p = arg + 1; *p; p++) {
		const struct option_def *d = find_letter(defs, *p);
		const char *value;
		int r;

		if (!d)
			return *p == 'h' ? OPTIONS_HELP
					 : error_set(err, EINVAL, "flag provided but not defined: %s", arg);
		if (!takes_value(d) && p[1] != '=') {
			r = store(d, opts, NULL, err);
			if (r < 0)
				return r;
			continue;
		}
		value = p[1] ? p + 1 + (p[1] == '=') : NULL;
		return take(d, opts, value, argv, err);
	}
	return 0;
}

static int parse_one(const struct option_def *defs, void *opts, const char *arg, char ***argv,
		     struct error *err)
{
	const char *name = arg + 1 + (arg[1] == '-');
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	const struct option_def *d = find_long(defs, name, len);

	if (d)
		return take(d, opts, equals ? equals + 1 : NULL, argv, err);
	if (str_eq(name, "help"))
		return OPTIONS_HELP;
	if (arg[1] == '-')
		return error_set(err, EINVAL, "flag provided but not defined: %s", arg);
	return parse_letters(defs, opts, arg, argv, err);
}

int options_parse(const struct option_def *defs, void *opts, char **argv, char ***ret_rest, struct error *err)
{
	while (*argv && (*argv)[0] == '-' && (*argv)[1]) {
		const char *arg = *argv++;
		int r;

		if (str_eq(arg, "--"))
			break;
		r = parse_one(defs, opts, arg, &argv, err);
		if (r != 0)
			return r;
	}
	*ret_rest = argv;
	return 0;
}

/* Exchanges what is before middle with what is behind it, up to end. */
static void rotate(char **begin, char **middle, char **end)
{
	size_t n = (size_t)(middle - begin), behind = (size_t)(end - middle);
	_cleanup_free_ char **moved = xcalloc(n + 1, sizeof(*moved));

	memcpy(moved, begin, n * sizeof(*moved));
	memmove(begin, middle, behind * sizeof(*begin));
	memcpy(begin + behind, moved, n * sizeof(*moved));
}

int options_parse_mixed(const struct option_def *defs, void *opts, char **argv, char ***ret_rest, struct error *err)
{
	char **plain = argv; /* up to next: plain arguments; before: options */
	bool ended = false;

	for (char **next = argv, **from = argv; *next && !ended; next += *next ? 1 : 0, from = next) {
		int r = options_parse(defs, opts, from, &next, err);

		if (r != 0)
			return r;
		ended = next > from && str_eq(next[-1], "--");
		rotate(plain, from, next);
		plain += next - from;
	}
	*ret_rest = plain;
	return 0;
}

void options_done(const struct option_def *defs, void *opts)
{
	for (; defs->name; defs++)
		if (defs->type == OPTION_LIST) {
			char ***v = (char ***)((char *)opts + defs->offset);

			strv_free(*v);
			*v = NULL;
		}
}

void options_help(const struct option_def *defs, struct buf *out)
{
	enum { TEXT_COLUMN = 32 };

	for (; defs->name; defs++) {
		_cleanup_free_ char *left = NULL;
		char letter[] = { '-', defs->letter, ',', ' ', '\0' };

		if (!defs->help)
			continue;
		left = xasprintf("   %s--%s%s%s", defs->letter ? letter : "", defs->name,
				 takes_value(defs) ? " " : "",
				 !takes_value(defs) ? ""
				 : defs->value      ? defs->value
						    : "VALUE");
		if (strlen(left) > TEXT_COLUMN - 2)
			buf_printf(out, "%s\n%*s%s\n", left, TEXT_COLUMN, "", defs->help);
		else
			buf_printf(out, "%-*s%s\n", TEXT_COLUMN, left, defs->help);
	}
	buf_printf(out, "   %-*s%s\n", TEXT_COLUMN - 3, "-h, --help", "show help");
}
