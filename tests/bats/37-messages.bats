# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# --log's targets, what comes in a later version, and completion.

load lib

@test "--log: a file by its name and as file:" {
	for target in "$SCRATCH/a.log" "file:$SCRATCH/b.log"; do
		try hv --log "$target" --log-format json state nobody
		status_is 1
		errors_have "does not exist"
		jq -e 'select(.level == "error") | .msg | test("does not exist")' "${target#file:}"
	done
}

@test "--log-format json: an error has its code, number and field" {
	only_hvrun
	try hv --log "$SCRATCH/log" --log-format json state nobody
	jq -e '.code == "ENOENT" and .errno == 2 and (has("path") | not) and (keys == ["code", "errno", "level", "msg", "time"])' "$SCRATCH/log"
	config '.mounts += [{"destination": "/mnt", "type": "nosuchfs", "source": "x"}]'
	rm "$SCRATCH/log"
	try hv --log "$SCRATCH/log" --log-format json run "$ID"
	jq -se '.[-1] | .level == "error" and .path == "mounts[7]" and .code == "ENODEV" and .errno == 19' "$SCRATCH/log" || fail "$(<"$SCRATCH/log")"
	config 'del(.mounts[-1]) | .process.cwd = "relative"'
	rm "$SCRATCH/log"
	try hv --log "$SCRATCH/log" --log-format json create "$ID"
	jq -se '.[-1] | .path == "process.cwd" and .code == "EINVAL"' "$SCRATCH/log" || fail "$(<"$SCRATCH/log")"
}

@test "--log journald:ID" {
	only_hvrun
	skip_unless "no socat" command -v socat
	cat >"$SCRATCH/in" <<-'SH'
		mount -t tmpfs none /run && mkdir -p /run/systemd/journal
		socat -u UNIX-RECV:/run/systemd/journal/socket "OPEN:$1/journal,creat,append" &
		until [ -S /run/systemd/journal/socket ]; do sleep 0.05; done
		shift
		"$@"
		sleep 0.3
		kill $!
	SH
	unshare -m bash "$SCRATCH/in" "$SCRATCH" "${HV[@]}" --log journald:hvtest state nobody 2>/dev/null 3>&- 4>&- || true
	file_has "$SCRATCH/journal" '^PRIORITY=3$'
	file_has "$SCRATCH/journal" '^SYSLOG_IDENTIFIER=hvtest$'
	file_has "$SCRATCH/journal" '^MESSAGE=.*does not exist'
}

@test "--log to a journal or system log that is not there" {
	only_hvrun
	for target in journald: syslog: "journald:a b"; do
		try hv --log "$target" state nobody
		refused "identifier"
	done
}

@test "checkpoint and restore: known, and refused" {
	only_hvrun
	for verb in checkpoint restore; do
		try hv $verb --help
		status_is 0
		has "   hvrun $verb - .*"
		try hv $verb --image-path /tmp "$ID"
		refused "$verb" "later"
	done
	try hv restore --lsm-mount-context
	refused "flag needs an argument"
	same "$(hv features | jq -r '.annotations["org.opencontainers.runc.checkpoint.enabled"]')" false
}

@test "obsolete global options are taken" {
	only_hvrun
	try hv --criu /usr/sbin/criu --rootless=false list -q
	status_is 0
	no_errors
}

@test "completion knows every command and option" {
	only_hvrun
	script=$BATS_TEST_DIRNAME/../../contrib/completions/hvrun.bash
	complete_words()
	{
		bash -c 'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hvrun; echo "${COMPREPLY[@]}"' - "$script" "$@"
	}
	same "$(complete_words "$HVRUN" "" | xargs -n1 | sort | xargs)" "$("$HVRUN" --help | sed -n '/^COMMANDS/,/^GLOBAL/s/^   \([a-z-]*\) .*/\1/p' | sort | xargs)"
	same "$(complete_words "$HVRUN" update --memory)" "--memory --memory-reservation --memory-swap"
	same "$(complete_words "$HVRUN" pau)" pause
	process /bin/init pause
	create "$ID"
	same "$(complete_words "$HVRUN" --root "$ROOT" kill "${ID:0:4}")" "$ID"
}

# Lines "STATUS|COMMAND...|TEXT" on stdin: the command, with the container's id for ID, is refused with that exit status and, in one line on
# stderr, that text. What is refused changes nothing. Texts are runc's; lines that begin with "hvrun" are where hvrun says more than runc does.
refusals()
{
	local code command text before
	before=$(snapshot)
	while IFS='|' read -r code command text; do
		case $code in
		hvrun*) is_hvrun || continue ;;
		esac
		# shellcheck disable=SC2086 # words
		try hv ${command//ID/$ID}
		[ "$status" = "${code#hvrun }" ] || fail "exit status ${code#hvrun } was expected of: $command" || return 1
		is_hvrun && [ -n "$output" ] && fail "stdout of: $command" && return 1
		! is_hvrun || [ "$(grep -c . <<<"$errors")" = 1 ] || fail "one line on stderr was expected of: $command" || return 1
		errors_have "${text//ID/$ID}" || fail "of: $command" || return 1
	done
	machine_unchanged "$before"
}

@test "refusals: no such container" {
	refusals <<-'EOF'
		255|exec ID true|container.* does not exist
		1|update --pids-limit 10 ID|container.* does not exist
		1|pause ID|container.* does not exist
		1|resume ID|container.* does not exist
		1|ps ID|container.* does not exist
		1|events --stats ID|container.* does not exist
		1|events ID|container.* does not exist
		1|delete ID|container.* does not exist
		1|kill ID|container.* does not exist
		1|kill ID KILL|container.* does not exist
		1|start ID|container.* does not exist
		1|state ID|container.* does not exist
		hvrun 255|exec ID true|container "ID" does not exist
	EOF
}

@test "refusals: arguments that are missing or too many" {
	refusals <<-'EOF'
		1|exec|exec\\?" requires a minimum of 1 argument\(s\)
		1|update|update\\?" requires exactly 1 argument\(s\)
		1|pause|pause\\?" requires exactly 1 argument\(s\)
		1|pause a b|pause\\?" requires exactly 1 argument\(s\)
		1|resume|resume\\?" requires exactly 1 argument\(s\)
		1|ps|ps\\?" requires a minimum of 1 argument\(s\)
		1|events|events\\?" requires exactly 1 argument\(s\)
		1|delete|delete\\?" requires exactly 1 argument\(s\)
		1|kill|kill\\?" requires a minimum of 1 argument\(s\)
		1|kill a b c|kill\\?" requires a maximum of 2 argument\(s\)
		1|start|start\\?" requires exactly 1 argument\(s\)
		1|start a b|start\\?" requires exactly 1 argument\(s\)
		1|state|state\\?" requires exactly 1 argument\(s\)
		1|exec --no-such-flag ID true|flag provided but not defined: -*no-such-flag
		1|exec --cwd|flag needs an argument: -*cwd
	EOF
}

@test "refusals: a created container" {
	process /bin/init pause
	create "$ID"
	status_is 0
	refusals <<-'EOF'
		1|resume ID|container not paused
		1|kill ID FOO|unknown signal \\?"FOO
		1|create ID|container with given .. already exists
		1|run ID|container with given .. already exists
	EOF
	is_state "$ID" created
}

@test "refusals: a running container" {
	process /bin/init pause
	background "$ID"
	refusals <<-'EOF'
		1|start ID|cannot start an already running container
		1|delete ID|cannot delete container ID that is not stopped: running
		1|resume ID|container not paused
		1|kill ID FOO|unknown signal \\?"FOO
		255|exec ID|process args cannot be empty
		255|exec --cwd relative ID true|Cwd must be an absolute path
		255|exec ID no-such-program|exec: \\?"no-such-program\\?": executable file not found in \$PATH
		1|update --resources /no/such/file ID|/no/such/file: no such file or directory
		1|events --interval 0s ID|duration interval must be greater than 0
	EOF
	is_state "$ID" running
}

@test "refusals: a paused container" {
	process /bin/init pause
	background "$ID"
	hv pause "$ID"
	refusals <<-'EOF'
		255|exec ID true|cannot exec in a paused container \(use --ignore-paused to override\)
		1|start ID|cannot start a container in the paused state
		1|delete ID|cannot delete container ID that is not stopped: paused
		hvrun 1|pause ID|cannot pause container ID: it is paused already
	EOF
	is_state "$ID" paused
	hv resume "$ID"
}

@test "refusals: a stopped container" {
	process /bin/init exit 0
	background "$ID" ""
	eventually is_state "$ID" stopped
	refusals <<-'EOF'
		255|exec ID true|cannot exec in a stopped container
		1|update --pids-limit 10 ID|container not running
		1|pause ID|container not running
		1|resume ID|container not paused
		1|events --stats ID|container with id ID is not running
		1|events ID|container with id ID is not running
		1|kill ID|container not running
		1|kill ID FOO|unknown signal \\?"FOO
		1|start ID|cannot start a container that has stopped
		hvrun 1|ps ID|container not running
	EOF
	try hv kill --all "$ID" KILL
	status_is 0
	is_state "$ID" stopped
	hv delete "$ID"
}
