/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* container/settings.h: defaults, every key, every kind of wrong value. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/macros.h"
#include "base/mem.h"
#include "container/install.h"
#include "container/runtime_type.h"
#include "container/settings.h"
#include "linux/cgroup/cgroup.h"

static char path[64];

static int setup(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/hvrun-test-settings.XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static int load(const char *json, struct settings **ret, struct error *err)
{
	assert_int_equal(file_replace_at(AT_FDCWD, path, json, strlen(json), 0600), 0);
	return settings_load(path, ret, err);
}

static void test_defaults(void **state)
{
	_cleanup_settings_ struct settings *s = NULL;
	struct error err;

	(void)state;
	assert_int_equal(load("{}", &s, &err), 0);
	assert_int_equal(s->runtime_type, -1);
	assert_false(s->allow_annotation_default);
	assert_int_equal(s->cgroup_manager, CGROUP_MANAGER_CGROUPFS);
	assert_string_equal(s->hyperv.accel, "kvm");
	assert_string_equal(s->hyperv.vmm, "qemu");
	assert_null(s->hyperv.vmm_path);
	assert_string_equal(s->hyperv.share_type, "9p");
	assert_null(s->hyperv.virtiofsd_path);
	assert_null(s->hyperv.debug_shells);
	assert_int_equal(s->hyperv.virtiofs_timeout, 0);
	assert_true(s->hyperv.memory >= 96 << 20);
	assert_true(s->hyperv.vcpus >= 1);
	assert_int_equal(s->hyperv.spare_disks, 4);
	assert_int_equal(s->hyperv.spare_readonly_disks, 2);
	assert_true(s->hyperv.boot_timeout >= 10);
	assert_int_equal(s->hyperv.worker[0], '/');
	assert_int_equal(s->hyperv.kernel[0], '/');
	assert_int_equal(s->hyperv.initrd[0], '/');
}

static void test_all_keys(void **state)
{
	_cleanup_settings_ struct settings *s = NULL;
	struct error err;

	(void)state;
	assert_int_equal(
		load("/* the operator's word */ {\n"
		     "  // comments are allowed\n"
		     "  \"runtime_type\": \"hyperv\", \"allow_annotation_default\": true, "
		     "\"cgroup_manager\": \"disabled\", \"allowed_systemd_properties\": [\"A*\"],\n"
		     "  \"hyperv\": {\"accel\": \"tcg\", \"vmm\": \"qemu\", \"vmm_path\": \"/q\", \"vmm_files\": [\"/a\", \"/b\"], "
		     "\"worker\": \"/w\", \"kernel\": \"/k\",\n"
		     "    \"initrd\": \"/i\", \"machine\": \"m\", \"memory\": \"2G\", \"vcpus\": 4, \"boot_timeout\": 5, \"spare_links\": 3, \"spare_disks\": 8, \"spare_readonly_disks\": 0, \"join_network\": true, \"apparmor_dir\": \"/p\", \"virtiofs_timeout\": 7, "
		     "\"share_type\": \"virtiofs\", \"virtiofsd_path\": \"/v\", \"debug_shell\": [\"/s\", \"/t\"]}}",
		     &s, &err),
		0);
	assert_int_equal(s->runtime_type, RUNTIME_TYPE_HYPERV);
	assert_true(s->allow_annotation_default);
	assert_int_equal(s->cgroup_manager, CGROUP_MANAGER_DISABLED);
	assert_string_equal(s->allowed_systemd_properties[0], "A*");
	assert_null(s->allowed_systemd_properties[1]);
	assert_string_equal(s->hyperv.accel, "tcg");
	assert_string_equal(s->hyperv.vmm_path, "/q");
	assert_int_equal(s->hyperv.n_vmm_files, 2);
	assert_string_equal(s->hyperv.vmm_files[1], "/b");
	assert_string_equal(s->hyperv.worker, "/w");
	assert_string_equal(s->hyperv.kernel, "/k");
	assert_string_equal(s->hyperv.initrd, "/i");
	assert_true(s->hyperv.memory == 2ULL << 30);
	assert_int_equal(s->hyperv.vcpus, 4);
	assert_int_equal(s->hyperv.boot_timeout, 5);
	assert_int_equal(s->hyperv.spare_links, 3);
	assert_true(s->hyperv.join_network);
	assert_string_equal(s->hyperv.apparmor_dir, "/p");
	assert_int_equal(s->hyperv.spare_disks, 8);
	assert_int_equal(s->hyperv.spare_readonly_disks, 0);
	assert_string_equal(s->hyperv.share_type, "virtiofs");
	assert_int_equal(s->hyperv.virtiofs_timeout, 7);
	assert_string_equal(s->hyperv.virtiofsd_path, "/v");
	assert_string_equal(s->hyperv.debug_shells[1], "/t");
	assert_null(s->hyperv.debug_shells[2]);
	assert_string_equal(s->path, path);
	assert_int_equal(s->hyperv.n_guests, 1);
	assert_string_equal(s->hyperv.guests[0].machine, "m");
}

static void test_guests(void **state)
{
	_cleanup_settings_ struct settings *s = NULL;
	const struct settings_guest *g;
	struct error err;

	(void)state;
	assert_int_equal(load("{\"hyperv\": {\"kernel\": \"/k\", \"vmm_path\": \"/q\", \"guests\": ["
			      "{\"name\": \"lts\", \"kernel\": \"/l\", \"initrd\": \"/li\"},"
			      "{\"name\": \"arm64\", \"architecture\": \"arm64\", \"kernel\": \"/a\", \"initrd\": \"/ai\","
			      " \"parameters\": [\"x\"], \"release\": \"6.1.0-13\", \"features\": [\"f\"], \"machine\": \"virt\","
			      " \"accel\": \"tcg\", \"vmm_path\": \"/qa\"}]}}",
			      &s, &err),
			 0);
	assert_int_equal(s->hyperv.n_guests, 3);
	g = s->hyperv.guests;
	assert_string_equal(g[0].name, SETTINGS_USUAL_GUEST);
	assert_string_equal(g[0].kernel, "/k");
	assert_string_equal(g[0].initrd, s->hyperv.initrd);
	assert_string_equal(g[0].vmm_path, "/q");
	assert_string_equal(g[1].architecture, g[0].architecture);
	assert_string_equal(g[1].accel, "kvm");
	assert_null(g[1].vmm_path);
	assert_string_equal(g[2].architecture, "arm64");
	assert_string_equal(g[2].parameters[0], "x");
	assert_string_equal(g[2].release, "6.1.0-13");
	assert_string_equal(g[2].features[0], "f");
	assert_string_equal(g[2].machine, "virt");
	assert_string_equal(g[2].accel, "tcg");
	assert_string_equal(g[2].vmm_path, "/qa");
	settings_set_accel(s, "tcg");
	assert_string_equal(s->hyperv.accel, "tcg");
	assert_string_equal(g[1].accel, "tcg");
}

static void test_wrong(void **state)
{
	static const struct {
		const char *json, *message; /* the end of it */
	} cases[] = {
		{ "{\"runtime_type\": \"Hyper-V\"}",
		  "runtime_type: \"Hyper-V\" is not a runtime type (Default, HyperV, Auto)" },
		{ "{\"cgroup_manager\": \"x\"}", "cgroup_manager: " },
		{ "{\"hyperv\": {\"accel\": \"xen\"}}",
		  "hyperv.accel: \"xen\" is not a valid value (kvm, tcg)" },
		{ "{\"hyperv\": {\"share_type\": \"smb\"}}",
		  "hyperv.share_type: \"smb\" is not a valid value (9p, virtiofs)" },
		{ "{\"hyperv\": {\"memory\": \"lots\"}}",
		  "hyperv.memory: \"lots\" is not a size (\"512M\", \"2G\")" },
		{ "{\"hyperv\": {\"memory\": \"0\"}}",
		  "hyperv.memory: \"0\" is not a size (\"512M\", \"2G\")" },
		{ "{\"hyperv\": {\"vcpus\": 0}}", "hyperv.vcpus: " },
		{ "{\"hyperv\": {\"spare_links\": 9}}", "hyperv.spare_links: " },
		{ "{\"hyperv\": {\"spare_disks\": 9}}", "hyperv.spare_disks: " },
		{ "{\"hyperv\": {\"spare_readonly_disks\": -1}}", "hyperv.spare_readonly_disks: " },
		{ "{\"hyperv\": {\"kernel\": \"k\"}}", "hyperv.kernel: " },
		{ "{\"hyperv\": {\"kernal\": \"/k\"}}", "hyperv: " },
		{ "{\"runtime_tpye\": \"HyperV\"}", "runtime_tpye" },
		{ "{\"allow_annotation_default\": \"yes\"}", "allow_annotation_default: " },
		{ "{\"hyperv\": {\"guests\": [{\"name\": \"default\", \"kernel\": \"/k\", \"initrd\": \"/i\"}]}}",
		  "hyperv.guests[0].name: \"default\" is used already (by hyperv.kernel)" },
		{ "{\"hyperv\": {\"guests\": [{\"name\": \"a\", \"kernel\": \"/k\", \"initrd\": \"/i\"}, {\"name\": \"a\", \"kernel\": \"/k\", \"initrd\": \"/i\"}]}}",
		  "hyperv.guests[1].name: \"a\" is used already" },
		{ "{\"hyperv\": {\"guests\": [{\"name\": \"a b\", \"kernel\": \"/k\", \"initrd\": \"/i\"}]}}", "hyperv.guests[0].name: \"a b\" is not a name" },
		{ "{\"hyperv\": {\"guests\": [{\"name\": \"a\", \"kernel\": \"/k\", \"initrd\": \"/i\", \"accel\": \"xen\"}]}}",
		  "hyperv.guests[0].accel: \"xen\" is not a valid value (kvm, tcg)" },
		{ "{\"hyperv\": {\"guests\": [{\"name\": \"a\", \"kernel\": \"/k\", \"initrd\": \"/i\", \"machine\": \"q35,accel=tcg\"}]}}",
		  "hyperv.guests[0].machine: \"q35,accel=tcg\" is not the name of a machine" },
		{ "{\"hyperv\": {\"guests\": [{\"name\": \"a\", \"kernel\": \"/k\", \"initrd\": \"/i\", \"release\": \"new\"}]}}",
		  "hyperv.guests[0].release: \"new\" is not a version of the kernel" },
		{ "{\"hyperv\": {\"guests\": [{\"name\": \"a\", \"kernel\": \"/k\"}]}}", "hyperv.guests[0]: missing \"initrd\"" },
		{ "{\"hyperv\": {\"allowed_kernels\": [\"boot\"]}}", "hyperv.allowed_kernels[0]: \"boot\" is not an absolute path" },
		{ "{\"hyperv\": {\"debug_shell\": [\"sh\"]}}", "hyperv.debug_shell[0]: \"sh\" is not an absolute path" },
		{ "{\"hyperv\": {\"debug_shell\": true}}", "hyperv.debug_shell: " },
		{ "[]", ": " },
		{ "{", ": " },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *prefix = xasprintf("configuration file %s: ", path);
		struct settings *s = NULL;
		struct error err = { 0 };

		assert_true(load(cases[i].json, &s, &err) < 0);
		assert_null(s);
		assert_memory_equal(err.msg, prefix, strlen(prefix));
		if (!strstr(err.msg, cases[i].message))
			fail_msg("%s: %s", cases[i].json, err.msg);
	}
}

static void test_missing(void **state)
{
	struct settings *s = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(settings_load("/nonexistent/hvrun.json", &s, &err), -ENOENT);
	assert_string_equal(err.msg,
			    "configuration file /nonexistent/hvrun.json: read: No such file or directory");
	assert_null(s);
}

/*
 * Where a test program runs there may be a worker beside it or not: the paths then come from one place all
 * together.
 */
static void test_install_paths(void **state)
{
	_cleanup_free_ char *worker = install_path(INSTALL_WORKER), *kernel = install_path(INSTALL_KERNEL);
	bool installed = strcmp(worker, HV_LIBEXECDIR "/hvrun-vmwp") == 0;

	(void)state;
	assert_int_equal(worker[0], '/');
	assert_int_equal(strcmp(kernel, HV_DATADIR "/guest/vmlinux") == 0, installed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),      cmocka_unit_test(test_all_keys),
		cmocka_unit_test(test_wrong),         cmocka_unit_test(test_missing),
		cmocka_unit_test(test_install_paths), cmocka_unit_test(test_guests),
	};

	return cmocka_run_group_tests_name("settings", tests, setup, teardown);
}
