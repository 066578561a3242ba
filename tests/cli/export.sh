# SPDX-License-Identifier: GPL-2.0-or-later
# Every format of `rr-emu export`, read by a program that it is for where there is one: what the programs say is compared
# with the recording's length, with tables, and with numbers that follow from rows written here.
set -eu
. "$TOP/tests/cli/memory.inc"
fail() { echo "case fail export/$*"; bad=1; }
pass() { echo "case pass export/$*"; }
skip() { echo "case skip export/$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
if [ ! -f "$GUESTS/bench-small.elf" ]; then echo "skipped: no cross compiler"; exit 77; fi
bad=0
"$RR" record --quiet -o r.rrec -M virt -nographic -bios none -kernel "$GUESTS/bench-small.elf" </dev/null >/dev/null
"$RR" replay --quiet r.rrec --analysis blocks --analysis trap
sql() { "$RR" sql --format csv "$@" | tail -n +2; }
insns=$(sql r.rrec "SELECT sum(count) FROM cover")

# -- callgrind: the total, and a function's own cost
"$RR" export r.rrec --format callgrind -o callgrind.out
if have callgrind_annotate; then
    callgrind_annotate callgrind.out >text 2>&1 || true
    main=$(sql r.rrec "SELECT sum(c.count) FROM cover c JOIN module m ON m.id = c.module_id JOIN symbol s ON s.name = 'main'
        AND m.base + c.offset BETWEEN s.addr AND s.addr + s.size - 1")
    if tr -d , <text | grep -Eq "^ *$insns .*PROGRAM TOTALS" && tr -d , <text | grep -Eq "^ *$main .*bench\.c:main"; then pass callgrind
    else fail "callgrind  expected $insns in all and $main in main: $(tr '\n' '|' <text | cut -c1-400)"; fi
else skip "callgrind  callgrind_annotate is missing (Debian package valgrind)"; fi

# -- lcov: genhtml counts the lines; how often a function is called follows from its source: 100 rounds of two sorts
cat >start.S <<'S'
_start: la sp, stack + 4096
        call main
        li t0, 0x100000
        li t1, 0x5555
        sw t1, 0(t0)
1:      j 1b
        .bss
        .balign 16
stack:  .skip 4096
S
cat >probe.c <<'C'
extern volatile int sink;
volatile int sink;
void often(int n) {
    for (int i = 0; i < n; i++)
        sink += i;
}
void never(void) {
    sink = 1;
}
int main(void) {
    for (int k = 0; k < 3; k++)
        often(10);
    if (sink < 0)
        never();
    return 0;
}
C
riscv64-unknown-elf-gcc -march=rv64imac_zicsr -mabi=lp64 -mcmodel=medany -nostdlib -static -ffreestanding -O0 -g \
    -Wl,-n,-Ttext=0x80000000 -o probe.elf start.S probe.c 2>/dev/null
"$RR" record --quiet --max-insns 1M -o probe.rrec -M virt -nographic -bios none -kernel probe.elf </dev/null >/dev/null
"$RR" replay --quiet probe.rrec --analysis blocks
"$RR" export probe.rrec --format lcov -o probe.info
# Line: executions. At -O0 a loop's head is compared once more than its body runs.
expect="FNDA:3,often FNDA:0,never FNDA:1,main DA:5,30 DA:8,0 DA:12,3 DA:14,0 DA:16,1"
missing=
for line in $expect; do grep -qx "$line" probe.info || missing="$missing $line"; done
if [ -n "$missing" ]; then fail "lcov  missing:$missing in $(tr '\n' ' ' <probe.info)"
elif have genhtml; then
    genhtml -q -o html probe.info >text 2>&1 || true
    if [ -f html/index.html ] && grep -rq 'often' html && grep -rq '>probe.c<' html; then pass lcov
    else fail "lcov  genhtml: $(tail -3 text | tr '\n' '|')"; fi
else skip "lcov  the numbers are right; genhtml is missing (Debian package lcov)"; fi
# Line numbers of another file than the recorded one.
riscv64-unknown-elf-objcopy -S -O binary probe.elf probe.bin
"$RR" record --quiet --max-insns 1M -o bin.rrec -M virt -nographic -bios probe.bin </dev/null >/dev/null
"$RR" replay --quiet bin.rrec --analysis blocks
status=0
"$RR" export bin.rrec --format lcov >out 2>text || status=$?
if [ $status = 2 ] && grep -q -- '--symbols' text && "$RR" export bin.rrec --format lcov --symbols probe.elf | grep -qx 'DA:5,30'; then
    pass lcov-symbols
else fail "lcov-symbols  status $status, $(cat text)"; fi

# -- drcov, folded: against the tables
"$RR" export r.rrec --format drcov -o r.drcov
"$RR" export r.rrec --format folded -o r.folded
sql r.rrec "SELECT coalesce(m.base, 0) + offset FROM cover LEFT JOIN module m ON m.id = module_id" >pcs
if python3 - "$insns" <<'PY'
import re, struct, sys
head, _, rest = open("r.drcov", "rb").read().partition(b"BB Table: ")
count, _, blocks = rest.partition(b" bbs\n")
bases = [int(m[1], 16) for m in re.finditer(rb"^ *\d+, (0x[0-9a-f]+), 0x", head, re.M)]
assert head.startswith(b"DRCOV VERSION: 2\nDRCOV FLAVOR: ") and len(blocks) == 8 * int(count), "not drcov"
covered = set()
for start, size, module in struct.iter_unpack("<IHH", blocks):
    covered.update(range(bases[module] + start, bases[module] + start + size))
pcs = {int(l) for l in open("pcs")}
assert pcs <= covered, sorted(pcs - covered)[:5]
assert len(covered) <= 4 * len(pcs), "covers more than ran"
rows = [l.rsplit(" ", 1) for l in open("r.folded")]
assert sum(int(n) for _, n in rows) == int(sys.argv[1]), "folded: another total"
assert any(stack.endswith(";main") for stack, _ in rows)
PY
then pass drcov; pass folded-flat; else fail drcov; fi

# -- rows: CSV with everything that needs quotes, and a plain database
"$RR" export r.rrec --format csv -o rows.csv "SELECT 1 AS a, 'x,\"y' AS b, NULL AS c UNION ALL SELECT pos, name, tval FROM trap"
if python3 -c 'import csv; r = list(csv.reader(open("rows.csv"))); assert r[0] == ["a", "b", "c"] and r[1] == ["1", "x,\"y", ""], r'; then pass csv
else fail "csv  $(head -2 rows.csv)"; fi
"$RR" export r.rrec --format sqlite -o rows.db "SELECT pc, count FROM block ORDER BY pc;"
if [ "$(sqlite3 rows.db 'SELECT count(*), sum(count) FROM rows')" = "$(sql r.rrec 'SELECT count(*), sum(count) FROM block' | tr , '|')" ] &&
    [ "$(sqlite3 rows.db "SELECT group_concat(name) FROM sqlite_master")" = rows ]; then pass sqlite
else fail "sqlite  $(sqlite3 rows.db .schema)"; fi

# -- a timeline and stacks of rows written here: times, nesting and sums follow from them
"$RR" sql --write r.rrec "DROP TABLE IF EXISTS task; DROP TABLE IF EXISTS cpu; DROP TABLE IF EXISTS syscall; DROP TABLE IF EXISTS call;
CREATE TABLE task (id INTEGER PRIMARY KEY, pid, tid, name TEXT, satp, first_pos, last_pos, stack_base, stack_size, min_sp);
INSERT INTO task (id, pid, tid, name) VALUES (1, 7, 7, 'sh'), (2, 8, 8, 'a;\"b\"');
CREATE TABLE cpu (hart, task_id, from_pos, to_pos, from_ns, to_ns, insns, idle_ns);
INSERT INTO cpu VALUES (0, 1, 0, 1000, 0, 2000, 1000, 1000), (0, 2, 1000, 5000, 2000, 6000, 4000, 0);
CREATE TABLE syscall (id INTEGER PRIMARY KEY, hart, task_id, enter_pos, exit_pos, nr, name, a0, a1, a2, a3, a4, a5, result, text);
INSERT INTO syscall (hart, task_id, enter_pos, exit_pos, nr, name, result, text) VALUES (0, 1, 100, 300, 64, 'write', 5, 'write(1, \"hello\", 5)');
CREATE TABLE call (id INTEGER PRIMARY KEY, parent_id, hart, task_id, symbol, pc, call_pos, return_pos, call_pc, a0, a1, a2, a3, a4, a5, a6, a7,
    result, result1, sp, min_sp, depth, insns);
INSERT INTO call (id, parent_id, hart, task_id, symbol, pc, call_pos, return_pos, call_pc, depth, insns) VALUES
    (1, NULL, 0, 1, 'main', 4096, 10, 900, 0, 0, 890), (2, 1, 0, 1, 'f', 8192, 20, 120, 4100, 1, 100),
    (3, 1, 0, 1, 'f', 8192, 200, 500, 4100, 1, 300), (4, 3, 0, 1, 'g', 12288, 210, 260, 8200, 2, 50),
    (5, NULL, 0, 2, 'main', 4096, 1500, NULL, 0, 0, 7)"
"$RR" sql --write r.rrec "UPDATE task SET first_pos = 0, last_pos = 4000;
INSERT INTO syscall (hart, task_id, enter_pos, nr, name) VALUES (0, 2, 3900, 94, 'exit_group')"
"$RR" export r.rrec --format perfetto -o trace.json
"$RR" export r.rrec --format folded | sort >folded
if python3 - <<'PY'
import json
events = json.load(open("trace.json"))["traceEvents"]
slices = [e for e in events if e["ph"] == "X"]
def one(process, name): return [(e["ts"], e["dur"], e["tid"]) for e in slices if e["pid"] == process and e["name"] == name]
assert one(1, "sh") == [(0, 2.0, 0)], one(1, "sh")
assert one(1, 'a;"b"') == [(2.0, 4.0, 0)], one(1, 'a;"b"')   # sh slept a microsecond
assert one(2, "write") == [(0.1, 0.2, 1)], one(2, "write")
# What never ended ends with the task, or with what it lies in.
def end(process, name, track): return [round(1000 * (t + d)) for t, d, i in one(process, name) if i == track]
task_end = end(2, "exit_group", 2)
assert task_end == end(3, "main", 2) == [5000], (task_end, end(3, "main", 2)) # 4000 steps, and 1000 ns asleep
assert sorted(one(3, "f")) == [(0.02, 0.1, 1), (0.2, 0.3, 1)] and one(3, "g") == [(0.21, 0.05, 1)]
assert [e["args"]["text"] for e in slices if e["name"] == "write"] == ['write(1, "hello", 5)']
names = {(e["pid"], e["tid"]): e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"}
assert names[1, 0] == "hart 0" and names[2, 1] == "sh 7", names
PY
then pass perfetto; else fail perfetto; fi
printf '%s\n' 'a,"b";main 7' 'sh;main 490' 'sh;main;f 350' 'sh;main;f;g 50' >expected
if cmp -s folded expected; then pass folded; else fail "folded  $(tr '\n' '|' <folded)"; fi
"$RR" sql --write r.rrec "UPDATE call SET return_pos = NULL WHERE id = 4" # g was left, as by longjmp: with f at the latest
"$RR" export r.rrec --format perfetto -o trace.json
if python3 -c 'import json; g = [e for e in json.load(open("trace.json"))["traceEvents"] if e["name"] == "g"]; assert g[0]["ts"] + g[0]["dur"] == 0.5, g'; then pass perfetto-left
else fail perfetto-left; fi
"$RR" sql --write r.rrec "UPDATE call SET return_pos = 260 WHERE id = 4; DROP TABLE cover"
"$RR" export r.rrec --format callgrind -o callgrind.out
if have callgrind_annotate; then
    callgrind_annotate --inclusive=yes --tree=calling callgrind.out >text 2>&1 || true
    # main: 490 + 7 of its own, 400 below; f: 350 and 50; its two calls cost 400.
    if tr -d , <text | grep -Eq '^ *897 .*main' && tr -d , <text | grep -Eq '^ *400 .*f \(2x\)' && tr -d , <text | grep -Eq '^ *50 .*g \(1x\)'; then pass callgrind-calls
    else fail "callgrind-calls  $(tr '\n' '|' <text | cut -c1-900)"; fi
else skip "callgrind-calls  callgrind_annotate is missing (Debian package valgrind)"; fi

# -- what is refused
refuse() { # refuse PATTERN WORDS…
    pattern=$1 status=0
    shift
    "$RR" export "$@" >out 2>text || status=$?
    if [ $status -ne 2 ] || ! grep -q -- "$pattern" text; then fail "refused  $*: status $status, $(cat text)"; fi
}
"$RR" record --quiet -o bare.rrec -M virt -nographic -bios none -kernel "$GUESTS/hello.elf" </dev/null >/dev/null
refuse "replay bare.rrec --analysis blocks" bare.rrec --format lcov
refuse "expected one of perfetto" r.rrec --format svg
refuse "needs SQL" r.rrec --format csv
refuse "needs -o" r.rrec --format sqlite "SELECT 1"
refuse "rows.db: it exists" r.rrec --format sqlite -o rows.db "SELECT 1"
refuse "takes no SQL" r.rrec --format folded "SELECT 1"
refuse "no such column" r.rrec --format csv "SELECT absent FROM block"
[ $bad = 1 ] || pass refused

# -- a database that somebody else wrote: no name, no text where one should be, sizes and numbers that nothing has
hostile() { # hostile WHAT SQL STATUS WORDS…: rr-emu's status and what it says
    local what=$1 sql=$2 status=$3 got
    shift 3
    cp r.rrec.db bad.db
    sqlite3 bad.db "$sql"
    (limit_memory 4000000; timeout 60 "$RR" "$@" >bad.out 2>bad.err) && got=0 || got=$?
    if [ "$got" = "$status" ] && [ "$(grep -vc '^rr-emu: ' bad.err)" = 0 ]; then pass "hostile-$what"
    else fail "hostile-$what  status $got, $(head -3 bad.err)"; fi
}
"$RR" replay --quiet r.rrec --analysis blocks
calls="DROP TABLE IF EXISTS call; CREATE TABLE call (id, parent_id, kind, hart, task_id, symbol, pc, call_pos, return_pos, call_pc, insns, depth)"
hostile names "UPDATE module SET name = x'41'" 0 export bad.db --format callgrind
hostile functions "INSERT INTO program_line VALUES (1, 0, 'x.c', 1);
    INSERT INTO program_symbol (module_id, name, addr, size, kind) VALUES (1, NULL, 0, 4, 'func'), (1, NULL, 2, 4, 'func')" 0 export bad.db --format lcov
hostile call-numbers "$calls; INSERT INTO call VALUES (1 << 62, NULL, 'call', 0, 1, x'41', 5, 1, 1, 1, 9223372036854775807, 0),
    ((1 << 62) + 1, 1 << 62, 'call', 0, 1, 'f', 5, 1, 1, 1, -9223372036854775807, 0)" 0 export bad.db --format folded
hostile call-depth "$calls; INSERT INTO call WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
    SELECT i, nullif(i - 1, 0), 'call', 0, 1, 'f', 5, i, NULL, 1, 300000 - i, i FROM n" 0 export bad.db --format folded
hostile block-sizes "DROP TABLE block_packed; PRAGMA writable_schema = 1; DELETE FROM sqlite_schema WHERE name IN ('block', 'block_v');
    PRAGMA writable_schema = RESET; CREATE TABLE block AS SELECT 0 AS pc, -1 AS size, 1 AS first_pos, NULL AS module_id, 0 AS offset" 2 export bad.db --format drcov -o bad.cov
hostile end "UPDATE meta SET value = -1 WHERE key = 'end_pos'; CREATE TABLE dma AS SELECT 0 AS pos, 0 AS paddr, 8 AS size" 0 report bad.db -o bad.html

exit 0
