/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.personality: personality(2). The specification names two domains and no flag. */
#include "linux/personality.h"

#include <errno.h>
#include <ocispec/types.h>
#include <sys/personality.h>

#include "linux/sys.h"

static const long domains[_OCI_PERSONALITY_DOMAIN_MAX] = {
	[OCI_PERSONALITY_DOMAIN_LINUX] = PER_LINUX,
	[OCI_PERSONALITY_DOMAIN_LINUX32] = PER_LINUX32,
};

int personality_from_oci(const struct oci_personality *oci, long *ret, struct error *err)
{
	*ret = -1;
	if (!oci)
		return 0;
	if (oci->n_flags > 0)
		return error_set(
			err, EINVAL,
			"linux.personality.flags[0]: \"%s\" is not supported: there are no personality flags",
			oci->flags[0]);
	*ret = domains[oci->domain];
	return 0;
}

int personality_apply(long value, struct error *err)
{
	int r = value < 0 ? 0 : sys_personality((unsigned long)value);

	return r < 0 ? error_errnum(err, r, "linux.personality: cannot set 0x%lx", value) : 0;
}
