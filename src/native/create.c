/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * create, the parent's side: a table of steps, each with what undoes it, so that a failure anywhere leaves
 * the machine as it was. Between birth and READY parent and child work at the same time: on cgroup v1 moving
 * a process can take milliseconds, during which the child mounts. The child is told GO for each thing it
 * waits for, in the order in which it waits (native/init.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ocispec/doc.h>
#include <ocispec/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/container.h"
#include "container/env.h"
#include "container/hook_output.h"
#include "container/hooks.h"
#include "container/unit_properties.h"
#include "linux/cgroup/cgroup.h"
#include "linux/cgroup/unit_property.h"
#include "linux/namespace.h"
#include "linux/oom.h"
#include "linux/procfs.h"
#include "linux/resctrl.h"
#include "linux/rlimit.h"
#include "linux/selfexe.h"
#include "linux/sys.h"
#include "native/init.h"
#include "native/listener.h"
#include "native/low_memory.h"
#include "native/netdevices.h"
#include "native/operations.h"
#include "native/overlay.h"
#include "native/sources.h"
#include "native/spawn.h"
#include "native/start.h"
#include "native/sync.h"
#include "schema/types.h"

struct creation {
	const struct create_request *req;
	struct native_plan *plan;
	struct cgroup *cgroup;
	struct init init;
	struct spawn spawn;
	struct spawned child;
	bool born_outside; /* of its v2 group: born there, it was dead (spawned_dead()) */
	bool moved; /* the child, to its v2 group, after it was born elsewhere */
	char **classes; /* directories of resctrl that we made */
	size_t n_shared_classes;
	struct sources sources;
	struct overlay overlay;
	struct netdevices netdevices;
	int sync_fd; /* ours of the pair; init.sync_fd is the child's */
};

static int make_plan(struct creation *c, struct error *err)
{
	const struct create_request *req = c->req;
	_cleanup_fd_ int cache_fd = native_seccomp_cache(req->env, req->bundle->config);
	const struct plan_facts facts = {
		.id = req->container->id,
		.grantable =
			caps_grantable(native_has_namespace(req->bundle->config, OCI_NAMESPACE_TYPE_USER)),
		.no_pivot = req->no_pivot,
		.no_new_keyring = req->no_new_keyring,
		.settings = req->env->settings,
		.seccomp_cache_fd = cache_fd,
		.state_dirfd = req->container->dirfd,
	};
	int r;

	if (!selfexe_is_protected())
		return error_set(err, EPERM,
				 "this program's image is writable: selfexe_protect() was not called");
	r = native_plan_new(req->bundle, &facts, &c->plan, err);
	if (r < 0)
		return r;
	for (char **w = c->plan->warnings; w && *w; w++)
		log_warning("%s", *w);
	return setup_init(&c->init.setup, &c->plan->process, &req->io, err);
}

static int open_hook_output(struct creation *c, struct error *err)
{
	return hook_output_open(c->req->bundle->config, c->req->bundle->rootfs, &c->init.hook_output, err);
}

static int make_cgroup(struct creation *c, struct error *err)
{
	const struct oci_linux *l = c->req->bundle->config->linux_;
	_cleanup_free_ struct unit_property *properties = NULL;
	struct cgroup_request request = {
		.manager = c->req->env->cgroup_manager,
		.path = l ? l->cgroups_path : NULL,
		.id = c->req->container->id,
		.resources = l ? l->resources : NULL,
		.delegate = c->plan->delegate,
		.subgroup = annotation_get_group(c->req->bundle->config->annotations, ANNOTATION_SYSTEMD_SUBGROUP),
		.rootless = c->req->env->rootless,
	};

	int r = unit_properties_new(c->req->bundle->config->annotations, c->req->env->settings, &properties,
				    &request.n_properties, err);

	request.properties = properties;
	return r < 0 ? r : cgroup_create(&request, &c->cgroup, err);
}

/* The child may be in a user namespace when it goes in. */
static int open_cgroup(struct creation *c, struct error *err)
{
	return cgroup_open_tasks(c->cgroup, err);
}

enum { REMOVE_TIMEOUT_MS = 10000 };

static void undo_cgroup(struct creation *c)
{
	struct error err = { 0 };

	if (cgroup_remove(c->cgroup, REMOVE_TIMEOUT_MS, &err) < 0)
		log_warning("%s", err.msg);
}

static int delegate_cgroup(struct creation *c, struct error *err)
{
	if (c->plan->cgroup_owner < 0)
		return 0;
	return cgroup_chown(c->cgroup, (uid_t)c->plan->cgroup_owner, err);
}

static void undo_layer(struct creation *c)
{
	struct error err = { 0 };

	if (layer_release(c->req->env, c->req->container, &err) < 0)
		log_warning("%s", err.msg);
}

/* A disk takes a loop device; and what other users own, even if only by a range of /etc/subuid, could not be removed any more. */
static int check_unprivileged_layer(const struct creation *c, struct error *err)
{
	const struct plan_namespaces *n = &c->plan->namespaces;

	if (!c->req->env->rootless)
		return 0;
	if (c->plan->rootfs.layer.size)
		return error_set(err, EPERM, "annotation io.hvrun.sandbox.size: a limit on the disk needs root; \"memory\" does not");
	if (n->n_uids != 1 || n->uids[0].count != 1 || n->n_gids != 1 || n->gids[0].count != 1)
		return error_set(err, EPERM, "annotation io.hvrun.sandbox: \"overlay\" needs root where more than one id is mapped; \"memory\" does not");
	return 0;
}

static int open_layer(struct creation *c, struct error *err)
{
	const struct layer_spec *l = &c->plan->rootfs.layer;
	_cleanup_fd_ int fd = -1;

	c->overlay = (struct overlay){
		.layer = l,
		.lower = c->plan->rootfs.path,
		.context = c->plan->rootfs.mount_label,
		.unprivileged = c->req->env->rootless,
	};
	if (l->kind != LAYER_OVERLAY)
		return 0;
	if (check_unprivileged_layer(c, err) < 0)
		return -EPERM;
	fd = layer_open(c->req->env, c->req->container, l, overlay_form(l), err);
	if (fd < 0)
		undo_layer(c);
	else
		c->overlay.layer_dir = c->req->container->state->layer;
	return fd < 0 ? -err->code : 0;
}

static int commit_layer(struct creation *c, _unused_ struct error *err)
{
	layer_commit(c->req->container, &c->plan->rootfs.layer);
	return 0;
}

static const struct oci_intel_rdt *intel_rdt(const struct creation *c)
{
	return c->req->bundle->config->linux_ ? c->req->bundle->config->linux_->intel_rdt : NULL;
}

static int make_class(struct creation *c, struct error *err)
{
	return intel_rdt(c) ? resctrl_create(NULL, c->req->container->id, intel_rdt(c), &c->classes,
					     &c->n_shared_classes, err)
			    : 0;
}

static void undo_class(struct creation *c)
{
	struct error err = { 0 };

	if (resctrl_remove(c->classes, strv_length(c->classes), &err) < 0)
		log_warning("%s", err.msg);
}

static int join_class(struct creation *c, struct error *err)
{
	return intel_rdt(c) ? resctrl_join(NULL, c->req->container->id, intel_rdt(c), c->child.pid, err) : 0;
}

static void add_early(struct spawn *s, int fd, int type)
{
	s->early[s->n_early].fd = fd;
	s->early[s->n_early++].type = type;
}

/*
 * Who joins what. Without a user namespace: the child itself, and it is born in an existing pid namespace.
 * With one, new or existing, order matters: root joins what belongs to the host while it still may, then the
 * user namespace; without privileges it is the user namespace that gives the right to join the rest. Either
 * way a process in between does it.
 */
static void divide_joins(struct creation *c, const int *fds)
{
	const struct plan_namespaces *ns = &c->plan->namespaces;
	bool rootless = c->req->env->rootless;
	int user_fd = -1;

	for (size_t i = 0; i < ns->n_join; i++) {
		int type = ns->join[i].type;

		if (type == CLONE_NEWUSER)
			c->sources.userns_fd = fds[i];
		if (type == CLONE_NEWUSER && !rootless)
			user_fd = fds[i];
		else if (c->init.in_userns || rootless)
			add_early(&c->spawn, fds[i], type);
		else if (type == CLONE_NEWPID)
			c->spawn.pidns_fd = fds[i];
		else {
			c->init.join[c->init.n_join].fd = fds[i];
			c->init.join[c->init.n_join++].type = type;
		}
	}
	if (user_fd >= 0)
		add_early(&c->spawn, user_fd, CLONE_NEWUSER);
}

static int open_namespaces(struct creation *c, struct error *err)
{
	const struct plan_namespaces *ns = &c->plan->namespaces;
	int fds[ARRAY_SIZE(ns->join)];

	c->init.in_userns = ns->create & CLONE_NEWUSER;
	for (size_t i = 0; i < ns->n_join; i++) {
		fds[i] = namespace_open(ns->join[i].path, ns->join[i].type, err);
		if (fds[i] < 0) {
			while (i > 0)
				close(fds[--i]);
			return error_wrap(err, "linux.namespaces");
		}
		c->init.in_userns |= ns->join[i].type == CLONE_NEWUSER;
	}
	divide_joins(c, fds);
	return 0;
}

static void close_namespaces(struct creation *c)
{
	for (size_t i = 0; i < c->init.n_join; i++)
		close(c->init.join[i].fd);
	for (size_t i = 0; i < c->spawn.n_early; i++)
		close(c->spawn.early[i].fd);
	fd_close(c->spawn.pidns_fd);
}

static int open_sources(struct creation *c, struct error *err)
{
	c->sources.plan = c->plan;
	c->sources.overlay = c->plan->rootfs.layer.kind == LAYER_NONE ? NULL : &c->overlay;
	c->sources.in_userns = c->init.in_userns;
	c->sources.rootless = c->req->env->rootless;
	c->sources.procfs_fd = c->init.setup.procfs_fd;
	return sources_open(&c->sources, err);
}

static int listen_start(struct creation *c, struct error *err)
{
	c->init.start_fd = start_listen(c->req->container, err);
	return c->init.start_fd < 0 ? c->init.start_fd : 0;
}

static void undo_listen(struct creation *c)
{
	start_forget(c->req->container);
}

/* A cgroup namespace is made when its process is in the group, a time namespace before it has any: both by
 * the child. */
#define MADE_BY_CHILD ((uint64_t)(CLONE_NEWCGROUP | CLONE_NEWTIME))

/* Whether the child is born among processes of somebody else's. */
static bool joins_pid_namespace(const struct plan_namespaces *ns)
{
	for (size_t i = 0; i < ns->n_join; i++)
		if (ns->join[i].type == CLONE_NEWPID)
			return true;
	return false;
}

static int give_birth(struct creation *c, struct error *err)
{
	const struct plan_namespaces *ns = &c->plan->namespaces;
	bool seen = joins_pid_namespace(ns);
	int pair[2];
	int r = fd_socketpair(SOCK_SEQPACKET, pair);

	if (r < 0)
		return error_errnum(err, r, "socketpair");
	c->sync_fd = pair[0];
	c->init.sync_fd = pair[1];
	c->init.parents_fd = pair[0];
	c->init.plan = c->plan;
	c->init.container = c->req->container;
	c->init.rootfs = (struct rootfs){
		.plan = &c->plan->rootfs,
		.cgroup = c->cgroup,
		.source_fds = c->sources.fds,
		.overlay = c->sources.overlay,
		.procfs_fd = c->init.setup.procfs_fd,
		.new_cgroupns = ns->create & CLONE_NEWCGROUP,
		.top_fd = -1,
		.root_fd = -1,
	};
	c->init.await_maps = ns->create & CLONE_NEWUSER;
	c->spawn.cgroup_fd = c->born_outside ? -1 : cgroup_clone_fd(c->cgroup);
	c->spawn.flags = ns->create & ~MADE_BY_CHILD;
	c->spawn.procfs_fd = c->init.setup.procfs_fd;
	c->spawn.child = init_run;
	c->spawn.arg = &c->init;
	/*
	 * who is in there already sees it from its first moment, and joining a user namespace leaves it dumpable; our own /proc
	 * entries should stay ours
	 */
	if (seen)
		sys_prctl(PR_SET_DUMPABLE, 0, 0);
	if (c->init.in_userns)
		rlimits_make_room(&c->plan->process.rlimits);
	r = spawn_process(&c->spawn, &c->child, err);
	if (seen)
		sys_prctl(PR_SET_DUMPABLE, 1, 0);
	c->init.sync_fd = fd_close(c->init.sync_fd);
	return r;
}

static void undo_birth(struct creation *c)
{
	spawned_kill(&c->child);
	spawned_done(&c->child);
	c->sync_fd = fd_close(c->sync_fd);
	c->req->container->state->has_pid = false;
}

static int remember(struct oci_doc *doc, char ***list, size_t *n, char *const *strings, struct error *err)
{
	for (; strings && *strings; strings++) {
		char **slot = oci_doc_append(doc, list, n, sizeof(*slot));

		if (!slot || !(*slot = oci_doc_strdup(doc, *strings)))
			return error_set(err, ENOMEM, "remember what was made");
	}
	return 0;
}

/* What later verbs need to know, and hooks are told: before anybody but us could ask. */
static int record(struct creation *c, struct error *err)
{
	struct container *ct = c->req->container;
	_cleanup_strv_ char **groups = cgroup_to_strings(c->cgroup);
	struct process_stat st;
	int r = process_get_stat(c->child.pid, &st);

	if (r < 0)
		return error_errnum(err, r, "read /proc/%d/stat", (int)c->child.pid);
	ct->state->pid = c->child.pid;
	ct->state->has_pid = true;
	ct->state->start_time = st.start_time;
	ct->state->has_start_time = true;
	ct->state->n_cgroup = ct->state->n_resctrl = 0;
	r = remember(ct->state_doc, &ct->state->cgroup, &ct->state->n_cgroup, groups, err);
	if (r == 0 && c->classes)
		r = remember(ct->state_doc, &ct->state->resctrl, &ct->state->n_resctrl,
			     c->classes + c->n_shared_classes, err);
	return r < 0 ? r : container_save(ct, err); /* who kills us must not make us forget them */
}

static int move_to_cgroup(struct creation *c, struct error *err)
{
	int r = c->moved || c->child.in_cgroup ? 0 : cgroup_join_v2(c->cgroup, c->child.pid, err);

	c->moved = r == 0;
	return r;
}

/* Where systemd has to do it: while its ids are the caller's, not those of its user namespace. Else it works meanwhile. */
static int move_users_process(struct creation *c, struct error *err)
{
	return c->req->env->rootless ? move_to_cgroup(c, err) : 0;
}

static int write_maps(struct creation *c, struct error *err)
{
	const struct plan_namespaces *ns = &c->plan->namespaces;
	const struct userns_maps maps = { ns->uids, ns->gids, ns->n_uids, ns->n_gids };
	int r;

	if (!c->init.await_maps)
		return 0;
	r = userns_write_maps(c->init.setup.procfs_fd, c->child.pid, &maps, err);
	return r < 0 ? r : sync_send(c->sync_fd, SYNC_GO, 0, err);
}

/* The child is born in a new one, but joins an existing one at its own time. */
static int open_netns(const struct creation *c, struct error *err)
{
	const struct plan_namespaces *ns = &c->plan->namespaces;

	for (size_t i = 0; i < ns->n_join; i++)
		if (ns->join[i].type == CLONE_NEWNET)
			return namespace_open(ns->join[i].path, CLONE_NEWNET, err);
	return namespace_open_pid(c->init.setup.procfs_fd, c->child.pid, CLONE_NEWNET, err);
}

static int move_devices(struct creation *c, struct error *err)
{
	const struct oci_linux *l = c->req->bundle->config->linux_;
	int fd;

	if (!l || l->n_net_devices == 0)
		return 0;
	if (c->req->env->rootless)
		return error_set(err, EPERM, "linux.netDevices: moving interfaces needs root");
	fd = open_netns(c, err);
	if (fd < 0)
		return error_wrap(err, "linux.netDevices");
	return netdevices_move(&c->netdevices, l->net_devices, l->n_net_devices, fd, err);
}

static void undo_devices(struct creation *c)
{
	netdevices_return(&c->netdevices);
	netdevices_done(&c->netdevices);
}

static int set_oom_score(struct creation *c, struct error *err)
{
	const struct plan_process *p = &c->plan->process;

	if (!p->has_oom_score_adj)
		return 0;
	return oom_score_adj_set(c->init.setup.procfs_fd, c->child.pid, p->oom_score_adj,
				 c->req->env->rootless, err);
}

/* Of v1's hierarchies the child takes care itself. */
static int enter_cgroup(struct creation *c, struct error *err)
{
	int r = set_oom_score(c, err);

	if (r == 0 && !c->child.in_cgroup && cgroup_has_v2(c->cgroup))
		r = move_to_cgroup(c, err);
	return r < 0 ? r : sync_send(c->sync_fd, SYNC_GO, 0, err);
}

static int run_hooks(struct creation *c, struct error *err)
{
	const struct oci_hooks *h = c->plan->hooks;
	struct hook_context context = { .output = &c->init.hook_output };
	_cleanup_free_ char *state = NULL;
	int r;

	if (h->n_prestart == 0 && h->n_create_runtime == 0)
		return 0;
	r = sync_expect(c->sync_fd, SYNC_HOOKS, NULL, err);
	if (r < 0)
		return r;
	context.state = state = container_oci_state(c->req->container, CONTAINER_CREATING, c->child.pid);
	r = hooks_run("prestart", h->prestart, h->n_prestart, &context, err);
	if (r == 0)
		r = hooks_run("createRuntime", h->create_runtime, h->n_create_runtime, &context, err);
	return r < 0 ? r : sync_send(c->sync_fd, SYNC_GO, 0, err);
}

static int serve_listener(struct creation *c, struct error *err)
{
	return listener_serve(&c->plan->process, c->req->container, CONTAINER_CREATING, &c->child, c->sync_fd,
			      err);
}

static int await_ready(struct creation *c, struct error *err)
{
	return sync_expect(c->sync_fd, SYNC_READY, NULL, err);
}

static const struct step {
	int (*run)(struct creation *c, struct error *err);
	void (*undo)(struct creation *c); /* after run succeeded and a later step did not */
} steps[] = {
	{ make_plan, NULL },           { open_hook_output, NULL },
	{ open_layer, undo_layer },    { make_cgroup, undo_cgroup },
	{ delegate_cgroup, NULL },     { open_cgroup, NULL },        { make_class, undo_class },
	{ open_namespaces, NULL },     { open_sources, NULL },
	{ listen_start, undo_listen }, { give_birth, undo_birth },   { record, NULL },
	{ join_class, NULL },          { move_users_process, NULL }, { write_maps, NULL },
	{ move_devices, undo_devices },
	{ enter_cgroup, NULL },        { run_hooks, NULL },          { serve_listener, NULL },
	{ await_ready, NULL },         { commit_layer, NULL },
};

/* When the child failed first, what we ran into is only the consequence: its own word counts. And the OOM
 * killer leaves none. */
static void find_cause(struct creation *c, struct error *err)
{
	struct error first = { 0 };

	if (c->sync_fd < 0 || c->child.pid <= 0)
		return;
	low_memory_error(c->cgroup, err);
	fd_set_nonblock(c->sync_fd, 1);
	while (sync_expect(c->sync_fd, SYNC_ERROR, NULL, &first) < 0) {
		if (first.code == EPROTO)
			continue;
		if (first.code != EAGAIN && first.code != EPIPE)
			*err = first;
		return;
	}
}

static int take_steps(struct creation *c, size_t *done, struct error *err)
{
	int r = 0;

	while (r == 0 && *done < ARRAY_SIZE(steps)) {
		r = steps[*done].run(c, err);
		if (r == 0)
			++*done;
	}
	return r;
}

/* Backwards, up to and with the step that does first; NULL: all. */
static void undo_steps(struct creation *c, size_t *done, int (*first)(struct creation *c, struct error *err))
{
	while (*done > 0) {
		const struct step *s = &steps[--*done];

		if (s->undo)
			s->undo(c);
		if (s->run == first)
			return;
	}
}

static void creation_done(struct creation *c)
{
	close_namespaces(c);
	sources_close(&c->sources);
	netdevices_done(&c->netdevices);
	strv_free(c->classes);
	fd_close(c->init.start_fd);
	hook_output_close(&c->init.hook_output);
	fd_close(c->sync_fd);
	spawned_done(&c->child);
	setup_done(&c->init.setup);
	cgroup_free(c->cgroup);
	native_plan_free(c->plan);
}

int native_create(const struct create_request *req, struct error *err)
{
	struct creation c = {
		.req = req,
		.sync_fd = -1,
		.sources = { .userns_fd = -1 },
		.child = { .pidfd = -1 },
		.spawn = { .cgroup_fd = -1, .pidns_fd = -1 },
		.init = { .sync_fd = -1,
			  .start_fd = -1,
			  .hook_output = HOOK_OUTPUT_NONE,
			  .setup = { .procfs_fd = -1, .root_fd = -1, .null_fd = -1, .slave_fd = -1 } },
	};
	size_t done = 0;
	int r = take_steps(&c, &done, err);

	if (r < 0 && spawned_dead(&c.child)) { /* no hook has run, nothing was said: it is made once more */
		undo_steps(&c, &done, give_birth);
		c.born_outside = true;
		r = take_steps(&c, &done, err);
	}
	if (r < 0) {
		find_cause(&c, err);
		r = -err->code;
		undo_steps(&c, &done, NULL);
	}
	creation_done(&c);
	return r;
}
