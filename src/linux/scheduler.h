/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_SCHEDULER_H
#define HV_LINUX_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct oci_scheduler;

/* What sched_setattr(2) takes; set = false: leave the scheduler alone. */
struct scheduler {
	bool set;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period; /* nanoseconds */
};

/* process.scheduler checked: fields that do not belong to the policy are errors that name them. oci NULL:
 * nothing to set. */
int scheduler_from_oci(const struct oci_scheduler *oci, struct scheduler *ret, struct error *err);

/* Applies it to the calling thread (child side, async-signal-safe). */
int scheduler_apply(const struct scheduler *s, struct error *err);

#endif
