/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * config.json as the guest gets it: the difference between the two runtime types is this one function and
 * nothing in the code that makes containers. The document is read anew from the bundle's bytes and edited;
 * what is not mentioned here goes through unchanged.
 *
 * Three kinds of change: paths of the host become entries of the share tree; what the host does itself (hooks
 * but startContainer, cpusets, block I/O, labels of its LSM) is left out; and what would silently mean
 * something else in a VM is refused.
 */
#include "hyperv/guest_config.h"

#include <errno.h>
#include <ocispec/types.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/document.h"
#include "container/mount_idmap.h"
#include "hyperv/host_device.h"
#include "hyperv/idmap.h"
#include "hyperv/userns.h"
#include "linux/mount_options.h"
#include "linux/namespace.h"
#include "linux/sys.h"
#include "schema/json.h"

#define LAYER_GUEST_SIZE (UINT64_C(8) << 30) /* without a limit: a disk must have a size */

struct derivation {
	const struct bundle *bundle;
	const struct guest_facts *facts;
	const struct guest_pod *pod; /* NULL: the VM is made for this one */
	struct oci_doc *doc;
	struct oci_config *config;
	struct guest_config *out;
};

struct guest_config *guest_config_free(struct guest_config *g)
{
	if (!g)
		return NULL;
	for (size_t i = 0; i < g->n_shares; i++) {
		free(g->shares[i].name);
		free(g->shares[i].source);
		free(g->shares[i].field);
		for (size_t k = 0; k < g->shares[i].n_overlay; k++)
			free(g->shares[i].overlay[k]);
		free(g->shares[i].overlay);
		mount_idmap_done(&g->shares[i].idmap);
	}
	free(g->shares);
	for (size_t i = 0; i < g->n_disks; i++) {
		free(g->disks[i].source);
		free(g->disks[i].field);
		free(g->disks[i].name);
		free(g->disks[i].mount);
	}
	free(g->disks);
	for (size_t i = 0; i < g->n_view; i++)
		free(g->view[i].destination);
	free(g->view);
	free(g->json);
	free(g);
	return NULL;
}

/* An annotation that means nothing in the guest. */
static void map_remove(struct oci_string_map *map, enum annotation a)
{
	for (size_t i = 0; map && i < map->n; i++)
		if (str_eq(map->entries[i].key, annotation_def(a)->key)) {
			map->entries[i] = map->entries[map->n - 1];
			map->n--;
			return;
		}
}

/* A new entry of the share tree; returns its path in the guest, owned by the document. */
static char *add_share(struct derivation *d, const struct share *share)
{
	struct guest_config *g = d->out;
	char *name = d->pod ? xasprintf("%s.%zu", d->pod->share_prefix, g->n_shares) : xasprintf("%zu", g->n_shares);
	_cleanup_free_ char *path = path_join(GUEST_SHARE_DIR, name);

	g->shares = xreallocarray(g->shares, g->n_shares + 1, sizeof(*g->shares));
	g->shares[g->n_shares] = *share;
	g->shares[g->n_shares++].name = name;
	return oci_doc_strdup(d->doc, path);
}

/* A new disk; returns the path in the guest that leads to it, owned by the document. */
static char *add_disk(struct derivation *d, const struct disk *disk)
{
	struct guest_config *g = d->out;
	_cleanup_free_ char *name = d->pod ? xasprintf("%s.%zu", d->pod->share_prefix, g->n_disks) : xasprintf("%zu", g->n_disks);
	_cleanup_free_ char *path = path_join(GUEST_DISK_DIR, name);

	g->disks = xreallocarray(g->disks, g->n_disks + 1, sizeof(*g->disks));
	g->disks[g->n_disks] = *disk;
	g->disks[g->n_disks++].name = d->pod ? TAKE_PTR(name) : NULL;
	return oci_doc_strdup(d->doc, path);
}

/* A place in the guest that is mounted before the container is made: in a VM of several each has its own. */
static char *make_place(const struct derivation *d, const char *dir)
{
	return d->pod ? xasprintf("%s.%s", dir, d->pod->share_prefix) : xstrdup(dir);
}

/* The limit may be the operator's, whose configuration file no guest has. */
static void tell_size(struct derivation *d, uint64_t size)
{
	_cleanup_free_ char *text = xasprintf("%llu", (unsigned long long)size);

	if (oci_doc_map_set(d->doc, &d->config->annotations, annotation_def(ANNOTATION_SANDBOX_SIZE)->key, text) < 0)
		abort();
}

/* The guest makes the overlay; on a disk, whose size is the limit. */
static int derive_layer(struct derivation *d, struct error *err)
{
	struct layer_spec *l = &d->out->layer;
	int r = layer_spec_get(d->config->annotations, d->facts->settings, l, err);

	if (r < 0 || l->kind == LAYER_NONE)
		return r;
	if (l->kind == LAYER_OVERLAY) {
		if (!l->size)
			l->size = LAYER_GUEST_SIZE;
		add_disk(d, &(struct disk){ .field = xstrdup("annotation io.hvrun.sandbox"), .layer = true,
					    .mount = make_place(d, GUEST_LAYER_DIR), .type = "ext4" });
		map_remove(d->config->annotations, ANNOTATION_SANDBOX_SIZE);
	} else if (l->size && !annotation_get(d->config->annotations, ANNOTATION_SANDBOX_SIZE)) {
		tell_size(d, l->size);
	}
	return 0;
}

static bool derive_image(struct derivation *d)
{
	const char *type = annotation_get(d->config->annotations, ANNOTATION_ROOTFS_TYPE);
	const char *format = annotation_get(d->config->annotations, ANNOTATION_ROOTFS_FORMAT);
	struct oci_root *root = d->config->root;
	char *place;

	if (!type)
		return false;
	place = make_place(d, GUEST_ROOT_DIR);
	root->path = oci_doc_strdup(d->doc, place);
	add_disk(d, &(struct disk){
			    .source = xstrdup(d->bundle->rootfs),
			    .field = xstrdup("root.path"),
			    .format = str_eq_nocase(format, "qcow2") ? VMM_DISK_QCOW2 : VMM_DISK_RAW,
			    .readonly = root->readonly || d->out->layer.kind != LAYER_NONE || !str_eq_nocase(type, "ext4"),
			    .mount = place,
			    .type = str_eq_nocase(type, "ext4") ? "ext4" : str_eq_nocase(type, "erofs") ? "erofs" : "squashfs",
		    });
	return true;
}

/* Under a layer it is read-only from the beginning: mount points are made in the layer. */
static int derive_root(struct derivation *d, _unused_ struct error *err)
{
	struct oci_root *root = d->config->root;
	bool layer = d->out->layer.kind != LAYER_NONE;

	if (derive_image(d))
		return 0;
	root->path = add_share(d, &(struct share){ .source = xstrdup(d->bundle->rootfs),
						   .field = xstrdup("root.path"),
						   .recursive = true,
						   .readonly = layer,
						   .readonly_after_create = root->readonly && !layer });
	return 0;
}

/* File systems on disks, as far as a container has a use for them. The guest's kernel decides whether it knows one. */
static const char *const disk_types[] = { "ext2", "ext3", "ext4", "erofs", "squashfs", "xfs", "btrfs", "f2fs", "vfat", "exfat", "iso9660" };

static bool is_disk(const struct derivation *d, size_t i, const struct oci_mount *m, bool bind)
{
	if (bind)
		return d->facts->devices && d->facts->devices[i];
	for (size_t k = 0; m->type && k < ARRAY_SIZE(disk_types); k++)
		if (str_eq(m->type, disk_types[k]))
			return true;
	return false;
}

/* Takes the option out: it is ours, no file system's. */
static int take_format(struct oci_mount *m, enum vmm_disk_format *ret, struct error *err)
{
	for (size_t i = 0; i < m->n_options;) {
		const char *value = str_skip_prefix(m->options[i], MOUNT_OPTION_DISK_FORMAT);

		if (!value) {
			i++;
			continue;
		}
		*ret = vmm_disk_format_from_string(value);
		if (*ret < 0)
			return error_set(err, EINVAL, "options[%zu]: \"%s\": \"%s\" is not a format of disks (raw, qcow2)", i, m->options[i], value);
		memmove(&m->options[i], &m->options[i + 1], (m->n_options - i) * sizeof(*m->options)); /* NULL ends it */
		m->n_options--;
	}
	return 0;
}

static int derive_disk(struct derivation *d, size_t i, struct oci_mount *m, struct disk *disk, struct error *err)
{
	int r = take_format(m, &disk->format, err);

	if (r < 0)
		return r;
	disk->source = path_join(d->bundle->path, m->source);
	disk->field = xasprintf("mounts[%zu].source", i);
	m->source = add_disk(d, disk);
	return 0;
}

/* Where the mappings of the user namespace are that the container will have; a path that is not the sandbox's is refused elsewhere. */
static const struct oci_linux *find_mappings(const struct derivation *d)
{
	const struct oci_linux *l = d->bundle->config->linux_;

	for (size_t i = 0; l && i < l->n_namespaces; i++)
		if (l->namespaces[i].type == OCI_NAMESPACE_TYPE_USER && l->namespaces[i].path)
			return d->pod && d->pod->shared[i] ? d->pod->sandbox_linux : NULL;
	return l;
}

static int derive_bind(struct derivation *d, size_t i, struct oci_mount *m, const struct mount_options *o, struct error *err)
{
	struct share share = { .itself = o->extra & (MOUNT_EXTRA_COPY_SYMLINK | MOUNT_EXTRA_SRC_NOFOLLOW),
			       .recursive = o->extra & MOUNT_EXTRA_RECURSIVE,
			       .readonly = (o->attr.set | o->rec.set) & MOUNT_ATTR_RDONLY,
			       .idmap_below = o->extra & MOUNT_EXTRA_RIDMAP };
	int r = idmap_take(m, o, true, find_mappings(d), &share.idmap, err);

	if (r < 0)
		return r;
	share.source = path_join(d->bundle->path, m->source);
	share.field = xasprintf("mounts[%zu].source", i);
	m->source = add_share(d, &share);
	return 0;
}

/*
 * The directories are the host's, and so it is that makes the overlayfs: an engine's volumes with a layer of their own, images as volumes.
 * What is not the file system's is the bind mount's in the guest.
 */
static void derive_overlay(struct derivation *d, size_t i, struct oci_mount *m, const struct mount_options *o)
{
	struct share share = { .source = xstrdup("overlay"),
			       .field = xasprintf("mounts[%zu] \"%s\"", i, m->destination),
			       .overlay = xcalloc(o->n_data + 1, sizeof(*share.overlay)),
			       .readonly = (o->attr.set | o->rec.set) & MOUNT_ATTR_RDONLY };
	size_t n = 0;

	for (size_t k = 0; k < m->n_options; k++) {
		if (share.n_overlay < o->n_data && m->options[k] == o->data[share.n_overlay])
			share.overlay[share.n_overlay++] = xstrdup(m->options[k]);
		else
			m->options[n++] = m->options[k];
	}
	m->n_options = n;
	m->type = oci_doc_strdup(d->doc, "bind");
	m->source = add_share(d, &share);
}

/* Not a file system's whose files the host sees. */
static int refuse_idmap(struct oci_mount *m, const struct mount_options *o, bool bind, struct error *err)
{
	if (bind && (o->extra & MOUNT_EXTRA_IDMAP || m->n_uid_mappings || m->n_gid_mappings))
		return error_set(err, EINVAL, "options: \"idmap\", uidMappings: the source is a disk, or is missing: there are no ids to map");
	return idmap_take(m, o, bind, NULL, &(struct userns_maps){ 0 }, err);
}

/* Shared memory is the guest's: one mount in its kernel, not files of another. */
static void derive_shm(struct derivation *d, struct oci_mount *m)
{
	_cleanup_free_ char *path = path_join(GUEST_SHM_DIR, d->facts->shm->name);

	d->out->shm = d->facts->shm;
	m->source = oci_doc_strdup(d->doc, path);
}

static int derive_mount(struct derivation *d, size_t i, struct oci_mount *m, struct error *err)
{
	struct mount_options o;
	int r = mount_options_parse(m->options, m->n_options, &o, err);
	bool bind, disk;

	if (r < 0)
		return r;
	if (d->facts->shm && d->facts->shm->mount == i) {
		derive_shm(d, m);
		return 0;
	}
	bind = !(o.extra & MOUNT_EXTRA_REMOUNT) && (o.extra & MOUNT_EXTRA_BIND || str_eq(m->type, "bind"));
	disk = !(o.extra & MOUNT_EXTRA_REMOUNT) && !str_is_empty(m->source) && is_disk(d, i, m, bind);
	if (bind && !disk && !str_is_empty(m->source))
		return derive_bind(d, i, m, &o, err);
	r = refuse_idmap(m, &o, bind, err);
	if (r == 0 && !bind && !(o.extra & MOUNT_EXTRA_REMOUNT) && str_eq(m->type, "overlay"))
		derive_overlay(d, i, m, &o);
	if (r < 0 || !disk)
		return r;
	return derive_disk(d, i, m, &(struct disk){ .readonly = (o.attr.set | o.rec.set) & MOUNT_ATTR_RDONLY, .mounted = !bind }, err);
}

static void note_view(struct derivation *d, const char *destination, size_t share, const struct mount_options *o)
{
	struct guest_config *g = d->out;

	g->view = xreallocarray(g->view, g->n_view + 1, sizeof(*g->view));
	g->view[g->n_view++] = (struct view_mount){ xstrdup(destination), share, o->extra & MOUNT_EXTRA_DEST_NOFOLLOW };
}

static int derive_mounts(struct derivation *d, struct error *err)
{
	bool root_seen = d->out->n_shares > 0 && d->out->layer.kind == LAYER_NONE;

	for (size_t i = 0; i < d->config->n_mounts; i++) {
		const struct oci_mount *m = &d->bundle->config->mounts[i];
		size_t n = d->out->n_shares;
		struct mount_options o;
		int r = derive_mount(d, i, &d->config->mounts[i], err);

		if (r == 0)
			r = mount_options_parse(m->options, m->n_options, &o, err);
		if (r < 0)
			return error_wrap(err, "mounts[%zu] \"%s\"", i, m->destination);
		if (root_seen && !(o.extra & MOUNT_EXTRA_REMOUNT))
			note_view(d, m->destination, d->out->n_shares > n ? n : VIEW_COVERED, &o);
	}
	return 0;
}

/*
 * A pod's sandbox has paths where the engine has made the pod's namespaces itself. Those that a host's processes share by it are the
 * guest's own in a VM: the members join the sandbox's.
 */
static bool is_pods_own(const struct derivation *d, const struct oci_namespace *n)
{
	return annotation_is_sandbox(d->config->annotations) &&
	       (n->type == OCI_NAMESPACE_TYPE_IPC || n->type == OCI_NAMESPACE_TYPE_UTS);
}

/* In the guest the agent knows where the sandbox's are. */
static int derive_member_namespace(struct derivation *d, size_t i, struct error *err)
{
	struct oci_namespace *n = &d->config->linux_->namespaces[i];
	const struct namespace_type *type = namespace_type_by_name(oci_namespace_type_to_string(n->type));
	_cleanup_free_ char *path = NULL;

	if (!n->path && n->type == OCI_NAMESPACE_TYPE_NETWORK)
		return error_set(err, EINVAL,
				 "linux.namespaces[%zu]: a container of the pod sandbox \"%s\" has the pod's network: a path is missing", i,
				 d->pod->sandbox);
	if (!n->path)
		return 0;
	if (!d->pod->shared[i])
		return error_set(err, EINVAL,
				 "linux.namespaces[%zu].path: \"%s\" is not the %s namespace of the pod sandbox \"%s\", the only one that "
				 "can be joined in its virtual machine",
				 i, n->path, type->name, d->pod->sandbox);
	path = xasprintf(GUEST_STATE_DIR "/%s/ns/%s", d->pod->sandbox, type->file);
	n->path = oci_doc_strdup(d->doc, path);
	return 0;
}

static int derive_member_namespaces(struct derivation *d, struct error *err)
{
	const struct oci_linux *l = d->config->linux_;
	bool network = false;

	for (size_t i = 0; l && i < l->n_namespaces; i++) {
		int r = derive_member_namespace(d, i, err);

		if (r < 0)
			return r;
		network |= l->namespaces[i].type == OCI_NAMESPACE_TYPE_NETWORK;
	}
	if (!network)
		return error_set(err, EINVAL,
				 "linux.namespaces: a virtual machine cannot share the host's network, add the network namespace of the pod "
				 "sandbox \"%s\"",
				 d->pod->sandbox);
	return 0;
}

static int derive_namespaces(struct derivation *d, struct error *err)
{
	const struct oci_linux *l = d->bundle->config->linux_;
	bool network = false;

	for (size_t i = 0; l && i < l->n_namespaces; i++) {
		const struct oci_namespace *n = &l->namespaces[i];

		if (n->type == OCI_NAMESPACE_TYPE_NETWORK) {
			network = true;
			d->out->network_path = n->path;
			d->config->linux_->namespaces[i].path = NULL;
		} else if (n->path && is_pods_own(d, n)) {
			d->config->linux_->namespaces[i].path = NULL;
		} else if (n->path) {
			return error_set(err, EINVAL,
					 "linux.namespaces[%zu].path: the %s namespace \"%s\" cannot be "
					 "joined from a virtual machine",
					 i, oci_namespace_type_to_string(n->type), n->path);
		}
	}
	if (!network)
		return error_set(err, EINVAL,
				 "linux.namespaces: a virtual machine cannot share the host's network, add "
				 "{\"type\": \"network\"}");
	return 0;
}

static void derive_ids(struct derivation *d, const struct machine_ids *ids, struct oci_id_mapping **maps, size_t *n)
{
	if (*n == 0)
		return;
	*maps = oci_doc_alloc(d->doc, ids->n_guest * sizeof(**maps));
	*n = ids->n_guest;
	for (size_t i = 0; i < *n; i++)
		(*maps)[i] = (struct oci_id_mapping){ .container_id = ids->guest[i].inside, .host_id = ids->guest[i].outside, .size = ids->guest[i].count };
}

void guest_resources_derive(const struct oci_resources *from, struct guest_resources *ret)
{
	ret->resources = *from;
	if (from->cpu) {
		ret->cpu = *from->cpu;
		ret->cpu.cpus = ret->cpu.mems = NULL;
		ret->cpu.has_realtime_runtime = ret->cpu.has_realtime_period = false;
		ret->resources.cpu = &ret->cpu;
	}
	if (from->memory) {
		ret->memory = *from->memory;
		ret->memory.has_swappiness = false;
		ret->resources.memory = &ret->memory;
	}
	ret->resources.block_io = NULL;
	ret->resources.network = NULL;
	ret->resources.rdma = NULL;
	ret->resources.n_rdma = 0;
}

static void derive_resources(struct oci_resources *r)
{
	struct guest_resources derived;

	if (!r)
		return;
	guest_resources_derive(r, &derived);
	if (r->cpu) {
		*r->cpu = derived.cpu;
		derived.resources.cpu = r->cpu;
	}
	if (r->memory) {
		*r->memory = derived.memory;
		derived.resources.memory = r->memory;
	}
	*r = derived.resources;
}

/* The guest's kernel filters; but its notifications are descriptors of that kernel, which cannot leave it. */
static int derive_seccomp(struct oci_seccomp *s, struct error *err)
{
	if (s && s->default_action == OCI_SECCOMP_ACTION_NOTIFY)
		return error_set(
			err, EINVAL,
			"linux.seccomp.defaultAction: SCMP_ACT_NOTIFY cannot be used as the default action");
	for (size_t i = 0; s && i < s->n_syscalls; i++)
		if (s->syscalls[i].action == OCI_SECCOMP_ACTION_NOTIFY)
			return error_set(
				err, EINVAL,
				"linux.seccomp.syscalls[%zu]: seccomp notify unsupported: SCMP_ACT_NOTIFY "
				"cannot leave a virtual machine",
				i);
	if (s)
		s->listener_path = s->listener_metadata = NULL;
	return 0;
}

/*
 * A block device becomes a disk with the rights that the container would have; the agent puts the guest's numbers for the host's. Of those that nobody means
 * in particular (--privileged) what has nothing in it, or cannot be opened, is left out. What is in use can only be read, for the guest's kernel
 * and the host's do not know of each other's writes; and none is kept from whoever means it.
 */
static int derive_device(struct derivation *d, size_t i, const struct oci_device *dev, bool *ret_keep, struct error *err)
{
	const struct device_access a = device_access(d->config->linux_->resources, dev);
	bool one_of_all = d->facts->host_devices && !a.named;
	enum host_device state = one_of_all ? d->facts->host_devices[i] : HOST_DEVICE_FREE;

	if (dev->major < 0 || dev->major > 0xfff || dev->minor < 0 || dev->minor > 0xfffff)
		return error_set(err, ERANGE, "linux.devices[%zu]: %s: %lld:%lld is not a device number", i, dev->path, (long long)dev->major,
				 (long long)dev->minor);
	*ret_keep = state != HOST_DEVICE_UNUSABLE;
	if (*ret_keep && (a.reads || a.writes))
		add_disk(d, &(struct disk){ .field = xasprintf("linux.devices[%zu]", i), .readonly = !a.writes || state == HOST_DEVICE_READONLY,
					    .unlocked = one_of_all, .by_number = true, .major = (unsigned)dev->major, .minor = (unsigned)dev->minor });
	return 0;
}

static int derive_devices(struct derivation *d, struct error *err)
{
	struct oci_linux *l = d->config->linux_;
	size_t n = 0;

	for (size_t i = 0; i < l->n_devices; i++) {
		const struct oci_device *dev = &l->devices[i];
		bool keep = true;

		if (dev->type == OCI_DEVICE_TYPE_B && dev->has_major && dev->has_minor && derive_device(d, i, dev, &keep, err) < 0)
			return -err->code;
		if (keep)
			l->devices[n++] = *dev;
	}
	l->n_devices = n;
	return 0;
}

static int derive_linux(struct derivation *d, struct error *err)
{
	struct oci_linux *l = d->config->linux_;
	_cleanup_free_ char *cgroup = xasprintf("/%s", d->facts->id);
	int r = d->pod ? derive_member_namespaces(d, err) : derive_namespaces(d, err);

	if (r < 0)
		return r;
	if (l->n_net_devices > 0)
		return error_set(err, EINVAL,
				 "linux.netDevices: \"%s\" cannot be moved into a virtual machine",
				 l->net_devices[0].key);
	if (l->intel_rdt)
		return error_set(err, EOPNOTSUPP,
				 "linux.intelRdt: a virtual machine's processes get no class of the processor's caches; "
				 "runtime type Default has them");
	if (d->facts->userns) {
		derive_ids(d, &d->facts->userns->uids, &l->uid_mappings, &l->n_uid_mappings);
		derive_ids(d, &d->facts->userns->gids, &l->gid_mappings, &l->n_gid_mappings);
	}
	r = derive_devices(d, err);
	if (r == 0)
		r = derive_seccomp(l->seccomp, err);
	if (r < 0)
		return r;
	l->cgroups_path = oci_doc_strdup(d->doc, cgroup);
	derive_resources(l->resources);
	l->mount_label = NULL;
	return 0;
}

static bool has_rlimit(const struct oci_process *p, enum oci_rlimit_type type)
{
	for (size_t i = 0; i < p->n_rlimits; i++)
		if (p->rlimits[i].type == type)
			return true;
	return false;
}

size_t guest_config_rlimits(const struct oci_process *p, const struct oci_rlimit *inherited, size_t n, struct oci_rlimit *ret)
{
	size_t n_ret = 0;

	for (size_t i = 0; i < n; i++) {
		struct oci_rlimit l = inherited[i];

		if (has_rlimit(p, l.type))
			continue;
		if (l.type == OCI_RLIMIT_TYPE_NOFILE) {
			l.soft = MIN(l.soft, (uint64_t)GUEST_FILES_MAX);
			l.hard = MIN(l.hard, (uint64_t)GUEST_FILES_MAX);
		}
		ret[n_ret++] = l;
	}
	return n_ret;
}

static int derive_process(struct derivation *d, struct error *err)
{
	struct oci_process *p = d->config->process;
	struct oci_rlimit more[RLIM_NLIMITS];
	size_t n;

	if (annotation_is_on(d->config->annotations, ANNOTATION_KEEP_GROUPS))
		return error_set(err, EOPNOTSUPP,
				 "annotation %s: the caller's groups are the host's, no process of a virtual machine can have them; "
				 "runtime type Default does that, without privileges",
				 annotation_def(ANNOTATION_KEEP_GROUPS)->key);
	if (!p)
		return 0;
	n = guest_config_rlimits(p, d->facts->rlimits, d->facts->n_rlimits, more);
	for (size_t i = 0; i < n; i++)
		*(struct oci_rlimit *)oci_doc_append(d->doc, &p->rlimits, &p->n_rlimits, sizeof(more[i])) = more[i];
	p->selinux_label = NULL; /* the VMM has it (jail_derive()); there is no policy in a guest */
	if (!d->facts->apparmor)
		p->apparmor_profile = NULL;
	return 0;
}

/* Files of the host's, which a hook that runs in the guest cannot write to. */
static int derive_hook_output(struct derivation *d, struct error *err)
{
	static const enum annotation files[] = { ANNOTATION_HOOKS_STDOUT, ANNOTATION_HOOKS_STDERR };
	const struct oci_hooks *h = d->config->hooks;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		if (h && h->n_start_container > 0 && annotation_get(d->config->annotations, files[i]))
			return error_set(err, EOPNOTSUPP,
					 "annotation %s: hooks.startContainer run in the virtual machine, which has no way to a file of the host's; "
					 "runtime type Default does that",
					 annotation_def(files[i])->key);
		map_remove(d->config->annotations, files[i]);
	}
	return 0;
}

static int derive_rest(struct derivation *d, struct error *err)
{
	struct oci_hooks *h = d->config->hooks;
	int r = derive_hook_output(d, err);

	if (r < 0)
		return r;
	if (h)
		*h = (struct oci_hooks){ .start_container = h->start_container,
					 .n_start_container = h->n_start_container };
	d->config->vm = NULL;
	d->config->windows = NULL;
	return 0;
}

static int derive(struct derivation *d, struct error *err)
{
	static int (*const steps[])(struct derivation * d, struct error * err) = {
		derive_layer, derive_root, derive_mounts, derive_linux, derive_process, derive_rest,
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = steps[i](d, err);

		if (r < 0)
			return r;
	}
	if (d->out->n_disks > VMM_DISKS_MAX)
		return error_set(err, E2BIG, "%s: %zu disks, at most %d are possible", d->out->disks[VMM_DISKS_MAX].field, d->out->n_disks,
				 VMM_DISKS_MAX);
	return json_write(&oci_config_type, d->config, &d->out->json, NULL, err);
}

static int derive_from(const struct bundle *bundle, const struct guest_facts *facts, const struct guest_pod *pod, struct guest_config **ret,
		       struct error *err)
{
	_cleanup_guest_config_ struct guest_config *out = xcalloc(1, sizeof(*out));
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct derivation d = { .bundle = bundle, .facts = facts, .pod = pod, .out = out };
	int r;

	r = json_parse(&oci_config_type, bundle->json, bundle->json_len, &doc, err);
	if (r == 0) {
		d.doc = doc;
		d.config = oci_doc_root(doc);
		r = derive(&d, err);
	}
	if (r < 0)
		return r;
	*ret = TAKE_PTR(out);
	return 0;
}

int guest_config_derive(const struct bundle *bundle, const struct guest_facts *facts, struct guest_config **ret, struct error *err)
{
	return derive_from(bundle, facts, NULL, ret, err);
}

int guest_config_derive_member(const struct bundle *bundle, const struct guest_facts *facts, const struct guest_pod *pod,
			       struct guest_config **ret, struct error *err)
{
	if (bundle->config->vm)
		return error_set(err, EINVAL, "vm: the container is a member of the pod sandbox \"%s\", whose virtual machine is there already",
				 pod->sandbox);
	return derive_from(bundle, facts, pod, ret, err);
}
