/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_ANNOTATION_H
#define HV_CONTAINER_ANNOTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct oci_string_map;

/*
 * Every annotation that is honoured. What it means is in annotation.c's table, which the man page and
 * `features` are made from.
 */
enum annotation {
	ANNOTATION_RUNTIME_TYPE,
	ANNOTATION_GUEST_KERNEL,
	ANNOTATION_IMAGE_OS,
	ANNOTATION_IMAGE_ARCHITECTURE,
	ANNOTATION_IMAGE_VARIANT,
	ANNOTATION_IMAGE_OS_VERSION,
	ANNOTATION_IMAGE_OS_FEATURES,
	ANNOTATION_IMAGE_STOP_SIGNAL,
	ANNOTATION_CRI_CONTAINER_TYPE,
	ANNOTATION_CRI_SANDBOX_ID,
	ANNOTATION_CRI_SANDBOX_MEMORY,
	ANNOTATION_CRI_SANDBOX_CPU_QUOTA,
	ANNOTATION_CRI_SANDBOX_CPU_PERIOD,
	ANNOTATION_CRI_SANDBOX_CPU_SHARES,
	ANNOTATION_CRIO_CONTAINER_TYPE,
	ANNOTATION_CRIO_SANDBOX_ID,
	ANNOTATION_KEEP_GROUPS,
	ANNOTATION_MOUNT_CONTEXT_TYPE,
	ANNOTATION_SECCOMP_STRICT,
	ANNOTATION_SECCOMP_RAW,
	ANNOTATION_HOOKS_STDOUT,
	ANNOTATION_HOOKS_STDERR,
	ANNOTATION_PIDFD_RECEIVER,
	ANNOTATION_SYSTEMD_SUBGROUP,
	ANNOTATION_DELEGATE_CGROUP,
	ANNOTATION_SANDBOX,
	ANNOTATION_SANDBOX_SIZE,
	ANNOTATION_SANDBOX_KEEP,
	ANNOTATION_ROOTFS_TYPE,
	ANNOTATION_ROOTFS_FORMAT,
	ANNOTATION_SHARE_TYPE,
	_ANNOTATION_MAX,
};

enum annotation_type {
	ANNOTATION_TYPE_STRING,
	ANNOTATION_TYPE_PATH, /* of the host's, absolute, without ".." */
	ANNOTATION_TYPE_CHOICE,
	ANNOTATION_TYPE_SIGNAL,
	ANNOTATION_TYPE_ID,
	ANNOTATION_TYPE_NUMBER, /* whole, as JSON has it */
	ANNOTATION_TYPE_SIZE,
	ANNOTATION_TYPE_GROUP, /* the name of a sub-group; a slash before it is ignored, "" is none */
	ANNOTATION_TYPE_FILTER, /* of seccomp_raw_parse() */
};

struct annotation_def {
	const char *key;
	enum annotation_type type;
	const char *const *choices; /* ANNOTATION_TYPE_CHOICE, NULL-terminated; any case */
	const char *doc;
};

const struct annotation_def *annotation_def(enum annotation a);

/* Its value, NULL when it is absent. map may be NULL. */
const char *annotation_get(const struct oci_string_map *map, enum annotation a);

/* The name that an ANNOTATION_TYPE_GROUP gives; NULL: none. Borrowed from map. */
const char *annotation_get_group(const struct oci_string_map *map, enum annotation a);

/* Whether a switch is "1". */
bool annotation_is_on(const struct oci_string_map *map, enum annotation a);

/* Checks that every honoured one has a value of its type. Names key, value and what would be right. */
int annotations_validate(const struct oci_string_map *map, struct error *err);

/*
 * Pod members (CRI): the id of the sandbox that the container belongs to; NULL when it is none or is the
 * sandbox itself.
 */
const char *annotation_sandbox_of(const struct oci_string_map *map);

/* Whether it is a pod's sandbox. */
bool annotation_is_sandbox(const struct oci_string_map *map);

/*
 * podman marks the containers of a pod by CRI-O's annotations, but the id there is that of the pod's infra container or, where the pod has none, of the pod,
 * which is no container; and nothing marks the infra container. This is that id; NULL when the container is none of podman's, or in no pod.
 */
const char *annotation_podman_infra_of(const struct oci_string_map *map);

/* Whether podman has made it. */
bool annotation_is_podmans(const struct oci_string_map *map);

/* The value of one that is a number, 0 when it is absent or negative: no limit. */
uint64_t annotation_get_number(const struct oci_string_map *map, enum annotation a);

/* Prefixes and keys for features' potentiallyUnsafeConfigAnnotations, NULL-terminated. */
extern const char *const annotations_unsafe[];

#endif
