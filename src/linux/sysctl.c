/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.sysctl (runtime-spec config-linux.md, "Sysctl"): only parameters that are private to one of the
 * container's own namespaces may be set; everything else would change the host. Which are private is a table:
 * namespaces(7), ipc_namespaces(7), sysctl(5).
 */
#include "linux/sysctl.h"

#include <errno.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "linux/procfs.h"

enum sysctl_namespace { NS_IPC, NS_NETWORK, NS_UTS, NS_USER, _NS_MAX };

static const char *const namespace_names[_NS_MAX] = {"ipc", "network", "uts", "user"};

/* path below /proc/sys; one that ends in "/" stands for all below it */
static const struct {
	const char *path;
	enum sysctl_namespace ns;
} private_sysctls[] = {
	{"kernel/msgmax", NS_IPC}, {"kernel/msgmnb", NS_IPC},          {"kernel/msgmni", NS_IPC},
	{"kernel/sem", NS_IPC},    {"kernel/shmall", NS_IPC},          {"kernel/shmmax", NS_IPC},
	{"kernel/shmmni", NS_IPC}, {"kernel/shm_rmid_forced", NS_IPC}, {"fs/mqueue/", NS_IPC},
	{"net/", NS_NETWORK},      {"kernel/domainname", NS_UTS},      {"user/", NS_USER},
};

#define PROC_SYS "sys/"

int sysctl_path(const char *key, char buf[static SYSCTL_PATH_MAX])
{
	size_t first = strcspn(key, "./"), len = strlen(key), prefix = strlen(PROC_SYS);
	bool dots = key[first] == '.';

	if (len == 0 || len + prefix >= SYSCTL_PATH_MAX)
		return -EINVAL;
	memcpy(buf, PROC_SYS, prefix);
	memcpy(buf + prefix, key, len + 1);
	for (char *p = buf + prefix; *p && dots; p++)
		*p = *p == '.' ? '/' : *p == '/' ? '.' : *p;
	for (const char *p = buf + prefix;; p++) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
			return -EINVAL;
		p += n;
		if (*p == '\0')
			return 0;
	}
}

/* Which namespace the parameter belongs to, or -1. */
static int find_namespace(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(private_sysctls); i++) {
		const char *known = private_sysctls[i].path;
		bool is_dir = str_has_suffix(known, "/");

		if (is_dir ? str_skip_prefix(path, known) != NULL : str_eq(path, known))
			return (int)private_sysctls[i].ns;
	}
	return -1;
}

static int validate_one(const char *key, const struct sysctl_namespaces *ns, bool has_domainname,
			struct error *err)
{
	const bool own[_NS_MAX] = {ns->ipc, ns->network, ns->uts, ns->user};
	char path[SYSCTL_PATH_MAX];
	const char *name = path + strlen(PROC_SYS);
	int n;

	if (sysctl_path(key, path) < 0)
		return error_set(err, EINVAL, "linux.sysctl[%s]: not the name of a kernel parameter", key);
	if (str_eq(name, "kernel/hostname"))
		return error_set(err, EINVAL, "linux.sysctl[%s]: use \"hostname\" instead", key);
	if (str_eq(name, "kernel/domainname") && has_domainname)
		return error_set(err, EINVAL, "linux.sysctl[%s]: conflicts with \"domainname\"", key);
	n = find_namespace(name);
	if (n < 0)
		return error_set(err, EINVAL, "linux.sysctl[%s]: is not in a separate kernel namespace", key);
	if (!own[n])
		return error_set(err, EINVAL,
				 "linux.sysctl[%s]: the container has no %s namespace of its own, it would "
				 "change the host's",
				 key, namespace_names[n]);
	return 0;
}

int sysctl_validate(const struct oci_string_map *map, const struct sysctl_namespaces *ns, bool has_domainname,
		    struct error *err)
{
	for (size_t i = 0; map && i < map->n; i++) {
		int r = validate_one(map->entries[i].key, ns, has_domainname, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int sysctl_apply(int procfs_fd, const struct oci_string_map *map, struct error *err)
{
	for (size_t i = 0; map && i < map->n; i++) {
		const char *key = map->entries[i].key, *value = map->entries[i].value;
		char path[SYSCTL_PATH_MAX];
		int r = sysctl_path(key, path);

		if (r >= 0)
			r = procfs_write(procfs_fd, path, value, strlen(value));
		if (r < 0)
			return error_errnum(err, r, "linux.sysctl[%s]: cannot write \"%s\" to /proc/%s", key,
					    value, path);
	}
	return 0;
}
