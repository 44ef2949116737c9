/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The machine as the container sees it: kernel, names, cgroup limits in either hierarchy, and system calls whose
 * outcome a seccomp profile or a capability decides.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "init.h"

static int run_release(char **args)
{
	struct utsname u;

	(void)args;
	uname(&u);
	printf("release: %s\n", u.release);
	return 0;
}

static int run_hostname(char **args)
{
	struct utsname u;

	(void)args;
	uname(&u);
	printf("hostname: %s\ndomainname: %s\n", u.nodename, u.domainname);
	return 0;
}

/* keyctl_get_security(3), without the library */
static int run_key_label(char **args)
{
	char label[256] = "";
	long n = syscall(SYS_keyctl, KEYCTL_GET_SECURITY, KEY_SPEC_SESSION_KEYRING, label, sizeof(label) - 1);

	(void)args;
	if (n < 0)
		printf("key-label: %s\n", strerrorname_np(errno));
	else
		printf("key-label: %s\n", label);
	return 0;
}

/* The files that hold each limit, in the v1 and in the v2 hierarchy, below the container's /sys/fs/cgroup. */
static const struct {
	const char *subject, *v1, *v2;
} cgroup_files[] = {
	{ "memory.limit", "memory/memory.limit_in_bytes", "memory.max" },
	{ "pids.limit", "pids/pids.max", "pids.max" },
	{ "cpu.quota", "cpu/cpu.cfs_quota_us", "cpu.max" },
	{ "cpu.period", "cpu/cpu.cfs_period_us", "cpu.max" },
};

static int cgroup_read(const char *file, char *buf, size_t size)
{
	char path[256];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/sys/fs/cgroup/%s", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, buf, size - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
	return 0;
}

/* "memory.limit: N", the same for either hierarchy: cpu.max holds quota and period in one line. */
static int run_cgroup(char **args)
{
	(void)args;
	for (size_t i = 0; i < sizeof(cgroup_files) / sizeof(cgroup_files[0]); i++) {
		const char *subject = cgroup_files[i].subject;
		char buf[256];
		char *value = buf;
		char *space;

		if (cgroup_read(cgroup_files[i].v1, buf, sizeof(buf)) == 0) {
			printf("%s: %s\n", subject, buf);
			continue;
		}
		if (cgroup_read(cgroup_files[i].v2, buf, sizeof(buf)) < 0) {
			report(subject, "", -1);
			continue;
		}
		space = strchr(buf, ' ');
		if (space && strcmp(subject, "cpu.period") == 0)
			value = space + 1;
		else if (space)
			*space = '\0';
		printf("%s: %s\n", subject, value);
	}
	return 0;
}

/* The container's position in its hierarchies, one line each. */
static int run_cgroup_path(char **args)
{
	FILE *f = fopen("/proc/self/cgroup", "re");
	char line[1024];

	(void)args;
	if (!f)
		return report("cgroup", "", -1);
	while (fgets(line, sizeof(line), f))
		printf("cgroup: %s", line);
	fclose(f);
	return 0;
}

static long call_mkdir(void)
{
	long r = mkdir("/tmp/seccomp-test", 0700);

	if (r == 0)
		rmdir("/tmp/seccomp-test");
	return r;
}

static long call_getcwd(void)
{
	char buf[4096];

	return getcwd(buf, sizeof(buf)) ? 0 : -1;
}

static long call_chown(void)
{
	return chown("/tmp", 12345, 12345);
}

/* A number that no kernel has given away yet. */
static long call_newer(void)
{
	return syscall(4999);
}

static long call_unshare(void)
{
	return unshare(CLONE_NEWNS);
}

static long call_sethostname(void)
{
	return sethostname("changed", 7);
}

static long call_mount(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL);
}

static long call_uname(void)
{
	struct utsname u;

	return uname(&u);
}

static long call_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd;
}

static long call_nice(void)
{
	errno = 0;
	return nice(1) == -1 && errno ? -1 : 0;
}

static const struct {
	const char *name;
	long (*call)(void);
} calls[] = {
	{ "mkdir", call_mkdir },   { "getcwd", call_getcwd },		{ "chown", call_chown }, { "unshare", call_unshare },
	{ "mount", call_mount },   { "sethostname", call_sethostname }, { "uname", call_uname }, { "socket", call_socket },
	{ "setpriority", call_nice }, { "newer", call_newer },
};

static int run_calls(char **args)
{
	for (; *args; args++) {
		for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
			if (strcmp(calls[i].name, *args) == 0)
				report("call", *args, calls[i].call());
		fflush(stdout);
	}
	return 0;
}

const struct applet system_applets[] = {
	{ "uname-r", run_release, "the kernel's release" },
	{ "hostname", run_hostname, "host and domain name" },
	{ "cgroup", run_cgroup, "the limits in /sys/fs/cgroup, v1 or v2" },
	{ "key-label", run_key_label, "the security label of the session keyring" },
	{ "cgroup-path", run_cgroup_path, "/proc/self/cgroup" },
	{ "seccomp-test", run_calls, "NAME...: makes these system calls" },
	{ 0 },
};
