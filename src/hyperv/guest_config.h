/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_GUEST_CONFIG_H
#define HV_HYPERV_GUEST_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include <ocispec/types.h>

#include "base/error.h"
#include "base/macros.h"
#include "proto/message.h"
#include "container/layer.h"
#include "hyperv/host_device.h"
#include "hyperv/shm.h"
#include "hyperv/vmm/vmm.h"
#include "linux/userns.h"

struct bundle;
struct machine_userns;
struct oci_linux;
struct oci_process;
struct oci_rlimit;
struct settings;

/* What the guest's agent keeps of a container (agent/main.c), by its id; "ns" there has the files of its namespaces (agent/verbs.c). */
#define GUEST_STATE_DIR "/run/hvrun"

/* Where the guest finds the share tree (agent/boot.h mounts it). */
#define GUEST_SHARE_DIR PROTOCOL_SHARE_DIR

/* Something of the host's file systems that the guest gets, as an entry of the share tree; the rootfs is the first, unless it is an image. */
struct share {
	char *name;                 /* of the entry */
	char *source;               /* absolute path on the host */
	char *field;                /* what config.json calls it: "mounts[3].source" */
	char **overlay;             /* options of an overlayfs to make for it, whose name source is then; NULL: source is there already */
	size_t n_overlay;
	bool itself;                /* a symlink as the source is not followed, and then is nothing that can be shared */
	bool recursive;             /* with what is mounted below it */
	bool readonly;              /* for the guest from the beginning */
	bool readonly_after_create; /* once the container has been made: the mount points in a read-only
				       rootfs */
	struct userns_maps idmap; /* whose its files are for the guest (hyperv/idmap.h); none: as they are */
	bool idmap_below;         /* also of what is mounted below it */
};

/* Where the guest mounts what the container's root is made of, and names the disks that it does not mount (agent/disks.h). */
#define GUEST_LAYER_DIR "/run/layer"
#define GUEST_FILES_MAX 1048576 /* fs.nr_open of a kernel that nobody has configured: RLIMIT_NOFILE cannot be more */
#define GUEST_ROOT_DIR "/run/root"
#define GUEST_DISK_DIR "/run/disk"

/* A disk of the VM: a file or block device of the host's. */
struct disk {
	char *source; /* absolute path; NULL: the container's layer, or the device with these numbers */
	char *field;  /* what config.json calls it */
	enum vmm_disk_format format;
	bool readonly;
	bool layer;
	bool mounted; /* by the container's own configuration, as a file system */
	bool unlocked; /* nobody means this one in particular (--privileged): others may have it as a disk at any time */
	bool by_number;
	unsigned major, minor;
	char *name;  /* in GUEST_DISK_DIR; NULL: its number */
	char *mount; /* GUEST_LAYER_DIR, GUEST_ROOT_DIR, or such a place of its own; NULL: by the container's own configuration */
	const char *type;  /* the file system that is mounted there */
};

/* What is to be known beside the bundle, asked before so that the derivation is pure. */
struct guest_facts {
	const char *id;
	const struct settings *settings;
	const struct machine_userns *userns; /* the worker's, with the ids that the guest is to map to; NULL: the caller's, as config.json has them */
	const struct shm *shm; /* what shm_find() found; NULL: nothing */
	bool apparmor; /* the policy of the process's profile goes to the guest (apparmor_for_guest()) */
	const bool *devices; /* whether the source of mounts[i] is a block device; NULL: none is */
	const enum host_device *host_devices; /* of linux.devices[] (host_devices_look()); NULL: all are free */
	const struct oci_rlimit *rlimits; /* what the container's process would inherit on the host (rlimits_inherited()); NULL: nothing */
	size_t n_rlimits;
};

/* What is at a mount's destination, for who looks from the host. */
struct view_mount {
	char *destination; /* in the container */
	size_t share;      /* index, or VIEW_COVERED: what is mounted there is not the host's */
	bool nofollow;     /* a symlink is the destination itself */
};
#define VIEW_COVERED ((size_t)-1)

/* A container as the guest is told of it. */
struct guest_config {
	char *json; /* its config.json there */
	struct share *shares;
	size_t n_shares;
	struct disk *disks;
	size_t n_disks;
	struct view_mount *view; /* for view.h; none where the root file system is the guest's alone */
	size_t n_view;
	struct layer_spec layer;
	const struct shm *shm; /* to be told the agent; the facts' */
	const char *network_path; /* network namespace to join on the host; NULL: a new one. Borrowed from the
				     bundle */
};

/*
 * What the bundle's config.json becomes inside the VM (doc/ARCHITECTURE.md has the table): paths of the host
 * become entries of the share tree, what the host does itself is left out, and what cannot be had in a VM is
 * refused with a message that names the field. Pure: nothing is opened. Returns 0 and *ret, or < 0.
 */
int guest_config_derive(const struct bundle *bundle, const struct guest_facts *facts, struct guest_config **ret, struct error *err);

/* A container that is added to a VM which runs: a member of the pod whose sandbox the VM was made for. */
struct guest_pod {
	const char *sandbox;      /* its id */
	const struct oci_linux *sandbox_linux; /* of its configuration: the mappings of its user namespace; NULL: it has none */
	const char *share_prefix; /* of the names of its entries and disks: nobody else in that VM has the same */
	const bool *shared; /* for each of linux.namespaces that has a path: whether the sandbox's namespace is meant */
};

/*
 * The same for a member: namespaces of the sandbox become those that the sandbox has in the guest; a path that leads elsewhere is refused,
 * and so is a network of its own.
 */
int guest_config_derive_member(const struct bundle *bundle, const struct guest_facts *facts, const struct guest_pod *pod,
			       struct guest_config **ret, struct error *err);

/*
 * What a process is limited to that config.json leaves open: as it would be on the host, by its caller's limits (rlimits_inherited(), n of
 * them), not as the guest's first process is. Those are written to ret, which has room for n; a limit of files above what any kernel
 * gives becomes GUEST_FILES_MAX. Returns how many. Pure.
 */
size_t guest_config_rlimits(const struct oci_process *p, const struct oci_rlimit *inherited, size_t n, struct oci_rlimit *ret);

/*
 * Of limits, by create or by update, those for the container's group in the guest, to ret, which borrows what from has: without the host's processors,
 * real-time scheduling, swapping and devices, which mean nothing there. What is to be had of those the host's group has (spec_make_host_limits()). Pure.
 */
struct guest_resources {
	struct oci_resources resources;
	struct oci_cpu cpu;       /* resources.cpu */
	struct oci_memory memory; /* resources.memory */
};
void guest_resources_derive(const struct oci_resources *from, struct guest_resources *ret);

struct guest_config *guest_config_free(struct guest_config *g);
static inline void guest_config_freep(struct guest_config **g)
{
	guest_config_free(*g);
}
#define _cleanup_guest_config_ _cleanup_(guest_config_freep)

#endif
