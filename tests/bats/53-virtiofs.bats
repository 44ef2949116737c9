# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash sets or reads
# The root file system and bind mounts by virtiofs: what that can do and 9p cannot, what stays as it is with 9p, and what confines the process that serves them.

load lib

virtiofsd()
{
	hv check -f json | jq -e '.checks[] | select(.name == "virtiofsd") | .status == "ok"' >/dev/null
}

setup_test()
{
	only_hyperv "its files are the host's own"
	local applet
	skip_unless "there is no virtiofsd here" virtiofsd
	for applet in chmod chown dd grep ln md5sum mknod mount mv rmdir stat; do
		ln -s busybox "rootfs/bin/$applet"
	done
	config '.root.readonly = false | .annotations += {"io.hvrun.share-type": "virtiofs"}'
}

shell()
{
	process /bin/sh -c "$1"
}

# A bind mount: "bind SOURCE DESTINATION OPTION..."
bind()
{
	config '.mounts += [{destination: $d, type: "bind", source: $s, options: $ARGS.positional}]' --arg s "$1" --arg d "$2" --args -- "${@:3}"
}

# The container runs; $WORKER, $VMM and $SERVER are its processes on the host.
running()
{
	local pid
	[ $# = 0 ] && process /bin/init pause || process "$@"
	background "$ID"
	WORKER=$(container_pid "$ID") VMM='' SERVER=''
	for pid in $(<"/proc/$WORKER/task/$WORKER/children"); do
		case $(<"/proc/$pid/comm") in
		virtiofsd*) SERVER=$pid ;;
		*) VMM=$pid ;;
		esac
	done
	[ -n "$VMM" ] && [ -n "$SERVER" ]
}

# A line "NAME:" in /proc/PID/status: "status_of PID NAME"
status_of()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# A configuration file with this hyperv section, beside what the suite's own says: "configure JQ-OBJECT"
configure()
{
	local i file='' base='{}'
	for ((i = 0; i < ${#HV[@]}; i++)); do
		[ "${HV[i]}" != --config-file ] || file=${HV[i + 1]}
	done
	[ -z "$file" ] || base=$(<"$file")
	jq --argjson more "$1" '.hyperv += $more' <<<"$base" >"$SCRATCH/hvrun.json"
	HV+=(--config-file "$SCRATCH/hvrun.json")
	PLAIN+=(--config-file "$SCRATCH/hvrun.json")
}

@test "the annotation chooses, over the configuration file; state says what it is" {
	shell 'grep " / " /proc/mounts'
	running /bin/init pause
	same "$(hv state "$ID" | jq -r .shareType)" virtiofs
	try hv exec "$ID" grep ' / ' /proc/mounts
	has '.* / virtiofs rw.*'
	hv delete -f "$ID"
	configure '{"share_type": "virtiofs"}'
	shell 'grep " / " /proc/mounts'
	config '.annotations["io.hvrun.share-type"] = "9P"'
	run_ok
	has '.* / 9p .*'
	config 'del(.annotations["io.hvrun.share-type"])'
	run_ok
	has '.* / virtiofs .*'
}

@test "what is no way to share, or a program that is not there, is refused before anything is made" {
	local before
	before=$(snapshot)
	config '.annotations["io.hvrun.share-type"] = "nfs"'
	try hv create "$ID"
	refused 'annotation io.hvrun.share-type: "nfs" is not a valid value \(9p, virtiofs\)'
	config '.annotations["io.hvrun.share-type"] = "virtiofs"'
	configure '{"virtiofsd_path": "/does/not/exist"}'
	try hv create "$ID"
	refused 'virtiofsd /does/not/exist \(hyperv.virtiofsd_path\): No such file or directory'
	try hv check "$BUNDLE"
	status_is 1
	grep -q 'virtiofsd /does/not/exist' <<<"$output"
	configure '{"share_type": "smb"}'
	try hv create "$ID"
	refused 'hyperv.share_type: "smb" is not a valid value \(9p, virtiofs\)'
	machine_unchanged "$before"
}

@test "what a local file system can do can be done" {
	mkdir "$SCRATCH/volume"
	bind "$SCRATCH/volume" /volume bind
	process /bin/init can /var /volume
	run_ok
	has 'unlinked /(var|volume): ok' 'shared /(var|volume): ok' 'fifo /(var|volume): ok' 'socket /(var|volume): ok' 'attribute /(var|volume): ok'
	# but for this: virtiofsd has no FUSE_TMPFILE
	has 'nameless /(var|volume): (ok|EOPNOTSUPP)'
	same "$(grep -c ok <<<"$output")" 10 || same "$(grep -c ok <<<"$output")" 12
	same "$(ls -A rootfs/var)$(ls -A "$SCRATCH/volume")" ""
}

@test "root file system and volumes: files and directories, read-write and read-only, owners and modes" {
	mkdir "$SCRATCH/rw" "$SCRATCH/ro"
	echo one >"$SCRATCH/ro/file"
	echo two >"$SCRATCH/single"
	bind "$SCRATCH/rw" /rw bind
	bind "$SCRATCH/ro" /ro bind ro
	bind "$SCRATCH/single" /etc/single bind
	config '.process.capabilities[] += ["CAP_CHOWN", "CAP_FOWNER", "CAP_FSETID"]'
	shell 'cat /ro/file /etc/single; echo x >/ro/new; echo x >/ro/file; echo three >/etc/single; echo four >/rw/new; chown 12:34 /rw/new; chmod 4711 /rw/new
		mkdir -p /made/deep; mv /rw/new /rw/newer; ln /rw/newer /rw/hard; ln -s newer /rw/soft; stat -c "%u:%g %a %h" /rw/newer; echo end'
	try hv run "$ID"
	status_is 0
	same "$output" "$(printf 'one\ntwo\n12:34 4711 2\nend')"
	[ "$(grep -c 'Read-only file system' <<<"$errors")" = 2 ]
	same "$(cat "$SCRATCH/single" "$SCRATCH/rw/newer")" "$(printf 'three\nfour')"
	same "$(stat -c '%u:%g %a %h' "$SCRATCH/rw/hard")" '12:34 4711 2'
	same "$(readlink "$SCRATCH/rw/soft")" newer
	same "$(ls "$SCRATCH/ro")" file
	[ -d rootfs/made/deep ]
	config '.root.readonly = true | .mounts += [{destination: "/mountpoint/made", type: "tmpfs", source: "tmpfs"}]'
	shell 'echo x >/new; mkdir /dir; echo ok >/mountpoint/made/file; cat /mountpoint/made/file'
	run_ok
	output_is ok
	[ ! -e rootfs/new ] && [ ! -e rootfs/dir ]
}

@test "a read-only volume stays so for root with CAP_SYS_ADMIN, and for whoever takes the guest or virtiofsd over" {
	mkdir "$SCRATCH/ro"
	echo one >"$SCRATCH/ro/file"
	bind "$SCRATCH/ro" /ro bind ro
	config '.process.capabilities[] += ["CAP_SYS_ADMIN"] | del(.linux.seccomp)'
	running
	try hv exec "$ID" /bin/sh -c 'mount -o remount,rw,bind /ro; echo x >/ro/new; echo x >/ro/file; cat /ro/file'
	same "$output" one
	same "$(ls "$SCRATCH/ro") $(<"$SCRATCH/ro/file")" "file one"
	try "$BATS_TEST_DIRNAME/helpers/in-jail" "$SERVER" "$BUSYBOX" sh -c 'echo x >/1/new; echo x >/1/file; echo x >/new; echo end'
	output_is end
	[ "$(grep -c 'Read-only file system' <<<"$errors")" = 3 ]
	same "$(ls "$SCRATCH/ro") $(<"$SCRATCH/ro/file")" "file one"
}

@test "links and special files in a share lead nowhere on the host" {
	local up=../../../../../../../..
	echo secret >"$SCRATCH/secret"
	mkdir "$SCRATCH/volume"
	ln -s "$SCRATCH/secret" "$SCRATCH/volume/absolute"
	ln -s "$up$SCRATCH/secret" "$SCRATCH/volume/relative"
	ln -s "$up" "$SCRATCH/volume/up"
	mkfifo "$SCRATCH/volume/fifo"
	mknod "$SCRATCH/volume/disk" b 7 0
	bind "$SCRATCH/volume" /volume bind
	config '.process.capabilities[] += ["CAP_MKNOD"]'
	# nobody writes to the FIFO on the host; in the guest it is the guest's own
	shell "cat /volume/absolute /volume/relative /volume/up$SCRATCH/secret; ls /volume/up; cat /volume/disk; mknod /volume/mine b 7 0
		(echo guest >/volume/fifo) & cat /volume/fifo; echo end"
	run_ok
	lacks secret
	has guest end bin
	[ ! -e "$SCRATCH/volume/mine" ]
	same "$(<"$SCRATCH/secret")" secret
}

@test "both sides see each other's changes at once" {
	mkdir "$SCRATCH/volume"
	echo one >"$SCRATCH/volume/file"
	bind "$SCRATCH/volume" /volume bind
	running
	local i
	for i in 1 2 3; do
		echo "text $i" >"$SCRATCH/volume/file"
		mkdir "$SCRATCH/volume/dir$i"
		try hv exec "$ID" /bin/sh -c "cat /volume/file; [ -d /volume/dir$i ] && rmdir /volume/dir$i; echo guest $i >/volume/answer"
		output_is "text $i"
		same "$(<"$SCRATCH/volume/answer")" "guest $i"
		[ ! -e "$SCRATCH/volume/dir$i" ]
	done
}

@test "virtiofs_timeout: what the guest knows of names it does not ask for again" {
	mkdir "$SCRATCH/volume"
	echo text >"$SCRATCH/volume/file"
	bind "$SCRATCH/volume" /volume bind
	configure '{"virtiofs_timeout": 3600}'
	running
	try hv exec "$ID" cat /volume/file
	output_is text
	mv "$SCRATCH/volume/file" "$SCRATCH/volume/other"
	try hv exec "$ID" /bin/sh -c 'cat /volume/file /volume/other; echo new >/volume/new'
	same "$output" "$(printf 'text\ntext')"
	same "$(<"$SCRATCH/volume/new")" new
}

@test "several file systems in one tree are told apart" {
	local device
	mkdir "$SCRATCH/volume"
	mount -t tmpfs tmpfs "$SCRATCH/volume"
	mkdir "$SCRATCH/volume/inner"
	mount -t tmpfs tmpfs "$SCRATCH/volume/inner"
	echo outer >"$SCRATCH/volume/file"
	echo inner >"$SCRATCH/volume/inner/file"
	bind "$SCRATCH/volume" /volume rbind
	shell 'stat -c %d /bin/busybox /volume/file /volume/inner/file; cat /volume/file /volume/inner/file'
	run_ok
	same "$(head -n 3 <<<"$output" | sort -u | wc -l)" 3 "devices"
	has outer inner
	umount "$SCRATCH/volume/inner" "$SCRATCH/volume"
}

@test "what a mapping has written is on the host when the container has ended" {
	mkdir "$SCRATCH/volume"
	bind "$SCRATCH/volume" /volume bind
	shell 'dd if=/dev/urandom of=/volume/data bs=65536 count=64 2>/dev/null && md5sum </volume/data'
	run_ok
	same "$output" "$(md5sum <"$SCRATCH/volume/data")"
	same "$(stat -c %s "$SCRATCH/volume/data")" 4194304
}

@test "mounts that come later" {
	mkdir "$SCRATCH/later"
	echo later >"$SCRATCH/later/file"
	running
	jq -n --arg s "$SCRATCH/later" '[{destination: "/later", type: "bind", source: $s, options: ["bind", "ro"]}]' >"$SCRATCH/mounts.json"
	hv mounts add "$ID" "$SCRATCH/mounts.json"
	try hv exec "$ID" /bin/sh -c 'cat /later/file; echo x >/later/new'
	output_is later
	[ ! -e "$SCRATCH/later/new" ]
	hv mounts remove "$ID" "$SCRATCH/mounts.json"
	try hv exec "$ID" ls /later
	output_is ""
}

@test "a pod has one virtiofsd: members follow their sandbox" {
	config '.annotations += {"io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri.sandbox-id": $id}' --arg id "$ID"
	running
	make_bundle "$SCRATCH/member"
	config_of "$SCRATCH/member" '.annotations += {"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-id": $id}
		| .process.args = ["/bin/busybox", "grep", " / ", "/proc/mounts"]
		| .linux.namespaces |= map(if .type == "network" then . + {path: ("/proc/" + $pid + "/ns/net")} else . end)' \
		--arg id "$ID" --arg pid "$WORKER"
	cd "$SCRATCH/member"
	try plain run "$ID-m"
	status_is 0
	has '.* / virtiofs .*'
	config_of . '.annotations["io.hvrun.share-type"] = "9p"'
	try plain run "$ID-m"
	refused "io.hvrun.share-type: \"9p\": the virtual machine of the pod sandbox \"$ID\" has its file systems by \"virtiofs\""
	config_of . '.annotations["io.hvrun.share-type"] = "virtiofs"'
	try plain run "$ID-m"
	status_is 0
	same "$(wc -w <"/proc/$WORKER/task/$WORKER/children")" 2
}

@test "killed from outside, each of worker, VMM and virtiofsd takes the others along" {
	local who
	for who in SERVER VMM WORKER; do
		running
		kill -9 "${!who}"
		eventually is_gone "$WORKER"
		eventually is_gone "$VMM"
		eventually is_gone "$SERVER"
		eventually is_state "$ID" stopped
		[ $who != SERVER ] || grep -q 'virtiofsd was killed by signal 9' "$SCRATCH/$ID.err"
		[ $who != VMM ] || grep -q 'virtual machine was killed by signal 9' "$SCRATCH/$ID.err"
		hv delete "$ID"
	done
}

@test "a program that ends at once: create says so, with what it says, and leaves nothing" {
	local before
	before=$(snapshot)
	configure '{"virtiofsd_path": "/bin/false"}'
	try hv create "$ID"
	refused 'virtiofsd ended with status 1'
	configure '{"virtiofsd_path": "/bin/sleep"}'
	try hv create "$ID"
	refused 'virtiofsd ended with status 1: .*sleep: (invalid|unrecognized) option'
	machine_unchanged "$before"
}

@test "who waits for the guest's files when virtiofsd goes is told why" {
	running
	hv exec "$ID" /bin/sh -c 'echo begun; while :; do ls /; done' >"$SCRATCH/exec.out" 2>"$SCRATCH/exec.err" &
	eventually file_has "$SCRATCH/exec.out" begun
	kill -9 "$SERVER"
	wait $! || status=$?
	[ "$status" != 0 ]
	eventually is_state "$ID" stopped
	hv delete "$ID"
}

@test "virtiofsd: in the container's cgroup, in namespaces of its own, with the shares as its root" {
	local ns dir
	running
	dir=$(cgroup_of "$ID" pids)
	grep -qx "$SERVER" "$dir/cgroup.procs"
	for ns in mnt pid ipc uts net cgroup; do
		not same "$(readlink "/proc/$SERVER/ns/$ns")" "$(readlink "/proc/self/ns/$ns")" 2>/dev/null
		[ $ns = mnt ] || not same "$(readlink "/proc/$SERVER/ns/$ns")" "$(readlink "/proc/$VMM/ns/$ns")" 2>/dev/null
	done
	same "$(status_of "$SERVER" NSpid | wc -w)" 2
	same "$(nsenter -t "$SERVER" -n ip -o link | wc -l)" 1
	same "$(ls -A "/proc/$SERVER/root/")" 0
	same "$(ls "/proc/$SERVER/root/0/bin/init")" "/proc/$SERVER/root/0/bin/init"
	# the mounts of its namespace: all read-only but the share
	same "$(awk '$6 !~ /^ro/ {print $5}' "/proc/$WORKER/mountinfo" | sort)" $'/\n/share/0'
}

@test "virtiofsd: capabilities, no_new_privs and seccomp filters" {
	running
	for set in CapPrm CapEff; do
		# CHOWN, DAC_OVERRIDE, FOWNER, FSETID, SETGID, SETUID
		same "$(status_of "$SERVER" $set)" 00000000000000db $set
	done
	for set in CapBnd CapInh CapAmb; do
		same "$(status_of "$SERVER" $set)" 0000000000000000 $set
	done
	same "$(status_of "$SERVER" NoNewPrivs)" 1
	same "$(status_of "$SERVER" Seccomp)" 2
	same "$(status_of "$SERVER" Seccomp_filters)" 2 # its own and ours
	grep -qE '^Max core file size +0 +0 ' "/proc/$SERVER/limits"
	hv delete -f "$ID"
	config '.process.capabilities.bounding += ["CAP_SETFCAP"]'
	running
	same "$(status_of "$SERVER" CapEff)" 00000000800000db
}

@test "the VMM has no shares then, and no capabilities" {
	running
	for set in CapPrm CapEff CapBnd CapInh CapAmb; do
		same "$(status_of "$VMM" $set)" 0000000000000000 $set
	done
	same "$(status_of "$VMM" NoNewPrivs)" 1
	same "$(status_of "$VMM" Seccomp_filters)" 2
	not grep -q ' /share' "/proc/$VMM/mountinfo"
	same "$(find "/proc/$VMM/root/share" -mindepth 2)" ""
	same "$(awk '$6 !~ /^ro/ {print $5}' "/proc/$VMM/mountinfo")" ""
}
