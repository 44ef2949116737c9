/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_CREATE_H
#define HV_HYPERV_CREATE_H

#include "container/isolation.h"
#include "proto/message.h"

struct buf;
struct cgroup;
struct oci_type;

/* Entries in the state directory. */
#define HYPERV_CONTROL_SOCKET "control.sock"
#define HYPERV_SHARE_DIR "share"
#define HYPERV_PAUSED "paused" /* made by the worker while the guest's processes stand still */

enum { HYPERV_ANSWER_TIMEOUT_MS = 10000 }; /* of requests that a healthy guest answers at once */

/* isolation_ops (container/isolation.h). */
int hyperv_create(const struct create_request *req, struct error *err);
int hyperv_exec(const struct env *env, struct container *c, const struct exec_request *req, pid_t *ret_pid, struct error *err);
int hyperv_debug(const struct env *env, struct container *c, const struct debug_request *req, pid_t *ret_pid, struct error *err);
int hyperv_start(const struct env *env, struct container *c, struct error *err);
int hyperv_signal(const struct env *env, struct container *c, int sig, bool all, struct error *err);
int hyperv_pids(const struct env *env, struct container *c, pid_t **ret, size_t *ret_n, struct error *err);
int hyperv_status(const struct env *env, struct container *c, enum container_status *ret, struct error *err);
int hyperv_freeze(const struct env *env, struct container *c, bool freeze, struct error *err);
int hyperv_update(const struct env *env, struct container *c, const struct oci_resources *resources, struct error *err);
int hyperv_mounts(const struct env *env, struct container *c, const struct oci_mount *m, size_t n, bool add, struct error *err);
int hyperv_processes(const struct env *env, struct container *c, struct process_row **ret, size_t *ret_n, struct error *err);
int hyperv_stats(const struct env *env, struct container *c, struct buf *out, struct error *err);
int hyperv_machine(const struct env *env, struct container *c, struct buf *out, struct error *err);
int hyperv_wait_oom(const struct env *env, struct container *c, struct oom_wait *w, struct error *err);
int hyperv_destroy(const struct env *env, struct container *c, struct error *err);

/*
 * Steps that create has whatever VM the container gets into. note_worker: the pid is in the state before anything can go wrong that would
 * need it. run_hooks: those of the runtime namespaces; on the host all of them see the worker's namespaces by its pid, createContainer too, for its
 * paths are the host's. remove_cgroup: with what is in it; NULL is fine. They return 0 or < 0.
 */
int create_note_worker(struct container *c, pid_t pid, const struct cgroup *cgroup, struct error *err);
int create_run_hooks(const struct create_request *req, pid_t pid, struct error *err);

/* When it has been made: view.h, vm and worker as there. What fails only goes to the log. */
struct guest_config;
void create_show_files(const struct guest_config *guest, pid_t vm, pid_t worker);
int create_remove_cgroup(struct cgroup *cgroup, struct error *err);

/* A connection to the container's worker: the fd, or < 0 ("container not running" when there is none). */
int hyperv_connect(const struct container *c, struct error *err);

/*
 * Starts the worker that stands on the host for another process of c's machine, in c's cgroup, and has it ask for that: call has message, time limit and number of
 * descriptors, which are fds; fds[0] is filled in, the connection to c's worker. Returns 0 and the worker's pid when the process runs.
 */
struct client_request;
struct hv_worker_exec;
struct launch_request;
int hyperv_launch_standin(const struct container *c, struct launch_request *launch, const struct hv_worker_exec *setup, struct client_request *call,
			  int *fds, pid_t *ret_pid, struct error *err);

/* One message to the worker, its body root of a type of schema/types.h, and its answer within timeout_ms (-1: no limit). */
int hyperv_call(const struct container *c, enum message type, const struct oci_type *body_type, const void *root, int timeout_ms,
		struct buf *reply, struct error *err);

/* The container's cgroup on the host, from its state. */
int hyperv_open_cgroup(const struct container *c, struct cgroup **ret, struct error *err);

#endif
