/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun restore: the command line that engines probe is there, the work is not: it says so and changes
 * nothing. */
#include <errno.h>

#include "cli/command.h"

#define FLAG(name, letter, type)                                                                             \
	{                                                                                                    \
		name, letter, type, 0, NULL, NULL, NULL                                                      \
	}

static const struct option_def options[] = {
	FLAG("console-socket", 0, OPTION_IGNORED_STRING),
	FLAG("image-path", 0, OPTION_IGNORED_STRING),
	FLAG("work-path", 0, OPTION_IGNORED_STRING),
	FLAG("tcp-established", 0, OPTION_IGNORED_BOOL),
	FLAG("tcp-close", 0, OPTION_IGNORED_BOOL),
	FLAG("ext-unix-sk", 0, OPTION_IGNORED_BOOL),
	FLAG("shell-job", 0, OPTION_IGNORED_BOOL),
	FLAG("file-locks", 0, OPTION_IGNORED_BOOL),
	FLAG("manage-cgroups-mode", 0, OPTION_IGNORED_STRING),
	FLAG("bundle", 'b', OPTION_IGNORED_STRING),
	FLAG("detach", 'd', OPTION_IGNORED_BOOL),
	FLAG("pid-file", 0, OPTION_IGNORED_STRING),
	FLAG("no-subreaper", 0, OPTION_IGNORED_BOOL),
	FLAG("no-pivot", 0, OPTION_IGNORED_BOOL),
	FLAG("empty-ns", 0, OPTION_IGNORED_STRING),
	FLAG("auto-dedup", 0, OPTION_IGNORED_BOOL),
	FLAG("lazy-pages", 0, OPTION_IGNORED_BOOL),
	FLAG("lsm-profile", 0, OPTION_IGNORED_STRING),
	FLAG("lsm-mount-context", 0, OPTION_IGNORED_STRING),
	FLAG("network-lock", 0, OPTION_IGNORED_STRING),
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	(void)rt;
	(void)opts;
	return error_set(
		err, EOPNOTSUPP,
		"restore of container %s: this version of hvrun cannot do that yet, a later one will",
		args[0]);
}

const struct command cmd_restore = {
	.name = "restore",
	.summary = "go on with a saved container (not in this version)",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = run,
};
