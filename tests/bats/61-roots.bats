# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2015,SC2016,SC2153,SC2154 # jq programs, and names that lib.bash sets
# Whose root a container's process has, when that is not the root of its mount namespace: the host's tree is one wrong
# setns(2) or pivot_root(2) away.

load lib

@test "without a mount namespace: run and exec have the container's root" {
	only_hvrun
	not_hyperv "the machine is the namespace"
	touch rootfs/this-is-the-container
	config '.linux.namespaces |= map(select(.type != "mount")) | .linux.maskedPaths = [] | .linux.readonlyPaths = [] | .root.readonly = false'
	process /bin/init all list / , pause
	background "$ID"
	grep -qx 'entry /: this-is-the-container' "$SCRATCH/$ID.out"
	try hv exec "$ID" /bin/init list /
	status_is 0
	has 'entry /: this-is-the-container'
}

# Everything again in a chroot: "/" is a bind mount of the host's, or a directory that is no mount at all.
in_chroot()
{
	local kind=$1
	shift
	cat >"$SCRATCH/in-chroot" <<-'EOF'
		set -e
		kind=$1 root=$2
		shift 2
		mkdir -p "$root"
		if [ "$kind" = mount ]; then
			mount --rbind / "$root"
		else
			mount -t tmpfs tmpfs "$root"
			root=$root/below
			mkdir "$root"
			for dir in /*; do
				[ -d "$dir" ] && [ ! -L "$dir" ] || continue
				mkdir "$root$dir"
				mount --rbind "$dir" "$root$dir"
			done
			for link in /*; do
				[ ! -L "$link" ] || cp -P "$link" "$root/"
			done
		fi
		exec chroot "$root" "$@"
	EOF
	unshare -m --propagation private bash "$SCRATCH/in-chroot" "$kind" "$SCRATCH/chroot" "$@"
}

check_in_chroot()
{
	touch rootfs/this-is-the-container
	config '.root.readonly = false | .process.capabilities = {"bounding": ["CAP_SYS_CHROOT"], "effective": ["CAP_SYS_CHROOT"], "permitted": ["CAP_SYS_CHROOT"]}'
	checks chroot-out
	try in_chroot "$1" "${HV[@]}" run --bundle "$PWD" "$ID"
	status_is 0
	has 'entry /: this-is-the-container'

	rmdir rootfs/tmp/jail # the applet makes it
	process /bin/init pause
	cat >"$SCRATCH/sequence" <<-'EOF'
		bundle=$1 id=$2
		shift 2
		"$@" run -d --bundle "$bundle" "$id" >/dev/null </dev/null || exit
		"$@" exec "$id" /bin/init chroot-out </dev/null || exit
		"$@" delete --force "$id"
	EOF
	try in_chroot "$1" bash "$SCRATCH/sequence" "$PWD" "$ID" "${HV[@]}"
	status_is 0
	has 'entry /: this-is-the-container'
}

@test "hvrun in a chroot that is a mount: no way to the tree above" {
	only_hvrun
	not_hyperv "the machine has a root of its own"
	check_in_chroot mount
}

@test "hvrun in a chroot that is just a directory: no way to the tree above" {
	only_hvrun
	not_hyperv "the machine has a root of its own"
	check_in_chroot directory
}
