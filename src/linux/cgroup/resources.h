/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_RESOURCES_H
#define HV_LINUX_CGROUP_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_resources;

enum cgroup_version { CGROUP_V1, CGROUP_V2, _CGROUP_VERSION_MAX };

/* The controllers that this machine has in each kind of hierarchy: lists such as "cpu,memory,pids". NULL
 * counts as empty. */
struct cgroup_controllers {
	const char *of[_CGROUP_VERSION_MAX];
};

/* What may be done about a write that the kernel refuses. */
enum cgroup_write_flags {
	/* the next write is the same for another kernel: try it when the file is not there, skip it when it
	   is */
	CGROUP_WRITE_ELSE_NEXT = 1 << 0,
	/* a file that is not there is fine */
	CGROUP_WRITE_IF_EXISTS = 1 << 1,
	/* the kernel wants it and the next one in the other order when the old values are in the way: EINVAL
	   or EBUSY, then swap them */
	CGROUP_WRITE_SWAP_NEXT = 1 << 2,
};

/* One value for one file. */
struct cgroup_write {
	enum cgroup_version version;
	char *controller; /* "memory"; "" for the files that every v2 group has */
	char *file;
	char *value;
	char *field; /* where it comes from: "linux.resources.memory.limit" */
	unsigned flags;
};

struct cgroup_writes {
	struct cgroup_write *w;
	size_t n;
};

/*
 * What has to be written for the limits (pure; devices are apart, devices.h), in order. A limit whose
 * controller this machine does not have, and one that cannot be said to the version that has it, are errors
 * that name the field. r NULL: nothing to write.
 */
int cgroup_resources_plan(const struct oci_resources *r, const struct cgroup_controllers *have,
			  struct cgroup_writes *ret, struct error *err);

void cgroup_writes_done(struct cgroup_writes *w);
#define _cleanup_cgroup_writes_ _cleanup_(cgroup_writes_done)

#endif
