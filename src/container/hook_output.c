/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The files that hooks write to. The runtime opens them before there is a container, as root, by a name out of the bundle: so each
 * directory on the way is opened by itself and without following anything, and is compared with the root file system, by what it is and
 * not by its name. A container that has a part of the path as a volume can move things there, but has no way to lead out of it.
 */
#include "container/hook_output.h"

#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/annotation.h"

static bool has_hooks(const struct oci_hooks *h)
{
	return h && h->n_prestart + h->n_create_runtime + h->n_create_container + h->n_start_container + h->n_poststart + h->n_poststop > 0;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The directory that holds the last component of path, which is absolute and normalized. Returns an fd, or < 0 with *err. */
static int open_parent(const char *path, const char *rootfs, struct error *err)
{
	_cleanup_strv_ char **names = str_split(path + 1, '/');
	_cleanup_fd_ int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat root, st;
	bool has_root = stat(rootfs, &root) == 0;

	if (fd < 0)
		return error_errno(err, "\"%s\": /", path);
	for (char **n = names; *n && n[1]; n++) {
		int next = openat(fd, *n, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (next < 0 || fstat(next, &st) < 0) {
			error_errno(err, "\"%s\": \"%s\"", path, *n);
			fd_close(next);
			return -err->code;
		}
		fd_close(fd);
		fd = next;
		if (!S_ISDIR(st.st_mode))
			return error_set(err, S_ISLNK(st.st_mode) ? ELOOP : ENOTDIR, "\"%s\": \"%s\" is %s: the path must lead there by directories",
					 path, *n, S_ISLNK(st.st_mode) ? "a symlink" : "no directory");
		if (has_root && is_same(&st, &root))
			return error_set(err, EPERM, "\"%s\" is below root.path: what a container can write is no place for it", path);
	}
	return TAKE_FD(fd);
}

/* What is no file at all could block, or do something when it is written to. */
static int open_file(const char *path, const char *rootfs, struct error *err)
{
	_cleanup_free_ char *normal = path_normalize(path);
	_cleanup_fd_ int dirfd = -1, fd = -1;
	struct stat st;

	dirfd = open_parent(normal, rootfs, err);
	if (dirfd < 0)
		return dirfd;
	fd = openat(dirfd, path_basename(normal), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
	if (fd < 0 && errno == ELOOP)
		return error_set(err, ELOOP, "\"%s\" is a symlink: a file is needed", path);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "open \"%s\"", path);
	if (!S_ISREG(st.st_mode) && !(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3)))
		return error_set(err, EINVAL, "\"%s\" is neither a regular file nor /dev/null", path);
	fd_set_nonblock(fd, 0);
	return TAKE_FD(fd);
}

static int open_named(const struct oci_config *config, enum annotation a, const char *rootfs, int *ret, struct error *err)
{
	const char *path = annotation_get(config->annotations, a);

	if (!path)
		return 0;
	*ret = open_file(path, rootfs, err);
	return *ret < 0 ? error_wrap(err, "annotation %s", annotation_def(a)->key) : 0;
}

int hook_output_open(const struct oci_config *config, const char *rootfs, struct hook_output *ret, struct error *err)
{
	struct hook_output o = HOOK_OUTPUT_NONE;
	int r = 0;

	if (has_hooks(config->hooks)) {
		r = open_named(config, ANNOTATION_HOOKS_STDOUT, rootfs, &o.out_fd, err);
		if (r == 0)
			r = open_named(config, ANNOTATION_HOOKS_STDERR, rootfs, &o.err_fd, err);
	}
	if (r < 0) {
		hook_output_close(&o);
		return r;
	}
	*ret = o;
	return 0;
}
