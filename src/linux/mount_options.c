/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mount options as a table: runtime-spec config.md "Linux mount options" and mount(8) on one side,
 * mount_setattr(2) on the other. Pure. The access time options are one field of three values in the kernel
 * (MOUNT_ATTR__ATIME), which is why they have kinds of their own; "relatime" is its zero and the kernel's
 * default.
 */
#include "linux/mount_options.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"
#include "linux/sys.h"

enum kind {
	SET,         /* attribute bits on */
	CLEAR,       /* attribute bits off */
	ATIME,       /* the atime field becomes value */
	NOT_ATIME,   /* the atime field, when it is value, becomes the default */
	PROPAGATION, /* MS_* for mount(2) */
	EXTRA,       /* MOUNT_EXTRA_* */
	DATA,        /* a superblock flag that fsconfig(2) knows under this name, without crun's "r" for "and below" */
	IGNORED,     /* the default, or without any effect on today's kernels */
};

static const struct option {
	const char *name;
	enum kind kind;
	uint64_t value;
} table[] = {
	{ "async", IGNORED, 0 },
	{ "atime", NOT_ATIME, MOUNT_ATTR_NOATIME },
	{ "bind", EXTRA, MOUNT_EXTRA_BIND },
	{ "copy-symlink", EXTRA, MOUNT_EXTRA_COPY_SYMLINK },
	{ "defaults", IGNORED, 0 },
	{ "dest-nofollow", EXTRA, MOUNT_EXTRA_DEST_NOFOLLOW },
	{ "dev", CLEAR, MOUNT_ATTR_NODEV },
	{ "diratime", CLEAR, MOUNT_ATTR_NODIRATIME },
	{ "dirsync", DATA, 0 },
	{ "exec", CLEAR, MOUNT_ATTR_NOEXEC },
	{ "idmap", EXTRA, MOUNT_EXTRA_IDMAP },
	{ "iversion", IGNORED, 0 }, /* file systems that can count changes always do */
	{ "lazytime", DATA, 0 },
	{ "loud", IGNORED, 0 },
	{ "mand", IGNORED, 0 }, /* mandatory locks left the kernel in 5.15 */
	{ "noatime", ATIME, MOUNT_ATTR_NOATIME },
	{ "nodev", SET, MOUNT_ATTR_NODEV },
	{ "nodiratime", SET, MOUNT_ATTR_NODIRATIME },
	{ "noexec", SET, MOUNT_ATTR_NOEXEC },
	{ "noiversion", IGNORED, 0 },
	{ "nolazytime", IGNORED, 0 },
	{ "nomand", IGNORED, 0 },
	{ "norelatime", IGNORED,
	  0 }, /* mount(2): MS_RELATIME is ignored unless another atime flag is there */
	{ "nostrictatime", NOT_ATIME, MOUNT_ATTR_STRICTATIME },
	{ "nosuid", SET, MOUNT_ATTR_NOSUID },
	{ "nosymfollow", SET, MOUNT_ATTR_NOSYMFOLLOW },
	{ "private", PROPAGATION, MS_PRIVATE },
	{ "rasync", IGNORED, 0 },
	{ "rbind", EXTRA, MOUNT_EXTRA_BIND | MOUNT_EXTRA_RECURSIVE },
	{ "rdirsync", DATA, 0 },
	{ "relatime", ATIME, MOUNT_ATTR_RELATIME },
	{ "remount", EXTRA, MOUNT_EXTRA_REMOUNT },
	{ "ridmap", EXTRA, MOUNT_EXTRA_IDMAP | MOUNT_EXTRA_RIDMAP },
	{ "rmand", IGNORED, 0 },
	{ "rnomand", IGNORED, 0 },
	{ "ro", SET, MOUNT_ATTR_RDONLY },
	{ "rprivate", PROPAGATION, MS_PRIVATE | MS_REC },
	{ "rshared", PROPAGATION, MS_SHARED | MS_REC },
	{ "rslave", PROPAGATION, MS_SLAVE | MS_REC },
	{ "rsync", DATA, 0 },
	{ "runbindable", PROPAGATION, MS_UNBINDABLE | MS_REC },
	{ "rw", CLEAR, MOUNT_ATTR_RDONLY },
	{ "shared", PROPAGATION, MS_SHARED },
	{ "silent", IGNORED, 0 },
	{ "slave", PROPAGATION, MS_SLAVE },
	{ "src-nofollow", EXTRA, MOUNT_EXTRA_SRC_NOFOLLOW },
	{ "strictatime", ATIME, MOUNT_ATTR_STRICTATIME },
	{ "suid", CLEAR, MOUNT_ATTR_NOSUID },
	{ "symfollow", CLEAR, MOUNT_ATTR_NOSYMFOLLOW },
	{ "sync", DATA, 0 },
	{ "tmpcopyup", EXTRA, MOUNT_EXTRA_TMPCOPYUP },
	{ "unbindable", PROPAGATION, MS_UNBINDABLE },
};

static const char *const names[] = {
	"async",          "atime",          "bind",
	"copy-symlink",   "defaults",       "dest-nofollow",
	"dev",            "diratime",       "dirsync",
	"exec",           "idmap",          "iversion",
	"lazytime",       "loud",           "mand",
	"noatime",        "nodev",          "nodiratime",
	"noexec",         "noiversion",     "nolazytime",
	"nomand",         "norelatime",     "nostrictatime",
	"nosuid",         "nosymfollow",    "private",
	"rasync",         "ratime",         "rbind",
	"rdev",           "rdiratime",      "rdirsync",
	"relatime",       "remount",        "rexec",
	"ridmap",         "rmand",          "rnoatime",
	"rnodev",         "rnodiratime",    "rnoexec",
	"rnomand",        "rnorelatime",    "rnostrictatime",
	"rnosuid",        "rnosymfollow",   "ro",
	"rprivate",       "rrelatime",      "rro",
	"rrw",            "rshared",        "rslave",
	"rstrictatime",   "rsuid",          "rsymfollow",
	"rsync",          "runbindable",    "rw",
	"shared",         "silent",         "slave",
	"src-nofollow",   "strictatime",    "suid",
	"symfollow",      "sync",           "tmpcopyup",
	"unbindable",
	NULL,
};

const char *const *mount_options_names(void)
{
	return names;
}

static const struct option *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

bool mount_options_is_superblock_flag(const char *option)
{
	const struct option *o = find(option);

	return o && o->kind == DATA;
}

const char *mount_options_next_datum(const char **rest, size_t *ret_len)
{
	const char *p = *rest, *start;
	bool quoted = false;

	while (*p == ',')
		p++;
	start = p;
	for (; *p; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (*p == '\\' && p[1])
			p++;
		else if (*p == ',' && !quoted && !(p[1] >= '0' && p[1] <= '9'))
			break;
	}
	*rest = p;
	*ret_len = (size_t)(p - start);
	return p == start ? NULL : start;
}

bool mount_options_is_moot(const char *option)
{
	static const char *const words[] = {"_netdev", "auto", "group", "noauto", "nofail", "nouser", "owner", "user", "users"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(words[i], option) == 0)
			return true;
	return strchr(option, '=') || str_skip_prefix(option, "x-") || str_skip_prefix(option, "X-");
}

static void set_atime(struct mount_attributes *a, uint64_t value)
{
	a->set = (a->set & ~(uint64_t)MOUNT_ATTR__ATIME) | value;
	a->clr |= MOUNT_ATTR__ATIME;
}

static void apply_attribute(struct mount_attributes *a, const struct option *o)
{
	switch (o->kind) {
	case SET:
		a->set |= o->value;
		a->clr &= ~o->value;
		break;
	case CLEAR:
		a->clr |= o->value;
		a->set &= ~o->value;
		break;
	case ATIME:
		set_atime(a, o->value);
		break;
	default: /* NOT_ATIME */
		if (!(a->clr & MOUNT_ATTR__ATIME) || (a->set & MOUNT_ATTR__ATIME) == o->value)
			set_atime(a, MOUNT_ATTR_RELATIME);
	}
}

static bool is_attribute(const struct option *o)
{
	return o && (o->kind == SET || o->kind == CLEAR || o->kind == ATIME || o->kind == NOT_ATIME);
}

static int add_data(struct mount_options *m, const char *option, struct error *err)
{
	if (m->n_data == MOUNT_OPTIONS_MAX)
		return error_set(err, E2BIG, "more than %d file system options", MOUNT_OPTIONS_MAX);
	m->data[m->n_data++] = option;
	return 0;
}

static int parse_one(struct mount_options *m, const char *name, struct error *err)
{
	const struct option *o = find(name);

	if (!o && strcmp(name, "rnorelatime") == 0)
		return 0;
	if (!o && name[0] == 'r' && is_attribute(find(name + 1))) {
		apply_attribute(&m->rec, find(name + 1));
		return 0;
	}
	if (o && o->kind == DATA)
		return add_data(m, name[0] == 'r' ? name + 1 : name, err);
	if (!o && str_skip_prefix(name, "idmap=")) {
		m->idmap = str_skip_prefix(name, "idmap=");
		m->extra |= MOUNT_EXTRA_IDMAP;
		return 0;
	}
	if (!o)
		return add_data(m, name, err);
	if (is_attribute(o)) {
		apply_attribute(&m->attr, o);
		return 0;
	}
	if (o->kind == PROPAGATION) {
		if (m->n_propagation == ARRAY_SIZE(m->propagation))
			return error_set(err, E2BIG, "more than %zu propagation options",
					 ARRAY_SIZE(m->propagation));
		m->propagation[m->n_propagation++] = (unsigned)o->value;
	}
	if (o->kind == EXTRA)
		m->extra |= (unsigned)o->value;
	return 0;
}

int mount_options_parse(char *const *options, size_t n, struct mount_options *ret, struct error *err)
{
	struct mount_options m = { 0 };

	for (size_t i = 0; i < n; i++) {
		int r = options[i][0] ? parse_one(&m, options[i], err) : 0;

		if (r < 0)
			return r;
	}
	*ret = m;
	return 0;
}
