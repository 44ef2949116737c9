/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Groups on the running kernel, whatever its layout: made, limited, joined, listed, frozen, killed and
 * removed, and nothing left. Needs root and a cgroup hierarchy that can be written; skipped without.
 */
#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "linux/cgroup/cgroup.h"
#include "linux/cgroup/devices.h"
#include "linux/cgroup/internal.h"
#include "linux/cgroup/layout.h"
#include "linux/sys.h"

static char own_path[64];

#define OK(call)                                                                                             \
	do {                                                                                                 \
		if ((call) < 0)                                                                              \
			fail_msg("%s", err.msg);                                                             \
	} while (0)

/* Whether groups can be made here at all; says why not. */
static bool can_run(void)
{
	struct cgroup_request req = {.path = own_path, .id = "probe"};
	struct cgroup *cg;
	struct error err;

	if (geteuid() != 0) {
		print_message("# SKIP needs root\n");
		return false;
	}
	if (cgroup_create(&req, &cg, &err) < 0) {
		print_message("# SKIP no group can be made here: %s\n", err.msg);
		return false;
	}
	cgroup_remove(cg, 1000, &err);
	cgroup_free(cg);
	return true;
}

static int setup(void **state)
{
	snprintf(own_path, sizeof(own_path), "/hvrun-test-%d", (int)getpid());
	*state = can_run() ? own_path : NULL;
	return 0;
}

#define NEEDS_ROOT(state)                                                                                    \
	do {                                                                                                 \
		if (!*state)                                                                                 \
			skip();                                                                              \
	} while (0)

static struct cgroup *make(const struct oci_resources *r)
{
	struct cgroup_request req = {.path = own_path, .id = "x", .resources = r};
	struct cgroup *cg = NULL;
	struct error err;

	OK(cgroup_create(&req, &cg, &err));
	return cg;
}

static void finish(struct cgroup *cg)
{
	struct error err;

	OK(cgroup_signal(cg, SIGKILL, &err));
	while (waitpid(-1, NULL, 0) > 0)
		;
	OK(cgroup_remove(cg, 5000, &err));
	for (size_t i = 0; i < cg->n; i++)
		assert_int_equal(access(cg->h[i].dir, F_OK), -1);
	cgroup_free(cg);
}

/* A child in the group that waits for signals. */
static pid_t child_in(const struct cgroup *cg)
{
	struct error err;
	pid_t pid = fork();

	if (pid == 0)
		for (;;)
			pause();
	OK(cgroup_join(cg, pid, &err));
	return pid;
}

static void assert_file(const struct cgroup *cg, const char *controller, const char *v1, const char *v2,
			const char *wanted_v1, const char *wanted_v2)
{
	const struct cgroup_hierarchy *h = cgroup_find(cg, CGROUP_V1, controller);
	_cleanup_free_ char *text = NULL;
	bool is_v1 = h != NULL;

	if (!h)
		h = cgroup_v2(cg);
	assert_int_equal(file_read_at(h->dirfd, is_v1 ? v1 : v2, 4096, &text, NULL), 0);
	text[strcspn(text, "\n")] = '\0';
	assert_string_equal(text, is_v1 ? wanted_v1 : wanted_v2);
}

static bool has_controllers(void)
{
	_cleanup_cgroup_layout_ struct cgroup_layout l = {0};
	struct error err;
	unsigned found = 0;

	OK(cgroup_layout_load(&l, &err));
	for (size_t i = 0; i < l.n_mounts; i++) {
		_cleanup_free_ char *list = NULL;
		_cleanup_fd_ int fd = file_open_dir(AT_FDCWD, l.mounts[i].mount_point);

		list = l.mounts[i].controllers[0] ? xstrdup(l.mounts[i].controllers)
						  : cgroup_read_controllers(fd);
		found |= (list && cgroup_list_has(list, "memory")) << 0 |
			 (list && cgroup_list_has(list, "pids")) << 1 |
			 (list && cgroup_list_has(list, "cpu")) << 2;
	}
	return found == 7;
}

static void test_limits(void **state)
{
	struct oci_memory memory = {.has_limit = true, .limit = 64 << 20};
	struct oci_cpu cpu = {.has_shares = true,
			      .shares = 512,
			      .has_quota = true,
			      .quota = 50000,
			      .has_period = true,
			      .period = 100000};
	struct oci_pids pids = {.has_limit = true, .limit = 7};
	struct oci_resources r = {.memory = &memory, .cpu = &cpu, .pids = &pids};
	struct cgroup *cg;
	struct error err;

	NEEDS_ROOT(state);
	if (!has_controllers()) {
		print_message("# SKIP memory, cpu and pids controllers are not all there\n");
		skip();
	}
	cg = make(&r);
	assert_file(cg, "memory", "memory.limit_in_bytes", "memory.max", "67108864", "67108864");
	assert_file(cg, "cpu", "cpu.shares", "cpu.weight", "512", "59");
	assert_file(cg, "cpu", "cpu.cfs_quota_us", "cpu.max", "50000", "50000 100000");
	assert_file(cg, "pids", "pids.max", "pids.max", "7", "7");
	/* growing needs the other order on v1, lifting too */
	memory = (struct oci_memory){.has_limit = true, .limit = 128 << 20};
	pids.limit = -1;
	OK(cgroup_set(cg, &r, &err));
	assert_file(cg, "memory", "memory.limit_in_bytes", "memory.max", "134217728", "134217728");
	assert_file(cg, "pids", "pids.max", "pids.max", "max", "max");
	pids.limit = 0;
	OK(cgroup_set(cg, &r, &err));
	assert_file(cg, "pids", "pids.max", "pids.max", "0", "0");
	if (cgroup_mode(cg) == CGROUP_MODE_V2)
		assert_int_equal(cgroup_clone_fd(cg), -1);
	finish(cg);
}

static void test_limit_holds(void **state)
{
	struct oci_pids pids = {.has_limit = true, .limit = 2};
	struct oci_resources r = {.pids = &pids};
	struct cgroup *cg;
	struct error err;
	int status;
	pid_t pid;

	NEEDS_ROOT(state);
	if (!has_controllers())
		skip();
	cg = make(&r);
	pid = fork();
	if (pid == 0) {
		if (cgroup_join(cg, 0, &err) < 0)
			_exit(1);
		if (fork() == 0)
			for (;;)
				pause();
		_exit(fork() < 0 && errno == EAGAIN ? 0 : 2); /* only the parent and one child fit */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	finish(cg);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_processes(void **state)
{
	_cleanup_free_ pid_t *pids = NULL;
	struct cgroup_stats stats;
	struct cgroup *cg;
	struct error err;
	bool frozen;
	size_t n;
	pid_t pid;

	NEEDS_ROOT(state);
	cg = make(NULL);
	pid = child_in(cg);
	OK(cgroup_pids(cg, &pids, &n, &err));
	assert_int_equal(n, 1);
	assert_int_equal(pids[0], pid);
	OK(cgroup_stats(cg, &stats, &err));
	assert_true(stats.pids_current == 1 || stats.pids_current == CGROUP_STAT_NONE);
	OK(cgroup_frozen(cg, &frozen, &err));
	assert_false(frozen);
	OK(cgroup_freeze(cg, true, &err));
	OK(cgroup_frozen(cg, &frozen, &err));
	assert_true(frozen);
	OK(cgroup_freeze(cg, false, &err));
	OK(cgroup_signal(cg, SIGTERM, &err));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	finish(cg);
}

/* Killed while frozen, and while it forks. */
/* A damaged state.json must not make us signal what is in no group; SIGCONT, for the day on which this fails. */
static void test_root_is_not_signalled(void **state)
{
	const struct cgroup_hierarchy *h;
	char text[512], *v[] = { text, NULL };
	struct cgroup *cg, *root;
	struct error err;

	NEEDS_ROOT(state);
	cg = make(NULL);
	assert_true(cgroup_hierarchies(cg, &h) > 0);
	snprintf(text, sizeof(text), "%s:0:%s", h[0].controllers, h[0].mount_point);
	OK(cgroup_from_strings(v, 1, &root, &err));
	assert_int_equal(cgroup_signal(root, SIGCONT, &err), -EPERM);
	assert_non_null(strstr(err.msg, "is the root of a hierarchy"));
	cgroup_free(root);
	finish(cg);
}

static void test_kill(void **state)
{
	struct cgroup *cg;
	struct error err;
	size_t n = 0;

	NEEDS_ROOT(state);
	cg = make(NULL);
	child_in(cg);
	OK(cgroup_freeze(cg, true, &err));
	OK(cgroup_signal(cg, SIGKILL, &err));
	finish(cg);

	cg = make(NULL);
	if (fork() == 0) {
		if (cgroup_join(cg, 0, &err) < 0)
			_exit(1);
		for (int i = 0; i < 40; i++) /* 64 chains, each growing at its end */
			if (fork() > 0 && i >= 6)
				break;
		for (;;)
			pause();
	}
	while (n < 100) {
		_cleanup_free_ pid_t *pids = NULL;

		OK(cgroup_pids(cg, &pids, &n, &err));
	}
	finish(cg);
}

static void test_used(void **state)
{
	struct cgroup_request req = {.path = own_path, .id = "x"};
	struct cgroup *cg, *second = NULL;
	struct error err;

	NEEDS_ROOT(state);
	cg = make(NULL);
	child_in(cg);
	assert_true(cgroup_create(&req, &second, &err) < 0);
	assert_non_null(strstr(err.msg, "container's cgroup is not empty"));
	OK(cgroup_signal(cg, SIGKILL, &err));
	while (waitpid(-1, NULL, 0) > 0)
		;
	OK(cgroup_freeze(cg, true, &err));
	assert_true(cgroup_create(&req, &second, &err) < 0);
	assert_string_equal(err.msg, "container's cgroup unexpectedly frozen");
	OK(cgroup_freeze(cg, false, &err));
	/* one that is there and free is used, and left behind by whom did not make it */
	OK(cgroup_create(&req, &second, &err));
	OK(cgroup_remove(second, 100, &err));
	assert_int_equal(access(cg->h[0].dir, F_OK), 0);
	cgroup_free(second);
	finish(cg);
}

static void test_undo(void **state)
{
	struct oci_pids pids = {.has_limit = true, .limit = INT64_MAX};
	struct oci_resources r = {.pids = &pids};
	struct cgroup_request req = {.path = own_path, .id = "x", .resources = &r};
	struct cgroup *cg = NULL;
	struct error err;

	NEEDS_ROOT(state);
	if (!has_controllers())
		skip();
	assert_true(cgroup_create(&req, &cg, &err) < 0);
	assert_string_equal(err.msg, "linux.resources.pids.limit: cannot write \"9223372036854775807\" to "
				     "pids.max: Invalid argument");
	assert_null(cg);
	/* nothing is left: the group can be made anew, and all of it is ours */
	cg = make(NULL);
	for (size_t i = 0; i < cg->n; i++)
		assert_int_equal(cg->h[i].made, 1);
	finish(cg);
}

/* A name that the kernel does not take, below one that it does: that one goes again. */
static void test_undo_parents(void **state)
{
	_cleanup_cgroup_layout_ struct cgroup_layout l = {0};
	char path[100], parent[PATH_MAX];
	struct cgroup_request req = {.path = path, .id = "x"};
	struct cgroup *cg = NULL;
	struct error err;

	NEEDS_ROOT(state);
	snprintf(path, sizeof(path), "%s/a\nb/x", own_path); /* cgroups(7): no newlines */
	assert_true(cgroup_create(&req, &cg, &err) < 0);
	assert_non_null(strstr(err.msg, "unable to apply cgroup configuration: cannot make /"));
	OK(cgroup_layout_load(&l, &err));
	for (size_t i = 0; i < l.n_mounts; i++) {
		snprintf(parent, sizeof(parent), "%s%s", l.mounts[i].mount_point, own_path);
		assert_int_equal(access(parent, F_OK), -1);
	}
}

static void test_strings_and_sub(void **state)
{
	struct cgroup *cg, *again, *sub = NULL;
	_cleanup_strv_ char **v = NULL;
	struct error err;

	NEEDS_ROOT(state);
	cg = make(NULL);
	v = cgroup_to_strings(cg);
	OK(cgroup_from_strings(v, cg->n, &again, &err));
	assert_int_equal(again->n, cg->n);
	assert_int_equal(cgroup_mode(again), cgroup_mode(cg));
	for (size_t i = 0; i < cg->n; i++) {
		assert_string_equal(again->h[i].dir, cg->h[i].dir);
		assert_int_equal(again->h[i].made, 1);
		assert_int_equal(mkdirat(cg->h[i].dirfd, "inner", 0755), 0);
		assert_int_equal(mkdirat(cg->h[i].dirfd, "inner/most", 0755), 0);
	}
	assert_true(cgroup_open_sub(cg, (char *[]){ (char *)"../..", NULL }, &sub, &err) < 0);
	assert_non_null(strstr(err.msg, "bad sub cgroup path"));
	assert_true(cgroup_open_sub(cg, (char *[]){ (char *)"missing", NULL }, &sub, &err) < 0);
	cgroup_free(cg);
	finish(again); /* the groups inside go too */
}

/* exec goes where the container's first process went. */
static void test_beside(void **state)
{
	struct cgroup *cg, *beside;
	const struct cgroup_hierarchy *v2;
	_cleanup_free_ char *inner = NULL;
	_cleanup_fd_ int fd = -1;
	struct error err;
	char text[16];
	pid_t pid;

	NEEDS_ROOT(state);
	cg = make(NULL);
	pid = child_in(cg);
	OK(cgroup_open_beside(cg, pid, &beside, &err));
	for (size_t i = 0; i < cg->n; i++)
		assert_string_equal(beside->h[i].dir, cg->h[i].dir);
	cgroup_free(beside);
	v2 = cgroup_v2(cg);
	if (v2) {
		assert_int_equal(mkdirat(v2->dirfd, "inner", 0755), 0);
		snprintf(text, sizeof(text), "%d", (int)pid);
		fd = file_open_dir(v2->dirfd, "inner");
		assert_int_equal(file_write_str(fd, "cgroup.procs", text), 0);
		OK(cgroup_open_beside(cg, pid, &beside, &err));
		inner = xasprintf("%s/inner", v2->dir);
		assert_string_equal(cgroup_v2(beside)->dir, inner);
		cgroup_free(beside);
	}
	OK(cgroup_open_beside(cg, getpid(), &beside, &err)); /* one that is elsewhere */
	assert_string_equal(beside->h[0].dir, cg->h[0].dir);
	cgroup_free(beside);
	finish(cg);
}

static int open_in_child(int cgroup_dirfd, unsigned major, unsigned minor)
{
	char node[64];
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		snprintf(node, sizeof(node), "/dev/shm/hvrun-test-%d", (int)getpid());
		if (file_write_str(cgroup_dirfd, "cgroup.procs", "0") < 0)
			_exit(100);
		if (mknod(node, S_IFCHR | 0600, makedev(major, minor)) < 0)
			_exit(101);
		status = open(node, O_RDONLY | O_NONBLOCK) < 0 ? errno : 0;
		unlink(node);
		_exit(status);
	}
	waitpid(pid, &status, 0);
	return WEXITSTATUS(status);
}

/* The kernel's verdict on the generated program: it loads, and decides. */
static void test_device_filter(void **state)
{
	struct oci_device_rule rules[] = {
		{.allow = true,
		 .type = OCI_DEVICE_RULE_TYPE_C,
		 .has_type = true,
		 .major = 1,
		 .has_major = true,
		 .access = (char *)"rw"},
		{.allow = false,
		 .type = OCI_DEVICE_RULE_TYPE_C,
		 .has_type = true,
		 .major = 1,
		 .has_major = true,
		 .minor = 11,
		 .has_minor = true,
		 .access = (char *)"r"},
	};
	struct oci_resources r = {.devices = rules, .n_devices = ARRAY_SIZE(rules)};
	_cleanup_free_ struct device_rule *list = NULL;
	_cleanup_free_ struct bpf_insn *insns = NULL;
	const struct cgroup_hierarchy *v2;
	size_t n_list, n_insns;
	struct cgroup *cg;
	struct error err;

	NEEDS_ROOT(state);
	cg = make(&r); /* v1 or v2, whatever this machine uses */
	v2 = cgroup_v2(cg);
	if (cgroup_find(cg, CGROUP_V1, "devices")) {
		int fd = cgroup_find(cg, CGROUP_V1, "devices")->dirfd;

		assert_int_equal(open_in_child(fd, 1, 3), 0);        /* null */
		assert_int_equal(open_in_child(fd, 10, 229), EPERM); /* fuse */
	}
	if (!v2) {
		finish(cg);
		print_message("# SKIP no cgroup v2 here\n");
		skip();
	}
	OK(device_rules_from_oci(&r, &list, &n_list, &err));
	device_program(list, n_list, &insns, &n_insns);
	OK(device_program_attach(v2->dirfd, insns, n_insns, &err));
	OK(device_program_attach(v2->dirfd, insns, n_insns, &err)); /* replaces the first */
	assert_int_equal(open_in_child(v2->dirfd, 1, 3), 0);
	assert_int_equal(open_in_child(v2->dirfd, 1, 11), EPERM); /* kmsg: the later rule wins */
	assert_int_equal(open_in_child(v2->dirfd, 10, 229), EPERM);
	finish(cg);
}

static void test_managers(void **state)
{
	struct cgroup_request req = {.manager = CGROUP_MANAGER_SYSTEMD, .id = "x", .path = "/not/a/unit"};
	const struct cgroup_hierarchy *h;
	struct cgroup *cg = NULL;
	struct error err;

	NEEDS_ROOT(state);
	assert_int_equal(cgroup_create(&req, &cg, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "slice:prefix:name"));
	if (access("/run/systemd/private", F_OK) < 0 && access("/run/dbus/system_bus_socket", F_OK) < 0) {
		req.path = NULL;
		assert_true(cgroup_create(&req, &cg, &err) < 0);
		assert_non_null(strstr(err.msg, "no systemd answers here"));
	}
	req.path = NULL;
	req.manager = CGROUP_MANAGER_DISABLED;
	OK(cgroup_create(&req, &cg, &err));
	assert_int_equal(cgroup_hierarchies(cg, &h), 0);
	OK(cgroup_join(cg, 0, &err));
	OK(cgroup_remove(cg, 0, &err));
	cgroup_free(cg);
}

/* The group that is delegated is a string of its own, too; it goes before the one above it, whoever made that. */
static void test_leaf_strings(void **state _unused_)
{
	static const char *const wanted[] = {":0:/nonexistent/a", "group=delegated:1:/nonexistent/a/own", "unit=system:1:/a.scope"};
	const struct cgroup_hierarchy *h;
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	_cleanup_strv_ char **v = NULL;
	struct error err;

	OK(cgroup_from_strings((char *const *)wanted, 3, &cg, &err));
	assert_int_equal(cgroup_hierarchies(cg, &h), 1);
	assert_string_equal(cgroup_process_dir(cg, h), "/nonexistent/a/own");
	v = cgroup_to_strings(cg);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(v[i], wanted[i]);
	assert_null(v[3]);
}

/* Elsewhere: processes in the group below, limits in the one above, nothing left of what was made. */
static void test_delegate(void **state)
{
	struct cgroup_request req = {.path = own_path, .id = "x", .delegate = "own"};
	const struct cgroup_hierarchy *h;
	struct cgroup *cg = NULL, *beside = NULL;
	struct error err;
	pid_t pid;

	NEEDS_ROOT(state);
	cg = make(NULL);
	if (cgroup_mode(cg) != CGROUP_MODE_V2) {
		finish(cg);
		assert_int_equal(cgroup_create(&req, &cg, &err), -EOPNOTSUPP);
		assert_non_null(strstr(err.msg, "\"own\" can be made where there is cgroup v2 alone, not with cgroup v1"));
		return;
	}
	finish(cg);
	OK(cgroup_create(&req, &cg, &err));
	assert_int_equal(cgroup_hierarchies(cg, &h), 1);
	pid = child_in(cg);
	OK(cgroup_open_beside(cg, pid, &beside, &err));
	assert_string_equal(beside->h[0].dir, cgroup_process_dir(cg, h));
	cgroup_free(beside);
	OK(cgroup_chown(cg, 1234, &err));
	finish(cg);
}

static void test_delegate_needs_group(void **state _unused_)
{
	struct cgroup_request req = {.manager = CGROUP_MANAGER_DISABLED, .id = "x", .delegate = "own"};
	struct cgroup *cg = NULL;
	struct error err;

	assert_int_equal(cgroup_create(&req, &cg, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.msg, "not with cgroup manager \"disabled\""));
}

/* systemd removes a scope when it is empty, at any moment: to kill and to wait is done then. */
static void test_gone(void **state)
{
	struct cgroup *cg;
	struct error err;

	NEEDS_ROOT(state);
	cg = make(NULL);
	for (size_t i = 0; i < cg->n; i++)
		if (rmdir(cg->h[i].dir) < 0)
			fail_msg("%s: %s", cg->h[i].dir, strerror(errno));
	OK(cgroup_signal(cg, SIGKILL, &err));
	for (size_t i = 0; i < cg->n; i++)
		if (cg->h[i].controllers[0] == '\0') {
			assert_int_equal(cgroup_wait_event(cg->h[i].dirfd, "populated", 0, 1000), 0);
			assert_int_equal(cgroup_wait_event(cg->h[i].dirfd, "frozen", 1, 1000), 0);
		}
	finish(cg);
}

/* A unit of systemd's is a string of its own beside the directories. */
static void test_unit_strings(void **state _unused_)
{
	static const char *const wanted[] = {"memory:0:/nonexistent/a.scope", "unit=system:1:/a.scope"};
	static const char *const user[] = {"unit=user:0:/b.scope"};
	_cleanup_cgroup_ struct cgroup *cg = NULL, *cg_user = NULL;
	_cleanup_strv_ char **v = NULL;
	struct error err;

	OK(cgroup_from_strings((char *const *)wanted, 2, &cg, &err));
	assert_int_equal(cg->n, 1);
	assert_string_equal(cg->unit.name, "a.scope");
	assert_true(cg->unit.made);
	assert_false(cg->unit.user);
	v = cgroup_to_strings(cg);
	assert_string_equal(v[0], wanted[0]);
	assert_string_equal(v[1], wanted[1]);
	assert_null(v[2]);
	OK(cgroup_from_strings((char *const *)user, 1, &cg_user, &err));
	assert_int_equal(cg_user->n, 0);
	assert_true(cg_user->unit.user);
	assert_false(cg_user->unit.made);
}

/* Without a path it is one directory; with a relative one it is below /hvrun, which goes with the last of them. */
static void test_own_parent(void **state)
{
	struct cgroup_request req = {.id = own_path + 1};
	struct cgroup *cg = NULL;
	struct error err;
	char parent[PATH_MAX];

	NEEDS_ROOT(state);
	OK(cgroup_create(&req, &cg, &err));
	snprintf(parent, sizeof(parent), "%s/hvrun-%s", cg->h[0].mount_point, own_path + 1);
	assert_string_equal(cg->h[0].dir, parent);
	assert_int_equal(cg->h[0].made, 1);
	finish(cg);
	req.path = own_path + 1;
	OK(cgroup_create(&req, &cg, &err));
	snprintf(parent, sizeof(parent), "%s/hvrun/%s", cg->h[0].mount_point, own_path + 1);
	assert_string_equal(cg->h[0].dir, parent);
	assert_int_equal(cg->h[0].made, 2);
	finish(cg);
	req.path = "../x";
	assert_true(cgroup_create(&req, &cg, &err) < 0);
	req.path = "/";
	assert_true(cgroup_create(&req, &cg, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limits),       cmocka_unit_test(test_limit_holds),
		cmocka_unit_test(test_processes),    cmocka_unit_test(test_root_is_not_signalled), cmocka_unit_test(test_kill),
		cmocka_unit_test(test_used),         cmocka_unit_test(test_undo),
		cmocka_unit_test(test_undo_parents), cmocka_unit_test(test_strings_and_sub),
		cmocka_unit_test(test_beside),       cmocka_unit_test(test_device_filter),
		cmocka_unit_test(test_managers),     cmocka_unit_test(test_own_parent),
		cmocka_unit_test(test_unit_strings), cmocka_unit_test(test_gone),
		cmocka_unit_test(test_leaf_strings), cmocka_unit_test(test_delegate), cmocka_unit_test(test_delegate_needs_group),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
