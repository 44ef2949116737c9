/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_PLAN_H
#define HV_NATIVE_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "linux/affinity.h"
#include "container/layer.h"
#include "linux/caps.h"
#include "linux/lsm/lsm.h"
#include "linux/mempolicy.h"
#include "linux/mount_options.h"
#include "linux/rlimit.h"
#include "linux/scheduler.h"
#include "linux/seccomp.h"
#include "linux/userns.h"

struct bundle;
struct settings;
struct oci_config;
struct oci_process;
struct oci_string_map;
struct oci_hooks;

/* What the plan needs to know of the machine and the command line: asked before, so that planning is pure. */
struct plan_facts {
	const char *id;
	uint64_t grantable; /* caps_grantable() */
	bool no_pivot;
	bool no_new_keyring;
	const struct settings *settings; /* NULL in a guest */
	int seccomp_cache_fd; /* seccomp_cache_open(); -1 = none */
	int state_dirfd;      /* the container's state directory, where its filter is kept; -1 = none */
};

/* linux.namespaces, uidMappings, gidMappings, timeOffsets. */
struct plan_namespaces {
	uint64_t create; /* CLONE_NEW* of those made new */
	struct {
		int type;
		const char *path;
	} join[8]; /* in the order of namespace_types[] */
	size_t n_join;
	struct id_map *uids, *gids;
	size_t n_uids, n_gids;
	char time_offsets[128]; /* for /proc/self/timens_offsets; "" = none */
};

enum plan_mount_kind {
	PLAN_MOUNT_FS,      /* a file system of its own */
	PLAN_MOUNT_BIND,    /* a part of the tree of files that is already there */
	PLAN_MOUNT_CGROUP,  /* whatever of cgroups this machine has */
	PLAN_MOUNT_REMOUNT, /* other attributes for what is mounted there */
	_PLAN_MOUNT_KIND_MAX,
};

struct plan_mount {
	enum plan_mount_kind kind;
	const char *destination, *source, *type;
	struct mount_options options;
	struct userns_maps idmap; /* with MOUNT_EXTRA_IDMAP; none: that of the user namespace that is joined */
	bool plain_dir;    /* /proc, /sys, /dev: no symlink may stand there (CVE-2019-19921) */
	bool inherit_mode; /* tmpfs without mode=: that of the directory it covers */
};

struct plan_device {
	const char *path;
	mode_t mode; /* type and permissions */
	unsigned major, minor;
	uid_t uid;
	gid_t gid;
};

struct plan_rootfs {
	const char *path;
	bool readonly, no_pivot;
	unsigned propagation; /* MS_*, of the container's root; also decides what the namespace gets from
				 outside */
	struct plan_mount *mounts;
	size_t n_mounts;
	struct plan_device *devices;
	size_t n_devices;
	bool populate_dev; /* links, devices and ptmx in /dev: not when it is a bind mount */
	char *const *masked, *const *readonly_paths;
	size_t n_masked, n_readonly_paths;
	const char *mount_label;
	const char *label_option; /* "context" and the like: which mount option takes it */
	struct layer_spec layer;
};

/* A process as the child sets itself up to be: of create and of exec. */
struct plan_process {
	char *const *args; /* NULL: a container without a process */
	char **env;        /* with room for one more before the NULL when needs_home */
	size_t n_env;
	bool needs_home; /* HOME is to be found in the container's /etc/passwd */
	const char *cwd;
	uid_t uid;
	gid_t gid;
	const gid_t *gids;
	size_t n_gids;
	bool keep_groups; /* the caller's stay, not gids */
	mode_t umask;
	bool terminal;
	unsigned rows, columns;
	bool no_new_privs;
	struct caps caps;
	struct rlimits rlimits;
	struct scheduler scheduler;
	struct affinity affinity; /* of exec */
	int ioprio;       /* -1 = leave it alone */
	long personality; /* -1 = leave it alone */
	struct mempolicy mempolicy;
	struct seccomp_filter seccomp;
	const char *listener_path, *listener_metadata; /* for seccomp.notify */
	struct lsm_labels labels;
	bool has_oom_score_adj;
	int oom_score_adj;
	char *keyring; /* the name of its session keyring; NULL = the caller's */
};

/* Everything that create does, decided. Borrows strings from the bundle, which must outlive it. */
struct native_plan {
	struct plan_namespaces namespaces;
	struct plan_rootfs rootfs;
	struct plan_process process;
	const char *hostname, *domainname;
	const struct oci_string_map *sysctl;
	const struct oci_hooks *hooks; /* never NULL */
	int64_t cgroup_owner; /* host uid that may make groups below the container's; -1 = only root */
	const char *delegate; /* the group below the container's that is the owner's, and its processes are in; NULL = the container's */
	char **warnings;
	char **owned; /* strings made for it */
};

/* The plan for a bundle: pure, but for libseccomp's compilation. Returns 0 and *ret (native_plan_free()), or
 * < 0. */
int native_plan_new(const struct bundle *bundle, const struct plan_facts *facts, struct native_plan **ret,
		    struct error *err);

struct native_plan *native_plan_free(struct native_plan *p);
static inline void native_plan_freep(struct native_plan **p)
{
	native_plan_free(*p);
}
#define _cleanup_native_plan_ _cleanup_(native_plan_freep)

/* A process alone (exec): config is the container's, for what linux.* says about every process in it. Ends
 * with plan_process_done(). */
int plan_process(const struct oci_config *config, const struct oci_process *process,
		 const struct plan_facts *facts, struct plan_process *ret, char ***warnings,
		 struct error *err);
void plan_process_done(struct plan_process *p);

/* The whole plan as text, one fact a line: for golden tests and the debug log. */
void native_plan_print(const struct native_plan *p, struct buf *out);

#endif
