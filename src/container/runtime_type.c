/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The names of the runtime types: one table for annotation, option, configuration file and output. */
#include "container/runtime_type.h"

#include "base/str.h"

const char *const runtime_type_names[_RUNTIME_TYPE_MAX + 1] = {
	[RUNTIME_TYPE_DEFAULT] = "Default",
	[RUNTIME_TYPE_HYPERV] = "HyperV",
	[RUNTIME_TYPE_AUTO] = "Auto",
};

int runtime_type_from_string(const char *s, const char *from, struct error *err)
{
	for (int i = 0; i < _RUNTIME_TYPE_MAX; i++)
		if (str_eq_nocase(runtime_type_names[i], s))
			return i;
	return error_set(err, EINVAL, "%s: \"%s\" is not a runtime type (Default, HyperV, Auto)", from, s);
}
