/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs that act on one container and do not wait for its process. Each checks all it can before it
 * changes anything: a refused verb leaves the machine as it was.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <ocispec/types.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/process.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "runtime/lifecycle.h"
#include "runtime/terminal.h"
#include "schema/types.h"

int runtime_create(struct runtime *rt, const char *id, const struct create_options *o, struct error *err)
{
	_cleanup_bundle_ struct bundle *b = NULL;
	_cleanup_container_ struct container *c = NULL;
	_cleanup_fd_ int console = -1;
	const struct isolation_ops *ops;
	int r;

	r = container_id_validate(id, err);
	if (r == 0)
		r = runtime_check_fds(o->preserve_fds, err);
	if (r == 0)
		r = runtime_load_settings(rt, err);
	if (r == 0)
		r = bundle_load(o->bundle ? o->bundle : ".", o->config, &b, err);
	if (r == 0)
		r = terminal_connect(b->config->process && b->config->process->terminal, true,
				     o->console_socket, &console, err);
	if (r == 0)
		r = lifecycle_create(rt, id, b, o, console, &c, &ops, err);
	if (r < 0 || !o->pid_file)
		return r;
	r = runtime_write_pid_file(o->pid_file, (pid_t)c->state->pid, err);
	if (r < 0)
		lifecycle_undo(rt, c, ops);
	return r;
}

int runtime_start(struct runtime *rt, const char *id, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	enum container_status status;
	int r = runtime_open(rt, id, true, &c, &ops, err);

	if (r < 0)
		return r;
	status = container_status_of(c);
	if (status == CONTAINER_STOPPED)
		return error_set(err, EINVAL, "cannot start a container that has stopped");
	if (status == CONTAINER_CREATING)
		return error_set(err, EINVAL,
				 "cannot start a container that is not created: its create was interrupted");
	if (status != CONTAINER_CREATED)
		return error_set(err, EINVAL, "cannot start an already running container");
	r = runtime_status(rt, c, ops, &status, err);
	if (r < 0)
		return r;
	if (status == CONTAINER_PAUSED)
		return error_set(err, EINVAL, "cannot start a paused container: resume it first");
	if (!c->state->process)
		return error_set(err, EINVAL,
				 "cannot start container \"%s\": its configuration has no process", id);
	return lifecycle_start(rt, c, ops, err);
}

static int choose_signal(const struct container *c, const char *signal, struct error *err)
{
	int sig;

	if (!signal)
		signal = annotation_get(c->state->annotations, ANNOTATION_IMAGE_STOP_SIGNAL);
	if (!signal)
		return SIGTERM;
	sig = signal_from_string(signal);
	return sig < 0 ? error_set(err, EINVAL, "unknown signal \"%s\"", signal) : sig;
}

int runtime_kill(struct runtime *rt, const char *id, const char *signal, bool all, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	enum container_status status;
	int r = runtime_open(rt, id, true, &c, &ops, err), sig;

	if (r < 0)
		return r;
	sig = choose_signal(c, signal, err);
	if (sig < 0)
		return sig;
	status = container_status_of(c);
	if (!all && (status == CONTAINER_STOPPED || status == CONTAINER_CREATING))
		return error_set(err, ESRCH, "container not running");
	return ops->signal(&rt->env, c, sig, all, err);
}

int runtime_delete(struct runtime *rt, const char *id, bool force, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	enum container_status status;
	int r = runtime_find(rt, id, true, &c, &ops, err);

	if (r == CONTAINER_E_NOT_FOUND)
		return force ? 0 : -ENOENT;
	if (r == 0)
		r = runtime_status(rt, c, ops, &status, err);
	if (r < 0)
		return r;
	if (!force && (status == CONTAINER_RUNNING || status == CONTAINER_PAUSED))
		return error_set(err, EBUSY, "cannot delete container %s that is not stopped: %s", id,
				 container_status_to_string(status));
	return lifecycle_delete(rt, c, ops, err);
}

int runtime_pause(struct runtime *rt, const char *id, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	enum container_status status;
	int r = runtime_open(rt, id, true, &c, &ops, err);

	if (r == 0)
		r = runtime_status(rt, c, ops, &status, err);
	if (r < 0)
		return r;
	if (status == CONTAINER_PAUSED)
		return error_set(err, EINVAL, "cannot pause container %s: it is paused already", id);
	if (status != CONTAINER_RUNNING && status != CONTAINER_CREATED)
		return error_set(err, ESRCH, "cannot pause container %s: container not running", id);
	return ops->freeze(&rt->env, c, true, err);
}

int runtime_resume(struct runtime *rt, const char *id, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	enum container_status status;
	int r = runtime_open(rt, id, true, &c, &ops, err);

	if (r == 0)
		r = runtime_status(rt, c, ops, &status, err);
	if (r < 0)
		return r;
	if (status != CONTAINER_PAUSED)
		return error_set(err, EINVAL, "container not paused");
	return ops->freeze(&rt->env, c, false, err);
}
