/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_PROCESS_H
#define HV_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What proc_pid_stat(5) says: fields 3, 4 and 22. */
struct process_stat {
	char state; /* R S D T t Z X I ... */
	pid_t ppid;
	uint64_t start_time; /* clock ticks since boot: together with the pid, a process's identity */
};

/* Returns 0, -ESRCH when there is no such process, or another -errno. */
int process_get_stat(pid_t pid, struct process_stat *ret);

/* The same by an open directory of /proc: -ESRCH when the process that it was opened for has gone, whoever has its pid now. */
int process_get_stat_at(int proc_dirfd, struct process_stat *ret);

/* Whether pid is the process that started at start_time and has not exited: a zombie has. */
bool process_is_alive(pid_t pid, uint64_t start_time);

/* Its state (field 3) when it is, else 0. */
char process_look(pid_t pid, uint64_t start_time);

/* pidfd_open(2): a CLOEXEC fd, readable when the process has exited, or -errno. */
int process_pidfd_open(pid_t pid);

/*
 * A pidfd of the process that started at start_time, or -ESRCH when that one is gone, whoever has its pid
 * now.
 */
int process_pidfd_open_exact(pid_t pid, uint64_t start_time);

/* pidfd_send_signal(2). Returns 0 or -errno. */
int process_pidfd_kill(int pidfd, int sig);

/* Waits until the process has exited, or timeout_ms (-1: for ever) has passed: -ETIMEDOUT. */
int process_pidfd_wait(int pidfd, int timeout_ms);

/* waitpid(2) for one child, through EINTR. Returns 0 with *ret_status (wait status), or -errno. */
int process_wait(pid_t pid, int *ret_status);

/* The exit status that shells and runc give: the exit code, or 128 + the signal's number. */
int process_exit_status(int wait_status);

/*
 * Dies by the signal that a wait status names, or exits with its code: what a stand-in for a process does at
 * its end.
 */
void process_exit_like(int wait_status) __attribute__((noreturn));

/* A program to start. */
struct process_spawn {
	const char *path; /* absolute; no search in PATH */
	char *const *argv;
	char *const *envp;   /* NULL: this process's own */
	int stdio[3];        /* become 0, 1, 2; -1: /dev/null */
	const int *keep_fds; /* stay open under their own numbers; every other fd above 2 does not reach the
				program */
	size_t n_keep_fds;
	const char *cwd;         /* NULL: unchanged */
	bool new_group;          /* the leader of a process group of its own, setpgid(2) */
	bool new_session;        /* setsid(2) */
	bool terminal;           /* with new_session: stdio[0] is its controlling terminal */
	int parent_death_signal; /* prctl(2) PR_SET_PDEATHSIG; 0: none */
};

/*
 * Starts a program by vfork(2), with default signal dispositions and an empty signal mask. Returns 0 with
 * *ret_pid, or -errno, the one of execve(2) included: then there is no child to wait for. Allocates nothing.
 */
int process_spawn(const struct process_spawn *spec, pid_t *ret_pid);

/*
 * A signal's number from "9", "KILL", "SIGKILL", "sigkill", "RTMIN", "RTMIN+3", "RTMAX-1". Returns it, or
 * -EINVAL. 0 is accepted only as a number.
 */
int signal_from_string(const char *s);

/* "SIGKILL", "SIGRTMIN+3"; "SIG<n>" for a number without a name. buf of at least 16 bytes. Returns buf. */
const char *signal_to_string(int sig, char *buf, size_t size);

#endif
