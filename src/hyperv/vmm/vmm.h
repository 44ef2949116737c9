/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_HYPERV_VMM_VMM_H
#define HV_HYPERV_VMM_VMM_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/event.h"

/* Where the worker and the VMM, in their jail, have the share tree. */
#define JAIL_SHARE_DIR "/share"

/* Who runs the guest's instructions. TCG is emulation: everything works, but QEMU does not promise isolation
 * there. */
enum vmm_accel { VMM_ACCEL_KVM, VMM_ACCEL_TCG, _VMM_ACCEL_MAX, _VMM_ACCEL_INVALID = -EINVAL };

/* "kvm", "tcg"; from_string is exact and gives _VMM_ACCEL_INVALID for anything else. */
const char *vmm_accel_to_string(enum vmm_accel accel);
enum vmm_accel vmm_accel_from_string(const char *s);

/* Names on both ends of a VM: the virtio-serial ports, and the tag of the 9p share. */
#define VMM_PORT_CONTROL "hvrun.control"
#define VMM_PORT_STREAM "hvrun.stream"
#define VMM_SHARE_TAG "share"

/* Network cards: this many at most; number i has VMM_NIC_ADDRESS and i as the last byte until the guest gives it another address. */
enum { VMM_NICS_MAX = 8 };
#define VMM_NIC_ADDRESS "52:54:00:68:76:"

/*
 * Disks: this many at most. The guest knows number i by its serial, VMM_DISK_SERIAL and i. The format is said, never found out: a guest may write what
 * looks like another one's header.
 */
enum { VMM_DISKS_MAX = 20 };
#define VMM_DISK_SERIAL "hvrun"
enum vmm_disk_format { VMM_DISK_RAW, VMM_DISK_QCOW2, _VMM_DISK_FORMAT_MAX, _VMM_DISK_FORMAT_INVALID = -EINVAL };
const char *vmm_disk_format_to_string(enum vmm_disk_format format);
enum vmm_disk_format vmm_disk_format_from_string(const char *s);
struct vmm_disk {
	int fd; /* inherited as the sockets are; open for reading alone when readonly */
	enum vmm_disk_format format;
	bool readonly;
	bool device; /* a block device of the host's, no file */
	bool unlocked; /* it does not keep others from having it as a disk */
};

/*
 * Spare disks: there from the beginning with nothing in them, for a medium that is put in while the VM runs (vmm_ops.insert). Whether one can be written is
 * decided when the VM is made. Their numbers go on behind those of the disks: first all that can be written.
 */
enum vmm_spare { VMM_SPARE_WRITABLE, VMM_SPARE_READONLY, _VMM_SPARE_MAX };
enum { VMM_SPARES_MAX = 8 }; /* of either kind */
/* What each VM has beside cards and disks: the ports' controller and the share. */
enum { VMM_DEVICES_ALWAYS = 2 };

/* How a VM begins: its kernel boots, boots so as to be saved as a template, or it goes on where a template was saved. */
enum vmm_start { VMM_START_BOOT, VMM_START_TEMPLATE, VMM_START_CLONE };

/*
 * A virtual machine as plain data, everything decided and nothing opened. Strings and vectors are borrowed;
 * an fd is one end of a SOCK_STREAM socket, inherited by the VMM under that very number (not CLOEXEC at its
 * exec), -1 = the machine has no such device.
 */
struct vm_spec {
	const char *name;   /* the container's id: the VM's name */
	const char *architecture; /* of the guest, by Go's names; NULL: that of the driver's first machine */
	const char *machine;      /* a name that the driver knows; NULL: its first one for the architecture */
	const char *binary; /* absolute path of the VMM; NULL: the driver's own, from PATH's usual places */
	enum vmm_accel accel;
	uint64_t memory;    /* the guest's RAM in bytes, rounded up to whole MiB */
	unsigned vcpus;     /* >= 1 */
	unsigned tsc_khz;   /* what vmm_tsc_khz() says; matters under TCG, 0 = the guest measures it itself */
	const char *kernel; /* uncompressed ELF with a PVH note */
	const char *initrd; /* uncompressed cpio with the agent as /init */
	char *const *kernel_args; /* NULL-terminated words added to the kernel's command line; NULL = none */
	bool verbose;             /* the guest's kernel prints all that it has to say */
	char *const *args;        /* NULL-terminated words added to the VMM's command line; NULL = none */
	const char *share;        /* directory exported by 9p under VMM_SHARE_TAG; NULL = none */
	bool virtiofs;            /* the VMM exports nothing: virtiofsd does, at the other end of share_fd. Not of templates and their copies */
	const char *virtiofsd;    /* its program; NULL: where it usually is */
	unsigned virtiofs_timeout; /* seconds for which names and attributes are not asked for again */
	int share_fd;             /* vhost-user, inherited as those below are */
	int control_fd;           /* VMM_PORT_CONTROL */
	int stream_fd;            /* VMM_PORT_STREAM */
	int console_fd; /* what the guest's kernel prints (a panic, mostly): whoever reads the other end
			   bounds it */
	int qmp_fd;     /* QEMU's monitor: monitor_new() has the other end */
	const int *nic_fds; /* one tap with IFF_VNET_HDR for each network card, inherited as the sockets are */
	unsigned n_nics;
	const struct vmm_disk *disks; /* of a template nothing counts but how many there are */
	unsigned n_disks;
	bool has_root; /* disk number root is the guest's own root file system; else that is the initramfs */
	unsigned root;
	unsigned n_spares[_VMM_SPARE_MAX]; /* of each kind; with some, qmp_fd is needed */
	bool storage; /* the guest needs drivers for disks and their file systems, and overlayfs */
	enum vmm_start start;
	int memory_fd; /* not of VMM_START_BOOT: the file that is (a template's) or becomes (a copy of it) the RAM */
};

/* The monitor of a running VMM, on an event loop: what saves and loads go through. */
struct vmm_monitor;
struct vmm_monitor_ops {
	/* The last call: what was asked for has failed. May free the monitor. < 0 ends the loop. */
	int (*failed)(void *data, const struct error *reason, struct error *err);
	/*
	 * insert or eject of spare disk number i is done; e says why it has failed, or is NULL. After an insert that has failed the disk is empty again.
	 * Must not free the monitor. < 0 ends the loop.
	 */
	int (*changed)(void *data, unsigned i, const struct error *e, struct error *err);
};

/* A machine that a driver can make, and where the program for it usually is. */
struct vmm_machine {
	const char *architecture, *name;
	unsigned places; /* for devices: VMM_DEVICES_ALWAYS, cards and disks */
	const char *const *binaries; /* NULL-terminated, first that can be executed wins */
	const char *package;	     /* that has them, for a message */
};

/* A kind of VMM. A new one is one more const of this type and a row in vmm.c's table (doc/HACKING.md, "add a
 * VMM"). */
struct vmm_ops {
	const char *name; /* "qemu" */
	const struct vmm_machine *machines; /* the last one has no name */
	/*
	 * Directories and files of the host that it reads, as far as they are there, NULL-terminated. What is below /usr/local is for a binary
	 * from there.
	 */
	const char *const *files;
	/*
	 * The command line for spec: pure. Returns a fresh vector for strv_free(), argv[0] is binary.
	 */
	char **(*command)(const struct vm_spec *spec, const char *binary);
	/*
	 * Opens the monitor of a VMM that has just been started; takes fd. save: the VM, which runs, is stopped, its devices are written to
	 * state_fd, and the VMM exits with status 0 when the file is complete. load: the VM (VMM_START_CLONE) goes on from there; one that
	 * cannot makes the VMM exit. state_fd stays the caller's. They return 0 or < 0; what fails later is told by ops->failed().
	 */
	int (*monitor_new)(struct event_loop *loop, int fd, const struct vmm_monitor_ops *ops, void *data,
			   struct vmm_monitor **ret, struct error *err);
	struct vmm_monitor *(*monitor_free)(struct vmm_monitor *m);
	int (*save)(struct vmm_monitor *m, int state_fd, struct error *err);
	int (*load)(struct vmm_monitor *m, int state_fd, struct error *err);
	/*
	 * Puts a medium into spare disk number i, which is empty, or takes it out: from then on nothing of the VM's has it open, whatever the guest does.
	 * medium->fd stays the caller's. They return 0, and ops->changed() is called once for each, in their order; or < 0.
	 */
	int (*insert)(struct vmm_monitor *m, unsigned i, const struct vmm_disk *medium, struct error *err);
	int (*eject)(struct vmm_monitor *m, unsigned i, struct error *err);
};

extern const struct vmm_ops vmm_qemu;

/* The driver called name, NULL = the default one. NULL with *err (which lists the valid names) when there is
 * none. */
const struct vmm_ops *vmm_find(const char *name, struct error *err);

/* The machine that spec asks for. NULL with *err, which lists those that there are. Pure. */
const struct vmm_machine *vmm_machine_find(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err);

/* How many devices spec's machine has places for beside those that spec has; 0 where it is not known. Pure. */
unsigned vmm_room(const struct vmm_ops *ops, const struct vm_spec *spec);
/* Whether the machine has places for all of spec's cards and disks. 0, or -E2BIG with the numbers in *err. Pure. */
int vmm_check_places(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err);

/* The VMM's executable for spec: spec->binary, or the first of its machine's that is there. NULL with *err.
 * Borrowed. */
const char *vmm_binary(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err);

/* The executable of spec's virtiofsd: spec->virtiofsd, or the first that is at a usual place. NULL with *err, which names these. Borrowed. */
const char *vmm_virtiofsd(const struct vm_spec *spec, struct error *err);

/*
 * Its command line: it serves dir to whoever calls at listen_fd, a listening socket that it inherits. file_capabilities: the guest may set those of files.
 * timeout: vm_spec's virtiofs_timeout. Pure. Returns a fresh vector for strv_free().
 */
struct virtiofsd {
	const char *binary, *dir;
	int listen_fd;
	bool file_capabilities;
	unsigned timeout;
};
char **vmm_virtiofsd_command(const struct virtiofsd *v);

/*
 * Whether this host can run spec: the accelerator is usable, binary, kernel and initramfs are there, and virtiofsd where it is needed. One
 * clear line in *err otherwise, naming the file and what makes it or the option that allows what is missing.
 * Changes nothing. Returns 0 or < 0.
 */
int vmm_probe(const struct vmm_ops *ops, const struct vm_spec *spec, struct error *err);

/*
 * Whether KVM can run a guest here: on x86 the CPU flag vmx or svm, /dev/kvm that opens, and a KVM_CREATE_VM
 * that succeeds (a /dev/kvm that opens is no proof: kvm(4), Documentation/virt/kvm/api.rst). Returns 0 or < 0
 * with the reason in *err.
 */
int vmm_probe_kvm(struct error *err);

/*
 * The frequency of this host's time stamp counter in kHz, measured for 2 ms; 0 where there is none. Under TCG
 * the guest's counter is the host's, and the guest cannot measure it reliably when the host is busy: it has
 * to be told (qemu.c says why).
 */
unsigned vmm_tsc_khz(void);

#endif
