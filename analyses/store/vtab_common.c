/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/vtab.h"

#include "analyses/store/functions.h"
#include "core/types.h"

char vtab_compare(int op) {
    switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ: return '=';
    case SQLITE_INDEX_CONSTRAINT_LT: return '<';
    case SQLITE_INDEX_CONSTRAINT_LE: return 'l';
    case SQLITE_INDEX_CONSTRAINT_GT: return '>';
    case SQLITE_INDEX_CONSTRAINT_GE: return 'g';
    default: return 0;
    }
}

void vtab_plan_begin(VtabPlan *p, sqlite3_index_info *info, double rows) {
    *p = (VtabPlan){info, MAX(rows, 100), g_string_new(NULL)};
}

void vtab_plan_use(VtabPlan *p, int i, char column, char compare, bool omit, double selectivity) {
    g_string_append_c(p->letters, column);
    g_string_append_c(p->letters, compare);
    p->info->aConstraintUsage[i].argvIndex = (int)p->letters->len / 2;
    p->info->aConstraintUsage[i].omit = omit;
    p->rows /= selectivity;
}

void vtab_plan_end(VtabPlan *p, int first, int second) {
    sqlite3_index_info *info = p->info;
    info->orderByConsumed = vtab_orders(info, first, second);
    info->idxNum = info->orderByConsumed && info->aOrderBy[0].desc;
    info->idxStr = sqlite3_mprintf("%s", p->letters->str);
    info->needToFreeIdxStr = 1;
    info->estimatedRows = (sqlite3_int64)MAX(p->rows, 1);
    info->estimatedCost = 100 + p->rows * 0.1;
    g_string_free(p->letters, TRUE);
}

bool vtab_orders(const sqlite3_index_info *info, int first, int second) {
    for (int i = 0; i < info->nOrderBy; i++)
        if (info->aOrderBy[i].iColumn != (i ? second : first) || i > 1 ||
            info->aOrderBy[i].desc != info->aOrderBy[0].desc)
            return false;
    return info->nOrderBy > 0;
}

bool vtab_exact(sqlite3_index_info *info, int i) {
    sqlite3_value *v = NULL;
    return sqlite3_vtab_rhs_value(info, i, &v) == SQLITE_OK && v && sqlite3_value_type(v) == SQLITE_INTEGER;
}

#define TWO_63 9223372036854775808.0

/* Integers compare with a real number as with the integers next to it. */
static bool narrow_real(int64_t range[2], char compare, double x) {
    bool less = compare == '<' || compare == 'l', above = x >= TWO_63;
    if (above || x < -TWO_63)
        return compare != '=' && less == above;
    int64_t whole = (int64_t)x, floor = whole - ((double)whole > x), ceil = whole + ((double)whole < x);
    if (compare == '=' && floor != ceil)
        return false;
    if ((compare == '<' && ceil == INT64_MIN) || (compare == '>' && floor == INT64_MAX))
        return false;
    if (less || compare == '=')
        range[1] = MIN(range[1], compare == '<' ? ceil - 1 : floor);
    if (!less)
        range[0] = MAX(range[0], compare == '>' ? floor + 1 : ceil);
    return range[0] <= range[1];
}

bool vtab_narrow(int64_t range[2], char compare, sqlite3_value *v) {
    int64_t low = INT64_MIN, high = INT64_MAX, x = sqlite3_value_int64(v);
    switch (sqlite3_value_numeric_type(v)) {
    case SQLITE_FLOAT: return narrow_real(range, compare, sqlite3_value_double(v));
    case SQLITE_INTEGER:
        if ((compare == '<' && x == INT64_MIN) || (compare == '>' && x == INT64_MAX))
            return false;
        if (compare != '>' && compare != 'g')
            high = compare == '<' ? x - 1 : x;
        if (compare != '<' && compare != 'l')
            low = compare == '>' ? x + 1 : x;
        break;
    case SQLITE_NULL: return false;
    default: break; /* SQLite compares by itself */
    }
    range[0] = MAX(range[0], low);
    range[1] = MIN(range[1], high);
    return range[0] <= range[1];
}

int vtab_error(char **to, GError *error) {
    sqlite3_free(*to);
    *to = sqlite3_mprintf("%s", error ? error->message : "out of memory");
    g_clear_error(&error);
    return SQLITE_ERROR;
}

const char *vtab_priv(unsigned priv) {
    return priv == PRIV_U ? "U" : priv == PRIV_S ? "S" : "M";
}

int vtab_register(Connection *c) {
    static const struct {
        const char *name;
        const sqlite3_module *module;
    } table[] = {{"memtrace", &vtab_memtrace}, {"write", &vtab_write}, {"insn", &vtab_insn},
                 {"packed", &vtab_packed},     {"regs", &vtab_regs},   {"calls", &vtab_calls},
                 {"symbols", &vtab_symbols}};
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        int result = sqlite3_create_module_v2(connection_db(c), table[i].name, table[i].module,
                                              connection_ref(c), connection_unref);
        if (result != SQLITE_OK)
            return result;
    }
    return SQLITE_OK;
}
