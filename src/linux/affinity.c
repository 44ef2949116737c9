/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.execCPUAffinity, and the affinity of every process in a container: sched_setaffinity(2), config.md "Linux Process". */
#include "linux/affinity.h"

#include <errno.h>
#include <ocispec/types.h>
#include <string.h>

#include "base/macros.h"
#include "base/num.h"
#include "base/str.h"
#include "linux/sys.h"

enum { BITS = 8 * sizeof(unsigned long) };

/* A number or a range at s; returns what follows, or NULL. */
static const char *add_range(const char *s, struct cpu_mask *m)
{
	uint64_t first, last;

	s = num_scan_u64(s + strspn(s, " "), &first);
	last = first;
	if (s && *s == '-')
		s = num_scan_u64(s + 1, &last);
	if (!s || first > last || last >= AFFINITY_CPUS_MAX)
		return NULL;
	for (; first <= last; first++)
		m->bits[first / BITS] |= 1UL << (first % BITS);
	return s + strspn(s, " ");
}

static int parse(const char *field, const char *list, struct cpu_mask *m, bool *ret_has, struct error *err)
{
	const char *s = list;

	*ret_has = !str_is_empty(list);
	while (*ret_has) {
		s = add_range(s, m);
		if (s && *s == '\0')
			return 0;
		if (!s || *s++ != ',')
			return error_set(err, EINVAL,
					 "process.execCPUAffinity.%s: \"%s\" is not a list of processors such as 0-3,7 (below %d)",
					 field, list, AFFINITY_CPUS_MAX);
	}
	return 0;
}

int affinity_from_oci(const struct oci_exec_cpu_affinity *oci, struct affinity *ret, struct error *err)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	if (!oci)
		return 0;
	r = parse("initial", oci->initial, &ret->initial, &ret->has_initial, err);
	return r < 0 ? r : parse("final", oci->final, &ret->final, &ret->has_final, err);
}

int affinity_set(const struct cpu_mask *mask, struct cpu_mask *ret_old, struct error *err)
{
	int r = 0;

	if (ret_old) {
		memset(ret_old, 0, sizeof(*ret_old));
		r = sys_sched_getaffinity(ret_old->bits, sizeof(ret_old->bits));
	}
	if (r >= 0)
		r = sys_sched_setaffinity(mask->bits, sizeof(mask->bits));
	if (r == -EINVAL)
		return error_set(err, EINVAL, "process.execCPUAffinity: none of the processors is there, or in the cgroup's cpuset");
	return r < 0 ? error_errnum(err, r, "process.execCPUAffinity: sched_setaffinity") : 0;
}

void affinity_reset(void)
{
	struct cpu_mask all;

	memset(&all, 0xff, sizeof(all));
	(void)!sys_sched_setaffinity(all.bits, sizeof(all.bits));
}
