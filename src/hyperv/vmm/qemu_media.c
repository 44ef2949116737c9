/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Media of QEMU's spare disks. A virtio-mmio transport has no hot plug, and virtio-blk no tray: the device stays, and what it has in it is its property "drive",
 * which can be set while the VM runs. Empty, that is a node of its own without anything behind it. A node is exchanged with all requests drained
 * (block/block-backend.c, blk_replace_bs()), so none that was meant for one medium reaches the next.
 *
 *   insert: add-fd → blockdev-add → qom-set drive       eject: qom-set drive → blockdev-del → remove-fd
 *
 * An insert that fails is followed by an eject, whose answers say nothing: what was not there cannot be taken away. Changes follow each other: QEMU keeps one
 * descriptor that came by the monitor until a command takes it, and a second one would replace it (chardev/char-socket.c). Each medium has a set of
 * descriptors of its own, with a number that no other had: of a set to which a second one is added, QEMU would open the first that fits.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"
#include "hyperv/vmm/qemu.h"
#include "hyperv/vmm/qmp.h"

enum { COMMANDS = 3, DISKS_MAX = VMM_DISKS_MAX + _VMM_SPARE_MAX * VMM_SPARES_MAX };

struct change {
	struct change *next;
	unsigned disk;
	bool insert;
	struct vmm_disk medium; /* with a descriptor of our own until QEMU has it */
	unsigned left;		/* commands that have not been answered; 0: none has been sent */
	struct error error;	/* the first that was refused; code 0: none */
};

struct qemu_media {
	struct qmp *qmp;
	int (*done)(void *data, unsigned i, const struct error *e, struct error *err);
	void *data;
	struct change *first, **end; /* first is the one that QEMU works on */
	unsigned last_set, sets[DISKS_MAX];
};

struct qemu_media *qemu_media_new(struct qmp *qmp, int (*done)(void *data, unsigned i, const struct error *e, struct error *err), void *data)
{
	struct qemu_media *m = xcalloc(1, sizeof(*m));

	m->qmp = qmp;
	m->done = done;
	m->data = data;
	m->end = &m->first;
	m->last_set = DISKS_MAX; /* below are those of the command line */
	return m;
}

static void remove_first(struct qemu_media *m)
{
	struct change *c = m->first;

	m->first = c->next;
	if (!m->first)
		m->end = &m->first;
	fd_close(c->medium.fd);
	free(c);
}

struct qemu_media *qemu_media_free(struct qemu_media *m)
{
	while (m && m->first)
		remove_first(m);
	free(m);
	return NULL;
}

static int set_drive(struct qemu_media *m, unsigned disk, const char *node, struct error *err)
{
	_cleanup_free_ char *arguments = xasprintf("{\"path\":\"/machine/peripheral/" QEMU_SPARE_ID "%u\",\"property\":\"drive\",\"value\":\"%s%u\"}",
						   disk, node, disk);

	return qmp_ask(m->qmp, "qom-set", arguments, -1, err);
}

static int ask_insert(struct qemu_media *m, struct change *c, struct error *err)
{
	unsigned set = m->sets[c->disk] = ++m->last_set;
	_cleanup_free_ char *node = qemu_disk_node(&c->medium, c->disk, set), *arguments = xasprintf("{\"fdset-id\":%u}", set);
	int r = qmp_ask(m->qmp, "add-fd", arguments, c->medium.fd, err);

	c->medium.fd = fd_close(c->medium.fd);
	if (r == 0)
		r = qmp_ask(m->qmp, "blockdev-add", node, -1, err);
	return r < 0 ? r : set_drive(m, c->disk, QEMU_DISK_NODE, err);
}

static int ask_eject(struct qemu_media *m, const struct change *c, struct error *err)
{
	_cleanup_free_ char *node = xasprintf("{\"node-name\":\"" QEMU_DISK_NODE "%u\"}", c->disk);
	_cleanup_free_ char *set = xasprintf("{\"fdset-id\":%u}", m->sets[c->disk]);
	int r = set_drive(m, c->disk, QEMU_EMPTY_NODE, err);

	if (r == 0)
		r = qmp_ask(m->qmp, "blockdev-del", node, -1, err);
	return r < 0 ? r : qmp_ask(m->qmp, "remove-fd", set, -1, err);
}

static int ask(struct qemu_media *m, struct change *c, struct error *err)
{
	c->left = COMMANDS;
	return c->insert ? ask_insert(m, c, err) : ask_eject(m, c, err);
}

/* Begins with what comes next. What QEMU does not listen to any more has failed. */
static int go_on(struct qemu_media *m, struct error *err)
{
	while (m->first && m->first->left == 0) {
		unsigned disk = m->first->disk;
		struct error e;
		int r = ask(m, m->first, &e);

		if (r == 0)
			break;
		remove_first(m);
		r = m->done(m->data, disk, &e, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int add_change(struct qemu_media *m, const struct change *change, struct error *err)
{
	struct change *c = xcalloc(1, sizeof(*c));

	*c = *change;
	*m->end = c;
	m->end = &c->next;
	if (m->first == c && ask(m, c, err) < 0) {
		remove_first(m);
		return -err->code;
	}
	return 0;
}

int qemu_media_insert(struct qemu_media *m, unsigned i, const struct vmm_disk *medium, struct error *err)
{
	struct change c = { .disk = i, .insert = true, .medium = *medium };

	c.medium.fd = fcntl(medium->fd, F_DUPFD_CLOEXEC, 3);
	if (c.medium.fd < 0)
		return error_errno(err, "disk %u", i);
	return add_change(m, &c, err);
}

int qemu_media_eject(struct qemu_media *m, unsigned i, struct error *err)
{
	return add_change(m, &(struct change){ .disk = i, .medium.fd = -1 }, err);
}

int qemu_media_answered(struct qemu_media *m, const struct error *e, struct error *err)
{
	struct change *c = m->first;
	struct error failed, ignored;
	unsigned disk;
	int r;

	if (!c)
		return 0; /* an answer to nothing */
	if (e && !c->error.code)
		c->error = *e;
	if (--c->left > 0)
		return 0;
	if (c->insert && c->error.code) {
		c->insert = false;
		if (ask(m, c, &ignored) == 0)
			return 0;
	}
	disk = c->disk;
	failed = c->error;
	remove_first(m);
	r = m->done(m->data, disk, failed.code ? &failed : NULL, err);
	return r < 0 ? r : go_on(m, err);
}
