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
    uint64_t base, size;
    const char *name;
} Module;

typedef struct Callgrind {
    FILE *to;
    GArray *lines;
    GArray *modules; /* of Module */
    const char *module, *file, *function;
    uint64_t total;
} Callgrind;

static void put_function(Callgrind *c, const char *module, const char *file, const char *function) {
    if (module == c->module && file == c->file && function == c->function)
        return;
    fprintf(c->to, "\nob=%s\nfl=%s\nfn=%s\n", *module ? module : "???", file ? file : "???", function);
    c->module = module;
    c->file = file;
    c->function = function;
}

static int64_t line_of(const Callgrind *c, uint64_t pc, const char **file) {
    const Line *l = lines_find(c->lines, pc);
    *file = l ? l->file : NULL;
    return l ? l->line : 0;
}

/* An address, its cost, its symbol and module. */
static void put_self(void *opaque, const QueryValue *v) {
    Callgrind *c = opaque;
    uint64_t pc = (uint64_t)v[0].integer, cost = (uint64_t)v[1].integer;
    const char *file, *module = v[3].type == QUERY_TEXT ? g_intern_string(v[3].text) : "";
    int64_t line = line_of(c, pc, &file);
    put_function(c, module, file, profile_function(v[2].type == QUERY_TEXT ? v[2].text : NULL));
    fprintf(c->to, "0x%" PRIx64 " %" G_GINT64_FORMAT " %" PRIu64 "\n", pc, line, cost);
    c->total += cost;
}

static void add_module(void *opaque, const QueryValue *v) {
    Module m = {(uint64_t)v[0].integer, (uint64_t)v[1].integer, g_intern_string(v[2].text)};
    g_array_append_val(((Callgrind *)opaque)->modules, m);
}

static const char *module_of(const Callgrind *c, uint64_t pc) {
    for (guint i = 0; i < c->modules->len; i++) {
        const Module *m = &g_array_index(c->modules, Module, i);
        if (pc - m->base < m->size)
            return m->name;
    }
    return "???";
}

/* The caller's symbol, where it calls, the callee's symbol and address, calls, inclusive cost. */
static void put_call(void *opaque, const QueryValue *v) {
    Callgrind *c = opaque;
    uint64_t at = (uint64_t)v[1].integer, target = (uint64_t)v[3].integer;
    const char *file, *target_file, *function = profile_function(v[0].text);
    int64_t line = line_of(c, at, &file), target_line = line_of(c, target, &target_file);
    fprintf(c->to, "\nob=%s\nfl=%s\nfn=%s\n", module_of(c, at), file ? file : "???", function);
    fprintf(c->to, "cob=%s\ncfi=%s\ncfn=%s\n", module_of(c, target), target_file ? target_file : "???",
            profile_function(v[2].text));
    fprintf(c->to, "calls=%" G_GINT64_FORMAT " 0x%" PRIx64 " %" G_GINT64_FORMAT "\n", v[4].integer, target,
            target_line);
    fprintf(c->to, "0x%" PRIx64 " %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", at, line, v[5].integer);
}

static const char cover_sql[] =
    "SELECT coalesce(m.base, 0) + offset AS pc, count, symbol_in(coalesce(m.base, 0) + offset, iif(m.base IS "
    "NULL, m.id, NULL), 0), m.name FROM cover "
    "LEFT JOIN main.module AS m ON m.id = module_id ORDER BY pc < 0, pc";
static const char func_sql[] =
    "SELECT addr, self_insns, coalesce(symbol, printf('%#x', addr)), m.name FROM func "
    "LEFT JOIN main.module AS m ON m.id = module_id ORDER BY addr < 0, addr";
static const char call_self_sql[] =
    "SELECT c.pc, sum(c.insns - coalesce((SELECT sum(d.insns) FROM call AS d WHERE d.parent_id = c.id), 0)), "
    "coalesce(c.symbol, printf('%#x', c.pc)), NULL FROM call AS c GROUP BY c.pc ORDER BY c.pc < 0, c.pc";
static const char call_sql[] =
    "SELECT coalesce(p.symbol, printf('%#x', p.pc)), coalesce(c.call_pc, p.pc), coalesce(c.symbol, "
    "printf('%#x', c.pc)), c.pc, count(*), sum(c.insns) FROM call AS c JOIN call AS p ON p.id = c.parent_id "
    "GROUP BY 1, 2, 3, 4 ORDER BY 1, 2";

bool export_callgrind(Export *x, GError **error) {
    Callgrind c = {.to = x->to, .lines = lines_read(x->db, error)};
    g_autofree char *command = ask_text(x->db, "SELECT value FROM meta WHERE key = 'command'");
    if (!c.lines)
        return false;
    fprintf(x->to,
            "# callgrind format\nversion: 1\ncreator: rr-emu\ncmd: %s\npositions: instr line\nevents: Ir\n",
            command ? command : x->name);
    const char *self = ask_has(x->db, "cover")  ? cover_sql
                       : ask_has(x->db, "func") ? func_sql
                                                : call_self_sql;
    c.modules = g_array_new(FALSE, FALSE, sizeof(Module));
    bool ok =
        ask_rows(x->db, "SELECT base, size, name FROM main.module ORDER BY id", add_module, &c, error) &&
        ask_rows(x->db, self, put_self, &c, error) &&
        (!ask_has(x->db, "call") || ask_rows(x->db, call_sql, put_call, &c, error));
    fprintf(x->to, "\ntotals: %" PRIu64 "\n", c.total);
    g_array_unref(c.lines);
    g_array_unref(c.modules);
    return ok;
}
