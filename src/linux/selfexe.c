/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program's own image. A process that is about to become a container's has /proc/PID/exe, a way to the
 * runtime's file on the host that crosses every mount namespace: a container can execute "#!/proc/self/exe",
 * open that link when the process runs, and write once nobody executes the file. PR_SET_DUMPABLE does not
 * help there, for execve(2) resets it, nor against a container with CAP_SYS_PTRACE. What does: the image
 * belongs to a mount that is read-only, attached nowhere (so that no mount call of anybody reaches it) and
 * gone when its last process is.
 */
#include "linux/selfexe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/path.h"
#include "linux/mount.h"
#include "linux/sys.h"

#define SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static bool is_unwritable(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS); /* -1 for what is not a memfd */
	struct statvfs fs;

	if (seals >= 0 && (seals & SEALS) == SEALS)
		return true;
	return fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY);
}

bool selfexe_is_protected(void)
{
	_cleanup_fd_ int fd = sys_openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);

	return fd >= 0 && is_unwritable(fd);
}

static int open_readonly_mount(void)
{
	const struct mount_attributes readonly = { .set = MOUNT_ATTR_RDONLY };
	_cleanup_fd_ int fd = mount_clone(AT_FDCWD, "/proc/self/exe", false);
	int r;

	if (fd < 0)
		return fd;
	r = mount_set_attributes(fd, false, &readonly);
	return r < 0 ? r : TAKE_FD(fd);
}

static int open_sealed_copy(void)
{
	_cleanup_fd_ int from = sys_openat(AT_FDCWD, "/proc/self/exe", O_RDONLY | O_CLOEXEC, 0);
	_cleanup_fd_ int to = memfd_create("hvrun", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ssize_t n;

	if (from < 0 || to < 0)
		return -errno;
	do
		n = sendfile(to, from, NULL, 1 << 30);
	while (n > 0);
	if (n < 0 || fcntl(to, F_ADD_SEALS, SEALS) < 0)
		return -errno;
	return TAKE_FD(to);
}

int selfexe_protect(char *const *argv, struct error *err)
{
	_cleanup_fd_ int fd = -1;

	if (selfexe_is_protected()) {
		/* executed by fd the kernel called us by its number */
		sys_prctl(PR_SET_NAME, (unsigned long)path_basename(argv[0]), 0);
		return 0;
	}
	fd = open_readonly_mount();
	if (fd < 0)
		fd = open_sealed_copy();
	if (fd < 0)
		return error_errnum(err, fd, "make an unwritable image of this program");
	if (!is_unwritable(fd))
		return error_set(err, EPERM, "an image of this program that should be unwritable is not");
	execveat(fd, "", argv, environ, AT_EMPTY_PATH);
	return error_errno(err, "execute the unwritable image of this program");
}
