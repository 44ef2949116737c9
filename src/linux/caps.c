/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Capabilities, capabilities(7): names to bits in the parent, where memory and messages are free; in the
 * child only raw calls. The order in the child is fixed by the kernel: the bounding set while CAP_SETPCAP is
 * still there, keepcaps around the change of the user id, the sets themselves after it, ambient ones last,
 * for they must be permitted and inheritable when they are raised.
 */
#include "linux/caps.h"

#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/prctl.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/sys.h"

static const char *const names[] = {
	[CAP_CHOWN] = "CAP_CHOWN",
	[CAP_DAC_OVERRIDE] = "CAP_DAC_OVERRIDE",
	[CAP_DAC_READ_SEARCH] = "CAP_DAC_READ_SEARCH",
	[CAP_FOWNER] = "CAP_FOWNER",
	[CAP_FSETID] = "CAP_FSETID",
	[CAP_KILL] = "CAP_KILL",
	[CAP_SETGID] = "CAP_SETGID",
	[CAP_SETUID] = "CAP_SETUID",
	[CAP_SETPCAP] = "CAP_SETPCAP",
	[CAP_LINUX_IMMUTABLE] = "CAP_LINUX_IMMUTABLE",
	[CAP_NET_BIND_SERVICE] = "CAP_NET_BIND_SERVICE",
	[CAP_NET_BROADCAST] = "CAP_NET_BROADCAST",
	[CAP_NET_ADMIN] = "CAP_NET_ADMIN",
	[CAP_NET_RAW] = "CAP_NET_RAW",
	[CAP_IPC_LOCK] = "CAP_IPC_LOCK",
	[CAP_IPC_OWNER] = "CAP_IPC_OWNER",
	[CAP_SYS_MODULE] = "CAP_SYS_MODULE",
	[CAP_SYS_RAWIO] = "CAP_SYS_RAWIO",
	[CAP_SYS_CHROOT] = "CAP_SYS_CHROOT",
	[CAP_SYS_PTRACE] = "CAP_SYS_PTRACE",
	[CAP_SYS_PACCT] = "CAP_SYS_PACCT",
	[CAP_SYS_ADMIN] = "CAP_SYS_ADMIN",
	[CAP_SYS_BOOT] = "CAP_SYS_BOOT",
	[CAP_SYS_NICE] = "CAP_SYS_NICE",
	[CAP_SYS_RESOURCE] = "CAP_SYS_RESOURCE",
	[CAP_SYS_TIME] = "CAP_SYS_TIME",
	[CAP_SYS_TTY_CONFIG] = "CAP_SYS_TTY_CONFIG",
	[CAP_MKNOD] = "CAP_MKNOD",
	[CAP_LEASE] = "CAP_LEASE",
	[CAP_AUDIT_WRITE] = "CAP_AUDIT_WRITE",
	[CAP_AUDIT_CONTROL] = "CAP_AUDIT_CONTROL",
	[CAP_SETFCAP] = "CAP_SETFCAP",
	[CAP_MAC_OVERRIDE] = "CAP_MAC_OVERRIDE",
	[CAP_MAC_ADMIN] = "CAP_MAC_ADMIN",
	[CAP_SYSLOG] = "CAP_SYSLOG",
	[CAP_WAKE_ALARM] = "CAP_WAKE_ALARM",
	[CAP_BLOCK_SUSPEND] = "CAP_BLOCK_SUSPEND",
	[CAP_AUDIT_READ] = "CAP_AUDIT_READ",
	[38] = "CAP_PERFMON",            /* 5.8 */
	[39] = "CAP_BPF",                /* 5.8 */
	[40] = "CAP_CHECKPOINT_RESTORE", /* 5.9 */
};

#define BIT(n) (UINT64_C(1) << (n))

int caps_from_name(const char *name)
{
	bool prefixed = strncasecmp(name, "CAP_", 4) == 0;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq_nocase(names[i] + (prefixed ? 0 : 4), name))
			return (int)i;
	return -EINVAL;
}

const char *caps_to_name(int n)
{
	return n >= 0 && (size_t)n < ARRAY_SIZE(names) ? names[n] : NULL;
}

/* PR_CAPBSET_READ is EINVAL for a capability that the kernel does not know: no need of a mounted /proc. */
int caps_last(void)
{
	static int last = -1;

	if (last < 0) {
		int n = (int)ARRAY_SIZE(names) - 1; /* of most kernels */

		while (n > 0 && sys_prctl(PR_CAPBSET_READ, (unsigned long)n, 0) < 0)
			n--;
		while (n < 63 && sys_prctl(PR_CAPBSET_READ, (unsigned long)n + 1, 0) >= 0)
			n++;
		last = n;
	}
	return last;
}

static uint64_t all(void)
{
	return BIT(caps_last()) | (BIT(caps_last()) - 1);
}

uint64_t caps_grantable(bool new_userns)
{
	uint64_t permitted;

	if (new_userns || sys_capget(&permitted) < 0)
		return all();
	return permitted;
}

/* One list of names; what cannot be had is told once per set. */
static uint64_t parse_set(const char *set, char *const *list, size_t n, uint64_t grantable, char ***warnings)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < n; i++) {
		int cap = caps_from_name(list[i]);
		const char *why = cap < 0             ? "unknown capability"
				  : cap > caps_last() ? "this kernel does not have"
						      : "cannot be granted here:";
		_cleanup_free_ char *text = NULL;

		if (cap >= 0 && cap <= caps_last() && (grantable & BIT(cap))) {
			bits |= BIT(cap);
			continue;
		}
		text = xasprintf("process.capabilities.%s[%zu]: %s %s", set, i, why, list[i]);
		strv_append(warnings, text);
	}
	return bits;
}

void caps_from_oci(const struct oci_capabilities *oci, uint64_t grantable, struct caps *ret,
		   char ***ret_warnings)
{
	char **warnings = NULL;

	*ret = (struct caps){0};
	if (oci) {
		ret->bounding = parse_set("bounding", oci->bounding, oci->n_bounding, grantable, &warnings);
		ret->effective =
			parse_set("effective", oci->effective, oci->n_effective, grantable, &warnings);
		ret->inheritable =
			parse_set("inheritable", oci->inheritable, oci->n_inheritable, grantable, &warnings);
		ret->permitted =
			parse_set("permitted", oci->permitted, oci->n_permitted, grantable, &warnings);
		ret->ambient = parse_set("ambient", oci->ambient, oci->n_ambient, grantable, &warnings);
	}
	for (int cap = 0; cap <= caps_last(); cap++) {
		_cleanup_free_ char *text = NULL;

		if (!(ret->ambient & ~(ret->inheritable & ret->permitted) & BIT(cap)))
			continue;
		ret->ambient &= ~BIT(cap);
		text = xasprintf("can't raise ambient capability %s: it is not in "
				 "process.capabilities.inheritable and .permitted",
				 caps_to_name(cap));
		strv_append(&warnings, text);
	}
	ret->effective &= ret->permitted; /* capset(2) refuses more */
	*ret_warnings = warnings;
}

int caps_drop_bounding(const struct caps *c, struct error *err)
{
	for (int cap = 0; cap <= caps_last(); cap++) {
		int r;

		if (c->bounding & BIT(cap))
			continue;
		r = sys_prctl(PR_CAPBSET_READ, (unsigned long)cap, 0);
		if (r == 0) /* gone already: no privilege needed */
			continue;
		r = sys_prctl(PR_CAPBSET_DROP, (unsigned long)cap, 0);
		if (r < 0)
			return error_errnum(err, r, "process.capabilities.bounding: cannot drop %s",
					    names[cap] ? names[cap] : "a capability");
	}
	return 0;
}

int caps_keep(bool keep, struct error *err)
{
	int r = sys_prctl(PR_SET_KEEPCAPS, keep, 0);

	return r < 0 ? error_errnum(err, r, "cannot %s capabilities across the change of user",
				    keep ? "keep" : "stop keeping")
		     : 0;
}

/* Only what is permitted already can be kept: a new user or a namespace may have taken some away. */
static int set_sets(const struct caps *c, uint64_t *ret_inheritable, struct error *err)
{
	uint64_t have;
	int r = sys_capget(&have);

	if (r < 0)
		return error_errnum(err, r, "cannot read the capabilities");
	*ret_inheritable = c->inheritable & have;
	r = sys_capset(c->effective & have, c->permitted & have, *ret_inheritable);
	return r < 0 ? error_errnum(err, r, "process.capabilities: capset") : 0;
}

int caps_apply(const struct caps *c, uint64_t *ret_ambient_failed, struct error *err)
{
	uint64_t inheritable, failed = 0;
	int r = caps_keep(false, err);

	if (r < 0)
		return r;
	r = set_sets(c, &inheritable, err);
	if (r < 0)
		return r;
	r = sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0);
	if (r < 0 && r != -EINVAL) /* no ambient set before 4.3 */
		return error_errnum(err, r, "process.capabilities.ambient: cannot clear");
	for (int cap = 0; cap <= caps_last(); cap++)
		if ((c->ambient & BIT(cap)) &&
		    sys_prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, (unsigned long)cap) < 0)
			failed |= BIT(cap);
	if (ret_ambient_failed)
		*ret_ambient_failed = failed;
	return 0;
}
