# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2034,SC2153,SC2154 # names that lib.bash or a test sets or reads
# Images and block devices, which are loop devices here: "load disks" behind "load lib".

# An ext4 image with a directory's content: "image FILE SIZE DIR"
image()
{
	mke2fs -q -F -t ext4 -O ^has_journal,^orphan_file,^metadata_csum_seed -d "$3" "$1" "$2"
}

data_image()
{
	mkdir "$SCRATCH/data"
	echo inside >"$SCRATCH/data/file"
	image "$SCRATCH/data.img" 16M "$SCRATCH/data"
}

# $LOOP becomes a block device with the image in it, which ends with the test: "loop [OPTION...]"
loop()
{
	skip_unless "no loop devices here" test -c /dev/loop-control
	LOOP=$(losetup -f --show "$@" "$SCRATCH/data.img")
	NUMBERS=$(stat -c '%Hr %Lr' "$LOOP")
}

eval "lib_$(declare -f teardown)"
teardown()
{
	lib_teardown || LEFT=1
	[ -z "${LOOP-}" ] || losetup -d "$LOOP"
	[ -z "${LEFT-}" ]
}

# raw to qcow2, by the format's description (docs/interop/qcow2 of QEMU): "to_qcow2 RAW OUT"
to_qcow2()
{
	python3 - "$1" "$2" <<-'END'
		import struct, sys
		cluster = 65536
		data = open(sys.argv[1], 'rb').read()
		n = len(data) // cluster
		table = lambda numbers, fmt: struct.pack('>%d%s' % (len(numbers), fmt), *numbers).ljust(cluster, b'\0')
		copied = 1 << 63
		with open(sys.argv[2], 'wb') as out:
		    out.write(struct.pack('>4sIQIIQIIQQIIQQQQII', b'QFI\xfb', 3, 0, 0, 16, len(data), 0, 1, 3 * cluster, cluster, 1, 0, 0,
		        0, 0, 0, 4, 104).ljust(cluster, b'\0'))
		    out.write(table([2 * cluster], 'Q'))
		    out.write(table([1] * (5 + n), 'H'))
		    out.write(table([4 * cluster | copied], 'Q'))
		    out.write(table([(5 + i) * cluster | copied for i in range(n)], 'Q'))
		    out.write(data)
	END
}
