/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_RUNTIME_CHECK_H
#define HV_RUNTIME_CHECK_H

struct report;
struct runtime;

/* What the host's kernel and its settings offer to containers: rows of section "host". Changes nothing. */
void check_host(const struct runtime *rt, struct report *r);

#endif
