/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waiting for the OOM killer. What is counted is the group's oom_kill (memory.events in v2; memory.oom_control in
 * v1, Linux 4.13): the caller brings the number that it has seen, so that no kill between two calls is
 * missed. What is waited on is what the kernel wakes: a change of memory.events (cgroup-v2.rst), or an
 * eventfd that is registered at memory.oom_control (cgroup-v1/memory.rst, section 10).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/num.h"
#include "linux/cgroup/internal.h"

enum { V1_KILL_MS = 200 }; /* from v1's notification, which comes before the kill, to the count, which comes after */

/* Where the events of one group come from. */
struct watch {
	const struct cgroup_hierarchy *h;
	const char *file;
	bool v2;
	int fd;
	short events;
};

static int watch_v1(struct watch *w, const struct cgroup_hierarchy *h)
{
	_cleanup_fd_ int control = openat(h->dirfd, "memory.oom_control", O_RDONLY | O_CLOEXEC);
	char text[32];
	int r;

	if (control < 0)
		return -errno;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0)
		return -errno;
	snprintf(text, sizeof(text), "%d %d", w->fd, control);
	r = file_write_str(h->dirfd, "cgroup.event_control", text);
	w->file = "memory.oom_control";
	w->events = POLLIN;
	return r;
}

static int watch_v2(struct watch *w, const struct cgroup_hierarchy *h)
{
	w->v2 = true;
	w->file = "memory.events";
	w->events = POLLPRI;
	w->fd = openat(h->dirfd, w->file, O_RDONLY | O_CLOEXEC);
	return w->fd < 0 ? -errno : 0;
}

static int watch_group(const struct cgroup *cg, struct watch *w, struct error *err)
{
	const struct cgroup_hierarchy *v1 = cgroup_find(cg, CGROUP_V1, "memory"), *v2 = cgroup_v2(cg);
	int r;

	w->h = v1 ? v1 : v2;
	if (!w->h)
		return error_set(err, EOPNOTSUPP,
				 "the container has no memory cgroup: OOM kills are not told apart");
	r = v1 ? watch_v1(w, v1) : watch_v2(w, v2);
	return r < 0 ? error_errnum(err, r, "cannot watch %s for OOM kills", w->h->dir) : 0;
}

/* Reading the watched file itself is what arms poll(2) for its next change. */
static int read_count(const struct watch *w, uint64_t *ret)
{
	char text[512], *at;
	ssize_t n;

	if (!w->v2)
		return cgroup_read_key(w->h->dirfd, w->file, "oom_kill", ret);
	n = pread(w->fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	at = strstr(text, "\noom_kill ");
	return at && num_scan_u64(at + strlen("\noom_kill "), ret) ? 0 : -ENOENT;
}

static bool is_gone(int r)
{
	return r == -ENODEV || r == -ENOENT || r == -EBADF;
}

/* v1 has told of an OOM, the kill follows, unless it is forbidden (disableOOMKiller): that is an OOM all the same. */
static int settle_v1(const struct watch *w, uint64_t *count)
{
	int64_t deadline = cgroup_now_ms() + V1_KILL_MS;
	uint64_t events, now = *count;

	if (read(w->fd, &events, sizeof(events)) < 0)
		return CGROUP_OOM_TIMEOUT;
	while (read_count(w, &now) == 0 && now == *count && cgroup_now_ms() < deadline)
		poll(NULL, 0, 1);
	*count = now;
	return CGROUP_OOM_KILLED;
}

static int wait_change(const struct watch *w, int pidfd, uint64_t *count, int64_t deadline)
{
	for (;;) {
		struct pollfd p[] = { { .fd = w->fd, .events = w->events },
				      { .fd = pidfd, .events = POLLIN } };
		int64_t left = deadline < 0 ? -1 : deadline - cgroup_now_ms();
		uint64_t now;
		int r = read_count(w, &now);

		if (is_gone(r))
			return CGROUP_OOM_ENDED;
		if (r < 0)
			return r;
		if (now != *count) {
			*count = now;
			return CGROUP_OOM_KILLED;
		}
		if (deadline >= 0 && left <= 0)
			return CGROUP_OOM_TIMEOUT;
		r = poll(p, ARRAY_SIZE(p), (int)left);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r > 0 && p[1].revents) /* it may have been the one that was killed */
			return read_count(w, &now) == 0 && now != *count ? (*count = now, CGROUP_OOM_KILLED)
									 : CGROUP_OOM_ENDED;
		if (r > 0 && p[0].revents && !w->v2 && settle_v1(w, count) == CGROUP_OOM_KILLED)
			return CGROUP_OOM_KILLED;
	}
}

int cgroup_oom_count(const struct cgroup *cg, uint64_t *ret, struct error *err)
{
	struct cgroup_stats stats;
	int r = cgroup_stats(cg, &stats, err);

	if (r == 0)
		*ret = stats.oom_kills == CGROUP_STAT_NONE ? 0 : stats.oom_kills;
	return r;
}

int cgroup_wait_oom(const struct cgroup *cg, int pidfd, uint64_t *count, int timeout_ms, struct error *err)
{
	int64_t deadline = timeout_ms < 0 ? -1 : cgroup_now_ms() + timeout_ms;
	struct watch w = { .fd = -1 };
	int r = watch_group(cg, &w, err);

	if (r < 0) {
		fd_close(w.fd);
		return r;
	}
	r = wait_change(&w, pidfd, count, deadline);
	fd_close(w.fd);
	return r < 0 ? error_errnum(err, r, "cannot wait for OOM kills in %s", w.h->dir) : r;
}
