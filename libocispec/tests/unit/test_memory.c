/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every allocation fails once: the linker's --wrap puts these in the place of calloc(3) and realloc(3), all
 * that the library uses. Each time there must be -ENOMEM, nothing leaked (the sanitizers and valgrind see to
 * that) and no crash inside yajl, which does not check its allocator.
 */
#include "test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static long countdown = -1; /* allocations until one fails; < 0: none */

void *__wrap_calloc(size_t n, size_t size)
{
	return countdown >= 0 && countdown-- == 0 ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return countdown >= 0 && countdown-- == 0 ? NULL : __real_realloc(old, size);
}

/* A document that needs several chunks: large strings, a growing list, a map, an escape (yajl's own buffer).
 */
static char *make_document(void)
{
	char *text = malloc(64 << 10);
	size_t len =
		(size_t)sprintf(text, CONFIG_START ", \"hostname\": \"\\u00e9%0*d\", \"mounts\": [", 9000, 0);
	for (int i = 0; i < 100; i++)
		len += (size_t)sprintf(text + len, "%s{\"destination\": \"/%d\", \"options\": [\"%0*d\"]}",
				       i > 0 ? ", " : "", i, 300, i);
	strcpy(text + len, "], \"annotations\": {\"a\": \"\\n\"}, \"linux\": {\"netDevices\": {\"e\": {}}}}");
	return text;
}

static int parse_failing(const char *text, long at, struct oci_doc **doc)
{
	struct oci_error err = { 0 };
	countdown = at;
	int r = oci_parse(&oci_config_type, text, strlen(text), NULL, doc, &err);
	countdown = -1;
	if (r < 0)
		assert_string_equal(err.msg, "out of memory");
	return r;
}

static void test_parse(void **state)
{
	(void)state;
	char *text = make_document();
	struct oci_doc *doc = NULL;
	long n = 0;
	while (parse_failing(text, n, &doc) < 0) {
		assert_null(doc);
		n++;
	}
	assert_true(n > 5);
	oci_doc_free(doc);
	free(text);
}

static int write_failing(struct oci_doc *doc, long at, char **json)
{
	countdown = at;
	int r = oci_write(&oci_config_type, oci_doc_root(doc), "\t", json, NULL, NULL);
	countdown = -1;
	return r;
}

static void test_write(void **state)
{
	(void)state;
	char *text = make_document(), *json = NULL;
	struct oci_doc *doc = parse(&oci_config_type, text);
	long n = 0;
	while (write_failing(doc, n, &json) < 0) {
		assert_null(json);
		n++;
	}
	assert_true(n > 2);
	free(json);
	oci_doc_free(doc);
	free(text);
}

static void test_edit(void **state)
{
	(void)state;
	struct oci_doc *doc = NULL;
	countdown = 0;
	assert_int_equal(oci_doc_new(&oci_state_type, &doc, NULL), -ENOMEM);
	countdown = 1;
	assert_int_equal(oci_doc_new(&oci_state_type, &doc, NULL), -ENOMEM);
	countdown = -1;
	assert_int_equal(oci_doc_new(&oci_state_type, &doc, NULL), 0);
	struct oci_state *s = oci_doc_root(doc);
	char *array = NULL;
	size_t n = 0;
	countdown = 0;
	assert_null(oci_doc_alloc(doc, 1 << 20));
	countdown = 0;
	assert_null(oci_doc_append(doc, &array, &n, 1 << 20));
	assert_int_equal(n, 0);
	char *big = calloc(1, 1 << 20);
	memset(big, 'x', (1 << 20) - 1);
	countdown = 0;
	assert_int_equal(oci_doc_map_set(doc, &s->annotations, "k", big), -ENOMEM);
	countdown = -1;
	free(big);
	oci_doc_free(doc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_write),
		cmocka_unit_test(test_edit),
	};
	return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
