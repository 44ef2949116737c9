/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs about what a running container may use and does use: one message each to the agent, which has the native type do it. What
 * comes back is a guest's word: it is read by tables, bounded, and only shown.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/mem.h"
#include "container/container.h"
#include "container/env.h"
#include "hyperv/create.h"
#include "hyperv/guest_config.h"
#include "hyperv/spec.h"
#include "linux/cgroup/cgroup.h"
#include "linux/process_table.h"
#include "proto/message.h"
#include "schema/json.h"
#include "schema/types.h"

enum { FREEZE_TIMEOUT_MS = 15000 /* more than the guest's own, linux/cgroup */ };

static int call_container(const struct container *c, enum message type, struct buf *reply, struct error *err)
{
	const struct hv_agent_container m = { .id = c->id };

	return hyperv_call(c, type, &hv_agent_container_type, &m, HYPERV_ANSWER_TIMEOUT_MS, reply, err);
}

/* The body of an answer, of a type of schema/types.h. */
static int read_answer(const struct buf *reply, enum message request, const struct oci_type *type, struct oci_doc **ret, struct error *err)
{
	int r = json_parse(type, reply->data ? reply->data : "", reply->len, ret, err);

	return r < 0 ? error_wrap(err, "the guest's answer to %s", message_to_string(request)) : 0;
}

/* The worker makes and removes the entry when the guest has answered. */
int hyperv_status(_unused_ const struct env *env, struct container *c, enum container_status *ret, _unused_ struct error *err)
{
	*ret = container_status_of(c);
	if ((*ret == CONTAINER_RUNNING || *ret == CONTAINER_CREATED) && faccessat(c->dirfd, HYPERV_PAUSED, F_OK, 0) == 0)
		*ret = CONTAINER_PAUSED;
	return 0;
}

int hyperv_freeze(_unused_ const struct env *env, struct container *c, bool freeze, struct error *err)
{
	const struct hv_agent_freeze m = { .id = c->id, .freeze = freeze };

	return hyperv_call(c, MESSAGE_FREEZE, &hv_agent_freeze_type, &m, FREEZE_TIMEOUT_MS, NULL, err);
}

/* A VM does not grow: what it cannot give is not promised. */
static int check_memory(const struct oci_resources *r, const struct vm_spec *vm, struct error *err)
{
	uint64_t reserve = (uint64_t)SPEC_GUEST_RESERVE_MIB << 20;

	if (!r->memory || !r->memory->has_limit || r->memory->limit <= 0 ||
	    (vm->memory > reserve && (uint64_t)r->memory->limit <= vm->memory - reserve))
		return 0;
	return error_set(err, ERANGE, "linux.resources.memory.limit: %lld is more than the virtual machine has (%llu bytes, %llu of them for itself)",
			 (long long)r->memory->limit, (unsigned long long)vm->memory, (unsigned long long)reserve);
}

/* The guest's limits exactly, the host's with what the VM needs (hyperv/spec.h): the one that was made, whatever create would make today. */
int hyperv_update(_unused_ const struct env *env, struct container *c, const struct oci_resources *resources, struct error *err)
{
	struct guest_resources guest;
	const struct hv_agent_update m = { .id = c->id, .resources = &guest.resources };
	struct oci_linux changed_linux = { .resources = (struct oci_resources *)resources };
	const struct oci_config changed = { .linux_ = &changed_linux };
	const struct vm_spec vm = { .memory = c->state->vm_memory, .vcpus = c->state->vm_vcpus };
	_cleanup_cgroup_ struct cgroup *cgroup = NULL;
	struct host_limits limits;
	int r;

	guest_resources_derive(resources, &guest);
	if (c->state->sandbox) /* the VM's size and its cgroup are its sandbox's; its worker knows what is left */
		return hyperv_call(c, MESSAGE_UPDATE, &hv_agent_update_type, &m, HYPERV_ANSWER_TIMEOUT_MS, NULL, err);
	r = check_memory(resources, &vm, err);
	if (r == 0)
		r = hyperv_call(c, MESSAGE_UPDATE, &hv_agent_update_type, &m, HYPERV_ANSWER_TIMEOUT_MS, NULL, err);
	if (r < 0 || c->state->n_cgroup == 0)
		return r;
	r = hyperv_open_cgroup(c, &cgroup, err);
	if (r < 0)
		return r;
	spec_make_host_limits(&changed, &vm, &limits);
	r = cgroup_set(cgroup, &limits.resources, err);
	return r < 0 ? error_wrap(err, "limits of the virtual machine on the host") : 0;
}

int hyperv_processes(_unused_ const struct env *env, struct container *c, struct process_row **ret, size_t *ret_n, struct error *err)
{
	_cleanup_buf_ struct buf reply = { 0 };
	_cleanup_doc_ struct oci_doc *doc = NULL;
	const struct hv_agent_processes *m;
	struct process_row *rows;
	int r = call_container(c, MESSAGE_PROCESSES, &reply, err);

	if (r == 0)
		r = read_answer(&reply, MESSAGE_PROCESSES, &hv_agent_processes_type, &doc, err);
	if (r < 0)
		return r;
	m = oci_doc_root(doc);
	rows = xcalloc(m->n_processes + 1, sizeof(*rows));
	for (size_t i = 0; i < m->n_processes; i++) {
		rows[i] = (struct process_row){
			.pid = (pid_t)m->processes[i].pid,
			.ppid = (pid_t)m->processes[i].ppid,
			.uid = m->processes[i].uid,
			.cpu = m->processes[i].cpu,
			.started = (int64_t)m->processes[i].started,
			.time = m->processes[i].time,
			.tty = xstrdup(m->processes[i].tty),
			.command = xstrdup(m->processes[i].command),
		};
		process_row_make_printable(&rows[i]);
	}
	*ret = rows;
	*ret_n = m->n_processes;
	return 0;
}

/* JSON is passed on as it is when it is JSON, an object, and one line: readers of events count lines. */
int hyperv_stats(_unused_ const struct env *env, struct container *c, struct buf *out, struct error *err)
{
	_cleanup_buf_ struct buf reply = { 0 };
	_cleanup_doc_ struct oci_doc *doc = NULL;
	int r = call_container(c, MESSAGE_STATS, &reply, err);

	if (r == 0)
		r = read_answer(&reply, MESSAGE_STATS, &hv_agent_stats_type, &doc, err);
	if (r < 0)
		return r;
	if (memchr(reply.data, '\n', reply.len) || memchr(reply.data, '\r', reply.len))
		return error_set(err, EPROTO, "the guest's answer to STATS: more than one line");
	buf_append(out, reply.data, reply.len);
	return 0;
}

int hyperv_wait_oom(_unused_ const struct env *env, struct container *c, struct oom_wait *w, struct error *err)
{
	const struct hv_agent_wait_oom m = { .id = c->id, .count = w->count, .count_now = w->count_now, .timeout = w->timeout_ms };
	_cleanup_buf_ struct buf reply = { 0 };
	_cleanup_doc_ struct oci_doc *doc = NULL;
	const struct hv_agent_oom *answer;
	int timeout = w->timeout_ms > INT_MAX - HYPERV_ANSWER_TIMEOUT_MS ? INT_MAX : w->timeout_ms + HYPERV_ANSWER_TIMEOUT_MS;
	int r = hyperv_call(c, MESSAGE_WAIT_OOM, &hv_agent_wait_oom_type, &m, timeout, &reply, err);

	if (r == 0)
		r = read_answer(&reply, MESSAGE_WAIT_OOM, &hv_agent_oom_type, &doc, err);
	if (r < 0)
		return r;
	answer = oci_doc_root(doc);
	w->count = answer->count;
	w->event = (enum oom_event)answer->event;
	return 0;
}
