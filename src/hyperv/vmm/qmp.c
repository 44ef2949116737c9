/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QMP: each message is a JSON object on a line of its own, the greeting, answers and events alike. All that is known of a message is in
 * src/schema/qmp.json. A line is bounded, for the other end runs the guest's devices and may not be itself any more.
 */
#include "hyperv/vmm/qmp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "schema/json.h"
#include "schema/types.h"

enum { LINE_MAX_BYTES = 64 << 10 };

#define ASKED "?" /* begins the id of what qmp_ask() sends */

struct qmp {
	int fd;
	const struct qmp_ops *ops;
	void *data;
	struct event_source *source;
	struct buf in;
	bool *freed; /* set when a callback has freed us; of the reader that called it */
};

struct qmp *qmp_free(struct qmp *q)
{
	if (!q)
		return NULL;
	if (q->freed)
		*q->freed = true;
	event_source_free(q->source);
	fd_close(q->fd);
	buf_done(&q->in);
	free(q);
	return NULL;
}

static int fail(struct qmp *q, const struct error *reason, struct error *err)
{
	q->source = event_source_free(q->source);
	return q->ops->failed(q->data, reason, err);
}

static int handle_line(struct qmp *q, const char *line, size_t len, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	const struct hv_qmp_message *m;
	const char *asked;
	struct error e;

	if (json_parse(&hv_qmp_message_type, line, len, &doc, &e) < 0) {
		error_wrap(&e, "the VMM's monitor");
		return fail(q, &e, err);
	}
	m = oci_doc_root(doc);
	asked = m->id ? str_skip_prefix(m->id, ASKED) : NULL;
	if (m->error) {
		error_set(&e, EIO, "the VMM refuses %s: %s", asked ? asked : m->id ? m->id : "a command", m->error->desc);
		error_sanitize(&e);
	}
	if (asked)
		return q->ops->answered(q->data, m->error ? &e : NULL, err);
	if (m->error)
		return fail(q, &e, err);
	if (m->event)
		return q->ops->event(q->data, m->event, m->data && m->data->status ? m->data->status : "", err);
	return 0;
}

/* Handles the complete lines. A callback may free q, or stop it. */
static int handle_lines(struct qmp *q, struct error *err)
{
	bool freed = false;
	char *end;
	int r = 0;

	q->freed = &freed;
	while (r == 0 && !freed && q->source && (end = memchr(q->in.data, '\n', q->in.len))) {
		size_t len = (size_t)(end - q->in.data);
		_cleanup_free_ char *line = xstrndup(q->in.data, len);

		buf_consume(&q->in, len + 1);
		r = handle_line(q, line, len, err);
	}
	if (!freed)
		q->freed = NULL;
	return r;
}

static int on_readable(void *data, int fd, _unused_ uint32_t events, struct error *err)
{
	struct qmp *q = data;
	struct error e;
	ssize_t n = read(fd, buf_reserve(&q->in, 4096), 4096);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		q->source = event_source_free(q->source);
		return 0;
	}
	buf_added(&q->in, (size_t)n);
	if (q->in.len > LINE_MAX_BYTES) {
		error_set(&e, EPROTO, "the VMM's monitor: a line of more than %d bytes", LINE_MAX_BYTES);
		return fail(q, &e, err);
	}
	return handle_lines(q, err);
}

int qmp_new(struct event_loop *loop, int fd, const struct qmp_ops *ops, void *data, struct qmp **ret, struct error *err)
{
	struct qmp *q = xcalloc(1, sizeof(*q));
	int r;

	*q = (struct qmp){ .fd = fd, .ops = ops, .data = data };
	fd_set_nonblock(fd, 1);
	r = event_add_fd(loop, fd, EPOLLIN, on_readable, q, &q->source, err);
	if (r < 0) {
		qmp_free(q);
		return r;
	}
	*ret = q;
	return 0;
}

static int send_command(struct qmp *q, const char *id_prefix, const char *name, const char *arguments, int pass_fd, struct error *err)
{
	_cleanup_buf_ struct buf line = { 0 };
	int r;

	buf_printf(&line, "{\"execute\":\"%s\",\"id\":\"%s%s\"", name, id_prefix, name);
	if (arguments)
		buf_printf(&line, ",\"arguments\":%s", arguments);
	buf_append_str(&line, "}\n");
	r = fd_send(q->fd, line.data, line.len, &pass_fd, pass_fd >= 0 ? 1 : 0);
	return r < 0 ? error_errnum(err, r, "the VMM's monitor: send of %s", name) : 0;
}

int qmp_command(struct qmp *q, const char *name, const char *arguments, int pass_fd, struct error *err)
{
	return send_command(q, "", name, arguments, pass_fd, err);
}

int qmp_ask(struct qmp *q, const char *name, const char *arguments, int pass_fd, struct error *err)
{
	return send_command(q, ASKED, name, arguments, pass_fd, err);
}
