/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_IDMAP_OPTION_H
#define HV_CONTAINER_IDMAP_OPTION_H

#include "base/error.h"
#include "linux/userns.h"

/*
 * crun's mount option "idmap=" with a mapping of the mount's own (crun(1)): "uids=LIST;gids=LIST", both of them, where LIST is
 * "FIRST-MAPPED-COUNT" for ids FIRST ... of the files that are seen as MAPPED ..., joined by "#". With "@" before it MAPPED is
 * an id of the container's, and its own mappings say what that is outside: it must be in one range of linux.uidMappings
 * (gidMappings) as a whole. Pure. *ret is the caller's, its lists for free(). Returns 0, or < 0 with the option and what is wrong with it.
 */
int idmap_option_parse(const char *text, const struct userns_maps *container, struct userns_maps *ret, struct error *err);

#endif
