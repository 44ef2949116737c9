/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * control.sock: the verbs of the command line, sent on to the agent, and the workers of execs. Only root and the user that the worker runs as are
 * listened to (SO_PEERCRED, unix(7)); they own the container, but a mistake of one of them ends its connection and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/members.h"
#include "vmwp/worker.h"

enum {
	CLIENTS_MAX = 512,
	PENDING_MAX = 512, /* requests that the guest has not answered */
};

/* remote processes ----------------------------------------------------------------------------------------------------- */

struct remote *remote_find(struct worker *w, uint32_t number)
{
	struct remote *r = w->remotes;

	while (r && r->number != number)
		r = r->next;
	return r;
}

struct remote *remote_add(struct worker *w, uint32_t number, struct client *c)
{
	struct remote *r = xcalloc(1, sizeof(*r));

	*r = (struct remote){ .next = w->remotes, .number = number, .client = c };
	w->remotes = r;
	return r;
}

void remote_remove(struct worker *w, struct remote *r)
{
	struct remote **at = &w->remotes;

	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	free(r);
}

void remote_kill(struct worker *w, uint32_t number)
{
	const struct pending nobody = { .process = number };

	guest_send(w, MESSAGE_SIGNAL, &hv_agent_signal_type,
		   &(struct hv_agent_signal){ .id = w->setup->id, .number = (int32_t)number, .has_number = true, .signal = SIGKILL },
		   &nobody);
}

/* requests ------------------------------------------------------------------------------------------------------------- */

/* Handles a request: 0 when it will be answered later, or < 0 with the error to answer. doc, of the type in the table, is borrowed. */
typedef int request_fn(struct client *c, const struct frame *f, void *message, struct error *err);

static int relay(struct client *c, const struct frame *f, answer_fn *answered)
{
	const struct pending p = { .client = c, .client_id = f->id, .process = c->process, .answered = answered };

	guest_request(c->worker, f->type, f->body, f->len, &p);
	return 0;
}

/* The number of a container's own process. */
static uint32_t process_of(const struct worker *w, const char *id)
{
	const struct member *m = member_find(w, id);

	return m ? member_process(m) : PROCESS_INIT;
}

static int start_answered(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e, struct error *err)
{
	if (f)
		unlinkat(member_state_dir(w, p->process), "start.sock", 0);
	return guest_relay_answer(w, p, f, e, err);
}

/* Whoever starts a container wants it: that is answered when the guest has made it. */
static int request_create(struct client *c, const struct frame *f, _unused_ void *message, struct error *err)
{
	const struct remote *r = c->process == PROCESS_INIT ? NULL : remote_find(c->worker, c->process);

	if (r && r->member)
		return member_request_create(c, r->member, f, err);
	if (!c->launcher || c->worker->create_asked)
		return error_set(err, EPERM, "CREATE is for whoever started the worker, once");
	c->worker->create_asked = true;
	return worker_create(c->worker, err);
}

static void send_start(struct worker *w, struct client *c, uint64_t client_id, const char *id)
{
	const struct pending p = { .client = c, .client_id = client_id, .process = process_of(w, id), .answered = start_answered };

	guest_send(w, MESSAGE_START, &hv_agent_container_type, &(struct hv_agent_container){ .id = (char *)id }, &p);
}

/* The network is as it is now: START may follow. */
static int network_answered(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e,
			    _unused_ struct error *err)
{
	if (f) {
		send_start(w, p->client, p->client_id, w->setup->id);
		return 0;
	}
	w->started = false;
	if (p->client)
		channel_send_error(p->client->channel, MESSAGE_START, p->client_id, e);
	return 0;
}

static int start_member(struct client *c, const struct frame *f, struct member *m, const char *id, struct error *err)
{
	int r = member_request_start(m, err);

	if (r == 0)
		send_start(c->worker, c, f->id, id);
	return r;
}

/* A member's network is the VM's container's, or none: there is nothing to tell the guest. */
static int request_start(struct client *c, const struct frame *f, void *message, struct error *err)
{
	const struct hv_agent_container *body = message;
	struct member *m = member_find(c->worker, body->id);
	const struct pending network = { .client = c, .client_id = f->id, .process = c->process, .answered = network_answered };
	int r;

	if (m)
		return start_member(c, f, m, body->id, err);
	if (c->worker->started)
		return error_set(err, EINVAL, "cannot start a container that has been started");
	r = network_watch(c->worker, err);
	if (r == 0)
		r = network_update(c->worker, &network, err);
	if (r < 0)
		return r;
	c->worker->started = true;
	if (r == 0)
		send_start(c->worker, c, f->id, body->id);
	return 0;
}

/* PROCESSES, STATS ...: what the client said, to the guest, and its answer back. */
static int request_relay(struct client *c, const struct frame *f, _unused_ void *message, _unused_ struct error *err)
{
	return relay(c, f, guest_relay_answer);
}

static int request_update(struct client *c, const struct frame *f, void *message, struct error *err)
{
	const struct hv_agent_update *body = message;
	struct member *m = member_find(c->worker, body->id);

	return m ? member_request_update(c, m, f, body->resources, err) : relay(c, f, guest_relay_answer);
}

/* "paused" is a fact of the state directory: list and state do not ask a guest. */
static int freeze_answered(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e, struct error *err)
{
	struct error why;
	int fd;

	if (!f || !p->freeze) {
		if (f)
			unlinkat(member_state_dir(w, p->process), "paused", 0);
		return guest_relay_answer(w, p, f, e, err);
	}
	fd = openat(member_state_dir(w, p->process), "paused", O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0) {
		error_errno(&why, "make the entry \"paused\" in the state directory");
		return guest_relay_answer(w, p, NULL, &why, err);
	}
	fd_close(fd);
	return guest_relay_answer(w, p, f, e, err);
}

static int request_freeze(struct client *c, const struct frame *f, void *message, _unused_ struct error *err)
{
	const struct hv_agent_freeze *m = message;
	const struct pending p = { .client = c, .client_id = f->id, .process = process_of(c->worker, m->id), .freeze = m->freeze,
				   .answered = freeze_answered };

	guest_request(c->worker, f->type, f->body, f->len, &p);
	return 0;
}

/* A process's worker means its own, whatever it says; others mean a container's. */
static int request_signal(struct client *c, const struct frame *f, void *message, _unused_ struct error *err)
{
	const struct pending p = { .client = c, .client_id = f->id, .process = c->process, .answered = guest_relay_answer };
	struct hv_agent_signal *m = message;

	m->number = (int32_t)(c->process == PROCESS_INIT ? process_of(c->worker, m->id) : c->process);
	m->has_number = true;
	guest_send(c->worker, f->type, &hv_agent_signal_type, m, &p);
	return 0;
}

static int request_resize(struct client *c, const struct frame *f, void *message, _unused_ struct error *err)
{
	const struct pending p = { .client = c, .client_id = f->id, .process = c->process, .answered = guest_relay_answer };
	struct hv_agent_resize *m = message;

	m->number = (int32_t)c->process;
	m->has_number = true;
	guest_send(c->worker, f->type, &hv_agent_resize_type, m, &p);
	return 0;
}

/* One of a pod that is not there has gone already. */
static int request_destroy(struct client *c, const struct frame *f, void *message, _unused_ struct error *err)
{
	const struct hv_agent_container *body = message;
	struct member *m = member_find(c->worker, body->id);

	if (!m)
		m = member_find_leaving(c->worker, body->id);
	if (m)
		return member_request_destroy(c, m, f);
	channel_send(c->channel, f->type, FRAME_REPLY, f->id, NULL, 0);
	return str_eq(body->id, c->worker->setup->id) ? worker_power_off(c->worker) : 0;
}

static int exec_answered(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e, struct error *err)
{
	struct remote *r = remote_find(w, p->process);

	if (!f) {
		mux_remove_process(w->mux, p->process);
		if (r)
			remote_remove(w, r);
		if (p->client)
			p->client->process = PROCESS_INIT;
		return guest_relay_answer(w, p, f, e, err);
	}
	if (r)
		r->known = true;
	mux_remove(w->mux, stream_id(p->process, STREAM_PROGRAM)); /* it runs, so it has come: whatever the guest has taken */
	mux_grant(w->mux, p->process);
	if (!p->client)
		remote_kill(w, p->process);
	return guest_relay_answer(w, p, f, e, err);
}

int add_streams(struct client *c, uint32_t number, bool terminal, struct error *err)
{
	struct mux *m = c->worker->mux;
	size_t want = terminal ? 1 : 3, n;
	int fds[3] = { -1, -1, -1 };

	n = channel_take_fds(c->channel, fds, want);
	if (n != want) {
		while (n > 0)
			fd_close(fds[--n]);
		return error_set(err, EPROTO, "a process without its descriptors");
	}
	if (terminal)
		fds[1] = dup(fds[0]);
	mux_add_source(m, stream_id(number, STREAM_STDIN), fds[0]);
	mux_add_sink(m, stream_id(number, STREAM_STDOUT), fds[1]);
	if (!terminal)
		mux_add_sink(m, stream_id(number, STREAM_STDERR), fds[2]);
	return 0;
}

/* Behind stdin, stdout and stderr. Sent as the guest gives credit: that is behind DEBUG. */
static int add_program(struct client *c, uint32_t number, struct error *err)
{
	int fd;

	if (channel_take_fds(c->channel, &fd, 1) != 1) {
		mux_remove_process(c->worker->mux, number);
		return error_set(err, EPROTO, "DEBUG without a program");
	}
	mux_add_source(c->worker->mux, stream_id(number, STREAM_PROGRAM), fd);
	return 0;
}

static int request_exec(struct client *c, const struct frame *f, void *message, struct error *err)
{
	struct hv_agent_exec *m = message;
	struct worker *w = c->worker;
	struct pending p = { .client = c, .client_id = f->id, .answered = exec_answered };
	int r;

	if (c->process != PROCESS_INIT || w->last_process == PROCESS_MAX)
		return error_set(err, EINVAL, "a connection is good for one EXEC");
	p.process = w->last_process + 1;
	r = add_streams(c, p.process, m->process->terminal, err);
	if (r == 0 && f->type == MESSAGE_DEBUG)
		r = add_program(c, p.process, err);
	if (r < 0)
		return r;
	w->last_process = c->process = p.process;
	remote_add(w, p.process, c);
	m->number = (int32_t)p.process;
	m->has_number = true;
	guest_send(w, f->type, &hv_agent_exec_type, m, &p);
	return 0;
}

/* The code is for whoever kills: hyperv_signal(). */
static int check_pending(const struct worker *w, struct error *err)
{
	return w->n_pending < PENDING_MAX ? 0 : error_set(err, ETIMEDOUT, "the guest does not answer: %u requests wait for it", w->n_pending);
}

/* About the VM and not about a container: one whose CREATE does not come to an end can be looked into. */
static int request_debug(struct client *c, const struct frame *f, void *message, struct error *err)
{
	const struct worker *w = c->worker;

	if (w->phase < PHASE_READY || w->phase > PHASE_CREATED)
		return error_set(err, ESRCH, "the virtual machine %s", w->phase < PHASE_READY ? "has not booted yet" : "is about to end");
	if (check_pending(w, err) < 0)
		return -err->code;
	log_info("container \"%s\": a debugging shell in its virtual machine", w->setup->id);
	return request_exec(c, f, message, err);
}

#define NO_ID SIZE_MAX /* it does not say, or may name one that is not there */

static const struct {
	const struct oci_type *type;
	request_fn *handle;
	bool created; /* only when the container is */
	size_t id;    /* where its body says which container is meant */
} requests[] = {
	[MESSAGE_CREATE] = { NULL, request_create, false, NO_ID },
	[MESSAGE_START] = { &hv_agent_container_type, request_start, true, offsetof(struct hv_agent_container, id) },
	[MESSAGE_EXEC] = { &hv_agent_exec_type, request_exec, true, offsetof(struct hv_agent_exec, id) },
	[MESSAGE_DEBUG] = { &hv_agent_exec_type, request_debug, false, NO_ID },
	[MESSAGE_SIGNAL] = { &hv_agent_signal_type, request_signal, true, offsetof(struct hv_agent_signal, id) },
	[MESSAGE_RESIZE] = { &hv_agent_resize_type, request_resize, true, NO_ID },
	[MESSAGE_DESTROY] = { &hv_agent_container_type, request_destroy, false, NO_ID },
	[MESSAGE_FREEZE] = { &hv_agent_freeze_type, request_freeze, true, offsetof(struct hv_agent_freeze, id) },
	[MESSAGE_UPDATE] = { &hv_agent_update_type, request_update, true, offsetof(struct hv_agent_update, id) },
	[MESSAGE_PROCESSES] = { &hv_agent_container_type, request_relay, true, offsetof(struct hv_agent_container, id) },
	[MESSAGE_STATS] = { &hv_agent_container_type, request_relay, true, offsetof(struct hv_agent_container, id) },
	[MESSAGE_WAIT_OOM] = { &hv_agent_wait_oom_type, request_relay, true, offsetof(struct hv_agent_wait_oom, id) },
	[MESSAGE_MOUNT] = { &hv_worker_mount_type, hot_request_mount, true, offsetof(struct hv_worker_mount, id) },
	[MESSAGE_ADD] = { &hv_worker_member_type, member_request_add, true, NO_ID },
	[MESSAGE_SHARE] = { &hv_worker_share_type, member_request_share, true, NO_ID },
	[MESSAGE_DISK] = { &hv_worker_disk_type, member_request_disk, true, NO_ID },
};

/* Whether the container that a request is about is there: this worker's own, or another one in its VM. */
static bool is_there(const struct worker *w, const struct oci_type *type, const void *message, size_t id_offset)
{
	const char *id = type && id_offset != NO_ID ? *(char *const *)((const char *)message + id_offset) : w->setup->id;
	const struct member *m = member_find(w, id);

	return w->phase == PHASE_CREATED && (m ? member_is_created(m) : str_eq(id, w->setup->id));
}

/* The worker of a process that is in no container, which may be there before the container is. */
static bool is_about_own(const struct client *c, uint16_t type)
{
	const struct remote *r = c->process == PROCESS_INIT ? NULL : remote_find(c->worker, c->process);

	return r && !r->member && (type == MESSAGE_SIGNAL || type == MESSAGE_RESIZE);
}

static int handle_request(struct client *c, const struct frame *f, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	int r;

	if (requests[f->type].type) {
		r = json_parse(requests[f->type].type, f->body, f->len, &doc, err);
		if (r < 0)
			return error_wrap(err, "%s", message_to_string(f->type));
	}
	if (requests[f->type].created && !is_about_own(c, f->type) &&
	    !is_there(c->worker, requests[f->type].type, doc ? oci_doc_root(doc) : NULL, requests[f->type].id))
		return error_set(err, ESRCH, "container not running");
	if (requests[f->type].created && check_pending(c->worker, err) < 0)
		return -err->code;
	return requests[f->type].handle(c, f, doc ? oci_doc_root(doc) : NULL, err);
}

static int on_frame(void *data, struct channel *channel, const struct frame *f, struct error *err)
{
	struct client *c = data;
	struct error e;

	if (f->flags || f->type >= ARRAY_SIZE(requests) || !requests[f->type].handle)
		return error_set(err, EPROTO, "unexpected frame: type %u, flags 0x%x", f->type, f->flags);
	if (handle_request(c, f, &e) < 0)
		channel_send_error(channel, f->type, f->id, &e);
	return 0;
}

/* connections ---------------------------------------------------------------------------------------------------------- */

static void client_free(struct client *c)
{
	struct worker *w = c->worker;
	struct client **at = &w->clients;

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	w->n_clients--;
	guest_forget_client(w, c);
	members_forget_client(w, c);
	for (struct remote *r = w->remotes; r; r = r->next)
		if (r->client == c)
			r->client = NULL;
	channel_free(c->channel);
	free(c);
	if (w->listen_source)
		event_source_set_events(w->listen_source, EPOLLIN);
}

/* An exec's, whose descriptors somebody may wait to see closed: its process is killed, now or when the guest says that it has made it. */
static int abandon(struct worker *w, const struct remote *r, struct error *err)
{
	if (r->known && !r->exited && w->phase >= PHASE_READY && w->phase <= PHASE_CREATED)
		remote_kill(w, r->number);
	if (!w->mux)
		return 0;
	return mux_abandon_process(w->mux, r->number, err) < 0 ? -err->code : worker_check_end(w, err);
}

static int on_closed(void *data, _unused_ struct channel *channel, _unused_ const struct error *reason, struct error *err)
{
	struct client *c = data;
	struct worker *w = c->worker;
	struct remote *r = c->process == PROCESS_INIT ? NULL : remote_find(w, c->process);
	bool abandoned = c->launcher && w->phase < PHASE_CREATED;
	struct error e;
	int result = 0;

	if (r && r->member)
		member_end(w, r->member);
	else if (r)
		result = abandon(w, r, err);
	client_free(c);
	if (!abandoned)
		return result;
	error_set(&e, ECONNRESET, "whoever started the worker has gone");
	return worker_fail(w, &e);
}

static const struct channel_ops client_channel_ops = { .frame = on_frame, .closed = on_closed };

int client_add(struct worker *w, int fd, bool launcher, struct error *err)
{
	struct client *c = xcalloc(1, sizeof(*c));
	int r;

	*c = (struct client){ .worker = w, .process = PROCESS_INIT, .launcher = launcher };
	r = channel_new(w->loop, fd, FRAME_CONTROL_MAX, &client_channel_ops, c, &c->channel, err);
	if (r < 0) {
		free(c);
		return r;
	}
	c->next = w->clients;
	w->clients = c;
	w->n_clients++;
	return 0;
}

static bool is_welcome(const struct worker *w, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return w->n_clients < CLIENTS_MAX && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid());
}

static int on_connection(void *data, int listen_fd, _unused_ uint32_t events, _unused_ struct error *err)
{
	struct worker *w = data;
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct error e;

	if (fd < 0) { /* no descriptors are left: the next client that goes has one */
		if (errno == EMFILE || errno == ENFILE)
			event_source_set_events(w->listen_source, 0);
		return 0;
	}
	if (is_welcome(w, fd))
		client_add(w, fd, false, &e);
	else
		fd_close(fd);
	return 0;
}

int clients_listen(struct worker *w, struct error *err)
{
	int r = fd_set_nonblock(w->listen_fd, 1);

	if (r < 0)
		return error_errnum(err, r, "control socket");
	return event_add_fd(w->loop, w->listen_fd, EPOLLIN, on_connection, w, &w->listen_source, err);
}

void clients_tell_launcher(struct worker *w, const struct error *e)
{
	_cleanup_free_ char *startup = NULL;
	struct client *c = w->clients;

	while (c && !c->launcher)
		c = c->next;
	if (!c)
		return;
	if (e) {
		channel_send_error(c->channel, MESSAGE_CREATE, 1, e);
		return;
	}
	startup = startup_describe(w);
	channel_send(c->channel, MESSAGE_CREATE, FRAME_REPLY, 1, startup, startup ? strlen(startup) : 0);
}

void clients_done(struct worker *w)
{
	while (w->clients)
		client_free(w->clients);
	while (w->remotes)
		remote_remove(w, w->remotes);
}
