/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_MEMBER_H
#define HV_HYPERV_MEMBER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct bundle;
struct container;
struct create_request;
struct env;
struct oci_config;
struct oci_namespace;

/*
 * Members of a pod (annotations io.kubernetes.cri.*, io.kubernetes.cri-o.*): containers in the VM of their sandbox, each with a worker
 * process of its own on the host (vmwp/join.c).
 */

/* create for one whose bundle says that it is a member. isolation_ops (container/isolation.h). */
int member_create(const struct create_request *req, struct error *err);

/* Whether its sandbox is there and can have it: what validate says of a member. Changes nothing. Returns 0 or < 0. */
int member_check(const struct env *env, const struct bundle *bundle, struct error *err);

/*
 * Asks the VM's worker to remove what is left of the member in the VM and in its share tree, whether the member's own worker is alive or not. A VM
 * that is gone has nothing left.
 */
void member_leave(const struct container *c);

/*
 * Whether a namespace of a member is its sandbox's, by its path: /proc/<pid>/ns/<file> of the sandbox's worker, or the path that the sandbox's
 * own config.json has, or one that leads to the same. Only what can be shared inside a VM is: mount and cgroup namespaces are not.
 */
bool member_shares(const struct oci_namespace *n, pid_t sandbox_pid, const struct oci_config *sandbox);

#endif
