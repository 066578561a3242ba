# SPDX-License-Identifier: GPL-2.0-or-later
# Symbols of a Linux guest's programs (--sysroot): two at the same address at the same time, one in what was another's
# memory, one that was forked, moved ones, libraries, scripts. What is expected comes from the ELF files' own symbols, and
# from the addresses that the guest's programs print.
set -u
. "$TOP/tests/cli/linux-guest.inc"
. "$TOP/tests/cli/expect.inc"
sql() { "$RR" sql --format csv "$@" | tail -n +2 | tr -d '\r'; }
cc="riscv64-linux-gnu-gcc -O1 -g -Wall"
source=$TOP/tests/guests/linux/programs.c
root=programs.root
libs=/usr/riscv64-linux-gnu/lib
[ -f $libs/ld-linux-riscv64-lp64d.so.1 ] || { echo "skipped: no shared C library for the guest"; exit 77; }
mkdir -p $root/bin $root/lib $root/opt
$cc -static -no-pie -DPROGRAM=one -DROUNDS=3000 -o $root/bin/one "$source" || exit 1
$cc -static -no-pie -DPROGRAM=two -DROUNDS=4000 -ffile-prefix-map="$TOP"=/two -o $root/opt/two "$source" || exit 1
ln -sf /opt/two $root/bin/two # absolute: of the guest's root
$cc -shared -fPIC -DLIBRARY -o $root/lib/libwork.so "$source" || exit 1
$cc -fPIE -pie -Wl,--build-id,-z,now -DPROGRAM=moved -DROUNDS=5000 -DUSES_LIBRARY -o $root/bin/moved "$source" -L$root/lib -lwork || exit 1
printf '#!/bin/one fork\n' >$root/bin/script
chmod +x $root/bin/script
cp $libs/ld-linux-riscv64-lp64d.so.1 $libs/libc.so.6 $root/lib/
address() { riscv64-linux-gnu-nm "$1" | awk -v name="$2" '$3 == name { print "0x" $1 }'; }
low=$(address $root/bin/one work_of_one) high=$(address $root/opt/two work_of_two)
[ "$low" = "$high" ] || { echo "one and two are not at the same address: $low, $high"; exit 1; }

# What addr2line says of the function NAME of a file: FILE:LINE.
line_of() { riscv64-linux-gnu-addr2line -e "$1" "$(address "$1" "$2")"; }
one_line=$(line_of $root/bin/one work_of_one) two_line=$(line_of $root/opt/two work_of_two)
moved_line=$(line_of $root/bin/moved work_of_moved) library_line=$(line_of $root/lib/libwork.so library_work)
for line in "$one_line" "$two_line" "$moved_line" "$library_line"; do
    case $line in *"/programs.c:"[1-9]*) ;; *) say "addr2line says $line" ;; esac
done
# Debug files: one found by the build id, one by name and checksum.
id=$(riscv64-linux-gnu-readelf -n $root/bin/moved | sed -n 's/.*Build ID: //p')
debug=$root/usr/lib/debug
mkdir -p "$debug/.build-id/${id%"${id#??}"}" $debug/lib
riscv64-linux-gnu-objcopy --only-keep-debug $root/bin/moved "$debug/.build-id/${id%"${id#??}"}/${id#??}.debug"
riscv64-linux-gnu-strip $root/bin/moved
riscv64-linux-gnu-objcopy --only-keep-debug $root/lib/libwork.so $debug/lib/work.debug
riscv64-linux-gnu-objcopy --strip-unneeded --add-gnu-debuglink=$debug/lib/work.debug $root/lib/libwork.so

linux_record r programs -smp 2 || say "record failed"
[ "$(grep -c '^at ' r.out)" = 6 ] || { say "the guest says:"; cat r.out; }
"$RR" replay --quiet r.rrec --db r.db --sysroot $root --analysis calls,insns=100 --analysis funcs --analysis blocks --analysis trap --analysis tasks ||
    say "replay failed"
# From where the first of them runs; programs are known from the beginning on all the same.
"$RR" replay --quiet r.rrec --db r.db --sysroot $root --from "$(sql r.db "SELECT min(first_pos) FROM task WHERE name IN ('one', 'two')")" --analysis insn --analysis memtrace || say "replay failed"

# Each program's function, in its own tasks; a call has the instructions that its loop takes.
expect "calls" r.db "SELECT symbol, task.name, count(*) FROM call JOIN task ON task.id = task_id WHERE symbol LIKE 'work_of_%' OR symbol = 'library_work'
    GROUP BY 1, 2 ORDER BY 1, 2" "\
library_work,moved,1
work_of_moved,moved,1
work_of_one,one,3
work_of_one,script,2
work_of_two,two,1"
while read -r at name address; do
    expect "$name is at $address" r.db "SELECT count(*) > 0 FROM call WHERE pc = $address AND symbol = '$name'" 1
done <<EOF
$(grep '^at ' r.out)
EOF
# A loop of n rounds jumps back n - 1 times. one: 3000, 3000 and 3001, 3000 and 3001.
expect "functions" r.db "SELECT symbol, m.name, sum(calls), sum(self_insns) > 3000 FROM func JOIN module AS m ON m.id = module_id WHERE symbol IN ('work_of_moved', 'work_of_one', 'work_of_two', 'library_work') GROUP BY 1, 2 ORDER BY 1" "\
library_work,libwork.so,1,1
work_of_moved,moved,1,1
work_of_one,one,5,1
work_of_two,two,1,1"
expect "blocks at the same address are two programs'" r.db "SELECT m.name, max(count) FROM block JOIN module AS m ON m.id = module_id WHERE symbol LIKE 'work_of_one%' OR symbol LIKE 'work_of_two%' GROUP BY 1 ORDER BY 1" "\
one,14997
two,3999"
expect "edges at the same address are three programs' (init's run() lies there)" r.db "SELECT m.name, sum(count) FROM edge JOIN module AS m ON m.id = dst_module_id WHERE dst = $low AND kind = 'call' AND src_module_id = dst_module_id GROUP BY 1 ORDER BY 1" "\
init,5
one,5
two,1"
expect "every block of a program is entered by its edges" r.db "SELECT count(*), sum(b.n = e.n) = count(*) FROM (SELECT module_id, offset, sum(count) AS n FROM block JOIN module AS m ON m.id = module_id WHERE base IS NULL GROUP BY 1, 2) AS b
    LEFT JOIN (SELECT dst_module_id AS module_id, dst_offset AS offset, sum(count) AS n FROM edge GROUP BY 1, 2) AS e USING (module_id, offset)" \
    "$(sql r.db "SELECT count(DISTINCT module_id * 1000000000 + offset), 1 FROM block JOIN module AS m ON m.id = module_id WHERE base IS NULL")"
expect "cover" r.db "SELECT m.name, max(count) FROM cover JOIN module AS m ON m.id = module_id WHERE offset BETWEEN $low AND $low + 30 AND m.name IN ('one', 'two') GROUP BY 1 ORDER BY 1" "\
one,15002
two,4000"
for table in memtrace insn; do
    expect "$table: symbols are of the task's program" r.db "SELECT DISTINCT substr(i.symbol, 1, 11), t.name FROM $table AS i JOIN cpu AS c ON c.hart = i.hart AND i.pos BETWEEN c.from_pos AND c.to_pos - 1
        JOIN task AS t ON t.id = c.task_id WHERE i.pc = $low AND i.priv = 'U' AND t.name != 'init' ORDER BY 1, 2" \
        "$([ $table = memtrace ] || printf 'work_of_one,one\nwork_of_one,script\nwork_of_two,two')"
done
expect "memtrace: the loops' accesses" r.db "SELECT substr(symbol, 1, 11), count(*) / 1000 FROM memtrace WHERE pc BETWEEN $low AND $low + 60 AND priv = 'U' AND symbol LIKE 'work_of_%' GROUP BY 1 ORDER BY 1" "work_of_one,30
work_of_two,8"
expect "traps out of programs" r.db "SELECT count(*) > 50, sum(symbol IS NULL) FROM trap JOIN task ON task.id = task_id WHERE from_priv = 'U' AND task.name IN ('one', 'two')" 1,0
expect "the dynamic loader and the C library ran" r.db "SELECT m.name FROM cover JOIN module AS m ON m.id = module_id WHERE m.base IS NULL GROUP BY 1 HAVING count(*) > 500 ORDER BY 1" "\
init
ld-linux-riscv64-lp64d.so.1
libc.so.6
one
two"
expect "sym() of what several programs have" r.db "SELECT sym($low), sym((SELECT pc FROM call WHERE symbol = 'library_work'))" ,library_work

# One function by its name, which nobody knew at the beginning: two programs have it (at one address there are others), a library.
"$RR" replay --quiet r.rrec --db s.db --sysroot $root --analysis tasks --analysis calls,as=main,symbol=main --analysis calls,as=one,symbol=work_of_one,storage=rows \
    --analysis regs,as=at_one,symbol=work_of_one,regs=a0+pc --analysis regs,as=library,symbol=library_work,regs=a0+pc \
    --analysis calls,as=none,symbol=absent --analysis regs,as=neither,symbol=absent --analysis calls,as=kernel,symbol=do_exit 2>text || { say "replay with symbol="; cat text; }
expect "calls of main" s.db "SELECT t.name, symbol, count(*) FROM main_call JOIN task AS t ON t.id = task_id GROUP BY 1, 2 ORDER BY 1" "\
init,main,1
moved,main,1
one,main,2
script,main,1
two,main,1"
expect "calls of one function" s.db "SELECT symbol, a0, count(*) FROM one_call GROUP BY 1, 2 ORDER BY 2" "\
work_of_one,3000,3
work_of_one,3001,2"
expect "its registers" s.db "SELECT reg, value, count(*) FROM at_one GROUP BY 1, 2 ORDER BY 1, 2" "\
a0,3000,3
a0,3001,2
pc,$((low)),5"
expect "a library's function" s.db "SELECT a.value, b.value = $(sql r.db "SELECT pc FROM call WHERE symbol = 'library_work'") FROM library AS a JOIN library AS b USING (pos) WHERE a.reg = 'a0' AND b.reg = 'pc'" "5000,1"
expect "a function of the kernel, as ever" s.db "SELECT count(*) >= 5, min(symbol), max(symbol) FROM kernel_call" 1,do_exit,do_exit
expect "nothing of what there is not" s.db "SELECT (SELECT count(*) FROM none_call), (SELECT count(*) FROM neither)" 0,0
[ "$(grep -c 'symbol=absent: there is no such function' text)" = 2 ] && [ "$(wc -l <text)" = 2 ] || { say "of what there is not is said:"; cat text; }
for words in "calls,symbol=absent" "regs,symbol=absent" "insn,symbol=work_of_one"; do
    folder=
    [ "${words%%,*}" != insn ] || folder="--sysroot $root"
    status=0
    "$RR" replay --quiet r.rrec --db no.db $folder --analysis "$words" 2>text || status=$?
    [ $status = 2 ] && [ "$(wc -l <text)" = 1 ] && grep -Eq "rr-emu: --analysis ${words%%,*}: symbol=.*(--symbols file|--sysroot)" text || { say "$words $folder: $status"; cat text; }
done

# Source lines, of the program that lies there.
lines="$one_line
$two_line
$moved_line
$library_line"
expect "lines of calls" r.db "SELECT group_concat(DISTINCT line_at(pc, satp_at(hart, call_pos), call_pos)) FROM call WHERE symbol IN ('work_of_one', 'work_of_two', 'work_of_moved', 'library_work') GROUP BY symbol ORDER BY symbol = 'library_work', symbol = 'work_of_moved', symbol = 'work_of_two'" "$lines"
expect "line() of what several programs have" r.db "SELECT line($low), line((SELECT pc FROM call WHERE symbol = 'library_work'))" ",$library_line"
expect "program_line is of the module, as linked" r.db "SELECT file || ':' || line FROM program_line JOIN module ON module.id = module_id WHERE addr = $low AND name IN ('one', 'two') ORDER BY name" "$one_line
$two_line"
loop=$((${one_line##*:} + 3)) library_loop=$((${library_line##*:} + 3)) # "sum +=", of one and moved
"$RR" export r.db --format lcov -o r.info || say "export lcov failed"
# one: 3000 five times, of which forks do one more two times; two, which has a file of its own: 4000; moved and library_work: 5000.
for text in "DA:$loop,$((3000 * 5 + 2 + 5000))" DA:$loop,4000 "DA:$library_loop,5000" FNDA:5,work_of_one FNDA:1,work_of_two FNDA:1,work_of_moved FNDA:1,library_work; do
    grep -qx "$text" r.info || { say "lcov: no $text in:"; grep -A 40 '^SF:.*/programs\.c' r.info; }
done
if command -v genhtml >/dev/null; then
    genhtml --quiet --ignore-errors source -o html r.info >text 2>&1 || true
    grep -rq "work_of_moved" html && grep -rq "library_work" html || { say "genhtml:"; tail -5 text; }
fi
"$RR" export r.db --format callgrind -o r.callgrind || say "export callgrind failed"
if command -v callgrind_annotate >/dev/null; then
    callgrind_annotate --threshold=100 r.callgrind 2>/dev/null | tr -d ' ,' >text
    for name in work_of_one work_of_two work_of_moved library_work; do
        file=$(sql r.db "SELECT m.name, sum(count) FROM cover JOIN program_symbol AS s USING (module_id) JOIN module AS m ON m.id = module_id WHERE s.name = '$name' AND offset BETWEEN s.addr AND s.addr + s.size - 1 GROUP BY 1")
        grep -Eq "^${file#*,}(\([0-9.]*%\))?.*/programs\.c:$name\[.*${file%,*}\]" text || { say "callgrind_annotate: no $name of ${file%,*} with ${file#*,}:"; grep "$name" text; }
    done
fi
# A call from one file (its procedure linkage table, which has no name) into another one.
python3 - "$(address $debug/lib/work.debug library_work)" <<'PYTHON' || { say "callgrind: no call of library_work by moved"; grep -c '^cfn=library_work' r.callgrind; }
import re, sys
call = r"\nob=moved\nfl=.*\nfn=.*\ncob=libwork\.so\ncfi=/.*/programs\.c\ncfn=library_work\ncalls=1 (0x\w+) "
found = re.search(call, open("r.callgrind").read())
assert found and int(found[1], 16) == int(sys.argv[1], 16), found
PYTHON
"$RR" export r.db --format drcov -o r.drcov || say "export drcov failed"
python3 - $low <<'PYTHON' || say "drcov"
import re, struct, sys
head, _, rest = open("r.drcov", "rb").read().partition(b"BB Table: ")
blocks = rest.partition(b" bbs\n")[2]
names = {int(m[1]): m[2].decode() for m in re.finditer(rb"^ *(\d+), 0x.*/(\w+)$", head, re.M)}
at = {names.get(module) for start, size, module in struct.iter_unpack("<IHH", blocks) if start == int(sys.argv[1], 16)}
assert {"one", "two"} <= at, at
PYTHON

# A plugin is told the same.
cc -shared -fPIC -O1 -I"$TOP/analyses" -o names.so "$TOP/tests/plugins/symbol.c" || say "names.so"
"$RR" replay --quiet r.rrec --db n.db --sysroot $root --plugin ./names.so,address=$low || say "replay with a plugin failed"
expect "a plugin's symbols and lines" n.db "SELECT name, file || ':' || line, count(*) FROM names WHERE name LIKE 'work_of_%' GROUP BY 1, 2 ORDER BY 1" "work_of_one,$one_line,5
work_of_two,$two_line,1"

# A database that has programs gets other files for its questions; a folder without them gives no symbols.
mkdir -p empty
[ "$("$RR" sql --quiet --sysroot empty --format csv r.db "SELECT count(symbol) FROM insn WHERE pc = $low AND priv = 'U'" | tail -n 1)" = 0 ] || say "sql --sysroot empty has symbols"
[ "$("$RR" sql --quiet --sysroot $root --format csv r.db "SELECT count(DISTINCT symbol) FROM insn WHERE pc = $low AND symbol IN ('work_of_one', 'work_of_two')" | tail -n 1)" = 2 ] || say "sql --sysroot has no symbols"
# A debug file of another build is none.
cp -r $root other
echo more >>other/usr/lib/debug/lib/work.debug
for folder in $root,"$library_line" other,; do
    got=$("$RR" sql --quiet --sysroot "${folder%,*}" --format csv r.db "SELECT line(pc) FROM call WHERE symbol = 'library_work'" | tail -n +2 | tr -d '\r')
    [ "$got" = "${folder#*,}" ] || say "sql --sysroot ${folder%,*}: the line of library_work is '$got'"
done
status=0
"$RR" replay --quiet r.rrec --db no.db --sysroot nowhere 2>text || status=$?
[ $status = 2 ] && grep -q 'sysroot nowhere: not a folder' text || { say "a sysroot that is not there: $status"; cat text; }

# The recording keeps the folder's name, and symbol files as such.
linux_record k programs --sysroot $root --symbols $root/opt/two@0x70000000 || say "record --sysroot failed"
mv $root/opt/two other.two
"$RR" replay --quiet k.rrec --db k.db --analysis calls,insns=100 || say "replay failed"
expect "the sysroot by default" k.db "SELECT DISTINCT symbol FROM call WHERE symbol LIKE 'work_of_%' ORDER BY 1" "work_of_moved
work_of_one"
"$RR" export k.db --format callgrind -o k.callgrind || say "export callgrind of calls failed"
grep -A 2 '^ob=one' k.callgrind | tr '\n' ' ' | grep -q 'fl=/.*/programs\.c fn=work_of_one' || say "callgrind of calls: no line of work_of_one"
expect "the symbols by default, where they were said to be" k.db "SELECT name, addr - $high + (SELECT min(addr) FROM symbol WHERE name = 'work_of_two') - addr FROM symbol WHERE name = 'work_of_two'" "work_of_two,$((0x70000000 - 0x10000))"
"$RR" replay --quiet k.rrec --db kn.db --plugin ./names.so,address=$low || say "replay with a plugin failed"
expect "the sysroot by default, for a plugin alone" kn.db "SELECT name FROM names WHERE name LIKE 'work_of_%' GROUP BY 1" "work_of_one"
mv $root $root.gone
"$RR" replay k.rrec --db l.db --analysis calls,insns=100 2>text || say "replay without the folder failed"
grep -q "sysroot .*programs.root is not here" text || { say "nothing is said of a folder that has gone:"; cat text; }
mv $root.gone $root
"$RR" diff --quiet k.rrec k.rrec >/dev/null || say "diff of a recording with symbols"
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
