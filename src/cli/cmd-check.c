/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun check */
#include "cli/command.h"
#include "runtime/runtime.h"

struct check_options {
	int format; /* enum list_format */
};

static const char *const formats[] = { [LIST_FORMAT_TABLE] = "table", [LIST_FORMAT_JSON] = "json", NULL };

static const struct option_def options[] = {
	{ "format", 'f', OPTION_CHOICE, offsetof(struct check_options, format), "table|json",
	  "how to print it (default: table)", formats },
	{ 0 },
};

/* Exit status 1 is an answer here, and no error. */
static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	const struct check_options *o = opts;
	_cleanup_buf_ struct buf out = { 0 };
	int status = runtime_check(rt, args[0], o->format, &out, err), r;

	if (status < 0)
		return status;
	r = command_print(&out, err);
	return r < 0 ? r : status;
}

const struct command cmd_check = {
	.name = "check",
	.summary = "say what would run here, as what, and why not",
	.args = "[bundle]",
	.min_args = 0,
	.max_args = 1,
	.options = options,
	.opts_size = sizeof(struct check_options),
	.run = run,
};
