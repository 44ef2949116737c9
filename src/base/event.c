/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event loop of the worker, the agent and the foreground `run`. One epoll fd; a source is one fd in it,
 * with one trampoline per kind. Sources freed while events are being handled are kept, dead, until the batch
 * is done: a later event of the same batch may still point to them.
 */
#include "base/event.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

struct event_source {
	struct event_loop *loop;
	struct event_source *prev, *next;
	int fd;
	bool owns_fd, dead;
	int (*dispatch)(struct event_source *s, uint32_t events, struct error *err);
	union {
		event_fd_fn *fd_fn;
		event_signal_fn *signal_fn;
		event_timer_fn *timer_fn;
	};
	void *data;
};

struct event_loop {
	int epoll_fd;
	bool dispatching, exiting;
	int exit_value;
	struct event_source *live, *dead;
};

int event_loop_new(struct event_loop **ret, struct error *err)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return error_errno(err, "epoll_create1");
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->epoll_fd = fd;
	return 0;
}

static void list_add(struct event_source **head, struct event_source *s)
{
	s->prev = NULL;
	s->next = *head;
	if (*head)
		(*head)->prev = s;
	*head = s;
}

static void list_remove(struct event_source **head, struct event_source *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		*head = s->next;
	if (s->next)
		s->next->prev = s->prev;
}

static void bury(struct event_loop *l)
{
	while (l->dead) {
		struct event_source *s = l->dead;

		list_remove(&l->dead, s);
		free(s);
	}
}

struct event_loop *event_loop_free(struct event_loop *l)
{
	if (!l)
		return NULL;
	while (l->live)
		event_source_free(l->live);
	bury(l);
	fd_close(l->epoll_fd);
	free(l);
	return NULL;
}

struct event_source *event_source_free(struct event_source *s)
{
	struct event_loop *l;

	if (!s || s->dead)
		return NULL;
	l = s->loop;
	epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, s->fd, NULL);
	if (s->owns_fd)
		fd_close(s->fd);
	s->dead = true;
	list_remove(&l->live, s);
	list_add(&l->dead, s);
	if (!l->dispatching)
		bury(l);
	return NULL;
}

int event_loop_once(struct event_loop *l, int timeout_ms, struct error *err)
{
	struct epoll_event events[16];
	int n, r = 0;

	n = epoll_wait(l->epoll_fd, events, ARRAY_SIZE(events), timeout_ms);
	if (n < 0)
		return errno == EINTR ? 0 : error_errno(err, "epoll_wait");
	l->dispatching = true;
	for (int i = 0; i < n && r >= 0 && !l->exiting; i++) {
		struct event_source *s = events[i].data.ptr;

		if (!s->dead)
			r = s->dispatch(s, events[i].events, err);
	}
	l->dispatching = false;
	bury(l);
	return r < 0 ? r : 0;
}

int event_loop_run(struct event_loop *l, struct error *err)
{
	l->exiting = false;
	while (!l->exiting) {
		int r = event_loop_once(l, -1, err);

		if (r < 0)
			return r;
	}
	return l->exit_value;
}

void event_loop_exit(struct event_loop *l, int r)
{
	l->exiting = true;
	l->exit_value = r;
}

static int dispatch_fd(struct event_source *s, uint32_t events, struct error *err)
{
	return s->fd_fn(s->data, s->fd, events, err);
}

static int dispatch_signal(struct event_source *s, _unused_ uint32_t events, struct error *err)
{
	struct signalfd_siginfo si;
	ssize_t n = read(s->fd, &si, sizeof(si));

	if (n != (ssize_t)sizeof(si))
		return 0;
	return s->signal_fn(s->data, (int)si.ssi_signo, (pid_t)si.ssi_pid, err);
}

static int dispatch_timer(struct event_source *s, _unused_ uint32_t events, struct error *err)
{
	uint64_t expirations;

	if (read(s->fd, &expirations, sizeof(expirations)) < 0) /* re-armed since */
		return 0;
	return s->timer_fn(s->data, err);
}

/* Takes s; on failure frees it, and its fd when it owns it. */
static int source_add(struct event_loop *l, struct event_source *s, uint32_t events,
		      struct event_source **ret, struct error *err)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, s->fd, &e) < 0) {
		int r = error_errno(err, "epoll_ctl: add fd %d", s->fd);

		if (s->owns_fd)
			fd_close(s->fd);
		free(s);
		return r;
	}
	s->loop = l;
	list_add(&l->live, s);
	if (ret)
		*ret = s;
	return 0;
}

static struct event_source *source_new(int fd, bool owns_fd, void *data)
{
	struct event_source *s = xcalloc(1, sizeof(*s));

	s->fd = fd;
	s->owns_fd = owns_fd;
	s->data = data;
	return s;
}

int event_add_fd(struct event_loop *l, int fd, uint32_t events, event_fd_fn *fn, void *data,
		 struct event_source **ret, struct error *err)
{
	struct event_source *s = source_new(fd, false, data);

	s->dispatch = dispatch_fd;
	s->fd_fn = fn;
	return source_add(l, s, events, ret, err);
}

int event_source_set_events(struct event_source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };

	return epoll_ctl(s->loop->epoll_fd, EPOLL_CTL_MOD, s->fd, &e) < 0 ? -errno : 0;
}

int event_add_signals(struct event_loop *l, const sigset_t *set, event_signal_fn *fn, void *data,
		      struct event_source **ret, struct error *err)
{
	struct event_source *s;
	int fd;

	if (sigprocmask(SIG_BLOCK, set, NULL) < 0)
		return error_errno(err, "sigprocmask");
	fd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return error_errno(err, "signalfd");
	s = source_new(fd, true, data);
	s->dispatch = dispatch_signal;
	s->signal_fn = fn;
	return source_add(l, s, EPOLLIN, ret, err);
}

static int timer_arm(int fd, uint64_t usec)
{
	struct itimerspec t = { .it_value = { .tv_sec = (time_t)(usec / 1000000),
					      .tv_nsec = (long)(usec % 1000000) * 1000 } };

	return timerfd_settime(fd, 0, &t, NULL) < 0 ? -errno : 0;
}

int event_add_timer(struct event_loop *l, uint64_t usec, event_timer_fn *fn, void *data,
		    struct event_source **ret, struct error *err)
{
	struct event_source *s;
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), r;

	if (fd < 0)
		return error_errno(err, "timerfd_create");
	r = timer_arm(fd, usec);
	if (r < 0) {
		fd_close(fd);
		return error_errnum(err, r, "timerfd_settime");
	}
	s = source_new(fd, true, data);
	s->dispatch = dispatch_timer;
	s->timer_fn = fn;
	return source_add(l, s, EPOLLIN, ret, err);
}

int event_timer_set(struct event_source *s, uint64_t usec)
{
	return timer_arm(s->fd, usec);
}
