/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_MOUNT_H
#define HV_LINUX_MOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "linux/mount_options.h"

/*
 * Mounts are made detached (fsopen(2), open_tree(2), Linux 5.2), get their attributes while nobody can reach
 * them, and are then moved onto the fd of a place: no path is resolved twice. Async-signal-safe.
 */

/* A file system to make. */
struct mount_fs {
	const char *type;
	const char *source; /* what mountinfo shows; a block device for a disk file system; may be NULL */
	const char *const *data; /* "key=value" or "flag" */
	size_t n_data;
	const char
		*context; /* SELinux label of the whole file system (linux.mountLabel); NULL or "" = none */
	const char *context_option; /* what it is told by: "context", "fscontext", "defcontext", "rootcontext" */
	uint64_t attributes; /* MOUNT_ATTR_* */
};

/* Returns the fd of a detached mount, or < 0; the message has what the file system itself said. */
int mount_new_fs(const struct mount_fs *fs, struct error *err);

/* A detached copy of the mount at path (recursive: and of those below it), as fd or -errno. dirfd alone with
 * path "". */
int mount_clone(int dirfd, const char *path, bool recursive);

/* The same of a symlink itself, when path is one. */
int mount_clone_nofollow(const char *path, bool recursive);

/* Sets and clears attributes of a mount, and with recursive of all below it. -errno: -ENOSYS before 5.12. */
int mount_set_attributes(int mount_fd, bool recursive, const struct mount_attributes *attr);

/* Maps the ids of a detached mount (recursive: and of all below) as userns_fd does: MOUNT_ATTR_IDMAP, 5.12. -errno. */
int mount_set_idmap(int mount_fd, bool recursive, int userns_fd);

/* MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE, with MS_REC for all below, of the mount whose root
 * mount_fd is. -errno. */
int mount_set_propagation(int mount_fd, unsigned propagation);

/*
 * Gives a detached mount its attributes and moves it onto target_fd, a directory or file. Before 5.12 the
 * attributes follow right after the move, by a remount; recursive ones are then refused with -EOPNOTSUPP.
 * Returns 0 or -errno.
 */
int mount_attach(int mount_fd, int target_fd, const struct mount_options *options);

/* Whether fd is the root of a mount (statx(2), 5.8). -errno. */
int mount_is_root(int fd, bool *ret);

/* The root of the mount that directory fd is on. The caller must not be in a chroot that is no mount. fd or
 * -errno. */
int mount_open_root_of(int dirfd);

#endif
