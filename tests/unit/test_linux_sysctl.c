/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.sysctl: which parameters a container may set, and where they are. */
#include <ocispec/types.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/macros.h"
#include "linux/sysctl.h"

static const struct sysctl_namespaces all = {true, true, true, true}, none = {false, false, false, false};

static void test_paths(void **state)
{
	static const struct {
		const char *key, *path; /* NULL: refused */
	} cases[] = {
		{"kernel.msgmax", "sys/kernel/msgmax"},
		{"kernel/msgmax", "sys/kernel/msgmax"},
		{"net.ipv4.conf.eth0/1.forwarding", "sys/net/ipv4/conf/eth0.1/forwarding"},
		{"net/ipv4/conf/eth0.1/forwarding", "sys/net/ipv4/conf/eth0.1/forwarding"},
		{"net", "sys/net"},
		{"", NULL},
		{".", NULL},
		{"net..ipv4", NULL},
		{"net.ipv4.", NULL},
		{".net", NULL},
		{"/net", NULL},
		{"net/../kernel/core_pattern", NULL},
		{"net.//.kernel", NULL}, /* ".." with the dots written as slashes */
		{"net/./ipv4", NULL},
	};
	char buf[SYSCTL_PATH_MAX], longest[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int r = sysctl_path(cases[i].key, buf);

		if ((r == 0) != (cases[i].path != NULL) || (r == 0 && strcmp(buf, cases[i].path) != 0))
			fail_msg("%s: %d %s", cases[i].key, r, r == 0 ? buf : "");
	}
	memset(longest, 'a', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	assert_true(sysctl_path(longest, buf) < 0);
}

static void test_rules(void **state)
{
	static const struct sysctl_namespaces no_network = {true, false, true, true};
	static const struct {
		const char *key;
		const struct sysctl_namespaces *ns;
		bool has_domainname;
		const char *wanted; /* NULL: allowed */
	} cases[] = {
		{"kernel.sem", &all, false, NULL},
		{"kernel.shm_rmid_forced", &all, false, NULL},
		{"fs.mqueue.msg_max", &all, false, NULL},
		{"net.ipv4.ip_forward", &all, false, NULL},
		{"net/ipv6/conf/all/forwarding", &all, false, NULL},
		{"kernel.domainname", &all, false, NULL},
		{"user.max_user_namespaces", &all, false, NULL},
		{"kernel.domainname", &all, true,
		 "linux.sysctl[kernel.domainname]: conflicts with \"domainname\""},
		{"kernel.hostname", &all, false, "linux.sysctl[kernel.hostname]: use \"hostname\" instead"},
		{"kernel.core_pattern", &all, false,
		 "linux.sysctl[kernel.core_pattern]: is not in a separate kernel namespace"},
		{"kernel.semx", &all, false,
		 "linux.sysctl[kernel.semx]: is not in a separate kernel namespace"},
		{"fs.mqueue", &all, false, "linux.sysctl[fs.mqueue]: is not in a separate kernel namespace"},
		{"network.x", &all, false, "linux.sysctl[network.x]: is not in a separate kernel namespace"},
		{"net/../kernel/core_pattern", &all, false,
		 "linux.sysctl[net/../kernel/core_pattern]: not the name of a kernel parameter"},
		{"net.ipv4.ip_forward", &no_network, false,
		 "linux.sysctl[net.ipv4.ip_forward]: the container has no network namespace of its own, it "
		 "would change the host's"},
		{"kernel.sem", &none, false,
		 "linux.sysctl[kernel.sem]: the container has no ipc namespace of its own, it would change "
		 "the host's"},
		{"user.max_user_namespaces", &none, false,
		 "linux.sysctl[user.max_user_namespaces]: the container has no user namespace of its own, it "
		 "would change the host's"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct oci_string_map_entry e = {.key = (char *)cases[i].key, .value = (char *)"1"};
		struct oci_string_map map = {.n = 1, .entries = &e};
		struct error err = {0};
		int r = sysctl_validate(&map, cases[i].ns, cases[i].has_domainname, &err);

		if (cases[i].wanted)
			assert_string_equal(err.msg, cases[i].wanted);
		assert_int_equal(r < 0, cases[i].wanted != NULL);
	}
	assert_int_equal(sysctl_validate(NULL, &none, false, NULL), 0);
	assert_int_equal(sysctl_apply(-1, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
