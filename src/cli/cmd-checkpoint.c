/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun checkpoint: the command line that engines probe is there, the work is not: it says so and changes
 * nothing. */
#include <errno.h>

#include "cli/command.h"

#define FLAG(name, letter, type)                                                                             \
	{                                                                                                    \
		name, letter, type, 0, NULL, NULL, NULL                                                      \
	}

static const struct option_def options[] = {
	FLAG("image-path", 0, OPTION_IGNORED_STRING),
	FLAG("work-path", 0, OPTION_IGNORED_STRING),
	FLAG("parent-path", 0, OPTION_IGNORED_STRING),
	FLAG("leave-running", 0, OPTION_IGNORED_BOOL),
	FLAG("tcp-established", 0, OPTION_IGNORED_BOOL),
	FLAG("tcp-skip-in-flight", 0, OPTION_IGNORED_BOOL),
	FLAG("link-remap", 0, OPTION_IGNORED_BOOL),
	FLAG("ext-unix-sk", 0, OPTION_IGNORED_BOOL),
	FLAG("shell-job", 0, OPTION_IGNORED_BOOL),
	FLAG("lazy-pages", 0, OPTION_IGNORED_BOOL),
	FLAG("status-fd", 0, OPTION_IGNORED_STRING),
	FLAG("page-server", 0, OPTION_IGNORED_STRING),
	FLAG("file-locks", 0, OPTION_IGNORED_BOOL),
	FLAG("pre-dump", 0, OPTION_IGNORED_BOOL),
	FLAG("manage-cgroups-mode", 0, OPTION_IGNORED_STRING),
	FLAG("empty-ns", 0, OPTION_IGNORED_STRING),
	FLAG("auto-dedup", 0, OPTION_IGNORED_BOOL),
	FLAG("network-lock", 0, OPTION_IGNORED_STRING),
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	(void)rt;
	(void)opts;
	return error_set(
		err, EOPNOTSUPP,
		"checkpoint of container %s: this version of hvrun cannot do that yet, a later one will",
		args[0]);
}

const struct command cmd_checkpoint = {
	.name = "checkpoint",
	.summary = "save a running container (not in this version)",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = run,
};
