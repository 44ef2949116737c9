/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_SYSTEMD_H
#define HV_LINUX_CGROUP_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "linux/cgroup/devices.h"
#include "linux/cgroup/resources.h"

/* What systemd is told of a group, decided before anything is asked of it: names and properties. Pure. */

/* The unit that linux.cgroupsPath names. */
struct systemd_unit {
	char *name;  /* "hvrun-web.scope", or "pod.slice" */
	char *slice; /* it is in, "system.slice" */
	char *path;  /* of the group below the manager's own: "/system.slice/hvrun-web.scope" */
	bool is_slice;
};

/*
 * "slice:prefix:name" (runc's form): the scope "prefix-name.scope" in slice, or the slice "name" when name
 * ends in
 * ".slice". An empty slice is system.slice, or user.slice for an unprivileged caller; NULL or "" means
 * ":hvrun:<id>". What a unit's name may not contain is escaped as systemd-escape(1) does.
 */
int systemd_unit_parse(const char *cgroups_path, const char *id, bool rootless, struct systemd_unit *ret,
		       struct error *err);
void systemd_unit_done(struct systemd_unit *u);
#define _cleanup_systemd_unit_ _cleanup_(systemd_unit_done)

/* "a-b.slice" → "/a.slice/a-b.slice", "-.slice" → "/" (systemd.slice(5)); the caller frees *ret. */
int systemd_slice_expand(const char *slice, char **ret, struct error *err);

/*
 * Appends the elements of an a(sv), the properties that say the same as the writes: one row for each file
 * that systemd has a word for. What it has none for is written to the group only. version is systemd's, 252:
 * newer properties are left out.
 */
void systemd_put_limits(struct buf *b, const struct cgroup_writes *writes, unsigned version);

/*
 * Appends DevicePolicy and DeviceAllow. systemd knows allowed devices only, by kind and major number or all
 * of a kind: a list that it cannot say in full, or that lets all pass, leaves DevicePolicy "auto", and then
 * it does not touch devices. A rule that takes something back is left to the group's own filter.
 */
void systemd_put_devices(struct buf *b, const struct device_rule *rules, size_t n);

/* Elements of an a(sv) of one simple value. */
void systemd_put_string(struct buf *b, const char *name, const char *value);
void systemd_put_bool(struct buf *b, const char *name, bool value);
void systemd_put_u64(struct buf *b, const char *name, uint64_t value);

/* "252" of "252.39-1~deb12u2" or "v252"; 0 when there is no number. */
unsigned systemd_version_parse(const char *s);

#endif
