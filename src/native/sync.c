/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages between the parent and the child of create and exec: one frame, one enum, one write each.
 * Async-signal-safe. */
#include "native/sync.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

struct frame {
	int type;
	int value;
	struct error error;
};

static const char *const names[_SYNC_MAX] = {
	[SYNC_GO] = "go",       [SYNC_CHILD] = "child", [SYNC_HOOKS] = "hooks", [SYNC_LISTENER] = "listener",
	[SYNC_READY] = "ready", [SYNC_ERROR] = "error",
};

const char *sync_type_to_string(enum sync_type type)
{
	return (unsigned)type < _SYNC_MAX ? names[type] : "unknown";
}

/* All but an error is sent without the error's kilobyte. */
enum { SHORT_FRAME = offsetof(struct frame, error) };

int sync_send(int fd, enum sync_type type, int value, struct error *err)
{
	const struct frame f = { .type = (int)type, .value = value };
	int r = fd_send(fd, &f, SHORT_FRAME, NULL, 0);

	return r < 0 ? error_errnum(err, r, "send \"%s\"", sync_type_to_string(type)) : 0;
}

int sync_tell(int fd, enum sync_type type, int value, struct error *err)
{
	const struct frame f = { .type = (int)type, .value = value };

	if (write(fd, &f, SHORT_FRAME) != SHORT_FRAME)
		return error_errno(err, "send \"%s\"", sync_type_to_string(type));
	return 0;
}

int sync_pass_listener(int fd, int listener, struct error *err)
{
	struct frame f;
	int r = sync_tell(fd, SYNC_LISTENER, listener, err);

	if (r < 0)
		return r;
	if (read(fd, &f, sizeof(f)) != SHORT_FRAME || f.type != SYNC_GO)
		return error_set(err, EPIPE, "linux.seccomp: the listener was not taken");
	return 0;
}

void sync_send_error(int fd, const struct error *error)
{
	struct frame f = { .type = SYNC_ERROR, .error = *error };

	if (write(fd, &f, sizeof(f)) != sizeof(f))
		return; /* who should hear it is gone */
}

static ssize_t receive(int fd, struct frame *f)
{
	ssize_t n = fd_recv(fd, f, sizeof(*f), NULL, 0, NULL);

	/* the other side closed with words of ours unread: told once, before what it had said itself */
	return n == -ECONNRESET ? fd_recv(fd, f, sizeof(*f), NULL, 0, NULL) : n;
}

int sync_expect(int fd, enum sync_type type, int *ret_value, struct error *err)
{
	struct frame f = { 0 };
	ssize_t n = receive(fd, &f);

	if (n < 0)
		return error_errnum(err, (int)n, "receive \"%s\"", sync_type_to_string(type));
	if (n <= 0)
		return error_set(err, EPIPE, "the container's process died before \"%s\"",
				 sync_type_to_string(type));
	if (n == sizeof(f) && f.type == SYNC_ERROR) {
		error_sanitize(&f.error);
		*err = f.error;
		return -err->code;
	}
	if (n != SHORT_FRAME || f.type != (int)type)
		return error_set(err, EPROTO, "expected \"%s\", received \"%s\"", sync_type_to_string(type),
				 sync_type_to_string((enum sync_type)f.type));
	if (ret_value)
		*ret_value = f.value;
	return 0;
}
