/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * debug-shell: a program of the host in a machine, outside of its containers. Whether that may be, and which program, is in the configuration file and nowhere else:
 * no bundle has a say in it. The program is opened here and sent into the guest (vmwp/exec.c, agent/debug.c) when it is asked for: a machine that nobody looks into
 * has nothing of it, and one that was made before the key was set can be looked into.
 */
#include "hyperv/debug.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/architecture.h"
#include "base/buf.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/compat.h"
#include "container/container.h"
#include "container/elf.h"
#include "container/env.h"
#include "container/settings.h"
#include "hyperv/create.h"
#include "hyperv/launch.h"
#include "proto/client.h"
#include "proto/message.h"
#include "schema/types.h"

enum { HEAD_SIZE = 4096, PROGRAM_MAX = 64 << 20 }; /* programSize of agent.json */

/* Looks what it is for: *ret_architecture, "?" for what nobody here has a name for. */
static int examine(int fd, const char **ret_architecture, uint64_t *ret_size, struct error *err)
{
	unsigned char head[HEAD_SIZE];
	struct elf_identity elf;
	const char *architecture;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "stat");
	if (!S_ISREG(st.st_mode))
		return error_set(err, EINVAL, "not a regular file");
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0)
		return error_errno(err, "read");
	if (!elf_identify(head, (size_t)n, &elf))
		return error_set(err, ENOEXEC, "not a program (ELF)");
	if (elf.has_interpreter)
		return error_set(err, ENOEXEC, "not a static program: what it is linked to is not in the guest");
	if (st.st_size > PROGRAM_MAX)
		return error_set(err, EFBIG, "%lld bytes, at most %d are possible", (long long)st.st_size, PROGRAM_MAX);
	architecture = compat_architecture_of(&elf);
	*ret_architecture = architecture ? architecture : "?";
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

int debug_open_program(const struct settings_hyperv *s, const char *architecture, uint64_t *ret_size, struct error *err)
{
	_cleanup_buf_ struct buf others = { 0 };

	if (!s->debug_shells)
		return error_set(err, EPERM, "not allowed here (hyperv.debug_shell in the configuration file would permit it: a list of static programs)");
	for (size_t i = 0; s->debug_shells[i]; i++) {
		const char *path = s->debug_shells[i], *its;
		_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		int r = fd < 0 ? error_errno(err, "open") : examine(fd, &its, ret_size, err);

		if (r < 0)
			return error_wrap(err, "configuration file: hyperv.debug_shell[%zu]: %s", i, path);
		if (str_eq(its, architecture))
			return TAKE_FD(fd);
		buf_printf(&others, "%s%s is for %s", i ? ", " : "", path, its);
	}
	return error_set(err, ENOEXEC, "configuration file: hyperv.debug_shell: no program for %s, the guest's architecture (%s)", architecture,
			 others.data);
}

/* c: the container whose machine it is. */
static int run(const struct env *env, const struct container *c, const struct debug_request *req, pid_t *ret_pid, struct error *err)
{
	const struct settings_hyperv *s = &env->settings->hyperv;
	const char *architecture = c->state->guest_architecture ? c->state->guest_architecture : HOST_ARCHITECTURE;
	struct launch_request launch = { .binary = s->worker, .id = c->id, .role = "debug-shell", .stdio = req->io.stdio, .ends_with_us = true };
	struct client_request call = { .type = MESSAGE_DEBUG, .n_fds = req->process->terminal ? 3 : 2, .timeout_ms = (int)s->boot_timeout * 1000 };
	struct hv_agent_exec exec = { .id = c->id, .process = (struct oci_process *)req->process, .has_program_size = true };
	const struct hv_worker_exec setup = { .exec = &exec, .has_console = true, .console = req->process->terminal };
	uint64_t size = 0;
	_cleanup_fd_ int program = debug_open_program(s, architecture, &size, err);

	if (program < 0)
		return program;
	exec.program_size = (uint32_t)size; /* PROGRAM_MAX at most */
	return hyperv_launch_standin(c, &launch, &setup, &call, (int[]){ -1, program, req->io.console_socket }, ret_pid, err);
}

/* A member of a pod may have ended: its sandbox's machine is there all the same. */
int hyperv_debug(const struct env *env, struct container *c, const struct debug_request *req, pid_t *ret_pid, struct error *err)
{
	_cleanup_container_ struct container *sandbox = NULL;
	int r = c->state->sandbox ? container_open(env, c->state->sandbox, false, &sandbox, err) : 0;

	if (r == 0)
		r = run(env, sandbox ? sandbox : c, req, ret_pid, err);
	if (r != 0)
		return sandbox || r > 0 ? error_wrap(err, "pod sandbox \"%s\"", c->state->sandbox) : r;
	log_info("container \"%s\": a debugging shell in its virtual machine", c->id);
	return 0;
}
