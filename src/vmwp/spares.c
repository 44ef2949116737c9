/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The VM's spare disks: which of them has whose medium. One is a member's from DISK on until nothing of the VMM's has its medium open any more; what the guest
 * says plays no part in it. One whose medium does not come out is nobody's for the rest of the VM's life.
 */
#include <errno.h>

#include "base/log.h"
#include "schema/types.h"
#include "vmwp/members.h"
#include "vmwp/worker.h"

static const struct {
	const char *what, *setting;
} kinds[_VMM_SPARE_MAX] = {
	[VMM_SPARE_WRITABLE] = { "writing", "hyperv.spare_disks" },
	[VMM_SPARE_READONLY] = { "reading alone", "hyperv.spare_readonly_disks" },
};

static unsigned count(const struct worker *w, enum vmm_spare kind)
{
	return kind == VMM_SPARE_WRITABLE ? w->setup->vm->spare_disks : w->setup->vm->spare_readonly_disks;
}

/* The numbers of a kind go from here on: as vm_spec has it. */
static unsigned first(const struct worker *w, enum vmm_spare kind)
{
	return kind == VMM_SPARE_WRITABLE ? 0 : count(w, VMM_SPARE_WRITABLE);
}

static unsigned total(const struct worker *w)
{
	return first(w, VMM_SPARE_READONLY) + count(w, VMM_SPARE_READONLY);
}

bool spares_exist(const struct worker *w)
{
	return total(w) > 0;
}

int spares_insert(struct worker *w, uint32_t process, const struct vmm_disk *d, const char *field, uint32_t *ret_number, struct error *err)
{
	enum vmm_spare kind = d->readonly ? VMM_SPARE_READONLY : VMM_SPARE_WRITABLE;
	unsigned i = first(w, kind), end = i + count(w, kind);
	int r;

	while (i < end && w->spares[i].state != SPARE_EMPTY)
		i++;
	if (i == end)
		return error_set(err, EBUSY,
				 "%s: the virtual machine of the pod sandbox \"%s\" has no spare disk left for %s (of %u): %s in the configuration file says "
				 "how many a new one has",
				 field, w->setup->id, kinds[kind].what, count(w, kind), kinds[kind].setting);
	*ret_number = (uint32_t)w->setup->vm->n_disks + i;
	r = w->vmm->insert(w->monitor, *ret_number, d, err);
	if (r < 0)
		return error_wrap(err, "%s", field);
	w->spares[i] = (struct spare){ .state = SPARE_FILLING, .process = process };
	return 0;
}

static void lose(struct worker *w, struct spare *s, const struct error *e)
{
	log_warning("container \"%s\": a medium cannot be taken out of its virtual machine: %s", w->setup->id, e->msg);
	*s = (struct spare){ .state = SPARE_LOST };
}

static void eject(struct worker *w, struct spare *s)
{
	struct error e;

	s->state = SPARE_EMPTYING;
	if (w->vmm->eject(w->monitor, (unsigned)w->setup->vm->n_disks + (unsigned)(s - w->spares), &e) < 0)
		lose(w, s, &e);
}

void spares_release(struct worker *w, uint32_t process)
{
	for (unsigned i = 0; i < total(w); i++) {
		struct spare *s = &w->spares[i];

		if (s->process != process)
			continue;
		if (s->state == SPARE_FILLING)
			s->unwanted = true;
		else if (s->state == SPARE_FULL)
			eject(w, s);
	}
}

bool spares_has(const struct worker *w, uint32_t process)
{
	for (unsigned i = 0; i < total(w); i++)
		if (w->spares[i].state != SPARE_EMPTY && w->spares[i].process == process)
			return true;
	return false;
}

/* Nobody waits for an insert that nobody wants any more. */
static void changed(struct worker *w, struct spare *s, const struct error *e)
{
	uint32_t process = s->process;
	bool told = s->state == SPARE_FILLING && !s->unwanted;

	if (s->state == SPARE_EMPTYING && e)
		lose(w, s, e);
	else if (s->state == SPARE_EMPTYING || e)
		*s = (struct spare){ .state = SPARE_EMPTY };
	else if (s->unwanted)
		eject(w, s);
	else
		s->state = SPARE_FULL;
	if (told)
		member_disk_inserted(w, process, e);
	if (!spares_has(w, process))
		member_disks_out(w, process);
}

int spares_changed(void *data, unsigned number, const struct error *e, struct error *err)
{
	struct worker *w = data;
	unsigned i = number - (unsigned)w->setup->vm->n_disks;

	if (i >= total(w) || (w->spares[i].state != SPARE_FILLING && w->spares[i].state != SPARE_EMPTYING))
		return error_set(err, EPROTO, "disk %u has changed, which nobody has asked for", number);
	changed(w, &w->spares[i], e);
	return worker_check_end(w, err);
}
