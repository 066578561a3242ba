# SPDX-License-Identifier: GPL-2.0-or-later
# Functions and calls: counted by hand, against the counts of instructions and function entries that `blocks` gives, and
# against what programs on Linux count themselves.
set -u
. "$TOP/tests/cli/expect.inc"
# For any guest: every instruction is one function's own; a function is entered as often as its first instruction runs.
balance() { # balance DB EXCEPTIONS: at most so many functions are begun otherwise (by a branch, by falling into them)
    expect "$1: every instruction is one function's" "$1" \
        "SELECT (SELECT sum(self_insns) FROM func) + (SELECT count(*) FROM trap) - value FROM meta WHERE key = 'end_pos'" 0
    sql "$1" "SELECT f.symbol, f.calls, e.n FROM func AS f JOIN (SELECT m.base + c.offset AS addr, sum(c.count) AS n FROM cover AS c
        JOIN module AS m ON m.id = c.module_id GROUP BY 1) AS e ON e.addr = f.addr WHERE f.satp IS NULL AND f.calls != e.n" >uneven
    [ "$(wc -l <uneven)" -le "$2" ] || { say "$1: functions whose calls are not their entries:"; head -5 uneven; }
}
same() { # same NAME COLUMNS-OF-FUNC: both backends, any translation
    local words
    sql "$1.db" "SELECT * FROM func ORDER BY addr, satp; SELECT * FROM call" >rows
    for words in "--backend interp" "--perturb 7"; do
        rm -f other.db
        # shellcheck disable=SC2086
        "$RR" replay --quiet "$1.rrec" --db other.db --analysis funcs --analysis calls,insns=$2 $words || say "$1: replay $words failed"
        sql other.db "SELECT * FROM func ORDER BY addr, satp; SELECT * FROM call" | cmp - rows || say "$1: $words gives other rows"
    done
}
# Chunks and plain rows are the same rows, whatever is asked.
storage() { # storage NAME.rrec INSNS
    local question
    "$RR" replay --quiet "$1.rrec" --db "$1.store.db" --analysis calls,insns="$2" --analysis calls,as=plain,storage=rows,insns="$2" || say "$1: replay failed"
    while read -r question; do
        sql "$1.store.db" "${question//TABLE/call}" >chunks
        sql "$1.store.db" "${question//TABLE/plain_call}" | cmp -s - chunks && [ -s chunks ] ||
            say "$1: chunks and rows differ, or there are none: $question"
    done <<'EOF'
SELECT * FROM TABLE ORDER BY id
SELECT * FROM TABLE ORDER BY call_pos DESC, id DESC LIMIT 5
SELECT * FROM TABLE WHERE id = (SELECT max(id) FROM TABLE)
SELECT id, symbol FROM TABLE WHERE rowid >= (SELECT avg(id) FROM TABLE) ORDER BY rowid LIMIT 20
SELECT count(*), min(id) FROM TABLE WHERE id > 10.5 AND id <= 5e3 AND id != 11
SELECT count(*), sum(id) FROM TABLE WHERE call_pos BETWEEN (SELECT max(call_pos) / 3 FROM TABLE) AND (SELECT max(call_pos) / 1.5 FROM TABLE)
SELECT count(*), sum(p.id - c.id), sum(c.depth = p.depth + 1) FROM TABLE AS c LEFT JOIN TABLE AS p ON p.id = c.parent_id
SELECT sum((SELECT sum(d.insns) FROM TABLE AS d WHERE d.parent_id = c.id)) FROM TABLE AS c
SELECT id, (SELECT group_concat(id) FROM (SELECT id FROM TABLE AS d WHERE d.parent_id = c.id ORDER BY id DESC LIMIT 3)) FROM TABLE AS c WHERE depth < 3 ORDER BY id
SELECT id FROM TABLE WHERE parent_id IN (SELECT id FROM TABLE WHERE depth = 0) AND id > 20 AND call_pos < (SELECT max(call_pos) FROM TABLE) * 0.9 ORDER BY id
SELECT count(*) FROM TABLE WHERE parent_id = 0 OR parent_id = -1 OR parent_id = '7' OR parent_id = 1e300
SELECT f.pc, count(*), sum(c.insns) FROM (SELECT DISTINCT pc FROM TABLE) AS f JOIN TABLE AS c ON c.pc = f.pc GROUP BY 1 ORDER BY 1
SELECT f.symbol, count(*), max(c.id) FROM (SELECT DISTINCT symbol FROM TABLE) AS f LEFT JOIN TABLE AS c ON c.symbol = f.symbol GROUP BY 1 ORDER BY 1
SELECT count(*) FROM TABLE WHERE pc < 0 OR pc > 0x80000100 AND symbol = upper(symbol) COLLATE NOCASE
SELECT kind, count(*), count(parent_id), count(task_id), count(a7), count(result), count(return_pos), count(call_pc) FROM TABLE GROUP BY kind ORDER BY kind
EOF
}

if [ -f "$GUESTS/calls.elf" ]; then
    "$RR" record --quiet --timeout 300 -o bare.rrec -M virt -nographic -bios none -kernel "$GUESTS/calls.elf" >/dev/null </dev/null || say "bare: record failed"
    "$RR" replay --quiet bare.rrec --db bare.db --analysis funcs --analysis calls,insns=0 --analysis blocks --analysis trap || say "bare: replay failed"
    balance bare.db 0
    same bare 0
    storage bare 0
    # what lies between a function's first and last byte is its own
    expect "own instructions are those of its code" bare.db "SELECT f.symbol, f.self_insns, sum(c.count) FROM func AS f JOIN symbol AS s
        ON s.addr = f.addr AND s.size > 0 AND s.kind = 'func' JOIN module AS m ON m.id = s.module_id JOIN cover AS c ON c.module_id = m.id AND
        m.base + c.offset BETWEEN s.addr AND s.addr + s.size - 1 GROUP BY f.addr HAVING f.self_insns != sum(c.count)" ""
    expect "counts" bare.db "SELECT symbol, calls FROM func WHERE symbol IN ('fib', 'eight', 'pair', 'dive', 'jumps', 'resume', 'co_main', 'co_step',
        'switch_context', 'tick', 'thread_b', 'main', 'leaf_a', 'leaf_b', 'hop', 'hop_through', 'pick') ORDER BY symbol" "\
co_main,1
co_step,4
dive,4
eight,1
fib,177
hop,100
hop_through,100
jumps,1
leaf_a,140
leaf_b,10
main,1
pair,1
pick,50
resume,4
switch_context,8
thread_b,1
tick,5"
    expect "fib's outermost call holds the others" bare.db \
        "SELECT total_insns = self_insns, total_insns = (SELECT max(insns) FROM call WHERE symbol = 'fib') FROM func WHERE symbol = 'fib'" 1,1
    expect "fib: how deep, and what it gives" bare.db "SELECT max(depth) - min(depth), (SELECT result FROM call WHERE symbol = 'fib' ORDER BY id LIMIT 1),
        sum(result NOT NULL) FROM call WHERE symbol = 'fib'" 9,55,177
    expect "arguments and results" bare.db "SELECT symbol, a0, a1, a2, a3, a4, a5, a6, a7, result FROM call WHERE symbol = 'eight';
        SELECT symbol, a0, result, result1 FROM call WHERE symbol = 'pair'" "\
eight,1,2,3,4,5,6,7,8,204
symbol,a0,result,result1
pair,40,41,42"
    expect "tail calls" bare.db "SELECT c.symbol, c.kind, p.symbol, c.a0, c.result, p.kind != 'root' AND c.return_pos IS p.return_pos FROM call AS c JOIN call AS p
        ON p.id = c.parent_id WHERE c.symbol LIKE 'tail_%'" "\
tail_begin,call,main,10,36,0
tail_middle,tail,tail_begin,11,36,1
tail_end,tail,tail_middle,12,36,1"
    expect "tails over and over" bare.db "SELECT c.symbol, c.kind, p.symbol, count(*), sum(c.return_pos = p.return_pos), sum(c.result - c.a0) FROM call AS c JOIN call AS p
        ON p.id = c.parent_id WHERE c.symbol IN ('leaf_a', 'leaf_b', 'hop') GROUP BY 1, 2, 3" "\
hop,call,again,50,0,50
hop,tail,hop_through,50,50,50
leaf_a,tail,hop,100,100,100
leaf_a,tail,hop_through,40,40,40
leaf_b,tail,hop_through,10,10,20"
    expect "longjmp leaves four calls without a result" bare.db "SELECT symbol, a0, result, return_pos = (SELECT return_pos FROM call WHERE symbol = 'load_context'),
        depth FROM call WHERE symbol IN ('dive', 'jumps') ORDER BY id" "\
jumps,3,77,0,2
dive,3,,1,3
dive,2,,1,4
dive,1,,1,5
dive,0,,1,6"
    expect "the stack of a coroutine" bare.db "SELECT c.symbol, p.symbol, iif(c.symbol = 'co_step', c.a0, NULL), c.return_pos IS NULL
        FROM call AS c JOIN call AS p ON p.id = c.parent_id WHERE c.symbol IN ('co_step', 'resume') ORDER BY c.symbol, c.id" "\
co_step,co_main,0,0
co_step,co_main,1,0
co_step,co_main,2,1
co_step,high_main,9,1
resume,main,,0
resume,main,,0
resume,main,,0
resume,main,,0"
    expect "what calls on after the coroutines" bare.db "SELECT c.symbol, p.symbol, c.depth, p.insns > c.insns FROM call AS c JOIN call AS p
        ON p.id = c.parent_id WHERE c.symbol IN ('wait_for_ticks', 'threads', 'rt_pass') ORDER BY c.id" "\
wait_for_ticks,main,2,1
threads,main,2,1
rt_pass,main,2,1"
    expect "interrupts are trees of their own" bare.db "SELECT count(*), sum(p.kind = 'trap') FROM call AS c LEFT JOIN call AS p ON p.id = c.parent_id
        WHERE c.symbol = 'rt_trap'; SELECT count(*), sum(symbol = 'rt_trap_entry'), sum(parent_id NOT NULL) FROM call WHERE kind = 'trap'" "\
13,13
count(*),sum(symbol = 'rt_trap_entry'),sum(parent_id NOT NULL)
13,13,0"
    expect "what is interrupted keeps its length" bare.db "SELECT count(DISTINCT insns), count(*) = (SELECT calls FROM func WHERE symbol = 'leaf'),
        max(return_pos - call_pos) > 50 FROM call WHERE symbol = 'leaf'" 1,1,1
    expect "threads that the timer takes turns with" bare.db "SELECT c.symbol, p.symbol, count(*) > 50, sum(c.return_pos IS NULL), count(DISTINCT c.insns)
        FROM call AS c LEFT JOIN call AS p ON p.id = c.parent_id WHERE c.symbol LIKE 'work__' GROUP BY 1, 2 ORDER BY 1" "\
work_a,threads,1,0,1
work_b,thread_b,1,0,1"
    expect "one function only" bare.db "SELECT count(*) FROM call WHERE symbol = 'tick' AND result NOT NULL" 5
    "$RR" replay --quiet bare.rrec --db one.db --analysis calls,symbol=dive || say "symbol=dive failed"
    expect "symbol=" one.db "SELECT symbol, count(*) FROM call" dive,4
    "$RR" replay --quiet bare.rrec --db one.db --analysis calls,symbol=nothing 2>/dev/null && say "symbol=nothing is accepted"
    "$RR" record --quiet --timeout 300 -o deep.rrec -M virt -nographic -bios none -kernel "$GUESTS/deep.elf" >/dev/null </dev/null || say "deep: record failed"
    "$RR" replay --quiet deep.rrec --db deep.db --analysis funcs --analysis calls,insns=0 --analysis blocks --analysis trap || say "deep: replay failed"
    balance deep.db 0
    same deep 0
    expect "calls that are given up have rows" deep.db "SELECT symbol, kind, count(*), max(depth) FROM call WHERE kind IN ('call', 'trap') AND
        symbol IN ('down', 'nested') GROUP BY 1" "\
down,call,70004,70000
nested,trap,70000,0"
    "$RR" replay --quiet deep.rrec --db few.db --to 88 --analysis funcs || say "deep: replay --to failed"
    expect "total: of the outermost calls, whatever the handlers of traps call" few.db "SELECT calls, total_insns FROM func WHERE symbol = 'down'" 5,39
    for guest in reset smp paging; do
        "$RR" record --quiet --timeout 300 -o $guest.rrec -M virt -smp $([ $guest = smp ] && echo 4 || echo 1) -nographic -bios none \
            -kernel "$GUESTS/$guest.elf" >/dev/null </dev/null || say "$guest: record failed"
        "$RR" replay --quiet $guest.rrec --db $guest.db --analysis funcs --analysis calls,insns=0 --analysis blocks --analysis trap || say "$guest: replay failed"
        balance $guest.db $([ $guest = paging ] && echo 2 || echo 0) # load() is not mapped; rt_leave is returned to
    done
fi

. "$TOP/tests/cli/linux-guest.inc"
linux_flags=-foptimize-sibling-calls # the signal handler's call of work()
for harts in 1 2; do
    db=linux$harts.db
    rm -f whole.db
    linux_record linux$harts calls -smp $harts || say "linux$harts: record failed"
    "$RR" replay --quiet linux$harts.rrec --db $db --symbols calls.root/init --analysis funcs --analysis calls,symbol=do_sys_openat2 \
        --analysis blocks --analysis trap --analysis tasks --analysis syscalls || say "linux$harts: replay failed"
    balance $db 3
    storage linux$harts 1000
    # The kernel's handler goes on with what returns from the trap.
    "$RR" replay --quiet linux$harts.rrec --db whole.db --sysroot calls.root --analysis tasks --analysis funcs --analysis calls,insns=0 || say "linux$harts: replay failed"
    expect "linux$harts: tail calls end with who made them, handlers too" whole.db "SELECT sum(p.kind = 'trap') > 300, sum(c.return_pos IS NOT p.return_pos)
        FROM call AS c JOIN call AS p ON p.id = c.parent_id WHERE c.kind = 'tail'" 1,0
    [ "$(grep -c '^calls ' linux$harts.out)" = 9 ] || say "linux$harts: the guest tells of $(grep -c '^calls ' linux$harts.out) counts"
    while read -r _ pid name count; do
        expect "linux$harts: process $pid: $name" $db "SELECT f.calls FROM func AS f WHERE f.symbol = '$name' AND f.satp =
            (SELECT satp FROM task WHERE pid = $pid LIMIT 1)" "$count"
        expect "linux$harts: process $pid: $name, found by itself" whole.db "SELECT f.calls FROM func AS f WHERE f.symbol = '$name' AND f.satp =
            (SELECT satp FROM task WHERE pid = $pid LIMIT 1)" "$count"
    done < <(grep '^calls ' linux$harts.out)
    expect "linux$harts: a function of the kernel and the calls that lead there" $db "SELECT count(*) - (SELECT count(*) FROM syscall WHERE name = 'openat'),
        sum(result IS NULL) FROM call WHERE task_id IN (SELECT task_id FROM syscall)
        AND call_pos > (SELECT min(enter_pos) FROM syscall)" "0,0"
    expect "linux$harts: openat" $db "SELECT count(*), count(error) FROM syscall WHERE name = 'openat'" 12,6
    expect "linux$harts: results are those of the system calls" $db "SELECT count(*) FROM syscall AS s JOIN call AS c ON c.task_id = s.task_id AND
        c.call_pos BETWEEN s.enter_pos AND s.exit_pos WHERE s.name = 'openat' AND s.result != c.result OR s.name = 'openat' AND NOT s.exit_pos" 0
done
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
