/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsing as a C program sees it; what is accepted and refused, and with which words, is in tests/cases. */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void test_struct(void **state)
{
	(void)state;
	struct oci_doc *doc =
		parse(&oci_config_type, CONFIG_START
		      ", \"process\": {\"args\": [\"sh\", \"-c\"], \"cwd\": \"/\", \"terminal\": false, "
		      "\"oomScoreAdj\": -5,"
		      "   \"scheduler\": {\"policy\": \"SCHED_RR\", \"flags\": [\"SCHED_FLAG_RECLAIM\"]},"
		      "   \"user\": {\"uid\": 1, \"gid\": 2, \"additionalGids\": [5, 6]}},"
		      " \"annotations\": {\"a\": \"1\"}, \"mounts\": [{\"destination\": \"/a\"}, "
		      "{\"destination\": \"/b\"}],"
		      " \"linux\": {\"netDevices\": {\"eth0\": {\"name\": \"c0\"}, \"eth1\": {}},"
		      "   \"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"user\", \"path\": \"/p\"}]}}");
	const struct oci_config *c = oci_doc_root(doc);
	assert_string_equal(c->oci_version, "1.3.0");
	assert_int_equal(c->process->n_args, 2);
	assert_string_equal(c->process->args[1], "-c");
	assert_null(c->process->args[2]);
	assert_true(c->process->has_terminal && !c->process->terminal);
	assert_true(c->process->has_oom_score_adj && c->process->oom_score_adj == -5);
	assert_false(c->process->has_no_new_privileges);
	assert_int_equal(c->process->scheduler->policy, OCI_SCHEDULER_POLICY_RR);
	assert_int_equal(c->process->scheduler->flags[0], OCI_SCHEDULER_FLAG_RECLAIM);
	assert_int_equal(c->process->user->additional_gids[1], 6);
	assert_null(c->process->env);
	assert_string_equal(oci_map_get(c->annotations, "a"), "1");
	assert_int_equal(c->n_mounts, 2);
	assert_string_equal(c->mounts[1].destination, "/b");
	assert_int_equal(c->linux_->n_net_devices, 2);
	assert_string_equal(c->linux_->net_devices[0].key, "eth0");
	assert_string_equal(c->linux_->net_devices[0].value.name, "c0");
	assert_null(c->linux_->net_devices[1].value.name);
	assert_string_equal(c->linux_->namespaces[1].path, "/p");
	assert_null(c->hooks);
	oci_doc_free(doc);
}

static int refused(const char *text, size_t len, const struct oci_parse_options *options,
		   struct oci_error *err)
{
	struct oci_doc *doc = NULL;
	int r = oci_parse(&oci_config_type, text, len, options, &doc, err);
	assert_null(doc);
	return r;
}

static void test_options_comments(void **state)
{
	(void)state;
	static const char text[] = "// first\n" CONFIG_START " /* last */ }";
	struct oci_parse_options options = { .comments = true };
	struct oci_doc *doc = NULL;
	struct oci_error err;
	assert_int_equal(refused(text, strlen(text), NULL, &err), -EILSEQ);
	assert_int_equal(oci_parse(&oci_config_type, text, strlen(text), &options, &doc, &err), 0);
	oci_doc_free(doc);
}

static void test_options_size(void **state)
{
	(void)state;
	static const char text[] = CONFIG_START "}";
	struct oci_parse_options options = { .max_size = strlen(text) };
	struct oci_doc *doc = NULL;
	struct oci_error err;
	assert_int_equal(oci_parse(&oci_config_type, text, strlen(text), &options, &doc, &err), 0);
	oci_doc_free(doc);
	options.max_size--;
	assert_int_equal(refused(text, strlen(text), &options, &err), -EFBIG);
	assert_string_equal(err.msg, "larger than 50 bytes");

	char *big = calloc(1, OCI_MAX_SIZE + 1);
	assert_int_equal(refused(big, OCI_MAX_SIZE + 1, NULL, NULL), -EFBIG);
	free(big);
}

static void collect(void *arg, const char *field)
{
	strcat(arg, field);
	strcat(arg, "\n");
}

static void test_options_unknown(void **state)
{
	(void)state;
	static const char text[] = CONFIG_START ", \"new\": {\"x\": [1]}, \"mounts\": [{\"destination\": "
						"\"/\", \"x\\n\": null}], \"hooks\": {\"zz\": 1}}";
	char seen[200] = "";
	struct oci_parse_options options = { .unknown = collect, .arg = seen };
	struct oci_doc *doc = NULL;
	assert_int_equal(oci_parse(&oci_config_type, text, strlen(text), &options, &doc, NULL), 0);
	assert_string_equal(seen, "new\nmounts[0].x\\x0a\nhooks.zz\n");
	oci_doc_free(doc);
}

/* n levels of brackets inside a member that nobody knows: level 1 is the document itself. */
static int parse_nested(size_t n, struct oci_error *err)
{
	char text[600] = CONFIG_START ", \"new\": ";
	size_t len = strlen(text);
	memset(text + len, '[', n - 1);
	memset(text + len + n - 1, ']', n - 1);
	strcpy(text + len + 2 * (n - 1), "}");
	struct oci_doc *doc = NULL;
	int r = oci_parse(&oci_config_type, text, strlen(text), NULL, &doc, err);
	oci_doc_free(doc);
	return r;
}

static void test_depth(void **state)
{
	(void)state;
	struct oci_error err;
	assert_int_equal(parse_nested(OCI_MAX_DEPTH, &err), 0);
	assert_int_equal(parse_nested(OCI_MAX_DEPTH + 1, &err), -EFBIG);
	assert_string_equal(err.msg, "nested more than 64 levels deep");
}

static void test_many_items(void **state)
{
	(void)state;
	enum { N = 5000 };
	char *text = calloc(N, 64);
	size_t len = (size_t)sprintf(text, CONFIG_START ", \"annotations\": {");
	for (int i = 0; i < N; i++)
		len += (size_t)sprintf(text + len, "%s\"k%d\": \"%d\"", i > 0 ? ", " : "", i, i);
	strcpy(text + len, "}}");
	struct oci_doc *doc = parse(&oci_config_type, text);
	const struct oci_config *c = oci_doc_root(doc);
	assert_int_equal(c->annotations->n, N);
	assert_string_equal(oci_map_get(c->annotations, "k4999"), "4999");
	oci_doc_free(doc);
	free(text);
}

static void test_error_may_be_null(void **state)
{
	(void)state;
	assert_int_equal(refused("{", 1, NULL, NULL), -EILSEQ);
	assert_int_equal(refused("{}", 2, NULL, NULL), -EINVAL);
	assert_int_equal(refused("", 0, NULL, NULL), -EILSEQ);
}

/* No prefix of a document is a document, and none may be read beyond its length. */
static void test_prefixes(void **state)
{
	(void)state;
	static const char text[] = CONFIG_START ", \"linux\": {\"maskedPaths\": [\"/a\\u00e9\"], "
						"\"resources\": {\"pids\": {\"limit\": -12}}}}";
	for (size_t n = 0; n < strlen(text); n++) {
		char *part = malloc(n + 1); /* exactly as long as what is read, for the sanitizers */
		memcpy(part, text, n);
		part = realloc(part, n > 0 ? n : 1);
		assert_int_equal(refused(part, n, NULL, NULL), -EILSEQ);
		free(part);
	}
}

static void test_file(void **state)
{
	(void)state;
	char path[] = "/tmp/ocispec-test-XXXXXX";
	int fd = mkstemp(path);
	static const char text[] = CONFIG_START ", \"hostname\": 1}";
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	struct oci_doc *doc = NULL;
	struct oci_error err;
	char expected[200];
	assert_int_equal(oci_parse_file(&oci_config_type, path, NULL, &doc, &err), -EINVAL);
	(void)snprintf(expected, sizeof(expected), "%s: hostname: expected string, found integer", path);
	assert_string_equal(err.msg, expected);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, CONFIG_START "}", strlen(CONFIG_START "}"), 0), strlen(CONFIG_START "}"));
	struct oci_parse_options small = { .max_size = 10 };
	assert_int_equal(oci_parse_file(&oci_config_type, path, &small, &doc, &err), -EFBIG);
	assert_int_equal(oci_parse_file(&oci_config_type, path, NULL, &doc, &err), 0);
	oci_doc_free(doc);
	(void)close(fd);
	(void)unlink(path);
	assert_int_equal(oci_parse_file(&oci_config_type, path, NULL, &doc, &err), -ENOENT);
	(void)snprintf(expected, sizeof(expected), "%s: No such file or directory", path);
	assert_string_equal(err.msg, expected);
	assert_int_equal(oci_parse_file(&oci_config_type, "/", NULL, &doc, &err), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_struct),
		cmocka_unit_test(test_options_comments),
		cmocka_unit_test(test_options_size),
		cmocka_unit_test(test_options_unknown),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_items),
		cmocka_unit_test(test_error_may_be_null),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_file),
	};
	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
