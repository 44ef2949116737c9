/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whole-file operations relative to a directory fd. The tree removal goes down by fds and O_NOFOLLOW, so that
 * nobody who swaps a directory for a symlink meanwhile can lead it elsewhere, and stays on one mount
 * (st_dev).
 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

int file_open_dir(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int file_read_at(int dirfd, const char *path, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_fd_ int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd < 0 ? -errno : fd_read_file(fd, max, ret, ret_len);
}

int file_read_regular_at(int dirfd, const char *name, size_t max, char **ret, size_t *ret_len)
{
	_cleanup_fd_ int fd = openat(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? fd_read_file(fd, max, ret, ret_len) : -EBADF;
}

int file_write_at(int dirfd, const char *path, const void *buf, size_t n)
{
	_cleanup_fd_ int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t w;

	if (fd < 0)
		return -errno;
	do
		w = write(fd, buf, n);
	while (w < 0 && errno == EINTR);
	if (w < 0)
		return -errno;
	return (size_t)w == n ? 0 : -EIO;
}

int file_write_str(int dirfd, const char *path, const char *s)
{
	return file_write_at(dirfd, path, s, strlen(s));
}

static int write_new(int dirfd, const char *name, const void *buf, size_t n, mode_t mode)
{
	_cleanup_fd_ int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, buf, n);
	if (r < 0)
		return r;
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

int file_replace_at(int dirfd, const char *name, const void *buf, size_t n, mode_t mode)
{
	_cleanup_free_ char *dir = strchr(name, '/') ? path_dirname(name) : NULL;
	_cleanup_free_ char *tmp = NULL;
	int r;

	tmp = xasprintf("%s%s.%s.%d", dir ? dir : "", dir ? "/" : "", path_basename(name), (int)getpid());
	r = write_new(dirfd, tmp, buf, n, mode);
	if (r == -EEXIST) { /* left by a process that had our pid and was killed */
		unlinkat(dirfd, tmp, 0);
		r = write_new(dirfd, tmp, buf, n, mode);
	}
	if (r == 0 && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r < 0)
		unlinkat(dirfd, tmp, 0);
	return r;
}

static int make_dir(int dirfd, const char *path, mode_t mode)
{
	struct stat st;

	if (mkdirat(dirfd, path, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (fstatat(dirfd, path, &st, 0) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int file_mkdir_p(int dirfd, const char *path, mode_t mode)
{
	_cleanup_free_ char *copy = NULL;
	int r = make_dir(dirfd, path, mode);

	if (r != -ENOENT)
		return r;
	copy = xstrdup(path);
	for (char *p = copy + strspn(copy, "/"); (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		r = make_dir(dirfd, copy, mode);
		if (r < 0)
			return r;
	}
	return make_dir(dirfd, path, mode);
}

static int remove_below(int fd, dev_t dev);

static int remove_dir(int dirfd, const char *name, dev_t dev)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0 || st.st_dev != dev) {
		fd_close(fd);
		return -EXDEV;
	}
	r = remove_below(fd, dev);
	if (r == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		r = -errno;
	return r;
}

static int remove_entry(int dirfd, const char *name, dev_t dev)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	return remove_dir(dirfd, name, dev);
}

/* Removes what is in the directory; takes fd. */
static int remove_below(int fd, dev_t dev)
{
	DIR *d = fdopendir(fd);
	int r = 0;

	if (!d) {
		r = -errno;
		fd_close(fd);
		return r;
	}
	for (struct dirent *e; r == 0 && (e = readdir(d));)
		if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
			r = remove_entry(dirfd(d), e->d_name, dev);
	closedir(d);
	return r;
}

int file_remove_tree(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	return remove_entry(dirfd, name, st.st_dev);
}
