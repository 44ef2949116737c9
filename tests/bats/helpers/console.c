/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The other end of a terminal, for the tests: "receive" is what a container manager does with --console-socket (takes
 * the master by SCM_RIGHTS, unix(7)), "run" is a user's terminal around a command. Both copy what the terminal says to
 * stdout and stdin to the terminal, and can change the size when a text has been seen.
 *
 *	console receive [OPTION...] SOCKET        until the terminal hangs up
 *	console run [OPTION...] COMMAND [ARG...]  exits with the command's status
 *
 *	--size ROWSxCOLS          at the start
 *	--resize TEXT ROWSxCOLS   when TEXT has come out
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

struct options {
	struct winsize size;
	const char *resize_text;
	struct winsize resize;
};

static void fail(const char *what)
{
	perror(what);
	exit(125);
}

static struct winsize size_parse(const char *text)
{
	struct winsize ws = { 0 };

	if (sscanf(text, "%hux%hu", &ws.ws_row, &ws.ws_col) != 2) {
		fprintf(stderr, "console: \"%s\" is not ROWSxCOLS\n", text);
		exit(125);
	}
	return ws;
}

static char **options_parse(char **args, struct options *opts)
{
	for (; args[0] && strncmp(args[0], "--", 2) == 0; args++) {
		if (strcmp(args[0], "--size") == 0 && args[1]) {
			opts->size = size_parse(*++args);
		} else if (strcmp(args[0], "--resize") == 0 && args[1] && args[2]) {
			opts->resize_text = *++args;
			opts->resize = size_parse(*++args);
		}
	}
	return args;
}

/* Copies one way; returns how much, 0 at the end. A hung-up terminal reads as EIO. */
static ssize_t copy(int from, int to, char *buf, size_t size)
{
	ssize_t n = read(from, buf, size - 1);

	for (ssize_t done = 0; done < n;) {
		ssize_t w = write(to, buf + done, (size_t)(n - done));

		if (w < 0)
			return 0;
		done += w;
	}
	return n < 0 ? 0 : n;
}

/* Keeps the last of what came out, for the search of resize_text across reads. */
static bool seen(const struct options *opts, const char *buf, ssize_t n)
{
	static char tail[8192];
	size_t len = strlen(tail);

	if (!opts->resize_text)
		return false;
	if (len + (size_t)n >= sizeof(tail))
		len = 0;
	memcpy(tail + len, buf, (size_t)n);
	tail[len + (size_t)n] = '\0';
	return strstr(tail, opts->resize_text);
}

static void relay(int master, struct options *opts)
{
	static char buf[4096];
	struct pollfd fds[2] = { { .fd = master, .events = POLLIN }, { .fd = 0, .events = POLLIN } };

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			fail("poll");
		if (fds[0].revents) {
			ssize_t n = copy(master, 1, buf, sizeof(buf));

			if (n == 0)
				return;
			if (seen(opts, buf, n)) {
				opts->resize_text = NULL;
				ioctl(master, TIOCSWINSZ, &opts->resize);
			}
		}
		if (fds[1].revents && copy(0, master, buf, sizeof(buf)) == 0)
			fds[1].fd = -1;
	}
}

/* Takes one connection and one descriptor with it; the message is the terminal's name, as runc sends it. */
static int receive_master(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	char name[4096];
	struct iovec iov = { name, sizeof(name) };
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *cmsg;
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int master;
	int conn;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, 1) < 0)
		fail(path);
	conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (conn < 0 || recvmsg(conn, &msg, MSG_CMSG_CLOEXEC) <= 0)
		fail("recvmsg");
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS) {
		fprintf(stderr, "console: no descriptor came\n");
		exit(125);
	}
	memcpy(&master, CMSG_DATA(cmsg), sizeof(master));
	close(conn);
	close(listener);
	return master;
}

static int do_receive(struct options *opts, char **args)
{
	int master = receive_master(args[0]);

	if (opts->size.ws_row)
		ioctl(master, TIOCSWINSZ, &opts->size);
	relay(master, opts);
	return 0;
}

static int do_run(struct options *opts, char **args)
{
	int master;
	int status = 0;
	pid_t pid = forkpty(&master, NULL, NULL, opts->size.ws_row ? &opts->size : NULL);

	if (pid < 0)
		fail("forkpty");
	if (pid == 0) {
		execvp(args[0], args);
		fail(args[0]);
	}
	fcntl(master, F_SETFD, FD_CLOEXEC);
	relay(master, opts);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	struct options opts = { 0 };
	char **args = argc > 2 ? options_parse(argv + 2, &opts) : NULL;

	if (args && args[0] && strcmp(argv[1], "receive") == 0)
		return do_receive(&opts, args);
	if (args && args[0] && strcmp(argv[1], "run") == 0)
		return do_run(&opts, args);
	fprintf(stderr, "Usage: console receive|run [--size RxC] [--resize TEXT RxC] SOCKET|COMMAND...\n");
	return 2;
}
