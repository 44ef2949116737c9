/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files, mounts and devices as the container sees them. Each applet takes any number of paths and prints one line for
 * each, with the error's name where the kernel refused.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

/* Opens for writing, creating it: "write PATH: ok" or the error's name. Text goes in when TEXT= precedes the paths. */
static int run_write(char **args)
{
	const char *text = "written\n";

	for (; *args; args++) {
		int fd;
		long r;

		if (strncmp(*args, "TEXT=", 5) == 0) {
			text = *args + 5;
			continue;
		}
		fd = open(*args, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		r = fd < 0 ? -1 : write_all(fd, text, strlen(text));
		report("write", *args, r);
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

static int run_create(char **args)
{
	for (; *args; args++) {
		char path[512];
		int fd;

		snprintf(path, sizeof(path), "%s/created-by-test", *args);
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		report("create", *args, fd);
		if (fd >= 0) {
			unlink(path);
			close(fd);
		}
	}
	return 0;
}

/* "read PATH: N bytes, text up to the first line's end" or the error's name. */
static int run_read(char **args)
{
	for (; *args; args++) {
		char buf[4096];
		int fd = open(*args, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

		if (n < 0) {
			report("read", *args, -1);
		} else {
			buf[n] = '\0';
			buf[strcspn(buf, "\n")] = '\0';
			printf("read %s: %zd bytes, %s\n", *args, n, buf);
		}
		if (fd >= 0)
			close(fd);
	}
	return 0;
}

static const char *type_name(mode_t mode)
{
	static const struct {
		mode_t type;
		const char *name;
	} types[] = {
		{ S_IFREG, "file" },  { S_IFDIR, "dir" },   { S_IFLNK, "link" },   { S_IFCHR, "char" },
		{ S_IFBLK, "block" }, { S_IFIFO, "fifo" }, { S_IFSOCK, "socket" },
	};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if ((mode & S_IFMT) == types[i].type)
			return types[i].name;
	return "?";
}

/* "stat PATH: type mode uid gid", then major:minor of a device, or "-> target" of a link. */
static int run_stat(char **args)
{
	for (; *args; args++) {
		struct stat st;

		if (lstat(*args, &st) < 0) {
			report("stat", *args, -1);
			continue;
		}
		printf("stat %s: %s %04o %u %u", *args, type_name(st.st_mode), st.st_mode & 07777, st.st_uid, st.st_gid);
		if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
			printf(" %u:%u", major(st.st_rdev), minor(st.st_rdev));
		if (S_ISLNK(st.st_mode)) {
			char target[512];
			ssize_t n = readlink(*args, target, sizeof(target) - 1);

			target[n > 0 ? n : 0] = '\0';
			printf(" -> %s", target);
		}
		putchar('\n');
	}
	return 0;
}

static int run_list(char **args)
{
	for (; *args; args++) {
		DIR *dir = opendir(*args);
		struct dirent *e;
		int n = 0;

		if (!dir) {
			report("list", *args, -1);
			continue;
		}
		while ((e = readdir(dir))) {
			if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
				continue;
			printf("entry %s: %s\n", *args, e->d_name);
			n++;
		}
		closedir(dir);
		printf("list %s: %d entries\n", *args, n);
	}
	return 0;
}

/* "mount DEST: type options superoptions propagation" for each line of mountinfo (proc_pid_mountinfo(5)). */
static int run_mounts(char **args)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[4096];

	(void)args;
	if (!f)
		return report("mounts", "", -1);
	while (fgets(line, sizeof(line), f)) {
		char dest[1024], options[512], type[64], super[1024];
		char *sep = strstr(line, " - ");
		char *optional;
		int end = 0;

		if (!sep)
			continue;
		*sep = '\0';
		if (sscanf(line, "%*s %*s %*s %*s %1023s %511s%n", dest, options, &end) < 2)
			continue;
		optional = line + end;
		if (sscanf(sep + 3, "%63s %*s %1023s", type, super) < 2)
			continue;
		printf("mount %s: %s %s %s%s\n", dest, type, options, super, *optional ? optional : " private");
	}
	fclose(f);
	return 0;
}

static int run_mknod(char **args)
{
	for (; *args; args++) {
		report("mknod", *args, mknod(*args, S_IFCHR | 0600, makedev(1, 3)));
		unlink(*args);
	}
	return 0;
}

static int run_remount(char **args)
{
	for (; *args; args++)
		report("remount", *args, mount(NULL, *args, NULL, MS_REMOUNT | MS_BIND, NULL));
	return 0;
}

static int run_umount(char **args)
{
	for (; *args; args++)
		report("umount", *args, umount2(*args, MNT_DETACH));
	return 0;
}

static int run_chroot_out(char **args)
{
	(void)args;
	if (mkdir("/tmp/jail", 0700) < 0 || chroot("/tmp/jail") < 0)
		return report("chroot", "", -1);
	for (int i = 0; i < 64; i++)
		if (chdir("..") < 0)
			break;
	if (chroot(".") < 0)
		return report("chroot", "", -1);
	return run_list((char *[]){ (char *)"/", NULL });
}

/*
 * For N seconds looks at every other process's executable and tries to open what is not this program for writing, as the
 * attack of CVE-2019-5736 does. Nothing is written: "writable: PID" is the finding.
 */
static int run_grab_exe(char **args)
{
	time_t end = time(NULL) + atoi(args[0] ? args[0] : "1");
	struct stat own;
	struct stat st;

	if (stat("/proc/self/exe", &own) < 0)
		return report("grab-exe", "", -1);
	puts("ready: grab-exe");
	fflush(stdout);
	while (time(NULL) < end) {
		for (int pid = 2; pid < 200; pid++) {
			char path[64];
			int fd;

			snprintf(path, sizeof(path), "/proc/%d/exe", pid);
			if (stat(path, &st) < 0 || (st.st_ino == own.st_ino && st.st_dev == own.st_dev))
				continue;
			fd = open(path, O_PATH | O_CLOEXEC);
			snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
			/* busy while it runs; it may end meanwhile */
			for (int i = 0; fd >= 0 && i < 200; i++) {
				int w = open(path, O_WRONLY | O_CLOEXEC);

				if (w >= 0) {
					printf("writable: %d\n", pid);
					close(w);
					break;
				}
				if (errno != ETXTBSY)
					break;
				usleep(1000);
			}
			if (fd >= 0)
				close(fd);
		}
	}
	return 0;
}

/*
 * For N seconds looks into every other process that does not run this program, as the attack of CVE-2016-9962 does: who
 * can see its executable may trace it (ptrace(2), "PTRACE_MODE_READ") and has its descriptors too. "reachable: PID" is the
 * finding.
 */
static int run_grab_fds(char **args)
{
	time_t end = time(NULL) + atoi(args[0] ? args[0] : "1");
	struct stat own;
	struct stat st;

	if (stat("/proc/self/exe", &own) < 0)
		return report("grab-fds", "", -1);
	puts("ready: grab-fds");
	fflush(stdout);
	while (time(NULL) < end) {
		for (int pid = 2; pid < 300; pid++) {
			char path[64], target[256] = "";
			int fd;

			snprintf(path, sizeof(path), "/proc/%d/exe", pid);
			if (stat(path, &st) < 0 || (st.st_ino == own.st_ino && st.st_dev == own.st_dev))
				continue;
			for (fd = 3; fd < 32 && !target[0]; fd++) {
				snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
				if (readlink(path, target, sizeof(target) - 1) < 0)
					target[0] = '\0';
			}
			printf("reachable: %d, descriptor %s\n", pid, target);
			fflush(stdout);
		}
	}
	return 0;
}

/* What a local file system can do with a file whose name is gone. */
static long try_unlinked(const char *path)
{
	char text[6] = "";
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	long r = fd < 0 ? -1 : unlink(path);

	if (r == 0)
		r = ftruncate(fd, 100000);
	if (r == 0)
		r = fstat(fd, &st) == 0 && st.st_size == 100000 && pwrite(fd, "hello", 5, 99995) == 5 && pread(fd, text, 5, 99995) == 5 &&
		    strcmp(text, "hello") == 0 ? 0 : -1;
	close(fd);
	return r;
}

/* Two ways to one page: what is written by a mapping is read by another descriptor, and the other way round. */
static long try_shared(const char *path)
{
	char text[6] = "";
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600), other = open(path, O_RDWR | O_CLOEXEC);
	char *map = MAP_FAILED;
	long r = -1;

	if (fd >= 0 && other >= 0 && ftruncate(fd, 4096) == 0)
		map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map != MAP_FAILED) {
		memcpy(map, "hello", 5);
		r = pread(other, text, 5, 0) == 5 && strcmp(text, "hello") == 0 && pwrite(other, "HELLO", 5, 0) == 5 && memcmp(map, "HELLO", 5) == 0 &&
		    msync(map, 4096, MS_SYNC) == 0 ? 0 : -1;
		munmap(map, 4096);
	}
	close(fd);
	close(other);
	return r;
}

static long try_fifo(const char *path)
{
	char text[6] = "";
	int fd = mkfifo(path, 0600) < 0 ? -1 : open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	long r = fd >= 0 && write(fd, "hello", 5) == 5 && read(fd, text, 5) == 5 && strcmp(text, "hello") == 0 ? 0 : -1;

	close(fd);
	return r;
}

static long try_socket(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), peer = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	long r;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 && chmod(path, 0600) == 0 && listen(fd, 1) == 0 &&
	    connect(peer, (struct sockaddr *)&sa, sizeof(sa)) == 0 ? 0 : -1;
	close(fd);
	close(peer);
	return r;
}

static long try_attribute(const char *path)
{
	char text[6] = "";
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	long r = fd >= 0 && fsetxattr(fd, "user.test", "hello", 5, 0) == 0 && fgetxattr(fd, "user.test", text, 5) == 5 && strcmp(text, "hello") == 0 ? 0 : -1;

	close(fd);
	return r;
}

static long try_nameless(const char *path)
{
	char dir[512], *slash;
	int fd;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	*slash = '\0';
	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd;
}

/* "PLACE WHAT: ok" or the error's name, for each thing that a local file system can do. */
static int run_can(char **args)
{
	static const struct {
		const char *name;
		long (*try)(const char *path);
	} things[] = {
		{ "unlinked", try_unlinked }, { "shared", try_shared },	      { "fifo", try_fifo },
		{ "socket", try_socket },     { "attribute", try_attribute }, { "nameless", try_nameless },
	};

	for (; *args; args++)
		for (size_t i = 0; i < sizeof(things) / sizeof(*things); i++) {
			char path[512];
			long r;

			snprintf(path, sizeof(path), "%s/can.%s", *args, things[i].name);
			r = things[i].try(path);
			report(things[i].name, *args, r);
			unlink(path);
		}
	return 0;
}

const struct applet file_applets[] = {
	{ "write", run_write, "[TEXT=...] FILE...: writes to each" },
	{ "readonly", run_create, "DIR...: creates a file in each" },
	{ "read", run_read, "FILE...: length and first line" },
	{ "stat", run_stat, "PATH...: type, mode, owner, device" },
	{ "list", run_list, "DIR...: names" },
	{ "can", run_can, "DIR...: what can be done with files there" },
	{ "mounts", run_mounts, "the mount table" },
	{ "mknod", run_mknod, "PATH...: makes a device node at each" },
	{ "remount", run_remount, "PATH...: takes the flags off" },
	{ "umount", run_umount, "PATH...: unmounts" },
	{ "grab-exe", run_grab_exe, "N: for N seconds, whether another process's program can be written" },
	{ "grab-fds", run_grab_fds, "N: for N seconds, whether a process of the runtime's can be looked into" },
	{ "chroot-out", run_chroot_out, "the old way out of a chroot, then the root's names" },
	{ 0 },
};
