# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# The command line itself: version, help, options in each spelling, and what is wrong with a call.

load lib

VERBS="create start run state kill delete exec list spec features"

@test "--version: name, commit, spec" {
	try "$HVRUN" --version
	status_is 0
	grep -qE "^${HVRUN##*/} version [0-9]+\.[0-9]+\.[0-9]+" <<<"$output"
	has 'commit: .+' 'spec: 1\.[0-9]+\.[0-9]+.*'
	no_errors
	same "$("$HVRUN" -v)" "$output" "-v"
}

@test "--help names every verb, and each verb has help of its own" {
	try "$HVRUN" --help
	status_is 0
	no_errors
	help=$output
	for verb in $VERBS; do
		grep -qE "^ *$verb\b" <<<"$help" || fail "--help does not name $verb"
		try "$HVRUN" "$verb" --help
		status_is 0
		no_errors
		grep -q "$verb" <<<"$output"
		same "$("$HVRUN" "$verb" -h)" "$output" "$verb -h"
	done
}

@test "help fits into 80 columns" {
	only_hvrun
	for verb in "" $VERBS; do
		try "$HVRUN" ${verb:+"$verb"} --help
		[ "$(wc -L <<<"$output")" -le 80 ] || fail "$verb --help is wider than 80 columns"
	done
}

@test "an unknown command is refused by name" {
	try "$HVRUN" frobnicate
	[ "$status" != 0 ]
	errors_have frobnicate
}

@test "an unknown command: one line, nothing on stdout" {
	only_hvrun
	try hv frobnicate
	[ "$status" != 0 ]
	output_is ""
	same "$(wc -l <"$SCRATCH/stderr")" 1 "lines on stderr"
}

@test "unknown options are refused by name" {
	for call in "--frobnicate list" "list --frobnicate" "run --frobnicate x"; do
		# shellcheck disable=SC2086
		try "$HVRUN" $call
		[ "$status" != 0 ]
		grep -q frobnicate <<<"$output$errors"
	done
}

@test "missing and superfluous arguments are refused" {
	for call in state start kill delete exec run create "state a b" "start a b"; do
		# shellcheck disable=SC2086
		try hv $call
		[ "$status" != 0 ] || fail "\"$call\" was accepted"
		errors_have "argument|container id"
	done
}

@test "an option without its value, and a value that is no number" {
	for call in "run --bundle" "list --format" "run --preserve-fds abc x"; do
		# shellcheck disable=SC2086
		try hv $call
		[ "$status" != 0 ] || fail "\"$call\" was accepted"
	done
}

@test "options as --name value, --name=value and -name value" {
	for root in "--root $ROOT" "--root=$ROOT" "-root $ROOT" "-root=$ROOT"; do
		# shellcheck disable=SC2086
		try "$HVRUN" $root list --format=json
		status_is 0
		output_is null
		# shellcheck disable=SC2086
		try "$HVRUN" $root list -f json
		output_is null
	done
}

@test "options behind the container's id, but not those of a command to run" {
	process /bin/init pause
	hv run "$ID" -d --pid-file "$SCRATCH/pid" >/dev/null </dev/null
	same "$(<"$SCRATCH/pid")" "$(container_pid "$ID")"
	try hv exec "$ID" sh -c 'echo "$0" "$@"' a -d --pid-file b
	status_is 0
	output_is "a -d --pid-file b"
	try hv state "$ID" --frobnicate
	[ "$status" != 0 ]
	grep -q frobnicate <<<"$output$errors"
	try hv kill "$ID" -- KILL
	status_is 0
	try hv delete "$ID" --force
	status_is 0
	try hv state "$ID"
	errors_have "does not exist"
}

@test "--log gets errors as text or as JSON, and stderr has them too" {
	try hv --log "$SCRATCH/log" state nope
	status_is 1
	errors_have "does not exist"
	grep -q 'level=error' "$SCRATCH/log"
	grep -q 'does not exist' "$SCRATCH/log"
	try hv --log "$SCRATCH/log.json" --log-format json state nope
	status_is 1
	same "$(jq -r .level "$SCRATCH/log.json")" error "level"
	jq -r .msg "$SCRATCH/log.json" | grep -q 'does not exist'
	jq -er '.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9:]+)$")' "$SCRATCH/log.json"
	try hv --log-format yaml state nope
	status_is 1
	errors_have "log.format|yaml"
}

@test "--debug writes debug lines to the log, and not without it" {
	config '.futureField = 1 | .process.futureField = 2'
	try hv --debug --log "$SCRATCH/log" run "$ID"
	status_is 0
	grep -q 'level=debug' "$SCRATCH/log"
	if is_hvrun; then
		grep -q 'level=debug.*process.futureField' "$SCRATCH/log"
	fi
	try hv --log "$SCRATCH/quiet" run "$ID"
	status_is 0
	not grep level=debug "$SCRATCH/quiet"
}

@test "a state root that cannot be used is refused" {
	touch "$SCRATCH/file"
	try "$HVRUN" --root "$SCRATCH/file/below" run "$ID"
	status_is 1
	errors_have "$SCRATCH/file"
}
