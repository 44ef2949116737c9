/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "runtime/join.h"

#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/bundle.h"
#include "container/container.h"
#include "container/runtime_type.h"
#include "container/settings.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"
#include "schema/types.h"

enum { COMM_MAX = 64 };

/* Where linux.namespaces has the network namespace's path, or -1. */
static ssize_t find_path(const struct oci_config *c)
{
	for (size_t i = 0; c->linux_ && i < c->linux_->n_namespaces; i++)
		if (c->linux_->namespaces[i].type == OCI_NAMESPACE_TYPE_NETWORK && c->linux_->namespaces[i].path)
			return (ssize_t)i;
	return -1;
}

/* "/proc/PID/ns/net" of a worker: what engines make of the network of a container whose pid they know. */
static bool is_workers(const char *path)
{
	_cleanup_free_ char *comm = NULL, *comm_path = NULL;
	int pid, end = 0;

	if (sscanf(path, "/proc/%d/ns/net%n", &pid, &end) != 1 || end == 0 || path[end] != '\0')
		return false;
	comm_path = xasprintf("/proc/%d/comm", pid);
	return file_read_at(AT_FDCWD, comm_path, COMM_MAX, &comm, NULL) == 0 && str_eq(comm, "hvrun-vmwp\n");
}

static bool has_network(const struct container *c, const struct stat *network)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/ns/net", (int)c->state->pid);
	struct stat st;

	return str_eq(c->state->runtime_type, runtime_type_names[RUNTIME_TYPE_HYPERV]) && !c->state->sandbox && !c->state->creating &&
	       stat(path, &st) == 0 && st.st_ino == network->st_ino && st.st_dev == network->st_dev && container_process_alive(c);
}

/* The id of the container whose machine has that network, for free(); NULL: none has. */
static char *find_owner(struct runtime *rt, const char *path)
{
	_cleanup_strv_ char **ids = NULL;
	struct stat network;
	struct error ignored;

	if (rt->env.root_dirfd < 0 || stat(path, &network) < 0 || runtime_read_ids(rt, &ids, &ignored) < 0)
		return NULL;
	for (char **id = ids; id && *id; id++) {
		_cleanup_container_ struct container *c = NULL;

		if (container_open(&rt->env, *id, false, &c, &ignored) == 0 && has_network(c, &network))
			return xstrdup(*id);
	}
	return NULL;
}

int join_find(struct runtime *rt, struct bundle *b, struct error *err)
{
	bool allowed = rt->settings->hyperv.join_network;
	_cleanup_free_ char *owner = NULL;
	ssize_t i = find_path(b->config);
	const char *path = i < 0 ? NULL : b->config->linux_->namespaces[i].path;

	if (b->sandbox || !path || (!allowed && !is_workers(path)))
		return 0;
	owner = find_owner(rt, path);
	if (!owner)
		return 0;
	if (!allowed)
		return error_set(err, EPERM,
				 "linux.namespaces[%zd].path: \"%s\" is the network of container \"%s\", which has a virtual machine of its own "
				 "(hyperv.join_network in the configuration file would let others into it)",
				 i, path, owner);
	b->sandbox = TAKE_PTR(owner);
	return 0;
}
