# SPDX-License-Identifier: GPL-2.0-or-later
# memtrace,storage=index: the rows that its windows' replays give are those of storage=chunks, whatever is asked and however
# the index was made.
set -u
fails=0
[ -f "$GUESTS/paging.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
fail() { echo "$*"; fails=$((fails + 1)); }
sql() { "$RR" sql --quiet --format csv "$@"; }
columns="pos, seq, hart, satp, pc, op, vaddr, paddr, size, value, priv, symbol"

same() { # same NAME A.db B.db SQL
    sql "$2" "$4" >a.out 2>a.err || fail "$1: $(head -c 300 a.err)"
    sql "$3" "$4" >b.out 2>b.err || fail "$1: $(head -c 300 b.err)"
    cmp -s a.out b.out || fail "$1: $(head -c 300 <<<"$4"): $(diff a.out b.out | head -4)"
    [ -s a.out ] || fail "$1: no answer"
}

# Every physical and virtual page that was ever accessed, asked for by itself: the index must know it. Then ranges, last
# writers, either way round; several of them in one statement.
questions() { # questions NAME CHUNKS.db INDEX.db PAGES POSITIONS
    sql "$2" "SELECT page FROM (SELECT DISTINCT paddr >> 12 AS page FROM memtrace) ORDER BY page % 101, page LIMIT $4" | tail -n +2 >pages
    local low high
    while read -r page; do
        low=$((page << 12)) high=$(((page << 12) + 4095))
        printf "SELECT 'p', count(*), sum(pos), sum(seq), max(pos) FROM memtrace WHERE paddr BETWEEN %d AND %d;\n" "$low" "$high"
        printf "SELECT 'v', count(*), sum(pos), sum(seq), min(pos) FROM memtrace WHERE vaddr BETWEEN %d AND %d;\n" "$low" "$high"
        printf "SELECT 'w', count(*), sum(pos), max(seq) FROM write WHERE paddr BETWEEN %d AND %d;\n" "$low" "$high"
        printf "SELECT 'l', %s FROM write WHERE covers = %d ORDER BY pos DESC LIMIT 1;\n" "$columns" "$((low + 8))"
    done <pages >asked
    same "$1" "$2" "$3" "$(cat asked)"
    sql "$2" "SELECT min(vaddr) FROM memtrace GROUP BY vaddr >> 12 ORDER BY min(vaddr) % 97 LIMIT $4" | tail -n +2 >pages
    while read -r vaddr; do
        printf "SELECT count(*), sum(pos), sum(seq) FROM memtrace WHERE vaddr BETWEEN %d AND %d;\n" "$vaddr" "$((vaddr | 4095))"
    done <pages >asked
    same "$1" "$2" "$3" "$(cat asked)"
    for at in $5; do
        printf 'SELECT %s FROM memtrace WHERE pos = %d;\n' "$columns" "$at"
        printf 'SELECT %s FROM memtrace WHERE pos BETWEEN %d AND %d;\n' "$columns" "$((at - 300))" "$((at + 300))"
        printf 'SELECT %s FROM memtrace WHERE pos < %d ORDER BY pos DESC LIMIT 40;\n' "$columns" "$at"
        printf 'SELECT %s FROM memtrace WHERE pos > %d ORDER BY pos LIMIT 40;\n' "$columns" "$at"
        printf 'SELECT w.pos, w.seq FROM memtrace m JOIN write w ON w.paddr = m.paddr WHERE m.pos BETWEEN %d AND %d AND w.pos < m.pos
            ORDER BY m.pos, m.seq, w.pos, w.seq LIMIT 500;\n' "$at" "$((at + 3))"
        printf 'SELECT %s FROM memtrace WHERE pos = %d OR paddr = (SELECT paddr FROM memtrace WHERE pos >= %d LIMIT 1) ORDER BY pos, seq;\n' \
            "$columns" "$at" "$at"
    done >asked
    same "$1" "$2" "$3" "$(cat asked)"
}

# guest, its steps per window, further MACHINE words
while read -r guest window words; do
    [ -f "$GUESTS/$guest.elf" ] || { fail "no guest $guest.elf"; continue; }
    rm -f chunks.db index.db disk.img
    truncate -s 4M disk.img
    # shellcheck disable=SC2086
    "$RR" record --quiet --force --checkpoint 100k -o "$guest.rrec" -M virt -nographic -bios none -kernel "$GUESTS/$guest.elf" $words \
        >/dev/null </dev/null || fail "$guest: record failed"
    "$RR" replay --quiet "$guest.rrec" --db chunks.db --analysis memtrace,ptw=yes || fail "$guest: replay failed"
    end=$(sql chunks.db "SELECT value FROM meta WHERE key = 'end_pos'" | tail -1)
    for how in "" "--backend interp" "--perturb 51"; do
        # shellcheck disable=SC2086
        "$RR" replay --quiet "$guest.rrec" --db index.db --analysis "memtrace,storage=index,ptw=yes,window=$window" $how || fail "$guest: replay $how failed"
        n=$(sqlite3 index.db "SELECT count(*) FROM memtrace_chunk WHERE data IS NULL AND rows IS NULL")
        [ "$n" -gt 4 ] || fail "$guest $how: $n windows"
        if [ -z "$how" ]; then # what follows differs in how the index was made, not in who replays
            some=$((end > 1000000 ? end - end / 4 : 0))
            same "$guest, the sum of all rows" chunks.db index.db "SELECT count(*), max(pos), sum(seq), sum(hart), sum(paddr & 0xffff), sum(vaddr & 0xffff),
                sum(value & 0xffff), sum(size), count(vaddr), sum(length(op || ifnull(priv, '') || ifnull(symbol, ''))) FROM memtrace"
            same "$guest, rows" chunks.db index.db "SELECT $columns FROM memtrace WHERE pos >= $some ORDER BY pos, seq LIMIT 200000"
            same "$guest, rows down" chunks.db index.db "SELECT $columns FROM memtrace WHERE pos >= $some ORDER BY pos DESC, seq DESC LIMIT 200000"
        fi
        questions "$guest $how" chunks.db index.db "15" "1 $((window + 1)) $((2 * window)) $((end - 2))"
    done
done <<'END'
paging 60000
traps 500
virtio_blk 150000 -global virtio-mmio.force-legacy=false -drive file=disk.img,if=none,id=d0,format=raw -device virtio-blk-device,drive=d0
smp 60000 -smp 4
pmp 2000
END

# Part of a recording, another name, a plain index beside chunks in one replay and file; running it again.
"$RR" replay --quiet paging.rrec --db part.db --from 30000 --to 90000 --analysis memtrace --analysis memtrace,as=few,storage=index,window=7k || fail "a part: replay failed"
for table in memtrace write; do
    few=few; [ $table = write ] && few=few_write
    for where in "1" "pos BETWEEN 43999 AND 44001" "pos >= 89990" "paddr > 0x80000000 AND pos < 40000"; do
        a=$(sql part.db "SELECT $columns FROM $table WHERE $where" | cksum) b=$(sql part.db "SELECT $columns FROM $few WHERE $where" | cksum)
        [ "$a" = "$b" ] || fail "a part: $table and $few differ where $where"
    done
done
same "a part's view" part.db part.db "SELECT count(*), max(vaddr) FROM few_v"
[ "$(sql part.db "SELECT from_pos, to_pos, complete, rows IS NULL FROM analysis WHERE name = 'few'" | tail -1)" = "30000,90000,1,1" ] || fail "the row of analysis"
"$RR" replay paging.rrec --db part.db --analysis memtrace,storage=index 2>err || fail "again: replay failed"
grep -q "rows of an earlier replay will be replaced" err || fail "again: not told"
"$RR" replay paging.rrec --db part.db --analysis memtrace,storage=index 2>err || fail "again: replay failed"
grep -q "the index of an earlier replay will be replaced" err || fail "again, an index: not told"
[ "$(sql part.db "SELECT count(*) FROM memtrace" | tail -1)" = "$("$RR" replay --quiet paging.rrec --db all.db --analysis memtrace && sql all.db "SELECT count(*) FROM memtrace" | tail -1)" ] || fail "again: other rows"

# The recording is beside its database, or where it was; another one, or none, is refused by name.
mkdir moved && cp part.db moved/paging.rrec.db && cp paging.rrec moved/ && mv paging.rrec elsewhere.rrec
sql moved/paging.rrec.db "SELECT count(*) FROM memtrace" >/dev/null || fail "the recording beside its database is not found"
id=$(sql part.db "SELECT value FROM meta WHERE key = 'recording'" | tail -1)
refused() { # refused NAME TEXT COMMAND…
    local name=$1 text=$2
    shift 2
    "$@" >out 2>err
    [ $? -eq 2 ] || fail "$name: not refused"
    grep -q "$text" err || fail "$name: $(cat err)"
    [ "$(wc -l <err)" = 1 ] || fail "$name: $(cat err)"
}
refused "no recording" "recording $id.*paging.rrec is not there" sql part.db "SELECT * FROM memtrace LIMIT 1"
cp traps.rrec paging.rrec
refused "another recording" "recording $id.*paging.rrec is recording" sql part.db "SELECT * FROM memtrace LIMIT 1"
mv elsewhere.rrec paging.rrec
[ "$(sqlite3 part.db -cmd ".load $("$RR" sql --print-extension)" "SELECT * FROM memtrace LIMIT 1" 2>&1 | grep -c "rr-emu sql")" = 1 ] ||
    fail "the extension does not say who can answer"
for window in 0 101M; do
    "$RR" replay paging.rrec --analysis "memtrace,storage=index,window=$window" 2>err && fail "window=$window is accepted"
    grep -q "window=$window: expected a number from 1 to 100000000" err || fail "window=$window: $(cat err)"
done
[ $fails -eq 0 ]
