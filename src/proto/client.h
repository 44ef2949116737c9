/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_PROTO_CLIENT_H
#define HV_PROTO_CLIENT_H

#include <stddef.h>

#include "base/error.h"
#include "proto/frame.h"

/* The waiting side of a unix socket that carries frames: the command line's, and a worker's before it has an
 * event loop. */

/* Sends a frame, with descriptors that stay the caller's (at most FD_PASS_MAX). Returns 0, or < 0 with *err.
 * Waits. */
int client_send(int sock, uint16_t type, uint16_t flags, uint64_t id, const void *body, size_t len,
		const int *fds, size_t n_fds, struct error *err);

/*
 * Waits for the next frame, timeout_ms at most (-1: for ever; ETIMEDOUT). The descriptors that came with it
 * are put into fds (at most max_fds; more is an error) and are the caller's. Returns 1; 0 when the peer has
 * closed; < 0 with *err.
 */
int client_receive(int sock, struct frame_reader *r, int timeout_ms, struct frame *ret, int *fds,
		   size_t max_fds, size_t *ret_n_fds, struct error *err);

struct client_request {
	uint16_t type;
	const void *body;
	size_t len;
	const int *fds;
	size_t n_fds;
	int timeout_ms; /* for the answer; -1: none */
};

/*
 * One request and its answer. Returns 0 with the answer's body appended to reply (NULL: dropped), or < 0 with
 * the error that was answered, or with ECONNRESET when the peer went away and ETIMEDOUT when it did not
 * answer in time.
 */
int client_call(int sock, const struct client_request *req, struct buf *reply, struct error *err);

#endif
