# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# kill and delete of many containers by --regex, and kill --all.

load lib

@test "delete --regex deletes what matches, and nothing else" {
	only_hvrun
	process /bin/init exit 0
	for n in 1 2; do
		create "$ID-a$n"
		hv kill "$ID-a$n" KILL
		eventually is_state "$ID-a$n" stopped
	done
	create "$ID-b1"
	try hv delete --regex "^$ID-a[0-9]\$"
	status_is 0
	no_errors
	same "$(hv list -q | xargs)" "$ID-b1"
	try hv delete -r 'a['
	refused "regex"
	try hv delete -r "^nothing-like-it"
	status_is 0
	hv delete -f -r .
	same "$(hv list -q)" ""
}

@test "one that cannot be deleted does not keep the others" {
	only_hvrun
	process /bin/init pause
	background "$ID-1"
	create "$ID-2"
	try hv delete -r "^$ID"
	refused "cannot delete container $ID-1 that is not stopped: running"
	same "$(hv list -q | xargs)" "$ID-1"
}

@test "kill --regex signals what matches" {
	only_hvrun
	process /bin/init pause
	background "$ID-1"
	background "$ID-2"
	try hv kill -r "^$ID-1\$" KILL
	status_is 0
	eventually is_state "$ID-1" stopped
	is_state "$ID-2" running
}

@test "kill --all reaches every process, and has nothing to say when there is none" {
	process /bin/sh -c '(trap "echo child; exit 0" USR1; echo up:; while :; do sleep 0.1; done) & trap "" USR1; echo ready:; wait; sleep 1000'
	background "$ID"
	eventually file_has "$SCRATCH/$ID.out" up:
	try hv kill --all "$ID" USR1
	status_is 0
	eventually file_has "$SCRATCH/$ID.out" child
	hv kill -a "$ID" KILL
	eventually is_state "$ID" stopped
	try hv kill --all "$ID" KILL
	status_is 0
	same "$errors" ''
}
