/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Foreground processes. With a terminal we sit between two: ours, put into raw mode so that every key reaches
 * the other one, and the container's pty, whose master comes to us as it would come to a --console-socket.
 * Signals are blocked and read from a signalfd: none can end us with the terminal in raw mode or the
 * container half made. Nothing is allocated while it is raw.
 */
#include "runtime/terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"

int terminal_connect(bool tty, bool detach, const char *console_socket, int *ret, struct error *err)
{
	int r;

	*ret = -1;
	if (tty && detach && !console_socket)
		return error_set(err, EINVAL,
				 "cannot allocate tty if hvrun will detach without setting console socket");
	if (!console_socket)
		return 0;
	if (!tty || !detach)
		return error_set(err, EINVAL,
				 "cannot use console socket if hvrun will not detach or allocate tty");
	r = fd_connect_path(console_socket, SOCK_STREAM);
	if (r < 0)
		return error_errnum(err, r, "--console-socket: connect to %s", console_socket);
	*ret = r;
	return 0;
}

/* All but what the kernel sends for our own faults. */
static void relayed_signals(sigset_t *set)
{
	static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS };

	sigfillset(set);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(set, faults[i]);
}

int foreground_begin(struct foreground *f, bool tty, bool subreaper, struct error *err)
{
	sigset_t set;
	int r;

	if (subreaper && prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return error_errno(err, "prctl(PR_SET_CHILD_SUBREAPER)");
	relayed_signals(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	f->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f->signal_fd < 0)
		return error_errno(err, "signalfd");
	r = tty ? fd_socketpair(SOCK_STREAM, f->console) : 0;
	return r < 0 ? error_errnum(err, r, "socketpair") : 0;
}

bool terminal_size(unsigned short *ret_rows, unsigned short *ret_columns)
{
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		return false;
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
	return true;
}

static void copy_window_size(const struct foreground *f)
{
	struct winsize size = { 0 };

	if (terminal_size(&size.ws_row, &size.ws_col))
		ioctl(f->master, TIOCSWINSZ, &size);
}

int foreground_attach(struct foreground *f, struct error *err)
{
	struct termios raw;
	char name[256];
	size_t n = 0;
	ssize_t r;

	if (f->console[0] < 0)
		return 0;
	f->console[1] = fd_close(f->console[1]);
	r = fd_recv(f->console[0], name, sizeof(name), &f->master, 1, &n);
	if (r < 0)
		return error_errnum(err, (int)r, "receive the container's terminal");
	if (n != 1)
		return error_set(err, EPROTO, "the container's terminal did not come");
	fd_set_nonblock(f->master, 1);
	copy_window_size(f);
	if (tcgetattr(STDIN_FILENO, &f->saved) < 0) /* our input is no terminal: nothing to change */
		return 0;
	raw = f->saved;
	cfmakeraw(&raw);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw) < 0)
		return error_errno(err, "put the terminal into raw mode");
	f->raw = true;
	return 0;
}

void foreground_done(struct foreground *f)
{
	if (f->raw)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &f->saved);
	f->raw = false;
	f->master = fd_close(f->master);
	f->console[0] = fd_close(f->console[0]);
	f->console[1] = fd_close(f->console[1]);
	f->signal_fd = fd_close(f->signal_fd);
}

/* What was typed and has not fitted into the pty yet. */
struct typed {
	char data[4096];
	size_t len;
	bool end; /* our input has ended */
};

/* Our input's end is told to the terminal as a user would, by its end-of-file key. */
static void read_typed(const struct foreground *f, struct typed *t)
{
	ssize_t n = read(STDIN_FILENO, t->data, sizeof(t->data));
	struct termios pty;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n > 0) {
		t->len = (size_t)n;
		return;
	}
	t->end = true;
	if (tcgetattr(f->master, &pty) == 0 && (pty.c_lflag & ICANON))
		t->data[t->len++] = (char)pty.c_cc[VEOF];
}

static void write_typed(const struct foreground *f, struct typed *t)
{
	ssize_t n = write(f->master, t->data, t->len);

	if (n > 0) {
		t->len -= (size_t)n;
		memmove(t->data, t->data + n, t->len);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		t->len = 0;
		t->end = true;
	}
}

/* The container's output; the end of it closes the master. */
static void show_output(struct foreground *f)
{
	char chunk[8192];
	ssize_t n;

	while ((n = read(f->master, chunk, sizeof(chunk))) > 0)
		fd_write_all(STDOUT_FILENO, chunk, (size_t)n);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	f->master = fd_close(f->master); /* EIO: the last slave was closed */
}

static void relay_signals(const struct foreground *f, int pidfd)
{
	struct signalfd_siginfo si;

	while (read(f->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGWINCH && f->master >= 0)
			copy_window_size(f);
		else if (si.ssi_signo != SIGCHLD && si.ssi_signo != SIGPIPE)
			process_pidfd_kill(pidfd, (int)si.ssi_signo);
	}
}

static int relay(struct foreground *f, int pidfd, struct error *err)
{
	struct typed t = { .end = f->master < 0 };

	for (;;) {
		struct pollfd p[] = {
			{ pidfd, POLLIN, 0 },
			{ f->signal_fd, POLLIN, 0 },
			{ f->master, (short)(POLLIN | (t.len > 0 ? POLLOUT : 0)), 0 },
			{ t.end || t.len > 0 ? -1 : STDIN_FILENO, POLLIN, 0 },
		};

		if (poll(p, ARRAY_SIZE(p), -1) < 0) {
			if (errno == EINTR)
				continue;
			return error_errno(err, "poll");
		}
		if (p[1].revents)
			relay_signals(f, pidfd);
		if (p[2].revents & POLLOUT)
			write_typed(f, &t);
		if (p[2].revents & ~POLLOUT)
			show_output(f);
		if (p[3].revents)
			read_typed(f, &t);
		if (f->master < 0)
			t = (struct typed){ .end = true };
		if (p[0].revents)
			return 0;
	}
}

int foreground_wait(struct foreground *f, pid_t pid, int *ret_status, struct error *err)
{
	_cleanup_fd_ int pidfd = process_pidfd_open(pid);
	int r, status;

	if (pidfd < 0)
		return error_errnum(err, pidfd, "pidfd_open of process %d", (int)pid);
	r = relay(f, pidfd, err);
	if (r < 0)
		return r;
	if (f->master >= 0)
		show_output(f);
	r = process_wait(pid, &status);
	if (r < 0)
		return error_errnum(err, r, "wait for process %d", (int)pid);
	*ret_status = process_exit_status(status);
	return 0;
}
