/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_LISTENER_H
#define HV_NATIVE_LISTENER_H

#include <sys/types.h>

#include "base/error.h"
#include "container/isolation.h"

struct container;
struct plan_process;
struct spawned;

/*
 * The parent's part when a profile has SCMP_ACT_NOTIFY: awaits the child's SYNC_LISTENER, fetches the fd
 * (pidfd_getfd(2), 5.6), sends it with the container process state to linux.seccomp.listenerPath
 * (config-linux.md, "The Container Process State"; a leading "@" is the abstract namespace of unix(7)) and
 * lets the child go on. status: CONTAINER_CREATING for create, CONTAINER_RUNNING for exec. Nothing when the
 * profile has none. Returns 0, or < 0: then the child still waits, and is to be killed.
 */
int listener_serve(const struct plan_process *plan, const struct container *c, enum container_status status,
		   const struct spawned *child, int sync_fd, struct error *err);

#endif
