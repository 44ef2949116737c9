/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_OPERATIONS_H
#define HV_NATIVE_OPERATIONS_H

#include <stdbool.h>

#include "container/isolation.h"

struct cgroup;
struct oci_config;

/* What native_ops is made of; see struct isolation_ops for each. */
int native_validate(const struct env *env, const struct bundle *bundle, struct error *err);
int native_create(const struct create_request *req, struct error *err);
int native_exec(const struct env *env, struct container *c, const struct exec_request *req, pid_t *ret_pid,
		struct error *err);
int native_signal(const struct env *env, struct container *c, int sig, bool all, struct error *err);
int native_pids(const struct env *env, struct container *c, pid_t **ret, size_t *ret_n, struct error *err);
int native_status(const struct env *env, struct container *c, enum container_status *ret, struct error *err);
int native_freeze(const struct env *env, struct container *c, bool freeze, struct error *err);
int native_update(const struct env *env, struct container *c, const struct oci_resources *resources,
		  struct error *err);
int native_mounts(const struct env *env, struct container *c, const struct oci_mount *m, size_t n, bool add, struct error *err);
int native_processes(const struct env *env, struct container *c, struct process_row **ret, size_t *ret_n,
		     struct error *err);
int native_stats(const struct env *env, struct container *c, struct buf *out, struct error *err);
int native_wait_oom(const struct env *env, struct container *c, struct oom_wait *w, struct error *err);
int native_destroy(const struct env *env, struct container *c, struct error *err);

/* Whether config.json asks for a namespace of that type (enum oci_namespace_type), new or by path. */
bool native_has_namespace(const struct oci_config *config, int type);

/* seccomp_cache_open() when config.json has a profile, else -1; also when there can be no cache. */
int native_seccomp_cache(const struct env *env, const struct oci_config *config);

/* The container's cgroup as state.json has it; cgroup_free(). */
int native_cgroup(const struct container *c, struct cgroup **ret, struct error *err);

#endif
