/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_MOUNT_OPTIONS_H
#define HV_LINUX_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum mount_option_extra {
	MOUNT_EXTRA_BIND = 1 << 0,
	MOUNT_EXTRA_REMOUNT = 1 << 1,
	MOUNT_EXTRA_TMPCOPYUP = 1 << 2, /* what the mount covers is copied into it */
	MOUNT_EXTRA_IDMAP = 1 << 3,
	MOUNT_EXTRA_RECURSIVE = 1 << 4, /* of bind: rbind */
	MOUNT_EXTRA_RIDMAP = 1 << 5,
	MOUNT_EXTRA_COPY_SYMLINK = 1 << 6, /* of bind: a source that is a symlink is made again at the destination */
	MOUNT_EXTRA_SRC_NOFOLLOW = 1 << 7, /* of bind: such a source is mounted itself */
	MOUNT_EXTRA_DEST_NOFOLLOW = 1 << 8, /* a symlink at the destination is what is mounted on */
};

/* Attributes to set and to clear, as mount_setattr(2) takes them; never the same bit in both, but for the
 * atime field. */
struct mount_attributes {
	uint64_t set, clr;
};

enum { MOUNT_OPTIONS_MAX = 64 };

/* "x-hvrun.format=qcow2": the format of a disk (hvrun(8)). Among data, as all that is not in the table, but for no file system. */
#define MOUNT_OPTION_DISK_FORMAT "x-hvrun.format="

/* The options of one mount. Strings are borrowed from the options that were parsed. */
struct mount_options {
	struct mount_attributes attr; /* of the mount itself */
	struct mount_attributes rec;  /* of the mount and everything mounted below it: "rro" ... */
	unsigned extra;               /* MOUNT_EXTRA_* */
	unsigned propagation[8];      /* MS_SHARED | MS_REC ..., in the order given */
	size_t n_propagation;
	const char *data[MOUNT_OPTIONS_MAX]; /* "key=value" or "flag": for the file system */
	size_t n_data;
	const char *idmap; /* crun's "idmap=": what follows, "uids=0-1000-10;gids=@0-0-1"; NULL: nothing does */
};

/*
 * mounts[].options (runtime-spec config.md, "Linux mount options") in the order given, later ones winning.
 * What is not in the table is for the file system. Returns 0, or < 0 when there are too many of a kind.
 */
int mount_options_parse(char *const *options, size_t n, struct mount_options *ret, struct error *err);

/*
 * Whether an entry of data is a flag of the file system as a whole (sync, dirsync, lazytime): on a bind mount, whose file
 * system is mounted already, mount(2) takes these and changes nothing.
 */
bool mount_options_is_superblock_flag(const char *option);

/*
 * The options in an entry of data, which may be several: "size=64k,mode=700", as the fifth argument of mount(2) has them.
 * Returns where the first begins in *rest, its length in *ret_len, and moves *rest behind it; NULL when there is none left.
 * A comma is part of an option behind a backslash (overlay), in double quotes (SELinux) and before a digit (mpol= of tmpfs).
 */
const char *mount_options_next_datum(const char **rest, size_t *ret_len);

/*
 * Whether an entry of data means something only to who mounts a file system, so that without one (a bind mount) it is as well
 * left out: "key=value", which mount(2) ignores there, and words for the reader of fstab(5) ("nofail", "x-systemd.automount").
 * Any other word may be a flag with a typing error, whose loss nobody would see.
 */
bool mount_options_is_moot(const char *option);

/* The names in the table, sorted, NULL-terminated, recursive forms included: for "features". */
const char *const *mount_options_names(void);

#endif
