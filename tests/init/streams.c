/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Standard streams and the terminal: copying, writing to each of the two outputs, and what the terminal says about
 * itself before and after a resize.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "init.h"

static int run_cat(char **args)
{
	static char buf[65536];
	ssize_t n;

	(void)args;
	while ((n = read(0, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || write_all(1, buf, (unsigned long)n) < 0)
			return 1;
	}
	return 0;
}

static int run_echo_both(char **args)
{
	printf("%s\n", args[0] ? args[0] : "out");
	fflush(stdout);
	fprintf(stderr, "%s\n", args[0] && args[1] ? args[1] : "err");
	return 0;
}

/* N bytes of a pattern whose every 16-byte line differs: a lost or doubled block shows. */
static int run_flood(char **args)
{
	long lines = atol(args[0] ? args[0] : "16") / 16;

	for (long i = 0; i < lines; i++)
		printf("%015ld\n", i);
	return 0;
}

/* How a read of stdin ends: "stdin: eof", "stdin: N bytes" or the error's name. */
static int run_stdin(char **args)
{
	char buf[4096];
	ssize_t n = read(0, buf, sizeof(buf));

	(void)args;
	if (n < 0)
		return report("stdin", "", -1);
	if (n == 0)
		puts("stdin: eof");
	else
		printf("stdin: %zd bytes\n", n);
	return 0;
}

static int run_isatty(char **args)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);

	(void)args;
	printf("isatty: %d %d %d\n", isatty(0), isatty(1), isatty(2));
	printf("ttyname: %s\n", isatty(0) && ttyname(0) ? ttyname(0) : "none");
	printf("controlling: %s\n", tty >= 0 && tcgetpgrp(tty) == getpgrp() ? "yes" : "no");
	if (tty >= 0)
		close(tty);
	return 0;
}

/* What it is now goes to ret, too: asked for again it may be another. */
static void print_size(struct winsize *ret)
{
	*ret = (struct winsize){ 0 };
	if (ioctl(0, TIOCGWINSZ, ret) < 0)
		report("ttysize", "", -1);
	else
		printf("ttysize: %u %u\n", ret->ws_row, ret->ws_col);
	fflush(stdout);
}

static int run_size(char **args)
{
	struct winsize ws;

	(void)args;
	print_size(&ws);
	return 0;
}

/* Prints the size now and at each SIGWINCH, until it is the wanted one (ROWSxCOLS). */
static void wait_size(const sigset_t *winch, const char *want)
{
	struct winsize ws;
	char size[32];

	for (;;) {
		print_size(&ws);
		snprintf(size, sizeof(size), "%ux%u", ws.ws_row, ws.ws_col);
		if (strcmp(size, want) == 0)
			return;
		while (sigwaitinfo(winch, NULL) < 0)
			continue;
	}
}

/*
 * Waits until the size is FROM, says "ready: resize", and waits until it is TO. What a manager sets on a terminal that it has just been
 * given comes when it comes, and two changes may be one signal.
 */
static int run_resize(char **args)
{
	sigset_t winch;

	if (!args[0] || !args[1])
		return 2;
	sigemptyset(&winch);
	sigaddset(&winch, SIGWINCH);
	sigprocmask(SIG_BLOCK, &winch, NULL);
	wait_size(&winch, args[0]);
	puts("ready: resize");
	fflush(stdout);
	wait_size(&winch, args[1]);
	return 0;
}

/* sd_notify(3): each argument is a datagram to $NOTIFY_SOCKET, "\\n" in it a new line. */
static int run_notify(char **args)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	snprintf(to.sun_path, sizeof(to.sun_path), "%s", path ? path : "");
	for (; *args; args++) {
		char text[1024];
		size_t n = 0;

		for (const char *p = *args; *p && n < sizeof(text); p++) {
			bool newline = p[0] == '\\' && p[1] == 'n';

			text[n++] = newline ? '\n' : *p;
			p += newline;
		}
		printf("notify: %s\n", sendto(fd, text, n, 0, (struct sockaddr *)&to, sizeof(to)) == (ssize_t)n ? "ok" : strerror(errno));
	}
	fflush(stdout);
	return 0;
}

const struct applet stream_applets[] = {
	{ "cat", run_cat, "stdin to stdout" },
	{ "echo-both", run_echo_both, "[OUT [ERR]]: a line to stdout and one to stderr" },
	{ "flood", run_flood, "N: N bytes to stdout" },
	{ "stdin", run_stdin, "how one read of stdin ends" },
	{ "isatty", run_isatty, "which of 0, 1, 2 is a terminal, its name, whether it is the controlling one" },
	{ "ttysize", run_size, "rows and columns" },
	{ "notify", run_notify, "TEXT...: datagrams to $NOTIFY_SOCKET" },
	{ "resize", run_resize, "FROM TO: the sizes (ROWSxCOLS) until TO, and \"ready: resize\" when it is FROM" },
	{ 0 },
};
