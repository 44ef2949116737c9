/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sections of linux.resources that are lists: blockIO, hugepageLimits, network, rdma, unified
 * (runtime-spec config-linux.md). Each function is the emitter of one row of the table in resources.c. Pure.
 */
#include <errno.h>
#include <inttypes.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "linux/cgroup/convert.h"
#include "linux/cgroup/layout.h"
#include "linux/cgroup/plan.h"

enum { LINE_MAX_LEN = 128 };

/* A row for one element of its list: the messages then say which. Good until the next call with the same
 * buffer. */
static struct row element(const struct row *row, const char *key, char buf[static LINE_MAX_LEN])
{
	struct row r = *row;

	snprintf(buf, LINE_MAX_LEN, "%s[%s]", row->field, key);
	r.field = buf;
	return r;
}

static struct row numbered(const struct row *row, size_t i, char buf[static LINE_MAX_LEN])
{
	char number[24];

	snprintf(number, sizeof(number), "%zu", i);
	return element(row, number, buf);
}

/* Weights belong to the BFQ scheduler, whose file has its own name; kernels before 5.0 (v1) and io.cost (v2)
 * have the plain one. */
int emit_io_weight(struct plan *p, const struct row *row)
{
	const struct oci_block_io *b = p->r->block_io;
	enum cgroup_version v;
	char text[LINE_MAX_LEN];
	int r;

	if (!b || !b->has_weight || b->weight == 0)
		return 0;
	r = plan_row_version(p, row, &v);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%u", (unsigned)b->weight);
	plan_add_file(p, row, v, v == CGROUP_V2 ? "io.bfq.weight" : "blkio.bfq.weight", text,
		      CGROUP_WRITE_ELSE_NEXT);
	return plan_add_u64(
		p, row, v == CGROUP_V2 ? cgroup_blkio_to_io_weight((uint64_t)b->weight) : (uint64_t)b->weight,
		0);
}

int emit_io_leaf_weight(struct plan *p, const struct row *row)
{
	const struct oci_block_io *b = p->r->block_io;

	return b && b->has_leaf_weight && b->leaf_weight != 0
		       ? plan_add_u64(p, row, (uint64_t)b->leaf_weight, 0)
		       : 0;
}

static int add_device_weight(struct plan *p, const struct row *row, const struct oci_weight_device *d,
			     unsigned weight, const char *bfq)
{
	enum cgroup_version v;
	char text[LINE_MAX_LEN];
	int r = plan_row_version(p, row, &v);

	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 " %u", d->major, d->minor, weight);
	if (v == CGROUP_V1 && bfq)
		plan_add_file(p, row, v, bfq, text, CGROUP_WRITE_ELSE_NEXT);
	return plan_add(p, row, text, 0);
}

int emit_io_weight_device(struct plan *p, const struct row *row)
{
	static const struct row leaf = {
		.field = "blockIO.weightDevice",
		.controller = {"blkio", "io"},
		.file = {"blkio.leaf_weight_device", NULL},
	};
	const struct oci_block_io *b = p->r->block_io;

	for (size_t i = 0; b && i < b->n_weight_device; i++) {
		const struct oci_weight_device *d = &b->weight_device[i];
		char field[LINE_MAX_LEN], leaf_field[LINE_MAX_LEN];
		struct row one = numbered(row, i, field), one_leaf = numbered(&leaf, i, leaf_field);
		int r = 0;

		if (d->has_weight)
			r = add_device_weight(p, &one, d, (unsigned)d->weight, "blkio.bfq.weight_device");
		if (r >= 0 && d->has_leaf_weight)
			r = add_device_weight(p, &one_leaf, d, (unsigned)d->leaf_weight, NULL);
		if (r < 0)
			return r;
	}
	return 0;
}

/* v1 has a file for each kind of limit, v2 one file where the line says the kind: "8:0 rbps=1048576". */
static int add_throttles(struct plan *p, const struct row *row, const struct oci_throttle_device *d, size_t n,
			 const char *key)
{
	for (size_t i = 0; i < n; i++) {
		char text[LINE_MAX_LEN], field[LINE_MAX_LEN];
		struct row one = numbered(row, i, field);
		enum cgroup_version v;
		int r = plan_row_version(p, &one, &v);

		if (r < 0)
			return r;
		snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 " %s%" PRIu64, d[i].major, d[i].minor,
			 v == CGROUP_V2 ? key : "", d[i].rate);
		if (v == CGROUP_V2 && d[i].rate == 0) /* v1's word for no limit */
			snprintf(text, sizeof(text), "%" PRId64 ":%" PRId64 " %smax", d[i].major, d[i].minor,
				 key);
		plan_add_file(p, &one, v, row->file[v], text, 0);
	}
	return 0;
}

int emit_io_read_bps(struct plan *p, const struct row *row)
{
	const struct oci_block_io *b = p->r->block_io;

	return b ? add_throttles(p, row, b->throttle_read_bps_device, b->n_throttle_read_bps_device, "rbps=")
		 : 0;
}

int emit_io_write_bps(struct plan *p, const struct row *row)
{
	const struct oci_block_io *b = p->r->block_io;

	return b ? add_throttles(p, row, b->throttle_write_bps_device, b->n_throttle_write_bps_device,
				 "wbps=")
		 : 0;
}

int emit_io_read_iops(struct plan *p, const struct row *row)
{
	const struct oci_block_io *b = p->r->block_io;

	return b ? add_throttles(p, row, b->throttle_read_iops_device, b->n_throttle_read_iops_device,
				 "riops=")
		 : 0;
}

int emit_io_write_iops(struct plan *p, const struct row *row)
{
	const struct oci_block_io *b = p->r->block_io;

	return b ? add_throttles(p, row, b->throttle_write_iops_device, b->n_throttle_write_iops_device,
				 "wiops=")
		 : 0;
}

/* Reservations first, where the kernel (5.7) counts them: a process then gets ENOMEM from mmap(2), not SIGBUS
 * later. */
int emit_hugepage_limits(struct plan *p, const struct row *row)
{
	for (size_t i = 0; i < p->r->n_hugepage_limits; i++) {
		const struct oci_hugepage_limit *l = &p->r->hugepage_limits[i];
		_cleanup_free_ char *plain = NULL, *reserved = NULL;
		char text[LINE_MAX_LEN], field[LINE_MAX_LEN];
		struct row one = numbered(row, i, field);
		enum cgroup_version v;
		int r = plan_row_version(p, &one, &v);

		if (r < 0)
			return r;
		plain = xasprintf("hugetlb.%s.%s", l->page_size, row->file[v]);
		reserved = xasprintf("hugetlb.%s.rsvd.%s", l->page_size, row->file[v]);
		snprintf(text, sizeof(text), "%" PRIu64, l->limit);
		plan_add_file(p, &one, v, reserved, text, CGROUP_WRITE_IF_EXISTS);
		plan_add_file(p, &one, v, plain, text, 0);
	}
	return 0;
}

int emit_network_class(struct plan *p, const struct row *row)
{
	const struct oci_network *n = p->r->network;

	return n && n->has_class_id && n->class_id != 0 ? plan_add_u64(p, row, n->class_id, 0) : 0;
}

int emit_network_priorities(struct plan *p, const struct row *row)
{
	const struct oci_network *n = p->r->network;

	for (size_t i = 0; n && i < n->n_priorities; i++) {
		_cleanup_free_ char *text =
			xasprintf("%s %" PRIu32, n->priorities[i].name, n->priorities[i].priority);
		char field[LINE_MAX_LEN];
		struct row one = numbered(row, i, field);
		int r = plan_add(p, &one, text, 0);

		if (r < 0)
			return r;
	}
	return 0;
}

int emit_rdma(struct plan *p, const struct row *row)
{
	for (size_t i = 0; i < p->r->n_rdma; i++) {
		const struct oci_rdma_entry *e = &p->r->rdma[i];
		char handles[32] = "", objects[32] = "", field[LINE_MAX_LEN];
		struct row one = element(row, e->key, field);
		_cleanup_free_ char *text = NULL;
		int r;

		if (!e->value.has_hca_handles && !e->value.has_hca_objects)
			return error_set(p->err, EINVAL,
					 "linux.resources.rdma[%s]: needs hcaHandles or hcaObjects", e->key);
		if (e->value.has_hca_handles)
			snprintf(handles, sizeof(handles), " hca_handle=%" PRIu32, e->value.hca_handles);
		if (e->value.has_hca_objects)
			snprintf(objects, sizeof(objects), " hca_object=%" PRIu32, e->value.hca_objects);
		text = xasprintf("%s%s%s", e->key, handles, objects);
		r = plan_add(p, &one, text, 0);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Files of a group that are no setting of it: what is written there moves or ends processes, anyone's, and who ends the container
 * would end those too. */
static bool acts_on_processes(const char *file)
{
	static const char *const files[] = {"cgroup.kill", "cgroup.procs", "cgroup.threads"};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (strcmp(files[i], file) == 0)
			return true;
	return false;
}

/* Written as they are and last, so that they win over what was computed (config-linux.md, "Unified"). */
int emit_unified(struct plan *p)
{
	const struct oci_string_map *u = p->r->unified;
	const char *have = p->have->of[CGROUP_V2];

	for (size_t i = 0; u && i < u->n; i++) {
		const char *key = u->entries[i].key;
		_cleanup_free_ char *controller = xstrndup(key, strcspn(key, "."));
		bool core = strcmp(controller, "cgroup") == 0;

		if (!path_is_name(key) || key[strcspn(key, ".")] == '\0')
			return error_set(p->err, EINVAL,
					 "linux.resources.unified[%s]: not the name of a cgroup file", key);
		if (acts_on_processes(key))
			return error_set(p->err, EINVAL,
					 "linux.resources.unified[%s]: moves or ends processes, which is not a setting of the group", key);
		if (!have || !have[0])
			return error_set(p->err, EOPNOTSUPP,
					 "linux.resources.unified[%s]: invalid configuration: the "
					 "controllers are on cgroup v1 here",
					 key);
		if (!core && !cgroup_list_has(have, controller))
			return error_set(p->err, EOPNOTSUPP,
					 "linux.resources.unified[%s]: this machine has no cgroup v2 "
					 "controller \"%s\"",
					 key, controller);
		plan_add_write(p, &(struct cgroup_write){
					  .version = CGROUP_V2,
					  .controller = xstrdup(core ? "" : controller),
					  .file = xstrdup(key),
					  .value = xstrdup(u->entries[i].value),
					  .field = xasprintf("linux.resources.unified[%s]", key),
				  });
	}
	return 0;
}
