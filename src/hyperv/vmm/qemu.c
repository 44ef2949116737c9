/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU: a vm_spec as a command line, pure. The machine is microvm: no firmware worth the name, no PCI, only
 * virtio-mmio devices; every default is off unless something needs it, and what an option is for is said
 * beside it. Strings go into QEMU's key=value lists with their commas doubled (qemu(1)), so that no path or
 * id can add an option of its own.
 */
#include <inttypes.h>
#include <stdarg.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "hyperv/vmm/qemu.h"

#define MIB (UINT64_C(1) << 20)

/*
 * The machines. A kernel with one CPU patches 40,000 lock prefixes away, 0.2 s of emulated boot, unless it is told not to (noreplace-smp).
 *
 * microvm: the distribution's kernels have no CONFIG_VIRTIO_MMIO_CMDLINE_DEVICES, so ACPI tells the guest where its
 * devices are. That makes it a "hardware-reduced" machine, whose kernel uses no timer interrupt but the local
 * APIC's, calibrated by the TSC. Under KVM kvmclock tells the TSC's frequency, and neither PIC nor PIT
 * is needed. Under TCG the kernel would measure it against the PIT; on a busy host that fails, and the boot
 * then waits for a timer interrupt that never comes (16 of 16 boots with 4 at a time on 2 CPUs). So it is
 * told (tsc_early_khz), and told to trust it: the clock's watchdog compares with jiffies, which are late on a
 * busy host. The RTC stays under both: without it the distribution's kernel waits 2 to 3 s for one (rtc_cmos, "broken or not accessible"), and
 * under KVM QEMU leaves it out by default (hw/i386/microvm.c).
 *
 * microvm-noacpi: QEMU itself adds the devices to the command line of a kernel that can read them there, as the own one does
 * (contrib/guest/kernel.config): no ACPI tables are interpreted, nor kept in a clone.
 *
 * The CPU features that TCG loses: QEMU 7.2 emulates cmpxchg16b wrongly (random double faults), and
 * 5-level page tables cost time for nothing. erms: a kernel that believes in it clears and copies by the byte ("rep stosb"), and TCG makes each
 * byte a turn of a loop; without, it is eight bytes a turn. init_on_alloc=0: distributions' kernels clear all that they allocate, 9p's buffers for
 * every request among it. That is a second line of defence inside the guest (against a kernel that shows what it has not written); it is given up
 * where there is emulation alone, which is no boundary anyway, and the own kernel (contrib/guest/kernel.config) has not got it either.
 *
 * virt: arm64's, told by a device tree that QEMU writes; its firmware's flash stays empty. No interrupt translation service and no ACPI: there is no
 * PCI device to use them. pauth-impdef: pointers are signed by a hash of QEMU's own instead of the architecture's, which is half of a guest's
 * time when it is emulated (docs/system/arm/cpu-features.rst).
 */
enum { MICROVM, MICROVM_NOACPI, VIRT, _MACHINE_MAX };

#define X86_ARGS " no_timer_check reboot=t pci=off"
#define X86_TCG_CPU "max,cx16=off,la57=off,erms=off"
#define X86_TCG_ARGS X86_ARGS " tsc=reliable noreplace-smp init_on_alloc=0"

static const struct machine {
	const char *name, *options;
	struct {
		const char *machine, *cpu, *kernel_args;
	} accels[_VMM_ACCEL_MAX];
	const char *serial[2], *console[2]; /* without and with a console: the machine's options, the kernel's arguments */
	bool has_tsc;
} machines[_MACHINE_MAX] = {
	[MICROVM] = {
		.name = "microvm",
		.options = "acpi=on,pcie=off,usb=off",
		.accels = {
			[VMM_ACCEL_KVM] = {"accel=kvm,pic=off,pit=off,rtc=on", "host", X86_ARGS},
			[VMM_ACCEL_TCG] = {"accel=tcg", X86_TCG_CPU, X86_TCG_ARGS},
		},
		.serial = {",isa-serial=off", ",isa-serial=on"},
		.console = {" 8250.nr_uarts=0", " console=ttyS0"},
		.has_tsc = true,
	},
	[MICROVM_NOACPI] = {
		.name = "microvm",
		.options = "acpi=off,pcie=off,usb=off",
		.accels = {
			[VMM_ACCEL_KVM] = {"accel=kvm,rtc=off", "host", X86_ARGS},
			[VMM_ACCEL_TCG] = {"accel=tcg", X86_TCG_CPU, X86_TCG_ARGS},
		},
		.serial = {",isa-serial=off", ",isa-serial=on"},
		.console = {" 8250.nr_uarts=0", " console=ttyS0"},
		.has_tsc = true,
	},
	[VIRT] = {
		.name = "virt",
		.options = "its=off,acpi=off,usb=off",
		.accels = {
			[VMM_ACCEL_KVM] = {"accel=kvm,gic-version=host", "host", ""},
			[VMM_ACCEL_TCG] = {"accel=tcg,gic-version=3", "max,pauth-impdef=on", ""},
		},
		.serial = {"", ""},
		.console = {"", " console=ttyAMA0"},
	},
};

static const char *const x86_binaries[] = {"/usr/bin/qemu-system-x86_64", "/usr/local/bin/qemu-system-x86_64",
					   "/usr/libexec/qemu-kvm", NULL};

static const char *const arm64_binaries[] = {"/usr/bin/qemu-system-aarch64", "/usr/local/bin/qemu-system-aarch64", NULL};

/* Places: virtio-mmio's (hw/i386/microvm.c, of which ACPI's second interrupt controller has more; hw/arm/virt.c). They are there, used or not. */
static const struct vmm_machine machine_names[_MACHINE_MAX + 1] = {
	[MICROVM] = {"amd64", "microvm", 24, x86_binaries, "qemu-system-x86"},
	[MICROVM_NOACPI] = {"amd64", "microvm-noacpi", 8, x86_binaries, "qemu-system-x86"},
	[VIRT] = {"arm64", "virt", 32, arm64_binaries, "qemu-system-arm"},
};

/* A spec whose machine is not known has been refused before (vmm_binary()). */
static const struct machine *find_machine(const struct vm_spec *spec)
{
	struct error err;
	const struct vmm_machine *m = vmm_machine_find(&vmm_qemu, spec, &err);

	return &machines[m ? m - machine_names : 0];
}

/*
 * cryptomgr.notests: self-tests of algorithms nobody asked for, 0.2 s under TCG. panic=-1 oops=panic: a guest whose kernel has failed ends at
 * once. Of x86's, no_timer_check: the timer of a VM needs no test; reboot=t: by triple fault, the shortest way out of a machine without a
 * firmware to ask; pci=off: there is none to look for. What a kernel does not know it hands to init, whose arguments mean something else.
 */
#define KERNEL_ARGS "cryptomgr.notests panic=-1 oops=panic quiet"

/* option and its value, formatted. */
static void add(char ***argv, const char *option, const char *fmt, ...) _printf_(3, 4);
static void add(char ***argv, const char *option, const char *fmt, ...)
{
	_cleanup_free_ char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	value = xvasprintf(fmt, ap);
	va_end(ap);
	strv_append(argv, option);
	strv_append(argv, value);
}

static void add_words(char ***argv, char *const *words)
{
	for (; words && *words; words++)
		strv_append(argv, *words);
}

/* s as a value in a key=value list; the caller frees it. */
static char *quote(const char *s)
{
	struct buf b = {0};

	for (; *s; s++) {
		if (*s == ',')
			buf_append_str(&b, ",");
		buf_append(&b, s, 1);
	}
	return buf_take(&b);
}

static uint64_t memory_mib(const struct vm_spec *spec)
{
	return spec->memory / MIB + (spec->memory % MIB != 0);
}

/*
 * The RAM as a file: a template's is written to it (share=on), a clone maps it privately, so that what it writes is its own and costs only
 * that. Without reserve=off the kernel would count all of it for every clone (Documentation/mm/overcommit-accounting.rst).
 */
static bool has_memory_object(const struct vm_spec *spec)
{
	return spec->start != VMM_START_BOOT || spec->virtiofs;
}

/* What virtiofsd reads and writes is the guest's RAM itself. */
static void add_memory(char ***argv, const struct vm_spec *spec)
{
	if (spec->start == VMM_START_BOOT && spec->virtiofs)
		add(argv, "-object", "memory-backend-memfd,id=mem,size=%" PRIu64 "M,share=on", memory_mib(spec));
	else if (spec->start != VMM_START_BOOT)
		add(argv, "-object", "memory-backend-file,id=mem,size=%" PRIu64 "M,mem-path=/proc/self/fd/%d,%s", memory_mib(spec),
		    spec->memory_fd, spec->start == VMM_START_TEMPLATE ? "share=on" : "share=off,reserve=off");
}

static void add_machine(char ***argv, const struct vm_spec *spec)
{
	const struct machine *m = find_machine(spec);
	_cleanup_free_ char *name = quote(spec->name);

	add(argv, "-name", "guest=%s", name);
	add(argv, "-M", "%s,%s,%s%s%s", m->name, m->accels[spec->accel].machine, m->options, m->serial[spec->console_fd >= 0],
	    has_memory_object(spec) ? ",memory-backend=mem" : "");
	add(argv, "-cpu", "%s", m->accels[spec->accel].cpu);
	add(argv, "-smp", "%u", spec->vcpus);
	add(argv, "-m", "size=%" PRIu64 "M", memory_mib(spec));
	add_memory(argv, spec);
	strv_append(argv, "-nodefaults");
	strv_append(argv, "-no-user-config"); /* and no /etc/qemu of the host's */
	strv_append(argv, "-no-reboot");      /* the guest's reset is its end */
	add(argv, "-display", "none");
	/* QEMU's own seccomp filter: no new processes, no privileges, no scheduling, nothing obsolete. */
	add(argv, "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
}

/* A clone has its kernel in its RAM: nothing is loaded before its state is. */
static void add_kernel(char ***argv, const struct vm_spec *spec)
{
	const struct machine *m = find_machine(spec);
	_cleanup_buf_ struct buf cmdline = {0};

	if (spec->start == VMM_START_CLONE) {
		add(argv, "-incoming", "defer");
		return;
	}

	buf_printf(&cmdline, KERNEL_ARGS "%s%s", m->accels[spec->accel].kernel_args,
		   m->console[spec->console_fd >= 0]);
	if (spec->n_nics > 0)
		buf_append_str(&cmdline, " hvrun.network"); /* agent/boot.c */
	if (spec->storage)
		buf_append_str(&cmdline, " hvrun.storage");
	if (spec->virtiofs)
		buf_append_str(&cmdline, " hvrun.virtiofs");
	if (spec->has_root)
		buf_printf(&cmdline, " hvrun.root=%u", spec->root);
	if (m->has_tsc && spec->accel == VMM_ACCEL_TCG && spec->tsc_khz)
		buf_printf(&cmdline, " tsc_early_khz=%u", spec->tsc_khz);
	if (spec->verbose)
		buf_append_str(&cmdline, " loglevel=7"); /* over "quiet" */
	for (char *const *word = spec->kernel_args; word && *word; word++)
		buf_printf(&cmdline, " %s", *word);
	add(argv, "-kernel", "%s", spec->kernel);
	add(argv, "-initrd", "%s", spec->initrd);
	add(argv, "-append", "%s", cmdline.data);
}

static void add_port(char ***argv, int fd, const char *id, const char *name)
{
	if (fd < 0)
		return;
	add(argv, "-chardev", "socket,id=%s,fd=%d", id, fd);
	add(argv, "-device", "virtserialport,chardev=%s,name=%s", id, name);
}

static void add_share(char ***argv, const struct vm_spec *spec)
{
	_cleanup_free_ char *path = NULL;

	if (spec->virtiofs) {
		/* virtio-mmio's first version, QEMU's default, is one that vhost-user back ends do not speak */
		add(argv, "-global", "virtio-mmio.force-legacy=false");
		add(argv, "-chardev", "socket,id=share,fd=%d", spec->share_fd);
		/* with QEMU's usual 128 one large request fills the queue, and the guest tries the next one again each millisecond */
		add(argv, "-device", "vhost-user-fs-device,chardev=share,tag=" VMM_SHARE_TAG ",queue-size=1024");
		return;
	}
	if (!spec->share)
		return;
	path = quote(spec->share);
	/*
	 * passthrough: owners and modes on the host are the guest's, as QEMU runs with the host's root and may set them. multidevs=remap: several file systems
	 * below one export keep distinct inode numbers.
	 */
	add(argv, "-fsdev", "local,id=share,path=%s,security_model=passthrough,multidevs=remap", path);
	add(argv, "-device", "virtio-9p-device,fsdev=share,mount_tag=" VMM_SHARE_TAG);
}

static void add_devices(char ***argv, const struct vm_spec *spec)
{
	if (spec->console_fd >= 0) {
		add(argv, "-chardev", "socket,id=console,fd=%d", spec->console_fd);
		add(argv, "-serial", "chardev:console");
	}
	if (spec->qmp_fd >= 0) {
		add(argv, "-chardev", "socket,id=qmp,fd=%d", spec->qmp_fd);
		add(argv, "-mon", "chardev=qmp,mode=control");
	}
	add(argv, "-device", "virtio-serial-device,max_ports=4");
	add_port(argv, spec->control_fd, "control", VMM_PORT_CONTROL);
	add_port(argv, spec->stream_fd, "stream", VMM_PORT_STREAM);
	add_share(argv, spec);
}

/* No vhost: QEMU's own back end is the same under both accelerators, and a template's state fits it alone. */
static void add_nics(char ***argv, const struct vm_spec *spec)
{
	for (unsigned i = 0; i < spec->n_nics; i++) {
		add(argv, "-netdev", "tap,id=net%u,fd=%d,vhost=off", i, spec->nic_fds[i]);
		add(argv, "-device", "virtio-net-device,netdev=net%u,mac=" VMM_NIC_ADDRESS "%02x", i, i);
	}
}

/* A descriptor, in a set of its own, is all of the host's that QEMU gets to see of a disk. */
char *qemu_disk_node(const struct vmm_disk *d, unsigned i, unsigned set)
{
	const char *readonly = d->readonly ? "true" : "false", *driver = d->device ? "host_device" : "file";
	_cleanup_free_ char *file = xasprintf("\"driver\":\"%s\",\"filename\":\"/dev/fdset/%u\",\"read-only\":%s,\"discard\":\"unmap\"%s", driver, set, readonly,
					       d->unlocked ? ",\"locking\":\"off\"" : "");

	return xasprintf("{\"driver\":\"%s\",\"node-name\":\"" QEMU_DISK_NODE "%u\",\"read-only\":%s%s,\"discard\":\"unmap\",\"file\":{%s}}",
			 vmm_disk_format_to_string(d->format), i, readonly, d->format == VMM_DISK_QCOW2 ? ",\"backing\":null" : "", file);
}

static void add_empty_node(char ***argv, const char *name, unsigned i, const char *more)
{
	add(argv, "-blockdev", "{\"driver\":\"null-co\",\"node-name\":\"%s%u\",\"size\":1048576,\"read-zeroes\":true%s}", name, i, more);
}

/* Errors are reported to the guest: QEMU's default is to stop the VM when the host has no room left (ENOSPC), for somebody to go on. */
static void add_disk(char ***argv, const char *id, const char *node, unsigned i)
{
	add(argv, "-device", "virtio-blk-device,%sdrive=%s%u,serial=" VMM_DISK_SERIAL "%u,werror=report,rerror=report", id, node, i, i);
}

/* A template's disks are there and have nothing in them: the guest's driver looks at a disk when a container is made, and not before (agent/disks.c). */
static void add_disks(char ***argv, const struct vm_spec *spec)
{
	for (unsigned i = 0; i < spec->n_disks; i++) {
		if (spec->start == VMM_START_TEMPLATE) {
			add_empty_node(argv, QEMU_DISK_NODE, i, "");
		} else {
			_cleanup_free_ char *node = qemu_disk_node(&spec->disks[i], i, i);

			add(argv, "-add-fd", "fd=%d,set=%u", spec->disks[i].fd, i);
			add(argv, "-blockdev", "%s", node);
		}
		add_disk(argv, "", QEMU_DISK_NODE, i);
	}
}

/* What is in a spare disk when nothing is: a node of its own, and for good (qemu_media.c). */
static void add_spares(char ***argv, const struct vm_spec *spec)
{
	unsigned i = spec->n_disks;

	for (int kind = 0; kind < _VMM_SPARE_MAX; kind++)
		for (unsigned end = i + spec->n_spares[kind]; i < end; i++) {
			_cleanup_free_ char *id = xasprintf("id=" QEMU_SPARE_ID "%u,", i);

			add_empty_node(argv, QEMU_EMPTY_NODE, i, kind == VMM_SPARE_READONLY ? ",\"read-only\":true" : "");
			add_disk(argv, id, QEMU_EMPTY_NODE, i);
		}
}

static char **qemu_command(const struct vm_spec *spec, const char *binary)
{
	char **argv = NULL;

	strv_append(&argv, binary);
	add_machine(&argv, spec);
	add_kernel(&argv, spec);
	add_devices(&argv, spec);
	add_nics(&argv, spec);
	add_disks(&argv, spec);
	add_spares(&argv, spec);
	add_words(&argv, spec->args);
	return argv;
}

/*
 * Libraries, where the distributions have them (Debian's multiarch, lib64, and one's own build), QEMU's modules among them, and the firmware.
 * Nothing in these is anybody's secret.
 */
static const char *const host_files[] = {
	"/etc/ld.so.cache", "/lib64", "/usr/lib64", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
	"/usr/lib/aarch64-linux-gnu", "/lib/ld-linux-aarch64.so.1", "/usr/local/lib", "/usr/share/qemu", "/usr/share/qemu-kvm",
	"/usr/share/seabios", "/usr/local/share/qemu", "/dev/null", "/dev/urandom", NULL,
};

const struct vmm_ops vmm_qemu = {
	.name = "qemu",
	.machines = machine_names,
	.files = host_files,
	.command = qemu_command,
	.monitor_new = qemu_monitor_new,
	.monitor_free = qemu_monitor_free,
	.save = qemu_save,
	.load = qemu_load,
	.insert = qemu_insert,
	.eject = qemu_eject,
};
