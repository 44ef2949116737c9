/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyperv/debug.h: which program of the configuration file a guest gets, and what is said of those that it cannot have. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/macros.h"
#include "container/settings.h"
#include "hyperv/debug.h"

static char dir[] = "/tmp/hvrun-debug-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	static const char *const names[] = { "amd64", "arm64", "dynamic", "large", "script", "fifo" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		unlink(names[i]);
	return chdir("/") == 0 ? rmdir(dir) : -1;
}

/* A header alone: of a program it is all that is looked at. */
static void make(const char *name, uint16_t machine, uint32_t segment, off_t size)
{
	const struct {
		Elf64_Ehdr header;
		Elf64_Phdr phdr;
	} p = {
		.header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT }, .e_type = ET_DYN, .e_machine = machine,
			    .e_phoff = sizeof(Elf64_Ehdr), .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = 1 },
		.phdr = { .p_type = segment },
	};
	_cleanup_fd_ int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, &p, sizeof(p)), 0);
	assert_int_equal(ftruncate(fd, size), 0);
}

static int call(const char *a, const char *b, const char *architecture, uint64_t *ret_size, struct error *err)
{
	char *const list[] = { (char *)a, (char *)b, NULL };
	const struct settings_hyperv s = { .debug_shells = list };

	return debug_open_program(&s, architecture, ret_size, err);
}

static void refused(const char *a, const char *b, int code, const char *message)
{
	uint64_t size;
	struct error err = { 0 };

	assert_int_equal(call(a, b, "amd64", &size, &err), -code);
	if (!strstr(err.msg, message))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, message);
}

static void test_choice(void **state)
{
	uint64_t size = 0;
	struct error err;
	int fd;

	(void)state;
	make("amd64", EM_X86_64, PT_LOAD, 5000);
	make("arm64", EM_AARCH64, PT_LOAD, 6000);
	fd = call("arm64", "amd64", "amd64", &size, &err);
	assert_true(fd >= 0);
	assert_int_equal(size, 5000);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0); /* it is read from its beginning */
	fd_close(fd);
	fd = call("arm64", "/nowhere", "arm64", &size, &err);
	assert_true(fd >= 0);
	assert_int_equal(size, 6000);
	fd_close(fd);
	refused("arm64", NULL, ENOEXEC, "no program for amd64, the guest's architecture (arm64 is for arm64)");
}

static void test_not_allowed(void **state)
{
	const struct settings_hyperv s = { 0 };
	struct error err;
	uint64_t size;

	(void)state;
	assert_int_equal(debug_open_program(&s, "amd64", &size, &err), -EPERM);
	assert_non_null(strstr(err.msg, "hyperv.debug_shell"));
}

static void test_bad_files(void **state)
{
	_cleanup_fd_ int script = open("script", O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	(void)state;
	assert_int_equal(fd_write_all(script, "#!/bin/sh\n", 10), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	make("dynamic", EM_X86_64, PT_INTERP, 5000);
	make("large", EM_X86_64, PT_LOAD, (64 << 20) + 1);
	refused("nothing", NULL, ENOENT, "hyperv.debug_shell[0]: nothing: open: No such file");
	refused("arm64", "script", ENOEXEC, "hyperv.debug_shell[1]: script: not a program");
	refused("fifo", NULL, EINVAL, "hyperv.debug_shell[0]: fifo: not a regular file");
	refused("dynamic", NULL, ENOEXEC, "hyperv.debug_shell[0]: dynamic: not a static program");
	refused("large", NULL, EFBIG, "67108865 bytes, at most 67108864");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choice),
		cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_bad_files),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
