/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cli/command.h: the tables of verbs and options hold together. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/command.h"
#include "container/annotation.h"
#include "container/isolation.h"
#include "hyperv/hyperv.h"
#include "native/native.h"

const struct isolation_ops native_ops = { .name = "Default" };
const struct isolation_ops hyperv_ops = { .name = "HyperV" };

void hyperv_check(_unused_ const struct env *env, _unused_ struct report *r)
{
}

int hyperv_usable(_unused_ const struct env *env, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

int hyperv_describe(_unused_ const struct env *env, _unused_ const struct bundle *b, _unused_ struct report *r,
		    _unused_ struct hv_check_bundle *ret, _unused_ struct oci_doc *doc, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

int hyperv_template_build(_unused_ const struct env *env, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

int hyperv_template_each(_unused_ const struct env *env, _unused_ hyperv_template_fn *fn, _unused_ void *data, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

int hyperv_template_prune(_unused_ const struct env *env, _unused_ bool all, _unused_ unsigned *ret_n, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

static size_t size_of(enum option_type type)
{
	static const size_t sizes[] = {
		[OPTION_BOOL] = sizeof(bool),    [OPTION_STRING] = sizeof(char *),
		[OPTION_LIST] = sizeof(char **), [OPTION_U32] = sizeof(uint32_t),
		[OPTION_CHOICE] = sizeof(int),
	};

	return type < ARRAY_SIZE(sizes) ? sizes[type] : 0;
}

static void check_options(const struct command *c)
{
	for (const struct option_def *d = c->options; d->name; d++) {
		assert_true(strlen(d->name) > 1); /* "-x" would be a letter */
		assert_true(d->offset + size_of(d->type) <= c->opts_size);
		assert_int_equal(d->type == OPTION_CHOICE, d->choices != NULL);
		assert_true(d->letter != 'h' && strcmp(d->name, "help") != 0);
		for (const struct option_def *other = d + 1; other->name; other++) {
			assert_string_not_equal(d->name, other->name);
			assert_false(d->letter && d->letter == other->letter);
			assert_false(d->offset == other->offset && size_of(d->type) && size_of(other->type));
		}
	}
}

static void check_help(const struct command *c)
{
	_cleanup_buf_ struct buf out = { 0 };
	_cleanup_strv_ char **lines = NULL;

	options_help(c->options, &out);
	lines = str_split(out.data, '\n');
	for (char **l = lines; *l; l++)
		if (strlen(*l) > 80)
			fail_msg("%s: %s", c->name, *l);
}

static void test_commands(void **state)
{
	(void)state;
	for (const struct command *const *c = commands; *c; c++) {
		assert_ptr_equal(command_find((*c)->name), *c);
		assert_non_null((*c)->run);
		assert_non_null((*c)->args);
		assert_true(strlen((*c)->summary) > 5);
		assert_true((*c)->max_args < 0 || (*c)->min_args <= (*c)->max_args);
		assert_true(c[1] == NULL || strcmp((*c)->name, c[1]->name) < 0);
		check_options(*c);
		check_help(*c);
	}
	assert_null(command_find("none"));
	assert_null(command_find(""));
}

/* What other programs pass: containerd's go-runc, conmon, CRI-O, buildah. */
static void test_callers(void **state)
{
	static const struct {
		const char *verb, *line, *rest;
	} cases[] = {
		{ "create",
		  "--bundle /b --pid-file /p --console-socket /s --no-pivot --no-new-keyring --detach "
		  "--preserve-fds 2 id",
		  "id" },
		{ "exec", "--process /f --console-socket /s --detach --pid-file /p id", "id" },
		{ "exec", "-t -e A=1 -u 1:2 --cwd /x id sh -c x", "id sh -c x" },
		{ "exec", "--pid-file /p --process /f --detach --preserve-fds 1 id", "id" },
		{ "kill", "--all id 9", "id 9" },
		{ "kill", "-a id TERM", "id TERM" },
		{ "delete", "--force id", "id" },
		{ "list", "--format json", "" },
		{ "ps", "--format json id", "id" },
		{ "ps", "id -o pid,args", "id -o pid,args" },
		{ "update", "--resources=- id", "id" },
		{ "update", "--resources - id", "id" },
		{ "pause", "id", "id" },
		{ "resume", "id", "id" },
		{ "events", "--stats id", "id" },
		{ "checkpoint",
		  "--image-path /i --work-path /w --parent-path ../p --tcp-established --ext-unix-sk --shell-job "
		  "--file-locks --empty-ns network --leave-running id",
		  "id" },
		{ "restore",
		  "--bundle /b --pid-file /p --detach --image-path /i --work-path /w --tcp-established --tcp-close "
		  "--file-locks --lsm-profile=selinux:x --lsm-mount-context=y -no-subreaper --no-pivot id",
		  "id" },
		{ "run", "--bundle=/b -d --keep -no-subreaper id", "id" },
		{ "spec", "--rootless -b /b", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct command *c = command_find(cases[i].verb);
		_cleanup_strv_ char **argv = str_split(cases[i].line, ' ');
		_cleanup_free_ void *opts = NULL;
		_cleanup_free_ char *joined = NULL;
		struct error err = { 0 };
		char **rest;

		assert_non_null(c);
		opts = xcalloc(1, c->opts_size);
		if (options_parse(c->options, opts, argv, &rest, &err) != 0)
			fail_msg("%s %s: %s", cases[i].verb, cases[i].line, err.msg);
		joined = str_join(rest, " ");
		assert_string_equal(joined, cases[i].rest);
		options_done(c->options, opts);
	}
}

/* A manual page, found through $top_srcdir. */
static char *read_page(const char *name)
{
	const char *top = getenv("top_srcdir");
	_cleanup_free_ char *path = xasprintf("%s/man/%s", top ? top : ".", name);
	char *text;

	if (file_read_at(AT_FDCWD, path, 1 << 20, &text, NULL) < 0)
		fail_msg("%s: cannot be read", path);
	return text;
}

static void assert_has(const char *page, const char *text, const char *what, const char *name)
{
	_cleanup_free_ char *wanted = xasprintf("%s%s", what, name);

	if (!strstr(text, wanted))
		fail_msg("man/%s: \"%s\" is missing", page, wanted);
}

static void test_manual(void **state)
{
	_cleanup_free_ char *hvrun = read_page("hvrun.8");

	(void)state;
	for (const struct command *const *c = commands; *c; c++) {
		_cleanup_free_ char *name = xasprintf("hvrun-%s.8", (*c)->name), *text = read_page(name);

		assert_has("hvrun.8", hvrun, ".It Cm ", (*c)->name);
		assert_has("hvrun.8", hvrun, (*c)->summary, "");
		assert_has(name, text, ".Nd ", (*c)->summary);
		for (const struct option_def *d = (*c)->options; d->name; d++)
			if (d->help)
				assert_has(name, text, "Fl Fl ", d->name);
	}
	for (int a = 0; a < _ANNOTATION_MAX; a++)
		assert_has("hvrun.8", hvrun, ".It Va ", annotation_def((enum annotation)a)->key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_callers),
		cmocka_unit_test(test_manual),
	};

	return cmocka_run_group_tests_name("commands", tests, NULL, NULL);
}
