/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of the mount option "idmap=", as lists of mappings: see idmap_option.h. */
#include "container/idmap_option.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

/* One kind of ids. */
struct list {
	const char *key;		/* "uids=" */
	const char *field;		/* what "@" refers to */
	const struct id_map *container; /* its n_container mappings */
	size_t n_container;
	struct id_map *maps;
	size_t n;
};

/* "1-2-3": three numbers, nothing else. */
static bool scan_triplet(const char *s, struct id_map *ret)
{
	uint32_t *const slots[] = { &ret->inside, &ret->outside, &ret->count };
	uint64_t v;

	for (size_t i = 0; i < ARRAY_SIZE(slots); i++) {
		s = num_scan_u64(s, &v);
		if (!s || v > UINT32_MAX || *s != (i + 1 < ARRAY_SIZE(slots) ? '-' : '\0'))
			return false;
		*slots[i] = (uint32_t)v;
		s += *s == '-';
	}
	return ret->count > 0 && ret->inside + (uint64_t)ret->count <= UINT32_MAX && ret->outside + (uint64_t)ret->count <= UINT32_MAX;
}

/* From an id of the container's to the one outside, for all of the range. */
static bool make_absolute(const struct list *l, struct id_map *m)
{
	for (size_t i = 0; i < l->n_container; i++) {
		const struct id_map *c = &l->container[i];

		if (m->outside < c->inside || m->outside + (uint64_t)m->count > c->inside + (uint64_t)c->count)
			continue;
		m->outside = c->outside + (m->outside - c->inside);
		return true;
	}
	return false;
}

static int add_range(struct list *l, const char *range, struct error *err)
{
	bool relative = range[0] == '@';
	struct id_map m;

	if (!scan_triplet(range + relative, &m))
		return error_set(err, EINVAL, "\"%s\" is not FIRST-MAPPED-COUNT (three numbers of 32 bits, the last not 0)", range);
	if (relative && !make_absolute(l, &m))
		return error_set(err, EINVAL, "\"%s\": these ids are not in one range of linux.%s of a new user namespace", range, l->field);
	if (l->n == ID_MAPS_MAX)
		return error_set(err, E2BIG, "at most %d ranges are possible", ID_MAPS_MAX);
	l->maps = xreallocarray(l->maps, l->n + 1, sizeof(*l->maps));
	l->maps[l->n++] = m;
	return 0;
}

static int add_part(struct list *lists, size_t n_lists, const char *part, struct error *err)
{
	for (size_t i = 0; i < n_lists; i++) {
		const char *ranges = str_skip_prefix(part, lists[i].key);
		_cleanup_strv_ char **v = ranges ? str_split(ranges, '#') : NULL;
		int r = 0;

		if (!ranges)
			continue;
		for (char **range = v; *range && r == 0; range++)
			r = add_range(&lists[i], *range, err);
		return r;
	}
	return error_set(err, EINVAL, "\"%s\" is not uids= or gids=", part);
}

int idmap_option_parse(const char *text, const struct userns_maps *container, struct userns_maps *ret, struct error *err)
{
	struct list lists[] = {
		{ .key = "uids=", .field = "uidMappings", .container = container->uids, .n_container = container->n_uids },
		{ .key = "gids=", .field = "gidMappings", .container = container->gids, .n_container = container->n_gids },
	};
	_cleanup_strv_ char **parts = str_split(text, ';');
	int r = 0;

	for (char **part = parts; *part && r == 0; part++)
		r = add_part(lists, ARRAY_SIZE(lists), *part, err);
	if (r == 0 && (!lists[0].n || !lists[1].n))
		r = error_set(err, EINVAL, "uids= and gids= are both needed");
	if (r < 0) {
		free(lists[0].maps);
		free(lists[1].maps);
		return error_wrap(err, "options: \"idmap=%s\"", text);
	}
	*ret = (struct userns_maps){ lists[0].maps, lists[1].maps, lists[0].n, lists[1].n };
	return 0;
}
