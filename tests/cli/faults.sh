# SPDX-License-Identifier: GPL-2.0-or-later
# Every host call of record, replay, verify and sql fails once by turns: tests/fault/faults.py. FAULTS: of each kind.
[ -f "$GUESTS/virtio_blk.elf" ] || { echo "no riscv64-unknown-elf-gcc"; exit 77; }
case $BUILD in *asan*) echo "the preloaded shim and the sanitizers' runtime do not go together"; exit 77 ;; esac
exec python3 "$TOP/tests/fault/faults.py" --rr "$RR" --shim "$BUILD/tests/fault/fault_shim.so" --guest "$GUESTS/virtio_blk.elf" \
    --work "$SCRATCH/faults" --each "${FAULTS:-5}" --json "$BUILD/conformance/faults.json"
