/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of the host's that config.json names for the virtual machine itself: its program, kernel, images. Whoever wrote config.json must
 * not get more of the host with that than its administrator said. So nothing is taken by its name: the file that the name leads
 * to is what is looked at, and it must be out of reach of everybody who could make it another one afterwards.
 */
#include "container/host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

bool host_file_matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '/')
		return !strncmp(pattern, path, len) && path[len] != '\0';
	return fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD) == 0;
}

static bool is_known(const struct host_file *f, const struct stat *st)
{
	struct stat known;

	for (const char *const *k = f->known; k && *k; k++)
		if (stat(*k, &known) == 0 && known.st_dev == st->st_dev && known.st_ino == st->st_ino)
			return true;
	return false;
}

static bool is_allowed(const struct host_file *f, const char *real)
{
	for (char *const *p = f->allowed; p && *p; p++)
		if (host_file_matches(*p, real))
			return true;
	return false;
}

/* Others may write into a directory whose sticky bit keeps them from renaming what is not theirs (inode(7)). */
static bool is_ours(const struct stat *st)
{
	mode_t others = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX) ? 0 : S_IWGRP | S_IWOTH;

	return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & others);
}

/* real and all directories above it. */
static int check_owners(const struct host_file *f, const char *real, struct error *err)
{
	_cleanup_free_ char *path = xstrdup(real);
	struct stat st;

	for (;;) {
		if (lstat(path, &st) < 0)
			return error_errno(err, "%s: %s", f->field, path);
		if (!is_ours(&st))
			return error_set(err, EPERM, "%s: \"%s\": %s belongs to, or can be written by, others than root", f->field, f->path,
					 path);
		if (str_eq(path, "/"))
			return 0;
		*(strrchr(path, '/') + (strrchr(path, '/') == path)) = '\0';
	}
}

/* The path without symlinks that the kernel has for fd; a name that has been removed is none. */
static int real_path(int fd, char **ret)
{
	char link[40], path[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	if (n < 0)
		return -errno;
	if (n == sizeof(path) || path[0] != '/')
		return -ENAMETOOLONG;
	*ret = xstrndup(path, (size_t)n);
	return 0;
}

int host_file_check(const struct host_file *f, char **ret_path, struct error *err)
{
	_cleanup_fd_ int fd = open(f->path, O_PATH | O_CLOEXEC);
	_cleanup_free_ char *real = NULL;
	struct stat st, named;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "%s: %s", f->field, f->path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "%s: \"%s\" is not a regular file", f->field, f->path);
	r = real_path(fd, &real);
	if (r < 0)
		return error_errnum(err, r, "%s: %s", f->field, f->path);
	if (!is_known(f, &st)) {
		bool same = str_eq(real, f->path);

		if (!is_allowed(f, real))
			return error_set(err, EPERM, "%s: \"%s\"%s%s%s is not allowed here (%s in the configuration file would permit it)",
					 f->field, f->path, same ? "" : ", which is ", same ? "" : real, same ? "" : ",", f->setting);
		r = check_owners(f, real, err);
		if (r < 0)
			return r;
	}
	if (lstat(real, &named) < 0 || named.st_dev != st.st_dev || named.st_ino != st.st_ino)
		return error_set(err, EAGAIN, "%s: \"%s\" was replaced while it was looked at", f->field, f->path);
	*ret_path = TAKE_PTR(real);
	return 0;
}
