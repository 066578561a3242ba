# SPDX-License-Identifier: GPL-2.0-or-later
# kill -9 at random moments of recording and of database writing. KILLS: how many of each.
[ -f "$GUESTS/bench-small.elf" ] || { echo "no riscv64-unknown-elf-gcc"; exit 77; }
"$BUILD/tests/fault/kill_record" "${KILLS:-100}" "${SEED:-1}" "$BUILD/conformance/kill-record.json" || exit 1
exec python3 "$TOP/tests/fault/kills.py" --rr "$RR" --guest "$GUESTS/bench-small.elf" --work "$SCRATCH/kills" \
    --kills "${KILLS:-100}" --seed "${SEED:-1}" --json "$BUILD/conformance/kill-replay.json"
