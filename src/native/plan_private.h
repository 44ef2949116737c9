/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_PLAN_PRIVATE_H
#define HV_NATIVE_PLAN_PRIVATE_H

#include "native/plan.h"

/* The parts of native_plan_new(). Each fills its part of p; what it allocates, native_plan_free() frees. */
int plan_namespaces(struct native_plan *p, const struct oci_config *config, struct error *err);
int plan_mounts(struct native_plan *p, const struct bundle *bundle, struct error *err);
int plan_devices(struct native_plan *p, const struct oci_config *config, struct error *err);

/* A string that lives as long as the plan; takes s. */
const char *plan_own(struct native_plan *p, char *s);

#endif
