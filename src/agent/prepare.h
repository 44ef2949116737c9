/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_PREPARE_H
#define HV_AGENT_PREPARE_H

#include "base/error.h"
#include "container/bundle.h"

/*
 * What most containers need and what depends on none of them, made before the guest says HELLO: a copy of a template has it then, and so
 * much less to do. -1: there is none (any more). The fds are CLOEXEC.
 */
struct prepared {
	int network_fd, ipc_fd; /* a new namespace of either kind, for the first container that wants a new one */
	int device_filter_fd;	/* keeps the usual device filter loaded: any number of containers */
};

#define PREPARED_NONE { .network_fd = -1, .ipc_fd = -1, .device_filter_fd = -1 }

/*
 * Fills *ret. Only for PID 1 of a guest, which has one thread: it enters the namespaces and comes back. What this kernel does not have is
 * left out: the container that needs it says so. Returns 0, or < 0 with *err when there is no way back.
 */
int prepare(struct prepared *ret, struct error *err);

/*
 * Lets the config.json of a bundle join the prepared namespaces where it asks for new ones; not beside a new user namespace, which would
 * have to own them. "/proc/self/fd" is the caller's, who must have the fds open when the container is made. Returns 0 or < 0 with *err.
 */
int prepared_use(const struct prepared *p, struct bundle *b, struct error *err);

/*
 * The namespaces have been given away, and no other container gets them. Their fds stay open until the machine ends, so the kernel does not take
 * them apart when the container ends, which the machine does next. The filter is kept for others.
 */
void prepared_given(struct prepared *p);

#endif
