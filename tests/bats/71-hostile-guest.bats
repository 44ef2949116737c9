# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# A guest whose kernel is the attacker's: it speaks to the host's 9p server, or virtiofsd, itself (helpers/guest) and asks for what no Linux would. It goes the way
# of each machine of type HyperV, with its command line, jail and share tree. Whatever it asks for, nothing outside of the shares is reached, what is read-only
# stays as it is, and when it ends, nothing is left.

load lib

GUEST=$HVTEST_BIN/bats/helpers/guest

setup_test()
{
	only_hvrun
	only_hyperv "nobody serves its files"
	skip_unless "no such guest: it is made where the compiler makes 32-bit x86 programs" test -r "$GUEST"
	jq -n --arg k "$GUEST" --arg i "$SCRATCH/script" '{hyperv: {template: false, boot_timeout: 300, guests: [{name: "hostile", kernel: $k, initrd: $i}]}}' >"$SCRATCH/hvrun.json"
	HV+=(--config-file "$SCRATCH/hvrun.json")
	T=$BUNDLE/rootfs/t
	mkdir -p "$SCRATCH/outside/dir" "$SCRATCH/volume" "$SCRATCH/readonly/dir" "$T/dir"
	echo secret | tee "$SCRATCH/outside/marker" "$SCRATCH/outside/dir/file" >/dev/null
	echo precious | tee "$SCRATCH/readonly/file" "$SCRATCH/single" >/dev/null
	echo inside >"$T/dir/file"
	cp "$GUEST" "$SCRATCH/readonly/program"
	chmod 4755 "$SCRATCH/readonly/program"
	config '.annotations["io.hvrun.guest-kernel"] = "hostile" | .root.readonly = false | .mounts += [
		{destination: "/vol", type: "bind", source: ($d + "/volume"), options: ["rbind", "rw"]},
		{destination: "/ro", type: "bind", source: ($d + "/readonly"), options: ["rbind", "ro"]},
		{destination: "/single", type: "bind", source: ($d + "/single"), options: ["bind", "rw"]},
		{destination: "/other", type: "bind", source: ($d + "/volume"), options: ["rbind", "rw"]}]' --arg d "$SCRATCH"
}

# All that is not the guest's to change: around its bundle, outside, and what it has read-only.
manifest()
{
	find "$SCRATCH" \( -path "$BUNDLE/rootfs" -o -path "$SCRATCH/volume" -o -path "$ROOT" \) -prune -o ! -path "$SCRATCH" ! -name bundle \
		! -name console ! -name stdout ! -name stderr -printf '%p %y %m %U %G %n %s %T@ %l\n' | sort
	cat "$SCRATCH/outside/marker" "$SCRATCH/outside/dir/file" "$SCRATCH/readonly/file"
}

AGAIN='reset\nTversion 16384 9P2000.L\nTattach 0 -1 root "" 0\nTwalk 0 1 0 t\nTwalk 0 2 1\nTwalk 0 3 2\nTwalk 0 4 3\nTwalk 0 5 4'

# From here on by virtiofs: @1 to @3 and @5 are what 1 to 3 and 5 are in 9p.
by_virtiofs()
{
	skip_unless "there is no virtiofsd here" sh -c '"$@" check -f json | jq -e ".checks[] | select(.name == \"virtiofsd\") | .status == \"ok\"" >/dev/null' sh "${HV[@]}"
	config '.annotations["io.hvrun.share-type"] = "virtiofs"'
	AGAIN='INIT 1 7 31 65536 0x3fffffff\nkeep=9 LOOKUP 1 0\nkeep=1 LOOKUP @9 t\nkeep=2 LOOKUP 1 1\nkeep=3 LOOKUP 1 2\nkeep=5 LOOKUP 1 4'
}

# A machine asks the lines of stdin, each of which may say after " => " what whole answer is expected (an extended regular expression; else no error); "ends" is
# the server's end. "again" is a device that begins anew. 0 is the share tree, 1 a directory of the root file system, 2 a volume, 3 a read-only one, 4 a file, 5 the
# volume once more.
ask()
{
	local before n=0 line answer wanted answers
	sed "s/^again\$/$AGAIN/" >"$SCRATCH/wanted"
	sed 's/ => .*//' "$SCRATCH/wanted" >"$SCRATCH/script"
	rm -f "$SCRATCH/console"
	before=$(manifest)
	try hv --vm-console "$SCRATCH/console" create "$ID"
	same "$(manifest)" "$before" "what is not the guest's" || return 1
	[ -e "$SCRATCH/console" ] || fail "there was no machine" || return 1
	mapfile -t answers <"$SCRATCH/console"
	same "${answers[n++]-}" "guest: begin" || return 1
	while IFS= read -r line; do
		[ "$line" != reset ] || continue
		wanted='(done|(names|count|msize|mode|data|entries|link|entry) ?.*)'
		[[ $line != *" => "* ]] || wanted=${line#*" => "}
		line=${line%%" => "*}
		answer=${answers[n]-$line => ends}
		[[ $answer = "$line => "* && ${answer#"$line => "} =~ ^($wanted)$ ]] ||
			fail "asked: $line" "expected: $wanted" "answered: $answer" "before: ${answers[*]:n > 3 ? n - 3 : 0:3}" || return 1
		[ -n "${answers[n]-}" ] || break
		n=$((n + 1))
	done <"$SCRATCH/wanted"
	[ -z "${answers[n]-}" ] || same "${answers[n]}" "guest: end" || return 1
	status_is 1 && errors_have "the virtual machine( ended unexpectedly| was killed|'s file systems: virtiofsd)" || return 1
	[ ! -e "$ROOT/$ID" ] || fail "the container is there" || return 1
	! grep -q secret "$SCRATCH/console" || fail "the secret was read"
}

@test "names with slashes, dots, nothing and zero bytes" {
	ask <<-'END'
		again
		Twalk 0 10 .. .. .. .. => names 4
		Tlopen 10 0200000
		Treaddir 10 0 4000 => entries( [.0-4]+){7}
		Twalk 0 11 .. etc passwd => names 1
		Twalk 0 11 .. proc => names 1
		Twalk 1 11 .. .. .. => names 3
		Tlopen 11 0200000
		Treaddir 11 0 4000 => entries( [.0-4]+){7}
		Twalk 4 12 .. etc => names 1
		Twalk 1 12 dir/file => error 2
		Twalk 1 12 dir/.. => error 2
		Twalk 1 12 / => error 2
		Twalk 1 12 /etc => error 2
		Twalk 1 12 "" => error 2
		Twalk 1 12 ../.. => error 2
		Twalk 1 12 ../../.. => error 2
		Twalk 1 12 rep:300:../ => error (2|36)
		Twalk 1 12 dir%00/../.. => (names 1|error .*)
		Twalk 1 13
		Tlcreate 13 a/b 01 0644 0 => error 2
		Tlcreate 13 ../../../x 01 0644 0 => error 2
		Tlcreate 13 dir/new 01 0644 0 => error 2
		Tlcreate 13 .. 01 0644 0 => error 17
		Tlcreate 13 . 01 0644 0 => error 17
		Tlcreate 13 "" 01 0644 0 => error 2
		Tmkdir 1 dir/new 0755 0 => error 2
		Tmkdir 1 ../../../../new 0755 0 => error 2
		Tmkdir 1 .. 0755 0 => error 17
		Tmkdir 1 . 0755 0 => error 17
		Tmkdir 1 "" 0755 0 => error 2
		Tsymlink 1 dir/new x 0 => error 2
		Tsymlink 1 .. x 0 => error 17
		Tmknod 1 ../new 0100644 0 0 0 => error 2
		Tmknod 1 dir/new 0100644 0 0 0 => error 2
		Twalk 1 14 dir file
		Tlink 1 14 ../../new => error 2
		Tlink 1 14 dir/new => error 2
		Tlink 1 14 .. => error 17
		Tlink 1 14 "" => error 2
		Trename 14 1 ../new => error 2
		Trename 14 1 dir/new => error 2
		Trename 14 1 .. => error .*
		Trenameat 1 dir 1 ../../new => error 2
		Trenameat 1 ../t 1 new => error 2
		Trenameat 1 .. 1 new => error .*
		Trenameat 1 . 1 new => error .*
		Trenameat 1 dir 1 .. => error .*
		Trenameat 1 dir 1 dir/sub => error 2
		Tunlinkat 1 ../bin 0x200 => error 2
		Tunlinkat 1 dir/file 0 => error 2
		Tunlinkat 1 .. 0x200 => error .*
		Tunlinkat 1 . 0x200 => error .*
		Tunlinkat 1 "" 0x200 => error 2
	END
	same "$(cd "$T" && find . | sort | tr '\n' ' ')" ". ./dir ./dir/file "
}

@test "no other tree is attached than the shares', and that cannot be changed" {
	ask <<-'END'
		again
		Tattach 20 -1 root /etc 0 => (done|error .*)
		Tattach 21 -1 root ../.. 0 => (done|error .*)
		Twalk 20 22 passwd => error 2
		Twalk 21 22 etc => error 2
		Tmkdir 0 new 0755 0 => error 30
		Tsymlink 0 new /etc 0 => error 30
		Tmknod 0 new 0100644 0 0 0 => error 30
		Twalk 0 23
		Tlcreate 23 new 01 0644 0 => error 30
		Trenameat 0 0 0 9 => error (16|30)
		Trenameat 0 3 0 9 => error (16|30)
		Trenameat 0 0 1 new => error (16|18|30)
		Tunlinkat 0 0 0x200 => error (16|30)
		Tunlinkat 0 3 0 => error (16|30)
		Tremove 2 => error (16|30)
		Tsetattr 0 1 0777 0 0 0 0 0 0 0 => error 30
		Tsetattr 0 6 0 1000 1000 0 0 0 0 0 => error 30
	END
}

@test "from one share into another leads neither a link nor a rename" {
	ask <<-'END'
		again
		Twalk 1 10 dir file
		Tlink 2 10 new => error 18
		Trename 10 2 new => error 18
		Trenameat 1 dir 2 new => error 18
		Tlink 3 10 new => error (18|30)
		Trename 10 3 new => error (18|30)
		Twalk 3 11 file
		Tlink 1 11 new => error 18
		Trename 11 1 new => error (18|30)
	END
}

@test "symlinks lead nowhere, wherever they point and whatever is done with them" {
	ln -s "$SCRATCH/outside/marker" "$T/absolute"
	ln -s "../../../../../../../../..$SCRATCH/outside/marker" "$T/relative"
	ln -s "$SCRATCH/outside/dir" "$T/directory"
	ln -s "../../../../../../../../.." "$T/up"
	ln -s / "$T/root"
	ln -s /proc/self/root "$T/magic"
	ln -s "../../2/file" "$T/readonly"
	ask <<-END
		again
		Twalk 1 10 absolute
		Treadlink 10 => link $SCRATCH/outside/marker
		Tgetattr 10 0x7ff => mode 120777 .*
		Tlopen 10 0 => error 40
		Tlopen 10 02 => error 40
		Tlopen 10 01001 => error 40
		Tsetattr 10 1 0777 0 0 0 0 0 0 0 => error .*
		Tsetattr 10 8 0 0 0 0 0 0 0 0 => error .*
		Twalk 10 11 marker => error .*
		Twalk 1 12 relative
		Tlopen 12 0 => error 40
		Tlopen 12 02 => error 40
		Twalk 1 13 readonly
		Tlopen 13 01 => error 40
		Twalk 1 20 directory
		Twalk 20 21 file => error 20
		Tlopen 20 0200000 => error (20|40)
		Tmkdir 20 new 0755 0 => error 20
		Tsymlink 20 new x 0 => error 20
		Tmknod 20 new 0100644 0 0 0 => error 20
		Tunlinkat 20 file 0 => error 20
		Twalk 1 22 dir file
		Tlink 20 22 new => error 20
		Trename 22 20 new => error 20
		Trenameat 20 file 1 new => error 20
		Trenameat 1 dir 20 new => error 20
		Twalk 1 23 up tmp => names 1
		Twalk 1 24 root etc passwd => names 1
		Twalk 1 25 up
		Twalk 25 26 0 => error 20
		Twalk 1 27 magic
		Twalk 27 28 etc => error 20
		Txattrwalk 10 29 user.x => error .*
		Tlcreate 20 new 01 0644 0 => error 20
	END
}

# The server keeps paths, and mends those that a rename changes; but the volume is there twice, and in the other one nobody mends them.
@test "a directory that becomes a symlink under a name that is known already" {
	ask <<-END
		again
		Tmkdir 2 d 0755 0
		Twalk 2 6 d
		Tlcreate 6 marker 02 0644 0
		Twrite 6 0 inside
		Twalk 5 10 d
		Twalk 5 11 d marker
		Twalk 5 12 d marker
		Twalk 5 13 d
		Twalk 5 14 d
		Twalk 5 15 d marker
		Trenameat 2 d 2 moved
		Tsymlink 2 d $SCRATCH/outside 0
		Twalk 5 20 d
		Treadlink 20 => link $SCRATCH/outside
		Twalk 10 21 marker => error 20
		Tgetattr 11 0x7ff => error 20
		Tlopen 11 0 => error 20
		Tlopen 12 01002 => error 20
		Tsetattr 15 1 0777 0 0 0 0 0 0 0 => error .*
		Tsetattr 15 6 0 1000 1000 0 0 0 0 0 => error 20
		Tsetattr 15 8 0 0 0 0 0 0 0 0 => error 20
		Txattrwalk 15 22 user.x => error 20
		Tlopen 13 0200000 => error 20
		Tlcreate 14 new 02 0644 0 => error 20
		Tmkdir 10 new 0755 0 => error 20
		Tsymlink 10 new x 0 => error 20
		Tmknod 10 new 0100644 0 0 0 => error 20
		Tlink 10 4 new => error .*
		Tunlinkat 10 marker 0 => error 20
		Trenameat 10 marker 2 new => error 20
		Trenameat 2 moved 10 new => error 20
		Tremove 15 => error 20
		Twrite 6 0 INSIDE => count 6
	END
	same "$(readlink "$SCRATCH/volume/d")" "$SCRATCH/outside"
	same "$(<"$SCRATCH/volume/moved/marker")" INSIDE
}

@test "a file that becomes a symlink under a name that is known already" {
	ask <<-END
		again
		Twalk 2 10
		Tlcreate 10 f 02 0644 0
		Twalk 5 11 f
		Twalk 5 12 f
		Tunlinkat 2 f 0
		Tsymlink 2 f $SCRATCH/outside/marker 0
		Tlopen 11 0 => error 40
		Tlopen 11 01001 => error 40
		Tsetattr 12 1 0777 0 0 0 0 0 0 0 => error .*
		Tsetattr 12 8 0 0 0 0 0 0 0 0 => error .*
		Tsetattr 12 6 0 1000 1000 0 0 0 0 0 => done
		Twalk 5 13 f
		Txattrcreate 13 user.x 1 0
		Twrite 13 0 y => count 1
		Tclunk 13 => error .*
		Twrite 10 0 data => count 4
	END
}

# The host exchanges a directory and a link to the outside all the time. Once more where the machine saw only one of them.
@test "a directory that the host exchanges for a symlink meanwhile" {
	local i swap result=1
	mkdir "$T/race"
	echo inside >"$T/race/marker"
	ln -s "$SCRATCH/outside" "$T/other"
	{
		echo again
		for ((i = 0; i < 400; i++)); do
			echo 'Twalk 1 10 race marker => (names [12]|error .*)'
			echo 'Tlopen 10 01002 => (done|error .*)'
			echo 'Twrite 10 0 attack => (count 6|error .*)'
			echo 'Tclunk 10 => (done|error .*)'
		done
	} >"$SCRATCH/requests"
	"$HVTEST_BIN/bats/helpers/swap" 300 "$T/race" "$T/other" >/dev/null 3>&- &
	swap=$!
	for ((i = 0; i < 20; i++)); do
		ask <"$SCRATCH/requests" || break
		grep -q 'attack => count 6' "$SCRATCH/console" && grep -q 'race marker => names 1' "$SCRATCH/console" && result=0 && break
	done
	kill $swap
	wait $swap
	[ $result = 0 ] || fail "no race in $i rounds" || return 1
	same "$(<"$T/race/marker")" attack
}

@test "device nodes, FIFOs and sockets of a share are not opened, and none is made" {
	mkfifo "$T/fifo"
	mknod "$T/null" c 1 3
	mknod "$T/loop" b 7 0
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$T/socket"
	chmod 666 "$T"/{fifo,null,loop,socket}
	ask <<-'END'
		again
		Twalk 1 10 fifo
		Tlopen 10 0 => error .*
		Tlopen 10 01 => error .*
		Tlopen 10 02 => error .*
		Twalk 1 11 null
		Tlopen 11 0 => error 13
		Tlopen 11 02 => error 13
		Tsetattr 11 8 0 0 0 0 0 0 0 0 => error .*
		Twalk 1 12 loop
		Tlopen 12 0 => error 13
		Tlopen 12 02 => error 13
		Twalk 1 13 socket
		Tlopen 13 02 => error .*
		Tmknod 1 null2 020666 1 3 0 => error 1
		Tmknod 1 mem 020666 1 1 0 => error 1
		Tmknod 1 disk 060666 7 0 0 => error 1
		Tmknod 2 disk 060666 8 0 0 => error 1
	END
	same "$(cd "$T" && find . ! -type f ! -type d | sort | tr '\n' ' ')" "./fifo ./loop ./null ./socket "
	same "$(find "$SCRATCH/volume" -mindepth 1)" ""
}

# While the machine runs, "later" in the volume becomes a file system with devices.
later_device()
{
	cat >"$SCRATCH/hook" <<-END
		#!/bin/sh
		cat >/dev/null
		mount -t tmpfs tmpfs $SCRATCH/volume/later && mknod -m 666 $SCRATCH/volume/later/loop b 7 0 && mknod -m 666 $SCRATCH/volume/later/mem c 1 1
	END
	chmod 755 "$SCRATCH/hook"
	config '.hooks.createRuntime = [{path: $h}]' --arg h "$SCRATCH/hook"
}

# What appears below a writable source later has attributes of its own, no nodev. What is left is the device cgroup.
@test "device nodes in what the host mounts later below a source are not opened" {
	local volume=$SCRATCH/volume
	mount -t tmpfs tmpfs "$volume"
	mount --make-shared "$volume"
	mkdir "$volume/later"
	later_device
	ask <<-'END'
		again
		Twalk 2 9 later
		until Twalk 9 11 mem => names 1
		Twalk 2 10 later loop => names 2
		Tlopen 10 0 => error 1
		Tlopen 10 02 => error 1
		Tlopen 11 0 => error 1
		Tmknod 9 new 060666 7 0 0 => error 1
	END
	umount "$volume/later" "$volume"
}

@test "what is read-only is so on the host" {
	ask <<-'END'
		again
		Twalk 3 10 file
		Tlopen 10 01 => error 30
		Tlopen 10 02 => error 30
		Tlopen 10 01000 => (done|error .*)
		Tread 10 0 100 => (data (precious%0a)?|error .*)
		Twrite 10 0 x => error .*
		Twalk 3 11 file
		Tsetattr 11 1 0777 0 0 0 0 0 0 0 => error 30
		Tsetattr 11 6 0 1 1 0 0 0 0 0 => error 30
		Tsetattr 11 8 0 0 0 0 0 0 0 0 => error 30
		Tsetattr 11 0x1b0 0 0 0 0 1 1 1 1 => error 30
		Twalk 3 12
		Tlcreate 12 new 01 0644 0 => error 30
		Tmkdir 3 new 0755 0 => error 30
		Tsymlink 3 new x 0 => error 30
		Tmknod 3 new 0100644 0 0 0 => error 30
		Tlink 3 11 new => error 30
		Trenameat 3 file 3 new => error 30
		Trename 11 3 new => error 30
		Tunlinkat 3 file 0 => error 30
		Tunlinkat 3 dir 0x200 => error 30
		Tremove 11 => error 30
		Twalk 3 13 file
		Txattrcreate 13 user.x 1 0
		Twrite 13 0 y => count 1
		Tclunk 13 => error 30
		Twalk 3 14 program
		Tlopen 14 01 => error 30
	END
}

@test "owners and modes are the guest's to give, what the kernel heeds on the host is not" {
	local name
	# a file system that has all of them, and a bundle that may use them
	mount -t tmpfs tmpfs "$SCRATCH/volume"
	touch "$SCRATCH/volume/file"
	config '.process.capabilities.bounding += ["CAP_SETFCAP", "CAP_SYS_ADMIN"]'
	for name in security.capability security.selinux trusted.overlay.opaque; do
		printf '%s\n' "Twalk 2 20 file" "Txattrcreate 20 $name 20 0" \
			'Twrite 20 0 %01%00%00%02%ff%ff%ff%ff%00%00%00%00%00%00%00%00%00%00%00%00 => count 20' "Tclunk 20 => error (1|95)"
	done >"$SCRATCH/xattrs"
	ask <<-END
		again
		Twalk 2 10 file
		Tsetattr 10 2 0 -1 0 0 0 0 0 0 => (done|error .*)
		Tsetattr 10 6 0 12345 54321 0 0 0 0 0
		Tsetattr 10 1 04777 0 0 0 0 0 0 0
		Tgetattr 10 0x7ff => mode 104777 uid 12345 gid 54321 .*
		Tsetattr 10 8 0 0 0 -1 0 0 0 0 => error .*
		$(<"$SCRATCH/xattrs")
		Twalk 2 21 file
		Txattrcreate 21 user.x 0xffffffffffffffff 0 => error .*
		Txattrcreate 21 user.x 0x7fffffff 0 => error .*
		Txattrwalk 10 23 rep:300:x => error .*
	END
	same "$(stat -c '%a %u %g' "$SCRATCH/volume/file")" "4777 12345 54321"
	same "$(python3 -c 'import os, sys; print(os.listxattr(sys.argv[1]))' "$SCRATCH/volume/file")" "[]"
	umount "$SCRATCH/volume"
}

@test "messages that lie about their lengths, or make no sense" {
	ask <<-'END'
		again
		lost Raw 110 4:0 4:9 2:65535 s:0 => (no answer|error .*)
		again
		lost Raw 110 4:0 4:9 2:17 s:0 s:.. s:0 s:.. s:0 s:.. s:0 s:.. s:0 s:.. s:0 s:.. s:0 s:.. s:0 s:.. s:0 => (no answer|error .*)
		again
		lost Raw 110 4:0 4:9 2:1 2:65535 b:0 => (no answer|error .*)
		again
		lost Raw 110 4:0 4:9 2:1 2:2 b:0 => (no answer|error .*)
		again
		lost Raw 110 => (no answer|error .*)
		again
		lost size=6 Twalk 0 9 0 => (no answer|error .*|names 1)
		again
		lost size=0xffffffff Twalk 0 9 0 => (no answer|error .*|names 1)
		again
		Twalk 1 10 dir file
		Tlopen 10 02
		lost Raw 118 4:10 8:0 4:0xffffffff b:x => (no answer|error .*|count .*)
		again
		Twalk 1 10 dir file
		Tlopen 10 02
		lost Raw 118 4:10 8:0 4:100 b:x => (no answer|error .*|count 1)
		again
		Twalk 1 10 dir file
		Tlopen 10 02
		lost Tread 10 0 0xffffffff => (no answer|error .*|data .*)
		again
		Twalk 1 10 dir
		Tlopen 10 0200000
		lost Treaddir 10 0 0xffffffff => (no answer|error .*|entries .*)
		again
		lost room=0 Tgetattr 0 0x7ff => no answer
		again
		lost room=7 Tgetattr 0 0x7ff => (no answer|error .*)
		again
		Twalk 1 10 dir file
		Tlopen 10 02
		lost room=20 Tread 10 0 16000 => (no answer|error .*)
		again
		Twrite 0 0 x => error .*
		Tread 0 0 100 => error .*
		Treadlink 77 => error 2
		Twalk 77 78 0 => error 2
		Tversion 0 9P2000.L => error .*
		Tversion 4095 9P2000.L => error .*
		Tversion 0xffffffff 9P2000.L => (error .*|msize .*)
		Tversion 8192 rep:3000:x => msize [0-9]+ unknown
		again
		Twalk 0 10 rep:256:a => error 36
		Twalk 0 10 rep:5000:a => error 36
		Tmkdir 1 rep:5000:a 0755 0 => error 36
		lost Raw 0 => (no answer|error .*)
		again
		lost Raw 255 8:-1 => (no answer|error .*)
		again
		lost Raw 7 4:1 => (no answer|error .*)
		again
		Tgetattr 1 0x7ff => mode 40755 .*
	END
}

@test "fids and tags that are used twice, and requests that are flushed" {
	ask <<-'END'
		again
		Tattach 0 -1 root "" 0 => error 22
		Twalk 0 1 0 => error 22
		Twalk 1 10 dir file
		Tlopen 10 0
		Tlopen 10 0 => error 22
		Twalk 10 11 x => error 20
		Treaddir 10 0 100 => error .*
		Txattrcreate 10 user.x 1 0 => error .*
		Tread 10 -1 100 => error .*
		Tread 10 0x7fffffffffffffff 100 => (data |error .*)
		queue tag=200 Tread 10 0 100 => data inside%0a
		queue tag=200 Tread 10 0 100 => data inside%0a
		tag=200 Tread 10 0 100 => data inside%0a
		tag=201 Tflush 201
		tag=202 Tflush 999
		queue tag=203 Tread 10 0 100 => (empty|data inside%0a|error .*)
		queue tag=204 Tflush 203
		tag=205 Tflush 204
		queue Tclunk 10
		queue Tread 10 0 100 => (data inside%0a|error .*)
		queue Tclunk 10 => error 2
		Tread 10 0 100 => error .*
		Twalk 1 12
		Txattrwalk 12 12 user.x => error .*
		Txattrcreate 12 user.x 100 0
		Raw 118 4:12 8:-1 4:3 b:abc => error .*
		Raw 118 4:12 8:0x7fffffff 4:3 b:abc => error .*
		Twrite 12 99 abc => (count 1|error .*)
		Tclunk 12 => error .*
		Twalk 1 1 dir file
		Tlopen 1 01001
		queue Twrite 1 0 abc
		queue Tremove 1
		Tgetattr 1 0x7ff => (mode .*|error 2)
		Tgetattr 1 0x7ff => error 2
	END
}

@test "virtiofs: names with slashes, dots and nothing" {
	by_virtiofs
	ask <<-'END'
		again
		LOOKUP 1 .. => entry .*
		keep=10 LOOKUP 1 ..
		keep=11 OPENDIR @10 0 0
		READDIR @10 @11 0 4000 0 0 0 0 => entries( [.0-4]+){7}
		LOOKUP @10 etc => error 2
		keep=12 LOOKUP @1 ..
		keep=12 LOOKUP @12 ..
		keep=12 LOOKUP @12 ..
		LOOKUP @12 etc => error 2
		LOOKUP @1 dir/file => error 22
		LOOKUP @1 ../.. => error 22
		LOOKUP @1 /etc => error 22
		LOOKUP @1 / => error 22
		LOOKUP @1 "" => error .*
		LOOKUP @1 rep:5000:a => error .*
		MKDIR @1 0755 0 dir/new => error 22
		MKDIR @1 0755 0 ../../../new => error 22
		MKDIR @1 0755 0 .. => error .*
		CREATE @1 01 0644 0 0 dir/new => error 22
		CREATE @1 01 0644 0 0 ../../new => error 22
		CREATE @1 01 0644 0 0 .. => error .*
		MKNOD @1 0100644 0 0 0 ../new => error 22
		SYMLINK @1 ../new x => error 22
		SYMLINK @1 .. x => error .*
		keep=20 LOOKUP @1 dir
		keep=21 LOOKUP @20 file
		LINK @1 @21 ../new => error 22
		LINK @1 @21 .. => error .*
		RENAME @1 @1 dir ../new => error 22
		RENAME @1 @1 ../t new => error 22
		RENAME @1 @1 .. new => error .*
		RENAME @1 @20 dir new => error .*
		RENAME2 @1 @1 2 0 dir .. => error .*
		UNLINK @1 ../t/dir/file => error 22
		UNLINK @1 dir/file => error 22
		RMDIR @1 .. => error .*
		RMDIR @1 . => error .*
		RMDIR 1 0 => error .*
		MKDIR 1 0755 0 new => error 30
		RENAME 1 1 0 9 => error .*
	END
	same "$(cd "$T" && find . | sort | tr '\n' ' ')" ". ./dir ./dir/file "
}

@test "virtiofs: symlinks lead nowhere, and what is known already stays what it was" {
	by_virtiofs
	ln -s "$SCRATCH/outside/marker" "$T/absolute"
	ln -s "../../../../../../../../..$SCRATCH/outside/dir" "$T/relative"
	ask <<-END
		again
		keep=10 LOOKUP @1 absolute
		READLINK @10 => data $SCRATCH/outside/marker
		OPEN @10 0 0 => error .*
		OPEN @10 02 0 => error .*
		OPEN @10 01001 0 => error .*
		SETATTR @10 1 0 0 0 0 0 0 0 0 0 0 0777 0 0 0 0 => error .*
		SETATTR @10 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 => error .*
		SETATTR @10 6 0 0 0 0 0 0 0 0 0 0 0 0 1000 1000 0
		SETXATTR @10 1 0 0 0 user.x y => error .*
		LOOKUP @10 x => error 20
		keep=11 LOOKUP @1 relative
		OPENDIR @11 0 0 => error .*
		LOOKUP @11 file => error 20
		MKDIR @11 0755 0 new => error 20
		CREATE @11 01 0644 0 0 new => error 20
		UNLINK @11 file => error (5|20)
		RENAME @11 @1 file new => error (5|20)
		CREATE @1 01001 0644 0 0 absolute => error .*
		keep=20 MKDIR @2 0755 0 d
		keep=21 CREATE @20 02 0644 0 0 marker
		RENAME @2 @2 d moved
		SYMLINK @2 d $SCRATCH/outside
		MKDIR @20 0755 0 new
		UNLINK @20 marker
		keep=22 LOOKUP @5 d
		LOOKUP @22 marker => error 20
		keep=23 CREATE @2 02 0644 0 0 f
		UNLINK @2 f
		SYMLINK @2 f $SCRATCH/outside/marker
		SETATTR @23 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 => (mode .*|error .*)
		SETATTR @23 1 0 0 0 0 0 0 0 0 0 0 0777 0 0 0 0 => (mode .*|error .*)
		LINK @1 @10 hard
	END
	[ -d "$SCRATCH/volume/moved/new" ]
}

@test "virtiofs: device nodes of a share, and of what is mounted there later, are not opened, and none is made" {
	local volume=$SCRATCH/volume
	by_virtiofs
	mkfifo "$T/fifo"
	mknod -m 666 "$T/null" c 1 3
	mknod -m 666 "$T/loop" b 7 0
	mount -t tmpfs tmpfs "$volume"
	mount --make-shared "$volume"
	mkdir "$volume/later"
	later_device
	ask <<-'END'
		again
		keep=10 LOOKUP @1 null
		OPEN @10 0 0 => error .*
		OPEN @10 02 0 => error .*
		SETATTR @10 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 => error .*
		keep=11 LOOKUP @1 loop
		OPEN @11 02 0 => error .*
		keep=12 LOOKUP @1 fifo
		OPEN @12 0 0 => error .*
		MKNOD @1 020666 0x103 0 0 null2 => error 1
		MKNOD @1 020666 0x101 0 0 mem => error 1
		MKNOD @2 060666 0x700 0 0 disk => error 1
		keep=20 LOOKUP @2 later
		until LOOKUP @20 mem
		keep=21 LOOKUP @20 mem
		OPEN @21 0 0 => error .*
		keep=22 LOOKUP @20 loop
		OPEN @22 02 0 => error .*
		SETATTR @22 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 => error .*
	END
	same "$(cd "$T" && find . ! -type f ! -type d | sort | tr '\n' ' ')" "./fifo ./loop ./null "
	umount "$volume/later" "$volume"
}

@test "virtiofs: what is read-only is so on the host, and what its kernel heeds is not set" {
	local name caps='%01%00%00%02%ff%ff%ff%ff%00%00%00%00%00%00%00%00%00%00%00%00'
	by_virtiofs
	mount -t tmpfs tmpfs "$SCRATCH/volume"
	touch "$SCRATCH/volume/file"
	ask <<-END
		again
		keep=10 LOOKUP @3 file
		OPEN @10 01 0 => error 30
		OPEN @10 02 0 => error 30
		keep=11 OPEN @10 0 0
		READ @10 @11 0 100 0 0 0 0 => data precious%0a
		WRITE @10 @11 0 1 0 0 0 0 x => error .*
		SETATTR @10 1 0 0 0 0 0 0 0 0 0 0 0777 0 0 0 0 => error 30
		SETATTR @10 6 0 0 0 0 0 0 0 0 0 0 0 0 1 1 0 => error 30
		SETATTR @10 8 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 => error 30
		SETXATTR @10 1 0 0 0 user.x y => error 30
		CREATE @3 01 0644 0 0 new => error 30
		MKDIR @3 0755 0 new => error 30
		SYMLINK @3 new x => error 30
		MKNOD @3 0100644 0 0 0 new => error 30
		UNLINK @3 file => error 30
		RMDIR @3 dir => error (5|30)
		RENAME @3 @3 file new => error 30
		LINK @3 @10 new => error 30
		LINK @1 @10 new => error 18
		RENAME @3 @1 file new => error (18|30)
		keep=12 LOOKUP @1 dir
		RENAME @1 @2 dir new => error 18
		keep=20 LOOKUP @2 file
		SETXATTR @20 20 0 0 0 security.capability $caps => error 1
		SETXATTR @20 20 0 0 0 trusted.overlay.opaque $caps => error 1
		SETATTR @20 6 0 0 0 0 0 0 0 0 0 0 0 0 12345 54321 0
		SETATTR @20 1 0 0 0 0 0 0 0 0 0 0 04777 0 0 0 0
	END
	same "$(stat -c '%a %u %g' "$SCRATCH/volume/file")" "4777 12345 54321"
	umount "$SCRATCH/volume"
}

@test "virtiofs: requests that lie, each of which may be the server's end" {
	local request
	by_virtiofs
	for request in "GETATTR 0 0 0 0" "GETATTR 77777 0 0 0" "GETATTR -1 0 0 0" "size=41 LOOKUP 1 dir" "size=0xffffffff LOOKUP 1 dir" "tag=-1 GETATTR 1 0 0 0" \
		"Raw 1 8:1" "Raw 16 1 8:0" "READ @1 77 0 4096 0 0 0 0" "READDIR @1 77 0 4096 0 0 0 0" "room=16 GETATTR 1 0 0 0" "room=0 GETATTR 1 0 0 0" \
		"WRITE @1 0 0 0xffffffff 0 0 0 0 x" "READ @1 0 0 0xffffffff 0 0 0 0" "SETXATTR @1 0xffffffff 0 0 0 user.x y" "INIT 1 7 30 0 0" "INIT 1 99 0 0 0" "Raw 255 1"; do
		ask <<-END
			again
			lost $request => (ends|no answer|empty|error .*|entry .*|mode .*|message .*|done)
		END
	done
}
