/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's first process before it is the user's. A table of steps, run in order, each with nothing
 * left to decide; no memory is allocated and nothing parsed. The order is the design: not dumpable before
 * anybody inside could look; the user namespace's root before files are made; the cgroup before the cgroup
 * namespace that takes it as its root; mounts, then hooks, then what closes the tree (masks, read-only), then
 * pivot_root; privileges go last, after start.
 */
#include "native/init.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "container/container.h"
#include "container/hooks.h"
#include "linux/affinity.h"
#include "linux/cgroup/cgroup.h"
#include "linux/namespace.h"
#include "linux/procfs.h"
#include "linux/safe_open.h"
#include "linux/sys.h"
#include "linux/sysctl.h"
#include "native/start.h"
#include "native/sync.h"

static bool creates(const struct init *in, uint64_t type)
{
	return in->plan->namespaces.create & type;
}

static bool joins(const struct init *in, int type)
{
	for (size_t i = 0; i < in->plan->namespaces.n_join; i++)
		if (in->plan->namespaces.join[i].type == type)
			return true;
	return false;
}

static bool has_mount_namespace(const struct init *in)
{
	return creates(in, CLONE_NEWNS) || joins(in, CLONE_NEWNS);
}

static int step_join(struct init *in, struct error *err)
{
	for (size_t i = 0; i < in->n_join; i++) {
		int r = sys_setns(in->join[i].fd, in->join[i].type);

		if (r < 0)
			return error_errnum(err, r, "join the %s namespace",
					    namespace_type(in->join[i].type)->name);
	}
	return 0;
}

/* Root of the user namespace, so that what is made belongs to it; a namespace that does not map root is left
 * as it is. */
static int step_identity(struct init *in, struct error *err)
{
	int r = in->await_maps ? sync_expect(in->sync_fd, SYNC_GO, NULL, err) : 0;

	if (r < 0 || !in->in_userns)
		return r;
	r = sys_setresgid(0);
	if (r == 0)
		r = sys_setresuid(0);
	if (r < 0 && r != -EINVAL)
		return error_errnum(err, r, "become root of the user namespace");
	r = in->plan->process.keep_groups ? 0 : sys_setgroups(0, NULL);
	return r < 0 && r != -EPERM ? error_errnum(err, r, "drop supplementary groups") : 0;
}

/* Without this a process that shares our pid namespace could look into us, or at our open files
 * (CVE-2016-9962). */
static int step_dumpable(struct init *in _unused_, struct error *err)
{
	int r = sys_prctl(PR_SET_DUMPABLE, 0, 0);

	return r < 0 ? error_errnum(err, r, "PR_SET_DUMPABLE") : 0;
}

/* The offsets of a time namespace can be set only until somebody is in it: it is made empty, written, then
 * entered. */
static int step_time(struct init *in, struct error *err)
{
	const char *offsets = in->plan->namespaces.time_offsets;
	_cleanup_fd_ int fd = -1;
	int r;

	if (!creates(in, CLONE_NEWTIME))
		return 0;
	r = sys_unshare(CLONE_NEWTIME);
	if (r < 0)
		return error_errnum(err, r, "make a time namespace");
	if (offsets[0])
		r = procfs_write(in->setup.procfs_fd, "self/timens_offsets", offsets, strlen(offsets));
	if (r < 0)
		return error_errnum(err, r, "linux.timeOffsets");
	fd = sys_openat(in->setup.procfs_fd, "self/ns/time_for_children", O_RDONLY | O_CLOEXEC, 0);
	r = fd < 0 ? fd : sys_setns(fd, CLONE_NEWTIME);
	return r < 0 ? error_errnum(err, r, "enter the time namespace") : 0;
}

/* Once: that we are on record, and moved where we were not born. Whose parent is killed before that has nobody who would ever end it. */
static int await_parent(struct init *in, struct error *err)
{
	bool heard = in->heard_parent;

	in->heard_parent = true;
	return heard ? 0 : sync_expect(in->sync_fd, SYNC_GO, NULL, err);
}

/* At the first step that needs it, once: the parent has moved us in v2 while we worked, unless we were born there; v1 is our own
 * affair. */
static int enter_cgroup(struct init *in, struct error *err)
{
	int r;

	if (in->in_cgroup)
		return 0;
	in->in_cgroup = true;
	r = in->await_cgroup ? await_parent(in, err) : 0;
	return r < 0 ? r : cgroup_enter(in->rootfs.cgroup, err);
}

static int step_cgroup_namespace(struct init *in, struct error *err)
{
	int r;

	if (!creates(in, CLONE_NEWCGROUP))
		return 0;
	r = enter_cgroup(in, err);
	if (r < 0)
		return r;
	r = sys_unshare(CLONE_NEWCGROUP);
	return r < 0 ? error_errnum(err, r, "make a cgroup namespace") : 0;
}

static int step_names(struct init *in, struct error *err)
{
	const char *host = in->plan->hostname, *domain = in->plan->domainname;
	int r = host ? sys_sethostname(host, strlen(host)) : 0;

	if (r < 0)
		return error_errnum(err, r, "hostname \"%s\"", host);
	r = domain ? sys_setdomainname(domain, strlen(domain)) : 0;
	return r < 0 ? error_errnum(err, r, "domainname \"%s\"", domain) : 0;
}

static int step_sysctl(struct init *in, struct error *err)
{
	return sysctl_apply(in->setup.procfs_fd, in->plan->sysctl, err);
}

static int step_mounts(struct init *in, struct error *err)
{
	int r;

	umask(0);
	if (!has_mount_namespace(in)) {
		in->rootfs.root_fd =
			sys_openat(AT_FDCWD, in->plan->rootfs.path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
		in->setup.root_fd = in->rootfs.root_fd;
		return in->rootfs.root_fd < 0 ? error_errnum(err, in->rootfs.root_fd, "root.path") : 0;
	}
	r = rootfs_begin(&in->rootfs, err);
	in->setup.root_fd = in->rootfs.root_fd;
	if (r == 0)
		r = rootfs_mounts(&in->rootfs, err);
	if (r == 0)
		r = rootfs_devices(&in->rootfs, in->plan->process.cwd, err);
	return r;
}

static int step_runtime_hooks(struct init *in, struct error *err)
{
	int r;

	if (in->plan->hooks->n_prestart == 0 && in->plan->hooks->n_create_runtime == 0)
		return 0;
	r = enter_cgroup(in, err);
	if (r == 0)
		r = await_parent(in, err);
	if (r == 0)
		r = sync_send(in->sync_fd, SYNC_HOOKS, 0, err);
	return r < 0 ? r : sync_expect(in->sync_fd, SYNC_GO, NULL, err);
}

static int run_hooks(struct init *in, const char *kind, const struct oci_hook *hooks, size_t n,
		     enum container_status status, char *const *env, struct error *err)
{
	struct hook_context context = { .env = env, .output = &in->hook_output };
	_cleanup_free_ char *state = NULL;

	if (n == 0)
		return 0;
	context.state = state = container_oci_state(in->container, status, getpid());
	return hooks_run(kind, hooks, n, &context, err);
}

static int step_container_hooks(struct init *in, struct error *err)
{
	const struct oci_hooks *h = in->plan->hooks;
	int r = sys_fchdir(in->rootfs.root_fd);

	if (r < 0)
		return error_errnum(err, r, "chdir to the root file system");
	return run_hooks(in, "createContainer", h->create_container, h->n_create_container,
			 CONTAINER_CREATING, NULL, err);
}

static int step_terminal(struct init *in, struct error *err)
{
	int r = in->plan->process.args ? setup_terminal(&in->setup, err) : 0;

	if (r < 0 || in->setup.slave_fd < 0 || !has_mount_namespace(in))
		return r;
	return rootfs_console(&in->rootfs, in->setup.slave_fd, err);
}

static int step_enter(struct init *in, struct error *err)
{
	int r;

	if (!has_mount_namespace(in)) {
		r = sys_fchdir(in->rootfs.root_fd);
		if (r == 0)
			r = sys_chroot(".");
		return r < 0 ? error_errnum(err, r, "chroot to \"%s\"", in->plan->rootfs.path) : 0;
	}
	r = rootfs_protect(&in->rootfs, err);
	return r < 0 ? r : rootfs_enter(&in->rootfs, err);
}

static int step_process(struct init *in, struct error *err)
{
	int r;

	if (!in->plan->process.args)
		return 0;
	r = setup_session(&in->setup, err);
	if (r == 0)
		r = setup_place(&in->setup, err);
	if (r == 0)
		r = setup_limits(&in->setup, err);
	return r;
}

/* Every fd above the preserved ones is closed by execve(2), whoever left it open (CVE-2024-21626). */
static int step_fds(struct init *in, struct error *err)
{
	int r = sys_close_range(3 + in->setup.io->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC);

	return r < 0 ? error_errnum(err, r, "close_range") : 0;
}

/* In its cgroup it may run wherever that lets it, whatever processors we were given. */
static int step_affinity(struct init *in, struct error *err)
{
	int r = enter_cgroup(in, err);

	if (r == 0)
		affinity_reset();
	return r;
}

/* What follows is said to the parent, and then waits for start. */
static int step_recorded(struct init *in, struct error *err)
{
	return await_parent(in, err);
}

static int apply_credentials(struct init *in, struct error *err)
{
	int r = credentials_apply(&in->plan->process, in->sync_fd, err);

	return r < 0 ? r : setup_late_cwd(&in->setup, err);
}

/* With SCMP_ACT_NOTIFY the filter is made by create, which sends its listener (config-linux.md). */
static int step_early_credentials(struct init *in, struct error *err)
{
	return in->plan->process.seccomp.notify ? apply_credentials(in, err) : 0;
}

static int step_late_credentials(struct init *in, struct error *err)
{
	return in->plan->process.seccomp.notify ? 0 : apply_credentials(in, err);
}

static int step_ready(struct init *in, struct error *err)
{
	int r = sync_tell(in->sync_fd, SYNC_READY, 0, err);
	in->sync_fd = fd_close(in->sync_fd);
	return r;
}

static int step_start_hooks(struct init *in, struct error *err)
{
	const struct oci_hooks *h = in->plan->hooks;

	return run_hooks(in, "startContainer", h->start_container, h->n_start_container, CONTAINER_CREATED,
			 in->plan->process.env, err);
}

static int step_exec(struct init *in, struct error *err)
{
	return setup_exec(&in->setup, err);
}

typedef int step_fn(struct init *in, struct error *err);

static step_fn *const create_steps[] = {
	step_join,     step_identity, step_dumpable, step_time,          step_cgroup_namespace,
	step_names,    step_sysctl,   step_mounts,   step_runtime_hooks, step_container_hooks,
	step_terminal, step_enter,    step_process,  step_fds,           step_affinity,
	step_recorded, step_early_credentials,       step_ready,
};

static step_fn *const start_steps[] = { step_late_credentials, step_start_hooks, step_exec };

static int run_steps(struct init *in, step_fn *const *steps, size_t n, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = steps[i](in, err);
	return r;
}

void init_run(void *arg, bool in_cgroup)
{
	struct init *in = arg;
	struct error err = { 0 };
	int conn;

	in->await_cgroup = !in_cgroup && cgroup_has_v2(in->rootfs.cgroup);
	fd_close(in->parents_fd);
	fd_close(in->container->lock_fd); /* the lock is the parent's, and ends with it */
	if (run_steps(in, create_steps, ARRAY_SIZE(create_steps), &err) < 0) {
		if (in->sync_fd >= 0)
			sync_send_error(in->sync_fd, &err);
		return;
	}
	conn = start_wait(in->start_fd);
	if (conn < 0)
		return;
	run_steps(in, start_steps, ARRAY_SIZE(start_steps), &err);
	start_fail(conn, &err);
}
