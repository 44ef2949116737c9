/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef OCISPEC_SRC_EVENTS_H
#define OCISPEC_SRC_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

#include <ocispec/doc.h>

enum oci_event_kind {
	OCI_EVENT_NULL,
	OCI_EVENT_BOOL,   /* .truth */
	OCI_EVENT_NUMBER, /* .text as in the document */
	OCI_EVENT_STRING, /* .text decoded, UTF-8, may contain NUL */
	OCI_EVENT_OBJECT,
	OCI_EVENT_ARRAY,
	OCI_EVENT_KEY, /* .text */
	OCI_EVENT_OBJECT_END,
	OCI_EVENT_ARRAY_END,
};

struct oci_event {
	enum oci_event_kind kind;
	bool truth;
	const char *text; /* not terminated; gone after the call */
	size_t len;
};

/* Takes one event; < 0 (and it has said why in the reader's err) ends the reading. */
typedef int (*oci_event_handler)(void *arg, const struct oci_event *event);

/* Reads one JSON value, and nothing after it, as events. */
int oci_events_read(const char *json, size_t len, bool comments, oci_event_handler handle, void *arg,
		    struct oci_error *err);

#endif
