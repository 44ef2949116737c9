/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyperv/guest_config.h: each tests/golden/guest_config/<name>.json, in a bundle at /bundle, against
 * <name>.txt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ocispec/types.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "container/bundle.h"
#include "golden.h"
#include "hyperv/guest_config.h"
#include "schema/json.h"

/* The derived config.json, indented as a reader wants it. */
static void print_config(const char *json, struct buf *out)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	_cleanup_free_ char *pretty = NULL;
	struct oci_error err;

	assert_int_equal(oci_parse(&oci_config_type, json, strlen(json), NULL, &doc, &err), 0);
	assert_int_equal(oci_write(&oci_config_type, oci_doc_root(doc), "  ", &pretty, NULL, &err), 0);
	buf_printf(out, "%s\n", pretty);
}

static void print_ids(char kind, const struct id_map *maps, size_t n, struct buf *out)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, " %c(%u %u %u)", kind, maps[i].inside, maps[i].outside, maps[i].count);
}

static void print_idmap(const struct share *s, struct buf *out)
{
	if (s->idmap.n_uids == 0)
		return;
	buf_append_str(out, s->idmap_below ? "\tids, below as well:" : "\tids:");
	print_ids('u', s->idmap.uids, s->idmap.n_uids, out);
	print_ids('g', s->idmap.gids, s->idmap.n_gids, out);
	buf_append_str(out, "\n");
}

static void print(const struct guest_config *g, struct buf *out)
{
	for (size_t i = 0; i < g->n_shares; i++) {
		const struct share *s = &g->shares[i];

		buf_printf(out, "share %zu: %s = %s%s%s%s\n", i, s->field, s->source,
			   s->recursive ? ", recursive" : "", s->readonly ? ", read-only" : "",
			   s->readonly_after_create ? ", read-only after create" : "");
		print_idmap(s, out);
	}
	for (size_t i = 0; i < g->n_view; i++) {
		const struct view_mount *v = &g->view[i];
		_cleanup_free_ char *share = v->share == VIEW_COVERED ? xstrdup("covered") : xasprintf("share %zu", v->share);

		buf_printf(out, "seen from the host: %s: %s%s\n", v->destination, share, v->nofollow ? ", not followed" : "");
	}
	for (size_t i = 0; i < g->n_disks; i++) {
		const struct disk *d = &g->disks[i];

		buf_printf(out, "disk %zu: %s = %s", i, d->field, d->source ? d->source : d->layer ? "layer" : "device");
		if (d->by_number)
			buf_printf(out, " %u:%u", d->major, d->minor);
		buf_printf(out, ", %s%s", vmm_disk_format_to_string(d->format), d->readonly ? ", read-only" : "");
		if (d->unlocked)
			buf_append_str(out, ", unlocked");
		if (d->mount)
			buf_printf(out, ", %s at %s", d->type, d->mount);
		buf_append_str(out, "\n");
	}
	if (g->layer.kind != LAYER_NONE)
		buf_printf(out, "layer: %s, %llu bytes%s\n", g->layer.kind == LAYER_MEMORY ? "memory" : "overlay",
			   (unsigned long long)g->layer.size, g->layer.keep ? ", kept" : "");
	if (g->shm)
		buf_printf(out, "shared memory: %s\n", g->shm->name);
	buf_printf(out, "network: %s\n", g->network_path ? g->network_path : "new");
	print_config(g->json, out);
}

static void check(const char *name)
{
	_cleanup_free_ char *from = xasprintf("guest_config/%s.json", name),
			    *to = xasprintf("guest_config/%s.txt", name);
	_cleanup_guest_config_ struct guest_config *g = NULL;
	_cleanup_doc_ struct oci_doc *doc = NULL;
	_cleanup_buf_ struct buf out = { 0 };
	const bool devices[] = { false, true, false, false }; /* of the cases with disks */
	const struct oci_rlimit rlimits[] = { { OCI_RLIMIT_TYPE_CORE, .soft = 0, .hard = UINT64_MAX },
					      { OCI_RLIMIT_TYPE_NOFILE, .soft = 1024, .hard = 1073741816 } };
	const struct shm shm = { .mount = 1, .name = "51.1700000000.7", .size = 67108864, .mode = 01777 };
	const enum host_device host_devices[] = { HOST_DEVICE_FREE, HOST_DEVICE_READONLY, HOST_DEVICE_UNUSABLE, HOST_DEVICE_FREE, HOST_DEVICE_UNUSABLE,
						  HOST_DEVICE_FREE };
	const struct guest_facts facts = { .id = "web",
					   .shm = str_skip_prefix(name, "shm") ? &shm : NULL,
					   .host_devices = str_skip_prefix(name, "privileged") ? host_devices : NULL,
					   .devices = str_skip_prefix(name, "disks") ? devices : NULL,
					   .rlimits = rlimits,
					   .n_rlimits = str_skip_prefix(name, "rlimits") ? ARRAY_SIZE(rlimits) : 0 };
	struct bundle b = { .path = (char *)"/bundle", .dirfd = -1 };
	struct error err;

	b.json = golden_read(from, &b.json_len);
	assert_int_equal(json_parse(&oci_config_type, b.json, b.json_len, &doc, &err), 0);
	b.config = oci_doc_root(doc);
	b.rootfs = path_join(b.path, b.config->root->path);
	if (guest_config_derive(&b, &facts, &g, &err) < 0)
		buf_printf(&out, "error: %s\n", err.msg);
	else
		print(g, &out);
	golden_compare(to, out.data);
	free(b.rootfs);
	free(b.json);
}

static void test_all(void **state)
{
	_cleanup_strv_ char **names = golden_list("guest_config", ".json");

	(void)state;
	for (char **n = names; *n; n++)
		check(*n);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_all) };

	return cmocka_run_group_tests_name("hyperv_guest_config", tests, NULL, NULL);
}
