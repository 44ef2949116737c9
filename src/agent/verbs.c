/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs of the OCI lifecycle inside the guest: each message leads to the native implementation of the same verb, called the way
 * runtime/ calls it on the host, with a bundle and a state directory of the guest's own. Runs in a child for each
 * request (job.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <string.h>

#include "agent/agent.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "container/bundle.h"
#include "container/container.h"
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
static int store_bundle(const struct agent *a, const struct hv_agent_create *m, struct bundle **ret, struct error *err)
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
		r = file_replace_at(dirfd, "config.json", m->config, strlen(m->config), 0600);
	if (r < 0)
		return error_errnum(err, r, "store the bundle in %s", dir);
	return bundle_load(dir, NULL, ret, err);
}

static int create_in(const struct verb_context *v, struct container *c, const struct bundle *b, struct error *err)
{
	const struct hv_agent_create *m = v->message;
	struct create_request req = {
		.env = &v->agent->env,
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
	if (r < 0)
		native_ops.destroy(&v->agent->env, c, NULL);
	return r;
}

int verb_create(const struct verb_context *v, pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_create *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	_cleanup_bundle_ struct bundle *b = NULL;
	int r;

	r = store_bundle(v->agent, m, &b, err);
	if (r < 0)
		return r;
	r = container_new(&v->agent->env, m->id, b, native_ops.name, &c, err);
	if (r < 0)
		return r;
	r = create_in(v, c, b, err);
	if (r < 0) {
		container_remove(&v->agent->env, c, NULL);
		return r;
	}
	*ret_pid = c->state->pid;
	return 0;
}

int verb_start(const struct verb_context *v, _unused_ pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_container *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	int r = open_container(v->agent, m->id, true, &c, err);

	return r < 0 ? r : native_ops.start(&v->agent->env, c, err);
}

int verb_exec(const struct verb_context *v, pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_exec *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	struct exec_request req = {
		.process = m->process, .ignore_paused = m->ignore_paused, .sub_cgroup = m->sub_cgroup
	};
	int r = open_container(v->agent, m->id, true, &c, err);

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

int verb_pids(const struct verb_context *v, _unused_ pid_t *ret_pid, struct buf *reply, struct error *err)
{
	const struct hv_agent_container *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	_cleanup_free_ char *body = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	struct hv_agent_pids answer;
	size_t n, len;
	int r = open_container(v->agent, m->id, false, &c, err);

	if (r == 0)
		r = native_ops.pids(&v->agent->env, c, &pids, &n, err);
	if (r < 0)
		return r;
	_Static_assert(sizeof(*answer.pids) == sizeof(*pids), "pids are sent as they are");
	answer = (struct hv_agent_pids){ .pids = (uint32_t *)pids, .n_pids = n };
	r = json_write(&hv_agent_pids_type, &answer, &body, &len, err);
	if (r == 0)
		buf_append(reply, body, len);
	return r;
}

/* Only where no power-off follows: a test's agent. */
int verb_destroy(const struct verb_context *v, _unused_ pid_t *ret_pid, _unused_ struct buf *reply, struct error *err)
{
	const struct hv_agent_container *m = v->message;
	_cleanup_container_ struct container *c = NULL;
	int r = open_container(v->agent, m->id, true, &c, err);

	if (r == 0)
		r = native_ops.destroy(&v->agent->env, c, err);
	return r < 0 ? r : container_remove(&v->agent->env, c, err);
}
