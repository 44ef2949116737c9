/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_VMWP_WORKER_H
#define HV_VMWP_WORKER_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/event.h"
#include "hyperv/vmm/vmm.h"
#include "proto/channel.h"
#include "proto/mux.h"
#include "vmwp/log_file.h"

struct hv_worker_setup;
struct pending;
struct oci_doc;
struct oci_box;
struct oci_type;

/* How far the container is. */
enum phase {
	PHASE_BOOTING,	 /* no HELLO yet, or SEED is not answered */
	PHASE_READY,	 /* the agent takes requests */
	PHASE_CREATING,	 /* CREATE is not answered */
	PHASE_CREATED,	 /* START may come, or has come */
	PHASE_EXITED,	 /* the container's process has ended; its output is on its way */
	PHASE_POWER_OFF, /* the VM ends */
};

/* Who is connected: the hvrun that started us, one that runs a verb, or the worker of an exec. */
struct client {
	struct client *next;
	struct worker *worker;
	struct channel *channel;
	uint32_t process; /* of a process whose worker it is; else PROCESS_INIT */
	bool launcher;
};

/* The process that serves the share by virtiofs (file_server.c); pid 0: there is none. */
struct file_server {
	pid_t pid;
	int pidfd, status;
	bool running;
	struct event_source *source;
};
#define FILE_SERVER_NONE ((struct file_server){ .pidfd = -1 })

/* A process in the guest as the host sees it; the container's own has the number PROCESS_INIT. */
struct remote {
	struct remote *next;
	uint32_t number;
	struct client *client; /* the process's worker; NULL when it has gone */
	struct member *member; /* whose own process it is; NULL: an exec's, or the container's */
	bool known;	       /* the guest has said that it exists */
	bool exited;
	int wait_status;
};

/* A spare disk of the VM (spares.c). */
struct spare {
	enum spare_state { SPARE_EMPTY, SPARE_FILLING, SPARE_FULL, SPARE_EMPTYING, SPARE_LOST } state;
	uint32_t process; /* whose medium it has, unless it is empty or lost */
	bool unwanted;	  /* to be emptied as soon as it has been filled */
};

/* What WorkerStartup of worker.json is made of. */
enum startup_mark { STARTUP_SETUP, STARTUP_VMM, STARTUP_GUEST, STARTUP_CREATE, STARTUP_CREATED, _STARTUP_MARKS };

struct worker {
	struct event_loop *loop;
	const struct hv_worker_setup *setup;
	struct oci_doc *setup_doc;
	enum phase phase;

	int state_dirfd, listen_fd, share_dirfd;
	int mounts_fd; /* the mount namespace that we came from, in a user namespace; else -1 */
	int tree_fd;  /* the share tree once more, writable, for its entries' names only */
	int stdio[3]; /* the container's, until CREATE */
	int tty_fd;   /* our side of its terminal; -1 without one */

	const struct vmm_ops *vmm;
	enum vmm_start start;
	uint32_t version; /* of the protocol, as a template's agent speaks it */
	int template_dirfd, memory_fd, devices_fd; /* of the template that is made or copied, until the guest has answered */
	int nic_fds[VMM_NICS_MAX]; /* taps, made once for the VM's whole life; the first n_nics */
	struct nic {
		int tap, link; /* indices in the network namespace; link 0: not in use, -1: not to be used (again, or not yet) */
		bool leaving;  /* the guest has been told that its link has gone, and has not answered */
		int left;      /* the link's index then */
		char name[IFNAMSIZ];
		char *sent; /* the link as the guest has it */
	} nics[VMM_NICS_MAX];
	unsigned n_nics;
	struct vmm_disk disks[VMM_DISKS_MAX]; /* their fds as long as the VM may have to be booted again; the first n_disks */
	unsigned n_disks;
	struct spare spares[_VMM_SPARE_MAX * VMM_SPARES_MAX]; /* as many as setup->vm says */
	char *network_sent; /* what the network namespace had, as the guest has it */
	int network_fd;	    /* says that something has changed there */
	struct event_source *network_source, *network_timer;
	bool network_asked; /* it will be looked at */
	char *network_warned;
	struct error boot_failure;		   /* why it is being killed before it has answered; code 0: it is not */
	bool booted_again;
	struct vmm_monitor *monitor;
	struct event_source *memory_source; /* of a clone: its VMM asks for its memory there (memory.c) */
	int memory_listen_fd;
	pid_t vmm_pid;
	int vmm_pidfd, vmm_status;
	bool vmm_running;
	struct file_server server;
	int vmm_stderr_fd;
	struct buf vmm_stderr, console; /* the first and the last bytes */
	struct event_source *console_source, *stderr_source, *exit_source;
	int console_fd;
	struct log_file console_log, vmm_log; /* --vm-console, --vm-log */

	struct channel *control;
	struct mux *mux;
	struct event_source *boot_timer, *power_timer, *clone_timer, *answers_timer;
	bool answers_late; /* the guest has had its time to answer, after the container's end */

	uint64_t last_request;
	struct pending *pending;
	unsigned n_pending;
	struct client *clients;
	unsigned n_clients;
	struct event_source *listen_source;
	struct remote *remotes;
	struct member *members; /* other containers in the VM */
	unsigned n_members;
	struct hot_share *hot_shares; /* what MOUNT has added to the share tree */
	unsigned n_hot_shares;
	uint32_t last_hot_share;
	uint32_t last_process; /* its number; the container's own has the first, whoever comes before it */
	bool create_asked, started;

	struct error failure; /* why the VM had to go; code 0: it did not */
	int wait_status;      /* what we exit like */

	uint64_t marks[_STARTUP_MARKS]; /* when, by startup.c; 0: not yet */
	unsigned attempts;		/* VMMs started */
};

/* A worker that has nothing yet. */
#define WORKER_NONE                                                                                                              \
	((struct worker){ .state_dirfd = -1, .listen_fd = -1, .share_dirfd = -1, .mounts_fd = -1, .tree_fd = -1, .last_process = PROCESS_INIT, .stdio = { -1, -1, -1 }, .tty_fd = -1, \
			  .vmm_pidfd = -1, .vmm_stderr_fd = -1, .console_fd = -1, .template_dirfd = -1, .memory_fd = -1,         \
			  .devices_fd = -1, .memory_listen_fd = -1, .network_fd = -1, .server = FILE_SERVER_NONE, .console_log = LOG_FILE_NONE, \
			  .vmm_log = LOG_FILE_NONE })

/* setup.c: what happens before the loop runs ----------------------------------------------------------------------------- */

enum { SETUP_FDS_MAX = 240 };

/*
 * Takes the worker's place: network and mount namespace with the share tree, terminal. fds are those that came with SETUP, taken in
 * any case. Returns 0 or < 0.
 */
int setup_worker(struct worker *w, int *fds, size_t n_fds, struct error *err);

/* jail.c: where the worker and its VMM live --------------------------------------------------------------------------------- */

/* Where the VMM's own processes are seen: proc(5) with subset=pid. /proc/self is a link to there. */
#define JAIL_PROC_DIR "/proc/pid"

/*
 * Makes a mount namespace whose root, made at setup->share_dir, has the share tree (the mounts in fds, as setup->shares says) and what the VMM needs of
 * the host, all of that read-only, and nothing else; and goes there. w->share_dirfd is the tree's afterwards. Paths of the host mean nothing any more.
 */
int jail_enter(struct worker *w, const int *fds, size_t n_fds, struct error *err);

/*
 * The same for a process that needs no files at all, the stand-in for a container or an exec in somebody else's VM (standin.h): its root is an empty
 * directory that cannot be written. Who takes a pid for a container's and goes to /proc/<pid>/root, or joins the mount namespace (podman cp), must not find
 * himself in the host's files. Without privileges (geteuid() is not 0) there is no such namespace to be had: nothing happens. Returns 0 or < 0.
 */
int jail_enter_empty(struct error *err);

/* jail_start.c: how the VMM is started there --------------------------------------------------------------------------------- */

/* Which program it is, and so what it may: a VMM that serves the shares by 9p, one that has nothing to do with them, or virtiofsd. */
enum jail_who { JAIL_VMM, JAIL_VMM_ALONE, JAIL_FILE_SERVER, _JAIL_WHO_MAX };

struct jail_start {
	enum jail_who who;
	char *const *argv; /* argv[0] is its path */
	int stderr_fd;
	const int *keep_fds; /* stay open under their own numbers */
	size_t n_keep_fds;
	const char *label; /* SELinux; NULL: none */
	bool file_capabilities, new_network;
	int mounts_fd; /* a mount namespace that has a /proc, where the program's cannot be mounted without one; -1: it can */
	bool ask_for_memory; /* its opens for reading and writing are asked about: *ret_listener */
};

/*
 * Starts the program in namespaces of its own, with the few capabilities that who has, and gone when we are. Returns 0 with *ret_pid, *ret_pidfd and
 * *ret_listener (-1 unless asked for), or < 0.
 */
int jail_start(const struct jail_start *s, pid_t *ret_pid, int *ret_pidfd, int *ret_listener, struct error *err);

/* filter.c: seccomp(2) for the VMM, beside its own --------------------------------------------------------------------------- */

/* who's filter, whose insns are the caller's to free; notify: with SECCOMP_RET_USER_NOTIF for open(2) with O_RDWR alone. */
struct sock_fprog;
void filter_make(enum jail_who who, bool notify, struct sock_fprog *ret);

/* file_server.c: virtiofsd ---------------------------------------------------------------------------------------------------------- */

/*
 * Starts it, which w->setup->vm->virtiofsd is the program of, with stderr_fd (the caller's) as its stderr. *ret_vmm_fd is the VMM's end of the socket between
 * the two, the caller's. When it ends the VMM is killed. Returns 0 or < 0.
 */
int file_server_start(struct worker *w, int stderr_fd, int *ret_vmm_fd, struct error *err);

/* Whether it has ended badly, which is why the VMM has: *e says how. */
bool file_server_failed(struct worker *w, struct error *e);

/* Nothing is left of it. */
void file_server_done(struct worker *w);

/* memory.c: a template's memory for a copy of it -------------------------------------------------------------------------------- */

/* Answers the VMM, asking at w->memory_listen_fd, with w->memory_fd. Returns 0 or < 0. */
int memory_serve(struct worker *w, struct error *err);
void memory_done(struct worker *w);

/* terminal.c ------------------------------------------------------------------------------------------------------------- */

/*
 * Makes a terminal whose slave is the caller's controlling one (so that SIGWINCH comes), raw, of the given size if any, and hands its master
 * to the console socket, which is taken. Returns the slave's fd or < 0.
 */
int terminal_open(int console_socket, const struct oci_box *size, struct error *err);

/* shares.c: what the guest sees of the host's file systems ------------------------------------------------------------------- */

/* Makes the tree in the directory w->share_dirfd, whose mount can still be written, with an entry for each of the n mounts. Returns 0 or < 0. */
int shares_make(struct worker *w, const int *fds, size_t n, struct error *err);

/*
 * An entry of the share tree: mount_fd's mount gets the name, for which file says what it is. Whatever has the name already is an error.
 * Entries can be added and removed while the VM runs. share_close() makes one read-only: EBUSY when a file there is open for writing.
 */
int share_add(struct worker *w, const char *name, bool file, int mount_fd, struct error *err);
int share_close(struct worker *w, const char *name, struct error *err);
void share_remove(struct worker *w, const char *name, bool file);

/* hot_shares.c: MOUNT from a client, a request_fn of clients.c; and what it has added, which goes with its container */
int hot_request_mount(struct client *c, const struct frame *f, void *message, struct error *err);
void hot_shares_remove(struct worker *w, uint32_t process);
void hot_shares_done(struct worker *w);

/* spares.c: disks for members ---------------------------------------------------------------------------------------------------- */

bool spares_exist(const struct worker *w);

/*
 * Puts a medium into one of the right kind for the member whose process that is; d->fd stays the caller's. Returns 0 with the disk's number, and
 * member_disk_inserted() will be called, unless spares_release() has been before; or < 0 with the field in the message.
 */
int spares_insert(struct worker *w, uint32_t process, const struct vmm_disk *d, const char *field, uint32_t *ret_number, struct error *err);

/* Takes out all media of the process's: when spares_has() says that it has none any more, member_disks_out() has been called, or there were none. */
void spares_release(struct worker *w, uint32_t process);
bool spares_has(const struct worker *w, uint32_t process);

/* vmm_monitor_ops.changed of a worker. */
int spares_changed(void *data, unsigned number, const struct error *e, struct error *err);

/* startup.c: what it took until the container was there --------------------------------------------------------------------------- */

/* That has happened now; what has happened before stays where it was. */
void startup_mark(struct worker *w, enum startup_mark m);

/* WorkerStartup as JSON, when all marks are set; free()d by the caller. NULL: no memory. */
char *startup_describe(const struct worker *w);

/* vm.c ------------------------------------------------------------------------------------------------------------------- */

/* Starts the VMM as w->start says, and opens control and stream port on the loop. */
int vm_start(struct worker *w, struct error *err);

/* How long a boot may take: there may be a second one. */
#define BOOT_USEC(w) ((uint64_t)(w)->setup->boot_timeout * 500000)

/* The VM is of no use: worker_fail(), but one that has not answered yet is booted (once more) instead. */
int vm_failed(struct worker *w, const struct error *e);

/* The template is not needed any more, for the guest has answered. */
void vm_forget_template(struct worker *w);

void vm_kill(struct worker *w);
void vm_done(struct worker *w);

/* Adds to e what the VMM and the guest's kernel said last, and logs all of it for debugging. */
void vm_explain(struct worker *w, struct error *e);

/* network.c ------------------------------------------------------------------------------------------------------------- */

/* Makes the taps that are the VM's network cards, in the network namespace that the worker is in. */
int network_open(struct worker *w, struct error *err);

/*
 * Looks what the network namespace has now, joins what is new with a card, and tells the guest when anything has changed. Returns 0 when there is
 * nothing to tell, 1 when NETWORK has been sent: p->answered is called; or < 0.
 */
int network_update(struct worker *w, const struct pending *p, struct error *err);

/*
 * From now on the guest follows what changes there, as far as the VM has cards: what cannot be carried into it is a warning. Returns 0 or < 0.
 */
int network_watch(struct worker *w, struct error *err);

/* The links are as they were before. */
void network_close(struct worker *w);

/* guest.c: the control port ------------------------------------------------------------------------------------------------ */

extern const struct channel_ops guest_channel_ops;
extern const struct mux_ops guest_mux_ops;

/* A request that the agent has not answered. */
struct pending;
typedef int answer_fn(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e, struct error *err);
struct pending {
	struct pending *next;
	uint16_t type;
	uint64_t id;
	answer_fn *answered;   /* f is NULL when it failed, and e says why; < 0 ends the loop */
	struct client *client; /* who asked; NULL: we did, or it has gone meanwhile */
	uint64_t client_id;    /* the id that it gave its request */
	uint32_t process;
	bool freeze; /* FREEZE: which way */
	uint32_t share;	  /* MOUNT: the entry of the share tree that is concerned; 0: none */
	bool share_added; /* MOUNT: which way */
	uint64_t memory_was, memory_will; /* UPDATE of a member: its limit before and after */
};

/* Sends a request to the agent; what is the caller's in p (process, client, client_id, answered) is copied. */
void guest_request(struct worker *w, uint16_t type, const void *body, size_t len, const struct pending *p);

/* The same with what is in the struct at root, of a type of schema/types.h. */
void guest_send(struct worker *w, uint16_t type, const struct oci_type *body_type, const void *root, const struct pending *p);

/* Hands an answer to the client that asked: an answer_fn. */
int guest_relay_answer(struct worker *w, const struct pending *p, const struct frame *f, const struct error *e, struct error *err);

/* Whether a request of this type that is about this process waits for its answer. */
bool guest_waits_for(const struct worker *w, uint16_t type, uint32_t process);

/* Whether a client waits for an answer that comes soon: any but WAIT_OOM's, which may never come. */
bool guest_owes_answers(const struct worker *w);

/* The first request to an agent that has said HELLO, or has in its template: version is what the two sides agreed on. */
int guest_seed(struct worker *w, uint32_t version, struct error *err);

/* Forgets a client: its answers are dropped. Fails all requests, when the guest is gone. */
void guest_forget_client(struct worker *w, const struct client *c);
void guest_fail_requests(struct worker *w, const struct error *e);

/* clients.c ---------------------------------------------------------------------------------------------------------------- */

/* Adds a connection, takes fd. */
int client_add(struct worker *w, int fd, bool launcher, struct error *err);
int clients_listen(struct worker *w, struct error *err);
void clients_done(struct worker *w);

/*
 * The streams of a process, of whose worker the descriptors came with the present frame: with a terminal its slave, else stdin, stdout and
 * stderr. Returns 0 or < 0.
 */
int add_streams(struct client *c, uint32_t number, bool terminal, struct error *err);

/* Tells the launcher how create went. */
void clients_tell_launcher(struct worker *w, const struct error *e);

/* Kills a process whose worker has gone: as if the signal had reached it. */
void remote_kill(struct worker *w, uint32_t number);

struct remote *remote_find(struct worker *w, uint32_t number);
struct remote *remote_add(struct worker *w, uint32_t number, struct client *c);
void remote_remove(struct worker *w, struct remote *r);

/* worker.c: the life of the container -------------------------------------------------------------------------------------- */

int worker_run(const char *id, int launcher_fd, const struct frame *setup, int *fds, size_t n_fds, struct error *err);

/* Sends CREATE when the guest is ready and the launcher has asked for it. */
int worker_create(struct worker *w, struct error *err);

/* A process has ended, or what held back its end may be over. */
int worker_exited(struct worker *w, struct remote *r, int wait_status, struct error *err);
int worker_check_end(struct worker *w, struct error *err);

/* A process has ended and its output is out: its worker, which is told how, may go. end_process() forgets the process, too. */
void tell_end(const struct remote *r);
void end_process(struct worker *w, struct remote *r);

/* Ends the VM because of e: everybody who waits is told. */
int worker_fail(struct worker *w, const struct error *e);

/* Asks the guest to power off, and makes sure that it does. */
int worker_power_off(struct worker *w);

/* template.c: the worker that makes a template -------------------------------------------------------------------------------- */

/* Boots a VM, saves it into the directory that came with the message, and answers. Returns 0 or < 0. */
int template_run(int launcher_fd, const struct frame *message, int *fds, size_t n_fds, struct error *err);

/* The agent has said HELLO and can be spoken to in this version of the protocol. */
int template_hello(struct worker *w, uint32_t version, struct error *err);

/* exec.c: the worker of an exec or a debugging shell, by setup->type -------------------------------------------------------------------------------------------- */

int exec_run(int launcher_fd, const struct frame *setup, int *fds, size_t n_fds, int *ret_wait_status, struct error *err);

/* join.c: the worker of a container in another's VM; takes launcher_fd -------------------------------------------------------- */

int join_run(int launcher_fd, const struct frame *message, int *fds, size_t n_fds, int *ret_wait_status, struct error *err);

#endif
