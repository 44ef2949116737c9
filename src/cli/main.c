/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The command line: global options, a verb, its options, its arguments. Nothing is opened before it is
 * needed, and only this file prints errors: one line on stderr, and with --log the same in the log, where
 * container managers look for it.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/path.h"
#include "base/str.h"
#include "cli/command.h"
#include "container/document.h"
#include "container/field_path.h"
#include "container/runtime_type.h"
#include "linux/cgroup/cgroup.h"
#include "linux/selfexe.h"
#include "runtime/runtime.h"

enum { EXIT_FAILED = 1, EXIT_UNKNOWN_COMMAND = 3, EXIT_EXEC_FAILED = 255 };

struct global_options {
	const char *root, *log, *config_file, *runtime_type, *cgroup_manager, *vm_console, *vm_log;
	int log_format, log_level, accel, rootless;
	bool debug, systemd_cgroup, version;
};

enum { UNSET = -1 };

static const char *const log_formats[] = { [LOG_FORMAT_TEXT] = "text", [LOG_FORMAT_JSON] = "json", NULL };
static const char *const log_levels[] = { "error", "warning", "info", "debug", NULL };
static const char *const accels[] = { "kvm", "tcg", NULL };
static const char *const rootless_words[] = { "false", "true", "auto", NULL };

#define ROW(name, letter, type, field, value, help, choices)                                                 \
	{                                                                                                    \
		name, letter, type, offsetof(struct global_options, field), value, help, choices             \
	}

static const struct option_def global_defs[] = {
	ROW("root", 0, OPTION_STRING, root, "DIR", "state directory (default: /run/hvrun)", NULL),
	ROW("runtime-type", 0, OPTION_STRING, runtime_type, "TYPE",
	    "Default, HyperV, Auto, unless the bundle says", NULL),
	ROW("vm-accel", 0, OPTION_CHOICE, accel, "kvm|tcg", "HyperV by KVM or by emulation", accels),
	ROW("vm-console", 0, OPTION_STRING, vm_console, "FILE", "HyperV: what the guest's kernel prints", NULL),
	ROW("vm-log", 0, OPTION_STRING, vm_log, "FILE", "HyperV: what the machine monitor prints", NULL),
	ROW("config-file", 0, OPTION_STRING, config_file, "FILE", "settings (default: /etc/hvrun/hvrun.json)",
	    NULL),
	ROW("log", 0, OPTION_STRING, log, "TARGET", "FILE, journald:ID or syslog:ID (default: stderr)", NULL),
	ROW("log-format", 0, OPTION_CHOICE, log_format, "text|json", "how messages are written", log_formats),
	ROW("log-level", 0, OPTION_CHOICE, log_level, "LEVEL", "error, warning, info or debug", log_levels),
	ROW("debug", 0, OPTION_BOOL, debug, NULL, "same as --log-level debug", NULL),
	ROW("systemd-cgroup", 0, OPTION_BOOL, systemd_cgroup, NULL, "same as --cgroup-manager systemd", NULL),
	ROW("cgroup-manager", 0, OPTION_STRING, cgroup_manager, "NAME", "cgroupfs, systemd or disabled",
	    NULL),
	ROW("rootless", 0, OPTION_CHOICE, rootless, "auto|true|false",
	    "work without privileges (default: auto)", rootless_words),
	{ "criu", 0, OPTION_IGNORED_STRING, 0, NULL, NULL, NULL },
	ROW("version", 'v', OPTION_BOOL, version, NULL, "print the version", NULL),
	{ 0 },
};

static int print(struct buf *out)
{
	return fd_write_all(STDOUT_FILENO, out->data, out->len) < 0 ? EXIT_FAILED : EXIT_SUCCESS;
}

/* Lines that container managers parse: name, commit and specification, in this order. */
static int print_version(void)
{
	_cleanup_buf_ struct buf out = { 0 };

	buf_printf(&out, "hvrun version %s\ncommit: %s\nspec: %s\n", PACKAGE_VERSION, HV_COMMIT,
		   OCI_SPEC_VERSION);
	return print(&out);
}

static int print_help(void)
{
	_cleanup_buf_ struct buf out = { 0 };

	buf_append_str(
		&out,
		"NAME:\n   hvrun - run OCI containers, natively or each in a virtual machine of its own\n\n"
		"USAGE:\n   hvrun [global options] command [command options] [arguments...]\n\nCOMMANDS:\n");
	for (const struct command *const *c = commands; *c; c++)
		buf_printf(&out, "   %-12s %s\n", (*c)->name, (*c)->summary);
	buf_append_str(&out, "\nGLOBAL OPTIONS:\n");
	options_help(global_defs, &out);
	return print(&out);
}

static int print_command_help(const struct command *c)
{
	_cleanup_buf_ struct buf out = { 0 };

	buf_printf(&out, "NAME:\n   hvrun %s - %s\n\nUSAGE:\n   hvrun %s [command options] %s\n\nOPTIONS:\n",
		   c->name, c->summary, c->name, c->args);
	options_help(c->options, &out);
	return print(&out);
}

/* logged: the message goes to a log file too. */
static int fail(struct error *err, bool logged, int status)
{
	const char *path;
	size_t len = 0;

	error_sanitize(err);
	path = field_path_find(err->msg, &len);
	if (logged)
		log_failure(err, path, len);
	fprintf(stderr, "hvrun: %s\n", err->msg);
	return status;
}

static int open_log(const struct global_options *g, struct error *err)
{
	enum log_level level = g->log ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING;

	if (g->log_level != UNSET)
		level = (enum log_level)g->log_level;
	if (g->debug)
		level = LOG_LEVEL_DEBUG;
	return log_open(g->log, (enum log_format)g->log_format, level, err);
}

static int fill_runtime(struct runtime *rt, const struct global_options *g, struct error *err)
{
	const char *manager = g->systemd_cgroup ? "systemd" : g->cgroup_manager;

	if (g->runtime_type) {
		rt->runtime_type = runtime_type_from_string(g->runtime_type, "--runtime-type", err);
		if (rt->runtime_type < 0)
			return rt->runtime_type;
	}
	if (manager) {
		rt->cgroup_manager = cgroup_manager_from_string(manager, err);
		if (rt->cgroup_manager < 0)
			return error_wrap(err, "--cgroup-manager");
	}
	rt->root = g->root;
	rt->config_file = g->config_file;
	rt->vm_console = g->vm_console;
	rt->vm_log = g->vm_log;
	rt->accel = g->accel == UNSET ? NULL : accels[g->accel];
	rt->rootless = g->rootless == 2 ? UNSET : g->rootless;
	return 0;
}

static int check_args(const struct command *c, char **args, struct error *err)
{
	int n = (int)strv_length(args);

	if (n >= c->min_args && (c->max_args < 0 || n <= c->max_args))
		return 0;
	if (c->min_args == c->max_args)
		return error_set(err, EINVAL, "\"hvrun %s\" requires exactly %d argument(s)", c->name,
				 c->min_args);
	if (n < c->min_args)
		return error_set(err, EINVAL, "\"hvrun %s\" requires a minimum of %d argument(s)", c->name,
				 c->min_args);
	return error_set(err, EINVAL, "\"hvrun %s\" requires a maximum of %d argument(s)", c->name,
			 c->max_args);
}

static int run_command(const struct command *c, const struct global_options *g, char **argv, char **rest)
{
	int failed = EXIT_FAILED;
	_cleanup_free_ void *opts = xcalloc(1, c->opts_size);
	struct runtime rt = { .program = argv[0],
			      .runtime_type = UNSET,
			      .cgroup_manager = UNSET,
			      .rootless = UNSET,
			      .env = { .root_dirfd = -1 } };
	struct error err = { 0 };
	bool logged = false;
	/* after the arguments of a verb that takes any number of them, what looks like an option is not for us */
	int (*parse)(const struct option_def *defs, void *o, char **args, char ***ret_rest, struct error *e) =
		c->max_args < 0 ? options_parse : options_parse_mixed;
	int r = parse(c->options, opts, rest, &rest, &err);

	if (r == OPTIONS_HELP)
		return print_command_help(c);
	if (r == 0)
		r = check_args(c, rest, &err);
	if (r == 0 && (c->flags & COMMAND_FAILS_WITH_255))
		failed = EXIT_EXEC_FAILED;
	if (r == 0)
		r = fill_runtime(&rt, g, &err);
	if (r == 0 && (c->flags & COMMAND_STARTS_PROCESS))
		r = selfexe_protect(argv, &err);
	if (r == 0)
		r = open_log(g, &err);
	if (r == 0) {
		logged = g->log;
		r = c->run(&rt, opts, rest, &err);
	}
	runtime_done(&rt);
	options_done(c->options, opts);
	return r < 0 ? fail(&err, logged, failed) : r;
}

int main(int argc, char **argv)
{
	struct global_options g = { .log_level = UNSET, .accel = UNSET, .rootless = 2 };
	const struct command *c;
	struct error err = { 0 };
	char **rest;
	int r;

	if (argc < 1)
		return EXIT_FAILED;
	r = options_parse(global_defs, &g, argv + 1, &rest, &err);
	if (r < 0)
		return fail(&err, false, EXIT_FAILED);
	if (g.version)
		return print_version();
	if (r == OPTIONS_HELP || !*rest || (str_eq(*rest, "help") && !rest[1]))
		return print_help();
	if (str_eq(*rest, "help"))
		rest++;
	c = command_find(*rest);
	if (!c) {
		fprintf(stderr, "No help topic for '%s'\n", *rest);
		return EXIT_UNKNOWN_COMMAND;
	}
	if (rest > argv + 1 && str_eq(rest[-1], "help"))
		return print_command_help(c);
	return run_command(c, &g, argv, rest + 1);
}
