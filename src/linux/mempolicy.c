/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.memoryPolicy: set_mempolicy(2). Names and node lists are checked here, what goes together is the
 * kernel's to say. */
#include "linux/mempolicy.h"

#include <errno.h>
#include <ocispec/types.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "base/num.h"
#include "base/str.h"
#include "linux/sys.h"

/* linux/mempolicy.h: its enum has no MPOL_WEIGHTED_INTERLEAVE before 6.9. */
static const int modes[_OCI_MEMORY_POLICY_MODE_MAX] = {
	[OCI_MEMORY_POLICY_MODE_DEFAULT] = 0,
	[OCI_MEMORY_POLICY_MODE_PREFERRED] = 1,
	[OCI_MEMORY_POLICY_MODE_BIND] = 2,
	[OCI_MEMORY_POLICY_MODE_INTERLEAVE] = 3,
	[OCI_MEMORY_POLICY_MODE_LOCAL] = 4,
	[OCI_MEMORY_POLICY_MODE_PREFERRED_MANY] = 5,
	[OCI_MEMORY_POLICY_MODE_WEIGHTED_INTERLEAVE] = 6,
};

static const int flags[_OCI_MEMORY_POLICY_FLAG_MAX] = {
	[OCI_MEMORY_POLICY_FLAG_STATIC_NODES] = 1 << 15,
	[OCI_MEMORY_POLICY_FLAG_RELATIVE_NODES] = 1 << 14,
	[OCI_MEMORY_POLICY_FLAG_NUMA_BALANCING] = 1 << 13,
};

enum { WORD_BITS = 8 * sizeof(unsigned long) };

/* "0-3" or "5" at p; the first byte after it, or NULL. */
static const char *parse_range(const char *p, unsigned long *nodes)
{
	uint64_t first, last;

	p = num_scan_u64(p, &first);
	last = first;
	if (p && *p == '-')
		p = num_scan_u64(p + 1, &last);
	if (!p || last < first || last >= MEMPOLICY_NODES_MAX)
		return NULL;
	for (uint64_t n = first; n <= last; n++)
		nodes[n / WORD_BITS] |= 1UL << (n % WORD_BITS);
	return p;
}

static bool parse_nodes(const char *p, unsigned long *nodes)
{
	while (p && *p) {
		p = parse_range(p, nodes);
		if (p && *p == ',' && p[1])
			p++;
		else if (p && *p)
			return false;
	}
	return p != NULL;
}

int mempolicy_from_oci(const struct oci_memory_policy *oci, struct mempolicy *ret, struct error *err)
{
	struct mempolicy m = {.set = oci != NULL};

	*ret = m;
	if (!oci)
		return 0;
	if ((unsigned)oci->mode >= _OCI_MEMORY_POLICY_MODE_MAX)
		return error_set(err, EINVAL, "linux.memoryPolicy.mode: invalid memory policy mode");
	m.mode = modes[oci->mode];
	for (size_t i = 0; i < oci->n_flags; i++) {
		if ((unsigned)oci->flags[i] >= _OCI_MEMORY_POLICY_FLAG_MAX)
			return error_set(err, EINVAL,
					 "linux.memoryPolicy.flags[%zu]: invalid memory policy flag", i);
		m.mode |= flags[oci->flags[i]];
	}
	if (!str_is_empty(oci->nodes) && !parse_nodes(oci->nodes, m.nodes))
		return error_set(err, EINVAL,
				 "linux.memoryPolicy.nodes: invalid memory policy node \"%s\": a list such "
				 "as 0-3,7 is wanted",
				 oci->nodes);
	*ret = m;
	return 0;
}

int mempolicy_apply(const struct mempolicy *m, struct error *err)
{
	bool any = false;
	int r;

	if (!m->set)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(m->nodes); i++)
		any |= m->nodes[i] != 0;
	/* the kernel reads one bit less than it is told */
	r = sys_set_mempolicy(m->mode, any ? m->nodes : NULL, any ? MEMPOLICY_NODES_MAX + 1 : 0);
	return r < 0 ? error_errnum(err, r, "linux.memoryPolicy: set_mempolicy") : 0;
}
