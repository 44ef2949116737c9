/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The agent's loop: HELLO, then requests by the table below until the host says DESTROY or goes away. Requests are taken in order,
 * but those that may block are answered by their jobs when they are done, in any order.
 *
 * The host is trusted here (it owns this machine); what is checked is checked to find mistakes early.
 */
#include "agent/agent.h"

#include <errno.h>
#include <ocispec/types.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>
#include <termios.h>
#include <unistd.h>

#include "agent/boot.h"
#include "agent/seed.h"
#include "base/fd.h"
#include "base/mem.h"
#include "schema/json.h"
#include "schema/types.h"

/* Takes doc. Answers at once (returns 0 or < 0 with the error to answer), or by a job (returns HANDLED_LATER). */
enum { HANDLED_LATER = 1 };
typedef int handler_fn(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err);

static int later(int r)
{
	return r < 0 ? r : HANDLED_LATER;
}

static int handle_seed(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	_cleanup_doc_ _unused_ struct oci_doc *owned = doc;
	const struct hv_agent_seed *m = req->message;
	int r;

	if (m->version < PROTOCOL_VERSION_MIN || m->version > PROTOCOL_VERSION_MAX)
		return error_set(err, EPROTONOSUPPORT, "version %u of the protocol is not spoken here (%d to %d are)", m->version,
				 PROTOCOL_VERSION_MIN, PROTOCOL_VERSION_MAX);
	r = a->guest ? seed_apply(m, err) : 0;
	a->seeded = r == 0;
	return r;
}

static bool number_in_use(struct agent *a, uint32_t number)
{
	return process_find(a, number) || job_makes(a, number) || debug_awaits(a, number);
}

static int handle_create(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	const struct hv_agent_create *m = req->message;
	struct job_io io = { m->has_number ? m->number : PROCESS_INIT, m->terminal, m->id };
	int r = 0;

	if (io.number < PROCESS_INIT || number_in_use(a, io.number))
		r = error_set(err, EEXIST, "CREATE: the number %u is in use", io.number);
	else if (a->guest && !a->have_share)
		r = boot_mount_share(err);
	if (r < 0) {
		oci_doc_free(doc);
		return r;
	}
	a->have_share = true;
	r = job_start(a, req, &io, verb_create, doc, err);
	prepared_given(&a->prepared);
	return later(r);
}

static int handle_start(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	const struct hv_agent_container *m = req->message;
	struct job_io io = { .container = m->id };

	return later(job_start(a, req, &io, verb_start, doc, err));
}

static int handle_exec(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	const struct hv_agent_exec *m = req->message;
	struct job_io io = { (uint32_t)m->number, m->process->terminal, NULL };

	if (m->number <= PROCESS_INIT || number_in_use(a, io.number)) {
		oci_doc_free(doc);
		return error_set(err, EINVAL, "EXEC: the number %u is in use", io.number);
	}
	return later(job_start(a, req, &io, verb_exec, doc, err));
}

static int handle_debug(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	const struct hv_agent_exec *m = req->message;
	int r = 0;

	if (m->number <= PROCESS_INIT || number_in_use(a, (uint32_t)m->number))
		r = error_set(err, EINVAL, "DEBUG: the number %u is in use", (uint32_t)m->number);
	else if (!m->has_program_size || m->process->n_args == 0 || m->process->n_env == 0)
		r = error_set(err, EINVAL, "DEBUG: programSize, process.args and process.env are needed");
	if (r < 0) {
		oci_doc_free(doc);
		return r;
	}
	return later(debug_begin(a, req, doc, err));
}

/* One process is ours to wait for, so its pid is good; all of them are the native code's business. */
static int handle_signal(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	const struct hv_agent_signal *m = req->message;
	_cleanup_doc_ _unused_ struct oci_doc *owned = doc;
	const struct process *p;

	if (m->all)
		return later(job_start(a, req, NULL, verb_signal, TAKE_PTR(owned), err));
	p = process_find(a, m->has_number ? (uint32_t)m->number : PROCESS_INIT);
	if (!p || p->exited)
		return error_set(err, ESRCH, "container not running");
	return kill(p->pid, (int)m->signal) < 0 ? error_errno(err, "kill") : 0;
}

static int handle_freeze(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	return later(job_start(a, req, NULL, verb_freeze, doc, err));
}

static int handle_update(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	return later(job_start(a, req, NULL, verb_update, doc, err));
}

static int handle_mount(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	return later(job_start(a, req, NULL, verb_mount, doc, err));
}

static int handle_processes(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	return later(job_start(a, req, NULL, verb_processes, doc, err));
}

static int handle_stats(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	return later(job_start(a, req, NULL, verb_stats, doc, err));
}

static int handle_wait_oom(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	return later(job_start(a, req, NULL, verb_wait_oom, doc, err));
}

static int handle_network(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	return later(job_start(a, req, NULL, verb_network, doc, err));
}

static int handle_resize(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	_cleanup_doc_ _unused_ struct oci_doc *owned = doc;
	const struct hv_agent_resize *m = req->message;
	struct winsize size = { .ws_row = (unsigned short)m->height, .ws_col = (unsigned short)m->width };
	const struct process *p = process_find(a, m->has_number ? (uint32_t)m->number : PROCESS_INIT);

	if (!p || p->tty_fd < 0)
		return error_set(err, ENOTTY, "RESIZE: the process has no terminal");
	return ioctl(p->tty_fd, TIOCSWINSZ, &size) < 0 ? error_errno(err, "TIOCSWINSZ") : 0;
}

/* One container of several; the machine stays. */
static int handle_remove(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	return later(job_start(a, req, NULL, verb_remove, doc, err));
}

/*
 * In a guest everything ends with the machine, and the host ends that when it has the answer: what was written is where it belongs then. A
 * power-off from in here would only take longer.
 */
static int handle_destroy(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err)
{
	if (!a->guest)
		return later(job_start(a, req, NULL, verb_remove, doc, err));
	oci_doc_free(doc);
	sync();
	return 0;
}

static const struct {
	const struct oci_type *type;
	handler_fn *handle;
	bool before_seed;
} requests[] = {
	[MESSAGE_SEED] = { &hv_agent_seed_type, handle_seed, true },
	[MESSAGE_CREATE] = { &hv_agent_create_type, handle_create, false },
	[MESSAGE_START] = { &hv_agent_container_type, handle_start, false },
	[MESSAGE_EXEC] = { &hv_agent_exec_type, handle_exec, false },
	[MESSAGE_DEBUG] = { &hv_agent_exec_type, handle_debug, false },
	[MESSAGE_SIGNAL] = { &hv_agent_signal_type, handle_signal, false },
	[MESSAGE_RESIZE] = { &hv_agent_resize_type, handle_resize, false },
	[MESSAGE_DESTROY] = { &hv_agent_remove_type, handle_destroy, true },
	[MESSAGE_FREEZE] = { &hv_agent_freeze_type, handle_freeze, false },
	[MESSAGE_UPDATE] = { &hv_agent_update_type, handle_update, false },
	[MESSAGE_PROCESSES] = { &hv_agent_container_type, handle_processes, false },
	[MESSAGE_STATS] = { &hv_agent_container_type, handle_stats, false },
	[MESSAGE_NETWORK] = { &hv_agent_network_type, handle_network, false },
	[MESSAGE_WAIT_OOM] = { &hv_agent_wait_oom_type, handle_wait_oom, false },
	[MESSAGE_MOUNT] = { &hv_agent_mount_type, handle_mount, false },
	[MESSAGE_REMOVE] = { &hv_agent_remove_type, handle_remove, false },
};

static int handle_request(struct agent *a, const struct frame *f, struct error *err)
{
	struct request req = { .type = f->type, .id = f->id };
	struct oci_doc *doc;
	int r;

	if (!requests[f->type].before_seed && !a->seeded)
		return error_set(err, EPROTO, "%s before SEED", message_to_string(f->type));
	r = json_parse(requests[f->type].type, f->body, f->len, &doc, err);
	if (r < 0)
		return error_wrap(err, "%s", message_to_string(f->type));
	req.message = oci_doc_root(doc);
	return requests[f->type].handle(a, &req, doc, err);
}

static int on_control_frame(void *data, _unused_ struct channel *c, const struct frame *f, struct error *err)
{
	struct agent *a = data;
	struct error e;
	int r;

	if (f->flags || f->type >= ARRAY_SIZE(requests) || !requests[f->type].handle)
		return error_set(err, EPROTO, "unexpected frame on the control port: type %u, flags 0x%x", f->type, f->flags);
	r = handle_request(a, f, &e);
	if (r < 0)
		channel_send_error(a->control, f->type, f->id, &e);
	else if (r != HANDLED_LATER)
		channel_send(a->control, f->type, FRAME_REPLY, f->id, NULL, 0);
	return 0;
}

static int end(struct agent *a, const struct error *reason, struct error *err)
{
	if (reason) {
		*err = *reason;
		return -reason->code;
	}
	event_loop_exit(a->loop, 0);
	return 0;
}

static int on_control_closed(void *data, _unused_ struct channel *c, const struct error *reason, struct error *err)
{
	return end(data, reason, err);
}

static int on_streams_closed(void *data, const struct error *reason, struct error *err)
{
	return end(data, reason, err);
}

static int on_flushed(void *data, uint32_t process, struct error *err)
{
	return process_flushed(data, process, err);
}

static int on_idle(void *data, uint32_t process, _unused_ struct error *err)
{
	debug_arrived(data, process);
	return 0;
}

static int on_signal(void *data, int sig, _unused_ pid_t from, struct error *err)
{
	return sig == SIGCHLD ? process_reap(data, err) : 0;
}

static int send_hello(struct agent *a, struct error *err)
{
	struct hv_agent_hello hello = {
		.version_min = PROTOCOL_VERSION_MIN, .version_max = PROTOCOL_VERSION_MAX, .agent = (char *)PACKAGE_VERSION
	};
	_cleanup_free_ char *body = NULL;
	struct utsname uts;
	size_t len;
	int r;

	uname(&uts);
	hello.kernel = uts.release;
	hello.machine = uts.machine;
	r = json_write(&hv_agent_hello_type, &hello, &body, &len, err);
	if (r == 0)
		channel_send(a->control, MESSAGE_HELLO, 0, 0, body, len);
	return r;
}

/* SIGPIPE is what a write to a process that is gone raises; nobody else has reason to send us anything. */
static int add_signals(struct agent *a, struct error *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGPIPE);
	return event_add_signals(a->loop, &set, on_signal, a, NULL, err);
}

int agent_run(struct agent *a, int control_fd, int stream_fd, struct error *err)
{
	static const struct channel_ops control_ops = { .frame = on_control_frame, .closed = on_control_closed };
	static const struct mux_ops mux_ops = { .flushed = on_flushed, .idle = on_idle, .closed = on_streams_closed };
	_cleanup_fd_ int stream = stream_fd;
	int r;

	r = event_loop_new(&a->loop, err);
	if (r < 0) {
		fd_close(control_fd);
		return r;
	}
	r = channel_new(a->loop, control_fd, FRAME_CONTROL_MAX, &control_ops, a, &a->control, err);
	if (r == 0)
		r = mux_new(a->loop, TAKE_FD(stream), false, &mux_ops, a, &a->mux, err);
	if (r == 0)
		r = add_signals(a, err);
	if (r == 0)
		r = send_hello(a, err);
	if (r == 0)
		r = event_loop_run(a->loop, err);
	jobs_done(a);
	debugs_done(a);
	processes_done(a);
	mux_free(a->mux);
	channel_free(a->control);
	event_loop_free(a->loop);
	return r;
}
