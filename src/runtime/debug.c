/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * debug-shell: a shell in the virtual machine of a container, beside the container. It takes no lock, for a verb that hangs with the lock held is a reason
 * to look, and asks for no status: a container that stands still is one, too.
 */
#include <errno.h>
#include <ocispec/types.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"
#include "runtime/terminal.h"

#define PATH_VALUE "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* Arrays of the process that is described, which borrows the rest. */
struct command_line {
	char **args, **env;
	struct oci_box size;
};

static void command_line_done(struct command_line *l)
{
	strv_free(l->args);
	strv_free(l->env);
}
#define _cleanup_command_line_ _cleanup_(command_line_done)

static void append_env(struct command_line *l, const char *name, const char *value)
{
	_cleanup_free_ char *entry = xasprintf("%s=%s", name, value);

	strv_append(&l->env, entry);
}

/* A shell by its argument 0, which is what it goes by in a program that has several. A command is the shell's to find: it knows those that it brings itself. */
static void describe(const char *id, char *const *command, bool terminal, struct command_line *l, struct oci_process *ret)
{
	static const char *const run[] = { "sh", "-c", "exec \"$@\"", "sh" };
	const char *term = getenv("TERM");
	unsigned short rows, columns;
	_cleanup_free_ char *prompt = xasprintf("[guest of %s] \\w # ", id);

	for (size_t i = 0; i < (*command ? ARRAY_SIZE(run) : 1); i++)
		strv_append(&l->args, run[i]);
	for (; *command; command++)
		strv_append(&l->args, *command);
	append_env(l, "PATH", PATH_VALUE);
	append_env(l, "HOME", "/");
	if (terminal) {
		append_env(l, "TERM", str_is_empty(term) ? "xterm" : term);
		append_env(l, "PS1", prompt);
	}
	*ret = (struct oci_process){
		.args = l->args, .n_args = strv_length(l->args), .env = l->env, .n_env = strv_length(l->env), .cwd = (char *)"/",
		.has_terminal = true, .terminal = terminal,
	};
	if (terminal && terminal_size(&rows, &columns)) {
		l->size = (struct oci_box){ .height = rows, .width = columns };
		ret->console_size = &l->size;
	}
}

static int run_in(struct runtime *rt, struct container *c, const struct isolation_ops *ops, const struct oci_process *p, int *ret_status,
		  struct error *err)
{
	_cleanup_foreground_ struct foreground f = FOREGROUND_NONE;
	struct debug_request req = { .process = p, .io = { .stdio = { 0, 1, 2 } } };
	pid_t pid;
	int r = foreground_begin(&f, p->terminal, true, err);

	if (r < 0)
		return r;
	req.io.console_socket = f.console[1];
	r = ops->debug(&rt->env, c, &req, &pid, err);
	if (r == 0)
		r = foreground_attach(&f, err);
	return r < 0 ? r : foreground_wait(&f, pid, ret_status, err);
}

int runtime_debug_shell(struct runtime *rt, const char *id, bool tty, char **command, int *ret_status, struct error *err)
{
	_cleanup_command_line_ struct command_line line = { 0 };
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	struct oci_process p;
	int r = runtime_load_settings(rt, err);

	if (r == 0)
		r = runtime_open(rt, id, false, &c, &ops, err);
	if (r < 0)
		return r;
	if (!ops->debug)
		return error_set(err, EOPNOTSUPP, "debug-shell: container \"%s\" is of runtime type %s: its kernel is this host's, it has no virtual machine to look into",
				 c->id, ops->name);
	describe(c->id, command, tty || (!*command && isatty(STDIN_FILENO)), &line, &p);
	r = run_in(rt, c, ops, &p, ret_status, err);
	return r < 0 ? error_wrap(err, "debug-shell") : 0;
}
