/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Layouts of cgroup hierarchies, told from texts of /proc: one row for each kind of machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "linux/cgroup/layout.h"

#define ROOT_FS "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n"

static const struct {
	const char *name, *mountinfo, *self_cgroup;
	enum cgroup_mode mode;
	const char *wanted; /* "controllers=mount point" of each, in the order of /proc/self/cgroup */
} cases[] = {
	{
		"pure v2",
		ROOT_FS "35 24 0:30 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 "
			"cgroup2 rw,nsdelegate,memory_recursiveprot\n",
		"0::/user.slice/user-1000.slice/session-2.scope\n",
		CGROUP_MODE_V2,
		"=/sys/fs/cgroup ",
	},
	{
		"hybrid, as systemd mounts it",
		"30 24 0:26 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:9 - tmpfs tmpfs ro,mode=755\n"
		"31 30 0:27 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:10 - cgroup2 "
		"cgroup2 rw\n"
		"32 30 0:28 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:11 - cgroup "
		"cgroup rw,xattr,name=systemd\n"
		"33 30 0:31 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:15 - cgroup "
		"cgroup rw,cpu,cpuacct\n"
		"34 30 0:32 / /sys/fs/cgroup/memory rw,nosuid,nodev,noexec,relatime shared:16 - cgroup "
		"cgroup rw,memory\n",
		"12:memory:/user.slice\n4:cpu,cpuacct:/user.slice\n1:name=systemd:/user.slice/a:b\n0::/"
		"user.slice\n",
		CGROUP_MODE_HYBRID,
		"memory=/sys/fs/cgroup/memory cpu,cpuacct=/sys/fs/cgroup/cpu,cpuacct "
		"name=systemd=/sys/fs/cgroup/systemd "
		"=/sys/fs/cgroup/unified ",
	},
	{
		"pure v1: the v2 line is always there, its mount is not; controllers are listed in any order",
		"33 30 0:31 / /sys/fs/cgroup/cpuacct,cpu rw,relatime - cgroup cgroup rw,cpuacct,cpu\n"
		"34 30 0:32 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset,clone_children\n",
		"5:cpu,cpuacct:/\n3:cpuset:/\n0::/\n",
		CGROUP_MODE_V1,
		"cpu,cpuacct=/sys/fs/cgroup/cpuacct,cpu cpuset=/sys/fs/cgroup/cpuset ",
	},
	{
		"v1 in a container without a cgroup namespace: the mounts' roots are its own group",
		"700 699 0:32 /docker/5e1f /sys/fs/cgroup/memory ro,nosuid,nodev,noexec,relatime master:16 - "
		"cgroup cgroup rw,memory\n"
		"701 699 0:33 /docker/5e1f /sys/fs/cgroup/pids ro,nosuid,nodev,noexec,relatime master:17 - "
		"cgroup cgroup rw,pids\n",
		"9:pids:/docker/5e1f\n8:memory:/docker/5e1f\n",
		CGROUP_MODE_V1,
		"pids=/sys/fs/cgroup/pids memory=/sys/fs/cgroup/memory ",
	},
	{
		"v2 in a container: the namespace's root",
		"700 699 0:32 / /sys/fs/cgroup ro,nosuid,nodev,noexec,relatime - cgroup2 cgroup "
		"rw,nsdelegate\n",
		"0::/\n",
		CGROUP_MODE_V2,
		"=/sys/fs/cgroup ",
	},
	{
		"other containers' bind mounts are not taken, wherever they stand",
		"90 22 0:32 /docker/other /var/lib/x/sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		"91 22 0:32 / /mnt/memory rw - cgroup cgroup rw,memory\n"
		"92 30 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
		"93 22 0:32 / /mnt/again rw - cgroup cgroup rw,memory\n",
		"8:memory:/docker/5e1f\n",
		CGROUP_MODE_V1,
		"memory=/sys/fs/cgroup/memory ",
	},
	{
		"elsewhere than below /sys/fs/cgroup, with a space in the name, seen from below",
		"91 22 0:32 /.. /mnt/my\\040groups rw - cgroup2 none rw\n",
		"0::/\n",
		CGROUP_MODE_V2,
		"=/mnt/my groups ",
	},
	{
		"one mount over another: the one below is gone",
		"31 30 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
		"32 31 0:29 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpuset\n",
		"2:cpuset:/\n1:cpu:/\n",
		CGROUP_MODE_V1,
		"cpuset=/sys/fs/cgroup/cpu ",
	},
	{
		"names that begin alike are different controllers",
		"31 30 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n",
		"2:cpuset:/\n1:cpu:/\n",
		CGROUP_MODE_V1,
		"cpuset=/sys/fs/cgroup/cpuset ",
	},
	{
		"no cgroups, and lines that are broken",
		ROOT_FS "33 30 - cgroup\n - cgroup2 \n31 30 0:28 / /x rw shared:1 - cgroup\nx",
		"0::/\nx\n:\n",
		CGROUP_MODE_NONE,
		"",
	},
};

static void test_layouts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_cgroup_layout_ struct cgroup_layout l = {0};
		_cleanup_buf_ struct buf got = {0};
		_cleanup_free_ char *text = NULL;

		cgroup_layout_parse(cases[i].mountinfo, cases[i].self_cgroup, &l);
		for (size_t k = 0; k < l.n_mounts; k++)
			buf_printf(&got, "%s=%s ", l.mounts[k].controllers, l.mounts[k].mount_point);
		text = buf_take(&got);
		if (strcmp(text, cases[i].wanted) != 0 || l.mode != cases[i].mode)
			fail_msg("%s: mode %d, \"%s\"", cases[i].name, l.mode, text);
	}
}

static void test_this_machine(void **state)
{
	_cleanup_cgroup_layout_ struct cgroup_layout l = {0};
	struct error err;

	(void)state;
	assert_int_equal(cgroup_layout_load(&l, &err), 0);
	for (size_t i = 0; i < l.n_mounts; i++)
		assert_int_equal(l.mounts[i].mount_point[0], '/');
}

static void test_lists(void **state)
{
	(void)state;
	assert_true(cgroup_list_has("cpu,cpuacct", "cpu"));
	assert_true(cgroup_list_has("cpu,cpuacct", "cpuacct"));
	assert_false(cgroup_list_has("cpuset,cpuacct", "cpu"));
	assert_false(cgroup_list_has("", "cpu"));
}

static void test_managers(void **state)
{
	struct error err;

	(void)state;
	for (int m = 0; m < _CGROUP_MANAGER_MAX; m++)
		assert_int_equal(cgroup_manager_from_string(cgroup_manager_to_string(m), &err), m);
	assert_true(cgroup_manager_from_string("elogind", &err) < 0);
	assert_string_equal(err.msg, "\"elogind\" is not a cgroup manager (cgroupfs, systemd, disabled)");
}

static void test_strings(void **state)
{
	char *good[] = {(char *)"cpu,cpuacct:2:/nowhere/hvrun/a", (char *)":0:/nowhere/with:colon", NULL};
	static const char *const bad[] = {
		"", "memory", "memory:2", "memory:x:/a", "memory:1:relative", "memory:-1:/a"};
	_cleanup_cgroup_ struct cgroup *cg = NULL;
	_cleanup_strv_ char **again = NULL;
	const struct cgroup_hierarchy *h;
	struct error err;

	(void)state;
	assert_int_equal(cgroup_from_strings(good, 2, &cg, &err), 0);
	assert_int_equal(cgroup_hierarchies(cg, &h), 2);
	assert_string_equal(h[0].controllers, "cpu,cpuacct");
	assert_int_equal(h[0].made, 2);
	assert_int_equal(h[0].dirfd, -1);
	assert_string_equal(h[1].dir, "/nowhere/with:colon");
	assert_int_equal(cgroup_mode(cg), CGROUP_MODE_HYBRID);
	assert_int_equal(cgroup_clone_fd(cg), -1);
	again = cgroup_to_strings(cg);
	assert_string_equal(again[0], good[0]);
	assert_string_equal(again[1], good[1]);
	/* groups that are gone are empty, thawed, killed and removed */
	pid_t *pids = NULL;
	size_t n = 1;
	bool frozen = true;

	assert_int_equal(cgroup_pids(cg, &pids, &n, &err), 0);
	assert_int_equal(n, 0);
	free(pids);
	assert_int_equal(cgroup_frozen(cg, &frozen, &err), 0);
	assert_false(frozen);
	assert_int_equal(cgroup_signal(cg, 9, &err), 0);
	assert_int_equal(cgroup_remove(cg, 0, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char *v[] = {(char *)bad[i], NULL};
		struct cgroup *none = NULL;

		assert_true(cgroup_from_strings(v, 1, &none, &err) < 0);
		assert_null(none);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts), cmocka_unit_test(test_this_machine),
		cmocka_unit_test(test_lists),   cmocka_unit_test(test_managers),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
