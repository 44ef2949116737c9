/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The user namespace of a machine whose user has no privileges, user_namespaces(7). hvrun goes into it itself, with one thread and for
 * good, so that all it opens for the machine belongs to mounts that root of that namespace may change; a child that has stayed outside
 * writes the maps, for the set-uid helpers ask whether their caller's ids are granted, and in the new namespace there are none.
 */
#include "hyperv/userns.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/process.h"
#include "linux/procfs.h"
#include "linux/sys.h"

static void add(struct id_map **maps, size_t *n, uint32_t inside, uint32_t outside, uint32_t count)
{
	if (count == 0)
		return;
	*maps = xreallocarray(*maps, *n + 1, sizeof(**maps));
	(*maps)[(*n)++] = (struct id_map){ inside, outside, count };
}

/* A part without the user's own id: behind what is there. */
static void add_granted(struct machine_ids *ids, uint32_t *next, uint32_t container, uint32_t host, uint32_t count)
{
	add(&ids->worker, &ids->n_worker, *next, host, count);
	add(&ids->guest, &ids->n_guest, container, *next, count);
	*next += count;
}

void machine_ids_divide(const struct oci_id_mapping *maps, size_t n, uint32_t own, struct machine_ids *ret)
{
	uint32_t next = 1;

	*ret = (struct machine_ids){ 0 };
	add(&ret->worker, &ret->n_worker, 0, own, 1);
	for (size_t i = 0; i < n; i++) {
		const struct oci_id_mapping *m = &maps[i];
		uint32_t before = own - m->host_id; /* wraps where own is below it */

		if (before >= m->size) {
			add_granted(ret, &next, m->container_id, m->host_id, m->size);
			continue;
		}
		add_granted(ret, &next, m->container_id, m->host_id, before);
		add(&ret->guest, &ret->n_guest, m->container_id + before, 0, 1);
		add_granted(ret, &next, m->container_id + before + 1, own + 1, m->size - before - 1);
	}
}

void machine_ids_done(struct machine_ids *ids)
{
	free(ids->worker);
	free(ids->guest);
	*ids = (struct machine_ids){ 0 };
}

int machine_userns_derive(const struct oci_config *config, struct machine_userns *ret, struct error *err)
{
	const struct oci_linux none = { 0 }, *l = config && config->linux_ ? config->linux_ : &none;

	machine_ids_divide(l->uid_mappings, l->n_uid_mappings, geteuid(), &ret->uids);
	machine_ids_divide(l->gid_mappings, l->n_gid_mappings, getegid(), &ret->gids);
	if (MAX(MAX(ret->uids.n_worker, ret->gids.n_worker), MAX(ret->uids.n_guest, ret->gids.n_guest)) > ID_MAPS_MAX) {
		machine_userns_done(ret);
		return error_set(err, E2BIG, "linux.uidMappings, linux.gidMappings: with the user's own id mapped apart there are more than the %d that are possible",
				 ID_MAPS_MAX);
	}
	return 0;
}

void machine_userns_done(struct machine_userns *u)
{
	machine_ids_done(&u->uids);
	machine_ids_done(&u->gids);
}

/* Stays behind, where the rights over the new namespace are, and maps its parent's ids once that is in it. */
static _noreturn_ void write_maps(int sock, pid_t parent, const struct machine_userns *u)
{
	const struct userns_maps maps = { u->uids.worker, u->gids.worker, u->uids.n_worker, u->gids.n_worker };
	struct error err = { 0 };
	_cleanup_fd_ int procfs = procfs_open(&err);
	char byte;

	if (read(sock, &byte, 1) != 1)
		_exit(1);
	if (procfs >= 0 && userns_write_maps(procfs, parent, &maps, &err) == 0)
		err.code = 0;
	_exit(fd_write_all(sock, &err, sizeof(err)) < 0);
}

static int enter(int sock, struct error *err)
{
	int r = sys_unshare(CLONE_NEWUSER | CLONE_NEWNS);
	struct error answer;

	if (r < 0)
		return error_errnum(err, r, "runtime type HyperV without privileges needs a user namespace of its own (/proc/sys/user/max_user_namespaces, "
				    "/proc/sys/kernel/unprivileged_userns_clone)");
	if (write(sock, "", 1) != 1 || read(sock, &answer, sizeof(answer)) != sizeof(answer))
		return error_set(err, EIO, "linux.uidMappings, linux.gidMappings: who maps the ids has gone");
	if (answer.code) {
		*err = answer;
		return error_wrap(err, "linux.uidMappings, linux.gidMappings");
	}
	return 0;
}

int machine_userns_join(pid_t pid, uint64_t start_time, struct error *err)
{
	_cleanup_fd_ int pidfd = process_pidfd_open_exact(pid, start_time);
	int r = pidfd < 0 ? pidfd : sys_setns(pidfd, CLONE_NEWUSER);

	if (r == 0)
		r = sys_unshare(CLONE_NEWNS);
	return r < 0 ? error_errnum(err, r, "join the user namespace of the virtual machine") : 0;
}

int machine_userns_enter(const struct machine_userns *u, struct error *err)
{
	pid_t pid, self = getpid();
	int pair[2], status, r = fd_socketpair(SOCK_STREAM, pair);

	if (r < 0)
		return error_errnum(err, r, "socketpair");
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		write_maps(pair[1], self, u);
	}
	close(pair[1]);
	r = pid < 0 ? error_errno(err, "fork") : enter(pair[0], err);
	close(pair[0]);
	if (pid > 0)
		process_wait(pid, &status);
	return r;
}
