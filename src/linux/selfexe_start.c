/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where the kernel enters hvrun, before the C library does anything: the verbs that start processes run from an unwritable image
 * (selfexe.c), and what the library does at its start (relocating, asking the CPU what it can: in a virtual machine each CPUID is an exit
 * to the hypervisor) would be done once for the image that is left at once, and again. A shortcut, not the protection: selfexe_protect()
 * looks at the result, and does it in the usual way when there is none.
 *
 * Nothing is relocated yet and there is no thread-local storage: only this file's own code and system calls, no library function, no
 * pointer in static data, no stack protector (Makemodule.am).
 */
#include <fcntl.h>
#include <linux/mount.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

void selfexe_start(long *stack);

#if defined(__x86_64__)

__asm__(".text\n"
	".globl hv_start\n"
	".type hv_start, @function\n"
	"hv_start:\n"
	"	endbr64\n"
	"	xor %ebp, %ebp\n"
	"	mov %rdx, %rbx\n" /* for _start: what to call at exit */
	"	mov %rsp, %rdi\n"
	"	call selfexe_start\n"
	"	mov %rbx, %rdx\n"
	"	jmp _start\n");

static long call(long n, long a, long b, long c, long d, long e)
{
	register long r10 __asm__("r10") = d, r8 __asm__("r8") = e;
	long r;

	__asm__ volatile("syscall" : "=a"(r) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8) : "rcx", "r11", "memory");
	return r;
}

#elif defined(__aarch64__)

__asm__(".text\n"
	".globl hv_start\n"
	".type hv_start, %function\n"
	"hv_start:\n"
	"	bti c\n"
	"	mov x29, xzr\n"
	"	mov x19, x0\n"
	"	mov x0, sp\n"
	"	bl selfexe_start\n"
	"	mov x0, x19\n"
	"	mov x30, xzr\n"
	"	b _start\n");

static long call(long n, long a, long b, long c, long d, long e)
{
	register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d, x4 __asm__("x4") = e;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
	return x0;
}

#else
#error "configure chooses this file on the architectures above only"
#endif

static int equal(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

/*
 * Whether one of these verbs may be meant. Where options end is the command line's business: a container of such a name costs an
 * execve(2).
 */
static int starts_process(char *const *argv)
{
	static const char verbs[][8] = { "create", "run", "exec", "restore" };

	for (; *argv; argv++)
		for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
			if (equal(*argv, verbs[i]))
				return 1;
	return 0;
}

static int is_readonly(long statfs_result, const struct statfs *fs)
{
	return statfs_result == 0 && (fs->f_flags & ST_RDONLY);
}

void selfexe_start(long *stack)
{
	static const char exe[] = "/proc/self/exe", empty[] = "";
	char *const *argv = (char *const *)(stack + 1);
	uint64_t readonly[4] = { MOUNT_ATTR_RDONLY }; /* struct mount_attr */
	struct statfs fs;
	long fd;

	if (stack[0] < 1 || !starts_process(argv + 1))
		return;
	if (is_readonly(call(SYS_statfs, (long)exe, (long)&fs, 0, 0, 0), &fs))
		return;
	fd = call(SYS_open_tree, AT_FDCWD, (long)exe, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC, 0, 0);
	if (fd < 0)
		return;
	if (call(SYS_mount_setattr, fd, (long)empty, AT_EMPTY_PATH, (long)readonly, sizeof(readonly)) == 0 &&
	    is_readonly(call(SYS_fstatfs, fd, (long)&fs, 0, 0, 0), &fs)) /* or it would go on for ever */
		call(SYS_execveat, fd, (long)empty, (long)argv, (long)(argv + stack[0] + 1), AT_EMPTY_PATH);
	call(SYS_close, fd, 0, 0, 0, 0);
}
