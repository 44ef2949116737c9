/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a virtual machine cost until its container was there, told once, with the answer to the launcher's CREATE. The clock is read five times and nothing
 * is looked up: whoever wants to know what a machine has of memory asks when he wants to know (hyperv/machine.c).
 */
#include <ocispec/types.h>
#include <time.h>

#include "schema/json.h"
#include "schema/types.h"
#include "vmwp/worker.h"

void startup_mark(struct worker *w, enum startup_mark m)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if (!w->marks[m])
		w->marks[m] = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

char *startup_describe(const struct worker *w)
{
	const struct hv_worker_startup s = {
		.start = (char *)(w->start == VMM_START_CLONE ? "clone" : "boot"),
		.attempts = w->attempts,
		.vmm_usec = w->marks[STARTUP_VMM] - w->marks[STARTUP_SETUP],
		.guest_usec = w->marks[STARTUP_GUEST] - w->marks[STARTUP_VMM],
		.create_usec = w->marks[STARTUP_CREATED] - w->marks[STARTUP_CREATE],
		.total_usec = w->marks[STARTUP_CREATED] - w->marks[STARTUP_SETUP],
		.pid = (uint32_t)w->vmm_pid,
	};
	char *json = NULL;
	struct error err;

	return json_write(&hv_worker_startup_type, &s, &json, NULL, &err) < 0 ? NULL : json;
}
