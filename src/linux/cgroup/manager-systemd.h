/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_MANAGER_SYSTEMD_H
#define HV_LINUX_CGROUP_MANAGER_SYSTEMD_H

#include "linux/cgroup/internal.h"
#include "linux/cgroup/systemd.h"

/* The part of a group's life that systemd has a say in: its unit (org.freedesktop.systemd1(5)). */

struct unit_request {
	const struct systemd_unit *unit;
	const char *id;
	bool rootless; /* the user's own systemd is asked */
	const struct cgroup_writes *limits;
	const struct device_rule *rules;
	size_t n_rules;
	const struct unit_property *properties;
	size_t n_properties;
};

/*
 * Starts the unit and waits until its group is there: *ret_path (the caller frees it), below the hierarchies'
 * roots. A scope cannot begin empty: until systemd_unit_release() a process of ours, which does nothing,
 * holds its place. Fills cg->unit.
 */
int systemd_unit_start(struct cgroup *cg, const struct unit_request *req, char **ret_path, struct error *err);

/*
 * The scope that systemd_unit_start() of the same request may have left, which has req's id in its description; nobody else's, and no slice.
 * Fills cg->unit as if we had just started it, and *ret_path (the caller frees it; "" for a scope that has no group yet). 0 with *ret_path NULL
 * when there is none. Of req only unit, id and rootless count.
 */
int systemd_unit_find(struct cgroup *cg, const struct unit_request *req, char **ret_path, struct error *err);

/* Lets that process go; whoever lives in the group by now keeps the unit. */
void systemd_unit_release(struct cgroup *cg);

/* Tells systemd new limits, before they are written to the group: when it returns, systemd's own writes are
 * done. */
int systemd_unit_set(const struct cgroup *cg, const struct cgroup_writes *limits, struct error *err);

/*
 * Has systemd move process pid to dir, which is the unit's group or one below it: for a user who may not do so, because the group
 * above both is not the user's. The process must be the user's.
 */
int systemd_unit_attach(const struct cgroup *cg, pid_t pid, const char *dir, struct error *err);

/* Stops the unit when we started it, and forgets that it may have failed. One that is gone is fine. */
int systemd_unit_stop(struct cgroup *cg, struct error *err);

#endif
