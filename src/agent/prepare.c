/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Work done ahead, in the template. Emulated, a guest's first container costs as much as there is different code in the kernel that it makes
 * run, for each piece of it is translated when it is first reached. A network namespace and the verifier's look at the device filter are the
 * two biggest pieces that do not depend on the container; a prepared IPC namespace saves little but comes along for free.
 *
 * Copies of a template have it in common, so nothing secret may be decided by it: a network namespace draws a number at its birth that spreads
 * hash buckets (hash_mix); its keys are drawn when they are first used (net_get_random_once()), which is after SEED.
 */
#include "agent/prepare.h"

#include <errno.h>
#include <fcntl.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>
#include <sched.h>
#include <unistd.h>

#include "agent/boot.h"
#include "base/fd.h"
#include "base/mem.h"
#include "linux/cgroup/devices.h"
#include "linux/namespace.h"
#include "linux/sys.h"

static const struct {
	enum oci_namespace_type name;
	int type;
	size_t fd; /* in struct prepared */
} namespaces[] = {
	{ OCI_NAMESPACE_TYPE_NETWORK, CLONE_NEWNET, offsetof(struct prepared, network_fd) },
	{ OCI_NAMESPACE_TYPE_IPC, CLONE_NEWIPC, offsetof(struct prepared, ipc_fd) },
};

static int *fd_of(struct prepared *p, size_t i)
{
	return (int *)((char *)p + namespaces[i].fd);
}

static int open_own(int type, struct error *err)
{
	_cleanup_free_ char *path = xasprintf("/proc/self/ns/%s", namespace_type(type)->file);

	return namespace_open(path, type, err);
}

static int make_namespace(int type, int *ret, struct error *err)
{
	struct error ignored;
	_cleanup_fd_ int ours = open_own(type, &ignored);
	int made, r;

	if (ours < 0 || sys_unshare(type) < 0)
		return 0;
	made = open_own(type, &ignored);
	*ret = made < 0 ? -1 : made;
	r = sys_setns(ours, type);
	return r < 0 ? error_errnum(err, r, "return to the %s namespace", namespace_type(type)->name) : 0;
}

/*
 * The first device program that is attached anywhere has the kernel patch its own code (cgroup_bpf_enabled_key is a static key), page by page and
 * with all processors stopped. It stays patched while one is attached: to the agent's own group, one that lets everything pass.
 */
static void patch_device_checks(void)
{
	const struct device_rule everything = { true, 'a', -1, -1, DEVICE_ACCESS_ALL };
	_cleanup_fd_ int dirfd = open(BOOT_AGENT_CGROUP, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ struct bpf_insn *insns = NULL;
	struct error ignored;
	size_t n;

	device_program(&everything, 1, &insns, &n);
	if (dirfd >= 0)
		device_program_attach(dirfd, insns, n, &ignored);
}

int prepare(struct prepared *ret, struct error *err)
{
	struct error ignored;
	int filter, r = 0;

	*ret = (struct prepared)PREPARED_NONE;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(namespaces); i++)
		r = make_namespace(namespaces[i].type, fd_of(ret, i), err);
	filter = device_program_preload(&ignored);
	ret->device_filter_fd = filter < 0 ? -1 : filter;
	patch_device_checks();
	return r;
}

static bool makes_user_namespace(const struct oci_linux *l)
{
	for (size_t i = 0; i < l->n_namespaces; i++)
		if (l->namespaces[i].type == OCI_NAMESPACE_TYPE_USER)
			return true;
	return false;
}

int prepared_use(const struct prepared *p, struct bundle *b, struct error *err)
{
	struct oci_config *config = oci_doc_root(b->doc);
	struct oci_linux *l = config->linux_;

	if (!l || makes_user_namespace(l))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++) {
		int fd = *(const int *)((const char *)p + namespaces[i].fd);

		for (size_t k = 0; fd >= 0 && k < l->n_namespaces; k++) {
			struct oci_namespace *n = &l->namespaces[k];
			_cleanup_free_ char *path = xasprintf("/proc/self/fd/%d", fd);

			if (n->type != namespaces[i].name || n->path)
				continue;
			n->path = oci_doc_strdup(b->doc, path);
			if (!n->path)
				return error_set(err, ENOMEM, "linux.namespaces[%zu].path", k);
		}
	}
	return 0;
}

/* Not closed: see the header. */
void prepared_given(struct prepared *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(namespaces); i++)
		*fd_of(p, i) = -1;
}
