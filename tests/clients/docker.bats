# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2154 # chains that end in fail; texts for the container's shell; names that lib.bash sets
# docker as it is packaged: its service with a containerd of its own, in a network and a mount namespace, and hvrun as a runtime of that.

load clients

# /usr/local may have something else of that name.
DOCKER=/usr/bin/docker

setup_test()
{
	skip_unless "no docker" test -x "$DOCKER"
	skip_unless "no dockerd" test -x "$(command -v dockerd)"
	engine_runtime
	CTL=(--host "unix://$SCRATCH/docker.sock")
	write_settings >"$SCRATCH/daemon.json"
	start_service
	tar -C "$BUNDLE/rootfs" -c . >"$SCRATCH/image.tar"
	dk import "$SCRATCH/image.tar" image >"$SCRATCH/import"
}

start_service()
{
	unshare --net --mount bash -c 'ip link set lo up; exec "$@"' - dockerd --config-file "$SCRATCH/daemon.json" \
		>>"$SCRATCH/dockerd.log" 2>&1 </dev/null 3>&- 4>&- &
	DOCKERD=$!
	eventually dk version
}

write_settings()
{
	jq -n --arg s "$SCRATCH" --arg tag "hvt-$TAG" --arg runtime "$RUNTIME" --arg type "$RUNTIME_TYPE" \
		'{"data-root": ($s + "/docker"), "exec-root": ($s + "/docker-exec"), pidfile: ($s + "/dockerd.pid"),
		hosts: ["unix://" + $s + "/docker.sock"], "cgroup-parent": ("/" + $tag), "storage-driver": "overlay2",
		"live-restore": true, "default-runtime": "hvrun", runtimes: {hvrun: {path: $runtime, runtimeArgs: ["--runtime-type", $type]}}}'
}

eval "lib_$(declare -f teardown)"
teardown()
{
	if [ -n "${DOCKERD-}" ]; then
		dk ps -aq | xargs -r -n 1 "$DOCKER" "${CTL[@]}" rm -f >/dev/null 2>&1 || true
		kill "$DOCKERD" 2>/dev/null
		eventually is_gone "$DOCKERD"
		find /sys/fs/cgroup -depth -type d -path "*/hvt-$TAG*" -exec rmdir {} + 2>/dev/null || true
	fi
	lib_teardown
}

dk()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" "$DOCKER" "${CTL[@]}" "$@" 3>&- 4>&-
}

# What docker says of the container: "state_is TEMPLATE VALUE"
state_is()
{
	[ "$(dk inspect -f "$1" "$ID")" = "$2" ]
}

@test "docker run: streams apart, exit status, limits, user, volumes, read-only" {
	try dk run --rm image sh -c 'echo out; echo err >&2; exit 7'
	status_is 7
	output_is out
	same "$errors" err
	echo kept >"$SCRATCH/file"
	try dk run --rm --network none --memory 96m --pids-limit 64 --cap-drop ALL --security-opt no-new-privileges --user 1000:1000 \
		--read-only --tmpfs /scratch:size=1m --ulimit nofile=500:600 -v "$SCRATCH/file:/file:ro" -v volume:/volume --hostname name \
		image sh -c 'id -u; ulimit -n; cat /file /proc/self/status; touch /y || echo no; echo x >>/file || echo no; touch /scratch/z && echo yes'
	status_is 0
	has 1000 500 kept yes 'CapEff:.0000000000000000' 'NoNewPrivs:.1' 'Seccomp:.2'
	same "$(grep -c '^no$' <<<"$output")" 2
	try dk run --rm --network none -v volume:/volume image sh -c 'echo text >/volume/file'
	try dk run --rm --network none -v volume:/volume:ro --init image sh -c 'cat /volume/file /proc/1/comm'
	has text docker-init
}

logged_twice()
{
	[ "$(dk logs "$ID" | grep -c '^started$')" = 2 ]
}

@test "docker run -d, exec, stats, update, pause, cp, stop, start, kill, wait, logs, rm" {
	try dk run -d --name "$ID" --memory 100m image sh -c 'trap "exit 5" TERM; echo started; while :; do sleep 0.1; done'
	status_is 0
	try dk exec -u 1000 -e A=b -w /tmp "$ID" sh -c 'id -u; pwd; echo $A; exit 3'
	status_is 3
	has 1000 /tmp b
	echo typed >"$SCRATCH/input"
	try_stdin "$SCRATCH/input" dk exec -i "$ID" cat
	output_is typed
	try dk exec "$ID" /bin/nothing
	status_is 126
	has 'OCI runtime exec failed: .*exec: "/bin/nothing": stat /bin/nothing: no such file or directory: unknown'
	try dk stats --no-stream --format '{{.PIDs}}' "$ID"
	has '[1-9][0-9]*'
	# of the host's processes those that are the container's: in type HyperV its worker among them
	try dk top "$ID" -eo pid,args
	has "$(dk inspect -f '{{.State.Pid}}' "$ID") .*"
	try dk update --memory 120m --memory-swap 240m "$ID"
	status_is 0
	try dk exec "$ID" /bin/init cgroup
	has 'memory.limit: 125829120'
	dk pause "$ID" >/dev/null
	state_is '{{.State.Status}}' paused
	dk unpause "$ID" >/dev/null
	dk cp "$ID:/etc/passwd" "$SCRATCH/passwd"
	cmp "$SCRATCH/passwd" "$BUNDLE/rootfs/etc/passwd"
	dk cp "$SCRATCH/input" "$ID:/tmp/input"
	try dk exec "$ID" cat /tmp/input
	output_is typed
	try dk stop -t 20 "$ID"
	status_is 0
	state_is '{{.State.Status}} {{.State.ExitCode}} {{.State.Error}}' 'exited 5 '
	dk start "$ID" >/dev/null
	eventually logged_twice
	dk kill -s KILL "$ID" >/dev/null
	try dk wait "$ID"
	output_is 137
	try dk rm "$ID"
	status_is 0
}

@test "docker run: what cannot be executed is 127 or 126, in runc's words" {
	try dk run --rm --network none image /bin/nothing
	status_is 127
	errors_have 'OCI runtime create failed: .*exec: "/bin/nothing": stat /bin/nothing: no such file or directory: unknown'
	try dk run --rm --network none image nothing
	status_is 127
	errors_have 'exec: "nothing": executable file not found in \$PATH: unknown'
	try dk run --rm --network none image /etc/passwd
	status_is 126
	errors_have 'exec: "/etc/passwd": permission denied: unknown'
}

@test "docker run -t: a terminal, in the foreground and detached" {
	try "$CONSOLE" run --size 30x70 "$DOCKER" "${CTL[@]}" run --rm -it image /bin/init all isatty , exit 4
	status_is 4
	has 'isatty: 1 1 1' 'controlling: yes'
	try dk run -d -t --name "$ID" image sh -c '/bin/init isatty; exec sleep 1000'
	status_is 0
	said()
	{
		dk logs "$ID" | grep -q 'isatty: 1 1 1'
	}
	eventually said
	dk rm -f "$ID" >/dev/null
}

@test "docker run: the service's own limits, where nothing else is asked for" {
	try dk run --rm --network none image sh -c 'ulimit -n; ulimit -Hn'
	same "$output" "$(awk '/^Max open files/ {print $4; print $5}' "/proc/$DOCKERD/limits")"
}

@test "docker: health checks, and a restart policy" {
	dk run -d --name "$ID" --network none --health-cmd 'test -e /tmp/well' --health-interval 0.3s --health-retries 1 image sleep 1000 >/dev/null
	eventually state_is '{{.State.Health.Status}}' unhealthy
	dk exec "$ID" touch /tmp/well
	eventually state_is '{{.State.Health.Status}}' healthy
	dk rm -f "$ID" >/dev/null
	dk run -d --name "$ID" --network none --restart on-failure:2 image sh -c 'echo again; exit 9' >/dev/null
	eventually state_is '{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}' '2 exited 9'
	same "$(dk logs "$ID" | grep -c '^again$')" 3
}

@test "docker: two containers reach each other on a network, and a port is published" {
	dk network create net >/dev/null
	dk run -d --name "$ID" --network net -p 127.0.0.1:8080:80 image \
		/bin/busybox sh -c 'while :; do echo served | busybox nc -l -p 80; done' >/dev/null
	address=$(dk inspect -f '{{.NetworkSettings.Networks.net.IPAddress}}' "$ID")
	reached()
	{
		[ "$(dk run --rm --network net image /bin/busybox nc -w 5 "$address" 80 </dev/null)" = served ]
	}
	eventually reached
	published()
	{
		nsenter --net="/proc/$DOCKERD/ns/net" busybox nc -w 5 127.0.0.1 8080 </dev/null | grep -q served
	}
	eventually published
}

@test "docker run -v: a file over a directory: docker says what to look at" {
	echo text >"$SCRATCH/file"
	try dk run --rm --network none -v "$SCRATCH/file:/etc" image true
	[ "$status" != 0 ]
	errors_have "Are you trying to mount a directory onto a file"
}

@test "docker update: the host's processors" {
	dk run -d --name "$ID" --network none image sleep 1000 >/dev/null
	try dk update --cpuset-cpus 0 "$ID"
	status_is 0
	try dk exec "$ID" true
	status_is 0
}

@test "docker: a container outlives its service, and is the next one's (live-restore)" {
	dk run -d --name "$ID" --network none image sh -c 'trap "exit 5" TERM; while :; do sleep 0.1; done' >/dev/null
	pid=$(dk inspect -f '{{.State.Pid}}' "$ID")
	kill "$DOCKERD"
	eventually is_gone "$DOCKERD"
	not is_gone "$pid"
	start_service
	state_is '{{.State.Status}} {{.State.Pid}}' "running $pid"
	try dk exec "$ID" echo hello
	output_is hello
	try dk stop -t 20 "$ID"
	state_is '{{.State.Status}} {{.State.ExitCode}}' 'exited 5'
}

@test "docker: a container that runs out of memory is 137" {
	try dk run --name "$ID" --network none --memory 50m image sh -c 'x=a; while :; do x=$x$x; done'
	status_is 137
	# the shim reads the host's counters, and what is killed in a virtual machine is not in them
	is_hyperv || state_is '{{.State.OOMKilled}}' true
}

@test "docker run --network container:NAME: what listens on the other one's loopback, in its virtual machine where the operator lets it" {
	local base=${HVRUN_OPTIONS##*--config-file }
	dk run -d --name "$ID" --network none --ipc shareable --shm-size 1m image sh -c 'echo hello >/data; httpd -p 127.0.0.1:80 -h / && while :; do sleep 1; done' >/dev/null
	if is_hyperv; then
		try dk run --rm --network "container:$ID" image true
		status_is 125
		errors_have "is the network of container"
	fi
	jq '.hyperv.join_network = true' "${base%% *}" >"$SCRATCH/join.json"
	sed -i "s|--config-file ${base%% *}|--config-file $SCRATCH/join.json|" "$RUNTIME"
	try dk run --rm --network "container:$ID" --ipc "container:$ID" image sh -c 'wget -q -O - http://127.0.0.1/data; echo shared >/dev/shm/file; hostname; grep -c " /dev/shm tmpfs .*size=1024k" /proc/mounts'
	status_is 0
	has hello 1
	try dk exec "$ID" cat /dev/shm/file
	output_is shared
	state_is "{{.State.Running}}" true
}

@test "docker run --privileged: all capabilities, and the host's devices" {
	try dk run --rm --privileged --network none image sh -c "$PRIVILEGED" sh "$(mounted_disk)"
	was_privileged
	# twice at a time
	dk run -d --name "$ID" --privileged --network none image sleep 100 >/dev/null
	try dk run --rm --privileged --network none image true
	status_is 0
	dk rm -f "$ID" >/dev/null
}
