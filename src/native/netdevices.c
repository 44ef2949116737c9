/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * linux.netDevices, runtime-spec config-linux.md "Network Devices": done by the parent between the birth of
 * the container's process and its hooks. An interface that changes its namespace loses its addresses and goes
 * down; it gets back what was configured, and the kernel and DHCP make the rest anew. At the container's end
 * nothing is moved back: that is the kernel's to decide (network_namespaces(7)).
 */
#include "native/netdevices.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <ocispec/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "linux/netlink.h"
#include "linux/sys.h"

enum { NUMBERS_MAX = 4096 }; /* tried for %d */

struct netdevice {
	char name[IFNAMSIZ], new_name[IFNAMSIZ];
	struct netlink_link link; /* at home */
	struct netlink_address addresses[NETLINK_ADDRESSES_MAX];
	size_t n_addresses;
};

/* dev_valid_name() of the kernel, said before anything has moved. */
static int check_name(const char *name, struct error *err)
{
	if (!name[0] || strlen(name) >= IFNAMSIZ || str_eq(name, ".") || str_eq(name, "..") ||
	    strpbrk(name, "/: \t\n\v\f\r"))
		return error_set(err, EINVAL, "\"%s\" is not a name for a network interface (1 to %d bytes)",
				 name, IFNAMSIZ - 1);
	return 0;
}

static bool is_taken(int sock, const char *name)
{
	struct netlink_link link;

	return netlink_find_link(sock, name, &link) != -ENODEV;
}

static int choose_name(int sock, const char *wanted, char ret[static IFNAMSIZ], struct error *err)
{
	size_t len = strlen(wanted);

	if (!str_has_suffix(wanted, "%d")) {
		snprintf(ret, IFNAMSIZ, "%s", wanted);
		return is_taken(sock, ret)
			       ? error_set(err, EEXIST, "the container has an interface \"%s\" already",
					   wanted)
			       : 0;
	}
	for (int i = 0; i < NUMBERS_MAX; i++) {
		if (snprintf(ret, IFNAMSIZ, "%.*s%d", (int)len - 2, wanted, i) >= IFNAMSIZ)
			break;
		if (!is_taken(sock, ret))
			return 0;
	}
	return error_set(err, EEXIST, "no number is free for \"%s\"", wanted);
}

static int look(const struct netdevices *n, struct netdevice *d, const char *wanted, struct error *err)
{
	int r = check_name(d->name, err);

	if (r == 0)
		r = check_name(wanted, err);
	if (r < 0)
		return r;
	r = netlink_find_link(n->home_sock, d->name, &d->link);
	if (r == -ENODEV)
		return error_set(err, ENODEV, "there is no such network interface");
	if (r == 0)
		r = netlink_addresses(n->home_sock, d->link.index, d->addresses, &d->n_addresses);
	if (r < 0)
		return error_errnum(err, r, "read its addresses");
	return choose_name(n->there_sock, wanted, d->new_name, err);
}

/* Addresses first: what listens for the link's being up finds them. */
static int configure(int sock, const char *name, const struct netdevice *d, bool up, struct error *err)
{
	struct netlink_link link;
	int r = netlink_find_link(sock, name, &link);

	if (r < 0)
		return error_errnum(err, r, "find it again as \"%s\"", name);
	for (size_t i = 0; i < d->n_addresses; i++) {
		r = netlink_add_address(sock, link.index, &d->addresses[i]);
		if (r < 0)
			return error_errnum(err, r, "give it its addresses");
	}
	r = up ? netlink_set_up(sock, link.index) : 0;
	return r < 0 ? error_errnum(err, r, "set it up") : 0;
}

static int take_back(const struct netdevices *n, const struct netdevice *d, struct error *err)
{
	struct netlink_link link;
	int r = netlink_find_link(n->there_sock, d->new_name, &link);

	if (r == -ENODEV) /* moved, but not renamed */
		r = netlink_find_link(n->there_sock, d->name, &link);
	if (r == 0)
		r = netlink_move_link(n->there_sock, link.index, n->home_fd, d->name);
	if (r < 0)
		return error_errnum(err, r, "move it back");
	return configure(n->home_sock, d->name, d, d->link.flags & IFF_UP, err);
}

static int move_one(struct netdevices *n, const struct oci_net_device_entry *e, struct error *err)
{
	struct netdevice *d = &n->moved[n->n_moved];
	int r;

	snprintf(d->name, sizeof(d->name), "%s", e->key);
	r = check_name(e->key, err);
	if (r == 0)
		r = look(n, d, str_is_empty(e->value.name) ? e->key : e->value.name, err);
	if (r < 0)
		return r;
	r = netlink_move_link(n->home_sock, d->link.index, n->there_fd, d->new_name);
	if (r == 0 ||
	    !is_taken(n->home_sock, d->name)) /* it may have gone, and only its name not be accepted */
		n->n_moved++;
	if (r < 0)
		return error_errnum(err, r, "move it into the container's network namespace");
	return configure(n->there_sock, d->new_name, d, true, err);
}

static int open_both(struct netdevices *n, int netns_fd, struct error *err)
{
	n->there_fd = netns_fd;
	n->home_sock = n->there_sock = -1;
	n->home_fd = sys_openat(AT_FDCWD, "/proc/self/ns/net", O_RDONLY | O_CLOEXEC, 0);
	if (n->home_fd < 0)
		return error_errnum(err, n->home_fd, "open /proc/self/ns/net");
	n->home_sock = netlink_open(-1, err);
	if (n->home_sock >= 0)
		n->there_sock = netlink_open(n->there_fd, err);
	return n->home_sock < 0 || n->there_sock < 0 ? -err->code : 0;
}

int netdevices_move(struct netdevices *n, const struct oci_net_device_entry *devices, size_t n_devices,
		    int netns_fd, struct error *err)
{
	int r;

	n->moved = xcalloc(n_devices, sizeof(*n->moved));
	r = open_both(n, netns_fd, err);
	for (size_t i = 0; r == 0 && i < n_devices; i++) {
		r = move_one(n, &devices[i], err);
		if (r < 0)
			error_wrap(err, "linux.netDevices[\"%s\"]", devices[i].key);
	}
	if (r < 0) {
		netdevices_return(n);
		netdevices_done(n);
	}
	return r;
}

void netdevices_return(struct netdevices *n)
{
	struct error err;

	while (n->n_moved > 0) {
		const struct netdevice *d = &n->moved[--n->n_moved];

		if (take_back(n, d, &err) < 0)
			log_warning("linux.netDevices[\"%s\"]: %s", d->name, err.msg);
	}
}

void netdevices_done(struct netdevices *n)
{
	if (!n->moved)
		return;
	fd_close(n->home_fd);
	fd_close(n->there_fd);
	fd_close(n->home_sock);
	fd_close(n->there_sock);
	free(n->moved);
	*n = (struct netdevices){ 0 };
}
