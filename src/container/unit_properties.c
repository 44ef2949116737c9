/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Annotations org.systemd.property.*. A unit's properties reach further than its cgroup: other units can be started or stopped by
 * one's dependencies, and limits taken back. An annotation is as hostile as the rest of a bundle: hence a list.
 */
#include "container/unit_properties.h"

#include <errno.h>
#include <fnmatch.h>
#include <ocispec/doc.h>
#include <stdbool.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/settings.h"
#include "linux/cgroup/unit_property.h"

/* How the unit itself is ended, and what is kept of it. */
static const char *const harmless[] = {
	"CollectMode",
	"FinalKillSignal",
	"KillMode",
	"KillSignal",
	"ManagedOOMMemoryPressure",
	"ManagedOOMMemoryPressureLimit",
	"ManagedOOMPreference",
	"ManagedOOMSwap",
	"OOMPolicy",
	"RuntimeMaxUSec",
	"RuntimeRandomizedExtraUSec",
	"SendSIGHUP",
	"SendSIGKILL",
	"TimeoutStopUSec",
};

static bool is_allowed(const char *name, const struct settings *s)
{
	for (char *const *p = s->allowed_systemd_properties; p && *p; p++)
		if (fnmatch(*p, name, 0) == 0)
			return true;
	return !s->allowed_systemd_properties && str_index(harmless, ARRAY_SIZE(harmless), name) >= 0;
}

static int check(const struct unit_property *p, const struct settings *s, struct error *err)
{
	_cleanup_free_ char *name = unit_property_name(p->name);
	_cleanup_buf_ struct buf unused = { 0 };
	int r = unit_property_put(&unused, p, err);

	if (r < 0)
		return r;
	return is_allowed(name, s) ? 0 : error_set(err, EPERM, "\"%s\" is not allowed here (allowed_systemd_properties in the configuration "
						   "file would permit it)", name);
}

int unit_properties_new(const struct oci_string_map *annotations, const struct settings *settings, struct unit_property **ret,
			size_t *ret_n, struct error *err)
{
	size_t n_all = annotations && settings ? annotations->n : 0, n = 0;
	_cleanup_free_ struct unit_property *v = NULL;

	for (size_t i = 0; i < n_all; i++) {
		const char *name = str_skip_prefix(annotations->entries[i].key, UNIT_PROPERTY_PREFIX);

		if (!name)
			continue;
		v = xreallocarray(v, n + 1, sizeof(*v));
		v[n] = (struct unit_property){ name, annotations->entries[i].value };
		if (check(&v[n++], settings, err) < 0)
			return error_wrap(err, "annotation %s", annotations->entries[i].key);
	}
	*ret = TAKE_PTR(v);
	*ret_n = n;
	return 0;
}
