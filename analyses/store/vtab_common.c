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

bool vtab_narrow(int64_t range[2], char compare, sqlite3_value *v) {
    int64_t low = INT64_MIN, high = INT64_MAX, x = sqlite3_value_int64(v);
    switch (sqlite3_value_numeric_type(v)) {
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
    } table[] = {
        {"memtrace", &vtab_memtrace}, {"write", &vtab_write}, {"insn", &vtab_insn}, {"regs", &vtab_regs}};
    for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
        int result = sqlite3_create_module_v2(connection_db(c), table[i].name, table[i].module,
                                              connection_ref(c), connection_unref);
        if (result != SQLITE_OK)
            return result;
    }
    return SQLITE_OK;
}
