/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/options.h: the grammar, as a table of command lines. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/options.h"
#include "base/str.h"

struct opts {
	bool debug, tty, it;
	const char *root, *user;
	char **env;
	uint32_t fds;
	int format;
};

static const char *const formats[] = { "table", "json", NULL };

#define ROW(name, letter, type, field)                                                                       \
	{                                                                                                    \
		name, letter, type, offsetof(struct opts, field), NULL, "text", NULL                         \
	}
static const struct option_def defs[] = {
	ROW("debug", 'd', OPTION_BOOL, debug),
	ROW("tty", 't', OPTION_BOOL, tty),
	ROW("it", 0, OPTION_BOOL, it),
	ROW("root", 0, OPTION_STRING, root),
	ROW("user", 'u', OPTION_STRING, user),
	ROW("env", 'e', OPTION_LIST, env),
	ROW("preserve-fds", 0, OPTION_U32, fds),
	{ "format", 'f', OPTION_CHOICE, offsetof(struct opts, format), "table|json", "text", formats },
	{ "criu", 0, OPTION_IGNORED_STRING, 0, NULL, NULL, NULL },
	{ "old", 0, OPTION_IGNORED_BOOL, 0, NULL, NULL, NULL },
	{ 0 },
};

/* What a line gives, as one string: options in a fixed order, then "|" and the rest. */
static char *describe(const struct opts *o, char **rest)
{
	_cleanup_free_ char *env = str_join(o->env, "+"), *args = str_join(rest, " ");

	return xasprintf("%s%s%s%s%s%s%s%s%s%s%u%s|%s", o->debug ? "d" : "", o->tty ? "t" : "",
			 o->it ? "i" : "", o->root ? " root=" : "", o->root ? o->root : "",
			 o->user ? " user=" : "", o->user ? o->user : "", o->env ? " env=" : "", env,
			 " fds=", o->fds, o->format ? " json" : "", args);
}

static void check(const char *line, int want, const char *result)
{
	_cleanup_strv_ char **argv = str_split(line, ' ');
	struct opts o = { 0 };
	struct error err = { 0 };
	char **rest = NULL;
	int r = options_parse(defs, &o, argv[0][0] ? argv : argv + 1, &rest, &err);

	assert_int_equal(r, want);
	if (r == 0) {
		_cleanup_free_ char *got = describe(&o, rest);

		assert_string_equal(got, result);
	} else if (r < 0) {
		assert_string_equal(err.msg, result);
	}
	options_done(defs, &o);
}

static void test_good(void **state)
{
	static const char *const cases[][2] = {
		{ "", " fds=0|" },
		{ "run x --debug", " fds=0|run x --debug" },
		{ "--debug --root /r state x", "d root=/r fds=0|state x" },
		{ "-debug -root=/r state", "d root=/r fds=0|state" },
		{ "-it x", "i fds=0|x" }, /* a long name goes before a bundle of letters */
		{ "-dt x", "dt fds=0|x" },
		{ "-dtu 5 x", "dt user=5 fds=0|x" },
		{ "-u5 -u=6 x", " user=6 fds=0|x" },
		{ "-e A=1 --env B=2 --env=C=3 x", " env=A=1+B=2+C=3 fds=0|x" },
		{ "--debug=false --tty=true x", "t fds=0|x" },
		{ "-d=true x", "d fds=0|x" },
		{ "--preserve-fds 3 -f JSON", " fds=3 json|" },
		{ "--criu /x --old -old=false -- --debug", " fds=0|--debug" },
		{ "- --debug", " fds=0|- --debug" },
		{ "--root= x", " root= fds=0|x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i][0], 0, cases[i][1]);
}

static void test_mixed(void **state)
{
	static const char *const cases[][2] = {
		{ "", " fds=0|" },
		{ "x", " fds=0|x" },
		{ "x --debug", "d fds=0|x" },
		{ "x --root /r y -t z", "t root=/r fds=0|x y z" },
		{ "-d x y -e A --env=B z -u5", "d user=5 env=A+B fds=0|x y z" },
		{ "-d x -- -t --nope", "d fds=0|x -t --nope" },
		{ "-- x -t", " fds=0|x -t" },
		{ "x - -t", "t fds=0|x -" },
		{ "x -t --", "t fds=0|x" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_strv_ char **argv = str_split(cases[i][0], ' ');
		char **begin = argv[0][0] ? argv : argv + 1;

		/* a second time the same, for the program runs itself once more with what is in argv then */
		for (int again = 0; again < 2; again++) {
			_cleanup_free_ char *got = NULL;
			struct opts o = { 0 };
			struct error err = { 0 };
			char **rest = NULL;

			assert_int_equal(options_parse_mixed(defs, &o, begin, &rest, &err), 0);
			got = describe(&o, rest);
			assert_string_equal(got, cases[i][1]);
			options_done(defs, &o);
		}
	}
}

static void test_bad(void **state)
{
	static const char *const cases[][2] = {
		{ "--nope x", "flag provided but not defined: --nope" },
		{ "-nope x", "flag provided but not defined: -nope" },
		{ "-dx", "flag provided but not defined: -dx" },
		{ "--root", "flag needs an argument: --root" },
		{ "-u", "flag needs an argument: --user" },
		{ "--debug=yes", "invalid value \"yes\" for flag --debug: expected true or false" },
		{ "--preserve-fds -1",
		  "invalid value \"-1\" for flag --preserve-fds: expected a number from 0 to 4294967295" },
		{ "--format xml", "invalid value \"xml\" for flag --format: expected one of table, json" },
		{ "--deb", "flag provided but not defined: --deb" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(cases[i][0], -EINVAL, cases[i][1]);
}

static void test_help(void **state)
{
	_cleanup_buf_ struct buf out = { 0 };

	(void)state;
	check("--help", OPTIONS_HELP, NULL);
	check("-h", OPTIONS_HELP, NULL);
	check("-help", OPTIONS_HELP, NULL);
	check("--debug -h x", OPTIONS_HELP, NULL);
	check("x -h", 0, " fds=0|x -h");
	options_help(defs, &out);
	assert_non_null(strstr(out.data, "   -f, --format table|json"));
	assert_non_null(strstr(out.data, "   --root VALUE"));
	assert_non_null(strstr(out.data, "   -h, --help"));
	assert_null(strstr(out.data, "criu"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
