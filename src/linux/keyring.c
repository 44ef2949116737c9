/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The session keyring, keyctl(2). */
#include "linux/keyring.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <stdint.h>

#include "base/num.h"
#include "linux/sys.h"

enum { USER_SEARCH = 0x00080000 }; /* KEY_USR_SEARCH, keyctl_setperm(3) */

/* KEYCTL_DESCRIBE says "type;uid;gid;perm;description", perm in hexadecimal. */
static int permissions(long key, uint64_t *ret)
{
	char text[512];
	const char *p = text;
	long n = sys_keyctl(KEYCTL_DESCRIBE, (unsigned long)key, (unsigned long)text, sizeof(text));

	if (n < 0)
		return (int)n;
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 3; i++) {
		while (*p && *p != ';')
			p++;
		if (*p++ != ';')
			return -EPROTO;
	}
	return num_scan_hex(p, ret) ? 0 : -EPROTO;
}

int keyring_join_session(const char *name)
{
	long key = sys_keyctl(KEYCTL_JOIN_SESSION_KEYRING, (unsigned long)name, 0, 0);
	uint64_t mask;

	if (key == -ENOSYS || key == -EPERM)
		return 0;
	if (key < 0)
		return (int)key;
	/* a keyring that was there before belongs to somebody else: joined, but not ours to open up */
	if (permissions(key, &mask) < 0)
		return 0;
	key = sys_keyctl(KEYCTL_SETPERM, (unsigned long)key, mask | USER_SEARCH, 0);
	return key < 0 && key != -EACCES ? (int)key : 0;
}
