/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * features, runtime-spec 1.3.0 features.md and features-linux.md: what this program was built to do, whatever
 * the host has switched on. Lists come from the tables that do the work, so that they cannot say more than is
 * true.
 */
#include <ocispec/types.h>
#include <seccomp.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/document.h"
#include "container/settings.h"
#include "linux/caps.h"
#include "linux/mount_options.h"
#include "runtime/isolation.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"

static const char *const hook_kinds[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop", NULL
};

/* A list that grows in a document. */
struct list {
	struct oci_doc *doc;
	char **v;
	size_t n;
};

static void add_name(struct list *l, const char *name)
{
	*(char **)oci_doc_append(l->doc, &l->v, &l->n, sizeof(char *)) = oci_doc_strdup(l->doc, name);
}

/* From a table that ends with NULL, */
static struct list from_strings(struct oci_doc *doc, const char *const *v)
{
	struct list l = { .doc = doc };

	for (; *v; v++)
		add_name(&l, *v);
	return l;
}

/* and from the names of an enum's values. */
static struct list from_enum(struct oci_doc *doc, const char *(*to_string)(int), int max)
{
	struct list l = { .doc = doc };

	for (int i = 0; i < max; i++)
		add_name(&l, to_string(i));
	return l;
}

#define SET_LIST(object, field, list_of)                                                                     \
	do {                                                                                                 \
		struct list list_ = (list_of);                                                               \
		(object)->field = list_.v;                                                                   \
		(object)->n_##field = list_.n;                                                               \
	} while (0)

static void add_capabilities(struct oci_doc *doc, struct oci_features_linux *f)
{
	struct list l = { .doc = doc };

	for (int i = 0; caps_to_name(i); i++)
		add_name(&l, caps_to_name(i));
	f->capabilities = l.v;
	f->n_capabilities = l.n;
}

static struct oci_features_enabled *enabled(struct oci_doc *doc, bool value)
{
	struct oci_features_enabled *e = oci_doc_alloc(doc, sizeof(*e));

	e->enabled = value;
	e->has_enabled = true;
	return e;
}

static void add_cgroup(struct oci_doc *doc, struct oci_features_linux *f)
{
	f->cgroup = oci_doc_alloc(doc, sizeof(*f->cgroup));
	*f->cgroup = (struct oci_features_cgroup){
		.v1 = true,
		.has_v1 = true,
		.v2 = true,
		.has_v2 = true,
		.systemd = true,
		.has_systemd = true,
		.systemd_user = true,
		.has_systemd_user = true,
		.rdma = true,
		.has_rdma = true,
	};
}

static void add_seccomp(struct oci_doc *doc, struct oci_features_linux *f)
{
	struct oci_features_seccomp *s = f->seccomp = oci_doc_alloc(doc, sizeof(*s));

	s->enabled = s->has_enabled = true;
	SET_LIST(s, actions, from_enum(doc, oci_seccomp_action_to_string, _OCI_SECCOMP_ACTION_MAX));
	SET_LIST(s, operators, from_enum(doc, oci_seccomp_operator_to_string, _OCI_SECCOMP_OPERATOR_MAX));
	SET_LIST(s, archs, from_enum(doc, oci_seccomp_arch_to_string, _OCI_SECCOMP_ARCH_MAX));
	SET_LIST(s, known_flags, from_enum(doc, oci_seccomp_flag_to_string, _OCI_SECCOMP_FLAG_MAX));
	SET_LIST(s, supported_flags, from_enum(doc, oci_seccomp_flag_to_string, _OCI_SECCOMP_FLAG_MAX));
}

static void add_linux(struct oci_doc *doc, struct oci_features *f)
{
	struct oci_features_linux *l = f->linux_ = oci_doc_alloc(doc, sizeof(*l));

	SET_LIST(l, namespaces, from_enum(doc, oci_namespace_type_to_string, _OCI_NAMESPACE_TYPE_MAX));
	add_capabilities(doc, l);
	add_cgroup(doc, l);
	add_seccomp(doc, l);
	l->apparmor = enabled(doc, true);
	l->selinux = enabled(doc, true);
	l->intel_rdt = oci_doc_alloc(doc, sizeof(*l->intel_rdt));
	l->intel_rdt->has_enabled = l->intel_rdt->has_schemata = l->intel_rdt->has_monitoring = true;
	l->intel_rdt->enabled = l->intel_rdt->schemata = l->intel_rdt->monitoring = true;
	l->memory_policy = oci_doc_alloc(doc, sizeof(*l->memory_policy));
	SET_LIST(l->memory_policy, modes,
		 from_enum(doc, oci_memory_policy_mode_to_string, _OCI_MEMORY_POLICY_MODE_MAX));
	SET_LIST(l->memory_policy, flags,
		 from_enum(doc, oci_memory_policy_flag_to_string, _OCI_MEMORY_POLICY_FLAG_MAX));
	l->mount_extensions = oci_doc_alloc(doc, sizeof(*l->mount_extensions));
	l->mount_extensions->idmap = enabled(doc, true);
	l->net_devices = enabled(doc, true);
}

static void add_annotations(struct oci_doc *doc, struct oci_features *f, const struct settings *settings)
{
	const struct scmp_version *v = seccomp_version();
	_cleanup_free_ char *libseccomp = xasprintf("%u.%u.%u", v->major, v->minor, v->micro);
	bool emulated = str_eq(settings->hyperv.accel, "tcg");
	const struct {
		const char *key, *value;
	} rows[] = {
		{ "io.github.seccomp.libseccomp.version", libseccomp },
		{ "io.hvrun.commit", HV_COMMIT },
		{ "io.hvrun.hyperv.accel",
		  emulated ? "tcg (emulated: not a security boundary)" : settings->hyperv.accel },
		{ "io.hvrun.runtime-types", "Default,HyperV" },
		{ "io.hvrun.version", PACKAGE_VERSION },
		{ "org.opencontainers.runc.checkpoint.enabled", "false" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		oci_doc_map_set(doc, &f->annotations, rows[i].key, rows[i].value);
}

int runtime_features(struct runtime *rt, struct buf *out, struct error *err)
{
	struct oci_doc *doc = NULL;
	struct oci_features *f;
	struct oci_error oe;
	char *json;
	int r = runtime_load_settings(rt, err);

	if (r < 0)
		return r;
	if (oci_doc_new(&oci_features_type, &doc, &oe) < 0)
		return document_error(err, &oe);
	f = oci_doc_root(doc);
	f->oci_version_min = oci_doc_strdup(doc, "1.0.0");
	f->oci_version_max = oci_doc_strdup(doc, OCI_SPEC_VERSION);
	SET_LIST(f, hooks, from_strings(doc, hook_kinds));
	SET_LIST(f, mount_options, from_strings(doc, mount_options_names()));
	add_linux(doc, f);
	add_annotations(doc, f, rt->settings);
	SET_LIST(f, potentially_unsafe_config_annotations, from_strings(doc, annotations_unsafe));
	r = oci_write(&oci_features_type, f, "    ", &json, NULL, &oe);
	if (r == 0) {
		buf_append_str(out, json);
		buf_append_str(out, "\n");
		free(json);
	}
	oci_doc_free(doc);
	return r < 0 ? document_error(err, &oe) : 0;
}
