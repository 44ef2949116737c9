/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* run: create and start in one process, and in the foreground also wait and delete. */
#include <errno.h>
#include <ocispec/types.h>
#include <sys/types.h>

#include "base/fd.h"
#include "container/bundle.h"
#include "runtime/lifecycle.h"
#include "runtime/notify.h"
#include "runtime/runtime.h"
#include "runtime/terminal.h"
#include "schema/types.h"

/* From created to running. On failure the caller undoes. */
static int start(struct runtime *rt, struct container *c, const struct isolation_ops *ops,
		 const struct create_options *o, struct foreground *f, struct error *err)
{
	int r = runtime_send_pidfd(o->pidfd_socket, "standard", (pid_t)c->state->pid, err);

	if (r == 0 && o->pid_file)
		r = runtime_write_pid_file(o->pid_file, (pid_t)c->state->pid, err);
	if (r == 0)
		r = foreground_attach(f, err);
	return r < 0 ? r : lifecycle_start(rt, c, ops, o->detach, err);
}

static int delete_after_exit(struct runtime *rt, const char *id, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	int r = runtime_find(rt, id, true, &c, &ops, err);

	if (r == CONTAINER_E_NOT_FOUND) /* somebody was faster */
		return 0;
	return r < 0 ? r : lifecycle_delete(rt, c, ops, err);
}

static int run(struct runtime *rt, const char *id, struct bundle *b, const struct create_options *o,
	       int console, int *ret_status, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	_cleanup_foreground_ struct foreground f = FOREGROUND_NONE;
	const struct isolation_ops *ops;
	pid_t pid;
	int r = 0;

	if (!o->detach)
		r = foreground_begin(&f, b->config->process->terminal, !o->no_subreaper, err);
	if (r == 0)
		r = lifecycle_create(rt, id, b, o, o->detach ? console : f.console[1], &c, &ops, err);
	if (r < 0)
		return r;
	pid = (pid_t)c->state->pid;
	r = start(rt, c, ops, o, &f, err);
	container_unlock(c);
	if (r == 0 && !o->detach)
		r = foreground_wait(&f, pid, ret_status, err);
	foreground_done(&f);
	if (r < 0) {
		lifecycle_undo_id(rt, id);
		return r;
	}
	return o->detach || o->keep ? 0 : delete_after_exit(rt, id, err);
}

int runtime_run(struct runtime *rt, const char *id, const struct create_options *o, int *ret_status,
		struct error *err)
{
	_cleanup_bundle_ struct bundle *b = NULL;
	_cleanup_fd_ int console = -1;
	int r;

	*ret_status = 0;
	r = container_id_validate(id, err);
	if (r == 0)
		r = runtime_check_fds(listen_fds() + o->preserve_fds, err);
	if (r == 0)
		r = runtime_load_settings(rt, err);
	if (r == 0)
		r = bundle_load(o->bundle ? o->bundle : ".", o->config, &b, err);
	if (r == 0 && !b->config->process)
		r = error_set(err, EINVAL, "config.json: process: missing, there is nothing to run");
	if (r == 0)
		r = terminal_connect(b->config->process->terminal, o->detach, o->console_socket, &console,
				     err);
	return r < 0 ? r : run(rt, id, b, o, console, ret_status, err);
}
