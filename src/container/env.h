/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_ENV_H
#define HV_CONTAINER_ENV_H

#include <stdbool.h>

#include "linux/cgroup/cgroup.h"

struct settings;

/*
 * How "here" differs from "there": the host's command line fills it from its options, the guest's agent from
 * constants. Strings are borrowed and outlive it.
 */
struct env {
	const char *root; /* state root, absolute: /run/hvrun */
	int root_dirfd;   /* the same, open O_PATH | O_DIRECTORY; -1 until a verb needs it */
	enum cgroup_manager_type cgroup_manager;
	bool rootless;                   /* no root in the initial user namespace */
	const char *layer_dir;           /* where layers are made (layer.h) */
	const struct settings *settings; /* the configuration file, defaults filled in; NULL in the guest */
};

#endif
