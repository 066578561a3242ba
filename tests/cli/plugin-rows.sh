# SPDX-License-Identifier: GPL-2.0-or-later
# Version 3 of the plugin interface: places, NULL, symbols, registers by handle, plain tables, turns. A plugin that uses them
# writes what the built-in analyses write; the two are compared.
set -u
[ -f "$GUESTS/traps.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
. "$TOP/tests/cli/expect.inc"
cc -shared -fPIC -O1 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -I"$TOP/analyses" -o later.so "$TOP/tests/plugins/later.c" || exit 1
same() { # same WHAT DB SQL SQL
    expect "$1: rows" "$2" "SELECT count(*) > 0 FROM ($3)" 1
    expect "$1" "$2" "SELECT * FROM ($3 EXCEPT $4) UNION ALL SELECT * FROM ($4 EXCEPT $3)" ""
}
compare() { # compare NAME: the tables of NAME.rrec
    "$RR" replay --quiet "$1.rrec" --plugin ./later.so --analysis trap --analysis tasks --analysis mmio --analysis dma 2>"$1.txt" "${@:2}" || { say "replay $1:"; cat "$1.txt"; }
    [ "$(cat "$1.txt")" = "bad 0" ] || { say "$1:"; cat "$1.txt"; }
    same "$1: traps" "$1.rrec" "SELECT pos, seq, time_ns, cause, epc, task_id, symbol FROM later_trap" "SELECT pos, seq, time_ns, cause, epc, task_id, symbol FROM trap"
    same "$1: turns" "$1.rrec" "SELECT * FROM later_cpu" "SELECT * FROM cpu"
    same "$1: tasks" "$1.rrec" "SELECT * FROM later_task" "SELECT id, pid, name, satp, first_pos, last_pos, stack_base, stack_size, min_sp FROM task"
    same "$1: device registers" "$1.rrec" "SELECT pos, seq, pc, device, reg FROM later_mmio WHERE reg NOT NULL" "SELECT pos, seq, pc, device, reg FROM mmio WHERE reg NOT GLOB '0x*'"
    expect "$1: as many" "$1.rrec" "SELECT (SELECT count(*) FROM later_mmio) - (SELECT count(*) FROM mmio), (SELECT count(*) FROM later_trap) - (SELECT count(*) FROM trap)" 0,0
    expect "$1: rows are counted" "$1.rrec" "SELECT rows FROM analysis WHERE name = 'later'" \
        "$(sql "$1.rrec" "SELECT sum(n) FROM (SELECT count(*) AS n FROM later_trap UNION ALL SELECT count(*) FROM later_cpu UNION ALL SELECT count(*) FROM later_task
            UNION ALL SELECT count(*) FROM later_mmio UNION ALL SELECT count(*) FROM later_dma UNION ALL SELECT count(*) FROM later_value)")"
}
for guest in traps paging smp; do
    extra=
    [ $guest = smp ] && extra="-smp 4"
    # shellcheck disable=SC2086
    "$RR" record --quiet --force -o $guest.rrec -M virt -nographic -bios none -kernel "$GUESTS/$guest.elf" $extra </dev/null >/dev/null || say "record $guest"
    compare $guest
done
same "traps: returns" traps.rrec "SELECT pos, return_pos FROM later_trap WHERE return_pos NOT NULL" "SELECT pos, return_pos FROM trap WHERE return_pos NOT NULL"
dd if=/dev/zero of=disk.img bs=1M count=1 2>/dev/null
"$RR" record --quiet --force -o blk.rrec -M virt -nographic -bios none -kernel "$GUESTS/virtio_blk.elf" -drive file=disk.img,if=none,id=d,format=raw -device virtio-blk-device,drive=d </dev/null >/dev/null || say "record blk"
"$RR" replay --quiet blk.rrec --plugin ./later.so --analysis dma 2>/dev/null || say "replay blk"
same "transfers" blk.rrec "SELECT pos, seq, paddr, data FROM later_dma" "SELECT pos, seq, paddr, data FROM dma"
# A transfer in a row of its own is as many rows of memtrace.
"$RR" replay --quiet blk.rrec --analysis memtrace || say "replay blk"
expect "transfers are where memtrace has them" blk.rrec "SELECT count(*) > 100, sum(NOT EXISTS (SELECT 1 FROM memtrace AS m WHERE m.pos = d.pos AND m.seq = d.seq
    AND m.op LIKE 'dma_%')) AS bad FROM later_dma AS d" 1,0

# NULL of each type, and an empty text and blob that are not.
expect "values" traps.rrec "SELECT i, a, typeof(t), length(t), typeof(b), length(b), s NOT NULL FROM later_value ORDER BY i DESC" "1,2,text,0,blob,0,1
,,null,,null,,0"
expect "the view" traps.rrec "SELECT count(*), max(a) FROM later_value_v" 2,0x0000000000000002
expect "columns" traps.rrec "SELECT group_concat(name, ' ') FROM pragma_table_info('later_value') UNION ALL SELECT group_concat(name, ' ') FROM pragma_table_info('later_mmio')" "i a t b s
pos seq pc device reg"

status=0
"$RR" replay --quiet traps.rrec --plugin ./later.so,refuse=on 2>text || status=$?
[ $status -eq 2 ] && grep -q 'later.so: there are 1 harts, which is not right$' text || { say "refusing: exit status $status"; cat text; }

if [ -f "$TOP/.cache/linux/Image" ] && command -v riscv64-linux-gnu-gcc >/dev/null && command -v cpio >/dev/null; then
    . "$TOP/tests/cli/linux-guest.inc"
    linux_record who who -smp 2 || say "who: record failed"
    compare who --sysroot who.root
    expect "programs' symbols" who.rrec "SELECT count(*) > 20 FROM later_trap AS l JOIN trap AS t USING (pos, seq) WHERE t.from_priv = 'U' AND l.symbol = t.symbol" 1
fi
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
