/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_LSM_H
#define HV_AGENT_LSM_H

#include "base/error.h"

/*
 * Makes *profile (process.apparmorProfile, or NULL) one that this kernel can enforce: loads policy (base64, or NULL), or sets *profile to NULL where
 * the kernel has no AppArmor or nobody has the policy. Returns 0, or < 0: it has AppArmor and does not take the policy.
 */
int lsm_take(const char *policy, char **profile, struct error *err);

#endif
