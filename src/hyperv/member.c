/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * create for a member of a pod. There is nothing to boot: its file systems are opened with the caller's rights, a worker without a VMM is
 * started in the member's cgroup, and that worker adds it to the VM of the sandbox by way of the sandbox's worker. control.sock in the
 * member's state directory is that worker's, by a second name (link(2)), so the other verbs are the same for both.
 *
 * There is no other place for a member to go: when the sandbox's VM is not there, or cannot have it, create fails.
 */
#include "hyperv/member.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/container.h"
#include "container/env.h"
#include "container/layer.h"
#include "container/settings.h"
#include "container/unit_properties.h"
#include "hyperv/apparmor.h"
#include "hyperv/create.h"
#include "hyperv/disk.h"
#include "hyperv/guest_config.h"
#include "hyperv/hyperv.h"
#include "hyperv/launch.h"
#include "hyperv/share.h"
#include "hyperv/shm.h"
#include "hyperv/spec.h"
#include "linux/cgroup/cgroup.h"
#include "linux/cgroup/unit_property.h"
#include "linux/namespace.h"
#include "linux/rlimit.h"
#include "proto/client.h"
#include "proto/message.h"
#include "schema/json.h"
#include "schema/types.h"

enum {
	FDS_MAX = 240,		  /* of one JOIN: the worker takes no more */
	OTHER_FDS = 4 + VMM_DISKS_MAX, /* of them are not shares */
	JOIN_TIMEOUT_MS = 60000,  /* nobody boots, nobody waits for anybody but a busy host */
	LEAVE_TIMEOUT_MS = 8000,  /* more than the sandbox's worker gives the guest */
	PREFIX_BYTES = 8,
};

/* A member on its way, to be undone in one place. */
struct member {
	const struct env *env;
	const struct bundle *bundle;
	struct container *sandbox;
	const struct oci_config *sandbox_config;
	struct guest_config *guest;
	struct shm shm;
	char *apparmor; /* the policy of its profile, for the guest; or NULL */
	struct hv_worker_share *shares;
	int layer_dirfd;
	struct hv_worker_disk disks[VMM_DISKS_MAX];
	struct hv_agent_disk agent_disks[VMM_DISKS_MAX];
	int fds[FDS_MAX]; /* in the order of worker.json, "WorkerJoin" */
	size_t n_fds;
	struct cgroup *cgroup;
	struct launch launch;
	const struct create_request *req; /* NULL: it is only to be checked */
};

/* the sandbox ------------------------------------------------------------------------------------------------------------- */

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* The path that a configuration has for a namespace of that type; NULL: none. */
static const char *path_of(const struct oci_config *c, enum oci_namespace_type type)
{
	for (size_t i = 0; c->linux_ && i < c->linux_->n_namespaces; i++)
		if (c->linux_->namespaces[i].type == type)
			return c->linux_->namespaces[i].path;
	return NULL;
}

bool member_shares(const struct oci_namespace *n, pid_t sandbox_pid, const struct oci_config *sandbox)
{
	const struct namespace_type *type = namespace_type_by_name(oci_namespace_type_to_string(n->type));
	_cleanup_free_ char *of_pid = xasprintf("/proc/%d/ns/%s", (int)sandbox_pid, type->file);
	const char *of_config = path_of(sandbox, n->type);

	if (!n->path || n->type == OCI_NAMESPACE_TYPE_MOUNT || n->type == OCI_NAMESPACE_TYPE_CGROUP)
		return false;
	if (str_eq(n->path, of_pid) || (of_config && (str_eq(n->path, of_config) || same_file(n->path, of_config))))
		return true;
	/* of the worker's namespaces on the host only that is the pod's */
	return n->type == OCI_NAMESPACE_TYPE_NETWORK && same_file(n->path, of_pid);
}

/*
 * podman marks no infra container: it is one that its own members name. None of those can be another's. Who is a member by its network, and not by what its
 * annotations say, has been let in before (runtime/join.h).
 */
static bool takes_members(const struct container *c, const struct bundle *member)
{
	const struct oci_string_map *says = member->config->annotations;

	if (annotation_is_sandbox(c->state->annotations))
		return true;
	if (annotation_podman_infra_of(says))
		return annotation_is_podmans(c->state->annotations) && !c->state->sandbox;
	return !annotation_sandbox_of(says);
}

static int find_sandbox(struct member *m, struct error *err)
{
	const char *id = m->bundle->sandbox;
	const char *kernel = annotation_get(m->bundle->config->annotations, ANNOTATION_GUEST_KERNEL);
	const char *share_type = annotation_get(m->bundle->config->annotations, ANNOTATION_SHARE_TYPE);
	int r = container_open(m->env, id, false, &m->sandbox, err);

	if (r != 0)
		return error_wrap(err, "pod sandbox \"%s\"", id);
	if (!str_eq(m->sandbox->state->runtime_type, hyperv_ops.name))
		return error_set(err, EINVAL, "pod sandbox \"%s\" has runtime type %s", id, m->sandbox->state->runtime_type);
	if (!takes_members(m->sandbox, m->bundle))
		return error_set(err, EINVAL, "container \"%s\" is no pod sandbox: its own annotations do not say so", id);
	if (m->sandbox->state->creating || !container_process_alive(m->sandbox))
		return error_set(err, ESRCH, "pod sandbox \"%s\": container not running", id);
	if (kernel && !str_eq(kernel, m->sandbox->state->guest_kernel))
		return error_set(err, EINVAL, "annotation %s: \"%s\": the virtual machine of the pod sandbox \"%s\" runs \"%s\"",
				 annotation_def(ANNOTATION_GUEST_KERNEL)->key, kernel, id, m->sandbox->state->guest_kernel);
	if (share_type && !str_eq_nocase(share_type, m->sandbox->state->share_type))
		return error_set(err, EINVAL, "annotation %s: \"%s\": the virtual machine of the pod sandbox \"%s\" has its file systems by \"%s\"",
				 annotation_def(ANNOTATION_SHARE_TYPE)->key, share_type, id, m->sandbox->state->share_type);
	r = container_config(m->sandbox, &m->sandbox_config, err);
	return r < 0 ? error_wrap(err, "pod sandbox \"%s\"", id) : 0;
}

/* Random, so that it needs no agreement; the VM's worker refuses a name that is taken. */
static int make_prefix(char ret[2 * PREFIX_BYTES + 1], struct error *err)
{
	unsigned char bytes[PREFIX_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return error_errno(err, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* Spare ones are made for a pod's sandbox; who else has members is not known when its machine is made. */
static int check_disks(const struct member *m, struct error *err)
{
	if (m->guest->n_disks == 0 || annotation_is_sandbox(m->sandbox->state->annotations))
		return 0;
	return error_set(err, EOPNOTSUPP,
			 "%s: the virtual machine of container \"%s\" has no spare disks, which only that of a pod's sandbox has, by its own annotations%s",
			 m->guest->disks[0].field, m->sandbox->id, m->guest->disks[0].layer ? ": \"memory\" is possible" : "");
}

static int derive(struct member *m, struct error *err)
{
	const struct oci_linux *l = m->bundle->config->linux_;
	char prefix[2 * PREFIX_BYTES + 1];
	bool *shared = xcalloc(l ? l->n_namespaces + 1 : 1, sizeof(*shared));
	const struct guest_pod pod = { .sandbox = m->sandbox->id, .sandbox_linux = m->sandbox_config->linux_, .share_prefix = prefix,
				       .shared = shared };
	_cleanup_free_ bool *devices = disk_find_devices(m->bundle);
	struct oci_rlimit rlimits[RLIM_NLIMITS];
	_cleanup_free_ enum host_device *host_devices = host_devices_look(m->bundle);
	const struct guest_facts facts = { .id = m->req ? m->req->container->id : "validate",
					   .settings = m->env->settings,
					   .apparmor = m->apparmor,
					   .shm = shm_find(m->bundle, &m->shm) ? &m->shm : NULL,
					   .devices = devices,
					   .host_devices = host_devices,
					   .rlimits = rlimits,
					   .n_rlimits = ARRAY_SIZE(rlimits) };
	int r = make_prefix(prefix, err);

	for (size_t i = 0; l && i < l->n_namespaces; i++)
		shared[i] = member_shares(&l->namespaces[i], (pid_t)m->sandbox->state->pid, m->sandbox_config);
	if (r == 0)
		r = rlimits_inherited(rlimits, err);
	if (r == 0)
		r = guest_config_derive_member(m->bundle, &facts, &pod, &m->guest, err);
	free(shared);
	if (r == 0 && m->guest->n_shares > FDS_MAX - OTHER_FDS)
		r = error_set(err, E2BIG, "mounts: %zu bind mounts, at most %d can be shared with a virtual machine", m->guest->n_shares - 1,
			      FDS_MAX - OTHER_FDS - 1);
	return r < 0 ? r : check_disks(m, err);
}

static int decide(struct member *m, struct error *err)
{
	const struct oci_process *p = m->bundle->config->process;
	int r = find_sandbox(m, err);

	if (r == 0 && p)
		r = apparmor_for_guest(&m->env->settings->hyperv, p->apparmor_profile, &m->apparmor, err);
	return r < 0 ? r : derive(m, err);
}

/* descriptors ------------------------------------------------------------------------------------------------------------- */

static int add_fd(struct member *m, int fd)
{
	if (fd >= 0)
		m->fds[m->n_fds++] = fd;
	return fd;
}

/* What the other verbs go by, as hyperv/create.c has it. */
static int make_state(struct member *m, struct error *err)
{
	int dirfd = m->req->container->dirfd, r;

	r = file_replace_at(dirfd, CONTAINER_START_SOCKET, "", 0, 0600);
	if (r < 0)
		return error_errnum(err, r, "make %s", CONTAINER_START_SOCKET);
	if (linkat(m->sandbox->dirfd, HYPERV_CONTROL_SOCKET, dirfd, HYPERV_CONTROL_SOCKET, 0) < 0)
		return error_errno(err, "link %s of the pod sandbox", HYPERV_CONTROL_SOCKET);
	return add_fd(m, fcntl(dirfd, F_DUPFD_CLOEXEC, 3)) < 0 ? error_errno(err, "fcntl") : 0;
}

static int open_network(struct member *m, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/ns/net", (int)m->sandbox->state->pid);
	int fd = add_fd(m, open(path, O_RDONLY | O_CLOEXEC));

	return fd < 0 ? error_errno(err, "the network namespace of the pod sandbox") : 0;
}

/* The layer is made here, and removed by undo(). */
static int open_disks(struct member *m, struct error *err)
{
	const struct disk_messages messages = { m->disks, m->agent_disks };

	if (m->guest->layer.kind == LAYER_OVERLAY) {
		m->layer_dirfd = layer_open(m->env, m->req->container, &m->guest->layer, LAYER_GUEST_DISK, err);
		if (m->layer_dirfd < 0)
			return m->layer_dirfd;
	}
	return disk_open_all(m->guest, m->layer_dirfd, &messages, m->fds, &m->n_fds, err);
}

static int open_all(struct member *m, struct error *err)
{
	const struct oci_process *p = m->bundle->config->process;
	int r = add_fd(m, hyperv_connect(m->sandbox, err));

	if (r < 0)
		return error_wrap(err, "pod sandbox \"%s\"", m->sandbox->id);
	r = make_state(m, err);
	if (r == 0)
		r = open_network(m, err);
	if (r == 0 && p && p->terminal && add_fd(m, fcntl(m->req->io.console_socket, F_DUPFD_CLOEXEC, 3)) < 0)
		r = error_set(err, EINVAL, "process.terminal: there is no console socket to send the terminal to");
	if (r == 0)
		r = share_open_all(m->guest, &m->shares, m->fds, &m->n_fds, err);
	return r < 0 ? r : open_disks(m, err);
}

/* the worker -------------------------------------------------------------------------------------------------------------- */

/* What the container may use is kept in the guest, and charged to the VM, which is in the sandbox's cgroup: this one has only the worker. */
static int start_worker(struct member *m, struct error *err)
{
	const struct create_request *req = m->req;
	const struct oci_linux *l = m->bundle->config->linux_;
	struct launch_request launch = { .binary = m->env->settings->hyperv.worker, .id = req->container->id, .role = "member",
					 .stdio = req->io.stdio };
	const struct oci_resources none = { 0 };
	struct hv_state *s = req->container->state;
	struct cgroup_request group = { .manager = m->env->cgroup_manager, .id = req->container->id, .rootless = m->env->rootless,
					.path = l ? l->cgroups_path : NULL, .resources = &none };
	_cleanup_free_ struct unit_property *properties = NULL;
	int r = unit_properties_new(m->bundle->config->annotations, m->env->settings, &properties, &group.n_properties, err);

	group.properties = properties;
	group.subgroup = annotation_get_group(m->bundle->config->annotations, ANNOTATION_SYSTEMD_SUBGROUP);
	if (r == 0)
		r = cgroup_create(&group, &m->cgroup, err);
	if (r < 0)
		return r;
	launch.cgroup = m->cgroup;
	r = launch_start(&launch, &m->launch, err);
	if (r < 0)
		return r;
	s->accel = oci_doc_strdup(req->container->state_doc, m->sandbox->state->accel);
	s->share_type = oci_doc_strdup(req->container->state_doc, m->sandbox->state->share_type);
	s->guest_kernel = oci_doc_strdup(req->container->state_doc, m->sandbox->state->guest_kernel);
	return create_note_worker(req->container, m->launch.pid, m->cgroup, err);
}

static uint64_t memory_limit(const struct oci_config *c)
{
	const struct oci_memory *m = c->linux_ && c->linux_->resources ? c->linux_->resources->memory : NULL;

	return m && m->has_limit && m->limit > 0 ? (uint64_t)m->limit : 0;
}

static int send_join(struct member *m, struct error *err)
{
	const struct create_request *req = m->req;
	const struct oci_process *p = m->bundle->config->process;
	bool terminal = p && p->terminal;
	struct hv_agent_create create = {
		.id = req->container->id, .config = m->guest->json, .has_terminal = true, .terminal = terminal,
		.has_no_pivot = true, .no_pivot = req->no_pivot, .has_no_new_keyring = true, .no_new_keyring = req->no_new_keyring,
		.apparmor = m->apparmor,
		.disks = m->agent_disks, .n_disks = m->guest->n_disks,
	};
	struct hv_agent_shm shm;
	struct hv_worker_member member = {
		.create = &create, .memory = (int64_t)memory_limit(m->bundle->config),
		.reserved = ((int64_t)SPEC_GUEST_RESERVE_MIB << 20) + (int64_t)memory_limit(m->sandbox_config),
	};
	struct hv_worker_join join = { .member = &member, .shares = m->shares, .n_shares = m->guest->n_shares, .disks = m->disks,
				       .n_disks = m->guest->n_disks, .has_console = true, .console = terminal, .console_size = p ? p->console_size : NULL };
	struct client_request call = { .type = MESSAGE_JOIN, .fds = m->fds, .n_fds = m->n_fds, .timeout_ms = JOIN_TIMEOUT_MS };
	_cleanup_free_ char *body = NULL;
	int r;

	if (m->guest->shm) {
		shm_for_agent(m->guest->shm, &shm);
		create.shm = &shm;
	}
	r = json_write(&hv_worker_join_type, &join, &body, &call.len, err);
	if (r < 0)
		return r;
	call.body = body;
	return client_call(m->launch.sock, &call, NULL, err);
}

static int run_hooks(struct member *m, struct error *err)
{
	return create_run_hooks(m->req, m->launch.pid, err);
}

static int send_create(struct member *m, struct error *err)
{
	struct client_request call = { .type = MESSAGE_CREATE, .timeout_ms = JOIN_TIMEOUT_MS };
	int r = client_call(m->launch.sock, &call, NULL, err);

	if (r < 0)
		return r;
	layer_commit(m->req->container, &m->guest->layer);
	create_show_files(m->guest, (pid_t)m->sandbox->state->pid, m->launch.pid);
	return 0;
}

static void undo(struct member *m)
{
	struct container *c = m->req->container;
	struct error err;

	launch_abort(&m->launch);
	member_leave(c);
	if (create_remove_cgroup(m->cgroup, &err) < 0)
		log_warning("container \"%s\": %s", c->id, err.msg);
	if (layer_release(m->env, c, &err) < 0)
		log_warning("container \"%s\": %s", c->id, err.msg);
	unlinkat(c->dirfd, HYPERV_CONTROL_SOCKET, 0);
	unlinkat(c->dirfd, CONTAINER_START_SOCKET, 0);
}

static void done(struct member *m)
{
	launch_done(&m->launch);
	for (size_t i = 0; i < m->n_fds; i++)
		fd_close(m->fds[i]);
	free(m->shares);
	free(m->apparmor);
	fd_close(m->layer_dirfd);
	cgroup_free(m->cgroup);
	guest_config_free(m->guest);
	container_free(m->sandbox);
}

int member_create(const struct create_request *req, struct error *err)
{
	static int (*const steps[])(struct member *m, struct error *err) = {
		decide, open_all, start_worker, send_join, run_hooks, send_create,
	};
	struct member m = { .env = req->env, .bundle = req->bundle, .req = req, .layer_dirfd = -1, .launch = LAUNCH_NONE };
	int r = 0;

	if (req->io.preserve_fds > 0)
		return error_set(err, EINVAL, "--preserve-fds %u: descriptors cannot be passed into a virtual machine", req->io.preserve_fds);
	for (size_t i = 0; r >= 0 && i < ARRAY_SIZE(steps); i++)
		r = steps[i](&m, err);
	if (r < 0)
		undo(&m);
	done(&m);
	return r < 0 ? r : 0;
}

int member_check(const struct env *env, const struct bundle *bundle, struct error *err)
{
	struct member m = { .env = env, .bundle = bundle, .layer_dirfd = -1, .launch = LAUNCH_NONE };
	int r = decide(&m, err);

	done(&m);
	return r;
}

void member_leave(const struct container *c)
{
	const struct hv_agent_container body = { .id = c->id };
	struct client_request call = { .type = MESSAGE_DESTROY, .timeout_ms = LEAVE_TIMEOUT_MS };
	_cleanup_fd_ int sock = fd_connect_at(c->dirfd, HYPERV_CONTROL_SOCKET, SOCK_STREAM);
	_cleanup_free_ char *json = NULL;
	struct error err;

	if (sock < 0 || json_write(&hv_agent_container_type, &body, &json, &call.len, &err) < 0)
		return;
	call.body = json;
	if (client_call(sock, &call, NULL, &err) < 0 && err.code != ECONNRESET)
		log_warning("container \"%s\": leave the virtual machine: %s", c->id, err.msg);
}
