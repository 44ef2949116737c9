/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.rlimits, getrlimit(2): one table of names, checked in the parent, set in the child. */
#include "linux/rlimit.h"

#include <errno.h>
#include <inttypes.h>
#include <ocispec/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "linux/sys.h"

static const int resources[_OCI_RLIMIT_TYPE_MAX] = {
	[OCI_RLIMIT_TYPE_AS] = RLIMIT_AS,
	[OCI_RLIMIT_TYPE_CORE] = RLIMIT_CORE,
	[OCI_RLIMIT_TYPE_CPU] = RLIMIT_CPU,
	[OCI_RLIMIT_TYPE_DATA] = RLIMIT_DATA,
	[OCI_RLIMIT_TYPE_FSIZE] = RLIMIT_FSIZE,
	[OCI_RLIMIT_TYPE_LOCKS] = RLIMIT_LOCKS,
	[OCI_RLIMIT_TYPE_MEMLOCK] = RLIMIT_MEMLOCK,
	[OCI_RLIMIT_TYPE_MSGQUEUE] = RLIMIT_MSGQUEUE,
	[OCI_RLIMIT_TYPE_NICE] = RLIMIT_NICE,
	[OCI_RLIMIT_TYPE_NOFILE] = RLIMIT_NOFILE,
	[OCI_RLIMIT_TYPE_NPROC] = RLIMIT_NPROC,
	[OCI_RLIMIT_TYPE_RSS] = RLIMIT_RSS,
	[OCI_RLIMIT_TYPE_RTPRIO] = RLIMIT_RTPRIO,
	[OCI_RLIMIT_TYPE_RTTIME] = RLIMIT_RTTIME,
	[OCI_RLIMIT_TYPE_SIGPENDING] = RLIMIT_SIGPENDING,
	[OCI_RLIMIT_TYPE_STACK] = RLIMIT_STACK,
};

const char *rlimit_to_string(int resource)
{
	for (int i = 0; i < _OCI_RLIMIT_TYPE_MAX; i++)
		if (resources[i] == resource)
			return oci_rlimit_type_to_string(i);
	return "unknown";
}

static void append(struct rlimits *r, const struct oci_rlimit *l)
{
	r->items[r->n].resource = resources[l->type];
	r->items[r->n].limit = (struct rlimit){.rlim_cur = l->soft, .rlim_max = l->hard};
	r->n++;
}

int rlimits_from_oci(const struct oci_rlimit *oci, size_t n, struct rlimits *ret, struct error *err)
{
	bool seen[_OCI_RLIMIT_TYPE_MAX] = {false};
	struct rlimits result = {0};
	const struct oci_rlimit *nofile = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct oci_rlimit *l = &oci[i];

		if ((unsigned)l->type >= _OCI_RLIMIT_TYPE_MAX)
			return error_set(err, EINVAL, "process.rlimits[%zu].type: unknown resource", i);
		if (seen[l->type])
			return error_set(err, EINVAL, "process.rlimits[%zu].type: %s is given twice", i,
					 oci_rlimit_type_to_string(l->type));
		if (l->soft > l->hard)
			return error_set(err, EINVAL,
					 "process.rlimits[%zu]: %s: soft %" PRIu64
					 " is more than hard %" PRIu64,
					 i, oci_rlimit_type_to_string(l->type), l->soft, l->hard);
		seen[l->type] = true;
		if (l->type == OCI_RLIMIT_TYPE_NOFILE)
			nofile = l;
		else
			append(&result, l);
	}
	if (nofile)
		append(&result, nofile);
	*ret = result;
	return 0;
}

int rlimits_inherited(struct oci_rlimit *ret, struct error *err)
{
	_Static_assert((int)_OCI_RLIMIT_TYPE_MAX == (int)RLIM_NLIMITS, "the spec has a type for each of the kernel's limits");
	struct rlimit own;

	for (int i = 0; i < _OCI_RLIMIT_TYPE_MAX; i++) {
		if (getrlimit((__rlimit_resource_t)resources[i], &own) < 0)
			return error_errno(err, "getrlimit %s", oci_rlimit_type_to_string(i));
		ret[i] = (struct oci_rlimit){.type = i,
					     .soft = own.rlim_cur == RLIM_INFINITY ? UINT64_MAX : own.rlim_cur,
					     .hard = own.rlim_max == RLIM_INFINITY ? UINT64_MAX : own.rlim_max};
	}
	return 0;
}

void rlimits_make_room(const struct rlimits *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct rlimit own;

		if (getrlimit((__rlimit_resource_t)r->items[i].resource, &own) < 0 || own.rlim_max >= r->items[i].limit.rlim_max)
			continue;
		own.rlim_max = r->items[i].limit.rlim_max;
		sys_setrlimit(r->items[i].resource, &own);
	}
}

int rlimits_apply(const struct rlimits *r, struct error *err)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct rlimit *l = &r->items[i].limit;
		int result = sys_setrlimit(r->items[i].resource, l);

		if (result < 0)
			return error_errnum(err, result,
					    "process.rlimits: cannot set %s to soft %" PRIu64
					    ", hard %" PRIu64,
					    rlimit_to_string(r->items[i].resource), (uint64_t)l->rlim_cur,
					    (uint64_t)l->rlim_max);
	}
	return 0;
}
