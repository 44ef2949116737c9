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
	same "$(complete_words "$HVRUN" "" | xargs -n1 | sort | xargs)" "$("$HVRUN" --help | sed -n '/^COMMANDS/,/^GLOBAL/s/^   \([a-z]*\) .*/\1/p' | sort | xargs)"
	same "$(complete_words "$HVRUN" update --memory)" "--memory --memory-reservation --memory-swap"
	same "$(complete_words "$HVRUN" pau)" pause
	process /bin/init pause
	create "$ID"
	same "$(complete_words "$HVRUN" --root "$ROOT" kill "${ID:0:4}")" "$ID"
}
