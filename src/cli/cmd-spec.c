/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hvrun spec */
#include <stdbool.h>

#include "cli/command.h"
#include "runtime/runtime.h"

struct spec_options {
	const char *bundle;
	bool rootless;
};

static const struct option_def options[] = {
	{ "bundle", 'b', OPTION_STRING, offsetof(struct spec_options, bundle), "DIR",
	  "the bundle (default: the current directory)", NULL },
	{ "rootless", 0, OPTION_BOOL, offsetof(struct spec_options, rootless), NULL,
	  "for a container without privileges", NULL },
	{ 0 },
};

static int run(struct runtime *rt, const void *opts, char **args, struct error *err)
{
	const struct spec_options *o = opts;

	(void)rt;
	(void)args;
	return runtime_spec(o->bundle, o->rootless, err);
}

const struct command cmd_spec = {
	.name = "spec",
	.summary = "write a config.json to start from",
	.args = "",
	.options = options,
	.opts_size = sizeof(struct spec_options),
	.run = run,
};
