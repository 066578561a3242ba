/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Coverage: lcov's trace file (genhtml) by source line, drcov's (Lighthouse, bncov …) by block. */
#include "cli/export.h"

#include <inttypes.h>
#include <string.h>

#include "cli/args.h"
#include "cli/ask.h"
#include "cli/lines.h"

/* -- lcov: a line was executed as often as its most frequent instruction ------------------------------------- */

typedef struct LineCount {
    const char *file;
    int64_t line;
    uint64_t count;
} LineCount;

typedef struct Function {
    const char *file, *name;
    int64_t line;
    uint64_t count;
} Function;

typedef struct Lcov {
    GArray *lines, *counts, *functions;
} Lcov;

static gint by_line(gconstpointer a, gconstpointer b) {
    const LineCount *p = a, *q = b;
    int order = strcmp(p->file, q->file);
    return order ? order : p->line < q->line ? -1 : p->line > q->line;
}

static gint by_function(gconstpointer a, gconstpointer b) {
    const Function *p = a, *q = b;
    int order = strcmp(p->file, q->file);
    return order ? order : p->line < q->line ? -1 : p->line > q->line;
}

/* The first count at or after an address. */
static guint first_count(const GArray *counts, uint64_t addr) {
    guint low = 0, high = counts->len;
    while (low < high) {
        guint middle = (low + high) / 2;
        if (g_array_index(counts, Count, middle).pc < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* All rows of the line table, with what ran of them; several of one line are joined when written. */
static GArray *count_lines(const Lcov *x) {
    GArray *result = g_array_new(FALSE, FALSE, sizeof(LineCount));
    for (guint i = 0; i < x->lines->len; i++) {
        const Line *l = &g_array_index(x->lines, Line, i);
        uint64_t end = i + 1 < x->lines->len ? l[1].addr : UINT64_MAX;
        LineCount c = {l->file, l->line, 0};
        if (!l->file || l->line <= 0)
            continue;
        for (guint k = first_count(x->counts, l->addr);
             k < x->counts->len && g_array_index(x->counts, Count, k).pc < end; k++)
            c.count = MAX(c.count, g_array_index(x->counts, Count, k).count);
        g_array_append_val(result, c);
    }
    g_array_sort(result, by_line);
    return result;
}

/* name, address */
static void add_function(void *opaque, const QueryValue *v) {
    Lcov *x = opaque;
    uint64_t addr = (uint64_t)v[1].integer;
    const Line *l = lines_find(x->lines, addr);
    if (!l)
        return;
    guint k = first_count(x->counts, addr);
    bool ran = k < x->counts->len && g_array_index(x->counts, Count, k).pc == addr;
    Function f = {l->file, g_intern_string(v[0].text), l->line,
                  ran ? g_array_index(x->counts, Count, k).count : 0};
    g_array_append_val(x->functions, f);
}

static void put_functions(FILE *to, const GArray *functions, const char *file) {
    for (guint i = 0; i < functions->len; i++) {
        const Function *f = &g_array_index(functions, Function, i);
        if (!strcmp(f->file, file))
            fprintf(to, "FN:%" G_GINT64_FORMAT ",%s\nFNDA:%" PRIu64 ",%s\n", f->line, f->name, f->count,
                    f->name);
    }
}

/* The lines of one file, from number i on; where the next file begins. */
static guint put_file(FILE *to, const GArray *lines, const GArray *functions, guint i) {
    const char *file = g_array_index(lines, LineCount, i).file;
    guint found = 0, hit = 0;
    fprintf(to, "TN:\nSF:%s\n", file);
    put_functions(to, functions, file);
    while (i < lines->len && !strcmp(g_array_index(lines, LineCount, i).file, file)) {
        const LineCount *l = &g_array_index(lines, LineCount, i);
        uint64_t count = 0;
        for (; i < lines->len && !by_line(&g_array_index(lines, LineCount, i), l); i++)
            count = MAX(count, g_array_index(lines, LineCount, i).count);
        fprintf(to, "DA:%" G_GINT64_FORMAT ",%" PRIu64 "\n", l->line, count);
        found++;
        hit += count > 0;
    }
    fprintf(to, "LF:%u\nLH:%u\nend_of_record\n", found, hit);
    return i;
}

static bool no_lines(GError **error) {
    g_set_error(
        error, CLI_ERROR, 0,
        "lcov needs line numbers, and no module has them: record programs built with -g as -kernel or "
        "-bios, or give --symbols FILE");
    return false;
}

bool export_lcov(Export *x, GError **error) {
    Lcov l = {0};
    bool ok = (l.lines = lines_read(x->db, error)) && (l.counts = counts_read(x->db, error));
    if (ok && l.lines->len == 0)
        ok = no_lines(error);
    l.functions = g_array_new(FALSE, FALSE, sizeof(Function));
    ok = ok &&
         ask_rows(x->db, "SELECT min(name), addr FROM symbol WHERE kind = 'func' GROUP BY addr ORDER BY addr",
                  add_function, &l, error);
    if (ok) {
        GArray *lines = count_lines(&l);
        g_array_sort(l.functions, by_function);
        for (guint i = 0; i < lines->len;)
            i = put_file(x->to, lines, l.functions, i);
        g_array_unref(lines);
    }
    g_array_unref(l.functions);
    g_clear_pointer(&l.lines, g_array_unref);
    g_clear_pointer(&l.counts, g_array_unref);
    return ok;
}

/* -- drcov version 2: a module table, then {u32 offset, u16 size, u16 module} a block ------------------------- */

typedef struct DrModule {
    int64_t id; /* of the table module; 0: the 4 GiB around `base` that no module is known of */
    uint64_t base, end;
    char *path;
} DrModule;

typedef struct Drcov {
    FILE *to;
    GArray *modules; /* of DrModule */
    GByteArray *blocks;
    guint n;
} Drcov;

static void add_module(void *opaque, const QueryValue *v) {
    DrModule m = {v[0].integer, (uint64_t)v[1].integer, (uint64_t)v[1].integer + (uint64_t)v[2].integer,
                  g_strdup(v[3].type == QUERY_TEXT ? v[3].text : "?")};
    g_array_append_val(((Drcov *)opaque)->modules, m);
}

static guint module_of(Drcov *d, int64_t id, uint64_t pc) {
    for (guint i = 0; i < d->modules->len; i++) {
        const DrModule *m = &g_array_index(d->modules, DrModule, i);
        if (id ? m->id == id : !m->id && m->base == (pc & ~0xffffffffull))
            return i;
    }
    uint64_t base = pc & ~0xffffffffull;
    DrModule m = {0, base, base + 0xffffffffull, g_strdup_printf("0x%" PRIx64, base)};
    g_array_append_val(d->modules, m);
    return d->modules->len - 1;
}

static void put_low(GByteArray *to, uint64_t value, guint n) {
    for (guint i = 0; i < n; i++)
        g_byte_array_append(to, &(guint8){(guint8)(value >> 8 * i)}, 1);
}

/* pc, size, module_id; a block that does not fit its fields is written in parts. */
static void add_block(void *opaque, const QueryValue *v) {
    Drcov *d = opaque;
    uint64_t pc = (uint64_t)v[0].integer, left = (uint64_t)v[1].integer;
    for (uint64_t n; left; left -= n, pc += n) {
        guint module = module_of(d, v[2].type == QUERY_INTEGER ? v[2].integer : 0, pc);
        n = MIN(left, UINT16_MAX);
        put_low(d->blocks, pc - g_array_index(d->modules, DrModule, module).base, 4);
        put_low(d->blocks, n, 2);
        put_low(d->blocks, module, 2);
        d->n++;
    }
}

bool export_drcov(Export *x, GError **error) {
    Drcov d = {x->to, g_array_new(FALSE, FALSE, sizeof(DrModule)), g_byte_array_new(), 0};
    bool ok =
        ask_rows(x->db, "SELECT id, base, size, coalesce(path, name) FROM main.module ORDER BY id",
                 add_module, &d, error) &&
        ask_rows(x->db, "SELECT pc, size, module_id FROM block ORDER BY first_pos", add_block, &d, error);
    if (ok) {
        fprintf(x->to, "DRCOV VERSION: 2\nDRCOV FLAVOR: rr-emu\nModule Table: version 2, count %u\n",
                d.modules->len);
        fputs("Columns: id, base, end, entry, path\n", x->to);
        for (guint i = 0; i < d.modules->len; i++) {
            const DrModule *m = &g_array_index(d.modules, DrModule, i);
            fprintf(x->to, "%3u, 0x%016" PRIx64 ", 0x%016" PRIx64 ", 0x0, %s\n", i, m->base, m->end, m->path);
        }
        fprintf(x->to, "BB Table: %u bbs\n", d.n);
        fwrite(d.blocks->data, 1, d.blocks->len, x->to);
    }
    for (guint i = 0; i < d.modules->len; i++)
        g_free(g_array_index(d.modules, DrModule, i).path);
    g_array_unref(d.modules);
    g_byte_array_unref(d.blocks);
    return ok;
}
