# SPDX-License-Identifier: GPL-2.0-or-later
# A recording made by one build replays on another: other compiler, other optimisation. BUILDS: "CC:BUILDTYPE …".
case $BUILD in *asan*) echo "not under the sanitizers"; exit 77 ;; esac
[ -f "$GUESTS/smp.elf" ] || { echo "no riscv64-unknown-elf-gcc"; exit 77; }
other=gcc
command -v clang >/dev/null && other=clang
status=0
n=0
wrong() {
    echo "$*"
    status=1
}
small="--checkpoint 20k --max-insns 400k -M virt -nographic -m 8M -bios none"
for kind in ${BUILDS:-$other:debug}; do
    cc=${kind%:*}
    folder=$BUILD-$cc-${kind#*:}
    { [ -f "$folder/build.ninja" ] || CC=$cc meson setup "$folder" "$TOP" --buildtype="${kind#*:}"; } >setup.log 2>&1 &&
        ninja -C "$folder" cli/rr-emu >build.log 2>&1 || { cat setup.log; tail -20 build.log; exit 1; }
    there=$folder/cli/rr-emu
    for guest in smp timers paging smc; do
        for maker in "$RR" "$there"; do
            reader=$there
            [ "$maker" = "$there" ] && reader=$RR
            # shellcheck disable=SC2086
            "$maker" record --quiet --force -o b.rrec $small -smp 3 -kernel "$GUESTS/$guest.elf" >/dev/null 2>&1
            for backend in x86_64 interp; do
                "$reader" replay --quiet --backend $backend b.rrec || wrong "$guest of $maker on $reader, $backend"
                n=$((n + 1))
            done
        done
    done
    for rec in "$TOP"/tests/fixtures/behaviour-*/*.rrec; do
        "$there" verify --quiet "$rec" || wrong "$rec on $there"
        n=$((n + 1))
    done
done
mkdir -p "$BUILD/conformance"
echo "{\"suite\": \"other builds\", \"builds\": \"${BUILDS:-$other:debug}\", \"cases\": $n, \"failed\": $status}" >"$BUILD/conformance/builds.json"
exit $status
