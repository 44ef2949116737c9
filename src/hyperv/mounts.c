/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * mounts: what is bound is opened here, with the caller's rights and in its mount namespace, and given to the VM's worker (vmwp/hot_shares.c); the
 * guest's half is the native type's code, to which a destination is as hostile as on the host.
 */
#include <errno.h>
#include <sys/mount.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "container/container.h"
#include "container/hot_mount.h"
#include "hyperv/create.h"
#include "hyperv/guest_config.h"
#include "hyperv/share.h"
#include "hyperv/userns.h"
#include "linux/mount.h"
#include "linux/sys.h"
#include "proto/client.h"
#include "proto/message.h"
#include "schema/json.h"
#include "schema/types.h"

/* What is mounted in it later stays the host's, as what the container mounts stays the container's: as in type Default. */
static int open_source(const struct oci_mount *m, const struct hot_mount *h, bool *ret_file, struct error *err)
{
	_cleanup_free_ char *field = xasprintf("mounts: %s", m->destination);
	const struct share share = { .source = m->source, .field = field, .recursive = h->options.extra & MOUNT_EXTRA_RECURSIVE,
				     .readonly = (h->options.attr.set | h->options.rec.set) & MOUNT_ATTR_RDONLY };
	_cleanup_fd_ int fd = share_open(&share, ret_file, err);
	int r = fd < 0 ? fd : mount_set_propagation(fd, MS_PRIVATE | MS_REC);

	if (fd < 0)
		return fd;
	return r < 0 ? error_errnum(err, r, "%s: propagation", field) : TAKE_FD(fd);
}

static int send_mount(const struct container *c, const struct hv_worker_mount *m, int share_fd, struct error *err)
{
	struct client_request req = { .type = MESSAGE_MOUNT, .fds = &share_fd, .n_fds = share_fd < 0 ? 0 : 1, .timeout_ms = HYPERV_ANSWER_TIMEOUT_MS };
	_cleanup_fd_ int sock = hyperv_connect(c, err);
	_cleanup_free_ char *body = NULL;
	int r = sock < 0 ? sock : json_write(&hv_worker_mount_type, m, &body, &req.len, err);

	req.body = body;
	return r < 0 ? r : client_call(sock, &req, NULL, err);
}

static int do_one(const struct container *c, const struct oci_mount *m, bool add, struct error *err)
{
	struct oci_mount mount = *m;
	struct hv_worker_mount message = { .id = c->id, .add = add, .mount = &mount };
	_cleanup_fd_ int fd = -1;
	struct hot_mount h;
	int r = hot_mount_parse(m, add, &h, err);

	if (r == 0 && add && h.bind) {
		r = fd = open_source(m, &h, &message.file, err);
		message.share = message.has_file = true;
		mount.source = NULL; /* a path of the host's is nothing to tell a guest */
	}
	return r < 0 ? r : send_mount(c, &message, fd, err);
}

int hyperv_mounts(_unused_ const struct env *env, struct container *c, const struct oci_mount *m, size_t n, bool add, struct error *err)
{
	int r = add && geteuid() != 0 ? machine_userns_join((pid_t)c->state->pid, c->state->start_time, err) : 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = do_one(c, &m[i], add, err);
	return r;
}
