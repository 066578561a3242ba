# SPDX-License-Identifier: GPL-2.0-or-later
# memtrace's rows of four guests equal, row by row, what a QEMU plugin (tests/memtrace/accesses.c) prints of the same
# program. QEMU counts an sc as a load and a store and its reset code differs, so the guests have no sc and rows start at
# the program's first instruction; the store that ends the run never comes back to QEMU's plugin.
set -eu
qemu-system-riscv64 -help 2>/dev/null | grep -q -e '^-plugin' || { echo "skipped: qemu-system-riscv64 is missing or built without plugins"; exit 77; }
[ -x "$(command -v cc)" ] || { echo "skipped: no C compiler"; exit 77; }
cc -shared -fPIC -O2 -w -o accesses.so "$TOP/tests/memtrace/accesses.c"
for guest in hello fp smc bench-small; do
    [ -f "$GUESTS/$guest.elf" ] || { echo "skipped: no guest $guest.elf"; exit 77; }
    machine="-M virt -nographic -bios none -kernel $GUESTS/$guest.elf"
    # shellcheck disable=SC2086
    timeout 300 qemu-system-riscv64 $machine -plugin ./accesses.so </dev/null 2>&1 >/dev/null | grep -E '^8[0-9a-f]{7} ' >judge || true
    # shellcheck disable=SC2086
    "$RR" record --quiet --force -o r.rrec $machine </dev/null >/dev/null
    rm -f r.rrec.db
    "$RR" replay --quiet r.rrec --analysis memtrace
    "$RR" sql --format csv r.rrec "SELECT printf('%x %s %x %x %d', pc, CASE WHEN op IN ('load', 'lr', 'amo_load') THEN 'l' ELSE 's' END,
        vaddr, paddr, size) AS row FROM memtrace WHERE pc >= 0x80000000 AND vaddr != 0x100000 ORDER BY pos, seq" | tail -n +2 >ours
    cmp judge ours || { diff judge ours | head -20; echo "$guest differs"; exit 1; }
    echo "$guest: $(wc -l <ours) rows agree"
done
