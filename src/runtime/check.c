/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * check: what would run here, as what, and why not. The answers are those of the code that create asks, up to the point where it would begin to
 * change something. What is said about a bundle is create's own refusal.
 */
#include "runtime/check.h"

#include <errno.h>
#include <stdlib.h>

#include <ocispec/doc.h>

#include "base/mem.h"
#include "base/str.h"
#include "container/bundle.h"
#include "container/isolation.h"
#include "container/report.h"
#include "container/runtime_type.h"
#include "container/settings.h"
#include "hyperv/hyperv.h"
#include "runtime/isolation.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"
#include "schema/json.h"
#include "schema/types.h"

/* What is found out, for people (report) and for programs (result). */
struct checking {
	struct runtime *rt;
	struct report report;
	struct oci_doc *doc; /* owns strings of result */
	struct hv_check *result;
};

static char *keep(struct checking *k, const char *s)
{
	return oci_doc_strdup(k->doc, s);
}

/* The first reason counts. */
static void refuse(struct checking *k, const struct error *err)
{
	struct error shown = *err;

	error_sanitize(&shown);
	if (!k->result->reason)
		k->result->reason = keep(k, shown.msg);
	k->result->ok = false;
}

static int check_settings(struct checking *k)
{
	struct error err;
	const char *path = k->rt->config_file ? k->rt->config_file : SETTINGS_DEFAULT_PATH;
	int r = runtime_load_settings(k->rt, &err);
	_cleanup_free_ char *detail = r < 0 ? NULL : xasprintf("%s%s", path, k->rt->settings->path ? "" : " (not there: defaults)");

	k->report.section = "configuration";
	report_result(&k->report, "file", r, detail, &err);
	if (r < 0)
		refuse(k, &err);
	return r;
}

/* Without a bundle: the type that one which says nothing would get. */
static void check_usual(struct checking *k)
{
	int type = k->rt->runtime_type >= 0 ? k->rt->runtime_type : k->rt->settings->runtime_type;
	struct error err;
	int r;

	if (type < 0 && str_has_suffix(k->rt->program, "hvrun-hyperv"))
		type = RUNTIME_TYPE_HYPERV;
	r = hyperv_usable(&k->rt->env, &err);
	k->report.section = "runtime types";
	report_add(&k->report, REPORT_OK, "Default", "can be used%s", type == RUNTIME_TYPE_HYPERV ? "" : "; what a bundle gets that says nothing");
	if (r < 0)
		report_add(&k->report, type == RUNTIME_TYPE_HYPERV ? REPORT_NO : REPORT_NOTE, "HyperV", "cannot be used: %s", err.msg);
	else
		report_add(&k->report, REPORT_OK, "HyperV", "can be used%s",
			   type == RUNTIME_TYPE_HYPERV ? "; what a bundle gets that says nothing" : "");
	if (r < 0 && type == RUNTIME_TYPE_HYPERV)
		refuse(k, &err);
}

static void describe_type(struct checking *k, const struct isolation_ops *ops, const char *rule)
{
	report_add(&k->report, REPORT_OK, "runtime type", "%s (decided by: %s)", ops->name, rule);
	k->result->bundle->runtime_type = keep(k, ops->name);
	k->result->bundle->rule = keep(k, rule);
}

static int check_type(struct checking *k, struct bundle *b, struct error *err)
{
	const struct isolation_ops *ops = NULL;
	_cleanup_free_ char *rule = NULL;
	struct error ignored;
	int r = runtime_open_root(k->rt, false, err);

	if (r == 0)
		r = lifecycle_choose(k->rt, b, &ops, &rule, err);
	if (rule)
		describe_type(k, ops, rule);
	/* what can be said about a machine that is refused is said, too */
	if (ops == isolation_of(RUNTIME_TYPE_HYPERV))
		hyperv_describe(&k->rt->env, b, &k->report, k->result->bundle, k->doc, r < 0 ? &ignored : err);
	return r;
}

static void check_bundle(struct checking *k, const char *path)
{
	_cleanup_bundle_ struct bundle *b = NULL;
	struct error err;
	int r = bundle_load(path, NULL, &b, &err);

	k->report.section = "bundle";
	k->result->bundle = oci_doc_alloc(k->doc, sizeof(*k->result->bundle));
	k->result->bundle->path = keep(k, b ? b->path : path);
	report_result(&k->report, "config.json", r, b ? b->path : NULL, &err);
	if (r == 0) {
		r = check_type(k, b, &err);
		report_result(&k->report, "would run", r, "yes", &err);
	}
	if (r < 0)
		refuse(k, &err);
}

static int write_json(struct checking *k, struct buf *out, struct error *err)
{
	struct hv_check *c = k->result;
	_cleanup_free_ char *json = NULL;
	struct oci_error oe;

	for (size_t i = 0; i < k->report.n; i++) {
		const struct report_row *row = &k->report.rows[i];
		struct hv_check_row *to = oci_doc_append(k->doc, &c->checks, &c->n_checks, sizeof(*to));

		*to = (struct hv_check_row){ keep(k, row->section), keep(k, row->name), keep(k, report_status_to_string(row->status)),
					     keep(k, row->detail) };
	}
	if (oci_write(&hv_check_type, c, "  ", &json, NULL, &oe) < 0)
		return error_set(err, EINVAL, "check: %s", oe.msg);
	buf_printf(out, "%s\n", json);
	return 0;
}

static void write_table(const struct checking *k, struct buf *out)
{
	report_print(&k->report, out);
	const char *what = k->result->bundle ? "The bundle" : "A bundle that asks for nothing special";

	if (k->result->ok)
		buf_printf(out, "\n%s would run.\n", what);
	else
		buf_printf(out, "\n%s would not run: %s\n", what, k->result->reason);
}

int runtime_check(struct runtime *rt, const char *bundle, int format, struct buf *out, struct error *err)
{
	struct checking k = { .rt = rt };
	struct oci_error oe;
	bool ok;
	int r = 0;

	if (oci_doc_new(&hv_check_type, &k.doc, &oe) < 0)
		return error_set(err, ENOMEM, "%s", oe.msg);
	k.result = oci_doc_root(k.doc);
	k.result->ok = true;
	runtime_open_root(rt, false, err); /* for who we are; create's own error comes with the bundle */
	if (check_settings(&k) == 0) {
		check_host(rt, &k.report);
		hyperv_check(&rt->env, &k.report);
		if (bundle)
			check_bundle(&k, bundle);
		else
			check_usual(&k);
	}
	if (format == LIST_FORMAT_JSON)
		r = write_json(&k, out, err);
	else
		write_table(&k, out);
	ok = k.result->ok;
	report_done(&k.report);
	oci_doc_free(k.doc);
	return r < 0 ? r : !ok;
}
