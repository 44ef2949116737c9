/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only place that knows where worker, agent and guest are. The program may run from an image of itself on
 * a mount without a name (linux/selfexe.h), so /proc/self/exe tells its inode but not its path: the path
 * comes from argv[0] and counts only when it leads to that inode.
 */
#include "container/install.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

static const struct {
	const char *build, *installed;
} files[_INSTALL_MAX] = {
	[INSTALL_WORKER] = { "hvrun-vmwp", HV_LIBEXECDIR "/hvrun-vmwp" },
	[INSTALL_AGENT] = { "hvrun-agent", HV_LIBEXECDIR "/hvrun-agent" },
	[INSTALL_KERNEL] = { "guest/vmlinux", HV_DATADIR "/guest/vmlinux" },
	[INSTALL_INITRD] = { "guest/initramfs.img", HV_DATADIR "/guest/initramfs.img" },
};

static bool is_this_program(const char *path)
{
	struct stat a, b;

	return stat(path, &a) == 0 && stat("/proc/self/exe", &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* argv[0] as a path: as it is, or found in PATH. */
static char *program_path(void)
{
	const char *name = program_invocation_name, *path = getenv("PATH");
	_cleanup_strv_ char **dirs = NULL;

	if (strchr(name, '/'))
		return xstrdup(name);
	dirs = path ? str_split(path, ':') : NULL;
	for (char **d = dirs; d && *d; d++) {
		char *candidate = path_join(**d ? *d : ".", name);

		if (access(candidate, X_OK) == 0)
			return candidate;
		free(candidate);
	}
	return NULL;
}

/* The directory of the build tree that this program runs from, NULL when it does not. */
static char *build_tree(void)
{
	_cleanup_free_ char *path = program_path(), *real = NULL, *dir = NULL, *worker = NULL;

	if (!path || !is_this_program(path))
		return NULL;
	real = realpath(path, NULL);
	if (!real)
		return NULL;
	dir = path_dirname(real);
	worker = path_join(dir, files[INSTALL_WORKER].build);
	return access(worker, X_OK) == 0 ? TAKE_PTR(dir) : NULL;
}

char *install_path(enum install_file file)
{
	static bool looked;
	static char *dir;

	if (!looked)
		dir = build_tree();
	looked = true;
	return dir ? path_join(dir, files[file].build) : xstrdup(files[file].installed);
}

char *install_foreign_guest(const char *architecture, enum install_file file)
{
	_cleanup_free_ char *usual = install_path(file), *dir = path_dirname(usual);

	return xasprintf("%s-%s%s", dir, architecture, usual + strlen(dir));
}
