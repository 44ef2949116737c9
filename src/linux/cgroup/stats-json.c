/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a group uses, as the "data" object that runc's "events --stats" prints: member names and units (bytes,
 * nanoseconds) are runc's, for its readers. A file that this kernel or layout does not have leaves its members
 * out. cgroup-v1/{cpuacct,memory,blkio-controller,hugetlb}.rst, cgroup-v2.rst, psi.rst.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "linux/cgroup/internal.h"

enum { TICK_NS = 10000000 }; /* cpuacct.stat counts in USER_HZ, 100 on every architecture */

/* A JSON text under construction: objects opened and closed, commas by themselves. */
struct json {
	struct buf *out;
	bool comma;
};

static void json_name(struct json *j, const char *name)
{
	buf_append_str(j->out, j->comma ? "," : "");
	if (name) {
		buf_append_json(j->out, name);
		buf_append_str(j->out, ":");
	}
	j->comma = true;
}

static void json_open(struct json *j, const char *name, const char *bracket)
{
	json_name(j, name);
	buf_append_str(j->out, bracket);
	j->comma = false;
}

static void json_close(struct json *j, const char *bracket)
{
	buf_append_str(j->out, bracket);
	j->comma = true;
}

static void json_u64(struct json *j, const char *name, uint64_t value)
{
	json_name(j, name);
	buf_printf(j->out, "%" PRIu64, value);
}

/* Where one section is read from. */
struct source {
	const struct cgroup_hierarchy *h;
	enum cgroup_version version;
};

/* A number by itself ("max" is the largest there is, as in runc), or after a key. */
static bool read_value(const struct source *s, const char *file, const char *key, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;

	if (key)
		return cgroup_read_key(s->h->dirfd, file, key, ret) == 0;
	if (file_read_at(s->h->dirfd, file, CGROUP_TEXT_MAX, &text, NULL) < 0)
		return false;
	if (str_skip_prefix(text, "max")) {
		*ret = UINT64_MAX;
		return true;
	}
	return num_scan_u64(text, ret) != NULL;
}

/* A member and where it is in each version; file NULL: it is not. */
struct member {
	const char *name;
	struct {
		const char *file, *key;
		unsigned factor;
	} of[_CGROUP_VERSION_MAX];
};

static void add_members(struct json *j, const struct source *s, const struct member *m, size_t n)
{
	for (; n > 0; n--, m++) {
		const char *file = m->of[s->version].file;
		uint64_t value;

		if (file && read_value(s, file, m->of[s->version].key, &value))
			json_u64(j, m->name, value == UINT64_MAX ? value : value * m->of[s->version].factor);
	}
}

/* An object of members. */
static void add_object(struct json *j, const struct source *s, const char *name, const struct member *m, size_t n)
{
	json_open(j, name, "{");
	add_members(j, s, m, n);
	json_close(j, "}");
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" lines, psi.rst. */
static void add_psi(struct json *j, const struct source *s, const char *file)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **lines = NULL;

	if (s->version != CGROUP_V2 || file_read_at(s->h->dirfd, file, CGROUP_TEXT_MAX, &text, NULL) < 0)
		return;
	lines = str_split(text, '\n');
	json_open(j, "psi", "{");
	for (char **l = lines; *l; l++) {
		_cleanup_strv_ char **words = str_split(*l, ' ');

		if (!words[0][0])
			continue;
		json_open(j, words[0], "{");
		for (char **w = words + 1; *w; w++) {
			char *value = strchr(*w, '=');

			if (!value || strspn(value + 1, "0123456789.") != strlen(value + 1) || !value[1])
				continue;
			*value = '\0';
			json_name(j, *w);
			buf_append_str(j->out, value + 1);
		}
		json_close(j, "}");
	}
	json_close(j, "}");
}

/* "123 456 ..." as an array. */
static void add_numbers(struct json *j, const struct source *s, const char *name, const char *file)
{
	_cleanup_free_ char *text = NULL;
	const char *p;
	uint64_t value;

	if (file_read_at(s->h->dirfd, file, CGROUP_TEXT_MAX, &text, NULL) < 0)
		return;
	json_open(j, name, "[");
	for (p = text; (p = num_scan_u64(p, &value)); p += strspn(p, " "))
		json_u64(j, NULL, value);
	json_close(j, "]");
}

static void add_cpu_usage(struct json *j, const struct source *s)
{
	static const struct member rows[] = {
		{ "total", { { "cpuacct.usage", NULL, 1 }, { "cpu.stat", "usage_usec", 1000 } } },
		{ "kernel", { { "cpuacct.stat", "system", TICK_NS }, { "cpu.stat", "system_usec", 1000 } } },
		{ "user", { { "cpuacct.stat", "user", TICK_NS }, { "cpu.stat", "user_usec", 1000 } } },
	};

	json_open(j, "usage", "{");
	add_members(j, s, rows, ARRAY_SIZE(rows));
	if (s->version == CGROUP_V1) {
		add_numbers(j, s, "percpu", "cpuacct.usage_percpu");
		add_numbers(j, s, "percpu_kernel", "cpuacct.usage_percpu_sys");
		add_numbers(j, s, "percpu_user", "cpuacct.usage_percpu_user");
	}
	json_close(j, "}");
}

static void add_throttling(struct json *j, const struct source *s)
{
	static const struct member rows[] = {
		{ "periods", { { "cpu.stat", "nr_periods", 1 }, { "cpu.stat", "nr_periods", 1 } } },
		{ "throttledPeriods", { { "cpu.stat", "nr_throttled", 1 }, { "cpu.stat", "nr_throttled", 1 } } },
		{ "throttledTime", { { "cpu.stat", "throttled_time", 1 }, { "cpu.stat", "throttled_usec", 1000 } } },
	};

	add_object(j, s, "throttling", rows, ARRAY_SIZE(rows));
	add_psi(j, s, "cpu.pressure");
}

/* "0-2,5": every number. */
static void add_list(struct json *j, const struct source *s, const char *name, const char *file)
{
	_cleanup_free_ char *text = NULL;
	const char *p;
	uint64_t from, to;

	if (file_read_at(s->h->dirfd, file, CGROUP_TEXT_MAX, &text, NULL) < 0)
		return;
	json_open(j, name, "[");
	for (p = text; (p = num_scan_u64(p, &from)); p += *p == ',') {
		to = from;
		if (*p == '-' && !(p = num_scan_u64(p + 1, &to)))
			break;
		for (; from <= to && to < UINT16_MAX; from++)
			json_u64(j, NULL, from);
	}
	json_close(j, "]");
}

static void add_cpuset(struct json *j, const struct source *s)
{
	bool v1 = s->version == CGROUP_V1;

	add_list(j, s, "cpus", v1 ? "cpuset.cpus" : "cpuset.cpus.effective");
	add_list(j, s, "mems", v1 ? "cpuset.mems" : "cpuset.mems.effective");
}

static void add_raw(struct json *j, const struct source *s)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **lines = NULL;

	if (file_read_at(s->h->dirfd, "memory.stat", CGROUP_TEXT_MAX, &text, NULL) < 0)
		return;
	lines = str_split(text, '\n');
	json_open(j, "raw", "{");
	for (char **l = lines; *l; l++) {
		char *value = strchr(*l, ' ');
		uint64_t number;

		if (!value || !num_scan_u64(value + 1, &number))
			continue;
		*value = '\0';
		json_u64(j, *l, number);
	}
	json_close(j, "}");
}

static void add_memory(struct json *j, const struct source *s)
{
	static const struct member cache[] = {
		{ "cache", { { "memory.stat", "cache", 1 }, { "memory.stat", "file", 1 } } },
	};
	static const struct member usage[] = {
		{ "limit", { { "memory.limit_in_bytes", NULL, 1 }, { "memory.max", NULL, 1 } } },
		{ "usage", { { "memory.usage_in_bytes", NULL, 1 }, { "memory.current", NULL, 1 } } },
		{ "max", { { "memory.max_usage_in_bytes", NULL, 1 }, { "memory.peak", NULL, 1 } } },
		{ "failcnt", { { "memory.failcnt", NULL, 1 }, { "memory.events", "max", 1 } } },
	};
	static const struct member swap[] = {
		{ "limit", { { "memory.memsw.limit_in_bytes", NULL, 1 }, { "memory.swap.max", NULL, 1 } } },
		{ "usage", { { "memory.memsw.usage_in_bytes", NULL, 1 }, { "memory.swap.current", NULL, 1 } } },
		{ "max", { { "memory.memsw.max_usage_in_bytes", NULL, 1 }, { "memory.swap.peak", NULL, 1 } } },
		{ "failcnt", { { "memory.memsw.failcnt", NULL, 1 }, { "memory.swap.events", "max", 1 } } },
	};
	static const struct member kernel[] = {
		{ "limit", { { "memory.kmem.limit_in_bytes", NULL, 1 }, { NULL, NULL, 0 } } },
		{ "usage", { { "memory.kmem.usage_in_bytes", NULL, 1 }, { "memory.stat", "kernel", 1 } } },
		{ "max", { { "memory.kmem.max_usage_in_bytes", NULL, 1 }, { NULL, NULL, 0 } } },
		{ "failcnt", { { "memory.kmem.failcnt", NULL, 1 }, { NULL, NULL, 0 } } },
	};
	static const struct member tcp[] = {
		{ "limit", { { "memory.kmem.tcp.limit_in_bytes", NULL, 1 }, { NULL, NULL, 0 } } },
		{ "usage", { { "memory.kmem.tcp.usage_in_bytes", NULL, 1 }, { "memory.stat", "sock", 1 } } },
		{ "max", { { "memory.kmem.tcp.max_usage_in_bytes", NULL, 1 }, { NULL, NULL, 0 } } },
		{ "failcnt", { { "memory.kmem.tcp.failcnt", NULL, 1 }, { NULL, NULL, 0 } } },
	};

	add_members(j, s, cache, ARRAY_SIZE(cache));
	add_object(j, s, "usage", usage, ARRAY_SIZE(usage));
	add_object(j, s, "swap", swap, ARRAY_SIZE(swap));
	add_object(j, s, "kernel", kernel, ARRAY_SIZE(kernel));
	add_object(j, s, "kernelTCP", tcp, ARRAY_SIZE(tcp));
	add_raw(j, s);
	add_psi(j, s, "memory.pressure");
}

/* "max" is runc's 0 here. */
static void add_pids(struct json *j, const struct source *s)
{
	uint64_t value;

	if (read_value(s, "pids.current", NULL, &value))
		json_u64(j, "current", value);
	if (read_value(s, "pids.max", NULL, &value) && value != UINT64_MAX)
		json_u64(j, "limit", value);
}

static void add_io_entry(struct json *j, uint64_t major, uint64_t minor, const char *op, uint64_t value)
{
	json_open(j, NULL, "{");
	json_u64(j, "major", major);
	json_u64(j, "minor", minor);
	json_name(j, "op");
	buf_append_json(j->out, op);
	json_u64(j, "value", value);
	json_close(j, "}");
}

/* v1: "8:0 Read 4096" lines. */
static void add_io_v1(struct json *j, const struct source *s, const char *name, const char *file)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **lines = NULL;

	if (file_read_at(s->h->dirfd, file, CGROUP_TEXT_MAX, &text, NULL) < 0)
		return;
	lines = str_split(text, '\n');
	json_open(j, name, "[");
	for (char **l = lines; *l; l++) {
		_cleanup_strv_ char **w = str_split(*l, ' ');
		uint64_t major, minor, value;
		const char *colon = num_scan_u64(w[0], &major);

		if (strv_length(w) == 3 && colon && *colon == ':' && num_scan_u64(colon + 1, &minor) &&
		    num_scan_u64(w[2], &value))
			add_io_entry(j, major, minor, w[1], value);
	}
	json_close(j, "]");
}

/* v2: "8:0 rbytes=1 wbytes=2 rios=3 wios=4 ..." lines. */
static void add_io_v2(struct json *j, const struct source *s, const char *name, const char *const keys[2])
{
	static const char *const ops[] = { "Read", "Write" };
	_cleanup_free_ char *text = NULL;
	_cleanup_strv_ char **lines = NULL;

	if (file_read_at(s->h->dirfd, "io.stat", CGROUP_TEXT_MAX, &text, NULL) < 0)
		return;
	lines = str_split(text, '\n');
	json_open(j, name, "[");
	for (char **l = lines; *l; l++) {
		uint64_t major, minor, value;
		const char *colon = num_scan_u64(*l, &major);

		if (!colon || *colon != ':' || !num_scan_u64(colon + 1, &minor))
			continue;
		for (int i = 0; i < 2; i++) {
			const char *at = strstr(*l, keys[i]);

			if (at && num_scan_u64(at + strlen(keys[i]), &value))
				add_io_entry(j, major, minor, ops[i], value);
		}
	}
	json_close(j, "]");
}

static void add_blkio(struct json *j, const struct source *s)
{
	if (s->version == CGROUP_V1) {
		add_io_v1(j, s, "ioServiceBytesRecursive", "blkio.throttle.io_service_bytes_recursive");
		add_io_v1(j, s, "ioServicedRecursive", "blkio.throttle.io_serviced_recursive");
		return;
	}
	add_io_v2(j, s, "ioServiceBytesRecursive", (const char *const[]){ " rbytes=", " wbytes=" });
	add_io_v2(j, s, "ioServicedRecursive", (const char *const[]){ " rios=", " wios=" });
	add_psi(j, s, "io.pressure");
}

/* One object for each page size, by the files that are there: "hugetlb.2MB.current". */
static void add_hugetlb(struct json *j, const struct source *s)
{
	const char *usage_file = s->version == CGROUP_V1 ? ".usage_in_bytes" : ".current";
	int fd = openat(s->h->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	for (struct dirent *e; dir && (e = readdir(dir));) {
		const char *size = str_skip_prefix(e->d_name, "hugetlb.");
		_cleanup_free_ char *name = NULL, *usage = NULL, *max = NULL, *failed = NULL;

		if (!size || strstr(size, "rsvd") || !str_has_suffix(size, usage_file))
			continue;
		name = xstrndup(size, strlen(size) - strlen(usage_file));
		usage = xstrdup(e->d_name);
		max = xasprintf("hugetlb.%s.max_usage_in_bytes", name);
		failed = xasprintf("hugetlb.%s.%s", name, s->version == CGROUP_V1 ? "failcnt" : "events");
		const struct member rows[] = {
			{ "usage", { { usage, NULL, 1 }, { usage, NULL, 1 } } },
			{ "max", { { max, NULL, 1 }, { NULL, NULL, 0 } } },
			{ "failcnt", { { failed, NULL, 1 }, { failed, "max", 1 } } },
		};
		add_object(j, s, name, rows, ARRAY_SIZE(rows));
	}
	if (dir)
		closedir(dir);
}

/* The sections, in runc's order. v1 and v2 may call a controller by different names. */
static const struct {
	const char *name;
	const char *controller[_CGROUP_VERSION_MAX];
	void (*add)(struct json *j, const struct source *s);
	bool continues; /* the next row adds to the same object */
} sections[] = {
	{ "cpu", { "cpuacct", "cpu" }, add_cpu_usage, true },
	{ NULL, { "cpu", "cpu" }, add_throttling, false },
	{ "cpuset", { "cpuset", "cpuset" }, add_cpuset, false },
	{ "memory", { "memory", "memory" }, add_memory, false },
	{ "pids", { "pids", "pids" }, add_pids, false },
	{ "blkio", { "blkio", "io" }, add_blkio, false },
	{ "hugetlb", { "hugetlb", "hugetlb" }, add_hugetlb, false },
};

/* cpu.stat and cpu.pressure are there in v2 without the controller, too. */
static void add_section(struct json *j, const struct cgroup *cg, size_t i)
{
	for (int v = 0; v < _CGROUP_VERSION_MAX; v++) {
		struct source s = { .version = (enum cgroup_version)v };

		s.h = cgroup_find(cg, s.version, sections[i].controller[v]);
		if (s.h && (s.h->controllers[0] || cg->mode == CGROUP_MODE_V2)) {
			sections[i].add(j, &s);
			return;
		}
	}
}

void cgroup_stats_json(const struct cgroup *cg, struct buf *out)
{
	struct json j = { .out = out };

	json_open(&j, NULL, "{");
	for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
		if (sections[i].name)
			json_open(&j, sections[i].name, "{");
		add_section(&j, cg, i);
		if (!sections[i].continues)
			json_close(&j, "}");
	}
	json_open(&j, "intel_rdt", "{");
	json_close(&j, "}");
	json_name(&j, "network_interfaces");
	buf_append_str(out, "null");
	json_close(&j, "}");
}
