/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs that act on one container and do not wait for its process. Each checks all it can before it
 * changes anything: a refused verb leaves the machine as it was.
 */
#include "runtime/runtime.h"

#include <errno.h>
#include <ocispec/types.h>
#include <regex.h>
#include <signal.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "runtime/leftover.h"
#include "runtime/lifecycle.h"
#include "runtime/notify.h"
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
		r = runtime_check_fds(listen_fds() + o->preserve_fds, err);
	if (r == 0)
		r = runtime_load_settings(rt, err);
	if (r == 0)
		r = bundle_load(o->bundle ? o->bundle : ".", o->config, &b, err);
	if (r == 0)
		r = terminal_connect(b->config->process && b->config->process->terminal, true,
				     o->console_socket, &console, err);
	if (r == 0)
		r = lifecycle_create(rt, id, b, o, console, &c, &ops, err);
	if (r < 0)
		return r;
	r = runtime_send_pidfd(o->pidfd_socket, "standard", (pid_t)c->state->pid, err);
	if (r == 0 && o->pid_file)
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
	r = runtime_status(rt, c, ops, &status, err);
	if (r < 0)
		return r;
	if (status == CONTAINER_PAUSED)
		return error_set(err, EINVAL, "cannot start a container in the paused state");
	if (status != CONTAINER_CREATED)
		return error_set(err, EINVAL, "cannot start an already running container");
	if (!c->state->process)
		return error_set(err, EINVAL,
				 "cannot start container \"%s\": its configuration has no process", id);
	return lifecycle_start(rt, c, ops, true, err);
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

/* Of a stopped container whose pid namespace was not its own, others may be alive. */
static bool has_processes(struct runtime *rt, struct container *c, const struct isolation_ops *ops)
{
	_cleanup_free_ pid_t *pids = NULL;
	struct error ignored;
	size_t n;

	return ops->pids(&rt->env, c, &pids, &n, &ignored) == 0 && n > 0;
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
	if (all && status == CONTAINER_STOPPED && !has_processes(rt, c, ops))
		return 0; /* there is nobody left whom it could not reach */
	return ops->signal(&rt->env, c, sig, all, err);
}

/* The containers whose ids match; each is done even when one before it failed, and the first failure is told. */
static int for_each_match(struct runtime *rt, const char *pattern, const void *arg,
			  int (*f)(struct runtime *rt, const char *id, const void *arg, struct error *err), struct error *err)
{
	_cleanup_strv_ char **ids = NULL;
	struct error e, first = { 0 };
	regex_t regex;
	int r = 0, c;

	c = regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB);
	if (c != 0) {
		regerror(c, &regex, e.msg, sizeof(e.msg));
		return error_set(err, EINVAL, "--regex: \"%s\": %s", pattern, e.msg);
	}
	if (runtime_open_root(rt, false, err) < 0 || (rt->env.root_dirfd >= 0 && runtime_read_ids(rt, &ids, err) < 0))
		r = -err->code;
	for (char **id = ids; r == 0 && id && *id; id++) {
		if (regexec(&regex, *id, 0, NULL, 0) != 0 || f(rt, *id, arg, &e) >= 0)
			continue;
		if (first.code == 0)
			first = e;
		else
			log_warning("container \"%s\": %s", *id, e.msg);
	}
	regfree(&regex);
	return r < 0 || !first.code ? r : error_set(err, first.code, "%s", first.msg);
}

struct kill_request {
	const char *signal;
	bool all;
};

static int kill_one(struct runtime *rt, const char *id, const void *arg, struct error *err)
{
	const struct kill_request *k = arg;

	return runtime_kill(rt, id, k->signal, k->all, err);
}

int runtime_kill_regex(struct runtime *rt, const char *pattern, const char *signal, bool all, struct error *err)
{
	return for_each_match(rt, pattern, &(struct kill_request){ signal, all }, kill_one, err);
}

static int delete_one(struct runtime *rt, const char *id, const void *arg, struct error *err)
{
	return runtime_delete(rt, id, *(const bool *)arg, err);
}

int runtime_delete_regex(struct runtime *rt, const char *pattern, bool force, struct error *err)
{
	return for_each_match(rt, pattern, &force, delete_one, err);
}

static int delete_found(struct runtime *rt, struct container *c, const struct isolation_ops *ops, bool force,
			struct error *err)
{
	enum container_status status;
	struct error ignored;
	int r = runtime_status(rt, c, ops, &status, err);

	if (r < 0)
		return r;
	if (!force && (status == CONTAINER_RUNNING || status == CONTAINER_PAUSED))
		return error_set(err, EBUSY, "cannot delete container %s that is not stopped: %s", c->id,
				 container_status_to_string(status));
	/* a create that was killed before it could say what it had made */
	if (status == CONTAINER_CREATING && c->state->n_cgroup == 0 && leftover_group(rt, c, false, &ignored) < 0)
		log_warning("container \"%s\": its control group stays: %s", c->id, ignored.msg);
	return lifecycle_delete(rt, c, ops, err);
}

int runtime_delete(struct runtime *rt, const char *id, bool force, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	int r = runtime_find(rt, id, true, &c, &ops, err);

	if (r == 0)
		r = delete_found(rt, c, ops, force, err);
	if (r == CONTAINER_E_NOT_FOUND && !force)
		return -ENOENT;
	if (force)
		leftover_sweep(rt);
	if (r == CONTAINER_E_NOT_FOUND || (force && r < 0 && (!c || err->code == EINVAL) && rt->env.root_dirfd >= 0)) {
		const struct error why = *err;

		c = container_free(c); /* and its lock */
		return leftover_delete(rt, id, &why, err);
	}
	return r;
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
