/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_REQUESTS_H
#define HV_RUNTIME_REQUESTS_H

#include <stdbool.h>
#include <stdint.h>

/* What a caller can ask of a verb: the command line's tables write straight into these. All zero is the
 * default. */

/* Of create, run and restore. */
struct create_options {
	const char *bundle; /* NULL: the current directory */
	const char *config; /* NULL: config.json in the bundle */
	const char *console_socket;
	const char *pidfd_socket; /* unix stream socket that gets a pidfd of the process */
	const char *pid_file;
	uint32_t preserve_fds;
	bool no_pivot;
	bool no_new_keyring;
	/* run alone */
	bool detach;
	bool keep;
	bool no_subreaper;
};

struct spec_options {
	const char *bundle; /* NULL: the current directory */
	const char *runtime_type; /* what the configuration says itself; NULL: nothing */
	bool rootless;
};

struct exec_options {
	const char *process; /* file with a process object; NULL: from the options below and args */
	const char *console_socket;
	const char *pidfd_socket; /* unix stream socket that gets a pidfd of the process */
	const char *pid_file;
	const char *cwd;
	const char *user;
	const char *process_label;
	const char *apparmor;
	char **env;
	char **caps;
	char **additional_gids;
	char **cgroups; /* "PATH" or "CONTROLLER[,CONTROLLER]:PATH", below the container's group */
	uint32_t preserve_fds;
	bool tty;
	bool detach;
	bool no_new_privs;
	bool ignore_paused;
};

enum list_format { LIST_FORMAT_TABLE, LIST_FORMAT_JSON };

struct list_options {
	int format; /* enum list_format */
	bool quiet, all_roots;
};

/* What "template" does, by its first argument. */
enum template_action { TEMPLATE_BUILD, TEMPLATE_LIST, TEMPLATE_PRUNE };

struct template_options {
	int format; /* enum list_format */
	bool quiet, all;
};

/* Of update: texts as they were given, NULL = not given. */
struct update_options {
	const char *resources; /* file with a resources object, "-" = stdin; the other options are ignored then */
	const char *memory, *memory_reservation, *memory_swap;
	const char *cpu_share, *cpu_quota, *cpu_period, *cpu_burst, *cpu_rt_period, *cpu_rt_runtime, *cpu_idle;
	const char *cpuset_cpus, *cpuset_mems;
	const char *pids_limit, *blkio_weight;
	const char *l3_cache_schema, *mem_bw_schema;
	const char *runtime_type, *console_socket, *pid_file; /* a change of type, and nothing else */
};

struct events_options {
	const char *interval; /* "5s"; NULL: that */
	bool stats;           /* once, and no events */
};

#endif
