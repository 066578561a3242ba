# SPDX-License-Identifier: GPL-2.0-or-later
# What `rr-emu analyses` says of the built-in analyses' tables is what replays make.
set -u
[ -f "$GUESTS/plic.elf" ] || { echo "skipped: no cross compiler"; exit 77; }
virt="-M virt -nographic -bios none"
"$RR" analyses --json >analyses.json || exit 1
every=$(python3 -c 'import json; print(*("--analysis " + a["name"] for a in json.load(open("analyses.json"))))')
truncate -s 64K disk.img
for guest in traps plic virtio_blk smp blocks; do
    # shellcheck disable=SC2086
    "$RR" record --quiet --timeout 120 -o $guest.rrec $virt -smp 4 -drive file=disk.img,format=raw -kernel "$GUESTS/$guest.elf" </dev/null >/dev/null
    # shellcheck disable=SC2086
    "$RR" replay --quiet $guest.rrec $every || exit 1
done
for guest in traps plic virtio_blk smp blocks; do
    python3 - "$RR" $guest.rrec <<'P' || exit 1
import json, subprocess, sys
rr, rec = sys.argv[1:]
def ask(sql):
    return json.loads(subprocess.run([rr, "sql", "--format", "json", rec, sql], check=True, capture_output=True, text=True).stdout or "[]")
wrong = 0
for analysis in json.load(open("analyses.json")):
    described = {t["name"]: t for t in analysis["schema"]}
    for name in analysis["tables"]:
        columns = [r["name"] for r in ask(f"SELECT name FROM pragma_table_info('{name}')")]
        base = described.get(name.removesuffix("_v"))
        if not base:
            print(f"{name}: nobody says what it holds"); wrong = 1
            continue
        if columns != base["columns"]:
            print(f"{name} has {columns}, not {base['columns']}"); wrong = 1
        if not set(base["keys"]) <= set(columns):
            print(f"{name}: keys {base['keys']} are no columns"); wrong = 1
        for column, values in base["values"].items():
            seen = {r[column] for r in ask(f"SELECT DISTINCT {column} FROM {name} WHERE {column} IS NOT NULL")}
            if not seen <= set(values):
                print(f"{rec}: {name}.{column} is {seen - set(values)} too"); wrong = 1
sys.exit(wrong)
P
done
"$RR" help replay | grep -q 'storage=chunks|rows|index' || { echo "help replay: no options of analyses"; exit 1; }
