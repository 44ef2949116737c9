/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun spec */
#include "cli/command.h"
#include "runtime/requests.h"
#include "runtime/runtime.h"

static const struct option_def options[] = {
	{ "bundle", 'b', OPTION_STRING, offsetof(struct spec_options, bundle), "DIR",
	  "the bundle (default: the current directory)", NULL },
	{ "rootless", 0, OPTION_BOOL, offsetof(struct spec_options, rootless), NULL,
	  "for a container without privileges", NULL },
	{ "runtime-type", 0, OPTION_STRING, offsetof(struct spec_options, runtime_type), "TYPE",
	  "for Default, HyperV or Auto, and it says so", NULL },
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	(void)args;
	return runtime_spec(rt, opts, err);
}

const struct command cmd_spec = {
	.name = "spec",
	.summary = "write a config.json to start from",
	.args = "",
	.options = options,
	.opts_size = sizeof(struct spec_options),
	.run = run,
};
