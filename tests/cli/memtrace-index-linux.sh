# SPDX-License-Identifier: GPL-2.0-or-later
# memtrace,storage=index of a Linux boot, on one hart and on two: answers are those of storage=chunks.
set -u
linux=$TOP/.cache/linux
[ -f "$linux/Image" ] || { echo "skipped: the Linux guest could not be fetched"; exit 77; }
fails=0
fail() { echo "$*"; fails=$((fails + 1)); }
sql() { "$RR" sql --quiet --format csv "$@"; }

compare() { # compare NAME CHUNKS.db INDEX.db STEP LAST: about accesses at every STEP steps: before, after and around them
    local at pos paddr vaddr
    for ((at = $4; at < $5; at += $4)); do
        printf 'SELECT * FROM (SELECT pos, paddr, vaddr FROM memtrace WHERE pos >= %d AND vaddr IS NOT NULL LIMIT 1);\n' "$at"
    done >places
    sql "$2" "$(cat places)" | grep -v pos | while IFS=, read -r pos paddr vaddr; do
        printf 'SELECT * FROM write WHERE covers = %s AND pos < %s ORDER BY pos DESC LIMIT 1;\n' "$paddr" "$pos"
        printf 'SELECT * FROM memtrace WHERE vaddr = %s AND pos < %s ORDER BY pos DESC LIMIT 3;\n' "$vaddr" "$pos"
        printf 'SELECT * FROM memtrace WHERE paddr = %s AND pos BETWEEN %s AND %s ORDER BY pos, seq LIMIT 50;\n' "$paddr" "$pos" "$((pos + 10000000))"
        printf 'SELECT * FROM memtrace WHERE pos BETWEEN %s AND %s;\n' "$((pos - 100))" "$((pos + 100))"
    done >asked
    sql "$2" "$(cat asked)" >a.out || fail "$1: chunks"
    sql "$3" "$(cat asked)" >b.out || fail "$1: index"
    cmp -s a.out b.out || fail "$1: $(diff a.out b.out | head -6)"
    [ "$(wc -l <a.out)" -gt 30 ] || fail "$1: few rows"
}

whole="SELECT count(*), max(pos), sum(seq), sum(hart), sum(paddr & 0xffff), sum(vaddr & 0xffff), sum(value & 0xffff), sum(size), count(vaddr)
    FROM memtrace WHERE pos BETWEEN 150000000 AND 200000000"
for harts in 1 2; do
    "$RR" record --quiet --force --timeout 300 -o r.rrec -M virt -smp $harts -m 512M -nographic -kernel "$linux/Image" -initrd "$linux/boot.cpio.gz" \
        -append "console=ttyS0 rdinit=/init" >/dev/null </dev/null || fail "record"
    rm -f ./*.db
    "$RR" replay --quiet r.rrec --db chunks.db --analysis memtrace || fail "replay"
    end=$(sql chunks.db "SELECT value FROM meta WHERE key = 'end_pos'" | tail -1)
    "$RR" replay --quiet r.rrec --analysis memtrace,storage=index || fail "index"
    compare "-smp $harts" chunks.db r.rrec $((end / 12)) "$end"
    [ "$(sql chunks.db "$whole" | cksum)" = "$(sql r.rrec "$whole" | cksum)" ] || fail "-smp $harts: many rows together differ"
    "$RR" replay --quiet r.rrec --db i.db --perturb $((70 + harts)) --analysis memtrace,storage=index || fail "perturbed"
    compare "-smp $harts, perturbed" chunks.db i.db $((end / 6)) "$end"
    "$RR" replay --quiet r.rrec --db b.db --backend interp --to 100M --analysis memtrace,storage=index,window=10M || fail "interp"
    compare "-smp $harts, interp" chunks.db b.db 17000000 80000000
done
[ $fails -eq 0 ]
