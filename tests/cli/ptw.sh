# SPDX-License-Identifier: GPL-2.0-or-later
# memtrace,ptw=yes: what the page-table walker writes. A memory made of all writes must give every load the value that the
# guest saw, which it does not without the walker's.
set -u
fails=0
[ -f "$GUESTS/paging.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
fail() { echo "$*"; fails=$((fails + 1)); }
ask() { "$RR" sql --format csv "$1" "$2" 2>&1 | tail -n +2; }
wrong() { # wrong DB: loads that a memory made of the writes contradicts
    ask "$1" "SELECT op, paddr, size, printf('%x', value) FROM memtrace WHERE paddr >= 0x80000000" | python3 -c '
import sys
memory, bad = {}, 0
for line in sys.stdin:
    op, paddr, size, value = line.split(",")
    paddr, bytes_ = int(paddr), int(value, 16).to_bytes(8, "little")[: int(size)]
    if op in ("load", "lr", "amo_load", "dma_read"):
        bad += any(memory.get(paddr + i, b) != b for i, b in enumerate(bytes_))
    memory.update((paddr + i, b) for i, b in enumerate(bytes_))
print(bad)'
}
"$RR" record --quiet -o p.rrec -M virt -nographic -bios none -kernel "$GUESTS/paging.elf" >out </dev/null || fail "record failed"
for run in "a " "b --backend interp" "c --perturb 41" "d --perturb 42" "e --analysis insn"; do
    # shellcheck disable=SC2086
    "$RR" replay --quiet p.rrec --db "${run%% *}.db" --analysis memtrace,ptw=yes ${run#* } || fail "replay ${run#* } failed"
    ask "${run%% *}.db" "SELECT * FROM memtrace" >"${run%% *}.rows"
    cmp a.rows "${run%% *}.rows" || fail "${run#* } differs"
done
"$RR" replay --quiet p.rrec --db n.db --analysis memtrace --analysis memtrace,as=rows,storage=rows,ptw=yes || fail "replay failed"
[ "$(wrong a.db)" = 0 ] || fail "$(wrong a.db) loads are not explained by the writes"
[ "$(wrong n.db)" != 0 ] || fail "the guest reads no bit that the walker set: the test shows nothing"
[ "$(ask a.db "SELECT * FROM memtrace WHERE op != 'ptw'" | cksum)" = "$(ask n.db "SELECT * FROM memtrace" | cksum)" ] || fail "other rows changed"
[ "$(ask n.db "SELECT * FROM rows ORDER BY pos, seq" | cksum)" = "$(cksum <a.rows)" ] || fail "storage=rows differs"
[ "$(ask a.db "SELECT count(*) > 3, count(vaddr), count(hart) > 3, min(size), sum(value & 0x40 = 0), count(DISTINCT pos || '.' || seq) = count(*)
    FROM write WHERE op = 'ptw'")" = "1,0,1,8,0,1" ] || fail "the walker's rows: $(ask a.db "SELECT * FROM write WHERE op = 'ptw' LIMIT 5")"
[ "$(ask a.db "SELECT count(*) FROM (SELECT DISTINCT paddr FROM memtrace WHERE op = 'ptw') AS p WHERE NOT EXISTS
    (SELECT 1 FROM write AS w WHERE w.covers = p.paddr AND w.op = 'ptw')")" = 0 ] || fail "the index does not know the walker's rows"
[ $fails -eq 0 ]
