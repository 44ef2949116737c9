/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Annotations org.systemd.property.*: text to D-Bus. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/macros.h"
#include "linux/cgroup/unit_property.h"
#include "linux/dbus_message.h"

static const struct {
	const char *name, *value;
	const char *expected; /* "NAME SIGNATURE VALUE"; NULL: refused */
} rows[] = {
	{ "TimeoutStopUSec", "uint64 123000000", "TimeoutStopUSec t 123000000" },
	{ "TimeoutStopSec", "123", "TimeoutStopUSec t 123000000" },
	{ "TimeoutStopSec", "uint64 5", "TimeoutStopUSec t 5000000" },
	{ "TimeoutStopSec", "1.25", "TimeoutStopUSec t 1250000" },
	{ "TimeoutStopSec", "0.0000019", "TimeoutStopUSec t 1" },
	{ "TimeoutStopSec", "1.", NULL },
	{ "TimeoutStopSec", "-1", NULL },
	{ "TimeoutStopSec", "18446744073710", NULL },
	{ "TimeoutStopSec", "'5'", NULL },
	{ "CollectMode", "'inactive-or-failed'", "CollectMode s inactive-or-failed" },
	{ "CollectMode", " \"a 'b' \\\"c\\\\\" ", "CollectMode s a 'b' \"c\\" },
	{ "CollectMode", "''", "CollectMode s " },
	{ "CollectMode", "'open", NULL },
	{ "CollectMode", "'a' 'b'", NULL },
	{ "CollectMode", "'a\nb'", NULL },
	{ "CollectMode", "'a\\nb'", NULL },
	{ "CollectMode", "inactive", NULL },
	{ "CollectMode", "", NULL },
	{ "SendSIGKILL", "true", "SendSIGKILL b 1" },
	{ "SendSIGKILL", "false ", "SendSIGKILL b 0" },
	{ "SendSIGKILL", "truely", NULL },
	{ "KillSignal", "9", "KillSignal i 9" },
	{ "KillSignal", "-2147483648", "KillSignal i -2147483648" },
	{ "KillSignal", "-2147483649", NULL },
	{ "KillSignal", "2147483648", NULL },
	{ "Some", "uint32 4294967295", "Some u 4294967295" },
	{ "Some", "uint32 -1", NULL },
	{ "Some", "int64 -5", "Some x -5" },
	{ "Some", "uint64 18446744073709551615", "Some t 18446744073709551615" },
	{ "Some", "uint64 18446744073709551616", NULL },
	{ "Some", "uint64", NULL },
	{ "Some", "5 5", NULL },
	{ "Some", "byte 5", NULL },
	{ "After", "['a.service', \"b.service\"]", "After as a.service,b.service" },
	{ "After", "[ 'a' , ]", "After as a" },
	{ "After", "[]", "After as " },
	{ "After", "['a' 'b']", NULL },
	{ "After", "['a'", NULL },
	{ "After", "['a'] x", NULL },
	{ "After", "[5]", NULL },
	{ "ab", "true", NULL },
	{ "With.Dot", "true", NULL },
	{ "Digit1", "true", NULL },
	{ "", "true", NULL },
};

/* What a reader of the bytes sees. */
static void show(const struct buf *b, char *out, size_t size)
{
	struct dbus_reader r = { .data = b->data, .len = b->len };
	const char *name = dbus_get_string(&r), *sig = dbus_get_signature(&r);
	size_t n = (size_t)snprintf(out, size, "%s %s ", name ? name : "?", sig ? sig : "?");
	uint64_t low, high;

	switch (sig && strlen(sig) == 1 ? sig[0] : '?') {
	case 's':
		snprintf(out + n, size - n, "%s", dbus_get_string(&r));
		break;
	case 'b':
	case 'u':
		snprintf(out + n, size - n, "%" PRIu32, dbus_get_u32(&r));
		break;
	case 'i':
		snprintf(out + n, size - n, "%" PRId32, (int32_t)dbus_get_u32(&r));
		break;
	case 'x':
	case 't':
		r.pos = (r.pos + 7) & ~(size_t)7;
		low = dbus_get_u32(&r);
		high = dbus_get_u32(&r);
		snprintf(out + n, size - n, sig[0] == 'x' ? "%" PRId64 : "%" PRIu64, high << 32 | low);
		break;
	default: /* "as" */
		low = dbus_get_u32(&r);
		for (size_t end = r.pos + low, first = r.pos; r.pos < end;) {
			const char *comma = r.pos > first ? "," : "";

			n += (size_t)snprintf(out + n, size - n, "%s%s", comma, dbus_get_string(&r));
		}
	}
	assert_false(r.bad);
	assert_int_equal(r.pos, b->len);
}

static void test_rows(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct unit_property p = { rows[i].name, rows[i].value };
		_cleanup_buf_ struct buf b = { 0 };
		struct error err = { 0 };
		char seen[256] = "";
		int r = unit_property_put(&b, &p, &err);

		if (r == 0)
			show(&b, seen, sizeof(seen));
		if (!rows[i].expected && r != -EINVAL)
			fail_msg("%s=%s was taken: %s", p.name, p.value, seen);
		if (rows[i].expected && strcmp(seen, rows[i].expected) != 0)
			fail_msg("%s=%s: \"%s\", %s", p.name, p.value, seen, err.msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
