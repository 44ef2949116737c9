/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CLI_CREATE_OPTIONS_H
#define HV_CLI_CREATE_OPTIONS_H

#include "base/options.h"
#include "runtime/runtime.h"

/* The options that create and run have in common, as rows of their tables. */
#define CREATE_OPTION(name, letter, type, field, value, help)                                                \
	{                                                                                                    \
		name, letter, type, offsetof(struct create_options, field), value, help, NULL                \
	}

#define CREATE_OPTIONS                                                                                       \
	CREATE_OPTION("bundle", 'b', OPTION_STRING, bundle, "DIR",                                           \
		      "the bundle (default: the current directory)"),                                        \
		CREATE_OPTION("config", 'f', OPTION_STRING, config, "FILE",                                  \
			      "read this instead of the bundle's config.json"),                              \
		CREATE_OPTION("console-socket", 0, OPTION_STRING, console_socket, "PATH",                    \
			      "unix socket that gets the terminal"),                                         \
		CREATE_OPTION("pidfd-socket", 0, OPTION_STRING, pidfd_socket, "PATH",                        \
			      "unix socket that gets a pidfd of the process"),                               \
		CREATE_OPTION("pid-file", 0, OPTION_STRING, pid_file, "FILE", "write the process id there"), \
		CREATE_OPTION("preserve-fds", 0, OPTION_U32, preserve_fds, "N",                              \
			      "keep N descriptors from 3 on open"),                                          \
		CREATE_OPTION("no-pivot", 0, OPTION_BOOL, no_pivot, NULL, "do not use pivot_root"),          \
		CREATE_OPTION("no-new-keyring", 0, OPTION_BOOL, no_new_keyring, NULL,                        \
			      "keep the session keyring")

#endif
