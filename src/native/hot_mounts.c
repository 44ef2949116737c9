/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts that come to and go from a running container. The tree is made detached on the host, with its attributes; a child of ours that
 * has entered the container's mount namespace and root, and nothing else of it, resolves the destination there as create does
 * (linux/safe_open.h) and moves the tree onto what it found. The container's processes cannot reach that child. Needs open_tree(2) and
 * move_mount(2), Linux 5.2, and mount_setattr(2), 5.12.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "container/container.h"
#include "container/hot_mount.h"
#include "linux/mount.h"
#include "linux/safe_open.h"
#include "linux/sys.h"
#include "native/native.h"
#include "native/operations.h"
#include "schema/types.h"

/* One mount on its way. fds: -1 = none. */
struct hot {
	const struct oci_mount *m;
	struct hot_mount spec;
	int tree; /* what to add; -1: the destination is to be removed */
	bool file;
	int root, ns, self_fds; /* the container's root and mount namespace; our own /proc/self/fd */
};

static int open_bind(struct hot *h, struct error *err)
{
	struct stat st;
	int r;

	h->tree = mount_clone(AT_FDCWD, h->m->source, h->spec.options.extra & MOUNT_EXTRA_RECURSIVE);
	if (h->tree < 0)
		return error_errnum(err, h->tree, "mounts: %s: open %s", h->m->destination, h->m->source);
	r = mount_set_propagation(h->tree, MS_PRIVATE | MS_REC); /* what is mounted in it stays the container's */
	if (r < 0 || fstat(h->tree, &st) < 0)
		return error_errnum(err, r < 0 ? r : -errno, "mounts: %s", h->m->destination);
	h->file = !S_ISDIR(st.st_mode);
	return 0;
}

static int open_tree_of(struct hot *h, struct error *err)
{
	struct mount_fs fs = { .type = h->m->type, .source = h->m->source, .data = h->spec.options.data, .n_data = h->spec.options.n_data };

	if (h->spec.bind)
		return open_bind(h, err);
	h->tree = mount_new_fs(&fs, err);
	return h->tree < 0 ? h->tree : 0;
}

/* In the child -------------------------------------------------------------------------------------- */

static int attach(struct hot *h, int root, struct error *err)
{
	int place = safe_make(root, h->m->destination, h->file ? SAFE_MAKE_FILE : SAFE_MAKE_DIR, h->file ? 0644 : 0755);
	struct statfs fs;
	int r;

	if (place < 0)
		return error_errnum(err, place, "mounts: destination \"%s\"", h->m->destination);
	if (fstatfs(place, &fs) < 0 || fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC)
		return error_set(err, EPERM, "mounts: destination \"%s\": not on procfs or sysfs", h->m->destination);
	r = mount_attach(h->tree, place, &h->spec.options);
	return r < 0 ? error_errnum(err, r, "mounts: mount on \"%s\"", h->m->destination) : 0;
}

static int detach(struct hot *h, int root, struct error *err)
{
	int place = safe_open(root, h->m->destination, O_PATH | O_CLOEXEC);
	bool is_root = false;
	char name[16];
	int r = place < 0 ? place : mount_is_root(place, &is_root);

	if (r < 0)
		return error_errnum(err, r, "mounts: destination \"%s\"", h->m->destination);
	if (!is_root || h->m->destination[strspn(h->m->destination, "/.")] == '\0')
		return error_set(err, EINVAL, "mounts: destination \"%s\": nothing is mounted there", h->m->destination);
	snprintf(name, sizeof(name), "%d", place); /* the link of our own procfs: it is followed to the fd itself */
	if (fchdir(h->self_fds) < 0 || umount2(name, MNT_DETACH) < 0)
		return error_errno(err, "mounts: unmount \"%s\"", h->m->destination);
	return 0;
}

static int in_container(struct hot *h, struct error *err)
{
	int root;

	if (setns(h->ns, CLONE_NEWNS) < 0)
		return error_errno(err, "mounts: enter the container's mount namespace");
	if (fchdir(h->root) < 0 || chroot(".") < 0)
		return error_errno(err, "mounts: enter the container's root");
	root = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return error_errno(err, "mounts: open the container's root");
	return h->tree < 0 ? detach(h, root, err) : attach(h, root, err);
}

/* In the parent ------------------------------------------------------------------------------------- */

static int run_child(struct hot *h, struct error *err)
{
	struct error result = { 0 };
	int fds[2], status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "pipe2");
	pid = fork();
	if (pid == 0) {
		h->self_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (in_container(h, &result) < 0)
			fd_write_all(fds[1], &result, sizeof(result));
		_exit(result.code != 0);
	}
	fd_close(fds[1]);
	n = pid < 0 ? -1 : fd_read_all(fds[0], &result, sizeof(result));
	fd_close(fds[0]);
	if (pid < 0)
		return error_errno(err, "fork");
	process_wait(pid, &status);
	if (n == sizeof(result)) {
		*err = result;
		return -result.code;
	}
	return status ? error_set(err, EPROTO, "mounts: the process that was to do it died") : 0;
}

static int do_one(const struct oci_mount *m, bool add, int root, int ns, struct error *err)
{
	struct hot h = { .m = m, .tree = -1, .root = root, .ns = ns, .self_fds = -1 };
	int r = hot_mount_parse(m, add, &h.spec, err);

	if (r == 0 && add)
		r = open_tree_of(&h, err);
	if (r == 0)
		r = run_child(&h, err);
	fd_close(h.tree);
	return r;
}

int native_mounts(const struct env *env _unused_, struct container *c, const struct oci_mount *m, size_t n, bool add, struct error *err)
{
	_cleanup_free_ char *root_path = xasprintf("/proc/%d/root", (int)c->state->pid), *ns_path = xasprintf("/proc/%d/ns/mnt", (int)c->state->pid);
	_cleanup_fd_ int pidfd = process_pidfd_open_exact(c->state->pid, c->state->start_time), root = -1, ns = -1;
	struct stat own, theirs;
	int r = 0;

	if (pidfd < 0)
		return error_set(err, ESRCH, "container not running");
	root = open(root_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	ns = open(ns_path, O_RDONLY | O_CLOEXEC);
	if (root < 0 || ns < 0 || fstat(ns, &theirs) < 0 || stat("/proc/self/ns/mnt", &own) < 0)
		return error_errno(err, "mounts: open the container's mount namespace");
	if (process_pidfd_kill(pidfd, 0) < 0) /* what was opened was not its, perhaps */
		return error_set(err, ESRCH, "container not running");
	if (own.st_ino == theirs.st_ino)
		return error_set(err, EINVAL, "mounts: the container has no mount namespace of its own");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = do_one(&m[i], add, root, ns, err);
	return r;
}
