/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_MEMBERS_H
#define HV_NATIVE_MEMBERS_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct container;

/*
 * The processes of a container without a cgroup (rootless, manager "disabled"): those in the pid namespace that it made, and in
 * ones below. *ret is free()d by the caller. < 0 with *err when it made none, for then nothing tells them from others.
 */
int members_pids(struct container *c, pid_t **ret, size_t *ret_n, struct error *err);

/* Signals all of them. Those that come or go meanwhile may be missed, but not by SIGKILL: the namespace dies with its first process. */
int members_signal(struct container *c, int sig, struct error *err);

#endif
