/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Media of spare disks, through the monitor: what QEMU is asked, in which order, and what its answers come to. QEMU's end is ours here. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/event.h"
#include "base/fd.h"
#include "base/str.h"
#include "hyperv/vmm/vmm.h"

struct fixture {
	struct event_loop *loop;
	struct vmm_monitor *monitor;
	int sock;	/* QEMU's end */
	char said[8192]; /* what has come there, from at */
	size_t at;
	int n_fds, last_fd;
	unsigned n_changed, disk;
	struct error error; /* of the last change; code 0: it went well */
	bool failed;
};

static int on_failed(void *data, const struct error *reason, struct error *err)
{
	struct fixture *f = data;

	(void)reason;
	(void)err;
	f->failed = true;
	return 0;
}

static int on_changed(void *data, unsigned i, const struct error *e, struct error *err)
{
	struct fixture *f = data;

	(void)err;
	f->n_changed++;
	f->disk = i;
	f->error = e ? *e : (struct error){ 0 };
	return 0;
}

static const struct vmm_monitor_ops ops = { .failed = on_failed, .changed = on_changed };

static void begin(struct fixture *f)
{
	struct error err;
	int pair[2];

	*f = (struct fixture){ .last_fd = -1 };
	assert_int_equal(fd_socketpair(SOCK_STREAM, pair), 0);
	f->sock = pair[1];
	fd_set_nonblock(f->sock, 1);
	assert_int_equal(event_loop_new(&f->loop, &err), 0);
	assert_int_equal(vmm_qemu.monitor_new(f->loop, pair[0], &ops, f, &f->monitor, &err), 0);
}

static void end(struct fixture *f)
{
	vmm_qemu.monitor_free(f->monitor);
	event_loop_free(f->loop);
	fd_close(f->sock);
	fd_close(f->last_fd);
}

/* Takes what has been said since the last call. */
static const char *listen_to(struct fixture *f)
{
	const char *from = f->said + f->at;

	for (;;) {
		int fd = -1;
		size_t n_fds = 0;
		ssize_t n = fd_recv(f->sock, f->said + f->at, sizeof(f->said) - f->at - 1, &fd, 1, &n_fds);

		if (n <= 0)
			break;
		if (n_fds) {
			fd_close(f->last_fd);
			f->last_fd = fd;
			f->n_fds++;
		}
		f->at += (size_t)n;
	}
	f->said[f->at] = '\0';
	return from;
}

static void answer(struct fixture *f, const char *line)
{
	struct error err;

	assert_int_equal(fd_write_all(f->sock, line, strlen(line)), 0);
	assert_int_equal(event_loop_once(f->loop, 1000, &err), 0);
}

#define OK(name) "{\"return\": {}, \"id\": \"?" name "\"}\n"
#define NO(name) "{\"id\": \"?" name "\", \"error\": {\"class\": \"GenericError\", \"desc\": \"no " name "\"}}\n"

static const struct vmm_disk image = { .format = VMM_DISK_RAW };

static int open_medium(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void insert(struct fixture *f, unsigned i, int fd)
{
	struct vmm_disk medium = image;
	struct error err;

	medium.fd = fd;
	assert_int_equal(vmm_qemu.insert(f->monitor, i, &medium, &err), 0);
}

#define INSERT(disk, set)                                                                                                                    \
	"{\"execute\":\"add-fd\",\"id\":\"?add-fd\",\"arguments\":{\"fdset-id\":" set "}}\n"                                                 \
	"{\"execute\":\"blockdev-add\",\"id\":\"?blockdev-add\",\"arguments\":{\"driver\":\"raw\",\"node-name\":\"disk" disk "\",\"read-only\":false," \
	"\"discard\":\"unmap\",\"file\":{\"driver\":\"file\",\"filename\":\"/dev/fdset/" set "\",\"read-only\":false,\"discard\":\"unmap\"}}}\n"    \
	"{\"execute\":\"qom-set\",\"id\":\"?qom-set\",\"arguments\":{\"path\":\"/machine/peripheral/spare" disk "\",\"property\":\"drive\","       \
	"\"value\":\"disk" disk "\"}}\n"

#define EJECT(disk, set)                                                                                                                     \
	"{\"execute\":\"qom-set\",\"id\":\"?qom-set\",\"arguments\":{\"path\":\"/machine/peripheral/spare" disk "\",\"property\":\"drive\","       \
	"\"value\":\"empty" disk "\"}}\n"                                                                                                     \
	"{\"execute\":\"blockdev-del\",\"id\":\"?blockdev-del\",\"arguments\":{\"node-name\":\"disk" disk "\"}}\n"                           \
	"{\"execute\":\"remove-fd\",\"id\":\"?remove-fd\",\"arguments\":{\"fdset-id\":" set "}}\n"

static void test_insert_eject(void **state)
{
	int fd = open_medium();
	struct stat ours, theirs;
	struct fixture f;
	struct error err;

	(void)state;
	begin(&f);
	listen_to(&f);
	insert(&f, 3, fd);
	assert_string_equal(listen_to(&f), INSERT("3", "37"));
	assert_int_equal(f.n_fds, 1);
	assert_int_equal(fstat(fd, &ours), 0);
	assert_int_equal(fstat(f.last_fd, &theirs), 0);
	assert_int_equal(ours.st_ino, theirs.st_ino);
	answer(&f, OK("add-fd"));
	answer(&f, OK("blockdev-add"));
	assert_int_equal(f.n_changed, 0);
	answer(&f, OK("qom-set"));
	assert_int_equal(f.n_changed, 1);
	assert_int_equal(f.disk, 3);
	assert_int_equal(f.error.code, 0);
	assert_int_equal(vmm_qemu.eject(f.monitor, 3, &err), 0);
	assert_string_equal(listen_to(&f), EJECT("3", "37"));
	answer(&f, OK("qom-set") OK("blockdev-del") OK("remove-fd"));
	assert_int_equal(f.n_changed, 2);
	assert_int_equal(f.error.code, 0);
	/* no set of descriptors has the number of one that was there before */
	insert(&f, 3, fd);
	assert_string_equal(listen_to(&f), INSERT("3", "38"));
	assert_false(f.failed);
	end(&f);
	close(fd);
}

/* What is half in is taken out before it is told; the monitor goes on. */
static void test_refused(void **state)
{
	int fd = open_medium();
	struct fixture f;

	(void)state;
	begin(&f);
	listen_to(&f);
	insert(&f, 1, fd);
	listen_to(&f);
	answer(&f, OK("add-fd") NO("blockdev-add") NO("qom-set"));
	assert_int_equal(f.n_changed, 0);
	assert_string_equal(listen_to(&f), EJECT("1", "37"));
	answer(&f, OK("qom-set") NO("blockdev-del") OK("remove-fd"));
	assert_int_equal(f.n_changed, 1);
	assert_int_equal(f.disk, 1);
	assert_string_equal(f.error.msg, "the VMM refuses blockdev-add: no blockdev-add");
	assert_false(f.failed);
	end(&f);
	close(fd);
}

static void test_eject_refused(void **state)
{
	struct fixture f;
	struct error err;

	(void)state;
	begin(&f);
	listen_to(&f);
	assert_int_equal(vmm_qemu.eject(f.monitor, 2, &err), 0);
	answer(&f, NO("qom-set") NO("blockdev-del") OK("remove-fd"));
	assert_int_equal(f.n_changed, 1);
	assert_string_equal(f.error.msg, "the VMM refuses qom-set: no qom-set");
	end(&f);
}

/* QEMU keeps one descriptor until a command takes it: the next one waits for its turn. */
static void test_one_by_one(void **state)
{
	int a = open_medium(), b = open_medium();
	struct fixture f;
	struct error err;

	(void)state;
	begin(&f);
	listen_to(&f);
	insert(&f, 0, a);
	insert(&f, 1, b);
	assert_int_equal(vmm_qemu.eject(f.monitor, 0, &err), 0);
	close(a);
	close(b);
	assert_string_equal(listen_to(&f), INSERT("0", "37"));
	assert_int_equal(f.n_fds, 1);
	answer(&f, OK("add-fd") OK("blockdev-add") OK("qom-set"));
	assert_int_equal(f.n_changed, 1);
	assert_string_equal(listen_to(&f), INSERT("1", "38"));
	assert_int_equal(f.n_fds, 2);
	answer(&f, OK("add-fd") OK("blockdev-add") OK("qom-set"));
	assert_int_equal(f.n_changed, 2);
	assert_int_equal(f.disk, 1);
	assert_string_equal(listen_to(&f), EJECT("0", "37"));
	end(&f);
}

/* Answers that nobody waits for change nothing; a command that was no question and is refused is the end, as ever. */
static void test_unasked(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	answer(&f, OK("qom-set") NO("qom-set"));
	assert_int_equal(f.n_changed, 0);
	assert_false(f.failed);
	answer(&f, "{\"id\": \"qmp_capabilities\", \"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}\n");
	assert_true(f.failed);
	end(&f);
}

/* QEMU has gone: who waits is told, and who comes is. */
static void test_gone(void **state)
{
	int fd = open_medium();
	struct vmm_disk medium = image;
	struct fixture f;
	struct error err;

	(void)state;
	begin(&f);
	listen_to(&f);
	insert(&f, 0, fd);
	insert(&f, 1, fd);
	assert_int_equal(fd_write_all(f.sock, OK("add-fd") OK("blockdev-add") OK("qom-set"),
				      strlen(OK("add-fd") OK("blockdev-add") OK("qom-set"))), 0);
	shutdown(f.sock, SHUT_RD);
	assert_int_equal(event_loop_once(f.loop, 1000, &err), 0);
	assert_int_equal(f.n_changed, 2);
	assert_int_equal(f.disk, 1);
	assert_int_not_equal(f.error.code, 0);
	medium.fd = fd;
	assert_true(vmm_qemu.insert(f.monitor, 2, &medium, &err) < 0);
	assert_int_equal(f.n_changed, 2);
	end(&f);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_insert_eject),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_eject_refused),
		cmocka_unit_test(test_one_by_one),
		cmocka_unit_test(test_unasked),
		cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests_name("vmm_media", tests, NULL, NULL);
}
