/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two runtime types and the rule that chooses between them. Whoever wrote the bundle speaks first, by
 * annotation or by a section that only a VM can honour; the operator's word stands where the bundle says
 * nothing, and as a lower bound of isolation where it does. There is no path from HyperV to Default but the
 * one that the configuration opens.
 */
#include "runtime/isolation.h"

#include <errno.h>
#include <ocispec/types.h>
#include <stdbool.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/isolation.h"
#include "container/settings.h"
#include "hyperv/hyperv.h"
#include "native/native.h"

enum { UNSAID = -1 };

static const struct isolation_ops *const types[] = {
	[RUNTIME_TYPE_DEFAULT] = &native_ops,
	[RUNTIME_TYPE_HYPERV] = &hyperv_ops,
};

const struct isolation_ops *isolation_of(enum runtime_type type)
{
	return types[type];
}

const struct isolation_ops *isolation_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (str_eq(types[i]->name, name))
			return types[i];
	return NULL;
}

/* What a section of the configuration that only a VM can honour is called. */
static const char *vm_section(const struct oci_config *c)
{
	if (c->vm)
		return "vm";
	return c->linux_ && c->windows && c->windows->hyperv ? "windows.hyperv" : NULL;
}

/* Returns a type, UNSAID, or < UNSAID with *err. */
static int by_annotation(const struct oci_config *c, struct error *err)
{
	const struct annotation_def *def = annotation_def(ANNOTATION_RUNTIME_TYPE);
	const char *value = annotation_get(c->annotations, ANNOTATION_RUNTIME_TYPE);

	return value ? runtime_type_from_string(value, def->key, err) : UNSAID;
}

static int by_operator(const struct dispatch *d)
{
	if (d->option != UNSAID)
		return d->option;
	if (str_eq(path_basename(d->program), "hvrun-hyperv"))
		return RUNTIME_TYPE_HYPERV;
	return d->settings->runtime_type;
}

/* Steps 1 and 2: what the bundle says. Returns a type, UNSAID, or < UNSAID. */
static int by_bundle(const struct oci_config *c, struct error *err)
{
	const char *section = vm_section(c);
	int said = by_annotation(c, err);

	if (said < UNSAID || !section)
		return said;
	if (said == RUNTIME_TYPE_DEFAULT)
		return error_set(err, EINVAL,
				 "annotation %s is Default, but the configuration has a %s section, which "
				 "needs HyperV",
				 annotation_def(ANNOTATION_RUNTIME_TYPE)->key, section);
	return RUNTIME_TYPE_HYPERV;
}

/* Steps 3 and 4: the bundle's word under the operator's. */
static int under_operator(const struct dispatch *d, int said, struct error *err)
{
	int operator_says = by_operator(d);

	if (said == UNSAID)
		return operator_says == UNSAID ? RUNTIME_TYPE_DEFAULT : operator_says;
	if (operator_says != RUNTIME_TYPE_HYPERV || said == RUNTIME_TYPE_HYPERV ||
	    d->settings->allow_annotation_default)
		return said;
	if (said == RUNTIME_TYPE_AUTO)
		return RUNTIME_TYPE_HYPERV;
	return error_set(err, EPERM,
			 "annotation %s: Default is weaker than the operator's HyperV "
			 "(allow_annotation_default in the configuration file would permit it)",
			 annotation_def(ANNOTATION_RUNTIME_TYPE)->key);
}

/* A pod member goes where its sandbox is; it cannot ask for more, and nobody asks for less on its behalf. */
static int beside_sandbox(const struct dispatch *d, int said, int wanted, struct error *err)
{
	if (d->sandbox_type == UNSAID || wanted == RUNTIME_TYPE_AUTO)
		return d->sandbox_type == UNSAID ? wanted : d->sandbox_type;
	if (wanted == d->sandbox_type || (said == UNSAID && wanted == RUNTIME_TYPE_DEFAULT))
		return d->sandbox_type;
	return error_set(err, EINVAL, "runtime type %s: the container's pod sandbox \"%s\" is %s",
			 runtime_type_names[wanted], d->sandbox,
			 runtime_type_names[d->sandbox_type]);
}

/*
 * Of what can run the image, the first: natively, in a virtual machine, by an interpreter. A machine is nearer to what the image
 * expects than an interpreter of its programs.
 */
static int resolve_auto(unsigned can)
{
	return can & COMPAT_NATIVE || !(can & COMPAT_HYPERV) ? RUNTIME_TYPE_DEFAULT : RUNTIME_TYPE_HYPERV;
}

int runtime_type_resolve(const struct dispatch *d, struct error *err)
{
	unsigned can = compat_check(d->compat);
	int said = by_bundle(d->config, err), type;

	if (said < UNSAID)
		return said;
	type = under_operator(d, said, err);
	if (type >= 0)
		type = beside_sandbox(d, said, type, err);
	if (type < 0)
		return type;
	if (type == RUNTIME_TYPE_AUTO)
		type = resolve_auto(can);
	if (!(can & (type == RUNTIME_TYPE_DEFAULT ? COMPAT_DEFAULT : COMPAT_HYPERV)))
		return compat_refuse(d->compat, (enum runtime_type)type, err);
	return type;
}

static const char *operator_rule(const struct dispatch *d)
{
	if (d->option != UNSAID)
		return "--runtime-type";
	if (str_eq(path_basename(d->program), "hvrun-hyperv"))
		return "the name hvrun-hyperv";
	return d->settings->runtime_type == UNSAID ? NULL : "runtime_type in the configuration file";
}

char *runtime_type_rule(const struct dispatch *d)
{
	int said = by_bundle(d->config, NULL), operator_says = by_operator(d);
	const char *operator_is = operator_rule(d), *who = "nobody asks for another";

	/* an annotation may be stronger than the operator, and weaker where that is allowed; "Auto" is no word against HyperV */
	bool outvoted = operator_says == RUNTIME_TYPE_HYPERV && said == RUNTIME_TYPE_AUTO && !d->settings->allow_annotation_default;

	if (d->sandbox_type != UNSAID)
		return xasprintf("its pod sandbox \"%s\"", d->sandbox);
	if (said >= 0 && !outvoted && vm_section(d->config))
		return xasprintf("its %s section", vm_section(d->config));
	if (said >= 0 && !outvoted)
		who = annotation_def(ANNOTATION_RUNTIME_TYPE)->key;
	else if (operator_is)
		who = operator_is;
	return xasprintf("%s%s%s", said >= 0 && !outvoted ? "annotation " : "", who,
			 !outvoted && (said >= 0 ? said : operator_says) == RUNTIME_TYPE_AUTO ? ", Auto: what fits the image" : "");
}
