/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Templates on disk, or rather on a tmpfs: a write or two is all that makes one visible, the rename(2) of a complete directory. Whoever looks one up
 * needs no lock: what it opens is either complete or not there. Each file is checked against what meta.json says of it, inode, size and ctime, for
 * a memory file with other contents is a VM that does something else.
 */
#include "hyperv/template_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "container/settings.h"
#include "hyperv/template_key.h"
#include "linux/mount.h"
#include "linux/sys.h"
#include "schema/json.h"
#include "schema/types.h"

enum { META_MAX = 64 << 10, NAME_BYTES = TEMPLATE_NAME_SIZE + 4, FULL_BELOW = 1 << 20 };

static const char *const status_names[_TEMPLATE_STATUS_MAX] = {
	[TEMPLATE_READY] = "ready", [TEMPLATE_STALE] = "stale", [TEMPLATE_DAMAGED] = "damaged",
};

const char *template_status_to_string(enum template_status s)
{
	return status_names[s];
}

/* the store ---------------------------------------------------------------------------------------------------------------------- */

static const char *choose_dir(const struct settings_hyperv *settings)
{
	static const char *const places[][2] = { { "/run", "/run/hvrun-template" }, { "/dev/shm", "/dev/shm/hvrun-template" } };
	struct statfs fs;

	if (settings->template_dir)
		return settings->template_dir;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (statfs(places[i][0], &fs) == 0 && fs.f_type == TMPFS_MAGIC)
			return places[i][1];
	return places[0][1];
}

/* In a directory that others may write to, one of them could have been faster. */
static int check_owner(const struct template_store *s, struct error *err)
{
	struct stat st;

	if (fstat(s->dirfd, &st) < 0)
		return error_errno(err, "templates: %s", s->dir);
	if (st.st_uid != geteuid() || st.st_mode & 077)
		return error_set(err, EPERM, "templates: %s belongs to uid %u, mode %04o: it must be ours alone (0700)", s->dir,
				 (unsigned)st.st_uid, (unsigned)st.st_mode & 07777);
	return 0;
}

int template_store_open(const struct settings_hyperv *settings, bool make, struct template_store *ret, struct error *err)
{
	struct template_store s = TEMPLATE_STORE_NONE;
	int r = 0;

	s.dir = xstrdup(choose_dir(settings));
	if (make)
		r = file_mkdir_p(AT_FDCWD, s.dir, 0700);
	if (r < 0)
		error_errnum(err, r, "templates: mkdir %s", s.dir);
	s.dirfd = r < 0 ? -1 : open(s.dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (r == 0 && s.dirfd < 0)
		r = errno == ENOENT ? TEMPLATE_E_NOT_FOUND : error_errno(err, "templates: %s", s.dir);
	if (r == 0)
		r = check_owner(&s, err);
	if (r != 0) {
		template_store_done(&s);
		return r;
	}
	*ret = s;
	return 0;
}

void template_store_done(struct template_store *s)
{
	s->lock_fd = fd_close(s->lock_fd);
	s->dirfd = fd_close(s->dirfd);
	free(s->dir);
	s->dir = NULL;
}

/*
 * flock(2) knows no time limit. A lock belongs to the open file, which a child shares: so a child waits for it, and we for the child. It dies
 * with us.
 */
static int wait_for_lock(int fd, int timeout_ms)
{
	_cleanup_fd_ int pidfd = -1;
	pid_t parent = getpid(), pid = fork();
	int status = -1, r;

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == parent && flock(fd, LOCK_EX) == 0 ? 0 : 1);
	}
	if (pid < 0)
		return -errno;
	r = pidfd = process_pidfd_open(pid);
	if (r >= 0)
		r = process_pidfd_wait(pidfd, timeout_ms);
	if (r < 0)
		kill(pid, SIGKILL); /* ours and not waited for */
	process_wait(pid, &status);
	return r < 0 ? r : status == 0 ? 0 : -EIO;
}

int template_store_lock(struct template_store *s, int timeout_ms, struct error *err)
{
	int r = 0;

	s->lock_fd = openat(s->dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0)
		return error_errno(err, "templates: %s/lock", s->dir);
	if (flock(s->lock_fd, LOCK_EX | LOCK_NB) < 0)
		r = errno == EWOULDBLOCK ? wait_for_lock(s->lock_fd, timeout_ms) : -errno;
	if (r == 0)
		return 0;
	s->lock_fd = fd_close(s->lock_fd);
	if (r == -ETIMEDOUT)
		return error_set(err, ETIMEDOUT, "templates: somebody else has been making one for %d seconds", timeout_ms / 1000);
	return error_errnum(err, r, "templates: lock of %s/lock", s->dir);
}

/* a template ----------------------------------------------------------------------------------------------------------------------- */

void template_done(struct template *t)
{
	t->dirfd = fd_close(t->dirfd);
	t->memory_fd = fd_close(t->memory_fd);
	t->state_fd = fd_close(t->state_fd);
}

static int read_meta(int dirfd, struct oci_doc **ret, struct error *err)
{
	_cleanup_free_ char *json = NULL;
	size_t len;
	int r = file_read_at(dirfd, "meta.json", META_MAX, &json, &len);

	return r < 0 ? error_errnum(err, r, "meta.json") : json_parse(&hv_template_type, json, len, ret, err);
}

static struct hv_template_file file_facts(const struct stat *st)
{
	return (struct hv_template_file){
		.inode = st->st_ino,
		.size = (uint64_t)st->st_size,
		.changed = (uint64_t)st->st_ctim.tv_sec * 1000000000 + (uint64_t)st->st_ctim.tv_nsec,
	};
}

static int open_file(int dirfd, const char *name, const struct hv_template_file *want, struct error *err)
{
	_cleanup_fd_ int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct hv_template_file have;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, "%s", name);
	have = file_facts(&st);
	if (!S_ISREG(st.st_mode) || have.inode != want->inode || have.size != want->size || have.changed != want->changed)
		return error_set(err, EUCLEAN, "%s has been changed since it was made", name);
	return TAKE_FD(fd);
}

/*
 * The directory in a mount of its own that is read-only, for what is opened there goes to VMMs: through their /proc/self/fd a file
 * can be opened once more, for writing too, but not on such a mount.
 */
static int readonly_clone(int dirfd, struct error *err)
{
	const struct mount_attributes attr = { .set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC };
	_cleanup_fd_ int fd = mount_clone(dirfd, "", false);
	int r = fd < 0 ? fd : mount_set_attributes(fd, false, &attr);

	return r < 0 ? error_errnum(err, r, "its mount cannot be made read-only") : TAKE_FD(fd);
}

static int open_files(int dirfd, const struct hv_template *meta, struct template *t, struct error *err)
{
	int r = t->memory_fd = open_file(dirfd, "mem", meta->mem, err);

	if (r >= 0)
		r = t->state_fd = open_file(dirfd, "state", meta->state, err);
	return r < 0 ? r : 0;
}

static int open_template(int dirfd, const char *key, struct template *t, struct error *err)
{
	_cleanup_doc_ struct oci_doc *doc = NULL;
	_cleanup_fd_ int readonly = -1;
	const struct hv_template *meta;
	int r = read_meta(dirfd, &doc, err);

	if (r < 0)
		return r;
	readonly = readonly_clone(dirfd, err);
	if (readonly < 0)
		return readonly;
	meta = oci_doc_root(doc);
	if (key && strcmp(meta->key, key))
		return error_set(err, ESTALE, "meta.json: it was made for something else");
	t->memory = meta->memory;
	t->version = meta->version;
	return open_files(readonly, meta, t, err);
}

int template_store_find(const struct template_store *s, const char *name, const char *key, struct template *ret, struct error *err)
{
	struct template t = TEMPLATE_NONE;
	int r;

	t.dirfd = openat(s->dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (t.dirfd < 0)
		return errno == ENOENT ? TEMPLATE_E_NOT_FOUND : error_errno(err, "template %s/%s", s->dir, name);
	if (faccessat(t.dirfd, "state", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		r = TEMPLATE_E_NOT_FOUND;
	else
		r = open_template(t.dirfd, key, &t, err);
	if (r != 0) {
		template_done(&t);
		return r < 0 ? error_wrap(err, "template %s/%s", s->dir, name) : r;
	}
	*ret = t;
	return 0;
}

/* making one ------------------------------------------------------------------------------------------------------------------------- */

static const char *with_suffix(char buf[NAME_BYTES], const char *name, const char *suffix)
{
	snprintf(buf, NAME_BYTES, "%.16s%s", name, suffix);
	return buf;
}

int template_store_begin(const struct template_store *s, const char *name, struct error *err)
{
	char buf[NAME_BYTES];
	const char *new = with_suffix(buf, name, ".new");
	int r = file_remove_tree(s->dirfd, new), fd;

	if (r < 0)
		return error_errnum(err, r, "templates: remove %s/%s", s->dir, new);
	if (mkdirat(s->dirfd, new, 0700) < 0)
		return error_errno(err, "templates: mkdir %s/%s", s->dir, new);
	fd = openat(s->dirfd, new, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? error_errno(err, "templates: %s/%s", s->dir, new) : fd;
}

static int get_facts(int dirfd, const char *name, struct hv_template_file *ret, struct error *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, "%s", name);
	*ret = file_facts(&st);
	return 0;
}

static int complete(int dirfd, struct hv_template *meta, struct error *err)
{
	struct hv_template_file mem, state;
	_cleanup_free_ char *json = NULL;
	size_t len;
	int r = get_facts(dirfd, "mem", &mem, err);

	if (r == 0)
		r = get_facts(dirfd, "state", &state, err);
	if (r < 0)
		return r;
	meta->mem = &mem;
	meta->state = &state;
	r = json_write(&hv_template_type, meta, &json, &len, err);
	meta->mem = meta->state = NULL;
	if (r < 0)
		return r;
	r = file_replace_at(dirfd, "meta.json", json, len, 0600);
	return r < 0 ? error_errnum(err, r, "meta.json") : 0;
}

int template_store_commit(const struct template_store *s, const char *name, struct hv_template *meta, struct error *err)
{
	char buf[NAME_BYTES];
	const char *new = with_suffix(buf, name, ".new");
	_cleanup_fd_ int dirfd = openat(s->dirfd, new, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = dirfd < 0 ? error_errno(err, "%s", new) : complete(dirfd, meta, err);

	if (r == 0)
		r = template_store_remove(s, name, err);
	if (r == 0 && renameat(s->dirfd, new, s->dirfd, name) < 0)
		r = error_errno(err, "rename of %s", new);
	return r < 0 ? error_wrap(err, "templates: %s", s->dir) : 0;
}

void template_store_abandon(const struct template_store *s, const char *name)
{
	char buf[NAME_BYTES];

	file_remove_tree(s->dirfd, with_suffix(buf, name, ".new"));
}

bool template_store_is_full(const struct template_store *s)
{
	struct statfs fs;

	return fstatfs(s->dirfd, &fs) == 0 && (uint64_t)fs.f_bavail * (uint64_t)fs.f_bsize < FULL_BELOW;
}

/* Renamed first, so that nobody finds half of it. */
int template_store_remove(const struct template_store *s, const char *name, struct error *err)
{
	char buf[NAME_BYTES];
	const char *old = with_suffix(buf, name, ".old");
	int r = file_remove_tree(s->dirfd, old);

	if (r == 0 && renameat(s->dirfd, name, s->dirfd, old) < 0)
		r = errno == ENOENT ? 0 : -errno;
	if (r == 0)
		r = file_remove_tree(s->dirfd, old);
	return r < 0 ? error_errnum(err, r, "templates: remove %s/%s", s->dir, name) : 0;
}

/* all of them ------------------------------------------------------------------------------------------------------------------------ */

static uint64_t disk_usage(int dirfd)
{
	static const char *const files[] = { "mem", "state", "meta.json" };
	uint64_t size = 0;
	struct stat st;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		if (fstatat(dirfd, files[i], &st, AT_SYMLINK_NOFOLLOW) == 0)
			size += (uint64_t)st.st_blocks * 512;
	return size;
}

/* Whether a template made now would be the same. */
static bool is_current(const struct hv_template *meta)
{
	const struct vm_spec vm = { .architecture = meta->architecture, .machine = meta->machine,
				    .accel = vmm_accel_from_string(meta->accel), .memory = meta->memory, .vcpus = meta->vcpus,
				    .kernel = meta->kernel, .initrd = meta->initrd, .kernel_args = meta->kernel_args, .n_nics = meta->nics, .n_disks = meta->disks,
				    .n_spares = { [VMM_SPARE_WRITABLE] = meta->spare_disks, [VMM_SPARE_READONLY] = meta->spare_readonly_disks },
				    .storage = meta->storage };
	_cleanup_template_facts_ struct template_facts facts = { 0 };
	_cleanup_free_ char *key = NULL;
	struct error err;
	const struct vmm_ops *vmm = vmm_find(meta->vmm, &err);

	if (!vmm || vm.accel < 0 || template_facts_get(&vm, meta->binary, &facts, &err) < 0)
		return false;
	key = template_key(vmm, &vm, meta->binary, &facts);
	return str_eq(key, meta->key);
}

static int visit(const struct template_store *s, const char *name, template_entry_fn *fn, void *data, struct error *err)
{
	_cleanup_fd_ int dirfd = openat(s->dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct template_entry e = { .name = name, .status = TEMPLATE_DAMAGED };
	_cleanup_doc_ struct oci_doc *doc = NULL;
	struct template t = TEMPLATE_NONE;
	struct error ignored;

	if (dirfd < 0) /* a file ("lock"), or just removed */
		return 0;
	e.size = disk_usage(dirfd);
	if (read_meta(dirfd, &doc, &ignored) == 0)
		e.meta = oci_doc_root(doc);
	/* to look at, without the mount that a user outside of a machine's user namespace could not make */
	if (e.meta && !strchr(name, '.') && open_files(dirfd, e.meta, &t, &ignored) == 0)
		e.status = is_current(e.meta) ? TEMPLATE_READY : TEMPLATE_STALE;
	template_done(&t);
	return fn(data, &e, err);
}

static int is_entry(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int template_store_each(const struct template_store *s, template_entry_fn *fn, void *data, struct error *err)
{
	struct dirent **names;
	int n = scandirat(s->dirfd, ".", &names, is_entry, alphasort), r = 0;

	if (n < 0)
		return error_errno(err, "templates: %s", s->dir);
	for (int i = 0; i < n; i++) {
		if (r >= 0)
			r = visit(s, names[i]->d_name, fn, data, err);
		free(names[i]);
	}
	free(names);
	return r < 0 ? r : 0;
}
