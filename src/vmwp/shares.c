/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The share tree: a directory in the jail's tmpfs with one entry for each file system that hvrun opened. "0" is the rootfs, "1" and on are the sources
 * of bind mounts; those of other containers in the VM (members.c) come and go later. They are siblings, moved here by descriptor with their final
 * attributes. The mount that the VMM sees is read-only, and names are made through another one of the same tmpfs that only this process has: neither the
 * guest nor anybody on the host has a name in it to play with.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "linux/sys.h"
#include "schema/types.h"
#include "vmwp/worker.h"

/* The fd of the place to mount on, in the tree that the guest sees: its name has been made where that tree can be written. */
static int make_place(struct worker *w, const char *name, bool file, struct error *err)
{
	_cleanup_fd_ int made = file ? openat(w->tree_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	int fd;

	if (file ? made < 0 : mkdirat(w->tree_fd, name, 0700) < 0)
		return error_errno(err, "share %s: make its place", name);
	fd = openat(w->share_dirfd, name, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? error_errno(err, "share %s: open", name) : fd;
}

int share_add(struct worker *w, const char *name, bool file, int mount_fd, struct error *err)
{
	_cleanup_fd_ int place = make_place(w, name, file, err);
	int r;

	if (place < 0)
		return place;
	r = sys_move_mount(mount_fd, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
	if (r < 0)
		unlinkat(w->tree_fd, name, file ? 0 : AT_REMOVEDIR);
	return r < 0 ? error_errnum(err, r, "share %s: move_mount", name) : 0;
}

int share_close(struct worker *w, const char *name, struct error *err)
{
	const struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	int r = sys_mount_setattr(w->share_dirfd, name, AT_RECURSIVE | AT_SYMLINK_NOFOLLOW, &readonly);

	return r < 0 ? error_errnum(err, r, "make share %s read-only", name) : 0;
}

/* By a name, as umount2(2) wants it, but one in a tree that is ours alone. Files that the guest holds open live on until it closes them. */
void share_remove(struct worker *w, const char *name, bool file)
{
	int r = sys_fchdir(w->share_dirfd);

	if (r == 0 && umount2(name, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		r = -errno;
	sys_chdir("/");
	if (r == 0 && unlinkat(w->tree_fd, name, file ? 0 : AT_REMOVEDIR) < 0)
		r = -errno;
	if (r < 0)
		log_warning("container \"%s\": share %s stays: %s", w->setup->id, name, strerror(-r));
}

int shares_make(struct worker *w, const int *fds, size_t n, struct error *err)
{
	char name[24];

	w->tree_fd = sys_open_tree(w->share_dirfd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (w->tree_fd < 0)
		return error_errnum(err, w->tree_fd, "open_tree of the share tree");
	for (size_t i = 0; i < n; i++) {
		int r;

		snprintf(name, sizeof(name), "%zu", i);
		r = share_add(w, name, w->setup->shares[i].file, fds[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}
