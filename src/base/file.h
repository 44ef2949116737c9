/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_FILE_H
#define HV_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

/*
 * Files by directory fd and name, for directories that the runtime owns (state, cgroups, bundles). Not for
 * paths below a rootfs: those go through linux/safe_open.h. All of them return 0 (or an fd) or -errno; dirfd
 * may be AT_FDCWD.
 */

/* Opens a directory O_PATH | O_DIRECTORY | O_CLOEXEC. */
int file_open_dir(int dirfd, const char *path);

/*
 * Reads a whole file of at most max bytes (-EFBIG) into a NUL-terminated buffer the caller frees. ret_len may
 * be NULL.
 */
int file_read_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len);

/*
 * The same for a name that must be a regular file, of its own and not by a link (-EBADF, -ELOOP): anything else could keep
 * us waiting.
 */
int file_read_regular_at(int dirfd, const char *name, size_t max, char **ret, size_t *ret_len);

/* Writes to a file that exists (cgroup and proc files, FIFOs): one open, one write. */
int file_write_at(int dirfd, const char *path, const void *buf, size_t n);
int file_write_str(int dirfd, const char *path, const char *s);

/*
 * Replaces or makes a file atomically: a reader sees the old content or the new, never a part (temporary file
 * ".NAME.PID" in the same directory, rename(2)). mode is applied as given, whatever the umask.
 */
int file_replace_at(int dirfd, const char *name, const void *buf, size_t n, mode_t mode);

/*
 * Makes a directory and the missing ones above it; one that exists is fine, something else in the way is
 * -ENOTDIR.
 */
int file_mkdir_p(int dirfd, const char *path, mode_t mode);

/*
 * Removes name in dirfd and, when it is a directory, all below it, however deep; does not follow symlinks or cross into
 * other mounts
 * (-EXDEV). One that does not exist is fine.
 */
int file_remove_tree(int dirfd, const char *name);

#endif
