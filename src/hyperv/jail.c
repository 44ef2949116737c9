/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container's VMM may have on the host: decided here, done by the worker. */
#include "hyperv/jail.h"

#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include <ocispec/types.h>

#include "base/mem.h"
#include "base/str.h"
#include "container/settings.h"
#include "linux/caps.h"
#include "linux/lsm/lsm.h"

/* container-selinux: what may run as a container, and the same with access to /dev/kvm and the like. */
static const struct {
	const char *container, *vmm;
} types[] = {
	{ "container_t", "container_kvm_t" },
	{ "container_init_t", "container_init_kvm_t" },
};

/* user:role:type[:level]; the level may have colons. */
char *jail_vmm_label(const char *label)
{
	const char *role = strchr(label, ':'), *type = role ? strchr(role + 1, ':') : NULL;
	size_t len;

	if (!type)
		return xstrdup(label);
	type++;
	len = strcspn(type, ":");
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (strlen(types[i].container) == len && !strncmp(type, types[i].container, len))
			return xasprintf("%.*s%s%s", (int)(type - label), label, types[i].vmm, type + len);
	return xstrdup(label);
}

/* Who may not give programs capabilities in the guest has no use for a VMM that could on the host. */
static bool has_setfcap(const struct oci_process *p)
{
	_cleanup_strv_ char **warnings = NULL;
	struct caps caps;

	caps_from_oci(p ? p->capabilities : NULL, caps_grantable(true), &caps, &warnings);
	return caps.bounding & (UINT64_C(1) << CAP_SETFCAP);
}

int jail_derive(const struct oci_config *config, const struct settings_hyperv *settings, struct jail *ret, struct error *err)
{
	const struct oci_process *p = config ? config->process : NULL;
	struct lsm_labels labels = { 0 };
	int r;

	*ret = (struct jail){ .files = settings->vmm_files, .n_files = settings->n_vmm_files, .file_capabilities = has_setfcap(p) };
	if (!p || !p->selinux_label || !*p->selinux_label)
		return 0;
	ret->label = jail_vmm_label(p->selinux_label);
	labels.selinux = ret->label;
	r = lsm_validate(&labels, err);
	if (r < 0)
		jail_done(ret);
	return r;
}

void jail_done(struct jail *j)
{
	free(j->label);
	j->label = NULL;
}
