/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A D-Bus client: connect, authenticate, call, wait for a signal. It is our own, because the programs are
 * linked static-pie and no libsystemd can be loaded into them; and it is small, because one connection serves
 * one verb of a short-lived program. D-Bus specification, "Authentication Protocol" and "Message Protocol".
 *
 * Signals and the answer to a call may come in any order: a signal that is listened for and comes first is
 * kept. All waits share one deadline, and what is kept is bounded.
 */
#include "linux/dbus.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define BUS_NAME "org.freedesktop.DBus"

enum {
	LINE_MAX_AUTH = 512, /* of an answer during authentication */
	KEPT_MAX = 1024,     /* signals that nobody has asked for yet */
};

struct dbus {
	int fd;
	bool bus;
	int64_t deadline; /* CLOCK_MONOTONIC, ms */
	uint32_t serial;
	char *interface, *member; /* of the signals to keep */
	struct dbus_message *kept;
	size_t n_kept;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct dbus *dbus_free(struct dbus *d)
{
	if (!d)
		return NULL;
	fd_close(d->fd);
	for (size_t i = 0; i < d->n_kept; i++)
		dbus_message_done(&d->kept[i]);
	free(d->kept);
	free(d->interface);
	free(d->member);
	free(d);
	return NULL;
}

/* Bytes ------------------------------------------------------------------------------------- */

static int wait_for(struct dbus *d, short events, struct error *err)
{
	for (;;) {
		struct pollfd p = { .fd = d->fd, .events = events };
		int64_t left = d->deadline - now_ms();
		int r = poll(&p, 1, left > 0 ? (int)left : 0);

		if (r > 0)
			return 0;
		if (r < 0 && errno != EINTR)
			return error_errno(err, "D-Bus: poll");
		if (r == 0)
			return error_set(err, ETIMEDOUT, "D-Bus: no answer in time");
	}
}

static int send_all(struct dbus *d, const char *data, size_t n, struct error *err)
{
	while (n > 0) {
		ssize_t sent;
		int r = wait_for(d, POLLOUT, err);

		if (r < 0)
			return r;
		sent = send(d->fd, data, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return error_errno(err, "D-Bus: send");
		if (sent > 0) {
			data += sent;
			n -= (size_t)sent;
		}
	}
	return 0;
}

static int receive_all(struct dbus *d, char *data, size_t n, struct error *err)
{
	while (n > 0) {
		ssize_t got;
		int r = wait_for(d, POLLIN, err);

		if (r < 0)
			return r;
		got = recv(d->fd, data, n, MSG_DONTWAIT);
		if (got == 0)
			return error_set(err, ECONNRESET, "D-Bus: the other side closed the connection");
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return error_errno(err, "D-Bus: recv");
		if (got > 0) {
			data += got;
			n -= (size_t)got;
		}
	}
	return 0;
}

/* Authentication ---------------------------------------------------------------------------- */

/* Byte by byte: what follows the line is not ours to take. */
static int receive_line(struct dbus *d, char line[static LINE_MAX_AUTH], struct error *err)
{
	for (size_t n = 0; n < LINE_MAX_AUTH; n++) {
		int r = receive_all(d, &line[n], 1, err);

		if (r < 0)
			return r;
		if (n > 0 && line[n - 1] == '\r' && line[n] == '\n') {
			line[n - 1] = '\0';
			return 0;
		}
	}
	return error_set(err, EPROTO, "D-Bus: authentication: an endless line");
}

/*
 * EXTERNAL without naming a user: the other side knows us by the socket's credentials, also from within a
 * user namespace, where we do not know the number that it sees. BEGIN goes with the rest, before the two
 * answers: a server of sd-bus that read it together with the first message would leave that lying (seen with
 * systemd 252).
 */
static int authenticate(struct dbus *d, struct error *err)
{
	static const char hello[] = "\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n";
	char line[LINE_MAX_AUTH];
	int r = send_all(d, hello, sizeof(hello) - 1, err);

	for (int answer = 0; r >= 0 && answer < 2; answer++) {
		r = receive_line(d, line, err);
		if (r >= 0 && !str_skip_prefix(line, answer == 0 ? "DATA" : "OK ") &&
		    !str_skip_prefix(line, "OK "))
			return error_set(err, EACCES, "D-Bus: authentication was refused: \"%s\"", line);
	}
	return r;
}

/* Messages ---------------------------------------------------------------------------------- */

static int receive(struct dbus *d, struct dbus_message *ret, struct error *err)
{
	char header[DBUS_HEADER_MIN], *raw;
	size_t size = 0;
	int r = receive_all(d, header, sizeof(header), err);

	if (r >= 0)
		r = dbus_message_size(header, &size, err);
	if (r < 0)
		return r;
	raw = xmalloc(size);
	memcpy(raw, header, sizeof(header));
	r = receive_all(d, raw + sizeof(header), size - sizeof(header), err);
	if (r < 0) {
		free(raw);
		return r;
	}
	return dbus_message_parse(raw, size, ret, err);
}

static bool is_listened_for(const struct dbus *d, const struct dbus_message *m)
{
	return m->type == DBUS_SIGNAL && d->member && str_eq(m->member, d->member) &&
	       str_eq(m->interface, d->interface);
}

/* Takes the message. */
static int keep(struct dbus *d, struct dbus_message *m, struct error *err)
{
	if (d->n_kept == KEPT_MAX) {
		dbus_message_done(m);
		return error_set(err, EOVERFLOW, "D-Bus: more than %d signals while waiting for an answer",
				 KEPT_MAX);
	}
	d->kept = xreallocarray(d->kept, d->n_kept + 1, sizeof(*d->kept));
	d->kept[d->n_kept++] = *m;
	return 0;
}

int dbus_call(struct dbus *d, const struct dbus_method *method, const char *signature, const struct buf *body,
	      struct dbus_message *ret, struct error *err)
{
	const struct buf empty = { 0 };
	struct dbus_method m = *method;
	_cleanup_buf_ struct buf call = { 0 };
	uint32_t serial = ++d->serial;
	int r;

	if (!d->bus)
		m.destination = NULL;
	dbus_build_call(&m, serial, signature, body ? body : &empty, &call);
	r = send_all(d, call.data, call.len, err);
	while (r >= 0) {
		struct dbus_message answer;

		r = receive(d, &answer, err);
		if (r < 0)
			break;
		if ((answer.type == DBUS_METHOD_RETURN || answer.type == DBUS_ERROR) &&
		    answer.reply_serial == serial) {
			*ret = answer;
			return answer.type == DBUS_ERROR ? DBUS_REFUSED : 0;
		}
		if (is_listened_for(d, &answer))
			r = keep(d, &answer, err);
		else
			dbus_message_done(&answer);
	}
	return error_wrap(err, "%s.%s", method->interface, method->member);
}

/* A call to the bus itself, whose answer says nothing but that it worked. */
static int call_bus(struct dbus *d, const char *member, const char *argument, struct error *err)
{
	const struct dbus_method method = { BUS_NAME, "/org/freedesktop/DBus", BUS_NAME, member };
	_cleanup_dbus_message_ struct dbus_message answer = { 0 };
	_cleanup_buf_ struct buf body = { 0 };
	int r;

	if (argument)
		dbus_put_string(&body, argument);
	r = dbus_call(d, &method, argument ? "s" : "", &body, &answer, err);
	return r == DBUS_REFUSED ? error_set(err, EACCES, "D-Bus: %s: %s", member, answer.error_name) : r;
}

int dbus_open(const char *path, bool bus, int timeout_ms, struct dbus **ret, struct error *err)
{
	_cleanup_dbus_ struct dbus *d = xcalloc(1, sizeof(*d));
	int r;

	d->bus = bus;
	d->deadline = now_ms() + timeout_ms;
	d->fd = fd_connect_path(path, SOCK_STREAM);
	if (d->fd < 0) {
		r = d->fd;
		d->fd = -1;
		return error_errnum(err, r, "cannot connect to %s", path);
	}
	r = authenticate(d, err);
	if (r >= 0 && bus)
		r = call_bus(d, "Hello", NULL, err);
	if (r < 0)
		return error_wrap(err, "%s", path);
	*ret = TAKE_PTR(d);
	return 0;
}

int dbus_listen(struct dbus *d, const char *interface, const char *member, struct error *err)
{
	_cleanup_free_ char *rule = xasprintf("type='signal',interface='%s',member='%s'", interface, member);

	d->interface = xstrdup(interface);
	d->member = xstrdup(member);
	return d->bus ? call_bus(d, "AddMatch", rule, err) : 0;
}

int dbus_next_signal(struct dbus *d, struct dbus_message *ret, struct error *err)
{
	if (d->n_kept > 0) {
		*ret = d->kept[0];
		memmove(d->kept, d->kept + 1, --d->n_kept * sizeof(*d->kept));
		return 0;
	}
	for (;;) {
		struct dbus_message m;
		int r = receive(d, &m, err);

		if (r < 0)
			return r;
		if (is_listened_for(d, &m)) {
			*ret = m;
			return 0;
		}
		dbus_message_done(&m);
	}
}
