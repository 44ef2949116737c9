/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * /dev of the container: config-linux.md "Default Devices", "Devices", "/dev symbolic links". Nodes and links
 * are made relative to the fd of the directory they belong in, found below the root; /dev itself may not be a
 * symlink (CVE-2026-41579). Where nodes may not be made, in a user namespace, the host's are bound.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fd.h"
#include "linux/mount.h"
#include "linux/safe_open.h"
#include "linux/sys.h"
#include "native/plan.h"
#include "native/rootfs.h"

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" },       { "stdin", "/proc/self/fd/0" }, { "stdout", "/proc/self/fd/1" },
	{ "stderr", "/proc/self/fd/2" }, { "core", "/proc/kcore" },
};

/* What is there already must be the device asked for. */
static int check_existing(int dirfd, const char *name, const struct plan_device *d, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "stat");
	if ((st.st_mode & S_IFMT) != (d->mode & S_IFMT))
		return error_set(err, EEXIST, "exists in the root file system as something else");
	if (!S_ISFIFO(st.st_mode) && st.st_rdev != makedev(d->major, d->minor))
		return error_set(err, EEXIST,
				 "exists in the root file system with the number %u:%u, not %u:%u",
				 major(st.st_rdev), minor(st.st_rdev), d->major, d->minor);
	return 0;
}

/* The host's node of the same path, bound over an empty file. */
static int bind_device(int dirfd, const char *name, const struct plan_device *d, struct error *err)
{
	static const struct mount_options none;
	_cleanup_fd_ int tree = mount_clone(AT_FDCWD, d->path, false);
	_cleanup_fd_ int target = -1;
	struct stat st;
	int x;

	if (tree < 0)
		return error_errnum(err, tree, "bind the host's device");
	if (fstat(tree, &st) < 0 || (st.st_mode & S_IFMT) != (d->mode & S_IFMT) ||
	    st.st_rdev != makedev(d->major, d->minor))
		return error_set(err, ENODEV,
				 "may not be made here, and the host's file of that name is another");
	target = safe_make(dirfd, name, SAFE_MAKE_FILE, 0644);
	x = target < 0 ? target : mount_attach(tree, target, &none);
	return x < 0 ? error_errnum(err, x, "bind the host's device") : 0;
}

static int make_device(struct rootfs *r, const struct plan_device *d, struct error *err)
{
	char name[NAME_MAX + 1];
	_cleanup_fd_ int dirfd = safe_open_parent(r->root_fd, d->path, name, sizeof(name));
	int x;

	if (dirfd < 0)
		return error_errnum(err, dirfd, "open its directory");
	x = sys_mknodat(dirfd, name, d->mode, makedev(d->major, d->minor));
	if (x == -EEXIST)
		return check_existing(dirfd, name, d, err);
	if (x == -EPERM)
		return bind_device(dirfd, name, d, err);
	if (x == 0 && (d->uid != 0 || d->gid != 0))
		x = sys_fchownat(dirfd, name, d->uid, d->gid, AT_SYMLINK_NOFOLLOW);
	return x < 0 ? error_errnum(err, x, "make it") : 0;
}

static int make_link(int dev_fd, const char *name, const char *target, struct error *err)
{
	int x = sys_symlinkat(target, dev_fd, name);

	return x < 0 && x != -EEXIST ? error_errnum(err, x, "link /dev/%s", name) : 0;
}

/* A container's ptmx is that of its own devpts, whatever the image has there. */
static int make_ptmx(int dev_fd, struct error *err)
{
	int x = sys_unlinkat(dev_fd, "ptmx", 0);

	if (x < 0 && x != -ENOENT && x != -EROFS)
		return error_errnum(err, x, "remove /dev/ptmx");
	return make_link(dev_fd, "ptmx", "pts/ptmx", err);
}

static int populate(struct rootfs *r, struct error *err)
{
	_cleanup_fd_ int dev_fd = safe_make_plain_dir(r->root_fd, "/dev", 0755);
	int x = 0;

	if (dev_fd < 0)
		return error_errnum(err, dev_fd,
				    "/dev of the root file system must be an ordinary directory");
	for (size_t i = 0; x == 0 && i < ARRAY_SIZE(links); i++)
		x = make_link(dev_fd, links[i].name, links[i].target, err);
	return x < 0 ? x : make_ptmx(dev_fd, err);
}

int rootfs_devices(struct rootfs *r, const char *cwd, struct error *err)
{
	int x = r->plan->populate_dev ? populate(r, err) : 0;

	for (size_t i = 0; x == 0 && i < r->plan->n_devices; i++) {
		x = make_device(r, &r->plan->devices[i], err);
		if (x < 0)
			return error_wrap(err, "device \"%s\"", r->plan->devices[i].path);
	}
	if (x < 0 || !cwd)
		return x;
	x = safe_make(r->root_fd, cwd, SAFE_MAKE_DIR, 0755);
	if (x < 0 && x != -EROFS)
		return error_errnum(err, x, "process.cwd \"%s\"", cwd);
	fd_close(x);
	return 0;
}

int rootfs_console(struct rootfs *r, int slave_fd, struct error *err)
{
	static const struct mount_options none;
	_cleanup_fd_ int dev_fd = safe_make_plain_dir(r->root_fd, "/dev", 0755);
	_cleanup_fd_ int tree = -1, target = -1;
	int x;

	if (dev_fd < 0)
		return error_errnum(err, dev_fd, "open /dev");
	x = sys_mknodat(dev_fd, "console", S_IFREG | 0600, 0);
	if (x < 0 && x != -EEXIST)
		return error_errnum(err, x, "make /dev/console");
	target = sys_openat(dev_fd, "console", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	tree = mount_clone(slave_fd, "", false);
	if (target < 0 || tree < 0)
		return error_errnum(err, target < 0 ? target : tree, "bind the terminal to /dev/console");
	x = mount_attach(tree, target, &none);
	return x < 0 ? error_errnum(err, x, "bind the terminal to /dev/console") : 0;
}
