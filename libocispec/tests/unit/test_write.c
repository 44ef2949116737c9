/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing structs that a program made; that what is read is written again is in tests/cases. */
#include "test.h"

#include <errno.h>
#include <stdlib.h>

static void assert_written(const struct oci_type *type, const void *root, const char *indent,
			   const char *expected)
{
	char *text = NULL;
	size_t len = 0;
	struct oci_error err = { 0 };
	if (oci_write(type, root, indent, &text, &len, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(text, expected);
	assert_int_equal(len, strlen(expected));
	free(text);
}

static void assert_refused(const struct oci_type *type, const void *root, const char *expected)
{
	char *text = NULL;
	struct oci_error err = { 0 };
	assert_int_equal(oci_write(type, root, NULL, &text, NULL, &err), -EINVAL);
	assert_null(text);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.msg, expected);
}

static char word[] = "a", path[] = "/", bad_utf8[] = "/a\xff";

static void test_indent(void **state)
{
	(void)state;
	char *args[] = { word, NULL };
	struct oci_process p = { .args = args,
				 .n_args = 1,
				 .cwd = path,
				 .user = &(struct oci_user){ .uid = 1, .gid = 2 },
				 .env = args,
				 .n_env = 0,
				 .capabilities = &(struct oci_capabilities){ 0 } };
	assert_written(&oci_process_type, &p, NULL,
		       "{\"user\":{\"uid\":1,\"gid\":2},\"args\":[\"a\"],\"env\":[],\"cwd\":\"/"
		       "\",\"capabilities\":{}}");
	assert_written(
		&oci_process_type, &p, "  ",
		"{\n  \"user\": {\n    \"uid\": 1,\n    \"gid\": 2\n  },\n  \"args\": [\n    \"a\"\n  ],\n"
		"  \"env\": [],\n  \"cwd\": \"/\",\n  \"capabilities\": {}\n}");
}

static void test_absent(void **state)
{
	(void)state;
	struct oci_memory m = { .limit = 5, .has_swap = true, .swap = -1, .has_disable_oom_killer = true };
	assert_written(&oci_memory_type, &m, NULL, "{\"swap\":-1,\"disableOOMKiller\":false}");
}

static void test_refused(void **state)
{
	(void)state;
	struct oci_process p = { .cwd = path };
	assert_refused(&oci_process_type, &p, "args: required, but absent");

	struct oci_mount mounts[] = { { .destination = path }, { .source = word } };
	struct oci_config c = { .oci_version = word,
				.root = &(struct oci_root){ .path = path },
				.mounts = mounts,
				.n_mounts = 2 };
	assert_refused(&oci_config_type, &c, "mounts[1].destination: required, but absent");

	mounts[1].destination = bad_utf8;
	assert_refused(&oci_config_type, &c, "mounts[1].destination: contains invalid UTF-8");

	struct oci_string_map_entry entries[] = { { word, path }, { word, bad_utf8 } };
	c.n_mounts = 1;
	c.annotations = &(struct oci_string_map){ .n = 2, .entries = entries };
	assert_refused(&oci_config_type, &c, "annotations[\"a\"]: contains invalid UTF-8");
	entries[1].key = NULL;
	assert_refused(&oci_config_type, &c, "annotations: an entry without key or value");

	char *args[] = { word, NULL };
	p = (struct oci_process){ .cwd = path, .args = args, .n_args = 2 };
	assert_refused(&oci_process_type, &p, "args[1]: a list ends before its count");

	struct oci_namespace ns = { .type = _OCI_NAMESPACE_TYPE_MAX };
	assert_refused(&oci_namespace_type, &ns, "type: not a value of the enum");
}

static void test_edit(void **state)
{
	(void)state;
	struct oci_doc *doc = parse(&oci_config_type, CONFIG_START "}");
	struct oci_config *c = oci_doc_root(doc);
	struct oci_mount *m = oci_doc_append(doc, &c->mounts, &c->n_mounts, sizeof(*m));
	m->destination = oci_doc_strdup(doc, "/x");
	c->linux_ = oci_doc_alloc(doc, sizeof(*c->linux_));
	struct oci_net_device_entry *e =
		oci_doc_append(doc, &c->linux_->net_devices, &c->linux_->n_net_devices, sizeof(*e));
	e->key = oci_doc_strdup(doc, "eth0");
	assert_written(&oci_config_type, c, NULL,
		       "{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},\"mounts\":[{"
		       "\"destination\":\"/x\"}],"
		       "\"linux\":{\"netDevices\":{\"eth0\":{}}}}");
	oci_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_indent),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_edit),
	};
	return cmocka_run_group_tests_name("write", tests, NULL, NULL);
}
