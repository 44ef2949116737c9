/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runtime type HyperV: the lifecycle of container/isolation.h, each verb sent into a VM where the native type carries it out.
 */
#include "hyperv/hyperv.h"

#include <errno.h>
#include <ocispec/types.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/env.h"
#include "container/settings.h"
#include "hyperv/choice.h"
#include "hyperv/create.h"
#include "hyperv/disk.h"
#include "hyperv/guest_config.h"
#include "hyperv/jail.h"
#include "hyperv/member.h"
#include "hyperv/spec.h"
#include "linux/caps.h"

/* What "rootfs" is must not be decided by who can make a link (as runc has it, and native/control.c). */
static int check_rootfs(const struct bundle *b, struct error *err)
{
	struct stat st;

	if (lstat(b->rootfs, &st) < 0)
		return error_errno(err, "root.path: %s", b->rootfs);
	if (annotation_get(b->config->annotations, ANNOTATION_ROOTFS_TYPE)) {
		if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
			return error_set(err, EINVAL, "root.path: %s is no image: annotation io.hvrun.rootfs.type needs a file or block device", b->rootfs);
		return 0;
	}
	if (!S_ISDIR(st.st_mode))
		return error_set(err, ENOTDIR, "invalid rootfs: root.path \"%s\": not an absolute path, or a symlink", b->rootfs);
	return 0;
}

/* Capabilities that the guest cannot grant: its log ends with it, so the warning (config.md, "Linux Process") is ours to
 * give. */
static void warn_of_capabilities(const struct oci_process *process)
{
	_cleanup_strv_ char **warnings = NULL;
	struct caps caps;

	caps_from_oci(process ? process->capabilities : NULL, caps_grantable(true), &caps, &warnings);
	for (char **w = warnings; w && *w; w++)
		log_warning("%s", *w);
}

/* The user namespace that create makes for a user without privileges has no rights over a network namespace that is there already. */
static int check_network_path(const struct guest_config *guest, struct error *err)
{
	if (geteuid() == 0 || !guest->network_path)
		return 0;
	return error_set(err, EPERM,
			 "linux.namespaces: network: joining %s takes root, or root of the user namespace that it belongs to, as a rootless engine is; without a "
			 "path the virtual machine has a loopback interface alone", guest->network_path);
}

/* The derivation is made once more by create: it is cheap, and the refusals come before anything exists. */
static int validate_vm(const struct env *env, const struct bundle *bundle, struct error *err)
{
	const struct settings_hyperv *settings = &env->settings->hyperv;
	_cleanup_free_ bool *devices = disk_find_devices(bundle);
	_cleanup_free_ enum host_device *host_devices = host_devices_look(bundle);
	const struct guest_facts facts = { .id = "validate", .settings = env->settings, .devices = devices, .host_devices = host_devices };
	_cleanup_guest_config_ struct guest_config *guest = NULL;
	const struct vmm_ops *vmm = vmm_find(settings->vmm, err);
	_cleanup_choice_ struct choice choice = { 0 };
	_cleanup_jail_ struct jail jail = { 0 };
	struct vm_spec spec;
	int r;

	if (!vmm)
		return -err->code;
	r = choice_make(bundle, env->settings, &choice, err);
	if (r == 0)
		r = check_rootfs(bundle, err);
	if (r == 0)
		r = guest_config_derive(bundle, &facts, &guest, err);
	if (r == 0)
		r = check_network_path(guest, err);
	if (r == 0)
		r = spec_make_vm(bundle->config, settings, &choice, &spec, err);
	if (r == 0)
		r = jail_derive(bundle->config, settings, &jail, err);
	if (r == 0)
		r = vmm_probe(vmm, &spec, err);
	return r;
}

static int validate_member(const struct env *env, const struct bundle *bundle, struct error *err)
{
	int r = check_rootfs(bundle, err);

	if (r == 0 && geteuid() != 0)
		return error_set(err, EPERM,
				 "pod sandbox \"%s\": joining a virtual machine needs root, or root of a user namespace that the caller is in already, as a "
				 "rootless engine is", bundle->sandbox);
	return r < 0 ? r : member_check(env, bundle, err);
}

static int validate(const struct env *env, const struct bundle *bundle, struct error *err)
{
	int r = bundle->sandbox ? validate_member(env, bundle, err) : validate_vm(env, bundle, err);

	if (r == 0)
		warn_of_capabilities(bundle->config->process);
	return r;
}

const struct isolation_ops hyperv_ops = {
	.name = "HyperV",
	.validate = validate,
	.create = hyperv_create,
	.start = hyperv_start,
	.exec = hyperv_exec,
	.debug = hyperv_debug,
	.signal = hyperv_signal,
	.pids = hyperv_pids,
	.status = hyperv_status,
	.freeze = hyperv_freeze,
	.update = hyperv_update,
	.mounts = hyperv_mounts,
	.processes = hyperv_processes,
	.stats = hyperv_stats,
	.machine = hyperv_machine,
	.wait_oom = hyperv_wait_oom,
	.destroy = hyperv_destroy,
};
