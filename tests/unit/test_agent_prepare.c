/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* agent/prepare.h: which namespaces of a config.json become prepared ones. Making them needs root: the bats suite, type HyperV. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <ocispec/types.h>

#include "agent/prepare.h"
#include "base/mem.h"
#include "schema/json.h"

#define START "{\"ociVersion\": \"1.2.0\", \"root\": {\"path\": \"rootfs\"}"
#define CONFIG(namespaces) START ", \"linux\": {\"namespaces\": [" namespaces "]}}"

static const struct {
	const char *name, *config;
	const char *paths[4]; /* of each namespace in its turn, NULL: none */
} cases[] = {
	{ "new ones", CONFIG("{\"type\": \"pid\"}, {\"type\": \"ipc\"}, {\"type\": \"network\"}, {\"type\": \"mount\"}"),
	  { NULL, "/proc/self/fd/8", "/proc/self/fd/7", NULL } },
	{ "existing ones", CONFIG("{\"type\": \"network\", \"path\": \"/run/hvrun/sandbox/ns/net\"}, {\"type\": \"ipc\"}"),
	  { "/run/hvrun/sandbox/ns/net", "/proc/self/fd/8" } },
	{ "a user namespace owns its own", CONFIG("{\"type\": \"network\"}, {\"type\": \"ipc\"}, {\"type\": \"user\"}"), { NULL, NULL, NULL } },
	{ "a user namespace that exists", CONFIG("{\"type\": \"user\", \"path\": \"/u\"}, {\"type\": \"network\"}"), { "/u", NULL } },
	{ "none", CONFIG(""), { NULL } },
	{ "no linux section", START "}", { NULL } },
};

static void check(const struct prepared *p, size_t i, bool given)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct bundle b = { .dirfd = -1 };
	struct error err;

	print_message("%s\n", cases[i].name);
	if (json_parse(&oci_config_type, cases[i].config, strlen(cases[i].config), &doc, &err) < 0)
		fail_msg("%s", err.msg);
	b.doc = doc;
	b.config = oci_doc_root(doc);
	assert_int_equal(prepared_use(p, &b, &err), 0);
	for (size_t k = 0; b.config->linux_ && k < b.config->linux_->n_namespaces; k++) {
		const char *path = b.config->linux_->namespaces[k].path, *want = cases[i].paths[k];

		if (given && want && strncmp(want, "/proc/self/fd/", 14) == 0)
			want = NULL;
		if (want)
			assert_string_equal(path, want);
		else
			assert_null(path);
	}
}

static void test_use(void **state)
{
	const struct prepared p = { .network_fd = 7, .ipc_fd = 8, .device_filter_fd = 9 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(&p, i, false);
}

/* The second container gets new ones. Those of the first stay open, so that nobody takes them apart; so does the filter. */
static void test_given(void **state)
{
	struct prepared p = { .network_fd = open("/dev/null", O_RDONLY | O_CLOEXEC), .ipc_fd = open("/dev/null", O_RDONLY | O_CLOEXEC),
			      .device_filter_fd = open("/dev/null", O_RDONLY | O_CLOEXEC) };
	int network = p.network_fd, ipc = p.ipc_fd;

	(void)state;
	prepared_given(&p);
	assert_int_equal(p.network_fd, -1);
	assert_int_equal(p.ipc_fd, -1);
	assert_true(fcntl(network, F_GETFD) >= 0);
	assert_true(fcntl(ipc, F_GETFD) >= 0);
	assert_true(fcntl(p.device_filter_fd, F_GETFD) >= 0);
	close(network);
	close(ipc);
	close(p.device_filter_fd);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		check(&p, i, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_given),
	};

	return cmocka_run_group_tests_name("prepare", tests, NULL, NULL);
}
