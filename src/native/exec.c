/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exec: one more process in a running container. The parent steps into the pid namespace for the birth, the
 * child joins all others with one setns(2) on a pidfd (5.8), so that they are those of one and the same
 * process, and then goes the same way as the container's own (native/setup.h). It is never dumpable inside
 * until it is the user's program (CVE-2016-9962), and has no fd of the host's but CLOEXEC ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "container/container.h"
#include "container/env.h"
#include "linux/affinity.h"
#include "linux/cgroup/cgroup.h"
#include "linux/namespace.h"
#include "linux/oom.h"
#include "linux/procfs.h"
#include "linux/resctrl.h"
#include "linux/rlimit.h"
#include "linux/selfexe.h"
#include "linux/sys.h"
#include "native/listener.h"
#include "native/native.h"
#include "native/operations.h"
#include "native/plan.h"
#include "native/setup.h"
#include "native/spawn.h"
#include "native/sync.h"
#include "schema/types.h"

/* What the child works with. */
struct joiner {
	const struct plan_process *plan;
	struct setup setup;
	int pidfd; /* the container's first process */
	int types; /* CLONE_NEW* to join it in */
	const struct cgroup *cgroup;
	bool in_cgroup; /* v2's; by the child */
	bool await_parent; /* for more than the group */
	int sync_fd;
	int parents_fd; /* its end of that: closed by the child, or the parent's death would never be noticed, and our locks never let go */
};

static int step_join(struct joiner *j, struct error *err)
{
	int r = j->types ? sys_setns(j->pidfd, j->types) : 0;

	if (r < 0)
		return error_errnum(err, r, "join the container's namespaces");
	if (j->types & CLONE_NEWUSER) { /* files are looked up as its root; -EINVAL: it maps none */
		r = sys_setresgid(0);
		if (r == 0)
			r = sys_setresuid(0);
		if (r < 0 && r != -EINVAL)
			return error_errnum(err, r, "become root of the user namespace");
	}
	/* setns(2) leads to the root of the mount namespace, which need not be the container's: it may share
	 * the host's */
	r = sys_fchdir(j->setup.root_fd);
	if (r == 0)
		r = sys_chroot(".");
	return r < 0 ? error_errnum(err, r, "enter the container's root") : 0;
}

static int step_terminal(struct joiner *j, struct error *err)
{
	int r = setup_terminal(&j->setup, err);

	return r < 0 ? r : setup_session(&j->setup, err);
}

static int step_place(struct joiner *j, struct error *err)
{
	int r = setup_place(&j->setup, err);

	return r < 0 ? r : setup_limits(&j->setup, err);
}

static int step_fds(struct joiner *j, struct error *err)
{
	int r = sys_close_range(3 + j->setup.io->preserve_fds, ~0U, CLOSE_RANGE_CLOEXEC);

	return r < 0 ? error_errnum(err, r, "close_range") : 0;
}

static int step_cgroup(struct joiner *j, struct error *err)
{
	const struct affinity *a = &j->plan->affinity;
	bool wait = j->await_parent || (!j->in_cgroup && cgroup_has_v2(j->cgroup));
	int r = wait ? sync_expect(j->sync_fd, SYNC_GO, NULL, err) : 0;

	if (r == 0)
		r = cgroup_enter(j->cgroup, err);
	if (r == 0 && a->has_final)
		return affinity_set(&a->final, NULL, err);
	affinity_reset();
	return r;
}

static int step_credentials(struct joiner *j, struct error *err)
{
	int r = credentials_apply(j->plan, j->sync_fd, err);

	return r < 0 ? r : setup_late_cwd(&j->setup, err);
}

static int step_exec(struct joiner *j, struct error *err)
{
	return setup_exec(&j->setup, err);
}

static int (*const steps[])(struct joiner *j, struct error *err) = {
	step_join, step_terminal, step_place, step_fds, step_cgroup, step_credentials, step_exec,
};

static void run_joiner(void *arg, bool in_cgroup)
{
	struct joiner *j = arg;
	struct error err = { 0 };
	int r = 0;

	fd_close(j->parents_fd);
	j->in_cgroup = in_cgroup;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(steps); i++)
		r = steps[i](j, &err);
	sync_send_error(j->sync_fd, &err);
}

/* What the parent holds. */
struct execution {
	const struct env *env;
	struct container *container;
	const struct exec_request *req;
	bool rootless;
	struct plan_process plan;
	struct cgroup *cgroup;
	struct joiner joiner;
	struct spawned child;
	bool born_outside; /* of its v2 group: born there, it was dead (spawned_dead()) */
	int sync_fd;
};

static int check_status(const struct env *env, struct container *c, bool ignore_paused, struct error *err)
{
	enum container_status status;
	int r = native_status(env, c, &status, err);

	if (r < 0)
		return r;
	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return error_set(err, ESRCH, "cannot exec in a %s container",
				 container_status_to_string(status));
	if (status == CONTAINER_PAUSED && !ignore_paused)
		return error_set(err, EBUSY,
				 "cannot exec in a paused container (use --ignore-paused to override)");
	return 0;
}

static int make_plan(struct execution *x, const struct oci_config *config, struct error *err)
{
	_cleanup_fd_ int cache_fd = native_seccomp_cache(x->env, config);
	const struct plan_facts facts = {
		.id = x->container->id,
		.grantable = caps_grantable(native_has_namespace(config, OCI_NAMESPACE_TYPE_USER)),
		.seccomp_cache_fd = cache_fd,
		.state_dirfd = x->container->dirfd,
	};
	_cleanup_strv_ char **warnings = NULL;
	int r;

	if (!selfexe_is_protected())
		return error_set(err, EPERM,
				 "this program's image is writable: selfexe_protect() was not called");
	if (!x->req->process->args || !x->req->process->args[0])
		return error_set(err, EINVAL, "process.args: must not be empty");
	r = plan_process(config, x->req->process, &facts, &x->plan, &warnings, err);
	if (r < 0)
		return r;
	for (char **w = warnings; w && *w; w++)
		log_warning("%s", *w);
	x->joiner.plan = &x->plan;
	return setup_init(&x->joiner.setup, &x->plan, &x->req->io, err);
}

static int open_cgroup(struct execution *x, struct error *err)
{
	struct cgroup *own = NULL;
	int r = native_cgroup(x->container, &own, err);

	if (r < 0)
		return r;
	if (x->req->sub_cgroups)
		r = cgroup_open_sub(own, x->req->sub_cgroups, &x->cgroup, err);
	else
		r = cgroup_open_beside(own, (pid_t)x->container->state->pid, &x->cgroup, err);
	cgroup_free(own);
	return r < 0 ? r : cgroup_open_tasks(x->cgroup, err);
}

/* Whether the container's process and we are in different namespaces of a type: there is nothing to join
 * otherwise. */
static int differs(const struct execution *x, int type, bool *ret, struct error *err)
{
	int procfs = x->joiner.setup.procfs_fd;
	_cleanup_fd_ int theirs = namespace_open_pid(procfs, x->container->state->pid, type, err);
	_cleanup_fd_ int ours = -1;
	bool same;
	int r;

	if (theirs < 0)
		return theirs;
	ours = namespace_open_pid(procfs, 0, type, err);
	if (ours < 0)
		return ours;
	r = namespace_same(theirs, ours, &same);
	*ret = !same;
	return r < 0 ? error_errnum(err, r, "compare namespaces") : 0;
}

/* All types that config.json names, and that are not our own: joining one's own user namespace is an error,
 * setns(2). */
static int find_types(struct execution *x, const struct oci_config *config, struct error *err)
{
	const struct oci_linux *l = config->linux_;

	for (size_t i = 0; l && i < l->n_namespaces; i++) {
		const char *name = oci_namespace_type_to_string((int)l->namespaces[i].type);
		const struct namespace_type *t = namespace_type_by_name(name);
		bool other = true;
		int r = t->type == CLONE_NEWUSER ? differs(x, t->type, &other, err) : 0;

		if (r < 0)
			return r;
		if (other)
			x->joiner.types |= t->type;
	}
	return 0;
}

/* Its root directory as the container's process has it; the pid in the path was that process's if it is alive
 * after the look. */
static int open_root(struct execution *x, struct error *err)
{
	char path[32];
	int r;

	snprintf(path, sizeof(path), "%d/root", (int)x->container->state->pid);
	x->joiner.setup.root_fd =
		sys_openat(x->joiner.setup.procfs_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
	r = x->joiner.setup.root_fd < 0 ? x->joiner.setup.root_fd : sys_pidfd_send_signal(x->joiner.pidfd, 0);
	if (r == -ESRCH || r == -ENOENT)
		return error_set(err, ESRCH, "cannot exec in a stopped container");
	return r < 0 ? error_errnum(err, r, "open /proc/%s", path) : 0;
}

/* Born where execCPUAffinity.initial says: a process has its parent's processors from its first instruction. */
static int spawn_on(const struct affinity *a, const struct spawn *s, struct spawned *ret, struct error *err)
{
	struct error ignored;
	struct cpu_mask own;
	int r = a->has_initial ? affinity_set(&a->initial, &own, err) : 0;

	if (r < 0)
		return r;
	r = spawn_process(s, ret, err);
	if (a->has_initial)
		affinity_set(&own, NULL, &ignored);
	return r;
}

static int give_birth(struct execution *x, struct error *err)
{
	struct joiner *j = &x->joiner;
	struct spawn s = {
		.cgroup_fd = x->born_outside ? -1 : cgroup_clone_fd(x->cgroup),
		.pidns_fd = -1,
		.procfs_fd = j->setup.procfs_fd,
		.child = run_joiner,
		.arg = j,
	};
	int pair[2];
	int r = fd_socketpair(SOCK_SEQPACKET, pair);

	if (r < 0)
		return error_errnum(err, r, "socketpair");
	x->sync_fd = pair[0];
	j->sync_fd = pair[1];
	j->parents_fd = pair[0];
	j->cgroup = x->cgroup;
	j->await_parent = x->plan.has_oom_score_adj;
	if (x->rootless) { /* only the user namespace gives the right to the others */
		s.early[s.n_early].fd = j->pidfd;
		s.early[s.n_early++].type = j->types;
		j->types = 0;
	} else if (j->types & CLONE_NEWPID) {
		s.pidns_fd = j->pidfd;
		j->types &= ~CLONE_NEWPID;
	}
	/* the child has it from its first moment; we take it back, for our own /proc entries should be ours
	 */
	sys_prctl(PR_SET_DUMPABLE, 0, 0);
	rlimits_make_room(&x->plan.rlimits);
	r = spawn_on(&x->plan.affinity, &s, &x->child, err);
	sys_prctl(PR_SET_DUMPABLE, 1, 0);
	j->sync_fd = fd_close(j->sync_fd);
	return r;
}

/* A process that a container's own has not forked is in nobody's class. */
static int join_class(struct execution *x, struct error *err)
{
	const struct oci_config *config;
	int r = container_config(x->container, &config, err);

	if (r < 0 || !config->linux_ || !config->linux_->intel_rdt)
		return r;
	return resctrl_join(NULL, x->container->id, config->linux_->intel_rdt, x->child.pid, err);
}

static int settle(struct execution *x, struct error *err)
{
	const struct plan_process *p = &x->plan;
	bool to_move = !x->child.in_cgroup && cgroup_has_v2(x->cgroup);
	int r = join_class(x, err);

	if (r == 0 && p->has_oom_score_adj)
		r = oom_score_adj_set(x->joiner.setup.procfs_fd, x->child.pid, p->oom_score_adj, x->rootless,
				      err);
	if (r == 0 && to_move)
		r = cgroup_join_v2(x->cgroup, x->child.pid, err);
	return r < 0 || (!to_move && !x->joiner.await_parent) ? r : sync_send(x->sync_fd, SYNC_GO, 0, err);
}

/* Its end of the pair is CLOEXEC: when it closes without a word, the user's program runs. */
static int await_exec(struct execution *x, struct error *err)
{
	struct error answer = { 0 };
	int r = sync_expect(x->sync_fd, SYNC_READY, NULL, &answer);

	if (r < 0 && answer.code == EPIPE)
		return 0;
	*err = answer;
	return r < 0 ? r : error_set(err, EPROTO, "the new process said more than an error");
}

/* From the birth to the program's first instruction. */
static int start_program(struct execution *x, struct error *err)
{
	int r = give_birth(x, err);

	if (r < 0)
		return r;
	r = settle(x, err);
	if (r == 0)
		r = listener_serve(&x->plan, x->container, CONTAINER_RUNNING, &x->child, x->sync_fd, err);
	if (r < 0) { /* the consequence of its own failure, perhaps */
		struct error first = { 0 };

		fd_set_nonblock(x->sync_fd, 1);
		if (sync_expect(x->sync_fd, SYNC_READY, NULL, &first) < 0 && first.code != EAGAIN &&
		    first.code != EPIPE)
			*err = first;
	} else {
		r = await_exec(x, err);
	}
	if (r < 0)
		spawned_kill(&x->child);
	return r;
}

/* Once more, when its birth has killed it: the closed connection said as much as that its program runs. */
static int restart_program(struct execution *x, int types, struct error *err)
{
	spawned_kill(&x->child);
	spawned_done(&x->child);
	x->sync_fd = fd_close(x->sync_fd);
	x->joiner.types = types;
	x->born_outside = true;
	return start_program(x, err);
}

static int execute(struct execution *x, struct error *err)
{
	const struct oci_config *config;
	int r = container_config(x->container, &config, err), types;

	if (r == 0)
		r = make_plan(x, config, err);
	if (r == 0)
		r = open_cgroup(x, err);
	if (r < 0)
		return r;
	x->joiner.pidfd = process_pidfd_open_exact(x->container->state->pid, x->container->state->start_time);
	if (x->joiner.pidfd < 0)
		return error_set(err, ESRCH, "cannot exec in a stopped container");
	r = open_root(x, err);
	if (r == 0)
		r = find_types(x, config, err);
	if (r < 0)
		return r;
	types = x->joiner.types;
	r = start_program(x, err);
	return spawned_dead(&x->child) ? restart_program(x, types, err) : r;
}

int native_exec(const struct env *env, struct container *c, const struct exec_request *req, pid_t *ret_pid,
		struct error *err)
{
	struct execution x = {
		.env = env,
		.container = c,
		.req = req,
		.rootless = env->rootless,
		.joiner = { .pidfd = -1,
			    .sync_fd = -1,
			    .setup = { .procfs_fd = -1, .root_fd = -1, .null_fd = -1, .slave_fd = -1 } },
		.child = { .pidfd = -1 },
		.sync_fd = -1,
	};
	int r = check_status(env, c, req->ignore_paused, err);

	if (r == 0)
		r = execute(&x, err);
	if (r == 0)
		*ret_pid = x.child.pid;
	fd_close(x.sync_fd);
	spawned_done(&x.child);
	fd_close(x.joiner.pidfd);
	setup_done(&x.joiner.setup);
	cgroup_free(x.cgroup);
	plan_process_done(&x.plan);
	return r;
}
