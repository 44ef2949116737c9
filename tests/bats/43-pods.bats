# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that lib.bash sets or reads
# Pods: a sandbox and the containers that are its members by the annotations of containerd or CRI-O. In type Default members are containers
# that share namespaces by path; in type HyperV they are in the sandbox's virtual machine. What a caller sees is the same.

load lib
load pods

setup_test()
{
	setup_pod
}

@test "a member runs in its sandbox's machine, with the sandbox's type" {
	sandbox
	member a /bin/init all namespaces , hostname , exit 7
	run_member a
	status_is 7
	has '.*podname.*'
	member b /bin/init pause
	start_member b
	try hv state "$POD-b"
	same "$(jq -r '.runtimeType, .sandbox, .status' <<<"$output")" "$(printf '%s\n' "$RUNTIME_TYPE" "$POD" running)"
	try hv list -f json
	same "$(jq -r --arg id "$POD-b" '.[] | select(.id == $id).sandbox' <<<"$output")" "$POD"
	is_hyperv || return 0
	same "$(vmm_count)" 1 "virtual machines"
	[ "$(plain exec "$POD-b" /bin/cat /proc/sys/kernel/random/boot_id)" = "$(plain exec "$POD" /bin/cat /proc/sys/kernel/random/boot_id)" ]
}

@test "ids of a member's mount are mapped as in the sandbox's user namespace" {
	mkdir "$SCRATCH/volume"
	touch "$SCRATCH/volume/file"
	chown 5:6 "$SCRATCH/volume/file"
	chown -R 300000:300000 "$BUNDLE/rootfs"
	chmod 755 "$SCRATCH" "$BUNDLE"
	sandbox '.linux.namespaces += [{"type": "user"}] | .linux.uidMappings = [{"containerID": 0, "hostID": 300000, "size": 65536}] | .linux.gidMappings = .linux.uidMappings'
	member a /bin/init stat /vol/file
	chown -R 300000:300000 "$SCRATCH/a/rootfs"
	chmod 755 "$SCRATCH/a"
	config_of "$SCRATCH/a" '.linux.namespaces += [{"type": "user", "path": ("/proc/" + $pid + "/ns/user")}]
		| .mounts = [.mounts[] | select(.type != "sysfs" and .type != "mqueue")] + [{"destination": "/vol", "source": $source, "options": ["bind", "idmap"]}]' \
		--arg pid "$POD_PID" --arg source "$SCRATCH/volume"
	run_member a
	status_is 0
	has 'stat /vol/file: file 0644 5 6'
}

# "bind_shm BUNDLE SOURCE"
bind_shm()
{
	config_of "$1" '(.mounts[] | select(.destination == "/dev/shm")) |= (.type = "bind" | .source = $from | .options = ["rbind", "nosuid", "nodev", "noexec"])' --arg from "$2"
}

@test "shared memory: the sandbox's, that members have as well, and one of a member's own that ends with it" {
	local name
	for name in pod own; do
		mkdir "$SCRATCH/shm-$name" && mount -t tmpfs -o mode=1777,size=1m shm "$SCRATCH/shm-$name" || return
	done
	bind_shm "$BUNDLE" "$SCRATCH/shm-pod"
	sandbox
	member a /bin/sh -c 'echo of-a >/dev/shm/a; echo ready:; exec /bin/init pause'
	member b /bin/sh -c 'cat /dev/shm/a; /bin/busybox truncate -s 5 /dev/shm/b; /bin/busybox stat -c "b %s" /dev/shm/b'
	member c /bin/sh -c '/bin/busybox ls /dev/shm; echo of-c >/dev/shm/c; echo end'
	for name in a b; do
		bind_shm "$SCRATCH/$name" "$SCRATCH/shm-pod"
	done
	bind_shm "$SCRATCH/c" "$SCRATCH/shm-own"
	start_member a
	run_member b
	status_is 0
	has of-a 'b 5'
	run_member c
	status_is 0
	same "$output" end "a member's own shared memory"
	! is_hyperv || run_member c
	same "$output" end "another container's with the same tmpfs of the host, when the first has gone"
	try plain delete --force "$POD-a"
	status_is 0
	run_member b
	status_is 0
	has of-a
	try plain delete --force "$POD"
	status_is 0
	umount "$SCRATCH/shm-pod" "$SCRATCH/shm-own"
}

@test "a member's layer in memory: what it writes is its own, within a limit, and gone with it" {
	sandbox
	member a /bin/sh -c 'echo new >/file && rm -r /var && ls -d /var; cat /file; cat /dev/zero >/fill; echo "full $?"; echo ready:; exec /bin/init pause'
	config_of "$SCRATCH/a" '.process.args[2] |= sub("rm "; "/bin/busybox rm ") | .root.readonly = false
		| .annotations += {"io.hvrun.sandbox": "memory", "io.hvrun.sandbox.size": "4M"}'
	before=$(cd "$SCRATCH/a/rootfs" && find . -printf '%p %M %U:%G %s %T@ %l\n' | sort)
	start_member a
	same "$(grep -v ready: "$SCRATCH/a.out")" "$(printf '%s\n' new 'full 1')"
	# another one of the same root file system, while the first runs
	member b /bin/sh -c 'cat /file; ls -d /var; echo b >/file; cat /file'
	config_of "$SCRATCH/b" '.root = {"path": $root, "readonly": false} | .annotations += {"io.hvrun.sandbox": "memory"}' --arg root "$SCRATCH/a/rootfs"
	run_member b
	output_is "$(printf '%s\n' /var b)"
	try hv exec "$POD-a" /bin/cat /file
	output_is new
	hv delete -f "$POD-a"
	hv delete -f "$POD-b" || true
	same "$(cd "$SCRATCH/a/rootfs" && find . -printf '%p %M %U:%G %s %T@ %l\n' | sort)" "$before" "the root file system"
	# with the same id again: nothing of the first is left, in the guest neither
	start_member a
	same "$(grep -v ready: "$SCRATCH/a.out")" "$(printf '%s\n' new 'full 1')"
}

@test "CRI-O's annotations do the same" {
	MARK=mark_crio
	sandbox
	member a /bin/init exit 3
	run_member a
	status_is 3
	no_errors
}

@test "a podman pod without an infra container, though CRI-O's annotations name one: each container is for itself" {
	mark_crio "$BUNDLE" container no-such-container
	config '.annotations["io.container.manager"] = "libpod"'
	process /bin/init exit 3
	try hv run "$ID"
	status_is 3
	config '.annotations["io.container.manager"] = "cri-o"'
	try hv run "$ID"
	refused 'pod sandbox "no-such-container"'
	mark_cri "$BUNDLE" container no-such-container
	config '.annotations["io.container.manager"] = "libpod"'
	try hv run "$ID"
	refused 'pod sandbox "no-such-container"'
}

# podman marks the members only, and in type Default there is nothing to go to.
@test "a podman pod's infra container has its members in its machine" {
	config '.annotations["io.container.manager"] = "libpod"'
	background "$POD"
	POD_PID=$(container_pid "$POD")
	MARK=mark_crio
	for name in one two; do
		member $name /bin/init all hostname , namespaces , print ready: , pause
		config_of "$SCRATCH/$name" '.annotations["io.container.manager"] = "libpod"'
		start_member $name
	done
	grep -qx 'hostname: podname' "$SCRATCH/one.out"
	same "$(grep -E '^ns (net|ipc|uts):' "$SCRATCH/one.out")" "$(grep -E '^ns (net|ipc|uts):' "$SCRATCH/two.out")"
	if is_hyperv; then
		same "$(vmm_count)" 1 "machines"
		# no member has members; and only podman's own come to what nothing marks as a sandbox
		member three /bin/init pause
		"$MARK" "$SCRATCH/three" container "$POD-one"
		config_of "$SCRATCH/three" '.annotations["io.container.manager"] = "libpod"'
		try plain run -b "$SCRATCH/three" "$POD-three"
		refused "$POD-one" "no pod sandbox"
		"$MARK" "$SCRATCH/three" container "$POD"
		config_of "$SCRATCH/three" '.annotations["io.container.manager"] = "cri-o"'
		try plain run -b "$SCRATCH/three" "$POD-three"
		refused "$POD" "no pod sandbox"
	fi
	hv delete -f "$POD-one"
	hv delete -f "$POD-two"
	hv delete -f "$POD"
}

@test "namespaces with the sandbox's paths are the sandbox's, others are the member's own" {
	sandbox
	pod=$(plain exec "$POD" /bin/init namespaces)
	member a /bin/init all namespaces , ls-proc
	run_member a
	status_is 0
	for name in net ipc uts; do
		has "$(grep "^ns $name:" <<<"$pod" | sed 's/[][]/\\&/g')"
	done
	for name in mnt pid; do
		lacks "^$(grep "^ns $name:" <<<"$pod" | sed 's/[][]/\\&/g')$"
	done
	has 'pid 1: init'
	member b /bin/init all namespaces , ls-proc
	share_pids b
	run_member b
	status_is 0
	has "$(grep '^ns pid:' <<<"$pod" | sed 's/[][]/\\&/g')"
	same "$(grep -c '^pid ' <<<"$output")" 2 "processes in the shared namespace"
}

@test "namespaces that an engine has pinned to files are the pod's" {
	MARK=mark_crio
	touch "$SCRATCH"/{net,ipc,uts}
	unshare --net="$SCRATCH/net" --ipc="$SCRATCH/ipc" --uts="$SCRATCH/uts" true
	pin='.linux.namespaces |= map({network: "net", ipc: "ipc", uts: "uts"}[.type] as $file
		| if $file then . + {path: ($s + "/" + $file)} else . end)'
	config "$pin" --arg s "$SCRATCH"
	sandbox
	member a /bin/init all namespaces , hostname
	config_of "$SCRATCH/a" "$pin" --arg s "$SCRATCH"
	run_member a
	status_is 0
	for name in net ipc uts; do
		has "$(plain exec "$POD" /bin/init namespaces | grep "^ns $name:" | sed 's/[][]/\\&/g')"
	done
	has '.*podname.*'
	plain delete -f "$POD"
	umount "$SCRATCH"/{net,ipc,uts}
}

@test "a container may be called as the guest's own group" {
	not_systemd "groups are made by path"
	sandbox
	(cd "$BUNDLE" && plain delete -f "$POD")
	POD=agent
	config '.linux.cgroupsPath = $p' --arg p "/$ID-agent"
	sandbox
	member a /bin/init exit 3
	try in_member a plain run .agent
	refused 'invalid container ID'
	run_member a
	status_is 3
	plain kill --all "$POD" KILL
	eventually exited "$POD"
	plain delete "$POD"
}

# podman cp, among others, takes a container's pid, joins its mount namespace and writes there.
@test "HyperV: a member's process on the host has none of the host's files" {
	only_hyperv "a member's process has the member's files"
	sandbox
	member one /bin/init all print ready: , pause
	start_member one
	pid=$(container_pid "$POD-one")
	not same "$(readlink "/proc/$pid/ns/mnt")" "$(readlink /proc/self/ns/mnt)" 2>/dev/null
	same "$(ls -A "/proc/$pid/root")" ""
	# what is over its root is the member's: 58-files-from-host.bats
	same "$("$BATS_TEST_DIRNAME/helpers/join-mounts" "$pid" list /)" "$(ls "$SCRATCH/one/rootfs")"
	hv delete -f "$POD-one"
}

@test "members have files of their own" {
	sandbox
	member a /bin/sh -c 'echo from-a >/root/mine; echo ready:; exec sleep 1000'
	member b /bin/sh -c 'ls /root; echo done'
	config_of "$SCRATCH/a" '.root.readonly = false'
	start_member a
	run_member b
	status_is 0
	output_is done
	same "$(<"$SCRATCH/a/rootfs/root/mine")" from-a
}

@test "a member's bind mounts and read-only root file system are kept on the host" {
	sandbox
	mkdir "$SCRATCH/volume"
	echo text >"$SCRATCH/volume/file"
	echo single >"$SCRATCH/one"
	member a /bin/sh -c 'cat /volume/file /one; echo x >/volume/new && echo wrote; echo y 2>/dev/null >/ro/new || echo kept; echo z 2>/dev/null >/new || echo kept'
	config_of "$SCRATCH/a" '.root.readonly = true | .mounts += [
		{destination: "/volume", type: "bind", source: ($s + "/volume"), options: ["bind"]},
		{destination: "/one", type: "bind", source: ($s + "/one"), options: ["bind", "ro"]},
		{destination: "/ro", type: "bind", source: ($s + "/volume"), options: ["bind", "ro"]}]' --arg s "$SCRATCH"
	run_member a
	status_is 0
	output_is "$(printf '%s\n' text single wrote kept kept)"
	same "$(<"$SCRATCH/volume/new")" x
	[ ! -e "$SCRATCH/a/rootfs/new" ]
}

@test "nothing of a member keeps its file systems busy once it is deleted" {
	sandbox
	member a /bin/init pause
	mkdir "$SCRATCH/fs"
	mount -t tmpfs "hvt-$TAG" "$SCRATCH/fs"
	cp -a "$SCRATCH/a/rootfs/." "$SCRATCH/fs"
	config_of "$SCRATCH/a" '.root.path = $p' --arg p "$SCRATCH/fs"
	before=$(snapshot)
	start_member a
	plain exec "$POD-a" /bin/init readonly /tmp
	plain kill "$POD-a" KILL
	eventually exited "$POD-a"
	plain delete "$POD-a"
	for pid in $(test_processes | cut -d' ' -f2 | tr -d :); do
		! grep -F "hvt-$TAG" "/proc/$pid/mountinfo" | grep -vF " $SCRATCH/fs " || fail "process $pid has it still"
	done
	umount "$SCRATCH/fs"
	is_state "$POD" running
}

@test "stdin, stdout and stderr of a member, and many bytes" {
	sandbox
	member a /bin/init all echo-both out err , cat
	head -c 3000000 /dev/zero | tr '\0' x >"$SCRATCH/bytes"
	status=0
	(cd "$SCRATCH/a" && plain run "$POD-a" <"$SCRATCH/bytes" >"$SCRATCH/stdout" 2>"$SCRATCH/stderr") || status=$?
	status_is 0
	same "$(head -n 1 "$SCRATCH/stdout")" out
	same "$(<"$SCRATCH/stderr")" err
	same "$(tail -n +2 "$SCRATCH/stdout" | cmp - "$SCRATCH/bytes" && echo same)" same
}

@test "a member ends as its process ends: code, signal; signals to its pid reach it" {
	sandbox
	member a /bin/init exit 9
	run_member a
	status_is 9
	member c /bin/init pause
	status=0
	in_member c plain run --pid-file "$SCRATCH/c.pid" "$POD-c" >"$SCRATCH/c.out" 2>"$SCRATCH/c.err" </dev/null 3>&- &
	eventually file_has "$SCRATCH/c.out" ready:
	kill -KILL "$(<"$SCRATCH/c.pid")"
	wait $! || status=$?
	status_is 137
	member b /bin/init signal-wait 2
	start_member b
	kill -USR1 "$(<"$SCRATCH/$POD-b.pid")"
	eventually file_has "$SCRATCH/b.out" USR1
	plain kill "$POD-b" USR2
	eventually file_has "$SCRATCH/b.out" USR2
	eventually exited "$POD-b"
	plain delete "$POD-b"
	is_state "$POD" running
}

@test "a member has a terminal" {
	sandbox
	member a /bin/init all isatty , ttysize
	config_of "$SCRATCH/a" '.process.terminal = true | .process.consoleSize = {height: 31, width: 97}'
	"$CONSOLE" receive "$SCRATCH/console.sock" >"$SCRATCH/tty" 2>&1 </dev/null 3>&- &
	eventually test -S "$SCRATCH/console.sock"
	in_member a plain run -d --console-socket "$SCRATCH/console.sock" "$POD-a" </dev/null >"$SCRATCH/stdout" 2>&1
	eventually file_has "$SCRATCH/tty" 'ttysize: 31 97'
	file_has "$SCRATCH/tty" 'isatty: 1 1 1'
	file_has "$SCRATCH/tty" 'controlling: yes'
	eventually exited "$POD-a"
	wait $!
}

@test "exec, ps, events and kill --all are about one member" {
	sandbox
	member a /bin/init pause
	member b /bin/init pause
	start_member a
	start_member b
	try plain exec -e X=1 "$POD-a" /bin/sh -c 'echo in-a; exit 5'
	status_is 5
	output_is in-a
	plain exec -d --pid-file "$SCRATCH/exec.pid" "$POD-a" /bin/sleep 1000
	try plain ps "$POD-a"
	same "$(grep -c 'sleep 1000' <<<"$output")" 1
	try plain ps "$POD-b"
	lacks 'sleep 1000'
	try plain events --stats "$POD-a"
	same "$(jq -r '.type, .id' <<<"$output")" "$(printf 'stats\n%s' "$POD-a")"
	[ "$(jq .data.pids.current <<<"$output")" -ge 2 ]
	plain kill --all "$POD-a" KILL
	eventually exited "$POD-a"
	eventually is_gone "$(<"$SCRATCH/exec.pid")"
	is_state "$POD-b" running
	is_state "$POD" running
}

@test "pause and resume stop one member and no other" {
	sandbox
	member a /bin/sh -c 'echo ready:; while :; do echo tick; sleep 0.05; done'
	member b /bin/init pause
	start_member a
	start_member b
	plain pause "$POD-a"
	is_state "$POD-a" paused
	is_state "$POD-b" running
	is_state "$POD" running
	try plain exec "$POD-a" /bin/true
	status_is 255
	errors_have paused
	n=$(wc -l <"$SCRATCH/a.out")
	plain exec "$POD-b" /bin/true
	plain resume "$POD-a"
	is_state "$POD-a" running
	more()
	{
		[ "$(wc -l <"$SCRATCH/a.out")" -gt "$1" ]
	}
	eventually more $((n + 3))
}

@test "a member's limits are its own, and are changed by update" {
	sandbox
	member a /bin/init pause
	config_of "$SCRATCH/a" '.linux.resources += {pids: {limit: 17}, memory: {limit: 50331648}}
		| .mounts += [{destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro"]}]
		| .linux.namespaces |= map(select(.type != "cgroup")) + [{type: "cgroup"}]'
	start_member a
	try plain exec "$POD-a" /bin/init cgroup
	has 'pids.limit: 17' 'memory.limit: 50331648'
	plain update --pids-limit 23 --memory 40M "$POD-a"
	try plain exec "$POD-a" /bin/init cgroup
	has 'pids.limit: 23' 'memory.limit: 41943040'
}

@test "mounts that are added to a member are its own, and go with it" {
	only_hvrun
	sandbox
	member a /bin/init pause
	member b /bin/init pause
	config_of "$SCRATCH/a" '.root.readonly = false'
	config_of "$SCRATCH/b" '.root.readonly = false'
	start_member a
	start_member b
	mkdir "$SCRATCH/fs"
	mount -t tmpfs tmpfs "$SCRATCH/fs"
	echo inside >"$SCRATCH/fs/file"
	echo "[{\"destination\": \"/m\", \"type\": \"bind\", \"source\": \"$SCRATCH/fs\", \"options\": [\"bind\"]}]" >"$SCRATCH/m.json"
	plain mounts add "$POD-a" "$SCRATCH/m.json"
	try plain exec "$POD-a" /bin/cat /m/file
	output_is inside
	try plain exec "$POD-b" /bin/cat /m/file
	status_is 1
	try plain mounts remove "$POD-b" "$SCRATCH/m.json"
	refused 'destination "/m"'
	plain delete -f "$POD-a"
	for pid in $(test_processes | cut -d' ' -f2 | tr -d :); do
		! grep -F "$SCRATCH/fs" "/proc/$pid/mountinfo" | grep -vF " $SCRATCH/fs " || fail "process $pid has it still"
	done
	umount "$SCRATCH/fs"
	is_state "$POD-b" running
}

@test "HyperV: a member that does not fit is refused with the numbers" {
	only_hyperv "the host's memory is not divided"
	sandbox
	member a /bin/init pause
	config_of "$SCRATCH/a" '.linux.resources.memory.limit = 99999997952'
	before=$(snapshot)
	run_member a
	refused 'linux.resources.memory.limit: 99999997952 bytes .* has left: of its [0-9]+, 134217728 are its own and 0 are promised'
	machine_unchanged "$before"
	config_of "$SCRATCH/a" '.linux.resources.memory.limit = 50331648'
	start_member a
	try plain update --memory 99999997952 "$POD-a"
	refused '99999997952 bytes'
	member b /bin/init exit 0
	config_of "$SCRATCH/b" '.linux.resources.memory.limit = 99999997952'
	run_member b
	refused '50331648 are promised'
	# of what the guest refuses nothing stays promised
	echo '{"memory": {"limit": 100663296}, "pids": {"limit": 9}, "unified": {"no.such": "1"}}' >"$SCRATCH/r.json"
	try plain update -r "$SCRATCH/r.json" "$POD-a"
	status_is 1
	run_member b
	refused '50331648 are promised'
	plain update --memory 40M --memory-swap -1 "$POD-a"
	run_member b
	refused '41943040 are promised'
}

@test "HyperV: the machine has the size and the processors of the pod" {
	only_hyperv "there is no machine"
	sandbox '.annotations += {"io.kubernetes.cri.sandbox-memory": "671088640", "io.kubernetes.cri.sandbox-cpu-quota": "150000",
		"io.kubernetes.cri.sandbox-cpu-period": "100000", "io.kubernetes.cri.sandbox-cpu-shares": "1536"}'
	try plain exec "$POD" /bin/sh -c 'cat /proc/meminfo /proc/cpuinfo'
	same "$(grep -c '^processor' <<<"$output")" 2 "processors"
	[ "$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' <<<"$output")" -ge 655360 ]
	member a /bin/init exit 0
	config_of "$SCRATCH/a" '.linux.resources.memory.limit = 671088640'
	run_member a
	status_is 0
	config '.annotations."io.kubernetes.cri.sandbox-memory" = "much"'
	try plain run "$POD-x"
	refused 'sandbox-memory: "much" is not a number'
}

@test "HyperV: namespaces that are not the sandbox's are refused" {
	only_hyperv "any namespace of this kernel can be joined"
	sandbox
	before=$(snapshot)
	member a /bin/init exit 0
	cp "$SCRATCH/a/config.json" "$SCRATCH/config"
	config_of "$SCRATCH/a" '(.linux.namespaces[] | select(.type == "ipc")).path = "/proc/1/ns/ipc"'
	run_member a
	refused 'linux.namespaces\[[0-9]\].path: "/proc/1/ns/ipc" is not the ipc namespace of the pod sandbox'
	cp "$SCRATCH/config" "$SCRATCH/a/config.json"
	config_of "$SCRATCH/a" 'del((.linux.namespaces[] | select(.type == "network")).path)'
	run_member a
	refused 'has the pod.s network: a path is missing'
	config_of "$SCRATCH/a" 'del(.linux.namespaces[] | select(.type == "network"))'
	run_member a
	refused 'cannot share the host.s network'
	cp "$SCRATCH/config" "$SCRATCH/a/config.json"
	config_of "$SCRATCH/a" '.vm = {kernel: {path: "/boot/vmlinuz"}}'
	run_member a
	refused 'vm: .*member of the pod'
	machine_unchanged "$before"
}

@test "a sandbox that is not there: no member, of no type, and nothing is left" {
	POD_PID=$$
	member a /bin/init exit 0
	before=$(snapshot)
	try in_member a hv run "$POD-a"
	refused "pod sandbox \"$POD\".*does not exist"
	machine_unchanged "$before"
	sandbox
	member a /bin/init exit 0
	plain kill "$POD" KILL
	eventually exited "$POD"
	before=$(snapshot)
	try in_member a hv run "$POD-a"
	refused "pod sandbox \"$POD\".*stopped"
	machine_unchanged "$before"
}

@test "HyperV: a container that is no sandbox gets no members" {
	only_hyperv "members are containers like any other"
	background "$POD"
	POD_PID=$(container_pid "$POD")
	member a /bin/init exit 0
	run_member a
	refused 'is no pod sandbox'
}

@test "members first, then the sandbox, as engines do it" {
	before=$(snapshot)
	sandbox
	member a /bin/init pause
	member b /bin/init pause
	start_member a
	start_member b
	for id in "$POD-a" "$POD-b" "$POD"; do
		plain kill "$id" KILL
		eventually exited "$id"
		plain delete "$id"
	done
	machine_unchanged "$before"
}

@test "HyperV: the sandbox's end is the members' end" {
	only_hyperv "members have pid namespaces of their own and live on"
	before=$(snapshot)
	sandbox
	member a /bin/init pause
	member b /bin/init pause
	start_member a
	start_member b
	(cd "$SCRATCH/b" && status=0; plain run "$POD-c" >/dev/null 2>&1 || status=$?; echo "$status" >"$SCRATCH/status") &
	c=$!
	eventually is_state "$POD-c" running
	plain kill "$POD" KILL
	wait "$c"
	same "$(<"$SCRATCH/status")" 137 "exit status of a member's run"
	for id in "$POD" "$POD-a" "$POD-b"; do
		eventually exited "$id"
	done
	plain delete "$POD"
	plain delete "$POD-a"
	plain delete "$POD-b"
	machine_unchanged "$before"
}

@test "HyperV: the sandbox is deleted by force with its members alive" {
	only_hyperv "members have pid namespaces of their own and live on"
	before=$(snapshot)
	sandbox
	member a /bin/init pause
	start_member a
	plain delete -f "$POD"
	eventually exited "$POD-a"
	try plain exec "$POD-a" /bin/true
	status_is 255
	errors_have "cannot exec in a stopped container"
	plain delete "$POD-a"
	machine_unchanged "$before"
}

@test "kill -9 of a member's process on the host ends that container alone" {
	sandbox
	member a /bin/init pause
	member b /bin/init pause
	start_member a
	start_member b
	kill -KILL "$(container_pid "$POD-a")"
	eventually exited "$POD-a"
	plain delete "$POD-a"
	is_state "$POD-b" running
	plain exec "$POD-b" /bin/true
	start_member a
	plain exec "$POD-a" /bin/true
}

# Engines that stop all containers of a pod at once meet members whose machine has gone, and which are about to go.
@test "HyperV: a member that has not noticed yet that its machine has gone can be signalled" {
	only_hyperv "a member's process is the kernel's"
	sandbox
	member one /bin/init all print ready: , pause
	start_member one
	pid=$(container_pid "$POD-one")
	kill -STOP "$pid"
	kill -KILL "$POD_PID"
	eventually is_gone "$POD_PID"
	try hv kill "$POD-one" TERM
	status_is 0
	not is_gone "$pid"
	try hv kill "$POD-one" KILL
	status_is 0
	eventually is_gone "$pid"
	try hv kill "$POD-one" KILL
	refused "not running"
	hv delete "$POD-one"
	hv delete "$POD"
}

@test "HyperV: kill -9 of the sandbox's worker ends all, and all can be deleted" {
	only_hyperv "members have pid namespaces of their own and live on"
	before=$(snapshot)
	sandbox
	member a /bin/init pause
	start_member a
	kill -KILL "$POD_PID"
	eventually exited "$POD-a"
	eventually exited "$POD"
	plain delete "$POD-a"
	plain delete "$POD"
	machine_unchanged "$before"
}

@test "a member is created, seen by hooks, started and deleted step by step" {
	sandbox
	member a /bin/init exit 0
	config_of "$SCRATCH/a" '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "readlink /proc/$(jq .pid)/ns/net >\($s)/hook"]}]
		| .hooks.createRuntime[0].args[2] = ("readlink /proc/$(jq .pid)/ns/net >" + $s + "/hook")
		| .hooks.createRuntime[0].env = ["PATH=" + $path]' --arg s "$SCRATCH" --arg path "$PATH"
	(cd "$SCRATCH/a" && plain create --pid-file "$SCRATCH/pid" "$POD-a") >"$SCRATCH/a.out" 2>"$SCRATCH/a.err" </dev/null
	is_state "$POD-a" created
	same "$(<"$SCRATCH/hook")" "$(readlink "/proc/$POD_PID/ns/net")"
	same "$(<"$SCRATCH/pid")" "$(container_pid "$POD-a")"
	plain start "$POD-a"
	eventually exited "$POD-a"
	plain delete "$POD-a"
	(cd "$SCRATCH/a" && plain create "$POD-a") >"$SCRATCH/a.out" 2>"$SCRATCH/a.err" </dev/null
	plain delete "$POD-a"
	is_state "$POD" running
}

@test "a member whose create fails leaves nothing, and the next one runs" {
	sandbox
	before=$(snapshot)
	member a /bin/init exit 0
	config_of "$SCRATCH/a" '.process.cwd = "/bin/init/x"'
	run_member a
	status_is 1
	config_of "$SCRATCH/a" '.process.cwd = "/" | .hooks.createRuntime = [{path: "/bin/false"}]'
	run_member a
	status_is 1
	config_of "$SCRATCH/a" 'del(.hooks) | .mounts += [{destination: "/x", type: "bind", source: "/nowhere", options: ["bind"]}]'
	run_member a
	status_is 1
	machine_unchanged "$before"
	config_of "$SCRATCH/a" '.mounts |= .[:-1]'
	run_member a
	status_is 0
}

@test "many members come and go" {
	sandbox
	for n in 1 2 3 4; do
		member "m$n" /bin/init pause
	done
	for n in 1 2 3 4; do
		start_member "m$n"
	done
	for n in 1 2 3 4; do
		plain delete -f "$POD-m$n"
	done
	for n in 1 2; do
		run_member_again()
		{
			config_of "$SCRATCH/m$1" '.process.args = ["/bin/init", "exit", "4"]'
			run_member "m$1"
			status_is 4
		}
		run_member_again "$n"
	done
	! is_hyperv || same "$(vmm_count)" 1 "virtual machines"
}
