/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * virtiofsd: the program beside a VMM that serves the share by vhost-user (docs/tools/virtiofsd.rst of QEMU up to 7.2), as a command line, pure; and where it is.
 *
 * It is confined from outside (vmwp/jail_start.c), so of its own sandboxes it gets the one that needs least: chroot(2) into the share. What its options are for:
 *
 * cache=auto: data is kept as long as the file's time of modification says that it is the same, which is what lets files be mapped and shared. timeout=0, unless the
 * operator has another: every name and attribute is looked at anew, as with 9p, so that both sides see each other's changes. announce_submounts: what is a mount of its own here is one
 * in the guest, so that files of several file systems are told apart (st_dev). xattr, posix_acl: as 9p has them. No locks are asked for: the guest's kernel
 * keeps its own.
 */
#include <errno.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "hyperv/vmm/vmm.h"

#define OPTIONS "sandbox=chroot,cache=auto,xattr,posix_acl,announce_submounts,log_level=warn"

/* Debian's, up to 12, and one's own build's. Where others are, in /usr/libexec, there is usually the program that followed it and takes other options. */
static const char *const places[] = { "/usr/lib/qemu/virtiofsd", "/usr/local/libexec/virtiofsd" };

const char *vmm_virtiofsd(const struct vm_spec *spec, struct error *err)
{
	if (spec->virtiofsd) {
		if (access(spec->virtiofsd, X_OK) == 0)
			return spec->virtiofsd;
		error_errno(err, "virtiofsd %s (hyperv.virtiofsd_path)", spec->virtiofsd);
		return NULL;
	}
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	error_set(err, ENOENT, "virtiofsd: neither %s nor %s can be executed (Debian 12: package qemu-system-common; hyperv.virtiofsd_path names another)",
		  places[0], places[1]);
	return NULL;
}

char **vmm_virtiofsd_command(const struct virtiofsd *v)
{
	_cleanup_free_ char *fd = xasprintf("--fd=%d", v->listen_fd), *source = xasprintf("source=%s", v->dir), *timeout = xasprintf("timeout=%u", v->timeout);
	const char *const words[] = {
		v->binary, "-f", fd, "--rlimit-nofile=0", /* its limit has been set */
		"-o", source, "-o", OPTIONS, "-o", timeout, "-o", v->file_capabilities ? "modcaps=-mknod" : "modcaps=-mknod:-setfcap",
	};
	char **argv = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		strv_append(&argv, words[i]);
	return argv;
}
