/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_SAFE_OPEN_H
#define HV_LINUX_SAFE_OPEN_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Paths below a directory whose content is hostile (a root file system that another container may share and
 * change at this moment). Everything is resolved as if root_fd were "/": "..", absolute symlinks and dangling
 * ones cannot lead out of it, and magic links of procfs are not followed. The result is an fd; the path must
 * not be used again. All return an fd or -errno. Async-signal-safe: no allocation.
 */

/* Opens what exists (flags of open(2), without O_CREAT). */
int safe_open(int root_fd, const char *path, int flags);

/* The same for a path whose last component must not be a symlink: -ELOOP. */
int safe_open_nofollow(int root_fd, const char *path, int flags);

enum safe_make { SAFE_MAKE_DIR, SAFE_MAKE_FILE };

/*
 * Opens path O_PATH, and makes it first when it is not there: missing directories on the way with mode 0755,
 * the last component as a directory or an empty regular file with the given mode. Symlinks are followed
 * inside the root, dangling ones to where they would lead.
 */
int safe_make(int root_fd, const char *path, enum safe_make what, mode_t mode);

/* The same, but a symlink as the last component is what is opened. */
int safe_make_nofollow(int root_fd, const char *path, enum safe_make what, mode_t mode);

/*
 * Makes a symlink with that text at path, and the directories on the way. One that is there already with the same text is fine;
 * -EEXIST for anything else. Returns 0 or -errno.
 */
int safe_make_symlink(int root_fd, const char *path, const char *text);

/*
 * Opens the directory that holds the last component of path (made when missing) and copies that component's
 * name to name. -EINVAL for "/" and for "." and ".." at the end.
 */
int safe_open_parent(int root_fd, const char *path, char *name, size_t name_size);

/*
 * Whether a path that must be an ordinary directory is one: each component of path is a directory, none a
 * symlink. Opens it O_PATH, after making it when nothing is there. -ELOOP or -ENOTDIR when it is something
 * else.
 */
int safe_make_plain_dir(int root_fd, const char *path, mode_t mode);

/* The component walk that serves kernels without openat2(2), before 5.6; here so that it is tested on all. */
int safe_open_walk(int root_fd, const char *path, int flags);

#endif
