/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_DBUS_H
#define HV_LINUX_DBUS_H

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "linux/dbus_message.h"

/* A connection to a D-Bus peer or bus. Every wait in here ends at the connection's deadline. */
struct dbus;

/*
 * Connects to the unix socket at path and authenticates as this process (EXTERNAL). bus: what listens is a
 * message bus, which must be greeted and routes by name; else it is the peer itself (systemd's private
 * socket). timeout_ms is for everything that happens on the connection.
 */
int dbus_open(const char *path, bool bus, int timeout_ms, struct dbus **ret, struct error *err);

struct dbus *dbus_free(struct dbus *d);
static inline void dbus_freep(struct dbus **d)
{
	dbus_free(*d);
}
#define _cleanup_dbus_ _cleanup_(dbus_freep)

/* Returned by dbus_call(): the other side answered with an error, *ret has error_name, and its text as body.
 */
enum { DBUS_REFUSED = 1 };

/*
 * Calls a method and waits for its answer. method->destination is left out on a connection to a peer. Returns
 * 0, DBUS_REFUSED, or < 0 when there is no answer.
 */
int dbus_call(struct dbus *d, const struct dbus_method *method, const char *signature, const struct buf *body,
	      struct dbus_message *ret, struct error *err);

/* From now on keeps the signals "member" of that interface for dbus_next_signal(), those that come during a
 * call too. */
int dbus_listen(struct dbus *d, const char *interface, const char *member, struct error *err);

/* The next one of them. */
int dbus_next_signal(struct dbus *d, struct dbus_message *ret, struct error *err);

#endif
