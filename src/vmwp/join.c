/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker of a container in another's VM, a member of its pod: with all duties of a container's process on the host, but without a VMM.
 * It is in the pod's network namespace and adds the container to the VM by way of that VM's worker (members.c): ADD with its stdio, then
 * SHARE for each file system and DISK for each disk, each answered before the next so that descriptors never pile up. Then hvrun runs its hooks, and says CREATE.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "linux/sys.h"
#include "proto/client.h"
#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/standin.h"
#include "vmwp/worker.h"

enum {
	ANSWER_TIMEOUT_MS = 30000, /* of a worker that has nothing to wait for */
	CREATE_ID = 1,		   /* hvrun's request */
};

struct join {
	struct standin s; /* first: the callbacks get it */
	struct channel *launcher;
	bool asked, created;
};

/* The end of a create that has failed; hvrun knows why. */
static void fail(struct join *j, const struct error *e)
{
	if (j->launcher && !j->created)
		channel_send_error(j->launcher, MESSAGE_CREATE, CREATE_ID, e);
	standin_end(&j->s, 255 << 8);
}

static void answered(struct standin *s, const struct frame *f)
{
	struct join *j = (struct join *)s;
	struct error e;

	if (f->type != MESSAGE_CREATE)
		return;
	if (f->flags & FRAME_ERROR) {
		frame_get_error(f, &e);
		fail(j, &e);
		return;
	}
	j->created = true;
	standin_forward_size(s);
	if (j->launcher)
		channel_send(j->launcher, MESSAGE_CREATE, FRAME_REPLY, CREATE_ID, NULL, 0);
}

static void gone(struct standin *s)
{
	struct error e;

	error_set(&e, ECONNRESET, "the virtual machine of the pod's sandbox has ended");
	fail((struct join *)s, &e);
}

static bool signalled(struct standin *s, int sig)
{
	struct join *j = (struct join *)s;
	struct error e;

	if (j->created)
		return false;
	error_set(&e, EINTR, "interrupted by signal %d", sig);
	fail(j, &e);
	return true;
}

static const struct standin_ops ops = { .answered = answered, .gone = gone, .signalled = signalled };

/* hvrun: CREATE, once. It goes when it has its answer; before, that is the end of us. */
static int on_launcher_frame(void *data, _unused_ struct channel *c, const struct frame *f, struct error *err)
{
	struct join *j = data;

	if (f->type != MESSAGE_CREATE || f->flags || f->id != CREATE_ID || j->asked)
		return error_set(err, EPROTO, "unexpected frame: type %u, flags 0x%x", f->type, f->flags);
	j->asked = true;
	channel_send(j->s.worker, MESSAGE_CREATE, 0, ++j->s.last_request, NULL, 0);
	return 0;
}

static int on_launcher_closed(void *data, _unused_ struct channel *c, _unused_ const struct error *reason, _unused_ struct error *err)
{
	struct join *j = data;

	j->launcher = channel_free(j->launcher);
	if (!j->created)
		standin_end(&j->s, 255 << 8);
	return 0;
}

/* set-up --------------------------------------------------------------------------------------------------------------- */

/* The descriptors, in the order of worker.json. */
struct join_fds {
	int connection, state, network, console;
	const int *shares, *disks;
};

static int sort_fds(const struct hv_worker_join *m, int *fds, size_t n_fds, struct join_fds *ret, struct error *err)
{
	size_t fixed = 3 + (m->console ? 1 : 0);

	if (n_fds != fixed + m->n_shares + m->n_disks || m->console != m->member->create->terminal)
		return error_set(err, EPROTO, "JOIN: %zu descriptors came, %zu are needed", n_fds, fixed + m->n_shares + m->n_disks);
	*ret = (struct join_fds){ fds[0], fds[1], fds[2], m->console ? fds[3] : -1, fds + fixed, fds + fixed + m->n_shares };
	return 0;
}

static int call(int sock, struct client_request *req, const struct oci_type *type, const void *root, struct error *err)
{
	_cleanup_free_ char *body = NULL;
	int r = json_write(type, root, &body, &req->len, err);

	req->body = body;
	req->timeout_ms = ANSWER_TIMEOUT_MS;
	return r < 0 ? r : client_call(sock, req, NULL, err);
}

static int add(struct join *j, const struct hv_worker_join *m, const struct join_fds *f, struct error *err)
{
	const int plain[] = { f->state, 0, 1, 2 }, terminal[] = { f->state, j->s.tty_fd };
	struct client_request req = { .type = MESSAGE_ADD, .fds = m->console ? terminal : plain, .n_fds = m->console ? 2 : 4 };
	int r = call(f->connection, &req, &hv_worker_member_type, m->member, err);

	for (size_t i = 0; r == 0 && i < m->n_shares; i++) {
		struct client_request share = { .type = MESSAGE_SHARE, .fds = &f->shares[i], .n_fds = 1 };

		r = call(f->connection, &share, &hv_worker_share_type, &m->shares[i], err);
	}
	for (size_t i = 0; r == 0 && i < m->n_disks; i++) {
		struct client_request disk = { .type = MESSAGE_DISK, .fds = &f->disks[i], .n_fds = 1 };

		r = call(f->connection, &disk, &hv_worker_disk_type, &m->disks[i], err);
	}
	return r;
}

static int set_up(struct join *j, const struct hv_worker_join *m, const struct join_fds *f, struct error *err)
{
	int r = sys_setns(f->network, CLONE_NEWNET);

	if (r < 0)
		return error_errnum(err, r, "join the network namespace");
	if (m->console)
		r = j->s.tty_fd = terminal_open(fcntl(f->console, F_DUPFD_CLOEXEC, 3), m->console_size, err);
	if (r >= 0)
		r = standin_prepare(&j->s, err);
	if (r >= 0)
		r = add(j, m, f, err);
	return r < 0 ? r : standin_leave_host(err);
}

static int join(struct join *j, const struct frame *message, int *fds, size_t n_fds, struct oci_doc **doc, struct error *err)
{
	const struct hv_worker_join *m;
	struct join_fds f = { 0 };
	int r = json_parse(&hv_worker_join_type, message->body, message->len, doc, err);

	if (r < 0)
		return r;
	m = oci_doc_root(*doc);
	j->s.id = m->member->create->id;
	r = sort_fds(m, fds, n_fds, &f, err);
	return r < 0 ? r : set_up(j, m, &f, err);
}

static int serve(struct join *j, int launcher_fd, int connection, struct error *err)
{
	static const struct channel_ops launcher_ops = { .frame = on_launcher_frame, .closed = on_launcher_closed };
	_cleanup_fd_ int sock = connection;
	int r = channel_new(j->s.loop, launcher_fd, FRAME_CONTROL_MAX, &launcher_ops, j, &j->launcher, err);

	return r < 0 ? r : standin_serve(&j->s, TAKE_FD(sock), err);
}

int join_run(int launcher_fd, const struct frame *message, int *fds, size_t n_fds, int *ret_wait_status, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct join j = { .s = { .ops = &ops, .tty_fd = -1 } };
	int r, sock = -1;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	prctl(PR_SET_DUMPABLE, 0);
	r = join(&j, message, fds, n_fds, &doc, err);
	if (r == 0)
		sock = TAKE_FD(fds[0]);
	for (size_t i = 0; i < n_fds; i++)
		fds[i] = fd_close(fds[i]);
	standin_answer(launcher_fd, MESSAGE_JOIN, message->id, r < 0 ? err : NULL);
	if (r == 0)
		r = serve(&j, launcher_fd, sock, err);
	channel_free(j.launcher);
	standin_done(&j.s);
	*ret_wait_status = j.s.wait_status;
	return r;
}
