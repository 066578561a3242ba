# SPDX-License-Identifier: GPL-2.0-or-later
# Tasks and who had the hart: compared with what the guest's processes and threads say of themselves.
set -u
. "$TOP/tests/cli/linux-guest.inc"
. "$TOP/tests/cli/expect.inc"
# What holds for any guest: turns follow each other without gaps, and their steps are the harts' instructions and traps.
no_gaps() { # no_gaps DB
    expect "$1: turns begin at 0, end at the end, and follow each other" "$1" "
        SELECT count(*) FROM (SELECT hart, min(from_pos) AS a, max(to_pos) AS z FROM cpu GROUP BY hart)
            WHERE a != 0 OR z != (SELECT value FROM meta WHERE key = 'end_pos') + 0
        UNION ALL SELECT count(*) FROM (SELECT from_pos, lag(to_pos) OVER (PARTITION BY hart ORDER BY from_pos) AS before FROM cpu)
            WHERE from_pos != before" "0
0"
    expect "$1: every step is a turn's instruction, or a trap" "$1" \
        "SELECT (SELECT sum(insns) FROM cpu) + (SELECT count(*) FROM trap) - value FROM meta WHERE key = 'end_pos'" 0
    expect "$1: every turn is a task's" "$1" "SELECT count(*) FROM cpu WHERE task_id NOT IN (SELECT id FROM task)" 0
}
check_linux() { # check_linux NAME
    local db=$1.db pid tid name ns ours less more
    sed -n 's/^task //p' "$1.out" | sort >"$1.told"
    [ "$(wc -l <"$1.told")" = 11 ] || say "$1: the guest tells of $(wc -l <"$1.told") tasks"
    while read -r pid tid name ns; do
        expect "$1: task $tid" "$db" "SELECT pid, name FROM task WHERE tid = $tid" "$pid,$name"
        # The guest's clock was read just before the line; what the task did afterwards is not in it.
        ours=$(sql "$db" "SELECT sum(min(to_ns, told) - min(from_ns, told)) FROM cpu,
            (SELECT time_ns(first_pos) AS told FROM console WHERE text LIKE 'task $pid $tid %')
            WHERE task_id = (SELECT id FROM task WHERE tid = $tid)")
        # The kernel does not read its clock again between waking a task and the switch to it, and charges that time
        # to the woken one (rq_clock_skip_update). In user mode the switch is at once; init worked in the kernel.
        less=50000 more=200000
        [ "$name" = init ] && less=1000000 more=$((ns / 5))
        [ "$((ours > ns - less && ours < ns + more))" = 1 ] || say "$1: task $tid: $ours ns, the guest says $ns"
    done <"$1.told"
    expect "$1: threads have their process's address space" "$db" \
        "SELECT count(*), count(DISTINCT satp) FROM task WHERE pid = (SELECT pid FROM task WHERE name = 'first')" 3,1
    expect "$1: other processes have others, threads of the kernel none" "$db" \
        "SELECT count(*) = count(DISTINCT satp) FROM task WHERE name LIKE 'child-%' UNION ALL
         SELECT count(*) FROM task WHERE name IN ('kthreadd', 'rcu_sched', 'ksoftirqd/0') AND satp IS NULL" "1
3"
    # The kernel counts from when it decides to be idle, in hundredths of a second.
    ns=$(sed -n 's/^idle \([0-9]*\)\.\([0-9]*\)$/\1\2/p' "$1.out" | sed 's/^0*//')
    ours=$(sql "$db" "SELECT sum(idle_ns) / 10000000 FROM cpu JOIN task ON task.id = task_id WHERE tid = 0")
    [ "$((ns > 20 && ours >= ns - ns / 20 - 6 && ours <= ns + 6))" = 1 ] || say "$1: idle for $ours hundredths of a second, the guest says $ns"
    expect "$1: nobody but the idle task sleeps" "$db" \
        "SELECT sum(idle_ns) FROM cpu JOIN task ON task.id = task_id WHERE tid != 0" 0
    no_gaps "$db"
}

linux_record one who || say "one: record failed"
"$RR" replay --quiet one.rrec --db one.db --analysis tasks --analysis trap || say "one: replay failed"
check_linux one
linux_record two who -smp 2 || say "two: record failed"
"$RR" replay --quiet two.rrec --db two.db --analysis tasks --analysis trap || say "two: replay failed"
check_linux two
expect "two: an idle task for each hart" two.db "SELECT name FROM task WHERE tid = 0 ORDER BY name" "swapper/0
swapper/1"

# The answers are the same whatever the translator does.
sql one.db "SELECT * FROM task; SELECT * FROM cpu" >rows
for words in "--backend interp" "--perturb 5"; do
    # shellcheck disable=SC2086
    "$RR" replay --quiet one.rrec --db other.db --analysis tasks $words || say "replay $words failed"
    sql other.db "SELECT * FROM task; SELECT * FROM cpu" | cmp - rows || say "$words gives other rows"
done

# From a position in the middle the current task is found too, and the lowest store to a stack is not below min_sp.
from=$(sql one.db "SELECT (from_pos + to_pos) / 2 FROM cpu JOIN task ON task.id = task_id WHERE name = 'child-5' ORDER BY to_pos - from_pos DESC LIMIT 1")
"$RR" replay --quiet one.rrec --db late.db --from "$from" --analysis tasks --analysis memtrace || say "late: replay failed"
expect "late: who runs at $from" late.db "SELECT name FROM task WHERE id = 1" child-5
sql late.db "SELECT id, min_sp - stack_base AS sp, (SELECT min(vaddr) FROM memtrace WHERE op = 'store' AND vaddr BETWEEN stack_base AND stack_base + stack_size - 1
    AND pos BETWEEN first_pos AND last_pos) - stack_base AS store FROM task WHERE name LIKE 'child-%' AND id > 1" >stacks
[ "$(wc -l <stacks)" -ge 3 ] || say "late: $(wc -l <stacks) tasks to look at"
while IFS=, read -r id sp store; do
    [ "$((store >= sp && store < sp + 256))" = 1 ] || say "late: task $id: min_sp is $sp above the stack's base, the lowest store $store"
done <stacks

# Without Linux, tasks are address spaces.
if [ -f "$GUESTS/smp.elf" ]; then
    for guest in smp paging traps reset; do
        "$RR" record --quiet --timeout 300 -o $guest.rrec -M virt -smp $([ $guest = smp ] && echo 4 || echo 1) -nographic -bios none \
            -kernel "$GUESTS/$guest.elf" >/dev/null </dev/null || say "$guest: record failed"
        "$RR" replay --quiet $guest.rrec --db $guest.db --analysis tasks --analysis trap || say "$guest: replay failed"
        no_gaps $guest.db
    done
    expect "smp: one address space, a turn for each hart" smp.db "SELECT count(*), min(satp), (SELECT count(*) FROM cpu) FROM task" 1,0,4
fi
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
