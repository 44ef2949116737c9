/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_ISOLATION_H
#define HV_CONTAINER_ISOLATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct bundle;
struct container;
struct env;
struct oci_mount;
struct oci_process;
struct oci_resources;
struct buf;
struct process_row; /* linux/process_table.h */

/* What runtime-spec's state.md names, and runc's two more. */
enum container_status {
	CONTAINER_CREATING,
	CONTAINER_CREATED,
	CONTAINER_RUNNING,
	CONTAINER_PAUSED,
	CONTAINER_STOPPED,
	_CONTAINER_STATUS_MAX,
};

/* "creating", "created" ... */
const char *container_status_to_string(enum container_status status);

/*
 * The common part of create and exec: what the caller's command line adds to the process. fds are borrowed;
 * -1 = absent.
 */
struct process_io {
	int console_socket; /* connected unix stream socket that gets the pty's master by SCM_RIGHTS when
			       process.terminal */
	int stdio[3];       /* the container process's 0, 1, 2 when it has no terminal; normally {0, 1, 2} */
	unsigned preserve_fds; /* fds 3 .. 3+N-1 stay open in the container process; never fds of our own */
};

struct create_request {
	const struct env *env;
	const struct bundle *bundle;
	/*
	 * state directory made and locked, state filled but for what create finds out (pid, start time,
	 * cgroup)
	 */
	struct container *container;
	struct process_io io;
	bool no_pivot;
	bool no_new_keyring;
};

struct exec_request {
	const struct oci_process *process; /* complete: defaults of the container's own process filled in */
	struct process_io io;
	bool ignore_paused;
	char *const *sub_cgroups; /* as cgroup_open_sub() takes them; NULL = the container's own group */
};

/* A shell beside the containers of a machine (debug-shell): of process only args, env, terminal and console size count. */
struct debug_request {
	const struct oci_process *process;
	struct process_io io;
};

/* What ends a wait for the OOM killer. */
enum oom_event { OOM_EVENT_NONE, OOM_EVENT_KILLED, OOM_EVENT_ENDED };

/* count: the kills that the caller knows of, then those that there are; count_now: only tell that number. */
struct oom_wait {
	uint64_t count;
	bool count_now;
	int timeout_ms;
	enum oom_event event;
};

/*
 * The OCI lifecycle, and nothing else: what a runtime type implements. The native type does the work, the
 * HyperV type sends each verb as one message to the agent in the VM, whose dispatch table leads to the native
 * type again.
 *
 * All of them: 0 (or as said), or < 0 with *err filled and nothing left behind that was not there before. The
 * caller holds the container's lock, except for debug, status, pids, processes, stats and wait_oom.
 */
struct isolation_ops {
	const char *name; /* "Default", "HyperV": the value of the annotation, and what list shows */
	bool shares_kernel; /* the processes in the container are this kernel's, and its programs can show them */

	/* Whether this type can run the bundle here at all; changes nothing. First message of a refusal. */
	int (*validate)(const struct env *env, const struct bundle *bundle, struct error *err);

	/*
	 * Everything up to the state "created": process set up and waiting for start, prestart, createRuntime
	 * and createContainer hooks run. Fills container->state (pid, start time, cgroup ...). The process is
	 * the caller's child (or its subreaper's).
	 */
	int (*create)(const struct create_request *req, struct error *err);

	/* Lets the user's process run; returns when it has been executed, or with the error why not. */
	int (*start)(const struct env *env, struct container *c, struct error *err);

	/*
	 * Runs one more process. *ret_pid: its pid on the host, a child of the caller (or of its subreaper)
	 * that exits with its status.
	 */
	int (*exec)(const struct env *env, struct container *c, const struct exec_request *req,
		    pid_t *ret_pid, struct error *err);

	/*
	 * Runs a program that the operator has named (hyperv.debug_shell) in the container's machine, outside of all containers; also when they
	 * stand still or have ended. *ret_pid as for exec. No lock is held. NULL: there is no machine.
	 */
	int (*debug)(const struct env *env, struct container *c, const struct debug_request *req, pid_t *ret_pid,
		     struct error *err);

	/* Signals the container's process, or with all every process in it. */
	int (*signal)(const struct env *env, struct container *c, int sig, bool all, struct error *err);

	/*
	 * The container's processes as this kernel numbers them: those in it, or those that are its virtual machine. *ret is free()d by the caller.
	 */
	int (*pids)(const struct env *env, struct container *c, pid_t **ret, size_t *ret_n,
		    struct error *err);

	/* Never CONTAINER_CREATING. Does not block on a hung container or guest. */
	int (*status)(const struct env *env, struct container *c, enum container_status *ret,
		      struct error *err);

	/* Stops all processes, or lets them go on; returns when the kernel says that it is so. */
	int (*freeze)(const struct env *env, struct container *c, bool freeze, struct error *err);

	/* Writes the limits that r names to the running container; device rules stay. */
	int (*update)(const struct env *env, struct container *c, const struct oci_resources *r,
		      struct error *err);

	/* Adds mounts to the running container, or removes what is mounted at their destinations. */
	int (*mounts)(const struct env *env, struct container *c, const struct oci_mount *m, size_t n, bool add,
		      struct error *err);

	/* The processes as ps(1) shows them; process_rows_free(). */
	int (*processes)(const struct env *env, struct container *c, struct process_row **ret, size_t *ret_n,
			 struct error *err);

	/* Appends what the container uses: one line, the JSON object "data" of runc's events. */
	int (*stats)(const struct env *env, struct container *c, struct buf *out, struct error *err);

	/*
	 * Appends what the container costs the host beside what it uses itself: one line, a JSON object. NULL, or nothing appended: there is
	 * nothing of the kind.
	 */
	int (*machine)(const struct env *env, struct container *c, struct buf *out, struct error *err);

	/* Waits for the OOM killer, the container's end, or the time to pass. */
	int (*wait_oom)(const struct env *env, struct container *c, struct oom_wait *w, struct error *err);

	/*
	 * Kills what still runs and removes everything create made (cgroup, mounts, VM) but the state
	 * directory. Works on half-made containers.
	 */
	int (*destroy)(const struct env *env, struct container *c, struct error *err);
};

#endif
