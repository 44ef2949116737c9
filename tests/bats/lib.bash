# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2034 # chains that end in fail; jq programs; names for the tests
# Common to all files of the integration suite. A test gets a scratch directory with a bundle (root file system:
# tests/init and busybox), a state root of its own, and after it everything that it started is removed and looked for:
# what is left is a failure.
#
# From the runner (tests/bats/run):
#   HVRUN          the runtime; runc or crun may be given to check the suite itself
#   RUNTIME_TYPE   Default or HyperV
#   HVTEST_BIN     where tests/init's and tests/bats/helpers' programs are
#   HVTEST_INIT, BUSYBOX   those of the containers, when they are of another architecture than the host's
#   VM_ACCEL       kvm or tcg, the --vm-accel of every call
#   HVRUN_OPTIONS  more options for every call (tests/vm/run: --systemd-cgroup)
#   STRICT=1       a skip is a failure; what is "not for" a runtime type, a runtime or a cgroup manager is none

bats_require_minimum_version 1.5.0

HVRUN=${HVRUN:?the runtime to test}
RUNTIME_TYPE=${RUNTIME_TYPE:-Default}
VM_ACCEL=${VM_ACCEL:-tcg}
STRICT=${STRICT:-0}
HOST_INIT=$HVTEST_BIN/init/init
INIT=${HVTEST_INIT:-$HOST_INIT}
CONSOLE=$HVTEST_BIN/bats/helpers/console
ANNOTATION=io.hvrun.runtime-type
# How long one call may take, and how long a condition is waited for (seconds). An emulated machine boots in one or two.
CALL_TIMEOUT=${CALL_TIMEOUT:-90}
WAIT_TIMEOUT=${WAIT_TIMEOUT:-30}

# --- what is tested ---------------------------------------------------------------------------------------------------

is_hvrun()
{
	local name=${HVRUN##*/}
	[ "$name" != runc ] && [ "$name" != crun ]
}

is_hyperv()
{
	[ "$RUNTIME_TYPE" = HyperV ]
}

# Cgroups are systemd's, whose cgroupsPath is no path: tests/vm/run --variant systemd.
not_systemd()
{
	[ "${HVRUN_OPTIONS:-}" != --systemd-cgroup ] || not_for "the systemd manager" "$1"
}

# Gives the bundle's group that path; systemd's manager chooses the scope's name itself, which serves as well.
group_at()
{
	[ "${HVRUN_OPTIONS:-}" = --systemd-cgroup ] || config '.linux.cgroupsPath = $path' --arg path "$1"
}

# Declares that a test has no meaning for what is under test: not a skip, which is about the host. The runner counts it apart, with the
# reason, and it is no failure with STRICT=1. What a type cannot do but somebody could ask for belongs into 66-types.bats.
not_for()
{
	skip "not for $1: $2"
}

skip_unless()
{
	local reason=$1
	shift
	"$@" && return 0
	[ "$STRICT" = 0 ] || fail "STRICT: would be skipped: $reason" || return 1
	skip "$reason"
}

# For cases that want a virtual machine whatever type is under test.
needs_machines()
{
	is_hyperv || skip_unless "no guest for virtual machines beside $HVRUN" test -r "${HVRUN%/*}/guest/vmlinux"
}

only_hvrun()
{
	is_hvrun || not_for "${HVRUN##*/}" "only hvrun has this"
}

not_hyperv()
{
	! is_hyperv || not_for HyperV "$1"
}

only_hyperv()
{
	is_hyperv || not_for Default "$1"
}

# --- calling the runtime ----------------------------------------------------------------------------------------------

# The runtime with our state root and no choice of type: "plain CMD ARG..."
plain()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" "${PLAIN[@]}" "$@" 3>&- 4>&-
}

# The runtime with the type under test: "hv CMD ARG..."
hv()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" "${HV[@]}" "$@" 3>&- 4>&-
}

# Runs a command; its exit status is in $status, what it wrote in $output and $errors. The outputs are files, so that a
# container left running in the background with the same stdout does not hold the test up.
try()
{
	status=0
	"$@" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" </dev/null || status=$?
	output=$(tr -d '\0\r' <"$SCRATCH/stdout")
	errors=$(tr -d '\0\r' <"$SCRATCH/stderr")
}

# The same with stdin from a file: "try_stdin FILE COMMAND..."
try_stdin()
{
	local input=$1
	shift
	status=0
	"$@" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr" <"$input" || status=$?
	output=$(tr -d '\0\r' <"$SCRATCH/stdout")
	errors=$(tr -d '\0\r' <"$SCRATCH/stderr")
}

# --- judging ----------------------------------------------------------------------------------------------------------

fail()
{
	printf '%s\n' "$@" "status: ${status-}" "stdout:" "${output-}" "stderr:" "${errors-}" | head -n 200 >&2
	return 1
}

status_is()
{
	[ "$status" = "$1" ] || fail "exit status $1 was expected"
}

# Each argument is an extended regular expression that a whole line of stdout must match.
has()
{
	local line
	for line in "$@"; do
		grep -qxE -- "$line" <<<"$output" || fail "no line of stdout is \"$line\"" || return 1
	done
}

lacks()
{
	local line
	for line in "$@"; do
		! grep -qE -- "$line" <<<"$output" || fail "stdout has \"$line\"" || return 1
	done
}

output_is()
{
	[ "$output" = "$1" ] || fail "stdout \"$1\" was expected"
}

errors_have()
{
	local text
	for text in "$@"; do
		grep -qiE -- "$text" <<<"$errors" || fail "stderr does not say \"$text\"" || return 1
	done
}

no_errors()
{
	[ -z "$errors" ] || fail "stderr should be empty"
}

# A refusal: exit status 1, nothing on stdout, one line on stderr that says each of the given things.
refused()
{
	status_is 1 && [ -z "$output" ] || fail "a refusal was expected" || return 1
	[ "$(grep -c . <<<"$errors")" = 1 ] || fail "one line on stderr was expected" || return 1
	errors_have "$@"
}

same()
{
	[ "$1" = "$2" ] || fail "${3:-values} differ:" "$1" "$2"
}

# A command that must fail: bash's own "!" would not fail the test.
not()
{
	! "$@" || fail "this should have failed: $*"
}

# Waits until a command succeeds.
eventually()
{
	local limit=${PATIENCE:-$WAIT_TIMEOUT} end
	end=$((SECONDS + limit))
	until "$@" 2>/dev/null; do
		[ $SECONDS -lt $end ] || fail "waited $limit s in vain for: $*" || return 1
		sleep 0.05
	done
}

file_has()
{
	grep -qE -- "$2" "$1"
}

# --- bundles ----------------------------------------------------------------------------------------------------------

# A bundle with the configuration that spec writes, but no terminal and a test process: "make_bundle DIR". Made once for each
# file of tests and copied: a few dozen processes fewer in every test, which counts in an emulated machine.
make_bundle()
{
	local bundle=$1 template=${BATS_FILE_TMPDIR:-$SCRATCH}/bundle
	[ -d "$template" ] || make_template "$template"
	mkdir -p "$bundle"
	cp -a "$template/." "$bundle"
}

make_template()
{
	local bundle=$1.new dir
	mkdir -p "$bundle"/rootfs/{bin,dev,etc,proc,root,run,sys,tmp,var}
	chmod 1777 "$bundle/rootfs/tmp"
	cp "$INIT" "$bundle/rootfs/bin/init"
	if [ -x "$BUSYBOX" ]; then
		cp "$BUSYBOX" "$bundle/rootfs/bin/busybox"
		for dir in sh cat echo ls ps kill sleep true false id touch mkdir sed readlink; do
			ln -s busybox "$bundle/rootfs/bin/$dir"
		done
	fi
	printf 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh\n' >"$bundle/rootfs/etc/passwd"
	printf 'root:x:0:\nuser:x:1000:\nextra:x:2000:user\n' >"$bundle/rootfs/etc/group"
	(cd "$bundle" && plain spec)
	# SYS_ADMIN and the like are for single tests to give
	config_of "$bundle" '.process.terminal = false | .process.args = ["/bin/init", "exit", "0"]'
	mv "$bundle" "$1"
}

# Edits a bundle's config.json by a jq program: "config_of DIR PROGRAM [JQ-OPTION...]"
config_of()
{
	local file=$1/config.json program=$2
	shift 2
	jq "$program" "$file" "$@" >"$file.new" && mv "$file.new" "$file"
}

config()
{
	config_of "$BUNDLE" "$@"
}

# The process's arguments: "process /bin/init ids"
process()
{
	config '.process.args = $ARGS.positional' --args -- "$@"
}

# Several of tests/init's applets in one container: "checks ids , cwd , caps"
checks()
{
	process /bin/init all "$@"
}

# run ID in the foreground and expect success.
run_ok()
{
	try hv run "$ID"
	status_is 0
}

# Starts a container in the background and waits for TEXT in its output, when it is not empty: "background ID [TEXT]".
# Its output is in $SCRATCH/ID.out and .err.
background()
{
	local id=$1 text=${2-ready:}
	status=0
	hv run -d --pid-file "$SCRATCH/$id.pid" "$id" >"$SCRATCH/$id.out" 2>"$SCRATCH/$id.err" </dev/null || status=$?
	output=$(<"$SCRATCH/$id.out") errors=$(<"$SCRATCH/$id.err")
	status_is 0 || return 1
	[ -z "$text" ] || eventually file_has "$SCRATCH/$id.out" "$text"
}

# create without start, its stdio in files as above.
create()
{
	local id=$1
	shift
	status=0
	hv create "$@" "$id" >"$SCRATCH/$id.out" 2>"$SCRATCH/$id.err" </dev/null || status=$?
	output=$(<"$SCRATCH/$id.out") errors=$(<"$SCRATCH/$id.err")
}

container_status()
{
	hv state "$1" 2>/dev/null | jq -r .status
}

is_state()
{
	[ "$(container_status "$1")" = "$2" ]
}

container_pid()
{
	hv state "$1" | jq -r .pid
}

# A process's mounts are an empty root directory that cannot be written, and nothing of the host's.
sees_no_files()
{
	[ "$(readlink "/proc/$1/ns/mnt")" != "$(readlink /proc/self/ns/mnt)" ] || fail "process $1 is in our mount namespace" || return 1
	same "$(awk '{print $5, substr($6, 1, 2)}' "/proc/$1/mountinfo")" "/ ro" "mounts of process $1"
	same "$(ls -A "/proc/$1/root")" "" "files of process $1"
}

is_gone()
{
	# a zombie that nobody has waited for yet has ended too
	[ ! -d "/proc/$1" ] || grep -q '^State:[[:space:]]*[ZX]' "/proc/$1/status"
}

# The container's cgroup directory on the host: "cgroup_of ID CONTROLLER", in either hierarchy.
cgroup_of()
{
	local dir
	for dir in "/sys/fs/cgroup/$2" /sys/fs/cgroup; do
		[ -d "$dir" ] || continue
		find "$dir" -type d -name "*$1*" -print -quit 2>/dev/null | grep . && return 0
	done
	return 1
}

is_cgroup_v2()
{
	[ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]
}

# --- what is left -----------------------------------------------------------------------------------------------------

# Processes that belong to this test: named by its scratch directory or ids in arguments, environment or mounts.
test_processes()
{
	local pid pids
	# grep finds itself too, but has gone when the list is looked at
	pids=$(grep -lsE -- "$TAG" /proc/[0-9]*/cmdline /proc/[0-9]*/environ /proc/[0-9]*/mountinfo | cut -d/ -f3 | sort -un)
	for pid in $pids; do
		[ "$pid" != $$ ] && [ "$pid" != "$BASHPID" ] && [ -e "/proc/$pid/exe" ] || continue
		printf 'process %s: %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
	done
}

# One line for each thing on the machine that belongs to this test: compare before and after.
snapshot()
{
	find "$ROOT" -mindepth 1 -path "$ROOT/.cache" -prune -o -print 2>/dev/null | sort | sed 's/^/state: /'
	find /sys/fs/cgroup -type d -name "*$TAG*" 2>/dev/null | sort | sed 's/^/cgroup: /'
	grep -F "$TAG" /proc/self/mountinfo | sed 's/^/mount: /'
	find /sys/class/net -mindepth 1 -maxdepth 1 -printf 'link: %f\n' | sort
	test_processes
	return 0
}

# snapshot keeps what is there for a moment; a process that is just ending may take one.
unchanged_since()
{
	[ "$(snapshot)" = "$1" ]
}

machine_unchanged()
{
	local now
	PATIENCE=5 eventually unchanged_since "$1" 2>/dev/null && return 0
	now=$(snapshot)
	fail "left behind:" "$(diff <(printf '%s\n' "$1") <(printf '%s\n' "$now") | grep '^[<>]')"
}

setup()
{
	SCRATCH=$(mktemp -d /tmp/hvt.XXXXXXXX)
	TAG=${SCRATCH##*/}
	TAG=${TAG#hvt.}
	ROOT=$SCRATCH/state
	BUNDLE=$SCRATCH/bundle
	ID=t-$TAG
	export HVTEST_TAG=$TAG LC_ALL=C
	PLAIN=("$HVRUN" --root "$ROOT")
	HV=("${PLAIN[@]}")
	if is_hvrun; then
		# shellcheck disable=SC2206 # words
		PLAIN+=(--vm-accel "$VM_ACCEL" ${HVRUN_OPTIONS:-})
		HV=("${PLAIN[@]}" --runtime-type "$RUNTIME_TYPE")
	fi
	mkdir "$ROOT"
	LINKS_BEFORE=$(snapshot)
	make_bundle "$BUNDLE"
	cd "$BUNDLE" || return 1
	if declare -F setup_test >/dev/null; then
		setup_test
	fi
}

teardown()
{
	local dir left
	cd /
	for dir in "$ROOT"/*/; do
		[ -d "$dir" ] || continue
		plain delete -f "$(basename "$dir")" </dev/null >/dev/null 2>&1 || true
	done
	jobs -p | xargs -r kill 2>/dev/null || true
	# runc keeps nothing, but crun has caches below its root
	rm -rf "$ROOT/.cache"
	if ! machine_unchanged "$LINKS_BEFORE"; then
		left=1
	fi
	grep -F "$TAG" /proc/self/mountinfo | cut -d' ' -f5 | sort -r | xargs -r umount -l
	rm -rf --one-file-system "$SCRATCH"
	[ -z "${left:-}" ]
}

BUSYBOX=${BUSYBOX:-/bin/busybox}

# The runtime as $USERS calls it, by the user $USER_ID with a name and ranges of ids, as /etc/subuid grants them: in a mount namespace of its own.
with_ranges()
{
	cat >"$SCRATCH/ranges" <<-'EOF'
		dir=$1 id=$2
		shift 2
		echo "ranger:x:$id:$id::/:/bin/sh" | cat /etc/passwd - >"$dir/passwd"
		echo "ranger:x:$id:" | cat /etc/group - >"$dir/group"
		echo "ranger:700000:1000" >"$dir/subuid"
		cp "$dir/subuid" "$dir/subgid"
		for file in passwd group subuid subgid; do
			[ -e "/etc/$file" ] || exit 77
			mount --bind "$dir/$file" "/etc/$file"
		done
		exec setpriv --reuid "$id" --regid "$id" --clear-groups --inh-caps=-all "$@"
	EOF
	unshare -m bash "$SCRATCH/ranges" "$SCRATCH" $USER_ID timeout -k 5 "$CALL_TIMEOUT" "${USERS[@]}" "$@"
}
