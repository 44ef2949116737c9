# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Templates: who makes one, who uses it, what is each copy's own, and what happens when one is of no use.

load lib

setup_test()
{
	only_hyperv "has no virtual machines"
	only_hvrun
	# tmpfs, as where templates usually are; one store for each test
	STORE=$(mktemp -d "/dev/shm/hvt.$TAG.XXXX")
	settings '{}'
	process /bin/true
}

eval "lib_$(declare -f teardown)"
teardown()
{
	! mountpoint -q "$STORE" || umount "$STORE"
	rm -rf "/dev/shm/hvt.$TAG."*
	lib_teardown
}

# Members of the configuration file's "hyperv", on top of the store: "settings JSON"
settings()
{
	# a VMM that is a script needs a shell in its jail
	jq -n --argjson more "$1" --arg dir "$STORE" '{hyperv: ({template_dir: $dir, vmm_files: ["/usr", "/bin", "/lib", "/lib64"]} + $more)}' >"$SCRATCH/hvrun.json"
	HV=("${PLAIN[@]}" --config-file "$SCRATCH/hvrun.json" --runtime-type HyperV)
	LOG=$SCRATCH/log
}

# The store's templates that are complete.
templates()
{
	hv template list -f json | jq -r '.[] | select(.status == "ready") | .name'
}

has_templates()
{
	[ "$(templates | wc -l)" = "$1" ] || fail "$1 templates were expected:" "$(hv template list)" "$(tail -n 40 "$LOG")"
}

# What the VMMs were started with, by the debug log of the calls since the last look.
ran_a_clone()
{
	grep -q -- '-incoming' "$LOG" || fail "no virtual machine was a copy:" "$(cat "$LOG")"
	! grep -q -- '-kernel' "$LOG" || fail "a virtual machine was booted:" "$(cat "$LOG")"
}

ran_a_boot()
{
	grep -q -- '-kernel' "$LOG" || fail "no virtual machine was booted:" "$(cat "$LOG")"
}

# run with a fresh debug log
logged_run()
{
	rm -f "$LOG"
	try hv --log "$LOG" --debug run "$@"
}

# The group in which the store's templates are made is gone.
no_cgroup()
{
	[ -z "$(find /sys/fs/cgroup -type d -name "*.template-*-$(printf '%x' "$(stat -c %i "$STORE")")")" ]
}

# A VMM that does CODE before it is QEMU: "vmm_that CODE"; $1 … are QEMU's arguments.
vmm_that()
{
	local qemu
	qemu=$(command -v qemu-system-x86_64)
	printf '#!/bin/sh\n%s\nexec %s "$@"\n' "$1" "$qemu" >"$SCRATCH/vmm"
	chmod 755 "$SCRATCH/vmm"
}

@test "the first create makes the template, the second is a copy of it" {
	logged_run "$ID"
	status_is 0
	has_templates 1
	# one boot: the template's own
	[ "$(grep -c -- '-kernel' "$LOG")" = 1 ]
	grep -q -- 'share=on' "$LOG"
	logged_run "$ID"
	status_is 0
	ran_a_clone
	has_templates 1
	# the template's cgroup is gone
	no_cgroup
}

@test "templates of machines with and without disks are kept beside each other" {
	local -a sandbox=('.annotations = {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": $id}' --arg id "$ID")
	cp "$BUNDLE/config.json" "$SCRATCH/usual.json"
	config '.annotations = {"io.hvrun.sandbox": "overlay"} | .root.readonly = false'
	logged_run "$ID"
	status_is 0
	has_templates 1
	cp "$SCRATCH/usual.json" "$BUNDLE/config.json"
	config "${sandbox[@]}"
	logged_run "$ID"
	status_is 0
	has_templates 2
	cp "$SCRATCH/usual.json" "$BUNDLE/config.json"
	logged_run "$ID"
	status_is 0
	has_templates 3
	config "${sandbox[@]}"
	logged_run "$ID"
	status_is 0
	ran_a_clone
	has_templates 3
}

@test "hyperv.template false: it boots, and makes none" {
	settings '{"template": false}'
	logged_run "$ID"
	status_is 0
	ran_a_boot
	[ -z "$(ls -A "$STORE")" ]
}

# What state says of a container that is made and deleted: "startup_of OPTION..."
startup_of()
{
	create "$ID" "$@"
	status_is 0
	hv state "$ID" | jq -c '.startup | [.start, .attempts]'
	hv delete -f "$ID"
}

@test "state tells a copy from a boot, and a boot that came after one of no use" {
	hv template build
	same "$(startup_of)" '["clone",1]'
	settings '{"template": false}'
	same "$(startup_of)" '["boot",1]'
	vmm_that 'case "$*" in *-incoming*) exit 1 ;; esac'
	settings '{"vmm_path": "'"$SCRATCH"'/vmm"}'
	hv template build
	same "$(startup_of)" '["boot",2]'
}

@test "four copies: random numbers, boot id, UUIDs, clock and name are each its own" {
	local i
	process /bin/sh -c 'cat /proc/sys/kernel/random/boot_id /proc/sys/kernel/random/uuid; /bin/busybox od -An -tx1 -N16 /dev/urandom
		/bin/busybox date -u +%s; /bin/busybox hostname'
	hv template build
	for i in 1 2 3 4; do
		config '.hostname = $name' --arg name "host-$i"
		try hv run "$ID-$i"
		status_is 0
		printf '%s\n' "$output" >"$SCRATCH/out.$i"
		[ "$(wc -l <"$SCRATCH/out.$i")" = 5 ]
		[ "$(sed -n 5p "$SCRATCH/out.$i")" = "host-$i" ]
		# the guest's clock is the host's
		[ $(($(date +%s) - $(sed -n 4p "$SCRATCH/out.$i"))) -lt 20 ]
	done
	for i in 1 2 3; do
		[ "$(sed -sn "${i}p" "$SCRATCH"/out.? | sort -u | wc -l)" = 4 ] || fail "line $i is not unique:" "$(cat "$SCRATCH"/out.?)"
	done
}

@test "a memory limit that fits uses the same template, and is exact in the copy" {
	config '.linux.resources.memory = {"limit": 67108864}'
	checks cgroup
	hv template build
	logged_run "$ID"
	status_is 0
	has 'memory.limit: 67108864'
	ran_a_clone
	has_templates 1
}

@test "creates at the same time: one makes the template, all get a copy" {
	local i pids=()
	for i in 1 2 3 4; do
		hv --log "$SCRATCH/log.$i" --debug run "$ID-$i" </dev/null &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i" || fail "a container failed"
	done
	has_templates 1
	[ "$(cat "$SCRATCH"/log.? | grep -c -- '-kernel')" = 1 ]
	[ "$(cat "$SCRATCH"/log.? | grep -c -- '-incoming')" = 4 ]
}

@test "the maker is killed: nothing is left, and the next one makes it" {
	local caller victim maker worker vmm
	# it stops where the template's memory is there, but no machine
	vmm_that 'case "$*" in *share=on*) exec sleep 100 ;; esac'
	settings '{"vmm_path": "'"$SCRATCH"'/vmm"}'
	for victim in maker worker; do
		hv run "$ID" </dev/null >"$SCRATCH/run.out" 2>&1 &
		caller=$!
		eventually compgen -G "$STORE/*.new/mem" >/dev/null
		eventually hvrun_pid >/dev/null # the second time the first one's half template is there already
		maker=$(hvrun_pid)
		eventually pgrep -P "$maker" -x hvrun-vmwp >/dev/null
		worker=$(pgrep -P "$maker" -x hvrun-vmwp)
		eventually pgrep -P "$worker" >/dev/null
		vmm=$(pgrep -P "$worker")
		kill -KILL "${!victim}"
		# without the maker nobody is left; without the worker the container boots all the same
		eventually is_gone "$worker"
		eventually is_gone "$vmm"
		wait "$caller" || [ "$victim" = maker ] || fail "without the worker:" "$(cat "$SCRATCH/run.out")"
		has_templates 0
		hv delete -f "$ID"
	done
	vmm_that ''
	logged_run "$ID"
	status_is 0
	has_templates 1
	[ -z "$(find "$STORE" -name '*.new')" ]
	no_cgroup
}

# The hvrun that runs $ID, not timeout(1), which has the same words in its command line, nor a child of its own
hvrun_pid()
{
	pgrep -o -f -- "^$HVRUN .*--root $ROOT .*run $ID"
}

@test "a template whose files were touched: a warning, and a new one" {
	local file old
	hv template build
	for file in mem state meta.json; do
		old=$(templates)
		case $file in
		mem) truncate -s 1M "$STORE/$old/mem" ;;
		state) printf 'x' | dd of="$STORE/$old/state" bs=1 seek=2000 conv=notrunc status=none ;;
		meta.json) printf '{"key": ' >"$STORE/$old/meta.json" ;;
		esac
		has_templates 0
		logged_run "$ID"
		status_is 0
		file_has "$LOG" 'level=warning.*made anew'
		has_templates 1
	done
}

@test "the template cannot be loaded: a warning, it boots, and the next one makes a new template" {
	vmm_that 'case "$*" in *-incoming*) echo "no such state" >&2; exit 1 ;; esac'
	settings '{"vmm_path": "'"$SCRATCH"'/vmm"}'
	hv template build
	logged_run "$ID"
	status_is 0
	ran_a_boot
	file_has "$LOG" 'level=warning.*booted: .*no such state'
	has_templates 0
	logged_run "$ID"
	status_is 0
	has_templates 0
	# and where nothing is wrong any more:
	vmm_that ''
	logged_run "$ID"
	status_is 0
	has_templates 1
}

@test "a copy that does not answer: a warning, and it boots" {
	vmm_that 'case "$*" in *-incoming*) exec sleep 100 ;; esac'
	settings '{"vmm_path": "'"$SCRATCH"'/vmm"}'
	hv template build # with half of the usual time, for a machine that has much to do
	settings '{"vmm_path": "'"$SCRATCH"'/vmm", "boot_timeout": 20}'
	logged_run "$ID"
	status_is 0
	file_has "$LOG" 'level=warning.*no answer within 5 seconds'
}

@test "it cannot be made at all: a warning, and the container boots" {
	vmm_that 'case "$*" in *share=on*) exit 1 ;; esac'
	settings '{"vmm_path": "'"$SCRATCH"'/vmm"}'
	logged_run "$ID"
	status_is 0
	file_has "$LOG" 'level=warning.*make a template'
	not grep -q 'no room is left' "$LOG"
	has_templates 0
	[ -z "$(find "$STORE" -mindepth 1 -type d)" ]
}

@test "a store without room: a warning that says so, and the container boots" {
	mount -t tmpfs -o size=16m,mode=700 none "$STORE"
	try hv template build
	status_is 1
	errors_have "make a template: no room is left in $STORE: "
	[ -z "$(find "$STORE" -mindepth 1 -type d)" ]
	logged_run "$ID"
	status_is 0
	file_has "$LOG" "level=warning.*make a template: no room is left in $STORE: "
}

@test "a store that others could write to is not used" {
	chmod 777 "$STORE"
	logged_run "$ID"
	status_is 0
	file_has "$LOG" 'level=warning.*must be ours alone'
	try hv template build
	status_is 1
	errors_have "must be ours alone"
}

@test "list and prune: what can be used stays, the rest goes" {
	local new
	try hv template list
	status_is 0
	output_is ''
	try hv template list -f json
	output_is '[]'
	cp "$(hv features >/dev/null; guest_file initramfs.img)" "$SCRATCH/initramfs.img"
	settings '{"initrd": "'"$SCRATCH"'/initramfs.img"}'
	hv template build
	has_templates 1
	try hv template list
	has 'NAME .*' '[0-9a-f]{16} +ready .*'
	# another file under the same name
	touch "$SCRATCH/initramfs.img"
	has_templates 0
	try hv template list
	has '[0-9a-f]{16} +stale .*'
	hv template build
	has_templates 1
	mkdir "$STORE/0123456789abcdef.new"
	try hv template prune
	status_is 0
	has_templates 1
	[ ! -e "$STORE/0123456789abcdef.new" ]
	hv template prune --all
	has_templates 0
	try hv template flush
	status_is 1
	errors_have 'not known .build, list, prune.'
}

# A file of the guest that hvrun boots without a configuration.
guest_file()
{
	local bin
	bin=$(dirname "$HVRUN")
	if [ -e "$bin/guest/$1" ]; then echo "$bin/guest/$1"; else echo "$bin/../share/hvrun/guest/$1"; fi
}
