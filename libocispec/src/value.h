/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_SRC_VALUE_H
#define OCISPEC_SRC_VALUE_H

#include <ocispec/field.h>

#include "arena.h"
#include "events.h"

/* What messages call what the event brings. */
const char *oci_value_found(const struct oci_event *event);

/*
 * Checks a boolean, number or string against the field (an array's or map's: against its elements) and stores
 * it at where, a string as a copy in the arena. The message still lacks the path.
 */
int oci_value_store(const struct oci_field *f, void *where, const struct oci_event *event,
		    struct oci_arena *arena, struct oci_error *err);

#endif
