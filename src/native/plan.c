/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config.json to plan: everything that can be decided before the first change to the machine is decided here
 * and in the plan_*.c files beside, so that the steps that follow have nothing to do but to ask the kernel.
 * Needs no privileges. runtime-spec: config.md, config-linux.md.
 */
#include "native/plan.h"

#include <errno.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/mount_idmap.h"
#include "linux/namespace.h"
#include "linux/sys.h"
#include "linux/sysctl.h"
#include "native/plan_private.h"

const char *plan_own(struct native_plan *p, char *s)
{
	size_t n = strv_length(p->owned);

	p->owned = xreallocarray(p->owned, n + 2, sizeof(*p->owned));
	p->owned[n] = s;
	p->owned[n + 1] = NULL;
	return s;
}

/* CLONE_NEW* by enum oci_namespace_type */
static const int clone_flags[_OCI_NAMESPACE_TYPE_MAX] = {
	[OCI_NAMESPACE_TYPE_PID] = CLONE_NEWPID,       [OCI_NAMESPACE_TYPE_NETWORK] = CLONE_NEWNET,
	[OCI_NAMESPACE_TYPE_MOUNT] = CLONE_NEWNS,      [OCI_NAMESPACE_TYPE_IPC] = CLONE_NEWIPC,
	[OCI_NAMESPACE_TYPE_UTS] = CLONE_NEWUTS,       [OCI_NAMESPACE_TYPE_USER] = CLONE_NEWUSER,
	[OCI_NAMESPACE_TYPE_CGROUP] = CLONE_NEWCGROUP, [OCI_NAMESPACE_TYPE_TIME] = CLONE_NEWTIME,
};

/* Takes them in the order in which they are joined, whatever the order of the file. */
static void sort_namespaces(struct plan_namespaces *ns, const struct oci_linux *l)
{
	for (const struct namespace_type *t = namespace_types; t->type; t++) {
		for (size_t i = 0; i < l->n_namespaces; i++) {
			const struct oci_namespace *n = &l->namespaces[i];

			if (clone_flags[n->type] != t->type)
				continue;
			if (!n->path || !n->path[0]) {
				ns->create |= (uint64_t)t->type;
				continue;
			}
			ns->join[ns->n_join].type = t->type;
			ns->join[ns->n_join++].path = n->path;
		}
	}
}

static void add_offset(char *text, size_t size, const char *clock, const struct oci_time_offset *o)
{
	size_t len = strlen(text);

	if (o)
		snprintf(text + len, size - len, "%s %lld %u\n", clock,
			 (long long)(o->has_secs ? o->secs : 0), o->has_nanosecs ? o->nanosecs : 0);
}

int plan_namespaces(struct native_plan *p, const struct oci_config *config, struct error *err)
{
	struct plan_namespaces *ns = &p->namespaces;
	const struct oci_linux *l = config->linux_;

	if (!l)
		return 0;
	sort_namespaces(ns, l);
	if (l->n_uid_mappings > ID_MAPS_MAX || l->n_gid_mappings > ID_MAPS_MAX)
		return error_set(err, E2BIG, "linux.uidMappings, linux.gidMappings: at most %d are possible",
				 ID_MAPS_MAX);
	if (ns->create & CLONE_NEWUSER) {
		ns->uids = mount_idmap_maps(l->uid_mappings, l->n_uid_mappings);
		ns->gids = mount_idmap_maps(l->gid_mappings, l->n_gid_mappings);
		ns->n_uids = l->n_uid_mappings;
		ns->n_gids = l->n_gid_mappings;
	}
	if (l->time_offsets) {
		if (!(ns->create & CLONE_NEWTIME))
			return error_set(err, EINVAL, "linux.timeOffsets: needs a new time namespace");
		add_offset(ns->time_offsets, sizeof(ns->time_offsets), "monotonic",
			   l->time_offsets->monotonic);
		add_offset(ns->time_offsets, sizeof(ns->time_offsets), "boottime", l->time_offsets->boottime);
	}
	return 0;
}

static bool has_namespace(const struct plan_namespaces *ns, int type)
{
	for (size_t i = 0; i < ns->n_join; i++)
		if (ns->join[i].type == type)
			return true;
	return ns->create & (uint64_t)type;
}

static int plan_identity(struct native_plan *p, const struct oci_config *c, struct error *err)
{
	const struct sysctl_namespaces private = {
		.ipc = has_namespace(&p->namespaces, CLONE_NEWIPC),
		.network = has_namespace(&p->namespaces, CLONE_NEWNET),
		.uts = has_namespace(&p->namespaces, CLONE_NEWUTS),
		.user = has_namespace(&p->namespaces, CLONE_NEWUSER),
	};

	p->hostname = str_is_empty(c->hostname) ? NULL : c->hostname;
	p->domainname = str_is_empty(c->domainname) ? NULL : c->domainname;
	if (p->hostname && !private.uts)
		return error_set(err, EINVAL, "hostname: needs a uts namespace in linux.namespaces");
	if (p->domainname && !private.uts)
		return error_set(err, EINVAL, "domainname: needs a uts namespace in linux.namespaces");
	p->sysctl = c->linux_ ? c->linux_->sysctl : NULL;
	return sysctl_validate(p->sysctl, &private, p->domainname != NULL, err);
}

static const unsigned propagations[_OCI_ROOTFS_PROPAGATION_MAX] = {
	[OCI_ROOTFS_PROPAGATION_PRIVATE] = MS_PRIVATE,
	[OCI_ROOTFS_PROPAGATION_SHARED] = MS_SHARED,
	[OCI_ROOTFS_PROPAGATION_SLAVE] = MS_SLAVE,
	[OCI_ROOTFS_PROPAGATION_UNBINDABLE] = MS_UNBINDABLE,
	[OCI_ROOTFS_PROPAGATION_RPRIVATE] = MS_PRIVATE | MS_REC,
	[OCI_ROOTFS_PROPAGATION_RSHARED] = MS_SHARED | MS_REC,
	[OCI_ROOTFS_PROPAGATION_RSLAVE] = MS_SLAVE | MS_REC,
	[OCI_ROOTFS_PROPAGATION_RUNBINDABLE] = MS_UNBINDABLE | MS_REC,
};

static int plan_layer(struct native_plan *p, const struct oci_config *c, const struct plan_facts *facts, struct error *err)
{
	struct layer_spec *l = &p->rootfs.layer;
	int r = layer_spec_get(c->annotations, facts->settings, l, err);

	if (r < 0 || l->kind == LAYER_NONE)
		return r;
	if (!has_namespace(&p->namespaces, CLONE_NEWNS))
		return error_set(err, EINVAL, "annotation io.hvrun.sandbox: needs a mount namespace in linux.namespaces");
	return 0;
}

static int plan_root(struct native_plan *p, const struct bundle *b, const struct plan_facts *facts,
		     struct error *err)
{
	const struct oci_config *c = b->config;
	const struct oci_linux *l = c->linux_;

	p->rootfs.path = b->rootfs;
	p->rootfs.readonly = c->root && c->root->readonly;
	p->rootfs.no_pivot = facts->no_pivot;
	if (l) {
		p->rootfs.propagation = l->has_rootfs_propagation ? propagations[l->rootfs_propagation] : 0;
		p->rootfs.masked = l->masked_paths;
		p->rootfs.n_masked = l->n_masked_paths;
		p->rootfs.readonly_paths = l->readonly_paths;
		p->rootfs.n_readonly_paths = l->n_readonly_paths;
		p->rootfs.mount_label = l->mount_label;
		p->rootfs.label_option = annotation_get(c->annotations, ANNOTATION_MOUNT_CONTEXT_TYPE);
	}
	if (!has_namespace(&p->namespaces, CLONE_NEWNS) &&
	    (p->rootfs.n_masked || p->rootfs.n_readonly_paths || p->rootfs.readonly))
		return error_set(
			err, EINVAL,
			"linux.maskedPaths, linux.readonlyPaths, root.readonly: need a mount namespace");
	return plan_layer(p, c, facts, err);
}

/*
 * config-linux.md, "Cgroup ownership": a cgroup namespace and a writable mount of it mean that the
 * container's process is to manage groups of its own; an annotation says it outright. Where it maps to is known for a new user namespace
 * only.
 */
static int64_t cgroup_owner(const struct native_plan *p)
{
	const struct plan_namespaces *ns = &p->namespaces;
	bool writable = false;

	for (size_t i = 0; i < p->rootfs.n_mounts; i++)
		if (p->rootfs.mounts[i].kind == PLAN_MOUNT_CGROUP)
			writable |= !(p->rootfs.mounts[i].options.attr.set & MOUNT_ATTR_RDONLY);
	if (!p->delegate && (!writable || !(ns->create & CLONE_NEWCGROUP)))
		return -1;
	if (ns->create & CLONE_NEWUSER)
		return id_map_to_outside(ns->uids, ns->n_uids, p->process.uid);
	return has_namespace(ns, CLONE_NEWUSER) ? -1 : (int64_t)p->process.uid;
}

/* The container's process has so many open until start has come: stdio, what it waits by, the connection that start makes, and in a guest one of the agent's. */
enum { FILES_MIN = 8 };

static int check_files(const struct rlimits *l, struct error *err)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->items[i].resource == RLIMIT_NOFILE && l->items[i].limit.rlim_cur < FILES_MIN)
			return error_set(err, EINVAL, "process.rlimits: RLIMIT_NOFILE: %llu open files are too few to start the container's process, %d are needed",
					 (unsigned long long)l->items[i].limit.rlim_cur, FILES_MIN);
	return 0;
}

int native_plan_new(const struct bundle *bundle, const struct plan_facts *facts, struct native_plan **ret,
		    struct error *err)
{
	static const struct oci_hooks no_hooks;
	_cleanup_native_plan_ struct native_plan *p = xcalloc(1, sizeof(*p));
	const struct oci_config *c = bundle->config;
	int r;

	p->hooks = c->hooks ? c->hooks : &no_hooks;
	p->process.ioprio = -1;
	p->process.personality = -1;
	r = plan_namespaces(p, c, err);
	if (r == 0)
		r = plan_identity(p, c, err);
	if (r == 0)
		r = plan_root(p, bundle, facts, err);
	if (r == 0)
		r = plan_mounts(p, bundle, err);
	if (r == 0)
		r = plan_devices(p, c, err);
	if (r == 0 && c->process)
		r = plan_process(c, c->process, facts, &p->process, &p->warnings, err);
	if (r == 0)
		r = check_files(&p->process.rlimits, err);
	if (r < 0)
		return r;
	p->delegate = annotation_get_group(c->annotations, ANNOTATION_DELEGATE_CGROUP);
	p->cgroup_owner = cgroup_owner(p);
	if (p->delegate && p->cgroup_owner < 0)
		return error_set(err, EOPNOTSUPP, "annotation %s: \"%s\" cannot be given to a user of a user namespace that is only joined",
				 annotation_def(ANNOTATION_DELEGATE_CGROUP)->key, p->delegate);
	*ret = TAKE_PTR(p);
	return 0;
}

struct native_plan *native_plan_free(struct native_plan *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->rootfs.n_mounts; i++)
		mount_idmap_done(&p->rootfs.mounts[i].idmap);
	free(p->namespaces.uids);
	free(p->namespaces.gids);
	free(p->rootfs.mounts);
	free(p->rootfs.devices);
	plan_process_done(&p->process);
	strv_free(p->warnings);
	strv_free(p->owned);
	free(p);
	return NULL;
}
