/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * update --runtime-type: a container that does not run becomes one of another type, in its own state directory and under its lock, so that
 * nobody ever sees its id unused. Old and new cannot be there at the same time (they have one cgroup, and one network namespace's links), so
 * everything that can be refused is asked before the old one goes, and what fails afterwards brings the old one back.
 */
#include <errno.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/isolation.h"
#include "container/runtime_type.h"
#include "linux/sys.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"
#include "runtime/terminal.h"
#include "schema/types.h"

/* The container before and after. */
struct change {
	struct runtime *rt;
	struct container *c;
	struct bundle *bundle;
	const struct isolation_ops *from, *to;
	enum container_status status;
	struct process_io io;
	int kept[3]; /* streams of the old process; -1: not had */
	int console;
};

static int check_state(struct change *k, struct error *err)
{
	const struct oci_string_map *a = k->c->state->annotations;
	int r = runtime_status(k->rt, k->c, k->from, &k->status, err);

	if (r < 0)
		return r;
	if (k->c->state->sandbox || annotation_get(a, ANNOTATION_CRI_CONTAINER_TYPE) || annotation_get(a, ANNOTATION_CRIO_CONTAINER_TYPE))
		return error_set(err, EINVAL, "cannot change the runtime type of container \"%s\": it belongs to a pod", k->c->id);
	if (k->status != CONTAINER_CREATED && k->status != CONTAINER_STOPPED)
		return error_set(err, EBUSY, "cannot change the runtime type of container \"%s\": it is %s", k->c->id,
				 container_status_to_string(k->status));
	return 0;
}

/* The configuration that it was created from, whatever the bundle's says by now; but where it names its type, that is the new one. */
static int load_bundle(struct change *k, int type, struct error *err)
{
	_cleanup_free_ char *config = xasprintf("%s/%s/config.json", k->rt->env.root, k->c->id);
	const char *key = annotation_def(ANNOTATION_RUNTIME_TYPE)->key;
	struct oci_config *c;
	int r = bundle_load(k->c->state->bundle, config, &k->bundle, err);

	if (r < 0)
		return r;
	c = oci_doc_root(k->bundle->doc);
	if (annotation_get(c->annotations, ANNOTATION_RUNTIME_TYPE))
		oci_doc_map_set(k->bundle->doc, &c->annotations, key, runtime_type_names[type]);
	k->rt->runtime_type = type;
	return 0;
}

static int prepare(struct change *k, const char *id, const struct update_options *o, struct error *err)
{
	int type = runtime_type_from_string(o->runtime_type, "--runtime-type", err), r = type;
	const struct oci_process *p;

	if (r >= 0)
		r = runtime_load_settings(k->rt, err);
	if (r == 0)
		r = runtime_open(k->rt, id, true, &k->c, &k->from, err);
	if (r == 0)
		r = check_state(k, err);
	if (r == 0)
		r = load_bundle(k, type, err);
	if (r == 0)
		r = lifecycle_choose(k->rt, k->bundle, &k->to, NULL, err);
	if (r == 0 && type != RUNTIME_TYPE_AUTO && !str_eq(k->to->name, runtime_type_names[type]))
		r = error_set(err, EINVAL, "cannot change the runtime type of container \"%s\": its configuration has a section that needs %s",
			      k->c->id, k->to->name);
	if (r == 0 && k->bundle->sandbox)
		r = error_set(err, EINVAL, "cannot change the runtime type of container \"%s\": its network is that of container \"%s\"'s virtual machine", k->c->id,
			      k->bundle->sandbox);
	if (r == 0 && k->to != k->from && !k->to->shares_kernel && geteuid() != 0) /* create goes into a user namespace, where going back would be another create's */
		r = error_set(err, EPERM, "cannot change the runtime type of container \"%s\" to %s without privileges: delete it, and create it as %s", k->c->id,
			      k->to->name, k->to->name);
	if (r < 0 || k->to == k->from)
		return r;
	p = k->bundle->config->process;
	return terminal_connect(p && p->terminal, true, o->console_socket, &k->console, err);
}

/* A Default container that waits for its start has its streams as 0, 1 and 2 (pidfd_getfd(2), Linux 5.6); a worker has passed them on. */
static void keep_streams(struct change *k)
{
	const struct hv_state *s = k->c->state;
	_cleanup_fd_ int pidfd = k->status == CONTAINER_CREATED && k->from->shares_kernel && k->console < 0
					 ? process_pidfd_open_exact((pid_t)s->pid, s->start_time)
					 : -1;

	for (int i = 0; i < 3; i++) {
		k->kept[i] = pidfd < 0 ? -1 : sys_pidfd_getfd(pidfd, i);
		k->io.stdio[i] = k->kept[i] < 0 ? i : k->kept[i];
	}
	k->io.console_socket = k->console;
}

static int create_as(struct change *k, const struct isolation_ops *ops, struct error *err)
{
	struct error ignored;
	int r = container_reset(&k->rt->env, k->c, k->bundle, ops->name, err);

	if (r == 0)
		r = lifecycle_isolate(k->rt, k->c, ops, k->bundle, &k->io, err);
	if (r < 0 && ops->destroy(&k->rt->env, k->c, &ignored) < 0)
		log_warning("container \"%s\": clean up: %s", k->c->id, ignored.msg);
	return r;
}

/* What is left when nothing can be created: a container that has stopped. */
static void leave_stopped(struct change *k)
{
	struct error e;
	int r = container_reset(&k->rt->env, k->c, k->bundle, k->from->name, &e);

	if (r == 0) {
		k->c->state->creating = k->c->state->has_creating = false;
		r = container_save(k->c, &e);
	}
	if (r < 0)
		log_warning("container \"%s\": %s", k->c->id, e.msg);
}

/* Returns what *err says already. */
static int go_back(struct change *k, struct error *err)
{
	struct error e;

	if (k->status == CONTAINER_CREATED && create_as(k, k->from, &e) == 0)
		return error_wrap(err, "runtime type %s (container \"%s\" was created as %s again)", k->to->name, k->c->id, k->from->name);
	if (k->status == CONTAINER_CREATED)
		log_warning("container \"%s\": cannot be created as %s again: %s", k->c->id, k->from->name, e.msg);
	leave_stopped(k);
	return error_wrap(err, "runtime type %s (container \"%s\" has stopped)", k->to->name, k->c->id);
}

static int change(struct change *k, struct error *err)
{
	int r;

	keep_streams(k);
	r = k->from->destroy(&k->rt->env, k->c, err);
	if (r == 0)
		r = lifecycle_poststop(k->c, err);
	if (r == 0)
		r = create_as(k, k->to, err);
	if (r < 0)
		return go_back(k, err);
	log_info("container \"%s\": runtime type %s, which was %s", k->c->id, k->to->name, k->from->name);
	return 0;
}

int runtime_switch(struct runtime *rt, const char *id, const struct update_options *o, struct error *err)
{
	struct change k = { .rt = rt, .kept = { -1, -1, -1 }, .console = -1 };
	int r = prepare(&k, id, o, err);

	if (r == 0 && k.to != k.from)
		r = change(&k, err);
	if (r == 0 && o->pid_file)
		r = runtime_write_pid_file(o->pid_file, (pid_t)k.c->state->pid, err);
	for (int i = 0; i < 3; i++)
		fd_close(k.kept[i]);
	fd_close(k.console);
	bundle_free(k.bundle);
	container_free(k.c);
	return r;
}
