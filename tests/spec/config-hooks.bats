# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2034,SC2153,SC2154 # jq programs, and names that the libraries set and use
# runtime-spec 1.3.0 config.md, "POSIX-platform Hooks" and its sections. A hook of the host is a script in the scratch directory, which is in no
# container; a hook of the container is a file of the root file system, which is at no such path on the host.

load spec

setup_test()
{
	LOG=$SCRATCH/hooks.log
	mkdir rootfs/log
	config '.root.readonly = false'
}

# A hook of the host: logs its kind, the namespaces it is in, and keeps the state: "host_hook KIND [SHELL]"
host_hook()
{
	cat >"$SCRATCH/$1" <<-HOOK
		#!/bin/sh
		cat >"$SCRATCH/$1.state"
		echo "$1" >>"$LOG"
		for name in mnt net uts pid; do
			echo "\$name \$(readlink /proc/self/ns/\$name)" >>"$SCRATCH/$1.namespaces"
		done
		${2:-}
	HOOK
	chmod 755 "$SCRATCH/$1"
	config '.hooks[$kind] += [{"path": $path}]' --arg kind "$1" --arg path "$SCRATCH/$1"
}

# startContainer's: a shell script at /hook inside.
container_hook()
{
	printf '#!/bin/sh\ncat >/log/state\n%s\n' "$1" >rootfs/hook
	chmod 755 rootfs/hook
	config '.hooks.startContainer = [{"path": "/hook"}]'
}

run_whole_life()
{
	process /bin/init args started
	create "$ID"
	status_is 0
	hv start "$ID"
	eventually is_state "$ID" stopped
	hv delete "$ID"
}

namespaces_are_the_runtimes()
{
	for name in mnt net uts pid; do
		grep -qxF "$name $(readlink "/proc/self/ns/$name")" "$SCRATCH/$1.namespaces" || fail "$1: $name is not the runtime's" || return 1
	done
}

log_is()
{
	same "$(xargs <"$LOG")" "$*" "hooks so far"
}

@test "config.md#posix-platform-hooks: path is required" {
	config '.hooks.createRuntime = [{"path": "/bin/true", "args": ["true"]}]'
	required 'hooks.createRuntime[0].path'
}

@test "config.md#posix-platform-hooks: path is absolute" {
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		config '.hooks = {($kind): [{"path": "bin/true"}]}' --arg kind "$kind"
		invalid "hooks.$kind\[0\].path"
	done
}

@test "config.md#posix-platform-hooks: timeout is above zero" {
	for timeout in 0 -1; do
		config '.hooks = {"createRuntime": [{"path": "/bin/true", "timeout": $timeout}]}' --argjson timeout "$timeout"
		invalid 'hooks.createRuntime\[0\].timeout'
	done
}

@test "config.md#posix-platform-hooks: in the order of the list" {
	for kind in prestart createRuntime createContainer poststart poststop; do
		config '.hooks[$kind] = [range(3) | {"path": "/bin/sh", "args": ["sh", "-c", ("echo " + $kind + tostring + " >>" + $log)]}]' \
			--arg kind "$kind" --arg log "$LOG"
	done
	config '.hooks.startContainer = [range(3) | {"path": "/bin/sh", "args": ["sh", "-c", ("echo " + tostring + " >>/log/order")]}]'
	run_whole_life
	log_is prestart{0,1,2} createRuntime{0,1,2} createContainer{0,1,2} poststart{0,1,2} poststop{0,1,2}
	same "$(xargs <rootfs/log/order)" "0 1 2"
}

@test "config.md#posix-platform-hooks: the state comes on stdin" {
	for kind in prestart createRuntime createContainer poststart poststop; do
		host_hook "$kind"
	done
	container_hook
	run_whole_life
	for file in "$SCRATCH"/*.state rootfs/log/state; do
		bundle=$BUNDLE
		# in a machine the bundle is where its kernel has it
		[ "$file" != rootfs/log/state ] || ! is_hyperv || bundle=$(jq -r .bundle "$file")
		jq -e --arg id "$ID" --arg bundle "$bundle" '.id == $id and .bundle == $bundle and (.ociVersion | test("^1\\."))
			and (.status | IN("creating", "created", "running", "stopped"))' "$file" >/dev/null || fail "$file: $(<"$file")"
	done
	same "$(jq -r .status "$SCRATCH/poststop.state")" stopped
	same "$(jq -r .status "$SCRATCH/poststart.state")" running
}

@test "config.md#prestart: part of create, before the root changes" {
	# the root of the container's process is still the host's, but its namespaces are new
	host_hook prestart "pid=\$(jq .pid '$SCRATCH/prestart.state'); readlink /proc/\$pid/root >'$SCRATCH/root'; readlink /proc/\$pid/ns/uts >'$SCRATCH/uts'
		[ -e /proc/\$pid/root$SCRATCH ] && echo before >'$SCRATCH/pivot'"
	create "$ID"
	log_is prestart
	if ! is_hyperv; then
		same "$(<"$SCRATCH/pivot")" before
		not test "$(<"$SCRATCH/uts")" = "$(readlink /proc/self/ns/uts)"
	fi
}

@test "config.md#prestart: before createRuntime" {
	host_hook createRuntime
	host_hook prestart
	create "$ID"
	log_is prestart createRuntime
}

@test "config.md#prestart: the path is the runtime's" {
	host_hook prestart
	create "$ID"
	log_is prestart
	config '.hooks.prestart = [{"path": "/bin/init"}]' # is only inside
	hv delete -f "$ID"
	invalid /bin/init
}

@test "config.md#prestart: runs in the runtime's namespaces" {
	host_hook prestart
	create "$ID"
	namespaces_are_the_runtimes prestart
}

@test "config.md#createruntime-hooks: part of create, before the root changes" {
	host_hook createRuntime "pid=\$(jq .pid '$SCRATCH/createRuntime.state'); readlink /proc/\$pid/ns/uts >'$SCRATCH/uts'
		[ -e /proc/\$pid/root$SCRATCH ] && echo before >'$SCRATCH/pivot'"
	create "$ID"
	log_is createRuntime
	if ! is_hyperv; then
		same "$(<"$SCRATCH/pivot")" before
		not test "$(<"$SCRATCH/uts")" = "$(readlink /proc/self/ns/uts)"
	fi
}

@test "config.md#createruntime-hooks: the path is the runtime's" {
	host_hook createRuntime
	create "$ID"
	log_is createRuntime
	config '.hooks.createRuntime = [{"path": "/bin/init"}]'
	hv delete -f "$ID"
	invalid /bin/init
}

@test "config.md#createruntime-hooks: runs in the runtime's namespaces" {
	host_hook createRuntime
	create "$ID"
	namespaces_are_the_runtimes createRuntime
}

@test "config.md#createcontainer-hooks: part of create, before the root changes" {
	host_hook createContainer "[ -e '$BUNDLE/rootfs/bin/init' ] && echo before >'$SCRATCH/pivot'"
	create "$ID"
	log_is createContainer
	same "$(<"$SCRATCH/pivot")" before
}

@test "config.md#createcontainer-hooks: after createRuntime" {
	host_hook createContainer
	host_hook createRuntime
	create "$ID"
	log_is createRuntime createContainer
}

@test "config.md#createcontainer-hooks: the path is the runtime's" {
	host_hook createContainer
	create "$ID"
	log_is createContainer
	config '.hooks.createContainer = [{"path": "/bin/init"}]'
	hv delete -f "$ID"
	invalid /bin/init
}

@test "config.md#createcontainer-hooks: runs in the container's namespaces" {
	not_hyperv "createContainer runs on the host, where its path is; the container's namespaces are in another kernel"
	host_hook createContainer
	create "$ID"
	pid=$(container_pid "$ID")
	for name in mnt net uts; do
		grep -qxF "$name $(readlink "/proc/$pid/ns/$name")" "$SCRATCH/createContainer.namespaces"
	done
}

@test "config.md#startcontainer-hooks: part of start, before the user's program" {
	container_hook 'echo hook >/log/order'
	process /bin/init all write TEXT=program /log/order2 , read /log/order
	create "$ID"
	[ ! -e rootfs/log/order ]
	hv start "$ID"
	eventually is_state "$ID" stopped
	grep -qx 'read /log/order: 5 bytes, hook' "$SCRATCH/$ID.out"
}

@test "config.md#startcontainer-hooks: the path is the container's" {
	container_hook 'echo inside >/log/where'
	[ ! -e /hook ]
	run_whole_life
	same "$(<rootfs/log/where)" inside
	host_hook startContainer # a path of the host's
	create "$ID"
	try hv start "$ID"
	refused "$SCRATCH/startContainer"
}

@test "config.md#startcontainer-hooks: runs in the container's namespaces" {
	container_hook '/bin/init namespaces >/log/namespaces'
	process /bin/init all namespaces , ls-proc
	create "$ID"
	hv start "$ID"
	eventually is_state "$ID" stopped
	for name in mnt net uts ipc pid; do
		same "$(grep "^ns $name:" rootfs/log/namespaces)" "$(grep "^ns $name:" "$SCRATCH/$ID.out")" "$name"
	done
}

@test "config.md#poststart: after the user's program, before start returns" {
	# the hook waits for the program's mark
	host_hook poststart "for i in \$(seq 100); do [ -e '$BUNDLE/rootfs/log/mark' ] && break; sleep 0.1; done; [ -e '$BUNDLE/rootfs/log/mark' ] && echo marked >>'$LOG'"
	process /bin/init all write /log/mark , pause
	create "$ID"
	[ ! -e "$LOG" ]
	hv start "$ID"
	log_is poststart marked
}

@test "config.md#poststart: the path is the runtime's" {
	host_hook poststart
	create "$ID"
	hv start "$ID"
	log_is poststart
}

@test "config.md#poststart: runs in the runtime's namespaces" {
	host_hook poststart
	create "$ID"
	hv start "$ID"
	namespaces_are_the_runtimes poststart
}

@test "config.md#poststop: after the container is deleted, before delete returns" {
	# what the hook can see of the container: neither its process nor its cgroup
	host_hook poststop "find /sys/fs/cgroup -type d -name '*$ID*' >'$SCRATCH/cgroups'; sleep 0.2; echo end >>'$LOG'"
	process /bin/init pause
	background "$ID"
	hv kill "$ID" KILL
	eventually is_state "$ID" stopped
	[ ! -e "$LOG" ]
	hv delete "$ID"
	log_is poststop end
	same "$(<"$SCRATCH/cgroups")" "" "cgroups that are left"
}

@test "config.md#poststop: the path is the runtime's" {
	host_hook poststop
	run_whole_life
	log_is poststop
}

@test "config.md#poststop: runs in the runtime's namespaces" {
	host_hook poststop
	run_whole_life
	namespaces_are_the_runtimes poststop
}
