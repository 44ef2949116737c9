/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only file that knows yajl: its callbacks become one stream of events, its errors get a line and a
 * column. yajl does not check what its allocator returns, so here it allocates from an arena, and when that
 * fails, longjmp(3) leaves yajl with nothing to tidy up but the arena.
 */
#include "events.h"

#include <errno.h>
#include <setjmp.h>
#include <string.h>

#include <yajl/yajl_parse.h>

#include "arena.h"
#include "error.h"

struct reader {
	oci_event_handler handle;
	void *arg;
	int result; /* of the handler that ended the reading */
	struct oci_arena memory;
	jmp_buf no_memory;
};

/* A block is preceded by its size, which realloc needs. */
union block {
	size_t size;
	max_align_t align;
};

static void *reader_malloc(void *ctx, size_t size)
{
	struct reader *r = ctx;
	union block *b = oci_arena_alloc(&r->memory, sizeof(*b) + size);
	if (!b)
		longjmp(r->no_memory, 1);
	b->size = size;
	return b + 1;
}

static void *reader_realloc(void *ctx, void *old, size_t size)
{
	size_t old_size = old ? ((union block *)old)[-1].size : 0;
	void *p = reader_malloc(ctx, size);
	if (old_size > 0)
		memcpy(p, old, old_size < size ? old_size : size);
	return p;
}

static void reader_free(void *ctx, void *p)
{
	(void)ctx;
	(void)p;
}

static int emit(void *ctx, struct oci_event event)
{
	struct reader *r = ctx;
	r->result = r->handle(r->arg, &event);
	return r->result >= 0;
}

static int on_null(void *ctx)
{
	return emit(ctx, (struct oci_event){ .kind = OCI_EVENT_NULL });
}

static int on_boolean(void *ctx, int truth)
{
	return emit(ctx, (struct oci_event){ .kind = OCI_EVENT_BOOL, .truth = truth });
}

static int on_number(void *ctx, const char *text, size_t len)
{
	return emit(ctx, (struct oci_event){ .kind = OCI_EVENT_NUMBER, .text = text, .len = len });
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	return emit(ctx,
		    (struct oci_event){ .kind = OCI_EVENT_STRING, .text = (const char *)text, .len = len });
}

static int on_start_map(void *ctx)
{
	return emit(ctx, (struct oci_event){ .kind = OCI_EVENT_OBJECT });
}

static int on_map_key(void *ctx, const unsigned char *text, size_t len)
{
	return emit(ctx, (struct oci_event){ .kind = OCI_EVENT_KEY, .text = (const char *)text, .len = len });
}

static int on_end_map(void *ctx)
{
	return emit(ctx, (struct oci_event){ .kind = OCI_EVENT_OBJECT_END });
}

static int on_start_array(void *ctx)
{
	return emit(ctx, (struct oci_event){ .kind = OCI_EVENT_ARRAY });
}

static int on_end_array(void *ctx)
{
	return emit(ctx, (struct oci_event){ .kind = OCI_EVENT_ARRAY_END });
}

static const yajl_callbacks callbacks = {
	.yajl_null = on_null,
	.yajl_boolean = on_boolean,
	.yajl_number = on_number,
	.yajl_string = on_string,
	.yajl_start_map = on_start_map,
	.yajl_map_key = on_map_key,
	.yajl_end_map = on_end_map,
	.yajl_start_array = on_start_array,
	.yajl_end_array = on_end_array,
};

/* How far yajl (2.1) has read beyond the place it complains of. The first text that matches counts. */
static const struct {
	const char *text;
	size_t too_far;
} complaints[] = {
	{ "parse error: after key and value", 0 },
	{ "parse error", 1 },
	{ "lexical error: invalid char in", 1 },
	{ "lexical error: invalid bytes", 1 },
	{ "", 0 },
};

static size_t read_too_far(const char *text)
{
	size_t i = 0;
	while (strncmp(text, complaints[i].text, strlen(complaints[i].text)) != 0)
		i++;
	return complaints[i].too_far;
}

/* "line 3, column 7: lexical error: invalid char in json text"; at_end: the document ends too early. */
static int syntax_error(yajl_handle yajl, const char *json, size_t len, bool at_end, struct oci_error *err)
{
	const char *text = (const char *)yajl_get_error(yajl, 0, (const unsigned char *)json, len);
	size_t n = strcspn(text, "\n"), line = 1, column = 1;
	size_t offset = at_end ? len : yajl_get_bytes_consumed(yajl) - read_too_far(text);
	for (size_t i = 0; i < offset && i < len; i++) {
		column = json[i] == '\n' ? 1 : column + 1;
		line += json[i] == '\n';
	}
	if (n > 0 && text[n - 1] == '.')
		n--;
	return oci_error_at(err, EILSEQ, NULL, "line %zu, column %zu: %.*s", line, column, (int)n, text);
}

static int run(struct reader *r, const char *json, size_t len, bool comments, struct oci_error *err)
{
	yajl_alloc_funcs alloc = { reader_malloc, reader_realloc, reader_free, r };
	if (setjmp(r->no_memory) != 0)
		return oci_error_memory(err);
	yajl_handle yajl = yajl_alloc(&callbacks, &alloc, r);
	yajl_config(yajl, yajl_allow_comments, (int)comments);
	yajl_status status = yajl_parse(yajl, (const unsigned char *)json, len);
	bool at_end = status == yajl_status_ok;
	if (at_end)
		status = yajl_complete_parse(yajl);
	if (status == yajl_status_error)
		return syntax_error(yajl, json, len, at_end, err);
	return r->result < 0 ? r->result : 0;
}

int oci_events_read(const char *json, size_t len, bool comments, oci_event_handler handle, void *arg,
		    struct oci_error *err)
{
	struct reader r = { .handle = handle, .arg = arg };
	int result = run(&r, json, len, comments, err);
	oci_arena_done(&r.memory);
	return result;
}
