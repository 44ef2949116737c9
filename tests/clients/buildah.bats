# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2015,SC2016,SC2154 # chains that end in fail; texts for the container's shell; names that lib.bash sets
# buildah as it is packaged: the RUN lines of a build, and buildah run, with hvrun as the runtime.

load clients

setup_test()
{
	skip_unless "no buildah" test -x "$(command -v buildah)"
	engine_runtime
	engine_type
	BUILDAH=(buildah --root "$SCRATCH/store" --runroot "$SCRATCH/run" --storage-driver vfs)
	mkdir "$SCRATCH/context"
	tar -C "$BUNDLE/rootfs" -c . >"$SCRATCH/context/root.tar"
	# limits that this host lets anybody have; a network of its own with nothing but lo
	OPTIONS=(--isolation oci --runtime "$RUNTIME" --network none)
}

eval "lib_$(declare -f teardown)"
teardown()
{
	[ -z "${BUILDAH-}" ] || build rm --all >/dev/null 2>&1 || true
	lib_teardown
}

build()
{
	timeout --foreground -k 5 "$CALL_TIMEOUT" "${BUILDAH[@]}" "$@" 3>&- 4>&-
}

@test "buildah bud: RUN lines, and what they leave in the image" {
	cat >"$SCRATCH/context/Containerfile" <<'LINES'
FROM scratch
ADD root.tar /
ENV WORD=said
WORKDIR /work
RUN echo "$WORD" >file && pwd
USER 1000:1000
RUN id -u >/tmp/user && echo from-run
LINES
	try build bud "${OPTIONS[@]}" --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 -t image "$SCRATCH/context"
	status_is 0
	has /work from-run
	build from --name c --pull-never image >/dev/null
	mounted=$(build mount c)
	same "$(<"$mounted/work/file") $(<"$mounted/tmp/user")" "said 1000"
	build umount c >/dev/null
}

@test "buildah bud: a RUN line that fails is the build's end, with its status" {
	printf 'FROM scratch\nADD root.tar /\nRUN exit 9\n' >"$SCRATCH/context/Containerfile"
	try build bud "${OPTIONS[@]}" --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$SCRATCH/context"
	status_is 9
	errors_have 'exit status 9'
}

@test "buildah run: streams, exit status, a volume" {
	build from --name c --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 scratch >/dev/null
	build add c "$SCRATCH/context/root.tar" / >/dev/null
	echo volume >"$SCRATCH/file"
	try build run "${OPTIONS[@]}" -v "$SCRATCH/file:/file:ro" c sh -c 'cat /file; echo err >&2; echo x >>/file || exit 7'
	status_is 7
	output_is volume
	errors_have '^err$'
}
