/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A seccomp agent, seccomp_unotify(2), for the tests: "agent SOCKET DIR". Each connection's message becomes
 * DIR/state.N, the number of descriptors that came with it DIR/fds.N. Notified calls are allowed to go on,
 * but mkdir and mkdirat, which fail with ENOMEDIUM, as no kernel would say. Says "listening" when it is.
 */
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(125);
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strncpy(addr.sun_path, path, sizeof(addr.sun_path) - 1);
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	if (bind(fd, (struct sockaddr *)&addr,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))) < 0 ||
	    listen(fd, 8) < 0)
		fail(path);
	return fd;
}

/* One message, to its end. Returns the first descriptor that came with it. */
static int receive(int conn, char *buf, size_t size, int *ret_n)
{
	char control[CMSG_SPACE(8 * sizeof(int))];
	size_t len = 0;
	int first = -1;
	ssize_t n;

	do {
		struct iovec iov = { buf + len, size - 1 - len };
		struct msghdr msg = { .msg_iov = &iov,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };

		n = recvmsg(conn, &msg, MSG_CMSG_CLOEXEC);
		for (struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL; c; c = CMSG_NXTHDR(&msg, c)) {
			*ret_n += (int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
			if (first < 0)
				memcpy(&first, CMSG_DATA(c), sizeof(first));
		}
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	buf[len] = '\0';
	return first;
}

static void save(const char *dir, const char *name, int number, const char *text)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.%d", dir, name, number);
	f = fopen(path, "w");
	if (!f || fputs(text, f) == EOF || fclose(f) == EOF)
		fail(path);
}

static void serve(int fd)
{
	for (;;) {
		struct seccomp_notif req;
		struct seccomp_notif_resp resp;
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (poll(&p, 1, -1) < 0 || !(p.revents & POLLIN))
			return; /* nobody is left under the filter */
		memset(&req, 0, sizeof(req));
		memset(&resp, 0, sizeof(resp));
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			return;
		}
		resp.id = req.id;
		if (req.data.nr == SYS_mkdir || req.data.nr == SYS_mkdirat)
			resp.error = -ENOMEDIUM;
		else
			resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &resp);
	}
}

int main(int argc, char **argv)
{
	static char message[65536];
	int fd;

	if (argc != 3)
		return 125;
	signal(SIGCHLD, SIG_IGN);
	fd = listen_at(argv[1]);
	puts("listening");
	fflush(stdout);
	for (int number = 1;; number++) {
		int n = 0, conn = accept(fd, NULL, NULL), listener;
		char count[16];

		if (conn < 0)
			fail("accept");
		listener = receive(conn, message, sizeof(message), &n);
		close(conn);
		snprintf(count, sizeof(count), "%d\n", n);
		save(argv[2], "fds", number, count);
		save(argv[2], "state", number, message);
		if (listener >= 0 && fork() == 0) {
			close(fd);
			alarm(120);
			serve(listener);
			_exit(0);
		}
		close(listener);
	}
}
