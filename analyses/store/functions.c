/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/functions.h"

#include <stdio.h>

#include "analyses/store/spaces.h"
#include "analyses/store/symbol_list.h"
#include "analyses/store/trace_table.h"

#define AUX_TRACE (-0x7272)

struct Connection {
    sqlite3 *db;
    unsigned refs;
    SymbolTable *table; /* main's */
    SymbolSet *set;     /* has the names of symbols; NULL: they are their own */
    GArray *symbols;    /* sorted by addr; NULL: not read yet */
    int64_t changes;    /* of the connection when they were read */
    Spaces *spaces;
    char text[512];
    StoreDisassembler *disassemble;
    Windows *windows; /* NULL: none yet */
    StoreReplayer replayer;
};

Connection *connection_new(sqlite3 *db) {
    Connection *c = g_new0(Connection, 1);
    c->db = db;
    c->refs = 1;
    c->table = symbol_table_new(db, "main", "symbol");
    c->spaces = spaces_new(db);
    return c;
}

sqlite3 *connection_db(const Connection *c) {
    return c->db;
}

Connection *connection_ref(Connection *c) {
    c->refs++;
    return c;
}

void connection_unref(void *p) {
    Connection *c = p;
    if (--c->refs)
        return;
    if (c->symbols)
        g_array_unref(c->symbols);
    symbol_set_unref(c->set);
    symbol_table_free(c->table);
    g_clear_pointer(&c->windows, windows_free);
    spaces_free(c->spaces);
    g_free(c);
}

Windows *connection_windows(Connection *c) {
    if (!c->windows)
        c->windows = windows_new(&c->replayer);
    return c->windows;
}

/* -- symbols ------------------------------------------------------------------------------------------------
 */
SymbolTable *connection_symbol_table(Connection *c) {
    return c->table;
}

static bool is_shadowed(sqlite3 *db) {
    sqlite3_stmt *s = NULL;
    bool found = sqlite3_prepare_v2(db, "SELECT 1 FROM temp.sqlite_schema WHERE name = 'symbol'", -1, &s,
                                    NULL) == SQLITE_OK &&
                 sqlite3_step(s) == SQLITE_ROW;
    sqlite3_finalize(s);
    return found;
}

/* Those of rows where they are kept so: in a temporary table, or a database of a former version. */
static void read_symbols(Connection *c) {
    if (c->symbols)
        g_array_unref(c->symbols);
    symbol_set_unref(c->set);
    c->changes = sqlite3_total_changes(c->db);
    c->set = is_shadowed(c->db) ? NULL : symbol_table_set(c->table, NULL);
    if (c->set)
        symbol_set_ref(c->set);
    c->symbols = c->set ? symbol_list_of(c->set) : symbol_list_new(c->db, "symbol", "", 0);
}

const char *connection_symbol(Connection *c, uint64_t pc) {
    if (!c->symbols || (c->symbols->len == 0 && c->changes != sqlite3_total_changes(c->db)))
        read_symbols(c);
    bool found = symbol_list_text(c->symbols, pc, c->text, sizeof c->text) ||
                 spaces_text(c->spaces, spaces_find_unique(c->spaces, pc), pc, c->text, sizeof c->text);
    return found ? c->text : NULL;
}

const char *connection_program_symbol(Connection *c, uint64_t pc, uint64_t satp, Pos pos) {
    SpacesPlace place = spaces_find(c->spaces, satp, pos, pc);
    if (!place.module)
        return connection_symbol(c, pc);
    return spaces_text(c->spaces, place, pc, c->text, sizeof c->text) ? c->text : NULL;
}

const char *connection_kernel_symbol(Connection *c, uint64_t pc, Pos pos) {
    return pc >> 63 ? connection_program_symbol(c, pc, 0, pos) : connection_symbol(c, pc);
}

const char *connection_program_symbol_on(Connection *c, uint64_t pc, uint32_t hart, Pos pos) {
    uint64_t satp;
    return spaces_satp(c->spaces, hart, pos, &satp) ? connection_program_symbol(c, pc, satp, pos)
                                                    : connection_symbol(c, pc);
}

/* -- functions ----------------------------------------------------------------------------------------------
 */
static Connection *of(sqlite3_context *x) {
    return sqlite3_user_data(x);
}

static void function_hex64(sqlite3_context *x, int n, sqlite3_value **v) {
    char text[32];
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    snprintf(text, sizeof text, "0x%016llx", (unsigned long long)sqlite3_value_int64(v[0]));
    sqlite3_result_text(x, text, -1, SQLITE_TRANSIENT);
}

static void function_u64lt(sqlite3_context *x, int n, sqlite3_value **v) {
    if (sqlite3_value_type(v[0]) != SQLITE_NULL && sqlite3_value_type(v[1]) != SQLITE_NULL)
        sqlite3_result_int(x, (uint64_t)sqlite3_value_int64(v[0]) < (uint64_t)sqlite3_value_int64(v[1]));
}

static void function_sym(sqlite3_context *x, int n, sqlite3_value **v) {
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    const char *name = connection_symbol(of(x), (uint64_t)sqlite3_value_int64(v[0]));
    if (name)
        sqlite3_result_text(x, name, -1, SQLITE_TRANSIENT);
}

/* symbol_at(pc, satp, pos), program_at(pc, satp, pos): of programs; a satp of NULL: of anything. */
static void function_symbol_at(sqlite3_context *x, int n, sqlite3_value **v) {
    uint64_t pc = (uint64_t)sqlite3_value_int64(v[0]), satp = (uint64_t)sqlite3_value_int64(v[1]);
    Pos pos = (Pos)sqlite3_value_int64(v[2]);
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    const char *name = sqlite3_value_type(v[1]) == SQLITE_NULL
                           ? connection_kernel_symbol(of(x), pc, pos)
                           : connection_program_symbol(of(x), pc, satp, pos);
    if (name)
        sqlite3_result_text(x, name, -1, SQLITE_TRANSIENT);
}

/* symbol_in(pc, program, shift): of that program, of anything where that is 0. */
static void function_symbol_in(sqlite3_context *x, int n, sqlite3_value **v) {
    Connection *c = of(x);
    uint64_t pc = (uint64_t)sqlite3_value_int64(v[0]);
    SpacesPlace place = {sqlite3_value_int64(v[1]), (uint64_t)sqlite3_value_int64(v[2])};
    const char *name = place.module
                           ? spaces_text(c->spaces, place, pc, c->text, sizeof c->text) ? c->text : NULL
                           : connection_symbol(c, pc);
    if (name)
        sqlite3_result_text(x, name, -1, SQLITE_TRANSIENT);
}

/* The module that lies there; base_at: what its addresses have been moved by. NULL: no program's. */
static void result_place(sqlite3_context *x, sqlite3_value **v, bool shift) {
    bool is_kernel = sqlite3_value_int64(v[0]) < 0; /* in every address space */
    if (sqlite3_value_type(v[0]) == SQLITE_NULL || (sqlite3_value_type(v[1]) == SQLITE_NULL && !is_kernel))
        return;
    SpacesPlace place = spaces_find(of(x)->spaces, (uint64_t)sqlite3_value_int64(v[1]),
                                    (Pos)sqlite3_value_int64(v[2]), (uint64_t)sqlite3_value_int64(v[0]));
    if (place.module)
        sqlite3_result_int64(x, shift ? (int64_t)place.shift : place.module);
}

static void function_program_at(sqlite3_context *x, int n, sqlite3_value **v) {
    result_place(x, v, false);
}

static void function_base_at(sqlite3_context *x, int n, sqlite3_value **v) {
    result_place(x, v, true);
}

/* "FILE:LINE" of a program's address as linked; module 0: of what lies at its address in every space. False: none. */
static bool result_line(sqlite3_context *x, int64_t module, uint64_t addr) {
    static const char all[] = "SELECT file || ':' || line FROM line WHERE ?1 = 0 AND addr BETWEEN ?2 AND ?3 "
                              "ORDER BY addr DESC LIMIT 1";
    static const char program[] = "SELECT file || ':' || line FROM program_line WHERE module_id = ?1 AND "
                                  "addr BETWEEN ?2 AND ?3 ORDER BY addr DESC LIMIT 1";
    sqlite3_stmt *s = NULL;
    bool found = false;
    if (sqlite3_prepare_v2(of(x)->db, module ? program : all, -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(s, 1, module);
        sqlite3_bind_int64(s, 2, (int64_t)addr < 0 ? INT64_MIN : 0);
        sqlite3_bind_int64(s, 3, (int64_t)addr);
        found = sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, 0) == SQLITE_TEXT;
        if (found)
            sqlite3_result_text(x, (const char *)sqlite3_column_text(s, 0), -1, SQLITE_TRANSIENT);
    }
    sqlite3_finalize(s);
    return found;
}

static bool result_line_of(sqlite3_context *x, uint64_t pc, SpacesPlace place) {
    return result_line(x, place.module, place.module ? pc - place.shift : pc);
}

/* line(pc): like sym(). */
static void function_line(sqlite3_context *x, int n, sqlite3_value **v) {
    uint64_t pc = (uint64_t)sqlite3_value_int64(v[0]);
    if (sqlite3_value_type(v[0]) != SQLITE_NULL && !result_line(x, 0, pc))
        result_line_of(x, pc, spaces_find_unique(of(x)->spaces, pc));
}

/* line_at(pc, satp, pos), line_in(pc, program, shift): like symbol_at() and symbol_in(). */
static void function_line_at(sqlite3_context *x, int n, sqlite3_value **v) {
    uint64_t pc = (uint64_t)sqlite3_value_int64(v[0]);
    if (sqlite3_value_type(v[1]) == SQLITE_NULL && !(pc >> 63))
        function_line(x, n, v);
    else if (sqlite3_value_type(v[0]) != SQLITE_NULL)
        result_line_of(x, pc,
                       spaces_find(of(x)->spaces, (uint64_t)sqlite3_value_int64(v[1]),
                                   (Pos)sqlite3_value_int64(v[2]), pc));
}

static void function_line_in(sqlite3_context *x, int n, sqlite3_value **v) {
    SpacesPlace place = {sqlite3_value_int64(v[1]), (uint64_t)sqlite3_value_int64(v[2])};
    if (!place.module)
        function_line(x, n, v);
    else if (sqlite3_value_type(v[0]) != SQLITE_NULL)
        result_line_of(x, (uint64_t)sqlite3_value_int64(v[0]), place);
}

/* satp_at(hart, pos) */
static void function_satp_at(sqlite3_context *x, int n, sqlite3_value **v) {
    uint64_t satp;
    if (sqlite3_value_type(v[0]) != SQLITE_NULL &&
        spaces_satp(of(x)->spaces, (uint32_t)sqlite3_value_int64(v[0]), (Pos)sqlite3_value_int64(v[1]),
                    &satp))
        sqlite3_result_int64(x, (int64_t)satp);
}

/* rr-emu's own: what was read of programs is out of date. */
static void function_programs_changed(sqlite3_context *x, int n, sqlite3_value **v) {
    spaces_forget(of(x)->spaces);
    sqlite3_result_int(x, 1);
}

/* rr-emu's own: what goes by pointers, for this connection. */
#define POINTER "rr-emu"

static void function_symbol_set(sqlite3_context *x, int n, sqlite3_value **v) {
    SymbolSet **to = sqlite3_value_pointer(v[0], POINTER), *set = symbol_table_set(of(x)->table, NULL);
    if (to && set)
        *to = symbol_set_ref(set);
}

typedef struct Settings {
    StoreDisassembler *disassemble;
    const StoreReplayer *replayer;
} Settings;

static void function_settings(sqlite3_context *x, int n, sqlite3_value **v) {
    const Settings *s = sqlite3_value_pointer(v[0], POINTER);
    Connection *c = of(x);
    if (!s)
        return;
    g_clear_pointer(&c->windows, windows_free);
    c->disassemble = s->disassemble;
    c->replayer = s->replayer ? *s->replayer : (StoreReplayer){0};
}

char *connection_disassemble(const Connection *c, uint64_t pc, uint32_t insn) {
    char *text = c->disassemble ? c->disassemble(pc, insn) : NULL;
    return text ? text : g_strdup_printf((insn & 3) == 3 ? "0x%08x" : "0x%04x", insn);
}

/* The trace that has the instructions that ran; an index has none. */
static TraceTable *find_trace(sqlite3 *db) {
    static const char *const names[] = {"memtrace", "insn"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        TraceTable *t;
        if (!trace_table_new(db, "main", names[i], &t, NULL))
            continue;
        trace_table_refresh(t);
        if (!trace_table_is_index(t))
            return t;
        trace_table_free(t);
    }
    return NULL;
}

/* disas(pc), as it ran in a trace, or disas(pc, bytes). */
static void function_disas(sqlite3_context *x, int n, sqlite3_value **v) {
    Connection *c = of(x);
    uint64_t pc = (uint64_t)sqlite3_value_int64(v[0]);
    uint32_t insn = n > 1 ? (uint32_t)sqlite3_value_int64(v[1]) : 0;
    TraceTable *t = NULL;
    if (n > 1) {
        if (sqlite3_value_type(v[0]) != SQLITE_NULL && sqlite3_value_type(v[1]) != SQLITE_NULL)
            sqlite3_result_text(x, connection_disassemble(c, pc, insn), -1, g_free);
        return;
    }
    /* Kept as long as the statement runs (negative: not bound to an argument). */
    if (!(t = sqlite3_get_auxdata(x, AUX_TRACE))) {
        if (sqlite3_value_type(v[0]) == SQLITE_NULL || !(t = find_trace(c->db)))
            return;
        sqlite3_set_auxdata(x, AUX_TRACE, t, (void (*)(void *))trace_table_free);
        if (!(t = sqlite3_get_auxdata(x, AUX_TRACE)))
            return;
    }
    if (trace_table_insn(t, pc, &insn))
        sqlite3_result_text(x, connection_disassemble(c, pc, insn), -1, g_free);
}

static int64_t one_int(sqlite3 *db, const char *sql, int64_t arg, int column, int64_t fallback) {
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(s, 1, arg);
        if (sqlite3_step(s) == SQLITE_ROW && sqlite3_column_type(s, column) != SQLITE_NULL)
            fallback = sqlite3_column_int64(s, column);
    }
    sqlite3_finalize(s);
    return fallback;
}

/* Guest time at a pos: exact at checkpoints, and after one as long as the machine does not idle. */
static void function_time_ns(sqlite3_context *x, int n, sqlite3_value **v) {
    sqlite3 *db = of(x)->db;
    const char *before = "SELECT pos, time_ns FROM checkpoint WHERE pos <= ? ORDER BY pos DESC LIMIT 1";
    const char *after = "SELECT pos, time_ns FROM checkpoint WHERE pos > ? ORDER BY pos LIMIT 1";
    if (sqlite3_value_type(v[0]) == SQLITE_NULL)
        return;
    int64_t pos = sqlite3_value_int64(v[0]);
    int64_t shift = one_int(db, "SELECT value FROM meta WHERE key = 'icount_shift' AND ?1 = ?1", 0, 0, 0);
    int64_t from = one_int(db, before, pos, 0, 0), time = one_int(db, before, pos, 1, 0);
    int64_t limit = one_int(db, after, pos, 1, INT64_MAX);
    time += (int64_t)((uint64_t)(pos - from) << (shift & 63));
    sqlite3_result_int64(x, MIN(time, limit));
}

int functions_register(Connection *c) {
    static const struct {
        const char *name;
        int args, flags;
        void (*fn)(sqlite3_context *, int, sqlite3_value **);
    } table[] = {
        {"hex64", 1, SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, function_hex64},
        {"u64lt", 2, SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, function_u64lt},
        {"sym", 1, SQLITE_INNOCUOUS, function_sym},
        {"symbol_at", 3, SQLITE_INNOCUOUS, function_symbol_at},
        {"symbol_in", 3, SQLITE_INNOCUOUS, function_symbol_in},
        {"line", 1, SQLITE_INNOCUOUS, function_line},
        {"line_at", 3, SQLITE_INNOCUOUS, function_line_at},
        {"line_in", 3, SQLITE_INNOCUOUS, function_line_in},
        {"program_at", 3, SQLITE_INNOCUOUS, function_program_at},
        {"base_at", 3, SQLITE_INNOCUOUS, function_base_at},
        {"satp_at", 2, SQLITE_INNOCUOUS, function_satp_at},
        {"programs_changed", 0, 0, function_programs_changed},
        {"symbol_set", 1, SQLITE_DIRECTONLY, function_symbol_set},
        {"connection_settings", 1, SQLITE_DIRECTONLY, function_settings},
        {"disas", 1, SQLITE_INNOCUOUS, function_disas},
        {"disas", 2, SQLITE_INNOCUOUS, function_disas},
        {"time_ns", 1, SQLITE_INNOCUOUS, function_time_ns},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        int result =
            sqlite3_create_function_v2(c->db, table[i].name, table[i].args, SQLITE_UTF8 | table[i].flags,
                                       connection_ref(c), table[i].fn, NULL, NULL, connection_unref);
        if (result != SQLITE_OK)
            return result;
    }
    return SQLITE_OK;
}

#ifndef STORE_EXTENSION
static void call_with(sqlite3 *db, const char *sql, void *pointer) {
    sqlite3_stmt *s = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK) {
        sqlite3_bind_pointer(s, 1, pointer, POINTER, NULL);
        sqlite3_step(s);
    }
    sqlite3_finalize(s);
}

void store_set_functions(sqlite3 *db, StoreDisassembler *fn, const StoreReplayer *replayer) {
    Settings s = {fn, replayer};
    call_with(db, "SELECT connection_settings(?)", &s);
}

SymbolSet *store_symbol_set(sqlite3 *db) {
    SymbolSet *set = NULL;
    call_with(db, "SELECT symbol_set(?)", &set);
    return set;
}
#endif
