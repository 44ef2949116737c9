/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun run */
#include "cli/command.h"
#include "cli/create-options.h"

static const struct option_def options[] = {
	CREATE_OPTIONS,
	CREATE_OPTION("detach", 'd', OPTION_BOOL, detach, NULL, "do not wait for the process"),
	CREATE_OPTION("keep", 0, OPTION_BOOL, keep, NULL, "do not delete the container when it has exited"),
	CREATE_OPTION("no-subreaper", 0, OPTION_BOOL, no_subreaper, NULL, "do not adopt orphaned processes"),
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	int status, r = runtime_run(rt, args[0], opts, &status, err);

	return r < 0 ? r : status;
}

const struct command cmd_run = {
	.name = "run",
	.summary = "create and start a container",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.flags = COMMAND_STARTS_PROCESS,
	.options = options,
	.opts_size = sizeof(struct create_options),
	.run = run,
};
