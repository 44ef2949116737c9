/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_LAUNCH_H
#define HV_HYPERV_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "container/isolation.h"

struct cgroup;

/* A worker process that has been started and waits for its first message. */
struct launch {
	pid_t pid; /* a child of ours; 0 = none */
	int sock;
};
#define LAUNCH_NONE ((struct launch){ .sock = -1 })

struct launch_request {
	const char *binary;
	const char *id;
	const char *role; /* "exec", "debug-shell", "template": for the list of processes; NULL: a container's */
	const int *stdio;
	bool ends_with_us; /* killed when the caller's thread has gone (PR_SET_PDEATHSIG, prctl(2)) */
	const struct cgroup *cgroup; /* to be put into, before it is told anything */
};

/* Starts hvrun-vmwp. Returns 0, or < 0 with nothing left. */
int launch_start(const struct launch_request *req, struct launch *ret, struct error *err);

/* Kills the worker, waits for its end, and closes the socket. */
void launch_abort(struct launch *l);

/* The worker stays; the socket is closed. */
void launch_done(struct launch *l);

#endif
