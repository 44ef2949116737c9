/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * create's table of steps with every one of its neighbours replaced (--wrap): whichever of them fails, what
 * was done before is undone in reverse order, and nothing else is.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <ocispec/doc.h>
#include <ocispec/types.h>

#include "base/macros.h"
#include "base/mem.h"
#include "base/process.h"
#include "container/bundle.h"
#include "container/container.h"
#include "container/env.h"
#include "container/hooks.h"
#include "linux/cgroup/cgroup.h"
#include "linux/oom.h"
#include "linux/selfexe.h"
#include "native/operations.h"
#include "native/plan.h"
#include "native/setup.h"
#include "native/spawn.h"
#include "native/start.h"
#include "native/sync.h"
#include "schema/types.h"

static char log_text[1024];
static const char *fail;
static struct oci_hook hook;
static const struct oci_hooks hooks = { .create_runtime = &hook, .n_create_runtime = 1 };

/* Takes a note; fails when it is this one's turn. */
static int act(const char *name, struct error *err)
{
	snprintf(log_text + strlen(log_text), sizeof(log_text) - strlen(log_text), "%s%s",
		 log_text[0] ? " " : "", name);
	return fail && strcmp(fail, name) == 0 ? error_set(err, ENOLCK, "%s", name) : 0;
}

bool __wrap_selfexe_is_protected(void);
bool __wrap_selfexe_is_protected(void)
{
	return true;
}

int __wrap_native_plan_new(const struct bundle *b, const struct plan_facts *f, struct native_plan **ret,
			   struct error *err);
int __wrap_native_plan_new(const struct bundle *b _unused_, const struct plan_facts *f _unused_,
			   struct native_plan **ret, struct error *err)
{
	int r = act("plan", err);

	if (r < 0)
		return r;
	*ret = xcalloc(1, sizeof(**ret));
	(*ret)->hooks = &hooks;
	(*ret)->cgroup_owner = -1;
	(*ret)->process.has_oom_score_adj = true;
	return 0;
}

int __wrap_setup_init(struct setup *s, const struct plan_process *p, const struct process_io *io,
		      struct error *err);
int __wrap_setup_init(struct setup *s _unused_, const struct plan_process *p _unused_,
		      const struct process_io *io _unused_, struct error *err)
{
	return act("setup", err);
}

int __wrap_cgroup_create(const struct cgroup_request *req, struct cgroup **ret, struct error *err);
int __wrap_cgroup_create(const struct cgroup_request *req _unused_, struct cgroup **ret _unused_,
			 struct error *err)
{
	return act("cgroup", err);
}

int __wrap_cgroup_remove(struct cgroup *cg, int timeout_ms, struct error *err);
int __wrap_cgroup_remove(struct cgroup *cg _unused_, int timeout_ms _unused_, struct error *err)
{
	return act("undo-cgroup", err);
}

int __wrap_cgroup_clone_fd(const struct cgroup *cg);
int __wrap_cgroup_clone_fd(const struct cgroup *cg _unused_)
{
	return -1;
}

bool __wrap_cgroup_has_v2(const struct cgroup *cg);
bool __wrap_cgroup_has_v2(const struct cgroup *cg _unused_)
{
	return true;
}

int __wrap_cgroup_open_tasks(struct cgroup *cg, struct error *err);
int __wrap_cgroup_open_tasks(struct cgroup *cg _unused_, struct error *err)
{
	return act("open", err);
}

int __wrap_cgroup_join_v2(const struct cgroup *cg, pid_t pid, struct error *err);
int __wrap_cgroup_join_v2(const struct cgroup *cg _unused_, pid_t pid, struct error *err)
{
	assert_int_equal(pid, 4242);
	return act("join", err);
}

char **__wrap_cgroup_to_strings(const struct cgroup *cg);
char **__wrap_cgroup_to_strings(const struct cgroup *cg _unused_)
{
	return NULL;
}

int __wrap_cgroup_stats(const struct cgroup *cg, struct cgroup_stats *ret, struct error *err);
int __wrap_cgroup_stats(const struct cgroup *cg _unused_, struct cgroup_stats *ret _unused_,
			struct error *err)
{
	return error_set(err, ENOENT, "none");
}

struct cgroup *__wrap_cgroup_free(struct cgroup *cg);
struct cgroup *__wrap_cgroup_free(struct cgroup *cg _unused_)
{
	return NULL;
}

int __wrap_start_listen(const struct container *c, struct error *err);
int __wrap_start_listen(const struct container *c _unused_, struct error *err)
{
	int r = act("listen", err);

	return r < 0 ? r : 1000; /* a number that nobody has open */
}

void __wrap_start_forget(const struct container *c);
void __wrap_start_forget(const struct container *c _unused_)
{
	act("undo-listen", NULL);
}

int __wrap_spawn_process(const struct spawn *s, struct spawned *ret, struct error *err);
int __wrap_spawn_process(const struct spawn *s _unused_, struct spawned *ret, struct error *err)
{
	int r = act("spawn", err);

	if (r == 0)
		*ret = (struct spawned){ .pid = 4242, .pidfd = -1 };
	return r;
}

void __wrap_spawned_kill(struct spawned *p);
void __wrap_spawned_kill(struct spawned *p)
{
	assert_int_equal(p->pid, 4242);
	act("undo-spawn", NULL);
	p->pid = 0;
}

int __wrap_process_get_stat(pid_t pid, struct process_stat *ret);
int __wrap_process_get_stat(pid_t pid _unused_, struct process_stat *ret)
{
	*ret = (struct process_stat){ .start_time = 99 };
	return act("record", NULL) < 0 ? -ENOLCK : 0;
}

int __wrap_oom_score_adj_set(int fd, pid_t pid, int value, bool lenient, struct error *err);
int __wrap_oom_score_adj_set(int fd _unused_, pid_t pid, int value _unused_, bool lenient _unused_,
			     struct error *err)
{
	assert_int_equal(pid, 4242);
	return act("oom", err);
}

int __wrap_sync_send(int fd, enum sync_type type, int value, struct error *err);
int __wrap_sync_send(int fd _unused_, enum sync_type type, int value _unused_, struct error *err)
{
	return act(sync_type_to_string(type), err);
}

int __wrap_sync_expect(int fd, enum sync_type type, int *ret_value, struct error *err);
int __wrap_sync_expect(int fd _unused_, enum sync_type type, int *ret_value _unused_, struct error *err)
{
	if (type == SYNC_ERROR) /* looking for the child's own word: there is none */
		return error_set(err, EAGAIN, "none");
	return act(type == SYNC_READY ? "ready" : "hooks", err);
}

int __wrap_hooks_run(const char *kind, const struct oci_hook *h, size_t n, const struct hook_context *context,
		     struct error *err);
int __wrap_hooks_run(const char *kind, const struct oci_hook *h _unused_, size_t n,
		     const struct hook_context *context _unused_, struct error *err)
{
	return n ? act(kind, err) : 0;
}

char *__wrap_container_oci_state(const struct container *c, enum container_status status, pid_t pid);
char *__wrap_container_oci_state(const struct container *c _unused_, enum container_status status, pid_t pid)
{
	assert_int_equal(status, CONTAINER_CREATING);
	assert_int_equal(pid, 4242);
	return xstrdup("{}");
}

int __wrap_container_save(struct container *c, struct error *err);
int __wrap_container_save(struct container *c, struct error *err)
{
	assert_true(c->state->has_pid); /* a create that is killed from here on is found by delete */
	return act("save", err);
}

static int create(struct hv_state *state, struct error *err)
{
	static const struct env env = { .root_dirfd = -1 };
	static const struct oci_config config;
	static const struct bundle bundle = { .config = &config, .dirfd = -1 };
	struct container c = { .id = (char *)"web", .dirfd = -1, .state = state };
	const struct create_request req = { .env = &env, .bundle = &bundle, .container = &c };

	log_text[0] = '\0';
	return native_create(&req, err);
}

#define ALL "plan setup cgroup open listen spawn record save oom join go hooks createRuntime go ready"

static void test_success(void **state _unused_)
{
	struct hv_state s = { 0 };
	struct error err;

	fail = NULL;
	assert_int_equal(create(&s, &err), 0);
	assert_string_equal(log_text, ALL);
	assert_true(s.has_pid && s.has_start_time);
	assert_int_equal(s.pid, 4242);
	assert_int_equal(s.start_time, 99);
}

static const struct {
	const char *fails, *log;
} rows[] = {
	{ "plan", "plan" },
	{ "setup", "plan setup" },
	{ "cgroup", "plan setup cgroup" },
	{ "open", "plan setup cgroup open undo-cgroup" },
	{ "listen", "plan setup cgroup open listen undo-cgroup" },
	{ "spawn", "plan setup cgroup open listen spawn undo-listen undo-cgroup" },
	{ "record", "plan setup cgroup open listen spawn record undo-spawn undo-listen undo-cgroup" },
	{ "save", "plan setup cgroup open listen spawn record save undo-spawn undo-listen undo-cgroup" },
	{ "oom", "plan setup cgroup open listen spawn record save oom undo-spawn undo-listen undo-cgroup" },
	{ "join", "plan setup cgroup open listen spawn record save oom join undo-spawn undo-listen undo-cgroup" },
	{ "go", "plan setup cgroup open listen spawn record save oom join go undo-spawn undo-listen undo-cgroup" },
	{ "hooks",
	  "plan setup cgroup open listen spawn record save oom join go hooks undo-spawn undo-listen undo-cgroup" },
	{ "createRuntime", "plan setup cgroup open listen spawn record save oom join go hooks createRuntime undo-spawn "
			   "undo-listen undo-cgroup" },
	{ "ready", ALL " undo-spawn undo-listen undo-cgroup" },
};

static void test_undo(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hv_state s = { 0 };
		struct error err = { 0 };

		fail = rows[i].fails;
		assert_int_equal(create(&s, &err), -ENOLCK);
		assert_int_equal(err.code, ENOLCK);
		assert_string_equal(log_text, rows[i].log);
		assert_false(s.has_pid);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_undo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
