/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The trusted /proc. That of the host is as good as a private one, costs a tenth of it, and serves after a
 * change of namespaces too: "self" is answered for the caller, /proc/sys for the caller's namespaces
 * (proc(5)). What is mounted over parts of it is refused by RESOLVE_NO_XDEV rather than written to.
 */
#include "linux/procfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/mount.h"
#include "linux/sys.h"

enum { PROC_ROOT_INODE = 1 }; /* fs/proc: PROC_ROOT_INO */

static int open_host(void)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return -errno;
	return fs.f_type == PROC_SUPER_MAGIC && st.st_ino == PROC_ROOT_INODE ? TAKE_FD(fd) : -EXDEV;
}

int procfs_open(struct error *err)
{
	const struct mount_fs fs = {
		.type = "proc",
		.attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};
	int fd = open_host();

	if (fd >= 0)
		return fd;
	fd = mount_new_fs(&fs, err);
	return fd < 0 ? error_wrap(err,
				   "/proc here is not a proc file system, and a private one cannot be made")
		      : fd;
}

int procfs_open_file(int procfs_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(procfs_fd, path, &how);

	return fd == -ENOSYS ? sys_openat(procfs_fd, path, flags | O_NOFOLLOW | O_CLOEXEC, 0) : fd;
}

int procfs_write(int procfs_fd, const char *path, const void *buf, size_t n)
{
	_cleanup_fd_ int fd = procfs_open_file(procfs_fd, path, O_WRONLY);
	ssize_t w;

	if (fd < 0)
		return fd;
	w = write(fd, buf, n);
	if (w < 0)
		return -errno;
	return (size_t)w == n ? 0 : -EIO;
}

int procfs_write_pid(int procfs_fd, pid_t pid, const char *name, const void *buf, size_t n)
{
	char path[64];

	snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	return procfs_write(procfs_fd, path, buf, n);
}
