/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Frames over a descriptor, on an event loop. Output is queued and written as the peer takes it: nothing here
 * ever blocks, whoever produces much asks channel_full() first. Any callback may free the channel, also from
 * within one of its frames; it is then only marked, and freed on the way out.
 *
 * The descriptor is watched for writing only while something waits to be written: a level-triggered EPOLLOUT
 * on an idle channel would never let the loop sleep.
 */
#include "proto/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

enum {
	OUT_HIGH = 256 << 10, /* channel_full() from here on */
	OUT_LOW = 64 << 10,   /* and until here */
	READ_SIZE = 64 << 10,
};

struct channel {
	struct event_source *source;
	const struct channel_ops *ops;
	void *data;
	int fd;
	bool socket, watching_out, was_full, failed, dead;
	unsigned busy;
	struct frame_reader in;
	struct buf out;
	int fds[CHANNEL_FDS_MAX];
	size_t n_fds;
};

static void close_fds(struct channel *c)
{
	while (c->n_fds > 0)
		fd_close(c->fds[--c->n_fds]);
}

static void destroy(struct channel *c)
{
	close_fds(c);
	frame_reader_done(&c->in);
	buf_done(&c->out);
	free(c);
}

struct channel *channel_free(struct channel *c)
{
	if (!c || c->dead)
		return NULL;
	c->source = event_source_free(c->source);
	c->fd = fd_close(c->fd);
	c->dead = true;
	if (!c->busy)
		destroy(c);
	return NULL;
}

/* Tells the owner, once, that nothing more will come. */
static int fail(struct channel *c, const struct error *reason, struct error *err)
{
	if (c->failed || c->dead)
		return 0;
	c->failed = true;
	c->source = event_source_free(c->source);
	return c->ops->closed(c->data, c, reason, err);
}

/* Writes what the peer takes now. Returns 0, or -errno. */
static int flush(struct channel *c)
{
	size_t done = 0;
	int r = 0;

	while (done < c->out.len) {
		const char *p = c->out.data + done;
		size_t left = c->out.len - done;
		ssize_t n =
			c->socket ? send(c->fd, p, left, MSG_NOSIGNAL | MSG_DONTWAIT) : write(c->fd, p, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			r = errno == EAGAIN ? 0 : -errno;
			break;
		}
		done += (size_t)n;
	}
	buf_consume(&c->out, done);
	return r;
}

static int watch(struct channel *c)
{
	bool out = c->out.len > 0;

	if (c->failed || !c->source || out == c->watching_out)
		return 0;
	c->watching_out = out;
	return event_source_set_events(c->source, out ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int handle_output(struct channel *c, struct error *err)
{
	struct error reason;
	int r = flush(c);

	if (r == 0)
		r = watch(c);
	if (r < 0) {
		error_errnum(&reason, r, "write");
		return fail(c, &reason, err);
	}
	if (c->was_full && c->out.len <= OUT_LOW) {
		c->was_full = false;
		if (c->ops->drained)
			return c->ops->drained(c->data, c, err);
	}
	return 0;
}

static int handle_frames(struct channel *c, struct error *err)
{
	struct error reason;
	struct frame f;
	int r = 0;

	while (!c->dead && !c->failed && (r = frame_reader_next(&c->in, &f, &reason)) > 0) {
		r = c->ops->frame(c->data, c, &f, &reason);
		if (r < 0)
			break;
		close_fds(c);
	}
	return r < 0 ? fail(c, &reason, err) : 0;
}

static int handle_input(struct channel *c, struct error *err)
{
	static char bytes[READ_SIZE]; /* one loop, one thread: copied before anybody else reads */
	struct error reason;
	size_t n_fds = 0;
	ssize_t n;

	if (c->socket)
		n = fd_recv(c->fd, bytes, sizeof(bytes), c->fds + c->n_fds, CHANNEL_FDS_MAX - c->n_fds,
			    &n_fds);
	else if ((n = read(c->fd, bytes, sizeof(bytes))) < 0)
		n = -errno;
	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n == 0 || n == -ECONNRESET)
		return fail(c, NULL, err);
	if (n < 0) {
		error_errnum(&reason, (int)n, "read");
		return fail(c, &reason, err);
	}
	c->n_fds += n_fds;
	frame_reader_feed(&c->in, bytes, (size_t)n);
	return handle_frames(c, err);
}

static int on_event(void *data, _unused_ int fd, uint32_t events, struct error *err)
{
	struct channel *c = data;
	int r = 0;

	c->busy++;
	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR))
		r = handle_input(c, err);
	if (r >= 0 && events & EPOLLOUT && !c->dead && !c->failed)
		r = handle_output(c, err);
	c->busy--;
	if (c->dead && !c->busy)
		destroy(c);
	return r;
}

int channel_new(struct event_loop *loop, int fd, uint32_t max_len, const struct channel_ops *ops, void *data,
		struct channel **ret, struct error *err)
{
	struct channel *c = xcalloc(1, sizeof(*c));
	struct stat st;
	int r;

	*c = (struct channel){ .fd = fd, .ops = ops, .data = data };
	c->socket = fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
	frame_reader_init(&c->in, max_len);
	r = fd_set_nonblock(fd, 1);
	if (r < 0)
		error_errnum(err, r, "fcntl: O_NONBLOCK");
	else
		r = event_add_fd(loop, fd, EPOLLIN, on_event, c, &c->source, err);
	if (r < 0) {
		channel_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

/* Sends at once what the peer takes at once; an error is found again, and told, when the loop finds the
 * descriptor ready. */
static void push(struct channel *c)
{
	if (c->dead || c->failed)
		return;
	if (!c->watching_out)
		flush(c);
	if (c->out.len >= OUT_HIGH)
		c->was_full = true;
	watch(c);
}

void channel_send(struct channel *c, uint16_t type, uint16_t flags, uint64_t id, const void *body, size_t len)
{
	if (c->dead || c->failed)
		return;
	frame_append(&c->out, type, flags, id, body, len);
	push(c);
}

void channel_send_error(struct channel *c, uint16_t type, uint64_t id, const struct error *e)
{
	if (c->dead || c->failed)
		return;
	frame_append_error(&c->out, type, id, e);
	push(c);
}

bool channel_full(const struct channel *c)
{
	return c->was_full;
}

bool channel_idle(const struct channel *c)
{
	return c->out.len == 0 || c->dead || c->failed;
}

size_t channel_take_fds(struct channel *c, int *fds, size_t max)
{
	size_t n = MIN(max, c->n_fds);

	memcpy(fds, c->fds, n * sizeof(*fds));
	memmove(c->fds, c->fds + n, (c->n_fds - n) * sizeof(*fds));
	c->n_fds -= n;
	return n;
}

int channel_fd(const struct channel *c)
{
	return c->fd;
}
