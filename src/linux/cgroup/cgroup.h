/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_CGROUP_CGROUP_H
#define HV_LINUX_CGROUP_CGROUP_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_resources;
struct unit_property;

/* Who makes the group: we in cgroupfs, systemd on our behalf, or nobody (the process stays in the caller's
 * group). */
enum cgroup_manager_type {
	CGROUP_MANAGER_CGROUPFS,
	CGROUP_MANAGER_SYSTEMD,
	CGROUP_MANAGER_DISABLED,
	_CGROUP_MANAGER_MAX,
	_CGROUP_MANAGER_INVALID = -EINVAL,
};

const char *cgroup_manager_to_string(enum cgroup_manager_type m);

/* "cgroupfs", "systemd", "disabled". Returns the manager, or < 0 with *err listing the valid names. */
int cgroup_manager_from_string(const char *s, struct error *err);

/* What is mounted here. Hybrid: v1 controllers beside a v2 hierarchy. */
enum cgroup_mode { CGROUP_MODE_NONE, CGROUP_MODE_V1, CGROUP_MODE_HYBRID, CGROUP_MODE_V2 };

/* One hierarchy of a group. Of a handle: borrowed from it. */
struct cgroup_hierarchy {
	char *controllers; /* "memory", "cpu,cpuacct", "name=systemd"; "" for the v2 hierarchy */
	char *mount_point; /* where the hierarchy is mounted here; NULL in a handle made by
			      cgroup_from_strings() */
	char *dir;         /* the group's directory, absolute */
	int dirfd;         /* the same, O_PATH */
	int tasks_fd;      /* v1, after cgroup_open_tasks(); else -1 */
	unsigned made;     /* how many of dir's last components we made, and remove */
};

/* A group of processes: one directory in every mounted hierarchy. With manager "disabled" it has none. */
struct cgroup;

struct cgroup_request {
	enum cgroup_manager_type manager;
	/* linux.cgroupsPath. Absolute: below each hierarchy's mount point. Relative: below /hvrun there.
	 * NULL: /hvrun-<id>. */
	const char *path;
	const char *id;
	const struct oci_resources *resources; /* NULL = no limits asked for */
	const struct unit_property *properties; /* of manager systemd: more of the unit's (unit_property.h); others ignore them */
	size_t n_properties;
	const char *subgroup; /* of manager systemd: the group is the one of this name below its scope; NULL: the scope's own */
	/*
	 * The processes are not in the group that has the limits, but in the one of this name below it, which has the same controllers
	 * (cgroup-v2.rst, "Delegation"). v2 alone can do that; with v1 in use, or manager "disabled", it is an error. NULL: none.
	 */
	const char *delegate;
	bool rootless; /* without the right to make groups, and nothing asked for (no path, no limits): a
			  group without directories */
};

/*
 * Makes the directories and writes the limits, so that whoever joins is limited from its first instruction.
 * An existing group is used when it has no process and is not frozen ("container's cgroup is not empty",
 * "container's cgroup unexpectedly frozen"). Devices: those that resources name plus the runtime's
 * always-allowed list; everything else is denied, also without resources (a caller that wants all devices
 * passes the rule {allow, "a", "rwm"}). On failure what was made is removed.
 */
int cgroup_create(const struct cgroup_request *req, struct cgroup **ret, struct error *err);

/*
 * A handle on what a cgroup_create() of the same request, of which nothing else is known any more, may have left: those
 * directories that are there, and the scope with manager systemd, if its description has the id. Of an absolute path only the last
 * directory counts as made by us.
 */
int cgroup_open_left(const struct cgroup_request *req, struct cgroup **ret, struct error *err);

/* Writes limits to an existing group ("update"): only what resources name changes; device rules are left
 * alone. */
int cgroup_set(struct cgroup *cg, const struct oci_resources *resources, struct error *err);

struct cgroup *cgroup_free(struct cgroup *cg); /* frees the handle; the group stays */
static inline void cgroup_freep(struct cgroup **cg)
{
	cgroup_free(*cg);
}
#define _cleanup_cgroup_ _cleanup_(cgroup_freep)

/* For state.json: one string for each hierarchy, "<controllers>:<made>:<dir>", and one
 * for what cgroup_request.delegate has made; NULL-terminated, strv_free().
 * No strings = no directories. */
char **cgroup_to_strings(const struct cgroup *cg);
int cgroup_from_strings(char *const *v, size_t n, struct cgroup **ret, struct error *err);

/* What "cgroup" mounts are made of: the mode of this machine and the group's directory in each hierarchy. */
enum cgroup_mode cgroup_mode(const struct cgroup *cg);
size_t cgroup_hierarchies(const struct cgroup *cg, const struct cgroup_hierarchy **ret);

/*
 * The fd for clone3(2) CLONE_INTO_CGROUP, which puts the child into the v2 hierarchy's group; -1 without such a hierarchy, and when
 * the limits let nobody be born there: the child is then moved by cgroup_join_v2(). Says nothing of v1's: cgroup_enter(). Owned by cg.
 */
int cgroup_clone_fd(const struct cgroup *cg);

/* Moves process pid (0 = the caller) into the group in every hierarchy. */
int cgroup_join(const struct cgroup *cg, pid_t pid, struct error *err);

/* The same in the v2 hierarchy alone; nothing to do without one. */
bool cgroup_has_v2(const struct cgroup *cg);
int cgroup_join_v2(const struct cgroup *cg, pid_t pid, struct error *err);

/*
 * The same in the v1 hierarchies alone, without waiting. It moves the calling thread: the caller must have no other, as a process has that
 * was just cloned. A thread that writes 0 to "tasks" does not take the lock of all processes' forks and exits, whose price is a grace period
 * of RCU, milliseconds on an idle machine (kernel/cgroup/cgroup.c, cgroup_procs_write_start(), since 5.6; before, it is as slow as
 * cgroup_join()). cgroup_open_tasks() comes first, from whoever has the right to open these files; its child's cgroup_enter() needs none,
 * and is async-signal-safe.
 */
int cgroup_open_tasks(struct cgroup *cg, struct error *err);
int cgroup_enter(const struct cgroup *cg, struct error *err);

/*
 * An existing sub-group of cg as a handle of its own (exec --cgroup). subs, NULL-terminated, are "PATH", in every hierarchy, or
 * "CONTROLLER[,CONTROLLER]:PATH" in those with the controllers, which counts more; a later one counts more than one before it. One that
 * leads out: "bad sub cgroup path".
 */
int cgroup_open_sub(const struct cgroup *cg, char *const *subs, struct cgroup **ret, struct error *err);

/*
 * The group for another process beside pid (exec): cg, but in the v2 hierarchy the sub-group that pid has
 * moved to. A process that manages groups of its own (systemd in a container) leaves cg empty, and v2 then
 * takes nobody there.
 */
int cgroup_open_beside(const struct cgroup *cg, pid_t pid, struct cgroup **ret, struct error *err);

/* The directory in the v2 hierarchy that the group's processes are in: h->dir, or below it (cgroup_request.delegate). Borrowed. */
const char *cgroup_process_dir(const struct cgroup *cg, const struct cgroup_hierarchy *h);

/* Gives the v2 directory that its processes are in and the files a sub-manager needs (/sys/kernel/cgroup/delegate) to uid. Nothing on
 * v1. */
int cgroup_chown(const struct cgroup *cg, uid_t uid, struct error *err);

/* All processes in the group and its sub-groups, in no order; *ret is free()d by the caller. */
int cgroup_pids(const struct cgroup *cg, pid_t **ret, size_t *ret_n, struct error *err);

/*
 * Sends sig to all of them. SIGKILL misses none, not even those forked meanwhile, and returns when they are
 * gone (zombies excepted). A group without directories is an error: its processes are not known. A removed
 * one is empty.
 */
int cgroup_signal(const struct cgroup *cg, int sig, struct error *err);

/* Freezes or thaws and waits until the kernel says that it is done. Needs v2 or the v1 freezer. */
int cgroup_freeze(const struct cgroup *cg, bool freeze, struct error *err);
int cgroup_frozen(const struct cgroup *cg, bool *ret, struct error *err);

/*
 * cgroup_frozen() of what cgroup_to_strings() gave, opening nothing but the hierarchies that know. state: of the group's first process
 * (proc_pid_stat(5), field 3), or 0: since Linux 6.1 one that v1's freezer has shows as 'D', so one that runs or sleeps is not asked about there.
 */
int cgroup_strings_frozen(char *const *v, size_t n, char state, bool *ret, struct error *err);

/*
 * The short way to the end of what cgroup_to_strings() gave when nobody is in it any more: removes the directories without opening one.
 * Returns whether that was all; else something is in a group, or it is a systemd unit's, and cgroup_signal() and cgroup_remove() have to
 * do it.
 */
bool cgroup_strings_remove_empty(char *const *v, size_t n);

/* Waits (timeout_ms at most) until the group is empty, then removes the directories made by us, sub-groups
 * first. */
int cgroup_remove(struct cgroup *cg, int timeout_ms, struct error *err);

#define CGROUP_STAT_NONE UINT64_MAX /* not told by this kernel or layout */
struct cgroup_stats {
	uint64_t memory_current, memory_limit; /* bytes */
	uint64_t oom_kills;                    /* processes killed by the OOM killer in here */
	uint64_t pids_current;
	uint64_t cpu_usage_usec;
};
int cgroup_stats(const struct cgroup *cg, struct cgroup_stats *ret, struct error *err);

/* All that the controllers tell, as the JSON object "data" of runc's "events --stats"; on one line. */
struct buf;
void cgroup_stats_json(const struct cgroup *cg, struct buf *out);

/* The kills by the OOM killer so far, for cgroup_wait_oom(). */
int cgroup_oom_count(const struct cgroup *cg, uint64_t *ret, struct error *err);

/*
 * Waits until the OOM killer's count is no longer *count (which is set to it), the process of pidfd has exited, or
 * timeout_ms (-1: never) has passed. Returns which (enum cgroup_oom), or < 0.
 */
enum cgroup_oom { CGROUP_OOM_TIMEOUT, CGROUP_OOM_KILLED, CGROUP_OOM_ENDED };
int cgroup_wait_oom(const struct cgroup *cg, int pidfd, uint64_t *count, int timeout_ms, struct error *err);

#endif
