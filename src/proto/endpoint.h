/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_PROTO_ENDPOINT_H
#define HV_PROTO_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/event.h"

/* The local end of a stream: a pipe, terminal, socket or file from which bytes are read, or to which they are
 * written. */
struct endpoint {
	int fd;
	enum { ENDPOINT_POLLED, ENDPOINT_SOCKET, ENDPOINT_BLOCKING, ENDPOINT_ALWAYS_READY } kind;
	struct event_loop *loop;
	event_fd_fn *fn;
	void *data;
	struct event_source *source;
	uint32_t events; /* watched for now */
};

/*
 * Prepares fd, which is taken in any case. It may be shared with other processes (a shell's terminal): its
 * O_NONBLOCK flag is theirs, so pipes and terminals are opened anew through /proc/self/fd; where that is
 * refused each read or write is made only when poll says that it will not wait. fn is called when
 * endpoint_watch()'s events are there.
 */
void endpoint_init(struct endpoint *e, struct event_loop *loop, int fd, event_fd_fn *fn, void *data);

/* Closes it. May be called from fn, and twice. */
void endpoint_done(struct endpoint *e);

/* Watches for EPOLLIN, EPOLLOUT or nothing (0). Nothing happens on a file that is always ready. Returns 0 or
 * -errno. */
int endpoint_watch(struct endpoint *e, uint32_t events);

/* Whether reads and writes never wait and need no watching (regular files, /dev/null). */
static inline bool endpoint_always_ready(const struct endpoint *e)
{
	return e->kind == ENDPOINT_ALWAYS_READY;
}

/* Like read(2) and write(2) of at most n bytes, but never waiting: the number of bytes, -EAGAIN or another
 * -errno. 0: end of file. */
ssize_t endpoint_read(struct endpoint *e, void *buf, size_t n);
ssize_t endpoint_write(struct endpoint *e, const void *buf, size_t n);

#endif
