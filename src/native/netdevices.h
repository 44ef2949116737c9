/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_NATIVE_NETDEVICES_H
#define HV_NATIVE_NETDEVICES_H

#include <stddef.h>

#include "base/error.h"

struct oci_net_device_entry;

/* linux.netDevices: interfaces on their way into the container's network namespace. {0} is none. */
struct netdevices {
	int home_fd, there_fd;     /* the network namespaces */
	int home_sock, there_sock; /* netlink(7) in each */
	struct netdevice *moved;   /* how they were */
	size_t n_moved;
};

/*
 * Moves the interfaces named from the caller's network namespace to the one at netns_fd (taken), gives them
 * their names there, and sets them up with the permanent global addresses they had (config-linux.md, "Network
 * Devices"). A name that ends in %d gets the first number that is free. Returns 0, or < 0 with all of them
 * back.
 */
int netdevices_move(struct netdevices *n, const struct oci_net_device_entry *devices, size_t n_devices,
		    int netns_fd, struct error *err);

/* Takes them back, as far as that is possible: the undo. */
void netdevices_return(struct netdevices *n);

void netdevices_done(struct netdevices *n);

#endif
