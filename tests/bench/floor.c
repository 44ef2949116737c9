/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the kernel alone costs: the calls that "hvrun run" and "hvrun exec" cannot do without for the standard configuration, in
 * one straight line, with nothing parsed, checked, recorded or undone. It is what the benchmark measures runtimes against, and never a
 * way to start anything: it does not protect itself against what it starts.
 *
 *     floor run  ROOTFS NAME [CGROUP-PARENT]... : PROGRAM ARG...     namespaces, groups, mounts, devices, masks, pivot_root, privileges
 *     floor exec PID NAME [CGROUP-PARENT]... : PROGRAM ARG...        one more process beside PID, in the groups NAME
 *
 * A CGROUP-PARENT is a directory of a hierarchy (v1, or the v2 one, known by its cgroup.controllers) in which the group NAME is made, or joined.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

enum { GROUPS_MAX = 32, LAST_CAP = CAP_CHECKPOINT_RESTORE };

#define KEPT_CAPS (1U << CAP_AUDIT_WRITE | 1U << CAP_KILL | 1U << CAP_NET_BIND_SERVICE)

static const char *name;
static struct group {
	int parent, dir, tasks; /* tasks: v1's file, -1 in v2 */
	const char *path;
} groups[GROUPS_MAX];
static int n_groups;

static int must(long r, const char *what)
{
	if (r >= 0)
		return (int)r;
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(1);
}

#define MUST(call) must((long)(call), #call)

static void open_group(const char *path, int make)
{
	struct group *g = &groups[n_groups++];

	g->path = path;
	g->parent = MUST(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));
	if (make)
		MUST(mkdirat(g->parent, name, 0755));
	g->dir = MUST(openat(g->parent, name, O_PATH | O_DIRECTORY | O_CLOEXEC));
	g->tasks = openat(g->dir, "tasks", O_WRONLY | O_CLOEXEC);
}

static void put(int dir, const char *file, const char *text)
{
	int fd = MUST(openat(dir, file, O_WRONLY | O_CLOEXEC));

	MUST(write(fd, text, strlen(text)));
	close(fd);
}

static void copy_up(int from, int to, const char *file)
{
	char text[256];
	int fd = MUST(openat(from, file, O_RDONLY | O_CLOEXEC));
	int n = MUST(read(fd, text, sizeof(text) - 1));

	text[n] = '\0';
	close(fd);
	put(to, file, text);
}

static void limit_group(const struct group *g)
{
	static const char *const rules[] = { "c *:* m", "b *:* m", "c 1:3 rwm", "c 1:5 rwm", "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",
					     "c 5:0 rwm", "c 5:2 rwm", "c 136:* rwm", "c 10:200 rwm" };

	if (faccessat(g->dir, "devices.deny", F_OK, 0) == 0) {
		put(g->dir, "devices.deny", "a *:* rwm");
		for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
			put(g->dir, "devices.allow", rules[i]);
	}
	if (faccessat(g->dir, "cpuset.cpus", F_OK, 0) == 0 && g->tasks >= 0) {
		copy_up(g->parent, g->dir, "cpuset.cpus");
		copy_up(g->parent, g->dir, "cpuset.mems");
	}
}

/* The v2 directory, for clone3(2); v1 is joined by writing 0 to "tasks", which waits for nobody. */
static int v2_dir(void)
{
	for (int i = 0; i < n_groups; i++)
		if (groups[i].tasks < 0)
			return groups[i].dir;
	return -1;
}

static void join_groups(void)
{
	for (int i = 0; i < n_groups; i++)
		if (groups[i].tasks >= 0)
			MUST(write(groups[i].tasks, "0", 1));
}

static int new_fs(const char *type, const char *const *options, unsigned attributes)
{
	int fs = MUST(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)), fd;

	for (; options && *options; options += 2)
		MUST(syscall(SYS_fsconfig, fs, options[1] ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options[0], options[1], 0));
	MUST(syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0));
	fd = MUST(syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes));
	close(fs);
	return fd;
}

static void move(int fd, int at, const char *path)
{
	MUST(syscall(SYS_move_mount, fd, "", at, path, MOVE_MOUNT_F_EMPTY_PATH));
}

static int clone_tree(int at, const char *path)
{
	return (int)syscall(SYS_open_tree, at, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static void set_readonly(int fd)
{
	struct mount_attr a = { .attr_set = MOUNT_ATTR_RDONLY };

	MUST(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH, &a, sizeof(a)));
}

#define NSND (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
#define NSNDNE (NSND | MOUNT_ATTR_NOEXEC)

static void mount_dev(int root)
{
	static const struct {
		const char *name;
		unsigned major, minor;
	} nodes[] = { { "null", 1, 3 }, { "zero", 1, 5 }, { "full", 1, 7 }, { "random", 1, 8 }, { "urandom", 1, 9 }, { "tty", 5, 0 } };
	static const char *const links[] = { "/proc/self/fd", "fd", "/proc/self/fd/0", "stdin", "/proc/self/fd/1", "stdout",
					     "/proc/self/fd/2", "stderr", "/proc/kcore", "core", "pts/ptmx", "ptmx" };
	static const char *const dev[] = { "mode", "755", "size", "65536k", NULL };
	static const char *const pts[] = { "newinstance", NULL, "ptmxmode", "0666", "mode", "0620", "gid", "5", NULL };
	static const char *const shm[] = { "mode", "1777", "size", "65536k", NULL };
	int fd = new_fs("tmpfs", dev, MOUNT_ATTR_NOSUID | MOUNT_ATTR_STRICTATIME);

	for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++)
		MUST(mknodat(fd, nodes[i].name, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)));
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i += 2)
		MUST(symlinkat(links[i], fd, links[i + 1]));
	MUST(mkdirat(fd, "pts", 0755));
	MUST(mkdirat(fd, "shm", 0755));
	MUST(mkdirat(fd, "mqueue", 0755));
	move(fd, root, "dev");
	move(new_fs("devpts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC), fd, "pts");
	move(new_fs("tmpfs", shm, NSNDNE), fd, "shm");
	move(new_fs("mqueue", NULL, NSNDNE), fd, "mqueue");
}

static int clone_group(const struct group *g)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", g->path, name);
	fd = MUST(clone_tree(AT_FDCWD, path));
	set_readonly(fd);
	return fd;
}

static void mount_cgroup(int root)
{
	static const char *const options[] = { "mode", "0755", "size", "64k", NULL };
	int fd;

	if (n_groups == 1 && groups[0].tasks < 0) {
		move(clone_group(&groups[0]), root, "sys/fs/cgroup");
		return;
	}
	fd = new_fs("tmpfs", options, NSNDNE);
	move(fd, root, "sys/fs/cgroup");
	for (int i = 0; i < n_groups; i++) {
		char dir[16];

		snprintf(dir, sizeof(dir), "%d", i);
		MUST(mkdirat(fd, dir, 0755));
		move(clone_group(&groups[i]), fd, dir);
	}
	set_readonly(fd);
}

static void protect(int root)
{
	static const char *const readonly[] = { "proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger" };
	static const char *const masked[] = { "proc/acpi",	 "proc/asound",	     "proc/kcore",	 "proc/keys",	 "proc/latency_stats",
					      "proc/timer_list", "proc/timer_stats", "proc/sched_debug", "sys/firmware", "proc/scsi" };
	static const char *const empty[] = { "mode", "0555", "size", "4k", "nr_inodes", "1", NULL };
	int null = MUST(open("/dev/null", O_PATH | O_CLOEXEC)), dir = -1;

	for (size_t i = 0; i < sizeof(readonly) / sizeof(*readonly); i++) {
		int tree = clone_tree(root, readonly[i]);

		if (tree < 0)
			continue;
		set_readonly(tree);
		move(tree, root, readonly[i]);
	}
	for (size_t i = 0; i < sizeof(masked) / sizeof(*masked); i++) {
		struct stat st;

		if (fstatat(root, masked[i], &st, 0) < 0)
			continue;
		if (!S_ISDIR(st.st_mode))
			move((int)syscall(SYS_open_tree, null, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | OPEN_TREE_CLOEXEC), root, masked[i]);
		else if (dir < 0)
			move(dir = new_fs("tmpfs", empty, MOUNT_ATTR_RDONLY | NSNDNE), root, masked[i]);
		else
			move((int)syscall(SYS_open_tree, dir, "", OPEN_TREE_CLONE | AT_EMPTY_PATH | OPEN_TREE_CLOEXEC), root, masked[i]);
	}
}

static void make_root(const char *path)
{
	struct mount_attr slave = { .propagation = 1U << 19 /* MS_SLAVE */ };
	int root;

	MUST(syscall(SYS_mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &slave, sizeof(slave)));
	root = MUST(clone_tree(AT_FDCWD, path));
	move(root, AT_FDCWD, path);
	move(new_fs("proc", NULL, 0), root, "proc");
	mount_dev(root);
	move(new_fs("sysfs", NULL, MOUNT_ATTR_RDONLY | NSNDNE), root, "sys");
	mount_cgroup(root);
	protect(root);
	set_readonly(root);
	MUST(fchdir(root));
	MUST(syscall(SYS_pivot_root, ".", "."));
	MUST(syscall(SYS_umount2, ".", 2 /* MNT_DETACH */));
	MUST(chdir("/"));
}

static void drop_privileges(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { KEPT_CAPS, KEPT_CAPS, 0 }, { 0 } };
	struct rlimit files = { 1024, 1024 };

	MUST(setrlimit(RLIMIT_NOFILE, &files));
	for (int c = 0; c <= LAST_CAP; c++)
		if (c >= 32 || !(KEPT_CAPS & 1U << c))
			prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
	MUST(syscall(SYS_capset, &h, d));
	MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

static pid_t birth(uint64_t flags)
{
	struct clone_args a = { .flags = flags, .exit_signal = SIGCHLD };
	int v2 = v2_dir();

	if (v2 >= 0) {
		a.flags |= CLONE_INTO_CGROUP;
		a.cgroup = (uint64_t)v2;
	}
	return MUST(syscall(SYS_clone3, &a, sizeof(a)));
}

static int wait_for(pid_t pid)
{
	int status;

	MUST(waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static int run(const char *rootfs, char **program)
{
	pid_t pid;
	int status;

	for (int i = 0; i < n_groups; i++)
		limit_group(&groups[i]);
	pid = birth(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS);
	if (pid == 0) {
		join_groups();
		MUST(sethostname("floor", 5));
		make_root(rootfs);
		MUST(setsid());
		drop_privileges();
		execv(program[0], program);
		_exit(1);
	}
	status = wait_for(pid);
	for (int i = 0; i < n_groups; i++)
		MUST(unlinkat(groups[i].parent, name, AT_REMOVEDIR));
	return status;
}

static int exec(pid_t target, char **program)
{
	int pidfd = MUST(syscall(SYS_pidfd_open, target, 0));
	pid_t pid;

	MUST(setns(pidfd, CLONE_NEWPID));
	pid = birth(0);
	if (pid == 0) {
		join_groups();
		MUST(setns(pidfd, CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS));
		MUST(setsid());
		drop_privileges();
		execv(program[0], program);
		_exit(1);
	}
	return wait_for(pid);
}

int main(int argc, char **argv)
{
	int make = argc > 4 && strcmp(argv[1], "run") == 0, i = 4;

	if (argc < 6 || (!make && strcmp(argv[1], "exec") != 0)) {
		fputs("usage: floor run ROOTFS | exec PID  NAME [CGROUP-PARENT]... : PROGRAM ARG...\n", stderr);
		return 2;
	}
	name = argv[3];
	for (; i < argc && strcmp(argv[i], ":") != 0 && n_groups < GROUPS_MAX; i++)
		open_group(argv[i], make);
	if (i + 1 >= argc)
		return 2;
	return make ? run(argv[2], argv + i + 1) : exec(atoi(argv[2]), argv + i + 1);
}
