/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names and properties for systemd, pure: systemd.scope(5), systemd.slice(5), systemd.resource-control(5),
 * org.freedesktop.systemd1(5). The properties are made from the same writes that go to cgroup files: systemd
 * must know every limit that it can express, or its next daemon-reload sets the file back to what it knows.
 */
#include "linux/cgroup/systemd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/str.h"
#include "linux/dbus_message.h"

enum {
	UNIT_NAME_MAX = 255,
	CPUSET_MAX = 8192, /* CPUs or memory nodes, the kernel's own CONFIG_NR_CPUS limit on x86 */
};

#define USEC_PER_SEC UINT64_C(1000000)

/* Names ------------------------------------------------------------------------------------- */

int systemd_slice_expand(const char *slice, char **ret, struct error *err)
{
	size_t n = strlen(slice);
	struct buf path = { 0 };

	if (n <= strlen(".slice") || !str_has_suffix(slice, ".slice") || strchr(slice, '/'))
		return error_set(err, EINVAL,
				 "linux.cgroupsPath: \"%s\" is not the name of a slice (\"a-b.slice\")",
				 slice);
	if (str_eq(slice, "-.slice")) {
		*ret = xstrdup("/");
		return 0;
	}
	n -= strlen(".slice");
	for (size_t i = 0; i < n; i++)
		if (slice[i] == '-' && (i == 0 || i + 1 == n || slice[i + 1] == '-'))
			return error_set(err, EINVAL,
					 "linux.cgroupsPath: slice \"%s\" has an empty part between dashes",
					 slice);
	for (size_t i = 1; i <= n; i++)
		if (i == n || slice[i] == '-')
			buf_printf(&path, "/%.*s.slice", (int)i, slice);
	*ret = buf_take(&path);
	return 0;
}

/* systemd.unit(5): digits, letters and these; everything else as \xNN. */
static char *escape(const char *s)
{
	struct buf b = { 0 };

	for (; *s; s++) {
		if ((*s >= '0' && *s <= '9') || (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') ||
		    strchr(":-_.", *s))
			buf_append(&b, s, 1);
		else
			buf_printf(&b, "\\x%02x", (unsigned char)*s);
	}
	return buf_take(&b);
}

void systemd_unit_done(struct systemd_unit *u)
{
	free(u->name);
	free(u->slice);
	free(u->path);
	*u = (struct systemd_unit){ 0 };
}

static int unit_of_slice(struct systemd_unit *u, const char *name, struct error *err)
{
	int r = systemd_slice_expand(name, &u->path, err);

	if (r < 0)
		return r;
	if (str_eq(u->path, "/"))
		return error_set(err, EINVAL,
				 "linux.cgroupsPath: the root slice is not a group of the container's own");
	u->name = xstrdup(name);
	u->is_slice = true;
	return 0;
}

static int unit_of_scope(struct systemd_unit *u, const char *prefix, const char *name, struct error *err)
{
	_cleanup_free_ char *in = NULL, *plain = NULL, *escaped = NULL;
	int r = systemd_slice_expand(u->slice, &in, err);

	if (r < 0)
		return r;
	plain = xasprintf("%s%s%s", prefix, *prefix ? "-" : "", name);
	escaped = escape(plain);
	u->name = xasprintf("%s.scope", escaped);
	if (strlen(u->name) > UNIT_NAME_MAX)
		return error_set(err, ENAMETOOLONG,
				 "linux.cgroupsPath: the unit's name \"%s\" has more than %d bytes", u->name,
				 UNIT_NAME_MAX);
	u->path = path_join(in, u->name);
	return 0;
}

int systemd_unit_parse(const char *cgroups_path, const char *id, bool rootless, struct systemd_unit *ret,
		       struct error *err)
{
	_cleanup_systemd_unit_ struct systemd_unit u = { 0 };
	_cleanup_free_ char *own = xasprintf(":hvrun:%s", id);
	_cleanup_strv_ char **parts = str_split(str_is_empty(cgroups_path) ? own : cgroups_path, ':');
	int r;

	if (strv_length(parts) != 3)
		return error_set(err, EINVAL,
				 "linux.cgroupsPath: expected \"slice:prefix:name\" for the systemd cgroup "
				 "manager, got \"%s\"",
				 cgroups_path);
	if (str_is_empty(parts[2]))
		return error_set(err, EINVAL, "linux.cgroupsPath: \"%s\" has no name after the second colon",
				 cgroups_path);
	u.slice = xstrdup(*parts[0] ? parts[0] : rootless ? "user.slice" : "system.slice");
	if (str_has_suffix(parts[2], ".slice"))
		r = unit_of_slice(&u, parts[2], err);
	else
		r = unit_of_scope(&u, parts[1], parts[2], err);
	if (r < 0)
		return r;
	*ret = u;
	u = (struct systemd_unit){ 0 };
	return 0;
}

unsigned systemd_version_parse(const char *s)
{
	uint64_t v;

	return num_scan_u64(s + (*s == 'v'), &v) && v < UINT32_MAX ? (unsigned)v : 0;
}

/* Properties -------------------------------------------------------------------------------- */

static void put_name(struct buf *b, const char *name, const char *type)
{
	dbus_put_struct(b);
	dbus_put_string(b, name);
	dbus_put_signature(b, type);
}

void systemd_put_string(struct buf *b, const char *name, const char *value)
{
	put_name(b, name, "s");
	dbus_put_string(b, value);
}

void systemd_put_bool(struct buf *b, const char *name, bool value)
{
	put_name(b, name, "b");
	dbus_put_bool(b, value);
}

void systemd_put_u64(struct buf *b, const char *name, uint64_t value)
{
	put_name(b, name, "t");
	dbus_put_u64(b, value);
}

struct limits {
	struct buf *b;
	const struct cgroup_writes *writes;
	unsigned version;
};

/* One cgroup file and the property that keeps it. A value that put cannot read is nothing to tell systemd. */
struct property {
	enum cgroup_version cgroup;
	const char *file, *name;
	unsigned since; /* systemd's version */
	void (*put)(const struct limits *l, const struct property *p, const char *value);
};

/* A number, "max" or "-1": systemd's infinity is the largest number. */
static void put_limit(const struct limits *l, const struct property *p, const char *value)
{
	uint64_t v = UINT64_MAX;

	if (str_eq(value, "max") || str_eq(value, "-1") || num_parse_u64(value, &v) == 0)
		systemd_put_u64(l->b, p->name, v);
}

/* systemd knows no limit of 0 tasks; the file has it, and 1 is as near as a daemon-reload can set it back. */
static void put_tasks(const struct limits *l, const struct property *p, const char *value)
{
	put_limit(l, p, str_eq(value, "0") ? "1" : value);
}

/* "default 100" or "100", as io.weight takes both. */
static void put_weight(const struct limits *l, const struct property *p, const char *value)
{
	const char *number = str_skip_prefix(value, "default ");

	put_limit(l, p, number ? number : value);
}

/* An idle group is one of weight 0. */
static void put_idle(const struct limits *l, const struct property *p, const char *value)
{
	if (str_eq(value, "1"))
		systemd_put_u64(l->b, p->name, 0);
}

/* systemd counts in hundredths of a CPU and rounds up: so that what it sets is never less. */
static void put_quota(const struct limits *l, uint64_t quota, uint64_t period)
{
	const uint64_t step = USEC_PER_SEC / 100;
	uint64_t per_sec = UINT64_MAX;

	if (quota != UINT64_MAX && period > 0 && quota <= UINT64_MAX / USEC_PER_SEC)
		per_sec = (quota * USEC_PER_SEC / period + step - 1) / step * step;
	systemd_put_u64(l->b, "CPUQuotaPerSecUSec", per_sec);
	if (l->version >= 242)
		systemd_put_u64(l->b, "CPUQuotaPeriodUSec", period);
}

/* "QUOTA PERIOD" or "max PERIOD" */
static void put_cpu_max(const struct limits *l, const struct property *p _unused_, const char *value)
{
	const char *text = str_skip_prefix(value, "max");
	uint64_t quota = UINT64_MAX, period = 100000;

	if (!text)
		text = num_scan_u64(value, &quota);
	if (text && *text == ' ')
		text = num_scan_u64(text + 1, &period);
	if (text && !*text)
		put_quota(l, quota, period);
}

static const char *value_of(const struct cgroup_writes *writes, const char *file)
{
	for (size_t i = 0; i < writes->n; i++)
		if (str_eq(writes->w[i].file, file))
			return writes->w[i].value;
	return NULL;
}

/* v1 has the period in a file of its own. */
static void put_cfs_quota(const struct limits *l, const struct property *p _unused_, const char *value)
{
	const char *period_text = value_of(l->writes, "cpu.cfs_period_us");
	uint64_t quota = UINT64_MAX, period = 100000;

	if (period_text && num_parse_u64(period_text, &period) < 0)
		return;
	if (str_eq(value, "-1") || num_parse_u64(value, &quota) == 0)
		put_quota(l, quota, period);
}

/* "0-3,8" as a bit for each, lowest first. */
static void put_set(const struct limits *l, const struct property *p, const char *value)
{
	_cleanup_free_ char *bits = xcalloc(1, CPUSET_MAX / 8);
	size_t mark, used = 0;

	for (const char *s = value; s; s = *s == ',' ? s + 1 : NULL) {
		uint64_t first, last;

		s = num_scan_u64(s, &first);
		last = first;
		if (s && *s == '-')
			s = num_scan_u64(s + 1, &last);
		if (!s || (*s && *s != ',') || last >= CPUSET_MAX || first > last)
			return;
		for (uint64_t i = first; i <= last; i++)
			bits[i / 8] |= (char)(1 << (i % 8));
		used = MAX(used, (size_t)last / 8 + 1);
	}
	put_name(l->b, p->name, "ay");
	mark = dbus_begin_array(l->b, 1);
	buf_append(l->b, bits, used);
	dbus_end_array(l->b, mark, 1);
}

static const struct property properties[] = {
	{ CGROUP_V2, "memory.max", "MemoryMax", 0, put_limit },
	{ CGROUP_V2, "memory.low", "MemoryLow", 0, put_limit },
	{ CGROUP_V2, "memory.high", "MemoryHigh", 0, put_limit },
	{ CGROUP_V2, "memory.min", "MemoryMin", 240, put_limit },
	{ CGROUP_V2, "memory.swap.max", "MemorySwapMax", 0, put_limit },
	{ CGROUP_V2, "cpu.weight", "CPUWeight", 0, put_limit },
	{ CGROUP_V2, "cpu.idle", "CPUWeight", 252, put_idle },
	{ CGROUP_V2, "cpu.max", "CPUQuotaPerSecUSec", 0, put_cpu_max },
	{ CGROUP_V2, "cpuset.cpus", "AllowedCPUs", 244, put_set },
	{ CGROUP_V2, "cpuset.mems", "AllowedMemoryNodes", 244, put_set },
	{ CGROUP_V2, "io.weight", "IOWeight", 0, put_weight },
	{ CGROUP_V2, "pids.max", "TasksMax", 0, put_tasks },
	{ CGROUP_V1, "memory.limit_in_bytes", "MemoryLimit", 0, put_limit },
	{ CGROUP_V1, "cpu.shares", "CPUShares", 0, put_limit },
	{ CGROUP_V1, "cpu.cfs_quota_us", "CPUQuotaPerSecUSec", 0, put_cfs_quota },
	{ CGROUP_V1, "blkio.weight", "BlockIOWeight", 0, put_limit },
	{ CGROUP_V1, "pids.max", "TasksMax", 0, put_tasks },
};

void systemd_put_limits(struct buf *b, const struct cgroup_writes *writes, unsigned version)
{
	const struct limits l = { .b = b, .writes = writes, .version = version };

	for (size_t i = 0; i < writes->n; i++)
		for (size_t j = 0; j < ARRAY_SIZE(properties); j++) {
			const struct property *p = &properties[j];

			if (p->cgroup == writes->w[i].version && version >= p->since &&
			    str_eq(p->file, writes->w[i].file))
				p->put(&l, p, writes->w[i].value);
		}
}

/* Devices ----------------------------------------------------------------------------------- */

/* systemd has no word for one minor number of every major. */
static bool can_say(const struct device_rule *rules, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].allow && (rules[i].type == 'a' || (rules[i].major < 0 && rules[i].minor >= 0)))
			return false;
	return true;
}

static void put_device(struct buf *b, const struct device_rule *rule)
{
	const char *kind = rule->type == 'b' ? "block" : "char";
	_cleanup_free_ char *node = NULL;
	char access[4];
	size_t n = 0;

	if (rule->major < 0)
		node = xasprintf("%s-*", kind);
	else if (rule->minor < 0)
		node = xasprintf("%s-%lld", kind, (long long)rule->major);
	else
		node = xasprintf("/dev/%s/%lld:%lld", kind, (long long)rule->major, (long long)rule->minor);
	if (rule->access & BPF_DEVCG_ACC_READ)
		access[n++] = 'r';
	if (rule->access & BPF_DEVCG_ACC_WRITE)
		access[n++] = 'w';
	if (rule->access & BPF_DEVCG_ACC_MKNOD)
		access[n++] = 'm';
	access[n] = '\0';
	dbus_put_struct(b);
	dbus_put_string(b, node);
	dbus_put_string(b, access);
}

void systemd_put_devices(struct buf *b, const struct device_rule *rules, size_t n)
{
	size_t mark;

	if (device_rules_allow_all(rules, n) || !can_say(rules, n)) {
		systemd_put_string(b, "DevicePolicy", "auto");
		return;
	}
	systemd_put_string(b, "DevicePolicy", "strict");
	put_name(b, "DeviceAllow", "a(ss)");
	mark = dbus_begin_array(b, 8);
	for (size_t i = 0; i < n; i++)
		if (rules[i].allow)
			put_device(b, &rules[i]);
	dbus_end_array(b, mark, 8);
}
