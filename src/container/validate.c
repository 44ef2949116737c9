/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Cross-field rules of config.json, runtime-spec 1.3.0 config.md and config-linux.md, as a table of small
 * checks that each look at the whole document. What a single field may hold has been checked by libocispec's
 * tables before.
 */
#include "container/validate.h"

#include <errno.h>
#include <ocispec/types.h>
#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/document.h"

static const struct oci_namespace *find_namespace(const struct oci_config *c, enum oci_namespace_type type)
{
	for (size_t i = 0; c->linux_ && i < c->linux_->n_namespaces; i++)
		if (c->linux_->namespaces[i].type == type)
			return &c->linux_->namespaces[i];
	return NULL;
}

static int check_version(const struct oci_config *c, struct error *err)
{
	if (!str_skip_prefix(c->oci_version, "1."))
		return error_set(err, EINVAL,
				 "ociVersion: \"%s\" is not supported (1.0.0 to " OCI_SPEC_VERSION ")",
				 c->oci_version);
	return 0;
}

static int check_root(const struct oci_config *c, struct error *err)
{
	_cleanup_free_ char *path = path_normalize(c->root->path);

	if (str_eq(path, "/"))
		return error_set(err, EINVAL, "root.path: \"%s\" is the host's own root", c->root->path);
	return 0;
}

static int check_names(const struct oci_config *c, struct error *err)
{
	bool uts = find_namespace(c, OCI_NAMESPACE_TYPE_UTS);

	if (!str_is_empty(c->hostname) && !uts)
		return error_set(err, EINVAL,
				 "hostname: \"%s\": unable to set hostname without a private UTS namespace",
				 c->hostname);
	if (!str_is_empty(c->domainname) && !uts)
		return error_set(
			err, EINVAL,
			"domainname: \"%s\": unable to set domainname without a private UTS namespace",
			c->domainname);
	return 0;
}

static int check_paths(const struct oci_config *c, struct error *err)
{
	if (!c->linux_ || find_namespace(c, OCI_NAMESPACE_TYPE_MOUNT))
		return 0;
	if (c->linux_->n_masked_paths > 0)
		return error_set(err, EINVAL,
				 "linux.maskedPaths[0]: \"%s\": unable to restrict paths without a private "
				 "mount namespace",
				 c->linux_->masked_paths[0]);
	if (c->linux_->n_readonly_paths > 0)
		return error_set(err, EINVAL,
				 "linux.readonlyPaths[0]: \"%s\": unable to restrict paths without a private "
				 "mount namespace",
				 c->linux_->readonly_paths[0]);
	return 0;
}

static int check_user_namespace(const struct oci_config *c, struct error *err)
{
	const struct oci_namespace *user = find_namespace(c, OCI_NAMESPACE_TYPE_USER);

	if (!c->linux_)
		return 0;
	if (!user && (c->linux_->n_uid_mappings > 0 || c->linux_->n_gid_mappings > 0))
		return error_set(err, EINVAL, "linux.%cidMappings: need a user namespace in linux.namespaces",
				 c->linux_->n_uid_mappings > 0 ? 'u' : 'g');
	if (user && !user->path && (c->linux_->n_uid_mappings == 0) != (c->linux_->n_gid_mappings == 0))
		return error_set(
			err, EINVAL,
			"linux.%cidMappings: missing, a new user namespace needs uidMappings and gidMappings",
			c->linux_->n_uid_mappings == 0 ? 'u' : 'g');
	return 0;
}

static bool is_mapped(const struct oci_id_mapping *maps, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (id >= maps[i].container_id && id - maps[i].container_id < maps[i].size)
			return true;
	return false;
}

/* setresuid(2) would say EINVAL, but only when the container has been made, and in words that name neither. */
static int check_mapped_user(const struct oci_config *c, struct error *err)
{
	const struct oci_namespace *ns = find_namespace(c, OCI_NAMESPACE_TYPE_USER);
	const struct oci_user *u = c->process ? c->process->user : NULL;
	const struct oci_linux *l = c->linux_;

	if (!u || !ns || (ns->path && ns->path[0]) || l->n_uid_mappings == 0)
		return 0;
	if (!is_mapped(l->uid_mappings, l->n_uid_mappings, u->uid))
		return error_set(err, EINVAL, "process.user.uid: %u is not in linux.uidMappings", u->uid);
	if (!is_mapped(l->gid_mappings, l->n_gid_mappings, u->gid))
		return error_set(err, EINVAL, "process.user.gid: %u is not in linux.gidMappings", u->gid);
	for (size_t i = 0; i < u->n_additional_gids; i++)
		if (!is_mapped(l->gid_mappings, l->n_gid_mappings, u->additional_gids[i]))
			return error_set(err, EINVAL, "process.user.additionalGids[%zu]: %u is not in linux.gidMappings", i,
					 u->additional_gids[i]);
	return 0;
}

static int check_time_offsets(const struct oci_config *c, struct error *err)
{
	const struct oci_namespace *t = find_namespace(c, OCI_NAMESPACE_TYPE_TIME);

	if (c->linux_ && c->linux_->time_offsets && (!t || t->path))
		return error_set(err, EINVAL,
				 "linux.timeOffsets: need a new time namespace in linux.namespaces");
	return 0;
}

static int check_net_devices(const struct oci_config *c, struct error *err)
{
	if (c->linux_ && c->linux_->n_net_devices > 0 && !find_namespace(c, OCI_NAMESPACE_TYPE_NETWORK))
		return error_set(err, EINVAL, "linux.netDevices[\"%s\"]: needs a private network namespace",
				 c->linux_->net_devices[0].key);
	return 0;
}

static int check_mounts(const struct oci_config *c, struct error *err)
{
	for (size_t i = 0; i < c->n_mounts; i++) {
		const struct oci_mount *m = &c->mounts[i];

		if ((m->n_uid_mappings > 0) != (m->n_gid_mappings > 0))
			return error_set(err, EINVAL,
					 "mounts[%zu] %s: uidMappings and gidMappings must be given together",
					 i, m->destination);
	}
	return 0;
}

static int check_devices(const struct oci_config *c, struct error *err)
{
	for (size_t i = 0; c->linux_ && i < c->linux_->n_devices; i++) {
		const struct oci_device *d = &c->linux_->devices[i];

		if (d->type == OCI_DEVICE_TYPE_P)
			continue;
		if (!d->has_major || !d->has_minor)
			return error_set(err, EINVAL, "linux.devices[%zu].%s: missing, %s is not a fifo", i,
					 d->has_major ? "minor" : "major", d->path);
		if (d->major < 0 || d->major > UINT32_MAX || d->minor < 0 || d->minor > UINT32_MAX)
			return error_set(err, EINVAL,
					 "linux.devices[%zu]: %s: %lld:%lld is not a device number", i,
					 d->path, (long long)d->major, (long long)d->minor);
	}
	return 0;
}

/* What annotation run.oci.seccomp_bpf_data takes the place of, and what would then be dropped without a word. */
static int check_raw_filter(const struct oci_config *c, const struct oci_seccomp *s, struct error *err)
{
	const char *key = annotation_def(ANNOTATION_SECCOMP_RAW)->key;

	if (!annotation_get(c->annotations, ANNOTATION_SECCOMP_RAW))
		return 0;
	if (annotation_is_on(c->annotations, ANNOTATION_SECCOMP_STRICT))
		return error_set(err, EINVAL, "annotation %s: a compiled filter has no names that %s could look at", key,
				 annotation_def(ANNOTATION_SECCOMP_STRICT)->key);
	for (size_t i = 0; s && i < s->n_syscalls; i++)
		if (s->syscalls[i].action == OCI_SECCOMP_ACTION_NOTIFY)
			return error_set(err, EINVAL,
					 "linux.seccomp.syscalls[%zu].action: SCMP_ACT_NOTIFY cannot be had together with annotation %s, whose filter has no listener",
					 i, key);
	return 0;
}

static int check_seccomp(const struct oci_config *c, struct error *err)
{
	const struct oci_seccomp *s = c->linux_ ? c->linux_->seccomp : NULL;

	if (s && s->listener_metadata && !s->listener_path)
		return error_set(err, EINVAL, "linux.seccomp.listenerMetadata: needs listenerPath");
	return check_raw_filter(c, s, err);
}

static int check_block_io(const struct oci_config *c, struct error *err)
{
	const struct oci_block_io *io = c->linux_ && c->linux_->resources ? c->linux_->resources->block_io : NULL;

	for (size_t i = 0; io && i < io->n_weight_device; i++)
		if (!io->weight_device[i].has_weight && !io->weight_device[i].has_leaf_weight)
			return error_set(err, EINVAL,
					 "linux.resources.blockIO.weightDevice[%zu]: needs weight or leafWeight", i);
	return 0;
}

static int check_rdma(const struct oci_config *c, struct error *err)
{
	const struct oci_resources *res = c->linux_ ? c->linux_->resources : NULL;

	for (size_t i = 0; res && i < res->n_rdma; i++)
		if (!res->rdma[i].value.has_hca_handles && !res->rdma[i].value.has_hca_objects)
			return error_set(err, EINVAL, "linux.resources.rdma[%s]: needs hcaHandles or hcaObjects",
					 res->rdma[i].key);
	return 0;
}

static int check_personality(const struct oci_config *c, struct error *err)
{
	if (c->linux_ && c->linux_->personality && c->linux_->personality->n_flags > 0)
		return error_set(err, EINVAL,
				 "linux.personality.flags[0]: \"%s\" is not a valid value (none is defined)",
				 c->linux_->personality->flags[0]);
	return 0;
}

static int check_annotations(const struct oci_config *c, struct error *err)
{
	return annotations_validate(c->annotations, err);
}

static int check_process(const struct oci_config *c, struct error *err)
{
	return c->process ? validate_process(c->process, err) : 0;
}

int validate_process(const struct oci_process *p, struct error *err)
{
	if (str_is_empty(p->args[0]))
		return error_set(err, EINVAL, "process.args[0]: must not be empty");
	for (size_t i = 0; i < p->n_env; i++)
		if (!strchr(p->env[i], '=') || p->env[i][0] == '=')
			return error_set(err, EINVAL, "process.env[%zu]: \"%s\" is not NAME=VALUE", i,
					 p->env[i]);
	for (size_t i = 0; i < p->n_rlimits; i++)
		if (p->rlimits[i].soft > p->rlimits[i].hard)
			return error_set(
				err, EINVAL,
				"process.rlimits[%zu]: %s: soft limit %llu is above the hard limit %llu", i,
				oci_rlimit_type_to_string(p->rlimits[i].type),
				(unsigned long long)p->rlimits[i].soft,
				(unsigned long long)p->rlimits[i].hard);
	return 0;
}

int validate_config(const struct oci_config *config, struct error *err)
{
	static int (*const checks[])(const struct oci_config *, struct error *) = {
		check_version,        check_root,         check_process,     check_names,  check_paths,
		check_user_namespace, check_mapped_user, check_time_offsets, check_net_devices, check_mounts, check_devices,
		check_seccomp,        check_block_io,     check_rdma,   check_personality,  check_annotations,
	};

	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		int r = checks[i](config, err);

		if (r < 0)
			return r;
	}
	return 0;
}
