/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs of the OCI lifecycle inside the guest: each message leads to the native implementation of the same verb, called the way
 * runtime/ calls it on the host, with a bundle and a state directory of the guest's own. Runs in a child for each
 * request (job.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/boot.h"
#include "agent/disks.h"
#include "agent/lsm.h"
#include "agent/shm.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "container/bundle.h"
#include "container/container.h"
#include "linux/process_table.h"
#include "native/native.h"
#include "schema/json.h"
#include "schema/types.h"

static void fill_io(const struct verb_context *v, struct process_io *io)
{
	*io = (struct process_io){ .console_socket = v->console_socket };
	memcpy(io->stdio, v->stdio, sizeof(io->stdio));
}

/* Opens the container of a request. */
static int open_container(const struct agent *a, const char *id, bool lock, struct container **ret, struct error *err)
{
	int r = container_open(&a->env, id, lock, ret, err);

	return r > 0 ? -err->code : r;
}

/* Stores config.json as it came, and reads it as any bundle is read. */
static int store_bundle(const struct agent *a, const struct hv_agent_create *m, const char *config, struct bundle **ret, struct error *err)
{
	_cleanup_free_ char *dir = path_join(a->bundles, m->id);
	_cleanup_fd_ int dirfd = -1;
	int r;

	r = container_id_validate(m->id, err);
	if (r < 0)
		return r;
	r = file_mkdir_p(AT_FDCWD, dir, 0700);
	if (r >= 0)
		r = dirfd = file_open_dir(AT_FDCWD, dir);
	if (r >= 0)
		r = file_replace_at(dirfd, "config.json", config, strlen(config), 0600);
	if (r < 0)
		return error_errnum(err, r, "store the bundle in %s", dir);
	return bundle_load(dir, NULL, ret, err);
}

/*
 * Others of the pod join its namespaces: what their config.json calls "<state directory>/<id>/ns/net" (hyperv/guest_config.h), for no host
 * knows the pids here.
 */
static int link_namespaces(const struct container *c, struct error *err)
{
	_cleanup_free_ char *target = xasprintf("/proc/%d/ns", (int)c->state->pid);

	return symlinkat(target, c->dirfd, "ns") < 0 ? error_errno(err, "link the namespaces") : 0;
}

static int create_in(const struct verb_context *v, const struct env *env, struct container *c, const struct bundle *b, struct error *err)
{
	const struct hv_agent_create *m = v->message;
	struct create_request req = {
		.env = env,
		.bundle = b,
		.container = c,
		.no_pivot = m->no_pivot,
		.no_new_keyring = m->no_new_keyring,
	};
	int r;

	fill_io(v, &req.io);
	r = native_ops.create(&req, err);
	if (r < 0)
		return r;
	c->state->creating = false;
	r = container_save(c, err);
	if (r == 0)
		r = link_namespaces(c, err);
	if (r < 0)
		native_ops.destroy(env, c, NULL);
	return r;
}

/* *config: config.json's text, which has a profile when there is a policy; it is replaced where the profile cannot be had. */
static int use_profile(const struct hv_agent_create *m, char **config, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct oci_process *p;
	char *changed;
	int r;

	if (!m->apparmor)
		return 0;
	r = json_parse(&oci_config_type, *config, strlen(*config), &doc, err);
	if (r < 0)
		return r;
	p = ((struct oci_config *)oci_doc_root(doc))->process;
	r = p ? lsm_take(m->apparmor, &p->apparmor_profile, err) : 0;
	if (r < 0 || !p || p->apparmor_profile)
		return r;
	r = json_write(&oci_config_type, oci_doc_root(doc), &changed, NULL, err);
	if (r == 0) {
		free(*config);
		*config = changed;
	}
	return r;
}

/* Its layer is on a disk of its own, if it is on one. */
static int create_with(const struct verb_context *v, const char *config, pid_t *ret_pid, struct error *err)
{
	const struct hv_agent_create *m = v->message;
	const char *layer_dir = disks_layer_dir(m->disks, m->n_disks);
	_cleanup_container_ struct container *c = NULL;
	_cleanup_bundle_ struct bundle *b = NULL;
	struct env env = v->agent->env;
	int r = store_bundle(v->agent, m, config, &b, err);

	if (layer_dir)
		env.layer_dir = layer_dir;
	if (r == 0)
		r = prepared_use(&v->agent->prepared, b, err);
	if (r == 0)
		r = container_new(&env, m->id, b, native_ops.name, &c, err);
	if (r < 0)
		return r;
	r = m->shm ? shm_take(m->shm, m->id, err) : 0;
	if (r == 0)
		r = create_in(v, &env, c, b, err);
	if (r < 0) {
		shm_release(m->id);
		container_remove(&env, c, NULL);
		return r;
	}
	*ret_pid = c->state->pid;
	return 0;
}

int verb_create(const struct verb_context *v, pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_create *m = v->message;
	_cleanup_free_ char *config = NULL;
	struct error ignored;
	int r = disks_take(m, &config, err);

	if (r == 0)
		r = use_profile(m, &config, err);
	if (r == 0)
		r = create_with(v, config, ret_pid, err);
	if (r == 0)
		boot_settle_share();
	else
		disks_give_back(m->disks, m->n_disks, &ignored);
	return r;
}

int verb_start(const struct verb_context *v, _unused_ pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_container *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	int r = open_container(v->agent, m->id, true, &c, err);

	return r < 0 ? r : native_ops.start(&v->agent->env, c, err);
}

/* By the profile that the message names, else by the one that the container has here. */
static int confine(const struct hv_agent_exec *m, struct container *c, struct error *err)
{
	struct oci_process *p = m->process;
	const struct oci_config *config;
	int r;

	if (p->apparmor_profile)
		return lsm_take(m->apparmor, &p->apparmor_profile, err);
	r = container_config(c, &config, err);
	if (r == 0 && config->process)
		p->apparmor_profile = config->process->apparmor_profile;
	return r;
}

int verb_exec(const struct verb_context *v, pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_exec *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	struct exec_request req = {
		.process = m->process, .ignore_paused = m->ignore_paused, .sub_cgroups = m->sub_cgroups
	};
	int r = open_container(v->agent, m->id, true, &c, err);

	if (r == 0)
		r = confine(m, c, err);
	if (r < 0)
		return r;
	fill_io(v, &req.io);
	return native_ops.exec(&v->agent->env, c, &req, ret_pid, err);
}

int verb_signal(const struct verb_context *v, _unused_ pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_signal *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	int r = open_container(v->agent, m->id, false, &c, err);

	return r < 0 ? r : native_ops.signal(&v->agent->env, c, (int)m->signal, m->all, err);
}

int verb_freeze(const struct verb_context *v, _unused_ pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_freeze *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	int r = open_container(v->agent, m->id, true, &c, err);

	return r < 0 ? r : native_ops.freeze(&v->agent->env, c, m->freeze, err);
}

int verb_update(const struct verb_context *v, _unused_ pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_update *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	int r = open_container(v->agent, m->id, true, &c, err);

	return r < 0 ? r : native_ops.update(&v->agent->env, c, m->resources, err);
}

int verb_mount(const struct verb_context *v, _unused_ pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_mount *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	int r = open_container(v->agent, m->id, true, &c, err);

	return r < 0 ? r : native_ops.mounts(&v->agent->env, c, m->mount, 1, m->add, err);
}

static int write_reply(struct buf *reply, const struct oci_type *type, const void *root, struct error *err)
{
	_cleanup_free_ char *body = NULL;
	size_t len;
	int r = json_write(type, root, &body, &len, err);

	if (r == 0)
		buf_append(reply, body, len);
	return r;
}

/* All of them must fit one frame: of many processes only the head of each command line is told. */
enum { COMMANDS_MAX = FRAME_CONTROL_MAX / 4, COMMAND_MIN = 15 };

int verb_processes(const struct verb_context *v, _unused_ pid_t *ret_pid, struct buf *reply, struct error *err)
{
	const struct hv_agent_container *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	struct hv_agent_processes answer = { 0 };
	struct process_row *rows;
	size_t n, command_max;
	int r = open_container(v->agent, m->id, false, &c, err);

	if (r == 0)
		r = native_ops.processes(&v->agent->env, c, &rows, &n, err);
	if (r < 0)
		return r;
	answer.processes = xcalloc(n + 1, sizeof(*answer.processes));
	answer.n_processes = n;
	command_max = MAX(COMMANDS_MAX / (n + 1), (size_t)COMMAND_MIN);
	for (size_t i = 0; i < n; i++) {
		process_row_shorten(&rows[i], command_max);
		answer.processes[i] = (struct hv_agent_process){
			.pid = (uint32_t)rows[i].pid,
			.ppid = (uint32_t)rows[i].ppid,
			.uid = rows[i].uid,
			.cpu = rows[i].cpu,
			.started = rows[i].started > 0 ? (uint64_t)rows[i].started : 0,
			.time = rows[i].time,
			.tty = rows[i].tty,
			.command = rows[i].command,
		};
	}
	r = write_reply(reply, &hv_agent_processes_type, &answer, err);
	free(answer.processes);
	process_rows_free(rows, n);
	return r;
}

int verb_stats(const struct verb_context *v, _unused_ pid_t *ret_pid, struct buf *reply, struct error *err)
{
	const struct hv_agent_container *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	int r = open_container(v->agent, m->id, false, &c, err);

	return r < 0 ? r : native_ops.stats(&v->agent->env, c, reply, err);
}

int verb_wait_oom(const struct verb_context *v, _unused_ pid_t *ret_pid, struct buf *reply, struct error *err)
{
	const struct hv_agent_wait_oom *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	struct oom_wait w = { .count = m->count, .count_now = m->count_now, .timeout_ms = m->timeout };
	struct hv_agent_oom answer;
	int r = open_container(v->agent, m->id, false, &c, err);

	if (r == 0)
		r = native_ops.wait_oom(&v->agent->env, c, &w, err);
	if (r < 0)
		return r;
	answer = (struct hv_agent_oom){ .count = w.count, .event = (uint32_t)w.event };
	return write_reply(reply, &hv_agent_oom_type, &answer, err);
}

/* What was written to a disk that nobody keeps goes with the disk: it is not removed file by file. */
static void forget_layer(const struct hv_agent_remove *m, struct container *c)
{
	if (disks_layer_dir(m->disks, m->n_disks) && !c->state->layer_kept)
		c->state->layer = NULL;
}

/*
 * A container of several, or of a test's agent: no power-off follows. Its processes are killed before its lock is asked for, since a
 * START whose hooks take their time holds it.
 */
int verb_remove(const struct verb_context *v, _unused_ pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_remove *m = v->message;
	_cleanup_container_ struct container *running = NULL, *c = NULL;
	_cleanup_free_ char *bundle = path_join(v->agent->bundles, m->id);
	struct error ignored;
	int r = open_container(v->agent, m->id, false, &running, err);

	if (r < 0)
		return r;
	if (native_ops.signal(&v->agent->env, running, SIGKILL, true, &ignored) < 0) /* no cgroup: then its own process has to do */
		native_ops.signal(&v->agent->env, running, SIGKILL, false, &ignored);
	r = open_container(v->agent, m->id, true, &c, err);
	if (r < 0)
		return r;
	forget_layer(m, c);
	r = native_ops.destroy(&v->agent->env, c, err);
	if (r == 0)
		r = container_remove(&v->agent->env, c, err);
	if (r == 0) {
		shm_release(m->id);
		file_remove_tree(AT_FDCWD, bundle);
	}
	return r < 0 ? r : disks_give_back(m->disks, m->n_disks, err);
}
