# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Hooks: runtime-spec config.md, "POSIX-platform Hooks". prestart, createRuntime, poststart and poststop run on the host;
# createContainer is a program of the host that is run in the container's namespaces, startContainer one of the container's.

load lib

setup_test()
{
	LOG=$SCRATCH/hooks.log
	mkdir rootfs/log
	config '.root.readonly = false'
}

# A hook that adds "KIND STATUS" to the log: "hook_add KIND [EXTRA-SHELL]"
hook_add()
{
	cat >"$SCRATCH/$1" <<-HOOK
		#!/bin/sh
		state=\$(cat)
		echo "$1 \$(printf %s "\$state" | jq -r .status)" >>"$LOG"
		printf %s "\$state" >"$SCRATCH/$1.state"
		${2:-}
	HOOK
	chmod 755 "$SCRATCH/$1"
	config ".hooks.$1 += [{path: \$path}]" --arg path "$SCRATCH/$1"
}

host_kinds="prestart createRuntime poststart poststop"

@test "the host's hooks: order, state, status, pid" {
	only_hvrun # runc before 1.5 runs poststart too early
	for kind in $host_kinds; do
		hook_add "$kind"
	done
	process /bin/init signal-wait
	config '.annotations = {"org.example": "annotated"}'
	create "$ID"
	status_is 0
	same "$(cut -d' ' -f1 "$LOG" | xargs)" "prestart createRuntime"
	pid=$(container_pid "$ID")
	for kind in prestart createRuntime; do
		jq -e --arg id "$ID" --arg bundle "$BUNDLE" --argjson pid "$pid" '.id == $id and .bundle == $bundle and .pid == $pid
			and (.ociVersion | test("^1\\.")) and (.status == "creating" or .status == "created")
			and .annotations["org.example"] == "annotated"' "$SCRATCH/$kind.state"
	done
	hv start "$ID"
	same "$(cut -d' ' -f1 "$LOG" | xargs)" "prestart createRuntime poststart"
	jq -e '.status == "running"' "$SCRATCH/poststart.state"
	eventually file_has "$SCRATCH/$ID.out" ready
	hv kill "$ID" TERM
	eventually is_state "$ID" stopped
	not grep -q poststop "$LOG"
	hv delete "$ID"
	same "$(tail -n 1 "$LOG")" "poststop stopped"
	jq -e --arg id "$ID" '.id == $id and .status == "stopped"' "$SCRATCH/poststop.state"
}

@test "hooks of one kind run in the order of the list" {
	config '.hooks.createRuntime = [range(3) | {path: "/bin/sh", args: ["sh", "-c", ("cat >/dev/null; echo " + tostring + " >>" + $log)]}]' --arg log "$LOG"
	run_ok
	same "$(xargs <"$LOG")" "0 1 2"
}

@test "args and env as given" {
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["other-name", "-c", "cat >/dev/null; echo \"$0 $ONE [$HVTEST_TAG]\" >>$LOG; env | sort >>$LOG"],
		env: ["ONE=1 2", ("LOG=" + $log)]}]' --arg log "$LOG"
	run_ok
	grep -qx 'other-name 1 2 \[\]' "$LOG"
	not grep -q '^BATS' "$LOG"
}

@test "a hook gets no descriptors but its own three" {
	config '.hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", ("cat >/dev/null; ls /proc/$$/fd >" + $log)]}]' --arg log "$LOG"
	"${HV[@]}" run "$ID" 6<"$SCRATCH" </dev/null
	# the shell itself may keep one above 9
	not grep -qxE '[3-9]' "$LOG"
}

@test "createContainer sees the container's mount namespace before the pivot" {
	not_hyperv "createContainer runs on the host, where its path is; the container's mount namespace is the guest's"
	hook_add createContainer "readlink /proc/self/ns/mnt >'$SCRATCH/ns'; grep -c '$BUNDLE/rootfs' /proc/self/mountinfo >'$SCRATCH/mounts'"
	run_ok
	[ "$(<"$SCRATCH/ns")" != "$(readlink /proc/self/ns/mnt)" ]
	[ "$(<"$SCRATCH/mounts")" -gt 0 ]
}

@test "startContainer runs inside, before the process, at start and not at create" {
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat >/log/state; /bin/init all ls-proc , hostname >/log/inside"]}]'
	process /bin/init read /log/inside
	create "$ID"
	status_is 0
	[ ! -e rootfs/log/inside ]
	hv start "$ID"
	eventually is_state "$ID" stopped
	grep -qE 'read /log/inside: [1-9]' "$SCRATCH/$ID.out"
	grep -qx "hostname: $(jq -r .hostname config.json)" rootfs/log/inside
	jq -e --arg id "$ID" '.id == $id and .pid == 1' rootfs/log/state || jq -e --arg id "$ID" '.id == $id and .pid > 0' rootfs/log/state
	same "$(jq -r .status rootfs/log/state)" created
}

@test "all six kinds in their order" {
	only_hvrun # as above
	for kind in prestart createRuntime createContainer poststart poststop; do
		hook_add "$kind"
	done
	config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat >/log/start"]}]'
	create "$ID"
	same "$(cut -d' ' -f1 "$LOG" | xargs)" "prestart createRuntime createContainer"
	[ ! -e rootfs/log/start ]
	hv start "$ID"
	[ -s rootfs/log/start ]
	eventually is_state "$ID" stopped
	hv delete "$ID"
	same "$(cut -d' ' -f1 "$LOG" | xargs)" "prestart createRuntime createContainer poststart poststop"
}

@test "a failing prestart or createRuntime hook fails create, and nothing is left" {
	for kind in prestart createRuntime; do
		config '.hooks = {($kind): [{path: "/bin/sh", args: ["sh", "-c", "cat >/dev/null; echo said on stderr >&2; exit 3"]}]}' --arg kind "$kind"
		before=$(snapshot)
		try hv create "$ID"
		status_is 1
		errors_have "error running $kind hook|error running hook|$kind hook #" "exit status 3" "said on stderr"
		machine_unchanged "$before"
	done
}

@test "the message names the failing hook by number, from 0 as runc does" {
	only_hvrun
	config '.hooks.createRuntime = [{path: "/bin/true"}, {path: "/bin/false"}]'
	try hv create "$ID"
	refused "error running createRuntime hook #1: exit status 1"
}

@test "poststop hooks run when create fails" {
	hook_add poststop
	config '.hooks.createRuntime = [{path: "/bin/false"}]'
	try hv create "$ID"
	status_is 1
	if is_hvrun; then
		grep -q '^poststop' "$LOG"
	fi
}

@test "a failing startContainer hook fails start and ends the container" {
	hook_add poststop
	config '.hooks.startContainer = [{path: "/bin/false"}]'
	process /bin/init echo-both reached
	create "$ID"
	status_is 0
	try hv start "$ID"
	if is_hvrun; then
		status_is 1
		errors_have "startContainer hook"
	fi
	eventually test "$(container_status "$ID")" != running
	not grep -q reached "$SCRATCH/$ID.out"
}

@test "a failing poststart hook fails start, and the container is removed" {
	only_hvrun
	hook_add poststop
	config '.hooks.poststart = [{path: "/bin/sh", args: ["sh", "-c", "cat >/dev/null; exit 5"]}]'
	process /bin/init pause
	before=$(snapshot)
	create "$ID"
	status_is 0
	try hv start "$ID"
	status_is 1
	errors_have "poststart hook #0: exit status 5"
	grep -q '^poststop' "$LOG"
	machine_unchanged "$before"
}

@test "a failing poststop hook is a warning, and the others run" {
	only_hvrun # runc 1.1 stops at the first
	config '.hooks.poststop = [{path: "/bin/false"}, {path: "/bin/sh", args: ["sh", "-c", ("cat >/dev/null; echo second >>" + $log)]}]' --arg log "$LOG"
	create "$ID"
	hv start "$ID"
	eventually is_state "$ID" stopped
	try hv delete "$ID"
	status_is 0
	grep -qx second "$LOG"
	errors_have "poststop hook"
	try hv state "$ID"
	status_is 1
}

@test "a hook that takes too long is killed" {
	config '.hooks.createRuntime = [{path: "/bin/sleep", args: ["sleep", "1000"], timeout: 1}]'
	before=$(snapshot)
	start=$SECONDS
	try hv create "$ID"
	status_is 1
	errors_have "hook ran past specified timeout of 1"
	[ $((SECONDS - start)) -lt 20 ]
	machine_unchanged "$before"
}

@test "a hook that is not there, that has a relative path, or a wrong timeout" {
	before=$(snapshot)
	config '.hooks.createRuntime = [{path: "/no/such/hook"}]'
	try hv create "$ID"
	status_is 1
	errors_have "/no/such/hook"
	only_hvrun
	config '.hooks.createRuntime = [{path: "relative/hook"}]'
	try hv create "$ID"
	refused "hooks.createRuntime\[0\].path"
	config '.hooks.createRuntime = [{path: "/bin/true", timeout: 0}]'
	try hv create "$ID"
	refused "hooks.createRuntime\[0\].timeout"
	machine_unchanged "$before"
}

# All kinds of hooks, each of which says its kind on both streams.
talking_hooks()
{
	local kind
	for kind in prestart createRuntime createContainer startContainer poststart poststop; do
		config '.hooks[$kind] = [{path: "/bin/sh", args: ["sh", "-c", ("cat >/dev/null; echo " + $kind + "-out; echo " + $kind + "-err >&2")]}]' --arg kind "$kind"
	done
}

@test "run.oci.hooks.stdout and .stderr: hooks of all kinds append to files" {
	only_hvrun
	talking_hooks
	! is_hyperv || config 'del(.hooks.startContainer)'
	config '.annotations = {"run.oci.hooks.stdout": ($dir + "/out"), "run.oci.hooks.stderr": ($dir + "/err")}' --arg dir "$SCRATCH"
	echo before >"$SCRATCH/out"
	process /bin/init pause
	background "$ID"
	hv delete -f "$ID"
	start=
	is_hyperv || start="startContainer-out "
	same "$(xargs <"$SCRATCH/out")" "before prestart-out createRuntime-out createContainer-out ${start}poststart-out poststop-out"
	same "$(grep -c -- -err "$SCRATCH/err") $(grep -c -- -out "$SCRATCH/err") $(stat -c %a "$SCRATCH/err")" "$([ -z "$start" ] && echo 5 || echo 6) 0 600"
	not grep -qE -- '-(out|err)' "$SCRATCH/$ID.out" "$SCRATCH/$ID.err"
}

@test "run.oci.hooks.stderr: a failing hook's message says where its text is; the other stream is in it" {
	only_hvrun
	config '.annotations = {"run.oci.hooks.stderr": ($dir + "/err")}
		| .hooks.createRuntime = [{path: "/bin/sh", args: ["sh", "-c", "cat >/dev/null; echo said; echo told >&2; exit 3"]}]' --arg dir "$SCRATCH"
	try hv create "$ID"
	refused "createRuntime hook #0: exit status 3, stdout: said, stderr: in its file"
	same "$(<"$SCRATCH/err")" told
}

@test "run.oci.hooks.stdout: never by a symlink or into the root file system, and nothing is made" {
	only_hvrun
	config '.hooks.createRuntime = [{path: "/bin/true"}]'
	mkdir "$SCRATCH/victim"
	ln -s "$SCRATCH/victim" rootfs/log/out
	ln -s "$SCRATCH/victim/direct" "$SCRATCH/direct"
	ln -s "$SCRATCH/victim" "$SCRATCH/dir"
	mkfifo "$SCRATCH/fifo"
	while read -r path text; do
		config '.annotations["run.oci.hooks.stdout"] = $path' --arg path "$path"
		try hv create "$ID"
		refused "annotation run.oci.hooks.stdout: .*$text" || fail "with $path"
	done <<-EOF
		$BUNDLE/rootfs/log/file is below root.path
		$BUNDLE/rootfs/log/out/file is below root.path
		$SCRATCH/direct is a symlink
		$SCRATCH/dir/file "dir" is a symlink
		$SCRATCH/none/file No such file
		$SCRATCH/fifo fifo
		relative/file is not an absolute path
		/dev/zero neither a regular file nor
	EOF
	same "$(ls -A "$SCRATCH/victim")$(ls -A rootfs/log)" out
	not hv state "$ID"
}

@test "run.oci.hooks.stdout: a file that cannot be opened any more does not keep poststop hooks from running" {
	only_hvrun
	mkdir "$SCRATCH/logs"
	config '.annotations = {"run.oci.hooks.stdout": ($dir + "/logs/out")}
		| .hooks.poststop = [{path: "/bin/sh", args: ["sh", "-c", ("cat >/dev/null; touch " + $dir + "/ran")]}]' --arg dir "$SCRATCH"
	process /bin/init pause
	background "$ID"
	rm -r "$SCRATCH/logs"
	try hv delete -f "$ID"
	status_is 0
	errors_have "poststop hooks: annotation run.oci.hooks.stdout"
	[ -e "$SCRATCH/ran" ]
}
