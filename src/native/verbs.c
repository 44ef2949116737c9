/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs that look at or change a running container through its cgroup: pause and resume, update, ps, events.
 * What is waited for is what the kernel tells; nothing here sleeps.
 */
#include <errno.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "container/container.h"
#include "linux/cgroup/cgroup.h"
#include "linux/process_table.h"
#include "native/native.h"
#include "native/operations.h"
#include "schema/types.h"

static int open_cgroup(const struct container *c, const char *verb, struct cgroup **ret, struct error *err)
{
	if (c->state->n_cgroup == 0)
		return error_set(err, EOPNOTSUPP, "cannot %s: the container has no cgroup of its own (manager \"%s\")",
				 verb, c->state->cgroup_manager ? c->state->cgroup_manager : "disabled");
	return native_cgroup(c, ret, err);
}

int native_freeze(const struct env *env _unused_, struct container *c, bool freeze, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	struct error ignored;
	int r = open_cgroup(c, freeze ? "pause" : "resume", &cg, err);

	if (r == 0)
		r = cgroup_freeze(cg, freeze, err);
	if (r < 0 && freeze && cg) /* not half frozen */
		cgroup_freeze(cg, false, &ignored);
	return r;
}

int native_update(const struct env *env _unused_, struct container *c, const struct oci_resources *resources,
		  struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	int r = open_cgroup(c, "update", &cg, err);

	return r < 0 ? r : cgroup_set(cg, resources, err);
}

int native_processes(const struct env *env, struct container *c, struct process_row **ret, size_t *ret_n,
		     struct error *err)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t n;
	int r = native_pids(env, c, &pids, &n, err);

	return r < 0 ? r : process_rows_read(pids, n, ret, ret_n, err);
}

int native_stats(const struct env *env _unused_, struct container *c, struct buf *out, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	int r = open_cgroup(c, "tell what is used", &cg, err);

	if (r == 0)
		cgroup_stats_json(cg, out);
	return r;
}

int native_wait_oom(const struct env *env _unused_, struct container *c, struct oom_wait *w, struct error *err)
{
	static const enum oom_event events[] = {
		[CGROUP_OOM_TIMEOUT] = OOM_EVENT_NONE,
		[CGROUP_OOM_KILLED] = OOM_EVENT_KILLED,
		[CGROUP_OOM_ENDED] = OOM_EVENT_ENDED,
	};
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	_cleanup_fd_ int pidfd = -1;
	int r = open_cgroup(c, "watch for OOM kills", &cg, err);

	w->event = OOM_EVENT_NONE;
	if (r < 0 || w->count_now)
		return r < 0 ? r : cgroup_oom_count(cg, &w->count, err);
	pidfd = process_pidfd_open_exact(c->state->pid, c->state->start_time);
	if (pidfd == -ESRCH)
		w->event = OOM_EVENT_ENDED;
	if (pidfd < 0)
		return pidfd == -ESRCH ? 0 : error_errnum(err, pidfd, "pidfd_open %d", (int)c->state->pid);
	r = cgroup_wait_oom(cg, pidfd, &w->count, w->timeout_ms, err);
	if (r >= 0)
		w->event = events[r];
	return r < 0 ? r : 0;
}
