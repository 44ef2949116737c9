/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_BUNDLE_H
#define HV_CONTAINER_BUNDLE_H

#include <stddef.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_config;
struct oci_doc;

/* A bundle as loaded: immutable but for sandbox (runtime/lifecycle.c, join.h), all paths absolute, shared by both runtime types. */
struct bundle {
	char *path;   /* absolute, symlinks resolved */
	int dirfd;    /* the same, O_PATH | O_DIRECTORY | O_CLOEXEC */
	char *rootfs; /* root.path made absolute against path; not resolved further */
	char *json;   /* config.json's bytes, for the copy in the state directory */
	size_t json_len;
	struct oci_doc *doc; /* owns config */
	const struct oci_config *config;
	char *sandbox; /* the id of the container whose pod, or virtual machine, this one is a member of; NULL: of none */
};

/*
 * Reads <path>/config.json (or the file "config" when it is not NULL), parses and checks it (libocispec's
 * tables, then validate.h's cross-field rules). Nothing on the machine is changed. Returns 0 and *ret
 * (bundle_free()), or < 0. A missing file gives "JSON specification file config.json not found", as runc
 * says.
 */
int bundle_load(const char *path, const char *config, struct bundle **ret, struct error *err);

struct bundle *bundle_free(struct bundle *b);
static inline void bundle_freep(struct bundle **b)
{
	bundle_free(*b);
}
#define _cleanup_bundle_ _cleanup_(bundle_freep)

#endif
