#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Side by side with QEMU: wall and CPU seconds, medians, ratios. Never a verdict.

Each round runs every contender once, in turn, so that a drift of the machine meets all alike. A guest of your own is
anything that powers off by itself, spelled as for qemu-system-riscv64:

    ./dev bench --guest mine '-M virt -m 1G -nographic -kernel Image -initrd mine.cpio.gz -append console=ttyS0'
"""
import argparse, json, math, os, shlex, shutil, statistics, subprocess, sys, tempfile, time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
CACHE = os.path.join(TOP, ".cache")

# name, kind, where its initramfs is, further machine words, what it does; kinds: see MEANS. "more": only when asked for.
WORKLOADS = [
    ("bench", "compute", "bare", [], "bare metal: lists, matrices, a state machine, CRC"),
    ("polling", "devices", "bare", [], "bare metal: registers of devices in a loop"),
    ("far", "memory", "bare", [], "bare metal: arrays a power of two apart, memory in no order"),
    ("boot", "boot", "linux", [], "Debian's kernel to the first process and poweroff"),
    ("gzip", "compute", "linux", [], "gzip -9 and SHA-256 of 14 MB"),
    ("xz", "compute", "bench", [], "xz -3 of 14 MB"),
    ("lua-sort", "compute", "bench", [], "Lua sorts tables"),
    ("lua-float", "compute", "bench", [], "Lua in floating point"),
    ("sqlite", "compute", "bench", [], "SQLite fills, joins and groups tables"),
    ("forkexec", "boot", "linux", [], "300 x fork and exec"),
    ("boot-smp4", "smp", "linux", ["-smp", "4"], "the boot with -smp 4"),
    ("bzip2", "more", "linux", [], "bzip2 -9 of 6 MB and back"),
    ("float", "more", "linux", [], "awk in floating point"),
    ("sha256", "more", "linux", [], "SHA-256 of 48 MB"),
    ("sort", "more", "linux", [], "sort, awk and sed over text"),
]
TRACED = ("boot", "gzip", "lua-sort")  # with insn and memtrace into a database
MEANS = {"compute": "geometric mean, computing", "boot": "geometric mean, boot and processes"}
# Replays of the recording: as it is; counting by tests/bench/count.c; with the analysis that writes blocks and edges.
REPLAYS = {
    "replay": [],
    "count insns": ["--plugin", "{count}"],
    "count blocks": ["--plugin", "{count},blocks=true"],
    "blocks, edges": ["--analysis", "blocks"],
}

# The tables: heading, then (column, contender measured, contender it is divided by, key).
RIVALS = "recorded, against QEMU that records nothing"
COSTS = "what recording and observing cost"
RATIOS = {
    RIVALS: [
        ("/7.2 wall", "record", "qemu 7.2", "wall"),
        ("/7.2 cpu", "record", "qemu 7.2", "cpu"),
        ("/10 wall", "record", "qemu 10", "wall"),
        ("/10 cpu", "record", "qemu 10", "cpu"),
    ],
    COSTS: [
        ("record/run", "record", "run", "cpu"),
        ("replay/record", "replay", "record", "cpu"),
        ("insns/replay", "count insns", "replay", "cpu"),
        ("blocks/replay", "count blocks", "replay", "cpu"),
        ("edges/replay", "blocks, edges", "replay", "cpu"),
    ],
}


def machine_of(name, where, words, build):
    """The machine's words, or None if the guest is not there."""
    if where == "bare":
        elf = os.path.join(build, "guests", name + ".elf")
        return ["-M", "virt", "-nographic", "-bios", "none", "-kernel", elf] if os.path.exists(elf) else None
    image, initrd = os.path.join(CACHE, "linux", "Image"), os.path.join(CACHE, where, name.split("-smp")[0] + ".cpio.gz")
    if not os.path.exists(initrd) or not os.path.exists(image):
        return None
    return ["-M", "virt", "-m", "512M", *words, "-nographic", "-kernel", image, "-initrd", initrd, "-append", "console=ttyS0 rdinit=/init"]


class Chroot:
    """QEMU 10 in its chroot: files of the command line are copied in, once."""

    def __init__(self, root):
        self.root = root

    def words(self, machine):
        def inside(word):
            if not os.path.isfile(word):
                return word
            os.makedirs(os.path.join(self.root, "guest"), exist_ok=True)
            shutil.copy(word, os.path.join(self.root, "guest", os.path.basename(word)))
            return "/guest/" + os.path.basename(word)
        return ["chroot", self.root, "qemu-system-riscv64"] + [inside(w) for w in machine]


def measure(words, timeout):
    """One run: wall, user+system, peak resident KiB, status."""
    began = time.monotonic()
    p = subprocess.Popen(["timeout", str(timeout)] + words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    return {"wall": time.monotonic() - began, "cpu": usage.ru_utime + usage.ru_stime, "rss": usage.ru_maxrss, "status": p.returncode}


def median(rows, key):
    return statistics.median(r[key] for r in rows)


def contenders_of(machine, rr, rec, rivals):
    """{label: words}, in the order in which a round runs them: a replay follows the recording that it replays."""
    found = {}
    for label, rival in rivals.items():
        found[label] = rival.words(machine) if isinstance(rival, Chroot) else shlex.split(rival) + machine
    found["run"] = [rr, "run", "--quiet"] + machine
    found["record"] = [rr, "record", "--quiet", "--force", "-o", rec] + machine
    count = os.path.join(os.path.dirname(rec), "count.so")
    for label, words in REPLAYS.items():
        found[label] = [rr, "replay", "--quiet", rec] + [w.format(count=count) for w in words]
    return found


def build_plugin(folder):
    subprocess.run(["cc", "-shared", "-fPIC", "-O2", "-I", os.path.join(TOP, "analyses"), "-o", os.path.join(folder, "count.so"),
                    os.path.join(HERE, "count.c")], check=True)


def compare(name, contenders, runs, timeout):
    """Rounds of all contenders; {label: {wall, cpu, rss, runs}} of medians."""
    rows = {label: [] for label in contenders}
    for turn in range(runs):
        for label, words in contenders.items():
            if sys.stderr.isatty():
                print(f"\r{name}: round {turn + 1} of {runs}, {label:16}", end="", file=sys.stderr, flush=True)
            rows[label].append(measure(words, timeout))
    if sys.stderr.isatty():
        print("\r" + " " * 60 + "\r", end="", file=sys.stderr, flush=True)
    for label, each in rows.items():
        bad = sorted({r["status"] for r in each if r["status"]})
        if bad:
            print(f"{name}: {label} ended with status {', '.join(map(str, bad))}: its figures are not those of a whole run")
    return {label: {key: median(each, key) for key in ("wall", "cpu", "rss")} | {"runs": each} for label, each in rows.items()}


def ratio(result, over, under, key):
    """The median of the rounds' ratios: the two runs of a round were neighbours."""
    if over not in result or under not in result:
        return None
    return statistics.median(a[key] / b[key] for a, b in zip(result[over]["runs"], result[under]["runs"]))


def cells(columns):
    return "".join(f"{text:>{width}}" for text, width in columns)


def number(value, digits=2):
    return "-" if value is None else f"{value:.{digits}f}"


def table(title, report, columns, seconds):
    """A row each workload: seconds of some contenders ("wall cpu"), then ratios; then the means."""
    print(f"\n{title}\n{'':12}" + cells([(label, 16) for label in seconds] + [(c[0], 15) for c in columns]))
    for row in report:
        got = row["contenders"]
        pairs = [(f"{number(got[s]['wall'])} {got[s]['cpu']:6.2f}" if s in got else "-", 16) for s in seconds]
        print(f"{row['workload']:12}" + cells(pairs + [(number(row["ratios"][c[0]]), 15) for c in columns]))
    for kind, what in MEANS.items():
        means = [geometric([r["ratios"][c[0]] for r in report if r["kind"] == kind]) for c in columns]
        print(f"{what:{12 + 16 * len(seconds)}}" + cells([(number(m), 15) for m in means]))


def geometric(values):
    values = [v for v in values if v]
    return math.exp(sum(map(math.log, values)) / len(values)) if values else None


def memory_table(report):
    print(f"\npeak resident MiB\n{'':12}" + cells([(label, 14) for label in report[0]["contenders"]]))
    for row in report:
        print(f"{row['workload']:12}" + cells([(f"{r['rss'] / 1024:.0f}", 14) for r in row["contenders"].values()]))


def trace(rr, rec, folder, runs, timeout, analysis, column):
    """One of the large tables: rows a second into the finished database, bytes a row, a scan. The database is `folder`/trace.db."""
    db = os.path.join(folder, "trace.db")
    results = []
    for _ in range(runs):
        if os.path.exists(db):
            os.unlink(db)
        results.append(measure([rr, "replay", rec, "--quiet", "--analysis", analysis, "--db", db], timeout))
    rows = int(ask(rr, db, f"SELECT rows FROM analysis WHERE name='{analysis}'"))
    wall, cpu, size = median(results, "wall"), median(results, "cpu"), os.path.getsize(db)
    began = time.monotonic()
    scanned = int(ask(rr, db, f"SELECT count({column}) FROM {analysis} WHERE pos < 200000000"))
    scan = scanned / (time.monotonic() - began)
    print(f"{analysis:12}{rows / 1e6:.0f} M rows, {rows / wall / 1e6:.1f} M a second, {rows / cpu / 1e6:.1f} M a CPU second, {size / rows:.3f} bytes each,"
          f" scan {scan / 1e6:.1f} M a second, {median(results, 'rss') // 1024} MiB", flush=True)
    return {"rows": rows, "rows_per_s": rows / wall, "rows_per_cpu_s": rows / cpu, "bytes_per_row": size / rows, "scan_per_s": scan,
            "rss_kib": median(results, "rss")}


def ask(rr, db, sql):
    out = subprocess.run([rr, "sql", "--format", "csv", db, sql], capture_output=True, text=True, check=True).stdout.splitlines()
    return out[1] if len(out) > 1 else None


def page_index(rr, rec, folder, runs, timeout):
    """memtrace,storage=index: over a plain replay, bytes a window, and the last writers, which are replayed."""
    db, plain, indexed = os.path.join(folder, "index.db"), [], []
    for _ in range(runs):
        if os.path.exists(db):
            os.unlink(db)
        plain.append(measure([rr, "replay", rec, "--quiet"], timeout))
        indexed.append(measure([rr, "replay", rec, "--quiet", "--analysis", "memtrace,storage=index", "--db", db], timeout))
    ratios = {key: statistics.median(i[key] / p[key] for i, p in zip(indexed, plain)) for key in ("wall", "cpu")}
    windows, size = (int(ask(rr, db, f"SELECT {what} FROM memtrace_chunk")) for what in ("count(*)", "sum(length(touched))"))
    print(f"index       {ratios['wall']:.2f} of the plain replay's time, {ratios['cpu']:.2f} of its CPU, {size // windows} bytes a window, {windows} windows",
          flush=True)
    return {"over_replay": ratios, "bytes_per_window": size / windows, "last_writer_ms": last_writers(rr, db)}


def last_writers(rr, db):
    """Milliseconds to the last writer of some addresses, from a database with memtrace."""
    latencies = []
    for where in ("(SELECT paddr FROM memtrace ORDER BY pos DESC LIMIT 1)", "0x80200000+4096", "0x80000000+0x40000"):
        address = ask(rr, db, f"SELECT {where}")
        began = time.monotonic()
        ask(rr, db, f"SELECT pos, pc, value FROM write WHERE paddr = {address} ORDER BY pos DESC LIMIT 1")
        latencies.append((time.monotonic() - began) * 1000)
        print(f"last writer {int(address):#x}: {latencies[-1]:.0f} ms (process start included)")
    return latencies


def trace_means(report):
    for analysis in ("insn", "memtrace"):
        rows = [r[analysis] for r in report if analysis in r]
        if rows:
            print(f"{analysis}: geometric means of {len(rows)}: {geometric([r['rows_per_s'] for r in rows]) / 1e6:.1f} M rows a second,"
                  f" {geometric([r['rows_per_cpu_s'] for r in rows]) / 1e6:.1f} M a CPU second, {geometric([r['bytes_per_row'] for r in rows]):.3f} bytes each")


def run_workload(name, kind, machine, a, rr, folder, rivals):
    """All of one workload: its line of the report."""
    rec = os.path.join(folder, "r.rrec")
    row = {"workload": name, "kind": kind, "contenders": compare(name, contenders_of(machine, rr, rec, rivals), a.runs, a.timeout)}
    row["ratios"] = {c[0]: ratio(row["contenders"], *c[1:]) for columns in RATIOS.values() for c in columns}
    info = json.loads(subprocess.run([rr, "info", "--json", rec], capture_output=True, text=True).stdout)
    row["log_bytes"], row["steps"] = info["sizes"]["events"], info["end"]["pos"]
    print(f"{name:12}{row['steps'] / 1e9:6.2f}e9 steps, log {row['log_bytes']} bytes, recorded in"
          f" {number(row['ratios']['/7.2 wall'])} of QEMU 7.2's time, {number(row['ratios']['/7.2 cpu'])} of its CPU", flush=True)
    if name in TRACED:
        row["insn"] = trace(rr, rec, folder, max(1, a.runs // 2), a.timeout, "insn", "pc")
        row["memtrace"] = trace(rr, rec, folder, max(1, a.runs // 2), a.timeout, "memtrace", "value")
        row["last_writer_ms"] = last_writers(rr, os.path.join(folder, "trace.db"))
        row["index"] = page_index(rr, rec, folder, max(1, a.runs // 2), a.timeout)
    return row


def arguments():
    p = argparse.ArgumentParser(prog="./dev bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                epilog="workloads:\n" + "\n".join(f"  {w[0]:12}{w[4]}{' (only when named)' if w[1] == 'more' else ''}" for w in WORKLOADS))
    p.add_argument("rr", help=argparse.SUPPRESS)
    p.add_argument("--runs", type=int, default=5, help="rounds, of which the medians are taken (default 5)")
    p.add_argument("--only", nargs="*", default=[], metavar="NAME", help="only these workloads")
    p.add_argument("--guest", nargs=2, action="append", default=[], metavar=("NAME", "MACHINE"), help="one of your own, instead of them")
    p.add_argument("--qemu", action="append", default=[], metavar="LABEL=PATH", help="a further qemu-system-riscv64 to compare with")
    p.add_argument("--timeout", type=int, default=900, metavar="S", help="end a run that takes longer (default 900)")
    p.add_argument("--json", metavar="FILE", help="write all figures, each run's too")
    return p.parse_args()


def main():
    a = arguments()
    rr, report = os.path.abspath(a.rr), []
    build = os.path.dirname(os.path.dirname(rr))
    subprocess.run([os.path.join(TOP, "tests", "guests", "build.sh"), os.path.join(build, "guests")], check=False,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    jobs = [(name, kind, machine_of(name, where, words, build)) for name, kind, where, words, _ in WORKLOADS
            if name in a.only or (kind != "more" and not a.only and not a.guest)]
    jobs += [(name, "own", shlex.split(words)) for name, words in a.guest]
    rivals = {"qemu 7.2": "qemu-system-riscv64"}
    chroot = os.path.join(CACHE, "qemu10")
    if os.path.exists(os.path.join(chroot, "usr/bin/qemu-system-riscv64")):
        rivals["qemu 10"] = Chroot(chroot)
    rivals.update(q.split("=", 1) for q in a.qemu)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="rr-emu-bench.") as folder:
        build_plugin(folder)
        for name, kind, machine in jobs:
            if machine is None:
                print(f"{name:12}left out: the guest is missing")
                continue
            report.append(run_workload(name, kind, machine, a, rr, folder, rivals))
    if report:
        table(f"{RIVALS}: seconds, wall and user + system", report, RATIOS[RIVALS], [*rivals, "run", "record"])
        table(f"{COSTS}: ratios of user + system", report, RATIOS[COSTS], ["record", *REPLAYS])
        memory_table(report)
        trace_means(report)
    print(f"\n{os.cpu_count()} processors, load {load:.1f} at the beginning and {os.getloadavg()[0]:.1f} at the end, {a.runs} rounds")
    if a.json:
        with open(a.json, "w") as f:
            json.dump({"processors": os.cpu_count(), "load": [load, os.getloadavg()[0]], "rounds": a.runs, "workloads": report}, f, indent=1)


main()
