# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2154 # chains that end in fail; texts for the container's shell; names that lib.bash sets
# podman as it is packaged, with hvrun as its runtime: what its users type.

load clients

setup_test()
{
	skip_unless "no podman" test -x "$(command -v podman)"
	engine_runtime
	rm -rf "${BUNDLE:?}/rootfs/dev/"*
	PODMAN=(podman --root "$SCRATCH/store" --runroot "$SCRATCH/run" --storage-driver vfs --cgroup-manager cgroupfs
		--events-backend none --log-level error --runtime "$RUNTIME")
	# limits that this host lets anybody have; no network of podman's own, which wants plugins and a firewall
	RUN=(run --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024
		--annotation "$ANNOTATION=$RUNTIME_TYPE")
}

eval "lib_$(declare -f teardown)"
teardown()
{
	[ -z "${PODMAN-}" ] || pod rm -fa -t 0 >/dev/null 2>&1 || true
	lib_teardown
}

pod()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" "${PODMAN[@]}" "$@" 3>&- 4>&-
}

@test "podman run: streams apart, exit status, limits, user, volumes, read-only" {
	try pod "${RUN[@]}" --rm --memory 96m --pids-limit 64 --cpus 0.5 --cap-drop all --user 1000:1000 --read-only \
		-v "$SCRATCH:/mnt:ro" --tmpfs /scratch:size=1m --rootfs "$BUNDLE/rootfs" \
		sh -c 'id -u; cat /proc/self/status; touch /mnt/x || echo no; touch /y || echo no; touch /scratch/z && echo yes; echo err >&2; exit 7'
	status_is 7
	has 1000 yes 'CapEff:.0000000000000000' 'Seccomp:.2'
	same "$(grep -c '^no$' <<<"$output")" 2
	errors_have '^err$'
}

@test "podman run -d, exec, ps, pause, stats, update, stop, start, kill, rm" {
	try pod "${RUN[@]}" -d --name "$ID" --rootfs "$BUNDLE/rootfs" sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done'
	status_is 0
	try pod exec "$ID" sh -c 'echo hello; exit 3'
	status_is 3
	has hello
	echo typed >"$SCRATCH/input"
	try_stdin "$SCRATCH/input" pod exec -i "$ID" cat
	has typed
	try pod ps --format '{{.Names}} {{.Status}}'
	has "$ID Up .*"
	try pod stats --no-stream --format '{{.Name}} {{.PIDs}}' "$ID"
	has "$ID [1-9][0-9]*"
	# with options of ps(1); without podman reads /proc on the host, where a machine's processes are not
	try pod top "$ID" -o pid,args
	has ' *1 +sh -c trap .*'
	try pod update --memory 200m "$ID"
	status_is 0
	pod pause "$ID" >/dev/null
	same "$(pod inspect --format '{{.State.Status}}' "$ID")" paused
	pod unpause "$ID" >/dev/null
	try pod stop -t 20 "$ID"
	status_is 0
	same "$(pod inspect --format '{{.State.Status}} {{.State.ExitCode}}' "$ID")" "exited 5"
	pod start "$ID" >/dev/null
	pod kill -s KILL "$ID" >/dev/null
	try pod wait "$ID"
	output_is 137
	try pod rm "$ID"
	status_is 0
}

@test "podman run -t: a terminal" {
	try "$CONSOLE" run --size 30x70 "${PODMAN[@]}" "${RUN[@]}" --rm -t --rootfs "$BUNDLE/rootfs" /bin/init all isatty , exit 4
	status_is 4
	has 'isatty: 1 1 1' 'controlling: yes'
}

@test "podman run: a program that is not there is 127, one that cannot be executed 126" {
	try pod "${RUN[@]}" --rm --rootfs "$BUNDLE/rootfs" /bin/nothing
	status_is 127
	try pod "${RUN[@]}" --rm --rootfs "$BUNDLE/rootfs" /etc/passwd
	status_is 126
}

@test "podman run: a device, a mount, a healthcheck, cp, logs" {
	try pod "${RUN[@]}" --rm --device /dev/zero:/dev/mine:r --mount type=tmpfs,dst=/t,tmpfs-size=1m --security-opt no-new-privileges \
		--rootfs "$BUNDLE/rootfs" /bin/init all read /dev/mine , write /t/x , caps
	status_is 0
	has 'read /dev/mine: 4095 bytes, .*' 'write /t/x: ok' 'NoNewPrivs: 1'
	pod "${RUN[@]}" -d --name "$ID" --health-cmd 'test -e /tmp/well' --health-interval disable --rootfs "$BUNDLE/rootfs" \
		sh -c 'echo one; exec sleep 1000' >/dev/null
	try pod healthcheck run "$ID"
	status_is 1
	echo copied >"$SCRATCH/file"
	pod cp "$SCRATCH/file" "$ID:/tmp/well"
	try pod healthcheck run "$ID"
	status_is 0
	try pod exec "$ID" cat /tmp/well
	output_is copied
	pod cp "$ID:/tmp/well" "$SCRATCH/back"
	cmp "$SCRATCH/file" "$SCRATCH/back"
	try pod logs "$ID"
	output_is one
}

@test "podman pod: its containers run" {
	pod pod create --name pod --infra=false >/dev/null
	try pod "${RUN[@]}" --rm --pod pod --rootfs "$BUNDLE/rootfs" sh -c 'echo inside; exit 3'
	status_is 3
	output_is inside
	try pod pod rm -f pod
	status_is 0
}

# For pods as podman makes them by default, with a container that holds the namespaces; what that runs would be an image of podman's.
prepare_pods()
{
	export CONTAINERS_CONF=$SCRATCH/containers.conf
	cat >"$CONTAINERS_CONF" <<-EOF
		[containers]
		default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
		[engine]
		infra_image = "localhost/image"
	EOF
	engine_type
	tar -C "$BUNDLE/rootfs" -c . >"$SCRATCH/image.tar"
	pod import --change 'ENTRYPOINT ["/bin/init", "pause"]' "$SCRATCH/image.tar" image >/dev/null 2>&1
}

@test "podman pod with an infra container: what its containers share, and their ends" {
	prepare_pods
	pod pod create --name pod --network none >/dev/null
	pod run -d --name "$ID-1" --pod pod --entrypoint '' image sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done' >/dev/null
	pod run -d --name "$ID-2" --pod pod --entrypoint '' image sleep 1000 >/dev/null
	try pod exec "$ID-1" sh -c 'cat /proc/sys/kernel/hostname; /bin/init namespaces'
	has pod
	same "$(grep -E '^ns (net|ipc|uts):' <<<"$output")" "$(pod exec "$ID-2" /bin/init namespaces | grep -E '^ns (net|ipc|uts):')"
	try pod exec "$ID-1" sh -c 'echo text >/dev/shm/file; grep " /dev/shm " /proc/mounts'
	has 'shm /dev/shm tmpfs .*'
	try pod exec "$ID-2" cat /dev/shm/file
	output_is text
	try pod pod stop -t 10 pod
	status_is 0
	same "$(pod inspect --format '{{.State.ExitCode}}' "$ID-1")" 5
	try pod pod start pod
	status_is 0
	try pod exec "$ID-2" cat /proc/sys/kernel/hostname
	output_is pod
	try pod pod rm -f -t 0 pod
	status_is 0
	try pod ps -aq
	output_is ""
}

@test "podman play kube: a pod with an init container, volumes and limits" {
	prepare_pods
	mkdir "$SCRATCH/volume"
	echo "of the host" >"$SCRATCH/volume/file"
	cat >"$SCRATCH/pod.yaml" <<-EOF
		apiVersion: v1
		kind: Pod
		metadata: {name: kube}
		spec:
		  restartPolicy: Never
		  initContainers:
		  - {name: first, image: localhost/image, command: [sh, -c, "echo prepared >/shared/file"], volumeMounts: [{name: shared, mountPath: /shared}]}
		  containers:
		  - {name: one, image: localhost/image, command: [sleep, "1000"], env: [{name: A, value: b}], resources: {limits: {memory: 64Mi}},
		     volumeMounts: [{name: host, mountPath: /host}, {name: shared, mountPath: /shared}]}
		  - {name: two, image: localhost/image, command: [sh, -c, "cat /shared/file; exit 3"], volumeMounts: [{name: shared, mountPath: /shared}]}
		  volumes:
		  - {name: host, hostPath: {path: $SCRATCH/volume}}
		  - {name: shared, emptyDir: {}}
	EOF
	try pod play kube --network none "$SCRATCH/pod.yaml"
	status_is 0
	try pod wait kube-two
	output_is 3
	try pod logs kube-two
	output_is prepared
	try pod exec kube-one sh -c 'echo $A; cat /host/file /proc/sys/kernel/hostname; /bin/init cgroup'
	has b "of the host" kube 'memory.limit: 67108864'
	pod cp "$SCRATCH/volume/file" kube-one:/tmp/copied
	try pod exec kube-one cat /tmp/copied
	output_is "of the host"
	try pod play kube --down "$SCRATCH/pod.yaml"
	status_is 0
	pod volume rm -a >/dev/null
	try pod ps -aq
	output_is ""
}

@test "podman run -v :O: a volume with a layer of the container's own" {
	mkdir "$SCRATCH/volume"
	echo below >"$SCRATCH/volume/file"
	# what is written would be in a directory of an overlay, which another cannot have as its upper one
	skip_unless "the scratch directory is on an overlay" test "$(stat -f -c %T "$SCRATCH")" != overlayfs
	try pod "${RUN[@]}" --rm -v "$SCRATCH/volume:/mnt:O" --rootfs "$BUNDLE/rootfs" sh -c 'cat /mnt/file; echo above >/mnt/file; cat /mnt/file'
	status_is 0
	has below above
	same "$(<"$SCRATCH/volume/file")" below
}

@test "podman run --privileged: all capabilities, and the host's devices" {
	try pod "${RUN[@]}" --rm --privileged --rootfs "$BUNDLE/rootfs" sh -c "$PRIVILEGED" sh "$(mounted_disk)"
	was_privileged
	# twice at a time
	pod "${RUN[@]}" -d --name "$ID" --privileged --rootfs "$BUNDLE/rootfs" sleep 100 >/dev/null
	try pod "${RUN[@]}" --rm --privileged --rootfs "$BUNDLE/rootfs" true
	status_is 0
	pod rm -f "$ID" >/dev/null
}
