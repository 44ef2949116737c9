/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mounts[] of config.json, each made detached with its final attributes and then put onto the fd of its
 * destination. See rootfs.c for why by fd, and linux/mount.h for how.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "linux/copy_tree.h"
#include "linux/mount.h"
#include "linux/safe_open.h"
#include "linux/sys.h"
#include "native/plan.h"
#include "native/rootfs.h"

enum { MODE_UNCOVERED = 01777 }; /* of a tmpfs where nothing was, as tmpfs(5) has it */

static int open_target(struct rootfs *r, const struct plan_mount *m, enum safe_make what, struct error *err)
{
	int fd;

	if (m->plain_dir)
		fd = safe_make_plain_dir(r->root_fd, m->destination, 0755);
	else if (m->options.extra & MOUNT_EXTRA_DEST_NOFOLLOW)
		fd = safe_make_nofollow(r->root_fd, m->destination, what, what == SAFE_MAKE_DIR ? 0755 : 0644);
	else
		fd = safe_make(r->root_fd, m->destination, what, what == SAFE_MAKE_DIR ? 0755 : 0644);
	if (m->plain_dir && (fd == -ELOOP || fd == -ENOTDIR))
		return error_set(err, -fd,
				 "must be mounted on ordinary directory, and that is something else");
	return fd < 0 ? error_errnum(err, fd, "open the destination") : fd;
}

/* mount_namespaces(7): flags of a mount from a more privileged namespace are locked in a user namespace. */
static int explain_locked(int mount_fd, const struct plan_mount *m, struct error *err)
{
	static const struct {
		uint64_t attr;
		long flag;
		const char *name;
	} flags[] = { { MOUNT_ATTR_RDONLY, ST_RDONLY, "ro" },
		      { MOUNT_ATTR_NOSUID, ST_NOSUID, "nosuid" },
		      { MOUNT_ATTR_NODEV, ST_NODEV, "nodev" },
		      { MOUNT_ATTR_NOEXEC, ST_NOEXEC, "noexec" } };
	struct statfs fs;

	for (size_t i = 0; fstatfs(mount_fd, &fs) == 0 && i < ARRAY_SIZE(flags); i++)
		if (((m->options.attr.clr | m->options.rec.clr) & flags[i].attr) && (fs.f_flags & flags[i].flag))
			return error_set(err, EPERM,
					 "options: \"%s\" of the source \"%s\" is locked: a user namespace cannot take it off",
					 flags[i].name, m->source ? m->source : "");
	return error_errnum(err, -EPERM, "put the mount in its place");
}

/* move_mount(2) says EINVAL when a directory meets something else; mount(2), and so runc, says ENOTDIR, from which engines tell their users what to look at. */
static int explain_types(int mount_fd, int target, const struct plan_mount *m, struct error *err)
{
	struct stat mounted, covered;

	if (fstat(mount_fd, &mounted) < 0 || fstat(target, &covered) < 0 || S_ISDIR(mounted.st_mode) == S_ISDIR(covered.st_mode))
		return error_errnum(err, -EINVAL, "put the mount in its place");
	return error_set(err, ENOTDIR, "\"%s\" is %s directory, and the destination is %s: not a directory", m->source ? m->source : "",
			 S_ISDIR(mounted.st_mode) ? "a" : "no", S_ISDIR(mounted.st_mode) ? "none" : "one");
}

/* options: what it does not have yet of m's */
static int finish(int mount_fd, int target, const struct plan_mount *m, const struct mount_options *options,
		  struct error *err)
{
	int x = mount_attach(mount_fd, target, options);

	if (x == -EPERM)
		return explain_locked(mount_fd, m, err);
	if (x == -EINVAL)
		return explain_types(mount_fd, target, m, err);
	if (x < 0)
		return error_errnum(err, x, "put the mount in its place");
	for (size_t i = 0; i < m->options.n_propagation; i++) {
		x = mount_set_propagation(mount_fd, m->options.propagation[i]);
		if (x < 0)
			return error_errnum(err, x, "change the mount's propagation");
	}
	return 0;
}

/* crun's copy-symlink: what the link says is for the container to make sense of. */
static int copy_symlink(struct rootfs *r, const struct plan_mount *m, int source, struct error *err)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(source, "", text, sizeof(text) - 1);
	int x;

	if (n < 0)
		return error_errno(err, "read the symlink \"%s\"", m->source);
	text[n] = '\0';
	x = safe_make_symlink(r->root_fd, m->destination, text);
	if (x == -EEXIST)
		return error_set(err, EEXIST, "options: \"copy-symlink\": there is something else already");
	return x < 0 ? error_errnum(err, x, "options: \"copy-symlink\"") : 0;
}

static int bind(struct rootfs *r, const struct plan_mount *m, int source, struct error *err)
{
	_cleanup_fd_ int target = -1;
	struct stat st;

	if (fstat(source, &st) < 0)
		return error_errno(err, "source \"%s\"", m->source);
	if (S_ISLNK(st.st_mode) && (m->options.extra & MOUNT_EXTRA_COPY_SYMLINK))
		return copy_symlink(r, m, source, err);
	target = open_target(r, m, S_ISDIR(st.st_mode) ? SAFE_MAKE_DIR : SAFE_MAKE_FILE, err);
	return target < 0 ? target : finish(source, target, m, &m->options, err);
}

static int mount_bind(struct rootfs *r, const struct plan_mount *m, int parents_fd, struct error *err)
{
	_cleanup_fd_ int fd = -1;

	if (parents_fd >= 0)
		return bind(r, m, parents_fd, err);
	fd = rootfs_open_source(m->source, m->options.extra, err);
	return fd < 0 ? fd : bind(r, m, fd, err);
}

/* The mode a tmpfs takes over from the directory that it covers: asked before that may be made. */
static mode_t covered_mode(struct rootfs *r, const struct plan_mount *m)
{
	_cleanup_fd_ int fd = safe_open(r->root_fd, m->destination, O_PATH);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 ? st.st_mode & 07777 : MODE_UNCOVERED;
}

static int copy_up(int target, int mount_fd, struct error *err)
{
	_cleanup_fd_ int from = sys_openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	int x = from < 0 ? from : copy_tree(from, mount_fd);

	return x < 0 ? error_errnum(err, x, "tmpcopyup") : 0;
}

/* Whether linux.mountLabel is an option of it: those that label each object by other means refuse "context=".
 */
static bool takes_label(const char *type)
{
	return !str_eq(type, "proc") && !str_eq(type, "sysfs") && !str_eq(type, "mqueue");
}

/* What the kernel's EPERM means in a user namespace, user_namespaces(7) "mount_namespaces": it says the same for all of it. */
static int explain(const struct plan_mount *m, struct error *err)
{
	const struct error said = *err;
	const char *why = NULL;

	if (str_eq(m->type, "proc"))
		why = "in a user namespace proc can be mounted only in a pid namespace of its own, and where no part of the /proc "
		      "outside is hidden by another mount (/proc/self/mountinfo tells)";
	else if (str_eq(m->type, "sysfs"))
		why = "in a user namespace sysfs needs a new network namespace, and a /sys outside of which no part is hidden; a bind "
		      "mount of /sys needs neither";
	if (err->code != EPERM || !why)
		return -err->code;
	return error_set(err, EPERM, "%s: %s", said.msg, why);
}

static int mount_fs(struct rootfs *r, const struct plan_mount *m, int unused _unused_, struct error *err)
{
	const char *data[MOUNT_OPTIONS_MAX + 1];
	struct mount_fs fs = {
		.type = m->type,
		.source = m->source,
		.data = data,
		.n_data = m->options.n_data,
		.attributes = m->options.attr.set,
	};
	const struct mount_options rest = { .rec = m->options.rec };
	bool copies = m->options.extra & MOUNT_EXTRA_TMPCOPYUP;
	_cleanup_fd_ int target = -1, fd = -1;
	char mode[sizeof("mode=07777")];
	int x;

	for (size_t i = 0; i < m->options.n_data; i++)
		data[i] = m->options.data[i];
	if (m->inherit_mode) {
		snprintf(mode, sizeof(mode), "mode=%04o", (unsigned)covered_mode(r, m));
		data[fs.n_data++] = mode;
	}
	if (takes_label(m->type))
		fs.context = r->plan->mount_label;
	fs.context_option = r->plan->label_option ? r->plan->label_option : "context";
	target = open_target(r, m, SAFE_MAKE_DIR, err);
	if (target < 0)
		return target;
	if (copies) /* written to before it may become read-only */
		fs.attributes = 0;
	fd = mount_new_fs(&fs, err);
	if (fd < 0)
		return explain(m, err);
	if (copies) {
		x = copy_up(target, fd, err);
		if (x < 0)
			return x;
	}
	return finish(fd, target, m, copies ? &m->options : &rest, err);
}

static int mount_cgroup(struct rootfs *r, const struct plan_mount *m, int unused _unused_, struct error *err)
{
	_cleanup_fd_ int target = open_target(r, m, SAFE_MAKE_DIR, err);

	return target < 0 ? target : rootfs_mount_cgroup(r, m, target, err);
}

static int remount(struct rootfs *r, const struct plan_mount *m, int unused _unused_, struct error *err)
{
	_cleanup_fd_ int target = safe_open(r->root_fd, m->destination, O_PATH);
	bool is_mount = false;
	int x;

	if (target < 0)
		return error_errnum(err, target, "open the destination");
	x = mount_is_root(target, &is_mount);
	if (x == 0 && !is_mount)
		return error_set(err, EINVAL, "options: \"remount\", but nothing is mounted there");
	x = mount_set_attributes(target, false, &m->options.attr);
	if (x == 0)
		x = mount_set_attributes(target, true, &m->options.rec);
	return x < 0 ? error_errnum(err, x, "remount") : 0;
}

typedef int mount_fn(struct rootfs *r, const struct plan_mount *m, int parents_fd, struct error *err);

static mount_fn *const kinds[_PLAN_MOUNT_KIND_MAX] = {
	[PLAN_MOUNT_FS] = mount_fs,
	[PLAN_MOUNT_BIND] = mount_bind,
	[PLAN_MOUNT_CGROUP] = mount_cgroup,
	[PLAN_MOUNT_REMOUNT] = remount,
};

/* Whatever name it was mounted by: what tells the container's processes about themselves is the kernel
 * (CVE-2019-16884). */
static int check_proc(struct rootfs *r, struct error *err)
{
	_cleanup_fd_ int fd = safe_open(r->root_fd, "/proc", O_PATH);
	bool is_mount = false;
	struct statfs fs;

	if (fd < 0 || mount_is_root(fd, &is_mount) < 0 || !is_mount)
		return 0;
	if (fstatfs(fd, &fs) < 0)
		return error_errno(err, "mounts: /proc: statfs");
	if (fs.f_type != PROC_SUPER_MAGIC)
		return error_set(err, EINVAL, "mounts: what is mounted on /proc is not a proc file system");
	return 0;
}

int rootfs_mounts(struct rootfs *r, struct error *err)
{
	for (size_t i = 0; i < r->plan->n_mounts; i++) {
		const struct plan_mount *m = &r->plan->mounts[i];
		int x = kinds[m->kind](r, m, r->source_fds[1 + i], err);

		if (x < 0)
			return error_wrap(err, "mounts[%zu] \"%s\"", i, m->destination);
	}
	return check_proc(r, err);
}
