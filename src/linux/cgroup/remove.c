/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Takes a group away: waits until it is empty (v2 says so by an event, v1 by the exit of its processes), then
 * removes the directories that we made, with the groups that the container made inside. What others made
 * stays. cgroups(7), "Removing cgroups".
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "linux/cgroup/internal.h"
#include "linux/cgroup/manager-systemd.h"

static int remove_dir(const char *dir)
{
	return rmdir(dir) < 0 && errno != ENOENT ? -errno : 0;
}

/*
 * The directory, then as many of those above it, n in all, as we made; one that is in use by others stays and is theirs. On failure dir
 * is what it was.
 */
static int remove_dirs(char *dir, unsigned n)
{
	int r = remove_dir(dir);

	for (unsigned i = 1; r == 0 && i < n && strrchr(dir, '/') != dir; i++) {
		*strrchr(dir, '/') = '\0';
		if (remove_dir(dir) < 0)
			break;
	}
	return r;
}

static int remove_below(int parent_fd, const char *name, void *arg _unused_)
{
	return unlinkat(parent_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

/* With all that is below it. */
static int remove_hierarchy(struct cgroup_hierarchy *h)
{
	_cleanup_free_ char *dir = xstrdup(h->dir);
	int r;

	if (h->made == 0)
		return 0;
	r = remove_dirs(dir, h->made);
	if (r != -EBUSY || h->dirfd < 0) /* the usual group has none inside, and is not looked through */
		return r;
	r = cgroup_walk(h->dirfd, remove_below, NULL);
	return r == 0 || r == -ENOENT || r == -ENODEV ? remove_dirs(dir, h->made) : r;
}

/* Removes the usual group of "controllers:made:dir": one of ours without anything in it. */
static int remove_string(const char *s)
{
	const char *made = strchr(s, ':'), *dir = made ? strchr(made + 1, ':') : NULL;
	_cleanup_free_ char *path = dir ? xstrdup(dir + 1) : NULL;
	unsigned n = made ? (unsigned)strtoul(made + 1, NULL, 10) : 0;

	if (!path || path[0] != '/' || n == 0 || strncmp(s, "unit=", 5) == 0)
		return -EBUSY;
	return remove_dirs(path, n);
}

bool cgroup_strings_remove_empty(char *const *v, size_t n)
{
	/* v2's is the last in /proc/PID/cgroup, and the one that tells of a container's own sub-groups */
	while (n > 0 && remove_string(v[n - 1]) == 0)
		n--;
	return n == 0;
}

int cgroup_remove_made(struct cgroup *cg, const char **ret_dir)
{
	int result = cg->leaf.dir ? remove_hierarchy(&cg->leaf) : 0;

	if (result < 0 && ret_dir)
		*ret_dir = cg->leaf.dir;
	if (result == 0)
		cg->leaf.made = 0;

	for (size_t i = 0; i < cg->n; i++) {
		int r = remove_hierarchy(&cg->h[i]);

		if (r < 0) {
			result = r;
			if (ret_dir)
				*ret_dir = cg->h[i].dir;
		} else {
			cg->h[i].made = 0;
		}
	}
	return result;
}

/* v1: one of the processes that are still there; its exit is the next moment at which it is worth trying
 * again. */
static void wait_for_a_process(const struct cgroup *cg, int timeout_ms)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;
	int fd = -1;

	if (cgroup_pids(cg, &pids, &n, NULL) >= 0 && n > 0)
		fd = process_pidfd_open(pids[0]);
	if (fd >= 0)
		process_pidfd_wait(fd, timeout_ms);
	else
		poll(NULL, 0, 1); /* exited, but not out of the group yet: no event tells when */
	fd_close(fd);
}

static int still_used(const struct cgroup *cg, const char *dir, struct error *err)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n = 0;

	if (cgroup_pids(cg, &pids, &n, NULL) >= 0 && n > 0)
		return error_set(err, EBUSY,
				 "cannot remove cgroup %s: %zu processes are still in it (%d ...)", dir, n,
				 (int)pids[0]);
	return error_set(err, EBUSY, "cannot remove cgroup %s: Device or resource busy", dir);
}

/* systemd would end what is left in a unit in its own way and time: it is asked when nothing is. */
static int remove_unit(struct cgroup *cg, int timeout_ms, struct error *err)
{
	const struct cgroup_hierarchy *h = cgroup_v2(cg);

	systemd_unit_release(cg);
	if (cg->unit.made && h && h->dirfd >= 0 && cgroup_wait_event(h->dirfd, "populated", 0, timeout_ms) == -ETIMEDOUT)
		return still_used(cg, h->dir, err);
	return systemd_unit_stop(cg, err);
}

int cgroup_remove(struct cgroup *cg, int timeout_ms, struct error *err)
{
	const struct cgroup_hierarchy *v2 = cgroup_v2(cg);
	int64_t deadline = cgroup_now_ms() + timeout_ms;

	if (cg->unit.name) {
		int r = remove_unit(cg, timeout_ms, err);

		if (r < 0)
			return r;
	}
	for (;;) {
		const char *dir = NULL;
		int r = cgroup_remove_made(cg, &dir);
		int64_t left = deadline - cgroup_now_ms();

		if (r >= 0)
			return 0;
		if (r != -EBUSY)
			return error_errnum(err, r, "cannot remove cgroup %s", dir);
		if (left <= 0)
			return still_used(cg, dir, err);
		if (!v2 || v2->dirfd < 0 || cgroup_wait_event(v2->dirfd, "populated", 0, (int)left) != 0)
			wait_for_a_process(cg, (int)left);
		else if (v2->made == 0) /* v2 is empty and gone, another hierarchy lags behind */
			poll(NULL, 0, 1);
	}
}
