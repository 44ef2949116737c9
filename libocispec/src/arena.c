/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The memory of a document: a list of chunks that are filled from the front and freed together. Nothing is
 * freed singly, so the structs need no destructors and a document that was half read needs no more care than
 * a whole one.
 */
#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_SIZE = 8 << 10 };

struct oci_arena_chunk {
	struct oci_arena_chunk *next;
	size_t used;
	size_t size;
	_Alignas(max_align_t) char data[];
};

static struct oci_arena_chunk *add_chunk(struct oci_arena *a, size_t size)
{
	if (size > SIZE_MAX - sizeof(struct oci_arena_chunk))
		return NULL;
	struct oci_arena_chunk *c = calloc(1, sizeof(*c) + size);
	if (!c)
		return NULL;
	c->size = size;
	c->next = a->chunks;
	a->chunks = c;
	return c;
}

void *oci_arena_alloc(struct oci_arena *a, size_t size)
{
	if (size > SIZE_MAX - sizeof(max_align_t))
		return NULL;
	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);

	struct oci_arena_chunk *c = a->chunks;
	if (!c || c->size - c->used < size)
		c = add_chunk(a, size > CHUNK_SIZE ? size : CHUNK_SIZE);
	if (!c)
		return NULL;
	void *p = c->data + c->used;
	c->used += size;
	return p;
}

void *oci_arena_grow(struct oci_arena *a, const void *old, size_t old_size, size_t size)
{
	void *p = oci_arena_alloc(a, size);
	if (p && old_size > 0)
		memcpy(p, old, old_size);
	return p;
}

char *oci_arena_strndup(struct oci_arena *a, const char *s, size_t len)
{
	char *p = len < SIZE_MAX ? oci_arena_alloc(a, len + 1) : NULL;
	if (p && len > 0)
		memcpy(p, s, len);
	return p;
}

void oci_arena_done(struct oci_arena *a)
{
	while (a->chunks) {
		struct oci_arena_chunk *next = a->chunks->next;
		free(a->chunks);
		a->chunks = next;
	}
}
