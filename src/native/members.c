/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who is in a container that has no cgroup: pid_namespaces(7) is the other thing that its processes cannot leave. /proc is asked for
 * each process's namespace, and ioctl_ns(2) NS_GET_PARENT for those that it lies in. A pid is looked at and signalled through
 * a pidfd that is opened first: one that is another process by then is in another namespace.
 */
#include "native/members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <ocispec/types.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/process.h"
#include "container/container.h"
#include "linux/namespace.h"
#include "linux/procfs.h"
#include "linux/sys.h"
#include "schema/types.h"

enum { NESTING_MAX = 32 }; /* MAX_PID_NS_LEVEL */

static bool makes_pid_namespace(struct container *c)
{
	const struct oci_config *config;
	struct error ignored;

	if (container_config(c, &config, &ignored) < 0)
		return false;
	for (size_t i = 0; config->linux_ && i < config->linux_->n_namespaces; i++) {
		const struct oci_namespace *n = &config->linux_->namespaces[i];

		if (n->type == OCI_NAMESPACE_TYPE_PID)
			return !n->path || !n->path[0];
	}
	return false;
}

/* Whether process pid is in the namespace, or in one below it. One that we may not ask is not of a container of ours. */
static bool is_inside(int procfs_fd, pid_t pid, int ns_fd)
{
	struct error ignored;
	int fd = namespace_open_pid(procfs_fd, pid, CLONE_NEWPID, &ignored);
	bool same = false;

	for (int level = 0; fd >= 0 && level < NESTING_MAX; level++) {
		int parent;

		if (namespace_same(fd, ns_fd, &same) < 0 || same)
			break;
		parent = ioctl(fd, NS_GET_PARENT);
		close(fd);
		fd = parent;
	}
	fd_close(fd);
	return same;
}

typedef int member_fn(pid_t pid, int pidfd, void *arg);

/* Calls f for each member. */
static int visit(int procfs_fd, int ns_fd, member_fn *f, void *arg)
{
	int fd = sys_openat(procfs_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), r = 0;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		fd_close(fd);
		return fd < 0 ? fd : -ENOMEM;
	}
	for (struct dirent *e; r == 0 && (e = readdir(dir));) {
		_cleanup_fd_ int pidfd = -1;
		int pid;

		if (num_parse_int(e->d_name, 1, INT32_MAX, &pid) < 0)
			continue;
		pidfd = process_pidfd_open(pid);
		if (pidfd >= 0 && is_inside(procfs_fd, pid, ns_fd))
			r = f(pid, pidfd, arg);
	}
	closedir(dir);
	return r;
}

static int visit_all(struct container *c, member_fn *f, void *arg, struct error *err)
{
	_cleanup_fd_ int procfs_fd = -1, ns_fd = -1;
	int r;

	if (!makes_pid_namespace(c))
		return error_set(err, EOPNOTSUPP,
				 "the container has neither a cgroup nor a pid namespace of its own: its processes are not known");
	if (!container_process_alive(c))
		return 0;
	procfs_fd = procfs_open(err);
	if (procfs_fd < 0)
		return procfs_fd;
	ns_fd = namespace_open_pid(procfs_fd, (pid_t)c->state->pid, CLONE_NEWPID, err);
	if (ns_fd < 0)
		return ns_fd;
	if (!container_process_alive(c)) /* whose namespace was that? */
		return 0;
	r = visit(procfs_fd, ns_fd, f, arg);
	return r < 0 ? error_errnum(err, r, "read /proc") : 0;
}

struct list {
	pid_t *pids;
	size_t n;
};

static int add(pid_t pid, int pidfd _unused_, void *arg)
{
	struct list *l = arg;

	l->pids = xreallocarray(l->pids, l->n + 1, sizeof(*l->pids));
	l->pids[l->n++] = pid;
	return 0;
}

int members_pids(struct container *c, pid_t **ret, size_t *ret_n, struct error *err)
{
	struct list l = { 0 };
	int r = visit_all(c, add, &l, err);

	if (r < 0) {
		free(l.pids);
		return r;
	}
	*ret = l.pids;
	*ret_n = l.n;
	return 0;
}

static int send_signal(pid_t pid _unused_, int pidfd, void *arg)
{
	int r = process_pidfd_kill(pidfd, *(const int *)arg);

	return r == -ESRCH ? 0 : r;
}

int members_signal(struct container *c, int sig, struct error *err)
{
	return visit_all(c, send_signal, &sig, err);
}
