/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_CHOICE_H
#define HV_HYPERV_CHOICE_H

#include "base/error.h"
#include "base/macros.h"

struct bundle;
struct settings;
struct settings_guest;

/* On which kernel a bundle's virtual machine runs. */
struct choice {
	const struct settings_guest *guest; /* borrowed from the settings */
	/* Files that a vm section names, checked and without symlinks; owned. NULL: it names none. */
	char *hypervisor, *kernel, *initrd, *image;
};

/* What a VM has of which no bundle says anything. */
#define CHOICE_USUAL(settings) ((struct choice){ .guest = &(settings)->guests[0] })

/*
 * The guest that a bundle names (annotation io.hvrun.guest-kernel), or the first that can run its image
 * (container/compat.h); and what its vm section (config-vm.md) names of
 * the host's files, as far as the configuration file allows that. Returns 0 and *ret (choice_done()), or < 0 with *err naming the
 * field, and what there is or what would permit it.
 */
int choice_make(const struct bundle *bundle, const struct settings *settings, struct choice *ret, struct error *err);
void choice_done(struct choice *c);
#define _cleanup_choice_ _cleanup_(choice_done)

#endif
