/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_SECCOMP_H
#define HV_LINUX_SECCOMP_H

#include <linux/filter.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"

struct oci_seccomp;

/* A compiled profile, ready for the child. No instructions = no profile. */
struct seccomp_filter {
	struct sock_filter *insns;
	unsigned short n_insns;
	unsigned flags; /* SECCOMP_FILTER_FLAG_* */
	bool notify;    /* it has SCMP_ACT_NOTIFY: loading it makes a listener */
	const char *field; /* what messages call it; NULL: "linux.seccomp" */
};

/*
 * linux.seccomp as BPF (parent side; libseccomp allocates). Names of syscalls that no kernel of the profile's
 * architectures has are ignored (debug log). System calls newer than all that the profile names get ENOSYS
 * where the default action is an error (seccomp_enosys.c). A wrong combination is an error that names the
 * field. oci NULL gives an empty filter. cache_fd: seccomp_cache_open()'s, or -1 for none.
 * kept_dirfd: a directory of the container's, where the filter is looked for first and stays for the next call with the same; or -1.
 */
int seccomp_filter_compile(const struct oci_seccomp *oci, int cache_fd, int kept_dirfd, struct seccomp_filter *ret,
			   struct error *err);

/*
 * A filter compiled by somebody else, in base64 (seccomp_raw.c): at most BPF_MAXINSNS instructions that the kernel would take, none of which
 * needs a listener. < 0 with what is wrong, for the caller to say with what. Pure.
 */
int seccomp_raw_parse(const char *text, struct seccomp_filter *ret, struct error *err);

/*
 * The same, ready to be loaded, with linux.seccomp's flags (oci may be NULL: those of a profile that names none); field is what messages call
 * it, and borrowed. No cache has a part in it: nothing is compiled.
 */
int seccomp_filter_raw(const char *text, const char *field, const struct oci_seccomp *oci, struct seccomp_filter *ret, struct error *err);

/* Whether every system call that the profile names is one of this machine's, or an error that names the first that is not. oci may be NULL. */
int seccomp_check_names(const struct oci_seccomp *oci, struct error *err);

void seccomp_filter_done(struct seccomp_filter *f);
#define _cleanup_seccomp_filter_ _cleanup_(seccomp_filter_done)

/*
 * The directory of compiled filters below the state root, made when missing (0700). Returns an fd; -errno
 * when there is none, or one that others could write to: use -1 then.
 */
int seccomp_cache_open(int root_dirfd);

/*
 * Loads the filter into the calling thread (child side, async-signal-safe). Needs CAP_SYS_ADMIN or
 * no_new_privs. Nothing for an empty one. With f->notify *ret_listener is the fd that notifications come
 * from, seccomp_unotify(2), CLOEXEC; else -1.
 */
int seccomp_filter_load(const struct seccomp_filter *f, int *ret_listener, struct error *err);

#endif
