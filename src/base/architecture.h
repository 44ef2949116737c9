/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_BASE_ARCHITECTURE_H
#define HV_BASE_ARCHITECTURE_H

/* What this program was built for, by the names of the OCI image specification (Go's GOARCH). */
#if defined(__x86_64__)
#define HOST_ARCHITECTURE "amd64"
#elif defined(__i386__)
#define HOST_ARCHITECTURE "386"
#elif defined(__aarch64__)
#define HOST_ARCHITECTURE "arm64"
#elif defined(__arm__)
#define HOST_ARCHITECTURE "arm"
#elif defined(__riscv) && __riscv_xlen == 64
#define HOST_ARCHITECTURE "riscv64"
#elif defined(__s390x__)
#define HOST_ARCHITECTURE "s390x"
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define HOST_ARCHITECTURE "ppc64le"
#elif defined(__loongarch64)
#define HOST_ARCHITECTURE "loong64"
#else
#define HOST_ARCHITECTURE "unknown"
#endif

#endif
