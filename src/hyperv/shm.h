/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_SHM_H
#define HV_HYPERV_SHM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct bundle;
struct hv_agent_shm;

/* Where the guest has them, by name (agent/shm.h says the same). */
#define GUEST_SHM_DIR "/run/shm"

/*
 * A tmpfs that an engine has made on the host for /dev/shm, and for nothing else: shared memory is the guest's own, so the guest makes one as
 * large instead of getting this one as a bind mount. Containers of one VM that have the same on the host have the same there.
 */
struct shm {
	size_t mount; /* of mounts[] */
	char name[48]; /* no other tmpfs of the host's has it, nor had */
	uint64_t size, inodes; /* 0: no limit */
	unsigned mode;
	uid_t uid;
	gid_t gid;
};

/*
 * Whether one of mounts[] is such a bind mount: at /dev/shm, its source the root of a tmpfs that mountinfo calls "shm", as containerd, CRI-O, docker and podman
 * do; not the caller's own /dev/shm, which other programs use. The last one that there is goes to *ret.
 */
bool shm_find(const struct bundle *bundle, struct shm *ret);

/* The same as CREATE has it; *ret points into shm. */
void shm_for_agent(const struct shm *shm, struct hv_agent_shm *ret);

#endif
