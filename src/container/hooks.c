/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hooks, runtime-spec 1.3.0 config.md "POSIX-platform Hooks". A hook is the leader of its own process group,
 * so that a timeout takes its children with it; what it prints is kept (the last part of it) for the message.
 * Its end is read off a pidfd and not off its pipes: a daemon it leaves behind may hold them for ever. The
 * state goes in as a memfd, which cannot fill up or break as a pipe can. No allocation anywhere: this also
 * runs in the container's process before exec.
 */
#include "container/hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/process.h"
#include "container/hook_output.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

/* The last bytes of a stream. */
struct capture {
	int fd;
	size_t len;
	char data[320];
};

struct hook_run {
	pid_t pid;
	int pidfd;
	struct capture out, err;
};

/* A file at offset 0 that holds state. */
static int state_file(const char *state)
{
	_cleanup_fd_ int fd = memfd_create("state", MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	int r;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("state", MFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, state, strlen(state));
	if (r < 0)
		return r;
	return lseek(fd, 0, SEEK_SET) < 0 ? -errno : TAKE_FD(fd);
}

static void keep_tail(struct capture *c, const char *p, size_t n)
{
	if (n >= sizeof(c->data)) {
		p += n - sizeof(c->data);
		n = sizeof(c->data);
	}
	if (c->len + n > sizeof(c->data)) {
		size_t drop = c->len + n - sizeof(c->data);

		memmove(c->data, c->data + drop, c->len - drop);
		c->len -= drop;
	}
	memcpy(c->data + c->len, p, n);
	c->len += n;
}

/* Reads what is there. At the end of the stream the fd is closed. */
static void drain(struct capture *c)
{
	char chunk[4096];
	ssize_t n;

	while (c->fd >= 0 && (n = read(c->fd, chunk, sizeof(chunk))) != 0) {
		if (n > 0) {
			keep_tail(c, chunk, (size_t)n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN)
			return;
		break;
	}
	c->fd = fd_close(c->fd);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Collects output until the hook has exited. -ETIMEDOUT at the deadline (ms on CLOCK_MONOTONIC; -1: none). */
static int collect(struct hook_run *h, int64_t deadline)
{
	for (;;) {
		struct pollfd p[] = { { h->pidfd, POLLIN, 0 },
				      { h->out.fd, POLLIN, 0 },
				      { h->err.fd, POLLIN, 0 } };
		int64_t left = deadline < 0 ? -1 : deadline - now_ms();
		int n;

		if (deadline >= 0 && left <= 0)
			return -ETIMEDOUT;
		n = poll(p, ARRAY_SIZE(p), (int)MIN(left, 3600 * 1000));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n <= 0)
			continue;
		drain(&h->out);
		drain(&h->err);
		if (p[0].revents)
			return 0;
	}
}

/* Where a stream goes: the file, borrowed, or a pipe to c. Returns the fd for the hook; *ret_own is it when it is ours to close. */
static int open_stream(int file, struct capture *c, int *ret_own)
{
	int pipes[2];

	if (file >= 0)
		return file;
	if (pipe2(pipes, O_CLOEXEC) < 0)
		return -errno;
	c->fd = pipes[0];
	fd_set_nonblock(c->fd, 1);
	return *ret_own = pipes[1];
}

static int spawn(const struct oci_hook *hook, const struct hook_context *context, struct hook_run *h, struct error *err)
{
	char *const default_args[] = { hook->path, NULL };
	_cleanup_fd_ int in = state_file(context->state), out_w = -1, err_w = -1;
	struct process_spawn spec = { .path = hook->path,
				      .argv = hook->args ? hook->args : default_args,
				      .new_group = true };
	int r;

	if (in < 0)
		return error_errnum(err, in, "stdin: memfd_create");
	spec.envp = hook->env ? hook->env : context->env;
	spec.stdio[0] = in;
	spec.stdio[1] = open_stream(context->output ? context->output->out_fd : -1, &h->out, &out_w);
	spec.stdio[2] = open_stream(context->output ? context->output->err_fd : -1, &h->err, &err_w);
	for (int i = 1; i < 3; i++)
		if (spec.stdio[i] < 0)
			return error_errnum(err, spec.stdio[i], "pipe2");
	r = process_spawn(&spec, &h->pid);
	if (r < 0)
		return error_errnum(err, r, "%s", hook->path);
	h->pidfd = process_pidfd_open(h->pid);
	if (h->pidfd < 0) {
		int status;

		kill(-h->pid, SIGKILL);
		process_wait(h->pid, &status);
		return error_errnum(err, h->pidfd, "pidfd_open");
	}
	return 0;
}

/* Without the newlines at its end. */
static int text_length(const struct capture *c)
{
	size_t n = c->len;

	while (n > 0 && (c->data[n - 1] == '\n' || c->data[n - 1] == '\r'))
		n--;
	return (int)n;
}

static int judge(const struct hook_run *h, const struct hook_output *to, int status, struct error *err)
{
	static const char in_file[] = "in its file";
	bool out_file = to && to->out_fd >= 0, err_file = to && to->err_fd >= 0;
	char how[64], name[16];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFSIGNALED(status))
		snprintf(how, sizeof(how), "killed by signal %s%s",
			 signal_to_string(WTERMSIG(status), name, sizeof(name)),
			 WTERMSIG(status) == SIGSYS ? " (bad system call)" : "");
	else
		snprintf(how, sizeof(how), "exit status %d", WEXITSTATUS(status));
	return error_set(err, EPERM, "%s, stdout: %.*s, stderr: %.*s", how, out_file ? (int)strlen(in_file) : text_length(&h->out),
			 out_file ? in_file : h->out.data, err_file ? (int)strlen(in_file) : text_length(&h->err), err_file ? in_file : h->err.data);
}

static int wait_hook(const struct oci_hook *hook, const struct hook_output *to, struct hook_run *h, struct error *err)
{
	int r = collect(h, hook->has_timeout ? now_ms() + (int64_t)hook->timeout * 1000 : -1), status;

	if (r < 0)
		kill(-h->pid, SIGKILL);
	process_wait(h->pid, &status);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "hook ran past specified timeout of %.1fs",
				 (double)hook->timeout);
	if (r < 0)
		return error_errnum(err, r, "poll");
	drain(&h->out);
	drain(&h->err);
	return judge(h, to, status, err);
}

static int run_one(const struct oci_hook *hook, const struct hook_context *context, struct error *err)
{
	struct hook_run h = { .pidfd = -1, .out.fd = -1, .err.fd = -1 };
	int r = spawn(hook, context, &h, err);

	if (r == 0)
		r = wait_hook(hook, context->output, &h, err);
	fd_close(h.pidfd);
	fd_close(h.out.fd);
	fd_close(h.err.fd);
	return r;
}

int hooks_run(const char *kind, const struct oci_hook *hooks, size_t n_hooks, const struct hook_context *context,
	      struct error *err)
{
	for (size_t i = 0; i < n_hooks; i++)
		if (run_one(&hooks[i], context, err) < 0)
			return error_wrap(err, "error running %s hook #%zu", kind, i);
	return 0;
}

void hooks_run_all(const char *kind, const struct oci_hook *hooks, size_t n_hooks, const struct hook_context *context)
{
	for (size_t i = 0; i < n_hooks; i++) {
		struct error err = { 0 };

		if (run_one(&hooks[i], context, &err) < 0)
			log_warning("error running %s hook #%zu: %s", kind, i, err.msg);
	}
}
