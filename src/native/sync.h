/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_SYNC_H
#define HV_NATIVE_SYNC_H

#include "base/error.h"

/*
 * What parent and child tell each other while a container process is made, over a SOCK_SEQPACKET pair. The
 * child's path is GO? HOOKS GO? READY; the parent answers with GO where the child waits, and either end of
 * the pair closing means the other died.
 */
enum sync_type {
	SYNC_GO,       /* parent: go on (id maps written; hooks done; in the cgroup) */
	SYNC_CHILD,    /* middle process: value is the pid of the process it made, negative when it is not yet in its cgroup */
	SYNC_HOOKS,    /* child: mounts are there, run prestart and createRuntime */
	SYNC_LISTENER, /* child: its filter is loaded, value is its fd of the notifications; answered with GO
			*/
	SYNC_READY,    /* child: waits for start */
	SYNC_ERROR,    /* child: it failed, error says why */
	_SYNC_MAX,
};

const char *sync_type_to_string(enum sync_type type);

/* Sends one message. Returns 0, or < 0. Async-signal-safe. */
int sync_send(int fd, enum sync_type type, int value, struct error *err);

/*
 * The same by write(2), which a filter with SCMP_ACT_NOTIFY must let pass: for the child, which dies of
 * SIGPIPE when the parent has gone.
 */
int sync_tell(int fd, enum sync_type type, int value, struct error *err);

/*
 * Child: tells that fd listener is what seccomp notifications come from, and waits until the parent has taken
 * it. The filter is already at work: one write and one read, nothing else.
 */
int sync_pass_listener(int fd, int listener, struct error *err);

/* Sends *error as SYNC_ERROR; a failure to do so is not told: who should hear it is gone. */
void sync_send_error(int fd, const struct error *error);

/*
 * Receives the next message, which must be of that type: a SYNC_ERROR becomes *err, its text unchanged. The
 * other side having gone is an error too. value may be NULL. Returns 0, or < 0.
 */
int sync_expect(int fd, enum sync_type type, int *ret_value, struct error *err);

#endif
