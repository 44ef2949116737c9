/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The jail: a mount namespace of which the VMM, however little is left of it when its guest has broken it, sees all that it may see of the host. Its root is a
 * tmpfs with the VMM's own files as bind mounts, read-only, a /proc of the VMM's own pid namespace (jail_start.c), and the share tree.
 *
 * The worker lives here, too. It needs none of the host's files any more, the VMM inherits its mount namespace instead of copying the host's once
 * more, and a change that the worker makes to a share (shares.c) is one to what the VMM has.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "linux/sys.h"
#include "schema/types.h"
#include "vmwp/worker.h"

/* While it is made. */
struct jail {
	int dirfd;    /* its root */
	char **bound; /* what has been bound so far */
};

/* Host mounts made or removed from now on follow here only as removals: what is unmounted there is not kept busy by us. */
static int enter_mounts(const char *place, struct error *err)
{
	int r = sys_unshare(CLONE_NEWNS);

	if (r < 0)
		return error_errnum(err, r, "make a mount namespace");
	r = sys_mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
	if (r < 0)
		return error_errnum(err, r, "make the mount namespace our own");
	r = sys_mount("hvrun", place, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=256k");
	return r < 0 ? error_errnum(err, r, "mount a tmpfs at %s", place) : 0;
}

static int open_dir(int dirfd, const char *name, struct error *err)
{
	int fd = openat(dirfd, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? error_errno(err, "%s", name) : fd;
}

/* A fresh name in dirfd, and the fd of the place to mount on. */
static int make_place(int dirfd, const char *name, bool directory, struct error *err)
{
	int fd;

	if (directory) {
		if (mkdirat(dirfd, name, 0755) < 0 && errno != EEXIST)
			return error_errno(err, "%s: mkdir", name);
		return open_dir(dirfd, name, err);
	}
	fd = openat(dirfd, name, O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? error_errno(err, "%s: create", name) : fd;
}

static int move_to(int mount_fd, int place, struct error *err)
{
	int r = sys_move_mount(mount_fd, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);

	return r < 0 ? error_errnum(err, r, "move_mount") : 0;
}

/* The VMM's files -------------------------------------------------------------------------------------------------------- */

static bool is_bound(const struct jail *j, const char *path)
{
	for (char **b = j->bound; b && *b; b++) {
		size_t len = strlen(*b);

		if (!strncmp(path, *b, len) && (path[len] == '/' || !path[len]))
			return true;
	}
	return false;
}

static int make_parent(const struct jail *j, const char *path, struct error *err)
{
	_cleanup_free_ char *parent = xstrndup(path + 1, (size_t)(MAX(strrchr(path, '/'), path + 1) - path - 1));
	int r = *parent ? file_mkdir_p(j->dirfd, parent, 0755) : 0;

	return r < 0 ? error_errnum(err, r, "jail: mkdir %s", parent) : 0;
}

/* path is real: without links. */
static int bind_real(struct jail *j, const char *path, struct error *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID };
	_cleanup_fd_ int from = sys_open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	_cleanup_fd_ int to = -1;
	struct stat st;
	int r;

	if (from < 0 || fstat(from, &st) < 0)
		return error_errnum(err, from < 0 ? from : -errno, "jail: %s", path);
	attr.attr_set |= S_ISCHR(st.st_mode) ? MOUNT_ATTR_NOEXEC : MOUNT_ATTR_NODEV;
	r = sys_mount_setattr(from, "", AT_EMPTY_PATH, &attr);
	if (r < 0)
		return error_errnum(err, r, "jail: %s: mount_setattr", path);
	r = make_parent(j, path, err);
	if (r < 0)
		return r;
	to = make_place(j->dirfd, path + 1, S_ISDIR(st.st_mode), err);
	r = to < 0 ? to : move_to(from, to, err);
	if (r < 0)
		return error_wrap(err, "jail: %s", path);
	strv_append(&j->bound, path);
	return 0;
}

/* What is not there is no loss: the VMM will say what it misses. A link becomes one in the jail. */
static int bind_file(struct jail *j, const char *path, struct error *err)
{
	_cleanup_free_ char *real = realpath(path, NULL);
	int r;

	if (!real)
		return 0;
	r = is_bound(j, real) ? 0 : bind_real(j, real, err);
	if (r < 0 || !strcmp(path, real) || is_bound(j, path))
		return r;
	r = make_parent(j, path, err);
	if (r == 0 && symlinkat(real, j->dirfd, path + 1) < 0 && errno != EEXIST)
		r = error_errno(err, "jail: link %s", path);
	return r;
}

static bool is_local(const char *path)
{
	return !strncmp(path, "/usr/local/", strlen("/usr/local/"));
}

/* In this order: where the operator has named a directory, what is below it is there. */
static int bind_files(struct jail *j, struct worker *w, struct error *err)
{
	const struct hv_worker_vm *vm = w->setup->vm;
	const char *own[] = { vm->binary, vm->kernel, vm->initrd, vm->virtiofsd, strcmp(vm->accel, "kvm") ? NULL : "/dev/kvm" };
	int r = 0;

	for (size_t i = 0; r == 0 && vm->jail && i < vm->jail->n_files; i++)
		r = bind_file(j, vm->jail->files[i], err);
	for (size_t i = 0; r == 0 && w->vmm->files[i]; i++)
		r = is_local(w->vmm->files[i]) && !is_local(vm->binary) ? 0 : bind_file(j, w->vmm->files[i], err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(own); i++)
		r = own[i] ? bind_file(j, own[i], err) : 0;
	return r;
}

/* The share tree --------------------------------------------------------------------------------------------------------- */

static int make_share_tree(const struct jail *j, struct worker *w, const int *fds, size_t n, struct error *err)
{
	w->share_dirfd = make_place(j->dirfd, JAIL_SHARE_DIR + 1, true, err);
	return w->share_dirfd < 0 ? w->share_dirfd : shares_make(w, fds, n, err);
}

/* Its root becomes ours -------------------------------------------------------------------------------------------------- */

/*
 * Where the root is the initramfs it cannot be pivoted away (pivot_root(2)); the jail is then moved over it, and chroot(2) is what is left: whoever
 * wants out of that needs CAP_SYS_CHROOT, which the VMM has not.
 */
static int change_root(struct error *err)
{
	int r = sys_pivot_root(".", ".");

	if (r == 0)
		r = sys_umount2(".", MNT_DETACH);
	else if (r == -EINVAL)
		r = sys_mount(".", "/", NULL, MS_MOVE, NULL);
	if (r == 0)
		r = sys_chroot(".");
	if (r == 0)
		r = sys_chdir("/");
	return r < 0 ? error_errnum(err, r, "jail: change of root") : 0;
}

/* Sysctls that QEMU (before it maps memory that swap space is not reserved for) and virtiofsd read; what the host's say is for its kernel to heed. */
static const struct {
	const char *dir, *path, *value;
} sysctls[] = {
	{ "proc/sys/vm", "proc/sys/vm/overcommit_memory", "0\n" },
	{ "proc/sys/fs", "proc/sys/fs/file-max", "9223372036854775807\n" },
};

static int make_sysctl(const struct jail *j, size_t i, struct error *err)
{
	_cleanup_fd_ int fd = -1;
	int r = file_mkdir_p(j->dirfd, sysctls[i].dir, 0555);

	if (r < 0)
		return error_errnum(err, r, "jail: mkdir %s", sysctls[i].dir);
	fd = openat(j->dirfd, sysctls[i].path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
	r = fd < 0 ? -errno : fd_write_all(fd, sysctls[i].value, strlen(sysctls[i].value));
	return r < 0 ? error_errnum(err, r, "jail: make %s", sysctls[i].path) : 0;
}

/* Of proc(5) only what is about the program's own processes, which jail_start.c mounts at JAIL_PROC_DIR; and a few sysctls. */
static int make_proc(const struct jail *j, struct worker *w, struct error *err)
{
	size_t n = w->setup->vm->virtiofsd ? ARRAY_SIZE(sysctls) : 1;

	for (size_t i = 0; i < n; i++)
		if (make_sysctl(j, i, err) < 0)
			return -err->code;
	if (mkdirat(j->dirfd, JAIL_PROC_DIR + 1, 0555) < 0 || symlinkat(JAIL_PROC_DIR "/self", j->dirfd, "proc/self") < 0 ||
	    symlinkat(JAIL_PROC_DIR "/thread-self", j->dirfd, "proc/thread-self") < 0)
		return error_errno(err, "jail: make /proc");
	return 0;
}

static int fill(struct jail *j, struct worker *w, const int *fds, size_t n_fds, struct error *err)
{
	const struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	int r = bind_files(j, w, err);

	if (r == 0)
		r = make_share_tree(j, w, fds, n_fds, err);
	if (r == 0)
		r = make_proc(j, w, err);
	if (r < 0)
		return r;
	r = sys_mount_setattr(j->dirfd, "", AT_EMPTY_PATH, &readonly);
	if (r == 0)
		r = sys_fchdir(j->dirfd);
	return r < 0 ? error_errnum(err, r, "jail: make it read-only") : change_root(err);
}

static int open_mounts(struct worker *w, struct error *err)
{
	if (!w->setup->vm->jail || !w->setup->vm->jail->userns)
		return 0;
	w->mounts_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	return w->mounts_fd < 0 ? error_errno(err, "jail: /proc/self/ns/mnt") : 0;
}

int jail_enter(struct worker *w, const int *fds, size_t n_fds, struct error *err)
{
	struct jail j = { .dirfd = -1 };
	int r;

	w->vmm = vmm_find(w->setup->vm->vmm, err);
	if (!w->vmm || open_mounts(w, err) < 0)
		return -err->code;
	r = enter_mounts(w->setup->share_dir, err);
	if (r == 0)
		r = j.dirfd = open_dir(AT_FDCWD, w->setup->share_dir, err);
	if (r >= 0)
		r = fill(&j, w, fds, n_fds, err);
	fd_close(j.dirfd);
	strv_free(j.bound);
	return r;
}

static int make_empty_root(void)
{
	const struct mount_attr readonly = { .attr_set = MOUNT_ATTR_RDONLY };
	_cleanup_fd_ int fs = sys_fsopen("tmpfs"), root = -1;
	int r = fs < 0 ? fs : sys_fsconfig(fs, FSCONFIG_SET_STRING, "size", "4096", 0);

	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_SET_STRING, "mode", "0555", 0);
	if (r == 0)
		r = sys_fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
	if (r == 0)
		r = root = sys_fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (r >= 0)
		r = sys_mount_setattr(root, "", AT_EMPTY_PATH, &readonly);
	if (r == 0)
		r = sys_move_mount(root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
	return r < 0 ? r : sys_fchdir(root);
}

int jail_enter_empty(struct error *err)
{
	int r;

	if (geteuid() != 0)
		return 0;
	r = sys_unshare(CLONE_NEWNS);
	if (r < 0)
		return error_errnum(err, r, "make a mount namespace");
	r = sys_mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
	if (r == 0)
		r = make_empty_root();
	return r < 0 ? error_errnum(err, r, "make an empty root directory") : change_root(err);
}
