/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Finding a virtio-serial port by its name. A port's device node says only vport0p1; its name is told by the
 * host in a control message after the node is there, and a further one says that the host's end is connected
 * (Virtio 1.2, 5.3.6). The kernel announces the first by a uevent (netlink(7), NETLINK_KOBJECT_UEVENT) and
 * the second by a wake-up of the port's poll queue; until the second, a read would return an end of file.
 * Both are waited for as events: the socket is there before the first look at sysfs, and the poll queue is
 * watched edge-triggered, since POLLHUP would end every level-triggered wait at once.
 */
#include "agent/boot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

#define PORTS_DIR "/sys/class/virtio-ports"

enum { PORT_NAME_MAX = 64, UEVENT_MAX = 8192 };

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int open_uevents(struct error *err)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = 1};
	_cleanup_fd_ int sock =
		socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) < 0)
		return error_errno(err, "uevent socket");
	return TAKE_FD(sock);
}

static bool port_has_name(int dirfd, const char *device, const char *name)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_fd_ int fd = -1;
	char path[NAME_MAX + 8];
	size_t len;

	snprintf(path, sizeof(path), "%s/name", device);
	fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fd_read_file(fd, PORT_NAME_MAX, &text, &len) < 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, name);
}

/* Opens the port that has the name by now. Returns the fd, -EAGAIN while there is none, or another -errno. */
static int open_named(const char *name)
{
	DIR *dir = opendir(PORTS_DIR);
	int fd = -EAGAIN;

	if (!dir)
		return errno == ENOENT ? -EAGAIN : -errno;
	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		char path[NAME_MAX + 8];

		if (e->d_name[0] == '.' || !port_has_name(dirfd(dir), e->d_name, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", e->d_name);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
		break;
	}
	closedir(dir);
	return fd;
}

static int wait_uevent(int sock, long deadline)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	char buf[UEVENT_MAX];
	long left = deadline - now_ms();
	int r = poll(&p, 1, left > 0 ? (int)left : 0);

	if (r == 0)
		return -ETIMEDOUT;
	if (r < 0 && errno != EINTR)
		return -errno;
	while (recv(sock, buf, sizeof(buf), 0) > 0)
		; /* what it says does not matter: sysfs is looked at again */
	return 0;
}

static int wait_connected(int fd, long deadline)
{
	_cleanup_fd_ int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		return -errno;
	for (;;) {
		long left = deadline - now_ms();
		int r = epoll_wait(ep, &ev, 1, left > 0 ? (int)left : 0);

		if (r == 0)
			return -ETIMEDOUT;
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && !(ev.events & EPOLLHUP))
			return 0;
	}
}

int boot_open_port(const char *name, int timeout_ms, struct error *err)
{
	_cleanup_fd_ int sock = open_uevents(err);
	_cleanup_fd_ int fd = -1;
	long deadline = now_ms() + timeout_ms;
	int r = 0;

	if (sock < 0)
		return sock;
	while (r == 0 && (fd = open_named(name)) == -EAGAIN)
		r = wait_uevent(sock, deadline);
	if (r == 0)
		r = fd < 0 ? fd : wait_connected(fd, deadline);
	if (r < 0)
		return error_errnum(err, r, "virtio-serial port %s", name);
	return TAKE_FD(fd);
}
