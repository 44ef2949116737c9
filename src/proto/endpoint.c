/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading and writing what a container's stdio is connected to, without ever waiting and without changing it
 * for the others that hold it: O_NONBLOCK belongs to the open file description (open(2)), and a shell whose
 * terminal becomes non-blocking breaks. epoll(7) refuses regular files and the like with EPERM: those are
 * always ready.
 *
 * An endpoint is in the epoll set only while it is wanted: a level-triggered hang-up cannot be masked out,
 * and a stream that waits for credit must not spin on it.
 */
#include "proto/endpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

/* Opened anew, the master of a terminal is the master of another one. */
static bool is_terminal(int fd)
{
	unsigned number;

	return isatty(fd) && ioctl(fd, TIOCGPTN, &number) < 0;
}

/*
 * A description of our own for a pipe or terminal; -1 when it cannot be had. The access mode stays: a FIFO
 * that is open for both never ends, because its reader is a writer, too.
 */
static int reopen(int fd, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, (flags & O_ACCMODE) | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void endpoint_init(struct endpoint *e, struct event_loop *loop, int fd, event_fd_fn *fn, void *data)
{
	int flags = fcntl(fd, F_GETFL), own;
	struct stat st = { 0 };

	*e = (struct endpoint){
		.fd = fd, .loop = loop, .fn = fn, .data = data, .kind = ENDPOINT_ALWAYS_READY
	};
	fstat(fd, &st);
	if (S_ISSOCK(st.st_mode)) {
		e->kind = ENDPOINT_SOCKET;
	} else if (flags >= 0 && flags & O_NONBLOCK) {
		e->kind = ENDPOINT_POLLED;
	} else if (S_ISFIFO(st.st_mode) || isatty(fd)) {
		own = flags < 0 || !(S_ISFIFO(st.st_mode) || is_terminal(fd)) ? -1 : reopen(fd, flags);
		e->kind = own < 0 ? ENDPOINT_BLOCKING : ENDPOINT_POLLED;
		if (own >= 0) {
			fd_close(fd);
			e->fd = own;
		}
	}
}

void endpoint_done(struct endpoint *e)
{
	e->source = event_source_free(e->source);
	e->fd = fd_close(e->fd);
}

int endpoint_watch(struct endpoint *e, uint32_t events)
{
	struct error err;
	int r = 0;

	if (events == e->events || e->kind == ENDPOINT_ALWAYS_READY || e->fd < 0)
		return 0;
	if (events == 0)
		e->source = event_source_free(e->source);
	else if (e->source)
		r = event_source_set_events(e->source, events);
	else
		r = event_add_fd(e->loop, e->fd, events, e->fn, e->data, &e->source, &err);
	if (r == -EPERM) {
		e->kind = ENDPOINT_ALWAYS_READY;
		return r;
	}
	e->events = events;
	return r;
}

static bool would_wait(const struct endpoint *e, short events)
{
	struct pollfd p = { .fd = e->fd, .events = events };

	return e->kind == ENDPOINT_BLOCKING && poll(&p, 1, 0) == 0;
}

ssize_t endpoint_read(struct endpoint *e, void *buf, size_t n)
{
	ssize_t r;

	if (would_wait(e, POLLIN))
		return -EAGAIN;
	do
		r = e->kind == ENDPOINT_SOCKET ? recv(e->fd, buf, n, MSG_DONTWAIT) : read(e->fd, buf, n);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

ssize_t endpoint_write(struct endpoint *e, const void *buf, size_t n)
{
	ssize_t r;

	if (would_wait(e, POLLOUT))
		return -EAGAIN;
	if (e->kind == ENDPOINT_BLOCKING)
		n = MIN(n, (size_t)PIPE_BUF); /* a pipe that is ready takes that much at once, pipe(7) */
	do
		r = e->kind == ENDPOINT_SOCKET ? send(e->fd, buf, n, MSG_DONTWAIT | MSG_NOSIGNAL)
					       : write(e->fd, buf, n);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}
