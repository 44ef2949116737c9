# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Odd names, odd places, a state directory that somebody has been at, calls in parallel, and calls that are killed midway:
# each ends, says what is wrong, and "delete --force" cleans up whatever there is.

load lib

# No verb hangs, and none dies by a signal.
ends()
{
	CALL_TIMEOUT=15 try "$@"
	[ "$status" -lt 124 ] || [ "$status" = 255 ] || fail "not an ordinary end: $*"
}

all_gone()
{
	[ ! -e "$ROOT/$ID" ] && [ -z "$(find "$ROOT" -mindepth 1 -maxdepth 1 ! -name .cache ! -name ".new.*")" ] \
		&& [ -z "$(find /sys/fs/cgroup -type d -name "*$TAG*" 2>/dev/null)" ]
}

@test "names that are no ids" {
	only_hvrun
	before=$(snapshot)
	for id in '' . .. / a/b ../x /etc $'a\nb' $'a\tb' 'a b' '%s%n' '*' '$(id)' .hidden .cache .new.0 $'\xff' 'ä' "$(printf 'x%.0s' {1..1025})" "$(printf 'x%.0s' {1..300})"; do
		for verb in create run state start kill delete "delete --force" exec; do
			# shellcheck disable=SC2086 # words
			ends hv $verb -- "$id" true
			[ "$status" != 0 ] || [ "$verb" = "delete --force" ] || fail "$verb took \"$id\"" || return 1
		done
	done
	machine_unchanged "$before"
}

@test "a bundle behind links, dots and odd characters" {
	only_hvrun
	checks cwd
	ln -s "$BUNDLE" "$SCRATCH/link"
	for path in "$SCRATCH/link" "$BUNDLE/../bundle/." "../bundle" "$SCRATCH//bundle//" .; do
		try hv run --bundle "$path" "$ID"
		status_is 0
		has 'cwd: /'
	done
	odd=$SCRATCH/$'odd "name"\\ \n%s'
	mv "$BUNDLE" "$odd"
	try hv create --bundle "$odd" "$ID"
	status_is 0
	same "$(hv state "$ID" | jq -r .bundle)" "$odd" bundle
	hv delete -f "$ID"
	mv "$odd" "$BUNDLE"
	for path in "" /dev/null "$BUNDLE/config.json" "$SCRATCH/none"; do
		ends hv run --bundle "$path" "$ID"
		[ "$status" != 0 ]
	done
	is_gone_for_good
}

is_gone_for_good()
{
	eventually all_gone
}

@test "pid files in odd places" {
	only_hvrun
	mkfifo "$SCRATCH/fifo"
	mkdir "$SCRATCH/dir"
	echo precious >"$SCRATCH/precious"
	ln -s "$SCRATCH/precious" "$SCRATCH/link"
	for place in "$SCRATCH/dir" "$SCRATCH/none/pid" /dev/full/x /proc/pid "$SCRATCH/$(printf 'x%.0s' {1..300})"; do
		ends hv create --pid-file "$place" "$ID"
		[ "$status" != 0 ] || fail "\"$place\" was taken" || return 1
		errors_have 'pid'
		is_gone_for_good
	done
	# a FIFO that nobody reads is no reason to wait; a link is replaced, not followed
	for place in "$SCRATCH/fifo" "$SCRATCH/link"; do
		ends hv create --pid-file "$place" "$ID"
		same "$(<"$SCRATCH/precious")" precious
		hv delete -f "$ID"
	done
}

# Each way to damage a state directory, as a command line in it.
damages=(
	': >state.json'
	'truncate -s 40 state.json'
	'head -c 100000 /dev/urandom >state.json'
	'echo "{}" >state.json'
	'echo "[]" >state.json'
	'jq -c ".id = \"other\"" state.json >x; mv x state.json'
	'jq -c ".cgroup = [\"nonsense\"]" state.json >x; mv x state.json'
	'jq -c ".cgroup = []" state.json >x; mv x state.json'
	'jq -c ".bundle = \"/nowhere\"" state.json >x; mv x state.json'
	'jq -c ".runtimeType = \"Other\"" state.json >x; mv x state.json'
	'rm state.json'
	'rm state.json; mkdir state.json'
	'rm state.json; mkfifo state.json'
	'rm state.json; ln -s /dev/zero state.json'
	'rm config.json'
	': >config.json'
	'echo "{\"ociVersion\": \"1.0.2\"}" >config.json'
	'rm config.json; mkfifo config.json'
	'rm start.sock'
	'rm start.sock; mkfifo start.sock'
	'rm start.sock; : >start.sock'
	'rm -r *'
)

@test "a state directory that somebody has been at" {
	only_hvrun
	local damage pid
	process /bin/init pause
	for damage in "${damages[@]}"; do
		create "$ID" --pid-file "$SCRATCH/pid"
		status_is 0 || fail "$damage" || return 1
		pid=$(<"$SCRATCH/pid")
		(cd "$ROOT/$ID" && bash -c "$damage") 2>/dev/null || true
		for verb in "state $ID" "list" "start $ID" "exec $ID /bin/init exit 0" "kill $ID 0" "delete $ID"; do
			# shellcheck disable=SC2086 # words
			ends hv $verb || fail "after: $damage: $verb" || return 1
		done
		ends hv delete --force "$ID"
		[ ! -e "$ROOT/$ID" ] || fail "delete --force leaves the directory after: $damage" || return 1
		[ -d /sys/fs/cgroup/memory ] && [ -d "/proc/$$" ]
		# what state.json no longer tells cannot be found: the process is ours to end
		kill -9 "$pid" 2>/dev/null || true
		find /sys/fs/cgroup -depth -type d -name "*$TAG*" -exec sh -c 'for d; do until rmdir "$d" 2>/dev/null || [ ! -d "$d" ]; do sleep 0.05; done; done' sh {} + 2>/dev/null || true
	done
}

@test "two of everything at the same moment" {
	only_hvrun
	local i n=100 a b done
	! is_hyperv || n=5
	process /bin/init pause
	for ((i = 0; i < n; i++)); do
		done=0
		hv create "$ID" >/dev/null 2>&1 </dev/null & a=$!
		hv create "$ID" >/dev/null 2>&1 </dev/null & b=$!
		wait $a && done=$((done + 1)) || true
		wait $b && done=$((done + 1)) || true
		same $done 1 "creates that worked" || return 1
		done=0
		hv start "$ID" >/dev/null 2>&1 </dev/null & a=$!
		hv start "$ID" >/dev/null 2>&1 </dev/null & b=$!
		wait $a && done=$((done + 1)) || true
		wait $b && done=$((done + 1)) || true
		same $done 1 "starts that worked" || return 1
		hv delete --force "$ID" >/dev/null 2>&1 </dev/null & a=$!
		hv delete --force "$ID" >/dev/null 2>&1 </dev/null & b=$!
		wait $a || fail "delete --force: $?" || return 1
		wait $b || fail "delete --force: $?" || return 1
		all_gone || fail "round $i: left: $(ls -A "$ROOT")" || return 1
	done
}

@test "what a killed create has left under a temporary name is swept up" {
	only_hvrun
	mkdir "$ROOT/.new.0123" "$ROOT/.new.4567" "$ROOT/.new.89ab"
	touch "$ROOT/.new.0123/state.json"
	touch -d '1 hour ago' "$ROOT/.new.0123" "$ROOT/.new.89ab"
	# one is new, one is somebody's who is still at it
	exec 9<"$ROOT/.new.89ab"
	flock 9
	try hv delete --force "$ID" 9<&-
	status_is 0
	exec 9<&-
	same "$(ls -A "$ROOT" | tr '\n' ' ')" ".new.4567 .new.89ab "
	rmdir "$ROOT"/.new.*
}

# A call that SIGKILL ends after $1 microseconds.
killed_after()
{
	local delay=$1
	shift
	"${HV[@]}" "$@" >/dev/null 2>&1 </dev/null 3>&- &
	local pid=$!
	sleep "$(printf '%d.%06d' $((delay / 1000000)) $((delay % 1000000)))"
	kill -9 $pid 2>/dev/null || true
	wait $pid 2>/dev/null || true
}

clean_up_works()
{
	try hv delete --force "$ID"
	status_is 0 || fail "$1" || return 1
	eventually all_gone || fail "$1: left: $(ls -A "$ROOT") $(find /sys/fs/cgroup -type d -name "*$TAG*")" || return 1
	# with manager systemd the process that is to be first in a scope waits for that, up to 10 s after its create was killed (manager-systemd.c)
	PATIENCE=20 eventually no_processes || fail "$1: processes: $(test_processes)"
}

no_processes()
{
	[ -z "$(test_processes | grep -v bats)" ]
}

@test "create, start or delete killed at any moment: delete --force cleans up" {
	only_hvrun
	local delay limit=12000 step=800
	! is_hyperv || { limit=600000; step=100000; }
	process /bin/init pause
	for ((delay = 0; delay < limit; delay += step)); do
		killed_after $delay create "$ID"
		clean_up_works "create killed after $delay us" || return 1
	done
	for ((delay = 0; delay < limit / 3; delay += step)); do
		create "$ID"
		killed_after $delay start "$ID"
		clean_up_works "start killed after $delay us" || return 1
	done
	for ((delay = 0; delay < limit / 3; delay += step)); do
		background "$ID" ''
		killed_after $delay delete --force "$ID"
		clean_up_works "delete killed after $delay us" || return 1
	done
	rm -rf "$ROOT"/.new.*
}
