/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Writes the values that resources.c planned. What a kernel does not have and what depends on the values that
 * are there already is in the flags of a write; everything else that the kernel refuses is an error that
 * names field, value and file.
 */
#include <errno.h>
#include <ocispec/types.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "linux/cgroup/internal.h"
#include "linux/cgroup/manager-systemd.h"

static int try_write(const struct cgroup *cg, const struct cgroup_write *w)
{
	const struct cgroup_hierarchy *h = cgroup_find(cg, w->version, w->controller);

	return h ? file_write_str(h->dirfd, w->file, w->value) : -ENOENT;
}

static int refused(const struct cgroup_write *w, int r, struct error *err)
{
	if (r == -ENOENT)
		return error_set(err, EOPNOTSUPP, "%s: cannot write \"%s\": this kernel has no %s here",
				 w->field, w->value, w->file);
	return error_errnum(err, r, "%s: cannot write \"%s\" to %s", w->field, w->value, w->file);
}

/* The value that is wanted and the one that is there may exclude each other until the next value is written.
 */
static int write_swapped(const struct cgroup *cg, const struct cgroup_write *w, int first, struct error *err)
{
	int r = try_write(cg, w + 1);

	if (r < 0) /* the first refusal is the one that matters */
		return refused(w, first, err);
	r = try_write(cg, w);
	return r < 0 ? refused(w, r, err) : 0;
}

int cgroup_apply(const struct cgroup *cg, const struct cgroup_writes *writes, struct error *err)
{
	for (size_t i = 0; i < writes->n; i++) {
		const struct cgroup_write *w = &writes->w[i];
		bool has_next = i + 1 < writes->n;
		int r = try_write(cg, w);

		if (r >= 0) {
			log_debug("cgroup: %s: \"%s\" written to %s", w->field, w->value, w->file);
			i += (w->flags & CGROUP_WRITE_ELSE_NEXT) && has_next;
			continue;
		}
		if (r == -ENOENT && (w->flags & (CGROUP_WRITE_IF_EXISTS | CGROUP_WRITE_ELSE_NEXT)))
			continue;
		if ((r == -EINVAL || r == -EBUSY) && (w->flags & CGROUP_WRITE_SWAP_NEXT) && has_next) {
			r = write_swapped(cg, w, r, err);
			if (r < 0)
				return r;
			i++;
			continue;
		}
		return refused(w, r, err);
	}
	return 0;
}

/* What a group of ours has: its hierarchies' controllers in v1, what its v2 directory says it was given, or could be. */
static void controllers_of(const struct cgroup *cg, struct cgroup_controllers *ret, char **ret_v1,
			   char **ret_v2)
{
	_cleanup_buf_ struct buf v1 = {0};
	const struct cgroup_hierarchy *v2 = cgroup_v2(cg);

	for (size_t i = 0; i < cg->n; i++)
		if (cg->h[i].controllers[0] && !strchr(cg->h[i].controllers, '='))
			buf_printf(&v1, "%s%s", v1.len ? "," : "", cg->h[i].controllers);
	*ret_v1 = buf_take(&v1);
	*ret_v2 = !v2 ? NULL : cg->unit.name ? cgroup_read_controllers(v2->dirfd) : cgroup_read_offered(v2);
	*ret = (struct cgroup_controllers){.of = {*ret_v1, *ret_v2}};
}

/* memory.checkBeforeUpdate: v1 kernels refuse a limit below what is used, v2 kernels kill until it fits. */
static int check_memory(const struct cgroup *cg, const struct oci_memory *m, struct error *err)
{
	struct cgroup_stats stats;
	int r;

	if (!m || !m->has_check_before_update || !m->check_before_update || !m->has_limit || m->limit <= 0)
		return 0;
	r = cgroup_stats(cg, &stats, err);
	if (r < 0)
		return r;
	if (stats.memory_current != CGROUP_STAT_NONE && stats.memory_current > (uint64_t)m->limit)
		return error_set(
			err, EBUSY,
			"linux.resources.memory.limit: rejecting memory limit %lld: %llu bytes are in use",
			(long long)m->limit, (unsigned long long)stats.memory_current);
	return 0;
}

int cgroup_set(struct cgroup *cg, const struct oci_resources *resources, struct error *err)
{
	_cleanup_cgroup_writes_ struct cgroup_writes writes = {0};
	_cleanup_free_ char *v1 = NULL, *v2 = NULL;
	struct cgroup_controllers have;
	int r;

	if (!resources)
		return 0;
	controllers_of(cg, &have, &v1, &v2);
	r = cgroup_resources_plan(resources, &have, &writes, err);
	if (r < 0)
		return r;
	r = check_memory(cg, resources->memory, err);
	if (r >= 0 && cgroup_v2(cg) && !cg->unit.name)
		r = cgroup_enable(cgroup_v2(cg), &writes, err);
	if (r >= 0 && cg->unit.name)
		r = systemd_unit_set(cg, &writes, err);
	return r < 0 ? r : cgroup_apply(cg, &writes, err);
}
