/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exec: a worker of its own stands on the host for the process in the guest (vmwp/exec.c). It gets a connection to the container's worker that was
 * opened here, and answers when the process runs or could not be made to.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/container.h"
#include "container/env.h"
#include "container/settings.h"
#include "hyperv/apparmor.h"
#include "hyperv/create.h"
#include "hyperv/guest_config.h"
#include "hyperv/launch.h"
#include "linux/cgroup/cgroup.h"
#include "linux/lsm/lsm.h"
#include "linux/rlimit.h"
#include "proto/client.h"
#include "proto/message.h"
#include "schema/json.h"
#include "schema/types.h"

/* The container's own profile is in the guest already, if its kernel has it; another one goes there. A SELinux label is the host's, which the VMM has. */
static int take_labels(const struct settings_hyperv *s, struct container *c, struct oci_process *p, char **ret_apparmor, struct error *err)
{
	const struct lsm_labels labels = { .selinux = p->selinux_label };
	const struct oci_config *config;
	int r = lsm_validate(&labels, err);

	if (r == 0 && p->apparmor_profile)
		r = container_config(c, &config, err);
	if (r < 0)
		return r;
	p->selinux_label = NULL;
	if (p->apparmor_profile && config->process && str_eq(p->apparmor_profile, config->process->apparmor_profile))
		p->apparmor_profile = NULL;
	return apparmor_for_guest(s, p->apparmor_profile, ret_apparmor, err);
}

int hyperv_launch_standin(const struct container *c, struct launch_request *launch, const struct hv_worker_exec *setup, struct client_request *call,
			  int *fds, pid_t *ret_pid, struct error *err)
{
	_cleanup_cgroup_ struct cgroup *cgroup = NULL;
	_cleanup_fd_ int connection = hyperv_connect(c, err);
	_cleanup_free_ char *body = NULL;
	struct launch l = LAUNCH_NONE;
	int r = connection < 0 ? connection : hyperv_open_cgroup(c, &cgroup, err);

	if (r == 0)
		r = json_write(&hv_worker_exec_type, setup, &body, &call->len, err);
	if (r < 0)
		return r;
	launch->cgroup = cgroup;
	r = launch_start(launch, &l, err);
	if (r < 0)
		return r;
	fds[0] = connection;
	call->fds = fds;
	call->body = body;
	r = client_call(l.sock, call, NULL, err);
	if (r < 0) {
		launch_abort(&l);
		return r;
	}
	launch_done(&l);
	*ret_pid = l.pid;
	return 0;
}

static int check(const struct exec_request *req, struct error *err)
{
	if (req->io.preserve_fds > 0)
		return error_set(err, EINVAL, "--preserve-fds %u: descriptors cannot be passed into a virtual machine", req->io.preserve_fds);
	if (req->process->terminal && req->io.console_socket < 0)
		return error_set(err, EINVAL, "process.terminal: there is no console socket to send the terminal to");
	return 0;
}

int hyperv_exec(const struct env *env, struct container *c, const struct exec_request *req, pid_t *ret_pid, struct error *err)
{
	const struct settings_hyperv *s = &env->settings->hyperv;
	struct launch_request launch = { .binary = s->worker, .id = c->id, .role = "exec", .stdio = req->io.stdio };
	struct oci_process process = *req->process;
	struct oci_rlimit own[RLIM_NLIMITS];
	_cleanup_free_ struct oci_rlimit *limits = xcalloc(process.n_rlimits + ARRAY_SIZE(own), sizeof(*limits));
	_cleanup_free_ char *apparmor = NULL;
	struct hv_agent_exec exec = { .id = c->id, .process = &process, .sub_cgroups = (char **)req->sub_cgroups,
				      .n_sub_cgroups = strv_length((char **)req->sub_cgroups),
				      .has_ignore_paused = true, .ignore_paused = req->ignore_paused };
	const struct hv_worker_exec setup = { .exec = &exec, .has_console = true, .console = process.terminal };
	struct client_request call = { .type = MESSAGE_EXEC, .n_fds = process.terminal ? 2 : 1, .timeout_ms = (int)s->boot_timeout * 1000 };
	int r = check(req, err);

	if (r == 0)
		r = rlimits_inherited(own, err);
	if (r == 0)
		r = take_labels(s, c, &process, &apparmor, err);
	if (r < 0)
		return r;
	exec.apparmor = apparmor;
	for (size_t i = 0; i < process.n_rlimits; i++)
		limits[i] = process.rlimits[i];
	process.n_rlimits += guest_config_rlimits(&process, own, ARRAY_SIZE(own), limits + process.n_rlimits);
	process.rlimits = limits;
	return hyperv_launch_standin(c, &launch, &setup, &call, (int[]){ -1, req->io.console_socket }, ret_pid, err);
}
