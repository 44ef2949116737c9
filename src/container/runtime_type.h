/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef HV_CONTAINER_RUNTIME_TYPE_H
#define HV_CONTAINER_RUNTIME_TYPE_H

#include <errno.h>

#include "base/error.h"

/* How a container is isolated. Auto is a wish: it becomes one of the others before anything is done. */
enum runtime_type {
	RUNTIME_TYPE_DEFAULT,
	RUNTIME_TYPE_HYPERV,
	RUNTIME_TYPE_AUTO,
	_RUNTIME_TYPE_MAX,
	_RUNTIME_TYPE_INVALID = -EINVAL,
};

/* "Default", "HyperV", "Auto", NULL: by value. */
extern const char *const runtime_type_names[_RUNTIME_TYPE_MAX + 1];

/*
 * In any case. Returns the type, or < 0 with *err listing the valid ones; from: where the value was given,
 * for the message.
 */
int runtime_type_from_string(const char *s, const char *from, struct error *err);

#endif
