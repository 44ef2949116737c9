/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun create */
#include "cli/command.h"
#include "cli/create-options.h"

static const struct option_def options[] = {
	CREATE_OPTIONS,
	{ "detach", 0, OPTION_IGNORED_BOOL, 0, NULL, NULL, NULL }, /* go-runc passes it */
	CREATE_OPTION("no-subreaper", 0, OPTION_BOOL, no_subreaper, NULL, NULL),
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	return runtime_create(rt, args[0], opts, err);
}

const struct command cmd_create = {
	.name = "create",
	.summary = "create a container",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.flags = COMMAND_STARTS_PROCESS,
	.options = options,
	.opts_size = sizeof(struct create_options),
	.run = run,
};
