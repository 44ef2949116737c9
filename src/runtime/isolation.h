/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_ISOLATION_H
#define HV_RUNTIME_ISOLATION_H

#include "base/error.h"
#include "container/compat.h"
#include "container/runtime_type.h"

struct isolation_ops;
struct oci_config;
struct settings;

/* All that the dispatch rule looks at. */
struct dispatch {
	const struct oci_config *config;
	const struct settings *settings;
	int option;          /* --runtime-type: enum runtime_type, or -1 */
	const char *program; /* the name that hvrun was called by */
	const char *sandbox; /* of a pod member: its sandbox's id */
	int sandbox_type;    /* of a pod member: its sandbox's type, or -1 */
	const struct compat *compat;
};

/*
 * The rule (doc/ARCHITECTURE.md "Runtime type"): annotation; a vm section, or windows.hyperv beside linux;
 * the operator's choice by option, program name or configuration file; Default. An operator's HyperV is not
 * weakened by an annotation unless the configuration allows it, a pod member goes where its sandbox is, Auto
 * and the refusal of what cannot run here come from the compatibility table. Pure. Returns
 * RUNTIME_TYPE_DEFAULT or RUNTIME_TYPE_HYPERV, or < 0.
 */
int runtime_type_resolve(const struct dispatch *d, struct error *err);

/* Who decided for the type that was resolved: "annotation io.hvrun.runtime-type", "--runtime-type" ... Pure; for free(). */
char *runtime_type_rule(const struct dispatch *d);

/* The implementation of a type by its value or by the name in state.json (NULL for one that is none). */
const struct isolation_ops *isolation_of(enum runtime_type type);
const struct isolation_ops *isolation_find(const char *name);

#endif
