/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_AFFINITY_H
#define HV_LINUX_AFFINITY_H

#include <stdbool.h>

#include "base/error.h"

struct oci_exec_cpu_affinity;

enum { AFFINITY_CPUS_MAX = 8192 }; /* the kernel's largest CONFIG_NR_CPUS */

/* Processors, one bit each. */
struct cpu_mask {
	unsigned long bits[AFFINITY_CPUS_MAX / (8 * sizeof(unsigned long))];
};

/* process.execCPUAffinity: where a process of exec runs before and after it is in the container's cgroup. */
struct affinity {
	bool has_initial, has_final;
	struct cpu_mask initial, final;
};

/*
 * Checks the two lists ("0-3,7"; config.md "Linux Process", pattern and ranges). An empty list is none; oci NULL: neither. Returns
 * 0, or < 0 with an error that names field and value.
 */
int affinity_from_oci(const struct oci_exec_cpu_affinity *oci, struct affinity *ret, struct error *err);

/*
 * Sets the calling thread's processors, sched_setaffinity(2); those that its cpuset lacks are left out by the kernel, and
 * only such ones is an error. *ret_old, unless NULL, is what it had before. Async-signal-safe.
 */
int affinity_set(const struct cpu_mask *mask, struct cpu_mask *ret_old, struct error *err);

/*
 * The calling thread may run wherever its cpuset lets it: what a service manager or a shell had given us is not the container's.
 * Never fails: a process that may not is where it was.
 */
void affinity_reset(void);

#endif
