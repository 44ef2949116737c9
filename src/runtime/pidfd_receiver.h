/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_PIDFD_RECEIVER_H
#define HV_RUNTIME_PIDFD_RECEIVER_H

#include "base/error.h"

struct container;
struct oci_config;

/*
 * crun's annotation run.oci.pidfd_receiver: connects to the unix stream socket that config names, before there is a container. Never waits:
 * a listener whose queue is full is an error, as none is. Returns 0 with *ret, an fd or -1 when config names none; or < 0.
 */
int pidfd_receiver_open(const struct oci_config *config, int *ret, struct error *err);

/* Sends it one byte, as crun does, with a pidfd (SCM_RIGHTS, unix(7)) of c's process. Nothing when fd is -1. */
int pidfd_receiver_send(int fd, const struct container *c, struct error *err);

#endif
