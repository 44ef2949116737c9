/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The control port: HELLO, SEED, and requests with their answers. The guest is taken for hostile from its first byte: frames are bounded
 * by the parser, an answer must belong to a request, a body is checked by its schema before it is looked at, texts lose their control
 * characters, and the first thing that does not fit ends the VM.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"
#include "base/mem.h"
#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/worker.h"

enum { ENTROPY_BYTES = 64, HOSTNAME_LEN_MAX = 64 };

/* requests ----------------------------------------------------------------------------------------------------------- */

void guest_request(struct worker *w, uint16_t type, const void *body, size_t len, const struct pending *p)
{
	struct pending *own = xmemdup(p, sizeof(*p));

	own->type = type;
	own->id = ++w->last_request;
	own->next = w->pending;
	w->pending = own;
	w->n_pending++;
	channel_send(w->control, type, 0, own->id, body, len);
}

void guest_send(struct worker *w, uint16_t type, const struct oci_type *body_type, const void *root, const struct pending *p)
{
	_cleanup_free_ char *body = NULL;
	struct error err;
	size_t len;

	if (json_write(body_type, root, &body, &len, &err) == 0)
		guest_request(w, type, body, len, p);
	else if (p->answered)
		p->answered(w, p, NULL, &err, &err);
}

bool guest_waits_for(const struct worker *w, uint16_t type, uint32_t process)
{
	for (const struct pending *p = w->pending; p; p = p->next)
		if (p->type == type && p->process == process)
			return true;
	return false;
}

bool guest_owes_answers(const struct worker *w)
{
	for (const struct pending *p = w->pending; p; p = p->next)
		if (p->client && p->type != MESSAGE_WAIT_OOM)
			return true;
	return false;
}

void guest_forget_client(struct worker *w, const struct client *c)
{
	for (struct pending *p = w->pending; p; p = p->next)
		if (p->client == c)
			p->client = NULL;
}

void guest_fail_requests(struct worker *w, const struct error *e)
{
	while (w->pending) {
		struct pending *p = w->pending;

		w->pending = p->next;
		w->n_pending--;
		if (p->client)
			channel_send_error(p->client->channel, p->type, p->client_id, e);
		free(p);
	}
}

int guest_relay_answer(_unused_ struct worker *w, const struct pending *p, const struct frame *f, const struct error *e,
		       _unused_ struct error *err)
{
	if (!p->client)
		return 0;
	if (f)
		channel_send(p->client->channel, p->type, FRAME_REPLY, p->client_id, f->body, f->len);
	else
		channel_send_error(p->client->channel, p->type, p->client_id, e);
	return 0;
}

static int handle_answer(struct worker *w, const struct frame *f, struct error *err)
{
	struct pending **at = &w->pending, *p;
	struct error e;
	int r;

	while (*at && ((*at)->id != f->id || (*at)->type != f->type))
		at = &(*at)->next;
	p = *at;
	if (!p)
		return error_set(err, EPROTO, "an answer to no request: %s", message_to_string(f->type));
	*at = p->next;
	w->n_pending--;
	if (f->flags & FRAME_ERROR)
		frame_get_error(f, &e);
	r = p->answered ? p->answered(w, p, f->flags & FRAME_ERROR ? NULL : f, &e, err) : 0;
	free(p);
	/* an answer to START may have been all that the end waited for */
	return r < 0 ? r : worker_check_end(w, err);
}

/* HELLO and SEED ------------------------------------------------------------------------------------------------------- */

static int seed_answered(struct worker *w, _unused_ const struct pending *p, const struct frame *f, const struct error *e,
			 struct error *err)
{
	if (w->boot_failure.code)
		return 0; /* too late: it is being killed */
	if (!f)
		return vm_failed(w, e);
	w->phase = PHASE_READY;
	startup_mark(w, STARTUP_GUEST);
	w->boot_timer = event_source_free(w->boot_timer);
	vm_forget_template(w);
	return worker_create(w, err);
}

static int fill_entropy(char hex[2 * ENTROPY_BYTES + 1], struct error *err)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char bytes[ENTROPY_BYTES];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return error_errno(err, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++) {
		hex[2 * i] = digits[bytes[i] >> 4];
		hex[2 * i + 1] = digits[bytes[i] & 15];
	}
	hex[2 * ENTROPY_BYTES] = '\0';
	explicit_bzero(bytes, sizeof(bytes));
	return 0;
}

int guest_seed(struct worker *w, uint32_t version, struct error *err)
{
	const struct pending p = { .answered = seed_answered };
	char entropy[2 * ENTROPY_BYTES + 1], hostname[HOSTNAME_LEN_MAX + 1] = "";
	struct timespec now;
	int r = fill_entropy(entropy, err);

	if (r < 0)
		return r;
	strncat(hostname, w->setup->id, HOSTNAME_LEN_MAX);
	clock_gettime(CLOCK_REALTIME, &now);
	guest_send(w, MESSAGE_SEED, &hv_agent_seed_type,
		   &(struct hv_agent_seed){ .version = version, .entropy = entropy, .seconds = (uint64_t)now.tv_sec,
					    .nanoseconds = (uint32_t)now.tv_nsec, .hostname = hostname },
		   &p);
	explicit_bzero(entropy, sizeof(entropy));
	return 0;
}

static int handle_hello(struct worker *w, const struct frame *f, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	const struct hv_agent_hello *hello;
	uint32_t version;
	int r;

	if (w->phase != PHASE_BOOTING || w->last_request > 0)
		return error_set(err, EPROTO, "a second HELLO");
	r = json_parse(&hv_agent_hello_type, f->body, f->len, &doc, err);
	if (r < 0)
		return error_wrap(err, "HELLO");
	hello = oci_doc_root(doc);
	if (hello->version_min > PROTOCOL_VERSION_MAX || hello->version_max < PROTOCOL_VERSION_MIN)
		return error_set(err, EPROTONOSUPPORT,
				 "the guest's agent speaks versions %u to %u of the protocol, this hvrun %d to %d: rebuild the guest",
				 hello->version_min, hello->version_max, PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX);
	log_debug("guest: kernel %s, machine %s, agent %s", hello->kernel ? hello->kernel : "?", hello->machine ? hello->machine : "?",
		  hello->agent ? hello->agent : "?");
	version = MIN(hello->version_max, (uint32_t)PROTOCOL_VERSION_MAX);
	return w->start == VMM_START_TEMPLATE ? template_hello(w, version, err) : guest_seed(w, version, err);
}

static int on_frame(void *data, _unused_ struct channel *c, const struct frame *f, struct error *err)
{
	if (f->flags & FRAME_REPLY)
		return handle_answer(data, f, err);
	if (f->type == MESSAGE_HELLO)
		return handle_hello(data, f, err);
	return error_set(err, EPROTO, "unexpected frame on the control port: type %u", f->type);
}

/* Without a reason the VMM has closed its end: it is about to exit, and that says more. */
static int port_closed(struct worker *w, const struct error *reason)
{
	struct error e;

	if (!reason || w->phase == PHASE_POWER_OFF)
		return 0;
	e = *reason;
	error_wrap(&e, "the guest broke the protocol");
	return vm_failed(w, &e);
}

static int on_closed(void *data, _unused_ struct channel *c, const struct error *reason, _unused_ struct error *err)
{
	return port_closed(data, reason);
}

const struct channel_ops guest_channel_ops = { .frame = on_frame, .closed = on_closed };

/* the stream port ------------------------------------------------------------------------------------------------------ */

static int on_exited(void *data, uint32_t process, const char *body, size_t len, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct worker *w = data;
	struct remote *r = remote_find(w, process);
	const struct hv_agent_exit *m;
	int status;

	if (!r || r->exited)
		return error_set(err, EPROTO, "EXIT of process %u, which does not run", process);
	status = json_parse(&hv_agent_exit_type, body, len, &doc, err);
	if (status < 0)
		return error_wrap(err, "EXIT");
	m = oci_doc_root(doc);
	if (m->has_code == m->has_signal)
		return error_set(err, EPROTO, "EXIT with neither or both of code and signal");
	return worker_exited(w, r, m->has_code ? (int)m->code << 8 : (int)m->signal, err);
}

static int on_idle(void *data, _unused_ uint32_t process, struct error *err)
{
	return worker_check_end(data, err);
}

static int on_streams_closed(void *data, const struct error *reason, _unused_ struct error *err)
{
	return port_closed(data, reason);
}

const struct mux_ops guest_mux_ops = { .exited = on_exited, .idle = on_idle, .closed = on_streams_closed };
