/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exec: one more process in a running container. What it may do comes from the container's own process unless
 * the caller says otherwise: by a file with a whole process object, by options, or both, options last.
 * Capabilities added by option never become inheritable (CVE-2022-29162).
 */
#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <string.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "container/document.h"
#include "container/validate.h"
#include "runtime/lifecycle.h"
#include "runtime/notify.h"
#include "runtime/runtime.h"
#include "runtime/terminal.h"
#include "schema/types.h"

enum { PROCESS_FILE_MAX = 4 << 20 };

/* The process under construction, in a document of its own. */
struct draft {
	struct oci_doc *doc;
	struct oci_process *p;
};

static void draft_done(struct draft *d)
{
	oci_doc_free(d->doc);
}
#define _cleanup_draft_ _cleanup_(draft_done)

static void append_string(struct draft *d, char ***list, size_t *n, const char *s)
{
	*(char **)oci_doc_append(d->doc, list, n, sizeof(char *)) = oci_doc_strdup(d->doc, s);
}

static int parse_process(struct draft *d, const char *json, size_t len, struct error *err)
{
	struct oci_error oe;

	if (oci_parse(&oci_process_type, json, len, NULL, &d->doc, &oe) < 0)
		return document_error(err, &oe);
	d->p = oci_doc_root(d->doc);
	return 0;
}

static int rewrite_process(struct draft *d, const struct oci_process *p, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	struct oci_error oe;
	size_t len;

	if (oci_write(&oci_process_type, p, NULL, &json, &len, &oe) < 0)
		return document_error(err, &oe);
	oci_doc_free(TAKE_PTR(d->doc));
	return parse_process(d, json, len, err);
}

/* What confines the container's own process confines one that says nothing of it. */
static int inherit(struct draft *d, const struct oci_process *own, struct error *err)
{
	struct oci_process p = *d->p;

	if (!own)
		return 0;
	if (!p.capabilities)
		p.capabilities = own->capabilities;
	if (str_is_empty(p.apparmor_profile))
		p.apparmor_profile = own->apparmor_profile;
	if (str_is_empty(p.selinux_label))
		p.selinux_label = own->selinux_label;
	if (!p.has_no_new_privileges) {
		p.has_no_new_privileges = own->has_no_new_privileges;
		p.no_new_privileges = own->no_new_privileges;
	}
	if (p.n_rlimits == 0) {
		p.rlimits = own->rlimits;
		p.n_rlimits = own->n_rlimits;
	}
	return rewrite_process(d, &p, err);
}

static int from_file(struct draft *d, const char *path, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	size_t len;
	int r = file_read_at(AT_FDCWD, path, PROCESS_FILE_MAX, &json, &len);

	if (r < 0)
		return error_errnum(err, r, "--process: read %s", path);
	r = parse_process(d, json, len, err);
	return r < 0 ? error_wrap(err, "--process: %s", path) : 0;
}

/* A copy of the container's own process, with the command given. */
static int from_container(struct draft *d, const struct oci_config *config, char **args, struct error *err)
{
	struct oci_process copy = { .cwd = (char *)"/" };

	if (!*args)
		return error_set(err, EINVAL, "process args cannot be empty");
	if (config->process)
		copy = *config->process;
	copy.args = args;
	copy.n_args = strv_length(args);
	copy.terminal = copy.has_terminal = false;
	copy.console_size = NULL;
	return rewrite_process(d, &copy, err);
}

static int set_user(struct draft *d, const char *text, struct error *err)
{
	bool has_gid;
	uid_t uid;
	gid_t gid = 0;

	if (num_parse_user(text, &uid, &has_gid, &gid) < 0)
		return error_set(err, EINVAL, "--user: \"%s\" is not UID or UID:GID", text);
	if (!d->p->user)
		d->p->user = oci_doc_alloc(d->doc, sizeof(*d->p->user));
	d->p->user->uid = uid;
	if (has_gid)
		d->p->user->gid = gid;
	return 0;
}

static int add_gids(struct draft *d, char *const *gids, struct error *err)
{
	for (; gids && *gids; gids++) {
		uint32_t gid;

		if (num_parse_u32(*gids, &gid) < 0 || gid == UINT32_MAX)
			return error_set(err, EINVAL, "--additional-gids: \"%s\" is not a group id", *gids);
		if (!d->p->user)
			d->p->user = oci_doc_alloc(d->doc, sizeof(*d->p->user));
		*(uint32_t *)oci_doc_append(d->doc, &d->p->user->additional_gids,
					    &d->p->user->n_additional_gids, sizeof(gid)) = gid;
	}
	return 0;
}

static void add_caps(struct draft *d, char *const *caps)
{
	struct oci_capabilities *c;

	if (!caps)
		return;
	if (!d->p->capabilities)
		d->p->capabilities = oci_doc_alloc(d->doc, sizeof(*c));
	c = d->p->capabilities;
	for (; *caps; caps++) {
		append_string(d, &c->bounding, &c->n_bounding, *caps);
		append_string(d, &c->effective, &c->n_effective, *caps);
		append_string(d, &c->permitted, &c->n_permitted, *caps);
	}
}

static void set_strings(struct draft *d, const struct exec_options *o)
{
	const struct {
		char **to;
		const char *value;
	} rows[] = { { &d->p->cwd, o->cwd },
		     { &d->p->selinux_label, o->process_label },
		     { &d->p->apparmor_profile, o->apparmor } };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (!str_is_empty(rows[i].value))
			*rows[i].to = oci_doc_strdup(d->doc, rows[i].value);
}

static int apply_options(struct draft *d, const struct exec_options *o, struct error *err)
{
	int r = o->user ? set_user(d, o->user, err) : 0;

	if (r == 0)
		r = add_gids(d, o->additional_gids, err);
	if (r < 0)
		return r;
	if (!str_is_empty(o->cwd) && o->cwd[0] != '/')
		return error_set(err, EINVAL, "Cwd must be an absolute path: \"%s\"", o->cwd);
	set_strings(d, o);
	for (char **e = o->env; e && *e; e++)
		append_string(d, &d->p->env, &d->p->n_env, *e);
	add_caps(d, o->caps);
	if (o->tty)
		d->p->terminal = d->p->has_terminal = true;
	if (o->no_new_privs)
		d->p->no_new_privileges = d->p->has_no_new_privileges = true;
	if (d->p->terminal && !strv_env_get(d->p->env, "TERM"))
		append_string(d, &d->p->env, &d->p->n_env, "TERM=xterm");
	if (listen_fds() > 0) {
		_cleanup_free_ char *n = xasprintf("%u", listen_fds());

		env_set(d->doc, &d->p->env, &d->p->n_env, "LISTEN_FDS", n);
		env_set(d->doc, &d->p->env, &d->p->n_env, "LISTEN_PID", "1");
	}
	return validate_process(d->p, err);
}

static int make_process(struct draft *d, struct container *c, const struct exec_options *o, char **args,
			struct error *err)
{
	const struct oci_config *config;
	int r = container_config(c, &config, err);

	if (r < 0)
		return r;
	if (!o->process)
		r = from_container(d, config, args, err);
	else if ((r = from_file(d, o->process, err)) == 0)
		r = inherit(d, config->process, err);
	return r < 0 ? r : apply_options(d, o, err);
}

static int check_status(struct runtime *rt, struct container *c, const struct isolation_ops *ops,
			bool ignore_paused, struct error *err)
{
	enum container_status status;
	int r = runtime_status(rt, c, ops, &status, err);

	if (r < 0)
		return r;
	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return error_set(err, EINVAL, "cannot exec in a %s container",
				 container_status_to_string(status));
	if (status == CONTAINER_PAUSED && !ignore_paused)
		return error_set(err, EINVAL,
				 "cannot exec in a paused container (use --ignore-paused to override)");
	return 0;
}

/* From a checked request to a running process. */
static int start(struct runtime *rt, struct container *c, const struct isolation_ops *ops,
		 const struct exec_request *req, const struct exec_options *o, struct foreground *f, pid_t *ret_pid,
		 struct error *err)
{
	int r = ops->exec(&rt->env, c, req, ret_pid, err);

	if (r == 0)
		r = runtime_send_pidfd(o->pidfd_socket, "setns", *ret_pid, err);
	if (r == 0 && o->pid_file)
		r = runtime_write_pid_file(o->pid_file, *ret_pid, err);
	if (r == 0)
		r = foreground_attach(f, err);
	container_unlock(c);
	return r;
}

/* The process may look at its terminal at once, so that one is born with the size of ours. */
static void set_console_size(struct draft *d)
{
	unsigned short rows, columns;

	if (!d->p->terminal || d->p->console_size || !terminal_size(&rows, &columns))
		return;
	d->p->console_size = oci_doc_alloc(d->doc, sizeof(*d->p->console_size));
	*d->p->console_size = (struct oci_box){ .height = rows, .width = columns };
}

static int exec_in(struct runtime *rt, struct container *c, const struct isolation_ops *ops,
		   const struct exec_options *o, const struct oci_process *p, int *ret_status,
		   struct error *err)
{
	_cleanup_foreground_ struct foreground f = FOREGROUND_NONE;
	_cleanup_fd_ int console = -1;
	struct exec_request req = {
		.process = p,
		.io = { .stdio = { 0, 1, 2 }, .preserve_fds = listen_fds() + o->preserve_fds },
		.ignore_paused = o->ignore_paused,
		.sub_cgroups = o->cgroups,
	};
	pid_t pid;
	int r = terminal_connect(p->terminal, o->detach, o->console_socket, &console, err);

	if (r == 0 && !o->detach)
		r = foreground_begin(&f, p->terminal, true, err);
	if (r < 0)
		return r;
	req.io.console_socket = o->detach ? console : f.console[1];
	r = start(rt, c, ops, &req, o, &f, &pid, err);
	return r < 0 || o->detach ? r : foreground_wait(&f, pid, ret_status, err);
}

int runtime_exec(struct runtime *rt, const char *id, const struct exec_options *o, char **args,
		 int *ret_status, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	_cleanup_draft_ struct draft d = { 0 };
	const struct isolation_ops *ops;
	int r;

	*ret_status = 0;
	r = runtime_check_fds(listen_fds() + o->preserve_fds, err);
	if (r == 0)
		r = runtime_load_settings(rt, err);
	if (r == 0)
		r = runtime_open(rt, id, true, &c, &ops, err);
	if (r == 0)
		r = check_status(rt, c, ops, o->ignore_paused, err);
	if (r == 0)
		r = make_process(&d, c, o, args, err);
	if (r < 0)
		return r;
	if (!o->detach)
		set_console_size(&d);
	return exec_in(rt, c, ops, o, d.p, ret_status, err);
}
