/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * update: new limits for a running container, from a file with a resources object (what Docker, containerd and CRI-O send),
 * or from options. As in runc a 0 in either means "leave it", except for pids, where it is a limit. Rules for devices are
 * never touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "container/document.h"
#include "linux/resctrl.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"

enum { RESOURCES_MAX = 4 << 20 };

static void draft_free(struct oci_doc **doc)
{
	oci_doc_free(*doc);
}
#define _cleanup_document_ _cleanup_(draft_free)

/* From options ------------------------------------------------------------------------------------- */

enum section { SECTION_MEMORY, SECTION_CPU, SECTION_PIDS, SECTION_IO };
enum value { VALUE_LIMIT, VALUE_I64, VALUE_U64, VALUE_U32, VALUE_TEXT };

#define FIELD(type, field) offsetof(struct type, field), offsetof(struct type, has_##field)

/* An option, and the field of a section that it sets. */
static const struct {
	const char *name;
	size_t option; /* in struct update_options */
	enum section section;
	enum value value;
	size_t field, has;
} rows[] = {
#define OPTION(name) offsetof(struct update_options, name)
	{ "memory", OPTION(memory), SECTION_MEMORY, VALUE_LIMIT, FIELD(oci_memory, limit) },
	{ "memory-reservation", OPTION(memory_reservation), SECTION_MEMORY, VALUE_LIMIT, FIELD(oci_memory, reservation) },
	{ "memory-swap", OPTION(memory_swap), SECTION_MEMORY, VALUE_LIMIT, FIELD(oci_memory, swap) },
	{ "cpu-share", OPTION(cpu_share), SECTION_CPU, VALUE_U64, FIELD(oci_cpu, shares) },
	{ "cpu-quota", OPTION(cpu_quota), SECTION_CPU, VALUE_I64, FIELD(oci_cpu, quota) },
	{ "cpu-period", OPTION(cpu_period), SECTION_CPU, VALUE_U64, FIELD(oci_cpu, period) },
	{ "cpu-burst", OPTION(cpu_burst), SECTION_CPU, VALUE_U64, FIELD(oci_cpu, burst) },
	{ "cpu-rt-period", OPTION(cpu_rt_period), SECTION_CPU, VALUE_U64, FIELD(oci_cpu, realtime_period) },
	{ "cpu-rt-runtime", OPTION(cpu_rt_runtime), SECTION_CPU, VALUE_I64, FIELD(oci_cpu, realtime_runtime) },
	{ "cpu-idle", OPTION(cpu_idle), SECTION_CPU, VALUE_I64, FIELD(oci_cpu, idle) },
	{ "cpuset-cpus", OPTION(cpuset_cpus), SECTION_CPU, VALUE_TEXT, offsetof(struct oci_cpu, cpus), 0 },
	{ "cpuset-mems", OPTION(cpuset_mems), SECTION_CPU, VALUE_TEXT, offsetof(struct oci_cpu, mems), 0 },
	{ "pids-limit", OPTION(pids_limit), SECTION_PIDS, VALUE_I64, FIELD(oci_pids, limit) },
	{ "blkio-weight", OPTION(blkio_weight), SECTION_IO, VALUE_U32, FIELD(oci_block_io, weight) },
#undef OPTION
};

/* The section's object, made when it is not there. */
static void *section_of(struct oci_doc *doc, struct oci_resources *r, enum section section)
{
	const struct {
		void **object;
		size_t size;
	} sections[] = {
		[SECTION_MEMORY] = { (void **)&r->memory, sizeof(*r->memory) },
		[SECTION_CPU] = { (void **)&r->cpu, sizeof(*r->cpu) },
		[SECTION_PIDS] = { (void **)&r->pids, sizeof(*r->pids) },
		[SECTION_IO] = { (void **)&r->block_io, sizeof(*r->block_io) },
	};

	if (!*sections[section].object)
		*sections[section].object = oci_doc_alloc(doc, sections[section].size);
	return *sections[section].object;
}

static int store(struct oci_doc *doc, void *to, enum value value, const char *text)
{
	switch (value) {
	case VALUE_LIMIT:
		return num_parse_limit(text, to);
	case VALUE_I64:
		return num_parse_i64(text, to);
	case VALUE_U64:
		return num_parse_u64(text, to);
	case VALUE_U32:
		return num_parse_u32(text, to);
	case VALUE_TEXT:
		*(char **)to = oci_doc_strdup(doc, text);
	}
	return 0;
}

static int apply_options(struct oci_doc *doc, struct oci_resources *r, const struct update_options *o,
			 struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *text = *(const char *const *)((const char *)o + rows[i].option);
		char *section;

		if (!text)
			continue;
		section = section_of(doc, r, rows[i].section);
		if (store(doc, section + rows[i].field, rows[i].value, text) < 0)
			return error_set(err, EINVAL, "invalid value \"%s\" for flag --%s: %s", text, rows[i].name,
					 rows[i].value == VALUE_LIMIT ? "expected bytes such as 1048576, 10M or 2G, or -1"
								      : "expected a number");
		if (rows[i].value != VALUE_TEXT)
			*(bool *)(section + rows[i].has) = true;
	}
	return 0;
}

/* runc's 0 and "": nothing is asked for. */
static void drop_unset(struct oci_resources *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		void *const sections[] = { r->memory, r->cpu, NULL, r->block_io };
		char *section = sections[rows[i].section], *at;
		bool *has;

		if (!section || str_eq(rows[i].name, "cpu-idle") || str_eq(rows[i].name, "cpu-burst"))
			continue;
		at = section + rows[i].field;
		has = (bool *)(section + rows[i].has);
		if (rows[i].value == VALUE_TEXT && str_is_empty(*(char **)at))
			*(char **)at = NULL;
		else if (rows[i].value == VALUE_U32 && *(uint32_t *)at == 0)
			*has = false;
		else if (rows[i].value != VALUE_TEXT && rows[i].value != VALUE_U32 && *(uint64_t *)at == 0)
			*has = false;
	}
	r->devices = NULL;
	r->n_devices = 0;
}

static int read_resources(const char *path, struct oci_doc **ret, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	struct oci_error oe;
	size_t len;
	int r = str_eq(path, "-") ? fd_read_file(STDIN_FILENO, RESOURCES_MAX, &json, &len)
				  : file_read_at(AT_FDCWD, path, RESOURCES_MAX, &json, &len);

	if (r < 0)
		return error_errnum(err, r, "--resources: read %s", path);
	if (oci_parse(&oci_resources_type, json, len, NULL, ret, &oe) < 0) {
		document_error(err, &oe);
		return error_wrap(err, "--resources: %s", path);
	}
	return 0;
}

int update_make_resources(const struct update_options *o, struct oci_doc **ret, struct error *err)
{
	_cleanup_document_ struct oci_doc *doc = NULL;
	struct oci_error oe;
	int r = 0;

	if (o->resources)
		r = read_resources(o->resources, &doc, err);
	else if (oci_doc_new(&oci_resources_type, &doc, &oe) < 0)
		r = document_error(err, &oe);
	if (r == 0 && !o->resources) /* as in runc the file is all or nothing */
		r = apply_options(doc, oci_doc_root(doc), o, err);
	if (r < 0)
		return r;
	drop_unset(oci_doc_root(doc));
	*ret = TAKE_PTR(doc);
	return 0;
}

/* Classes of service are the host's, and of its processes: resctrl.rst. */
static int update_rdt(struct container *c, const struct isolation_ops *ops, const struct update_options *o, struct error *err)
{
	const struct oci_intel_rdt none = { 0 };
	const struct oci_config *config;
	int r;

	if (!o->l3_cache_schema && !o->mem_bw_schema)
		return 0;
	if (!ops->shares_kernel)
		return error_set(err, EINVAL, "--l3-cache-schema, --mem-bw-schema: not with runtime type %s", ops->name);
	r = container_config(c, &config, err);
	return r < 0 ? r : resctrl_update(NULL, c->id, config->linux_ && config->linux_->intel_rdt ? config->linux_->intel_rdt : &none,
					  o->l3_cache_schema, o->mem_bw_schema, err);
}

int runtime_update(struct runtime *rt, const char *id, const struct update_options *o, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	_cleanup_document_ struct oci_doc *doc = NULL;
	const struct isolation_ops *ops;
	enum container_status status;
	int r;

	if (o->runtime_type)
		return runtime_switch(rt, id, o, err);
	if (o->console_socket || o->pid_file)
		return error_set(err, EINVAL, "--%s: only with --runtime-type", o->console_socket ? "console-socket" : "pid-file");
	r = update_make_resources(o, &doc, err);

	if (r == 0)
		r = runtime_load_settings(rt, err);
	if (r == 0)
		r = runtime_open(rt, id, true, &c, &ops, err);
	if (r < 0)
		return r;
	status = container_status_of(c);
	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return error_set(err, EINVAL, "cannot update container %s: container not running (%s)", id,
				 container_status_to_string(status));
	r = update_rdt(c, ops, o, err);
	return r < 0 ? r : ops->update(&rt->env, c, oci_doc_root(doc), err);
}
