/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a group uses, from the files of whichever version has the controller: one table. */
#include <errno.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "linux/cgroup/internal.h"

/* key NULL: the file is one number. scale: what the number is divided by. */
static const struct {
	size_t offset; /* in struct cgroup_stats */
	enum cgroup_version version;
	const char *controller, *file, *key;
	unsigned divisor;
} rows[] = {
	{offsetof(struct cgroup_stats, memory_current), CGROUP_V1, "memory", "memory.usage_in_bytes", NULL,
	 1},
	{offsetof(struct cgroup_stats, memory_current), CGROUP_V2, "memory", "memory.current", NULL, 1},
	{offsetof(struct cgroup_stats, memory_limit), CGROUP_V1, "memory", "memory.limit_in_bytes", NULL, 1},
	{offsetof(struct cgroup_stats, memory_limit), CGROUP_V2, "memory", "memory.max", NULL, 1},
	{offsetof(struct cgroup_stats, oom_kills), CGROUP_V1, "memory", "memory.oom_control", "oom_kill", 1},
	{offsetof(struct cgroup_stats, oom_kills), CGROUP_V2, "memory", "memory.events", "oom_kill", 1},
	{offsetof(struct cgroup_stats, pids_current), CGROUP_V1, "pids", "pids.current", NULL, 1},
	{offsetof(struct cgroup_stats, pids_current), CGROUP_V2, "pids", "pids.current", NULL, 1},
	{offsetof(struct cgroup_stats, cpu_usage_usec), CGROUP_V1, "cpuacct", "cpuacct.usage", NULL, 1000},
	{offsetof(struct cgroup_stats, cpu_usage_usec), CGROUP_V2, "cpu", "cpu.stat", "usage_usec", 1},
};

static int read_number(int dirfd, const char *file, uint64_t *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = file_read_at(dirfd, file, CGROUP_TEXT_MAX, &text, NULL);

	if (r < 0)
		return r;
	return num_scan_u64(text, ret) ? 0 : -ENODATA; /* "max" */
}

int cgroup_stats(const struct cgroup *cg, struct cgroup_stats *ret, struct error *err)
{
	struct cgroup_stats s = {CGROUP_STAT_NONE, CGROUP_STAT_NONE, CGROUP_STAT_NONE, CGROUP_STAT_NONE,
				 CGROUP_STAT_NONE};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct cgroup_hierarchy *h = cgroup_find(cg, rows[i].version, rows[i].controller);
		uint64_t value;
		int r;

		if (!h)
			continue;
		r = rows[i].key ? cgroup_read_key(h->dirfd, rows[i].file, rows[i].key, &value)
				: read_number(h->dirfd, rows[i].file, &value);
		if (r < 0 && r != -ENOENT && r != -ENODATA)
			return error_errnum(err, r, "cannot read %s of %s", rows[i].file, h->dir);
		if (r >= 0)
			*(uint64_t *)((char *)&s + rows[i].offset) = value / rows[i].divisor;
	}
	*ret = s;
	return 0;
}
