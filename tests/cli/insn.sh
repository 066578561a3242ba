# SPDX-License-Identifier: GPL-2.0-or-later
# The instruction trace: judged by QEMU, the same however the replay was cut, and its index, filters and plain rows agree.
set -u
fails=0
[ -f "$GUESTS/blocks.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
fail() { echo "$*"; fails=$((fails + 1)); }
ask() { "$RR" sql --format csv "$1" "$2" 2>&1 | tail -n +2; }
expect() { # expect NAME DB SQL ROWS
    local got
    got=$(ask "$2" "$3")
    [ "$got" = "$4" ] || { fail "$1: got:"; echo "$got"; echo "expected:"; echo "$4"; }
}
replay() { # replay NAME DB WORDS…
    local name=$1 db=$2
    shift 2
    rm -f "$db"
    "$RR" replay --quiet "$name.rrec" --db "$db" "$@" || fail "$name: replay $* failed"
}

# -- the rows do not depend on the translator, and every step is there
rows() { ask "$1" "SELECT pos, hart, pc, bytes, priv FROM insn"; }
record() { # record NAME MACHINE…
    local name=$1 run
    shift
    "$RR" record --quiet --timeout 300 -o "$name.rrec" -M virt -nographic -bios none "$@" >"$name.out" </dev/null || fail "$name: record failed"
    for run in "a " "b --backend interp" "c --perturb 21" "d --perturb 22" "e --analysis memtrace"; do
        # shellcheck disable=SC2086
        replay "$name" "$name.${run%% *}.db" --analysis insn --analysis trap ${run#* }
        rows "$name.${run%% *}.db" >"$name.${run%% *}.rows"
        cmp "$name.a.rows" "$name.${run%% *}.rows" || fail "$name: ${run#* } differs"
    done
    expect "$name: every step is an instruction or a trap" "$name.a.db" "SELECT count(*), count(DISTINCT pos), max(pos) + 1 - value,
        (SELECT rows FROM analysis WHERE name = 'insn') + (SELECT count(*) FROM trap) - value
        FROM (SELECT pos FROM insn UNION ALL SELECT pos FROM trap) JOIN meta ON key = 'end_pos'" \
        "$(ask "$name.a.db" "SELECT value, value, 0, 0 FROM meta WHERE key = 'end_pos'")"
}
record blocks -kernel "$GUESTS/blocks.elf"
record traps -kernel "$GUESTS/traps.elf"
record smp -smp 4 -kernel "$GUESTS/smp.elf"
record paging -kernel "$GUESTS/paging.elf"
record plic -kernel "$GUESTS/plic.elf"

# -- constraints that the index answers say what a scan says (a + keeps a column from it)
same() { # same DB WITH-INDEX WITHOUT
    local with without
    with=$(ask "$1" "$2")
    without=$(ask "$1" "$3")
    [ -n "$with" ] && [ "$with" = "$without" ] || fail "$1: $2: $with, and $3: $without"
}
for name in blocks smp paging; do
    db=$name.a.db
    for where in "pc = (SELECT max(pc) FROM insn)" "pc BETWEEN 0x80000010 AND 0x80000024" "pc > 0x80000000 AND pos < 500" \
        "pos = 99" "pos > 40 AND pos <= 1017" "pos >= 1000 AND hart = 0" "pc < 0" "pos < 50 OR pc = 0x80000010"; do
        plain=$(sed -E 's/\b(pc|pos|hart) (=|<|>|<=|>=|BETWEEN) /+\1 \2 /g' <<<"$where")
        sum="SELECT count(*), sum(pos), sum(pc), min(pos), max(bytes), max(hart) FROM insn WHERE"
        same $db "$sum $where" "$sum $plain"
        same $db "SELECT count(*) + 1, group_concat(pos || ' ' || pc) FROM (SELECT pos, pc FROM insn WHERE $where ORDER BY pos DESC LIMIT 9)" \
            "SELECT count(*) + 1, group_concat(pos || ' ' || pc) FROM (SELECT pos, pc FROM insn WHERE $plain ORDER BY +pos DESC LIMIT 9)"
    done
    expect "rowid" $db "SELECT count(*) FROM insn WHERE rowid = 99 AND pos = 99" 1
done
ask blocks.a.db "EXPLAIN QUERY PLAN SELECT * FROM insn WHERE pc = 1 ORDER BY pos DESC" | grep -q 'c=' || fail "pc does not reach the index"

# -- filters keep what WHERE would
filtered() { # filtered NAME OPTIONS WHERE
    replay "$1" f.db --analysis "insn,as=some,$2" --analysis insn
    same f.db "SELECT count(*), sum(pos), sum(pc), sum(hart), sum(bytes) FROM some" "SELECT count(*), sum(pos), sum(pc), sum(hart), sum(bytes) FROM insn WHERE $3"
    same f.db "SELECT rows FROM analysis WHERE name = 'some'" "SELECT count(*) FROM some"
}
filtered blocks first=1000,last=1020 "pos BETWEEN 1000 AND 1020"
filtered blocks pc=0x80000010-0x8000001f "pc BETWEEN 0x80000010 AND 0x8000001f"
filtered blocks symbol=handler "symbol GLOB 'handler*'"
filtered paging first=1k,last=9k,pc=0x80000100-0x80000400 "pos BETWEEN 1000 AND 9000 AND pc BETWEEN 0x80000100 AND 0x80000400"
filtered smp pc=0x80000004 "pc = 0x80000004"
for bad in first=x last=3,first=9 pc=12-x pc=9-3 symbol=nothing pc=1,symbol=leaf; do
    "$RR" replay --quiet blocks.rrec --db bad.db --analysis "insn,$bad" 2>err && fail "insn,$bad was taken"
    grep -q "expected" err || fail "insn,$bad: $(cat err)"
done

# -- plain rows
replay plic r.db --analysis insn,storage=rows --analysis insn,as=chunks
sum="SELECT count(*), sum(pos), sum(pc * (pos % 7)), sum(bytes), max(symbol), min(priv), max(disas), count(DISTINCT disas) FROM"
same r.db "$sum insn" "$sum chunks"
expect "disas" r.db "SELECT count(*), count(disas(pc, bytes)) FROM insn WHERE disas != disas(pc, bytes) OR disas LIKE '0x%'" 0,0
replay plic r.db --analysis insn
"$RR" replay --quiet plic.rrec --db r.db --analysis insn,storage=rows && "$RR" replay --quiet plic.rrec --db r.db --analysis insn || fail "insn twice"
expect "insn after rows" r.db "SELECT count(*) - rows FROM insn, analysis WHERE name = 'insn'" 0

# -- the judge: a QEMU plugin prints each instruction when it begins, so one that traps is printed too
if qemu-system-riscv64 -help 2>/dev/null | grep -q -e '^-plugin' && [ -x "$(command -v cc)" ]; then
    cc -shared -fPIC -O2 -w -o instructions.so "$TOP/tests/memtrace/instructions.c" || fail "the judge does not compile"
    for guest in hello fp smc blocks; do
        machine="-M virt -nographic -bios none -kernel $GUESTS/$guest.elf"
        # shellcheck disable=SC2086
        timeout 300 qemu-system-riscv64 $machine -plugin ./instructions.so </dev/null 2>&1 >/dev/null | grep -E '^8[0-9a-f]{7} ' >judge || true
        # shellcheck disable=SC2086
        "$RR" record --quiet --force -o judged.rrec $machine </dev/null >/dev/null
        replay judged judged.db --analysis insn --analysis trap
        ask judged.db "SELECT printf('%x %x', pc, bytes) FROM (SELECT pos, pc, bytes FROM insn UNION ALL
            SELECT t.pos, epc, (SELECT bytes FROM insn WHERE pc = epc LIMIT 1) FROM trap AS t WHERE NOT is_interrupt)
            WHERE pc >= 0x80000000 ORDER BY pos" >ours
        # The instruction that ends the run never comes back to QEMU's plugin, or does so a few times.
        # An instruction that never retired has no bytes here, and QEMU has none of some that were changed.
        n=$(($(wc -l <ours) - 8))
        paste -d' ' <(head -n "$n" ours) <(head -n "$n" judge) | awk '$1 != $3 || ($2 != $4 && $2 != "0" && $4 != "0") { print NR, $0 }' >diff
        [ ! -s diff ] || { head -5 diff; fail "$guest differs"; }
        echo "$guest: $n instructions agree"
    done
fi
[ $fails -eq 0 ]
