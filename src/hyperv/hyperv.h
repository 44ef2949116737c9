/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_HYPERV_H
#define HV_HYPERV_HYPERV_H

#include "container/isolation.h"

/* Runtime type HyperV: the same bundle in a virtual machine of its own, with one hvrun-vmwp worker process on the host. */
extern const struct isolation_ops hyperv_ops;

#endif
