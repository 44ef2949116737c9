/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* hyperv/template_key.h: whatever a saved VM depends on changes its key, and nothing else does. hyperv/template_store.h on a scratch directory. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "container/settings.h"
#include "hyperv/template_key.h"
#include "hyperv/template_store.h"
#include "schema/types.h"

#define MIB (UINT64_C(1) << 20)

/* the key ---------------------------------------------------------------------------------------------------------------- */

struct input {
	struct vm_spec vm;
	const char *binary;
	struct template_facts facts;
};

static struct input base(void)
{
	return (struct input){
		.vm = { .name = "web", .accel = VMM_ACCEL_TCG, .memory = 2048 * MIB, .vcpus = 1, .kernel = "/guest/vmlinux",
			.initrd = "/guest/initramfs.img", .control_fd = -1, .stream_fd = -1, .console_fd = -1, .qmp_fd = -1 },
		.binary = "/usr/bin/qemu",
		.facts = { .host = (char *)"boot 1\nmodel: x\nflags: a b\n", .binary = { 1, 2, 3, 4 }, .kernel = { 1, 3, 3, 4 },
			   .initrd = { 1, 4, 3, 4 } },
	};
}

static char *key_of(const struct input *in)
{
	return template_key(&vmm_qemu, &in->vm, in->binary, &in->facts);
}

static void test_key_differs(void **state)
{
	static char *const words[] = { (char *)"loglevel=8", NULL };
	enum { N = 17 };
	char *keys[N], names[N][TEMPLATE_NAME_SIZE];

	(void)state;
	for (int i = 0; i < N; i++) {
		struct input in = base();

		switch (i) {
		case 0: break;
		case 1: in.vm.accel = VMM_ACCEL_KVM; break;
		case 2: in.vm.memory *= 2; break;
		case 3: in.vm.vcpus = 2; break;
		case 4: in.vm.kernel = "/guest/vmlinux2"; break;
		case 5: in.vm.initrd = "/guest/initramfs2.img"; break;
		case 6: in.binary = "/usr/local/bin/qemu"; break;
		case 7: in.facts.host = (char *)"boot 2\nmodel: x\nflags: a b\n"; break;
		case 8: in.facts.host = (char *)"boot 1\nmodel: x\nflags: a b c\n"; break;
		case 9: in.facts.binary.size++; break;
		case 10: in.facts.binary.changed++; break;
		case 11: in.facts.kernel.ino++; break;
		case 12: in.facts.kernel.changed++; break;
		case 13: in.facts.initrd.size++; break;
		case 14: in.facts.initrd.changed++; break;
		case 15: in.facts.initrd.dev++; break;
		case 16: in.vm.kernel_args = words; break;
		}
		keys[i] = key_of(&in);
		template_key_name(keys[i], names[i]);
		assert_int_equal(strlen(names[i]), 16);
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(keys[i], keys[k]);
			assert_string_not_equal(names[i], names[k]);
		}
	}
	for (int i = 0; i < N; i++)
		free(keys[i]);
}

/* What belongs to one container, and what is measured a little different each time. */
static void test_key_same(void **state)
{
	struct input a = base(), b = base();
	_cleanup_free_ char *first = NULL, *second = NULL;

	(void)state;
	b.vm.name = "db";
	b.vm.tsc_khz = 2599998;
	b.vm.share = "/run/hvrun/db/share";
	b.vm.control_fd = 7;
	b.vm.console_fd = 9;
	b.vm.memory_fd = 12;
	b.vm.start = VMM_START_CLONE;
	first = key_of(&a);
	second = key_of(&b);
	assert_string_equal(first, second);
	assert_non_null(strstr(first, "share=on"));
	assert_non_null(strstr(first, "tsc=reliable"));
}

static void test_memory(void **state)
{
	static const struct {
		uint64_t need, usual, memory;
	} cases[] = {
		{ 2048 * MIB, 2048 * MIB, 2048 * MIB }, { 96 * MIB, 768 * MIB, 768 * MIB },    { 769 * MIB, 768 * MIB, 1024 * MIB },
		{ 1024 * MIB, 768 * MIB, 1024 * MIB },  { 3000 * MIB, 2048 * MIB, 4096 * MIB }, { UINT64_MAX, 2048 * MIB, UINT64_C(1) << 62 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_true(template_memory(cases[i].need, cases[i].usual) == cases[i].memory);
}

/* the store ---------------------------------------------------------------------------------------------------------------- */

#define SCRATCH "/tmp/test_hyperv_template.XXXXXX"
static char scratch[] = SCRATCH;
static const char name[] = "0123456789abcdef";

static int set_up(void **state)
{
	static struct settings_hyperv settings;
	static char dir[64];

	strcpy(scratch, SCRATCH);
	if (!mkdtemp(scratch))
		return -1;
	snprintf(dir, sizeof(dir), "%s/store", scratch);
	settings = (struct settings_hyperv){ .template_dir = dir };
	*state = &settings;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return file_remove_tree(AT_FDCWD, scratch);
}

static void put(int dirfd, const char *file, const char *text)
{
	assert_int_equal(file_replace_at(dirfd, file, text, strlen(text), 0600), 0);
}

static void make_one(const struct template_store *s, const char *key)
{
	struct hv_template meta = { .key = (char *)key, .created = (char *)"2026-01-01T00:00:00Z", .version = 1, .vmm = (char *)"qemu",
				    .binary = (char *)"/bin/qemu", .accel = (char *)"tcg", .memory = 64 * MIB, .vcpus = 1,
				    .kernel = (char *)"/k", .initrd = (char *)"/i" };
	struct error err;
	int dirfd = template_store_begin(s, name, &err);

	assert_true(dirfd >= 0);
	put(dirfd, "mem", "memory");
	put(dirfd, "state", "devices");
	fd_close(dirfd);
	assert_int_equal(template_store_commit(s, name, &meta, &err), 0);
}

static void open_store(void **state, struct template_store *s)
{
	struct error err;

	assert_int_equal(template_store_open(*state, true, s, &err), 0);
}

static void expect(const struct template_store *s, const char *key, int result, const char *text)
{
	struct template t = TEMPLATE_NONE;
	struct error err = { 0 };
	int r = template_store_find(s, name, key, &t, &err);

	assert_int_equal(r, result);
	if (text && !strstr(err.msg, text))
		fail_msg("\"%s\" does not say \"%s\"", err.msg, text);
	template_done(&t);
}

static void test_find(void **state)
{
	struct template_store s;
	_cleanup_fd_ int dirfd = -1;

	open_store(state, &s);
	expect(&s, "key", TEMPLATE_E_NOT_FOUND, NULL);
	assert_int_equal(template_store_begin(&s, name, NULL) >= 0, 1);
	expect(&s, "key", TEMPLATE_E_NOT_FOUND, NULL);
	make_one(&s, "key");
	expect(&s, "key", 0, NULL);
	expect(&s, "another key", -ESTALE, "made for something else");

	dirfd = openat(s.dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(dirfd, "mem", "Memory");
	expect(&s, "key", -EUCLEAN, "mem has been changed");
	make_one(&s, "key");
	expect(&s, "key", 0, NULL);
	fd_close(dirfd);
	dirfd = openat(s.dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(dirfd, "meta.json", "{\"key\": \"key\"}");
	expect(&s, "key", -EINVAL, "missing \"created\"");
	make_one(&s, "key");
	fd_close(dirfd);
	dirfd = openat(s.dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(unlinkat(dirfd, "state", 0), 0); /* as a worker says that it is of no use */
	expect(&s, "key", TEMPLATE_E_NOT_FOUND, NULL);
	template_store_done(&s);
}

static int count(void *data, const struct template_entry *e, struct error *err)
{
	int *n = data;

	(void)err;
	n[e->status]++;
	return 0;
}

static void test_each_and_remove(void **state)
{
	int n[_TEMPLATE_STATUS_MAX] = { 0 };
	struct template_store s;
	struct error err;

	open_store(state, &s);
	make_one(&s, "key");
	assert_int_equal(mkdirat(s.dirfd, "fedcba9876543210.new", 0700), 0);
	assert_int_equal(template_store_each(&s, count, n, &err), 0);
	assert_int_equal(n[TEMPLATE_READY], 0);
	assert_int_equal(n[TEMPLATE_STALE], 1); /* there is no /bin/qemu */
	assert_int_equal(n[TEMPLATE_DAMAGED], 1);
	assert_int_equal(template_store_remove(&s, name, &err), 0);
	assert_int_equal(template_store_remove(&s, "fedcba9876543210.new", &err), 0);
	assert_int_equal(template_store_remove(&s, name, &err), 0); /* none is fine */
	memset(n, 0, sizeof(n));
	assert_int_equal(template_store_each(&s, count, n, &err), 0);
	assert_int_equal(n[TEMPLATE_STALE] + n[TEMPLATE_DAMAGED], 0);
	template_store_done(&s);
}

static void test_owner(void **state)
{
	const struct settings_hyperv *settings = *state;
	struct template_store s;
	struct error err;

	assert_int_equal(template_store_open(settings, false, &s, &err), TEMPLATE_E_NOT_FOUND);
	open_store(state, &s);
	template_store_done(&s);
	assert_int_equal(chmod(settings->template_dir, 0750), 0);
	assert_int_equal(template_store_open(settings, true, &s, &err), -EPERM);
	assert_int_equal(rmdir(settings->template_dir), 0);
	assert_int_equal(symlink("/tmp", settings->template_dir), 0);
	assert_true(template_store_open(settings, true, &s, &err) < 0);
}

/* Held by another process: waited for, in vain and not. */
static void test_lock(void **state)
{
	struct template_store s;
	struct error err;
	int pipefd[2], status;
	char c;
	pid_t pid;

	open_store(state, &s);
	assert_int_equal(pipe(pipefd), 0);
	pid = fork();
	if (pid == 0) {
		struct template_store own;

		if (template_store_open(*state, true, &own, &err) < 0 || template_store_lock(&own, 0, &err) < 0)
			_exit(1);
		c = 'x';
		_exit(write(pipefd[1], &c, 1) != 1 || usleep(300000) < 0);
	}
	assert_int_equal(read(pipefd[0], &c, 1), 1);
	assert_int_equal(template_store_lock(&s, 20, &err), -ETIMEDOUT);
	assert_int_equal(template_store_lock(&s, 20000, &err), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	template_store_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_key_differs),
		cmocka_unit_test(test_key_same),
		cmocka_unit_test(test_memory),
		cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_each_and_remove, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_owner, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lock, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("hyperv_template", tests, NULL, NULL);
}
