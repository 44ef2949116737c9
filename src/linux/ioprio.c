/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* process.ioPriority: ioprio_set(2). */
#include "linux/ioprio.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <ocispec/types.h>

#include "linux/sys.h"

static const int classes[_OCI_IO_PRIORITY_CLASS_MAX] = {
	[OCI_IO_PRIORITY_CLASS_RT] = IOPRIO_CLASS_RT,
	[OCI_IO_PRIORITY_CLASS_BE] = IOPRIO_CLASS_BE,
	[OCI_IO_PRIORITY_CLASS_IDLE] = IOPRIO_CLASS_IDLE,
};

int ioprio_from_oci(const struct oci_io_priority *oci, int *ret, struct error *err)
{
	*ret = -1;
	if (!oci)
		return 0;
	if ((unsigned)oci->priority > 7)
		return error_set(err, EINVAL, "process.ioPriority.priority: %d is out of range (0 .. 7)",
				 oci->priority);
	*ret = classes[oci->class] << IOPRIO_CLASS_SHIFT | oci->priority;
	return 0;
}

int ioprio_apply(int value, struct error *err)
{
	int r = value < 0 ? 0 : sys_ioprio_set(value);

	return r < 0 ? error_errnum(err, r, "process.ioPriority: ioprio_set") : 0;
}
