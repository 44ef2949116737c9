/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_VALIDATE_H
#define HV_CONTAINER_VALIDATE_H

#include "base/error.h"

struct oci_config;
struct oci_process;

/*
 * The rules of the runtime specification (and runc's, where callers rely on them) that concern more than one
 * field, and so are not in libocispec's tables. Pure. The same for both runtime types; what only one of them
 * can say is in its own validate(). Messages name field and value.
 */
int validate_config(const struct oci_config *config, struct error *err);

/* The part of it that is about a process alone: for `exec --process` too. */
int validate_process(const struct oci_process *p, struct error *err);

#endif
