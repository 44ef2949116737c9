/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A container's layer over its root file system (Documentation/filesystems/overlayfs.rst). Both are opened once and given to the kernel as
 * /proc/self/fd/N, so that no path is looked up twice, and none needs overlayfs's escapes for "," and ":".
 *
 * Up to Linux 6.14 the directories must be on mounts of the caller's own namespace (fs/namespace.c, clone_private_mount()): a file system that has
 * just been made for the layer is mounted over root.path, in a mount namespace that nobody else is in, and taken away when the overlay has its copy.
 */
#include "native/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "linux/loop.h"
#include "linux/mount.h"
#include "linux/namespace.h"
#include "linux/sys.h"

enum layer_form overlay_form(const struct layer_spec *layer)
{
	return layer->size ? LAYER_DISK : LAYER_DIRS;
}

static int mount_memory(const struct overlay *o, struct error *err)
{
	char size[40];
	const char *data[] = { "mode=0700", size };
	const struct mount_fs fs = { .type = "tmpfs", .source = "tmpfs", .data = data, .n_data = o->layer->size ? 2 : 1 };

	snprintf(size, sizeof(size), "size=%llu", (unsigned long long)o->layer->size);
	return mount_new_fs(&fs, err);
}

static int mount_disk(const struct overlay *o, struct error *err)
{
	_cleanup_fd_ int dir = sys_openat(AT_FDCWD, o->layer_dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	_cleanup_fd_ int file = dir < 0 ? dir : sys_openat(dir, layer_file(LAYER_DISK), O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
	_cleanup_fd_ int loop = file < 0 ? error_errnum(err, file, "open %s", o->layer_dir) : loop_attach(file, err);
	char source[32];
	const struct mount_fs fs = { .type = "ext4", .source = source };

	if (loop < 0)
		return error_wrap(err, "a layer with a size (annotation io.hvrun.sandbox: \"memory\" needs no disk)");
	snprintf(source, sizeof(source), "/proc/self/fd/%d", loop);
	return mount_new_fs(&fs, err);
}

/* The root's owner and mode are those of "upper". */
static int make_dirs(int dirfd, int lower, struct error *err)
{
	struct stat st;
	int r = sys_mkdirat(dirfd, "upper", 0700);

	if (r == 0 || r == -EEXIST)
		r = sys_mkdirat(dirfd, "work", 0700);
	if (r < 0 && r != -EEXIST)
		return error_errnum(err, r, "make the layer's directories");
	if (fstat(lower, &st) < 0)
		return error_errno(err, "stat");
	r = sys_fchownat(dirfd, "upper", st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW);
	if (r == 0)
		r = sys_fchmodat(dirfd, "upper", st.st_mode & 07777);
	return r < 0 ? error_errnum(err, r, "give the layer the owner and mode of root.path") : 0;
}

static int assemble(const struct overlay *o, int dirfd, int lower, struct error *err)
{
	char lowerdir[48], upperdir[48], workdir[48];
	const char *data[] = { lowerdir, upperdir, workdir, "userxattr" };
	const struct mount_fs fs = { .type = "overlay", .source = "overlay", .data = data, .n_data = o->unprivileged ? 4 : 3,
				     .context = o->context };
	int r = make_dirs(dirfd, lower, err);

	if (r < 0)
		return r;
	snprintf(lowerdir, sizeof(lowerdir), "lowerdir=/proc/self/fd/%d", lower);
	snprintf(upperdir, sizeof(upperdir), "upperdir=/proc/self/fd/%d/upper", dirfd);
	snprintf(workdir, sizeof(workdir), "workdir=/proc/self/fd/%d/work", dirfd);
	return mount_new_fs(&fs, err);
}

/* In a mount namespace of our own. */
static int assemble_on_new(const struct overlay *o, int lower, struct error *err)
{
	static const struct mount_options none;
	_cleanup_fd_ int fs = o->layer->kind == LAYER_MEMORY ? mount_memory(o, err) : mount_disk(o, err);
	char path[32];
	int r;

	if (fs < 0)
		return fs;
	r = mount_attach(fs, lower, &none);
	if (r < 0)
		return error_errnum(err, r, "mount the layer");
	r = assemble(o, fs, lower, err);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fs);
	sys_umount2(path, MNT_DETACH);
	return r;
}

static bool needs_mount(const struct overlay *o)
{
	return o->layer->kind == LAYER_MEMORY || overlay_form(o->layer) == LAYER_DISK;
}

/* Opens what is to be one, where the mounts are that the kernel will look for. */
static int make(void *arg, struct error *err)
{
	const struct overlay *o = arg;
	_cleanup_fd_ int lower = sys_openat(AT_FDCWD, o->lower, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	_cleanup_fd_ int layer = -1;

	if (lower < 0)
		return error_errnum(err, lower, "root.path \"%s\"", o->lower);
	if (needs_mount(o))
		return assemble_on_new(o, lower, err);
	layer = sys_openat(AT_FDCWD, o->layer_dir, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, 0);
	return layer < 0 ? error_errnum(err, layer, "open %s", o->layer_dir) : assemble(o, layer, lower, err);
}

int overlay_mount(const struct overlay *o, struct error *err)
{
	int r = needs_mount(o) && !o->unprivileged ? namespace_call_with_mounts(make, (void *)o, err) : make((void *)o, err);

	return r < 0 ? error_wrap(err, "annotation io.hvrun.sandbox") : r;
}
