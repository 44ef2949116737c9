/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_PLAN_H
#define HV_LINUX_CGROUP_PLAN_H

#include <stdint.h>

#include "linux/cgroup/resources.h"

/* What the rows of the table of resources.c are made of; shared with resources-io.c, which has the emitters
 * of the larger sections. */

struct plan {
	const struct oci_resources *r;
	const struct cgroup_controllers *have;
	struct cgroup_writes writes;
	struct error *err;
};

/* One field. file NULL: that version has no word for it. */
struct row {
	const char *field; /* below linux.resources */
	const char *controller[_CGROUP_VERSION_MAX];
	const char *file[_CGROUP_VERSION_MAX];
	int (*emit)(struct plan *p, const struct row *row); /* adds nothing when the field is absent */
};

/* Which version has the row's controller here: an error when none has, or when it has no file for the field.
 */
int plan_row_version(struct plan *p, const struct row *row, enum cgroup_version *ret);

/* Add a write of value to the row's file, with cgroup_write_flags: as it is, as a number, as a limit
 * (negative: "-1" to v1, "max" to v2). */
int plan_add(struct plan *p, const struct row *row, const char *value, unsigned flags);
int plan_add_i64(struct plan *p, const struct row *row, int64_t value, unsigned flags);
int plan_add_u64(struct plan *p, const struct row *row, uint64_t value, unsigned flags);
int plan_add_limit(struct plan *p, const struct row *row, int64_t value, unsigned flags);

/* The same to a file of another name, with these flags, after plan_row_version() said v. */
void plan_add_file(struct plan *p, const struct row *row, enum cgroup_version v, const char *file,
		   const char *value, unsigned flags);

/* Adds a write as it is; takes its strings. */
void plan_add_write(struct plan *p, const struct cgroup_write *w);

int emit_io_weight(struct plan *p, const struct row *row);
int emit_io_leaf_weight(struct plan *p, const struct row *row);
int emit_io_weight_device(struct plan *p, const struct row *row);
int emit_io_read_bps(struct plan *p, const struct row *row);
int emit_io_write_bps(struct plan *p, const struct row *row);
int emit_io_read_iops(struct plan *p, const struct row *row);
int emit_io_write_iops(struct plan *p, const struct row *row);
int emit_hugepage_limits(struct plan *p, const struct row *row);
int emit_network_class(struct plan *p, const struct row *row);
int emit_network_priorities(struct plan *p, const struct row *row);
int emit_rdma(struct plan *p, const struct row *row);
int emit_unified(struct plan *p);

#endif
