/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the share comes by virtiofs, virtiofsd serves it: one process for each VMM, started before it in the same jail, and gone with it. The VMM gets no view
 * of the shares then, and no capability.
 *
 * The two speak vhost-user over a unix socket. virtiofsd wants one that listens (--fd), so it gets one that has a caller already: the VMM's end. The
 * name that it had for a moment was in a file system that only we see.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "linux/sys.h"
#include "schema/types.h"
#include "vmwp/worker.h"

#define SOCKET_NAME ".vhost" /* no share is called that */

/* With the share tree as the working directory: there is no /proc here to say where it is. */
static int make_named(const struct sockaddr_un *sa, int listen_fd, int connect_fd)
{
	int r = bind(listen_fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0 ? -errno : 0;

	if (r == 0 && (listen(listen_fd, 1) < 0 || connect(connect_fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0))
		r = -errno;
	if (unlink(sa->sun_path) < 0 && r == 0)
		r = -errno;
	return r;
}

static int make_sockets(const struct worker *w, int *ret_listen, int *ret_connected, struct error *err)
{
	const struct sockaddr_un sa = { .sun_family = AF_UNIX, .sun_path = SOCKET_NAME };
	_cleanup_fd_ int listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), connect_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r = listen_fd < 0 || connect_fd < 0 ? -errno : sys_fchdir(w->tree_fd);

	if (r == 0)
		r = make_named(&sa, listen_fd, connect_fd);
	sys_chdir("/");
	if (r < 0)
		return error_errnum(err, r, "virtiofs: make a socket");
	*ret_listen = TAKE_FD(listen_fd);
	*ret_connected = TAKE_FD(connect_fd);
	return 0;
}

/* Without it the guest waits for its files for ever. What it says for itself is in w->vmm_stderr. */
static int on_server_exit(void *data, _unused_ int fd, _unused_ uint32_t events, _unused_ struct error *err)
{
	struct worker *w = data;

	process_wait(w->server.pid, &w->server.status);
	w->server.running = false;
	w->server.source = event_source_free(w->server.source);
	vm_kill(w); /* and goes on when it has exited */
	return 0;
}

bool file_server_failed(struct worker *w, struct error *e)
{
	int status = w->server.status;

	/* it ends by itself, and well, when the VMM has gone */
	if (!w->server.pid || w->server.running || !status)
		return false;
	if (WIFSIGNALED(status))
		error_set(e, EIO, "the virtual machine's file systems: virtiofsd was killed by signal %d", WTERMSIG(status));
	else
		error_set(e, EIO, "the virtual machine's file systems: virtiofsd ended with status %d", WEXITSTATUS(status));
	return true;
}

static int start(struct worker *w, int listen_fd, int stderr_fd, struct error *err)
{
	const struct hv_worker_jail *jail = w->setup->vm->jail;
	const struct virtiofsd v = {
		.binary = w->setup->vm->virtiofsd, .dir = JAIL_SHARE_DIR, .listen_fd = listen_fd, .file_capabilities = jail && jail->file_capabilities,
		.timeout = w->setup->vm->virtiofs_timeout,
	};
	_cleanup_strv_ char **argv = vmm_virtiofsd_command(&v);
	_cleanup_free_ char *line = str_join(argv, " ");
	const struct jail_start s = {
		.who = JAIL_FILE_SERVER, .argv = argv, .stderr_fd = stderr_fd, .keep_fds = &listen_fd, .n_keep_fds = 1,
		.label = jail ? jail->label : NULL, .file_capabilities = v.file_capabilities, .new_network = true, .mounts_fd = w->mounts_fd,
	};
	int no_listener = -1, r = jail_start(&s, &w->server.pid, &w->server.pidfd, &no_listener, err);

	if (r < 0)
		return error_wrap(err, "start %s", argv[0]);
	w->server.running = true;
	log_debug("virtiofsd %d: %s", (int)w->server.pid, line);
	return event_add_fd(w->loop, w->server.pidfd, EPOLLIN, on_server_exit, w, &w->server.source, err);
}

int file_server_start(struct worker *w, int stderr_fd, int *ret_vmm_fd, struct error *err)
{
	_cleanup_fd_ int listen_fd = -1, vmm_fd = -1;
	int r = make_sockets(w, &listen_fd, &vmm_fd, err);

	if (r == 0)
		r = start(w, listen_fd, stderr_fd, err);
	if (r < 0)
		return r;
	*ret_vmm_fd = TAKE_FD(vmm_fd);
	return 0;
}

void file_server_done(struct worker *w)
{
	int status;

	w->server.source = event_source_free(w->server.source);
	if (w->server.running) {
		process_pidfd_kill(w->server.pidfd, SIGKILL);
		process_wait(w->server.pid, &status);
	}
	fd_close(w->server.pidfd);
	w->server = FILE_SERVER_NONE;
}
