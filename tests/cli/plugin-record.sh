# SPDX-License-Identifier: GPL-2.0-or-later
# rr_record(): a plugin that records gets the tables that the built-in analyses make, beside those of its own; what is refused.
set -u
[ -f "$GUESTS/traps.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
. "$TOP/tests/cli/expect.inc"
cc -shared -fPIC -O1 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -I"$TOP/analyses" -o record.so "$TOP/tests/plugins/record.c" || exit 1
builtin=(--analysis memtrace --analysis insn --analysis regs --analysis blocks --analysis funcs --analysis calls,insns=0 --analysis trap)
same() { # same DB TABLE TABLE: as many rows, and the same ones
    expect "$1: $2" "$1.rrec" "SELECT (SELECT count(*) FROM $2) > 0, (SELECT count(*) FROM $2) - (SELECT count(*) FROM $3)" 1,0
    expect "$1: $2 and $3" "$1.rrec" "SELECT count(*) FROM (SELECT * FROM $2 EXCEPT SELECT * FROM $3)" 0
}
compare() {
    same "$1" rec_mem memtrace
    same "$1" rec_mem_write '"write"'
    same "$1" rec_insn insn
    same "$1" rec_regs regs
    same "$1" rec_block block
    same "$1" rec_edge edge
    same "$1" rec_cover cover
    same "$1" rec_func func
    same "$1" rec_call call
    same "$1" rec_mem_v memtrace_v
    same "$1" rec_block_v block_v
    expect "$1: its own table" "$1.rrec" "SELECT count(*) FROM (SELECT pos, seq, epc FROM rec EXCEPT SELECT pos, seq, epc FROM trap)" 0
    expect "$1: rows are counted" "$1.rrec" "SELECT args, complete, (SELECT sum(rows) FROM analysis WHERE name NOT IN ('rec', 'other')) - rows FROM analysis WHERE name = 'rec'" "$2,1,0"
}
for guest in traps paging smp; do
    extra=
    [ $guest = smp ] && extra="-smp 4"
    # shellcheck disable=SC2086
    "$RR" record --quiet --force -o $guest.rrec -M virt -nographic -bios none -kernel "$GUESTS/$guest.elf" $extra </dev/null >/dev/null || say "record $guest"
    "$RR" replay --quiet $guest.rrec --plugin ./record.so "${builtin[@]}" || say "replay $guest"
    compare $guest record.so
    # Without an analysis beside it, into the same database: what it kept then is replaced.
    "$RR" replay --quiet $guest.rrec --plugin ./record.so,storage=rows || say "replay $guest alone"
    compare $guest "\"record.so,storage=rows\""
done
"$RR" replay --quiet traps.rrec --plugin ./record.so,as=other,only=on || say "replay as another"
same traps other_mem memtrace

# What the user gave is refused in one line, what the plugin asks for wrongly ends the program; the database is as before.
refused() { # refused ARGS STATUS TEXT
    "$RR" replay --quiet traps.rrec "${@:3}" --plugin "./record.so$1" >out 2>&1
    local status=$?
    [ $status = 2 ] && [ "$(grep -c . out)" = 1 ] && grep -qF "$2" out || { say "record.so$1: exit status $status:"; cat out; }
}
refused ,storage=tape "rr-emu: --plugin ./record.so: storage=tape: expected one of chunks|rows|index"
refused ,storage=index "rr-emu: --plugin ./record.so: storage=index: expected one of chunks|rows"
refused ,regs=x99 "rr-emu: --plugin ./record.so: regs: 'x99': expected x, f or the names of registers"
refused ,wrong=setting "plugin record.so: rr_record(): there is no setting 'colour' of this recording"
refused ,wrong=value "plugin record.so: rr_record(): the setting 'storage' has no value"
refused ,wrong=suffix "plugin record.so: table 'rec_a \"b': expected letters, digits and _"
refused ,wrong=twice "plugin record.so: table 'rec_mem' is declared twice"
refused ,wrong=table "plugin record.so: table 'rec_mem_write' is declared twice"
refused ,wrong=late "plugin record.so: rr_record() outside install"
cc -DMERGE -shared -fPIC -O1 -Wno-unused-parameter -I"$TOP/analyses" -o merge.so "$TOP/tests/plugins/record.c" || exit 1
"$RR" replay --quiet traps.rrec -j 2 --segments 3 --plugin ./merge.so >out 2>&1 && say "it merges and records, with -j 2"
grep -qF "rr-emu: --plugin ./merge.so: what it has recorded takes one process for the whole replay: use -j 1" out || { say "-j 2:"; cat out; }
compare traps "\"record.so,storage=rows\""
"$RR" replay --quiet traps.rrec --plugin ./record.so,storage=index,only=on,as=pages || say "storage=index"
expect "pages: rows are not counted" traps.rrec "SELECT rows IS NULL FROM analysis WHERE name = 'pages'" 1
expect "pages: made when asked for" traps.rrec "SELECT (SELECT count(*) FROM pages_mem) - (SELECT count(*) FROM memtrace)" 0
# The manual's example.
python3 - "$TOP/docs/plugins.md" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
open("spot.c", "w").write(re.search(r"<!-- spot.c -->\n```c\n(.*?)```", text, re.S)[1])
open("spot.sql", "w").write(re.search(r"<!-- spot.c -->.*?```sql\n(.*?)```", text, re.S)[1])
PY
cc -shared -fPIC -O1 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -I"$TOP/analyses" -o spot.so spot.c || say "the manual's example"
"$RR" record --quiet --force -o user.rrec -M virt -nographic -bios none -kernel "$GUESTS/paging.elf" </dev/null >/dev/null || say "record paging"
"$RR" replay --quiet user.rrec --plugin ./spot.so --analysis trap || say "replay the manual's example"
expect "the manual's example" user.rrec "SELECT (SELECT count(*) FROM spot) - (SELECT count(*) FROM trap WHERE cause = 8 AND NOT is_interrupt), count(*) > 100 FROM spot_mem_write" 0,1
"$RR" sql user.rrec "$(cat spot.sql)" >/dev/null 2>err || { say "the manual's question"; cat err; }
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
