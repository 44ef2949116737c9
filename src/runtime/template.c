/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * template: what an operator wants to do with the templates of virtual machines before or beside the containers that use them. Everything else
 * happens by itself (hyperv/template.c).
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "container/settings.h"
#include "hyperv/hyperv.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"
#include "schema/json.h"
#include "schema/types.h"

static const char *const actions[] = { [TEMPLATE_BUILD] = "build", [TEMPLATE_LIST] = "list", [TEMPLATE_PRUNE] = "prune" };

struct listing {
	const struct template_options *o;
	struct buf *out;
	unsigned n;
};

static int show_json(struct listing *l, const struct hv_template_info *t, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	size_t len;
	int r = json_write(&hv_template_info_type, t, &json, &len, err);

	if (r < 0)
		return r;
	buf_append_str(l->out, l->n++ > 0 ? "," : "[");
	buf_append(l->out, json, len);
	return 0;
}

static void show_size(struct buf *out, uint64_t bytes)
{
	buf_printf(out, "%-11llu", (unsigned long long)(bytes >> 20));
}

/* Sizes in MiB: what the guest sees, and what its files use. */
static int show_row(struct listing *l, const struct hv_template_info *t)
{
	if (l->n++ == 0)
		buf_printf(l->out, "%-19s%-11s%-8s%-8s%-11s%-11s%s\n", "NAME", "STATUS", "ACCEL", "VCPUS", "MEMORY", "SIZE", "CREATED");
	buf_printf(l->out, "%-19s%-11s%-8s%-8u", t->name, t->status, t->accel ? t->accel : "-", t->has_vcpus ? t->vcpus : 0);
	show_size(l->out, t->has_memory ? t->memory : 0);
	show_size(l->out, t->size);
	buf_printf(l->out, "%s\n", t->created ? t->created : "-");
	return 0;
}

static int show(void *data, const struct hv_template_info *t, struct error *err)
{
	struct listing *l = data;

	if (l->o->quiet) {
		buf_printf(l->out, "%s\n", t->name);
		return 0;
	}
	return l->o->format == LIST_FORMAT_JSON ? show_json(l, t, err) : show_row(l, t);
}

static int list(struct runtime *rt, const struct template_options *o, struct buf *out, struct error *err)
{
	struct listing l = { .o = o, .out = out };
	int r = hyperv_template_each(&rt->env, show, &l, err);

	if (r == 0 && o->format == LIST_FORMAT_JSON && !o->quiet)
		buf_append_str(out, l.n > 0 ? "]\n" : "[]\n");
	return r;
}

static int prune(struct runtime *rt, const struct template_options *o, struct error *err)
{
	unsigned n = 0;
	int r = hyperv_template_prune(&rt->env, o->all, &n, err);

	log_info("%u templates removed", n);
	return r;
}

int runtime_template(struct runtime *rt, const char *action, const struct template_options *o, struct buf *out, struct error *err)
{
	int a = str_index(actions, ARRAY_SIZE(actions), action), r;

	if (a < 0)
		return error_set(err, EINVAL, "template: \"%s\" is not known (build, list, prune)", action);
	r = runtime_load_settings(rt, err);
	if (r < 0)
		return r;
	if (a == TEMPLATE_LIST)
		return list(rt, o, out, err);
	return a == TEMPLATE_PRUNE ? prune(rt, o, err) : hyperv_template_build(&rt->env, err);
}
