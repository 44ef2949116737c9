/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_LINUX_COPY_TREE_H
#define HV_LINUX_COPY_TREE_H

/*
 * Copies what is in directory from_fd (open for reading) into directory to_fd: directories, files, symlinks,
 * with mode, owner and times; devices, sockets and FIFOs as nodes. Does not follow symlinks and does not
 * enter other mounts. Returns 0 or -errno; what was copied by then stays. Async-signal-safe; descends
 * COPY_TREE_DEPTH levels at most (-ELOOP).
 */
enum { COPY_TREE_DEPTH = 64 };
int copy_tree(int from_fd, int to_fd);

#endif
