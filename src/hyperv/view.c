/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's files on the host: see view.h.
 *
 * They are mounted over the root of the worker's mount namespace, where setns(2) leads to. The worker, and the VMM beside it, have the root
 * below, and stay there; what they could reach of the one above, by "/..", are the shares once more: the same files, read-only where those are, and as those are
 * without device nodes, set-user-id bits and programs, for what is in them is the container's and not for the host to run. Destinations are as hostile as ever, so
 * each is resolved once, inside of the new root (linux/safe_open.h), and nothing is ever made there.
 *
 * A child does it, for it goes to another mount namespace.
 */
#include "hyperv/view.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "hyperv/guest_config.h"
#include "linux/mount.h"
#include "linux/safe_open.h"
#include "linux/sys.h"

/* The mount namespaces, and of the VM's worker the share tree by its own root: its namespace's root may have a container's files already, a sandbox's. */
struct places {
	int vm, tree, worker;
};

static int open_of(pid_t pid, const char *what, int flags, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/%s", (int)pid, what);
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? error_errno(err, "%s", path) : fd;
}

static int open_places(const struct view_request *req, struct places *ret, struct error *err)
{
	ret->vm = open_of(req->vm, "ns/mnt", O_RDONLY, err);
	ret->tree = ret->vm < 0 ? ret->vm : open_of(req->vm, "root" JAIL_SHARE_DIR, O_PATH | O_DIRECTORY, err);
	ret->worker = ret->tree < 0 ? ret->tree : open_of(req->worker, "ns/mnt", O_RDONLY, err);
	return ret->worker < 0 ? ret->worker : 0;
}

static void close_places(struct places *p)
{
	fd_close(p->vm);
	fd_close(p->tree);
	fd_close(p->worker);
}

/* Copies of all shares, which later mounts and unmounts of the host's reach, and nothing that happens here leaves. */
static int clone_shares(const struct guest_config *g, int tree, int *fds, struct error *err)
{
	for (size_t i = 0; i < g->n_shares; i++) {
		int r = fds[i] = mount_clone(tree, g->shares[i].name, true);

		if (r >= 0)
			r = mount_set_propagation(fds[i], MS_SLAVE | MS_REC);
		if (r < 0)
			return error_errnum(err, r, "copy the mount %s", g->shares[i].name);
	}
	return 0;
}

static int make_cover(struct error *err)
{
	static const char *const data[] = { "size=4096", "mode=0555" };
	const struct mount_fs fs = { .type = "tmpfs", .source = "hvrun", .data = data, .n_data = ARRAY_SIZE(data),
				     .attributes = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };

	return mount_new_fs(&fs, err);
}

/* An empty directory, or where there is a file, the mount point of a disk, that one, read-only. */
static int cover(int place, struct error *err)
{
	const struct mount_attributes readonly = { .set = MOUNT_ATTR_RDONLY };
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int r = fstat(place, &st) < 0 ? -errno : 0;

	if (r == 0 && S_ISDIR(st.st_mode))
		return make_cover(err);
	if (r == 0)
		r = fd = mount_clone(place, "", false);
	if (r >= 0)
		r = mount_set_attributes(fd, false, &readonly);
	return r < 0 ? error_errnum(err, r, "make it read-only") : TAKE_FD(fd);
}

static int attach(int mount_fd, int place)
{
	return sys_move_mount(mount_fd, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

/* What is not there is below a cover: the guest has made all mount points that can be seen from here. */
static int put_mount(int root, const struct view_mount *m, const int *shares, struct error *err)
{
	int place = m->nofollow ? safe_open_nofollow(root, m->destination, O_PATH) : safe_open(root, m->destination, O_PATH);
	_cleanup_fd_ int own = place, over = -1;
	int r;

	if (place == -ENOENT)
		return 0;
	if (place < 0)
		return error_errnum(err, place, "open the destination");
	if (m->share == VIEW_COVERED && (over = cover(place, err)) < 0)
		return over;
	r = attach(m->share == VIEW_COVERED ? over : shares[m->share], place);
	return r < 0 ? error_errnum(err, r, "put the mount in its place") : 0;
}

static int put_all(const struct guest_config *g, const int *fds, struct error *err)
{
	for (size_t i = 0; i < g->n_view; i++)
		if (put_mount(fds[0], &g->view[i], fds, err) < 0)
			return error_wrap(err, "%s", g->view[i].destination);
	return 0;
}

/* By a path, as umount2(2) wants it; the current directory is one that nobody has a hand in. */
static void take_away(int root)
{
	if (sys_fchdir(root) == 0)
		sys_umount2(".", MNT_DETACH);
}

static int build(const struct guest_config *g, int *fds, const struct places *p, struct error *err)
{
	int r = sys_setns(p->vm, CLONE_NEWNS);

	if (r < 0)
		return error_errnum(err, r, "join the mount namespace of the virtual machine");
	if (clone_shares(g, p->tree, fds, err) < 0)
		return -err->code;
	r = sys_setns(p->worker, CLONE_NEWNS);
	if (r == 0)
		r = sys_move_mount(fds[0], "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH);
	if (r < 0)
		return error_errnum(err, r, "mount the root file system");
	r = put_all(g, fds, err);
	if (r < 0)
		take_away(fds[0]);
	return r;
}

static _noreturn_ void child(const struct guest_config *g, const struct places *p, int sock)
{
	int *fds = xcalloc(g->n_shares, sizeof(*fds));
	struct error err = { 0 };

	if (build(g, fds, p, &err) == 0)
		err.code = 0;
	_exit(fd_write_all(sock, &err, sizeof(err)) < 0);
}

/* The child's answer; it has gone then. */
static int run_child(const struct guest_config *g, const struct places *p, struct error *err)
{
	struct error answer;
	int pair[2], status, r = fd_socketpair(SOCK_STREAM, pair);
	pid_t pid;

	if (r < 0)
		return error_errnum(err, r, "socketpair");
	pid = fork();
	if (pid == 0)
		child(g, p, pair[1]);
	close(pair[1]);
	if (pid < 0)
		error_errno(&answer, "fork");
	else if (fd_read_all(pair[0], &answer, sizeof(answer)) != sizeof(answer))
		error_set(&answer, EIO, "the child has gone");
	close(pair[0]);
	if (pid > 0)
		process_wait(pid, &status);
	if (!answer.code)
		return 0;
	*err = answer;
	return -err->code;
}

int view_make(const struct view_request *req, struct error *err)
{
	struct places p = { -1, -1, -1 };
	int r;

	if (req->guest->n_view == 0)
		return 0;
	r = open_places(req, &p, err);
	if (r == 0)
		r = run_child(req->guest, &p, err);
	close_places(&p);
	return r;
}
