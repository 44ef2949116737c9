/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_SYSCTL_H
#define HV_LINUX_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct oci_string_map;

/* Which namespaces the process gets that are not the host's: what decides whether a sysctl is private to it.
 */
struct sysctl_namespaces {
	bool ipc, network, uts, user;
};

/*
 * linux.sysctl checked (pure): every key must belong to a namespace that is private to the container;
 * kernel.hostname is refused in favour of "hostname", kernel.domainname beside "domainname" too
 * (has_domainname). Names the key. map may be NULL.
 */
int sysctl_validate(const struct oci_string_map *map, const struct sysctl_namespaces *ns, bool has_domainname,
		    struct error *err);

enum { SYSCTL_PATH_MAX = 256 };

/*
 * The path of a key below /proc, "sys/net/ipv4/ip_forward". Both spellings of sysctl(8) are known:
 * "net.ipv4.conf.eth0/1.forwarding" (dots separate, a slash is a dot in a name) and
 * "net/ipv4/conf/eth0.1/forwarding". Refuses "..", empty and too long names with -EINVAL.
 */
int sysctl_path(const char *key, char buf[static SYSCTL_PATH_MAX]);

/* Writes all of them below procfs_fd, a /proc that the caller trusts (child side, async-signal-safe). */
int sysctl_apply(int procfs_fd, const struct oci_string_map *map, struct error *err);

#endif
