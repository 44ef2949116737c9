/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* base/file.h on a scratch directory, base/log.h through it, base/event.h on pipes and signals. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/event.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

static char scratch[64];
static int dirfd = -1;

static int setup(void **state)
{
	(void)state;
	snprintf(scratch, sizeof(scratch), "/tmp/hvrun-test-file.XXXXXX");
	if (!mkdtemp(scratch))
		return -1;
	dirfd = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dirfd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	fd_close(dirfd);
	return file_remove_tree(AT_FDCWD, scratch);
}

static void assert_content(const char *name, const char *want)
{
	_cleanup_free_ char *got = NULL;

	assert_int_equal(file_read_at(dirfd, name, 100, &got, NULL), 0);
	assert_string_equal(got, want);
}

static void test_replace(void **state)
{
	mode_t old = umask(077);
	struct stat st;
	char *got = NULL;

	(void)state;
	assert_int_equal(file_replace_at(dirfd, "a", "one", 3, 0644), 0);
	umask(old);
	assert_content("a", "one");
	assert_int_equal(fstatat(dirfd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(file_replace_at(dirfd, "a", "two2", 4, 0600), 0);
	assert_content("a", "two2");
	assert_int_equal(file_read_at(dirfd, "a", 3, &got, NULL), -EFBIG);
	assert_null(got);
	assert_int_equal(file_replace_at(dirfd, "none/a", "x", 1, 0600), -ENOENT);
	assert_int_equal(file_write_str(dirfd, "b", "x"), -ENOENT); /* does not make files */
	assert_int_equal(file_write_str(dirfd, "a", "X"), 0);
	assert_content("a", "Xwo2");
}

static void test_mkdir_p(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(file_mkdir_p(dirfd, "p/q/r", 0700), 0);
	assert_int_equal(fstatat(dirfd, "p/q/r", &st, 0), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(file_mkdir_p(dirfd, "p/q/r", 0700), 0);
	assert_int_equal(file_replace_at(dirfd, "p/file", "", 0, 0600), 0);
	assert_int_equal(file_mkdir_p(dirfd, "p/file", 0700), -ENOTDIR);
	assert_int_equal(file_mkdir_p(dirfd, "p/file/x", 0700), -ENOTDIR);
}

static void test_remove_tree(void **state)
{
	(void)state;
	assert_int_equal(file_mkdir_p(dirfd, "t/u/v", 0700), 0);
	assert_int_equal(file_mkdir_p(dirfd, "keep", 0700), 0);
	assert_int_equal(file_replace_at(dirfd, "keep/me", "safe", 4, 0600), 0);
	assert_int_equal(file_replace_at(dirfd, "t/u/f", "", 0, 0600), 0);
	assert_int_equal(symlinkat("../../keep", dirfd, "t/u/link"), 0);
	assert_int_equal(symlinkat("keep", dirfd, "toplink"), 0);
	assert_int_equal(file_remove_tree(dirfd, "t"), 0);
	assert_int_equal(faccessat(dirfd, "t", F_OK, 0), -1);
	assert_int_equal(file_remove_tree(dirfd, "toplink"), 0);
	assert_content("keep/me", "safe");
	assert_int_equal(file_remove_tree(dirfd, "t"), 0);
}

/* Deeper than there are descriptors, and with directories that their owner may not even read. */
static void test_remove_deep(void **state)
{
	struct rlimit before;
	int fd = dirfd, next;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		assert_int_equal(mkdirat(fd, "d", 0700), 0);
		next = openat(fd, "d", O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		assert_int_equal(mkdirat(next, "removed.0", 0), 0); /* a name as the removal gives them */
		if (fd != dirfd)
			close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 64, before.rlim_max }), 0);
	assert_int_equal(file_remove_tree(dirfd, "d"), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(faccessat(dirfd, "d", F_OK, 0), -1);
}

static void test_log(void **state)
{
	_cleanup_free_ char *path = NULL, *got = NULL;
	struct error err;

	(void)state;
	path = xasprintf("%s/log.json", scratch);
	assert_int_equal(log_open(path, LOG_FORMAT_JSON, LOG_LEVEL_INFO, &err), 0);
	log_debug("not this");
	log_info("a \"quoted\"\n%s", "line");
	assert_false(log_enabled(LOG_LEVEL_DEBUG));
	assert_int_equal(log_open(NULL, LOG_FORMAT_TEXT, LOG_LEVEL_ERROR, &err), 0);
	log_error("two");
	assert_int_equal(file_read_at(dirfd, "log.json", 4096, &got, NULL), 0);
	assert_memory_equal(got, "{\"level\":\"info\",\"msg\":\"a \\\"quoted\\\"\\nline\",\"time\":\"20", 53);
	assert_non_null(strstr(got, "Z\"}\ntime=\"20"));
	assert_non_null(strstr(got, " level=error msg=\"two\"\n"));
	assert_null(strstr(got, "not this"));
	assert_int_equal(log_open("/nonexistent/log", LOG_FORMAT_TEXT, LOG_LEVEL_INFO, &err), -ENOENT);
	assert_string_equal(err.msg, "--log: open /nonexistent/log: No such file or directory");
}

struct loop_test {
	struct event_loop *loop;
	struct event_source *doomed, *timer;
	int reads, signals, doomed_calls;
};

static int on_read(void *data, int fd, uint32_t events, struct error *err)
{
	struct loop_test *t = data;
	char c;

	(void)err;
	assert_true(events & EPOLLIN);
	assert_int_equal(read(fd, &c, 1), 1);
	t->reads++;
	t->doomed = event_source_free(t->doomed); /* its event may be in the same batch */
	return event_timer_set(t->timer, 1000);
}

static int on_doomed(void *data, int fd, uint32_t events, struct error *err)
{
	struct loop_test *t = data;
	char c;

	(void)events;
	(void)err;
	t->doomed_calls++;
	return read(fd, &c, 1) == 1 ? 0 : -1;
}

static int on_signal(void *data, int sig, pid_t from, struct error *err)
{
	struct loop_test *t = data;

	(void)err;
	assert_int_equal(sig, SIGUSR1);
	assert_int_equal(from, getpid());
	t->signals++;
	return 0;
}

static int on_timer(void *data, struct error *err)
{
	struct loop_test *t = data;

	(void)err;
	event_loop_exit(t->loop, 5);
	return 0;
}

static int on_failure(void *data, struct error *err)
{
	(void)data;
	return error_set(err, EIO, "timer says no");
}

static void test_event(void **state)
{
	struct loop_test t = { 0 };
	struct error err = { 0 };
	sigset_t set;
	int p[2], q[2];

	(void)state;
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(pipe2(q, O_CLOEXEC), 0);
	assert_int_equal(event_loop_new(&t.loop, &err), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	assert_int_equal(event_add_signals(t.loop, &set, on_signal, &t, NULL, &err), 0);
	assert_int_equal(event_add_fd(t.loop, p[0], EPOLLIN, on_read, &t, NULL, &err), 0);
	assert_int_equal(event_add_fd(t.loop, q[0], EPOLLIN, on_doomed, &t, &t.doomed, &err), 0);
	assert_int_equal(event_add_timer(t.loop, 0, on_timer, &t, &t.timer, &err), 0);
	assert_int_equal(event_loop_once(t.loop, 0, &err), 0);
	raise(SIGUSR1);
	assert_int_equal(write(p[1], "x", 1), 1);
	assert_int_equal(write(q[1], "x", 1), 1);
	assert_int_equal(event_loop_run(t.loop, &err), 5);
	assert_int_equal(t.reads, 1);
	assert_int_equal(t.signals, 1);
	assert_true(t.doomed_calls <= 1);
	assert_null(t.doomed);
	assert_int_equal(event_add_timer(t.loop, 1, on_failure, &t, NULL, &err), 0);
	assert_int_equal(event_loop_run(t.loop, &err), -EIO);
	assert_string_equal(err.msg, "timer says no");
	assert_int_equal(event_add_fd(t.loop, -1, EPOLLIN, on_read, &t, NULL, &err), -EBADF);
	event_loop_free(t.loop);
	for (int i = 0; i < 2; i++) {
		fd_close(p[i]);
		fd_close(q[i]);
	}
}

/* stderr into a file, for the log's default sink. */
static int redirect_stderr(void **state)
{
	static int saved;

	if (!*state) {
		int fd = openat(dirfd, "log.json", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

		saved = fcntl(2, F_DUPFD_CLOEXEC, 10);
		dup2(fd, 2);
		fd_close(fd);
		*state = &saved;
		return 0;
	}
	dup2(saved, 2);
	fd_close(saved);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_mkdir_p),
		cmocka_unit_test(test_remove_tree), cmocka_unit_test(test_remove_deep),
		cmocka_unit_test_setup_teardown(test_log, redirect_stderr, redirect_stderr),
		cmocka_unit_test(test_event),
	};

	return cmocka_run_group_tests_name("file", tests, setup, teardown);
}
