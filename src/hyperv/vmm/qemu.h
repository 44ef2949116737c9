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
int qemu_insert(struct vmm_monitor *m, unsigned i, const struct vmm_disk *medium, struct error *err);
int qemu_eject(struct vmm_monitor *m, unsigned i, struct error *err);

/* What QEMU calls disk number i: the node with its medium, a spare one's node that has nothing in it, and the spare one itself. */
#define QEMU_DISK_NODE "disk"
#define QEMU_EMPTY_NODE "empty"
#define QEMU_SPARE_ID "spare"

/* The node of disk number i as BlockdevOptions (qapi/block-core.json), whose file is in a set of descriptors. The caller frees it. Pure. */
char *qemu_disk_node(const struct vmm_disk *d, unsigned i, unsigned set);

/*
 * Media of spare disks (qemu_media.c). done: vmm_monitor_ops.changed, with its data; it must not free the media. insert and eject as vmm_ops has them, for i
 * that is a spare disk's; answered() is to be called for each answer to a qmp_ask(), and returns < 0 when done() has.
 */
struct qemu_media;
struct qmp;
struct qemu_media *qemu_media_new(struct qmp *qmp, int (*done)(void *data, unsigned i, const struct error *e, struct error *err), void *data);
struct qemu_media *qemu_media_free(struct qemu_media *m);
int qemu_media_insert(struct qemu_media *m, unsigned i, const struct vmm_disk *medium, struct error *err);
int qemu_media_eject(struct qemu_media *m, unsigned i, struct error *err);
int qemu_media_answered(struct qemu_media *m, const struct error *e, struct error *err);

#endif
