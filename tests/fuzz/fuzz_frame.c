/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames in pieces are the same frames as in one, and written again they are the same bytes. The first byte
 * is the size of a piece. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece = size > 0 ? data[0] + 1u : 1;
	struct frame_reader r;
	struct buf again = { 0 };
	struct error err;
	struct frame f;
	int e = 0;

	frame_reader_init(&r, 4096);
	for (size_t at = 1; at < size && e >= 0; at += piece) {
		frame_reader_feed(&r, data + at, size - at < piece ? size - at : piece);
		while ((e = frame_reader_next(&r, &f, &err)) > 0)
			frame_append(&again, f.type, f.flags, f.id, f.body, f.len);
	}
	if (again.len > size || (again.len > 0 && memcmp(again.data, data + 1, again.len) != 0))
		abort();
	frame_reader_done(&r);
	buf_done(&again);
	return 0;
}
