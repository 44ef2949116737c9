/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_LAYOUT_H
#define HV_LINUX_CGROUP_LAYOUT_H

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"
#include "linux/cgroup/cgroup.h"

/* A mounted hierarchy that the calling process belongs to. */
struct cgroup_mount {
	char *controllers; /* as in cgroup_hierarchy */
	char *mount_point;
	char *own; /* the caller's own group, below the hierarchy's root (not the mount's) */
};

struct cgroup_layout {
	enum cgroup_mode mode;
	struct cgroup_mount *mounts;
	size_t n_mounts;
};

/*
 * What the texts of /proc/self/mountinfo and /proc/self/cgroup (proc_pid_mountinfo(5), cgroups(7)) say: pure.
 * A hierarchy counts when it is mounted where its root holds the caller; of several mounts the one below
 * /sys/fs/cgroup is taken, else the first. No hierarchy at all: mode CGROUP_MODE_NONE, not an error.
 */
void cgroup_layout_parse(const char *mountinfo, const char *self_cgroup, struct cgroup_layout *ret);

/* The same, of this process. */
int cgroup_layout_load(struct cgroup_layout *ret, struct error *err);

void cgroup_layout_done(struct cgroup_layout *l);
#define _cleanup_cgroup_layout_ _cleanup_(cgroup_layout_done)

/* Whether the comma-separated list has the name: "cpu,cpuacct" has "cpu". */
bool cgroup_list_has(const char *list, const char *name);

/* Which mode a set of hierarchies makes. */
enum cgroup_mode cgroup_mode_of(bool has_v1, bool has_v2);

#endif
