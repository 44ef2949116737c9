/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* container/container.h: the state directory, its lock, what is in it, and what it must not be taken for. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <ocispec/types.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/process.h"
#include "container/bundle.h"
#include "container/container.h"
#include "container/env.h"
#include "schema/types.h"

static char scratch[64];
static struct env env = { .root = scratch, .root_dirfd = -1 };
static struct bundle *bundle;

static const char config[] =
	"{\"ociVersion\":\"1.0.0\",\"root\":{\"path\":\"rootfs\"},\"annotations\":{\"a\":\"1\"},"
	"\"hooks\":{\"poststop\":[{\"path\":\"/bin/true\"}]},\"unknown\":1}";

static int setup(void **state)
{
	_cleanup_free_ char *dir = NULL;
	struct error err;

	(void)state;
	snprintf(scratch, sizeof(scratch), "/tmp/hvrun-test-state.XXXXXX");
	if (!mkdtemp(scratch))
		return -1;
	env.root_dirfd = file_open_dir(AT_FDCWD, scratch);
	dir = xasprintf("%s/.bundle", scratch);
	if (file_mkdir_p(env.root_dirfd, ".bundle/rootfs", 0755) < 0 ||
	    file_replace_at(env.root_dirfd, ".bundle/config.json", config, strlen(config), 0644) < 0)
		return -1;
	return bundle_load(dir, NULL, &bundle, &err);
}

static int teardown(void **state)
{
	(void)state;
	bundle_free(bundle);
	fd_close(env.root_dirfd);
	return file_remove_tree(AT_FDCWD, scratch);
}

static void test_ids(void **state)
{
	static const char *const good[] = { "a", "web-1", "_x", "+x", "-x", "a.b", "A+b_c-d.9" },
				 *const bad[] = { "", ".", "..", ".a", "a/b", "a b", "a\n", "\xc3\xa9" };
	char longest[1026];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(container_id_validate(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct error err;

		assert_int_equal(container_id_validate(bad[i], &err), -EINVAL);
		assert_memory_equal(err.msg, "invalid container ID format", 27);
	}
	memset(longest, 'x', sizeof(longest));
	longest[1025] = '\0';
	assert_int_equal(container_id_validate(longest, NULL), -EINVAL);
	assert_int_equal(container_id_validate(longest + 1, NULL), 0);
}

static void test_round_trip(void **state)
{
	_cleanup_container_ struct container *c = NULL, *same = NULL;
	const struct oci_config *parsed;
	struct process_stat self;
	struct error err = { 0 };
	struct stat st;
	char *cgroup[] = { (char *)"memory:1:/x", NULL };

	(void)state;
	assert_int_equal(container_new(&env, "one", bundle, "Default", &c, &err), 0);
	assert_int_equal(fstatat(env.root_dirfd, "one", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(container_status_of(c), CONTAINER_CREATING);
	assert_int_equal(process_get_stat(getpid(), &self), 0);
	c->state->pid = getpid();
	c->state->start_time = self.start_time;
	c->state->has_pid = c->state->has_start_time = true;
	c->state->creating = false;
	c->state->cgroup = cgroup;
	c->state->n_cgroup = 1;
	assert_int_equal(container_save(c, &err), 0);

	assert_int_equal(container_open(&env, "one", false, &same, &err), 0);
	assert_string_equal(same->state->id, "one");
	assert_string_equal(same->state->runtime_type, "Default");
	assert_string_equal(same->state->bundle, bundle->path);
	assert_string_equal(same->state->rootfs, bundle->rootfs);
	assert_string_equal(same->state->created, c->state->created);
	assert_string_equal(same->state->cgroup[0], "memory:1:/x");
	assert_string_equal(same->state->hooks[0], "poststop");
	assert_int_equal(same->state->n_hooks, 1);
	assert_false(same->state->process);
	assert_string_equal(oci_map_get(same->state->annotations, "a"), "1");
	assert_int_equal(container_status_of(same), CONTAINER_RUNNING);
	assert_int_equal(file_replace_at(same->dirfd, CONTAINER_START_SOCKET, "", 0, 0600), 0);
	assert_int_equal(container_status_of(same), CONTAINER_CREATED);
	same->state->start_time++; /* another process with the same pid */
	assert_int_equal(container_status_of(same), CONTAINER_STOPPED);
	assert_int_equal(container_config(same, &parsed, &err), 0);
	assert_int_equal(parsed->hooks->n_poststop, 1);

	assert_int_equal(container_remove(&env, c, &err), 0);
	assert_int_equal(faccessat(env.root_dirfd, "one", F_OK, 0), -1);
}

static void test_used_id(void **state)
{
	_cleanup_container_ struct container *c = NULL, *second = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(container_new(&env, "two", bundle, "HyperV", &c, &err), 0);
	assert_int_equal(container_new(&env, "two", bundle, "Default", &second, &err), -EEXIST);
	assert_string_equal(err.msg, "container with given ID already exists: \"two\"");
	assert_null(second);
	assert_int_equal(container_remove(&env, c, &err), 0);
}

static void test_not_found(void **state)
{
	_cleanup_container_ struct container *c = NULL;
	struct env no_root = env;
	struct error err = { 0 };

	(void)state;
	no_root.root_dirfd = -1;
	assert_int_equal(container_open(&env, "none", true, &c, &err), CONTAINER_E_NOT_FOUND);
	assert_string_equal(err.msg, "container \"none\" does not exist");
	assert_int_equal(container_open(&no_root, "none", true, &c, &err), CONTAINER_E_NOT_FOUND);
	assert_int_equal(container_open(&env, "../etc", true, &c, &err), -EINVAL);
	assert_int_equal(symlinkat("/etc", env.root_dirfd, "link"), 0);
	assert_true(container_open(&env, "link", false, &c, &err) < 0);
	assert_null(c);
}

/* A state file that is broken, or another container's, is an error that names it. */
static void test_bad_state(void **state)
{
	static const struct {
		const char *json, *message;
	} cases[] = {
		{ "{", "container \"bad\": state.json" },
		{ "{}", "container \"bad\": state.json: missing \"version\"" },
		{ "{\"version\":2,\"ociVersion\":\"1\",\"id\":\"bad\",\"runtimeType\":\"Default\",\"bundle\":"
		  "\"/\",\"rootfs\":\"/\",\"created\":\"\"}",
		  "container \"bad\": state.json: version: " },
		{ "{\"version\":1,\"ociVersion\":\"1\",\"id\":\"bad\",\"runtimeType\":\"Default\",\"bundle\":"
		  "\"/\",\"rootfs\":\"/\",\"created\":\"\",\"pid\":-4}",
		  "container \"bad\": state.json: pid: " },
		{ "{\"version\":1,\"ociVersion\":\"1\",\"id\":\"other\",\"runtimeType\":\"Default\","
		  "\"bundle\":\"/\",\"rootfs\":\"/\",\"created\":\"\"}",
		  "container \"bad\": state.json: id: \"other\" is another container's" },
	};

	(void)state;
	assert_int_equal(file_mkdir_p(env.root_dirfd, "bad", 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct container *c = NULL;
		struct error err = { 0 };

		assert_int_equal(file_replace_at(env.root_dirfd, "bad/state.json", cases[i].json,
						 strlen(cases[i].json), 0600),
				 0);
		assert_true(container_open(&env, "bad", false, &c, &err) < 0);
		assert_null(c);
		if (strncmp(err.msg, cases[i].message, strlen(cases[i].message)) != 0)
			fail_msg("got: %s", err.msg);
	}
	assert_int_equal(file_remove_tree(env.root_dirfd, "bad"), 0);
}

/* Whoever waits for the lock of a container that is being deleted finds that it is gone. */
static void test_lock(void **state)
{
	struct container *c = NULL, *waiter = NULL;
	struct error err = { 0 };
	int status, fd;
	pid_t pid;

	(void)state;
	assert_int_equal(container_new(&env, "locked", bundle, "Default", &c, &err), 0);
	fd = openat(env.root_dirfd, "locked", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
	pid = fork();
	if (pid == 0)
		_exit(container_open(&env, "locked", true, &waiter, &err) == CONTAINER_E_NOT_FOUND ? 0 : 1);
	usleep(50000); /* for the child to block; without it the test only proves less */
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	assert_int_equal(container_remove(&env, c, &err), 0);
	container_free(c);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	fd_close(fd);
}

/* A child that was forked while we held the lock does not keep it. */
static void test_unlock(void **state)
{
	_cleanup_container_ struct container *again = NULL;
	struct container *c = NULL;
	struct error err = { 0 };
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(container_new(&env, "child", bundle, "Default", &c, &err), 0);
	pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	container_free(c);
	assert_int_equal(container_open(&env, "child", true, &again, &err), 0);
	assert_int_equal(container_remove(&env, again, &err), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

static void test_oci_state(void **state)
{
	_cleanup_container_ struct container *c = NULL;
	_cleanup_free_ char *json = NULL, *want = NULL, *stopped = NULL;
	struct error err = { 0 };

	(void)state;
	assert_int_equal(container_new(&env, "hooked", bundle, "Default", &c, &err), 0);
	json = container_oci_state(c, CONTAINER_CREATED, 42);
	want = xasprintf("{\"ociVersion\":\"1.3.0\",\"id\":\"hooked\",\"status\":\"created\",\"pid\":42,"
			 "\"bundle\":\"%s\",\"annotations\":{\"a\":\"1\"}}",
			 bundle->path);
	assert_string_equal(json, want);
	stopped = container_oci_state(c, CONTAINER_STOPPED, 0);
	assert_null(strstr(stopped, "pid"));
	assert_int_equal(container_remove(&env, c, &err), 0);
}

static void test_bundle_errors(void **state)
{
	struct bundle *b = NULL;
	struct error err = { 0 };
	_cleanup_free_ char *dir = xasprintf("%s/.broken", scratch), *want = NULL;

	(void)state;
	assert_true(bundle_load(dir, NULL, &b, &err) < 0);
	want = xasprintf("bundle %s: No such file or directory", dir);
	assert_string_equal(err.msg, want);
	assert_int_equal(file_mkdir_p(env.root_dirfd, ".broken", 0700), 0);
	assert_int_equal(bundle_load(dir, NULL, &b, &err), -ENOENT);
	assert_memory_equal(err.msg, "JSON specification file config.json not found", 45);
	assert_int_equal(file_replace_at(env.root_dirfd, ".broken/config.json", "{\"root\":3}", 10, 0600), 0);
	assert_true(bundle_load(dir, NULL, &b, &err) < 0);
	assert_memory_equal(err.msg, "config.json: ", 13);
	assert_int_equal(file_replace_at(env.root_dirfd, ".broken/config.json", config, strlen(config), 0600),
			 0);
	assert_int_equal(bundle_load(dir, NULL, &b, &err), -ENOENT); /* no rootfs there */
	assert_memory_equal(err.msg, "root.path: ", 11);
	assert_null(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),           cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_used_id),       cmocka_unit_test(test_not_found),
		cmocka_unit_test(test_bad_state),     cmocka_unit_test(test_lock),
		cmocka_unit_test(test_unlock),        cmocka_unit_test(test_oci_state),
		cmocka_unit_test(test_bundle_errors),
	};

	return cmocka_run_group_tests_name("state", tests, setup, teardown);
}
