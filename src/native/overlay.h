/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_OVERLAY_H
#define HV_NATIVE_OVERLAY_H

#include <stdbool.h>

#include "base/error.h"
#include "container/layer.h"

/* The container's root file system as an overlay of its layer over root.path, which is only read. */
struct overlay {
	const struct layer_spec *layer;
	const char *lower;   /* root.path */
	const char *context; /* linux.mountLabel; NULL: none */
	const char *layer_dir; /* of layer_open(); NULL with LAYER_MEMORY */
	bool unprivileged;   /* made in a user namespace, by the child: it has a mount namespace to work in, but no trusted.* attributes */
};

/* How the layer is stored: with a limit it needs a file system of its own. */
enum layer_form overlay_form(const struct layer_spec *layer);

/* Makes it. Returns the fd of a detached mount, or < 0. */
int overlay_mount(const struct overlay *o, struct error *err);

#endif
