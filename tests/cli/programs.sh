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
$cc -static -no-pie -DPROGRAM=two -DROUNDS=4000 -o $root/opt/two "$source" || exit 1
ln -sf /opt/two $root/bin/two # absolute: of the guest's root
$cc -shared -fPIC -DLIBRARY -o $root/lib/libwork.so "$source" || exit 1
$cc -fPIE -pie -DPROGRAM=moved -DROUNDS=5000 -DUSES_LIBRARY -o $root/bin/moved "$source" -L$root/lib -lwork || exit 1
printf '#!/bin/one fork\n' >$root/bin/script
chmod +x $root/bin/script
cp $libs/ld-linux-riscv64-lp64d.so.1 $libs/libc.so.6 $root/lib/
address() { riscv64-linux-gnu-nm "$1" | awk -v name="$2" '$3 == name { print "0x" $1 }'; }
low=$(address $root/bin/one work_of_one) high=$(address $root/opt/two work_of_two)
[ "$low" = "$high" ] || { echo "one and two are not at the same address: $low, $high"; exit 1; }

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

# A plugin is told the same.
cc -shared -fPIC -O1 -I"$TOP/analyses" -o names.so "$TOP/tests/plugins/symbol.c" || say "names.so"
"$RR" replay --quiet r.rrec --db n.db --sysroot $root --plugin ./names.so,address=$low || say "replay with a plugin failed"
expect "a plugin's symbols" n.db "SELECT name, count(*) FROM names WHERE name LIKE 'work_of_%' GROUP BY 1 ORDER BY 1" "work_of_one,5
work_of_two,1"

# A database that has programs gets other files for its questions; a folder without them gives no symbols.
mkdir -p empty
[ "$("$RR" sql --quiet --sysroot empty --format csv r.db "SELECT count(symbol) FROM insn WHERE pc = $low AND priv = 'U'" | tail -n 1)" = 0 ] || say "sql --sysroot empty has symbols"
[ "$("$RR" sql --quiet --sysroot $root --format csv r.db "SELECT count(DISTINCT symbol) FROM insn WHERE pc = $low AND symbol IN ('work_of_one', 'work_of_two')" | tail -n 1)" = 2 ] || say "sql --sysroot has no symbols"
status=0
"$RR" replay --quiet r.rrec --db no.db --sysroot nowhere 2>text || status=$?
[ $status = 2 ] && grep -q 'sysroot nowhere: not a folder' text || { say "a sysroot that is not there: $status"; cat text; }

# The recording keeps the folder's name, and symbol files as such.
linux_record k programs --sysroot $root --symbols $root/opt/two@0x70000000 || say "record --sysroot failed"
mv $root/opt/two other.two
"$RR" replay --quiet k.rrec --db k.db --analysis calls,insns=100 || say "replay failed"
expect "the sysroot by default" k.db "SELECT DISTINCT symbol FROM call WHERE symbol LIKE 'work_of_%' ORDER BY 1" "work_of_moved
work_of_one"
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
