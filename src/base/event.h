/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_EVENT_H
#define HV_BASE_EVENT_H

#include <signal.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

/*
 * A small loop on epoll(7). Sources call back one at a time; a callback that returns < 0 ends
 * event_loop_run() with its error. A source may be freed by any callback, its own included, and gets no event
 * after that.
 */
struct event_loop;
struct event_source;

int event_loop_new(struct event_loop **ret, struct error *err);
struct event_loop *event_loop_free(struct event_loop *l); /* frees the sources that are left, too */
static inline void event_loop_freep(struct event_loop **l)
{
	event_loop_free(*l);
}
#define _cleanup_event_loop_ _cleanup_(event_loop_freep)

/* Calls back until event_loop_exit() or an error. Returns what event_loop_exit() was given, or < 0. */
int event_loop_run(struct event_loop *l, struct error *err);

/*
 * Handles what is ready now, waiting at most timeout_ms (-1: for ever) for something to be. Returns 0 or < 0.
 */
int event_loop_once(struct event_loop *l, int timeout_ms, struct error *err);

/* Makes event_loop_run() return r (>= 0) after the present callback. */
void event_loop_exit(struct event_loop *l, int r);

/* events: EPOLLIN, EPOLLOUT ..., as ready. */
typedef int event_fd_fn(void *data, int fd, uint32_t events, struct error *err);
typedef int event_signal_fn(void *data, int sig, pid_t from, struct error *err);
typedef int event_timer_fn(void *data, struct error *err);

/*
 * Watches fd, which stays the caller's and must outlive the source. ret may be NULL. epoll refuses regular
 * files: -EPERM.
 */
int event_add_fd(struct event_loop *l, int fd, uint32_t events, event_fd_fn *fn, void *data,
		 struct event_source **ret, struct error *err);

/* Changes what a watched fd is watched for; 0: nothing but hang-up and error. Returns 0 or -errno. */
int event_source_set_events(struct event_source *s, uint32_t events);

/* Blocks the signals of set and receives them (signalfd(2)); they stay blocked when the source is freed. */
int event_add_signals(struct event_loop *l, const sigset_t *set, event_signal_fn *fn, void *data,
		      struct event_source **ret, struct error *err);

/*
 * Calls back once, usec microseconds from now (CLOCK_MONOTONIC). Not armed with usec 0 until
 * event_timer_set().
 */
int event_add_timer(struct event_loop *l, uint64_t usec, event_timer_fn *fn, void *data,
		    struct event_source **ret, struct error *err);

/* Arms a timer anew; 0 stops it. Returns 0 or -errno. */
int event_timer_set(struct event_source *s, uint64_t usec);

struct event_source *event_source_free(struct event_source *s);

#endif
