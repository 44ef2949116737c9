/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * spec: the configuration to start from, with the contents of runc's, so that scripts which edit that one can
 * edit ours. Plain data, written by libocispec's tables.
 */
#include <errno.h>
#include <fcntl.h>
#include <ocispec/types.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/macros.h"
#include "base/path.h"
#include "base/mem.h"
#include "container/annotation.h"
#include "container/document.h"
#include "container/runtime_type.h"
#include "linux/cgroup/cgroup.h"
#include "runtime/requests.h"
#include "runtime/runtime.h"

/* Constants where the types, made for reading, want strings that can be changed; writing does not. */
#define TEXT(s) ((char *)(s))
#define STRINGS(field, ...)                                                                                  \
	.field = (char **)(const char *const[]){ __VA_ARGS__, NULL },                                        \
	.n_##field = ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ }))

static struct oci_capabilities capabilities = {
	STRINGS(bounding, "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"),
	STRINGS(effective, "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"),
	STRINGS(permitted, "CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"),
};

static struct oci_user user;
static struct oci_rlimit rlimits[] = { { .type = OCI_RLIMIT_TYPE_NOFILE, .hard = 1024, .soft = 1024 } };

static struct oci_process process = {
	.terminal = true,
	.has_terminal = true,
	.user = &user,
	STRINGS(args, "sh"),
	STRINGS(env, "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"),
	.cwd = TEXT("/"),
	.capabilities = &capabilities,
	.rlimits = rlimits,
	.n_rlimits = ARRAY_SIZE(rlimits),
	.no_new_privileges = true,
	.has_no_new_privileges = true,
};

#define MOUNT(dest, fstype, src, ...)                                                                        \
	{                                                                                                    \
		.destination = TEXT(dest), .type = TEXT(fstype), .source = TEXT(src),                        \
		STRINGS(options, __VA_ARGS__)                                                                \
	}

static struct oci_mount mounts[] = {
	{ .destination = TEXT("/proc"), .type = TEXT("proc"), .source = TEXT("proc") },
	MOUNT("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
	MOUNT("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620",
	      "gid=5"),
	MOUNT("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
	MOUNT("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
	MOUNT("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro"),
	MOUNT("/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", "ro"),
};

static struct oci_mount new_sys = MOUNT("/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", "ro");

/*
 * Without privileges: no group of the host for terminals, and the host's /sys, for a new one would need its
 * own network. A virtual machine has one: make_rootless().
 */
static struct oci_mount rootless_mounts[] = {
	{ .destination = TEXT("/proc"), .type = TEXT("proc"), .source = TEXT("proc") },
	MOUNT("/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k"),
	MOUNT("/dev/pts", "devpts", "devpts", "nosuid", "noexec", "newinstance", "ptmxmode=0666",
	      "mode=0620"),
	MOUNT("/dev/shm", "tmpfs", "shm", "nosuid", "noexec", "nodev", "mode=1777", "size=65536k"),
	MOUNT("/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev"),
	MOUNT("/sys", "none", "/sys", "rbind", "nosuid", "noexec", "nodev", "ro"),
};

static struct oci_device_rule deny_all[] = { { .allow = false, .access = TEXT("rwm") } };
static struct oci_resources resources = { .devices = deny_all, .n_devices = ARRAY_SIZE(deny_all) };

/* The last one is for hosts with cgroup v2 alone. */
#define NEW(what)                                                                                            \
	{                                                                                                    \
		.type = OCI_NAMESPACE_TYPE_##what                                                            \
	}
static struct oci_namespace namespaces[] = { NEW(PID), NEW(NETWORK), NEW(IPC),
					     NEW(UTS), NEW(MOUNT),   NEW(CGROUP) };
static struct oci_namespace rootless_namespaces[] = { NEW(PID),   NEW(IPC),  NEW(UTS),
						      NEW(MOUNT), NEW(USER), NEW(CGROUP) };
static struct oci_namespace rootless_network_namespaces[] = { NEW(PID), NEW(NETWORK), NEW(IPC), NEW(UTS), NEW(MOUNT), NEW(USER), NEW(CGROUP) };

static struct oci_id_mapping uid_mapping = { .container_id = 0, .size = 1 },
			     gid_mapping = { .container_id = 0, .size = 1 };

static struct oci_linux linux_section = {
	.resources = &resources,
	.namespaces = namespaces,
	.n_namespaces = ARRAY_SIZE(namespaces) - 1,
	STRINGS(masked_paths, "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys",
		"/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
		"/sys/firmware", "/proc/scsi"),
	STRINGS(readonly_paths, "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"),
};

static struct oci_root root = { .path = TEXT("rootfs"), .readonly = true, .has_readonly = true };

static struct oci_config config = {
	.oci_version = TEXT(OCI_SPEC_VERSION),
	.process = &process,
	.root = &root,
	.hostname = TEXT("hvrun"),
	.mounts = mounts,
	.n_mounts = ARRAY_SIZE(mounts),
	.linux_ = &linux_section,
};

/* network: a network namespace, for a virtual machine has no other network than its own, and a /sys of that. */
static void make_rootless(bool network)
{
	config.mounts = rootless_mounts;
	config.n_mounts = ARRAY_SIZE(rootless_mounts);
	linux_section.resources = NULL;
	linux_section.namespaces = network ? rootless_network_namespaces : rootless_namespaces;
	linux_section.n_namespaces = (network ? ARRAY_SIZE(rootless_network_namespaces) : ARRAY_SIZE(rootless_namespaces)) - 1;
	if (network)
		rootless_mounts[ARRAY_SIZE(rootless_mounts) - 1] = new_sys;
	uid_mapping.host_id = geteuid();
	gid_mapping.host_id = getegid();
	linux_section.uid_mappings = &uid_mapping;
	linux_section.gid_mappings = &gid_mapping;
	linux_section.n_uid_mappings = linux_section.n_gid_mappings = 1;
}

/* A v2 hierarchy at the usual place, and nothing else. */
static bool has_cgroup2_alone(void)
{
	return access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
}

static void annotate(int type)
{
	static struct oci_string_map_entry entry;
	static struct oci_string_map annotations = { .n = 1, .entries = &entry };

	entry = (struct oci_string_map_entry){ TEXT(annotation_def(ANNOTATION_RUNTIME_TYPE)->key), TEXT(runtime_type_names[type]) };
	config.annotations = &annotations;
}

int runtime_spec(const struct runtime *rt, const struct spec_options *o, struct error *err)
{
	int type = o->runtime_type ? runtime_type_from_string(o->runtime_type, "--runtime-type", err) : rt->runtime_type;
	_cleanup_free_ char *path = path_join(o->bundle ? o->bundle : ".", "config.json"), *json = NULL;
	_cleanup_fd_ int fd = -1;
	struct oci_error oe;
	size_t len;
	int r;

	if (o->runtime_type && type < 0)
		return type;
	if (o->runtime_type)
		annotate(type);
	if (o->rootless)
		make_rootless(type == RUNTIME_TYPE_HYPERV || type == RUNTIME_TYPE_AUTO);
	if (has_cgroup2_alone())
		linux_section.n_namespaces++;
	if (oci_write(&oci_config_type, &config, "\t", &json, &len, &oe) < 0)
		return document_error(err, &oe);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0 && errno == EEXIST)
		return error_set(err, EEXIST, "File config.json exists. Remove it first");
	if (fd < 0)
		return error_errno(err, "create %s", path);
	r = fd_write_all(fd, json, len);
	return r < 0 ? error_errnum(err, r, "write %s", path) : 0;
}
