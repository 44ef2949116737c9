/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The life of a container in a VM, as one host process: it boots the guest, has the container made, passes on streams, signals and
 * verbs, and ends as the container's process ended. The order at both ends:
 *
 *   SETUP → namespaces, VMM started, answered → (hvrun runs its hooks) → CREATE; HELLO → SEED → CREATE to the guest → answered.
 *   EXIT (behind the last byte of output) → output written → DESTROY → answered: the VMM is killed → exit.
 *
 * When the VM goes first, everybody who waits is told why, and the worker dies by SIGKILL, as the container did.
 */
#include "vmwp/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "linux/sys.h"
#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/members.h"

enum { POWER_OFF_USEC = 2000000, ANSWERS_USEC = 5000000 };

/* the end -------------------------------------------------------------------------------------------------------------- */

int worker_fail(struct worker *w, const struct error *e)
{
	if (w->phase == PHASE_POWER_OFF)
		return 0;
	w->failure = *e;
	if (w->phase < PHASE_EXITED)
		w->wait_status = SIGKILL;
	if (w->phase >= PHASE_CREATED)
		log_error("container \"%s\": %s", w->setup->id, e->msg);
	if (w->phase < PHASE_CREATED)
		clients_tell_launcher(w, e);
	guest_fail_requests(w, e);
	w->phase = PHASE_POWER_OFF;
	vm_kill(w);
	if (!w->vmm_running)
		event_loop_exit(w->loop, 0);
	return 0;
}

static int on_power_timeout(void *data, _unused_ struct error *err)
{
	log_debug("the guest does not say that it can be ended: it is killed");
	vm_kill(data);
	return 0;
}

/* What it has written is in the host's hands, or it has failed to do that: nothing more comes of it. */
static int destroyed(struct worker *w, _unused_ const struct pending *p, _unused_ const struct frame *f,
		     _unused_ const struct error *e, _unused_ struct error *err)
{
	vm_kill(w);
	return 0;
}

int worker_power_off(struct worker *w)
{
	const struct pending destroy = { .answered = destroyed };
	enum phase was = w->phase;
	struct error e;

	if (was == PHASE_POWER_OFF)
		return 0;
	if (was < PHASE_EXITED)
		w->wait_status = SIGKILL;
	w->phase = PHASE_POWER_OFF;
	if (was < PHASE_READY || event_add_timer(w->loop, POWER_OFF_USEC, on_power_timeout, w, &w->power_timer, &e) < 0) {
		vm_kill(w);
		return 0;
	}
	guest_send(w, MESSAGE_DESTROY, &hv_agent_container_type, &(struct hv_agent_container){ .id = w->setup->id }, &destroy);
	return 0;
}

void tell_end(const struct remote *r)
{
	struct hv_agent_exit m = { 0 };
	_cleanup_free_ char *body = NULL;
	struct error err;
	size_t len;

	m.has_signal = (r->wait_status & 0x7f) != 0;
	m.has_code = !m.has_signal;
	m.signal = (uint32_t)r->wait_status & 0x7f;
	m.code = (uint32_t)r->wait_status >> 8;
	if (r->client && json_write(&hv_agent_exit_type, &m, &body, &len, &err) == 0)
		channel_send(r->client->channel, MESSAGE_EXIT, 0, r->number, body, len);
}

void end_process(struct worker *w, struct remote *r)
{
	tell_end(r);
	remote_remove(w, r);
}

static int on_answers_timeout(void *data, struct error *err)
{
	struct worker *w = data;

	w->answers_late = true;
	return worker_check_end(w, err);
}

/*
 * What ended the container may be what somebody asked for (FREEZE lets go of a process with a signal pending): the end waits for the answers that
 * the guest owes, a while. START's is behind its hooks, but EXIT is behind that.
 */
static bool waits_for_answers(struct worker *w)
{
	struct error e;

	if (w->answers_late || !(guest_owes_answers(w) || guest_waits_for(w, MESSAGE_START, PROCESS_INIT)))
		return false;
	return w->answers_timer || event_add_timer(w->loop, ANSWERS_USEC, on_answers_timeout, w, &w->answers_timer, &e) == 0;
}

int worker_check_end(struct worker *w, _unused_ struct error *err)
{
	struct remote *r, *next;

	members_check_end(w);
	for (r = w->remotes; r; r = next) {
		next = r->next;
		if (r->number != PROCESS_INIT && !r->member && r->exited && r->known && mux_is_idle(w->mux, r->number))
			end_process(w, r);
	}
	if (w->phase == PHASE_EXITED && mux_is_idle(w->mux, PROCESS_INIT) && !waits_for_answers(w))
		return worker_power_off(w);
	return 0;
}

int worker_exited(struct worker *w, struct remote *r, int wait_status, struct error *err)
{
	if (!r->known && (r->number == PROCESS_INIT || (r->member && member_is_new(r->member))))
		return error_set(err, EPROTO, "EXIT of a container that has not been created");
	r->exited = true;
	r->wait_status = wait_status;
	mux_remove(w->mux, stream_id(r->number, STREAM_STDIN)); /* nobody reads it: a terminal's manager must see the hang-up */
	if (r->number == PROCESS_INIT && w->phase == PHASE_CREATED) {
		w->wait_status = wait_status;
		w->phase = PHASE_EXITED;
	}
	if (r->member)
		member_end(w, r->member);
	return worker_check_end(w, err);
}

/* create --------------------------------------------------------------------------------------------------------------- */

static void forward_size(struct worker *w)
{
	const struct pending nobody = { 0 };
	struct winsize size;

	if (w->tty_fd < 0 || w->phase != PHASE_CREATED || ioctl(w->tty_fd, TIOCGWINSZ, &size) < 0)
		return;
	guest_send(w, MESSAGE_RESIZE, &hv_agent_resize_type,
		   &(struct hv_agent_resize){ .width = size.ws_col, .height = size.ws_row }, &nobody);
}

/*
 * Entries that the guest may write to only while the container is made: a read-only rootfs needs its mount points. From here on no
 * bug in the guest can change it.
 */
static int close_shares(struct worker *w, struct error *err)
{
	char name[24];

	for (size_t i = 0; i < w->setup->n_shares; i++) {
		int r;

		snprintf(name, sizeof(name), "%zu", i);
		r = w->setup->shares[i].readonly_after_create ? share_close(w, name, err) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* The container is there, and so is its network. */
static int created(struct worker *w, _unused_ const struct pending *p, const struct frame *f, const struct error *e,
		   _unused_ struct error *err)
{
	if (!f)
		return worker_fail(w, e);
	w->phase = PHASE_CREATED;
	startup_mark(w, STARTUP_CREATED);
	remote_find(w, PROCESS_INIT)->known = true;
	mux_grant(w->mux, PROCESS_INIT);
	forward_size(w); /* it may have changed meanwhile */
	clients_tell_launcher(w, NULL);
	return 0;
}

static int create_answered(struct worker *w, _unused_ const struct pending *p, const struct frame *f, const struct error *e,
			   struct error *err)
{
	const struct pending network = { .answered = created };
	struct error mine;
	int r;

	if (f && close_shares(w, &mine) < 0) {
		f = NULL;
		e = &mine;
	}
	if (!f)
		return worker_fail(w, e);
	r = network_update(w, &network, &mine);
	if (r < 0)
		return worker_fail(w, &mine);
	return r > 0 ? 0 : created(w, p, f, e, err);
}

static void add_own_streams(struct worker *w)
{
	if (w->tty_fd >= 0) {
		/* an engine that reads our caller's output until its end waits for everybody who has it */
		for (int i = 0; i < 3; i++)
			w->stdio[i] = fd_close(w->stdio[i]);
		mux_add_source(w->mux, stream_id(PROCESS_INIT, STREAM_STDIN), fcntl(w->tty_fd, F_DUPFD_CLOEXEC, 3));
		mux_add_sink(w->mux, stream_id(PROCESS_INIT, STREAM_STDOUT), fcntl(w->tty_fd, F_DUPFD_CLOEXEC, 3));
		return;
	}
	mux_add_source(w->mux, stream_id(PROCESS_INIT, STREAM_STDIN), TAKE_FD(w->stdio[0]));
	mux_add_sink(w->mux, stream_id(PROCESS_INIT, STREAM_STDOUT), TAKE_FD(w->stdio[1]));
	mux_add_sink(w->mux, stream_id(PROCESS_INIT, STREAM_STDERR), TAKE_FD(w->stdio[2]));
}

int worker_create(struct worker *w, _unused_ struct error *err)
{
	const struct pending p = { .answered = create_answered };

	if (w->phase != PHASE_READY || !w->create_asked)
		return 0;
	w->phase = PHASE_CREATING;
	startup_mark(w, STARTUP_CREATE);
	remote_add(w, PROCESS_INIT, NULL);
	add_own_streams(w);
	guest_send(w, MESSAGE_CREATE, &hv_agent_create_type, w->setup->create, &p);
	return 0;
}

/* signals ---------------------------------------------------------------------------------------------------------------- */

static int forward_signal(struct worker *w, int sig)
{
	const struct pending nobody = { 0 };
	struct error e;

	if (w->phase < PHASE_CREATED) {
		error_set(&e, EINTR, "interrupted by signal %d", sig);
		return worker_fail(w, &e);
	}
	if (w->phase == PHASE_CREATED)
		guest_send(w, MESSAGE_SIGNAL, &hv_agent_signal_type,
			   &(struct hv_agent_signal){ .id = w->setup->id, .signal = (uint32_t)sig }, &nobody);
	return 0;
}

/* What is sent to the worker is meant for the container; what the kernel tells the worker itself is not. */
static int on_signal(void *data, int sig, pid_t from, _unused_ struct error *err)
{
	struct worker *w = data;

	if (sig == SIGCHLD || (sig == SIGPIPE && from == getpid()))
		return 0;
	if (sig == SIGWINCH && w->tty_fd >= 0) {
		forward_size(w);
		return 0;
	}
	return forward_signal(w, sig);
}

/* All but those that say that the worker itself is broken: blocked, the kernel kills it by them all the same. */
static int add_signals(struct worker *w, struct error *err)
{
	sigset_t set;

	sigfillset(&set);
	return event_add_signals(w->loop, &set, on_signal, w, NULL, err);
}

/* the worker --------------------------------------------------------------------------------------------------------------- */

static int on_boot_timeout(void *data, _unused_ struct error *err)
{
	struct worker *w = data;
	struct error e;

	error_set(&e, ETIMEDOUT, "the guest did not answer within %u seconds (hyperv.boot_timeout)", w->setup->boot_timeout);
	vm_explain(w, &e);
	return vm_failed(w, &e);
}

static int answer_setup(int launcher_fd, uint64_t id, const struct error *e)
{
	_cleanup_buf_ struct buf out = { 0 };

	if (e)
		frame_append_error(&out, MESSAGE_SETUP, id, e);
	else
		frame_append(&out, MESSAGE_SETUP, FRAME_REPLY, id, NULL, 0);
	return fd_write_all(launcher_fd, out.data, out.len);
}

static int prepare(struct worker *w, int *fds, size_t n_fds, struct error *err)
{
	int r = setup_worker(w, fds, n_fds, err);

	if (r == 0)
		r = event_loop_new(&w->loop, err);
	if (r == 0)
		r = add_signals(w, err);
	if (r == 0)
		r = clients_listen(w, err);
	if (r == 0)
		r = event_add_timer(w->loop, BOOT_USEC(w), on_boot_timeout, w, &w->boot_timer, err);
	if (r == 0)
		r = vm_start(w, err);
	return r;
}

static int serve(struct worker *w, int launcher_fd, struct error *err)
{
	int r = client_add(w, launcher_fd, true, err);

	return r < 0 ? r : event_loop_run(w->loop, err);
}

static void worker_done(struct worker *w)
{
	vm_done(w);
	members_done(w);
	hot_shares_done(w);
	clients_done(w);
	event_loop_free(w->loop);
	for (int i = 0; i < 3; i++)
		fd_close(w->stdio[i]);
	fd_close(w->tty_fd);
	fd_close(w->listen_fd);
	fd_close(w->state_dirfd);
	fd_close(w->share_dirfd);
	log_file_done(&w->console_log);
	log_file_done(&w->vmm_log);
	fd_close(w->tree_fd);
	fd_close(w->mounts_fd);
	oci_doc_free(w->setup_doc);
}

int worker_run(const char *id, int launcher_fd, const struct frame *setup, int *fds, size_t n_fds, struct error *err)
{
	struct worker w = WORKER_NONE;
	int r;

	startup_mark(&w, STARTUP_SETUP);
	r = json_parse(&hv_worker_setup_type, setup->body, setup->len, &w.setup_doc, err);
	if (r == 0) {
		w.setup = oci_doc_root(w.setup_doc);
		r = prepare(&w, fds, n_fds, err);
	}
	answer_setup(launcher_fd, setup->id, r < 0 ? err : NULL);
	if (r == 0)
		r = serve(&w, TAKE_FD(launcher_fd), err);
	worker_done(&w);
	fd_close(launcher_fd);
	if (r < 0)
		return r;
	log_debug("container \"%s\": wait status 0x%x", id, w.wait_status);
	process_exit_like(w.wait_status);
}
