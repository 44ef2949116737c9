/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Copying a small tree (tmpcopyup) in the child, where nothing may be allocated: getdents64(2) into a buffer
 * on the stack, one level of recursion for each directory.
 */
#include "linux/copy_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/sys.h"

static int copy_level(int from_fd, int to_fd, dev_t dev, int depth);

static int copy_data(int from, int to)
{
	ssize_t n;

	do
		n = sendfile(to, from, NULL, 1 << 30);
	while (n > 0);
	return n < 0 ? -errno : 0;
}

static int copy_metadata(int to_fd, const char *name, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	int r = sys_fchownat(to_fd, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW);

	if (r == 0 && !S_ISLNK(st->st_mode)) /* after chown, which clears set-id bits */
		r = sys_fchmodat(to_fd, name, st->st_mode & 07777);
	if (r < 0)
		return r;
	return utimensat(to_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int copy_file(int from_fd, int to_fd, const char *name)
{
	_cleanup_fd_ int from = sys_openat(from_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
	_cleanup_fd_ int to = -1;

	if (from < 0)
		return from;
	to = sys_openat(to_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return to < 0 ? to : copy_data(from, to);
}

static int copy_link(int from_fd, int to_fd, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(from_fd, name, target, sizeof(target) - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return sys_symlinkat(target, to_fd, name);
}

static int copy_dir(int from_fd, int to_fd, const char *name, dev_t dev, int depth)
{
	_cleanup_fd_ int from = sys_openat(from_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	_cleanup_fd_ int to = -1;
	int r = from < 0 ? from : sys_mkdirat(to_fd, name, 0700);

	if (r < 0)
		return r;
	to = sys_openat(to_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	return to < 0 ? to : copy_level(from, to, dev, depth + 1);
}

static int copy_entry(int from_fd, int to_fd, const char *name, dev_t dev, int depth)
{
	struct stat st;
	int r;

	if (fstatat(from_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode) &&
	    st.st_dev != dev) /* another file system is mounted there: an empty directory for it */
		r = sys_mkdirat(to_fd, name, 0700);
	else if (S_ISDIR(st.st_mode))
		r = copy_dir(from_fd, to_fd, name, dev, depth);
	else if (S_ISREG(st.st_mode))
		r = copy_file(from_fd, to_fd, name);
	else if (S_ISLNK(st.st_mode))
		r = copy_link(from_fd, to_fd, name);
	else
		r = sys_mknodat(to_fd, name, st.st_mode, st.st_rdev);
	return r < 0 ? r : copy_metadata(to_fd, name, &st);
}

static int copy_level(int from_fd, int to_fd, dev_t dev, int depth)
{
	_Alignas(struct dirent64) char buf[4096];
	long n;

	if (depth > COPY_TREE_DEPTH)
		return -ELOOP;
	while ((n = syscall(SYS_getdents64, from_fd, buf, sizeof(buf))) > 0) {
		for (long at = 0; at < n;) {
			const struct dirent64 *d = (const struct dirent64 *)(const void *)(buf + at);
			int r = 0;

			if (strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0)
				r = copy_entry(from_fd, to_fd, d->d_name, dev, depth);
			if (r < 0)
				return r;
			at += d->d_reclen;
		}
	}
	return n < 0 ? -errno : 0;
}

int copy_tree(int from_fd, int to_fd)
{
	struct stat st;

	if (fstat(from_fd, &st) < 0)
		return -errno;
	return copy_level(from_fd, to_fd, st.st_dev, 0);
}
