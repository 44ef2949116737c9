# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bundles that runtimes are measured with: what "hvrun spec" writes, and what docker and Kubernetes make of it."""
import json
import os
import platform
import shutil
import subprocess

# 400 names, as a profile that lists what is allowed has them: those of x86-64 and i386, without what no profile allows.
NAMES = """
    _llseek _newselect accept accept4 access add_key adjtimex alarm arch_prctl bind bpf brk capget capset chdir chmod chown
    chown32 chroot clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep
    clock_nanosleep_time64 clock_settime clock_settime64 clone clone3 close close_range connect copy_file_range creat dup dup2
    dup3 epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 execve execveat exit exit_group
    faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_init fanotify_mark fchdir fchmod fchmodat fchown fchown32
    fchownat fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsconfig fsetxattr fsmount fsopen fspick fstat
    fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate ftruncate64 futex futex_time64 futex_waitv futimesat get_mempolicy
    get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid geteuid32 getgid getgid32
    getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid getresgid32
    getresuid getresuid32 getrlimit getrusage getsid getsockname getsockopt gettid gettimeofday getuid getuid32 getxattr
    inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
    io_pgetevents_time64 io_setup io_submit io_uring_enter io_uring_register io_uring_setup ioctl ioprio_get ioprio_set ipc kcmp
    keyctl kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown lchown32 lgetxattr link linkat listen
    listxattr llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise mbind membarrier memfd_create memfd_secret
    migrate_pages mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mount mount_setattr move_mount move_pages
    mprotect mq_getsetattr mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink
    mremap msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep newfstatat nice open
    open_by_handle_at open_tree openat openat2 pause perf_event_open personality pidfd_getfd pidfd_open pidfd_send_signal pipe
    pipe2 pivot_root pkey_alloc pkey_free pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64
    process_madvise process_mrelease process_vm_readv process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2
    quotactl quotactl_fd read readahead readdir readlink readlinkat readv recvfrom recvmmsg recvmmsg_time64 recvmsg
    remap_file_pages removexattr rename renameat renameat2 request_key restart_syscall rmdir rseq rt_sigaction rt_sigpending
    rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo
    sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam sched_getscheduler
    sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity sched_setattr sched_setparam sched_setscheduler
    sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 sendfile sendfile64 sendmmsg sendmsg sendto
    set_mempolicy set_mempolicy_home_node set_robust_list set_thread_area set_tid_address setdomainname setfsgid setfsgid32
    setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 sethostname setitimer setns setpgid setpriority setregid setregid32
    setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit setsid setsockopt settimeofday setuid setuid32
    setxattr shmat shmctl shmdt shmget shutdown sigaction sigaltstack signal signalfd signalfd4 sigpending sigprocmask sigreturn
    sigsuspend socket socketcall socketpair splice stat stat64 statfs statfs64 statx stime symlink symlinkat sync sync_file_range
    syncfs sysinfo syslog tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
    timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate
    truncate64 ugetrlimit umask umount umount2 uname unlink unlinkat unshare userfaultfd utime utimensat utimensat_time64 utimes
    vfork vhangup vmsplice wait4 waitid waitpid write writev
""".split()

MASKED = ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
          "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"]
READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]
ARCHITECTURES = {"x86_64": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"], "aarch64": ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"]}


def profile(config, names):
    """An allow list."""
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 1,
                                  "architectures": ARCHITECTURES.get(platform.machine(), []),
                                  "syscalls": [{"names": names, "action": "SCMP_ACT_ALLOW"}]}


def rules(config, n):
    """n rules about an argument's value, which no call of anybody has."""
    never = [{"index": 0, "value": 0xdeadbeef0000dead, "op": "SCMP_CMP_EQ"}]
    config["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ARCHITECTURES.get(platform.machine(), []),
                                  "syscalls": [{"names": [name], "action": "SCMP_ACT_ERRNO", "args": never} for name in NAMES[:n]]}


def bare(config):
    """What "hvrun spec" writes: five namespaces, the standard mounts, masks and device rules."""
    del config


def docker(config):
    """docker run: a profile with rules about arguments, masks, a limit."""
    profile(config, [n for n in NAMES if n not in ("personality", "clone", "clone3")])
    more = config["linux"]["seccomp"]["syscalls"]
    for value in (0, 8, 131072, 131080, 4294967295):
        more.append({"names": ["personality"], "action": "SCMP_ACT_ALLOW", "args": [{"index": 0, "value": value, "op": "SCMP_CMP_EQ"}]})
    more.append({"names": ["clone"], "action": "SCMP_ACT_ALLOW",
                 "args": [{"index": 0, "value": 2114060288, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}]})
    more.append({"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": 38})
    config["linux"].update(maskedPaths=MASKED, readonlyPaths=READONLY)
    config["linux"]["resources"]["memory"] = {"limit": 512 << 20}


def kubernetes(config):
    """A pod's container: 400 names, masks, limits, 20 mounts more (volumes, secrets, tokens, hosts, termination log)."""
    profile(config, NAMES)
    config["linux"].update(maskedPaths=MASKED, readonlyPaths=READONLY)
    config["linux"]["resources"].update(memory={"limit": 512 << 20}, cpu={"shares": 512, "quota": 100000, "period": 100000}, pids={"limit": 1024})
    mounts(config, 20)


def mounts(config, n):
    """n more: of ten, eight directories and files of the host, half of them read-only, and two of tmpfs"""
    for i in range(n):
        if i % 5 == 4:
            m = {"destination": f"/m{i}", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "nodev", "size=1m"]}
        else:
            m = {"destination": f"/m{i}", "type": "bind", "source": config["bench"]["volumes"], "options": ["rbind", "rprivate", "ro" if i % 2 else "rw"]}
        config["mounts"].append(m)


CONFIGURATIONS = {"bare": bare, "docker": docker, "kubernetes": kubernetes}



class Bundles:
    """Makes each bundle once: by what changes config.json and what the container's process does."""

    def __init__(self, scratch, hvrun, files):
        self.scratch = scratch
        self.volumes = os.path.join(scratch, "volume")
        self.rootfs = os.path.join(scratch, "rootfs")
        self.made = {}
        os.makedirs(self.volumes)
        for name in ("proc", "dev", "sys/fs/cgroup", "data"):
            os.makedirs(os.path.join(self.rootfs, name))
        for name, path in files.items():
            shutil.copy(path, os.path.join(self.rootfs, name))
        subprocess.run([hvrun, "spec"], cwd=scratch, check=True, stdout=subprocess.DEVNULL)
        with open(os.path.join(scratch, "config.json"), encoding="utf-8") as f:
            self.standard = f.read()

    def get(self, name, change, args):
        """The directory of the bundle; change(config) edits it."""
        path = os.path.join(self.scratch, name)
        if path in self.made:
            return path
        config = json.loads(self.standard)
        config["ociVersion"] = "1.0.2"  # what all of them know
        config["process"].update(terminal=False, args=args)
        config["root"]["path"] = self.rootfs
        config["bench"] = {"volumes": self.volumes}
        change(config)
        del config["bench"]
        os.makedirs(path)
        with open(os.path.join(path, "config.json"), "w", encoding="utf-8") as f:
            json.dump(config, f)
        self.made[path] = True
        return path
