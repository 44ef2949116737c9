/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_VMM_QMP_H
#define HV_HYPERV_VMM_QMP_H

#include "base/error.h"
#include "base/event.h"

/*
 * A client of QEMU's monitor (docs/interop/qmp-spec.txt) on an event loop. Commands are sent one behind the other, without waiting for
 * answers: QEMU takes them in order. An answer that says "done" tells nobody anything; what went wrong and what happens is called back.
 */
struct qmp;

struct qmp_ops {
	/* An event: its name, and the member "status" of its data ("" without one). */
	int (*event)(void *data, const char *name, const char *status, struct error *err);
	/* The answer to qmp_ask(), in the order of the calls; e: what was refused, and why, or NULL. May free the client. < 0 ends the loop. */
	int (*answered)(void *data, const struct error *e, struct error *err);
	/*
	 * The last call: a command was refused, or what came in is no QMP. May free the client, as event() may. That QEMU has closed its
	 * end is none: its exit says more.
	 */
	int (*failed)(void *data, const struct error *reason, struct error *err);
};

/* Takes fd, a stream socket. Returns 0, or < 0 with *err and fd closed. */
int qmp_new(struct event_loop *loop, int fd, const struct qmp_ops *ops, void *data, struct qmp **ret, struct error *err);
struct qmp *qmp_free(struct qmp *q);

/*
 * Sends a command; arguments is a JSON object, or NULL. pass_fd goes along (SCM_RIGHTS, for "getfd") and stays the caller's; -1: none.
 * Returns 0 or < 0: QEMU does not listen.
 */
int qmp_command(struct qmp *q, const char *name, const char *arguments, int pass_fd, struct error *err);

/* The same, but its answer is told, whatever it is, by ops->answered(). */
int qmp_ask(struct qmp *q, const char *name, const char *arguments, int pass_fd, struct error *err);

#endif
