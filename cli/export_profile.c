/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Profiles: callgrind's format (KCachegrind, callgrind_annotate) and folded stacks (flame graphs). */
#include "cli/export.h"

#include <inttypes.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/lines.h"
#include "cli/profile.h"

/* -- folded: "a;b;c N" a stack ------------------------------------------------------------------------------- */

static void put_stack(FILE *to, const GArray *frames, const Frame *f) {
    if (f->parent)
        put_stack(to, frames, &g_array_index(frames, Frame, f->parent)), putc(';', to);
    for (const char *c = f->name; *c; c++)
        putc(*c == ';' ? ',' : *c == '\n' ? ' ' : *c, to);
}

bool export_folded(Export *x, GError **error) {
    Profile *p = profile_new(x->db, error);
    if (!p)
        return false;
    for (guint i = 1; i < p->frames->len; i++) {
        const Frame *f = &g_array_index(p->frames, Frame, i);
        if (!f->self)
            continue;
        put_stack(x->to, p->frames, f);
        fprintf(x->to, " %" G_GINT64_FORMAT "\n", f->self);
    }
    profile_free(p);
    return true;
}

/* -- callgrind: a function's own cost by address and line, then the calls that it makes ---------------------- */

typedef struct Module {
    int64_t id;
    uint64_t base, size; /* size 0: of a program, which lies in several places */
    const char *name;
} Module;

typedef struct Callgrind {
    FILE *to;
    ByProgram *lines;
    GArray *modules; /* of Module */
    const char *module, *file, *function;
    uint64_t total;
} Callgrind;

static void put_function(Callgrind *c, const char *module, const char *file, const char *function) {
    if (module == c->module && file == c->file && function == c->function)
        return;
    fprintf(c->to, "\nob=%s\nfl=%s\nfn=%s\n", *module ? module : "???", file, function);
    c->module = module;
    c->file = file;
    c->function = function;
}

static int64_t line_of(const Callgrind *c, int64_t program, uint64_t pc, const char **file) {
    const Line *l = lines_find(c->lines, program, pc);
    *file = l ? l->file : NULL;
    return l ? l->line : 0;
}

/* callgrind_annotate keeps functions apart by file and name: of those without a known file the module tells. */
static const char *file_or_module(const char *file, const char *module) {
    g_autofree char *instead = g_strdup_printf("(%s)", module);
    return file ? file : *module && strcmp(module, "???") ? g_intern_string(instead) : "???";
}

/* An address (of a program as linked), its cost, its symbol and module, the program. */
static void put_self(void *opaque, const QueryValue *v) {
    Callgrind *c = opaque;
    uint64_t pc = (uint64_t)v[0].integer, cost = (uint64_t)v[1].integer;
    const char *file, *module = v[3].type == QUERY_TEXT ? g_intern_string(v[3].text) : "";
    int64_t line = line_of(c, v[4].integer, pc, &file);
    put_function(c, module, file_or_module(file, module),
                 profile_function(v[2].type == QUERY_TEXT ? v[2].text : NULL));
    fprintf(c->to, "0x%" PRIx64 " %" G_GINT64_FORMAT " %" PRIu64 "\n", pc, line, cost);
    c->total += cost;
}

static void add_module(void *opaque, const QueryValue *v) {
    Module m = {v[0].integer, (uint64_t)v[1].integer, (uint64_t)v[2].integer,
                g_intern_string(v[3].text ? v[3].text : "???")};
    g_array_append_val(((Callgrind *)opaque)->modules, m);
}

static const char *module_of(const Callgrind *c, int64_t program, uint64_t pc) {
    for (guint i = 0; i < c->modules->len; i++) {
        const Module *m = &g_array_index(c->modules, Module, i);
        if (program ? m->id == program : pc - m->base < m->size)
            return m->name;
    }
    return "???";
}

/* The caller's symbol, where it calls, the callee's symbol and address, calls, inclusive cost, both programs. */
static void put_call(void *opaque, const QueryValue *v) {
    Callgrind *c = opaque;
    uint64_t at = (uint64_t)v[1].integer, target = (uint64_t)v[3].integer;
    int64_t from = v[6].integer, to = v[7].integer;
    const char *file, *target_file, *function = profile_function(v[0].text);
    int64_t line = line_of(c, from, at, &file), target_line = line_of(c, to, target, &target_file);
    const char *module = module_of(c, from, at), *target_module = module_of(c, to, target);
    fprintf(c->to, "\nob=%s\nfl=%s\nfn=%s\n", module, file_or_module(file, module), function);
    fprintf(c->to, "cob=%s\ncfi=%s\ncfn=%s\n", target_module, file_or_module(target_file, target_module),
            profile_function(v[2].text));
    fprintf(c->to, "calls=%" G_GINT64_FORMAT " 0x%" PRIx64 " %" G_GINT64_FORMAT "\n", v[4].integer, target,
            target_line);
    fprintf(c->to, "0x%" PRIx64 " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", at, line, v[5].integer);
}

static const char cover_sql[] =
    "SELECT coalesce(m.base, 0) + offset AS pc, count, symbol_in(coalesce(m.base, 0) + offset, iif(m.base IS "
    "NULL, m.id, NULL), 0), m.name, iif(m.base IS NULL, coalesce(m.id, 0), 0) AS program FROM cover "
    "LEFT JOIN main.module AS m ON m.id = module_id ORDER BY program, pc < 0, pc";
/* A function of a program is in the table where it lay; the row of map that put it there tells how far it was moved. */
static const char func_sql[] =
    "SELECT addr - iif(m.base IS NULL, coalesce((SELECT shift FROM map AS p WHERE p.module_id = f.module_id "
    "AND p.satp = f.satp & 0xfffffffffff AND f.addr - p.addr BETWEEN 0 AND p.size - 1 LIMIT 1), 0), 0) AS "
    "pc, "
    "self_insns, coalesce(symbol, printf('%#x', addr)), m.name, iif(m.base IS NULL, coalesce(m.id, 0), 0) AS "
    "program FROM func AS f LEFT JOIN main.module AS m ON m.id = module_id ORDER BY program, pc < 0, pc";
/* Addresses in programs go with who had the hart by then. */
static const char calls_sql[] =
    "CREATE TEMP TABLE callgrind AS SELECT id, parent_id, coalesce(symbol, printf('%#x', pc)) AS symbol, "
    "pc - coalesce(shift, 0) AS pc, coalesce(program, 0) AS program, call_pc - coalesce(call_shift, 0) AS "
    "call_pc, "
    "coalesce(call_program, 0) AS call_program, insns FROM (SELECT *, program_at(pc, satp, call_pos + 1) AS "
    "program, "
    "base_at(pc, satp, call_pos + 1) AS shift, program_at(call_pc, satp, call_pos) AS call_program, "
    "base_at(call_pc, satp, call_pos) AS call_shift FROM (SELECT *, satp_at(hart, call_pos) AS satp FROM "
    "call)); "
    "CREATE INDEX temp.callgrind_parent ON callgrind (parent_id)";
static const char call_self_sql[] =
    "SELECT c.pc, sum(c.insns - coalesce((SELECT sum(d.insns) FROM callgrind AS d WHERE d.parent_id = c.id), "
    "0)), "
    "c.symbol, m.name, c.program FROM callgrind AS c LEFT JOIN main.module AS m ON m.id = c.program "
    "GROUP BY c.program, c.pc ORDER BY c.program, c.pc < 0, c.pc";
static const char call_sql[] =
    "SELECT p.symbol, coalesce(c.call_pc, p.pc), c.symbol, c.pc, count(*), sum(c.insns), c.call_program, "
    "c.program "
    "FROM callgrind AS c JOIN callgrind AS p ON p.id = c.parent_id GROUP BY 1, 2, 3, 4, 7, 8 ORDER BY 1, 2";

static void ignore_row(void *opaque, const QueryValue *v) {}

static bool put_all(Callgrind *c, sqlite3 *db, GError **error) {
    bool calls = ask_has(db, "call");
    const char *self = ask_has(db, "cover") ? cover_sql : ask_has(db, "func") ? func_sql : call_self_sql;
    return ask_rows(
               db,
               "SELECT id, coalesce(base, 0), iif(base IS NULL, 0, size), name FROM main.module ORDER BY id",
               add_module, c, error) &&
           (!calls || ask_rows(db, calls_sql, ignore_row, NULL, error)) &&
           ask_rows(db, self, put_self, c, error) &&
           (!calls || (ask_rows(db, call_sql, put_call, c, error) &&
                       ask_rows(db, "DROP TABLE temp.callgrind", ignore_row, NULL, error)));
}

bool export_callgrind(Export *x, GError **error) {
    Callgrind c = {.to = x->to, .lines = lines_read(x->db, error)};
    g_autofree char *command = ask_text(x->db, "SELECT value FROM meta WHERE key = 'command'");
    if (!c.lines)
        return false;
    fprintf(x->to,
            "# callgrind format\nversion: 1\ncreator: rr-emu\ncmd: %s\npositions: instr line\nevents: Ir\n",
            command ? command : x->name);
    c.modules = g_array_new(FALSE, FALSE, sizeof(Module));
    bool ok = put_all(&c, x->db, error);
    fprintf(x->to, "\ntotals: %" PRIu64 "\n", c.total);
    by_program_free(c.lines);
    g_array_unref(c.modules);
    return ok;
}
