/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The annotations that hvrun honours, as one table. An annotation comes with the bundle and is as hostile as
 * the rest of it: values are checked here before anything is done, and none of them can turn emulation on. Those that name a file of the
 * host's (run.oci.*) are for whom the rest of the bundle is trusted from, too: engines must not pass them on from users, see annotations_unsafe.
 */
#include "container/annotation.h"

#include <errno.h>
#include <ocispec/doc.h>
#include <stdbool.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "container/container.h"
#include "container/runtime_type.h"
#include "linux/seccomp.h"

static const char *const layers[] = { "none", "overlay", "memory", NULL };
static const char *const booleans[] = { "true", "false", NULL };
static const char *const image_types[] = { "erofs", "ext4", "squashfs", NULL };
static const char *const image_formats[] = { "raw", "qcow2", NULL };
static const char *const share_types[] = { "9p", "virtiofs", NULL };
static const char *const container_types[] = { "sandbox", "container", NULL };

static const char *const switches[] = { "0", "1", NULL };
static const char *const context_types[] = { "context", "fscontext", "defcontext", "rootcontext", NULL };

static const struct annotation_def defs[_ANNOTATION_MAX] = {
	[ANNOTATION_RUNTIME_TYPE] = { "io.hvrun.runtime-type", ANNOTATION_TYPE_CHOICE, runtime_type_names,
				      "The runtime type: natively (Default), in a virtual machine of its own "
				      "(HyperV), or whichever this host can run the image with (Auto)." },
	[ANNOTATION_GUEST_KERNEL] = { "io.hvrun.guest-kernel", ANNOTATION_TYPE_STRING, NULL,
				      "The kernel of a HyperV container: a name from hyperv.guests in the "
				      "configuration file, or \"default\"." },
	[ANNOTATION_IMAGE_OS] = { "org.opencontainers.image.os", ANNOTATION_TYPE_STRING, NULL,
				  "The operating system that the image is for; compared with the host's." },
	[ANNOTATION_IMAGE_ARCHITECTURE] = { "org.opencontainers.image.architecture", ANNOTATION_TYPE_STRING,
					    NULL,
					    "The architecture that the image is for, by Go's names (amd64, "
					    "arm64); compared with the host's." },
	[ANNOTATION_IMAGE_VARIANT] = { "org.opencontainers.image.variant", ANNOTATION_TYPE_STRING, NULL,
				       "The architecture's variant (v3, v8); compared with the host's." },
	[ANNOTATION_IMAGE_OS_VERSION] = { "org.opencontainers.image.os.version", ANNOTATION_TYPE_STRING, NULL,
					  "Of Linux, the oldest kernel that the image runs on; compared with "
					  "the host's and the guests'." },
	[ANNOTATION_IMAGE_OS_FEATURES] = { "org.opencontainers.image.os.features", ANNOTATION_TYPE_STRING, NULL,
					   "What the image needs of its kernel, separated by commas; compared "
					   "with what the configuration file says." },
	[ANNOTATION_IMAGE_STOP_SIGNAL] = { "org.opencontainers.image.stopSignal", ANNOTATION_TYPE_SIGNAL,
					   NULL,
					   "What kill sends when no signal is given; SIGTERM without it." },
	[ANNOTATION_CRI_CONTAINER_TYPE] = { "io.kubernetes.cri.container-type", ANNOTATION_TYPE_CHOICE,
					    container_types,
					    "containerd's mark of a pod's sandbox and its members." },
	[ANNOTATION_CRI_SANDBOX_ID] = { "io.kubernetes.cri.sandbox-id", ANNOTATION_TYPE_ID, NULL,
					"The sandbox of a pod member, which goes where its sandbox is." },
	[ANNOTATION_CRI_SANDBOX_MEMORY] = { "io.kubernetes.cri.sandbox-memory", ANNOTATION_TYPE_NUMBER, NULL,
					    "Of a sandbox: the memory, in bytes, that all containers of the pod may "
					    "use together. Its virtual machine has room for that." },
	[ANNOTATION_CRI_SANDBOX_CPU_QUOTA] = { "io.kubernetes.cri.sandbox-cpu-quota", ANNOTATION_TYPE_NUMBER,
					       NULL,
					       "Of a sandbox: the CPU quota of the pod, for its virtual "
					       "machine." },
	[ANNOTATION_CRI_SANDBOX_CPU_PERIOD] = { "io.kubernetes.cri.sandbox-cpu-period", ANNOTATION_TYPE_NUMBER,
						NULL, "Of a sandbox: the period of that quota." },
	[ANNOTATION_CRI_SANDBOX_CPU_SHARES] = { "io.kubernetes.cri.sandbox-cpu-shares", ANNOTATION_TYPE_NUMBER,
						NULL,
						"Of a sandbox: the CPU shares of the pod, for its virtual "
						"machine." },
	[ANNOTATION_CRIO_CONTAINER_TYPE] = { "io.kubernetes.cri-o.ContainerType", ANNOTATION_TYPE_CHOICE,
					     container_types,
					     "CRI-O's mark of a pod's sandbox and its members." },
	[ANNOTATION_CRIO_SANDBOX_ID] = { "io.kubernetes.cri-o.SandboxID", ANNOTATION_TYPE_ID, NULL,
					 "The sandbox of a pod member under CRI-O." },
	[ANNOTATION_KEEP_GROUPS] = { "run.oci.keep_original_groups", ANNOTATION_TYPE_CHOICE, switches,
				     "1: the caller's supplementary groups stay the process's, instead of "
				     "process.user.additionalGids; without privileges only." },
	[ANNOTATION_MOUNT_CONTEXT_TYPE] = { "run.oci.mount_context_type", ANNOTATION_TYPE_CHOICE, context_types,
					    "Which of SELinux's mount options takes linux.mountLabel." },
	[ANNOTATION_SECCOMP_STRICT] = { "run.oci.seccomp_fail_unknown_syscall", ANNOTATION_TYPE_CHOICE, switches,
					"1: a system call in linux.seccomp that is not known here is an error." },
	[ANNOTATION_SECCOMP_RAW] = { "run.oci.seccomp_bpf_data", ANNOTATION_TYPE_FILTER, NULL,
				     "A compiled seccomp filter in base64, in place of what linux.seccomp says." },
	[ANNOTATION_HOOKS_STDOUT] = { "run.oci.hooks.stdout", ANNOTATION_TYPE_PATH, NULL,
				      "A file of the host's that hooks' standard output is appended to; made when it is missing." },
	[ANNOTATION_HOOKS_STDERR] = { "run.oci.hooks.stderr", ANNOTATION_TYPE_PATH, NULL,
				      "The same for their standard error." },
	[ANNOTATION_PIDFD_RECEIVER] = { "run.oci.pidfd_receiver", ANNOTATION_TYPE_PATH, NULL,
					"A unix stream socket that create and run send a pidfd of the container's process to." },
	[ANNOTATION_SYSTEMD_SUBGROUP] = { "run.oci.systemd.subgroup", ANNOTATION_TYPE_GROUP, NULL,
					  "With --systemd-cgroup, the group below the container's scope that its processes are in; none without it." },
	[ANNOTATION_DELEGATE_CGROUP] = { "run.oci.delegate-cgroup", ANNOTATION_TYPE_GROUP, NULL,
					 "cgroup v2: a group of this name below the container's, which limits are for, is where its processes are, and is "
					 "theirs to manage." },
	[ANNOTATION_SANDBOX] = { "io.hvrun.sandbox", ANNOTATION_TYPE_CHOICE, layers,
				 "Where the container's writes to its root file system go: into it (none), or, so that it stays "
				 "as it is, to a layer of the container's own, on the host's disk (overlay) or in memory." },
	[ANNOTATION_SANDBOX_SIZE] = { "io.hvrun.sandbox.size", ANNOTATION_TYPE_SIZE, NULL,
				      "How large that layer may get, as in 512M." },
	[ANNOTATION_SANDBOX_KEEP] = { "io.hvrun.sandbox.keep", ANNOTATION_TYPE_CHOICE, booleans,
				      "Whether that layer stays when the container is deleted, for the next one with its ID." },
	[ANNOTATION_ROOTFS_TYPE] = { "io.hvrun.rootfs.type", ANNOTATION_TYPE_CHOICE, image_types,
				     "root.path is an image of this type of file system, for a virtual machine; no directory." },
	[ANNOTATION_ROOTFS_FORMAT] = { "io.hvrun.rootfs.format", ANNOTATION_TYPE_CHOICE, image_formats,
				       "The format of that image's file; raw without it." },
	[ANNOTATION_SHARE_TYPE] = { "io.hvrun.share-type", ANNOTATION_TYPE_CHOICE, share_types,
				    "How the root file system and bind mounts of a HyperV container come into its virtual machine; "
				    "without it, as hyperv.share_type in the configuration file says." },
};

const char *const annotations_unsafe[] = { "io.hvrun.",
					   "io.kubernetes.cri.container-type",
					   "io.kubernetes.cri.sandbox-id",
					   "io.kubernetes.cri.sandbox-memory",
					   "io.kubernetes.cri.sandbox-cpu-quota",
					   "io.kubernetes.cri.sandbox-cpu-period",
					   "io.kubernetes.cri.sandbox-cpu-shares",
					   "io.kubernetes.cri-o.ContainerType",
					   "io.kubernetes.cri-o.SandboxID",
					   "org.opencontainers.image.architecture",
					   "org.opencontainers.image.os",
					   "org.opencontainers.image.os.features",
					   "org.opencontainers.image.os.version",
					   "org.opencontainers.image.stopSignal",
					   "org.opencontainers.image.variant",
					   "org.systemd.property.",
					   "run.oci.",
					   NULL };

const struct annotation_def *annotation_def(enum annotation a)
{
	return &defs[a];
}

const char *annotation_get(const struct oci_string_map *map, enum annotation a)
{
	return oci_map_get(map, defs[a].key);
}

const char *annotation_get_group(const struct oci_string_map *map, enum annotation a)
{
	const char *value = annotation_get(map, a);

	value = value ? value + strspn(value, "/") : NULL;
	return value && *value ? value : NULL;
}

bool annotation_is_on(const struct oci_string_map *map, enum annotation a)
{
	return str_eq(annotation_get(map, a), "1");
}

static int check_choice(const struct annotation_def *d, const char *value, struct error *err)
{
	_cleanup_free_ char *valid = NULL;

	for (const char *const *c = d->choices; *c; c++)
		if (str_eq_nocase(*c, value))
			return 0;
	valid = str_join((char *const *)d->choices, ", ");
	return error_set(err, EINVAL, "annotation %s: \"%s\" is not a valid value (%s)", d->key, value,
			 valid);
}

static int check_signal(const struct annotation_def *d, const char *value, struct error *err)
{
	if (signal_from_string(value) > 0)
		return 0;
	return error_set(err, EINVAL, "annotation %s: unknown signal \"%s\"", d->key, value);
}

static int check_size(const struct annotation_def *d, const char *value, struct error *err)
{
	uint64_t size;

	if (num_parse_size(value, &size) == 0)
		return 0;
	return error_set(err, EINVAL, "annotation %s: \"%s\" is not a size (\"512M\", \"2G\")", d->key, value);
}

static int check_group(const struct annotation_def *d, const char *value, struct error *err)
{
	const char *name = value + strspn(value, "/");

	if (!*name || (path_is_name(name) && !strchr(name, '\n')))
		return 0;
	return error_set(err, EINVAL, "annotation %s: bad sub cgroup path: \"%s\" is not the name of one group", d->key, value);
}

static int check_filter(const struct annotation_def *d, const char *value, struct error *err)
{
	_cleanup_seccomp_filter_ struct seccomp_filter f = { 0 };

	return seccomp_raw_parse(value, &f, err) < 0 ? error_wrap(err, "annotation %s", d->key) : 0;
}

static int check_value(const struct annotation_def *d, const char *value, struct error *err)
{
	int64_t number;

	switch (d->type) {
	case ANNOTATION_TYPE_STRING:
		return 0;
	case ANNOTATION_TYPE_PATH:
		return path_is_absolute(value) && !path_has_dotdot(value) ? 0 :
		       error_set(err, EINVAL, "annotation %s: \"%s\" is not an absolute path without \"..\"", d->key, value);
	case ANNOTATION_TYPE_CHOICE:
		return check_choice(d, value, err);
	case ANNOTATION_TYPE_SIGNAL:
		return check_signal(d, value, err);
	case ANNOTATION_TYPE_NUMBER:
		return num_parse_i64(value, &number) == 0 ? 0 :
		       error_set(err, EINVAL, "annotation %s: \"%s\" is not a number", d->key, value);
	case ANNOTATION_TYPE_ID:
		return container_id_validate(value, err) < 0 ? error_wrap(err, "annotation %s", d->key) : 0;
	case ANNOTATION_TYPE_SIZE:
		return check_size(d, value, err);
	case ANNOTATION_TYPE_GROUP:
		return check_group(d, value, err);
	case ANNOTATION_TYPE_FILTER:
		return check_filter(d, value, err);
	}
	return 0;
}

static const struct {
	enum annotation type, id;
} pods[] = { { ANNOTATION_CRI_CONTAINER_TYPE, ANNOTATION_CRI_SANDBOX_ID },
	     { ANNOTATION_CRIO_CONTAINER_TYPE, ANNOTATION_CRIO_SANDBOX_ID } };

bool annotation_is_podmans(const struct oci_string_map *map)
{
	return str_eq(oci_map_get(map, "io.container.manager"), "libpod");
}

static bool is_member(const struct oci_string_map *map, size_t kind)
{
	if (pods[kind].type == ANNOTATION_CRIO_CONTAINER_TYPE && annotation_is_podmans(map))
		return false;
	return str_eq_nocase(annotation_get(map, pods[kind].type), "container");
}

bool annotation_is_sandbox(const struct oci_string_map *map)
{
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++)
		if (str_eq_nocase(annotation_get(map, pods[i].type), "sandbox"))
			return true;
	return false;
}

uint64_t annotation_get_number(const struct oci_string_map *map, enum annotation a)
{
	const char *value = annotation_get(map, a);
	int64_t number;

	return value && num_parse_i64(value, &number) == 0 && number > 0 ? (uint64_t)number : 0;
}

int annotations_validate(const struct oci_string_map *map, struct error *err)
{
	for (int a = 0; a < _ANNOTATION_MAX; a++) {
		const char *value = annotation_get(map, (enum annotation)a);
		int r = value ? check_value(&defs[a], value, err) : 0;

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++)
		if (is_member(map, i) && !annotation_get(map, pods[i].id))
			return error_set(err, EINVAL, "annotation %s is \"container\", but %s is missing",
					 defs[pods[i].type].key, defs[pods[i].id].key);
	return 0;
}

const char *annotation_sandbox_of(const struct oci_string_map *map)
{
	for (size_t i = 0; i < ARRAY_SIZE(pods); i++)
		if (is_member(map, i))
			return annotation_get(map, pods[i].id);
	return NULL;
}

const char *annotation_podman_infra_of(const struct oci_string_map *map)
{
	bool in_pod = annotation_is_podmans(map) && str_eq_nocase(annotation_get(map, ANNOTATION_CRIO_CONTAINER_TYPE), "container");

	return in_pod ? annotation_get(map, ANNOTATION_CRIO_SANDBOX_ID) : NULL;
}
