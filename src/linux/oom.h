/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_OOM_H
#define HV_LINUX_OOM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * Sets the oom_score_adj of process pid (0 = the caller) through procfs_fd, a /proc that the caller trusts
 * (proc_pid_oom_score_adj(5)). lenient: a value that may not be lowered for want of CAP_SYS_RESOURCE is left
 * alone (rootless). Async-signal-safe.
 */
int oom_score_adj_set(int procfs_fd, pid_t pid, int value, bool lenient, struct error *err);

#endif
