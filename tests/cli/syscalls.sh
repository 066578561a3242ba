# SPDX-License-Identifier: GPL-2.0-or-later
# System calls of Linux: results as the guest's program saw them, arguments in words as they are known from its source.
set -u
. "$TOP/tests/cli/linux-guest.inc"
fails=0
say() { echo "$*"; fails=$((fails + 1)); }
sql() { "$RR" sql --format csv "$@" | tail -n +2; }

# The numbers and names are those of the C library's headers.
printf '#include <asm/unistd.h>\n' | riscv64-linux-gnu-gcc -E -dM - | sed -n 's/^#define __NR3264_/#define __NR_/; s/^#define __NR_\([a-z0-9_]*\) \([0-9]*\)$/\2 \1/p' |
    grep -vE ' (syscalls|arch_specific_syscall|fstatat)$' | sort -u >known
sed -n 's/^ *X(\([0-9]*\), \([a-z0-9_]*\), ".*/\1 \2/p' "$TOP/analyses/builtin/syscall_table.h" | sort -u >table
[ "$(wc -l <known)" -gt 300 ] || say "only $(wc -l <known) calls in the headers"
missing=$(comm -23 known table)
[ -z "$missing" ] || say "not in the table: $missing"

linux_record r syscalls || say "record failed"
"$RR" replay --quiet r.rrec --db r.db --analysis syscalls --analysis tasks || say "replay failed"
sed -n 's/^did \([a-z0-9_]*\) \(-*[0-9]*\)$/\1,\2/p' r.out >told
[ "$(wc -l <told)" -gt 30 ] || say "the guest tells of $(wc -l <told) calls only"
span="task_id = (SELECT id FROM task WHERE tid = 1) AND id BETWEEN (SELECT min(id) FROM syscall WHERE name = 'getpgid') AND (SELECT max(id) FROM syscall WHERE name = 'getpgid')"
# What it did otherwise: setting up alarms and handlers, fork, its handlers, one call that was begun again.
sql r.db "SELECT name, result FROM syscall WHERE $span AND nr != 1000 AND exit_pos AND result NOT NULL
    AND name NOT IN ('rt_sigaction', 'setitimer', 'clone', 'rt_sigprocmask', 'set_robust_list', 'getpid')
    AND NOT (name = 'write' AND text LIKE '%\"!\"%') AND NOT (name = 'wait4' AND a1 = 0)" >ours
cmp told ours || { say "other calls than the guest tells of:"; diff told ours; }

expect() { # expect WHAT SQL ROWS
    local got
    got=$("$RR" sql --format csv r.db "$2" 2>&1 | tail -n +2 | tr -d '\r')
    [ "$got" = "$3" ] || { say "$1: got:"; echo "$got"; echo "expected:"; echo "$3"; }
}
texts() { "$RR" sql --format line r.db "SELECT text FROM syscall WHERE $span AND $1" 2>&1 | sed -n 's/^ *text = //p'; }
texts "id < (SELECT id FROM syscall WHERE name = 'readlinkat' AND text LIKE '%\"link\"%')" >got
cat >expected <<'X'
getpgid(12345) = -1 ESRCH
openat(AT_FDCWD, "/hello \"there\"\n", O_RDWR|O_CREAT|O_TRUNC|O_CLOEXEC, 0640) = 3
write(3, "a\tb\\\x01\xff", 6) = 6
lseek(3, 2, SEEK_SET) = 2
read(3, "b\\\x01\xff", 64) = 4
read(3, "", 64) = 0
fchmod(3, 0) = 0
close(3) = 0
close(3) = -1 EBADF
openat(AT_FDCWD, "/no/such/file", O_RDONLY|O_DIRECTORY, 0) = -1 ENOENT
openat(99, "x", O_WRONLY|O_APPEND|O_NONBLOCK, 0) = -1 EBADF
unlinkat(AT_FDCWD, NULL, 0) = -1 EFAULT
mkdirat(AT_FDCWD, "/d", 0755) = 0
chdir("/d") = 0
getcwd("/d\x00", 64) = 3
symlinkat("to", AT_FDCWD, "link") = 0
X
cmp expected got || { say "texts:"; diff expected got; }
texts "name IN ('readlinkat', 'mmap', 'mprotect', 'munmap', 'nanosleep', 'pipe2', 'tgkill', 'wait4', 'clock_gettime', 'futex', 'kill') OR nr = 1000 OR error = 'EFAULT' AND name = 'write'" |
    sed 's/0x7f[0-9a-f]*/ADDRESS/g; s/= [0-9]\{2,3\}$/= N/; s/wait4([0-9][0-9]*/wait4(N/' >got
cat >expected <<'X'
readlinkat(AT_FDCWD, "link", "to", 64) = 2
mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = ADDRESS
mprotect(ADDRESS, 4096, PROT_NONE) = 0
write(1, ADDRESS, 3) = -1 EFAULT
munmap(ADDRESS, 8192) = 0
munmap(0x1, 10) = -1 EINVAL
nanosleep({7, 5}, NULL) = -1 EINTR
pipe2([3, 4], O_RDONLY|O_CLOEXEC) = 0
tgkill(1, 1, SIGUSR1) = 0
wait4(N, NULL, 0, NULL) = N
wait4(N, [1792], 0, NULL) = N
wait4(N, [1792], 0, NULL) = N
wait4(-1, ADDRESS, 0x1, NULL) = -1 ECHILD
clock_gettime(CLOCK_MONOTONIC, NULL) = -1 EFAULT
futex(NULL, FUTEX_WAKE|FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0) = 0
unknown(0x1, 0x2, 0x3, 0, 0, 0) = -1 ENOSYS
X
cmp expected got || { say "texts:"; diff expected got; }

expect "a read that was begun again" "SELECT b.error, b.result, b.exit_pos < a.enter_pos, a.result FROM syscall AS b JOIN syscall AS a
    ON a.task_id = b.task_id AND a.name = 'read' AND a.id > b.id AND a.a0 = b.a0 WHERE b.error = 'ERESTARTSYS' ORDER BY a.id LIMIT 1" "ERESTARTSYS,,1,1"
expect "handlers return" "SELECT count(*), count(result), count(exit_pos) FROM syscall WHERE name = 'rt_sigreturn' AND $span" 3,0,3
expect "execve: a path and words that were in no memory when it began" \
    "SELECT count(*) FROM syscall WHERE text LIKE 'execve(\"/init\", [\"/init\", \"again\"], NULL) = 0'" 2
expect "execve: failing, and into the new program, which exits" "SELECT name, result, exit_pos IS NULL FROM syscall WHERE task_id =
    (SELECT task_id FROM syscall WHERE text LIKE 'execve(\"/nothing\", [\"/init\", \"again\"], NULL)%') AND (name IN ('execve', 'exit_group') OR text LIKE 'write(1, \"again\\n\", 6)%')" "\
execve,-2,0
execve,0,0
write,6,0
exit_group,,1"
expect "calls of one task follow each other" "SELECT count(*) FROM (SELECT enter_pos, lag(exit_pos) OVER (PARTITION BY task_id ORDER BY id) AS before,
    row_number() OVER (PARTITION BY task_id ORDER BY id) AS n FROM syscall) WHERE n > 1 AND (before IS NULL OR before >= enter_pos)" 0
for words in "--backend interp" "--perturb 6"; do
    # shellcheck disable=SC2086
    "$RR" replay --quiet r.rrec --db other.db --analysis syscalls $words || say "replay $words failed"
    sql other.db "SELECT * FROM syscall" >rows.other
    sql r.db "SELECT * FROM syscall" | cmp - rows.other || say "$words gives other rows"
done
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
