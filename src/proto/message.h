/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_PROTO_MESSAGE_H
#define HV_PROTO_MESSAGE_H

#include <stdint.h>

/* The versions of the protocol that this code speaks: the agent offers a range, the host chooses
 * (doc/PROTOCOL.md). */
enum { PROTOCOL_VERSION_MIN = 1, PROTOCOL_VERSION_MAX = 1 };

/* Names on both ends of a VM: the virtio-serial ports. */
#define PROTOCOL_PORT_CONTROL "hvrun.control"
#define PROTOCOL_PORT_STREAM "hvrun.stream"

/* Where the guest has the share tree. */
#define PROTOCOL_SHARE_DIR "/run/share"

/*
 * What a frame is about; the numbers are on the wire and never change their meaning. The body is JSON
 * (src/schema/agent.json, worker.json) but for MESSAGE_DATA and MESSAGE_CREDIT.
 */
enum message {
	/* control port: agent → host, once, first */
	MESSAGE_HELLO = 1,
	/* control port and control.sock: requests, each answered by a reply of the same type and id */
	MESSAGE_SEED = 2,
	MESSAGE_CREATE = 3,
	MESSAGE_START = 4,
	MESSAGE_EXEC = 5,
	MESSAGE_SIGNAL = 6,
	MESSAGE_RESIZE = 8,
	MESSAGE_DESTROY = 9,
	MESSAGE_FREEZE = 10,
	MESSAGE_UPDATE = 11,
	MESSAGE_PROCESSES = 12,
	MESSAGE_STATS = 13,
	MESSAGE_WAIT_OOM = 14,
	MESSAGE_NETWORK = 15,
	MESSAGE_REMOVE = 17,
	MESSAGE_MOUNT = 20,
	MESSAGE_DEBUG = 21,
	/* control.sock: the worker of a container that is added to a VM which runs already */
	MESSAGE_ADD = 18,
	MESSAGE_SHARE = 19,
	MESSAGE_DISK = 22,
	/* stream port and control.sock: how a process ended; id = its number */
	MESSAGE_EXIT = 16,
	/* stream port; id = stream_id() */
	MESSAGE_DATA = 32,   /* bytes */
	MESSAGE_EOF = 33,    /* no more MESSAGE_DATA on this stream */
	MESSAGE_CREDIT = 34, /* u32, little-endian: so many more bytes may be sent */
	MESSAGE_RESET = 35,  /* the receiver is gone: what writes there shall see EPIPE */
	/* the socket between hvrun and a worker that it starts */
	MESSAGE_SETUP = 64,
	MESSAGE_TEMPLATE = 65,
	MESSAGE_JOIN = 66,
};

/* "HELLO" ...; "?" for a number without a meaning. */
const char *message_to_string(unsigned type);

/* Processes are numbered by the host: the VM's own container's is 1, each exec and each container that is added gets the next number. */
enum { PROCESS_INIT = 1, PROCESS_MAX = INT32_MAX };

/*
 * The three streams of a process; with a terminal, input is STREAM_STDIN and output STREAM_STDOUT. STREAM_PROGRAM is DEBUG's alone: the file that will be
 * executed.
 */
enum stream_which { STREAM_STDIN, STREAM_STDOUT, STREAM_STDERR, STREAM_PROGRAM, _STREAM_MAX };

static inline uint64_t stream_id(uint32_t process, enum stream_which which)
{
	return (uint64_t)process << 2 | which;
}

static inline uint64_t stream_process(uint64_t id)
{
	return id >> 2;
}

#endif
