/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cleaning up after what no state.json tells of: a create that was killed before it could write down its control group,
 * and a state directory that somebody has damaged. The group's path follows from config.json and the id.
 */
#include "runtime/leftover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"
#include "container/container.h"
#include "linux/cgroup/cgroup.h"
#include "runtime/runtime.h"

enum { EMPTY_TIMEOUT_MS = 2000, STALE_SECONDS = 10 };

static int open_group(struct runtime *rt, struct container *c, struct cgroup **ret, struct error *err)
{
	struct cgroup_request request = { .manager = rt->env.cgroup_manager, .id = c->id, .rootless = rt->env.rootless };
	const struct oci_config *config;
	struct error ignored;

	if (container_config(c, &config, &ignored) == 0 && config->linux_)
		request.path = config->linux_->cgroups_path;
	return cgroup_open_left(&request, ret, err);
}

int leftover_group(struct runtime *rt, struct container *c, bool kill, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	const struct cgroup_hierarchy *h;
	int r = open_group(rt, c, &cg, err);

	if (r < 0)
		return r;
	if (kill && cgroup_hierarchies(cg, &h) > 0)
		r = cgroup_signal(cg, SIGKILL, err);
	return r < 0 ? r : cgroup_remove(cg, EMPTY_TIMEOUT_MS, err);
}

int leftover_delete(struct runtime *rt, const char *id, const struct error *why, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	struct error group_err;
	int r = container_open_dir(&rt->env, id, true, &c, err);

	if (r != 0)
		return r == CONTAINER_E_NOT_FOUND ? 0 : r;
	log_warning("container \"%s\" is removed without a state.json to go by (%s)", id, why->msg);
	if (leftover_group(rt, c, true, &group_err) < 0)
		log_warning("container \"%s\": its control group stays: %s", id, group_err.msg);
	return container_remove(&rt->env, c, err);
}

static bool is_stale(int root_dirfd, const char *name)
{
	_cleanup_fd_ int fd = openat(root_dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && st.st_mtime + STALE_SECONDS < time(NULL) &&
	       flock(fd, LOCK_EX | LOCK_NB) == 0;
}

void leftover_sweep(struct runtime *rt)
{
	int fd = rt->env.root_dirfd < 0 ? -1 : openat(rt->env.root_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		fd_close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d));)
		if (str_skip_prefix(e->d_name, CONTAINER_NEW_PREFIX) && is_stale(rt->env.root_dirfd, e->d_name))
			file_remove_tree(rt->env.root_dirfd, e->d_name);
	closedir(d);
}
