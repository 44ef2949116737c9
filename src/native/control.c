/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs that find a container by its state: signal, pids, status, destroy. A pid is only ever used
 * together with the start time that state.json has for it, and through a pidfd: a process that got the same
 * number later is not the container. Nothing here sleeps.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/process.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/container.h"
#include "container/env.h"
#include "container/layer.h"
#include "linux/cgroup/cgroup.h"
#include "linux/lsm/lsm.h"
#include "linux/resctrl.h"
#include "linux/seccomp.h"
#include "linux/sys.h"
#include "native/members.h"
#include "native/native.h"
#include "native/operations.h"
#include "native/start.h"
#include "schema/types.h"

enum { DESTROY_TIMEOUT_MS = 10000 };

bool native_has_namespace(const struct oci_config *config, int type)
{
	for (size_t i = 0; config->linux_ && i < config->linux_->n_namespaces; i++)
		if ((int)config->linux_->namespaces[i].type == type)
			return true;
	return false;
}

int native_cgroup(const struct container *c, struct cgroup **ret, struct error *err)
{
	return cgroup_from_strings(c->state->cgroup, c->state->n_cgroup, ret, err);
}

int native_seccomp_cache(const struct env *env, const struct oci_config *config)
{
	bool compiles = config->linux_ && config->linux_->seccomp && !annotation_get(config->annotations, ANNOTATION_SECCOMP_RAW);
	int fd = compiles ? seccomp_cache_open(env->root_dirfd) : -1;

	return MAX(fd, -1);
}

int native_validate(const struct env *env, const struct bundle *b, struct error *err)
{
	const struct oci_config *c = b->config;
	const struct lsm_labels labels = {
		.selinux = c->process ? c->process->selinux_label : NULL,
		.apparmor = c->process ? c->process->apparmor_profile : NULL,
		.mount = c->linux_ ? c->linux_->mount_label : NULL,
	};
	struct stat st;

	if (geteuid() != 0 && !native_has_namespace(c, OCI_NAMESPACE_TYPE_USER))
		return error_set(err, EPERM,
				 "linux.namespaces: rootless containers need a user namespace: add {\"type\": \"user\"}, and mappings");
	if (!env->rootless && annotation_is_on(c->annotations, ANNOTATION_KEEP_GROUPS))
		return error_set(err, EPERM, "annotation %s: root's groups are not for containers",
				 annotation_def(ANNOTATION_KEEP_GROUPS)->key);
	if (lstat(b->rootfs, &st) < 0)
		return error_errno(err, "invalid rootfs: root.path \"%s\"", b->rootfs);
	if (annotation_get(c->annotations, ANNOTATION_ROOTFS_TYPE))
		return error_set(err, EINVAL, "root.path \"%s\": an image (annotation io.hvrun.rootfs.type) needs runtime type HyperV", b->rootfs);
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR,
				 "invalid rootfs: root.path \"%s\": not an absolute path, or a symlink",
				 b->rootfs);
	return lsm_validate(&labels, err);
}

/* The pidfd of the container's process, or a positive 0-less answer: -ESRCH in *err when it is gone. */
static int open_process(const struct container *c, struct error *err)
{
	int fd;

	if (!c->state->has_pid || !container_process_alive(c))
		return error_set(err, ESRCH, "container not running");
	fd = process_pidfd_open_exact(c->state->pid, c->state->start_time);
	if (fd == -ESRCH)
		return error_set(err, ESRCH, "container not running");
	return fd < 0 ? error_errnum(err, fd, "pidfd_open %d", (int)c->state->pid) : fd;
}

static int signal_all(struct container *c, int sig, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	int r;

	if (c->state->n_cgroup == 0)
		return members_signal(c, sig, err);
	r = native_cgroup(c, &cg, err);

	return r < 0 ? r : cgroup_signal(cg, sig, err);
}

/* Without a pid namespace of its own the kernel does not take the others down with the first process: on
 * SIGKILL we do. */
static bool must_kill_all(struct container *c, int sig)
{
	const struct oci_config *config;
	struct error err = { 0 };

	if (sig != SIGKILL || container_config(c, &config, &err) < 0)
		return false;
	for (size_t i = 0; config->linux_ && i < config->linux_->n_namespaces; i++) {
		const struct oci_namespace *n = &config->linux_->namespaces[i];

		if (n->type == OCI_NAMESPACE_TYPE_PID && (!n->path || !n->path[0]))
			return false;
	}
	return true;
}

int native_signal(const struct env *env _unused_, struct container *c, int sig, bool all, struct error *err)
{
	_cleanup_fd_ int fd = -1;
	int r;

	if (all)
		return signal_all(c, sig, err);
	fd = open_process(c, err);
	if (fd < 0)
		return fd;
	if (must_kill_all(c, sig) && c->state->n_cgroup > 0)
		return signal_all(c, sig, err);
	r = sys_pidfd_send_signal(fd, sig);
	if (r == -ESRCH)
		return error_set(err, ESRCH, "container not running");
	return r < 0 ? error_errnum(err, r, "signal %d", sig) : 0;
}

int native_pids(const struct env *env _unused_, struct container *c, pid_t **ret, size_t *ret_n,
		struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	int r;

	if (c->state->n_cgroup == 0)
		return members_pids(c, ret, ret_n, err);
	r = native_cgroup(c, &cg, err);
	return r < 0 ? r : cgroup_pids(cg, ret, ret_n, err);
}

int native_status(const struct env *env _unused_, struct container *c, enum container_status *ret,
		  struct error *err)
{
	char state;
	enum container_status status = container_status_look(c, &state);
	bool frozen = false;
	int r;

	if ((status == CONTAINER_RUNNING || status == CONTAINER_CREATED) && c->state->n_cgroup > 0) {
		r = cgroup_strings_frozen(c->state->cgroup, c->state->n_cgroup, state, &frozen, err);
		if (r < 0 && container_process_alive(c))
			return r;
		if (r < 0) /* the group went away with the container, just now */
			status = CONTAINER_STOPPED;
	}
	*ret = frozen ? CONTAINER_PAUSED : status;
	return 0;
}

static int kill_process(const struct container *c, struct error *err)
{
	_cleanup_fd_ int fd = -1;
	int r;

	if (!c->state->has_pid || c->state->pid <= 0)
		return 0;
	fd = process_pidfd_open_exact(c->state->pid, c->state->start_time);
	if (fd < 0)
		return 0;
	r = sys_pidfd_send_signal(fd, SIGKILL);
	if (r == 0)
		r = process_pidfd_wait(fd, DESTROY_TIMEOUT_MS);
	return r < 0 && r != -ESRCH ? error_errnum(err, r, "kill process %d", (int)c->state->pid) : 0;
}

int native_destroy(const struct env *env, struct container *c, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	bool removed = c->state->n_cgroup == 0;
	int r = kill_process(c, err);

	if (r == 0 && !removed)
		removed = cgroup_strings_remove_empty(c->state->cgroup, c->state->n_cgroup);
	if (r == 0 && !removed)
		r = native_cgroup(c, &cg, err);
	if (r == 0 && !removed)
		r = cgroup_signal(cg, SIGKILL, err);
	if (r == 0 && !removed)
		r = cgroup_remove(cg, DESTROY_TIMEOUT_MS, err);
	if (r == 0)
		r = resctrl_remove(c->state->resctrl, c->state->n_resctrl, err);
	if (r == 0)
		r = layer_release(env, c, err);
	start_forget(c);
	return r;
}

const struct isolation_ops native_ops = {
	.name = "Default",
	.shares_kernel = true,
	.validate = native_validate,
	.create = native_create,
	.start = native_start,
	.exec = native_exec,
	.signal = native_signal,
	.pids = native_pids,
	.status = native_status,
	.freeze = native_freeze,
	.update = native_update,
	.mounts = native_mounts,
	.processes = native_processes,
	.stats = native_stats,
	.wait_oom = native_wait_oom,
	.destroy = native_destroy,
};
