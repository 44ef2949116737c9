/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_SETTINGS_H
#define HV_CONTAINER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_doc;
struct hv_settings;

#define SETTINGS_DEFAULT_PATH HV_SYSCONFDIR "/hvrun/hvrun.json"
#define SETTINGS_SANDBOX_DIR HV_LOCALSTATEDIR "/lib/hvrun/sandbox"

/*
 * A kernel that a bundle may choose by its name, and how it is booted: a row of "hyperv.guests". Row 0 is what "hyperv.kernel" and its
 * neighbours describe. Where a row says nothing it has what row 0 has, but that another architecture's is always emulated. The last ones may be
 * in no file: guests of other architectures that were made or installed beside the usual one (make guest-arm64), called by their architecture.
 */
#define SETTINGS_USUAL_GUEST "default" /* name of row 0 */
struct settings_guest {
	const char *name;
	const char *architecture; /* by Go's names */
	const char *kernel, *initrd;
	char *const *parameters;  /* words added to the kernel's command line, NULL-terminated; NULL: none */
	const char *release;      /* of the kernel, "6.1.0-13"; NULL: guest.json beside it may say so */
	char *const *features;    /* NULL-terminated; NULL: none */
	const char *machine;      /* NULL: the VMM's usual one for the architecture */
	const char *accel;        /* "kvm" or "tcg" */
	const char *vmm_path;     /* NULL: where the driver usually finds it */
};

/* How HyperV containers run here. Nothing in it is ever changed by a bundle. */
struct settings_hyperv {
	const char *accel;    /* "kvm" or "tcg": the operator's word, by --vm-accel or "hyperv.accel"; a guest may have another */
	const char *vmm;      /* a row of the VMM table: "qemu" */
	const char *vmm_path; /* NULL: where the driver usually finds it */
	char *const *vmm_files; /* more of the host's files for it to read; n_vmm_files of them */
	size_t n_vmm_files;
	const char *worker;   /* hvrun-vmwp */
	const char *kernel;   /* the guest's kernel and initramfs */
	const char *initrd;
	uint64_t memory; /* bytes of RAM for a container without a memory limit, and the least for one with a
			    limit */
	uint32_t vcpus;
	bool join_network; /* who asks for the network of a virtual machine gets into it */
	uint32_t spare_links;  /* network cards beside those for the links that are there when it is created */
	/* Disks of a pod sandbox's VM for containers that come later: that they can write, and that they can read alone */
	uint32_t spare_disks, spare_readonly_disks;
	uint32_t boot_timeout; /* seconds until the agent must have answered */
	const char *share_type;     /* how the host's directories come into a VM, unless an annotation says so: "9p" or "virtiofs" */
	const char *virtiofsd_path; /* NULL: where it usually is */
	uint32_t virtiofs_timeout;  /* seconds for which a guest goes on with names and attributes that it knows */
	bool use_template;     /* VMs are copies of one that has booted */
	const char *apparmor_dir; /* compiled AppArmor policies for guests; NULL: those that the host's kernel has */
	const char *template_dir; /* NULL: /run/hvrun-template or the like */
	/* What vm sections of bundles may name, beside what is named here anyway: patterns of host_file.h; NULL: nothing. */
	char *const *allowed_hypervisors, *const *allowed_kernels, *const *allowed_initrds, *const *allowed_images;
	bool allow_hypervisor_parameters, allow_kernel_parameters;
	char *const *debug_shells; /* programs for debug-shell, NULL-terminated: the first for a guest's architecture is that guest's; NULL: not allowed */
	const char *console_log, *vmm_log; /* --vm-console, --vm-log: absolute paths, or NULL */
	const struct settings_guest *guests;
	size_t n_guests; /* >= 1 */
};

/*
 * The configuration file (src/schema/settings.json), with what it leaves out filled in: everything is set but
 * where NULL has a meaning. Programs and guest files come from the build tree when this binary runs there,
 * else from where they are installed.
 */
struct settings {
	char *path;                    /* where it was read from; NULL: there is no file */
	int runtime_type;              /* enum runtime_type, or -1 */
	bool allow_annotation_default; /* may an annotation weaken an operator's HyperV to Default */
	int cgroup_manager;            /* enum cgroup_manager_type */
	char *const *allowed_systemd_properties; /* what org.systemd.property.* may name: patterns, NULL-terminated; NULL: the usual ones */
	char *const *os_features;      /* what images may ask for of the host, NULL-terminated; NULL: none */
	const char *sandbox_dir;       /* where layers are (container/layer.h); NULL: where they usually are */
	uint64_t sandbox_size;         /* bytes, the most that one may get; 0: no limit */
	struct settings_hyperv hyperv;
	struct settings_guest *guests; /* hyperv.guests, owned */
	struct oci_doc *doc;
	char **found; /* owned: worker, kernel and initrd where the file does not say, those of other architectures' guests */
};

/*
 * Reads path; NULL is SETTINGS_DEFAULT_PATH, which may be missing. Comments are allowed. Unknown keys are
 * errors, for a misspelt one must not weaken isolation; so are wrong values: the message names file, key and
 * value. Returns 0 and *ret, or < 0.
 */
int settings_load(const char *path, struct settings **ret, struct error *err);

/* --vm-accel: all guests of the host's architecture run by accel, whatever the file says. Borrowed. */
void settings_set_accel(struct settings *s, const char *accel);

struct settings *settings_free(struct settings *s);
static inline void settings_freep(struct settings **s)
{
	settings_free(*s);
}
#define _cleanup_settings_ _cleanup_(settings_freep)

#endif
