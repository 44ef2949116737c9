/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams with credit on one channel (doc/PROTOCOL.md, "Streams"). A source reads from its endpoint only what
 * the sink's credit and the channel's queue allow; a sink gives credit back as its endpoint takes the bytes.
 * So the pipe that a process writes to fills up exactly when the reader at the far end is slow, as if the two
 * were connected directly.
 *
 * When the reader of a sink is gone, RESET travels back, the source closes its end, and the process gets its
 * SIGPIPE. The sink stays, discarding, until the source's EOF: what was under way when RESET was sent is no
 * violation.
 */
#include "proto/mux.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proto/channel.h"
#include "proto/endpoint.h"

struct stream {
	struct stream *next;
	struct mux *mux;
	uint64_t id;
	struct endpoint endpoint;
	bool sink;
	bool dead;       /* removed while the list is walked */
	uint64_t credit; /* source: may still send; sink: the peer may still send */
	/* source */
	bool flushing;
	size_t flush_left; /* bytes that were there when the flush began */
	/* sink */
	struct buf pending;
	size_t written; /* since the last credit was given back */
	bool eof, discard;
};

struct mux {
	struct event_loop *loop;
	struct channel *channel;
	const struct mux_ops *ops;
	void *data;
	bool hostile;
	unsigned walking;
	struct stream *streams;
};

static struct stream *find(const struct mux *m, uint64_t id)
{
	struct stream *s = m->streams;

	while (s && (s->dead || s->id != id))
		s = s->next;
	return s;
}

static void stream_free(struct stream *s)
{
	endpoint_done(&s->endpoint);
	buf_done(&s->pending);
	free(s);
}

/* Streams are only marked while somebody is on the list, and taken off it when the last one leaves. */
static void walk_begin(struct mux *m)
{
	m->walking++;
}

static void walk_end(struct mux *m)
{
	if (--m->walking > 0)
		return;
	for (struct stream **p = &m->streams; *p;) {
		struct stream *s = *p;

		if (s->dead) {
			*p = s->next;
			stream_free(s);
		} else {
			p = &s->next;
		}
	}
}

static void stream_remove(struct stream *s)
{
	s->dead = true;
	endpoint_done(&s->endpoint);
	walk_begin(s->mux);
	walk_end(s->mux);
}

void mux_remove(struct mux *m, uint64_t id)
{
	struct stream *s = find(m, id);

	if (s)
		stream_remove(s);
}

void mux_remove_process(struct mux *m, uint32_t process)
{
	for (int which = 0; which < _STREAM_MAX; which++)
		mux_remove(m, stream_id(process, which));
}

static void send_frame(struct mux *m, enum message type, uint64_t id, const void *body, size_t len)
{
	if (m->channel)
		channel_send(m->channel, type, 0, id, body, len);
}

static void send_credit(struct stream *s, uint32_t n)
{
	char body[4];

	frame_put_u32(body, n);
	s->credit += n;
	send_frame(s->mux, MESSAGE_CREDIT, s->id, body, sizeof(body));
}

/* flush
 * --------------------------------------------------------------------------------------------------------------
 */

static bool process_flushing(const struct mux *m, uint32_t process)
{
	for (const struct stream *s = m->streams; s; s = s->next)
		if (!s->dead && s->flushing && stream_process(s->id) == process)
			return true;
	return false;
}

/* A source has nothing (more) to flush; when it was its process's last, tells so. */
static int flush_done(struct stream *s, struct error *err)
{
	uint32_t process = (uint32_t)stream_process(s->id);
	struct mux *m = s->mux;

	if (!s->flushing)
		return 0;
	s->flushing = false;
	return process_flushing(m, process) ? 0 : m->ops->flushed(m->data, process, err);
}

/* sources
 * ------------------------------------------------------------------------------------------------------------
 */

static int source_end(struct stream *s, struct error *err)
{
	int r;

	walk_begin(s->mux);
	send_frame(s->mux, MESSAGE_EOF, s->id, NULL, 0);
	s->dead = true;
	endpoint_done(&s->endpoint);
	r = flush_done(s, err);
	walk_end(s->mux);
	return r;
}

/* One read: 1 = go on, 0 = not now, < 0 = the stream has ended. */
static int source_read(struct stream *s)
{
	static char bytes[FRAME_STREAM_MAX];
	size_t want = MIN(s->credit, sizeof(bytes));
	ssize_t n;

	if (want == 0 || !s->mux->channel || channel_full(s->mux->channel))
		return 0;
	n = endpoint_read(&s->endpoint, bytes, want);
	if (n == -EAGAIN) {
		s->flush_left = 0;
		return 0;
	}
	if (n <= 0) /* a terminal whose other side has closed says EIO */
		return -1;
	send_frame(s->mux, MESSAGE_DATA, s->id, bytes, (size_t)n);
	s->credit -= (size_t)n;
	s->flush_left -= MIN(s->flush_left, (size_t)n);
	return 1;
}

static int source_pump(struct stream *s, struct error *err)
{
	enum { ROUNDS = 4 }; /* then the others have their turn */
	bool ready;
	int r = 1;

	for (int i = 0; r > 0 && (i < ROUNDS || endpoint_always_ready(&s->endpoint)); i++)
		r = source_read(s);
	if (r < 0)
		return source_end(s, err);
	ready = s->credit > 0 && s->mux->channel && !channel_full(s->mux->channel);
	if (endpoint_watch(&s->endpoint, ready ? EPOLLIN : 0) == -EPERM)
		return source_pump(s, err);
	return s->flush_left == 0 ? flush_done(s, err) : 0;
}

static int on_source(void *data, _unused_ int fd, _unused_ uint32_t events, struct error *err)
{
	return source_pump(data, err);
}

/* sinks
 * --------------------------------------------------------------------------------------------------------------
 */

static int tell_idle(struct mux *m, uint64_t id, struct error *err)
{
	uint32_t process = (uint32_t)stream_process(id);

	return m->ops->idle && mux_is_idle(m, process) ? m->ops->idle(m->data, process, err) : 0;
}

static void sink_discard(struct stream *s)
{
	s->discard = true;
	s->pending.len = 0;
	endpoint_done(&s->endpoint);
	send_frame(s->mux, MESSAGE_RESET, s->id, NULL, 0);
}

/* Not to a peer that does not read what it is sent: its credits would pile up here, for ever. */
static void give_back(struct stream *s)
{
	if (s->written < MUX_WINDOW / 2 || (s->mux->channel && channel_full(s->mux->channel)))
		return;
	send_credit(s, (uint32_t)s->written);
	s->written = 0;
}

/* Writes what the endpoint takes. Returns the number of bytes; discards the stream when its reader is gone.
 */
static size_t sink_write(struct stream *s, const char *bytes, size_t n)
{
	size_t done = 0;

	while (done < n) {
		ssize_t r = endpoint_write(&s->endpoint, bytes + done, n - done);

		if (r == -EAGAIN && endpoint_watch(&s->endpoint, EPOLLOUT) != -EPERM)
			break;
		if (r < 0 && r != -EAGAIN) {
			sink_discard(s);
			return n;
		}
		if (r > 0)
			done += (size_t)r;
	}
	s->written += done;
	give_back(s);
	return done;
}

int mux_abandon_process(struct mux *m, uint32_t process, struct error *err)
{
	int r = 0;

	walk_begin(m);
	for (struct stream *s = m->streams; s && r >= 0; s = s->next) {
		if (s->dead || stream_process(s->id) != process)
			continue;
		if (!s->sink)
			r = source_end(s, err);
		else if (!s->discard)
			sink_discard(s);
	}
	walk_end(m);
	return r;
}

static int on_sink(void *data, _unused_ int fd, _unused_ uint32_t events, struct error *err)
{
	struct stream *s = data;
	struct mux *m = s->mux;
	uint64_t id = s->id;
	size_t n = sink_write(s, s->pending.data, s->pending.len);

	buf_consume(&s->pending, MIN(n, s->pending.len)); /* nothing is left of it when the reader has gone */
	if (s->pending.len > 0)
		return 0;
	endpoint_watch(&s->endpoint, 0);
	if (s->eof)
		stream_remove(s);
	return tell_idle(m, id, err);
}

static void sink_data(struct stream *s, const struct frame *f)
{
	size_t done = 0;

	s->credit -= f->len;
	if (s->discard)
		return;
	if (s->pending.len == 0)
		done = sink_write(s, f->body, f->len);
	if (!s->discard)
		buf_append(&s->pending, f->body + done, f->len - done);
}

/* frames
 * -------------------------------------------------------------------------------------------------------------
 */

static int handle_data(struct stream *s, const struct frame *f, struct error *err)
{
	if (f->len > s->credit)
		return error_set(err, EPROTO, "stream %" PRIu64 ": %u bytes with a credit of %" PRIu64, f->id,
				 f->len, s->credit);
	sink_data(s, f);
	return 0;
}

static int handle_eof(struct stream *s, _unused_ const struct frame *f, struct error *err)
{
	struct mux *m = s->mux;
	uint64_t id = s->id;

	s->eof = true;
	if (s->pending.len > 0)
		return 0;
	stream_remove(s);
	return tell_idle(m, id, err);
}

static int handle_credit(struct stream *s, const struct frame *f, struct error *err)
{
	uint32_t n;

	if (f->len != 4)
		return error_set(err, EPROTO, "CREDIT with a body of %u bytes instead of 4", f->len);
	n = frame_get_u32(f->body);
	s->credit = MIN(s->credit + n, (uint64_t)MUX_WINDOW);
	return source_pump(s, err);
}

static int handle_reset(struct stream *s, _unused_ const struct frame *f, struct error *err)
{
	return source_end(s, err);
}

/* What a frame of the stream port does, and at which kind of stream. */
static const struct {
	int (*handle)(struct stream *s, const struct frame *f, struct error *err);
	bool sink;
	bool late; /* may cross with the end of the stream */
} handlers[] = {
	[MESSAGE_DATA] = { handle_data, true, false },
	[MESSAGE_EOF] = { handle_eof, true, false },
	[MESSAGE_CREDIT] = { handle_credit, false, true },
	[MESSAGE_RESET] = { handle_reset, false, true },
};

static int handle_exit(struct mux *m, const struct frame *f, struct error *err)
{
	if (!m->ops->exited || f->id == 0 || f->id > PROCESS_MAX)
		return error_set(err, EPROTO, "unexpected EXIT of process %" PRIu64, f->id);
	return m->ops->exited(m->data, (uint32_t)f->id, f->body, f->len, err);
}

static int on_frame(void *data, _unused_ struct channel *c, const struct frame *f, struct error *err)
{
	struct mux *m = data;
	struct stream *s;
	int r;

	if (f->type == MESSAGE_EXIT && f->flags == 0)
		return handle_exit(m, f, err);
	if (f->flags || f->type >= ARRAY_SIZE(handlers) || !handlers[f->type].handle)
		return error_set(err, EPROTO, "unexpected frame on the stream port: type %u, flags 0x%x",
				 f->type, f->flags);
	s = find(m, f->id);
	if (s && s->sink == handlers[f->type].sink) {
		walk_begin(m);
		r = handlers[f->type].handle(s, f, err);
		walk_end(m);
		return r;
	}
	if (!m->hostile || (!s && handlers[f->type].late))
		return 0;
	return error_set(err, EPROTO, "unexpected %s for stream %" PRIu64, message_to_string(f->type), f->id);
}

static int on_closed(void *data, _unused_ struct channel *c, const struct error *reason, struct error *err)
{
	struct mux *m = data;

	m->channel = channel_free(m->channel);
	return m->ops->closed(m->data, reason, err);
}

static int on_drained(void *data, _unused_ struct channel *c, struct error *err)
{
	struct mux *m = data;
	int r = 0;

	walk_begin(m);
	for (struct stream *s = m->streams; s && r >= 0; s = s->next) {
		if (s->dead)
			continue;
		if (s->sink)
			give_back(s);
		else
			r = source_pump(s, err);
	}
	walk_end(m);
	return r;
}

static const struct channel_ops channel_ops = { on_frame, on_closed, on_drained };

int mux_new(struct event_loop *loop, int fd, bool hostile, const struct mux_ops *ops, void *data,
	    struct mux **ret, struct error *err)
{
	struct mux *m = xcalloc(1, sizeof(*m));
	int r;

	*m = (struct mux){ .loop = loop, .hostile = hostile, .ops = ops, .data = data };
	r = channel_new(loop, fd, FRAME_STREAM_MAX, &channel_ops, m, &m->channel, err);
	if (r < 0) {
		free(m);
		return r;
	}
	*ret = m;
	return 0;
}

struct mux *mux_free(struct mux *m)
{
	if (!m)
		return NULL;
	channel_free(m->channel);
	walk_begin(m);
	for (struct stream *s = m->streams; s; s = s->next)
		s->dead = true;
	walk_end(m);
	free(m);
	return NULL;
}

static struct stream *add(struct mux *m, uint64_t id, int fd, bool sink)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	*s = (struct stream){ .next = m->streams, .mux = m, .id = id, .sink = sink, .flush_left = SIZE_MAX };
	endpoint_init(&s->endpoint, m->loop, fd, sink ? on_sink : on_source, s);
	m->streams = s;
	return s;
}

void mux_add_source(struct mux *m, uint64_t id, int fd)
{
	add(m, id, fd, false);
}

void mux_add_sink(struct mux *m, uint64_t id, int fd)
{
	add(m, id, fd, true);
}

void mux_grant(struct mux *m, uint32_t process)
{
	for (struct stream *s = m->streams; s; s = s->next)
		if (!s->dead && s->sink && stream_process(s->id) == process)
			send_credit(s, MUX_WINDOW);
}

int mux_flush(struct mux *m, uint32_t process, struct error *err)
{
	bool any = false;
	int r = 0;

	walk_begin(m);
	for (struct stream *s = m->streams; s; s = s->next) {
		int n;

		if (s->dead || s->sink || stream_process(s->id) != process)
			continue;
		any = s->flushing = true;
		/* a pipe tells how much is in it; of a terminal, all that is there until it is empty for a
		 * moment */
		s->flush_left = SIZE_MAX;
		if (!isatty(s->endpoint.fd) && ioctl(s->endpoint.fd, FIONREAD, &n) == 0)
			s->flush_left = (size_t)n;
	}
	for (struct stream *s = m->streams; s && r >= 0; s = s->next)
		if (!s->dead && s->flushing && stream_process(s->id) == process)
			r = source_pump(s, err);
	walk_end(m);
	return any || r < 0 ? r : m->ops->flushed(m->data, process, err);
}

bool mux_has(const struct mux *m, uint64_t id)
{
	return find(m, id);
}

bool mux_is_idle(const struct mux *m, uint32_t process)
{
	for (const struct stream *s = m->streams; s; s = s->next)
		if (!s->dead && s->sink && stream_process(s->id) == process && s->pending.len > 0)
			return false;
	return true;
}

void mux_send_exit(struct mux *m, uint32_t process, const char *body, size_t len)
{
	send_frame(m, MESSAGE_EXIT, process, body, len);
}

bool mux_is_sent(const struct mux *m)
{
	return !m->channel || channel_idle(m->channel);
}
