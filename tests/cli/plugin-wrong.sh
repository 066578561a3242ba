# SPDX-License-Identifier: GPL-2.0-or-later
# What plugins get wrong: calls at the wrong time, counters, conditions and places that do not exist, names of tables that are
# there already. The plugin is named and nothing is written. And what looks wrong, but is allowed.
set -u
[ -f "$GUESTS/traps.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
. "$TOP/tests/cli/expect.inc"
. "$TOP/tests/cli/memory.inc"
cc -shared -fPIC -O1 -Wall -Wextra -Wno-unused-parameter -Wno-missing-field-initializers -I"$TOP/analyses" -o wrong.so "$TOP/tests/plugins/wrong.c" || exit 1
record() { "$RR" record --quiet --force -o "$1.rrec" -M virt -nographic -bios none -kernel "$GUESTS/$1.elf" </dev/null >/dev/null || say "record $1"; }
record traps

refused() { # refused TEXT WORDS…
    local text=$1 status=0
    shift
    "$RR" replay --quiet traps.rrec --db wrong.db "$@" >out 2>&1 || status=$?
    [ $status = 2 ] && grep -qxF "rr-emu: $text" out || { say "$*: exit status $status:"; cat out; }
}
wrong() { refused "plugin wrong.so: $2" --plugin "./wrong.so,do=$1"; } # wrong WHAT TEXT
wrong late-position "rr_at_position() outside install, segment_begin and what it calls"
wrong late-table "rr_table() outside install"
wrong late-put "rr_segment_put() outside a segment"
wrong segment-put "rr_segment_put() outside a segment"
wrong late-refuse "rr_refuse() outside install"
wrong late-stacks "rr_follow_stacks() outside install"
wrong tasks "rr_task() without RrPlugin.tasks"
wrong bad-counter "counter 8388608 does not exist"
wrong inline-counter "counter 1879048192 does not exist"
wrong inline-access "counter 1879048196 does not exist"
wrong if-counter "counter 1879048192 does not exist"
wrong if-cond "rr_on_insn_if(): there is no condition 77"
wrong own-place "rr_row_at() with a place that rr_place() did not give"
wrong no-option "it asks for the option 'nothing', which it does not declare"
wrong alloc "rr_block_alloc() of 1048576 bytes: 65536 are the most"
wrong view "table 'wrong_v' is declared twice"
wrong view-after "table 'wrong_v' is declared twice"

# Tables that another plugin or analysis of the replay has, or rr-emu itself.
refused "--plugin ./wrong.so: the table or view 'wrong_other' is there already; give this one as=NAME" --plugin ./wrong.so --plugin ./wrong.so,as=wrong_other
refused "--plugin ./wrong.so: the table or view 'wrong_v' is there already; give this one as=NAME" --plugin ./wrong.so,as=wrong_v --plugin ./wrong.so
refused "--plugin ./wrong.so: the analysis 'mine' is there already; give this one as=NAME" --analysis trap,as=mine --plugin ./wrong.so,as=mine
refused "--plugin ./wrong.so: the table or view 'program_symbol' is there already; give this one as=NAME" --plugin ./wrong.so,as=program,do=symbol

allowed() { # allowed WHAT TEXT WORDS…: what it says at the end
    local what=$1 text=$2
    shift 2
    rm -f allowed.db
    "$RR" replay --quiet traps.rrec --db allowed.db --plugin "./wrong.so,do=$what" "$@" >out 2>&1 && grep -qE "^first $text bad 0\$" out || { say "$what:"; cat out; }
}
for way in "--backend x86_64" "--backend interp"; do
    # shellcheck disable=SC2086
    allowed twice '([1-9][0-9]*) second \1 reached 0' $way
    # shellcheck disable=SC2086
    allowed many '([1-9][0-9]*)000 second 0 reached 0' $way
done
cc -DTURNS -shared -fPIC -O1 -w -I"$TOP/analyses" -o turns.so "$TOP/tests/plugins/wrong.c" || exit 1
record paging
"$RR" replay --quiet paging.rrec --plugin ./turns.so,do=turns >out 2>&1 || { say "turns:"; cat out; }
expect "turns and instructions" paging.rrec "SELECT sum(text = 'turn') > 1, sum(text = 'turn') - sum(text = 'switch') BETWEEN 0 AND 1, sum(text = 'instruction') > 1000 FROM wrong" 1,1,1
sql paging.rrec "SELECT * FROM wrong" >one
"$RR" replay --quiet paging.rrec -j 2 --segments 30 --plugin ./turns.so,do=turns >out 2>&1 || { say "turns, -j 2:"; cat out; }
sql paging.rrec "SELECT * FROM wrong" | cmp -s one - || say "turns, -j 2: other rows"
allowed positions '0 second 0 reached [1-9][0-9]{3}'
allowed nothing '0 second 0 reached 0'

# When rows cannot be written any more, those that come are not kept in memory: 1.5 GB.
(limit_memory 1000000 && "$RR" replay --quiet traps.rrec --db wrong.db --plugin ./wrong.so,do=after-error) >out 2>&1
grep -q '^rr-emu: wrong.db: UNIQUE constraint failed: wrong_other.pos, wrong_other.seq$' out || { say "after an error:"; head out; }

if [ -f "$TOP/.cache/linux/Image" ] && command -v cpio >/dev/null; then # interrupts that change the privilege
    . "$TOP/tests/cli/linux-guest.inc"
    mkfifo keys
    (
        for _ in $(seq 2400); do
            grep -q waiting spins.raw 2>/dev/null && break
            sleep 0.05
        done
        sleep 0.5 # in which its program works
        printf x
    ) >keys &
    linux_input=keys linux_record spins spins || say "spins: record failed"
    "$RR" replay --quiet spins.rrec --plugin ./wrong.so,do=same-step >out 2>&1 || { say "interrupts:"; cat out; }
    expect "interrupts and what they make of the privilege" spins.rrec "SELECT count(*) > 10, count(DISTINCT t.pos) = count(*) FROM wrong AS t JOIN wrong AS p ON p.pos = t.pos AND p.seq = t.seq + 1
        WHERE t.text = 'take' AND p.text = 'privilege'" 1,1
fi
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
