/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the workers of execs and of pod members have in common: see standin.h. */
#include "vmwp/standin.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proto/message.h"
#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/worker.h"

void standin_request(struct standin *s, uint16_t type, const struct oci_type *body_type, const void *root)
{
	_cleanup_free_ char *body = NULL;
	struct error err;
	size_t len;

	if (json_write(body_type, root, &body, &len, &err) == 0)
		channel_send(s->worker, type, 0, ++s->last_request, body, len);
}

void standin_forward_size(struct standin *s)
{
	struct winsize size;

	if (s->tty_fd >= 0 && ioctl(s->tty_fd, TIOCGWINSZ, &size) == 0)
		standin_request(s, MESSAGE_RESIZE, &hv_agent_resize_type,
				&(struct hv_agent_resize){ .width = size.ws_col, .height = size.ws_row });
}

static int on_signal(void *data, int sig, pid_t from, _unused_ struct error *err)
{
	struct standin *s = data;

	if (sig == SIGCHLD || (sig == SIGPIPE && from == getpid()))
		return 0;
	if (sig == SIGWINCH && s->tty_fd >= 0)
		standin_forward_size(s);
	else if (!s->ops->signalled || !s->ops->signalled(s, sig))
		standin_request(s, MESSAGE_SIGNAL, &hv_agent_signal_type,
				&(struct hv_agent_signal){ .id = (char *)s->id, .signal = (uint32_t)sig });
	return 0;
}

static int handle_exit(struct standin *s, const struct frame *f, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	const struct hv_agent_exit *m;
	int r = json_parse(&hv_agent_exit_type, f->body, f->len, &doc, err);

	if (r < 0)
		return r;
	m = oci_doc_root(doc);
	standin_end(s, m->has_signal ? (int)m->signal : (int)m->code << 8);
	return 0;
}

static int on_frame(void *data, _unused_ struct channel *c, const struct frame *f, struct error *err)
{
	struct standin *s = data;

	if (f->type == MESSAGE_EXIT && f->flags == 0)
		return handle_exit(s, f, err);
	if (f->type != MESSAGE_SIGNAL && f->type != MESSAGE_RESIZE) /* one that came too late is nobody's fault */
		s->ops->answered(s, f);
	return 0;
}

static int on_closed(void *data, _unused_ struct channel *c, _unused_ const struct error *reason, _unused_ struct error *err)
{
	struct standin *s = data;

	s->ops->gone(s);
	standin_end(s, SIGKILL);
	return 0;
}

int standin_prepare(struct standin *s, struct error *err)
{
	sigset_t set;
	int r = event_loop_new(&s->loop, err);

	sigfillset(&set);
	return r < 0 ? r : event_add_signals(s->loop, &set, on_signal, s, NULL, err);
}

int standin_leave_host(struct error *err)
{
	_cleanup_fd_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 3; i++)
		if (null < 0 || dup2(null, i) < 0)
			return error_errno(err, "/dev/null");
	return jail_enter_empty(err);
}

int standin_serve(struct standin *s, int sock, struct error *err)
{
	static const struct channel_ops ops = { .frame = on_frame, .closed = on_closed };
	int r = channel_new(s->loop, sock, FRAME_CONTROL_MAX, &ops, s, &s->worker, err);

	return r < 0 ? r : event_loop_run(s->loop, err);
}

void standin_end(struct standin *s, int wait_status)
{
	s->wait_status = wait_status;
	event_loop_exit(s->loop, 0);
}

void standin_done(struct standin *s)
{
	channel_free(s->worker);
	event_loop_free(s->loop);
	fd_close(s->tty_fd);
}

int standin_answer(int launcher_fd, uint16_t type, uint64_t id, const struct error *e)
{
	_cleanup_buf_ struct buf out = { 0 };

	if (e)
		frame_append_error(&out, type, id, e);
	else
		frame_append(&out, type, FRAME_REPLY, id, NULL, 0);
	return fd_write_all(launcher_fd, out.data, out.len);
}
