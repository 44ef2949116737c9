/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker of an exec: a host process that stands for a process in the guest, so that exec --detach --pid-file has a pid to tell, signals have
 * somewhere to go and a shim something to wait for. It hands its stdio to the container's worker, which relays it, forwards
 * signals and window sizes, and ends as the process ended. When it is killed, its connection closes and the process is killed, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proto/client.h"
#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/worker.h"

struct exec {
	struct event_loop *loop;
	struct channel *worker; /* the connection to the container's */
	const char *id;
	uint64_t last_request;
	int launcher_fd; /* -1 when it has its answer */
	int tty_fd;
	int wait_status;
};

enum { EXEC_REQUEST = 1 };

/* Tells hvrun how it went: the answer to its EXEC. */
static void answer(struct exec *x, const struct error *e)
{
	_cleanup_buf_ struct buf out = { 0 };

	if (x->launcher_fd < 0)
		return;
	if (e)
		frame_append_error(&out, MESSAGE_EXEC, 1, e);
	else
		frame_append(&out, MESSAGE_EXEC, FRAME_REPLY, 1, NULL, 0);
	fd_write_all(x->launcher_fd, out.data, out.len);
	x->launcher_fd = fd_close(x->launcher_fd);
}

static void request(struct exec *x, uint16_t type, const struct oci_type *body_type, const void *root)
{
	_cleanup_free_ char *body = NULL;
	struct error err;
	size_t len;

	if (json_write(body_type, root, &body, &len, &err) == 0)
		channel_send(x->worker, type, 0, ++x->last_request, body, len);
}

static void forward_size(struct exec *x)
{
	struct winsize size;

	if (ioctl(x->tty_fd, TIOCGWINSZ, &size) == 0)
		request(x, MESSAGE_RESIZE, &hv_agent_resize_type,
			&(struct hv_agent_resize){ .width = size.ws_col, .height = size.ws_row });
}

static int on_signal(void *data, int sig, pid_t from, _unused_ struct error *err)
{
	struct exec *x = data;

	if (sig == SIGCHLD || (sig == SIGPIPE && from == getpid()))
		return 0;
	if (sig == SIGWINCH && x->tty_fd >= 0)
		forward_size(x);
	else
		request(x, MESSAGE_SIGNAL, &hv_agent_signal_type,
			&(struct hv_agent_signal){ .id = (char *)x->id, .signal = (uint32_t)sig });
	return 0;
}

static int handle_exit(struct exec *x, const struct frame *f, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	const struct hv_agent_exit *m;
	int r = json_parse(&hv_agent_exit_type, f->body, f->len, &doc, err);

	if (r < 0)
		return r;
	m = oci_doc_root(doc);
	x->wait_status = m->has_signal ? (int)m->signal : (int)m->code << 8;
	event_loop_exit(x->loop, 0);
	return 0;
}

static int on_frame(void *data, _unused_ struct channel *c, const struct frame *f, struct error *err)
{
	struct exec *x = data;
	struct error e;

	if (f->type == MESSAGE_EXIT && f->flags == 0)
		return handle_exit(x, f, err);
	if (f->type != MESSAGE_EXEC || f->id != EXEC_REQUEST)
		return 0; /* a signal that came too late is nobody's fault */
	if (f->flags & FRAME_ERROR) {
		frame_get_error(f, &e);
		answer(x, &e);
		x->wait_status = 255 << 8;
		event_loop_exit(x->loop, 0);
	} else {
		if (x->tty_fd >= 0)
			forward_size(x); /* it may have changed meanwhile */
		answer(x, NULL);
	}
	return 0;
}

/* The VM has gone, and the process with it. */
static int on_closed(void *data, _unused_ struct channel *c, _unused_ const struct error *reason, _unused_ struct error *err)
{
	struct exec *x = data;
	struct error e;

	error_set(&e, ECONNRESET, "container not running");
	answer(x, &e);
	x->wait_status = SIGKILL;
	event_loop_exit(x->loop, 0);
	return 0;
}

static const struct channel_ops channel_ops = { .frame = on_frame, .closed = on_closed };

/* EXEC with our stdio, which is no longer ours then. */
static int send_exec(struct exec *x, int sock, const struct hv_agent_exec *exec, struct error *err)
{
	const int stdio[] = { 0, 1, 2 };
	bool terminal = x->tty_fd >= 0;
	_cleanup_free_ char *body = NULL;
	_cleanup_fd_ int null = -1;
	size_t len;
	int r;

	r = json_write(&hv_agent_exec_type, exec, &body, &len, err);
	if (r == 0)
		r = client_send(sock, MESSAGE_EXEC, 0, EXEC_REQUEST, body, len, terminal ? &x->tty_fd : stdio, terminal ? 1 : 3, err);
	if (r < 0)
		return r;
	x->last_request = EXEC_REQUEST;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i < 3; i++)
		if (null < 0 || dup2(null, i) < 0)
			return error_errno(err, "/dev/null");
	return 0;
}

static int serve(struct exec *x, int sock, const struct hv_agent_exec *exec, struct error *err)
{
	_cleanup_fd_ int own = sock;
	sigset_t set;
	int r;

	r = event_loop_new(&x->loop, err);
	if (r < 0)
		return r;
	sigfillset(&set);
	r = event_add_signals(x->loop, &set, on_signal, x, NULL, err);
	if (r == 0)
		r = send_exec(x, own, exec, err);
	if (r == 0)
		r = channel_new(x->loop, TAKE_FD(own), FRAME_CONTROL_MAX, &channel_ops, x, &x->worker, err);
	if (r == 0)
		r = event_loop_run(x->loop, err);
	channel_free(x->worker);
	event_loop_free(x->loop);
	return r;
}

int exec_run(int launcher_fd, const struct frame *setup, int *fds, size_t n_fds, int *ret_wait_status, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct exec x = { .launcher_fd = launcher_fd, .tty_fd = -1 };
	const struct hv_worker_exec *m = NULL;
	int r;

	prctl(PR_SET_DUMPABLE, 0);
	r = json_parse(&hv_worker_exec_type, setup->body, setup->len, &doc, err);
	if (r == 0) {
		m = oci_doc_root(doc);
		x.id = m->exec->id;
		if (n_fds != 1 + (m->console ? 1u : 0u) || m->console != m->exec->process->terminal)
			r = error_set(err, EPROTO, "EXEC: wrong number of descriptors");
		else if (m->console)
			r = x.tty_fd = terminal_open(TAKE_FD(fds[1]), m->exec->process->console_size, err);
	}
	if (r >= 0)
		r = serve(&x, TAKE_FD(fds[0]), m->exec, err);
	if (r < 0)
		answer(&x, err);
	fd_close(x.tty_fd);
	fd_close(x.launcher_fd);
	*ret_wait_status = x.wait_status;
	return r;
}
