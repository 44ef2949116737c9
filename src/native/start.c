/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * start, both ends of it. One connection and one byte; SOCK_SEQPACKET keeps the error in one piece. Races: a
 * start that dies before its byte is a connection that ends, and the next is awaited; one that dies after it
 * leaves a socket file behind which nobody listens on, for execve(2) closed it, and whoever comes next finds
 * that out by ECONNREFUSED.
 */
#include "native/start.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "container/container.h"
#include "linux/sys.h"
#include "native/low_memory.h"
#include "native/native.h"
#include "schema/types.h"

static const char go = 1;

int start_listen(const struct container *c, struct error *err)
{
	int fd = fd_listen_at(c->dirfd, CONTAINER_START_SOCKET, SOCK_SEQPACKET);

	return fd < 0 ? error_errnum(err, fd, "make the start socket") : fd;
}

void start_forget(const struct container *c)
{
	sys_unlinkat(c->dirfd, CONTAINER_START_SOCKET, 0);
}

int start_wait(int listen_fd)
{
	for (;;) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		char byte;

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return -errno;
		if (fd_read_all(fd, &byte, 1) == 1 && byte == go)
			return fd;
		close(fd);
	}
}

void start_fail(int conn_fd, const struct error *error)
{
	fd_send(conn_fd, error, sizeof(*error), NULL, 0);
}

/* Nobody listens: why. */
static int not_created(const struct container *c, struct error *err)
{
	start_forget(c);
	if (low_memory_before_exec(c, true, err) < 0)
		return -err->code;
	if (container_status_of(c) == CONTAINER_STOPPED)
		return error_set(err, ESRCH, "cannot start a container that has stopped");
	return error_set(err, EBUSY, "cannot start an already running container");
}

static int await_exec(const struct container *c, int fd, struct error *err)
{
	struct error theirs = { 0 };
	ssize_t n = fd_recv(fd, &theirs, sizeof(theirs), NULL, 0, NULL);

	if (n == 0 || n == -ECONNRESET) /* its end of it is closed by execve(2), or by its end */
		return low_memory_before_exec(c, false, err);
	if (n < 0)
		return error_errnum(err, (int)n, "wait for the container's process to start");
	if ((size_t)n != sizeof(theirs))
		return error_set(err, EPROTO, "the container's process sent %zd bytes, not an error", n);
	error_sanitize(&theirs);
	*err = theirs;
	return -err->code;
}

int native_start(const struct env *env _unused_, struct container *c, struct error *err)
{
	_cleanup_fd_ int fd = -1;
	int r;

	if (!c->state->process)
		return error_set(
			err, EINVAL,
			"cannot start a container without a process: its config.json has no \"process\"");
	fd = fd_connect_at(c->dirfd, CONTAINER_START_SOCKET, SOCK_SEQPACKET);
	if (fd == -ECONNREFUSED || fd == -ENOENT)
		return not_created(c, err);
	if (fd < 0)
		return error_errnum(err, fd, "connect to the start socket");
	r = fd_send(fd, &go, sizeof(go), NULL, 0);
	if (r == -EPIPE || r == -ECONNRESET)
		return not_created(c, err);
	if (r < 0)
		return error_errnum(err, r, "send to the start socket");
	r = await_exec(c, fd, err);
	start_forget(c);
	return r;
}
