/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_PROCFS_H
#define HV_LINUX_PROCFS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * A /proc that no container can have replaced: the caller's own, proved to be procfs and its root, opened
 * before any namespace is joined; else a private procfs mounted nowhere. Everything the runtime writes to
 * /proc goes through it, so that nothing which is mounted over a container's /proc can redirect a write
 * (CVE-2019-16884, CVE-2025-52881). Returns an O_PATH fd, or < 0.
 */
int procfs_open(struct error *err);

/* Opens a file below it; no component may be a mount point or lead out ("self" and "thread-self" may be
 * used). fd or -errno. */
int procfs_open_file(int procfs_fd, const char *path, int flags);

/* One write to such a file. Returns 0 or -errno. */
int procfs_write(int procfs_fd, const char *path, const void *buf, size_t n);

/* The same for a file of one process: "<pid>/<name>". */
int procfs_write_pid(int procfs_fd, pid_t pid, const char *name, const void *buf, size_t n);

#endif
