/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes by pidfd and start time: a pid alone may have been given to somebody else since it was written
 * down. Programs are started by vfork(2), which costs the same however large we are; its child shares our
 * memory, so it only makes system calls.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/num.h"

/*
 * Fields 3, 4 and 22 of proc_pid_stat(5). The name (field 2) may hold spaces and parentheses: the last ")"
 * ends it.
 */
static int parse_stat(const char *line, struct process_stat *ret)
{
	const char *p = strrchr(line, ')');
	uint64_t v;

	if (!p || p[1] != ' ' || !p[2] || p[3] != ' ')
		return -EINVAL;
	ret->state = p[2];
	p += 4;
	for (int field = 4;; field++) {
		const char *end = num_scan_u64(*p == '-' ? p + 1 : p, &v);

		if (!end)
			return -EINVAL;
		if (field == 4)
			ret->ppid = (pid_t)v;
		if (field == 22)
			break;
		if (*end != ' ')
			return -EINVAL;
		p = end + 1;
	}
	ret->start_time = v;
	return 0;
}

static int read_stat(int dirfd, const char *path, struct process_stat *ret)
{
	char line[1024];
	_cleanup_fd_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	do /* one read(2) gives all of it */
		n = read(fd, line, sizeof(line) - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	line[n] = '\0';
	return parse_stat(line, ret);
}

int process_get_stat(pid_t pid, struct process_stat *ret)
{
	char path[32];

	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return read_stat(AT_FDCWD, path, ret);
}

int process_get_stat_at(int proc_dirfd, struct process_stat *ret)
{
	return read_stat(proc_dirfd, "stat", ret);
}

char process_look(pid_t pid, uint64_t start_time)
{
	struct process_stat st;

	return process_get_stat(pid, &st) == 0 && st.start_time == start_time && !strchr("ZXx", st.state) ? st.state : 0;
}

bool process_is_alive(pid_t pid, uint64_t start_time)
{
	return process_look(pid, start_time) != 0;
}

int process_pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -errno : fd;
}

int process_pidfd_open_exact(pid_t pid, uint64_t start_time)
{
	_cleanup_fd_ int fd = process_pidfd_open(pid);

	if (fd < 0)
		return fd;
	/* only now, with the pid pinned by the fd, does the start time tell whose it is */
	return process_is_alive(pid, start_time) ? TAKE_FD(fd) : -ESRCH;
}

int process_pidfd_kill(int pidfd, int sig)
{
	return syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0) < 0 ? -errno : 0;
}

int process_pidfd_wait(int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	struct timespec now, end;
	int r;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += timeout_ms / 1000;
	end.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	while ((r = poll(&p, 1, timeout_ms)) < 0) {
		if (errno != EINTR)
			return -errno;
		if (timeout_ms < 0)
			continue;
		clock_gettime(CLOCK_MONOTONIC, &now);
		timeout_ms = (int)((end.tv_sec - now.tv_sec) * 1000 + (end.tv_nsec - now.tv_nsec) / 1000000);
		timeout_ms = MAX(timeout_ms, 0);
	}
	return r == 0 ? -ETIMEDOUT : 0;
}

int process_wait(pid_t pid, int *ret_status)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*ret_status = status;
	return 0;
}

int process_exit_status(int wait_status)
{
	return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

void process_exit_like(int wait_status)
{
	if (WIFSIGNALED(wait_status)) {
		int sig = WTERMSIG(wait_status);
		sigset_t set;

		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }); /* the core, if any, was the other one's */
		signal(sig, SIG_DFL);
		sigemptyset(&set);
		sigaddset(&set, sig);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		kill(getpid(), sig);
	}
	_exit(process_exit_status(wait_status));
}

static void reset_signals(void)
{
	for (int sig = 1; sig < _NSIG; sig++) {
		struct sigaction sa;

		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler != SIG_DFL)
			signal(sig, SIG_DFL);
	}
}

/* Puts the three fds where they belong; first out of each other's way. */
static int place_stdio(const int stdio[3])
{
	int high[3];

	for (int i = 0; i < 3; i++) {
		if (stdio[i] < 0)
			high[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
		else
			high[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, 3);
		if (high[i] >= 0 && high[i] < 3)
			high[i] = fcntl(high[i], F_DUPFD_CLOEXEC, 3);
		if (high[i] < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++)
		if (dup2(high[i], i) < 0)
			return -1;
	return 0;
}

static int limit_fds(const struct process_spawn *s)
{
	if (syscall(SYS_close_range, 3, ~0U, 4 /* CLOSE_RANGE_CLOEXEC, Linux 5.11 */) < 0)
		for (int fd = 3; fd < 1024; fd++)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	for (size_t i = 0; i < s->n_keep_fds; i++)
		if (fcntl(s->keep_fds[i], F_SETFD, 0) < 0)
			return -1;
	return 0;
}

static _noreturn_ void spawn_child(const struct process_spawn *s, volatile int *error)
{
	sigset_t empty;

	sigemptyset(&empty);
	reset_signals();
	if ((!s->new_group || setpgid(0, 0) == 0) && (!s->new_session || setsid() >= 0) &&
	    place_stdio(s->stdio) == 0 && (!s->terminal || ioctl(0, TIOCSCTTY, 0) == 0) && limit_fds(s) == 0 && (!s->cwd || chdir(s->cwd) == 0) &&
	    (!s->parent_death_signal || prctl(PR_SET_PDEATHSIG, s->parent_death_signal) == 0)) {
		sigprocmask(SIG_SETMASK, &empty, NULL);
		execve(s->path, s->argv, s->envp ? s->envp : environ);
	}
	*error = errno;
	_exit(127);
}

int process_spawn(const struct process_spawn *spec, pid_t *ret_pid)
{
	volatile int error = 0;
	sigset_t all, old;
	pid_t pid;

	/* a handler of ours that ran in the child would run on our memory */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = vfork();
	if (pid == 0)
		spawn_child(spec, &error);
	if (pid < 0)
		error = errno;
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return -error;
	if (error) {
		int status;

		process_wait(pid, &status);
		return -error;
	}
	*ret_pid = pid;
	return 0;
}
