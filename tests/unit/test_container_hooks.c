/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* container/hooks.h with real programs: what they get, how they fail, how long they may take. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/process.h"
#include "container/hooks.h"

#define SHELL(script, ...)                                                                                   \
	{                                                                                                    \
		.path = (char *)"/bin/sh",                                                                   \
		.args = (char **)(const char *const[]){ "sh", "-c", script, NULL }, .n_args = 3, __VA_ARGS__ \
	}

static int run(struct oci_hook hook, struct error *err)
{
	return hooks_run("createRuntime", &hook, 1, &(struct hook_context){ .state = "{\"id\":\"x\"}" }, err);
}

static void test_failures(void **state)
{
	const struct {
		struct oci_hook hook;
		const char *message; /* NULL: succeeds */
	} cases[] = {
		{ SHELL("exit 0"), NULL },
		{ SHELL("[ \"$(cat)\" = '{\"id\":\"x\"}' ]"), NULL },
		{ SHELL("[ \"$(cat /dev/stdin)\" = '{\"id\":\"x\"}' ]"), NULL },
		{ SHELL("exit 3"), "error running createRuntime hook #0: exit status 3, stdout: , stderr: " },
		{ SHELL("echo out; echo no such thing >&2; exit 1"),
		  "error running createRuntime hook #0: exit status 1, stdout: out, stderr: no such thing" },
		{ SHELL("kill -SEGV $$"),
		  "error running createRuntime hook #0: killed by signal SIGSEGV, stdout: , stderr: " },
		{ SHELL("kill -SYS $$"), "error running createRuntime hook #0: killed by signal SIGSYS (bad "
					 "system call), stdout: , stderr: " },
		{ { .path = (char *)"/nonexistent" },
		  "error running createRuntime hook #0: /nonexistent: No such file or directory" },
		{ SHELL("sleep 30", .timeout = 1, .has_timeout = true),
		  "error running createRuntime hook #0: hook ran past specified timeout of 1.0s" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };
		int r = run(cases[i].hook, &err);

		assert_int_equal(r < 0, cases[i].message != NULL);
		if (cases[i].message)
			assert_string_equal(err.msg, cases[i].message);
	}
}

static void test_environment(void **state)
{
	static char *env[] = { (char *)"GIVEN=1", NULL }, *own[] = { (char *)"OWN=2", NULL },
		    *none[] = { NULL };
	struct oci_hook inherits = SHELL("[ \"$INHERITED\" = 0 ]"),
			given = SHELL("[ \"$GIVEN\" = 1 ] && [ -z \"$INHERITED\" ]"),
			replaces = SHELL("[ \"$OWN\" = 2 ] && [ -z \"$GIVEN$INHERITED\" ]", .env = own,
					 .n_env = 1),
			empty = SHELL("[ -z \"$INHERITED\" ]", .env = none);
	const struct hook_context none_given = { .state = "" }, with_env = { .state = "", .env = env };
	struct error err = { 0 };

	(void)state;
	setenv("INHERITED", "0", 1);
	assert_int_equal(hooks_run("prestart", &inherits, 1, &none_given, &err), 0);
	assert_int_equal(hooks_run("prestart", &given, 1, &with_env, &err), 0);
	assert_int_equal(hooks_run("prestart", &replaces, 1, &with_env, &err), 0);
	assert_int_equal(hooks_run("prestart", &empty, 1, &none_given, &err), 0);
}

static void test_argv(void **state)
{
	struct oci_hook h = { .path = (char *)"/bin/sh",
			      .args = (char **)(const char *const[]){ "other name", "-c", "[ \"$0\" = arg0 ]",
								      "arg0", NULL } };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(run(h, &err), 0);
	h.args = (char **)(const char *const[]){ "other name", "-c", "echo \"$0\"; exit 1", NULL };
	assert_true(run(h, &err) < 0);
	assert_non_null(strstr(err.msg, "stdout: other name,"));
}

static void test_order(void **state)
{
	struct oci_hook hooks[] = { SHELL("exit 0"), SHELL("exit 9"),
				    SHELL("touch /tmp/hvrun-test-must-not-run; exit 8") };
	struct error err = { 0 };

	(void)state;
	assert_true(hooks_run("poststart", hooks, ARRAY_SIZE(hooks), &(struct hook_context){ .state = "" }, &err) < 0);
	assert_string_equal(err.msg, "error running poststart hook #1: exit status 9, stdout: , stderr: ");
	assert_int_equal(access("/tmp/hvrun-test-must-not-run", F_OK), -1);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A daemon that keeps the pipes open does not hold us; a timeout takes the hook's children too. */
static void test_children(void **state)
{
	struct oci_hook leaves = SHELL("sleep 20 & echo $! >&2; exit 4"),
			hangs = SHELL("sleep 20 & echo $! >/tmp/hvrun-test-hook-$PPID; wait", .timeout = 1,
				      .has_timeout = true);
	struct error err = { 0 };
	double begin = seconds();
	char path[64], text[16] = "";
	pid_t daemon, child;
	int pidfd;
	FILE *f;

	(void)state;
	assert_true(run(leaves, &err) < 0);
	assert_true(seconds() - begin < 10);
	daemon = (pid_t)atol(strstr(err.msg, "stderr: ") + 8);
	assert_int_equal(kill(daemon, SIGKILL), 0);
	assert_true(run(hangs, &err) < 0);
	snprintf(path, sizeof(path), "/tmp/hvrun-test-hook-%d", (int)getpid());
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	unlink(path);
	child = (pid_t)atol(text);
	pidfd = process_pidfd_open(child);
	assert_true(pidfd == -ESRCH || process_pidfd_wait(pidfd, 10000) == 0);
	fd_close(pidfd);
}

static void test_much_output(void **state)
{
	struct oci_hook h = SHELL(
		"i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done; echo end >&2; exit 1");
	struct error err = { 0 };

	(void)state;
	assert_true(run(h, &err) < 0);
	assert_non_null(strstr(err.msg, "0123456789, stderr: end"));
}

static void test_no_fds(void **state)
{
	struct oci_hook h = SHELL("for f in 50 51; do [ ! -e /proc/self/fd/$f ] || exit 1; done");
	struct error err = { 0 };

	(void)state;
	dup2(2, 50); /* not CLOEXEC */
	assert_int_equal(run(h, &err), 0);
	close(50);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_failures), cmocka_unit_test(test_environment),
		cmocka_unit_test(test_argv),     cmocka_unit_test(test_order),
		cmocka_unit_test(test_children), cmocka_unit_test(test_much_output),
		cmocka_unit_test(test_no_fds),
	};

	return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
