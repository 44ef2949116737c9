/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Attributes of a process that one call sets: scheduler, ioPriority, memoryPolicy, personality. */
#include <ocispec/types.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/macros.h"
#include "linux/affinity.h"
#include "linux/ioprio.h"
#include "linux/mempolicy.h"
#include "linux/personality.h"
#include "linux/scheduler.h"

static void test_scheduler(void **state)
{
	int flags[] = {OCI_SCHEDULER_FLAG_RESET_ON_FORK, OCI_SCHEDULER_FLAG_KEEP_PARAMS};
	struct oci_scheduler oci = {.policy = OCI_SCHEDULER_POLICY_BATCH,
				    .nice = 5,
				    .has_nice = true,
				    .flags = flags,
				    .n_flags = 2};
	struct scheduler s;
	struct error err;

	(void)state;
	assert_int_equal(scheduler_from_oci(&oci, &s, &err), 0);
	assert_true(s.set);
	assert_int_equal(s.policy, SCHED_BATCH);
	assert_int_equal(s.nice, 5);
	assert_int_equal(s.flags, 0x11);
	assert_int_equal(scheduler_from_oci(NULL, &s, &err), 0);
	assert_false(s.set);
	assert_int_equal(scheduler_apply(&s, &err), 0);
}

static void test_affinity(void **state)
{
	struct oci_exec_cpu_affinity oci = {.initial = (char *)"0-2, 65,8191", .final = (char *)""};
	struct affinity a;
	struct error err;

	(void)state;
	assert_int_equal(affinity_from_oci(&oci, &a, &err), 0);
	assert_true(a.has_initial);
	assert_false(a.has_final);
	assert_int_equal(a.initial.bits[0], 7);
	assert_int_equal(a.initial.bits[1], 2);
	assert_int_equal(affinity_from_oci(NULL, &a, &err), 0);
	assert_false(a.has_initial);
}

static void test_affinity_refused(void **state)
{
	static const char *const lists[] = {"a", "3-1", "8192", "0,", ",", "-1", "1-", "0;1", "18446744073709551616"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		struct oci_exec_cpu_affinity oci = {.final = (char *)lists[i]};
		struct affinity a;
		struct error err = {0};

		assert_true(affinity_from_oci(&oci, &a, &err) < 0);
		assert_non_null(strstr(err.msg, "process.execCPUAffinity.final: \""));
		assert_non_null(strstr(err.msg, lists[i]));
	}
}

static void test_scheduler_refused(void **state)
{
	static const struct {
		struct oci_scheduler oci;
		const char *wanted;
	} cases[] = {
		{{.policy = OCI_SCHEDULER_POLICY_OTHER, .priority = 1, .has_priority = true},
		 "process.scheduler.priority: 1 is only for SCHED_FIFO and SCHED_RR, not SCHED_OTHER"},
		{{.policy = OCI_SCHEDULER_POLICY_FIFO, .priority = 100, .has_priority = true},
		 "process.scheduler.priority: 100 is out of range (1 .. 99)"},
		{{.policy = OCI_SCHEDULER_POLICY_OTHER, .nice = 20, .has_nice = true},
		 "process.scheduler.nice: 20 is out of range (-20 .. 19)"},
		{{.policy = OCI_SCHEDULER_POLICY_RR, .runtime = 1, .has_runtime = true},
		 "process.scheduler: runtime, deadline and period are only for SCHED_DEADLINE, not SCHED_RR"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct scheduler s;
		struct error err;

		assert_true(scheduler_from_oci(&cases[i].oci, &s, &err) < 0);
		assert_string_equal(err.msg, cases[i].wanted);
	}
}

static void test_ioprio(void **state)
{
	struct oci_io_priority oci = {.class = OCI_IO_PRIORITY_CLASS_BE, .priority = 7};
	struct error err;
	int value;

	(void)state;
	assert_int_equal(ioprio_from_oci(&oci, &value, &err), 0);
	assert_int_equal(value, 2 << 13 | 7);
	oci.priority = 8;
	assert_true(ioprio_from_oci(&oci, &value, &err) < 0);
	assert_string_equal(err.msg, "process.ioPriority.priority: 8 is out of range (0 .. 7)");
	assert_int_equal(ioprio_from_oci(NULL, &value, &err), 0);
	assert_int_equal(value, -1);
	assert_int_equal(ioprio_apply(value, &err), 0);
}

static void test_mempolicy(void **state)
{
	static const struct {
		const char *nodes;
		bool good;
		unsigned long first; /* word of the mask */
	} cases[] = {
		{"0", true, 1},    {"0-3", true, 15}, {"1,3-4", true, 26}, {"", true, 0},
		{NULL, true, 0},   {"1023", true, 0}, {"1024", false, 0},  {"3-1", false, 0},
		{"a", false, 0},   {"1,", false, 0},  {",1", false, 0},    {"1-", false, 0},
		{"0 1", false, 0}, {"-1", false, 0},
	};
	int flags[] = {OCI_MEMORY_POLICY_FLAG_STATIC_NODES};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct oci_memory_policy oci = {.mode = OCI_MEMORY_POLICY_MODE_INTERLEAVE,
						.nodes = (char *)cases[i].nodes,
						.flags = flags,
						.n_flags = 1};
		struct mempolicy m;
		struct error err;
		int r = mempolicy_from_oci(&oci, &m, &err);

		if ((r == 0) != cases[i].good)
			fail_msg("%s: %d", cases[i].nodes, r);
		if (r < 0) {
			assert_non_null(strstr(err.msg, "invalid memory policy node"));
			continue;
		}
		assert_int_equal(m.mode, 3 | 1 << 15);
		assert_true(m.nodes[0] == cases[i].first);
	}
}

static void test_personality(void **state)
{
	char *flags[] = {(char *)"ADDR_NO_RANDOMIZE", NULL};
	struct oci_personality oci = {.domain = OCI_PERSONALITY_DOMAIN_LINUX32};
	struct error err;
	long value;

	(void)state;
	assert_int_equal(personality_from_oci(&oci, &value, &err), 0);
	assert_int_equal(value, PER_LINUX32);
	oci.flags = flags;
	oci.n_flags = 1;
	assert_true(personality_from_oci(&oci, &value, &err) < 0);
	assert_non_null(strstr(err.msg, "linux.personality.flags[0]: \"ADDR_NO_RANDOMIZE\""));
	assert_int_equal(personality_from_oci(NULL, &value, &err), 0);
	assert_int_equal(value, -1);
}

/* The kernel takes them all from a process without privileges. */
static void test_apply(void **state)
{
	const struct scheduler s = {.set = true, .policy = SCHED_BATCH, .nice = 19};
	const struct mempolicy m = {.set = true};
	struct error err;
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		if (scheduler_apply(&s, &err) < 0 || ioprio_apply(3 << 13, &err) < 0 ||
		    personality_apply(PER_LINUX32, &err) < 0)
			_exit(1);
		if (mempolicy_apply(&m, &err) < 0 && err.code != 38 /* ENOSYS: no NUMA */)
			_exit(2);
		if (sched_getscheduler(0) != SCHED_BATCH || syscall(SYS_ioprio_get, 1, 0) != 3 << 13 ||
		    personality(0xffffffff) != PER_LINUX32)
			_exit(3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scheduler),   cmocka_unit_test(test_scheduler_refused),
		cmocka_unit_test(test_affinity),    cmocka_unit_test(test_affinity_refused),
		cmocka_unit_test(test_ioprio),      cmocka_unit_test(test_mempolicy),
		cmocka_unit_test(test_personality), cmocka_unit_test(test_apply),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
