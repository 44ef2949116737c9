/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Namespaces as files: what is joined is checked to be of the type that was asked for, before anything is
 * changed. */
#include "linux/namespace.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "linux/procfs.h"
#include "linux/sys.h"

const struct namespace_type namespace_types[] = {
	{ CLONE_NEWUSER, "user", "user" },
	{ CLONE_NEWPID, "pid", "pid" },
	{ CLONE_NEWNET, "network", "net" },
	{ CLONE_NEWIPC, "ipc", "ipc" },
	{ CLONE_NEWUTS, "uts", "uts" },
	{ CLONE_NEWTIME, "time", "time" },
	{ CLONE_NEWCGROUP, "cgroup", "cgroup" },
	{ CLONE_NEWNS, "mount", "mnt" },
	{ 0 },
};

const struct namespace_type *namespace_type(int type)
{
	const struct namespace_type *t = namespace_types;

	while (t->type && t->type != type)
		t++;
	return t;
}

const struct namespace_type *namespace_type_by_name(const char *name)
{
	const struct namespace_type *t = namespace_types;

	while (t->type && !str_eq(t->name, name))
		t++;
	return t;
}

static int check(int fd, const char *path, int type, struct error *err)
{
	int r = sys_ioctl(fd, NS_GET_NSTYPE, 0);

	if (r == type)
		return 0;
	if (r < 0)
		return error_set(err, EINVAL, "\"%s\" is not a namespace", path);
	return error_set(err, EINVAL, "\"%s\" is a %s namespace, not a %s namespace", path,
			 namespace_type(r)->name, namespace_type(type)->name);
}

int namespace_open(const char *path, int type, struct error *err)
{
	/* O_NONBLOCK: the path may lead to a FIFO */
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0);

	if (fd < 0)
		return error_errnum(err, fd, "open \"%s\"", path);
	return check(fd, path, type, err) < 0 ? -EINVAL : TAKE_FD(fd);
}

int namespace_open_pid(int procfs_fd, pid_t pid, int type, struct error *err)
{
	char path[64];
	int fd;

	/* ns/ holds magic links: they are what is wanted here, and /proc is trusted */
	if (pid == 0)
		snprintf(path, sizeof(path), "self/ns/%s", namespace_type(type)->file);
	else
		snprintf(path, sizeof(path), "%d/ns/%s", (int)pid, namespace_type(type)->file);
	fd = sys_openat(procfs_fd, path, O_RDONLY | O_CLOEXEC, 0);
	return fd < 0 ? error_errnum(err, fd, "open /proc/%s", path) : fd;
}

int namespace_same(int a_fd, int b_fd, bool *ret)
{
	struct stat a, b;

	if (fstat(a_fd, &a) < 0 || fstat(b_fd, &b) < 0)
		return -errno;
	*ret = a.st_dev == b.st_dev && a.st_ino == b.st_ino;
	return 0;
}

int namespace_enter_pid(int procfs_fd, int pidns_fd, int *ret_own, struct error *err)
{
	_cleanup_fd_ int own = -1;
	int r;

	*ret_own = -1;
	if (pidns_fd < 0)
		return 0;
	own = namespace_open_pid(procfs_fd, 0, CLONE_NEWPID, err);
	if (own < 0)
		return own;
	r = sys_setns(pidns_fd, CLONE_NEWPID);
	if (r < 0)
		return error_errnum(err, r, "join the pid namespace");
	*ret_own = TAKE_FD(own);
	return 0;
}

struct mounts_call {
	int (*fn)(void *arg, struct error *err);
	void *arg;
	struct error *err;
	int result;
};

static int call_with_mounts(void *data)
{
	struct mounts_call *c = data;
	int r = sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);

	c->result = r < 0 ? error_errnum(c->err, r, "make the mount namespace our own") : c->fn(c->arg, c->err);
	return 0;
}

/* clone(2) as vfork(2) does it, with the fds shared, too: who made a mount can just leave its fd open. */
int namespace_call_with_mounts(int (*fn)(void *arg, struct error *err), void *arg, struct error *err)
{
	enum { STACK = 256 << 10 };
	struct mounts_call c = { .fn = fn, .arg = arg, .err = err, .result = -ECHILD };
	_cleanup_free_ char *stack = xmalloc(STACK);
	int status;
	pid_t pid = clone(call_with_mounts, stack + STACK, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWNS | SIGCHLD, &c);

	if (pid < 0)
		return error_errno(err, "make a mount namespace");
	if (process_wait(pid, &status) < 0 || status != 0)
		return error_set(err, ECHILD, "the process that makes mounts died");
	return c.result;
}

void namespace_leave_pid(int *own)
{
	if (*own >= 0)
		sys_setns(*own, CLONE_NEWPID);
	*own = fd_close(*own);
}
