/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The names of the messages of doc/PROTOCOL.md, for errors and debug logs.
 */
#include "proto/message.h"

#include <stddef.h>

#include "base/macros.h"

static const char *const names[] = {
	[MESSAGE_HELLO] = "HELLO",   [MESSAGE_SEED] = "SEED",         [MESSAGE_CREATE] = "CREATE",
	[MESSAGE_START] = "START",   [MESSAGE_EXEC] = "EXEC",         [MESSAGE_SIGNAL] = "SIGNAL",
	[MESSAGE_RESIZE] = "RESIZE", [MESSAGE_DESTROY] = "DESTROY",
	[MESSAGE_FREEZE] = "FREEZE", [MESSAGE_UPDATE] = "UPDATE",     [MESSAGE_PROCESSES] = "PROCESSES",
	[MESSAGE_STATS] = "STATS",   [MESSAGE_WAIT_OOM] = "WAIT_OOM", [MESSAGE_NETWORK] = "NETWORK", [MESSAGE_EXIT] = "EXIT",
	[MESSAGE_REMOVE] = "REMOVE", [MESSAGE_MOUNT] = "MOUNT",       [MESSAGE_DEBUG] = "DEBUG",
	[MESSAGE_ADD] = "ADD",           [MESSAGE_SHARE] = "SHARE",       [MESSAGE_DISK] = "DISK", [MESSAGE_JOIN] = "JOIN",
	[MESSAGE_DATA] = "DATA",     [MESSAGE_EOF] = "EOF",           [MESSAGE_CREDIT] = "CREDIT",
	[MESSAGE_RESET] = "RESET",   [MESSAGE_SETUP] = "SETUP",       [MESSAGE_TEMPLATE] = "TEMPLATE",
};

const char *message_to_string(unsigned type)
{
	return type < ARRAY_SIZE(names) && names[type] ? names[type] : "?";
}
