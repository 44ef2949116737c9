/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_APPARMOR_H
#define HV_HYPERV_APPARMOR_H

#include "base/error.h"

struct settings_hyperv;

/*
 * The compiled policy that has a profile, for the kernel of a guest: of the operator's directory (hyperv.apparmor_dir), else what this host's kernel has loaded. The
 * guest enforces it, if its kernel has AppArmor (agent/lsm.c). *ret: base64, for free(); NULL where there is nothing to send: no profile, "unconfined", or one that
 * this kernel has and will not show, which is told by a warning. A profile that is nowhere is an error, as in type Default.
 */
int apparmor_for_guest(const struct settings_hyperv *s, const char *profile, char **ret, struct error *err);

#endif
