/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The containers that share a VM with the one that it was made for: the members of a pod, whose sandbox that one is. The order of
 * each:
 *
 *   ADD (number, streams) → SHARE … → DISK … → CREATE → the guest has made it → START …
 *   EXIT, DESTROY, or the end of its worker → REMOVE to the guest → its shares leave the tree, its disks the VM → EXIT to its worker.
 *
 * A member is the worker's own bookkeeping: a guest knows it by an id and a number that were chosen here, and can say no more about it
 * than about any process of its own. That it does not answer REMOVE in time changes nothing for the host.
 */
#include "vmwp/members.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "schema/json.h"
#include "schema/types.h"

enum {
	MEMBERS_MAX = 128,	/* of one VM */
	MEMBER_SHARES_MAX = 240, /* of one member: what fits a JOIN */
	REMOVE_USEC = 5000000,	/* for the guest to remove one */
};

enum member_phase {
	MEMBER_ADDED,	 /* its shares come */
	MEMBER_CREATING, /* CREATE is not answered */
	MEMBER_CREATED,	 /* START may come, or has come */
	MEMBER_ENDING,	 /* REMOVE is not answered */
	MEMBER_REMOVED,	 /* nothing of it is in the guest or in the share tree */
	MEMBER_GONE,	 /* its process is forgotten, too: only its disks are still on their way out */
};

struct member_share {
	char *name;
	bool file, readonly_after_create;
};

struct member {
	struct member *next;
	struct worker *worker;
	struct oci_doc *doc;
	struct hv_agent_create *create;
	enum member_phase phase;
	uint32_t process;
	int state_dirfd;
	uint64_t memory, reserved;
	struct member_share *shares;
	size_t n_shares;
	size_t n_disks; /* of create->disks, that are in the VM */
	bool disk_asked; /* for the next one, by this request */
	uint64_t disk_id;
	bool started, unwanted; /* unwanted: it has to go as soon as the guest has made it */
	struct event_source *timer;
	struct client *destroyer; /* who waits for the end, and by which id */
	uint64_t destroyer_id;
};

/* what is known --------------------------------------------------------------------------------------------------------- */

struct member *member_find(const struct worker *w, const char *id)
{
	struct member *m = w->members;

	while (m && (m->phase >= MEMBER_REMOVED || !str_eq(m->create->id, id)))
		m = m->next;
	return m;
}

struct member *member_find_leaving(const struct worker *w, const char *id)
{
	struct member *m = w->members;

	while (m && !(m->phase >= MEMBER_REMOVED && str_eq(m->create->id, id) && spares_has(w, m->process)))
		m = m->next;
	return m;
}

bool member_is_created(const struct member *m)
{
	return m->phase == MEMBER_CREATED;
}

bool member_is_new(const struct member *m)
{
	return m->phase == MEMBER_ADDED;
}

uint32_t member_process(const struct member *m)
{
	return m->process;
}

static struct member *by_process(const struct worker *w, uint32_t process)
{
	struct member *m = w->members;

	while (m && m->process != process)
		m = m->next;
	return m;
}

int member_state_dir(const struct worker *w, uint32_t process)
{
	const struct member *m = by_process(w, process);

	return process == PROCESS_INIT ? w->state_dirfd : m ? m->state_dirfd : -1;
}

/* the end --------------------------------------------------------------------------------------------------------------- */

static void remove_shares(struct member *m)
{
	hot_shares_remove(m->worker, m->process);
	while (m->n_shares > 0) {
		struct member_share *s = &m->shares[--m->n_shares];

		share_remove(m->worker, s->name, s->file);
		free(s->name);
	}
}

static void answer_destroy(struct member *m)
{
	if (m->destroyer)
		channel_send(m->destroyer->channel, MESSAGE_DESTROY, FRAME_REPLY, m->destroyer_id, NULL, 0);
	m->destroyer = NULL;
}

static void member_free(struct member *m)
{
	struct member **at = &m->worker->members;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	m->worker->n_members--;
	event_source_free(m->timer);
	fd_close(m->state_dirfd);
	for (size_t i = 0; i < m->n_shares; i++)
		free(m->shares[i].name);
	free(m->shares);
	oci_doc_free(m->doc);
	free(m);
}

/* Nothing of it is left but its process's number; and its disks, until they are out. */
static void forget(struct member *m)
{
	remove_shares(m);
	spares_release(m->worker, m->process);
	if (spares_has(m->worker, m->process)) {
		m->timer = event_source_free(m->timer);
		m->phase = MEMBER_GONE;
		m->memory = 0;
		return;
	}
	answer_destroy(m);
	member_free(m);
}

void member_disks_out(struct worker *w, uint32_t process)
{
	struct member *m = by_process(w, process);

	if (m && m->phase == MEMBER_GONE)
		forget(m);
	else if (m && m->phase != MEMBER_ADDED)
		answer_destroy(m);
}

/* The guest never had it. */
static void drop(struct member *m)
{
	struct remote *r = remote_find(m->worker, m->process);

	m->disk_asked = false;
	mux_remove_process(m->worker->mux, m->process);
	if (r->client)
		r->client->process = PROCESS_INIT;
	remote_remove(m->worker, r);
	forget(m);
}

/*
 * The guest has had its time. Its word about the end may still come, and finds a process that nobody waits for; its word that it has made
 * one that nobody wants any more is answered by REMOVE.
 */
static int on_remove_timeout(void *data, _unused_ struct error *err)
{
	struct member *m = data;
	struct worker *w = m->worker;
	struct remote *r = remote_find(w, m->process);

	log_warning("container \"%s\": the guest does not remove it", m->create->id);
	m->timer = event_source_free(m->timer);
	if (m->phase == MEMBER_CREATING) {
		remove_shares(m);
		spares_release(w, m->process);
		if (!spares_has(w, m->process))
			answer_destroy(m);
		return 0;
	}
	mux_remove_process(w->mux, m->process);
	r->member = NULL;
	forget(m);
	if (r->exited) {
		end_process(w, r);
	} else if (r->client) {
		const struct remote killed = { .number = r->number, .client = r->client, .wait_status = SIGKILL };

		tell_end(&killed);
		r->client = NULL;
	}
	return 0;
}

static int remove_answered(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e,
			   _unused_ struct error *err)
{
	struct member *m = by_process(w, p->process);

	if (!m || m->phase == MEMBER_GONE)
		return 0; /* too late */
	if (!f)
		log_warning("container \"%s\": %s", m->create->id, e->msg);
	m->phase = MEMBER_REMOVED;
	m->memory = 0;
	m->timer = event_source_free(m->timer); /* output takes the time that its reader takes */
	remove_shares(m);
	spares_release(w, m->process);
	if (!spares_has(w, m->process))
		answer_destroy(m);
	return 0; /* whoever takes answers looks for complete ends next */
}

static void limit_time(struct member *m)
{
	struct error e;

	if (!m->timer && event_add_timer(m->worker->loop, REMOVE_USEC, on_remove_timeout, m, &m->timer, &e) < 0)
		log_warning("container \"%s\": %s", m->create->id, e.msg);
}

void member_end(struct worker *w, struct member *m)
{
	const struct pending p = { .process = m->process, .answered = remove_answered };
	const struct hv_agent_remove message = { .id = m->create->id, .disks = m->create->disks, .n_disks = m->create->n_disks };

	if (m->phase == MEMBER_ADDED) {
		drop(m);
		return;
	}
	m->unwanted = true;
	if (m->phase >= MEMBER_ENDING || w->phase == PHASE_POWER_OFF)
		return;
	limit_time(m);
	if (m->phase == MEMBER_CREATING)
		return;
	m->phase = MEMBER_ENDING;
	guest_send(w, MESSAGE_REMOVE, &hv_agent_remove_type, &message, &p);
}

void members_check_end(struct worker *w)
{
	struct member *m, *next;

	for (m = w->members; m; m = next) {
		struct remote *r = remote_find(w, m->process);

		next = m->next;
		if (m->phase != MEMBER_REMOVED || !r->exited || !mux_is_idle(w->mux, m->process))
			continue;
		r->member = NULL;
		forget(m);
		end_process(w, r);
	}
}

void members_forget_client(struct worker *w, const struct client *c)
{
	for (struct member *m = w->members; m; m = m->next)
		if (m->destroyer == c)
			m->destroyer = NULL;
}

void members_done(struct worker *w)
{
	while (w->members)
		member_free(w->members);
}

/* ADD ------------------------------------------------------------------------------------------------------------------- */

/* A member whose limit cannot be kept because the machine is too small for all of them is refused now, and not killed later. */
static int check_memory(const struct worker *w, const struct member *except, uint64_t memory, uint64_t reserved, struct error *err)
{
	const struct hv_worker_vm *vm = w->setup->vm;
	uint64_t total = vm->template && w->start == VMM_START_CLONE ? vm->template->memory : vm->memory, promised = 0;

	for (const struct member *m = w->members; m; m = m->next)
		if (m != except)
			promised += m->memory;
	if (memory == 0 || (reserved <= total && promised <= total - reserved && memory <= total - reserved - promised))
		return 0;
	return error_set(err, ENOMEM,
			 "linux.resources.memory.limit: %llu bytes are more than the virtual machine of the pod sandbox \"%s\" has left: of its "
			 "%llu, %llu are its own and %llu are promised to other containers",
			 (unsigned long long)memory, w->setup->id, (unsigned long long)total, (unsigned long long)reserved,
			 (unsigned long long)promised);
}

static int check_add(const struct client *c, const struct hv_worker_member *message, struct error *err)
{
	const struct worker *w = c->worker;

	if (c->launcher || c->process != PROCESS_INIT || w->last_process == PROCESS_MAX)
		return error_set(err, EINVAL, "a connection is good for one ADD");
	if (w->n_members == MEMBERS_MAX)
		return error_set(err, EMFILE, "the pod sandbox \"%s\" has %d containers already, that is the limit", w->setup->id, MEMBERS_MAX);
	if (str_eq(message->create->id, w->setup->id) || member_find(w, message->create->id))
		return error_set(err, EEXIST, "the pod sandbox \"%s\" has a container \"%s\" already", w->setup->id, message->create->id);
	return check_memory(w, NULL, message->memory, message->reserved, err);
}

/* The message is kept: it is what CREATE will send. */
static int keep_message(struct member *m, const struct frame *f, struct error *err)
{
	struct hv_worker_member *message;
	int r = json_parse(&hv_worker_member_type, f->body, f->len, &m->doc, err);

	if (r < 0)
		return r;
	message = oci_doc_root(m->doc);
	message->create->number = m->process;
	message->create->has_number = true;
	m->create = message->create;
	m->memory = message->memory;
	m->reserved = message->reserved;
	return 0;
}

int member_request_add(struct client *c, const struct frame *f, void *message, struct error *err)
{
	const struct hv_worker_member *body = message;
	struct worker *w = c->worker;
	struct member *m;
	int r = check_add(c, body, err), state_dirfd = -1;

	if (r == 0 && channel_take_fds(c->channel, &state_dirfd, 1) != 1)
		r = error_set(err, EPROTO, "ADD without its descriptors");
	if (r == 0)
		r = add_streams(c, w->last_process + 1, body->create->terminal, err);
	if (r < 0) {
		fd_close(state_dirfd);
		return r;
	}
	m = xcalloc(1, sizeof(*m));
	*m = (struct member){ .next = w->members, .worker = w, .process = ++w->last_process, .state_dirfd = state_dirfd };
	w->members = m;
	w->n_members++;
	c->process = m->process;
	remote_add(w, m->process, c)->member = m;
	r = keep_message(m, f, err);
	if (r < 0) {
		drop(m);
		return r;
	}
	channel_send(c->channel, f->type, FRAME_REPLY, f->id, NULL, 0);
	return 0;
}

int member_request_share(struct client *c, const struct frame *f, void *message, struct error *err)
{
	const struct hv_worker_share *body = message;
	struct member *m = by_process(c->worker, c->process);
	_cleanup_fd_ int fd = -1;
	int r;

	if (!m || m->phase != MEMBER_ADDED || !body->name || channel_take_fds(c->channel, &fd, 1) != 1)
		return error_set(err, EPROTO, "unexpected SHARE");
	if (m->n_shares == MEMBER_SHARES_MAX)
		return error_set(err, E2BIG, "at most %d shares", MEMBER_SHARES_MAX);
	r = share_add(c->worker, body->name, body->file, fd, err);
	if (r < 0)
		return r;
	m->shares = xreallocarray(m->shares, m->n_shares + 1, sizeof(*m->shares));
	m->shares[m->n_shares++] = (struct member_share){ xstrdup(body->name), body->file, body->readonly_after_create };
	channel_send(c->channel, f->type, FRAME_REPLY, f->id, NULL, 0);
	return 0;
}

/* The descriptor can do what is said and nothing more; what is behind it QEMU will find as it is said, or refuse. */
static int check_medium(const struct hv_worker_disk *d, int fd, struct vmm_disk *ret, struct error *err)
{
	enum vmm_disk_format format = vmm_disk_format_from_string(d->format);
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (format < 0 || flags < 0 || fstat(fd, &st) < 0 || !(d->device ? S_ISBLK(st.st_mode) : S_ISREG(st.st_mode)) ||
	    (flags & O_ACCMODE) != (d->readonly ? O_RDONLY : O_RDWR))
		return error_set(err, EPROTO, "DISK: its descriptor is not what the message says");
	*ret = (struct vmm_disk){ .fd = fd, .format = format, .readonly = d->readonly, .device = d->device, .unlocked = d->unlocked };
	return 0;
}

int member_request_disk(struct client *c, const struct frame *f, void *message, struct error *err)
{
	const struct hv_worker_disk *body = message;
	struct member *m = by_process(c->worker, c->process);
	_cleanup_fd_ int fd = -1;
	struct vmm_disk medium;
	int r;

	if (!m || m->phase != MEMBER_ADDED || m->disk_asked || m->n_disks == m->create->n_disks || channel_take_fds(c->channel, &fd, 1) != 1)
		return error_set(err, EPROTO, "unexpected DISK");
	r = check_medium(body, fd, &medium, err);
	if (r == 0)
		r = spares_insert(c->worker, m->process, &medium, body->field ? body->field : "disk", &m->create->disks[m->n_disks].index, err);
	if (r < 0)
		return r;
	m->disk_asked = true;
	m->disk_id = f->id;
	return 0;
}

void member_disk_inserted(struct worker *w, uint32_t process, const struct error *e)
{
	struct member *m = by_process(w, process);
	const struct remote *r = remote_find(w, process);

	if (!m || !m->disk_asked)
		return;
	m->disk_asked = false;
	if (!e)
		m->n_disks++;
	if (r && r->client && e)
		channel_send_error(r->client->channel, MESSAGE_DISK, m->disk_id, e);
	else if (r && r->client)
		channel_send(r->client->channel, MESSAGE_DISK, FRAME_REPLY, m->disk_id, NULL, 0);
}

/* CREATE, START ----------------------------------------------------------------------------------------------------------- */

static int close_shares(struct member *m, struct error *err)
{
	for (size_t i = 0; i < m->n_shares; i++) {
		int r = m->shares[i].readonly_after_create ? share_close(m->worker, m->shares[i].name, err) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int create_answered(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e, struct error *err)
{
	struct member *m = by_process(w, p->process);
	struct error mine;

	if (!f) {
		drop(m);
		return guest_relay_answer(w, p, NULL, e, err);
	}
	remote_find(w, m->process)->known = true;
	mux_grant(w->mux, m->process);
	m->phase = MEMBER_CREATED;
	if (close_shares(m, &mine) < 0) {
		m->unwanted = true;
		f = NULL;
		e = &mine;
	}
	guest_relay_answer(w, p, f, e, err);
	if (m->unwanted)
		member_end(w, m);
	return 0;
}

int member_request_create(struct client *c, struct member *m, const struct frame *f, struct error *err)
{
	const struct pending p = { .client = c, .client_id = f->id, .process = m->process, .answered = create_answered };

	if (m->phase != MEMBER_ADDED)
		return error_set(err, EPROTO, "CREATE is for the container's own worker, once");
	if (m->n_disks != m->create->n_disks)
		return error_set(err, EPROTO, "CREATE: %zu disks, %zu of them have come", m->create->n_disks, m->n_disks);
	m->phase = MEMBER_CREATING;
	guest_send(c->worker, MESSAGE_CREATE, &hv_agent_create_type, m->create, &p);
	return 0;
}

int member_request_start(struct member *m, struct error *err)
{
	if (m->started)
		return error_set(err, EINVAL, "cannot start a container that has been started");
	m->started = true;
	return 0;
}

/* What the guest has refused is not promised to the member. */
static int update_answered(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e, struct error *err)
{
	struct member *m = by_process(w, p->process);

	if (m && m->phase < MEMBER_REMOVED)
		m->memory = f ? p->memory_will : p->memory_was;
	return guest_relay_answer(w, p, f, e, err);
}

/* Until the guest has answered, the larger of the two is promised. */
int member_request_update(struct client *c, struct member *m, const struct frame *f, const struct oci_resources *r, struct error *err)
{
	struct pending p = { .client = c, .client_id = f->id, .process = m->process, .answered = update_answered,
			     .memory_was = m->memory, .memory_will = m->memory };
	int result = 0;

	if (r->memory && r->memory->has_limit)
		p.memory_will = r->memory->limit > 0 ? (uint64_t)r->memory->limit : 0;
	if (p.memory_will != m->memory)
		result = check_memory(c->worker, m, p.memory_will, m->reserved, err);
	if (result < 0)
		return result;
	m->memory = MAX(m->memory, p.memory_will);
	guest_request(c->worker, f->type, f->body, f->len, &p);
	return 0;
}

int member_request_destroy(struct client *c, struct member *m, const struct frame *f)
{
	answer_destroy(m); /* of two the later one counts: the other has given up, for it had the lock */
	m->destroyer = c;
	m->destroyer_id = f->id;
	member_end(c->worker, m);
	return 0;
}
