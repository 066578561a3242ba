/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/want.h"

#include <string.h>

#include "analyses/store/vtab.h"

static char column_letter(int column) {
    switch (column) {
    case COLUMN_POS: return 'p';
    case COLUMN_PADDR: return 'a';
    case COLUMN_VADDR: return 'v';
    case COLUMN_OP: return 'o';
    case COLUMN_COVERS: return 'c';
    case COLUMN_IS_WRITE: return 'w';
    default: return 0;
    }
}

/* How much smaller the result gets, roughly. */
static double selectivity(char column, char compare) {
    switch (column) {
    case 'c': return 1e5;
    case 'a':
    case 'v': return compare == '=' ? 1e5 : 100;
    case 'p': return compare == '=' ? 1e6 : 4;
    default: return 2;
    }
}

int want_plan(sqlite3_index_info *info, double rows) {
    VtabPlan plan;
    vtab_plan_begin(&plan, info, rows);
    bool hidden = true; /* the hidden columns can only be asked with = */
    for (int i = 0; i < info->nConstraint; i++) {
        char column = column_letter(info->aConstraint[i].iColumn),
             compare = vtab_compare(info->aConstraint[i].op);
        if (!column || !compare || (strchr("ocw", column) && compare != '=') ||
            (column == 'o' && strcmp(sqlite3_vtab_collation(info, i), "BINARY") != 0))
            continue;
        if (!info->aConstraint[i].usable) {
            hidden = hidden && !strchr("cw", column);
            continue;
        }
        if (column == 'o' && sqlite3_vtab_in(info, i, -1)) {
            sqlite3_vtab_in(info, i, 1);
            compare = 'i';
        }
        vtab_plan_use(&plan, i, column, compare, strchr("ocw", column) || vtab_exact(info, i),
                      selectivity(column, compare));
    }
    vtab_plan_end(&plan, COLUMN_POS, COLUMN_SEQ);
    return hidden ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static void narrow(Want *w, int64_t range[2], char compare, sqlite3_value *v) {
    if (!vtab_narrow(range, compare, v))
        w->none = true;
}

static uint32_t op_bit(sqlite3_value *v) {
    bool is_blob = sqlite3_value_type(v) == SQLITE_BLOB; /* is no text */
    const char *text = is_blob ? NULL : (const char *)sqlite3_value_text(v);
    for (unsigned i = 0; text && i < MEM_OP_COUNT; i++)
        if (!strcmp(text, mem_op_names[i]))
            return 1u << i;
    return text && !strcmp(text, "loader") ? 1u << OP_LOADER : 0;
}

static uint32_t op_bits(char compare, sqlite3_value *v) {
    uint32_t bits = 0;
    sqlite3_value *item;
    if (compare == '=')
        return op_bit(v);
    for (int result = sqlite3_vtab_in_first(v, &item); result == SQLITE_OK;
         result = sqlite3_vtab_in_next(v, &item))
        bits |= op_bit(item);
    return bits;
}

static void want_covers(Want *w, sqlite3_value *v) {
    int64_t x = sqlite3_value_int64(v);
    if (sqlite3_value_numeric_type(v) != SQLITE_INTEGER || x < 0 || (w->has_covers && x != w->covers))
        w->none = true;
    w->has_covers = true;
    w->covers = x;
}

static void want_one(Want *w, char column, char compare, sqlite3_value *v) {
    switch (column) {
    case 'p': narrow(w, w->pos, compare, v); break;
    case 'a':
        narrow(w, w->paddr, compare, v);
        w->has_paddr = true;
        break;
    case 'v':
        narrow(w, w->vaddr, compare, v);
        w->has_vaddr = true;
        break;
    case 'o': w->ops &= op_bits(compare, v); break;
    case 'c': want_covers(w, v); break;
    default:
        if (sqlite3_value_type(v) == SQLITE_NULL)
            w->none = true;
        w->ops &= sqlite3_value_int64(v) == 1   ? MEM_OPS_WRITE | 1u << OP_LOADER
                  : sqlite3_value_int64(v) == 0 ? ~(MEM_OPS_WRITE | 1u << OP_LOADER)
                                                : 0;
    }
}

void want_parse(Want *w, bool write, int down, const char *plan, int argc, sqlite3_value **argv) {
    *w = (Want){.pos = {INT64_MIN, INT64_MAX},
                .paddr = {INT64_MIN, INT64_MAX},
                .vaddr = {INT64_MIN, INT64_MAX},
                .down = down,
                .ops = write ? MEM_OPS_WRITE | 1u << OP_LOADER : (1u << MEM_OP_COUNT) - 1};
    for (int i = 0; i < argc; i++)
        want_one(w, plan[2 * i], plan[2 * i + 1], argv[i]);
    if (w->has_covers) {
        w->paddr[0] = MAX(w->paddr[0], w->covers - 7);
        w->paddr[1] = MIN(w->paddr[1], w->covers);
    }
    if (w->pos[0] > w->pos[1] || w->paddr[0] > w->paddr[1] || w->vaddr[0] > w->vaddr[1] || !w->ops)
        w->none = true;
}

size_t want_queries(const Want *w, IndexQuery *queries) {
    size_t n = 0;
    bool written = !(w->ops & ~(MEM_OPS_WRITE | 1u << OP_LOADER));
    if (w->has_covers)
        queries[n++] = (IndexQuery){INDEX_PHYSICAL, w->covers, w->covers, written};
    if (w->has_paddr || w->has_covers)
        queries[n++] = (IndexQuery){INDEX_PHYSICAL, w->paddr[0], w->paddr[1], written};
    if (w->has_vaddr)
        queries[n++] = (IndexQuery){INDEX_VIRTUAL, w->vaddr[0], w->vaddr[1], written};
    return n;
}
