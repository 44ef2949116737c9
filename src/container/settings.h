/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_SETTINGS_H
#define HV_CONTAINER_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_doc;
struct hv_settings;

#define SETTINGS_DEFAULT_PATH HV_SYSCONFDIR "/hvrun/hvrun.json"

/* How HyperV containers run here. Nothing in it is ever changed by a bundle. */
struct settings_hyperv {
	const char *accel;    /* "kvm" or "tcg": the operator's word, by --vm-accel or "hyperv.accel" */
	const char *vmm;      /* a row of the VMM table: "qemu" */
	const char *vmm_path; /* NULL: where the driver usually finds it */
	const char *worker;   /* hvrun-vmwp */
	const char *kernel;   /* the guest's kernel and initramfs */
	const char *initrd;
	uint64_t memory; /* bytes of RAM for a container without a memory limit, and the least for one with a
			    limit */
	uint32_t vcpus;
	uint32_t boot_timeout; /* seconds until the agent must have answered */
	bool use_template;     /* VMs are copies of one that has booted */
	const char *template_dir; /* NULL: /run/hvrun-template or the like */
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
	struct settings_hyperv hyperv;
	struct oci_doc *doc;
	char *found[3]; /* owned: worker, kernel and initrd where the file does not say */
};

/*
 * Reads path; NULL is SETTINGS_DEFAULT_PATH, which may be missing. Comments are allowed. Unknown keys are
 * errors, for a misspelt one must not weaken isolation; so are wrong values: the message names file, key and
 * value. Returns 0 and *ret, or < 0.
 */
int settings_load(const char *path, struct settings **ret, struct error *err);

struct settings *settings_free(struct settings *s);
static inline void settings_freep(struct settings **s)
{
	settings_free(*s);
}
#define _cleanup_settings_ _cleanup_(settings_freep)

#endif
