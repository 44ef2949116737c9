/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_SHM_H
#define HV_AGENT_SHM_H

#include "base/error.h"

struct hv_agent_shm;

/* Where a container's configuration finds the shared memory that it has with others, by its name (hyperv/shm.h says the same). */
#define SHM_DIR "/run/shm"

/* Makes it, unless another container has it already, and notes that id has it as well. Returns 0 or < 0, and then there is nothing to let go. */
int shm_take(const struct hv_agent_shm *shm, const char *id, struct error *err);

/* Container id has none any more; what nobody has is removed. */
void shm_release(const char *id);

#endif
