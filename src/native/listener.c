/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The seccomp agent's end of SCMP_ACT_NOTIFY: runtime-spec config-linux.md, listenerPath and "The Container
 * Process State". One state, one connection, the descriptor with its first byte. The child cannot send the
 * descriptor itself, for sendmsg(2) may be what the agent is to decide about.
 */
#include "native/listener.h"

#include <errno.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "container/container.h"
#include "container/document.h"
#include "linux/sys.h"
#include "native/plan.h"
#include "native/spawn.h"
#include "native/sync.h"
#include "schema/types.h"

static int connect_abstract(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(name);
	_cleanup_fd_ int fd = -1;

	if (len >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path + 1, name, len);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&addr,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static char *process_state(const struct plan_process *plan, const struct container *c,
			   enum container_status status, pid_t pid)
{
	char *fds[] = { (char *)"seccompFd", NULL };
	struct oci_state state;
	struct oci_process_state s = {
		.oci_version = (char *)OCI_SPEC_VERSION,
		.fds = fds,
		.n_fds = 1,
		.pid = pid,
		.metadata = (char *)plan->listener_metadata,
		.state = &state,
	};
	struct oci_error oe;
	char *json;

	container_oci_state_fill(c, status, status == CONTAINER_CREATING ? pid : (pid_t)c->state->pid,
				 &state);
	return oci_write(&oci_process_state_type, &s, NULL, &json, NULL, &oe) < 0 ? NULL : json;
}

static int send_state(const char *path, const char *json, int listener, struct error *err)
{
	_cleanup_fd_ int fd =
		path[0] == '@' ? connect_abstract(path + 1) : fd_connect_path(path, SOCK_STREAM);
	int r;

	if (fd < 0)
		return error_errnum(err, fd,
				    "linux.seccomp.listenerPath \"%s\": failed to connect with seccomp agent",
				    path);
	r = fd_send(fd, json, strlen(json), &listener, 1);
	return r < 0 ? error_errnum(err, r,
				    "linux.seccomp.listenerPath \"%s\": failed to send to the seccomp agent",
				    path)
		     : 0;
}

int listener_serve(const struct plan_process *plan, const struct container *c, enum container_status status,
		   const struct spawned *child, int sync_fd, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	_cleanup_fd_ int listener = -1;
	int number, r;

	if (!plan->seccomp.notify)
		return 0;
	r = sync_expect(sync_fd, SYNC_LISTENER, &number, err);
	if (r < 0)
		return r;
	listener = sys_pidfd_getfd(child->pidfd, number);
	if (listener < 0)
		return error_errnum(err, listener, "seccomp notify unsupported: pidfd_getfd");
	json = process_state(plan, c, status, child->pid);
	if (!json)
		return error_set(err, EINVAL, "linux.seccomp: the container process state cannot be written");
	r = send_state(plan->listener_path, json, listener, err);
	return r < 0 ? r : sync_send(sync_fd, SYNC_GO, 0, err);
}
