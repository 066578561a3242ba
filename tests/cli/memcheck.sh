# SPDX-License-Identifier: GPL-2.0-or-later
# Recording and replaying under valgrind: no read of uninitialised memory, which would be a difference between two runs.
command -v valgrind >/dev/null || { echo "no valgrind"; exit 77; }
[ -f "$GUESTS/plic.elf" ] || { echo "no riscv64-unknown-elf-gcc"; exit 77; }
case $BUILD in *asan*) echo "not under the sanitizers"; exit 77 ;; esac
check() {
    valgrind --quiet --error-exitcode=99 --track-origins=no --undef-value-errors=yes "$@" >out 2>&1 && return 0
    status=$?
    { [ $status -ne 99 ] && ! grep -q '^==' out; } && return 0
    cat out
    exit 1
}
n=0
truncate -s 1M disk.img
for guest in ${MEMCHECK:-plic traps virtio_blk smp}; do
    check "$RR" record --force -o m.rrec --checkpoint 1k --max-insns 30k -accel tcg,backend=interp -M virt -nographic -m 4M -smp 2 \
        -bios none -kernel "$GUESTS/$guest.elf" -drive file=disk.img,if=none,id=d0,format=raw -device virtio-blk-device,drive=d0
    check "$RR" replay --backend interp --analysis memtrace --analysis trap --db m.db m.rrec
    n=$((n + 2))
done
mkdir -p "$BUILD/conformance"
echo "{\"suite\": \"valgrind\", \"runs\": $n, \"failed\": 0}" >"$BUILD/conformance/memcheck.json"
