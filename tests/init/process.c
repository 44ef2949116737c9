/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a process knows about itself: everything that config.json's "process" object sets (runtime-spec config.md,
 * "Process"), printed for comparison.
 */
#include <dirent.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

extern char **environ;

static int run_exit(char **args)
{
	return args[0] ? atoi(args[0]) : 0;
}

static int run_args(char **args)
{
	while (*args)
		printf("arg: %s\n", *args++);
	return 0;
}

static int run_env(char **args)
{
	(void)args;
	for (char **e = environ; *e; e++)
		printf("env: %s\n", *e);
	return 0;
}

static int run_cwd(char **args)
{
	char *cwd = getcwd(NULL, 0);

	(void)args;
	printf("cwd: %s\n", cwd ? cwd : "none");
	free(cwd);
	return 0;
}

static int run_ids(char **args)
{
	gid_t groups[256];
	int n = getgroups(256, groups);
	mode_t mask = umask(0);

	(void)args;
	umask(mask);
	printf("pid: %d\nuid: %u %u\ngid: %u %u\ngroups:", (int)getpid(), getuid(), geteuid(), getgid(), getegid());
	for (int i = 0; i < n; i++)
		printf(" %u", groups[i]);
	printf("\numask: %04o\n", (unsigned)mask);
	return 0;
}

int print_status_lines(const char *const *prefixes)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[512];

	if (!f)
		return report("status", "", -1);
	while (fgets(line, sizeof(line), f)) {
		char *value = strchr(line, ':');

		for (const char *const *p = prefixes; *p && value; p++) {
			if (strncmp(line, *p, strlen(*p)) != 0)
				continue;
			*value++ = '\0';
			printf("%s: %s", line, value + strspn(value, " \t"));
			break;
		}
	}
	fclose(f);
	return 0;
}

static int run_caps(char **args)
{
	(void)args;
	return print_status_lines((const char *const[]){ "Cap", "NoNewPrivs", "Seccomp:", NULL });
}

static const struct {
	const char *name;
	int resource;
} rlimits[] = {
	{ "RLIMIT_AS", RLIMIT_AS },	    { "RLIMIT_CORE", RLIMIT_CORE },   { "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },	    { "RLIMIT_FSIZE", RLIMIT_FSIZE }, { "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE }, { "RLIMIT_NPROC", RLIMIT_NPROC }, { "RLIMIT_STACK", RLIMIT_STACK },
};

static int run_rlimits(char **args)
{
	struct rlimit limit;

	(void)args;
	for (size_t i = 0; i < sizeof(rlimits) / sizeof(rlimits[0]); i++) {
		if (getrlimit((__rlimit_resource_t)rlimits[i].resource, &limit) < 0)
			return report("rlimit", rlimits[i].name, -1);
		printf("rlimit %s: %lld %lld\n", rlimits[i].name, (long long)limit.rlim_cur, (long long)limit.rlim_max);
	}
	return 0;
}

static int run_oom(char **args)
{
	FILE *f = fopen("/proc/self/oom_score_adj", "re");
	int value = 0;

	(void)args;
	if (!f || fscanf(f, "%d", &value) != 1)
		return report("oom", "", -1);
	fclose(f);
	printf("oom: %d\n", value);
	return 0;
}

static int run_fds(char **args)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *e;

	(void)args;
	if (!dir)
		return report("fds", "", -1);
	while ((e = readdir(dir))) {
		char target[512];
		ssize_t n;

		if (e->d_name[0] == '.' || atoi(e->d_name) == dirfd(dir))
			continue;
		n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		printf("fd %s: %s\n", e->d_name, target);
	}
	closedir(dir);
	return 0;
}

/* Every process that /proc shows, with its name. */
static int run_pids(char **args)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	(void)args;
	if (!dir)
		return report("pids", "", -1);
	while ((e = readdir(dir))) {
		char path[300];
		char comm[32] = "";
		FILE *f;

		if (e->d_name[0] < '0' || e->d_name[0] > '9')
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", e->d_name);
		f = fopen(path, "re");
		if (f && fscanf(f, "%31s", comm) == 1)
			printf("pid %s: %s\n", e->d_name, comm);
		if (f)
			fclose(f);
	}
	closedir(dir);
	return 0;
}

static int run_namespaces(char **args)
{
	static const char *const names[] = { "cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts", NULL };

	(void)args;
	for (const char *const *name = names; *name; name++) {
		char path[64];
		char target[64];
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/ns/%s", *name);
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		printf("ns %s: %s\n", *name, target);
	}
	return 0;
}

static int run_cpus(char **args)
{
	cpu_set_t set;

	(void)args;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return report("cpus", "", -1);
	printf("cpus: %d\n", CPU_COUNT(&set));
	return 0;
}

const struct applet process_applets[] = {
	{ "exit", run_exit, "N: exits with status N" },
	{ "args", run_args, "ARG...: prints its arguments" },
	{ "print-env", run_env, "the environment" },
	{ "cwd", run_cwd, "the working directory" },
	{ "ids", run_ids, "pid, uids, gids, groups, umask" },
	{ "caps", run_caps, "capability sets, no_new_privs and seccomp mode" },
	{ "getrlimit", run_rlimits, "resource limits" },
	{ "oom", run_oom, "oom_score_adj" },
	{ "fds", run_fds, "open descriptors and what they are" },
	{ "ls-proc", run_pids, "the processes that /proc shows" },
	{ "namespaces", run_namespaces, "the namespaces' identities" },
	{ "cpus", run_cpus, "how many CPUs it may use" },
	{ 0 },
};
