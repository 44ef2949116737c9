/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's root file system, in the child. The root is a mount of its own, and everything else is put
 * below it by fd: the content of the root may be changed by others at this very moment (a volume shared with
 * a running container), so each place is looked up once, with linux/safe_open.h, and then only its fd counts.
 * All of it happens before pivot_root(2): what must come from the host (sources, devices, /dev/null) is still
 * within reach then, by paths that no container controls.
 */
#include "native/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/mount.h"
#include "linux/safe_open.h"
#include "linux/sys.h"
#include "native/overlay.h"
#include "native/plan.h"

int rootfs_open_source(const char *source, unsigned extra, struct error *err)
{
	bool recursive = extra & MOUNT_EXTRA_RECURSIVE;
	bool itself = extra & (MOUNT_EXTRA_COPY_SYMLINK | MOUNT_EXTRA_SRC_NOFOLLOW);
	int fd = itself ? mount_clone_nofollow(source, recursive) : mount_clone(AT_FDCWD, source, recursive);

	return fd < 0 ? error_errnum(err, fd, "source \"%s\"", source) : fd;
}

/*
 * When we were started in a chroot, our root is not that of the mount namespace, and pivot_root(2) would
 * exchange only ours: the host's tree would stay above the container's. Joining the namespace that one is in
 * leads to its real root (setns(2)), which is kept for later: what is mounted over it then does not hide it.
 */
static int open_top(struct rootfs *r, struct error *err)
{
	_cleanup_fd_ int fd = sys_openat(r->procfs_fd, "self/ns/mnt", O_RDONLY | O_CLOEXEC, 0);
	int x = fd < 0 ? fd : sys_setns(fd, CLONE_NEWNS);

	if (x == 0)
		x = r->top_fd = sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	return x < 0 ? error_errnum(err, x, "go to the root of the mount namespace") : 0;
}

static int change_root(int fd)
{
	int x = sys_fchdir(fd);

	return x < 0 ? x : sys_chroot(".");
}

/*
 * Mounts of the host's keep coming in (slave) unless private was asked for; none of ours may go out, but with
 * "shared", where that is the purpose, all but the root's own mount. place: where the root file system will
 * be mounted.
 */
static int cut_off(struct rootfs *r, int place, struct error *err)
{
	unsigned propagation = (r->plan->propagation ? r->plan->propagation : MS_SLAVE) | MS_REC;
	_cleanup_fd_ int fd = -1;
	int x;

	if (propagation & MS_UNBINDABLE) /* the root file system is about to be bound */
		propagation = MS_PRIVATE | MS_REC;
	x = mount_set_propagation(r->top_fd, propagation);
	if (x < 0)
		return error_errnum(err, x, "change the propagation of all mounts");
	if (!(propagation & MS_SHARED))
		return 0;
	fd = mount_open_root_of(place);
	x = fd < 0 ? fd : mount_set_propagation(fd, MS_PRIVATE);
	return x < 0 ? error_errnum(err, x, "make the mount that holds \"%s\" private", r->plan->path) : 0;
}

/*
 * Where the root file system goes: its own directory, or where a new user may not walk there, anywhere: it is
 * the root of all in a moment.
 */
static int open_place(struct rootfs *r, int old_root, struct error *err)
{
	int fd = sys_openat(AT_FDCWD, r->plan->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);

	if (fd < 0 && r->source_fds[0] >= 0)
		fd = sys_openat(old_root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	return fd < 0 ? error_errnum(err, fd, "root.path \"%s\"", r->plan->path) : fd;
}

static int open_root(const struct rootfs *r, struct error *err)
{
	if (r->source_fds[0] >= 0)
		return r->source_fds[0];
	return r->overlay ? overlay_mount(r->overlay, err) : rootfs_open_source(r->plan->path, MOUNT_EXTRA_RECURSIVE, err);
}

int rootfs_begin(struct rootfs *r, struct error *err)
{
	static const struct mount_options none;
	_cleanup_fd_ int old_root = sys_openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	_cleanup_fd_ int place = -1;
	int x;

	if (old_root < 0)
		return error_errnum(err, old_root, "open /");
	place = open_place(r, old_root, err);
	if (place < 0)
		return place;
	x = open_top(r, err);
	if (x == 0)
		x = cut_off(r, place, err);
	if (x < 0)
		return x;
	x = change_root(old_root); /* back: paths of the configuration mean what they mean to the caller */
	if (x < 0)
		return error_errnum(err, x, "return to the caller's root");
	r->root_fd = open_root(r, err);
	if (r->root_fd < 0)
		return r->root_fd;
	x = mount_attach(r->root_fd, place, &none);
	return x < 0 ? error_errnum(err, x, "mount the root file system \"%s\"", r->plan->path) : 0;
}

/* The two kinds of protection are made once and cloned for each path after the first. */
struct masks {
	int null_fd; /* the host's /dev/null */
	int dir_fd;  /* an empty read-only directory, mounted at the first path; -1 = none yet */
};

static const struct mount_options read_only = { .attr = { .set = MOUNT_ATTR_RDONLY } };

/* A device node by number, not by name: what is bound over a secret must be the real one (CVE-2025-31133). */
static int open_null(struct error *err)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, "/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	struct stat st;

	if (fd < 0)
		return error_errnum(err, fd, "open /dev/null");
	if (fstat(fd, &st) < 0 || !S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3))
		return error_set(err, ENODEV, "/dev/null is not the null device");
	return TAKE_FD(fd);
}

static int new_empty_dir(struct error *err)
{
	static const char *const data[] = { "mode=0555", "size=4k", "nr_inodes=1" };
	const struct mount_fs fs = {
		.type = "tmpfs",
		.source = "tmpfs",
		.data = data,
		.n_data = ARRAY_SIZE(data),
		.attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};

	return mount_new_fs(&fs, err);
}

static int clone_mask(int from, struct error *err)
{
	int fd = mount_clone(from, "", false);

	return fd < 0 ? error_errnum(err, fd, "open_tree") : fd;
}

static int attach_mask(struct masks *m, int target, bool is_dir, struct error *err)
{
	_cleanup_fd_ int fd = -1;
	int r;

	if (is_dir && m->dir_fd < 0)
		fd = new_empty_dir(err);
	else
		fd = clone_mask(is_dir ? m->dir_fd : m->null_fd, err);
	if (fd < 0)
		return fd;
	r = mount_attach(fd, target, is_dir ? &read_only : &(struct mount_options){ 0 });
	if (r < 0)
		return error_errnum(err, r, "move_mount");
	if (is_dir && m->dir_fd < 0)
		m->dir_fd = TAKE_FD(fd);
	return 0;
}

static int mask(struct rootfs *r, struct masks *m, const char *path, struct error *err)
{
	_cleanup_fd_ int target = safe_open(r->root_fd, path, O_PATH);
	struct stat st;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return error_errnum(err, target, "open");
	if (fstat(target, &st) < 0)
		return error_errno(err, "stat");
	return attach_mask(m, target, S_ISDIR(st.st_mode), err);
}

static int mask_all(struct rootfs *r, struct error *err)
{
	struct masks m = { .null_fd = -1, .dir_fd = -1 };
	int x = 0;

	if (r->plan->n_masked == 0)
		return 0;
	m.null_fd = open_null(err);
	if (m.null_fd < 0)
		return m.null_fd;
	for (size_t i = 0; x == 0 && i < r->plan->n_masked; i++) {
		x = mask(r, &m, r->plan->masked[i], err);
		if (x < 0)
			error_wrap(err, "linux.maskedPaths[%zu] \"%s\"", i, r->plan->masked[i]);
	}
	fd_close(m.null_fd);
	fd_close(m.dir_fd);
	return x;
}

/* Bound onto itself, to be a mount that can be read-only; the flags that it has it keeps. */
static int make_readonly(struct rootfs *r, const char *path, struct error *err)
{
	_cleanup_fd_ int target = safe_open(r->root_fd, path, O_PATH);
	_cleanup_fd_ int tree = -1;
	int x;

	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	if (target < 0)
		return error_errnum(err, target, "open");
	tree = mount_clone(target, "", true);
	if (tree < 0)
		return error_errnum(err, tree, "open_tree");
	x = mount_attach(tree, target, &read_only);
	return x < 0 ? error_errnum(err, x, "move_mount") : 0;
}

int rootfs_protect(struct rootfs *r, struct error *err)
{
	int x = 0;

	for (size_t i = 0; i < r->plan->n_readonly_paths; i++) {
		x = make_readonly(r, r->plan->readonly_paths[i], err);
		if (x < 0)
			return error_wrap(err, "linux.readonlyPaths[%zu] \"%s\"", i,
					  r->plan->readonly_paths[i]);
	}
	x = mask_all(r, err);
	if (x < 0 || !r->plan->readonly)
		return x;
	x = mount_set_attributes(r->root_fd, false, &read_only.attr);
	if (x == -ENOSYS)
		x = sys_mount(NULL, r->plan->path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
	return x < 0 ? error_errnum(err, x, "root.readonly") : 0;
}

/* pivot_root(2) with "." for both: the old root comes to lie over the new one, and is taken away by its fd.
 */
static int pivot(struct rootfs *r, struct error *err)
{
	int x = sys_fchdir(r->root_fd);

	if (x == 0)
		x = sys_pivot_root(".", ".");
	if (x < 0)
		return error_errnum(err, x, "pivot_root");
	/* that it is unmounted here must not reach the host */
	x = mount_set_propagation(r->top_fd, MS_SLAVE | MS_REC);
	if (x == 0)
		x = sys_fchdir(r->top_fd);
	if (x == 0)
		x = sys_umount2(".", MNT_DETACH);
	return x < 0 ? error_errnum(err, x, "detach the host's root") : 0;
}

/* As long as the host's /proc and /sys can be seen unmasked, the kernel lets a user namespace mount them
 * anew. */
static int hide_kernel_files(struct error *err)
{
	static const char *const paths[] = { "/proc", "/sys" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		int x = sys_umount2(paths[i], MNT_DETACH);

		if (x == -EPERM || x == -EBUSY) /* locked in a user namespace: covered instead */
			x = sys_mount("tmpfs", paths[i], "tmpfs",
				      MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=4k");
		if (x < 0 && x != -EINVAL && x != -ENOENT)
			return error_errnum(err, x, "remove the host's %s", paths[i]);
	}
	return 0;
}

/* Where pivot_root(2) cannot work (an initramfs): the root is moved over "/" and entered; the host's tree
 * stays below. */
static int move_root(struct rootfs *r, struct error *err)
{
	int x = hide_kernel_files(err);

	if (x < 0)
		return x;
	x = sys_move_mount(r->root_fd, "", r->top_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (x == 0)
		x = change_root(r->root_fd);
	return x < 0 ? error_errnum(err, x, "move the root file system to /") : 0;
}

int rootfs_enter(struct rootfs *r, struct error *err)
{
	int x = change_root(r->top_fd);

	if (x < 0)
		return error_errnum(err, x, "go to the root of the mount namespace");
	x = r->plan->no_pivot ? move_root(r, err) : pivot(r, err);
	if (x < 0)
		return x;
	r->top_fd = fd_close(r->top_fd);
	x = sys_chdir("/");
	if (x == 0 && r->plan->propagation)
		x = mount_set_propagation(r->root_fd, r->plan->propagation);
	return x < 0 ? error_errnum(err, x, "linux.rootfsPropagation") : 0;
}
