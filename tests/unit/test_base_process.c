/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/process.h: signal names, /proc/PID/stat, starting and watching real programs. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/process.h"

static void test_signal_names(void **state)
{
	static const struct {
		const char *name;
		int sig;
	} cases[] = { { "KILL", SIGKILL },
		      { "SIGKILL", SIGKILL },
		      { "sigkill", SIGKILL },
		      { "kill", SIGKILL },
		      { "9", 9 },
		      { "0", 0 },
		      { "HUP", SIGHUP },
		      { "IOT", SIGABRT },
		      { "CLD", SIGCHLD },
		      { "POLL", SIGIO },
		      { "SYS", SIGSYS },
		      { "WINCH", SIGWINCH },
		      { "KILLX", -EINVAL },
		      { "", -EINVAL },
		      { "SIG", -EINVAL },
		      { "-9", -EINVAL },
		      { "65", -EINVAL },
		      { "9x", -EINVAL },
		      { "SIGSIGKILL", -EINVAL },
		      { "RTMIN+99", -EINVAL },
		      { "RTMIN-1", -EINVAL },
		      { "RTMAX+1", -EINVAL },
		      { "RTMIN+", -EINVAL },
		      { "AVERYLONGNAMEINDEED", -EINVAL } };
	char buf[16];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_int_equal(signal_from_string(cases[i].name), cases[i].sig);
	assert_int_equal(signal_from_string("RTMIN"), SIGRTMIN);
	assert_int_equal(signal_from_string("sigrtmin+3"), SIGRTMIN + 3);
	assert_int_equal(signal_from_string("RTMAX-1"), SIGRTMAX - 1);
	/* every number has a name that leads back to it, but for the two that the C library keeps */
	for (int sig = 1; sig <= SIGRTMAX; sig++)
		if (sig < 32 || sig >= SIGRTMIN)
			assert_int_equal(signal_from_string(signal_to_string(sig, buf, sizeof(buf))), sig);
	assert_string_equal(signal_to_string(SIGSEGV, buf, sizeof(buf)), "SIGSEGV");
	assert_string_equal(signal_to_string(SIGRTMIN + 2, buf, sizeof(buf)), "SIGRTMIN+2");
}

static void test_stat(void **state)
{
	struct process_stat self, again;

	(void)state;
	prctl(PR_SET_NAME, ") R 1 (x");
	assert_int_equal(process_get_stat(getpid(), &self), 0);
	assert_int_equal(self.ppid, getppid());
	assert_int_equal(self.state, 'R');
	assert_true(self.start_time > 0);
	assert_int_equal(process_get_stat(getpid(), &again), 0);
	assert_true(self.start_time == again.start_time);
	assert_true(process_is_alive(getpid(), self.start_time));
	assert_false(process_is_alive(getpid(), self.start_time + 1));
	assert_int_equal(process_get_stat(0, &again), -ESRCH);
	assert_int_equal(process_get_stat(-1, &again), -ESRCH);
}

/* Starts sh -c script. */
static pid_t start(const char *script, struct process_spawn spec)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };
	pid_t pid = -1;

	spec.path = "/bin/sh";
	spec.argv = argv;
	assert_int_equal(process_spawn(&spec, &pid), 0);
	return pid;
}

static int exit_status(pid_t pid)
{
	int status;

	assert_int_equal(process_wait(pid, &status), 0);
	return process_exit_status(status);
}

static void test_spawn(void **state)
{
	char *env[] = { (char *)"A=b c", NULL }, text[64] = "", *none[] = { (char *)"x", NULL };
	struct process_spawn missing = { .path = "/nonexistent", .argv = none, .stdio = { -1, -1, -1 } };
	int p[2], keep;
	pid_t pid = -1;

	(void)state;
	assert_int_equal(process_spawn(&missing, &pid), -ENOENT);
	assert_int_equal(pid, -1);
	assert_int_equal(exit_status(start("exit 7", (struct process_spawn){ .stdio = { -1, -1, -1 } })), 7);
	assert_int_equal(exit_status(start("kill -9 $$", (struct process_spawn){ .stdio = { -1, -1, -1 } })),
			 137);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	keep = fcntl(p[1], F_DUPFD_CLOEXEC, 100);
	/* 0, 1, 2 in any order; an environment of its own; one more fd, and no others; its own group */
	assert_int_equal(exit_status(start("echo $A; ls /proc/self/fd | tr '\\n' ' '; [ $(ps -o pgid= -p $$) "
					   "= $$ ] && echo group",
					   (struct process_spawn){ .stdio = { -1, p[1], p[1] },
								   .envp = env,
								   .keep_fds = &keep,
								   .n_keep_fds = 1,
								   .new_group = true })),
			 0);
	fd_close(p[1]);
	fd_close(keep);
	assert_true(fd_read_all(p[0], text, sizeof(text) - 1) > 0);
	assert_string_equal(text, "b c\n0 1 100 2 3 group\n"); /* 3 is ls's own */
	fd_close(p[0]);
}

static void test_spawn_swaps_stdio(void **state)
{
	char text[64] = "";
	int p[2], saved = fcntl(1, F_DUPFD_CLOEXEC, 10), saved_err = fcntl(2, F_DUPFD_CLOEXEC, 10), q[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(pipe2(q, O_CLOEXEC), 0);
	dup2(p[1], 1);
	dup2(q[1], 2);
	exit_status(start("echo out; echo err >&2", (struct process_spawn){ .stdio = { -1, 2, 1 } }));
	dup2(saved, 1);
	dup2(saved_err, 2);
	fd_close(p[1]);
	fd_close(q[1]);
	assert_int_equal(fd_read_all(p[0], text, sizeof(text)), 4);
	assert_memory_equal(text, "err\n", 4);
	assert_int_equal(fd_read_all(q[0], text, sizeof(text)), 4);
	assert_memory_equal(text, "out\n", 4);
	fd_close(p[0]);
	fd_close(q[0]);
	fd_close(saved);
	fd_close(saved_err);
}

static void test_spawn_resets_signals(void **state)
{
	sigset_t set, old;

	(void)state;
	sigfillset(&set);
	sigprocmask(SIG_BLOCK, &set, &old);
	signal(SIGTERM, SIG_IGN);
	assert_int_equal(exit_status(start("kill -TERM $$; exit 3",
					   (struct process_spawn){ .stdio = { -1, -1, -1 } })),
			 128 + SIGTERM);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void test_pidfd(void **state)
{
	struct process_stat st;
	pid_t pid = start("exec sleep 60", (struct process_spawn){ .stdio = { -1, -1, -1 } });
	int fd;

	(void)state;
	assert_int_equal(process_get_stat(pid, &st), 0);
	assert_int_equal(process_pidfd_open_exact(pid, st.start_time + 1), -ESRCH);
	fd = process_pidfd_open_exact(pid, st.start_time);
	assert_true(fd >= 0);
	assert_int_equal(process_pidfd_wait(fd, 20), -ETIMEDOUT);
	assert_int_equal(process_pidfd_kill(fd, SIGTERM), 0);
	assert_int_equal(process_pidfd_wait(fd, -1), 0);
	assert_false(process_is_alive(pid, st.start_time)); /* a zombie */
	assert_int_equal(exit_status(pid), 128 + SIGTERM);
	assert_int_equal(process_pidfd_kill(fd, 0), -ESRCH);
	assert_int_equal(process_get_stat(pid, &st), -ESRCH);
	fd_close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signal_names),
		cmocka_unit_test(test_stat),
		cmocka_unit_test(test_spawn),
		cmocka_unit_test(test_spawn_swaps_stdio),
		cmocka_unit_test(test_spawn_resets_signals),
		cmocka_unit_test(test_pidfd),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
