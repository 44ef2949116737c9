/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.scheduler: sched_setattr(2). What does not fit the policy is refused before anything is made, by
 * its field's name. */
#include "linux/scheduler.h"

#include <errno.h>
#include <ocispec/types.h>

#include "linux/sys.h"

/* linux/sched/types.h clashes with the C library's sched.h; this is its first, unchanging version
 * (SCHED_ATTR_SIZE_VER0). */
struct sched_attr_v0 {
	uint32_t size;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
_Static_assert(sizeof(struct sched_attr_v0) == 48, "SCHED_ATTR_SIZE_VER0");

/* Which of the other fields a policy has a use for. */
enum { USES_NICE = 1 << 0, USES_PRIORITY = 1 << 1, USES_TIMES = 1 << 2 };

static const struct {
	uint32_t number;
	unsigned uses;
} policies[_OCI_SCHEDULER_POLICY_MAX] = {
	[OCI_SCHEDULER_POLICY_OTHER] = {0, USES_NICE},  [OCI_SCHEDULER_POLICY_FIFO] = {1, USES_PRIORITY},
	[OCI_SCHEDULER_POLICY_RR] = {2, USES_PRIORITY}, [OCI_SCHEDULER_POLICY_BATCH] = {3, USES_NICE},
	[OCI_SCHEDULER_POLICY_ISO] = {4, USES_NICE}, /* reserved by the kernel, never implemented: it will
							refuse */
	[OCI_SCHEDULER_POLICY_IDLE] = {5, USES_NICE},   [OCI_SCHEDULER_POLICY_DEADLINE] = {6, USES_TIMES},
};

static const uint64_t flags[_OCI_SCHEDULER_FLAG_MAX] = {
	[OCI_SCHEDULER_FLAG_RESET_ON_FORK] = 0x01,  [OCI_SCHEDULER_FLAG_RECLAIM] = 0x02,
	[OCI_SCHEDULER_FLAG_DL_OVERRUN] = 0x04,     [OCI_SCHEDULER_FLAG_KEEP_POLICY] = 0x08,
	[OCI_SCHEDULER_FLAG_KEEP_PARAMS] = 0x10,    [OCI_SCHEDULER_FLAG_UTIL_CLAMP_MIN] = 0x20,
	[OCI_SCHEDULER_FLAG_UTIL_CLAMP_MAX] = 0x40,
};

static int validate(const struct oci_scheduler *s, struct error *err)
{
	const char *policy = oci_scheduler_policy_to_string(s->policy);
	unsigned uses = policies[s->policy].uses;

	if (!(uses & USES_PRIORITY) && s->has_priority && s->priority != 0)
		return error_set(err, EINVAL,
				 "process.scheduler.priority: %d is only for SCHED_FIFO and SCHED_RR, not %s",
				 s->priority, policy);
	if ((uses & USES_PRIORITY) && s->has_priority && (s->priority < 0 || s->priority > 99))
		return error_set(err, EINVAL, "process.scheduler.priority: %d is out of range (1 .. 99)",
				 s->priority);
	if (s->has_nice && (s->nice < -20 || s->nice > 19))
		return error_set(err, EINVAL, "process.scheduler.nice: %d is out of range (-20 .. 19)",
				 s->nice);
	if (!(uses & USES_TIMES) && ((s->has_runtime && s->runtime) || (s->has_deadline && s->deadline) ||
				     (s->has_period && s->period)))
		return error_set(
			err, EINVAL,
			"process.scheduler: runtime, deadline and period are only for SCHED_DEADLINE, not %s",
			policy);
	return 0;
}

int scheduler_from_oci(const struct oci_scheduler *oci, struct scheduler *ret, struct error *err)
{
	struct scheduler s = {.set = oci != NULL};
	int r;

	*ret = s;
	if (!oci)
		return 0;
	r = validate(oci, err);
	if (r < 0)
		return r;
	s.policy = policies[oci->policy].number;
	s.nice = policies[oci->policy].uses & USES_NICE ? oci->nice : 0;
	s.priority = (uint32_t)oci->priority;
	s.runtime = oci->runtime;
	s.deadline = oci->deadline;
	s.period = oci->period;
	for (size_t i = 0; i < oci->n_flags; i++)
		s.flags |= flags[oci->flags[i]];
	*ret = s;
	return 0;
}

int scheduler_apply(const struct scheduler *s, struct error *err)
{
	struct sched_attr_v0 attr = {
		.size = sizeof(attr),
		.policy = s->policy,
		.flags = s->flags,
		.nice = s->nice,
		.priority = s->priority,
		.runtime = s->runtime,
		.deadline = s->deadline,
		.period = s->period,
	};
	int r = s->set ? sys_sched_setattr(&attr) : 0;

	if (r == -EPERM && s->runtime) /* sched(7): admission needs the CPUs of a whole root domain */
		return error_errnum(
			err, r,
			"process.scheduler: process scheduler can't be used together with AllowedCPUs");
	return r < 0 ? error_errnum(err, r, "process.scheduler: sched_setattr") : 0;
}
