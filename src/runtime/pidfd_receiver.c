/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A supervisor's handle on the container's process that no other process can get the number of: the annotation's way to have it, beside
 * --pidfd-socket. The socket is connected first and written to last, so that nobody's absence is found out when the container is there.
 */
#include "runtime/pidfd_receiver.h"

#include <ocispec/types.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/process.h"
#include "container/annotation.h"
#include "container/container.h"
#include "schema/types.h"

static const char *key(void)
{
	return annotation_def(ANNOTATION_PIDFD_RECEIVER)->key;
}

int pidfd_receiver_open(const struct oci_config *config, int *ret, struct error *err)
{
	const char *path = annotation_get(config->annotations, ANNOTATION_PIDFD_RECEIVER);
	int fd = path ? fd_connect_path(path, SOCK_STREAM | SOCK_NONBLOCK) : -1;

	if (path && fd < 0)
		return error_errnum(err, fd, "annotation %s: connect to %s", key(), path);
	*ret = fd;
	return 0;
}

int pidfd_receiver_send(int fd, const struct container *c, struct error *err)
{
	_cleanup_fd_ int pidfd = -1;
	int r;

	if (fd < 0)
		return 0;
	pidfd = process_pidfd_open_exact((pid_t)c->state->pid, c->state->start_time);
	if (pidfd < 0)
		return error_errnum(err, pidfd, "annotation %s: pidfd_open of process %d", key(), (int)c->state->pid);
	r = fd_send(fd, " ", 1, &pidfd, 1);
	return r < 0 ? error_errnum(err, r, "annotation %s: send the pidfd", key()) : 0;
}
