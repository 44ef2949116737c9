/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_TAP_H
#define HV_LINUX_TAP_H

#include <stdint.h>

#include "base/error.h"

/*
 * A tap device, and how it is joined with another link: what comes in at one goes out at the other, in both directions
 * (tc-mirred(8)), so that who has the tap's descriptor has the link. sock is a netlink socket of their network namespace.
 */

/*
 * Makes a tap in the caller's network namespace, down, with a virtio_net header before each frame (IFF_VNET_HDR). It lives as long as its
 * descriptor is open. Returns that, CLOEXEC, with *ret_index, or < 0.
 */
int tap_open(int *ret_index, struct error *err);

/*
 * Joins it with the link: takes its MTU, is set up, and says nothing of its own on it. A link whose incoming traffic is redirected or policed
 * already is refused, unless a tap of ours that has gone did that. 0 or < 0 with nothing left.
 */
int tap_join(int sock, int tap, int link, uint32_t mtu, struct error *err);

/*
 * The link has gone, or is not to be joined any more: what is between it and the tap is taken away, and the tap is down, to be joined with another one.
 * 0 or < 0.
 */
int tap_leave(int sock, int tap, int link, struct error *err);

/* Takes away from a link what tap_join() put there, if it did and the tap has gone: its descriptors must be closed. */
int tap_part(int sock, int link, struct error *err);

#endif
