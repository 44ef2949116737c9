# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # chains that end in fail; jq programs; names that lib.bash sets
# Common to the specification's tests: the library of the suite, and words for what most of its MUSTs say. Each test's
# title is "DOCUMENT#SECTION: STATEMENT", and has a row in musts.tsv; make-table makes doc/SPEC.md of both.

load ../bats/lib

# The configuration as it is now must be refused, on one line that says TEXT, and leave nothing: "invalid TEXT..."
invalid()
{
	local before
	before=$(snapshot)
	try hv create "$ID"
	refused "$@" && machine_unchanged "$before"
}

# A required field: without it the configuration is refused by the names of its object and itself: "required PATH", PATH in jq
# without the first dot: "process.cwd", "linux.devices[0].path"
required()
{
	local object
	config "del(.$1)"
	object=${1%.*}
	object=${object//[/\\[}
	if [ "$object" = "$1" ]; then
		invalid "missing \"$1\""
	else
		invalid "${object//]/\\]}: missing \"${1##*.}\""
	fi
}

# The configuration as it is now must be accepted; its process ends at once.
valid()
{
	run_ok && no_errors
}

# A container in the background that does nothing.
paused()
{
	process /bin/init pause
	background "$ID"
}

# What the runtime says to a verb without an id: an error, and nothing on stdout.
needs_id()
{
	try hv "$1"
	not test "$status" = 0 && [ -z "$output" ] && errors_have "requires|argument|ID"
}
