/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_LAYER_H
#define HV_CONTAINER_LAYER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct container;
struct env;
struct oci_string_map;
struct settings;

/*
 * A layer: where the writes of one container to its root file system go, which itself is never written then. Users call it the container's
 * sandbox (annotation io.hvrun.sandbox, as on Windows); here a sandbox is a pod's.
 */
enum layer_kind { LAYER_NONE, LAYER_OVERLAY, LAYER_MEMORY };

enum {
	LAYER_DISK_MIN = 16 << 20, /* with less an ext4 has no room for anything */
	LAYER_MEMORY_MIN = 1 << 20,
};

struct layer_spec {
	enum layer_kind kind;
	uint64_t size; /* bytes; 0: no limit */
	bool keep;
};

/*
 * What the annotations ask for, within what the operator allows (settings; NULL: no bounds, as in a guest). Pure; the values have been checked by
 * annotations_validate(). Returns 0, or < 0 naming annotation, value and what would be right.
 */
int layer_spec_get(const struct oci_string_map *annotations, const struct settings *settings, struct layer_spec *ret, struct error *err);

/* How an overlay is stored: directories "upper" and "work", or a file with an ext4 in which these are. No kernel but a guest's ever sees what a guest wrote. */
enum layer_form { LAYER_DIRS, LAYER_DISK, LAYER_GUEST_DISK, _LAYER_FORM_MAX };

/* The name of the file in the layer's directory: "disk", "guest-disk". */
const char *layer_file(enum layer_form form);

/*
 * Makes the layer of a container in env->layer_dir, or takes the one that was kept, and writes into state.json where it is. size: of the disk, > 0. With
 * keep it is called as the container and is taken by one container at a time; without, its name is random. Returns the fd of its directory
 * (O_RDONLY), or < 0: then layer_release() removes what has been made.
 */
int layer_open(const struct env *env, struct container *c, const struct layer_spec *spec, enum layer_form form, struct error *err);

/* create has succeeded: from now on it is kept, if it is to be. The caller writes state.json. */
void layer_commit(struct container *c, const struct layer_spec *spec);

/* The container does not need it any more: it is removed, or, if it is kept, free for the next. Fine when there is none. */
int layer_release(const struct env *env, struct container *c, struct error *err);

#endif
