/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A memory limit that is too low even for us: the kernel kills the container's process before it is the user's program, and leaves no
 * word of why. The group's own count of such kills does (memory.events, cgroup-v2.rst; memory.oom_control on v1).
 */
#include "native/low_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "container/container.h"
#include "linux/cgroup/cgroup.h"
#include "native/operations.h"
#include "schema/types.h"

/* What our process was seen to need at most until execve(2), v1 and v2, with the per-CPU batches of the kernel's accounting. */
enum { ENOUGH = 512 << 10, COMM_MAX = 16, EXIT_MS = 1000 };

int low_memory_error(const struct cgroup *cg, struct error *err)
{
	struct error ignored;
	struct cgroup_stats stats;

	if (cgroup_stats(cg, &stats, &ignored) < 0 || stats.oom_kills == CGROUP_STAT_NONE || stats.oom_kills == 0)
		return 0;
	if (stats.memory_limit == CGROUP_STAT_NONE || stats.memory_limit >= ENOUGH)
		return error_set(err, ENOMEM, "container init was OOM-killed (memory limit too low?)");
	return error_set(err, ENOMEM,
			 "container init was OOM-killed (memory limit too low?): linux.resources.memory.limit is %" PRIu64
			 " bytes, and %d is the least with which any program can be started",
			 stats.memory_limit, ENOUGH);
}

/* execve(2) gives a process its program's name. */
static bool is_ours(int64_t pid, bool gone_counts)
{
	_cleanup_free_ char *path = xasprintf("/proc/%d/comm", (int)pid), *theirs = NULL;
	char own[COMM_MAX] = "";

	if (prctl(PR_GET_NAME, own) < 0)
		return false;
	if (file_read_at(AT_FDCWD, path, COMM_MAX + 1, &theirs, NULL) < 0)
		return gone_counts;
	theirs[strcspn(theirs, "\n")] = '\0';
	return str_eq(theirs, own);
}

int low_memory_before_exec(const struct container *c, bool gone_counts, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	struct error ignored, said;
	int fd, r;

	if (!is_ours(c->state->pid, gone_counts) || native_cgroup(c, &cg, &ignored) < 0 || low_memory_error(cg, &said) == 0)
		return 0;
	fd = process_pidfd_open_exact(c->state->pid, c->state->start_time);
	r = fd < 0 ? 0 : process_pidfd_wait(fd, EXIT_MS);
	fd_close(fd);
	if (r < 0 || !is_ours(c->state->pid, gone_counts)) /* it was about to become the program, and another one was killed */
		return 0;
	*err = said;
	return -ENOMEM;
}
