/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_RESCTRL_H
#define HV_LINUX_RESCTRL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct oci_intel_rdt;

/*
 * linux.intelRdt: classes of service (CLOS) for caches and memory bandwidth, runtime-spec 1.3.0
 * config-linux.md "IntelRdt", and the kernel's Documentation/filesystems/resctrl.rst. root is where the
 * resctrl file system is mounted; NULL: find out, and an error when it is not.
 */

/* What is to be done, decided; resctrl_plan_done(). */
struct resctrl_plan {
	char *clos;       /* its directory below root; "" = the default class, root itself */
	bool make;        /* it must be made */
	bool own;         /* it is the container's: removed with it */
	char *compare[2]; /* what an existing class must say already; NULL-terminated when shorter */
	char **write;     /* lines for its schemata, in this order; NULL = none */
	char *monitor;    /* the group below mon_groups to make; NULL = none */
};

/* Pure. exists: whether the class of closID is there. */
int resctrl_plan(const struct oci_intel_rdt *rdt, const char *id, bool exists, struct resctrl_plan *ret,
		 struct error *err);
void resctrl_plan_done(struct resctrl_plan *p);

/* Whether every domain that line ("L3:0=f;1=f") names has that value in schemata, the kernel's file. Pure. */
bool resctrl_line_holds(const char *schemata, const char *line);

/*
 * Makes the class and its monitoring group as the plan says. *ret_made: the directories made, for
 * resctrl_remove(), strv_free(); the first *ret_n_shared of them stay when the container has been created. On
 * failure nothing is left.
 */
int resctrl_create(const char *root, const char *id, const struct oci_intel_rdt *rdt, char ***ret_made,
		   size_t *ret_n_shared, struct error *err);

/* Moves a process there. */
int resctrl_join(const char *root, const char *id, const struct oci_intel_rdt *rdt, pid_t pid,
		 struct error *err);

/* "update": new lines for the container's class; NULL = unchanged. */
int resctrl_update(const char *root, const char *id, const struct oci_intel_rdt *rdt, const char *l3_cache,
		   const char *mem_bw, struct error *err);

/* Removes directories that resctrl_create() made, the last one first; those that are gone are fine. */
int resctrl_remove(char *const *made, size_t n, struct error *err);

#endif
