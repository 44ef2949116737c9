/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_HOOK_OUTPUT_H
#define HV_CONTAINER_HOOK_OUTPUT_H

#include "base/error.h"
#include "base/fd.h"
#include "base/macros.h"

struct oci_config;

/* Where hooks write, instead of into the message of a failure: crun's annotations run.oci.hooks.stdout and .stderr. */
struct hook_output {
	int out_fd, err_fd; /* files open for appending; -1: none */
};
#define HOOK_OUTPUT_NONE { -1, -1 }

/*
 * Opens the files that config's annotations name, on the host, and makes those that are missing (0600); nothing when config has no hooks.
 * A path (annotations_validate() has seen it) leads to a regular file or /dev/null without a symlink at any place, and never into the directory rootfs: its
 * content, and any other that a container writes to, is hostile. Returns 0 with *ret for hook_output_close(), or < 0 with a message that
 * names the annotation.
 */
int hook_output_open(const struct oci_config *config, const char *rootfs, struct hook_output *ret, struct error *err);

static inline void hook_output_close(struct hook_output *o)
{
	o->out_fd = fd_close(o->out_fd);
	o->err_fd = fd_close(o->err_fd);
}
#define _cleanup_hook_output_ _cleanup_(hook_output_close)

#endif
