/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The arena, and the editing of documents that is made of it. */
#include "test.h"

#include <stdlib.h>

#include "../../src/arena.h"

static void test_alloc(void **state)
{
	(void)state;
	struct oci_arena a = { 0 };
	for (size_t size = 1; size < 40000; size = size * 3 + 1) {
		unsigned char *p = oci_arena_alloc(&a, size);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
	}
	oci_arena_done(&a);
	assert_null(a.chunks);
	oci_arena_done(&a);
}

static void test_alloc_impossible(void **state)
{
	(void)state;
	struct oci_arena a = { 0 };
	assert_null(oci_arena_alloc(&a, SIZE_MAX));
	assert_null(oci_arena_alloc(&a, SIZE_MAX - sizeof(max_align_t)));
	assert_null(oci_arena_strndup(&a, "", SIZE_MAX));
	oci_arena_done(&a);
}

static void test_grow_and_copy(void **state)
{
	(void)state;
	struct oci_arena a = { 0 };
	char *old = oci_arena_strndup(&a, "abcdef", 3);
	assert_string_equal(old, "abc");
	char *new = oci_arena_grow(&a, old, 2, 8);
	assert_memory_equal(new, "ab\0\0\0\0\0\0", 8);
	assert_memory_equal(oci_arena_grow(&a, NULL, 0, 2), "\0\0", 2);
	oci_arena_done(&a);
}

static void test_append(void **state)
{
	(void)state;
	struct oci_doc *doc = parse(&oci_process_type, "{\"cwd\": \"/\", \"args\": [\"a\"]}");
	struct oci_process *p = oci_doc_root(doc);
	for (int i = 0; i < 20; i++) {
		char **arg = oci_doc_append(doc, &p->args, &p->n_args, sizeof(*arg));
		assert_null(*arg);
		*arg = oci_doc_strdup(doc, "b");
	}
	assert_int_equal(p->n_args, 21);
	assert_string_equal(p->args[0], "a");
	assert_string_equal(p->args[20], "b");
	assert_null(p->args[21]);

	struct oci_rlimit *r = oci_doc_append(doc, &p->rlimits, &p->n_rlimits, sizeof(*r));
	assert_int_equal(p->n_rlimits, 1);
	assert_ptr_equal(r, p->rlimits);
	oci_doc_free(doc);
}

static void test_map(void **state)
{
	(void)state;
	struct oci_doc *doc = NULL;
	assert_int_equal(oci_doc_new(&oci_state_type, &doc, NULL), 0);
	struct oci_state *s = oci_doc_root(doc);
	assert_null(oci_map_get(s->annotations, "a"));
	assert_int_equal(oci_doc_map_set(doc, &s->annotations, "a", "1"), 0);
	assert_int_equal(oci_doc_map_set(doc, &s->annotations, "b", "2"), 0);
	assert_int_equal(oci_doc_map_set(doc, &s->annotations, "a", "3"), 0);
	assert_int_equal(s->annotations->n, 2);
	assert_string_equal(oci_map_get(s->annotations, "a"), "3");
	assert_string_equal(oci_map_get(s->annotations, "b"), "2");
	assert_null(oci_map_get(s->annotations, "c"));
	oci_doc_free(doc);
	oci_doc_free(NULL);
}

static void test_enum(void **state)
{
	(void)state;
	assert_string_equal(oci_namespace_type_to_string(OCI_NAMESPACE_TYPE_UTS), "uts");
	assert_null(oci_namespace_type_to_string(-1));
	assert_null(oci_namespace_type_to_string(_OCI_NAMESPACE_TYPE_MAX));
	assert_int_equal(oci_enum_value(&oci_namespace_type_enum, "uts"), OCI_NAMESPACE_TYPE_UTS);
	assert_true(oci_enum_value(&oci_namespace_type_enum, "utsx") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alloc),         cmocka_unit_test(test_alloc_impossible),
		cmocka_unit_test(test_grow_and_copy), cmocka_unit_test(test_append),
		cmocka_unit_test(test_map),           cmocka_unit_test(test_enum),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
