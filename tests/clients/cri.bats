# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # chains that end in fail; jq programs; names that lib.bash sets
# Kubernetes' way to a runtime: containerd's CRI service, by its protocol, with hvrun as the handler of pods. Containerd and the pods'
# networks are in a network and a mount namespace of their own.

load clients

IMAGE=hvrun.test/image:1

setup_test()
{
	skip_unless "no containerd" test -x "$(command -v containerd)"
	skip_unless "no python3-grpcio" /usr/bin/python3 -c 'import grpc'
	skip_unless "no plugins for networks in /usr/lib/cni" test -x /usr/lib/cni/bridge
	engine_runtime
	engine_type
	SOCKET=$SCRATCH/containerd.sock
	mkdir "$SCRATCH/cni"
	jq -n --arg d "$SCRATCH/addresses" '{cniVersion: "0.4.0", name: "pods", plugins: [{type: "bridge", bridge: "pods", isGateway: true,
		ipam: {type: "host-local", dataDir: $d, ranges: [[{subnet: "10.88.0.0/16"}]]}}]}' >"$SCRATCH/cni/10-pods.conflist"
	write_settings >"$SCRATCH/config.toml"
	unshare --net --mount bash -c 'ip link set lo up; exec "$@"' - containerd --config "$SCRATCH/config.toml" \
		>"$SCRATCH/containerd.log" 2>&1 </dev/null 3>&- 4>&- &
	CONTAINERD=$!
	eventually call Version
	import_image
	POD_CONFIG=$(jq -n --arg s "$SCRATCH" --arg group "/hvt-$TAG" '{metadata: {name: "pod", uid: "one", namespace: "default"}, hostname: "podname",
		log_directory: ($s + "/logs"), linux: {cgroup_parent: $group}}')
}

write_settings()
{
	cat <<TOML
version = 2
root = "$SCRATCH/containerd"
state = "$SCRATCH/containerd-state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "$SOCKET"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$IMAGE"
disable_tcp_service = true
restrict_oom_score_adj = true
cni.bin_dir = "/usr/lib/cni"
cni.conf_dir = "$SCRATCH/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "hvrun"
runtimes.hvrun.runtime_type = "io.containerd.runc.v2"
runtimes.hvrun.options.BinaryName = "$RUNTIME"
TOML
}

# No registry: the bundle's root file system as an archive of an image, whose process waits as that of a pod's sandbox does.
import_image()
{
	mkdir "$SCRATCH/image"
	tar -C "$BUNDLE/rootfs" -c . >"$SCRATCH/image/layer.tar"
	jq -n --arg d "sha256:$(sha256sum <"$SCRATCH/image/layer.tar" | cut -d' ' -f1)" '{architecture: "amd64", os: "linux",
		config: {Cmd: ["/bin/init", "pause"], Env: ["PATH=/bin"]}, rootfs: {type: "layers", diff_ids: [$d]}}' >"$SCRATCH/image/config.json"
	jq -n --arg i "$IMAGE" '[{Config: "config.json", RepoTags: [$i], Layers: ["layer.tar"]}]' >"$SCRATCH/image/manifest.json"
	tar -C "$SCRATCH/image" -cf "$SCRATCH/image.tar" manifest.json config.json layer.tar
	timeout "$CALL_TIMEOUT" ctr -a "$SOCKET" -n k8s.io images import "$SCRATCH/image.tar" >"$SCRATCH/import" 3>&- 4>&-
}

eval "lib_$(declare -f teardown)"
teardown()
{
	if [ -n "${CONTAINERD-}" ]; then
		if [ -n "${POD-}" ]; then
			call StopPodSandbox "$(of "$POD")" >/dev/null 2>&1 || true
			call RemovePodSandbox "$(of "$POD")" >/dev/null 2>&1 || true
		fi
		kill "$CONTAINERD" 2>/dev/null
		eventually is_gone "$CONTAINERD"
		find /sys/fs/cgroup -depth -type d -path "*/hvt-$TAG*" -exec rmdir {} + 2>/dev/null || true
	fi
	lib_teardown
}

# "call METHOD [JSON]"
call()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" "$BATS_TEST_DIRNAME/cri" "$SOCKET" "$@" 3>&- 4>&-
}

# A request that names nothing but an id, and what a jq program adds: "of ID [PROGRAM]"
of()
{
	jq -cn --arg id "$1" "{id: \$id} + ${2-{\}}"
}

run_pod()
{
	POD=$(call RunPodSandbox "$(jq -cn --argjson c "$POD_CONFIG" '{config: $c, runtime_handler: "hvrun"}')" | jq -r .id)
	[ -n "$POD" ]
}

# Creates a container of the pod, whose id is in $CONTAINER: "create_container NAME JQ-PROGRAM COMMAND..."
create_container()
{
	local name=$1 program=$2
	shift 2
	CONTAINER=$(call CreateContainer "$(jq -cn --arg pod "$POD" --arg name "$name" --arg image "$IMAGE" --argjson pc "$POD_CONFIG" \
		"{pod: \$pod, sandbox_config: \$pc, config: ({metadata: {name: \$name}, image: {image: \$image}, command: \$ARGS.positional,
		log_path: (\$name + \".log\")} + $program)}" --args -- "$@")" | jq -r .id)
	[ -n "$CONTAINER" ]
}

# The same, and starts it.
container()
{
	create_container "$@" && call StartContainer "$(of "$CONTAINER")" >/dev/null
}

# A command in a container; its answer's fields are in $output, $errors and $status: "exec_sync ID COMMAND..."
exec_sync()
{
	local answer id=$1
	shift
	answer=$(call ExecSync "$(jq -cn --arg id "$id" '{id: $id, cmd: $ARGS.positional, timeout: 30}' --args -- "$@")")
	output=$(jq -r '.stdout // ""' <<<"$answer") errors=$(jq -r '.stderr // ""' <<<"$answer") status=$(jq -r '.exit_code // 0' <<<"$answer")
}

has_exited()
{
	[ "$(call ContainerStatus "$(of "$1")" | jq -r '.status | "\(.state) \(.exit_code // 0)"')" = "2 $2" ]
}

@test "CRI: a pod of two containers: they share what a pod shares, and end apart" {
	# 1: a pid namespace of its own, as kubelet asks for; without it the pod's is shared
	run_pod
	container one '{linux: {security_context: {namespace_options: {pid: 1}}}}' sh -c 'trap "exit 5" TERM; echo started; while :; do sleep 0.1; done'
	one=$CONTAINER
	export VOLUME=$SCRATCH/volume
	mkdir "$VOLUME"
	container two '{envs: [{key: "A", value: "b"}], mounts: [{container_path: "/volume", host_path: $ENV.VOLUME}]}' sleep 1000
	two=$CONTAINER
	exec_sync "$one" sh -c 'echo out; echo err >&2; exit 3'
	status_is 3
	output_is out
	same "$errors" err
	exec_sync "$one" /bin/init all namespaces , hostname , ls-proc
	has 'hostname: podname' 'pid 1: sh'
	first=$(grep -E '^ns (net|ipc|uts):' <<<"$output")
	exec_sync "$two" sh -c '/bin/init namespaces; echo "$A"; echo text >/volume/file; /bin/busybox ip addr show eth0; cat /proc/sys/kernel/random/boot_id'
	same "$(grep -E '^ns (net|ipc|uts):' <<<"$output")" "$first"
	has b " +inet $(call PodSandboxStatus "$(of "$POD")" | jq -r .status.network.ip)/16 .*"
	same "$(<"$SCRATCH/volume/file")" text
	boot=$(tail -n 1 <<<"$output")
	exec_sync "$one" cat /proc/sys/kernel/random/boot_id
	output_is "$boot"
	exec_sync "$one" sh -c 'echo shared >/dev/shm/file; grep " /dev/shm " /proc/mounts'
	has 'shm /dev/shm tmpfs .*'
	exec_sync "$two" cat /dev/shm/file
	output_is shared
	! is_hyperv || not test "$boot" = "$(</proc/sys/kernel/random/boot_id)"
	call StopContainer "$(of "$one" '{timeout: 20}')" >/dev/null
	eventually has_exited "$one" 5
	grep -q 'stdout F started$' "$SCRATCH/logs/one.log"
	call RemoveContainer "$(of "$one")" >/dev/null
	exec_sync "$two" true
	status_is 0
	call StopPodSandbox "$(of "$POD")" >/dev/null
	eventually has_exited "$two" 137
	call RemovePodSandbox "$(of "$POD")" >/dev/null
	POD=
}

@test "CRI: limits, their change, and statistics" {
	run_pod
	container one '{linux: {resources: {memory_limit_in_bytes: 67108864, cpu_quota: 50000, cpu_period: 100000}}}' sleep 1000
	exec_sync "$CONTAINER" /bin/init cgroup
	has 'memory.limit: 67108864' 'cpu.quota: 50000'
	call UpdateContainerResources "$(of "$CONTAINER" '{linux: {memory_limit_in_bytes: 50331648}}')" >/dev/null
	exec_sync "$CONTAINER" /bin/init cgroup
	has 'memory.limit: 50331648'
	try call ContainerStats "$(of "$CONTAINER")"
	[ "$(jq .stats.memory.working_set_bytes.value <<<"$output")" -gt 0 ] && [ "$(jq .stats.cpu.usage_core_nano_seconds.value <<<"$output")" -gt 0 ] ||
		fail "figures are missing"
}

@test "CRI: what cannot be executed, in runc's words, and the pod goes on" {
	run_pod
	create_container one '{}' /bin/nothing
	try call StartContainer "$(of "$CONTAINER")"
	status_is 1
	errors_have 'exec: "/bin/nothing": stat /bin/nothing: no such file or directory'
	eventually has_exited "$CONTAINER" 128
	container two '{}' /bin/init exit 7
	eventually has_exited "$CONTAINER" 7
}
