/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The verbs that are one message to the container's worker over control.sock, which sends it on to the agent. None of them hangs because of a
 * guest that does: killing has the worker's own end as its last resort, and an answer that does not come is an error.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/process.h"
#include "base/str.h"
#include "container/container.h"
#include "container/env.h"
#include "container/layer.h"
#include "container/settings.h"
#include "hyperv/create.h"
#include "hyperv/member.h"
#include "hyperv/network.h"
#include "linux/cgroup/cgroup.h"
#include "proto/client.h"
#include "proto/message.h"
#include "schema/json.h"
#include "schema/types.h"

enum {
	DESTROY_TIMEOUT_MS = 4000, /* more than the worker gives the guest */
	KILLED_TIMEOUT_MS = 10000,
};

int hyperv_connect(const struct container *c, struct error *err)
{
	int fd = container_process_alive(c) ? fd_connect_at(c->dirfd, HYPERV_CONTROL_SOCKET, SOCK_STREAM) : -ECONNREFUSED;

	if (fd == -ECONNREFUSED || fd == -ENOENT)
		return error_set(err, ESRCH, "container not running");
	return fd < 0 ? error_errnum(err, fd, "connect to the worker of the virtual machine") : fd;
}

/* The cgroup that create made; without one (it failed early) NULL. */
int hyperv_open_cgroup(const struct container *c, struct cgroup **ret, struct error *err)
{
	return cgroup_from_strings(c->state->cgroup, c->state->n_cgroup, ret, err);
}

int hyperv_call(const struct container *c, enum message type, const struct oci_type *body_type, const void *root, int timeout_ms,
		struct buf *reply, struct error *err)
{
	struct client_request req = { .type = type, .timeout_ms = timeout_ms };
	_cleanup_fd_ int sock = hyperv_connect(c, err);
	_cleanup_free_ char *body = NULL;
	int r;

	if (sock < 0)
		return sock;
	r = json_write(body_type, root, &body, &req.len, err);
	if (r < 0)
		return r;
	req.body = body;
	return client_call(sock, &req, reply, err);
}

static int call_container(const struct container *c, enum message type, int timeout_ms, struct buf *reply, struct error *err)
{
	const struct hv_agent_container m = { .id = c->id };

	return hyperv_call(c, type, &hv_agent_container_type, &m, timeout_ms, reply, err);
}

enum { START_TIMEOUT_MS = 60000 }; /* where nobody has read the settings */

/* startContainer hooks take their time: no limit then but the VM's life. */
int hyperv_start(const struct env *env, struct container *c, struct error *err)
{
	int timeout = env->settings ? (int)env->settings->hyperv.boot_timeout * 1000 : START_TIMEOUT_MS;
	bool hooks = false;

	for (size_t i = 0; i < c->state->n_hooks; i++)
		hooks |= str_eq(c->state->hooks[i], "startContainer");
	return call_container(c, MESSAGE_START, hooks ? -1 : timeout, NULL, err);
}

/* Power-off: what SIGKILL comes to for a guest that does not answer. */
static int kill_worker(const struct container *c, struct error *err)
{
	_cleanup_fd_ int pidfd = process_pidfd_open_exact((pid_t)c->state->pid, c->state->start_time);
	int r = pidfd < 0 ? pidfd : process_pidfd_kill(pidfd, SIGKILL);

	return r < 0 && r != -ESRCH ? error_errnum(err, r, "kill the worker of the virtual machine") : 0;
}

/*
 * The process in the guest has ended, or the VM with it, and on the host its worker is about to. Nothing is left to get the signal, but it is no error, as with kill(2) and a
 * process that nobody has waited for: who finds the worker alive takes an error for more than bad timing (podman pod stop).
 */
static int signal_ended(const struct container *c, int sig, struct error *err)
{
	_cleanup_fd_ int sock = hyperv_connect(c, err);

	return sock < 0 && sig == SIGKILL ? kill_worker(c, err) : 0;
}

int hyperv_signal(_unused_ const struct env *env, struct container *c, int sig, bool all, struct error *err)
{
	const struct hv_agent_signal m = { .id = c->id, .signal = (uint32_t)sig, .has_all = true, .all = all };
	int r = hyperv_call(c, MESSAGE_SIGNAL, &hv_agent_signal_type, &m, HYPERV_ANSWER_TIMEOUT_MS, NULL, err);

	if (sig == SIGKILL && (r == -ETIMEDOUT || r == -ECONNRESET || r == -EPIPE))
		return kill_worker(c, err);
	return r == -ESRCH && container_process_alive(c) ? signal_ended(c, sig, err) : r;
}

/* The host's, as in type Default: what engines do with them they do on the host. Of a member the VM's are its sandbox's. */
int hyperv_pids(_unused_ const struct env *env, struct container *c, pid_t **ret, size_t *ret_n, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cgroup = NULL;
	int r;

	if (c->state->n_cgroup == 0) {
		*ret = xreallocarray(NULL, 1, sizeof(**ret));
		**ret = (pid_t)c->state->pid;
		*ret_n = 1;
		return 0;
	}
	r = hyperv_open_cgroup(c, &cgroup, err);
	return r < 0 ? r : cgroup_pids(cgroup, ret, ret_n, err);
}

/* Ends the worker, asked or not. Its parent reaps it; a zombie holds nothing. */
static int end_worker(const struct container *c, struct error *err)
{
	_cleanup_fd_ int pidfd = process_pidfd_open_exact((pid_t)c->state->pid, c->state->start_time);
	struct error ignored;
	int r;

	if (pidfd < 0)
		return 0;
	call_container(c, MESSAGE_DESTROY, DESTROY_TIMEOUT_MS, NULL, &ignored);
	r = process_pidfd_wait(pidfd, DESTROY_TIMEOUT_MS);
	if (r == -ETIMEDOUT) {
		process_pidfd_kill(pidfd, SIGKILL);
		r = process_pidfd_wait(pidfd, KILLED_TIMEOUT_MS);
	}
	return r < 0 ? error_errnum(err, r, "the worker of the virtual machine (pid %d) does not end", (int)c->state->pid) : 0;
}

/* What a worker that ended on its own has done already. That a link is in a bad state must not keep the container from being deleted. */
static void clean_up_network(struct container *c)
{
	const struct oci_config *config;
	struct error err;

	if (container_config(c, &config, &err) < 0 || network_clean_up(config, &err) < 0)
		log_warning("container \"%s\": %s", c->id, err.msg);
}

static int end(struct container *c, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cgroup = NULL;
	int r;

	if (c->state->sandbox)
		member_leave(c);
	r = c->state->has_pid ? end_worker(c, err) : 0;

	if (r < 0 || c->state->n_cgroup == 0) /* create did not get that far, or nobody makes cgroups here */
		return r;
	r = hyperv_open_cgroup(c, &cgroup, err);
	if (r == 0)
		r = cgroup_signal(cgroup, SIGKILL, err);
	if (r == 0)
		r = cgroup_remove(cgroup, KILLED_TIMEOUT_MS, err);
	if (r == 0 && !c->state->sandbox) /* a member's is its sandbox's */
		clean_up_network(c);
	return r;
}

/* The layer's disk is in use until the VMM has gone. */
int hyperv_destroy(const struct env *env, struct container *c, struct error *err)
{
	int r = end(c, err);

	return r < 0 ? r : layer_release(env, c, err);
}
