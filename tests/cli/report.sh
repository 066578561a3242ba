# SPDX-License-Identifier: GPL-2.0-or-later
# `rr-emu report`: a section for what the database has and no other, nothing from elsewhere, and headless Chromium draws it.
set -eu
if [ ! -f "$GUESTS/virtio_blk.elf" ]; then echo "skipped: no cross compiler"; exit 77; fi
bad=0
fail() { echo "case fail report/$*"; bad=1; }
pass() { echo "case pass report/$*"; }
truncate -s 4M disk.img
"$RR" record --quiet -o r.rrec -M virt -nographic -bios none -kernel "$GUESTS/virtio_blk.elf" -drive file=disk.img,format=raw,if=none,id=d \
    -device virtio-blk-device,drive=d </dev/null >/dev/null || true

# Straight after `record`: the console; then, with every analysis, everything but tasks' names.
"$RR" report --quiet r.rrec -o bare.html
"$RR" replay --quiet r.rrec --analysis memtrace --analysis trap --analysis irq --analysis dma --analysis blocks --analysis tasks
"$RR" report --quiet r.rrec -o full.html
if grep -Eq '(src|href) *=|@import|url\(|https?://' bare.html full.html; then fail "self-contained  $(grep -Eo '.{20}((src|href) *=|https?://).{40}' full.html | head -2)"
else pass self-contained; fi
# The numbers in it: the last column of the hottest block, and the rows of DMA.
if python3 - "$RR" <<'PY'
import json, re, subprocess, sys
data = json.loads(re.search(r"^const page = (.*?);$", open("full.html").read(), re.M | re.S)[1])["data"]
def ask(sql):
    out = subprocess.run([sys.argv[1], "sql", "--format", "csv", "r.rrec", sql], capture_output=True, text=True, check=True).stdout
    return [line.split(",") for line in out.splitlines()[1:]]
assert data["blocks"][0][4] == int(ask("SELECT max(insns * count) FROM block")[0][0])
assert sum(f[2] for f in data["functions"]) <= int(ask("SELECT sum(count) FROM cover")[0][0])
assert data["frames"][0][2] == int(ask("SELECT sum(count) FROM cover")[0][0])
assert sum(n[3] for n in data["trapBins"]) == int(ask("SELECT count(*) FROM trap")[0][0])
assert len(data["cpu"]) == int(ask("SELECT count(*) FROM cpu")[0][0])
bytes_ = data["memory"]["bytes"]
for kind, op in ((1, "op NOT LIKE 'dma%'"), (3, "op LIKE 'dma%'")):
    rows = {r[0] for r in data["memory"]["rows"] if any(c[kind] for c in r[1:])}
    expected = {int(r[0]) for r in ask(f"SELECT DISTINCT paddr / {bytes_} * {bytes_} FROM memtrace WHERE {op}")}
    assert rows == expected, (op, rows ^ expected)
PY
then pass numbers; else fail numbers; fi

draw() { # draw NAME: the DOM to NAME.dom, a picture to NAME.png
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$PWD/chromium" --window-size=1400,2400 --dump-dom \
        "file://$PWD/$1.html" >"$1.dom" 2>"$1.err"
    chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --user-data-dir="$PWD/chromium" --window-size=1400,2400 \
        --screenshot="$PWD/$1.png" "file://$PWD/$1.html" >/dev/null 2>&1
}
sections() { grep -o '<section id="[a-z]*"' "$1.dom" | cut -d'"' -f2 | sort | tr '\n' ' '; }
check() { # check CASE NAME SECTIONS SMALLEST-PICTURE
    draw "$2"
    if ! grep -q 'data-ready="1"' "$2.dom"; then fail "$1  a script failed: $(grep -i 'error' "$2.err" | head -2)"
    elif [ "$(sections "$2")" != "$3 " ]; then fail "$1  sections: $(sections "$2")"
    elif [ "$(stat -c %s "$2.png" 2>/dev/null || echo 0)" -lt "$4" ]; then fail "$1  the picture has $(stat -c %s "$2.png" 2>/dev/null) bytes"
    else pass "$1"; fi
}
if ! command -v chromium >/dev/null 2>&1; then
    echo "case skip report/chromium  chromium is missing (Debian package chromium)"
else
    check chromium-bare bare "console" 15000
    check chromium full "blocks console flame functions memory timeline" 60000
    # Numbers of one have no s; a stack of 40 that hardly anything ran in takes no room until somebody asks for it.
    if grep -q '<b>1</b><span>task, 1 turn</span>' full.dom; then pass one; else fail "one  $(grep -o '<span>[^<]*turn[^<]*' full.dom)"; fi
    cp r.rrec.db deep.db
    "$RR" sql --write deep.db "CREATE TABLE call AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
        SELECT i AS id, nullif(i - 1, 0) AS parent_id, 'call' AS kind, 0 AS hart, 1 AS task_id, 'f' || i AS symbol, i AS pc, i AS call_pos, 1000000 - i AS return_pos,
        0 AS call_pc, iif(i = 1, 1000000, 1000) AS insns, i AS depth FROM n"
    "$RR" report --quiet deep.db -o deep.html
    draw deep
    height=$(grep -o '<section id="flame".*' deep.dom | grep -o 'canvas[^>]*height: [0-9]*px' | head -1 | grep -o '[0-9]*px')
    if [ "$(python3 -c 'import json, re; print(len(json.loads(re.search(r"^const page = (.*?);$", open("deep.html").read(), re.M | re.S)[1])["data"]["frames"]) > 40)')" = True ] &&
        [ "$height" = 59px ]; then pass thin-stack; else fail "thin-stack  the flame graph is $height high"; fi
    if grep -q '<span>[^<]*</span>' full.dom && grep -q 'virtio' full.dom; then pass chromium-console; else fail chromium-console; fi
    if [ -f "$TOP/.cache/linux/boot.cpio.gz" ]; then
        "$RR" record --quiet -o linux.rrec -M virt -m 512M -nographic -kernel "$TOP/.cache/linux/Image" -initrd "$TOP/.cache/linux/boot.cpio.gz" \
            -append "console=ttyS0 rdinit=/init" </dev/null >/dev/null
        "$RR" replay --quiet linux.rrec --analysis tasks --analysis trap --analysis blocks --analysis syscalls
        "$RR" report --quiet linux.rrec -o linux.html
        check chromium-linux linux "blocks console flame functions interrupts syscalls timeline" 100000
    else
        echo "case skip report/chromium-linux  the Linux guest could not be fetched"
    fi
fi
[ $bad = 0 ] || exit 0
