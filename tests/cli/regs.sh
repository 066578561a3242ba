# SPDX-License-Identifier: GPL-2.0-or-later
# Register values: judged by QEMU's own log of them, the same however the replay was cut, and the three ways of asking agree.
set -u
fails=0
[ -f "$GUESTS/blocks.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
fail() { echo "$*"; fails=$((fails + 1)); }
ask() { "$RR" sql --format csv "$1" "$2" 2>&1 | tail -n +2; }
same() { # same DB SQL SQL
    local a b
    a=$(ask "$1" "$2")
    b=$(ask "$1" "$3")
    [ -n "$a" ] && [ "$a" = "$b" ] || fail "$1: $2: $a, and $3: $b"
}
replay() { # replay NAME DB WORDS…
    local name=$1 db=$2
    shift 2
    rm -f "$db"
    "$RR" replay --quiet "$name.rrec" --db "$db" "$@" || fail "$name: replay $* failed"
}
all=x+f+mstatus+mepc+mcause+mtval+satp+sepc+scause+fcsr

for machine in "blocks" "traps" "smp -smp 4"; do
    name=${machine%% *}
    # shellcheck disable=SC2086
    "$RR" record --quiet --timeout 300 -o "$name.rrec" -M virt -nographic -bios none -kernel "$GUESTS/$name.elf" ${machine#"$name"} \
        >"$name.out" </dev/null || fail "$name: record failed"
    for run in "a " "b --backend interp" "c --perturb 31" "d --perturb 32" "e --analysis memtrace"; do
        db=$name.${run%% *}.db
        # shellcheck disable=SC2086
        replay "$name" "$db" --analysis "regs,regs=$all" --analysis "regs,as=sample,every=4999,regs=$all+pc" ${run#* }
        ask "$db" "SELECT * FROM regs; SELECT * FROM sample" >"$name.${run%% *}.rows"
        cmp "$name.a.rows" "$name.${run%% *}.rows" || fail "$name: ${run#* } differs"
    done
    # What changed last is what a sample shows.
    db=$name.a.db
    same "$db" "SELECT count(*) FROM sample WHERE reg != 'pc'" "SELECT count(*) FROM sample AS s WHERE reg != 'pc' AND value =
        (SELECT value FROM regs AS r WHERE r.reg = s.reg AND r.hart = s.hart AND r.pos < s.pos ORDER BY r.pos DESC, r.seq DESC LIMIT 1)"
    same "$db" "SELECT count(*) - (SELECT rows FROM analysis WHERE name = 'regs') FROM regs" "SELECT 0"
    same "$db" "SELECT count(*), count(DISTINCT pos || '.' || seq) FROM regs WHERE pos >= 0" "SELECT count(*), count(*) FROM regs WHERE pos >= 0"
    for where in "pos = 12" "pos BETWEEN 100 AND 5000" "reg = 'ra'" "reg = 'a0' AND pos > 300 AND hart = 0" "hart > 0 OR pos < 40"; do
        plain=$(sed -E 's/\b(pos|reg|hart) (=|<|>|BETWEEN) /+\1 \2 /g' <<<"$where")
        same "$db" "SELECT 1, count(*), sum(pos), sum(value % 1000), max(reg) FROM regs WHERE $where" \
            "SELECT 1, count(*), sum(pos), sum(value % 1000), max(reg) FROM regs WHERE $plain"
        same "$db" "SELECT 1, group_concat(pos || reg) FROM (SELECT * FROM regs WHERE $where ORDER BY pos DESC, seq DESC LIMIT 9)" \
            "SELECT 1, group_concat(pos || reg) FROM (SELECT * FROM regs WHERE $plain ORDER BY +pos DESC, seq DESC LIMIT 9)"
    done
done

# -- at a function: before its first instruction
replay blocks at.db --analysis regs,as=entry,symbol=leaf,regs=pc+ra+sp --analysis insn --analysis regs,regs=ra+sp
same at.db "SELECT count(*), sum(pos) FROM entry WHERE reg = 'pc' AND value = (SELECT addr FROM symbol WHERE name = 'leaf')" \
    "SELECT count(*), sum(pos) FROM insn WHERE pc = (SELECT addr FROM symbol WHERE name = 'leaf')"
same at.db "SELECT value FROM entry WHERE reg = 'ra'" "SELECT (SELECT value FROM regs WHERE reg = 'ra' AND pos < e.pos ORDER BY pos DESC LIMIT 1)
    FROM entry AS e WHERE reg = 'ra'"
replay blocks rows.db --analysis regs,storage=rows --analysis regs,as=chunks --analysis regs,as=some,first=1000,last=2000
same rows.db "SELECT count(*), sum(pos), sum(seq), max(reg), sum(value % 999) FROM regs" "SELECT count(*), sum(pos), sum(seq), max(reg), sum(value % 999) FROM chunks"
same rows.db "SELECT count(*), sum(pos) FROM some WHERE pos >= 0" "SELECT count(*), sum(pos) FROM regs WHERE pos BETWEEN 1000 AND 2000"
for bad in regs=a0+b0 regs=pc every=0 every=x every=5,pc=1 symbol=nothing; do
    "$RR" replay --quiet blocks.rrec --db bad.db --analysis "regs,$bad" 2>err && fail "regs,$bad was taken"
    grep -q "expected" err || fail "regs,$bad: $(cat err)"
done

# -- the judge; the last instructions end QEMU before it logs what they did
if [ -x "$(command -v qemu-system-riscv64)" ]; then
    x="ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
    f="ft0 ft1 ft2 ft3 ft4 ft5 ft6 ft7 fs0 fs1 fa0 fa1 fa2 fa3 fa4 fa5 fa6 fa7 fs2 fs3 fs4 fs5 fs6 fs7 fs8 fs9 fs10 fs11 ft8 ft9 ft10 ft11"
    csrs="mepc mcause mtval mtvec mscratch"
    for guest in fp smc blocks; do
        machine="-M virt -nographic -bios none -kernel $GUESTS/$guest.elf"
        # shellcheck disable=SC2086
        timeout 300 qemu-system-riscv64 $machine -singlestep -d cpu,fpu,nochain -D log </dev/null >/dev/null 2>&1 || true
        # shellcheck disable=SC2086
        python3 "$TOP/tests/memtrace/registers.py" $x $f $csrs <log >judge
        rm -f log
        # shellcheck disable=SC2086
        "$RR" record --quiet --force -o judged.rrec $machine </dev/null >/dev/null
        replay judged judged.db --analysis "regs,regs=x+f+${csrs// /+}" --analysis insn
        ask judged.db "SELECT printf('%s %x', reg, value) FROM regs WHERE pos >= (SELECT min(pos) FROM insn WHERE pc >= 0x80000000) ORDER BY pos, seq" >ours
        n=$(($(wc -l <ours) - 8))
        cmp <(head -n "$n" judge) <(head -n "$n" ours) || { diff judge ours | head -10; fail "$guest differs"; }
        echo "$guest: $n changes agree"
    done
fi
[ $fails -eq 0 ]
