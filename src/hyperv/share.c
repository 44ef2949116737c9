/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's side of a share, opened once and in the caller's mount namespace; from then on it is a
 * descriptor, and renaming or replacing things at its path changes nothing. What the guest may not write is
 * made read-only here and not in the guest (CVE-2020-28914). Device nodes and set-user-ID programs that the
 * guest makes there are of no use to anybody on the host.
 *
 * A copy of a mount is its peer until something else is said (mount_namespaces(7)): what is unmounted in a peer is
 * unmounted on the host, and what the host mounts below it comes along, without the attributes that were set here. So a
 * share is a slave, as a bind mount of type Default is, and what the guest may not write, or not for long, is no part of
 * any of that.
 */
#include "hyperv/share.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "base/mem.h"
#include "hyperv/guest_config.h"
#include "hyperv/idmap.h"
#include "linux/mount.h"
#include "linux/sys.h"
#include "schema/types.h"

static int check_kind(const struct share *share, int fd, bool *ret_file, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return error_errno(err, "%s: %s", share->field, share->source);
	if (S_ISLNK(st.st_mode))
		return error_set(err, EINVAL,
				 "%s: %s is a symlink, which the options copy-symlink and src-nofollow do not follow: a virtual machine gets files and "
				 "directories only", share->field, share->source);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return error_set(err, EINVAL,
				 "%s: %s is neither a file nor a directory: it cannot be shared with a "
				 "virtual machine",
				 share->field, share->source);
	*ret_file = S_ISREG(st.st_mode);
	return 0;
}

static int open_mount(const struct share *share, struct error *err)
{
	const struct mount_fs fs = { .type = "overlay", .source = share->source, .data = (const char *const *)share->overlay, .n_data = share->n_overlay };
	int fd;

	if (share->overlay) {
		fd = mount_new_fs(&fs, err);
		return fd < 0 ? error_wrap(err, "%s", share->field) : fd;
	}
	fd = share->itself ? mount_clone_nofollow(share->source, share->recursive) : mount_clone(AT_FDCWD, share->source, share->recursive);
	return fd < 0 ? error_errnum(err, fd, "%s: %s", share->field, share->source) : fd;
}

int share_open(const struct share *share, bool *ret_file, struct error *err)
{
	struct mount_attributes attr = { .set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
	_cleanup_fd_ int fd = open_mount(share, err);
	int r;

	if (fd < 0)
		return fd;
	r = check_kind(share, fd, ret_file, err);
	if (r < 0)
		return r;
	r = mount_set_propagation(fd, (share->readonly || share->readonly_after_create ? MS_PRIVATE : MS_SLAVE) | MS_REC);
	if (r < 0)
		return error_errnum(err, r, "%s: %s: propagation", share->field, share->source);
	if (share->idmap.n_uids > 0) {
		r = idmap_apply(fd, share->idmap_below, &share->idmap, err);
		if (r < 0)
			return error_wrap(err, "%s: %s", share->field, share->source);
	}
	if (share->readonly)
		attr.set |= MOUNT_ATTR_RDONLY;
	r = mount_set_attributes(fd, true, &attr);
	return r < 0 ? error_errnum(err, r, "%s: %s: mount_setattr", share->field, share->source)
		     : TAKE_FD(fd);
}

int share_open_all(const struct guest_config *g, struct hv_worker_share **ret, int *fds, size_t *n_fds, struct error *err)
{
	struct hv_worker_share *shares = *ret = xcalloc(g->n_shares, sizeof(*shares));

	for (size_t i = 0; i < g->n_shares; i++) {
		struct hv_worker_share *s = &shares[i];
		int fd = share_open(&g->shares[i], &s->file, err);

		if (fd < 0)
			return fd;
		fds[(*n_fds)++] = fd;
		s->name = g->shares[i].name;
		s->has_file = s->has_readonly_after_create = true;
		s->readonly_after_create = g->shares[i].readonly_after_create;
	}
	return 0;
}
