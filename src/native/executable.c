/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The program's file and its user's home, as execvp(3) and getpwuid(3) would find them, but without the C
 * library: its name service would load code from the container. /etc/passwd may be anything (a FIFO,
 * endless): it is opened without blocking and read within bounds.
 */
#include "native/executable.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"
#include "linux/safe_open.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

enum { PASSWD_MAX = 1 << 20 }; /* bytes of /etc/passwd that are looked at */

/* 0, or -errno for a file that cannot be executed. */
static int check_executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static int find_by_path(const char *name, char ret[static PATH_MAX], struct error *err)
{
	int r = check_executable(name);

	if (r == -ENOENT || r == -ENOTDIR)
		return error_set(err, -r, "exec: \"%s\": stat %s: %s", name, name,
				 r == -ENOENT ? "no such file or directory" : "not a directory");
	if (r == -EISDIR)
		return error_set(err, EISDIR, "exec: \"%s\": is a directory", name);
	if (r == -EACCES)
		return error_set(err, EACCES, "exec: \"%s\": permission denied", name);
	if (r < 0)
		return error_errnum(err, r, "exec: \"%s\"", name);
	if (strlen(name) >= PATH_MAX)
		return error_set(err, ENAMETOOLONG, "exec: \"%s\"", name);
	strcpy(ret, name);
	return 0;
}

int executable_find(const char *name, char *const *env, char ret[static PATH_MAX], struct error *err)
{
	const char *dir = strv_env_get(env, "PATH");
	bool denied = false;

	if (strchr(name, '/'))
		return find_by_path(name, ret, err);
	for (dir = dir ? dir : DEFAULT_PATH; name[0] && *dir;) {
		size_t len = strcspn(dir, ":");
		/* an empty entry means the working directory, environ(7) */
		int n = snprintf(ret, PATH_MAX, "%.*s/%s", len ? (int)len : 1, len ? dir : ".", name);

		if (n > 0 && n < PATH_MAX) {
			int r = check_executable(ret);

			if (r == 0)
				return 0;
			denied |= r == -EACCES;
		}
		dir += len + (dir[len] == ':');
	}
	if (denied)
		return error_set(err, EACCES, "exec: \"%s\": permission denied", name);
	return error_set(err, ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
}

/* The home field of a line "name:password:uid:gid:gecos:home:shell" when it is the line of uid. */
static bool home_of_line(char *line, uid_t uid, char buf[static PATH_MAX])
{
	char *fields[7] = { 0 };
	uint32_t number;
	size_t n = 0;

	while (n < 7 && (fields[n] = strsep(&line, ":")))
		n++;
	if (n < 6 || num_parse_u32(fields[2], &number) < 0 || number != uid)
		return false;
	if (fields[5][0] != '/' || strlen(fields[5]) >= PATH_MAX - sizeof("HOME="))
		return false;
	sprintf(buf, "HOME=%s", fields[5]);
	return true;
}

static bool scan_passwd(int fd, uid_t uid, char buf[static PATH_MAX])
{
	char text[4096];
	size_t have = 0, total = 0;
	ssize_t n;

	while (total < PASSWD_MAX && (n = fd_read_all(fd, text + have, sizeof(text) - 1 - have)) > 0) {
		char *line = text, *end;

		have += (size_t)n;
		total += (size_t)n;
		text[have] = '\0';
		while ((end = memchr(line, '\n', have - (size_t)(line - text)))) {
			*end = '\0';
			if (home_of_line(line, uid, buf))
				return true;
			line = end + 1;
		}
		have -= (size_t)(line - text);
		if (have == sizeof(text) - 1) /* a line longer than any user has */
			return false;
		memmove(text, line, have);
	}
	text[have] = '\0';
	return have > 0 && home_of_line(text, uid, buf); /* the last line may lack its newline */
}

char *executable_home(int root_fd, uid_t uid, char buf[static PATH_MAX])
{
	_cleanup_fd_ int fd = safe_open(root_fd, "/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !scan_passwd(fd, uid, buf))
		strcpy(buf, "HOME=/");
	return buf;
}
