/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_CREATE_H
#define HV_HYPERV_CREATE_H

#include "container/isolation.h"

struct cgroup;

/* Entries in the state directory. */
#define HYPERV_CONTROL_SOCKET "control.sock"
#define HYPERV_SHARE_DIR "share"

/* isolation_ops (container/isolation.h). */
int hyperv_create(const struct create_request *req, struct error *err);
int hyperv_exec(const struct env *env, struct container *c, const struct exec_request *req, pid_t *ret_pid, struct error *err);
int hyperv_start(const struct env *env, struct container *c, struct error *err);
int hyperv_signal(const struct env *env, struct container *c, int sig, bool all, struct error *err);
int hyperv_pids(const struct env *env, struct container *c, pid_t **ret, size_t *ret_n, struct error *err);
int hyperv_status(const struct env *env, struct container *c, enum container_status *ret, struct error *err);
int hyperv_destroy(const struct env *env, struct container *c, struct error *err);

/* A connection to the container's worker: the fd, or < 0 ("container not running" when there is none). */
int hyperv_connect(const struct container *c, struct error *err);

/* The container's cgroup on the host, from its state. */
int hyperv_open_cgroup(const struct container *c, struct cgroup **ret, struct error *err);

#endif
