/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Each is a tmpfs at SHM_DIR/<name>, and beside it the directory <name>.users has a file for each container that has it. Requests are worked
 * on in processes of their own, several at once: a lock of SHM_DIR (flock(2)) keeps them apart.
 */
#include "agent/shm.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "linux/mount.h"
#include "schema/types.h"

#define USERS ".users"

/* SHM_DIR, locked until it is closed, or -errno. */
static int lock(void)
{
	int fd = open(SHM_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		return fd;
	fd_close(fd);
	return -errno;
}

static void remove_unused(int dirfd, const char *users)
{
	_cleanup_free_ char *name = xstrndup(users, strlen(users) - strlen(USERS)), *path = path_join(SHM_DIR, name);

	if (unlinkat(dirfd, users, AT_REMOVEDIR) < 0)
		return;
	umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW);
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

static int mount_shm(const struct hv_agent_shm *shm, int place, struct error *err)
{
	static const struct mount_options none;
	_cleanup_free_ char *size = xasprintf("size=%llu", (unsigned long long)shm->size),
			    *inodes = xasprintf("nr_inodes=%llu", (unsigned long long)shm->inodes), *mode = xasprintf("mode=%o", shm->mode),
			    *uid = xasprintf("uid=%u", shm->uid), *gid = xasprintf("gid=%u", shm->gid);
	const char *const data[] = { size, inodes, mode, uid, gid };
	const struct mount_fs fs = { .type = "tmpfs", .source = "shm", .data = data, .n_data = ARRAY_SIZE(data),
				     .attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
	_cleanup_fd_ int fd = mount_new_fs(&fs, err);
	int r;

	if (fd < 0)
		return fd;
	r = mount_attach(fd, place, &none);
	return r < 0 ? error_errnum(err, r, "mount shared memory") : 0;
}

static int make(const struct hv_agent_shm *shm, int dirfd, const char *users, struct error *err)
{
	_cleanup_fd_ int place = -1;
	int r;

	if (mkdirat(dirfd, users, 0700) < 0)
		return errno == EEXIST ? 0 : error_errno(err, "mkdir %s", users); /* somebody has it */
	if (mkdirat(dirfd, shm->name, 0700) < 0 && errno != EEXIST)
		r = error_errno(err, "mkdir %s", shm->name);
	else if ((place = openat(dirfd, shm->name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)) < 0)
		r = error_errno(err, "open %s", shm->name);
	else
		r = mount_shm(shm, place, err);
	if (r < 0)
		unlinkat(dirfd, users, AT_REMOVEDIR);
	return r;
}

int shm_take(const struct hv_agent_shm *shm, const char *id, struct error *err)
{
	_cleanup_free_ char *users = xasprintf("%s" USERS, shm->name), *user = path_join(users, id);
	_cleanup_fd_ int dirfd = -1, fd = -1;
	int r;

	if (mkdir(SHM_DIR, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "mkdir " SHM_DIR);
	dirfd = lock();
	if (dirfd < 0)
		return error_errnum(err, dirfd, "lock " SHM_DIR);
	r = make(shm, dirfd, users, err);
	if (r < 0)
		return r;
	fd = openat(dirfd, user, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		return 0;
	r = error_errno(err, "make %s", user);
	remove_unused(dirfd, users);
	return r;
}

void shm_release(const char *id)
{
	_cleanup_fd_ int dirfd = lock();
	DIR *dir = dirfd < 0 ? NULL : opendir(SHM_DIR);

	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
		_cleanup_free_ char *user = path_join(e->d_name, id);

		if (str_has_suffix(e->d_name, USERS) && unlinkat(dirfd, user, 0) == 0)
			remove_unused(dirfd, e->d_name);
	}
	if (dir)
		closedir(dir);
}
