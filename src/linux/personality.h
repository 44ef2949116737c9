/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_PERSONALITY_H
#define HV_LINUX_PERSONALITY_H

#include "base/error.h"

struct oci_personality;

/* linux.personality as the value of personality(2), or -1 = leave it alone. */
int personality_from_oci(const struct oci_personality *oci, long *ret, struct error *err);

/* Applies it to the calling process, before seccomp may forbid it (child side, async-signal-safe). */
int personality_apply(long value, struct error *err);

#endif
