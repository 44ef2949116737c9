/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which mounts can be added to a container that runs: see hot_mount.h. */
#include "container/hot_mount.h"

#include <errno.h>
#include <ocispec/types.h>

#include "base/str.h"

int hot_mount_parse(const struct oci_mount *m, bool add, struct hot_mount *ret, struct error *err)
{
	struct hot_mount h = { .bind = false };
	int r;

	if (m->destination[0] != '/')
		return error_set(err, EINVAL, "mounts: destination \"%s\" is not an absolute path", m->destination);
	r = mount_options_parse(m->options, m->n_options, &h.options, err);
	if (r < 0)
		return r;
	if (h.options.extra & ~(MOUNT_EXTRA_BIND | MOUNT_EXTRA_RECURSIVE))
		return error_set(err, EINVAL,
				 "mounts: %s: idmap, ridmap, tmpcopyup, remount, copy-symlink, src-nofollow and dest-nofollow are for create alone",
				 m->destination);
	h.bind = (h.options.extra & MOUNT_EXTRA_BIND) || str_eq(m->type, "bind");
	if (add && h.bind && (!m->source || m->source[0] != '/'))
		return error_set(err, EINVAL, "mounts: %s: source \"%s\" is not an absolute path", m->destination, m->source ? m->source : "");
	if (add && !h.bind && !str_eq(m->type, "tmpfs"))
		return error_set(err, EINVAL, "mounts: %s: type \"%s\" cannot be added to a running container (bind and tmpfs can)",
				 m->destination, m->type ? m->type : "");
	*ret = h;
	return 0;
}
