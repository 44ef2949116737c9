/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun features */
#include "cli/command.h"
#include "runtime/runtime.h"

static const struct option_def options[] = { { 0 } };

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	_cleanup_buf_ struct buf out = { 0 };
	int r = runtime_features(rt, &out, err);

	(void)opts;
	(void)args;
	return r < 0 ? r : command_print(&out, err);
}

const struct command cmd_features = {
	.name = "features",
	.summary = "print what this program supports, as JSON",
	.args = "",
	.options = options,
	.run = run,
};
