/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun ps */
#include "cli/command.h"
#include "runtime/runtime.h"

struct ps_options {
	int format; /* enum list_format */
};

static const char *const formats[] = { [LIST_FORMAT_TABLE] = "table", [LIST_FORMAT_JSON] = "json", NULL };

static const struct option_def options[] = {
	{ "format", 'f', OPTION_CHOICE, offsetof(struct ps_options, format), "table|json",
	  "how to print it (default: table)", formats },
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	const struct ps_options *o = opts;
	_cleanup_buf_ struct buf out = { 0 };
	int r = runtime_ps(rt, args[0], o->format, args + 1, &out, err);

	return r < 0 ? r : command_print(&out, err);
}

const struct command cmd_ps = {
	.name = "ps",
	.summary = "show the processes of a container",
	.args = "<container-id> [ps options]",
	.min_args = 1,
	.max_args = -1,
	.options = options,
	.opts_size = sizeof(struct ps_options),
	.run = run,
};
