/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hyperv/shm.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/bundle.h"
#include "linux/mount_options.h"
#include "linux/sys.h"
#include "schema/types.h"

#define PLACE "/dev/shm"

enum { MOUNTINFO_MAX = 16 << 20 };

/* The source of a mount by its number: proc_pid_mountinfo(5), the second field behind " - ". */
static bool is_called_shm(uint64_t mount)
{
	_cleanup_free_ char *text = NULL, *start = xasprintf("\n%llu ", (unsigned long long)mount);
	const char *line, *rest;

	if (file_read_at(AT_FDCWD, "/proc/self/mountinfo", MOUNTINFO_MAX, &text, NULL) < 0)
		return false;
	line = str_skip_prefix(text, start + 1) ? text : strstr(text, start);
	rest = line ? strstr(line + 1, " - ") : NULL;
	return rest && str_skip_prefix(rest, " - tmpfs shm ");
}

static bool is_callers(const struct statx *x)
{
	struct statx own;

	return statx(AT_FDCWD, PLACE, 0, STATX_INO, &own) == 0 && own.stx_ino == x->stx_ino && own.stx_dev_major == x->stx_dev_major &&
	       own.stx_dev_minor == x->stx_dev_minor;
}

/* A number of a device is used again; the time at which its root was made goes with it. */
static bool look_at(int fd, struct shm *ret)
{
	struct statx x;
	struct statfs fs;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID, &x) < 0 || fstatfs(fd, &fs) < 0)
		return false;
	if (fs.f_type != TMPFS_MAGIC || !(x.stx_attributes & STATX_ATTR_MOUNT_ROOT) || !(x.stx_mask & STATX_MNT_ID) || is_callers(&x) ||
	    !is_called_shm(x.stx_mnt_id))
		return false;
	snprintf(ret->name, sizeof(ret->name), "%u.%lld.%u", x.stx_dev_minor, (long long)x.stx_btime.tv_sec, x.stx_btime.tv_nsec);
	ret->size = (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize;
	ret->inodes = fs.f_files;
	ret->mode = x.stx_mode & 07777;
	ret->uid = x.stx_uid;
	ret->gid = x.stx_gid;
	return true;
}

/* A bind mount that is nothing more. */
static bool is_plain_bind(const struct oci_mount *m)
{
	const uint64_t other = MOUNT_EXTRA_REMOUNT | MOUNT_EXTRA_IDMAP | MOUNT_EXTRA_COPY_SYMLINK | MOUNT_EXTRA_SRC_NOFOLLOW;
	struct mount_options o;
	struct error ignored;

	if (m->n_uid_mappings || m->n_gid_mappings || mount_options_parse(m->options, m->n_options, &o, &ignored) < 0)
		return false;
	return (o.extra & MOUNT_EXTRA_BIND || str_eq(m->type, "bind")) && !(o.extra & other);
}

static bool is_shm(const struct bundle *b, const struct oci_mount *m, struct shm *ret)
{
	_cleanup_free_ char *path = path_join(b->path, m->source ? m->source : "");
	_cleanup_fd_ int fd = -1;

	if (!str_eq(m->destination, PLACE) || str_is_empty(m->source) || !is_plain_bind(m))
		return false;
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 && look_at(fd, ret);
}

bool shm_find(const struct bundle *bundle, struct shm *ret)
{
	const struct oci_config *c = bundle->config;

	for (size_t i = c->n_mounts; i-- > 0;)
		if (is_shm(bundle, &c->mounts[i], ret)) {
			ret->mount = i;
			return true;
		}
	return false;
}

void shm_for_agent(const struct shm *shm, struct hv_agent_shm *ret)
{
	*ret = (struct hv_agent_shm){ .name = (char *)shm->name, .size = shm->size, .inodes = shm->inodes, .mode = shm->mode, .uid = shm->uid, .gid = shm->gid };
}
