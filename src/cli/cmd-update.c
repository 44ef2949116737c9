/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun update */
#include "cli/command.h"
#include "runtime/runtime.h"

#define ROW(name, letter, field, value, help)                                                                \
	{                                                                                                    \
		name, letter, OPTION_STRING, offsetof(struct update_options, field), value, help, NULL       \
	}

static const struct option_def options[] = {
	ROW("resources", 'r', resources, "FILE", "read a resources object (\"-\": from stdin)"),
	ROW("blkio-weight", 0, blkio_weight, "N", "weight of block I/O, 10 to 1000"),
	ROW("cpu-period", 0, cpu_period, "USEC", "period of the CPU quota"),
	ROW("cpu-quota", 0, cpu_quota, "USEC", "CPU time in a period; -1: no limit"),
	ROW("cpu-burst", 0, cpu_burst, "USEC", "CPU time that may be saved up"),
	ROW("cpu-share", 0, cpu_share, "N", "relative share of CPU time"),
	ROW("cpu-rt-period", 0, cpu_rt_period, "USEC", "period of realtime scheduling"),
	ROW("cpu-rt-runtime", 0, cpu_rt_runtime, "USEC", "realtime CPU time in a period"),
	ROW("cpuset-cpus", 0, cpuset_cpus, "LIST", "processors, such as 0-2,5"),
	ROW("cpuset-mems", 0, cpuset_mems, "LIST", "memory nodes"),
	ROW("cpu-idle", 0, cpu_idle, "0|1", "run only when nobody else wants to"),
	ROW("memory", 0, memory, "BYTES", "limit of memory, such as 512M; -1: none"),
	ROW("memory-reservation", 0, memory_reservation, "BYTES", "soft limit of memory"),
	ROW("memory-swap", 0, memory_swap, "BYTES", "limit of memory and swap together"),
	ROW("pids-limit", 0, pids_limit, "N", "how many processes; -1: no limit"),
	ROW("l3-cache-schema", 0, l3_cache_schema, "SCHEMA", "Intel RDT: L3 cache"),
	ROW("mem-bw-schema", 0, mem_bw_schema, "SCHEMA", "Intel RDT: memory bandwidth"),
	ROW("runtime-type", 0, runtime_type, "TYPE", "make it Default or HyperV before it starts"),
	ROW("console-socket", 0, console_socket, "PATH", "of another type: gets its terminal"),
	ROW("pid-file", 0, pid_file, "FILE", "of another type: write its process id there"),
	/* kernels limit it no more (5.16) */
	{ "kernel-memory", 0, OPTION_IGNORED_STRING, 0, NULL, NULL, NULL },
	{ "kernel-memory-tcp", 0, OPTION_IGNORED_STRING, 0, NULL, NULL, NULL },
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	return runtime_update(rt, args[0], opts, err);
}

const struct command cmd_update = {
	.name = "update",
	.summary = "change the limits of a running container",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.flags = COMMAND_STARTS_PROCESS, /* as another type */
	.options = options,
	.opts_size = sizeof(struct update_options),
	.run = run,
};
