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

/*
 * A tree may be deeper than there are descriptors, or stack, for it: whoever filled it may have meant that. What is too deep is moved to its top, and
 * removed from there.
 */
struct removal {
	int top_fd; /* -1: not yet */
	dev_t dev;
	unsigned n_moved;
};

enum { REMOVE_DEPTH_MAX = 32 };

static int remove_below(struct removal *r, int fd, unsigned depth);

/* One that even its owner cannot look into, as overlayfs makes them, or write to, is made so that he can; root does not need it. */
static int open_to_remove(int dirfd, const char *name)
{
	const int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dirfd, name, O_RDONLY | flags), path_fd;
	char path[32];
	struct stat st;

	if (fd < 0 && errno == EACCES) {
		path_fd = openat(dirfd, name, O_PATH | flags);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", path_fd);
		if (path_fd >= 0 && chmod(path, 0700) == 0)
			fd = openat(dirfd, name, O_RDONLY | flags);
		fd_close(path_fd);
	}
	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0300) != 0300)
		fchmod(fd, 0700);
	return fd < 0 ? -errno : fd;
}

static int move_to_top(struct removal *r, int dirfd, const char *name)
{
	char new[32];
	int x;

	do {
		snprintf(new, sizeof(new), "removed.%u", r->n_moved++);
		x = renameat2(dirfd, name, r->top_fd, new, RENAME_NOREPLACE);
	} while (x < 0 && errno == EEXIST);
	return x < 0 ? -errno : 0;
}

static int remove_dir(struct removal *r, int dirfd, const char *name, unsigned depth)
{
	struct stat st;
	int fd, x;

	if (depth == REMOVE_DEPTH_MAX)
		return move_to_top(r, dirfd, name);
	fd = open_to_remove(dirfd, name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (fstat(fd, &st) < 0 || st.st_dev != r->dev) {
		fd_close(fd);
		return -EXDEV;
	}
	x = remove_below(r, fd, depth);
	if (x == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		x = -errno;
	return x;
}

static int remove_entry(struct removal *r, int dirfd, const char *name, unsigned depth)
{
	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	return remove_dir(r, dirfd, name, depth);
}

/* Once more, at the top, when something has been moved there meanwhile. */
static int remove_entries(struct removal *r, DIR *d, unsigned depth)
{
	unsigned n_moved;
	int x = 0;

	do {
		n_moved = r->n_moved;
		rewinddir(d);
		for (struct dirent *e; x == 0 && (e = readdir(d));)
			if (!str_eq(e->d_name, ".") && !str_eq(e->d_name, ".."))
				x = remove_entry(r, dirfd(d), e->d_name, depth + 1);
	} while (x == 0 && depth == 0 && r->n_moved != n_moved);
	return x;
}

/* Removes what is in the directory; takes fd. */
static int remove_below(struct removal *r, int fd, unsigned depth)
{
	DIR *d = fdopendir(fd);
	int x;

	if (!d) {
		x = -errno;
		fd_close(fd);
		return x;
	}
	if (depth == 0)
		r->top_fd = fd;
	x = remove_entries(r, d, depth);
	closedir(d);
	return x;
}

int file_remove_tree(int dirfd, const char *name)
{
	struct removal r = { .top_fd = -1 };
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	r.dev = st.st_dev;
	return remove_entry(&r, dirfd, name, 0);
}
