/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * ps: the processes of a container. The table is made here for both types, for a guest has no ps(1). With
 * arguments for ps(1) the host's is run, and of its lines those stay whose PID is in the container.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/path.h"
#include "base/process.h"
#include "base/str.h"
#include "linux/process_table.h"
#include "runtime/lifecycle.h"
#include "runtime/runtime.h"

enum { PS_OUTPUT_MAX = 64 << 20 };

static void write_json(const pid_t *pids, size_t n, struct buf *out)
{
	buf_append_str(out, "[");
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s%d", i > 0 ? "," : "", (int)pids[i]);
	buf_append_str(out, "]\n");
}

static int by_number(const void *a, const void *b)
{
	pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

	return (x > y) - (x < y);
}

static char *user_name(void *passwd, uid_t uid)
{
	return owner_name(passwd, uid);
}

static int write_table(struct runtime *rt, struct container *c, const struct isolation_ops *ops, struct buf *out,
		       struct error *err)
{
	_cleanup_free_ char *passwd = NULL;
	struct process_row *rows;
	size_t n;
	int r = ops->processes(&rt->env, c, &rows, &n, err);

	if (r < 0)
		return r;
	if (file_read_at(AT_FDCWD, "/etc/passwd", 1 << 20, &passwd, NULL) < 0)
		passwd = NULL;
	process_rows_print(rows, n, (int64_t)time(NULL), user_name, passwd, out);
	process_rows_free(rows, n);
	return 0;
}

/* ps(1) itself ------------------------------------------------------------------------------------ */

/* The first executable "ps" in PATH, or NULL. */
static char *find_ps(void)
{
	const char *path = getenv("PATH");
	_cleanup_strv_ char **dirs = str_split(path ? path : "/usr/bin:/bin", ':');

	for (char **d = dirs; *d; d++) {
		char *candidate = path_join(*d, "ps");

		if (path_is_absolute(candidate) && access(candidate, X_OK) == 0)
			return candidate;
		free(candidate);
	}
	return NULL;
}

/* What "ps ARGS" writes; args are NULL-terminated and begin with "ps". */
static int run_ps(char *const *args, char **ret, struct error *err)
{
	_cleanup_free_ char *path = find_ps();
	struct process_spawn spawn = { .path = path, .argv = args, .stdio = { -1, -1, STDERR_FILENO } };
	int fds[2], r, status = 0;
	pid_t pid;

	if (!path)
		return error_set(err, ENOENT, "ps: no such program in $PATH");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return error_errno(err, "pipe2");
	spawn.stdio[1] = fds[1];
	r = process_spawn(&spawn, &pid);
	fd_close(fds[1]);
	if (r == 0) {
		r = fd_read_file(fds[0], PS_OUTPUT_MAX, ret, NULL);
		if (r < 0)
			kill(pid, SIGKILL);
		process_wait(pid, &status);
	}
	fd_close(fds[0]);
	if (r < 0)
		return error_errnum(err, r, "run %s", path);
	if (process_exit_status(status) == 0)
		return 0;
	free(TAKE_PTR(*ret));
	return error_set(err, EINVAL, "%s: exit status %d", path, process_exit_status(status));
}

/* The text of a line's column: columns are words, only the last one has blanks. NULL when the line is shorter. */
static const char *column(const char *line, size_t index)
{
	for (;; index--) {
		line += strspn(line, " \t");
		if (*line == '\0')
			return NULL;
		if (index == 0)
			return line;
		line += strcspn(line, " \t");
	}
}

/* Where the title line has "PID", or -1. */
static ssize_t find_pid_column(const char *title)
{
	const char *text;

	for (size_t i = 0; (text = column(title, i)); i++)
		if (strcspn(text, " \t") == 3 && memcmp(text, "PID", 3) == 0)
			return (ssize_t)i;
	return -1;
}

int ps_filter(const char *text, const pid_t *pids, size_t n, struct buf *out, struct error *err)
{
	_cleanup_strv_ char **lines = str_split(text, '\n');
	ssize_t index = find_pid_column(lines[0]);

	if (index < 0)
		return error_set(err, EINVAL, "couldn't find PID field in ps output");
	buf_printf(out, "%s\n", lines[0]);
	for (char **l = lines + 1; *l; l++) {
		const char *at = column(*l, (size_t)index);
		uint64_t pid;

		if (!at || !num_scan_u64(at, &pid))
			continue;
		for (size_t i = 0; i < n; i++)
			if ((uint64_t)pids[i] == pid) {
				buf_printf(out, "%s\n", *l);
				break;
			}
	}
	return 0;
}

static int write_ps(const struct isolation_ops *ops, const pid_t *pids, size_t n, char **args, struct buf *out,
		    struct error *err)
{
	_cleanup_free_ char **argv = NULL, *text = NULL;
	size_t n_args = strv_length(args);
	int r;

	if (!ops->shares_kernel)
		return error_set(err, EINVAL,
				 "\"%s\": arguments for ps(1) are not possible with runtime type %s: the guest has "
				 "no ps",
				 args[0], ops->name);
	argv = xcalloc(n_args + 2, sizeof(*argv));
	argv[0] = (char *)"ps";
	memcpy(argv + 1, args, n_args * sizeof(*argv));
	r = run_ps(argv, &text, err);
	return r < 0 ? r : ps_filter(text, pids, n, out, err);
}

int runtime_ps(struct runtime *rt, const char *id, int format, char **args, struct buf *out, struct error *err)
{
	_cleanup_container_ struct container *c = NULL;
	_cleanup_free_ pid_t *pids = NULL;
	const struct isolation_ops *ops;
	enum container_status status;
	size_t n;
	int r = runtime_open(rt, id, false, &c, &ops, err);

	if (r < 0)
		return r;
	status = container_status_of(c);
	if (status == CONTAINER_STOPPED || status == CONTAINER_CREATING)
		return error_set(err, ESRCH, "container not running");
	if (format == LIST_FORMAT_TABLE && !*args)
		return write_table(rt, c, ops, out, err);
	r = ops->pids(&rt->env, c, &pids, &n, err);
	if (r < 0)
		return r;
	qsort(pids, n, sizeof(*pids), by_number);
	if (format == LIST_FORMAT_TABLE)
		return write_ps(ops, pids, n, args, out, err);
	write_json(pids, n, out);
	return 0;
}
