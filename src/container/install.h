/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_INSTALL_H
#define HV_CONTAINER_INSTALL_H

/* What belongs to hvrun besides the program itself. */
enum install_file { INSTALL_WORKER, INSTALL_AGENT, INSTALL_KERNEL, INSTALL_INITRD, _INSTALL_MAX };

/*
 * Where a file of ours is: in the build tree when this program runs from one (then it lies beside the
 * worker), else where `make install` puts it. An absolute path for free(); whether something is there is for
 * the user of it to find out.
 */
char *install_path(enum install_file file);

/* The same for the kernel or the initramfs of another architecture's guest ("arm64"): beside the usual guest's directory, in "guest-arm64". */
char *install_foreign_guest(const char *architecture, enum install_file file);

#endif
