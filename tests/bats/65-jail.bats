# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# The jail of type HyperV's VMM: what a QEMU that its guest has taken over could still see and do on the host.

load lib

setup_test()
{
	only_hyperv "there is no virtual machine monitor"
	printf 'secret\n' >"$SCRATCH/secret"
	config '.root.readonly = false'
}

# The container runs; $WORKER and $VMM are its processes on the host.
running()
{
	process /bin/init pause
	background "$ID"
	WORKER=$(container_pid "$ID")
	VMM=$(vmm_of "$WORKER")
	[ -n "$VMM" ]
}

vmm_of()
{
	cut -d' ' -f1 "/proc/$1/task/$1/children"
}

# The VMM's line "NAME:" in /proc/PID/status.
vmm_status()
{
	sed -n "s/^$1:[[:space:]]*//p" "/proc/$VMM/status"
}

# A busybox command as what could become of the VMM.
in_jail()
{
	"$BATS_TEST_DIRNAME/helpers/in-jail" "$VMM" "$BUSYBOX" "$@"
}

@test "capabilities: those of the 9p server, and nothing to get more with" {
	running
	for set in CapPrm CapEff CapBnd; do
		# CHOWN, DAC_OVERRIDE, FOWNER, FSETID
		same "$(vmm_status $set)" 000000000000001b $set
	done
	same "$(vmm_status CapInh)" 0000000000000000
	same "$(vmm_status CapAmb)" 0000000000000000
	same "$(vmm_status NoNewPrivs)" 1
	same "$(vmm_status Seccomp)" 2
	same "$(vmm_status Seccomp_filters)" 2 # QEMU's own and ours
}

@test "a container that may set capabilities of files has no VMM that may: its 9p server has no use for it" {
	config '.process.capabilities.bounding += ["CAP_SETFCAP"]'
	running
	same "$(vmm_status CapBnd)" 000000000000001b
}

@test "namespaces: none of the host's, and only the mounts are the worker's" {
	local ns
	running
	for ns in mnt pid ipc uts net cgroup; do
		not same "$(readlink "/proc/$VMM/ns/$ns")" "$(readlink "/proc/self/ns/$ns")" 2>/dev/null
	done
	same "$(vmm_status NSpid | wc -w)" 2
	same "$(readlink "/proc/$VMM/ns/mnt")" "$(readlink "/proc/$WORKER/ns/mnt")"
}

@test "the container's network namespace is not the VMM's" {
	local ns=$SCRATCH/net
	touch "$ns"
	unshare -n sh -c "ip link add eth0 type veth peer name eth1 && ip addr add 10.0.0.1/24 dev eth0 && ip link set eth0 up && ip link set eth1 up &&
		mount --bind /proc/self/ns/net '$ns'"
	config '.linux.namespaces |= map(if .type == "network" then .path = $ns else . end)' --arg ns "$ns"
	running
	same "$(readlink "/proc/$WORKER/ns/net")" "net:[$(stat -c %i "$ns")]"
	not same "$(readlink "/proc/$VMM/ns/net")" "$(readlink "/proc/$WORKER/ns/net")" 2>/dev/null
	# nothing in it but a loopback that is down
	same "$(nsenter -t "$VMM" -n ip -o link | wc -l)" 1
	hv delete -f "$ID"
	umount "$ns"
}

@test "limits: no core, no locked memory worth the name" {
	running
	grep -qE '^Max core file size +0 +0 ' "/proc/$VMM/limits"
	grep -qE '^Max locked memory +65536 +65536 ' "/proc/$VMM/limits"
}

# Entries of the jail that may be there: the VMM and its libraries, the guest, two or three devices, /proc, the shares.
allowed_entries()
{
	local guest
	guest=$(tr '\0' '\n' <"/proc/$VMM/cmdline" | sed -n '/^-kernel$/{n;p}')
	cat <<-END
		.
		./share
		./share/0
		./proc
		./proc/self
		./proc/thread-self
		./proc/pid
		./proc/sys
		./proc/sys/vm
		./proc/sys/vm/overcommit_memory
		./dev
		./dev/null
		./dev/urandom
		./dev/kvm
		./etc
		./etc/ld.so.cache
	END
}

@test "its root has the shares, and what the VMM reads, and nothing else" {
	local left
	running
	left=$(cd "/proc/$VMM/root" && find . -xdev | grep -vxFf <(allowed_entries) |
		grep -vE '^\./(lib|lib64|usr)(/|$)' | while read -r path; do
			# a directory on the way to the guest's kernel or initramfs, or one of these
			[ -d "$path" ] || echo "$path"
		done | grep -vE '/(vmlinux|kernel|initramfs\.img)$' || true)
	same "$left" "" "entries"
	# below /usr: libraries, the program, firmware
	left=$(cd "/proc/$VMM/root/usr" && find . -xdev ! -type d | grep -vE '^\./(bin|libexec)/qemu[^/]*$' || true)
	same "$left" "" "entries of /usr"
	# all of it read-only but the share, which is mounted over the root once more for who comes from the host
	same "$(awk '$6 !~ /^ro/ {print $5}' "/proc/$VMM/mountinfo" | sort)" $'/\n/share/0'
	same "$(in_jail ls /..)" "$(ls "$BUNDLE/rootfs")" "files above the root"
	same "$(awk '$6 !~ /nosuid/ {print $5}' "/proc/$VMM/mountinfo")" ""
	same "$(awk '$6 !~ /nodev/ {print $5}' "/proc/$VMM/mountinfo" | grep -vE '^/dev/(null|urandom|kvm)$' || true)" ""
	# of the host's proc nothing but its own processes
	[ ! -e "/proc/$VMM/root/proc/pid/sys" ]
	[ ! -e "/proc/$VMM/root/proc/pid/cmdline" ]
}

@test "the worker of an exec has none of the host's files" {
	running
	hv exec -d --pid-file "$SCRATCH/exec.pid" "$ID" /bin/init pause </dev/null >/dev/null 2>&1
	sees_no_files "$(<"$SCRATCH/exec.pid")"
}

@test "what is in the jail cannot reach the host's files, processes or kernel" {
	running
	try in_jail sh -c "cat '$SCRATCH/secret' /etc/shadow /proc/pid/1/root/etc/shadow; ls /proc/pid/$$; ls '$SCRATCH'"
	not grep -q secret <<<"$output"
	not grep -q root: <<<"$output"
	same "$output" ""
	try in_jail sh -c 'echo x >/new; echo x >/usr/lib64/new; echo x >/proc/sys/vm/overcommit_memory; echo x >/proc/pid/1/oom_score_adj; mkdir /share/1; echo done'
	output_is done
	[ "$(grep -c 'Read-only file system' <<<"$errors")" = 5 ]
	try in_jail sh -c 'kill -9 1 $1; mount -t tmpfs x /share/0; chroot /share/0 /bin/busybox true; mknod /share/0/tmp/disk b 254 0; echo done' sh $$
	output_is done
	[ ! -e rootfs/tmp/disk ]
	is_state "$ID" running
	# what it may: the share, with the guest's rights
	in_jail sh -c 'echo from-the-jail >/share/0/tmp/file'
	same "$(<rootfs/tmp/file)" from-the-jail
}

@test "a copy cannot write its template's memory or state" {
	local fd template before links
	running
	links=$(find "/proc/$VMM/fd" -lname '*/mem' -o -lname /mem)
	[ -n "$links" ] || skip_unless "no template here" false
	for fd in $links; do
		# opened for reading; once more for writing: not on this mount
		same "$(sed -n 's/^flags:.*\([0-7]\)$/\1/p' "/proc/$VMM/fdinfo/${fd##*/}")" 0
		not bash -c "exec 8<>'$fd'" 2>/dev/null
		not bash -c "exec 8>>'$fd'" 2>/dev/null
		not truncate -s 0 "$fd" 2>/dev/null
	done
	# mapped privately, all of it
	not grep -E 'rw-s .*/mem( |$)' "/proc/$VMM/maps"
	grep -qE 'rw-p .*/mem( |$)' "/proc/$VMM/maps"
	same "$(find "/proc/$VMM/fd" -lname '*/state')" ""
}

@test "vmm_files: what the operator names is there, to be read" {
	mkdir "$SCRATCH/firmware"
	echo blob >"$SCRATCH/firmware/blob"
	ln -s firmware "$SCRATCH/link"
	jq -n --arg dir "$SCRATCH/link" '{hyperv: {vmm_files: [$dir, "/does/not/exist"]}}' >"$SCRATCH/hvrun.json"
	PLAIN+=(--config-file "$SCRATCH/hvrun.json")
	HV+=(--config-file "$SCRATCH/hvrun.json")
	running
	same "$(in_jail cat "$SCRATCH/link/blob")" blob
	not in_jail sh -c "echo x >'$SCRATCH/firmware/blob'" 2>/dev/null
	for bad in / relative ''; do
		jq -n --arg dir "$bad" '{hyperv: {vmm_files: [$dir]}}' >"$SCRATCH/hvrun.json"
		try hv create "$ID-2"
		refused 'hyperv.vmm_files\[0\]'
	done
	rm "$SCRATCH/hvrun.json"
	HV=("${HV[@]/--config-file}")
	HV=("${HV[@]/$SCRATCH\/hvrun.json}")
}

@test "killed from outside, each of worker and VMM takes the other along" {
	local who
	for who in WORKER VMM; do
		running
		kill -9 "${!who}"
		eventually is_gone "$WORKER"
		eventually is_gone "$VMM"
		eventually is_state "$ID" stopped
		hv delete "$ID"
	done
}

@test "a stopped worker that is killed takes the VMM along" {
	running
	kill -STOP "$WORKER"
	kill -9 "$WORKER"
	eventually is_gone "$VMM"
	hv delete "$ID"
}
