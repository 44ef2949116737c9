/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_IOPRIO_H
#define HV_LINUX_IOPRIO_H

#include "base/error.h"

struct oci_io_priority;

/* process.ioPriority as the value of ioprio_set(2), or -1 = leave it alone. */
int ioprio_from_oci(const struct oci_io_priority *oci, int *ret, struct error *err);

/* Applies it to the calling process group's leader, the caller (child side, async-signal-safe). */
int ioprio_apply(int value, struct error *err);

#endif
