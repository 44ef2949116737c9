/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_VMM_QEMU_H
#define HV_HYPERV_VMM_QEMU_H

#include "hyperv/vmm/vmm.h"

/* vmm_ops (vmm.h), as QEMU's monitor does it. */
int qemu_monitor_new(struct event_loop *loop, int fd, const struct vmm_monitor_ops *ops, void *data, struct vmm_monitor **ret,
		     struct error *err);
struct vmm_monitor *qemu_monitor_free(struct vmm_monitor *m);
int qemu_save(struct vmm_monitor *m, int state_fd, struct error *err);
int qemu_load(struct vmm_monitor *m, int state_fd, struct error *err);

#endif
