# SPDX-License-Identifier: GPL-2.0-or-later
# Blocks, edges and cover: counted by hand, and the same on both backends and for any size of translated blocks.
set -u
fails=0
[ -f "$GUESTS/blocks.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
expect() { # expect NAME DB SQL ROWS
    local got
    got=$("$RR" sql --format csv "$2" "$3" 2>&1 | tail -n +2)
    [ "$got" = "$4" ] || { echo "$1: got:"; echo "$got"; echo "expected:"; echo "$4"; fails=$((fails + 1)); }
}
rows() { "$RR" sql --format csv "$1" "SELECT * FROM block ORDER BY pc, size, count; SELECT * FROM edge ORDER BY src, dst, kind; SELECT * FROM cover ORDER BY module_id, offset"; }
record() { # record NAME MACHINE…: and what holds for any guest
    local name=$1 run words
    shift
    "$RR" record --quiet --timeout 300 -o "$name.rrec" -M virt -nographic -bios none "$@" >"$name.out" </dev/null ||
        { echo "$name: record failed"; fails=$((fails + 1)); }
    for run in "a " "b --backend interp" "c --perturb 12" "d --perturb 13" "e --analysis memtrace"; do
        words=${run#* }
        # shellcheck disable=SC2086
        "$RR" replay --quiet "$name.rrec" --db "$name.${run%% *}.db" --analysis blocks --analysis trap $words ||
            { echo "$name: replay $words failed"; fails=$((fails + 1)); }
        rows "$name.${run%% *}.db" >"$name.${run%% *}.rows"
        cmp "$name.a.rows" "$name.${run%% *}.rows" || fails=$((fails + 1))
    done
    expect "$name: every step is an instruction or a trap" "$name.a.db" \
        "SELECT (SELECT sum(count) FROM cover) + (SELECT count(*) FROM trap) - value FROM meta WHERE key = 'end_pos'" 0
    expect "$name: every block but the first is entered by an edge" "$name.a.db" "SELECT count(*) FROM (SELECT pc, sum(count) AS n FROM block GROUP BY pc)
        WHERE n != (SELECT coalesce(sum(count), 0) FROM edge WHERE dst = pc) AND pc != 0x1000" 0
}

record blocks -kernel "$GUESTS/blocks.elf"
expect blocks blocks.a.db "SELECT symbol, size, insns, count, first_pos FROM block WHERE pc >= 0x80000000 ORDER BY pc" "\
_start,28,7,1,6
loop,8,2,9,1017
after_call,8,2,10,1015
after_loop,4,1,1,10071
after_ecall,12,3,1,10077
leaf,4004,1001,10,13
leaf_end,4,1,10,1014
handler,16,4,1,10073
far,16,4,1,10080"
expect edges blocks.a.db "SELECT sym(src), sym(dst), kind, count FROM edge WHERE src >= 0x80000000 ORDER BY src, dst" "\
_start,leaf,call,1
loop,leaf,call,9
after_call,loop,taken,9
after_call,after_loop,fallthrough,1
after_loop,handler,trap,1
after_ecall,far,return,1
leaf,leaf_end,fallthrough,10
leaf_end,after_call,return,10
handler,after_ecall,xret,1"
expect cover blocks.a.db "SELECT count, count(*) FROM cover WHERE module_id GROUP BY count" "\
1,17
10,1006"
expect "loop's instructions run ten times" blocks.a.db "SELECT count FROM cover WHERE module_id AND offset = 0x14" 10
record traps -kernel "$GUESTS/traps.elf"
record smp -smp 4 -kernel "$GUESTS/smp.elf"
record paging -kernel "$GUESTS/paging.elf"
record plic -kernel "$GUESTS/plic.elf"
"$RR" replay --quiet blocks.rrec --db blocks.a.db --analysis blocks,as=again || fails=$((fails + 1))
expect "a second instance" blocks.a.db "SELECT (SELECT count(*) FROM again_edge) = (SELECT count(*) FROM edge)" 1
"$RR" replay --quiet smp.rrec --db two.db --analysis blocks --analysis blocks,as=two || fails=$((fails + 1))
for t in block edge cover; do
    expect "two instances at once: $t" two.db "SELECT count(*) FROM (SELECT * FROM $t EXCEPT SELECT * FROM two_$t)" 0
    expect "nor more: two_$t" two.db "SELECT count(*) FROM (SELECT * FROM two_$t EXCEPT SELECT * FROM $t)" 0
done
"$RR" replay --quiet smp.rrec --db two.db --analysis blocks,as=plain,storage=rows || fails=$((fails + 1))
for t in block edge cover; do
    expect "plain rows: $t" two.db "SELECT count(*) FROM (SELECT * FROM $t EXCEPT SELECT * FROM plain_$t)" 0
    [ "$(sqlite3 two.db "SELECT count(*), sum(count) FROM plain_$t")" = "$("$RR" sql --format csv two.db "SELECT count(*) || '|' || sum(count) FROM $t" | tail -n 1)" ] ||
        { echo "plain rows: $t is not what any program reads"; fails=$((fails + 1)); }
done
"$RR" replay --quiet smp.rrec --db two.db --analysis blocks,as=plain || fails=$((fails + 1)) # in the plain ones' place
expect "compressed columns, where plain rows were" two.db "SELECT count(*) FROM (SELECT * FROM block EXCEPT SELECT * FROM plain_block)" 0
record awaited -smp 2 -kernel "$GUESTS/awaited.elf"
"$RR" replay --quiet awaited.rrec --db awaited.a.db --analysis insn || fails=$((fails + 1))
expect "begun first, ended last" awaited.a.db "SELECT symbol, count, first_pos = (SELECT min(pos) FROM insn WHERE insn.pc = block.pc),
    last_pos = (SELECT max(pos) FROM insn WHERE insn.pc = block.pc), (SELECT max(hart) FROM insn WHERE pos = first_pos)
    FROM block WHERE symbol IN ('finished', 'trapped') ORDER BY pc" "\
finished,3,1,1,0
trapped,2,1,1,0"
# Many accesses of devices, which are run again alone: sometimes where the trace's buffer is full.
"$RR" record --quiet --max-insns 1M -o polling.rrec -M virt -nographic -bios none -kernel "$GUESTS/polling.elf" </dev/null
for words in "a" "b --analysis memtrace" "c --analysis memtrace --backend interp"; do
    # shellcheck disable=SC2086
    "$RR" replay --quiet polling.rrec --db "polling.${words%% *}.db" --analysis blocks ${words#?} || fails=$((fails + 1))
    rows "polling.${words%% *}.db" >"polling.${words%% *}.rows"
    cmp polling.a.rows "polling.${words%% *}.rows" || fails=$((fails + 1))
done
record timers -kernel "$GUESTS/timers.elf"
record smc -kernel "$GUESTS/smc.elf"
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
