/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker that makes a template: it boots a VM whose RAM is a file, waits for the agent's HELLO, and has the VMM save the rest. At
 * that moment the agent waits for its first message, has mounted nothing of the host's and has been told nothing by it.
 *
 * The directory that it fills has another name until the caller renames it, so what is left when anybody here is killed is never used.
 * The caller's end is ours, and ours is the VMM's. The lock came along so that it is held as long as one of us works.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "linux/sys.h"
#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/worker.h"

enum { N_FDS = 2 }; /* the directory, the lock */

static int open_file(const struct worker *w, const char *name, struct error *err)
{
	int fd = openat(w->template_dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	return fd < 0 ? error_errno(err, "template: create %s", name) : fd;
}

int template_hello(struct worker *w, uint32_t version, struct error *err)
{
	w->version = version;
	w->phase = PHASE_POWER_OFF; /* the VMM's exit is what is waited for */
	return w->vmm->save(w->monitor, w->devices_fd, err);
}

/* It may have been at its end already; now it fails. */
static int give_up(struct worker *w, const struct error *e)
{
	w->phase = PHASE_BOOTING;
	return worker_fail(w, e);
}

static int on_timeout(void *data, _unused_ struct error *err)
{
	struct worker *w = data;
	struct error e;

	error_set(&e, ETIMEDOUT, "the guest did not answer within %u seconds", w->setup->boot_timeout);
	vm_explain(w, &e);
	return give_up(w, &e);
}

/* Whoever started us; a hang-up is told as long as the descriptor is watched, so that ends with the first one. */
struct launcher {
	struct worker *worker;
	struct event_source *source;
};

static int on_launcher(void *data, _unused_ int fd, _unused_ uint32_t events, _unused_ struct error *err)
{
	struct launcher *l = data;
	struct error e;

	l->source = event_source_free(l->source);
	if (l->worker->failure.code)
		return 0;
	error_set(&e, ECONNRESET, "whoever started the worker has gone");
	return give_up(l->worker, &e);
}

static int prepare(struct launcher *l, int launcher_fd, struct error *err)
{
	struct worker *w = l->worker;
	int r;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0);
	w->n_disks = (unsigned)w->setup->vm->n_disks; /* with nothing in them */
	r = sys_unshare(CLONE_NEWNET);
	if (r < 0)
		return error_errnum(err, r, "make a network namespace");
	r = network_open(w, err);
	if (r == 0)
		r = w->memory_fd = open_file(w, "mem", err);
	if (r >= 0)
		r = w->devices_fd = open_file(w, "state", err);
	if (r >= 0 && ftruncate(w->memory_fd, (off_t)w->setup->vm->memory) < 0)
		r = error_errno(err, "template: size of mem");
	if (r >= 0)
		r = jail_enter(w, NULL, 0, err);
	if (r >= 0)
		r = event_loop_new(&w->loop, err);
	if (r >= 0)
		r = event_add_fd(w->loop, launcher_fd, EPOLLIN, on_launcher, l, &l->source, err);
	if (r >= 0)
		r = event_add_timer(w->loop, (uint64_t)w->setup->boot_timeout * 1000000, on_timeout, w, &w->boot_timer, err);
	return r < 0 ? r : vm_start(w, err);
}

static int build(struct worker *w, int launcher_fd, struct error *err)
{
	struct launcher launcher = { .worker = w };
	int r = prepare(&launcher, launcher_fd, err);

	if (r == 0)
		r = event_loop_run(w->loop, err);
	if (r >= 0 && w->failure.code) {
		*err = w->failure;
		r = -err->code;
	}
	if (r >= 0 && (w->vmm_running || w->vmm_status != 0))
		r = error_set(err, EIO, "the virtual machine ended with status 0x%x while it was saved", (unsigned)w->vmm_status);
	return r;
}

static int answer(int launcher_fd, uint64_t id, const struct hv_worker_template_done *done, const struct error *e)
{
	_cleanup_buf_ struct buf out = { 0 };
	_cleanup_free_ char *body = NULL;
	struct error err;
	size_t len;

	if (!e && json_write(&hv_worker_template_done_type, done, &body, &len, &err) == 0)
		frame_append(&out, MESSAGE_TEMPLATE, FRAME_REPLY, id, body, len);
	else
		frame_append_error(&out, MESSAGE_TEMPLATE, id, e ? e : &err);
	return fd_write_all(launcher_fd, out.data, out.len);
}

static int take_fds(struct worker *w, int *fds, size_t n_fds, int *ret_lock, struct error *err)
{
	if (n_fds != N_FDS) {
		while (n_fds > 0)
			fd_close(fds[--n_fds]);
		return error_set(err, EPROTO, "TEMPLATE without its descriptors");
	}
	w->template_dirfd = fds[0];
	*ret_lock = fds[1];
	return 0;
}

int template_run(int launcher_fd, const struct frame *message, int *fds, size_t n_fds, struct error *err)
{
	struct worker w = WORKER_NONE;
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct hv_worker_setup setup = { 0 };
	_cleanup_fd_ int lock = -1;
	int r = take_fds(&w, fds, n_fds, &lock, err);

	w.start = VMM_START_TEMPLATE;
	if (r == 0)
		r = json_parse(&hv_worker_template_type, message->body, message->len, &doc, err);
	if (r == 0) {
		const struct hv_worker_template *m = oci_doc_root(doc);

		setup.id = m->id;
		setup.vm = m->vm;
		setup.share_dir = m->share_dir;
		setup.boot_timeout = m->boot_timeout;
		w.setup = &setup;
		r = build(&w, launcher_fd, err);
	}
	vm_done(&w);
	event_loop_free(w.loop);
	answer(launcher_fd, message->id, &(struct hv_worker_template_done){ .version = w.version }, r < 0 ? err : NULL);
	return r < 0 ? r : 0;
}
