/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_KEYRING_H
#define HV_LINUX_KEYRING_H

/*
 * Gives the caller a session keyring of its own named name, searchable by its user's other processes
 * (keyrings(7)): a container must not see the keys of whoever started it. A kernel without keyrings, and one
 * that forbids it, is fine. Returns 0 or -errno. Async-signal-safe.
 */
int keyring_join_session(const char *name);

#endif
