/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_SEED_H
#define HV_AGENT_SEED_H

#include "base/error.h"

struct hv_agent_seed;

/*
 * Makes this guest unlike every other: feeds the host's entropy to the kernel's random number generator and
 * makes it use it at once (random(4): RNDADDENTROPY, RNDRESEEDCRNG of 4.17), sets the clock and the host
 * name. Returns 0 or < 0 with *err.
 */
int seed_apply(const struct hv_agent_seed *seed, struct error *err);

#endif
