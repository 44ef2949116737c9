/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests over a unix socket by somebody who has nothing else to do than to wait for the answer: the verbs
 * of the command line at a worker's control.sock, and the set-up of a worker. Descriptors travel with the
 * header's bytes, so they are there before the body.
 */
#include "proto/client.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/fd.h"
#include "proto/message.h"

static int send_all(int sock, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t r = send(sock, p, n, MSG_NOSIGNAL);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		p += r;
		n -= (size_t)r;
	}
	return 0;
}

int client_send(int sock, uint16_t type, uint16_t flags, uint64_t id, const void *body, size_t len,
		const int *fds, size_t n_fds, struct error *err)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r;

	if (len > FRAME_CONTROL_MAX)
		return error_set(err, E2BIG, "%s is %zu bytes long, at most %d are possible",
				 message_to_string(type), len, FRAME_CONTROL_MAX);
	frame_append(&out, type, flags, id, body, len);
	r = fd_send(sock, out.data, FRAME_HEADER_SIZE, fds, n_fds);
	if (r == 0)
		r = send_all(sock, out.data + FRAME_HEADER_SIZE, out.len - FRAME_HEADER_SIZE);
	return r < 0 ? error_errnum(err, r, "send %s", message_to_string(type)) : 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Waits until sock can be read or the deadline (-1: none) has passed. Returns 0, -ETIMEDOUT or another
 * -errno. */
static int wait_readable(int sock, int64_t deadline)
{
	struct pollfd p = { .fd = sock, .events = POLLIN };

	for (;;) {
		int64_t left = deadline < 0 ? -1 : deadline - now_ms();
		int r = poll(&p, 1, deadline < 0 ? -1 : (int)MAX(left, 0));

		if (r > 0)
			return 0;
		if (r == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}

int client_receive(int sock, struct frame_reader *r, int timeout_ms, struct frame *ret, int *fds,
		   size_t max_fds, size_t *ret_n_fds, struct error *err)
{
	int64_t deadline = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
	char bytes[16 << 10];
	size_t n_fds = 0, n;
	int e;

	for (;;) {
		ssize_t len;

		e = frame_reader_next(r, ret, err);
		if (e != 0)
			break;
		e = wait_readable(sock, deadline);
		/* no more than this frame: what is behind it may be the next call's answer already */
		len = e < 0 ? e : fd_recv(sock, bytes, MIN(sizeof(bytes), frame_reader_missing(r)), fds + n_fds, max_fds - n_fds, &n);
		if (len <= 0) {
			e = len == 0 || len == -ECONNRESET ? 0 : error_errnum(err, (int)len, "receive");
			break;
		}
		n_fds += n;
		frame_reader_feed(r, bytes, (size_t)len);
	}
	while (e <= 0 && n_fds > 0)
		fd_close(fds[--n_fds]);
	if (ret_n_fds)
		*ret_n_fds = n_fds;
	return e;
}

int client_call(int sock, const struct client_request *req, struct buf *reply, struct error *err)
{
	struct frame_reader reader;
	struct frame f;
	int r;

	r = client_send(sock, req->type, 0, 1, req->body, req->len, req->fds, req->n_fds, err);
	if (r < 0 && r != -EPIPE && r != -ECONNRESET) /* a worker that is gone has said why before */
		return r;
	frame_reader_init(&reader, FRAME_CONTROL_MAX);
	r = client_receive(sock, &reader, req->timeout_ms, &f, NULL, 0, NULL, err);
	if (r == -ETIMEDOUT)
		error_set(err, ETIMEDOUT, "%s: no answer within %d seconds", message_to_string(req->type), req->timeout_ms / 1000);
	else if (r == 0)
		r = error_set(err, ECONNRESET, "%s: no answer, the connection was closed",
			      message_to_string(req->type));
	else if (r > 0 && (f.type != req->type || f.id != 1 || !(f.flags & FRAME_REPLY)))
		r = error_set(err, EPROTO, "%s: the answer is a %s", message_to_string(req->type),
			      message_to_string(f.type));
	else if (r > 0 && f.flags & FRAME_ERROR)
		r = frame_get_error(&f, err);
	else if (r > 0 && reply)
		buf_append(reply, f.body, f.len);
	frame_reader_done(&reader);
	return r < 0 ? r : 0;
}
