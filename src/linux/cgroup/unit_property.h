/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_UNIT_PROPERTY_H
#define HV_LINUX_CGROUP_UNIT_PROPERTY_H

#include "base/buf.h"
#include "base/error.h"

/*
 * A property that a bundle wants for the systemd unit that is its cgroup: runc's and crun's annotation
 * org.systemd.property.NAME=VALUE. VALUE is what GVariant's text format has for these types: true, false; 5 (32 bits), uint32 5,
 * int64 5, uint64 5; 'text' or "text"; ['text', "text"].
 */
struct unit_property {
	const char *name, *value; /* borrowed */
};

/*
 * What systemd calls it; the caller frees it. Times are in microseconds on D-Bus: "TimeoutStopSec" is TimeoutStopUSec. NULL: not a
 * name (three letters or more, and nothing but letters).
 */
char *unit_property_name(const char *name);

/*
 * Appends p as an element of an a(sv). The value of a "...Sec" is a number of seconds, which may have a fraction. Pure. Returns 0, or < 0
 * with a message that has name and value.
 */
int unit_property_put(struct buf *b, const struct unit_property *p, struct error *err);

#endif
