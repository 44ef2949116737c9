/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_NATIVE_H
#define HV_NATIVE_NATIVE_H

#include "container/isolation.h"

/* Runtime type Default: namespaces, cgroups, capabilities, seccomp on this kernel. Used by the host and by
 * the guest's agent. */
extern const struct isolation_ops native_ops;

#endif
