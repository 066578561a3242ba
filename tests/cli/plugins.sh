# SPDX-License-Identifier: GPL-2.0-or-later
# The native plugin interface: the manual's plugin is built as the manual says; everything is observed, and agrees with the
# tables of the built-in analyses; block limits, backends and perturbation change nothing; what is refused; crashes.
set -eu
[ -f "$GUESTS/traps.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
fail() { echo "$*"; exit 1; }
record() { "$RR" record --quiet --force -o "$1.rrec" -M virt -nographic -bios none -kernel "$GUESTS/$1.elf" </dev/null >/dev/null; }
sql() { "$RR" sql --format csv "$@" | tail -n +2; }

# An installed rr-emu, and the manual's command.
meson install -C "$BUILD" --no-rebuild --quiet --destdir "$PWD/root" >/dev/null 2>&1 || fail "meson install"
pc=$(find root -name rr-plugin.pc)
[ -n "$pc" ] || fail "no rr-plugin.pc was installed"
PKG_CONFIG_PATH=$PWD/$(dirname "$pc") PKG_CONFIG_SYSROOT_DIR=$PWD/root
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR
python3 - "$TOP/docs/plugins.md" <<'PY'
import re, sys
text = open(sys.argv[1]).read()
open("watch.c", "w").write(re.search(r"<!-- watch.c -->\n```c\n(.*?)```", text, re.S)[1])
open("command", "w").write(re.search(r"<!-- command -->\n```sh\n(.*?)```", text, re.S)[1])
PY
sh -eu command || fail "the manual's command"
record bench-small
nodes=0x$(riscv64-unknown-elf-nm "$GUESTS/bench-small.elf" | awk '$3 == "nodes" { print $1 }')
"$RR" replay --quiet bench-small.rrec --plugin "./watch.so,address=$nodes,as=again" --analysis memtrace
q="SELECT count(*), sum(pos), sum(seq), sum(pc), sum(value) FROM"
a=$(sql bench-small.rrec "$q again")
b=$(sql bench-small.rrec "$q memtrace WHERE op='store' AND vaddr < $nodes+8 AND vaddr+size > $nodes")
[ "$a" = "$b" ] && [ "${a%%,*}" -gt 100 ] || fail "watch: $a; memtrace: $b"

# What it takes.
"$RR" analyses ./watch.so >text || fail "analyses ./watch.so"
grep -q '^watch  *stores to an address$' text && grep -q 'address=N (default 0): what to watch' text || { cat text; fail "analyses ./watch.so"; }
status=0
"$RR" analyses ./nothing.so 2>text || status=$?
[ $status -ne 0 ] && grep -q 'nothing.so: no such file' text || { cat text; fail "analyses ./nothing.so: exit status $status"; }

# Everything observed.
cc -shared -fPIC -O1 $(pkg-config --cflags rr-plugin) -o all.so "$TOP/tests/plugins/all.c"
for guest in traps timers paging plic virtio_rng smp; do
    [ -f "$GUESTS/$guest.elf" ] || continue
    extra=
    [ $guest = smp ] && extra="-smp 4"
    [ $guest = virtio_rng ] && extra="-device virtio-rng-device"
    # shellcheck disable=SC2086
    "$RR" record --quiet --force -o g.rrec -M virt -nographic -bios none -kernel "$GUESTS/$guest.elf" $extra </dev/null >/dev/null ||
        fail "$guest does not run"
    rm -f g.rrec.db
    "$RR" replay --quiet g.rrec --plugin ./all.so --analysis memtrace --analysis trap 2>all.txt || { cat all.txt; fail "$guest"; }
    grep -q 'bad 0$' all.txt || { cat all.txt; fail "$guest: the plugin found something wrong"; }
    set -- $(cat all.txt)
    [ "$2" = "$8" ] && [ "$4" = "$9" ] && [ "$6" = "${10}" ] || { cat all.txt; fail "$guest: calls and counters differ"; }
    loads=$(sql g.rrec "SELECT count(*) FROM memtrace WHERE op IN ('load','lr','amo_load')")
    [ "$4" -le "$loads" ] || fail "$guest: $4 loads, memtrace has $loads"
    steps=$("$RR" info --json g.rrec | python3 -c 'import json, sys; print(json.load(sys.stdin)["end"]["pos"])')
    retired=$((steps - $(sql g.rrec "SELECT count(*) FROM trap")))
    [ "$2" -ge "$retired" ] && [ "$2" -le "$steps" ] || fail "$guest: $2 instructions in $steps steps"
    differ=$(sql g.rrec "SELECT count(*) FROM (SELECT pos, is_interrupt, cause, epc FROM \"all\" EXCEPT SELECT pos, is_interrupt, cause, epc FROM trap)")
    [ "$differ" = 0 ] && [ "$(sql g.rrec 'SELECT count(*) FROM "all"')" = "$(sql g.rrec 'SELECT count(*) FROM trap')" ] ||
        fail "$guest: traps differ from the analysis trap"
    for way in "--backend interp" "--perturb 1" "--perturb 2"; do
        [ "${way#--perturb}" = "$way" ] || [ $guest != smp ] || continue
        # A perturbed replay goes back to former states, and shows those steps again: inline counters only say so too.
        # shellcheck disable=SC2086
        "$RR" replay --quiet g.rrec $way --plugin ./all.so --db other.db 2>other.txt || { cat other.txt; fail "$guest $way"; }
        grep -q 'bad 0$' other.txt || { cat other.txt; fail "$guest $way: the plugin found something wrong"; }
        [ "$way" != "--backend interp" ] || cmp -s all.txt other.txt || { diff all.txt other.txt; fail "$guest: the backends differ"; }
        rm -f other.db
    done
done

# What is refused, by name.
refuse() { # refuse PATTERN WORDS…
    local pattern=$1 status=0
    shift
    "$RR" replay --quiet bench-small.rrec --db refused.db "$@" >text 2>&1 || status=$?
    [ $status -eq 2 ] && grep -q -- "$pattern" text || { cat text; fail "exit status $status, expected 2 and '$pattern'"; }
}
cc -shared -fPIC -DVERSION=99 $(pkg-config --cflags rr-plugin) -o new.so "$TOP/tests/plugins/all.c"
cc -shared -fPIC -DVERSION=0 $(pkg-config --cflags rr-plugin) -o old.so "$TOP/tests/plugins/all.c"
echo 'int nothing;' | cc -shared -fPIC -x c -o none.so -
refuse 'new.so.*version 99.*too new' --plugin ./new.so
refuse 'old.so.*version 0.*too old' --plugin ./old.so
refuse 'none.so: not a plugin' --plugin ./none.so
refuse 'absent.so: no such file' --plugin ./absent.so
refuse "'colour=red' is unknown; it takes.*calls=on|off" --plugin ./all.so,colour=red
refuse 'calls=perhaps: expected on|off' --plugin ./all.so,calls=perhaps
refuse 'mood=sad: expected good|bad' --plugin ./all.so,mood=sad
refuse 'refused to start' --plugin ./all.so,mood=bad

# Names: those of tables that rr-emu makes would be dropped, and so would a second plugin's.
cc -shared -fPIC $(pkg-config --cflags rr-plugin) -o rows.so "$TOP/tests/plugins/rows.c"
cc -shared -fPIC -DBAD_OPTION $(pkg-config --cflags rr-plugin) -o bad.so "$TOP/tests/plugins/rows.c"
for name in meta META trap block cover_v write 2x 'a b'; do
    refuse "as=$name: expected" --plugin "./rows.so,as=$name"
done
refuse 'as=edge: expected' --analysis memtrace,as=edge
refuse "'few' is there already" --plugin ./rows.so --plugin ./rows.so
refuse "table 'few' is declared twice" --plugin ./rows.so,twice=on
[ "$(sql refused.db "SELECT count(*) FROM meta")" -gt 5 ] || fail "a database whose writer ended without a word cannot be read"
refuse "option 'bad' has" --plugin ./bad.so
refuse 'limit=99999999999999999999: expected a whole number' --plugin ./rows.so,limit=99999999999999999999
refuse 'limit=9999999999G: expected a whole number' --plugin ./rows.so,limit=9999999999G
refuse 'limit=1kk: expected a whole number' --plugin ./rows.so,limit=1kk

# Who declares no table costs no database.
cc -shared -fPIC $(pkg-config --cflags rr-plugin) -o count.so "$TOP/tests/bench/count.c"
"$RR" replay --quiet bench-small.rrec --db none.db --plugin ./count.so 2>text
grep -q ' counted$' text && [ ! -e none.db ] || { cat text; fail "a plugin without tables made a database"; }

# Rows of before stay when those of a second run cannot be written, or the plugin leaves; so do everybody else's.
state() { sqlite3 bench-small.rrec.db "SELECT name, complete, rows, (SELECT count(*) FROM few) FROM analysis WHERE name IN ('few', 'trap') ORDER BY name"; }
"$RR" replay --quiet bench-small.rrec --plugin ./rows.so --analysis trap
kept=$(state)
for how in fail leave; do
    status=0
    "$RR" replay bench-small.rrec --plugin ./rows.so,$how=on --analysis trap >text 2>&1 || status=$?
    [ $status -eq 2 ] || [ $how$status = leave3 ] || { cat text; fail "$how: exit status $status"; }
    grep -q 'few: 10 rows of an earlier replay will be replaced' text || { cat text; fail "$how: nothing said of the rows of before"; }
    [ "$(state)" = "$kept" ] || fail "$how: before '$kept', now '$(state)'"
done

# A crash is named and leaves the database as it was.
before=$(sql bench-small.rrec "$q again")
refuse 'plugin all.so crashed (SIGSEGV) in its callback instruction at pos 999' --plugin ./all.so,crash=on
status=0
"$RR" replay --quiet bench-small.rrec --plugin "./watch.so,address=$nodes,as=again" --plugin ./all.so,crash=on 2>text || status=$?
[ $status -eq 2 ] || fail "a crash gives exit status $status"
[ "$(sqlite3 bench-small.rrec.db 'PRAGMA integrity_check')" = ok ] || fail "the database is damaged"
[ "$(sql bench-small.rrec "$q again")" = "$before" ] || fail "a crash changed the rows of an earlier run"

# Exported: what the headers declare, what the manual lists (for ours), and nothing else.
python3 - "$TOP" "$RR" <<'PY'
import re, subprocess, sys
top, rr = sys.argv[1:]
exported = {line.split()[-1] for line in subprocess.run(["nm", "-D", "--defined-only", rr], capture_output=True, text=True).stdout.splitlines()}
ours = {s for s in exported if s.startswith(("rr_", "qemu_plugin_"))}
rest = {s.split("@")[0] for s in exported - ours if not s.startswith("__asan")} - {"stdin", "stdout", "stderr", "environ", "g_ascii_table", "optarg", "optind"}
header = open(top + "/analyses/rr-plugin.h").read()
native = set(re.findall(r"RR_API [^;]*?\b(rr_\w+)\(", header))
qemu = set(re.findall(r"QEMU_PLUGIN_API [^;]*?\b(qemu_plugin_\w+)\(", open(top + "/analyses/qemu-plugin/qemu-plugin.h").read()))
manual = set(re.findall(r"`(rr_\w+)`", re.search(r"\| what \|.*?\n\n", open(top + "/docs/plugins.md").read(), re.S)[0]))
assert ours == native | qemu, ours ^ (native | qemu)
assert manual == native, manual ^ native
assert not rest, rest
members = set(re.findall(r"\(\*(\w+)\)\(RrSelf", re.search(r"typedef struct RrPlugin \{.*?\} RrPlugin;", header, re.S)[0])) - {"install"}
told = set(re.findall(r"`(\w+)`", re.search(r"\| what \|.*?\n\n", open(top + "/docs/plugins.md").read(), re.S)[0]))
assert members <= told, members - told
PY
echo "all good"
