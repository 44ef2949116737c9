# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # texts for the container's shell, and names that lib.bash sets
# Root file systems that an attacker has made: links out of them, device nodes, FIFOs, sockets, and names that trip whoever handles them. In type
# HyperV all of it goes through a 9p server that runs on the host.

load lib

setup_test()
{
	ROOTFS=$BUNDLE/rootfs
	echo secret >"$SCRATCH/secret"
	mkdir "$SCRATCH/secrets"
	echo secret >"$SCRATCH/secrets/file"
	config '.root.readonly = false'
}

shell()
{
	process /bin/sh -c "$1"
}

@test "links out of the root file system lead nowhere" {
	local up=../../../../../../../../../..
	ln -s "$SCRATCH/secret" "$ROOTFS/absolute"
	ln -s "$up$SCRATCH/secret" "$ROOTFS/relative"
	ln -s "$up" "$ROOTFS/up"
	ln -s "$SCRATCH/secrets" "$ROOTFS/directory"
	ln -s absolute "$ROOTFS/chain"
	ln -s loop "$ROOTFS/loop"
	ln -s /proc/1/root "$ROOTFS/magic"
	shell "for f in /absolute /relative /up$SCRATCH/secret /directory/file /chain /loop /magic$SCRATCH/secret; do cat \$f && echo leaked; echo x >\$f; done
		mkdir /directory/new; ls /up; echo y >/up/made; ln -s $SCRATCH/secrets /mine; echo z >/mine/file; echo end"
	run_ok
	lacks secret leaked
	has end bin relative
	same "$(cat "$SCRATCH/secret" "$SCRATCH/secrets/file")" "$(printf 'secret\nsecret')"
	same "$(ls "$SCRATCH/secrets")" file
	same "$(<"$ROOTFS/made")" y
	[ ! -e /made ]
}

@test "links where the runtime itself makes something are not followed out" {
	only_hvrun
	rm -rf "${ROOTFS:?}/tmp" "${ROOTFS:?}/var"
	ln -s "$SCRATCH/secrets" "$ROOTFS/tmp"
	ln -s "../../../../../../../..$SCRATCH/secrets" "$ROOTFS/var"
	config '.mounts += [{destination: "/tmp/a", type: "tmpfs", source: "tmpfs"}, {destination: "/var/b/c", type: "tmpfs", source: "tmpfs"},
		{destination: "/var/d", type: "bind", source: $s, options: ["bind", "ro"]}] | .process.cwd = "/tmp/e"' --arg s "$SCRATCH/secret"
	shell 'pwd; cat /var/d'
	try hv run "$ID"
	same "$(ls "$SCRATCH/secrets")" file
	same "$(<"$SCRATCH/secrets/file")" secret
}

@test "device nodes in it open nothing" {
	mknod "$ROOTFS/loop0" b 7 0
	mknod "$ROOTFS/misc" c 10 237
	mknod "$ROOTFS/mem" c 1 1
	chmod 666 "$ROOTFS"/{loop0,misc,mem}
	shell 'for f in /loop0 /misc /mem; do head -c 1 $f >/dev/null && echo opened $f; echo x >$f && echo wrote $f; done; echo end'
	run_ok
	output_is end
	[ "$(grep -ciE "not permitted|permission denied" <<<"$errors")" = 6 ] || fail "six refusals were expected"
}

@test "a FIFO in it connects the container's processes, and stops nobody on the host" {
	mkfifo "$ROOTFS/fifo" "$ROOTFS/bin/fifo" "$ROOTFS/etc/fifo"
	shell '(echo through >/fifo) & cat /fifo; ls /bin/fifo /etc/fifo'
	run_ok
	has through /bin/fifo /etc/fifo
	process /bin/fifo
	CALL_TIMEOUT=30 try hv run "$ID"
	[ "$status" != 0 ] && [ "$status" != 124 ] || fail "a FIFO is no program"
	errors_have fifo
}

@test "FIFOs, sockets and nodes in place of what the runtime reads are no reason to wait" {
	only_hvrun
	rm "$ROOTFS/etc/passwd" "$ROOTFS/etc/group"
	mkfifo "$ROOTFS/etc/passwd"
	mknod "$ROOTFS/etc/group" c 1 5
	config '.process.user = {"uid": 1000, "gid": 1000} | .process.env = ["PATH=/bin"]'
	process /bin/init ids
	CALL_TIMEOUT=30 try hv run "$ID"
	[ "$status" != 124 ] || fail "waited for a FIFO"
	status_is 0
}

@test "names of all kinds and lengths are the same on both sides" {
	local long odd name
	long=$(printf 'n%.0s' {1..255})
	odd=(plain $'new\nline' $'\x01\x7f' $'\xff\xfe' '...' '.. ' ' ' '-rf' '*' $'\\' '"' "$long" ä $'\xe2\x80\xae')
	mkdir "$ROOTFS/odd"
	for name in "${odd[@]}"; do
		printf x >"$ROOTFS/odd/$name"
	done
	shell 'cd /odd; n=0; for f in * .[!.]* ..?*; do [ -f "$f" ] && n=$((n + 1)) && printf y >>"$f"; done; echo "files: $n"; ls | wc -l >/dev/null
		echo z >"$(printf "made\\ninside")"; echo z >x$(basename n*n) 2>/dev/null || echo too long; mkdir "$(printf "d\\377")"'
	run_ok
	has "files: ${#odd[@]}" 'too long'
	for name in "${odd[@]}"; do
		same "$(<"$ROOTFS/odd/$name")" xy "$(printf '%q' "$name")" || return 1
	done
	same "$(<"$ROOTFS/odd/$(printf 'made\ninside')")" z
	[ -d "$ROOTFS/odd/$(printf 'd\377')" ]
}

@test "many entries, and directories in directories" {
	local path=$ROOTFS i
	mkdir "$ROOTFS/many"
	(cd "$ROOTFS/many" && seq -f 'entry-%05.0f-with-a-name-that-fills-its-message' 4000 | xargs touch)
	for ((i = 0; i < 300; i++)); do
		path=$path/deep
	done
	mkdir -p "$path"
	echo bottom >"$path/file"
	shell 'ls /many | wc -l; ls /many | sort -u | wc -l; n=0; while cd deep 2>/dev/null; do n=$((n + 1)); done; echo $n; cat file; rm -rf /many /deep; ls -d /many /deep; true'
	run_ok
	same "$(tr '\n' ' ' <<<"$output")" "4000 4000 300 bottom "
	[ ! -e "$ROOTFS/many" ] && [ ! -e "$ROOTFS/deep" ]
}
