/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The systemd manager: a group is a transient scope (or slice) that systemd makes, delegates and removes. It
 * gets the limits that it has properties for, so that its daemon-reload does not undo them; everything is
 * then also written to the group's files, exactly. The D-Bus interface is described in
 * org.freedesktop.systemd1(5).
 *
 * A scope must have a process from its start, but we want the limits in place before the container's first
 * instruction, and its process born inside. So a process of ours, which only waits, starts the scope, and is
 * killed when the container's is there. When we are killed it ends, too, but not before systemd has put it into the scope: one that nobody has
 * ever lived in, for its first process was a zombie by then, systemd (252) keeps for ever.
 */
#include "linux/cgroup/manager-systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "linux/cgroup/unit_property.h"
#include "linux/dbus.h"
#include "linux/sys.h"

#define SYSTEMD "org.freedesktop.systemd1"
#define MANAGER SYSTEMD ".Manager"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define PROPERTIES "org.freedesktop.DBus.Properties"

enum { SYSTEMD_TIMEOUT_MS = 30000 };

/* Calls ------------------------------------------------------------------------------------- */

/* systemd itself where it can be reached without a bus (as root), else by the bus. */
static int connect_systemd(bool user, struct dbus **ret, struct error *err)
{
	const char *runtime_dir = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *direct = NULL, *bus = NULL;

	if (user && !path_is_absolute(runtime_dir ? runtime_dir : ""))
		return error_set(err, ENOENT,
				 "cgroup manager \"systemd\": XDG_RUNTIME_DIR, where the user's systemd "
				 "listens, is not set");
	direct = user ? path_join(runtime_dir, "systemd/private") : xstrdup("/run/systemd/private");
	bus = user ? path_join(runtime_dir, "bus") : xstrdup("/run/dbus/system_bus_socket");
	if (dbus_open(direct, false, SYSTEMD_TIMEOUT_MS, ret, NULL) >= 0 ||
	    dbus_open(bus, true, SYSTEMD_TIMEOUT_MS, ret, err) >= 0)
		return 0;
	return error_wrap(err, "cgroup manager \"systemd\": no systemd answers here (neither %s)", direct);
}

static int call(struct dbus *d, const char *member, const char *signature, const struct buf *body,
		struct dbus_message *ret, struct error *err)
{
	const struct dbus_method method = { SYSTEMD, MANAGER_PATH, MANAGER, member };

	return dbus_call(d, &method, signature, body, ret, err);
}

/* The text of an error that systemd answered with. */
static int refused(const struct dbus_message *m, const char *what, const char *unit, struct error *err)
{
	const char *text =
		m->signature && m->signature[0] == 's'
			? dbus_get_string(&(struct dbus_reader){ .data = m->body, .len = m->body_len })
			: NULL;

	error_set(err, EPROTO, "systemd refuses to %s %s: %s", what, unit, text ? text : m->error_name);
	if (err)
		error_sanitize(err);
	return -EPROTO;
}

static bool error_is(const struct dbus_message *m, const char *name)
{
	const char *rest = m->error_name ? str_skip_prefix(m->error_name, SYSTEMD ".") : NULL;

	return str_eq(rest, name);
}

/* One string argument; every answer but none is fine. */
static int call_unit(struct dbus *d, const char *member, const char *unit, struct dbus_message *ret,
		     struct error *err)
{
	_cleanup_buf_ struct buf body = { 0 };

	dbus_put_string(&body, unit);
	return call(d, member, "s", &body, ret, err);
}

static int reset_failed(struct dbus *d, const char *unit, struct error *err)
{
	_cleanup_dbus_message_ struct dbus_message answer = { 0 };
	int r = call_unit(d, "ResetFailedUnit", unit, &answer, err);

	return r < 0 ? r : 0; /* most units have not failed */
}

/* A property of an object, a string. */
static int get_property(struct dbus *d, const char *object, const char *interface, const char *name,
			char **ret, struct error *err)
{
	const struct dbus_method method = { SYSTEMD, object, PROPERTIES, "Get" };
	_cleanup_dbus_message_ struct dbus_message answer = { 0 };
	_cleanup_buf_ struct buf body = { 0 };
	const char *value;
	int r;

	dbus_put_string(&body, interface);
	dbus_put_string(&body, name);
	r = dbus_call(d, &method, "ss", &body, &answer, err);
	if (r < 0)
		return r;
	value = r == 0 ? dbus_message_string(&answer) : NULL;
	if (!value)
		return error_set(err, EPROTO, "systemd does not tell %s", name);
	*ret = xstrdup(value);
	return 0;
}

/* Jobs -------------------------------------------------------------------------------------- */

static int listen_for_jobs(struct dbus *d, struct error *err)
{
	_cleanup_dbus_message_ struct dbus_message answer = { 0 };
	int r = dbus_listen(d, MANAGER, "JobRemoved", err);

	if (r >= 0) /* on a bus systemd signals only when somebody has asked for it */
		r = call(d, "Subscribe", "", NULL, &answer, err);
	return r < 0 ? r : 0;
}

/* Waits for the end of the job that a call has answered with. */
static int await_job(struct dbus *d, const struct dbus_message *answer, const char *unit, struct error *err)
{
	_cleanup_free_ char *job = xstrdup(dbus_message_string(answer));

	if (!job)
		return error_set(err, EPROTO, "systemd names no job for %s", unit);
	for (;;) {
		_cleanup_dbus_message_ struct dbus_message m = { 0 };
		struct dbus_reader reader;
		const char *ended, *result;
		int r = dbus_next_signal(d, &m, err); /* (id, job, unit, result) */

		if (r < 0)
			return error_wrap(err, "systemd's job for %s", unit);
		reader = (struct dbus_reader){ .data = m.body, .len = m.body_len };
		dbus_get_u32(&reader);
		ended = dbus_get_string(&reader);
		dbus_get_string(&reader);
		result = dbus_get_string(&reader);
		if (reader.bad || !str_eq(ended, job))
			continue;
		return str_eq(result, "done")
			       ? 0
			       : error_set(err, EPROTO, "systemd's job for %s ended with \"%.32s\"", unit,
					   result);
	}
}

/* The process that holds a scope's place ---------------------------------------------------- */

/* How long systemd may take, after our end, to put it where we asked for. */
enum { HOLDER_GRACE_MS = 10000, HOLDER_STEP_MS = 20 };

static bool is_in_unit(const char *unit)
{
	_cleanup_free_ char *text = NULL;

	return file_read_at(AT_FDCWD, "/proc/self/cgroup", CGROUP_TEXT_MAX, &text, NULL) < 0 || strstr(text, unit);
}

static void _noreturn_ hold(const char *unit, pid_t parent)
{
	sigset_t none;
	int fd;

	sigemptyset(&none);
	signal(SIGTERM, SIG_DFL); /* systemd's way to stop a unit */
	sigprocmask(SIG_SETMASK, &none, NULL);
	sys_close_range(0, ~0U, 0);
	fd = process_pidfd_open(parent);
	if (fd >= 0 && getppid() == parent)
		process_pidfd_wait(fd, -1);
	for (int ms = 0; ms < HOLDER_GRACE_MS && !is_in_unit(unit); ms += HOLDER_STEP_MS)
		poll(NULL, 0, HOLDER_STEP_MS);
	_exit(0);
}

static int start_holder(struct cgroup *cg, struct error *err)
{
	pid_t self = getpid();

	cg->unit.holder = fork();
	if (cg->unit.holder == 0)
		hold(cg->unit.name, self);
	if (cg->unit.holder < 0) {
		cg->unit.holder = 0;
		return error_errno(err, "cannot fork the first process of %s", cg->unit.name);
	}
	return 0;
}

void systemd_unit_release(struct cgroup *cg)
{
	int status;

	if (cg->unit.holder <= 0)
		return;
	kill(cg->unit.holder, SIGKILL);
	process_wait(cg->unit.holder, &status);
	cg->unit.holder = 0;
}

/* Where a unit's group is ------------------------------------------------------------------- */

/* A line of /proc/<pid>/cgroup: systemd's own hierarchy on v1, the only one on v2. */
static char *path_in(const char *text, const char *prefix)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		const char *path;

		line += *line == '\n';
		path = strchr(line, ':');
		path = path ? str_skip_prefix(path, prefix) : NULL;
		if (path)
			return xstrndup(path, strcspn(path, "\n"));
	}
	return NULL;
}

static int group_of_holder(const struct cgroup *cg, char **ret, struct error *err)
{
	_cleanup_free_ char *file = xasprintf("/proc/%d/cgroup", (int)cg->unit.holder), *text = NULL,
			    *path = NULL;
	int r = file_read_at(AT_FDCWD, file, CGROUP_TEXT_MAX, &text, NULL);

	if (r < 0)
		return error_errnum(err, r, "cannot read %s", file);
	path = path_in(text, ":name=systemd:");
	if (!path)
		path = path_in(text, "::");
	if (!path || path_has_dotdot(path) || !str_eq(path_basename(path), cg->unit.name))
		return error_set(err, EPROTO, "systemd put the first process of %s into \"%s\"",
				 cg->unit.name, path ? path : "");
	*ret = TAKE_PTR(path);
	return 0;
}

/* A slice has no process to ask. */
static int group_of_slice(struct dbus *d, const char *unit, char **ret, struct error *err)
{
	_cleanup_dbus_message_ struct dbus_message answer = { 0 };
	_cleanup_free_ char *path = NULL;
	const char *object;
	int r = call_unit(d, "GetUnit", unit, &answer, err);

	if (r < 0)
		return r;
	object = r == 0 ? dbus_message_string(&answer) : NULL;
	if (!object)
		return refused(&answer, "tell about", unit, err);
	r = get_property(d, object, SYSTEMD ".Slice", "ControlGroup", &path, err);
	if (r < 0)
		return r;
	if (!path_is_absolute(path) || path_has_dotdot(path))
		return error_set(err, EPROTO, "systemd says that %s is in \"%s\"", unit, path);
	*ret = TAKE_PTR(path);
	return 0;
}

/* Start, change, stop ----------------------------------------------------------------------- */

/* 0 when only properties that every systemd has are asked for. */
static int get_version(struct dbus *d, const struct cgroup_writes *limits, unsigned *ret, struct error *err)
{
	_cleanup_free_ char *text = NULL;
	int r;

	*ret = 0;
	if (limits->n == 0)
		return 0;
	r = get_property(d, MANAGER_PATH, MANAGER, "Version", &text, err);
	if (r >= 0)
		*ret = systemd_version_parse(text);
	return r;
}

/* The unit's Description, by which it is known again. */
static char *describe(const char *id)
{
	return xasprintf("container %s", id);
}

static void put_pids(struct buf *b, pid_t pid)
{
	size_t mark;

	dbus_put_struct(b);
	dbus_put_string(b, "PIDs");
	dbus_put_signature(b, "au");
	mark = dbus_begin_array(b, 4);
	dbus_put_u32(b, (uint32_t)pid);
	dbus_end_array(b, mark, 4);
}

/* StartTransientUnit(name, mode, properties, auxiliary units) */
static int put_start(struct buf *b, const struct cgroup *cg, const struct unit_request *req, unsigned version, struct error *err)
{
	const char *const accounting[] = { "CPUAccounting", "MemoryAccounting", "TasksAccounting",
					   cg->mode == CGROUP_MODE_V2 ? "IOAccounting"
								      : "BlockIOAccounting" };
	_cleanup_free_ char *description = describe(req->id);
	size_t mark;
	int r = 0;

	dbus_put_string(b, req->unit->name);
	dbus_put_string(b, "replace");
	mark = dbus_begin_array(b, 8);
	/* the bundle's own first: of two values for a property systemd takes the later one */
	for (size_t i = 0; i < req->n_properties && r == 0; i++)
		r = unit_property_put(b, &req->properties[i], err);
	systemd_put_string(b, "Description", description);
	systemd_put_bool(b, "DefaultDependencies", false);
	for (size_t i = 0; i < ARRAY_SIZE(accounting); i++)
		systemd_put_bool(b, accounting[i], true);
	if (!req->unit->is_slice) {
		systemd_put_string(b, "Slice", req->unit->slice);
		systemd_put_bool(b, "Delegate", true);
		put_pids(b, cg->unit.holder);
	}
	systemd_put_limits(b, req->limits, version);
	if (!req->rootless)
		systemd_put_devices(b, req->rules, req->n_rules);
	dbus_end_array(b, mark, 8);
	mark = dbus_begin_array(b, 8);
	dbus_end_array(b, mark, 8);
	return r;
}

/* A scope of that name may be there from before, failed: then it is forgotten, and the second try counts. */
static int start_unit(struct dbus *d, struct cgroup *cg, const struct unit_request *req, struct error *err)
{
	_cleanup_buf_ struct buf body = { 0 };
	const char *unit = req->unit->name;
	unsigned version;
	int r = get_version(d, req->limits, &version, err);

	if (r < 0)
		return r;
	r = put_start(&body, cg, req, version, err);
	if (r < 0)
		return r;
	for (bool again = false;; again = true) {
		_cleanup_dbus_message_ struct dbus_message answer = { 0 };

		r = call(d, "StartTransientUnit", "ssa(sv)a(sa(sv))", &body, &answer, err);
		if (r < 0)
			return r;
		if (r == 0) {
			cg->unit.made = true;
			return await_job(d, &answer, unit, err);
		}
		if (!error_is(&answer, "UnitExists"))
			return refused(&answer, "start", unit, err);
		if (req->unit->is_slice)
			return 0; /* as with any group that is there already */
		if (again)
			return error_set(err, EEXIST, "systemd has a unit %s already", unit);
		r = reset_failed(d, unit, err);
		if (r < 0)
			return r;
	}
}

int systemd_unit_start(struct cgroup *cg, const struct unit_request *req, char **ret_path, struct error *err)
{
	_cleanup_dbus_ struct dbus *d = NULL;
	int r = connect_systemd(req->rootless, &d, err);

	if (r < 0)
		return r;
	cg->unit = (struct cgroup_unit){ .name = xstrdup(req->unit->name), .user = req->rootless };
	r = listen_for_jobs(d, err);
	if (r >= 0 && !req->unit->is_slice)
		r = start_holder(cg, err);
	if (r >= 0)
		r = start_unit(d, cg, req, err);
	if (r >= 0)
		r = req->unit->is_slice ? group_of_slice(d, cg->unit.name, ret_path, err)
					: group_of_holder(cg, ret_path, err);
	if (r < 0)
		return error_wrap(err, "unable to apply cgroup configuration");
	log_debug("cgroup: systemd started %s: %s", cg->unit.name, *ret_path);
	return 0;
}

/* The path of a scope's group and whether the unit says that it is ours, by its object. */
static int look_at_scope(struct dbus *d, const char *object, const struct unit_request *req, char **ret_path, struct error *err)
{
	_cleanup_free_ char *description = NULL, *wanted = describe(req->id), *path = NULL;
	int r = get_property(d, object, SYSTEMD ".Unit", "Description", &description, err);

	if (r < 0 || !str_eq(description, wanted))
		return r;
	r = get_property(d, object, SYSTEMD ".Scope", "ControlGroup", &path, err);
	if (r < 0)
		return r;
	if (*path && (!path_is_absolute(path) || path_has_dotdot(path) || !str_eq(path_basename(path), req->unit->name)))
		return error_set(err, EPROTO, "systemd says that %s is in \"%s\"", req->unit->name, path);
	*ret_path = TAKE_PTR(path);
	return 0;
}

int systemd_unit_find(struct cgroup *cg, const struct unit_request *req, char **ret_path, struct error *err)
{
	_cleanup_dbus_message_ struct dbus_message answer = { 0 };
	_cleanup_dbus_ struct dbus *d = NULL;
	const char *object;
	int r;

	*ret_path = NULL;
	if (req->unit->is_slice)
		return 0;
	r = connect_systemd(req->rootless, &d, err);
	if (r >= 0)
		r = call_unit(d, "GetUnit", req->unit->name, &answer, err);
	if (r < 0)
		return r;
	object = r == 0 ? dbus_message_string(&answer) : NULL;
	if (!object)
		return error_is(&answer, "NoSuchUnit") ? 0 : refused(&answer, "tell about", req->unit->name, err);
	r = look_at_scope(d, object, req, ret_path, err);
	if (*ret_path)
		cg->unit = (struct cgroup_unit){ .name = xstrdup(req->unit->name), .user = req->rootless, .made = true };
	return r;
}

int systemd_unit_set(const struct cgroup *cg, const struct cgroup_writes *limits, struct error *err)
{
	const struct dbus_method ping = { SYSTEMD, MANAGER_PATH, "org.freedesktop.DBus.Peer", "Ping" };
	_cleanup_dbus_message_ struct dbus_message answer = { 0 }, pong = { 0 };
	_cleanup_buf_ struct buf body = { 0 };
	_cleanup_dbus_ struct dbus *d = NULL;
	unsigned version;
	size_t mark;
	int r;

	if (limits->n == 0)
		return 0;
	r = connect_systemd(cg->unit.user, &d, err);
	if (r >= 0)
		r = get_version(d, limits, &version, err);
	if (r < 0)
		return r;
	dbus_put_string(&body, cg->unit.name);
	dbus_put_bool(&body, true); /* until the unit ends */
	mark = dbus_begin_array(&body, 8);
	systemd_put_limits(&body, limits, version);
	dbus_end_array(&body, mark, 8);
	r = call(d, "SetUnitProperties", "sba(sv)", &body, &answer, err);
	if (r == DBUS_REFUSED)
		return refused(&answer, "change", cg->unit.name, err);
	/* it writes to the group after it has answered, but before it takes the next message */
	return r < 0 ? r : dbus_call(d, &ping, "", NULL, &pong, err);
}

/* What of dir is below the unit's own group, as AttachProcessesToUnit() (systemd 238) wants it: "" or "/sub/group". */
static const char *path_in_unit(const char *dir, const char *unit)
{
	size_t n = strlen(unit);

	for (const char *p = dir; (p = strstr(p, unit)); p += n)
		if (p > dir && p[-1] == '/' && (p[n] == '/' || p[n] == '\0'))
			return p + n;
	return "";
}

int systemd_unit_attach(const struct cgroup *cg, pid_t pid, const char *dir, struct error *err)
{
	_cleanup_dbus_message_ struct dbus_message answer = { 0 };
	_cleanup_buf_ struct buf body = { 0 };
	_cleanup_dbus_ struct dbus *d = NULL;
	size_t mark;
	int r = connect_systemd(cg->unit.user, &d, err);

	if (r < 0)
		return r;
	dbus_put_string(&body, cg->unit.name);
	dbus_put_string(&body, path_in_unit(dir, cg->unit.name));
	mark = dbus_begin_array(&body, 4);
	dbus_put_u32(&body, (uint32_t)pid);
	dbus_end_array(&body, mark, 4);
	r = call(d, "AttachProcessesToUnit", "ssau", &body, &answer, err);
	return r == DBUS_REFUSED ? refused(&answer, "move a process to", cg->unit.name, err) : r;
}

int systemd_unit_stop(struct cgroup *cg, struct error *err)
{
	_cleanup_dbus_message_ struct dbus_message answer = { 0 };
	_cleanup_buf_ struct buf body = { 0 };
	_cleanup_dbus_ struct dbus *d = NULL;
	int r;

	if (!cg->unit.made)
		return 0;
	r = connect_systemd(cg->unit.user, &d, err);
	if (r >= 0)
		r = listen_for_jobs(d, err);
	if (r < 0)
		return r;
	dbus_put_string(&body, cg->unit.name);
	dbus_put_string(&body, "replace");
	r = call(d, "StopUnit", "ss", &body, &answer, err);
	if (r == DBUS_REFUSED)
		r = error_is(&answer, "NoSuchUnit") ? 0 : refused(&answer, "stop", cg->unit.name, err);
	else if (r >= 0)
		r = await_job(d, &answer, cg->unit.name, err);
	if (r >= 0)
		r = reset_failed(d, cg->unit.name, err);
	cg->unit.made = r < 0;
	return r;
}
