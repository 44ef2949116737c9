/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker takes its place, before the VMM is started and inherits it: the container's network namespace, and a mount
 * namespace in which the share directory holds what the guest may see of the host and nothing else.
 *
 * The share tree is a tmpfs with one entry for each file system that hvrun opened: "0" is the rootfs, "1" and on are the sources of bind
 * mounts; those of other containers in the VM (members.c) come and go later. They are siblings, moved here by descriptor with their final
 * attributes, and the tmpfs is read-only for all but this process: neither the guest nor anybody on the host has a name in it to play with.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "linux/sys.h"
#include "schema/types.h"
#include "vmwp/worker.h"

static int enter_network(bool join, int fd, struct error *err)
{
	int r = join ? sys_setns(fd, CLONE_NEWNET) : sys_unshare(CLONE_NEWNET);

	return r < 0 ? error_errnum(err, r, join ? "join the network namespace" : "make a network namespace") : 0;
}

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
	_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d/%s", w->share_dirfd, name);

	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0 || unlinkat(w->tree_fd, name, file ? 0 : AT_REMOVEDIR) < 0)
		log_warning("container \"%s\": share %s stays: %s", w->setup->id, name, strerror(errno));
}

/* Host mounts made or removed from now on follow here only as removals: what is unmounted there is not kept busy by us. */
static int enter_mounts(const char *share_dir, struct error *err)
{
	int r = sys_unshare(CLONE_NEWNS);

	if (r < 0)
		return error_errnum(err, r, "make a mount namespace");
	r = sys_mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL);
	if (r < 0)
		return error_errnum(err, r, "make the mount namespace our own");
	r = sys_mount("hvrun", share_dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755,size=64k");
	return r < 0 ? error_errnum(err, r, "mount a tmpfs at %s", share_dir) : 0;
}

/*
 * The mount that the guest sees gets read-only, another one of the same tmpfs is kept for the names of later entries. It is shared, so that
 * what is mounted and unmounted here later is so in the VMM's mount namespace too, if it has one of its own.
 */
static int make_share_tree(struct worker *w, const int *fds, size_t n, struct error *err)
{
	const struct mount_attr final = { .attr_set = MOUNT_ATTR_RDONLY, .propagation = MS_SHARED };
	int r = enter_mounts(w->setup->share_dir, err);
	char name[24];

	if (r < 0)
		return r;
	w->share_dirfd = open(w->setup->share_dir, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (w->share_dirfd < 0)
		return error_errno(err, "open %s", w->setup->share_dir);
	w->tree_fd = sys_open_tree(w->share_dirfd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (w->tree_fd < 0)
		return error_errnum(err, w->tree_fd, "open_tree of %s", w->setup->share_dir);
	for (size_t i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		r = share_add(w, name, w->setup->shares[i].file, fds[i], err);
		if (r < 0)
			return r;
	}
	r = sys_mount_setattr(w->share_dirfd, "", AT_EMPTY_PATH, &final);
	return r < 0 ? error_errnum(err, r, "make the share tree read-only") : 0;
}

/* Ours to relay from now on; 0, 1 and 2 must not keep open what the container closes. */
static int take_stdio(struct worker *w, struct error *err)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return error_errno(err, "open /dev/null");
	for (int i = 0; i < 3; i++) {
		w->stdio[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (w->stdio[i] < 0 || dup2(null, i) < 0)
			return error_errno(err, "take fd %d over", i);
	}
	fd_close(null);
	return 0;
}

/* The optional descriptors, in the order of worker.json; the shares are what is left. */
struct setup_fds {
	int network, console;
	const int *shares;
	size_t n_shares;
};

static int sort_fds(struct worker *w, int *fds, size_t n_fds, struct setup_fds *ret, struct error *err)
{
	const struct hv_worker_setup *s = w->setup;
	size_t want = 2 + (s->vm->template ? 3 : 0) + (s->join_network ? 1 : 0) + (s->console ? 1 : 0) + s->n_shares, i = 0;

	if (n_fds != want)
		return error_set(err, EPROTO, "SETUP: %zu descriptors came, %zu are needed", n_fds, want);
	w->state_dirfd = TAKE_FD(fds[0]);
	w->listen_fd = TAKE_FD(fds[1]);
	i = 2;
	if (s->vm->template) {
		w->start = VMM_START_CLONE;
		w->template_dirfd = TAKE_FD(fds[i]);
		w->memory_fd = TAKE_FD(fds[i + 1]);
		w->devices_fd = TAKE_FD(fds[i + 2]);
		i += 3;
	}
	ret->network = s->join_network ? fds[i++] : -1;
	ret->console = s->console ? fds[i++] : -1;
	ret->shares = fds + i;
	ret->n_shares = s->n_shares;
	return 0;
}

int setup_worker(struct worker *w, int *fds, size_t n_fds, struct error *err)
{
	struct setup_fds f = { 0 };
	int r;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0);
	r = sort_fds(w, fds, n_fds, &f, err);
	if (r == 0)
		r = log_file_open(&w->console_log, "--vm-console", w->setup->console_log, LOG_FILE_MAX, err);
	if (r == 0)
		r = log_file_open(&w->vmm_log, "--vm-log", w->setup->vmm_log, LOG_FILE_MAX, err);
	if (r == 0)
		r = take_stdio(w, err);
	if (r == 0)
		r = enter_network(w->setup->join_network, f.network, err);
	if (r == 0)
		r = network_open(w, err);
	if (r == 0)
		r = make_share_tree(w, f.shares, f.n_shares, err);
	if (r == 0 && f.console >= 0)
		r = w->tty_fd = terminal_open(fcntl(f.console, F_DUPFD_CLOEXEC, 3), w->setup->console_size, err);
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = fd_close(fds[i]);
	return r < 0 ? r : 0;
}
