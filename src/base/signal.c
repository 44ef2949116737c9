/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Signal names, signal(7). Real-time signals are counted from the C library's SIGRTMIN, as kill(1) does. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "base/num.h"
#include "base/process.h"
#include "base/str.h"

#define ROW(name) [SIG##name] = #name

/* By number; the first name given for a number is the one that is printed. */
static const char *const names[] = {
	ROW(HUP),    ROW(INT),  ROW(QUIT),  ROW(ILL),  ROW(TRAP), ROW(ABRT), ROW(BUS),  ROW(FPE),
	ROW(KILL),   ROW(USR1), ROW(SEGV),  ROW(USR2), ROW(PIPE), ROW(ALRM), ROW(TERM), ROW(CHLD),
	ROW(CONT),   ROW(STOP), ROW(TSTP),  ROW(TTIN), ROW(TTOU), ROW(URG),  ROW(XCPU), ROW(XFSZ),
	ROW(VTALRM), ROW(PROF), ROW(WINCH), ROW(IO),   ROW(PWR),  ROW(SYS),
#ifdef SIGSTKFLT
	ROW(STKFLT),
#endif
};

static const struct {
	const char *name;
	int sig;
} aliases[] = { { "IOT", SIGABRT }, { "CLD", SIGCHLD }, { "POLL", SIGIO }, { "UNUSED", SIGSYS } };

/* "RTMIN", "RTMIN+n", "RTMAX", "RTMAX-n" */
static int real_time_signal(const char *name)
{
	static const struct {
		const char *name;
		char sign;
		int direction;
	} ends[] = { { "RTMIN", '+', 1 }, { "RTMAX", '-', -1 } };

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const char *rest = str_skip_prefix(name, ends[i].name);
		int n = 0;

		if (!rest)
			continue;
		if (*rest &&
		    (*rest != ends[i].sign || num_parse_int(rest + 1, 0, SIGRTMAX - SIGRTMIN, &n) < 0))
			return -EINVAL;
		return (i == 0 ? SIGRTMIN : SIGRTMAX) + ends[i].direction * n;
	}
	return -EINVAL;
}

int signal_from_string(const char *s)
{
	char upper[16];
	const char *name;
	size_t i;
	int sig;

	if (num_parse_int(s, 0, SIGRTMAX, &sig) == 0)
		return sig;
	for (i = 0; s[i] && i < sizeof(upper) - 1; i++)
		upper[i] = s[i] >= 'a' && s[i] <= 'z' ? (char)(s[i] - 0x20) : s[i];
	if (s[i])
		return -EINVAL;
	upper[i] = '\0';
	name = str_skip_prefix(upper, "SIG");
	if (!name)
		name = upper;
	sig = str_index(names, ARRAY_SIZE(names), name);
	if (sig > 0)
		return sig;
	for (i = 0; i < ARRAY_SIZE(aliases); i++)
		if (str_eq(aliases[i].name, name))
			return aliases[i].sig;
	return real_time_signal(name);
}

const char *signal_to_string(int sig, char *buf, size_t size)
{
	if (sig > 0 && (size_t)sig < ARRAY_SIZE(names) && names[sig])
		snprintf(buf, size, "SIG%s", names[sig]);
	else if (sig == SIGRTMIN)
		snprintf(buf, size, "SIGRTMIN");
	else if (sig > SIGRTMIN && sig <= SIGRTMAX)
		snprintf(buf, size, "SIGRTMIN+%d", sig - SIGRTMIN);
	else
		snprintf(buf, size, "SIG%d", sig);
	return buf;
}
