/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_VMWP_STANDIN_H
#define HV_VMWP_STANDIN_H

#include "base/error.h"
#include "base/event.h"
#include "proto/channel.h"

struct oci_type;
struct standin;

/*
 * A host process that stands for a process in a VM which is another worker's: an exec's, or that of a container in somebody else's VM. It hands
 * its stdio to the VM's worker, which relays it, forwards signals and window sizes, and ends as its process ended. When it is killed, its
 * connection closes, and the process is killed, too.
 */
struct standin_ops {
	/* An answer other than to what the stand-in sends by itself. */
	void (*answered)(struct standin *s, const struct frame *f);
	/* The VM has gone, and the process with it. */
	void (*gone)(struct standin *s);
	/* A signal that is not only about the terminal; true: it is not for the process. May be NULL. */
	bool (*signalled)(struct standin *s, int sig);
};

struct standin {
	const struct standin_ops *ops;
	struct event_loop *loop;
	struct channel *worker; /* the connection to the VM's */
	const char *id;		/* the container's, borrowed */
	uint64_t last_request;
	int tty_fd;
	int wait_status; /* what we exit like */
};

/* A loop that takes signals. Returns 0 or < 0. */
int standin_prepare(struct standin *s, struct error *err);

/* Our stdio has been given away: 0, 1 and 2 become /dev/null. And nothing of the host's is needed any more (jail_enter_empty()). Returns 0 or < 0. */
int standin_leave_host(struct error *err);

/* Serves until standin_end() or the process's EXIT; sock, the connection, is taken. Returns 0 or < 0. */
int standin_serve(struct standin *s, int sock, struct error *err);

/* Sends a request of ours, with what is at root as its body. */
void standin_request(struct standin *s, uint16_t type, const struct oci_type *body_type, const void *root);

/* The terminal's size, if there is one: it may have changed before anybody took notice. */
void standin_forward_size(struct standin *s);

void standin_end(struct standin *s, int wait_status);
void standin_done(struct standin *s);

/* Answers whoever started us: type is its request's, e is NULL when all went well. Returns 0 or -errno. */
int standin_answer(int launcher_fd, uint16_t type, uint64_t id, const struct error *e);

#endif
