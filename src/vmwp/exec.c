/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The worker of an exec or of a debugging shell: a host process that stands for a process in the guest (standin.h), so that exec --detach --pid-file has a pid to
 * tell, signals have somewhere to go and a shim something to wait for.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "proto/client.h"
#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/standin.h"
#include "vmwp/worker.h"

struct exec {
	struct standin s; /* first: the callbacks get it */
	uint16_t type;	  /* MESSAGE_EXEC, MESSAGE_DEBUG */
	int program_fd;	  /* DEBUG's; -1 when it has been sent */
	int launcher_fd;  /* -1 when it has its answer */
};

enum { EXEC_REQUEST = 1 };

/* Tells hvrun how it went: the answer to its EXEC or DEBUG. */
static void answer(struct exec *x, const struct error *e)
{
	if (x->launcher_fd >= 0)
		standin_answer(x->launcher_fd, x->type, 1, e);
	x->launcher_fd = fd_close(x->launcher_fd);
}

static void answered(struct standin *s, const struct frame *f)
{
	struct exec *x = (struct exec *)s;
	struct error e;

	if (f->type != x->type || f->id != EXEC_REQUEST)
		return;
	if (f->flags & FRAME_ERROR) {
		frame_get_error(f, &e);
		answer(x, &e);
		standin_end(s, 255 << 8);
	} else {
		standin_forward_size(s);
		answer(x, NULL);
	}
}

static void gone(struct standin *s)
{
	struct error e;

	error_set(&e, ECONNRESET, "container not running");
	answer((struct exec *)s, &e);
}

static const struct standin_ops ops = { .answered = answered, .gone = gone };

/* EXEC with our stdio, which is no longer ours then; DEBUG with the program, too. */
static int send_exec(struct exec *x, int sock, const struct hv_agent_exec *exec, struct error *err)
{
	bool terminal = x->s.tty_fd >= 0;
	const int fds[] = { terminal ? x->s.tty_fd : 0, terminal ? x->program_fd : 1, 2, x->program_fd };
	size_t n = (terminal ? 1 : 3) + (x->program_fd >= 0 ? 1 : 0);
	_cleanup_free_ char *body = NULL;
	size_t len;
	int r;

	r = json_write(&hv_agent_exec_type, exec, &body, &len, err);
	if (r == 0)
		r = client_send(sock, x->type, 0, EXEC_REQUEST, body, len, fds, n, err);
	if (r < 0)
		return r;
	x->program_fd = fd_close(x->program_fd);
	x->s.last_request = EXEC_REQUEST;
	return standin_leave_host(err);
}

static int serve(struct exec *x, int sock, const struct hv_agent_exec *exec, struct error *err)
{
	_cleanup_fd_ int own = sock;
	int r = standin_prepare(&x->s, err);

	if (r == 0)
		r = send_exec(x, own, exec, err);
	return r < 0 ? r : standin_serve(&x->s, TAKE_FD(own), err);
}

int exec_run(int launcher_fd, const struct frame *setup, int *fds, size_t n_fds, int *ret_wait_status, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct exec x = { .s = { .ops = &ops, .tty_fd = -1 }, .type = setup->type, .program_fd = -1, .launcher_fd = launcher_fd };
	size_t n_program = setup->type == MESSAGE_DEBUG ? 1 : 0;
	const struct hv_worker_exec *m = NULL;
	int r;

	prctl(PR_SET_DUMPABLE, 0);
	r = json_parse(&hv_worker_exec_type, setup->body, setup->len, &doc, err);
	if (r == 0) {
		m = oci_doc_root(doc);
		x.s.id = m->exec->id;
		if (n_fds != 1 + n_program + (m->console ? 1u : 0u) || m->console != m->exec->process->terminal)
			r = error_set(err, EPROTO, "%s: wrong number of descriptors", message_to_string(setup->type));
		else if (m->console)
			r = x.s.tty_fd = terminal_open(TAKE_FD(fds[1 + n_program]), m->exec->process->console_size, err);
		if (r >= 0 && n_program)
			x.program_fd = TAKE_FD(fds[1]);
	}
	if (r >= 0)
		r = serve(&x, TAKE_FD(fds[0]), m->exec, err);
	if (r < 0)
		answer(&x, err);
	standin_done(&x.s);
	fd_close(x.program_fd);
	fd_close(x.launcher_fd);
	*ret_wait_status = x.s.wait_status;
	return r;
}
