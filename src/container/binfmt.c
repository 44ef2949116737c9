/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which programs of other machines this kernel runs by an interpreter that its administrator has registered: qemu-user, mostly. */
#include "container/binfmt.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "linux/safe_open.h"

#define BINFMT_DIR "/proc/sys/fs/binfmt_misc"

enum { ENTRY_MAX = 8192, PATTERN_MAX = 128 /* BINPRM_BUF_SIZE is 256; a pattern is within it */ };

/* What follows the word key at the beginning of a line, up to the line's end. */
static const char *line_of(const char *text, const char *key, size_t *ret_len)
{
	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *value = str_skip_prefix(line, key);

		if (!value)
			continue;
		*ret_len = strcspn(value, "\n");
		return value;
	}
	return NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Returns how many bytes, -1 for anything that is none. */
static int read_hex(const char *text, size_t len, unsigned char *ret)
{
	if (!text || len % 2 != 0 || len / 2 > PATTERN_MAX)
		return -1;
	for (size_t i = 0; i < len; i += 2) {
		int high = hex_digit(text[i]), low = hex_digit(text[i + 1]);

		if (high < 0 || low < 0)
			return -1;
		ret[i / 2] = (unsigned char)(high << 4 | low);
	}
	return (int)(len / 2);
}

bool binfmt_matches(const char *text, const unsigned char *head, size_t len, const char **ret_interpreter, size_t *ret_len)
{
	unsigned char magic[PATTERN_MAX], mask[PATTERN_MAX];
	size_t n = 0, offset_len = 0, flags_len = 0, mask_len = 0;
	const char *offset_text = line_of(text, "offset ", &offset_len), *flags = line_of(text, "flags: ", &flags_len);
	const char *magic_text = line_of(text, "magic ", &n), *mask_text = line_of(text, "mask ", &mask_len);
	int size = read_hex(magic_text, n, magic);
	uint64_t offset;

	if (!str_skip_prefix(text, "enabled\n") || size < 0 || !offset_text || !num_scan_u64(offset_text, &offset))
		return false;
	if (mask_text && read_hex(mask_text, mask_len, mask) != size)
		return false;
	if (!mask_text)
		memset(mask, 0xff, sizeof(mask));
	if (offset > len || len - offset < (size_t)size)
		return false;
	for (int i = 0; i < size; i++)
		if ((head[offset + (size_t)i] ^ magic[i]) & mask[i])
			return false;
	*ret_interpreter = flags && memchr(flags, 'F', flags_len) ? NULL : line_of(text, "interpreter ", ret_len);
	return true;
}

static bool entry_emulates(int dirfd, const char *name, int rootfs_fd, const unsigned char *head, size_t len)
{
	_cleanup_free_ char *text = NULL, *path = NULL;
	_cleanup_fd_ int fd = -1;
	const char *interpreter;
	size_t n;

	if (file_read_at(dirfd, name, ENTRY_MAX, &text, NULL) < 0 || !binfmt_matches(text, head, len, &interpreter, &n))
		return false;
	if (!interpreter)
		return true;
	path = xstrndup(interpreter, n);
	fd = rootfs_fd < 0 ? -1 : safe_open(rootfs_fd, path, O_PATH | O_CLOEXEC);
	return fd >= 0;
}

bool binfmt_emulates(int rootfs_fd, const unsigned char *head, size_t len)
{
	_cleanup_free_ char *status = NULL;
	bool found = false;
	DIR *d = NULL;

	if (file_read_at(AT_FDCWD, BINFMT_DIR "/status", 64, &status, NULL) == 0 && str_skip_prefix(status, "enabled"))
		d = opendir(BINFMT_DIR);
	for (struct dirent *e; d && !found && (e = readdir(d));)
		if (e->d_name[0] != '.' && !str_eq(e->d_name, "status") && !str_eq(e->d_name, "register"))
			found = entry_emulates(dirfd(d), e->d_name, rootfs_fd, head, len);
	if (d)
		closedir(d);
	return found;
}
