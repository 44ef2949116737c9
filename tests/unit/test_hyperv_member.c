/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyperv/member.h, hyperv/guest_config.h: which namespaces a member of a pod shares with its sandbox, and what its config.json becomes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <ocispec/types.h>

#include "base/macros.h"
#include "base/mem.h"
#include "container/bundle.h"
#include "hyperv/guest_config.h"
#include "hyperv/member.h"
#include "schema/json.h"

static struct oci_doc *parse(const char *linux_members)
{
	_cleanup_free_ char *json = xasprintf("{\"ociVersion\": \"1.3.0\", \"root\": {\"path\": \"r\"}, \"linux\": {%s}}", linux_members);
	struct oci_doc *doc = NULL;
	struct error err = { 0 };

	if (json_parse(&oci_config_type, json, strlen(json), &doc, &err) < 0)
		fail_msg("%s: %s", json, err.msg);
	return doc;
}

static void test_shares(void **state)
{
	/* the sandbox's worker is this process; its config.json has a path for ipc, as CRI-O makes them */
	_cleanup_doc_ struct oci_doc *doc =
		parse("\"namespaces\": [{\"type\": \"network\"}, {\"type\": \"ipc\", \"path\": \"/proc/self/ns/ipc\"}]");
	const struct oci_config *sandbox = oci_doc_root(doc);
	const struct {
		enum oci_namespace_type type;
		const char *path; /* %d: our pid */
		bool expected;
	} cases[] = {
		{ OCI_NAMESPACE_TYPE_NETWORK, "/proc/%d/ns/net", true },
		{ OCI_NAMESPACE_TYPE_UTS, "/proc/%d/ns/uts", true },
		{ OCI_NAMESPACE_TYPE_PID, "/proc/%d/ns/pid", true },
		{ OCI_NAMESPACE_TYPE_USER, "/proc/%d/ns/user", true },
		{ OCI_NAMESPACE_TYPE_NETWORK, "/proc/self/ns/net", true }, /* another way to the same */
		{ OCI_NAMESPACE_TYPE_IPC, "/proc/self/ns/ipc", true },	   /* as in the sandbox's */
		{ OCI_NAMESPACE_TYPE_IPC, "/proc/%d/ns/ipc", true },
		{ OCI_NAMESPACE_TYPE_UTS, "/proc/self/ns/uts", false }, /* the host's: the worker is in that, the pod is not */
		{ OCI_NAMESPACE_TYPE_PID, "/proc/1/ns/pid", false },
		{ OCI_NAMESPACE_TYPE_NETWORK, "/proc/%d/ns/uts", false },
		{ OCI_NAMESPACE_TYPE_NETWORK, "/nowhere", false },
		{ OCI_NAMESPACE_TYPE_MOUNT, "/proc/%d/ns/mnt", false },
		{ OCI_NAMESPACE_TYPE_CGROUP, "/proc/%d/ns/cgroup", false },
		{ OCI_NAMESPACE_TYPE_NETWORK, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[64] = "";
		const char *d = cases[i].path ? strstr(cases[i].path, "%d") : NULL;
		struct oci_namespace n = { .type = cases[i].type, .path = cases[i].path ? path : NULL };

		if (d)
			snprintf(path, sizeof(path), "/proc/%d%s", (int)getpid(), d + 2);
		else if (cases[i].path)
			snprintf(path, sizeof(path), "%s", cases[i].path);
		if (member_shares(&n, getpid(), sandbox) != cases[i].expected)
			fail_msg("case %zu: %s", i, path);
	}
}

/* Derives a member of the sandbox "pod" of which namespaces with a path are shared when shared is. */
static int derive(const char *namespaces, bool shared, struct guest_config **ret, struct error *err)
{
	const bool all[8] = { shared, shared, shared, shared, shared, shared, shared, shared };
	const struct guest_pod pod = { .sandbox = "pod", .share_prefix = "0123", .shared = all };
	_cleanup_free_ char *json = xasprintf("{\"ociVersion\": \"1.3.0\", \"root\": {\"path\": \"r\", \"readonly\": true}, \"mounts\": ["
					      "{\"destination\": \"/v\", \"type\": \"bind\", \"source\": \"/v\", \"options\": [\"bind\", \"ro\"]}], "
					      "\"linux\": {\"namespaces\": [%s]}}", namespaces);
	struct bundle b = { .path = (char *)"/bundle", .rootfs = (char *)"/bundle/r", .dirfd = -1, .json = json, .json_len = strlen(json) };
	_cleanup_doc_ struct oci_doc *doc = NULL;

	assert_int_equal(json_parse(&oci_config_type, json, strlen(json), &doc, err), 0);
	b.config = oci_doc_root(doc);
	return guest_config_derive_member(&b, &(struct guest_facts){ .id = "web" }, &pod, ret, err);
}

static void test_derived(void **state)
{
	_cleanup_guest_config_ struct guest_config *g = NULL;
	_cleanup_doc_ struct oci_doc *doc = NULL;
	const struct oci_config *c;
	struct error err;

	(void)state;
	assert_int_equal(derive("{\"type\": \"network\", \"path\": \"/a\"}, {\"type\": \"pid\", \"path\": \"/b\"}, {\"type\": \"mount\"}", true, &g,
				&err), 0);
	assert_int_equal(g->n_shares, 2);
	assert_string_equal(g->shares[0].name, "0123.0");
	assert_true(g->shares[0].readonly_after_create);
	assert_string_equal(g->shares[1].name, "0123.1");
	assert_true(g->shares[1].readonly);
	assert_int_equal(json_parse(&oci_config_type, g->json, strlen(g->json), &doc, &err), 0);
	c = oci_doc_root(doc);
	assert_string_equal(c->root->path, GUEST_SHARE_DIR "/0123.0");
	assert_string_equal(c->mounts[0].source, GUEST_SHARE_DIR "/0123.1");
	assert_string_equal(c->linux_->namespaces[0].path, GUEST_STATE_DIR "/pod/ns/net");
	assert_string_equal(c->linux_->namespaces[1].path, GUEST_STATE_DIR "/pod/ns/pid");
	assert_null(c->linux_->namespaces[2].path);
	assert_string_equal(c->linux_->cgroups_path, "/web");
}

/* Whatever has a disk: its places in the guest are the member's own, as are those of shares. */
static void test_disks(void **state)
{
	const char json[] = "{\"ociVersion\": \"1.3.0\", \"root\": {\"path\": \"r\"}, \"mounts\": [{\"destination\": \"/d\", \"type\": \"bind\", "
			    "\"source\": \"/dev/sdb\", \"options\": [\"bind\"]}, {\"destination\": \"/m\", \"type\": \"ext4\", \"source\": \"i.img\", "
			    "\"options\": [\"ro\"]}], \"annotations\": {\"io.hvrun.sandbox\": \"overlay\", \"io.hvrun.sandbox.size\": \"32M\", "
			    "\"io.hvrun.rootfs.type\": \"erofs\"}, \"linux\": {\"namespaces\": [{\"type\": \"network\", \"path\": \"/n\"}]}}";
	struct bundle b = { .path = (char *)"/bundle", .dirfd = -1, .rootfs = (char *)"/bundle/r", .json = (char *)json, .json_len = strlen(json) };
	const bool shared[] = { true }, devices[] = { true, false };
	const struct guest_pod pod = { .sandbox = "pod", .share_prefix = "0123", .shared = shared };
	_cleanup_guest_config_ struct guest_config *g = NULL;
	_cleanup_doc_ struct oci_doc *doc = NULL, *derived = NULL;
	const struct oci_config *c;
	struct error err;

	(void)state;
	assert_int_equal(json_parse(&oci_config_type, json, strlen(json), &doc, &err), 0);
	b.config = oci_doc_root(doc);
	assert_int_equal(guest_config_derive_member(&b, &(struct guest_facts){ .id = "web", .devices = devices }, &pod, &g, &err), 0);
	assert_int_equal(g->n_disks, 4);
	assert_true(g->disks[0].layer);
	assert_string_equal(g->disks[0].mount, GUEST_LAYER_DIR ".0123");
	assert_string_equal(g->disks[1].mount, GUEST_ROOT_DIR ".0123");
	assert_true(g->disks[1].readonly);
	assert_string_equal(g->disks[2].name, "0123.2");
	assert_false(g->disks[2].readonly);
	assert_string_equal(g->disks[3].source, "/bundle/i.img");
	assert_true(g->disks[3].readonly);
	assert_int_equal(json_parse(&oci_config_type, g->json, strlen(g->json), &derived, &err), 0);
	c = oci_doc_root(derived);
	assert_string_equal(c->root->path, GUEST_ROOT_DIR ".0123");
	assert_string_equal(c->mounts[0].source, GUEST_DISK_DIR "/0123.2");
	assert_string_equal(c->mounts[1].source, GUEST_DISK_DIR "/0123.3");
}

static void test_refused(void **state)
{
	static const struct {
		const char *namespaces, *message;
	} cases[] = {
		{ "{\"type\": \"network\", \"path\": \"/a\"}",
		  "linux.namespaces[0].path: \"/a\" is not the network namespace of the pod sandbox \"pod\", the only one that can be joined in "
		  "its virtual machine" },
		{ "{\"type\": \"network\"}",
		  "linux.namespaces[0]: a container of the pod sandbox \"pod\" has the pod's network: a path is missing" },
		{ "{\"type\": \"mount\"}",
		  "linux.namespaces: a virtual machine cannot share the host's network, add the network namespace of the pod sandbox \"pod\"" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct guest_config *g = NULL;
		struct error err = { 0 };

		assert_true(derive(cases[i].namespaces, false, &g, &err) < 0);
		assert_string_equal(err.msg, cases[i].message);
		assert_null(g);
	}
}

/* In memory it is no disk. */
static void test_layer(void **state)
{
	static const char json[] = "{\"ociVersion\": \"1.3.0\", \"root\": {\"path\": \"rootfs\"}, \"annotations\": {\"io.hvrun.sandbox\": \"memory\"}, "
				   "\"linux\": {\"namespaces\": [{\"type\": \"network\", \"path\": \"/n\"}]}}";
	struct bundle b = { .path = (char *)"/bundle", .dirfd = -1, .rootfs = (char *)"/bundle/rootfs", .json = (char *)json, .json_len = strlen(json) };
	const bool shared[] = { true };
	const struct guest_pod pod = { .sandbox = "pod", .share_prefix = "0123", .shared = shared };
	_cleanup_guest_config_ struct guest_config *g = NULL;
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct error err;

	(void)state;
	assert_int_equal(json_parse(&oci_config_type, json, strlen(json), &doc, &err), 0);
	b.config = oci_doc_root(doc);
	assert_int_equal(guest_config_derive_member(&b, &(struct guest_facts){ .id = "web" }, &pod, &g, &err), 0);
	assert_int_equal(g->n_disks, 0);
	assert_true(g->shares[0].readonly);
	assert_non_null(strstr(g->json, "\"io.hvrun.sandbox\":\"memory\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_shares), cmocka_unit_test(test_derived), cmocka_unit_test(test_disks), cmocka_unit_test(test_refused),
					      cmocka_unit_test(test_layer) };

	return cmocka_run_group_tests_name("hyperv_member", tests, NULL, NULL);
}
