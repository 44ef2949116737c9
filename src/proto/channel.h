/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_PROTO_CHANNEL_H
#define HV_PROTO_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/event.h"
#include "base/macros.h"
#include "proto/frame.h"

/* One end of a stream of frames on an event loop: a virtio-serial port or a unix socket, never blocking. */
struct channel;

struct channel_ops {
	/* A frame came in; its body is valid until the return. < 0 with *err: the peer is broken, closed()
	 * follows with that. */
	int (*frame)(void *data, struct channel *c, const struct frame *f, struct error *err);
	/*
	 * The last call: the peer hung up (reason NULL), or broke the protocol. May free the channel, as
	 * frame() may. < 0 ends the event loop with *err.
	 */
	int (*closed)(void *data, struct channel *c, const struct error *reason, struct error *err);
	/* channel_full() was true and is no longer. May be NULL. */
	int (*drained)(void *data, struct channel *c, struct error *err);
};

enum { CHANNEL_FDS_MAX = 8 }; /* descriptors in flight on one channel */

/*
 * Takes fd and makes it non-blocking. max_len: the longest body that the peer may send. data is handed to the
 * callbacks. Returns 0, or < 0 with *err and fd closed.
 */
int channel_new(struct event_loop *loop, int fd, uint32_t max_len, const struct channel_ops *ops, void *data,
		struct channel **ret, struct error *err);
struct channel *channel_free(struct channel *c);
static inline void channel_freep(struct channel **c)
{
	channel_free(*c);
}
#define _cleanup_channel_ _cleanup_(channel_freep)

/* Queues a frame; it leaves as the peer takes it. What cannot be delivered any more is dropped: closed()
 * tells. */
void channel_send(struct channel *c, uint16_t type, uint16_t flags, uint64_t id, const void *body,
		  size_t len);
void channel_send_error(struct channel *c, uint16_t type, uint64_t id, const struct error *e);

/* Whether so much is queued that whoever produces data should wait for drained(). */
bool channel_full(const struct channel *c);

/* Whether everything has left. */
bool channel_idle(const struct channel *c);

/*
 * The descriptors that came with the present frame (SCM_RIGHTS), at most max; they are the caller's. What a
 * frame's callback does not take is closed. Returns how many.
 */
size_t channel_take_fds(struct channel *c, int *fds, size_t max);

/* The channel's own descriptor, for getsockopt(2). */
int channel_fd(const struct channel *c);

#endif
