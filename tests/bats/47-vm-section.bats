# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2016,SC2154 # jq programs, and names that lib.bash sets
# What a bundle may say about its virtual machine: the vm section of config.json, and a guest by its name. Both are bounded by the
# configuration file, and what does not fit is refused before anything is made.

load lib

GUEST=${HVRUN%/*}/guest

setup_test()
{
	only_hvrun
	only_hyperv "it has no machine"
	skip_unless "no guest kernel beside $HVRUN" test -r "$GUEST/vmlinux"
	process /bin/init uname-r
	SETTINGS=$SCRATCH/hvrun.json
	jq -n --arg k "$GUEST/vmlinux" --arg i "$GUEST/initramfs.img" --arg t "$SCRATCH/templates" '{hyperv: {
		guests: [{name: "second", kernel: $k, initrd: $i, parameters: ["hvtest=1"]},
			{name: "elsewhere", kernel: $k, initrd: $i, architecture: "sparc64", accel: "tcg"}],
		template: false}}' >"$SETTINGS"
}

run_with_settings()
{
	try hv --config-file "$SETTINGS" run "$ID"
}

settings()
{
	jq "$@" "$SETTINGS" >"$SETTINGS.new" && mv "$SETTINGS.new" "$SETTINGS"
}

kernel_section()
{
	config '.vm = {"kernel": {"path": $kernel}}' --arg kernel "$1"
}

@test "a guest by its name, which state shows" {
	config '.annotations["io.hvrun.guest-kernel"] = "second"'
	process /bin/init all read /proc/cmdline , pause
	status=0
	hv --config-file "$SETTINGS" run -d "$ID" >"$SCRATCH/$ID.out" 2>"$SCRATCH/$ID.err" </dev/null || status=$?
	output=$(<"$SCRATCH/$ID.out") errors=$(<"$SCRATCH/$ID.err")
	status_is 0
	eventually file_has "$SCRATCH/$ID.out" ready
	file_has "$SCRATCH/$ID.out" ' hvtest=1( |$)'
	try hv state "$ID"
	same "$(jq -r .guestKernel <<<"$output")" second "guestKernel"
	hv delete -f "$ID"
}

@test "a guest that does not exist is refused with the list of those that do" {
	before=$(snapshot)
	for name in third "" /boot/vmlinuz ../second; do
		config '.annotations["io.hvrun.guest-kernel"] = $name' --arg name "$name"
		run_with_settings
		refused 'io.hvrun.guest-kernel: "'"$name"'" is not a guest' 'default, second, elsewhere'
	done
	machine_unchanged "$before"
}

@test "a guest that no machine here is for is refused" {
	config '.annotations["io.hvrun.guest-kernel"] = "elsewhere"'
	before=$(snapshot)
	run_with_settings
	refused sparc64
	machine_unchanged "$before"
}

@test "vm: size, and both spellings of hwConfig" {
	process /bin/init all cpus , read /proc/meminfo
	for name in hwConfig hwconfig; do
		kernel_section "$GUEST/vmlinux"
		config '.vm[$name] = {"vcpus": 2, "memory": 268435456}' --arg name $name
		run_with_settings
		status_is 0
		has 'cpus: 2'
		total=$(sed -n 's/.*MemTotal: *\([0-9]*\) kB.*/\1/p' <<<"$output")
		[ "$total" -gt 100000 ] && [ "$total" -lt 262144 ] || fail "MemTotal $total kB"
	done
	config '.vm.hwConfig = {"vcpus": 1}'
	run_with_settings
	refused hwconfig twice
}

@test "vm: what cannot be had is refused, field by field" {
	before=$(snapshot)
	for program in '.vm.hwConfig.memory = 1048576' '.vm.hwConfig.vcpus = 0' '.vm.hwConfig.irqs = [5]' '.vm.hwConfig.dtdevs = ["uart0"]' \
		'.vm.hwConfig.deviceTree = "/x"' '.vm.hwConfig.iomems = [{"firstMFN": 1, "nrMFNs": 1}]'; do
		kernel_section "$GUEST/vmlinux"
		config "$program"
		run_with_settings
		field=${program#.}
		refused "${field%% *}"
	done
	machine_unchanged "$before"
}

@test "vm: files of the host are refused unless the configuration file has them" {
	cp "$GUEST/vmlinux" "$SCRATCH/kernel"
	cp "$GUEST/initramfs.img" "$SCRATCH/initrd"
	ln -s kernel "$SCRATCH/link"
	chmod 755 "$SCRATCH"
	chmod 644 "$SCRATCH/kernel" "$SCRATCH/initrd"
	before=$(snapshot)
	kernel_section "$SCRATCH/kernel"
	run_with_settings
	refused vm.kernel.path "$SCRATCH/kernel" hyperv.allowed_kernels
	settings --arg d "$SCRATCH" '.hyperv.allowed_kernels = [$d + "/ker*"]'
	config '.vm.kernel.initrd = $i' --arg i "$SCRATCH/initrd"
	run_with_settings
	refused vm.kernel.initrd hyperv.allowed_initrds
	settings --arg d "$SCRATCH" '.hyperv.allowed_initrds = [$d + "/"]'
	machine_unchanged "$before"
	run_with_settings
	status_is 0
	has 'release: .+'
	# the file counts, not the name of a link to it
	config '.vm.kernel.path = $k' --arg k "$SCRATCH/link"
	run_with_settings
	status_is 0
	settings --arg d "$SCRATCH" '.hyperv.allowed_kernels = [$d + "/link"]'
	run_with_settings
	refused vm.kernel.path "$SCRATCH/link\", which is $SCRATCH/kernel,"
	# what others may write is nobody's word
	settings --arg d "$SCRATCH" '.hyperv.allowed_kernels = [$d + "/"]'
	chmod 666 "$SCRATCH/kernel"
	run_with_settings
	refused vm.kernel.path "written by, others than root"
	chmod 644 "$SCRATCH/kernel"
	chmod 777 "$SCRATCH"
	run_with_settings
	refused vm.kernel.path "$SCRATCH belongs to, or can be written by"
}

@test "vm: programs, images and parameters are refused unless the configuration file permits them" {
	before=$(snapshot)
	kernel_section "$GUEST/vmlinux"
	cp config.json "$SCRATCH/vm.json"
	config '.vm.hypervisor = {"path": "/bin/sh"}'
	run_with_settings
	refused vm.hypervisor.path /bin/sh hyperv.allowed_hypervisors
	cp "$SCRATCH/vm.json" config.json
	config '.vm.hypervisor = {"path": "/usr/bin/qemu-system-x86_64", "parameters": ["-name", "x"]}'
	skip_unless "another VMM than qemu-system-x86_64" test -x /usr/bin/qemu-system-x86_64
	run_with_settings
	refused vm.hypervisor.parameters hyperv.allow_hypervisor_parameters
	cp "$SCRATCH/vm.json" config.json
	config '.vm.kernel.parameters = ["init=/bin/sh"]'
	run_with_settings
	refused vm.kernel.parameters init=/bin/sh hyperv.allow_kernel_parameters
	cp "$SCRATCH/vm.json" config.json
	config '.vm.image = {"path": "/etc/passwd"}'
	run_with_settings
	refused vm.image.path /etc/passwd hyperv.allowed_images
	machine_unchanged "$before"
	# and are had when it does
	cp "$SCRATCH/vm.json" config.json
	process /bin/init read /proc/cmdline
	config '.vm.hypervisor = {"path": "/usr/bin/qemu-system-x86_64", "parameters": ["-no-shutdown"]} | .vm.kernel.parameters = ["hvtest=2"]'
	settings '.hyperv.allow_kernel_parameters = true | .hyperv.allow_hypervisor_parameters = true'
	run_with_settings
	status_is 0
	grep -qE ' hvtest=2( |$)' <<<"$output" || fail "the parameter did not reach the kernel"
}

# A guest's own root, of which the agent needs the places of what it mounts: "guest_root FILE DIR..."
guest_root()
{
	mkdir -p "$SCRATCH/guest-root" && (cd "$SCRATCH/guest-root" && mkdir -p "${@:2}") && rm -f "$1"
	mke2fs -q -F -t ext4 -O ^has_journal,^orphan_file,^metadata_csum_seed -d "$SCRATCH/guest-root" "$1" 4M
}

@test "vm.image: the guest's own root, where the configuration file allows it" {
	# a sanitizer's agent needs the libraries that are beside it in the initramfs
	! readelf -lW "$(dirname "$HVRUN")/hvrun-agent" 2>/dev/null | grep -q INTERP || not_for HyperV "this agent is linked dynamically, and its libraries are not in that root"
	kernel_section "$GUEST/vmlinux"
	guest_root "$SCRATCH/root.img" dev proc run
	config '.vm.image = {"path": $image, "format": "raw"}' --arg image "$SCRATCH/root.img"
	before=$(snapshot)
	run_with_settings
	refused vm.image.path "$SCRATCH/root.img" hyperv.allowed_images
	settings --arg i "$SCRATCH/root.img" '.hyperv.allowed_images = [$i]'
	run_with_settings
	refused 'vm.image: its directory "sys": No such file'
	config '.vm.image.format = "vmdk"'
	run_with_settings
	refused 'vm.image.format: "vmdk" is not supported \(raw, qcow2\)'
	config '.vm.image.format = "qcow2"'
	run_with_settings
	refused "vm.image.path: $SCRATCH/root.img is not an image of format qcow2"
	config '.vm.image.format = "raw"'
	ln -s root.img "$SCRATCH/link.img"
	settings --arg i "$SCRATCH/link.img" '.hyperv.allowed_images = [$i]'
	config '.vm.image.path = $image' --arg image "$SCRATCH/link.img"
	run_with_settings
	refused vm.image.path hyperv.allowed_images
	machine_unchanged "$before"
	settings --arg i "$SCRATCH/root.img" '.hyperv.allowed_images = [$i]'
	guest_root "$SCRATCH/root.img" dev proc run sys
	before=$(sha256sum "$SCRATCH/root.img")
	checks read /sys/block/vda/serial /sys/block/vda/ro , write /new
	config '.root.readonly = false'
	run_with_settings
	status_is 0
	has 'read /sys/block/vda/serial: .*hvrun0' 'read /sys/block/vda/ro: .*1' 'write /new: ok'
	same "$(sha256sum "$SCRATCH/root.img")" "$before" "the image"
}

@test "vm: a section and a guest's name contradict each other" {
	kernel_section "$GUEST/vmlinux"
	config '.annotations["io.hvrun.guest-kernel"] = "default"'
	before=$(snapshot)
	run_with_settings
	refused io.hvrun.guest-kernel "vm section"
	machine_unchanged "$before"
}
