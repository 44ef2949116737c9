/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_COMPAT_H
#define HV_CONTAINER_COMPAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "container/runtime_type.h"

struct bundle;
struct settings;

/*
 * What an image wants of the machine that runs it, by the names of the OCI image specification; NULL or 0: it
 * does not say.
 */
struct compat_image {
	const char *os;           /* "linux", "windows" */
	const char *architecture; /* "amd64", "arm64" */
	const char *variant;      /* "v8" */
	const char *features;     /* separated by commas */
	uint32_t kernel;          /* the oldest that will do: KERNEL_VERSION() */
};

/* A kernel that may run it: the host's, or a guest's. */
struct compat_kernel {
	const char *name;      /* of the guest; NULL: it is the host's */
	const char *machine;   /* uname(2): "x86_64" */
	uint32_t version;      /* 0: not known, which is as good as new enough */
	char *const *features; /* NULL-terminated; NULL: none */
};

/* An image and all that there is to run it. */
struct compat {
	struct compat_image image;
	struct compat_kernel host;
	bool emulates;                /* the host has an interpreter for the image's architecture (binfmt_misc) */
	struct compat_kernel *guests; /* by the rows of settings_hyperv.guests; owned */
	size_t n_guests;
	int wanted; /* the guest that the bundle names; -1: any will do */
};

/* How an image and a kernel do not fit: the first of these. */
enum compat_misfit { COMPAT_FITS, COMPAT_OS, COMPAT_ARCHITECTURE, COMPAT_VERSION, COMPAT_FEATURE };
enum compat_misfit compat_fit(const struct compat_image *image, const struct compat_kernel *kernel);

/* Which runtime types can run the image: a set of these. NATIVE: Default needs no interpreter for it. Pure. */
enum { COMPAT_DEFAULT = 1 << 0, COMPAT_HYPERV = 1 << 1, COMPAT_NATIVE = 1 << 2 };
unsigned compat_check(const struct compat *c);

/* The guest for it: the wanted one, the usual one (0), or the first that can. -1: none. Pure. */
int compat_guest(const struct compat *c);

/*
 * Says in *err why type cannot run the image, and which one would. Returns -ENOEXEC. Pure.
 */
int compat_refuse(const struct compat *c, enum runtime_type type, struct error *err);

/*
 * Looks at a bundle and at this machine. The image: its org.opencontainers.image.* annotations, and what these leave out by the program that
 * process.args names, or by the interpreter of a script (read inside the rootfs, when no mount hides it). Asks only what it needs to know.
 * Strings are borrowed from the bundle and the settings. compat_done() frees the rest.
 */
void compat_gather(const struct bundle *b, const struct settings *settings, struct compat *ret);
void compat_done(struct compat *c);
#define _cleanup_compat_ _cleanup_(compat_done)

/* The uname(2) machine for an architecture's name, NULL for one that is not known; and the version at the beginning of a release, 0: none. Pure. */
const char *compat_machine(const char *architecture);
uint32_t compat_parse_version(const char *release);

/* The version of a guest's kernel, by its row or by the guest.json beside it; 0: neither says. */
struct settings_guest;
uint32_t compat_guest_version(const struct settings_guest *g);

/* The architecture of an ELF file by its name, NULL for one that is not known. Pure. */
struct elf_identity;
const char *compat_architecture_of(const struct elf_identity *elf);

/* The header of a program for that architecture, as far as the kernel would look at it for an interpreter. Returns its length, 0: not known. Pure. */
enum { COMPAT_HEADER_SIZE = 20 };
size_t compat_make_header(const char *architecture, unsigned char ret[COMPAT_HEADER_SIZE]);

#endif
