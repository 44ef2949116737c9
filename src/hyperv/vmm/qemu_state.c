/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Saving a QEMU VM and starting copies of it: a migration into a file (docs/devel/migration.rst) that leaves the RAM out, for that is a file
 * already (capability x-ignore-shared). QEMU tells its progress by events; nothing is asked twice and nothing is waited for by time.
 *
 * A VM that is saved while it runs goes on running where it is loaded: QEMU stores its run state with it. It stops for good in
 * the moment in which it is saved, so RAM and devices belong to the same instant.
 */
#include "hyperv/vmm/qemu.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "hyperv/vmm/qmp.h"

#define CAPABILITIES                                                                                              \
	"{\"capabilities\":[{\"capability\":\"x-ignore-shared\",\"state\":true},{\"capability\":\"events\",\"state\":true}]}"

/* A copy that is loaded must not announce the template's addresses on its network. */
#define PARAMETERS "{\"announce-rounds\":0}"

struct vmm_monitor {
	struct qmp *qmp;
	struct qemu_media *media;
	const struct vmm_monitor_ops *ops;
	void *data;
	bool saving;
};

static int fail(struct vmm_monitor *m, const char *what, struct error *err)
{
	struct error e;

	error_set(&e, EIO, "the VMM says that %s has failed", what);
	return m->ops->failed(m->data, &e, err);
}

static int on_event(void *data, const char *name, const char *status, struct error *err)
{
	struct vmm_monitor *m = data;

	if (strcmp(name, "MIGRATION"))
		return 0;
	if (!strcmp(status, "failed"))
		return fail(m, m->saving ? "saving the virtual machine" : "loading the virtual machine", err);
	/* the rest of the file is written before QEMU quits */
	if (m->saving && !strcmp(status, "completed"))
		return qmp_command(m->qmp, "quit", NULL, -1, err);
	return 0;
}

static int on_failed(void *data, const struct error *reason, struct error *err)
{
	struct vmm_monitor *m = data;

	return m->ops->failed(m->data, reason, err);
}

static int on_answer(void *data, const struct error *e, struct error *err)
{
	struct vmm_monitor *m = data;

	return qemu_media_answered(m->media, e, err);
}

static int set_up(struct vmm_monitor *m, struct error *err)
{
	int r = qmp_command(m->qmp, "qmp_capabilities", NULL, -1, err);

	if (r == 0)
		r = qmp_command(m->qmp, "migrate-set-parameters", PARAMETERS, -1, err);
	return r < 0 ? r : qmp_command(m->qmp, "migrate-set-capabilities", CAPABILITIES, -1, err);
}

int qemu_monitor_new(struct event_loop *loop, int fd, const struct vmm_monitor_ops *ops, void *data, struct vmm_monitor **ret,
		     struct error *err)
{
	static const struct qmp_ops qmp_ops = { .event = on_event, .answered = on_answer, .failed = on_failed };
	struct vmm_monitor *m = xcalloc(1, sizeof(*m));
	int r;

	*m = (struct vmm_monitor){ .ops = ops, .data = data };
	r = qmp_new(loop, fd, &qmp_ops, m, &m->qmp, err);
	if (r == 0) {
		m->media = qemu_media_new(m->qmp, ops->changed, data);
		r = set_up(m, err);
	}
	if (r < 0) {
		qemu_monitor_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

struct vmm_monitor *qemu_monitor_free(struct vmm_monitor *m)
{
	if (m) {
		qemu_media_free(m->media);
		qmp_free(m->qmp);
	}
	free(m);
	return NULL;
}

int qemu_save(struct vmm_monitor *m, int state_fd, struct error *err)
{
	int r = qmp_command(m->qmp, "getfd", "{\"fdname\":\"state\"}", state_fd, err);

	m->saving = true;
	return r < 0 ? r : qmp_command(m->qmp, "migrate", "{\"uri\":\"fd:state\"}", -1, err);
}

int qemu_load(struct vmm_monitor *m, int state_fd, struct error *err)
{
	int r = qmp_command(m->qmp, "getfd", "{\"fdname\":\"state\"}", state_fd, err);

	return r < 0 ? r : qmp_command(m->qmp, "migrate-incoming", "{\"uri\":\"fd:state\"}", -1, err);
}

int qemu_insert(struct vmm_monitor *m, unsigned i, const struct vmm_disk *medium, struct error *err)
{
	return qemu_media_insert(m->media, i, medium, err);
}

int qemu_eject(struct vmm_monitor *m, unsigned i, struct error *err)
{
	return qemu_media_eject(m->media, i, err);
}
