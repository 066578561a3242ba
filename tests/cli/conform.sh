# SPDX-License-Identifier: GPL-2.0-or-later
# Random programs and machine states on rr-emu's backends and on qemu-system-riscv64: tests/conform/run.py. SEED: another
# one than 1. Where the judge is QEMU 10, Debian's 7.2 is asked about its part as well.
run() { # run ARGUMENTS…
    python3 "$TOP/tests/conform/run.py" --rr "$RR" --work "$SCRATCH/conform" --seed "${SEED:-1}" --json "$BUILD/conformance" "$@"
    result=$?
    [ $result -eq 0 ] || [ $result -eq 77 ] || status=1
    return $result
}
status=0
run
[ $? -ne 77 ] || exit 77
run --judge 7 --count 100 insns
run --cpu rva22s64 --count 40 insns virtual illegal
run --cpu rva22s64 csr
run --cpu mixed --rounds 4 --count 20 insns virtual illegal
exit $status
