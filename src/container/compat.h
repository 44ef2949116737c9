/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_COMPAT_H
#define HV_CONTAINER_COMPAT_H

#include <stdbool.h>

#include "base/error.h"

struct bundle;

/*
 * What an image wants of the machine that runs it, by the names of the OCI image specification; NULL: not
 * said.
 */
struct compat_image {
	const char *os;           /* "linux", "windows" */
	const char *architecture; /* "amd64", "arm64" */
	const char *variant;      /* "v8" */
};

/* What there is. */
struct compat_host {
	const char *machine; /* uname(2): "x86_64" */
	bool emulates;       /* binfmt_misc has an interpreter for the image's architecture */
	const char *guest;   /* machine of the guest that HyperV would boot; NULL: none */
};

/* Which runtime types can run an image: a set of these. */
enum { COMPAT_DEFAULT = 1 << 0, COMPAT_HYPERV = 1 << 1 };
unsigned compat_check(const struct compat_image *image, const struct compat_host *host);

/*
 * Says in *err what does not fit, and which type would do; can: what compat_check() returned. Returns
 * -ENOEXEC.
 */
int compat_refuse(const struct compat_image *image, const struct compat_host *host, unsigned can,
		  struct error *err);

/*
 * The image of a bundle: its org.opencontainers.image.* annotations; without an architecture there, and with
 * look_inside, the ELF machine of the program that process.args names (looked up inside the rootfs).
 */
void compat_image_of(const struct bundle *b, bool look_inside, struct compat_image *ret);

/* This machine, as it is seen from the image. The strings live as long as the program. */
void compat_host_get(const struct compat_image *image, struct compat_host *ret);

#endif
