/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.resources as writes to cgroup files: one table, one row for each field, with its file in v1 and in v2
 * (runtime-spec config-linux.md, "Control groups"; Documentation/admin-guide/cgroup-v1 and cgroup-v2.rst).
 * Pure: which controllers there are is a parameter, and what the kernel may refuse is said in flags for the
 * one who writes (apply.c).
 *
 * The specification's "0" for memory, cpu and blkio weights is what engines send for "not set" and is taken
 * so; for pids it is a limit.
 */
#include "linux/cgroup/resources.h"

#include <errno.h>
#include <inttypes.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/cgroup/convert.h"
#include "linux/cgroup/layout.h"
#include "linux/cgroup/plan.h"

/* Which version has the row's controller here. */
int plan_row_version(struct plan *p, const struct row *row, enum cgroup_version *ret)
{
	const char *name =
		row->controller[CGROUP_V2] ? row->controller[CGROUP_V2] : row->controller[CGROUP_V1];

	for (int v = 0; v < _CGROUP_VERSION_MAX; v++) {
		if (!row->controller[v] || !p->have->of[v] ||
		    !cgroup_list_has(p->have->of[v], row->controller[v]))
			continue;
		if (!row->file[v])
			return error_set(p->err, EOPNOTSUPP,
					 "linux.resources.%s: cgroup v%d has no such limit", row->field,
					 v + 1);
		*ret = v;
		return 0;
	}
	if (!row->controller[CGROUP_V2] || !row->file[CGROUP_V2])
		return error_set(p->err, EOPNOTSUPP,
				 "linux.resources.%s: needs the cgroup v1 controller \"%s\", which is not "
				 "mounted here",
				 row->field, row->controller[CGROUP_V1]);
	return error_set(p->err, EOPNOTSUPP,
			 "linux.resources.%s: this machine has no cgroup controller \"%s\"", row->field,
			 name);
}

static bool is_v1(struct plan *p, const struct row *row)
{
	return p->have->of[CGROUP_V1] && cgroup_list_has(p->have->of[CGROUP_V1], row->controller[CGROUP_V1]);
}

void plan_add_write(struct plan *p, const struct cgroup_write *w)
{
	p->writes.w = xreallocarray(p->writes.w, p->writes.n + 1, sizeof(*w));
	p->writes.w[p->writes.n++] = *w;
}

/* Adds the value for the row's file of a version, with the flags given. */
void plan_add_file(struct plan *p, const struct row *row, enum cgroup_version v, const char *file,
		   const char *value, unsigned flags)
{
	plan_add_write(p, &(struct cgroup_write){
				  .version = v,
				  .controller = xstrdup(row->controller[v]),
				  .file = xstrdup(file),
				  .value = xstrdup(value),
				  .field = xasprintf("linux.resources.%s", row->field),
				  .flags = flags,
			  });
}

int plan_add(struct plan *p, const struct row *row, const char *value, unsigned flags)
{
	enum cgroup_version v;
	int r = plan_row_version(p, row, &v);

	if (r < 0)
		return r;
	plan_add_file(p, row, v, row->file[v], value, flags);
	return 0;
}

int plan_add_i64(struct plan *p, const struct row *row, int64_t value, unsigned flags)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return plan_add(p, row, text, flags);
}

int plan_add_u64(struct plan *p, const struct row *row, uint64_t value, unsigned flags)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return plan_add(p, row, text, flags);
}

int plan_add_limit(struct plan *p, const struct row *row, int64_t value, unsigned flags)
{
	enum cgroup_version v;
	int r;

	if (value >= 0)
		return plan_add_i64(p, row, value, flags);
	r = plan_row_version(p, row, &v);
	if (r < 0)
		return r;
	plan_add_file(p, row, v, row->file[v], v == CGROUP_V2 ? "max" : "-1", flags);
	return 0;
}

/* memory ------------------------------------------------------------------------------------ */

static int emit_memory_limit(struct plan *p, const struct row *row)
{
	const struct oci_memory *m = p->r->memory;
	bool swap_follows;

	if (!m || !m->has_limit || m->limit == 0)
		return 0;
	/* v1 keeps memory.limit <= memory.swap at every moment: growing needs the other order */
	swap_follows = is_v1(p, row) && (m->limit < 0 || (m->has_swap && m->swap != 0));
	return plan_add_limit(p, row, m->limit, swap_follows ? CGROUP_WRITE_SWAP_NEXT : 0);
}

static int emit_memory_reservation(struct plan *p, const struct row *row)
{
	const struct oci_memory *m = p->r->memory;

	return m && m->has_reservation && m->reservation != 0 ? plan_add_limit(p, row, m->reservation, 0) : 0;
}

/* memory.swap is memory and swap together, as v1 counts; v2 counts swap alone. */
static int swap_alone(struct plan *p, const struct row *row, const struct oci_memory *m)
{
	if (!m->has_limit || m->limit <= 0)
		return error_set(p->err, EINVAL,
				 "linux.resources.memory.swap: %" PRId64
				 " needs a memory.limit beside it (swap counts both)",
				 m->swap);
	return plan_add_i64(p, row, m->swap - m->limit, 0);
}

static int emit_memory_swap(struct plan *p, const struct row *row)
{
	const struct oci_memory *m = p->r->memory;
	bool limited = m && m->has_swap && m->swap != 0;
	enum cgroup_version v;
	int r;

	if (!m)
		return 0;
	if (!limited && m->has_limit && m->limit < 0) {
		/* no limit on memory leaves none on swap; a kernel without swap accounting has nothing to
		 * lift */
		r = plan_row_version(p, row, &v);
		if (r < 0)
			return r;
		plan_add_file(p, row, v, row->file[v], v == CGROUP_V2 ? "max" : "-1", CGROUP_WRITE_IF_EXISTS);
		return 0;
	}
	if (!limited)
		return 0;
	if (m->swap > 0 && m->has_limit && m->swap < m->limit)
		return error_set(p->err, EINVAL,
				 "linux.resources.memory.swap: %" PRId64 " is less than memory.limit %" PRId64
				 " (swap counts both)",
				 m->swap, m->limit);
	r = plan_row_version(p, row, &v);
	if (r < 0)
		return r;
	return v == CGROUP_V2 && m->swap > 0 ? swap_alone(p, row, m) : plan_add_limit(p, row, m->swap, 0);
}

static int emit_memory_swappiness(struct plan *p, const struct row *row)
{
	const struct oci_memory *m = p->r->memory;

	return m && m->has_swappiness ? plan_add_u64(p, row, m->swappiness, 0) : 0;
}

static int emit_memory_no_oom_killer(struct plan *p, const struct row *row)
{
	const struct oci_memory *m = p->r->memory;

	return m && m->has_disable_oom_killer && m->disable_oom_killer ? plan_add(p, row, "1", 0) : 0;
}

/* Nothing that a kernel since 5.4 (kmem) and 5.16 still limits: say so, and go on as the specification
 * allows. */
static int emit_memory_kernel(struct plan *p, const struct row *row)
{
	const struct oci_memory *m = p->r->memory;

	if (m && ((m->has_kernel && m->kernel > 0) || (m->has_kernel_tcp && m->kernel_tcp > 0)))
		log_warning(
			"linux.resources.%s is ignored: kernels do not limit kernel memory apart any more",
			row->field);
	return 0;
}

/* cpu --------------------------------------------------------------------------------------- */

static bool cpu_is_idle(const struct oci_cpu *c)
{
	return c && c->has_idle && c->idle == 1;
}

static int emit_cpu_idle(struct plan *p, const struct row *row)
{
	const struct oci_cpu *c = p->r->cpu;

	return c && c->has_idle ? plan_add_i64(p, row, c->idle, 0) : 0;
}

/* An idle group has no weight: the kernel refuses to set one. */
static int emit_cpu_shares(struct plan *p, const struct row *row)
{
	const struct oci_cpu *c = p->r->cpu;
	enum cgroup_version v;
	int r;

	if (!c || !c->has_shares || c->shares == 0 || cpu_is_idle(c))
		return 0;
	r = plan_row_version(p, row, &v);
	if (r < 0)
		return r;
	return plan_add_u64(p, row, v == CGROUP_V2 ? cgroup_shares_to_weight(c->shares) : c->shares, 0);
}

static bool has_quota(const struct oci_cpu *c)
{
	return c && c->has_quota && c->quota != 0;
}

static bool has_period(const struct oci_cpu *c)
{
	return c && c->has_period && c->period != 0;
}

/* v2 has both in one file, and 100 ms is the kernel's own default for the period. */
static int emit_cpu_max(struct plan *p, const struct row *row)
{
	const struct oci_cpu *c = p->r->cpu;
	uint64_t period = has_period(c) ? c->period : 100000;
	struct row named = *row;
	char text[64];

	if (!has_quota(c) && !has_period(c))
		return 0;
	if (!has_quota(c))
		named.field = "cpu.period";
	if (has_quota(c) && c->quota > 0)
		snprintf(text, sizeof(text), "%" PRId64 " %" PRIu64, c->quota, period);
	else
		snprintf(text, sizeof(text), "max %" PRIu64, period);
	return plan_add(p, &named, text, 0);
}

/* The order matters only when an old quota is there: then the kernel may want the quota first. */
static int emit_cpu_period(struct plan *p, const struct row *row)
{
	if (!has_period(p->r->cpu) || !is_v1(p, row))
		return 0;
	return plan_add_u64(p, row, p->r->cpu->period, has_quota(p->r->cpu) ? CGROUP_WRITE_SWAP_NEXT : 0);
}

static int emit_cpu_quota(struct plan *p, const struct row *row)
{
	if (!is_v1(p, row))
		return emit_cpu_max(p, row);
	return has_quota(p->r->cpu) ? plan_add_limit(p, row, p->r->cpu->quota, 0) : 0;
}

static int emit_cpu_burst(struct plan *p, const struct row *row)
{
	const struct oci_cpu *c = p->r->cpu;

	return c && c->has_burst ? plan_add_u64(p, row, c->burst, 0) : 0;
}

static int emit_cpu_rt_period(struct plan *p, const struct row *row)
{
	const struct oci_cpu *c = p->r->cpu;

	if (!c || !c->has_realtime_period || c->realtime_period == 0)
		return 0;
	return plan_add_u64(p, row, c->realtime_period,
			    c->has_realtime_runtime && c->realtime_runtime != 0 ? CGROUP_WRITE_SWAP_NEXT : 0);
}

static int emit_cpu_rt_runtime(struct plan *p, const struct row *row)
{
	const struct oci_cpu *c = p->r->cpu;

	return c && c->has_realtime_runtime && c->realtime_runtime != 0
		       ? plan_add_i64(p, row, c->realtime_runtime, 0)
		       : 0;
}

static int emit_cpuset_cpus(struct plan *p, const struct row *row)
{
	const struct oci_cpu *c = p->r->cpu;

	return c && !str_is_empty(c->cpus) ? plan_add(p, row, c->cpus, 0) : 0;
}

static int emit_cpuset_mems(struct plan *p, const struct row *row)
{
	const struct oci_cpu *c = p->r->cpu;

	return c && !str_is_empty(c->mems) ? plan_add(p, row, c->mems, 0) : 0;
}

/* pids: 0 is a limit (nothing may be forked), negative is none: "max" in v1 too. */
static int emit_pids_limit(struct plan *p, const struct row *row)
{
	const struct oci_pids *l = p->r->pids;

	if (!l || !l->has_limit)
		return 0;
	return l->limit < 0 ? plan_add(p, row, "max", 0) : plan_add_i64(p, row, l->limit, 0);
}

/* The table --------------------------------------------------------------------------------- */

#define MEMORY                                                                                               \
	{                                                                                                    \
		"memory", "memory"                                                                           \
	}
#define CPU                                                                                                  \
	{                                                                                                    \
		"cpu", "cpu"                                                                                 \
	}
#define CPUSET                                                                                               \
	{                                                                                                    \
		"cpuset", "cpuset"                                                                           \
	}

/* In the order in which they are written. */
static const struct row rows[] = {
	{"cpu.cpus", CPUSET, {"cpuset.cpus", "cpuset.cpus"}, emit_cpuset_cpus},
	{"cpu.mems", CPUSET, {"cpuset.mems", "cpuset.mems"}, emit_cpuset_mems},
	{"memory.limit", MEMORY, {"memory.limit_in_bytes", "memory.max"}, emit_memory_limit},
	{"memory.swap", MEMORY, {"memory.memsw.limit_in_bytes", "memory.swap.max"}, emit_memory_swap},
	{"memory.reservation", MEMORY, {"memory.soft_limit_in_bytes", "memory.low"}, emit_memory_reservation},
	{"memory.kernel", MEMORY, {NULL, NULL}, emit_memory_kernel},
	{"memory.swappiness", MEMORY, {"memory.swappiness", NULL}, emit_memory_swappiness},
	{"memory.disableOOMKiller", MEMORY, {"memory.oom_control", NULL}, emit_memory_no_oom_killer},
	{"cpu.idle", CPU, {"cpu.idle", "cpu.idle"}, emit_cpu_idle},
	{"cpu.shares", CPU, {"cpu.shares", "cpu.weight"}, emit_cpu_shares},
	{"cpu.period", CPU, {"cpu.cfs_period_us", "cpu.max"}, emit_cpu_period},
	{"cpu.quota", CPU, {"cpu.cfs_quota_us", "cpu.max"}, emit_cpu_quota},
	{"cpu.burst", CPU, {"cpu.cfs_burst_us", "cpu.max.burst"}, emit_cpu_burst},
	{"cpu.realtimePeriod", CPU, {"cpu.rt_period_us", NULL}, emit_cpu_rt_period},
	{"cpu.realtimeRuntime", CPU, {"cpu.rt_runtime_us", NULL}, emit_cpu_rt_runtime},
	{"pids.limit", {"pids", "pids"}, {"pids.max", "pids.max"}, emit_pids_limit},
	{"blockIO.weight", {"blkio", "io"}, {"blkio.weight", "io.weight"}, emit_io_weight},
	{"blockIO.leafWeight", {"blkio", "io"}, {"blkio.leaf_weight", NULL}, emit_io_leaf_weight},
	{"blockIO.weightDevice",
	 {"blkio", "io"},
	 {"blkio.weight_device", "io.bfq.weight"},
	 emit_io_weight_device},
	{"blockIO.throttleReadBpsDevice",
	 {"blkio", "io"},
	 {"blkio.throttle.read_bps_device", "io.max"},
	 emit_io_read_bps},
	{"blockIO.throttleWriteBpsDevice",
	 {"blkio", "io"},
	 {"blkio.throttle.write_bps_device", "io.max"},
	 emit_io_write_bps},
	{"blockIO.throttleReadIOPSDevice",
	 {"blkio", "io"},
	 {"blkio.throttle.read_iops_device", "io.max"},
	 emit_io_read_iops},
	{"blockIO.throttleWriteIOPSDevice",
	 {"blkio", "io"},
	 {"blkio.throttle.write_iops_device", "io.max"},
	 emit_io_write_iops},
	{"hugepageLimits", {"hugetlb", "hugetlb"}, {"limit_in_bytes", "max"}, emit_hugepage_limits},
	{"network.classID", {"net_cls", NULL}, {"net_cls.classid", NULL}, emit_network_class},
	{"network.priorities", {"net_prio", NULL}, {"net_prio.ifpriomap", NULL}, emit_network_priorities},
	{"rdma", {"rdma", "rdma"}, {"rdma.max", "rdma.max"}, emit_rdma},
};

int cgroup_resources_plan(const struct oci_resources *r, const struct cgroup_controllers *have,
			  struct cgroup_writes *ret, struct error *err)
{
	struct plan p = {.r = r, .have = have, .err = err};
	int result = 0;

	for (size_t i = 0; r && i < ARRAY_SIZE(rows) && result >= 0; i++)
		result = rows[i].emit(&p, &rows[i]);
	if (r && result >= 0)
		result = emit_unified(&p);
	if (result < 0) {
		cgroup_writes_done(&p.writes);
		return result;
	}
	*ret = p.writes;
	return 0;
}

void cgroup_writes_done(struct cgroup_writes *w)
{
	for (size_t i = 0; i < w->n; i++) {
		free(w->w[i].controller);
		free(w->w[i].file);
		free(w->w[i].value);
		free(w->w[i].field);
	}
	free(w->w);
	*w = (struct cgroup_writes){0};
}
