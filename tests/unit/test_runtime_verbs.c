/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The pure parts of ps, events, update and of notifications: runtime/{ps,events,update,notify}.c, linux/process_table.c, base/log-target.c. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <ocispec/doc.h>
#include <ocispec/types.h>

#include "base/log-target.h"
#include "base/mem.h"
#include "base/str.h"
#include "hyperv/hyperv.h"
#include "linux/process_table.h"
#include "native/native.h"
#include "runtime/notify.h"
#include "runtime/runtime.h"

const struct isolation_ops native_ops = { .name = "Default" };
const struct isolation_ops hyperv_ops = { .name = "HyperV" };

void hyperv_check(_unused_ const struct env *env, _unused_ struct report *r)
{
}

int hyperv_usable(_unused_ const struct env *env, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

int hyperv_describe(_unused_ const struct env *env, _unused_ const struct bundle *b, _unused_ struct report *r,
		    _unused_ struct hv_check_bundle *ret, _unused_ struct oci_doc *doc, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

int hyperv_template_build(_unused_ const struct env *env, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

int hyperv_template_each(_unused_ const struct env *env, _unused_ hyperv_template_fn *fn, _unused_ void *data, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

int hyperv_template_prune(_unused_ const struct env *env, _unused_ bool all, _unused_ unsigned *ret_n, struct error *err)
{
	return error_set(err, EINVAL, "no VM here");
}

/* The PID column is found by its title; a pid in another column is none. */
static void test_ps_filter(void **state)
{
	const char *text = "UID   PID PPID CMD\nroot   10  1 a\nroot   11   10 b 10\nroot 110 1 c\n";
	const pid_t pids[] = { 10, 110 };
	_cleanup_buf_ struct buf out = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_int_equal(ps_filter(text, pids, 2, &out, &err), 0);
	assert_string_equal(out.data, "UID   PID PPID CMD\nroot   10  1 a\nroot 110 1 c\n");
	assert_true(ps_filter("COMMAND\ninit\n", pids, 2, &out, &err) < 0);
	assert_non_null(strstr(err.msg, "PID"));
	assert_true(ps_filter("", pids, 2, &out, &err) < 0);
}

static void test_intervals(void **state)
{
	static const struct {
		const char *text;
		int ms; /* -1: refused */
	} cases[] = {
		{ "5s", 5000 }, { "500ms", 500 }, { "1m30s", 90000 }, { "1h", 3600000 }, { "0s", -1 },	{ "", -1 },
		{ "5", -1 },	{ "s", -1 },	  { "-5s", -1 },      { "5d", -1 },	 { "5 s", -1 }, { "99999999h", -1 },
		{ "18446744073709551615ms", -1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct error err = { 0 };
		int ms = -1, r = events_parse_interval(cases[i].text, &ms, &err);

		if (ms != cases[i].ms || (r < 0) != (cases[i].ms < 0) || (r < 0) != (err.code != 0))
			fail_msg("\"%s\": %d, %d, %s", cases[i].text, r, ms, err.msg);
	}
}

static void test_update_options(void **state)
{
	const struct update_options o = { .memory = "10M", .memory_swap = "-1", .cpu_quota = "-1", .cpu_share = "0",
					  .cpuset_cpus = "0-1", .pids_limit = "0", .cpu_idle = "0" };
	struct oci_doc *doc = NULL;
	struct oci_resources *r;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(update_make_resources(&o, &doc, &err), 0);
	r = oci_doc_root(doc);
	assert_true(r->memory->has_limit && r->memory->limit == 10 << 20);
	assert_true(r->memory->has_swap && r->memory->swap == -1);
	assert_false(r->memory->has_reservation);
	assert_true(r->cpu->has_quota && r->cpu->quota == -1);
	assert_false(r->cpu->has_shares); /* 0: leave it */
	assert_true(r->cpu->has_idle && r->cpu->idle == 0);
	assert_string_equal(r->cpu->cpus, "0-1");
	assert_true(r->pids->has_limit && r->pids->limit == 0); /* a limit */
	assert_null(r->block_io);
	oci_doc_free(doc);
}

static void test_update_refusals(void **state)
{
	static const struct update_options cases[] = {
		{ .memory = "10X" }, { .memory = "" }, { .cpu_period = "-1" }, { .pids_limit = "1.5" }, { .blkio_weight = "4294967296" },
		{ .resources = "/nonexistent/file" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct oci_doc *doc = NULL;
		struct error err = { 0 };

		assert_true(update_make_resources(&cases[i], &doc, &err) < 0);
		assert_null(doc);
		assert_non_null(strstr(err.msg, "--") ? "" : strstr(err.msg, "flag"));
	}
}

static void test_update_file(void **state)
{
	char path[] = "/tmp/hvrun-update.XXXXXX";
	const char *json = "{\"devices\":[{\"allow\":true,\"access\":\"rwm\"}],\"memory\":{\"limit\":0,\"swap\":7},\"cpu\":{\"cpus\":\"\"}}";
	struct update_options o = { .resources = path, .memory = "1M" };
	int fd = mkstemp(path);
	struct oci_doc *doc = NULL;
	struct oci_resources *r;
	struct error err = { 0 };

	(void)state;
	assert_true(write(fd, json, strlen(json)) > 0);
	assert_int_equal(update_make_resources(&o, &doc, &err), 0);
	r = oci_doc_root(doc);
	assert_int_equal(r->n_devices, 0);
	assert_false(r->memory->has_limit);
	assert_true(r->memory->has_swap && r->memory->swap == 7);
	assert_null(r->cpu->cpus);
	oci_doc_free(doc);
	close(fd);
	unlink(path);
}

static void test_notifications(void **state)
{
	static const struct {
		const char *from, *to;
		unsigned flags;
	} cases[] = {
		{ "READY=1", "READY=1\nMAINPID=77\n", NOTIFY_READY },
		{ "READY=1\nMAINPID=1\nSTATUS=up", "READY=1\nMAINPID=77\nSTATUS=up\n", NOTIFY_READY },
		{ "BARRIER=1\n", "BARRIER=1\n", NOTIFY_BARRIER },
		{ "STOPPING=1\n", "STOPPING=1\n", 0 },
		{ "RELOADING=1\nMONOTONIC_USEC=5", "RELOADING=1\nMONOTONIC_USEC=5\n", 0 },
		{ "WATCHDOG=1", "WATCHDOG=1\n", 0 },
		{ "MAINPID=1", NULL, 0 },
		{ "FDSTORE=1\nFDNAME=x\nNOTIFYACCESS=all", NULL, 0 },
		{ "READY=12", NULL, 0 },
		{ "\n\n", NULL, 0 },
		{ "", NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf out = { 0 };
		unsigned flags = notify_rewrite(cases[i].from, strlen(cases[i].from), 77, &out);

		assert_int_equal(flags, cases[i].flags);
		assert_int_equal(out.len, cases[i].to ? strlen(cases[i].to) : 0);
		if (cases[i].to)
			assert_string_equal(out.data, cases[i].to);
	}
}

static void test_listen_fds(void **state)
{
	_cleanup_free_ char *own = xasprintf("%d", (int)getpid());

	(void)state;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	assert_int_equal(listen_fds(), 0);
	setenv("LISTEN_FDS", "2", 1);
	assert_int_equal(listen_fds(), 2);
	setenv("LISTEN_PID", "1", 1);
	assert_int_equal(listen_fds(), 0);
	setenv("LISTEN_PID", own, 1);
	assert_int_equal(listen_fds(), 2);
	setenv("LISTEN_FDS", "-1", 1);
	assert_int_equal(listen_fds(), 0);
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_PID");
}

static char *name_of(_unused_ void *data, uid_t uid)
{
	return uid == 0 ? xstrdup("root\033") : xasprintf("#%u", uid);
}

static void test_table(void **state)
{
	char tty[] = "pts/3", none[] = "?", command[] = "sh -c x", evil[] = "a\033[31m\nb";
	const struct process_row rows[] = {
		{ .pid = 7, .ppid = 1, .uid = 0, .cpu = 5, .started = 1000000, .time = 3723, .tty = tty, .command = command },
		{ .pid = 80, .ppid = 7, .uid = 1234567890, .started = 1000000, .tty = none, .command = evil },
	};
	_cleanup_buf_ struct buf out = { 0 };
	_cleanup_strv_ char **lines = NULL;

	(void)state;
	setenv("TZ", "UTC0", 1);
	process_rows_print(rows, 2, 1000060, name_of, NULL, &out);
	lines = str_split(out.data, '\n');
	assert_int_equal(strv_length(lines), 4);
	assert_string_equal(lines[1], "root?          7       1  5 13:46 pts/3    01:02:03 sh -c x");
	assert_string_equal(lines[2], "#1234567890      80       7  0 13:46 ?        00:00:00 a?[31m?b");
}

static void test_own_row(void **state)
{
	const pid_t pids[] = { getpid(), 4194304 /* there is none: pid_max */ };
	struct process_row *rows;
	struct error err = { 0 };
	size_t n;

	(void)state;
	assert_int_equal(process_rows_read(pids, 2, &rows, &n, &err), 0);
	assert_int_equal(n, 1);
	assert_int_equal(rows[0].pid, getpid());
	assert_int_equal(rows[0].ppid, getppid());
	assert_int_equal(rows[0].uid, geteuid());
	assert_non_null(strstr(rows[0].command, "test_runtime_verbs"));
	process_row_shorten(&rows[0], 4);
	assert_true(strlen(rows[0].command) <= 4);
	process_rows_free(rows, n);
}

static void test_log_targets(void **state)
{
	_cleanup_buf_ struct buf journal = { 0 }, syslog = { 0 };
	struct log_target t = { .id = "x" };
	struct error err = { 0 };

	(void)state;
	log_target_format(&t, LOG_LEVEL_WARNING, "one\nMESSAGE_ID=two", &journal);
	assert_non_null(strstr(journal.data, "PRIORITY=4\n"));
	assert_non_null(strstr(journal.data, "SYSLOG_IDENTIFIER=x\n"));
	assert_non_null(strstr(journal.data, "\nMESSAGE=one MESSAGE_ID=two\n"));
	t.kind = 1;
	log_target_format(&t, LOG_LEVEL_ERROR, "text", &syslog);
	assert_int_equal(strncmp(syslog.data, "<27>", 4), 0);
	assert_non_null(strstr(syslog.data, " x["));
	assert_non_null(strstr(syslog.data, "]: text"));
	assert_int_equal(log_target_open("/var/log/journald:x", &t, &err), 0);
	assert_true(log_target_open("syslog:", &t, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ps_filter),     cmocka_unit_test(test_intervals),	     cmocka_unit_test(test_update_options),
		cmocka_unit_test(test_update_refusals), cmocka_unit_test(test_update_file),  cmocka_unit_test(test_notifications),
		cmocka_unit_test(test_listen_fds),    cmocka_unit_test(test_table),	     cmocka_unit_test(test_own_row),
		cmocka_unit_test(test_log_targets),
	};

	return cmocka_run_group_tests_name("verbs", tests, NULL, NULL);
}
