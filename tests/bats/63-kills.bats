# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2153,SC2154 # names that lib.bash sets
# SIGKILL for the caller, the container's process (HyperV: its worker) or the virtual machine, at a random moment of a verb. HVTEST_KILLS=N: so
# many, HVTEST_SEED=N: which ones (a failure names both).

load lib

KILLS=${HVTEST_KILLS:-20}
SEED=${HVTEST_SEED:-$((SRANDOM % 32768))}

# Processes whose command line has a text that only this container's has: "pids_with TEXT"
pids_with()
{
	grep -alsF -- "$1" /proc/[0-9]*/cmdline | cut -d/ -f3 | grep -vx "$$\|$BASHPID"
}

# The process to kill, as far as there is one yet: "victims_of WHO VERB-PID". A worker's command line is its name and the id, no more.
victims_of()
{
	local pid
	case $1 in
	caller) pgrep -P "$2" | head -n 1 ;;
	machine) pids_with "guest=$ID" ;;
	container)
		is_hyperv || { jq -r '.pid // empty' "$ROOT/$ID/state.json" 2>/dev/null; return 0; }
		for pid in $(pids_with hvrun-vmwp); do
			[ "$({ tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null)" != "hvrun-vmwp $ID " ] || echo "$pid"
		done
		;;
	esac
}

nothing_left()
{
	[ ! -e "$ROOT/$ID" ] && [ -z "$(find /sys/fs/cgroup -type d -name "*$TAG*" 2>/dev/null)" ] &&
		! test_processes | grep -qv bats && ! grep -qF "$TAG" /proc/self/mountinfo
}

# What "state" says: a status, or "none".
status_now()
{
	local said
	if said=$(hv state "$ID" 2>&1); then
		jq -r .status <<<"$said"
	elif [[ $said == *"does not exist"* ]]; then
		echo none
	else
		echo "failed: $said"
	fi
}

has_ended()
{
	[[ $(status_now) =~ ^(stopped|none)$ ]]
}

prepare()
{
	case $1 in
	start) create "$ID" ;;
	exec | delete) background "$ID" ;;
	esac
}

arguments()
{
	case $1 in
	create) echo "create $ID" ;;
	start) echo "start $ID" ;;
	exec) echo "exec $ID /bin/init exit 0" ;;
	delete) echo "delete --force $ID" ;;
	esac
}

# One kill. Everything about it is in $what.
round()
{
	local verb=$1 who=$2 delay=$3 pid hit=0 status=0 victim
	prepare "$verb" || return 1
	# shellcheck disable=SC2046 # words
	timeout --foreground 60 "${HV[@]}" $(arguments "$verb") >/dev/null 2>&1 </dev/null 3>&- 4>&- &
	pid=$!
	sleep "$(printf '0.%06d' "$delay")"
	for victim in $(victims_of "$who" $pid); do
		! kill -9 "$victim" 2>/dev/null || hit=1
	done
	wait $pid 2>/dev/null || status=$?
	[ $status != 124 ] || { fail "$what: the verb does not end"; return 1; }
	# a copy of a template that dies before it has answered is booted instead
	if [ "$hit" = 1 ] && [ "$who" != caller ] && ! { [ "$who $verb" = "machine create" ] && [ "$status" = 0 ]; }; then
		hits=$((hits + 1))
		PATIENCE=10 eventually has_ended || { fail "$what: state is $(status_now)"; return 1; }
	else
		[[ $(status_now) =~ ^(creating|created|running|stopped|none)$ ]] || { fail "$what: state is $(status_now)"; return 1; }
	fi
	try hv delete --force "$ID"
	status_is 0 || { fail "$what: delete --force"; return 1; }
	PATIENCE=10 eventually nothing_left || fail "$what: left: $(ls -A "$ROOT") $(test_processes)"
}

@test "caller, container's process or machine killed at any moment of any verb" {
	only_hvrun
	local verbs=(create start exec delete) whos=(caller container) limit=15000 i verb who delay hits=0
	! is_hyperv || { whos+=(machine) limit=500000; }
	process /bin/init pause
	background "$ID"
	hv delete -f "$ID"
	RANDOM=$SEED
	for ((i = 0; i < KILLS; i++)); do
		verb=${verbs[RANDOM % ${#verbs[@]}]} who=${whos[RANDOM % ${#whos[@]}]} delay=$((RANDOM * limit / 32768))
		what="HVTEST_SEED=$SEED kill $i: $who $delay us into $verb"
		round "$verb" "$who" "$delay" || return 1
	done
	echo "# HVTEST_SEED=$SEED: $hits of $KILLS kills hit the container or its machine" >&3
	rm -rf "$ROOT"/.new.*
}
