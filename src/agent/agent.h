/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_AGENT_AGENT_H
#define HV_AGENT_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "agent/prepare.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/event.h"
#include "container/env.h"
#include "proto/channel.h"
#include "proto/mux.h"

struct oci_doc;

/* A process that the host knows by a number: the container's own, or an exec's. */
struct process {
	struct process *next;
	uint32_t number;
	char *container; /* whose own process it is; NULL: an exec's */
	pid_t pid;  /* ours to reap, so it is nobody else's until then */
	int tty_fd; /* the master of its terminal, or -1 */
	bool exited;
	int wait_status;
	bool flushed; /* its last output is on its way */
};

struct agent {
	struct event_loop *loop;
	struct channel *control;
	struct mux *mux;
	struct env env;
	char *bundles; /* directory for the bundles that CREATE brings */
	bool guest;    /* we are PID 1 of a virtual machine of our own; else a test runs us */
	bool seeded;
	bool have_share;
	struct prepared prepared;
	struct process *processes;
	struct job *jobs;
	struct upload *uploads; /* of DEBUG, not complete yet */
	struct { /* children that were reaped before anybody had told us their number */
		pid_t pid;
		int wait_status;
	} orphans[16];
	unsigned n_orphans;
};

/* agent.c: the loop. Returns when the host has gone or has said DESTROY: 0, or < 0 with *err. Takes the fds. */
int agent_run(struct agent *a, int control_fd, int stream_fd, struct error *err);

/* process.c ---------------------------------------------------------------------------------------------------------- */

struct process *process_find(struct agent *a, uint32_t number);

/* Notes a new process; it may have exited already. container, which is copied: whose own one it is, or NULL. */
void process_add(struct agent *a, uint32_t number, const char *container, pid_t pid, int tty_fd);

/* Reaps all children that have ended: processes, jobs, and the orphans that PID 1 inherits. */
int process_reap(struct agent *a, struct error *err);

/* The process's output has been sent: EXIT may follow. Also called when a job ends, which may have held EXIT back. */
int process_flushed(struct agent *a, uint32_t number, struct error *err);
int process_report_exits(struct agent *a, struct error *err);

/* Forgets all of them. */
void processes_done(struct agent *a);
void jobs_done(struct agent *a);

/* job.c: what a request needs that may block, in a child of its own ---------------------------------------------------- */

struct request {
	uint16_t type;
	uint64_t id;
	void *message; /* the body, parsed: a struct hv_agent_... */
};

/* The process that a job makes, with its stdio, and the container that it is about. */
struct job_io {
	uint32_t number; /* of the process; 0: the job makes none */
	bool terminal;
	const char *container; /* CREATE, START: its id, part of the request's message; else NULL */
};

/*
 * A verb, run in the child: *ret_pid is the process that it made, reply its answer's body. No rules beyond those of the command line's
 * verbs: the child's end frees everything.
 */
struct verb_context {
	struct agent *agent;
	const void *message;
	int stdio[3];
	int console_socket;
	int program_fd; /* DEBUG's program; else -1 */
};
typedef int verb_fn(const struct verb_context *v, pid_t *ret_pid, struct buf *reply, struct error *err);

/* Runs verb for req; the answer is sent when it is done. doc, which holds req->message, is taken. */
int job_start(struct agent *a, const struct request *req, const struct job_io *io, verb_fn *verb, struct oci_doc *doc,
	      struct error *err);

/* A child was reaped: true when it was a job's. */
bool job_reaped(struct agent *a, pid_t pid, struct error *err, int *ret);

/* Whether any request is being worked on; the START of a container; one that makes the process of that number. */
bool job_running(const struct agent *a);
bool job_starts(const struct agent *a, const char *container);
bool job_makes(const struct agent *a, uint32_t number);

/* debug.c: DEBUG ---------------------------------------------------------------------------------------------------------- */

/* Takes doc, which holds req->message, and waits for the program, for which it gives credit. Returns 0: it is answered later; or < 0 with *err. */
int debug_begin(struct agent *a, const struct request *req, struct oci_doc *doc, struct error *err);

/* What has come for the process has been written: when that is all of its program, it is started, else this does nothing. Answers DEBUG, or lets the job do so. */
void debug_arrived(struct agent *a, uint32_t number);

/* Whether a program is on its way for the process of that number; its descriptor, or -1. */
bool debug_awaits(const struct agent *a, uint32_t number);
int debug_program(const struct agent *a, uint32_t number);

void debugs_done(struct agent *a);

/* Starts the program that is v->program_fd. */
verb_fn verb_debug;

/* verbs.c ------------------------------------------------------------------------------------------------------------- */

verb_fn verb_create, verb_start, verb_exec, verb_signal, verb_freeze, verb_update, verb_processes, verb_stats, verb_wait_oom,
	verb_remove, verb_mount;

/* network.c: NETWORK, as often as the host's network namespace changes before START */
verb_fn verb_network;

#endif
