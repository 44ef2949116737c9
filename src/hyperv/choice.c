/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * On which kernel a bundle's virtual machine runs. Bundles choose from what the configuration file allows and by name: a path of the
 * host's that comes with a bundle is as hostile as the rest of it.
 */
#include "hyperv/choice.h"

#include <errno.h>
#include <ocispec/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "container/annotation.h"
#include "container/bundle.h"
#include "container/settings.h"

static int refuse_name(const struct settings_hyperv *s, const char *key, const char *name, struct error *err)
{
	_cleanup_buf_ struct buf names = { 0 };

	for (size_t i = 0; i < s->n_guests; i++)
		buf_printf(&names, "%s%s", i ? ", " : "", s->guests[i].name);
	return error_set(err, EINVAL, "annotation %s: \"%s\" is not a guest of this host's (%s)", key, name, names.data);
}

static int by_name(const struct settings_hyperv *s, const char *name, const struct settings_guest **ret, struct error *err)
{
	for (size_t i = 0; i < s->n_guests; i++)
		if (str_eq(s->guests[i].name, name)) {
			*ret = &s->guests[i];
			return 0;
		}
	return refuse_name(s, annotation_def(ANNOTATION_GUEST_KERNEL)->key, name, err);
}

int choice_make(const struct bundle *b, const struct settings_hyperv *s, struct choice *ret, struct error *err)
{
	const char *name = annotation_get(b->config->annotations, ANNOTATION_GUEST_KERNEL);
	struct choice c = CHOICE_USUAL(s);
	int r;

	if (name && b->config->vm)
		return error_set(err, EINVAL, "annotation %s: \"%s\": the configuration has a vm section, which names its kernel itself",
				 annotation_def(ANNOTATION_GUEST_KERNEL)->key, name);
	r = name ? by_name(s, name, &c.guest, err) : 0;
	if (r < 0)
		return r;
	*ret = c;
	return 0;
}

void choice_done(_unused_ struct choice *c)
{
}
