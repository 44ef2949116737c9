/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_CONTAINER_H
#define HV_CONTAINER_CONTAINER_H

#include <stdbool.h>

#include "base/error.h"
#include "base/macros.h"
#include "container/isolation.h"

struct bundle;
struct env;
struct oci_config;
struct oci_doc;
struct oci_state;
struct hv_state; /* src/schema/state.json, generated: what state.json in the state directory holds */

/*
 * A handle on one container: its id, its open and locked state directory <root>/<id>, and what state.json
 * there says.
 */
struct container {
	char *id;
	int dirfd;   /* the state directory; start.sock, config.json, control.sock live in it too */
	int lock_fd; /* the same directory, flock(2)ed exclusively by verbs that change the container, else -1
		      */
	struct oci_doc *state_doc;
	struct hv_state
		*state; /* editable; strings that are put in come from oci_doc_strdup(state_doc, ...) */
	struct oci_doc *config_doc; /* loaded on demand by container_config() */
};

#define CONTAINER_NEW_PREFIX ".new." /* of a state directory that container_new() fills */

enum { CONTAINER_E_NOT_FOUND = 1 }; /* positive results of container_open() */

/*
 * Whether id is what runc and crun accept: [a-zA-Z0-9_+-][a-zA-Z0-9_+.-]*, at most 1024 bytes. < 0: "invalid
 * container ID format".
 */
int container_id_validate(const char *id, struct error *err);

/*
 * Makes and locks <root>/<id> (0700) with a state.json that says "creating" and a copy of the bundle's
 * config.json: other verbs see all of it or nothing. A used id: "container with given ID already exists".
 */
int container_new(const struct env *env, const char *id, const struct bundle *bundle,
		  const char *runtime_type, struct container **ret, struct error *err);

/*
 * Opens an existing one; lock: hold its lock until container_free(). Returns 0; CONTAINER_E_NOT_FOUND, with
 * *err saying `container "<id>" does not exist`; or < 0.
 */
int container_open(const struct env *env, const char *id, bool lock, struct container **ret,
		   struct error *err);

/* The same without a look at state.json: c->state is NULL. For cleaning up after one that cannot be read. */
int container_open_dir(const struct env *env, const char *id, bool lock, struct container **ret,
		       struct error *err);

/* Writes state.json atomically (temporary file, rename). */
int container_save(struct container *c, struct error *err);

/*
 * Makes of an existing container, whose parts are destroyed, one that is about to be created as runtime_type: a state that says "creating"
 * and a state directory with nothing in it but state.json and config.json. The id, the lock, the time of creation and create's options stay.
 */
int container_reset(const struct env *env, struct container *c, const struct bundle *bundle, const char *runtime_type, struct error *err);

/* Removes the state directory and all in it. Last step of delete. */
int container_remove(const struct env *env, struct container *c, struct error *err);

/*
 * The config.json that the container was created from (the copy in the state directory), parsed on first use
 * and owned by c.
 */
int container_config(struct container *c, const struct oci_config **ret, struct error *err);

/*
 * What the state directory and the process table tell: creating (state.json says so), stopped (the process is
 * gone), created (the entry CONTAINER_START_SOCKET is still there: start removes it), else running. Paused is
 * the runtime type's to add.
 */
#define CONTAINER_START_SOCKET "start.sock"
enum container_status container_status_of(const struct container *c);

/* The same, and the state of its process as proc_pid_stat(5) has it, 'R', 'S', 'D' …; 0 when it is not alive. */
enum container_status container_status_look(const struct container *c, char *ret_state);

/* Gives up the lock, so that other verbs may work on the container while this one waits. */
void container_unlock(struct container *c);

/*
 * Whether the container's host process is alive: same pid, same start time (proc(5) stat field 22), not a
 * zombie.
 */
bool container_process_alive(const struct container *c);

/* The State of runtime-spec state.md, borrowing c's strings: a part of what seccomp listeners get. */
void container_oci_state_fill(const struct container *c, enum container_status status, pid_t pid,
			      struct oci_state *ret);

/* The same as JSON, for hooks; free()d by the caller. */
char *container_oci_state(const struct container *c, enum container_status status, pid_t pid);

struct container *container_free(struct container *c);
static inline void container_freep(struct container **c)
{
	container_free(*c);
}
#define _cleanup_container_ _cleanup_(container_freep)

#endif
