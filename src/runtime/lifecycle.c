/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The lifecycle of runtime-spec 1.3.0 runtime.md, steps 1 to 13, the same for both runtime types. What fails
 * is undone in the reverse order: the isolation's own parts, the state directory, then the poststop hooks, as
 * the specification wants it after a failed hook.
 */
#include "runtime/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/hook_output.h"
#include "container/hooks.h"
#include "container/settings.h"
#include "runtime/isolation.h"
#include "runtime/join.h"
#include "runtime/notify.h"
#include "runtime/pidfd_receiver.h"
#include "runtime/runtime.h"
#include "schema/types.h"

#define DEFAULT_ROOT "/run/hvrun"

void runtime_done(struct runtime *rt)
{
	fd_close(rt->env.root_dirfd);
	settings_free(rt->settings);
	free(rt->root_path);
	free(rt->console_path);
	free(rt->vmm_log_path);
	free(rt->layer_path);
	free(rt->template_path);
}

/*
 * No root here: an unprivileged user, or root of a user namespace that does not map every id
 * (user_namespaces(7)).
 */
static bool is_rootless(const struct runtime *rt)
{
	_cleanup_free_ char *map = NULL;

	if (rt->rootless >= 0)
		return rt->rootless;
	if (geteuid() != 0)
		return true;
	return file_read_at(AT_FDCWD, "/proc/self/uid_map", 4096, &map, NULL) == 0 &&
	       !strstr(map, "4294967295");
}

static char *root_path(const struct runtime *rt)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	_cleanup_free_ char *cwd = NULL, *joined = NULL;

	if (!rt->root)
		return rt->env.rootless && !str_is_empty(xdg) ? path_join(xdg, "hvrun")
							      : xstrdup(DEFAULT_ROOT);
	cwd = getcwd(NULL, 0);
	joined = path_join(cwd ? cwd : "/", rt->root);
	return path_normalize(joined);
}

/* What XDG calls a user's data (basedir-spec); NULL: the user has no place for them. */
static char *user_data_path(void)
{
	const char *xdg = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (xdg && *xdg == '/')
		return path_join(xdg, "hvrun/sandbox");
	return home && *home == '/' ? path_join(home, ".local/share/hvrun/sandbox") : NULL;
}

/* Where a user without privileges keeps layers when the configuration file does not say. */
static void set_layer_dir(struct runtime *rt)
{
	rt->env.layer_dir = rt->settings->sandbox_dir;
	if (!rt->env.layer_dir && is_rootless(rt))
		rt->env.layer_dir = rt->layer_path = user_data_path();
	if (!rt->env.layer_dir)
		rt->env.layer_dir = SETTINGS_SANDBOX_DIR;
}

/* And templates: on a tmpfs, where there is one for the user. Whose it is the store checks. */
static void set_template_dir(struct runtime *rt)
{
	struct settings_hyperv *h = &rt->settings->hyperv;
	const char *xdg = getenv("XDG_RUNTIME_DIR");

	if (h->template_dir || !is_rootless(rt))
		return;
	h->template_dir = rt->template_path =
		xdg && *xdg == '/' ? path_join(xdg, "hvrun-template") : xasprintf("/dev/shm/hvrun-template-%u", (unsigned)geteuid());
}

int runtime_open_root(struct runtime *rt, bool make, struct error *err)
{
	int r;

	if (!rt->root_path) {
		rt->env.rootless = is_rootless(rt);
		rt->root_path = root_path(rt);
		rt->env.root = rt->root_path;
	}
	if (str_eq(rt->root_path, "/"))
		return error_set(err, EINVAL, "--root: \"/\" cannot be the directory for container states");
	r = make ? file_mkdir_p(AT_FDCWD, rt->root_path, 0700) : 0;
	if (r < 0)
		return error_errnum(err, r, "--root: mkdir %s", rt->root_path);
	r = file_open_dir(AT_FDCWD, rt->root_path);
	if (r == -ENOENT && !make)
		return 0;
	if (r < 0)
		return error_errnum(err, r, "--root: open %s", rt->root_path);
	rt->env.root_dirfd = r;
	return 0;
}

/* An option's file against the current directory; for free(). */
static char *absolute_path(const char *path)
{
	_cleanup_free_ char *cwd = path ? getcwd(NULL, 0) : NULL;

	return path ? path_join(cwd ? cwd : "/", path) : NULL;
}

/* A guest's console is worth reading from its beginning: none of a copy, whose kernel has booted long ago. */
static void set_logs(struct runtime *rt)
{
	struct settings_hyperv *h = &rt->settings->hyperv;

	h->console_log = rt->console_path = absolute_path(rt->vm_console);
	h->vmm_log = rt->vmm_log_path = absolute_path(rt->vm_log);
	h->use_template &= !rt->vm_console;
}

int runtime_load_settings(struct runtime *rt, struct error *err)
{
	int r;

	if (rt->settings)
		return 0;
	r = settings_load(rt->config_file, &rt->settings, err);
	if (r < 0)
		return r;
	set_logs(rt);
	if (rt->accel)
		settings_set_accel(rt->settings, rt->accel);
	rt->env.settings = rt->settings;
	rt->env.rootless = is_rootless(rt);
	set_layer_dir(rt);
	set_template_dir(rt);
	rt->env.cgroup_manager = rt->cgroup_manager >= 0 ? rt->cgroup_manager : rt->settings->cgroup_manager;
	return 0;
}

int runtime_find(struct runtime *rt, const char *id, bool lock, struct container **ret,
		 const struct isolation_ops **ret_ops, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	int r = rt->env.root ? 0 : runtime_open_root(rt, false, err);

	if (r == 0)
		r = container_open(&rt->env, id, lock, &c, err);
	if (r != 0)
		return r;
	*ret_ops = isolation_find(c->state->runtime_type);
	if (!*ret_ops)
		return error_set(err, EINVAL,
				 "container \"%s\": state.json: runtimeType: \"%s\" is not a runtime type",
				 id, c->state->runtime_type);
	*ret = TAKE_PTR(c);
	return 0;
}

int runtime_open(struct runtime *rt, const char *id, bool lock, struct container **ret,
		 const struct isolation_ops **ret_ops, struct error *err)
{
	int r = runtime_find(rt, id, lock, ret, ret_ops, err);

	return r == CONTAINER_E_NOT_FOUND ? -ENOENT : r;
}

int runtime_status(struct runtime *rt, struct container *c, const struct isolation_ops *ops,
		   enum container_status *ret, struct error *err)
{
	*ret = CONTAINER_CREATING;
	return c->state->creating ? 0 : ops->status(&rt->env, c, ret, err);
}

int runtime_send_pidfd(const char *path, const char *payload, pid_t pid, struct error *err)
{
	_cleanup_fd_ int pidfd = -1, sock = -1;
	int r;

	if (!path)
		return 0;
	pidfd = process_pidfd_open(pid);
	if (pidfd < 0)
		return error_errnum(err, pidfd, "--pidfd-socket: pidfd_open of process %d", (int)pid);
	sock = fd_connect_path(path, SOCK_STREAM);
	if (sock < 0)
		return error_errnum(err, sock, "--pidfd-socket: connect to %s", path);
	r = fd_send(sock, payload, strlen(payload), &pidfd, 1);
	return r < 0 ? error_errnum(err, r, "--pidfd-socket: send to %s", path) : 0;
}

int runtime_check_fds(unsigned n, struct error *err)
{
	for (unsigned i = 0; i < n; i++) {
		int flags = fcntl((int)(3 + i), F_GETFD);

		if (flags < 0 || (flags & FD_CLOEXEC))
			return error_set(err, EBADF, "--preserve-fds %u: fd %u is not open", n, 3 + i);
	}
	return 0;
}

int runtime_write_pid_file(const char *path, pid_t pid, struct error *err)
{
	_cleanup_free_ char *text = xasprintf("%d", (int)pid);
	int r = file_replace_at(AT_FDCWD, path, text, strlen(text), 0644);

	return r < 0 ? error_errnum(err, r, "--pid-file: write %s", path) : 0;
}

/*
 * podman's pods may have an infra container. In type Default it has nothing to say to the others, whose namespaces are given by path. In type HyperV it
 * is the pod's machine, the only place where they have those namespaces.
 */
static int find_podman_infra(struct runtime *rt, struct bundle *b, struct error *err)
{
	const char *id = annotation_podman_infra_of(b->config->annotations);
	_cleanup_container_ struct container *infra = NULL;
	int r = id ? container_open(&rt->env, id, false, &infra, err) : CONTAINER_E_NOT_FOUND;

	if (r < 0)
		return error_wrap(err, "infra container \"%s\"", id);
	if (r == 0 && str_eq(infra->state->runtime_type, isolation_of(RUNTIME_TYPE_HYPERV)->name)) {
		free(b->sandbox);
		b->sandbox = xstrdup(id);
	}
	return 0;
}

/* The runtime type of the sandbox that the bundle belongs to, or -1 when it belongs to none. */
static int sandbox_type(struct runtime *rt, struct bundle *b, int *ret, struct error *err)
{
	_cleanup_container_ struct container *sandbox = NULL;
	int r = find_podman_infra(rt, b, err);
	const char *id = b->sandbox;

	*ret = -1;
	if (r < 0 || !id)
		return r;
	r = container_open(&rt->env, id, false, &sandbox, err);
	if (r == 0 && container_status_of(sandbox) == CONTAINER_STOPPED)
		r = error_set(err, ESRCH, "it has stopped");
	if (r == 0)
		*ret = runtime_type_from_string(sandbox->state->runtime_type, "state.json: runtimeType", err);
	return r == 0 && *ret >= 0 ? 0 : error_wrap(err, "pod sandbox \"%s\"", id);
}

int lifecycle_choose(struct runtime *rt, struct bundle *b, const struct isolation_ops **ret, char **ret_rule, struct error *err)
{
	struct dispatch d = {
		.config = b->config,
		.settings = rt->settings,
		.option = rt->runtime_type,
		.program = rt->program,
	};
	_cleanup_compat_ struct compat compat = { 0 };
	int r = sandbox_type(rt, b, &d.sandbox_type, err);

	if (r < 0)
		return r;
	compat_gather(b, rt->settings, &compat);
	d.compat = &compat;
	d.sandbox = b->sandbox;
	r = runtime_type_resolve(&d, err);
	if (r < 0)
		return r;
	*ret = isolation_of((enum runtime_type)r);
	if (r == RUNTIME_TYPE_HYPERV && join_find(rt, b, err) < 0)
		return -err->code;
	if (ret_rule)
		*ret_rule = runtime_type_rule(&d);
	return (*ret)->validate(&rt->env, b, err);
}

void lifecycle_undo(struct runtime *rt, struct container *c, const struct isolation_ops *ops)
{
	struct error undo_err;

	if (lifecycle_delete(rt, c, ops, &undo_err) < 0)
		log_warning("container \"%s\": clean up: %s", c->id, undo_err.msg);
}

void lifecycle_undo_id(struct runtime *rt, const char *id)
{
	_cleanup_container_ struct container *c = NULL;
	const struct isolation_ops *ops;
	struct error ignored;

	if (runtime_find(rt, id, true, &c, &ops, &ignored) == 0)
		lifecycle_undo(rt, c, ops);
}

int lifecycle_isolate(struct runtime *rt, struct container *c, const struct isolation_ops *ops, const struct bundle *b,
		      const struct process_io *io, struct error *err)
{
	const struct create_request req = {
		.env = &rt->env,
		.bundle = b,
		.container = c,
		.io = *io,
		.no_pivot = c->state->no_pivot,
		.no_new_keyring = c->state->no_new_keyring,
	};
	int r = notify_prepare(rt->env.root, c, ops, b, err);

	if (r == 0)
		r = ops->create(&req, err);
	if (r < 0)
		return r;
	c->state->creating = c->state->has_creating = false;
	return container_save(c, err);
}

int lifecycle_create(struct runtime *rt, const char *id, struct bundle *b,
		     const struct create_options *o, int console_socket, struct container **ret,
		     const struct isolation_ops **ret_ops, struct error *err)
{
	const struct process_io io = { .console_socket = console_socket, .stdio = { 0, 1, 2 },
				       .preserve_fds = listen_fds() + o->preserve_fds };
	_cleanup_container_ struct container *c = NULL;
	_cleanup_fd_ int receiver = -1;
	int r;

	r = runtime_open_root(rt, false, err);
	if (r == 0)
		r = lifecycle_choose(rt, b, ret_ops, NULL, err);
	if (r == 0)
		r = pidfd_receiver_open(b->config, &receiver, err);
	if (r == 0 && rt->env.root_dirfd < 0)
		r = runtime_open_root(rt, true, err);
	if (r == 0)
		r = container_new(&rt->env, id, b, (*ret_ops)->name, &c, err);
	if (r < 0)
		return r;
	log_info("container \"%s\": runtime type %s", id, (*ret_ops)->name);
	c->state->no_pivot = c->state->has_no_pivot = o->no_pivot;
	c->state->no_new_keyring = c->state->has_no_new_keyring = o->no_new_keyring;
	r = lifecycle_isolate(rt, c, *ret_ops, b, &io, err);
	if (r == 0)
		r = pidfd_receiver_send(receiver, c, err);
	if (r < 0) {
		lifecycle_undo(rt, c, *ret_ops);
		return r;
	}
	*ret = TAKE_PTR(c);
	return 0;
}

/* The hooks of one kind that run on the host after create; *ret_n is 0 when there are none. */
static int load_hooks(struct container *c, const char *kind, const struct oci_hook **ret, size_t *ret_n,
		      struct error *err)
{
	const struct oci_config *config;
	int r;

	*ret_n = 0;
	if (!strv_contains(c->state->hooks, kind))
		return 0;
	r = container_config(c, &config, err);
	if (r < 0 || !config->hooks)
		return r;
	if (str_eq(kind, "poststart")) {
		*ret = config->hooks->poststart;
		*ret_n = config->hooks->n_poststart;
	} else {
		*ret = config->hooks->poststop;
		*ret_n = config->hooks->n_poststop;
	}
	return 0;
}

static int run_poststart(struct container *c, struct error *err)
{
	_cleanup_hook_output_ struct hook_output output = HOOK_OUTPUT_NONE;
	struct hook_context context = { .output = &output };
	const struct oci_config *config;
	const struct oci_hook *hooks;
	_cleanup_free_ char *state = NULL;
	size_t n;
	int r = load_hooks(c, "poststart", &hooks, &n, err);

	if (r < 0 || n == 0)
		return r;
	r = container_config(c, &config, err);
	if (r == 0)
		r = hook_output_open(config, c->state->rootfs, &output, err);
	if (r < 0)
		return error_wrap(err, "poststart hooks");
	context.state = state = container_oci_state(c, CONTAINER_RUNNING, (pid_t)c->state->pid);
	return hooks_run("poststart", hooks, n, &context, err);
}

/* How long the container's process may take to end after its start has failed: HyperV's has a machine to switch off. */
enum { FAILED_START_MS = 2000 };

/*
 * After a failed start: of a container with startContainer hooks nothing stays but the error (runtime.md,
 * lifecycle step 9). One that start has left as it was, created, does not end.
 */
static void after_failed_start(struct runtime *rt, struct container *c, const struct isolation_ops *ops)
{
	_cleanup_fd_ int pidfd = -1;

	if (!strv_contains(c->state->hooks, "startContainer"))
		return;
	pidfd = process_pidfd_open_exact((pid_t)c->state->pid, c->state->start_time);
	if (pidfd >= 0)
		process_pidfd_wait(pidfd, FAILED_START_MS);
	if (container_status_of(c) == CONTAINER_STOPPED)
		lifecycle_undo(rt, c, ops);
}

int lifecycle_start(struct runtime *rt, struct container *c, const struct isolation_ops *ops, bool wait_ready,
		    struct error *err)
{
	_cleanup_fd_ int notify = -1;
	int r = notify_bind(c, &notify, err);

	if (r == 0)
		r = ops->start(&rt->env, c, err);
	if (r < 0) {
		after_failed_start(rt, c, ops);
		return r;
	}
	container_unlock(c); /* the hooks may use other verbs on it */
	r = run_poststart(c, err);
	if (r == 0 && notify >= 0)
		r = notify_proxy(c, TAKE_FD(notify), wait_ready, err);
	if (r < 0)
		lifecycle_undo_id(rt, c->id);
	return r;
}

/* Nothing keeps them from running any more, the loss of their files neither. */
static void run_poststop(struct container *c, const struct oci_hook *hooks, size_t n)
{
	_cleanup_hook_output_ struct hook_output output = HOOK_OUTPUT_NONE;
	struct hook_context context = { .output = &output };
	const struct oci_config *config;
	_cleanup_free_ char *state = NULL;
	struct error err = { 0 };

	if (container_config(c, &config, &err) < 0 || hook_output_open(config, c->state->rootfs, &output, &err) < 0)
		log_warning("poststop hooks: %s", err.msg);
	context.state = state = container_oci_state(c, CONTAINER_STOPPED, 0);
	hooks_run_all("poststop", hooks, n, &context);
}

int lifecycle_poststop(struct container *c, struct error *err)
{
	const struct oci_hook *hooks = NULL;
	size_t n = 0;
	int r = load_hooks(c, "poststop", &hooks, &n, err);

	if (r == 0 && n > 0)
		run_poststop(c, hooks, n);
	return r;
}

int lifecycle_delete(struct runtime *rt, struct container *c, const struct isolation_ops *ops,
		     struct error *err)
{
	const struct oci_hook *hooks = NULL;
	size_t n = 0;
	int r = ops->destroy(&rt->env, c, err);

	if (r == 0)
		r = load_hooks(c, "poststop", &hooks, &n, err);
	if (r == 0)
		r = container_remove(&rt->env, c, err);
	if (r == 0 && n > 0)
		run_poststop(c, hooks, n);
	return r;
}
