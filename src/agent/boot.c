/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What PID 1 of the guest does before its first message, as a table of steps.
 *
 * The order matters in two places. The kernel starts /init on rootfs, the one mount that pivot_root(2) cannot
 * leave (it has no parent), so the root must be another mount first: the image's own directory /image, which
 * has all there is, is bound to itself, moved over "/" and entered by chroot(2), as switch_root(8) does with
 * a disk. Every mount namespace made later starts from there and can pivot away. And the modules are loaded,
 * and then deleted, before that root becomes read-only: their RAM goes back to the guest.
 *
 * PID 1 needs no oom_score_adj: the kernel never picks the global init (mm/oom_kill.c,
 * oom_unkillable_task()), while −1000 would be inherited by every container that does not set its own.
 */
#include "agent/boot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/disks.h"
#include "agent/modules.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "linux/sys.h"

#define IMAGE "/image" /* contrib/guest/build-guest puts everything there; /init is a symbolic link into it  \
			*/
enum { CMDLINE_MAX = 8192 };

#define VIRTIOFS_PARAMETER "hvrun.virtiofs" /* the share comes by virtiofs, not by 9p (hyperv/vmm/qemu.c) */

#define NO_EXTRAS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct early_mount {
	const char *fstype, *target;
	unsigned long flags;
	const char *data;
} early_mounts[] = {
	{"proc", IMAGE "/proc", NO_EXTRAS, NULL},
	{"sysfs", IMAGE "/sys", NO_EXTRAS, NULL},
	{"devtmpfs", IMAGE "/dev", MS_NOSUID | MS_NOEXEC, "mode=0755"},
	{"tmpfs", IMAGE "/run", MS_NOSUID | MS_NODEV, "mode=0755"},
	{"cgroup2", IMAGE BOOT_CGROUP_DIR, NO_EXTRAS, "nsdelegate"},
};

/* What a container with CAP_SYS_ADMIN and a way to /proc/sys could otherwise learn about or do to the guest's
 * kernel. */
static const struct sysctl {
	const char *path, *value;
} hardening[] = {
	{"/proc/sys/kernel/dmesg_restrict", "1"},
	{"/proc/sys/kernel/kptr_restrict", "2"},
	{"/proc/sys/kernel/kexec_load_disabled", "1"},
	{"/proc/sys/kernel/modules_disabled", "1"},
	{"/proc/sys/kernel/sysrq", "0"},
};

static int write_file(const char *path, const char *value, struct error *err)
{
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return error_errno(err, "open of %s", path);
	r = fd_write_all(fd, value, strlen(value));
	if (r < 0)
		return error_errnum(err, r, "write of \"%s\" to %s", value, path);
	return 0;
}

static int mount_early(struct error *err)
{
	if (mount(IMAGE, IMAGE, NULL, MS_BIND, NULL) < 0)
		return error_errno(err, "bind mount of %s", IMAGE);
	for (size_t i = 0; i < ARRAY_SIZE(early_mounts); i++) {
		const struct early_mount *m = &early_mounts[i];

		if (mount(m->fstype, m->target, m->fstype, m->flags, m->data) < 0)
			return error_errno(err, "mount of %s on %s", m->fstype, m->target);
	}
	return 0;
}

/* The kernel leaves 0, 1 and 2 closed when it has no console: a later open must not become somebody's stderr.
 */
static int fill_stdio(struct error *err)
{
	int fd;

	do {
		fd = open(IMAGE "/dev/null", O_RDWR);
		if (fd < 0)
			return error_errno(err, "open of /dev/null");
	} while (fd <= STDERR_FILENO);
	fd_close(fd);
	return 0;
}

/* A word on the kernel's command line that begins like that (hyperv/vmm/qemu.c adds them), or NULL; for free(). */
static char *find_parameter(const char *proc, const char *start)
{
	_cleanup_fd_ int fd = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *cmdline = NULL;
	char *save = NULL;

	if (fd < 0 || file_read_at(fd, "cmdline", CMDLINE_MAX, &cmdline, NULL) < 0)
		return NULL;
	for (char *word = strtok_r(cmdline, " \n", &save); word; word = strtok_r(NULL, " \n", &save))
		if (str_skip_prefix(word, start))
			return xstrdup(word);
	return NULL;
}

static int load_modules(struct error *err)
{
	/* what only some containers need is loaded only for them */
	static const struct {
		const char *parameter, *list;
	} optional[] = {
		{ "hvrun.network", "order.network" },
		{ "hvrun.storage", "order.storage" },
		{ VIRTIOFS_PARAMETER, "order.virtiofs" },
	};
	DIR *dir;
	int r = modules_load(IMAGE "/modules", "order", err);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(optional); i++) {
		_cleanup_free_ char *word = find_parameter(IMAGE "/proc", optional[i].parameter);

		r = word ? modules_load(IMAGE "/modules", optional[i].list, err) : 0;
	}
	if (r < 0)
		return r;
	dir = opendir(IMAGE "/modules");
	for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir))
		unlinkat(dirfd(dir), e->d_name, 0); /* what stays costs RAM and nothing else */
	if (dir)
		closedir(dir);
	return 0;
}

/*
 * switch_root(8) without its exec: see the top of the file. What is left behind cannot be written by anybody any more, through no mount: the image of this
 * program is in there, and would otherwise have to be executed once more, from a mount that is read-only (linux/selfexe.h).
 */
static int leave_rootfs(struct error *err)
{
	mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL);
	if (chdir(IMAGE) < 0)
		return error_errno(err, "chdir to %s", IMAGE);
	if (mount(".", "/", NULL, MS_MOVE, NULL) < 0)
		return error_errno(err, "move of %s to /", IMAGE);
	if (chroot(".") < 0 || chdir("/") < 0)
		return error_errno(err, "chroot to the new root");
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0)
		return error_errno(err, "read-only remount of /");
	return 0;
}

/* Over the root that is there, with what is mounted there; read-only. Nothing of it is needed, nor trusted: the agent is the one that has been started. */
static int enter_disk(int disk, struct error *err)
{
	static const char *const dirs[] = { "dev", "proc", "run", "sys" };
	_cleanup_fd_ int old = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (old < 0 || sys_move_mount(disk, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return error_errno(err, "mount over /");
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		_cleanup_fd_ int fd = openat(old, dirs[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
		_cleanup_fd_ int place = openat(disk, dirs[i], O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		int r = fd < 0 || place < 0 ? -errno : sys_move_mount(fd, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);

		if (r < 0)
			return error_errnum(err, r, "its directory \"%s\"", dirs[i]);
	}
	if (fchdir(disk) < 0 || chroot(".") < 0)
		return error_errno(err, "chroot");
	return 0;
}

/* vm.image: the disk with the number in hvrun.root becomes the root. Without, all are let go of until they are needed. */
static int enter_image(struct error *err)
{
	_cleanup_free_ char *word = find_parameter("/proc", "hvrun.root=");
	_cleanup_fd_ int fd = -1;
	uint32_t i;

	if (disks_note(err) < 0)
		return -err->code;
	if (!word)
		return disks_release(err);
	if (num_parse_u32(word + strlen("hvrun.root="), &i) < 0)
		return error_set(err, EINVAL, "\"%s\" names no disk", word);
	fd = disks_open_root(i, err);
	if (fd < 0 || enter_disk(fd, err) < 0)
		return error_wrap(err, "vm.image");
	return 0;
}

/* The root of a cgroup v2 hierarchy may have both processes and controllers (cgroups(7)); this one moves into
 * a leaf all the same. */
static int set_up_cgroup(struct error *err)
{
	_cleanup_fd_ int fd = open(BOOT_CGROUP_DIR "/cgroup.controllers", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *have = NULL;
	char enable[256] = "", *save = NULL;
	int r;

	r = fd < 0 ? -errno : fd_read_file(fd, sizeof(enable) / 2, &have, NULL);
	if (r < 0)
		return error_errnum(err, r, "read of %s/cgroup.controllers", BOOT_CGROUP_DIR);
	for (char *c = strtok_r(have, " \n", &save); c; c = strtok_r(NULL, " \n", &save)) {
		strcat(enable, " +"); /* twice the length of what was read is enough */
		strcat(enable, c);
	}
	r = write_file(BOOT_CGROUP_DIR "/cgroup.subtree_control", enable, err);
	if (r < 0)
		return r;
	if (mkdir(BOOT_AGENT_CGROUP, 0755) < 0)
		return error_errno(err, "mkdir of %s", BOOT_AGENT_CGROUP);
	return write_file(BOOT_AGENT_CGROUP "/cgroup.procs", "0", err);
}

static int harden(struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(hardening); i++) {
		const struct sysctl *s = &hardening[i];
		int r;

		if (access(s->path, F_OK) < 0) /* a kernel without the feature has nothing to restrict */
			continue;
		r = write_file(s->path, s->value, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int boot_guest(struct error *err)
{
	static int (*const steps[])(struct error *) = {
		mount_early, fill_stdio, load_modules, leave_rootfs, enter_image, harden, set_up_cgroup,
	};

	if (access(BOOT_AGENT_CGROUP, F_OK) == 0) /* made by the last step: this is the program executed again */
		return 0;
	umask(022);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = steps[i](err);

		if (r < 0)
			return error_wrap(err, "guest boot");
	}
	return 0;
}

static bool by_virtiofs;

/*
 * As much as one request can ask for: each costs a way through three processes, and 128 KiB, the usual, cost it four times as often. All mounts of the share have
 * this in common. Without it they are but slower.
 */
static void read_ahead(void)
{
	_cleanup_free_ char *path = NULL;
	struct error ignored;
	struct stat st;

	if (stat(BOOT_SHARE_DIR, &st) < 0)
		return;
	path = xasprintf("/sys/class/bdi/%u:%u/read_ahead_kb", major(st.st_dev), minor(st.st_dev));
	write_file(path, "512", &ignored);
}

static int mount_virtiofs(struct error *err)
{
	if (mount("share", BOOT_SHARE_DIR, "virtiofs", 0, NULL) < 0)
		return error_errno(err, "mount of the virtiofs share on %s", BOOT_SHARE_DIR);
	by_virtiofs = true;
	read_ahead();
	return 0;
}

int boot_mount_share(struct error *err)
{
	_cleanup_free_ char *virtiofs = find_parameter("/proc", VIRTIOFS_PARAMETER);

	if (mkdir(BOOT_SHARE_DIR, 0755) < 0 && errno != EEXIST)
		return error_errno(err, "mkdir of %s", BOOT_SHARE_DIR);
	if (virtiofs)
		return mount_virtiofs(err);
	/*
	 * Each user attaches on its own (9P2000.L's default), so that files belong to who made them.
	 * cache=mmap keeps nothing for longer than it is open or mapped, so that both sides see each other's
	 * changes; msize is what a virtio ring takes at most.
	 */
	if (mount("share", BOOT_SHARE_DIR, "9p", 0, "trans=virtio,version=9p2000.L,msize=512000,cache=mmap") <
	    0)
		return error_errno(err, "mount of the 9p share on %s", BOOT_SHARE_DIR);
	return 0;
}

void boot_settle_share(void)
{
	struct statfs st;

	if (by_virtiofs)
		statfs(BOOT_SHARE_DIR, &st); /* asked and answered behind what has been asked before */
}

/* syslog(2)'s level 3, "error": one that is seen although the kernel is told to be quiet. */
void boot_complain(const struct error *err)
{
	_cleanup_free_ char *line = xasprintf("<3>hvrun-agent: %s\n", err->msg);
	_cleanup_fd_ int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		fd = open(IMAGE "/dev/kmsg", O_WRONLY | O_CLOEXEC);
	if (fd >= 0)
		fd_write_all(fd, line, strlen(line));
}

void boot_power_off(void)
{
	sync();
	reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
