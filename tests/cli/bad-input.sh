# SPDX-License-Identifier: GPL-2.0-or-later
# Bad input: one line that says what, where and what was expected; nothing that was there is lost.
set -u
fails=0
bad() { echo "$*"; fails=$((fails + 1)); }
refuse() { # refuse NAME STATUS REGEX COMMAND…: exit status, and one line on stderr that matches
    local name=$1 status=$2 pattern=$3 got
    shift 3
    "$@" >out 2>err </dev/null
    got=$?
    [ $got -eq "$status" ] || bad "$name: exit status $got, expected $status: $(cat err)"
    [ "$(wc -l <err)" -eq 1 ] && grep -Eq -- "^rr-emu: .*$pattern" err || bad "$name: expected one line with '$pattern': $(cat err)"
}
[ -f "$GUESTS/hello.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
virt="-M virt -nographic -bios none"
"$RR" record --quiet -o good.rrec $virt -kernel "$GUESTS/traps.elf" </dev/null >/dev/null || bad "traps does not run"
"$RR" record --quiet -o other.rrec $virt -kernel "$GUESTS/hello.elf" </dev/null >/dev/null || bad "hello does not run"
size=$(stat -c %s good.rrec)

# Kernels.
head -c 200 "$GUESTS/hello.elf" >cut.elf
python3 - "$GUESTS/hello.elf" <<'PY'
import struct, sys
elf = bytearray(open(sys.argv[1], "rb").read())
at = struct.unpack_from("<Q", elf, 32)[0]
def program(name, **fields):
    e = bytearray(elf)
    for field, value in fields.items():
        struct.pack_into("<Q", e, at + {"filesz": 32, "memsz": 40, "paddr": 24}[field], value)
    open(name, "wb").write(e)
program("beyond.elf", filesz=1 << 40, memsz=1 << 40)
program("nowhere.elf", paddr=0x40000000)
elf[4] = 1
open("elf32.elf", "wb").write(elf)
image = bytearray(64)
image[56:60] = b"RSC\x05"
struct.pack_into("<QQ", image, 8, 0x200000, 1 << 40)
open("Image", "wb").write(image)
# With an EFI stub: one section, of 4096 bytes at 0x200 of the file.
image = bytearray(0x200 + 4096)
image[0:2], image[56:60], image[64:68] = b"MZ", b"RSC\x05", b"PE\0\0"
struct.pack_into("<QQ", image, 8, 0x200000, 8192)
struct.pack_into("<I", image, 60, 64)
struct.pack_into("<H", image, 64 + 6, 1)
struct.pack_into("<2I", image, 64 + 24 + 16, 4096, 0x200)
struct.pack_into("<4I", image, 0x200, 0x001003b7, 0x00005e37, 0x555e0e13, 0x01c3a023) # power off
struct.pack_into("<I", image, 4, 0x1fc0006f) # j 0x200
image[2:4] = b"\1\0"
open("Image-efi", "wb").write(image)
for n in (4607, 100, 90):
    open(f"Image-cut{n}", "wb").write(image[:n])
PY
gzip -c "$GUESTS/hello.elf" >kernel.gz
truncate -s 200M large.bin
: >empty.bin
refuse "missing kernel" 125 'absent.elf.*No such file' "$RR" run $virt -kernel absent.elf
refuse "a folder" 125 '/tmp' "$RR" run $virt -kernel /tmp
refuse "a device without end" 125 '-kernel /dev/zero: .*expected a file' "$RR" run $virt -kernel /dev/zero
refuse "empty kernel" 125 'empty.bin' "$RR" run $virt -kernel empty.bin
refuse "truncated ELF" 125 'cut.elf' "$RR" run $virt -kernel cut.elf
refuse "segment beyond the file" 125 'beyond.elf' "$RR" run $virt -kernel beyond.elf
refuse "segment outside RAM" 125 'nowhere.elf.*0x40000000' "$RR" run $virt -kernel nowhere.elf
refuse "32-bit ELF" 125 'elf32.elf' "$RR" run $virt -kernel elf32.elf
refuse "Image larger than memory" 125 'Image' "$RR" run $virt -kernel Image
for n in 4607 100 90; do
    refuse "Image of $n bytes, cut off" 125 "Image-cut$n.*cut off.*$n bytes" "$RR" run $virt -kernel Image-cut$n
done
"$RR" run --quiet $virt -kernel Image-efi </dev/null || bad "the whole Image does not run"
refuse "raw kernel larger than memory" 125 'large.bin' "$RR" run $virt -m 128M -kernel large.bin
refuse "compressed kernel" 125 'kernel.gz.*(gzip|compressed)' "$RR" run $virt -kernel kernel.gz
refuse "initrd larger than memory" 125 'large.bin' "$RR" run $virt -m 128M -kernel "$GUESTS/hello.elf" -initrd large.bin
refuse "device tree that is none" 125 'kernel.gz' "$RR" run $virt -kernel "$GUESTS/hello.elf" -dtb kernel.gz
refuse "a bad option" 125 "'-kernal'" "$RR" run -kernal x
refuse "-append without a kernel" 125 'append' "$RR" run $virt -append x

# Recordings.
for at in 4 100 $((size / 2)); do
    head -c $at good.rrec >cut.rrec
    "$RR" verify cut.rrec >out 2>err
    [ $? -le 2 ] && grep -q '^rr-emu: ' err || bad "cut at $at: $(cat err)"
done
head -c $((size - 10)) good.rrec >cut.rrec
"$RR" verify cut.rrec >out 2>err || bad "without its end frame, up to the last frame: $(cat err)"
refuse "an empty file" 2 'empty.bin' "$RR" verify empty.bin
refuse "no recording" 2 'kernel.gz.*not a recording' "$RR" verify kernel.gz
python3 - <<'PY'
data = open("good.rrec", "rb").read()
for name, at in (("version.rrec", 8), ("magic.rrec", 0)):
    changed = bytearray(data)
    changed[at] ^= 0x40
    open(name, "wb").write(changed)
import random
for k in range(40):
    changed = bytearray(data)
    changed[random.Random(k).randrange(len(data))] ^= 1 << k % 8
    open(f"flip{k}.rrec", "wb").write(changed)
PY
refuse "another version" 2 'version.rrec.*format 65.*reads format 1' "$RR" verify version.rrec
refuse "another magic" 2 'magic.rrec.*not a recording' "$RR" verify magic.rrec
for f in flip*.rrec; do # refused, or replayed up to the damage: never a crash, never a wrong replay that passes for whole
    "$RR" verify "$f" >out 2>err
    case $? in 0 | 2) ;; *) bad "$f: $(cat err)" ;; esac
    "$RR" info --json "$f" >out 2>err && grep -q '"complete" : true' out && bad "$f: the damage was not noticed"
done
refuse "an existing recording" 125 'good.rrec.*--force' "$RR" record -o good.rrec $virt -kernel "$GUESTS/hello.elf"
refuse "--force on what is no recording" 125 'kernel.gz.*not a recording' "$RR" record --force -o kernel.gz $virt -kernel "$GUESTS/hello.elf"
refuse "--force, and then no machine" 125 'absent.elf' "$RR" record --force -o good.rrec $virt -kernel absent.elf
refuse "a folder that is not there" 125 'absent/x.rrec' "$RR" record -o absent/x.rrec $virt -kernel "$GUESTS/hello.elf"
"$RR" verify good.rrec >out 2>err || bad "the good recording is gone: $(cat err)"

# Databases.
"$RR" replay --quiet good.rrec --analysis memtrace || bad "no database"
rows=$("$RR" sql --format csv good.rrec "SELECT count(*) FROM memtrace")
refuse "another recording's database" 2 'good.rrec.db' "$RR" replay other.rrec --db good.rrec.db --analysis memtrace
refuse "a database that is none" 2 'kernel.gz' "$RR" replay good.rrec --db kernel.gz --analysis memtrace
refuse "a folder as database" 2 '/tmp' "$RR" replay good.rrec --db /tmp --analysis memtrace
refuse "a bad option of an analysis" 2 'storage=never' "$RR" replay --quiet good.rrec --analysis memtrace,storage=never
refuse "an analysis that does not start" 2 "'q9'" "$RR" replay --quiet good.rrec --analysis regs,regs=q9
[ "$("$RR" sql --format csv good.rrec "SELECT count(*) FROM analysis WHERE name = 'regs'" | tail -n 1)" = 0 ] || bad "an analysis that did not start is in the database"
refuse "symbols that nothing looks at" 2 'nowhere' "$RR" replay --quiet good.rrec --symbols nowhere
if [ "$(id -u)" -ne 0 ]; then
    chmod 400 good.rrec.db
    refuse "read-only" 2 'good.rrec.db' "$RR" replay good.rrec --analysis memtrace
    chmod 600 good.rrec.db
elif command -v setpriv >/dev/null; then # root may write everything, unless it gives that up
    public=$(mktemp -d) # everybody may go there, which need not be so where the test runs
    cp good.rrec good.rrec.db "$RR" "$public"
    chmod 755 "$public" "$public/rr-emu"
    chmod 444 "$public"/good.*
    unprivileged="setpriv --reuid 65534 --regid 65534 --clear-groups $public/rr-emu"
    refuse "read-only" 2 'good.rrec.db' $unprivileged replay "$public/good.rrec" --analysis memtrace
    $unprivileged sql --format csv "$public/good.rrec" "SELECT count(*) FROM memtrace" >out 2>err || bad "a read-only database cannot be asked: $(cat err)"
    chmod 000 "$public/good.rrec.db"
    refuse "unreadable" 2 'good.rrec.db' $unprivileged sql "$public/good.rrec" "SELECT count(*) FROM memtrace"
    rm -r "$public"
fi
# Held by another program, as by a replay that fills it: neither an empty answer nor somebody else's file.
mkfifo held done
python3 -c 'import sqlite3; db = sqlite3.connect("good.rrec.db", isolation_level=None); db.execute("BEGIN EXCLUSIVE"); open("held", "w").close(); open("done").close()' &
read -r _ <held
refuse "asking what is locked" 2 'good.rrec.db: database is locked.*writing it' "$RR" sql good.rrec "SELECT count(*) FROM memtrace"
refuse "writing what is locked" 2 'good.rrec.db: database is locked.*writing it' "$RR" replay good.rrec --analysis memtrace
: >done
wait
refuse "writing without --write" 2 'without --write, good.rrec.*readonly' "$RR" sql good.rrec "DELETE FROM analysis"
refuse "a file that is not there" 2 'absent.rrec.*no such file' "$RR" sql absent.rrec "SELECT 1"
refuse "a file that is not there, by another name" 2 'absent: no such file' "$RR" sql absent "SELECT 1"
refuse "a file to export that is not there" 2 'absent: no such file' "$RR" export absent --format csv "SELECT 1"
refuse "a table that no analysis makes" 2 'no such table: nope; there are analysis .*console.* memtrace' "$RR" sql good.rrec "SELECT * FROM nope"
refuse "a table that one makes" 2 "no such table: irq; make it with 'rr-emu replay good.rrec --analysis irq'" "$RR" sql good.rrec "SELECT * FROM irq"
# Somebody else's SQLite file, with tables of the same names.
sqlite3 alien.db "CREATE TABLE cpu (a); CREATE TABLE task (b); CREATE TABLE meta (c); INSERT INTO cpu VALUES (1)"
refuse "a report of somebody else's database" 2 "alien.db: .*not one of rr-emu's; expected" "$RR" report alien.db -o alien.html
refuse "an export of somebody else's database" 2 "alien.db: .*not one of rr-emu's; expected" "$RR" export alien.db --format perfetto
[ -s out ] || [ -f alien.html ] && bad "something was made of alien.db: $(head -c 100 out)"
sqlite3 good.rrec.db "PRAGMA user_version" >out
cp good.rrec.db former.db
sqlite3 former.db "PRAGMA user_version = 1"
refuse "a report of another schema" 2 "former.db: schema version 1, this rr-emu reads $(cat out)" "$RR" report former.db -o former.html
for words in "export good.rrec --format csv -o /dev/full SELECT(1)" "report good.rrec -o /dev/full"; do
    refuse "$words" 2 '/dev/full: No space left' "$RR" $words
done
[ "$("$RR" sql --format csv good.rrec "SELECT count(*) FROM memtrace" 2>/dev/null)" = "$rows" ] || bad "rows were lost"

# What covers a part says so; what cannot be told from it is not answered from it.
"$RR" replay --quiet other.rrec --analysis memtrace --to 20 || bad "a part"
"$RR" sql other.rrec "SELECT count(*) FROM memtrace" >out 2>err
grep -q 'memtrace is partial: positions 0 to 20 of' err || bad "no warning of a partial table: $(cat err)"
cp other.rrec.db good.rrec.db
"$RR" sql good.rrec "SELECT count(*) FROM checkpoint" >out 2>err
grep -q "another recording's" err || bad "another recording's database was asked: $(cat err)"
refuse "another recording's database, further" 2 'good.rrec has no database of its own' "$RR" sql other.rrec good.rrec "SELECT 1"

# Devices and values that do not exist.
refuse "cache" 125 'cache' "$RR" run $virt -drive file=kernel.gz,format=raw,cache=fast -kernel "$GUESTS/hello.elf"
printf 'QFI\373\0\0\0\3' >disk.qcow2
truncate -s 1M disk.qcow2 one,two.img
refuse "qcow2 that does not say so" 125 'disk.qcow2: a qcow2 image.*format=raw' "$RR" run $virt -drive file=disk.qcow2 -kernel "$GUESTS/hello.elf"
"$RR" run --quiet $virt -drive file=disk.qcow2,format=raw -drive file=one,,two.img -kernel "$GUESTS/hello.elf" </dev/null >/dev/null 2>err ||
    bad "format=raw, and a comma in a name: $(cat err)"
refuse "a FIFO as disk" 125 'done: expected a file or a block device' "$RR" run $virt -drive file=done,format=raw -kernel "$GUESTS/hello.elf"
refuse "a folder as disk" 125 '/tmp: expected a file' "$RR" run $virt -drive file=/tmp,format=raw -kernel "$GUESTS/hello.elf"
refuse "a date far away" 125 '9999-01-01.*2554' "$RR" run $virt -rtc base=9999-01-01 -kernel "$GUESTS/hello.elf"
refuse "bus" 125 'virtio-mmio-bus.0 to virtio-mmio-bus.7' "$RR" run $virt -device virtio-rng-device,bus=virtio-mmio-bus.9 -kernel "$GUESTS/hello.elf"
refuse "rng without its object" 125 'rng-random,id=r' "$RR" run $virt -device virtio-rng-device,rng=r -kernel "$GUESTS/hello.elf"
refuse "max-insns 0" 125 'max-insns.*above 0' "$RR" run --max-insns 0 $virt -kernel "$GUESTS/hello.elf"
refuse "two recordings" 2 'other.rrec.*one recording' "$RR" verify good.rrec other.rrec
"$RR" analyses --json | python3 -c 'import json, sys; assert "memtrace" in [a["name"] for a in json.load(sys.stdin)]' || bad "analyses --json"
"$RR" list --json | python3 -c 'import json, sys; json.load(sys.stdin)' || bad "list --json"

# What the caller closed must not become the recording's descriptor; what cannot be printed was not answered.
for closed in '<&-' '>&-' '2>&-' '<&- >&- 2>&-'; do
    eval '"$RR" record --quiet --force -o closed.rrec $virt -kernel "$GUESTS/hello.elf" >/dev/null' "$closed" || bad "record $closed"
    "$RR" verify --quiet closed.rrec || bad "recorded with $closed"
done
for words in "info good.rrec" "sql good.rrec SELECT(1)" "help" "--version"; do
    "$RR" $words >/dev/full 2>err
    [ $? -eq 2 ] && grep -q 'standard output: No space left' err || bad "$words to a full disk: $(cat err)"
done
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
