/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The container's network as far as it is decided before there is a worker, and undone when there is none any more; what is between
 * is vmwp/network.c.
 */
#include "hyperv/network.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/mem.h"
#include "hyperv/vmm/vmm.h"
#include "linux/net_config.h"
#include "linux/netlink.h"
#include "linux/tap.h"

enum { CARDS_FOR_HOOKS = 2 }; /* links that a hook brings are not there yet */

static bool has_hooks(const struct oci_hooks *h)
{
	return h && h->n_prestart + h->n_create_runtime + h->n_create_container > 0;
}

int network_count_cards(int netns_fd, const struct oci_config *config, unsigned spare, unsigned *ret, struct error *err)
{
	_cleanup_fd_ int sock = netns_fd < 0 ? -1 : netlink_open(netns_fd, err);
	size_t n = 0;

	if (netns_fd >= 0 && (sock < 0 || net_config_count(sock, &n, err) < 0))
		return -err->code;
	if (has_hooks(config->hooks))
		n = MAX(n, (size_t)CARDS_FOR_HOOKS);
	if (n > VMM_NICS_MAX)
		return error_set(err, E2BIG, "linux.namespaces: network: %zu links, a virtual machine has at most %d network cards", n,
				 VMM_NICS_MAX);
	if (netns_fd >= 0 || has_hooks(config->hooks))
		n = MIN(n + spare, (size_t)VMM_NICS_MAX);
	*ret = (unsigned)n;
	return 0;
}

static const char *joined_network(const struct oci_config *config)
{
	const struct oci_linux *l = config->linux_;

	for (size_t i = 0; l && i < l->n_namespaces; i++)
		if (l->namespaces[i].type == OCI_NAMESPACE_TYPE_NETWORK)
			return l->namespaces[i].path;
	return NULL;
}

static int clean_up(int netns_fd, struct error *err)
{
	_cleanup_net_config_ struct net_config c = { 0 };
	_cleanup_fd_ int sock = netlink_open(netns_fd, err);
	int r = sock < 0 ? sock : net_config_get(sock, NULL, 0, &c, err);

	for (size_t i = 0; r == 0 && i < c.n_links; i++) {
		r = tap_part(sock, c.links[i].index, err);
		if (r < 0)
			error_wrap(err, "network link \"%s\"", c.links[i].name);
	}
	return r;
}

int network_clean_up(const struct oci_config *config, struct error *err)
{
	const char *path = joined_network(config);
	_cleanup_fd_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

	return fd < 0 ? 0 : clean_up(fd, err);
}
