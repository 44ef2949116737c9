# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Standard streams without a terminal.

load lib

@test "stdout and stderr arrive apart" {
	process /bin/init echo-both one two
	try hv run "$ID"
	status_is 0
	output_is one
	same "$errors" two "stderr"
	process /bin/sh -c 'echo out; echo err >&2'
	try hv run "$ID"
	output_is out
	same "$errors" err "stderr"
}

@test "10 MB through cat come back byte for byte" {
	head -c 10000000 /dev/urandom >"$SCRATCH/data"
	process /bin/init cat
	status=0
	hv run "$ID" <"$SCRATCH/data" >"$SCRATCH/back" || status=$?
	status_is 0
	cmp "$SCRATCH/data" "$SCRATCH/back"
}

@test "the same through pipes, written in small pieces" {
	head -c 300000 /dev/urandom >"$SCRATCH/data"
	process /bin/init cat
	split -b 7001 --filter='cat; sleep 0.001' "$SCRATCH/data" | hv run "$ID" | cat >"$SCRATCH/back"
	cmp "$SCRATCH/data" "$SCRATCH/back"
}

@test "the end of stdin is seen" {
	process /bin/init stdin
	try hv run "$ID"
	status_is 0
	output_is "stdin: eof"
	printf 'abc' >"$SCRATCH/data"
	try_stdin "$SCRATCH/data" hv run "$ID"
	output_is "stdin: 3 bytes"
}

@test "closed stdin, stdout or stderr" {
	process /bin/init all stdin , echo-both one two , exit 0
	status=0
	hv run "$ID" <&- >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" || status=$?
	status_is 0
	grep -qxE 'stdin: (eof|EBADF)' "$SCRATCH/stdout"
	grep -qx one "$SCRATCH/stdout"
	hv run "$ID" </dev/null >&- 2>"$SCRATCH/stderr" || status=$?
	status_is 0
	grep -qx two "$SCRATCH/stderr"
	hv run "$ID" </dev/null >"$SCRATCH/stdout" 2>&- || status=$?
	status_is 0
	grep -qx one "$SCRATCH/stdout"
}

@test "a reader that is slower than the container loses nothing" {
	process /bin/init flood 3000000
	hv run "$ID" </dev/null | { sleep 1; cat; } >"$SCRATCH/back"
	"$HOST_INIT" flood 3000000 | cmp - "$SCRATCH/back"
}

@test "a reader that goes away does not hang the container" {
	process /bin/init flood 3000000
	timeout 30 bash -c '"$@" </dev/null | head -c 16' run "${HV[@]}" run "$ID" >"$SCRATCH/back"
	same "$(<"$SCRATCH/back")" "000000000000000" "first line"
	eventually test -z "$(hv list -q)"
}

@test "stdin that nobody reads does not hang the end" {
	head -c 3000000 /dev/zero >"$SCRATCH/data"
	process /bin/init exit 5
	status=0
	hv run "$ID" < <(cat "$SCRATCH/data") || status=$?
	status_is 5
}

@test "both outputs at once, a megabyte each" {
	process /bin/sh -c '/bin/init flood 1000000 >&2 & /bin/init flood 1000000; wait'
	hv run "$ID" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" </dev/null
	"$HOST_INIT" flood 1000000 >"$SCRATCH/expected"
	cmp "$SCRATCH/expected" "$SCRATCH/stdout"
	cmp "$SCRATCH/expected" "$SCRATCH/stderr"
}

@test "a detached container's output arrives after the runtime has gone" {
	process /bin/sh -c 'echo ready:; read line; echo "late $line"; echo "late error" >&2'
	mkfifo "$SCRATCH/fifo"
	hv run -d "$ID" <>"$SCRATCH/fifo" >"$SCRATCH/$ID.out" 2>"$SCRATCH/$ID.err"
	eventually file_has "$SCRATCH/$ID.out" ready
	echo input >"$SCRATCH/fifo" &
	eventually file_has "$SCRATCH/$ID.out" 'late input'
	eventually file_has "$SCRATCH/$ID.err" 'late error'
	eventually is_state "$ID" stopped
}

@test "--preserve-fds passes 3 and on, and only those" {
	not_hyperv "descriptors of the host cannot be passed into a machine of its own"
	process /bin/init all fds
	echo content >"$SCRATCH/three"
	status=0
	"${HV[@]}" run --preserve-fds 1 "$ID" 3<"$SCRATCH/three" 4<"$SCRATCH/three" 5<"$SCRATCH/three" >"$SCRATCH/stdout" || status=$?
	status_is 0
	same "$(grep -cE '^fd [3-9]' "$SCRATCH/stdout")" 1 "descriptors beyond stderr"
	grep -q '^fd 3: ' "$SCRATCH/stdout"
}
