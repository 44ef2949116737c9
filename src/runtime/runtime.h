/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_RUNTIME_H
#define HV_RUNTIME_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "container/env.h"
#include "runtime/requests.h"

struct settings;

/* One invocation of hvrun: the global options, and what verbs open when they need it. */
struct runtime {
	const char *program;     /* argv[0] */
	const char *root;        /* --root; NULL: /run/hvrun, or $XDG_RUNTIME_DIR/hvrun without privileges */
	const char *config_file; /* --config-file */
	const char *accel;       /* --vm-accel: "kvm", "tcg", or NULL */
	const char *vm_console, *vm_log; /* --vm-console, --vm-log: files, or NULL */
	int runtime_type;        /* --runtime-type: enum runtime_type, or -1 */
	int cgroup_manager;      /* --cgroup-manager, --systemd-cgroup: enum cgroup_manager_type, or -1 */
	int rootless;            /* --rootless: 1, 0, or -1: find out */

	struct env env;
	struct settings *settings; /* loaded by the verbs that need it */
	char *root_path, *console_path, *vmm_log_path; /* --root, --vm-console, --vm-log, absolute */
	char *layer_path; /* env.layer_dir, where it is the user's */
	char *template_path; /* and so the templates' */
};

/* Frees what the verbs opened. */
void runtime_done(struct runtime *rt);

/*
 * One function for each verb (runtime-spec runtime.md "Operations", and runc's). 0 or as said; < 0: *err is
 * filled and what the verb had begun is undone.
 */
int runtime_create(struct runtime *rt, const char *id, const struct create_options *o, struct error *err);
int runtime_start(struct runtime *rt, const char *id, struct error *err);

/*
 * create and start; in the foreground also wait and delete. *ret_status: the exit status, 128 + n for signal
 * n; 0 when detached.
 */
int runtime_run(struct runtime *rt, const char *id, const struct create_options *o, int *ret_status,
		struct error *err);

/* args: the command, NULL-terminated; empty with o->process. *ret_status as for run. */
int runtime_exec(struct runtime *rt, const char *id, const struct exec_options *o, char **args,
		 int *ret_status, struct error *err);

/*
 * A shell in the virtual machine of the container, outside of all containers, as far as hyperv.debug_shell in the configuration file allows that. command, NULL-terminated, is run by
 * it; empty: it reads commands from standard input. tty: with a terminal, which a shell without a command has anyway when standard input is one. *ret_status as for
 * run.
 */
int runtime_debug_shell(struct runtime *rt, const char *id, bool tty, char **command, int *ret_status, struct error *err);

/* signal: name or number; NULL: the image's stop signal, or SIGTERM. */
int runtime_kill(struct runtime *rt, const char *id, const char *signal, bool all, struct error *err);

/* force: a running one is killed, one that does not exist is fine. */
int runtime_delete(struct runtime *rt, const char *id, bool force, struct error *err);

/* All processes stand still until resume. "container not running", "container not paused". */
int runtime_pause(struct runtime *rt, const char *id, struct error *err);
int runtime_resume(struct runtime *rt, const char *id, struct error *err);

/* format: enum list_format. args: NULL-terminated, for ps(1) on the host; empty: the table of "ps -ef". */
int runtime_ps(struct runtime *rt, const char *id, int format, char **args, struct buf *out, struct error *err);

/* What the host's ps(1) has printed, title line first, reduced to the lines of these pids. Pure. */
int ps_filter(const char *text, const pid_t *pids, size_t n, struct buf *out, struct error *err);

int runtime_update(struct runtime *rt, const char *id, const struct update_options *o, struct error *err);

/* The resources object that the options describe, as the root of *ret. Reads o->resources; else pure. */
struct oci_doc;
int update_make_resources(const struct update_options *o, struct oci_doc **ret, struct error *err);

/* file: an array of config.json's mounts. add, or remove what is at their destinations. */
int runtime_mounts(struct runtime *rt, const char *id, const char *file, bool add, struct error *err);

/* Calls emit for each line, until the container ends or emit returns < 0. */
typedef int events_fn(const struct buf *line, struct error *err);
int runtime_events(struct runtime *rt, const char *id, const struct events_options *o, events_fn *emit,
		   struct error *err);

/* "5s", "500ms", "1m30s" as milliseconds. Pure. */
int events_parse_interval(const char *text, int *ret_ms, struct error *err);

/* The same for every container whose id matches an extended regular expression (regex(7)), also after one has failed. */
int runtime_kill_regex(struct runtime *rt, const char *pattern, const char *signal, bool all, struct error *err);
int runtime_delete_regex(struct runtime *rt, const char *pattern, bool force, struct error *err);

/* The state as JSON, with runc's members and our runtimeType, accel, guestKernel, isolation. */
int runtime_state(struct runtime *rt, const char *id, struct buf *out, struct error *err);

int runtime_list(struct runtime *rt, const struct list_options *o, struct buf *out, struct error *err);

/*
 * Templates of virtual machines: action is "build", "list" or "prune" (hvrun-template(8)). What "list" prints is appended to out.
 */
int runtime_template(struct runtime *rt, const char *action, const struct template_options *o, struct buf *out, struct error *err);

/*
 * Writes a config.json to start from into the bundle; an existing one is an error. Its contents are runc's, but for what the type asks for, o->runtime_type or
 * else --runtime-type before the verb; o->runtime_type also becomes the annotation. The configuration file is not looked at.
 */
int runtime_spec(const struct runtime *rt, const struct spec_options *o, struct error *err);

/*
 * What would run here, as what, and why not: appended to out. bundle NULL: about the host alone. format: enum list_format. Changes nothing.
 * Returns 0 when the bundle would run (or, without one, the type that a bundle gets which says nothing), 1 when not, < 0 when that cannot be told.
 */
int runtime_check(struct runtime *rt, const char *bundle, int format, struct buf *out, struct error *err);

/* What this program was built to do (runtime-spec features.md), as JSON. */
int runtime_features(struct runtime *rt, struct buf *out, struct error *err);

#endif
