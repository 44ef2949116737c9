/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_LOOP_H
#define HV_LINUX_LOOP_H

#include "base/error.h"

/*
 * A block device for a regular file, open for reading and writing (loop(4); LOOP_CONFIGURE, Linux 5.8). It goes away by itself with its last user: this
 * fd, or what has mounted it by then (LO_FLAGS_AUTOCLEAR). Returns the device's fd, or < 0.
 */
int loop_attach(int file_fd, struct error *err);

#endif
