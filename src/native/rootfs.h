/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_ROOTFS_H
#define HV_NATIVE_ROOTFS_H

#include <stdbool.h>

#include "base/error.h"

struct cgroup;
struct overlay;
struct plan_rootfs;

/*
 * The container's tree of files, made by the child in its own mount namespace. Nothing allocates. Order:
 * begin, mounts, devices, (hooks), console, protect, enter.
 */
struct rootfs {
	const struct plan_rootfs *plan;
	const struct cgroup *cgroup;
	const int *source_fds; /* detached trees the parent opened: [0] the root file system, [1 + i]
				  mounts[i]; NULL, -1 = open it here */
	const struct overlay *overlay; /* the root file system is one, made here unless source_fds[0] is it; NULL: it is not */
	int procfs_fd;         /* linux/procfs.h */
	bool new_cgroupns;
	int top_fd; /* the root of the mount namespace, before anything is mounted over it */
	int root_fd; /* the root of the container's tree */
};

/* Cuts the namespace off from the host's mounts, and puts the root file system there as a mount of its own.
 */
int rootfs_begin(struct rootfs *r, struct error *err);

/* mounts[], in order. */
int rootfs_mounts(struct rootfs *r, struct error *err);

/* Devices, links and ptmx in /dev; the process's working directory when it is missing. */
int rootfs_devices(struct rootfs *r, const char *cwd, struct error *err);

/* Puts the terminal slave_fd at /dev/console. */
int rootfs_console(struct rootfs *r, int slave_fd, struct error *err);

/* linux.maskedPaths, linux.readonlyPaths, root.readonly. */
int rootfs_protect(struct rootfs *r, struct error *err);

/* pivot_root(2), and the host's tree gone; then linux.rootfsPropagation. */
int rootfs_enter(struct rootfs *r, struct error *err);

/* cgroup mounts: rootfs_cgroup.c. target_fd: the directory they go to. */
struct plan_mount;
int rootfs_mount_cgroup(struct rootfs *r, const struct plan_mount *m, int target_fd, struct error *err);

/*
 * Opens a detached tree for source: by the parent when the child will not be allowed to. extra: MOUNT_EXTRA_RECURSIVE, and
 * MOUNT_EXTRA_COPY_SYMLINK or MOUNT_EXTRA_SRC_NOFOLLOW for a symlink itself. Returns an fd, or < 0.
 */
int rootfs_open_source(const char *source, unsigned extra, struct error *err);

#endif
