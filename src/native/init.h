/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_INIT_H
#define HV_NATIVE_INIT_H

#include <stdbool.h>
#include <stddef.h>

#include "container/hook_output.h"
#include "native/plan.h"
#include "native/rootfs.h"
#include "native/setup.h"

struct container;

/* All that the child of create works with, made by the parent. */
struct init {
	const struct native_plan *plan;
	const struct container *container;
	struct setup setup;
	struct rootfs rootfs;
	struct {
		int fd, type;
	} join[8]; /* namespaces the child joins itself */
	size_t n_join;
	bool in_userns; /* made or joined one: becomes its root */
	bool await_maps;
	bool await_cgroup; /* by the child: the parent moves it in v2, to be waited for before that matters */
	bool heard_parent; /* by the child: SYNC_GO has come, which the parent sends when it has recorded and moved the child */
	bool in_cgroup;    /* by the child: nothing is left to do about it, in no hierarchy */
	int sync_fd;       /* the parent; native/sync.h */
	int parents_fd;    /* its end of that: closed by us, or its death would never be noticed */
	int start_fd;      /* the listening start socket */
	struct hook_output hook_output; /* CLOEXEC, and so gone with the user's program */
};

/*
 * The child: sets itself up step by step, tells the parent READY, waits for start and becomes the user's
 * process. Returns only after a failure that has been reported.
 */
void init_run(void *init, bool in_cgroup);

#endif
