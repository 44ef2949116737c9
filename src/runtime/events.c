/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * events: what a container uses, at once (--stats) or every so often, and the OOM killer's work as it happens, one JSON
 * object on a line as runc has them. It ends with the container.
 */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/process.h"
#include "base/str.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"
#include "schema/types.h"

static const struct {
	const char *name;
	uint64_t ms;
} units[] = { { "ms", 1 }, { "s", 1000 }, { "m", 60 * 1000 }, { "h", 60 * 60 * 1000 } };

/* "ms" before "m": the longer name is tried first. */
static const char *scan_unit(const char *p, uint64_t *ret_ms)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		const char *rest = str_skip_prefix(p, units[i].name);

		if (rest) {
			*ret_ms = units[i].ms;
			return rest;
		}
	}
	return NULL;
}

int events_parse_interval(const char *text, int *ret_ms, struct error *err)
{
	uint64_t total = 0, n, unit;
	const char *p = text;

	while (p && *p && total <= INT32_MAX) {
		p = num_scan_u64(p, &n);
		p = p ? scan_unit(p, &unit) : NULL;
		total += p && n <= INT32_MAX ? n * unit : (uint64_t)INT32_MAX + 1;
	}
	if (!p || *text == '\0' || total > INT32_MAX)
		return error_set(err, EINVAL, "--interval: \"%s\" is not a time such as 5s, 500ms or 1m30s", text);
	if (total == 0)
		return error_set(err, EINVAL, "--interval: duration interval must be greater than 0");
	*ret_ms = (int)total;
	return 0;
}

/* One look at a container: the handle is not kept while nothing happens. */
static int open_running(struct runtime *rt, const char *id, struct container **ret, const struct isolation_ops **ops,
			struct error *err)
{
	int r = runtime_open(rt, id, false, ret, ops, err);
	enum container_status status;

	if (r < 0)
		return r;
	status = container_status_of(*ret);
	return status == CONTAINER_STOPPED || status == CONTAINER_CREATING
		       ? error_set(err, ESRCH, "container with id %s is not running", id)
		       : 0;
}

/* The member "machine" of an event. */
static int add_machine(struct runtime *rt, struct container *c, const struct isolation_ops *ops, struct buf *line, struct error *err)
{
	_cleanup_buf_ struct buf machine = { 0 };
	int r = ops->machine ? ops->machine(&rt->env, c, &machine, err) : 0;

	if (r < 0 || machine.len == 0)
		return r;
	buf_append_str(line, ",\"machine\":");
	buf_append(line, machine.data, machine.len);
	return 0;
}

static int send_stats(struct runtime *rt, struct container *c, const struct isolation_ops *ops, events_fn *emit,
		      struct error *err)
{
	_cleanup_buf_ struct buf line = { 0 };
	int r;

	buf_append_str(&line, "{\"type\":\"stats\",\"id\":");
	buf_append_json(&line, c->id);
	buf_append_str(&line, ",\"data\":");
	r = ops->stats(&rt->env, c, &line, err);
	if (r == 0)
		r = add_machine(rt, c, ops, &line, err);
	if (r < 0)
		return r;
	buf_append_str(&line, "}\n");
	return emit(&line, err);
}

static int send_oom(const struct container *c, events_fn *emit, struct error *err)
{
	_cleanup_buf_ struct buf line = { 0 };

	buf_append_str(&line, "{\"type\":\"oom\",\"id\":");
	buf_append_json(&line, c->id);
	buf_append_str(&line, "}\n");
	return emit(&line, err);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

enum { END_TIMEOUT_MS = 5000 };

/* What went wrong because the container ends is no error: a machine stops answering before its process is gone. */
static int ended_or(const struct container *c, int r)
{
	_cleanup_fd_ int pidfd = r < 0 ? process_pidfd_open_exact((pid_t)c->state->pid, c->state->start_time) : -1;

	return r < 0 && pidfd >= 0 && process_pidfd_wait(pidfd, END_TIMEOUT_MS) == -ETIMEDOUT ? r : 0;
}

static int follow(struct runtime *rt, struct container *c, const struct isolation_ops *ops, int interval_ms,
		  events_fn *emit, struct error *err)
{
	struct oom_wait w = { .count_now = true };
	int64_t next = now_ms() + interval_ms;
	int r = ops->wait_oom(&rt->env, c, &w, err);

	w.count_now = false;
	while (r == 0) {
		int64_t left = next - now_ms();

		w.timeout_ms = left > 0 ? (int)left : 0;
		r = ops->wait_oom(&rt->env, c, &w, err);
		if (r < 0 || w.event == OOM_EVENT_ENDED)
			break;
		if (w.event == OOM_EVENT_KILLED)
			r = send_oom(c, emit, err);
		if (r == 0 && now_ms() >= next) {
			next += interval_ms;
			r = send_stats(rt, c, ops, emit, err);
		}
	}
	return ended_or(c, r);
}

int runtime_events(struct runtime *rt, const char *id, const struct events_options *o, events_fn *emit, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	int interval_ms, r = events_parse_interval(o->interval ? o->interval : "5s", &interval_ms, err);

	if (r == 0)
		r = open_running(rt, id, &c, &ops, err);
	if (r < 0)
		return r;
	return o->stats ? send_stats(rt, c, ops, emit, err) : follow(rt, c, ops, interval_ms, emit, err);
}
