-- SPDX-License-Identifier: GPL-2.0-or-later
-- The database's tables (docs/sql.md is the manual). A line "--- name" begins a section; the store runs `base` on every
-- database, and an analysis runs its own section with $ replaced by the name given with as=NAME (its own by default).

--- base
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS analysis (
    id INTEGER PRIMARY KEY,
    name TEXT UNIQUE,        -- the name of its tables
    args TEXT,               -- the specification as given
    from_pos INTEGER, to_pos INTEGER,
    complete INTEGER,        -- 0 until the last commit
    rows INTEGER             -- NULL: not counted (storage=index)
);
CREATE TABLE IF NOT EXISTS checkpoint (pos INTEGER PRIMARY KEY, time_ns INTEGER, hash INTEGER);
CREATE TABLE IF NOT EXISTS input (
    pos INTEGER, seq INTEGER, time_ns INTEGER,
    kind TEXT, source INTEGER, size INTEGER, payload BLOB,
    PRIMARY KEY (pos, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS console (
    id INTEGER PRIMARY KEY,
    first_pos INTEGER, last_pos INTEGER,
    device TEXT, dir TEXT,   -- dir: out (the guest printed), in (it was typed)
    text TEXT
);
CREATE TABLE IF NOT EXISTS loader (paddr INTEGER, size INTEGER, name TEXT);
CREATE TABLE IF NOT EXISTS module (
    id INTEGER PRIMARY KEY, name TEXT, path TEXT, build_id TEXT, base INTEGER, size INTEGER
);
-- Symbols live compressed in symbol_chunk (analyses/store/symbol_set.h).
CREATE TABLE IF NOT EXISTS symbol_chunk (first_id INTEGER PRIMARY KEY, module_id INTEGER, rows INTEGER, stamp INTEGER, data BLOB);
CREATE VIRTUAL TABLE IF NOT EXISTS symbol USING symbols;
-- Programs of the guest (--sysroot): modules without a base, which lie where map says, moved by shift.
CREATE TABLE IF NOT EXISTS program_symbol (
    id INTEGER PRIMARY KEY, module_id INTEGER, name TEXT, addr INTEGER, size INTEGER, kind TEXT -- addr: as linked
);
CREATE INDEX IF NOT EXISTS program_symbol_module ON program_symbol (module_id);
CREATE TABLE IF NOT EXISTS program_line (
    module_id INTEGER,
    addr INTEGER,            -- as linked; up to before the next one
    file TEXT, line INTEGER, -- NULL: no line is known from here on
    PRIMARY KEY (module_id, addr)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS map (
    id INTEGER PRIMARY KEY,  -- in the order of time: of several that cover an address the last one counts
    satp INTEGER,            -- the page table's number, as in satp's low 44 bits
    from_pos INTEGER, addr INTEGER, size INTEGER,
    module_id INTEGER,       -- NULL: there is nothing any more
    shift INTEGER, pid INTEGER
);
CREATE TABLE IF NOT EXISTS space (hart INTEGER, from_pos INTEGER, satp INTEGER, PRIMARY KEY (hart, from_pos)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS line (
    addr INTEGER PRIMARY KEY, -- up to before the next one
    file TEXT, line INTEGER   -- NULL: no line is known from here on
);
CREATE VIEW IF NOT EXISTS checkpoint_v AS SELECT pos, time_ns, printf('%#x', hash) AS hash FROM checkpoint;
CREATE VIEW IF NOT EXISTS module_v AS
    SELECT id, name, path, build_id, printf('%#x', base) AS base, size FROM module;
CREATE VIEW IF NOT EXISTS symbol_v AS
    SELECT id, module_id, name, printf('%#x', addr) AS addr, size, kind FROM symbol;
CREATE VIEW IF NOT EXISTS line_v AS SELECT printf('%#x', addr) AS addr, file, line FROM line;

--- clear recording
DELETE FROM checkpoint;
DELETE FROM input;
DELETE FROM console;

--- trace drop
DROP VIEW IF EXISTS "$_v";
DROP TABLE IF EXISTS "$_chunk";
DROP TABLE IF EXISTS "$_code";
DROP TABLE IF EXISTS "$_index";
DROP TABLE IF EXISTS "$_loader";

--- trace chunks
-- Rows live compressed in "$_chunk"; the virtual tables memtrace and insn read them (analyses/store/chunk.h, runs.h,
-- index.h).
CREATE TABLE "$_chunk" (
    id INTEGER PRIMARY KEY,  -- 0, 1, 2 … in order of pos
    first_pos INTEGER, last_pos INTEGER, rows INTEGER,
    touched BLOB,            -- which pages, lines and granules
    data BLOB                -- rows and data NULL (storage=index): made when asked for, by replaying from first_pos to last_pos
);
CREATE INDEX "$_chunk_pos" ON "$_chunk" (first_pos, last_pos, rows);
CREATE TABLE "$_code" (segment INTEGER PRIMARY KEY, data BLOB);
CREATE TABLE "$_index" (level INTEGER, grp INTEGER, data BLOB, PRIMARY KEY (level, grp));

--- memtrace rows
CREATE TABLE "$" (
    pos INTEGER, seq INTEGER, hart INTEGER, satp INTEGER, pc INTEGER, op TEXT,
    vaddr INTEGER, paddr INTEGER, size INTEGER, value INTEGER, priv TEXT, symbol TEXT
);

--- memtrace rows finish
CREATE INDEX "$_pos" ON "$" (pos);
CREATE INDEX "$_paddr" ON "$" (paddr, pos);
-- What the loader placed, in pieces of 8 bytes, as the virtual table `write` has it: who wrote an address is asked alike.
CREATE TABLE "$_loader" (paddr INTEGER, image INTEGER, size INTEGER, PRIMARY KEY (paddr, image)) WITHOUT ROWID;
INSERT INTO "$_loader"
    WITH RECURSIVE piece (paddr, image, rest) AS (
        SELECT paddr, rowid, size FROM loader WHERE size > 0
        UNION ALL SELECT paddr + 8, image, rest - 8 FROM piece WHERE rest > 8)
    SELECT paddr, image, min(rest, 8) FROM piece;
CREATE VIEW "$_write" AS
    SELECT CAST(-1 AS INTEGER) AS pos, 0 AS seq, NULL AS hart, NULL AS satp, NULL AS pc, 'loader' AS op, NULL AS vaddr, paddr, size,
           NULL AS value, NULL AS priv, NULL AS symbol FROM "$_loader"
    UNION ALL SELECT * FROM "$" WHERE op IN ('store', 'sc', 'amo_store', 'dma_write', 'ptw');

--- memtrace instance
CREATE VIRTUAL TABLE "$" USING memtrace($);
CREATE VIRTUAL TABLE "$_write" USING write($);

--- memtrace view
CREATE VIEW "$_v" AS
    SELECT pos, seq, hart, iif(satp IS NULL, NULL, printf('%#x', satp)) AS satp, iif(pc IS NULL, NULL, printf('%#x', pc)) AS pc, op,
           iif(vaddr IS NULL, NULL, printf('%#x', vaddr)) AS vaddr, printf('%#x', paddr) AS paddr, size,
           printf('%#x', value) AS value, priv, symbol FROM "$";

--- insn rows
CREATE TABLE "$" (
    pos INTEGER PRIMARY KEY, hart INTEGER, pc INTEGER,
    bytes INTEGER,                -- 2 or 4, little-endian
    disas TEXT, priv TEXT, symbol TEXT
);
CREATE INDEX "$_pc" ON "$" (pc, pos);

--- insn instance
CREATE VIRTUAL TABLE "$" USING insn($);

--- insn view
CREATE VIEW "$_v" AS
    SELECT pos, hart, printf('%#x', pc) AS pc,
           CASE WHEN bytes & 3 = 3 THEN printf('%08x', bytes) ELSE printf('%04x', bytes) END AS bytes, disas, priv, symbol
    FROM "$";

--- regs chunks
-- Rows live compressed in "$_chunk"; the virtual table regs reads them (analyses/store/reg_chunk.h).
CREATE TABLE "$_chunk" (
    id INTEGER PRIMARY KEY,  -- 0, 1, 2 … in order of pos
    first_pos INTEGER, last_pos INTEGER, rows INTEGER,
    data BLOB
);
CREATE INDEX "$_chunk_pos" ON "$_chunk" (first_pos, last_pos, rows);

--- regs rows
CREATE TABLE "$" (pos INTEGER, seq INTEGER, hart INTEGER, reg TEXT, value INTEGER);

--- regs rows finish
CREATE INDEX "$_pos" ON "$" (pos, seq);

--- regs instance
CREATE VIRTUAL TABLE "$" USING regs($);

--- regs view
CREATE VIEW "$_v" AS SELECT pos, seq, hart, reg, printf('%#x', value) AS value FROM "$";

--- trap
DROP VIEW IF EXISTS "$_v";
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    pos INTEGER, seq INTEGER, time_ns INTEGER, hart INTEGER,
    is_interrupt INTEGER, cause INTEGER, name TEXT,
    epc INTEGER, tval INTEGER,
    from_priv TEXT, to_priv TEXT, -- U, S or M
    return_pos INTEGER,           -- the step after the mret or sret; NULL: it never returned
    task_id INTEGER, symbol TEXT, -- symbol: of epc
    PRIMARY KEY (pos, seq)
) WITHOUT ROWID;
CREATE VIEW "$_v" AS
    SELECT pos, seq, time_ns, hart, is_interrupt, cause, name, printf('%#x', epc) AS epc, printf('%#x', tval) AS tval,
           from_priv, to_priv, return_pos, task_id, symbol FROM "$";

--- console
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    id INTEGER PRIMARY KEY, first_pos INTEGER, last_pos INTEGER, device TEXT, dir TEXT, text TEXT
);

--- input
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    pos INTEGER, seq INTEGER, time_ns INTEGER, kind TEXT, source INTEGER, size INTEGER, payload BLOB,
    PRIMARY KEY (pos, seq)
) WITHOUT ROWID;

--- checkpoint
DROP VIEW IF EXISTS "$_v";
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (pos INTEGER PRIMARY KEY, time_ns INTEGER, hash INTEGER);
CREATE VIEW "$_v" AS SELECT pos, time_ns, printf('%#x', hash) AS hash FROM "$";

--- mmio
DROP VIEW IF EXISTS "$_v";
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    pos INTEGER, seq INTEGER, hart INTEGER, pc INTEGER,
    device TEXT, reg TEXT,        -- reg: its name, or its offset in hex
    op TEXT,                      -- load or store
    size INTEGER, value INTEGER,
    PRIMARY KEY (pos, seq)
) WITHOUT ROWID;
CREATE VIEW "$_v" AS
    SELECT pos, seq, hart, printf('%#x', pc) AS pc, device, reg, op, size, printf('%#x', value) AS value FROM "$";

--- dma
DROP VIEW IF EXISTS "$_v";
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    pos INTEGER, seq INTEGER,
    submit_pos INTEGER,           -- the step that submitted the request; NULL: not known
    device TEXT,
    op TEXT,                      -- load or store, of guest memory
    paddr INTEGER, size INTEGER, data BLOB,
    PRIMARY KEY (pos, seq)
);
CREATE INDEX "$_paddr" ON "$" (paddr);
CREATE VIEW "$_v" AS
    SELECT pos, seq, submit_pos, device, op, printf('%#x', paddr) AS paddr, size, hex(data) AS data FROM "$";

--- irq
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    pos INTEGER, seq INTEGER, time_ns INTEGER,
    hart INTEGER,                 -- NULL for a device's raise and lower
    device TEXT,                  -- the device; or the hart's line: software, timer, external
    source INTEGER,               -- its number at the PLIC; or in mip
    event TEXT,                   -- raise, take, claim, complete, lower
    PRIMARY KEY (pos, seq)
) WITHOUT ROWID;

--- blocks
DROP VIEW IF EXISTS "$block_v";
DROP VIEW IF EXISTS "$edge_v";
DROP VIEW IF EXISTS "$cover_v";
DROP TABLE IF EXISTS "$block";
DROP TABLE IF EXISTS "$edge";
DROP TABLE IF EXISTS "$cover";
DROP TABLE IF EXISTS "$block_packed";
DROP TABLE IF EXISTS "$edge_packed";
DROP TABLE IF EXISTS "$cover_packed";
-- Rows live compressed in the tables "…_packed" (analyses/store/packed.h).
CREATE TABLE "$block_packed" (id INTEGER PRIMARY KEY, first_key INTEGER, last_key INTEGER, rows INTEGER, data BLOB);
CREATE TABLE "$edge_packed" (id INTEGER PRIMARY KEY, first_key INTEGER, last_key INTEGER, rows INTEGER, data BLOB);
CREATE TABLE "$cover_packed" (id INTEGER PRIMARY KEY, first_key INTEGER, last_key INTEGER, rows INTEGER, data BLOB);

--- blocks chunks
-- block: count: how often it began. edge: src, dst: pc of two blocks; kind: taken fallthrough jump call return xret trap.
CREATE VIRTUAL TABLE "$block" USING packed($block, pc, pc INTEGER, size INTEGER, insns INTEGER, count INTEGER,
    first_pos INTEGER, last_pos INTEGER, module_id INTEGER, offset INTEGER, symbol TEXT);
CREATE VIRTUAL TABLE "$edge" USING packed($edge, src, src INTEGER, dst INTEGER, kind TEXT, count INTEGER,
    src_module_id INTEGER, src_offset INTEGER, dst_module_id INTEGER, dst_offset INTEGER);
CREATE VIRTUAL TABLE "$cover" USING packed($cover, offset, module_id INTEGER, offset INTEGER, count INTEGER);

--- blocks rows
CREATE TABLE "$block_copy" AS SELECT * FROM "$block";
CREATE TABLE "$edge_copy" AS SELECT * FROM "$edge";
CREATE TABLE "$cover_copy" AS SELECT * FROM "$cover";
DROP TABLE "$block";
DROP TABLE "$edge";
DROP TABLE "$cover";
ALTER TABLE "$block_copy" RENAME TO "$block";
ALTER TABLE "$edge_copy" RENAME TO "$edge";
ALTER TABLE "$cover_copy" RENAME TO "$cover";
DROP TABLE "$block_packed";
DROP TABLE "$edge_packed";
DROP TABLE "$cover_packed";
CREATE INDEX "$block_pc" ON "$block" (pc);
CREATE INDEX "$edge_src" ON "$edge" (src);
CREATE INDEX "$edge_dst" ON "$edge" (dst);
CREATE INDEX "$cover_offset" ON "$cover" (module_id, offset);

--- blocks view
CREATE VIEW "$block_v" AS
    SELECT printf('%#x', pc) AS pc, size, insns, count, first_pos, last_pos, module_id, printf('%#x', offset) AS offset, symbol
    FROM "$block";
CREATE VIEW "$edge_v" AS
    SELECT printf('%#x', src) AS src, printf('%#x', dst) AS dst, kind, count, src_module_id,
           printf('%#x', src_offset) AS src_offset, dst_module_id, printf('%#x', dst_offset) AS dst_offset FROM "$edge";
CREATE VIEW "$cover_v" AS SELECT module_id, printf('%#x', offset) AS offset, count FROM "$cover";

--- task
DROP VIEW IF EXISTS "$_v";
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    id INTEGER PRIMARY KEY,       -- in the order in which they first had a hart
    pid INTEGER, tid INTEGER,     -- Linux: the process and the thread
    name TEXT,                    -- the last one
    satp INTEGER,                 -- the last address space; NULL: a thread of the kernel
    first_pos INTEGER, last_pos INTEGER,
    stack_base INTEGER, stack_size INTEGER,
    min_sp INTEGER                -- the kernel stack's lowest pointer
);
CREATE VIEW "$_v" AS
    SELECT id, pid, tid, name, iif(satp IS NULL, NULL, printf('%#x', satp)) AS satp, first_pos, last_pos,
           iif(stack_base IS NULL, NULL, printf('%#x', stack_base)) AS stack_base, stack_size,
           iif(min_sp IS NULL, NULL, printf('%#x', min_sp)) AS min_sp FROM "$";

--- cpu
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    hart INTEGER, task_id INTEGER,
    from_pos INTEGER, to_pos INTEGER, -- up to before to_pos, where the next one begins
    from_ns INTEGER, to_ns INTEGER,
    insns INTEGER,                -- the hart retired
    idle_ns INTEGER,              -- of the time, asleep
    PRIMARY KEY (hart, from_pos)
) WITHOUT ROWID;

--- syscall
DROP VIEW IF EXISTS "$_v";
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    id INTEGER PRIMARY KEY,       -- in the order in which they were entered
    hart INTEGER, task_id INTEGER,
    enter_pos INTEGER,            -- the ecall
    exit_pos INTEGER,             -- the sret to the program; NULL: it never returned
    nr INTEGER, name TEXT,
    a0 INTEGER, a1 INTEGER, a2 INTEGER, a3 INTEGER, a4 INTEGER, a5 INTEGER,
    result INTEGER,               -- NULL: none (exit, rt_sigreturn, one that is restarted)
    error TEXT,                   -- ENOENT …
    text TEXT
);
CREATE INDEX "$_enter" ON "$" (enter_pos);
CREATE VIEW "$_v" AS
    SELECT id, hart, task_id, enter_pos, exit_pos, nr, name, printf('%#x', a0) AS a0, printf('%#x', a1) AS a1,
           printf('%#x', a2) AS a2, printf('%#x', a3) AS a3, printf('%#x', a4) AS a4, printf('%#x', a5) AS a5,
           result, error, text FROM "$";

--- func
DROP VIEW IF EXISTS "$_v";
DROP TABLE IF EXISTS "$";
CREATE TABLE "$" (
    module_id INTEGER, symbol TEXT,
    addr INTEGER,                 -- its first instruction
    calls INTEGER,
    self_insns INTEGER,           -- its own
    total_insns INTEGER,          -- with what it called; of recursive calls, the outermost
    satp INTEGER                  -- the program's address space; NULL: kernel, firmware, or no paging
);
CREATE INDEX "$_addr" ON "$" (addr);
CREATE VIEW "$_v" AS
    SELECT module_id, symbol, printf('%#x', addr) AS addr, calls, self_insns, total_insns,
           iif(satp IS NULL, NULL, printf('%#x', satp)) AS satp FROM "$";

--- call drop
DROP VIEW IF EXISTS "$_v";
DROP TABLE IF EXISTS "$";
DROP TABLE IF EXISTS "$_chunk";
DROP TABLE IF EXISTS "$_symbol";

--- call chunks
-- Rows live compressed in "$_chunk"; a virtual table reads them (analyses/store/call_chunk.h).
CREATE TABLE "$_chunk" (
    id INTEGER PRIMARY KEY,
    win INTEGER,             -- 0, 1, 2 … in order of the calls' ids; rows that ended much later than the others are in chunks of their own
    first_id INTEGER, last_id INTEGER, first_pos INTEGER, last_pos INTEGER, rows INTEGER,
    data BLOB
);
CREATE TABLE "$_symbol" (id INTEGER PRIMARY KEY, pc INTEGER, name TEXT);

--- call chunks finish
CREATE INDEX "$_chunk_win" ON "$_chunk" (win, first_id, last_id, first_pos, last_pos, rows);
CREATE VIRTUAL TABLE "$" USING calls($);

--- call rows
CREATE TABLE "$" (
    id INTEGER PRIMARY KEY,       -- in the order in which they began
    parent_id INTEGER,            -- the call that made it
    kind TEXT,                    -- call, tail (call), root, trap
    hart INTEGER, task_id INTEGER,
    symbol TEXT, pc INTEGER,      -- of the function
    call_pos INTEGER,             -- the calling instruction; the trap
    return_pos INTEGER,           -- the returning instruction; NULL: it did not
    call_pc INTEGER,
    a0 INTEGER, a1 INTEGER, a2 INTEGER, a3 INTEGER, a4 INTEGER, a5 INTEGER, a6 INTEGER, a7 INTEGER,
    result INTEGER, result1 INTEGER, -- a0 and a1 at its return
    sp INTEGER, min_sp INTEGER,   -- the stack pointer when it began, and its lowest
    depth INTEGER, insns INTEGER  -- insns: with what it called
);

--- call rows finish
CREATE INDEX "$_pc" ON "$" (pc);
CREATE INDEX "$_parent" ON "$" (parent_id);

--- call view
CREATE VIEW "$_v" AS
    SELECT id, parent_id, kind, hart, task_id, symbol, printf('%#x', pc) AS pc, call_pos, return_pos,
           printf('%#x', call_pc) AS call_pc, printf('%#x', a0) AS a0, printf('%#x', a1) AS a1, printf('%#x', a2) AS a2,
           printf('%#x', a3) AS a3, printf('%#x', a4) AS a4, printf('%#x', a5) AS a5, printf('%#x', a6) AS a6,
           printf('%#x', a7) AS a7, result, result1, printf('%#x', sp) AS sp, printf('%#x', min_sp) AS min_sp, depth, insns
    FROM "$";
