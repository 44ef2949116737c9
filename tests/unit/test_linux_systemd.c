/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What systemd is told: units' names from cgroupsPath, limits and devices as properties. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/cgroup/systemd.h"
#include "linux/dbus_message.h"

/* Names ------------------------------------------------------------------------------------- */

static const struct {
	const char *path;
	bool rootless;
	const char *name, *slice, *group; /* name NULL: refused, and the message has slice in it */
} units[] = {
	{ NULL, false, "hvrun-web.scope", "system.slice", "/system.slice/hvrun-web.scope" },
	{ "", false, "hvrun-web.scope", "system.slice", "/system.slice/hvrun-web.scope" },
	{ NULL, true, "hvrun-web.scope", "user.slice", "/user.slice/hvrun-web.scope" },
	{ ":cri:x", false, "cri-x.scope", "system.slice", "/system.slice/cri-x.scope" },
	{ "kubepods-besteffort-pod1.slice:cri:x", false, "cri-x.scope", "kubepods-besteffort-pod1.slice",
	  "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1.slice/cri-x.scope" },
	{ "-.slice:cri:x", false, "cri-x.scope", "-.slice", "/cri-x.scope" },
	{ "a.slice::x", false, "x.scope", "a.slice", "/a.slice/x.scope" },
	{ "a.slice:p:x+y/z", false, "p-x\\x2by\\x2fz.scope", "a.slice", "/a.slice/p-x\\x2by\\x2fz.scope" },
	{ ":ignored:pod-a.slice", false, "pod-a.slice", "system.slice", "/pod.slice/pod-a.slice" },
	{ "/a/b", false, NULL, "slice:prefix:name", NULL },
	{ "a.slice:b", false, NULL, "slice:prefix:name", NULL },
	{ "a.slice:b:c:d", false, NULL, "slice:prefix:name", NULL },
	{ "a.slice:b:", false, NULL, "no name", NULL },
	{ "a:b:c", false, NULL, "not the name of a slice", NULL },
	{ ".slice:b:c", false, NULL, "not the name of a slice", NULL },
	{ "a/b.slice:b:c", false, NULL, "not the name of a slice", NULL },
	{ "../b.slice:b:c", false, NULL, "not the name of a slice", NULL },
	{ "a--b.slice:b:c", false, NULL, "empty part", NULL },
	{ "-a.slice:b:c", false, NULL, "empty part", NULL },
	{ "a-.slice:b:c", false, NULL, "empty part", NULL },
	{ "::-.slice", false, NULL, "root slice", NULL },
};

static void test_units(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		_cleanup_systemd_unit_ struct systemd_unit u = { 0 };
		struct error err = { 0 };
		int r = systemd_unit_parse(units[i].path, "web", units[i].rootless, &u, &err);

		print_message("# %s\n", units[i].path ? units[i].path : "NULL");
		if (!units[i].name) {
			assert_int_equal(r, -EINVAL);
			assert_non_null(strstr(err.msg, units[i].slice));
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(u.name, units[i].name);
		assert_string_equal(u.slice, units[i].slice);
		assert_string_equal(u.path, units[i].group);
		assert_int_equal(u.is_slice, str_has_suffix(units[i].name, ".slice"));
	}
}

static void test_long_name(void **state _unused_)
{
	struct systemd_unit u;
	char id[300] = { 0 };
	struct error err;

	memset(id, 'x', sizeof(id) - 1);
	assert_int_equal(systemd_unit_parse(NULL, id, false, &u, &err), -ENAMETOOLONG);
}

static void test_version(void **state _unused_)
{
	assert_int_equal(systemd_version_parse("252.39-1~deb12u2"), 252);
	assert_int_equal(systemd_version_parse("v256"), 256);
	assert_int_equal(systemd_version_parse("unknown"), 0);
	assert_int_equal(systemd_version_parse(""), 0);
}

/* Properties -------------------------------------------------------------------------------- */

static uint64_t get_u64(struct dbus_reader *r)
{
	uint64_t v;

	r->pos = (r->pos + 7) / 8 * 8;
	assert_true(r->len - r->pos >= sizeof(v));
	memcpy(&v, r->data + r->pos, sizeof(v));
	r->pos += sizeof(v);
	return v;
}

static void print_array(struct dbus_reader *r, const char *type, struct buf *out)
{
	uint32_t n = dbus_get_u32(r);
	size_t end;

	if (str_eq(type, "ay")) {
		for (uint32_t i = 0; i < n; i++)
			buf_printf(out, "%02x", dbus_get_byte(r));
		return;
	}
	assert_string_equal(type, "a(ss)");
	r->pos = (r->pos + 7) / 8 * 8;
	for (end = r->pos + n; r->pos < end;
	     r->pos = (r->pos + 7) / 8 * 8 < end ? (r->pos + 7) / 8 * 8 : r->pos) {
		buf_printf(out, "%s", dbus_get_string(r));
		buf_printf(out, "(%s) ", dbus_get_string(r));
	}
}

/* The elements of an a(sv), "Name=value;" each. */
static char *text_of(const struct buf *b)
{
	struct dbus_reader r = { .data = b->data, .len = b->len };
	struct buf out = { 0 };

	while (r.pos < r.len) {
		const char *name, *type;

		r.pos = (r.pos + 7) / 8 * 8;
		name = dbus_get_string(&r);
		type = dbus_get_signature(&r);
		assert_non_null(type);
		buf_printf(&out, "%s=", name);
		if (str_eq(type, "t"))
			buf_printf(&out, "%" PRIu64, get_u64(&r));
		else if (str_eq(type, "b"))
			buf_printf(&out, "%s", dbus_get_u32(&r) ? "yes" : "no");
		else if (str_eq(type, "s"))
			buf_append_str(&out, dbus_get_string(&r));
		else
			print_array(&r, type, &out);
		buf_append_str(&out, ";");
		assert_false(r.bad);
	}
	return buf_take(&out);
}

#define INFINITE "18446744073709551615"

static const struct {
	enum cgroup_version cgroup;
	const char *file, *value;
	unsigned version;
	const char *wanted;
} limits[] = {
	{ CGROUP_V2, "memory.max", "1048576", 0, "MemoryMax=1048576;" },
	{ CGROUP_V2, "memory.max", "max", 0, "MemoryMax=" INFINITE ";" },
	{ CGROUP_V2, "memory.min", "4096", 239, "" },
	{ CGROUP_V2, "memory.min", "4096", 240, "MemoryMin=4096;" },
	{ CGROUP_V2, "memory.swap.max", "0", 0, "MemorySwapMax=0;" },
	{ CGROUP_V2, "pids.max", "0", 0, "TasksMax=1;" },
	{ CGROUP_V2, "pids.max", "20", 0, "TasksMax=20;" },
	{ CGROUP_V2, "cpu.weight", "79", 0, "CPUWeight=79;" },
	{ CGROUP_V2, "cpu.idle", "1", 252, "CPUWeight=0;" },
	{ CGROUP_V2, "cpu.idle", "1", 251, "" },
	{ CGROUP_V2, "cpu.idle", "0", 252, "" },
	{ CGROUP_V2, "cpu.max", "50000 100000", 252, "CPUQuotaPerSecUSec=500000;CPUQuotaPeriodUSec=100000;" },
	{ CGROUP_V2, "cpu.max", "50000 100000", 241, "CPUQuotaPerSecUSec=500000;" },
	{ CGROUP_V2, "cpu.max", "32501 100000", 241, "CPUQuotaPerSecUSec=330000;" },
	{ CGROUP_V2, "cpu.max", "1000 1000000", 241, "CPUQuotaPerSecUSec=10000;" },
	{ CGROUP_V2, "cpu.max", "max 50000", 252,
	  "CPUQuotaPerSecUSec=" INFINITE ";CPUQuotaPeriodUSec=50000;" },
	{ CGROUP_V2, "cpu.max", "12x 50000", 252, "" },
	{ CGROUP_V2, "cpuset.cpus", "0-3,9", 244, "AllowedCPUs=0f02;" },
	{ CGROUP_V2, "cpuset.cpus", "7", 244, "AllowedCPUs=80;" },
	{ CGROUP_V2, "cpuset.cpus", "0", 243, "" },
	{ CGROUP_V2, "cpuset.cpus", "3-1", 244, "" },
	{ CGROUP_V2, "cpuset.cpus", "0-99999999", 244, "" },
	{ CGROUP_V2, "cpuset.mems", "1", 244, "AllowedMemoryNodes=02;" },
	{ CGROUP_V2, "io.weight", "default 500", 0, "IOWeight=500;" },
	{ CGROUP_V2, "io.weight", "8:0 500", 0, "" },
	{ CGROUP_V2, "io.max", "8:0 rbps=1", 252, "" },
	{ CGROUP_V1, "memory.max", "1", 252, "" },
	{ CGROUP_V1, "memory.limit_in_bytes", "-1", 0, "MemoryLimit=" INFINITE ";" },
	{ CGROUP_V1, "cpu.shares", "512", 0, "CPUShares=512;" },
	{ CGROUP_V1, "cpu.cfs_quota_us", "20000", 0, "CPUQuotaPerSecUSec=200000;" },
	{ CGROUP_V1, "pids.max", "max", 0, "TasksMax=" INFINITE ";" },
};

static void test_limits(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct cgroup_write w = { .version = limits[i].cgroup,
					  .file = (char *)limits[i].file,
					  .value = (char *)limits[i].value };
		const struct cgroup_writes writes = { .w = &w, .n = 1 };
		_cleanup_buf_ struct buf b = { 0 };
		_cleanup_free_ char *text = NULL;

		print_message("# %s %s\n", limits[i].file, limits[i].value);
		systemd_put_limits(&b, &writes, limits[i].version);
		text = text_of(&b);
		assert_string_equal(text, limits[i].wanted);
	}
}

/* v1 says quota and period in two files. */
static void test_v1_period(void **state _unused_)
{
	struct cgroup_write w[] = {
		{ .version = CGROUP_V1, .file = (char *)"cpu.cfs_period_us", .value = (char *)"50000" },
		{ .version = CGROUP_V1, .file = (char *)"cpu.cfs_quota_us", .value = (char *)"50000" },
	};
	const struct cgroup_writes writes = { .w = w, .n = 2 };
	_cleanup_buf_ struct buf b = { 0 };
	_cleanup_free_ char *text = NULL;

	systemd_put_limits(&b, &writes, 252);
	text = text_of(&b);
	assert_string_equal(text, "CPUQuotaPerSecUSec=1000000;CPUQuotaPeriodUSec=50000;");
}

static void check_devices(const struct device_rule *rules, size_t n, const char *wanted)
{
	_cleanup_buf_ struct buf b = { 0 };
	_cleanup_free_ char *text = NULL;

	systemd_put_devices(&b, rules, n);
	text = text_of(&b);
	assert_string_equal(text, wanted);
}

static void test_devices(void **state _unused_)
{
	const struct device_rule rules[] = {
		{ false, 'a', -1, -1, DEVICE_ACCESS_ALL },
		{ true, 'c', 1, 3, DEVICE_ACCESS_ALL },
		{ true, 'c', 136, -1, BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE },
		{ true, 'b', -1, -1, BPF_DEVCG_ACC_MKNOD },
		{ false, 'c', 1, 3, BPF_DEVCG_ACC_WRITE },
	};
	const struct device_rule minor_only[] = {
		{ false, 'a', -1, -1, DEVICE_ACCESS_ALL },
		{ true, 'c', -1, 5, DEVICE_ACCESS_ALL },
	};
	const struct device_rule all = { true, 'a', -1, -1, DEVICE_ACCESS_ALL };

	check_devices(rules, ARRAY_SIZE(rules),
		      "DevicePolicy=strict;DeviceAllow=/dev/char/1:3(rwm) char-136(rw) block-*(m) ;");
	check_devices(rules, 1, "DevicePolicy=strict;DeviceAllow=;");
	check_devices(minor_only, ARRAY_SIZE(minor_only), "DevicePolicy=auto;");
	check_devices(&all, 1, "DevicePolicy=auto;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_units),     cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_version),   cmocka_unit_test(test_limits),
		cmocka_unit_test(test_v1_period), cmocka_unit_test(test_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
