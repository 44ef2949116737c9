/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Opening and making paths below a hostile root. openat2(2) with RESOLVE_IN_ROOT does the opening. What it
 * cannot do, making what is missing, and kernels without it, are served by a walk: one component at a time,
 * each opened O_NOFOLLOW relative to the fd of the one before, symlinks read and put before the rest of the
 * path, ".." answered by walking again from the root. No component is ever looked at twice, so there is no
 * moment between check and use.
 */
#include "linux/safe_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "linux/sys.h"

enum { LINKS_MAX = 40, RETRIES_MAX = 64 }; /* the kernel's MAXSYMLINKS */

static int openat2_in_root(int root_fd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};
	int r = -EAGAIN;

	/* -EAGAIN: a rename somewhere raced with "..", openat2(2) */
	for (int i = 0; r == -EAGAIN && i < RETRIES_MAX; i++)
		r = sys_openat2(root_fd, path, &how);
	return r;
}

struct walk {
	int root_fd;
	int fd;              /* where the walk is, O_PATH | O_DIRECTORY */
	char done[PATH_MAX]; /* the way from the root to fd, without symlinks: "a/b" */
	char rest[PATH_MAX]; /* what is still to be walked */
	int links;
};

static int enter(struct walk *w, int fd, const char *name)
{
	size_t len = strlen(w->done);
	int n = snprintf(w->done + len, sizeof(w->done) - len, "%s%s", len ? "/" : "", name);

	if (n < 0 || (size_t)n >= sizeof(w->done) - len) {
		fd_close(fd);
		return -ENAMETOOLONG;
	}
	fd_close(w->fd);
	w->fd = fd;
	return 0;
}

static int restart(struct walk *w)
{
	int fd = sys_openat(w->root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);

	if (fd < 0)
		return fd;
	fd_close(w->fd);
	w->fd = fd;
	w->done[0] = '\0';
	return 0;
}

/* Puts text before the rest. */
static int prepend(struct walk *w, const char *text)
{
	size_t n = strlen(text), rest = strlen(w->rest);

	if (n + 1 + rest >= sizeof(w->rest))
		return -ENAMETOOLONG;
	memmove(w->rest + n + 1, w->rest, rest + 1);
	memcpy(w->rest, text, n);
	w->rest[n] = '/';
	return 0;
}

/* "..": walks the way again without its last component, so that a directory moved meanwhile cannot lead out.
 */
static int parent(struct walk *w)
{
	char way[PATH_MAX];
	char *slash;
	int r;

	memcpy(way, w->done, sizeof(way));
	slash = strrchr(way, '/');
	if (slash)
		*slash = '\0';
	else
		way[0] = '\0';
	r = restart(w);
	return r < 0 || !way[0] ? r : prepend(w, way);
}

static int follow(struct walk *w, int link_fd)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(link_fd, "", target, sizeof(target) - 1);
	int r;

	if (n < 0)
		return -errno;
	target[n] = '\0';
	if (++w->links > LINKS_MAX)
		return -ELOOP;
	if (target[0] == '/') {
		r = restart(w);
		if (r < 0)
			return r;
	}
	return prepend(w, target);
}

/* Takes the next component off the rest: its name, and whether it is the last. Returns 0 when there is none.
 */
static int next(struct walk *w, char name[static NAME_MAX + 1], bool *ret_last)
{
	char *p = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(p, "/");

	if (n == 0)
		return 0;
	if (n > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, p, n);
	name[n] = '\0';
	*ret_last = p[n + strspn(p + n, "/")] == '\0';
	memmove(w->rest, p + n, strlen(p + n) + 1);
	return 1;
}

static int open_component(int dirfd, const char *name)
{
	return sys_openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
}

static int make_component(int dirfd, const char *name, enum safe_make what, mode_t mode)
{
	int fd, r;

	if (what == SAFE_MAKE_DIR)
		r = sys_mkdirat(dirfd, name, mode);
	else
		r = sys_mknodat(dirfd, name, S_IFREG | mode, 0);
	if (r < 0 && r != -EEXIST)
		return r;
	fd = open_component(dirfd, name);
	return fd;
}

/* One step of the walk: 0 = go on, 1 = *ret is what the path leads to. make NULL: nothing is made. */
static int step(struct walk *w, const enum safe_make *make, mode_t mode, bool nofollow, int *ret)
{
	_cleanup_fd_ int fd = -1;
	char name[NAME_MAX + 1];
	struct stat st;
	bool last;
	int r;

	r = next(w, name, &last);
	if (r < 0)
		return r;
	if (r == 0) {
		*ret = TAKE_FD(w->fd);
		return 1;
	}
	if (strcmp(name, ".") == 0)
		return 0;
	if (strcmp(name, "..") == 0)
		return parent(w);
	fd = open_component(w->fd, name);
	if (fd == -ENOENT && make)
		fd = make_component(w->fd, name, last ? *make : SAFE_MAKE_DIR, last ? mode : 0755);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return nofollow ? -ELOOP : follow(w, fd);
	if (S_ISDIR(st.st_mode))
		return enter(w, TAKE_FD(fd), name);
	if (!last)
		return -ENOTDIR;
	*ret = TAKE_FD(fd);
	return 1;
}

/* Returns an O_PATH fd. nofollow: no component at all may be a symlink. */
static int walk(int root_fd, const char *path, const enum safe_make *make, mode_t mode, bool nofollow)
{
	struct walk w = { .root_fd = root_fd, .fd = -1 };
	int r, fd = -1;

	if (strlen(path) >= sizeof(w.rest))
		return -ENAMETOOLONG;
	strcpy(w.rest, path);
	r = restart(&w);
	while (r == 0)
		r = step(&w, make, mode, nofollow, &fd);
	fd_close(w.fd);
	return r < 0 ? r : fd;
}

/* An O_PATH fd opened anew with other flags: by its magic link, which leads to just this file. */
static int reopen(int path_fd, int flags)
{
	char link[sizeof("/proc/self/fd/") + 12];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
	return sys_openat(AT_FDCWD, link, flags | O_CLOEXEC, 0);
}

int safe_open_walk(int root_fd, const char *path, int flags)
{
	_cleanup_fd_ int fd = walk(root_fd, path, NULL, 0, false);
	struct stat st;

	if (fd < 0)
		return fd;
	if (flags & O_DIRECTORY) {
		if (fstat(fd, &st) < 0)
			return -errno;
		if (!S_ISDIR(st.st_mode))
			return -ENOTDIR;
	}
	return flags & O_PATH ? TAKE_FD(fd) : reopen(fd, flags & ~O_NOFOLLOW);
}

int safe_open(int root_fd, const char *path, int flags)
{
	int fd = openat2_in_root(root_fd, path, flags, 0);

	return fd == -ENOSYS ? safe_open_walk(root_fd, path, flags) : fd;
}

int safe_open_nofollow(int root_fd, const char *path, int flags)
{
	_cleanup_fd_ int dirfd = -1;
	char name[NAME_MAX + 1];
	struct stat st;
	int fd;

	dirfd = safe_open_parent(root_fd, path, name, sizeof(name));
	if (dirfd < 0)
		return dirfd;
	fd = sys_openat(dirfd, name, flags | O_NOFOLLOW | O_CLOEXEC, 0);
	if (fd < 0 || !(flags & O_PATH))
		return fd;
	if (fstat(fd, &st) == 0 && !S_ISLNK(st.st_mode))
		return fd;
	fd_close(fd);
	return -ELOOP;
}

int safe_make(int root_fd, const char *path, enum safe_make what, mode_t mode)
{
	int fd = safe_open(root_fd, path, O_PATH);

	return fd == -ENOENT ? walk(root_fd, path, &what, mode, false) : fd;
}

int safe_make_plain_dir(int root_fd, const char *path, mode_t mode)
{
	enum safe_make what = SAFE_MAKE_DIR;
	_cleanup_fd_ int fd = walk(root_fd, path, &what, mode, true);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? TAKE_FD(fd) : -ENOTDIR;
}

int safe_open_parent(int root_fd, const char *path, char *name, size_t name_size)
{
	char dir[PATH_MAX];
	size_t end = strlen(path), start;

	while (end > 0 && path[end - 1] == '/')
		end--;
	start = end;
	while (start > 0 && path[start - 1] != '/')
		start--;
	if (end == start || end - start >= name_size || start >= sizeof(dir))
		return end == start ? -EINVAL : -ENAMETOOLONG;
	memcpy(name, path + start, end - start);
	name[end - start] = '\0';
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	memcpy(dir, path, start);
	dir[start] = '\0';
	return safe_make(root_fd, start ? dir : "/", SAFE_MAKE_DIR, 0755);
}

int safe_make_nofollow(int root_fd, const char *path, enum safe_make what, mode_t mode)
{
	_cleanup_fd_ int dirfd = -1;
	char name[NAME_MAX + 1];
	int fd;

	dirfd = safe_open_parent(root_fd, path, name, sizeof(name));
	if (dirfd < 0)
		return dirfd;
	fd = sys_openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC, 0);
	return fd == -ENOENT ? make_component(dirfd, name, what, mode) : fd;
}

int safe_make_symlink(int root_fd, const char *path, const char *text)
{
	_cleanup_fd_ int dirfd = -1;
	char name[NAME_MAX + 1], there[PATH_MAX];
	ssize_t n;

	dirfd = safe_open_parent(root_fd, path, name, sizeof(name));
	if (dirfd < 0)
		return dirfd;
	if (symlinkat(text, dirfd, name) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	n = readlinkat(dirfd, name, there, sizeof(there));
	return n == (ssize_t)strlen(text) && memcmp(there, text, (size_t)n) == 0 ? 0 : -EEXIST;
}
