/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_PROTO_MUX_H
#define HV_PROTO_MUX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/event.h"
#include "base/macros.h"
#include "proto/message.h"

/*
 * All the streams of a VM on one channel: the same code in the worker and in the agent. Every stream has
 * credit of its own, so that one whose receiver is slow holds up no other, and no end ever stores more than
 * MUX_WINDOW bytes of one.
 */
struct mux;

enum { MUX_WINDOW = 128 << 10 };

struct mux_ops {
	/* MESSAGE_EXIT came in for a process. All its output that was to come before it has come. */
	int (*exited)(void *data, uint32_t process, const char *body, size_t len, struct error *err);
	/* mux_flush(): what the process had written is on its way. */
	int (*flushed)(void *data, uint32_t process, struct error *err);
	/* All that came in for the process so far has been written where it belongs (or its receiver is
	 * gone). */
	int (*idle)(void *data, uint32_t process, struct error *err);
	/* The channel is gone: reason NULL when the peer just closed it. < 0 ends the event loop. */
	int (*closed)(void *data, const struct error *reason, struct error *err);
};

/*
 * Takes fd. hostile: the peer is a guest, and a frame that does not fit a stream's state is an error; else it
 * is ignored (it may have crossed with the end of the stream). Returns 0, or < 0 with *err and fd closed.
 */
int mux_new(struct event_loop *loop, int fd, bool hostile, const struct mux_ops *ops, void *data,
	    struct mux **ret, struct error *err);
struct mux *mux_free(struct mux *m);
static inline void mux_freep(struct mux **m)
{
	mux_free(*m);
}
#define _cleanup_mux_ _cleanup_(mux_freep)

/* Adds a stream that sends what is read from fd, from the moment that the peer grants credit; takes fd. */
void mux_add_source(struct mux *m, uint64_t id, int fd);

/* Adds a stream that writes what comes in to fd; takes fd. Nothing comes in before mux_grant(). */
void mux_add_sink(struct mux *m, uint64_t id, int fd);

/* Grants the sinks of a process their first credit: only when the peer knows the streams. */
void mux_grant(struct mux *m, uint32_t process);

/* Forgets one stream, or all of a process, and closes their fds. Unknown ones are fine. */
void mux_remove(struct mux *m, uint64_t id);
void mux_remove_process(struct mux *m, uint32_t process);

/*
 * Nobody is at our ends of a process's streams any more: their fds are closed, and the peer is told. What it still sends, as its credit
 * allows, is dropped. Returns 0 or < 0.
 */
int mux_abandon_process(struct mux *m, uint32_t process, struct error *err);

/* Calls flushed() once all that is in the process's sources now has been sent; at once when there is nothing.
 */
int mux_flush(struct mux *m, uint32_t process, struct error *err);

/* Whether there is such a stream: one whose end has come, and that is written out, is none. */
bool mux_has(const struct mux *m, uint64_t id);

/* Whether nothing that came in for the process waits to be written. */
bool mux_is_idle(const struct mux *m, uint32_t process);

/* Sends MESSAGE_EXIT, behind all that has been sent so far. */
void mux_send_exit(struct mux *m, uint32_t process, const char *body, size_t len);

/* Whether all that was sent has left. */
bool mux_is_sent(const struct mux *m);

#endif
