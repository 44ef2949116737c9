/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The mount calls of Linux 5.2 and 5.12, wrapped just enough to give errors a text and older kernels a way:
 * fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2). The only use of the old
 * mount(2) is the remount that stands in for mount_setattr(2) before 5.12.
 */
#include "linux/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "linux/mount_options.h"
#include "linux/sys.h"

#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000 /* 5.8 */
#endif

/* fsconfig(2) leaves its complaints to be read from the context: "e tmpfs: Unknown parameter 'foo'". */
static int fs_error(int fd, int r, const char *what, struct error *err)
{
	char text[256];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n <= 2)
		return error_errnum(err, r, "%s", what);
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return error_errnum(err, r, "%s: %s", what, text + 2);
}

static int set_option(int fd, const char *option, struct error *err)
{
	const char *eq = strchr(option, '=');
	char key[64];
	int r;

	if (!eq) {
		r = sys_fsconfig(fd, FSCONFIG_SET_FLAG, option, NULL, 0);
		return r < 0 ? fs_error(fd, r, option, err) : 0;
	}
	if ((size_t)(eq - option) >= sizeof(key))
		return error_set(err, ENAMETOOLONG, "option \"%s\": name too long", option);
	memcpy(key, option, (size_t)(eq - option));
	key[eq - option] = '\0';
	r = sys_fsconfig(fd, FSCONFIG_SET_STRING, key, eq + 1, 0);
	return r < 0 ? fs_error(fd, r, option, err) : 0;
}

static int set_options(int fd, const char *data, struct error *err)
{
	const char *one;
	size_t n;
	int r = 0;

	while (r >= 0 && (one = mount_options_next_datum(&data, &n))) {
		_cleanup_free_ char *option = xstrndup(one, n);

		r = set_option(fd, option, err);
	}
	return r;
}

static int configure(int fd, const struct mount_fs *fs, struct error *err)
{
	int r;

	if (fs->source && fs->source[0]) {
		r = sys_fsconfig(fd, FSCONFIG_SET_STRING, "source", fs->source, 0);
		if (r < 0)
			return fs_error(fd, r, "source", err);
	}
	/* a disk that is mounted read-only is opened read-only: the mount's own flag alone would still write
	 * its journal */
	if ((fs->attributes & MOUNT_ATTR_RDONLY) && fs->source && fs->source[0] == '/') {
		r = sys_fsconfig(fd, FSCONFIG_SET_FLAG, "ro", NULL, 0);
		if (r < 0)
			return fs_error(fd, r, "ro", err);
	}
	for (size_t i = 0; i < fs->n_data; i++) {
		r = set_options(fd, fs->data[i], err);
		if (r < 0)
			return r;
	}
	if (fs->context && fs->context[0]) {
		r = sys_fsconfig(fd, FSCONFIG_SET_STRING, fs->context_option, fs->context, 0);
		if (r < 0)
			return fs_error(fd, r, fs->context_option, err);
	}
	r = sys_fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	return r < 0 ? fs_error(fd, r, fs->type, err) : 0;
}

int mount_new_fs(const struct mount_fs *fs, struct error *err)
{
	_cleanup_fd_ int fd = sys_fsopen(fs->type);
	int r;

	if (fd == -ENODEV)
		return error_set(err, ENODEV, "file system type \"%s\" is not known to this kernel",
				 fs->type);
	if (fd < 0)
		return error_errnum(err, fd, "fsopen \"%s\"", fs->type);
	r = configure(fd, fs, err);
	if (r < 0)
		return r;
	r = sys_fsmount(fd, fs->attributes);
	return r < 0 ? fs_error(fd, r, fs->type, err) : r;
}

int mount_clone(int dirfd, const char *path, bool recursive)
{
	return sys_open_tree(dirfd, path,
			     OPEN_TREE_CLONE | (path[0] ? 0 : AT_EMPTY_PATH) |
				     (recursive ? AT_RECURSIVE : 0));
}

int mount_clone_nofollow(const char *path, bool recursive)
{
	return sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | AT_SYMLINK_NOFOLLOW | (recursive ? AT_RECURSIVE : 0));
}

int mount_set_attributes(int mount_fd, bool recursive, const struct mount_attributes *attr)
{
	struct mount_attr a = { .attr_set = attr->set, .attr_clr = attr->clr };

	if (!a.attr_set && !a.attr_clr)
		return 0;
	return sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a);
}

int mount_set_idmap(int mount_fd, bool recursive, int userns_fd)
{
	struct mount_attr a = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns_fd };

	return sys_mount_setattr(mount_fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a);
}

/* mount(2) takes paths only: this one leads to just what the fd is. */
static const char *fd_path(int fd, char buf[static 32])
{
	snprintf(buf, 32, "/proc/self/fd/%d", fd);
	return buf;
}

int mount_set_propagation(int mount_fd, unsigned propagation)
{
	struct mount_attr a = { .propagation = propagation & ~(unsigned)MS_REC };
	unsigned flags = AT_EMPTY_PATH | (propagation & MS_REC ? AT_RECURSIVE : 0);
	char path[32];
	int r = sys_mount_setattr(mount_fd, "", flags, &a);

	return r == -ENOSYS ? sys_mount(NULL, fd_path(mount_fd, path), NULL, propagation, NULL) : r;
}

/* The MS_* flags that say the same as the attributes, for a remount. */
static unsigned long remount_flags(uint64_t set)
{
	static const struct {
		uint64_t attr;
		unsigned long flag;
	} map[] = {
		{ MOUNT_ATTR_RDONLY, MS_RDONLY },         { MOUNT_ATTR_NOSUID, MS_NOSUID },
		{ MOUNT_ATTR_NODEV, MS_NODEV },           { MOUNT_ATTR_NOEXEC, MS_NOEXEC },
		{ MOUNT_ATTR_NOATIME, MS_NOATIME },       { MOUNT_ATTR_STRICTATIME, MS_STRICTATIME },
		{ MOUNT_ATTR_NODIRATIME, MS_NODIRATIME },
	};
	unsigned long flags = MS_REMOUNT | MS_BIND;

	for (size_t i = 0; i < ARRAY_SIZE(map); i++)
		if (set & map[i].attr)
			flags |= map[i].flag;
	return flags;
}

static int move(int mount_fd, int target_fd)
{
	return sys_move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

static int attach_and_remount(int mount_fd, int target_fd, const struct mount_options *o)
{
	char path[32];
	int r;

	if (o->rec.set || o->rec.clr)
		return -EOPNOTSUPP;
	r = move(mount_fd, target_fd);
	if (r < 0)
		return r;
	return sys_mount(NULL, fd_path(mount_fd, path), NULL, remount_flags(o->attr.set), NULL);
}

int mount_attach(int mount_fd, int target_fd, const struct mount_options *o)
{
	int r = mount_set_attributes(mount_fd, false, &o->attr);

	if (r == 0)
		r = mount_set_attributes(mount_fd, true, &o->rec);
	if (r == -ENOSYS)
		return attach_and_remount(mount_fd, target_fd, o);
	return r < 0 ? r : move(mount_fd, target_fd);
}

int mount_is_root(int fd, bool *ret)
{
	struct statx stx;
	int r = sys_statx(fd, "", AT_EMPTY_PATH, STATX_TYPE, &stx);

	if (r < 0)
		return r;
	if (!(stx.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT))
		return -EOPNOTSUPP;
	*ret = stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return 0;
}

int mount_open_root_of(int dirfd)
{
	_cleanup_fd_ int fd = sys_openat(dirfd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	bool root = false;

	while (fd >= 0) {
		int up, r = mount_is_root(fd, &root);

		if (r < 0)
			return r;
		if (root)
			break;
		up = sys_openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		fd_close(fd);
		fd = up;
	}
	return TAKE_FD(fd);
}
