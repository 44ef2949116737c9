/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_NETWORK_H
#define HV_HYPERV_NETWORK_H

#include "base/error.h"

struct oci_config;

/*
 * How many network cards the VM needs: one for each link of the network namespace netns_fd but the loopback interface (-1: it is a new one,
 * which has no other), some where hooks may bring links later, and in either case as many as spare for links that come when it runs, as far as a VM has
 * them. A container with nothing but a loopback interface has none. 0 or < 0.
 */
int network_count_cards(int netns_fd, const struct oci_config *config, unsigned spare, unsigned *ret, struct error *err);

/* Removes from the links of a joined network namespace what a worker that was killed has left there. A namespace that has gone needs nothing. */
int network_clean_up(const struct oci_config *config, struct error *err);

#endif
