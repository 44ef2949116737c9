/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun state */
#include "cli/command.h"
#include "runtime/runtime.h"

static const struct option_def options[] = { { 0 } };

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r = runtime_state(rt, args[0], &out, err);

	(void)opts;
	return r < 0 ? r : command_print(&out, err);
}

const struct command cmd_state = {
	.name = "state",
	.summary = "print the state of a container",
	.args = "<container-id>",
	.min_args = 1,
	.max_args = 1,
	.options = options,
	.run = run,
};
