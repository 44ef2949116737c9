/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_UNIT_PROPERTIES_H
#define HV_CONTAINER_UNIT_PROPERTIES_H

#include <stddef.h>

#include "base/error.h"

struct oci_string_map;
struct settings;
struct unit_property;

#define UNIT_PROPERTY_PREFIX "org.systemd.property." /* runc's and crun's */

/*
 * What the annotations want for the container's systemd unit (linux/cgroup/unit_property.h), all of it checked: each name is one that
 * "allowed_systemd_properties" of the configuration file permits, or without that list one of those that can do nothing but to the unit
 * itself; each value can be read. *ret, which borrows the annotations' strings, is for free(); settings NULL (in a guest): none. Returns 0,
 * or < 0 with a message that names the annotation.
 */
int unit_properties_new(const struct oci_string_map *annotations, const struct settings *settings, struct unit_property **ret,
			size_t *ret_n, struct error *err);

#endif
