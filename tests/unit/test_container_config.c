/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* container/validate.h and annotation.h: one defect at a time, and the message that names it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ocispec/types.h>

#include "base/mem.h"
#include "container/annotation.h"
#include "container/document.h"
#include "container/field_path.h"
#include "container/validate.h"

#define NAMESPACES(...) "\"namespaces\":[" __VA_ARGS__ "]"
#define NS(type) "{\"type\":\"" type "\"}"
#define MAPPING "[{\"containerID\":0,\"hostID\":0,\"size\":1}]"

/* What is put into {"ociVersion":"1.3.0","root":{"path":"rootfs"},...}, and the message; NULL: it is fine. */
static const struct {
	const char *members, *message;
} cases[] = {
	{ "\"hostname\":\"a\",\"linux\":{" NAMESPACES(NS("uts")) "}", NULL },
	{ "\"hostname\":\"\"", NULL },
	{ "\"hostname\":\"a\"", "hostname: \"a\": unable to set hostname without a private UTS namespace" },
	{ "\"domainname\":\"d\"",
	  "domainname: \"d\": unable to set domainname without a private UTS namespace" },
	{ "\"linux\":{\"maskedPaths\":[\"/proc/kcore\"]}",
	  "linux.maskedPaths[0]: \"/proc/kcore\": unable to restrict paths without a private mount "
	  "namespace" },
	{ "\"linux\":{\"readonlyPaths\":[\"/x\"]}",
	  "linux.readonlyPaths[0]: \"/x\": unable to restrict paths without a private mount namespace" },
	{ "\"linux\":{\"readonlyPaths\":[\"/x\"]," NAMESPACES(NS("mount")) "}", NULL },
	{ "\"linux\":{\"uidMappings\":" MAPPING "}",
	  "linux.uidMappings: need a user namespace in linux.namespaces" },
	{ "\"linux\":{\"gidMappings\":" MAPPING "}",
	  "linux.gidMappings: need a user namespace in linux.namespaces" },
	{ "\"linux\":{\"gidMappings\":" MAPPING "," NAMESPACES(NS("user")) "}",
	  "linux.uidMappings: missing, a new user namespace needs uidMappings and gidMappings" },
	{ "\"linux\":{\"gidMappings\":" MAPPING ",\"uidMappings\":" MAPPING "," NAMESPACES(NS("user")) "}",
	  NULL },
	{ "\"linux\":{\"timeOffsets\":{\"boottime\":{\"secs\":1}}}",
	  "linux.timeOffsets: need a new time namespace in linux.namespaces" },
	{ "\"linux\":{\"timeOffsets\":{\"boottime\":{\"secs\":1}}," NAMESPACES(
		  "{\"type\":\"time\",\"path\":\"/x\"}") "}",
	  "linux.timeOffsets: need a new time namespace in linux.namespaces" },
	{ "\"linux\":{\"timeOffsets\":{\"boottime\":{\"secs\":1}}," NAMESPACES(NS("time")) "}", NULL },
	{ "\"linux\":{\"netDevices\":{\"eth0\":{}}}",
	  "linux.netDevices[\"eth0\"]: needs a private network namespace" },
	{ "\"linux\":{\"netDevices\":{\"eth0\":{}}," NAMESPACES(NS("network")) "}", NULL },
	{ "\"mounts\":[{\"destination\":\"/a\"},{\"destination\":\"/b\",\"uidMappings\":" MAPPING "}]",
	  "mounts[1] /b: uidMappings and gidMappings must be given together" },
	{ "\"linux\":{\"devices\":[{\"type\":\"p\",\"path\":\"/dev/f\"}]}", NULL },
	{ "\"linux\":{\"devices\":[{\"type\":\"c\",\"path\":\"/dev/f\"}]}",
	  "linux.devices[0].major: missing, /dev/f is not a fifo" },
	{ "\"linux\":{\"devices\":[{\"type\":\"b\",\"path\":\"/dev/f\",\"major\":1}]}",
	  "linux.devices[0].minor: missing, /dev/f is not a fifo" },
	{ "\"linux\":{\"devices\":[{\"type\":\"c\",\"path\":\"/dev/f\",\"major\":-1,\"minor\":0}]}",
	  "linux.devices[0]: /dev/f: -1:0 is not a device number" },
	{ "\"annotations\":{\"run.oci.seccomp_bpf_data\":\"BgAAAAAA/38=\"},\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\"}}", NULL },
	{ "\"annotations\":{\"run.oci.seccomp_bpf_data\":\"BgAAAAAA/38\"}",
	  "annotation run.oci.seccomp_bpf_data: is not base64 (RFC 4648: padded, without blanks)" },
	{ "\"annotations\":{\"run.oci.seccomp_bpf_data\":\"BgAAAAAA/38=\",\"run.oci.seccomp_fail_unknown_syscall\":\"1\"}",
	  "annotation run.oci.seccomp_bpf_data: a compiled filter has no names that run.oci.seccomp_fail_unknown_syscall could look at" },
	{ "\"annotations\":{\"run.oci.seccomp_bpf_data\":\"BgAAAAAA/38=\"},\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
	  "{\"names\":[\"mkdir\"],\"action\":\"SCMP_ACT_NOTIFY\"}]}}",
	  "linux.seccomp.syscalls[0].action: SCMP_ACT_NOTIFY cannot be had together with annotation run.oci.seccomp_bpf_data, whose filter has no listener" },
	{ "\"linux\":{\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerMetadata\":\"x\"}}",
	  "linux.seccomp.listenerMetadata: needs listenerPath" },
	{ "\"linux\":{\"personality\":{\"domain\":\"LINUX\",\"flags\":[\"X\"]}}",
	  "linux.personality.flags[0]: \"X\" is not a valid value (none is defined)" },
	{ "\"process\":{\"cwd\":\"/\",\"args\":[\"\"]}", "process.args[0]: must not be empty" },
	{ "\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"env\":[\"A=1\",\"B\"]}",
	  "process.env[1]: \"B\" is not NAME=VALUE" },
	{ "\"process\":{\"cwd\":\"/\",\"args\":[\"a\"],\"env\":[\"=1\"]}",
	  "process.env[0]: \"=1\" is not NAME=VALUE" },
	{ "\"process\":{\"cwd\":\"/"
	  "\",\"args\":[\"a\"],\"rlimits\":[{\"type\":\"RLIMIT_CORE\",\"soft\":2,\"hard\":1}]}",
	  "process.rlimits[0]: RLIMIT_CORE: soft limit 2 is above the hard limit 1" },
	{ "\"vm\":{\"kernel\":{\"path\":\"/k\"},\"hwconfig\":{\"vcpus\":2}}", NULL },
	{ "\"annotations\":{\"io.hvrun.runtime-type\":\"hyperv\"}", NULL },
	{ "\"annotations\":{\"io.hvrun.runtime-type\":\"Hyper-V\"}",
	  "annotation io.hvrun.runtime-type: \"Hyper-V\" is not a valid value (Default, HyperV, Auto)" },
	{ "\"annotations\":{\"io.hvrun.runtime-type\":\"\"}",
	  "annotation io.hvrun.runtime-type: \"\" is not a valid value (Default, HyperV, Auto)" },
	{ "\"annotations\":{\"org.opencontainers.image.stopSignal\":\"SIGRTMIN+3\"}", NULL },
	{ "\"annotations\":{\"org.opencontainers.image.stopSignal\":\"FOO\"}",
	  "annotation org.opencontainers.image.stopSignal: unknown signal \"FOO\"" },
	{ "\"annotations\":{\"io.kubernetes.cri.container-type\":\"container\"}",
	  "annotation io.kubernetes.cri.container-type is \"container\", but io.kubernetes.cri.sandbox-id is "
	  "missing" },
	{ "\"annotations\":{\"io.kubernetes.cri.sandbox-id\":\"../x\"}",
	  "annotation io.kubernetes.cri.sandbox-id: invalid container ID format: \"../x\"" },
	{ "\"annotations\":{\"io.kubernetes.cri.sandbox-memory\":\"268435456\",\"io.kubernetes.cri.sandbox-cpu-quota\":\"-1\"}", NULL },
	{ "\"annotations\":{\"run.oci.pidfd_receiver\":\"/run/a..b/sock\",\"run.oci.hooks.stderr\":\"/dev/null\"}", NULL },
	{ "\"annotations\":{\"run.oci.pidfd_receiver\":\"/run/../sock\"}",
	  "annotation run.oci.pidfd_receiver: \"/run/../sock\" is not an absolute path without \"..\"" },
	{ "\"annotations\":{\"run.oci.systemd.subgroup\":\"payload\"}", NULL },
	{ "\"annotations\":{\"run.oci.systemd.subgroup\":\"\"}", NULL },
	{ "\"annotations\":{\"run.oci.systemd.subgroup\":\"..\"}",
	  "annotation run.oci.systemd.subgroup: bad sub cgroup path: \"..\" is not the name of one group" },
	{ "\"annotations\":{\"run.oci.systemd.subgroup\":\"a/../../b\"}",
	  "annotation run.oci.systemd.subgroup: bad sub cgroup path: \"a/../../b\" is not the name of one group" },
	{ "\"annotations\":{\"run.oci.hooks.stdout\":\"log\"}",
	  "annotation run.oci.hooks.stdout: \"log\" is not an absolute path without \"..\"" },
	{ "\"annotations\":{\"io.kubernetes.cri.sandbox-memory\":\"1G\"}",
	  "annotation io.kubernetes.cri.sandbox-memory: \"1G\" is not a number" },
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *json = xasprintf(
			"{\"ociVersion\":\"1.3.0\",\"root\":{\"path\":\"rootfs\"},%s}", cases[i].members);
		struct oci_error oe = { 0 };
		struct error err = { 0 };
		struct oci_doc *doc;
		int r;

		if (oci_parse(&oci_config_type, json, strlen(json), NULL, &doc, &oe) < 0)
			fail_msg("%s: %s", json, oe.msg);
		r = validate_config(oci_doc_root(doc), &err);
		if (r < 0 && !cases[i].message)
			fail_msg("%s: %s", json, err.msg);
		if (cases[i].message)
			assert_string_equal(err.msg, cases[i].message);
		assert_int_equal(r < 0, cases[i].message != NULL);
		oci_doc_free(doc);
	}
}

static void test_root(void **state)
{
	static const struct {
		const char *version, *path, *message;
	} roots[] = {
		{ "1.3.0", "/", "root.path: \"/\" is the host's own root" },
		{ "1.3.0", "/a/..", "root.path: \"/a/..\" is the host's own root" },
		{ "1.0.2-dev", "rootfs", NULL },
		{ "2.0.0", "rootfs", "ociVersion: \"2.0.0\" is not supported (1.0.0 to 1.3.0)" },
		{ "0.9.0", "rootfs", "ociVersion: \"0.9.0\" is not supported (1.0.0 to 1.3.0)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
		struct oci_root root = { .path = (char *)roots[i].path };
		struct oci_config config = { .oci_version = (char *)roots[i].version, .root = &root };
		struct error err = { 0 };

		assert_int_equal(validate_config(&config, &err) < 0, roots[i].message != NULL);
		assert_string_equal(err.msg, roots[i].message ? roots[i].message : "");
	}
}

/* Entries of features' list that end with a dot are prefixes (features.md). */
static bool is_published(const char *key)
{
	for (const char *const *p = annotations_unsafe; *p; p++)
		if (!strcmp(key, *p) || ((*p)[strlen(*p) - 1] == '.' && !strncmp(key, *p, strlen(*p))))
			return true;
	return false;
}

/*
 * The table itself: every annotation has a key, a type that its choices fit, and a sentence for the manual.
 */
static void test_annotation_table(void **state)
{
	struct oci_string_map_entry member[] = { { (char *)"io.kubernetes.cri.container-type",
						   (char *)"container" },
						 { (char *)"io.kubernetes.cri.sandbox-id", (char *)"pod" } };
	struct oci_string_map map = { 2, member };

	(void)state;
	for (int a = 0; a < _ANNOTATION_MAX; a++) {
		const struct annotation_def *d = annotation_def((enum annotation)a);

		assert_non_null(d->key);
		assert_true(strlen(d->doc) > 10);
		assert_int_equal(d->type == ANNOTATION_TYPE_CHOICE, d->choices != NULL);
		/* whatever is honoured is published by features */
		if (!is_published(d->key))
			fail_msg("%s is not in annotations_unsafe", d->key);
	}
	assert_string_equal(annotation_sandbox_of(&map), "pod");
	member[0].value = (char *)"sandbox";
	assert_null(annotation_sandbox_of(&map));
	assert_true(annotation_is_sandbox(&map));
	assert_null(annotation_sandbox_of(NULL));
	assert_null(annotation_get(NULL, ANNOTATION_RUNTIME_TYPE));
}

static void test_field_path(void **state)
{
	static const struct {
		const char *msg, *path;
	} texts[] = {
		{ "c1.json: process.user.uid: 7 is not in linux.uidMappings", "process.user.uid" },
		{ "mounts[6] \"/etc\": options: \"idmap\" needs root", "mounts[6]" },
		{ "config.json: linux.namespaces[1].type: \"pidd\" is not a valid value", "linux.namespaces[1].type" },
		{ "hostname: \"x\": unable to set it", "hostname" },
		{ "unable to set linux.sysctl.", "linux.sysctl" },
		{ "container \"process\" does not exist", NULL },
		{ "the process of vm 3 has mounts and hooks", NULL },
		{ "exec: \"linux\": executable file not found in $PATH", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		size_t n = 0;
		const char *found = field_path_find(texts[i].msg, &n);

		if (!texts[i].path) {
			assert_null(found);
			continue;
		}
		assert_non_null(found);
		assert_int_equal(n, strlen(texts[i].path));
		assert_memory_equal(found, texts[i].path, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field_path),
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_annotation_table),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
