# SPDX-License-Identifier: GPL-2.0-or-later
# Symbols of modules that a Linux guest loads into its kernel: two, of which the second one comes after the first one was
# removed, and the first one again. What is expected follows from where
# the guest says that their code is, and from nm.
set -u
. "$TOP/tests/cli/linux-guest.inc"
. "$TOP/tests/cli/expect.inc"
for name in xor raid6_pq; do
    [ -f "$linux/$name.ko" ] || { echo "skipped: no module $name.ko of the guest's kernel (./dev test fetches it)"; exit 77; }
done
mkdir -p modules.root/sys
cp "$linux/xor.ko" "$linux/raid6_pq.ko" modules.root
linux_record m modules -icount shift=4 || say "record failed"
[ "$(grep -c '^now .* 0xffffffff' m.out)" = 3 ] || { say "the guest says:"; tail -5 m.out; }
"$RR" replay --quiet m.rrec --db m.db --analysis calls,insns=0 --analysis funcs --analysis blocks || say "replay failed"
at() { sql "$1" "SELECT last_pos FROM console WHERE text LIKE '$2%'"; }

# Each function of the module's code has, once the guest says where that is, a name that nm has for it; and none before and afterwards.
cat >names.py <<'PYTHON'
import collections, subprocess, sys
rr, db, whats = sys.argv[1], sys.argv[2], sys.argv[3:]
files = {"first": "xor", "other": "raid6_pq", "again": "xor"}
bases = {w[1]: int(w[3], 16) for w in map(str.split, open("m.out", errors="replace")) if len(w) == 4 and w[0] == "now"}
def told(what):
    found = collections.defaultdict(set)
    for line in subprocess.run(["riscv64-linux-gnu-nm", "-f", "sysv", f"modules.root/{files[what]}.ko"], check=True, capture_output=True, text=True).stdout.splitlines():
        words = [w.strip() for w in line.split("|")]
        if len(words) == 7 and words[3] == "FUNC" and words[6] == ".text":
            found[bases[what] + int(words[1], 16)].add(words[0])
    return found
def ask(what, when):
    values = ", ".join(f"({a - (1 << 64)})" for a in told(what))
    sql = f"WITH f(a) AS (VALUES {values}) SELECT hex64(a), coalesce(symbol_at(a, NULL, (SELECT last_pos FROM console WHERE text LIKE '{when}%')), '') FROM f"
    out = subprocess.run([rr, "sql", "--quiet", "--format", "csv", db, sql], check=True, capture_output=True, text=True).stdout
    return {int(a, 16): name for a, name in (l.split(",") for l in out.splitlines()[1:])}
for what in whats:
    names = told(what)
    assert len(names) > 8, names
    for a, name in ask(what, "now " + what).items():
        assert name in names[a], (what, hex(a), name, names[a])
if "first" in whats:
    assert set(ask("first", "loading first").values()) == {""}, "there are names before the module was loaded"
    assert set(ask("first", "removed").values()) == {""}, "there are names of a module that was removed"
PYTHON
python3 names.py "$RR" m.db first other again || say "names are not the files'"

# What ran of them: both times the same, init functions too, whose memory is another module's meanwhile.
expect "calls by symbol and load" m.db "SELECT symbol, sum(call_pos < $(at m.db removed)), sum(call_pos > $(at m.db "now other")) FROM call
    WHERE symbol IN ('calibrate_xor_blocks', 'xor_8regs_2', 'xor_32regs_2') GROUP BY 1 ORDER BY 2, 1" "\
calibrate_xor_blocks,1,1
$(sql m.db "SELECT 'xor_32regs_2', count(*) / 2, count(*) / 2 FROM call WHERE symbol = 'xor_32regs_2'")
$(sql m.db "SELECT 'xor_8regs_2', count(*) / 2, count(*) / 2 FROM call WHERE symbol = 'xor_8regs_2'")"
# By a name that nobody knew at the beginning (programs are followed, so modules' names may come too).
"$RR" replay --quiet m.rrec --db s.db --sysroot modules.root --analysis calls,as=one,symbol=xor_8regs_2 --analysis regs,as=at,symbol=xor_8regs_2,regs=pc || say "replay with symbol= failed"
expect "calls and registers of one function" s.db "SELECT (SELECT count(*) FROM one_call), (SELECT count(*) FROM at), (SELECT count(DISTINCT value) FROM at)" \
    "$(sql m.db "SELECT count(*), count(*), 2 FROM call WHERE symbol = 'xor_8regs_2'")"
expect "functions" m.db "SELECT m.name, symbol, sum(calls) = (SELECT count(*) FROM call AS c WHERE c.symbol = f.symbol AND c.kind = 'call') FROM func AS f JOIN module AS m ON m.id = module_id
    WHERE symbol IN ('calibrate_xor_blocks', 'xor_8regs_2', 'raid6_int4_gen_syndrome') GROUP BY 1, 2 ORDER BY 1, 2" "\
raid6_pq.ko,raid6_int4_gen_syndrome,1
xor.ko,calibrate_xor_blocks,1
xor.ko,xor_8regs_2,1"
expect "blocks lie in their modules, wherever those were" m.db "SELECT symbol, count(DISTINCT pc), count(DISTINCT offset), sum(count) FROM block JOIN module AS m ON m.id = module_id
    WHERE m.name = 'xor.ko' AND symbol = 'xor_8regs_2'" "xor_8regs_2,2,1,$(sql m.db "SELECT count(*) FROM call WHERE symbol = 'xor_8regs_2'")"
expect "cover counts both" m.db "SELECT count FROM cover JOIN module AS m ON m.id = module_id JOIN program_symbol AS s USING (module_id) WHERE m.name = 'xor.ko' AND s.name = 'xor_8regs_2' AND offset = s.addr" \
    "$(sql m.db "SELECT count(*) FROM call WHERE symbol = 'xor_8regs_2'")"

# A replay that begins when a module is there already finds it; one that goes on where it was another finds the same rows.
"$RR" replay --quiet m.rrec --db late.db --from "console:now other" --analysis insn || say "replay failed"
python3 names.py "$RR" late.db other again || say "names of a late replay are not the files'"
expect "insn" late.db "SELECT count(*) FROM insn WHERE symbol = 'xor_8regs_2'" "$(sql m.db "SELECT count(*) / 2 FROM call WHERE symbol = 'xor_8regs_2'")"
maps="SELECT m.name, map.from_pos, addr, map.size, shift FROM map LEFT JOIN module AS m ON m.id = module_id WHERE satp IS NULL ORDER BY from_pos, addr"
"$RR" replay --quiet m.rrec --db perturbed.db --perturb 3 --analysis checkpoint || say "replay failed"
"$RR" replay --quiet m.rrec --db parallel.db -j 2 --analysis checkpoint || say "replay -j 2 failed"
"$RR" replay --quiet m.rrec --db m.db --from "console:now other" --analysis checkpoint || say "replay failed"
for db in perturbed parallel m; do
    expect "where modules are: $db" $db.db "SELECT count(*) FROM ($maps)" 20
    [ "$(sql $db.db "$maps")" = "$(sql perturbed.db "$maps")" ] || say "$db: modules are elsewhere"
done
[ $fails -eq 0 ] && echo "all good"
exit $((fails > 0))
