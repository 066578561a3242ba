/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Coverage: lcov's trace file (genhtml) by source line, drcov's (Lighthouse, bncov …) by block. */
#include "cli/export.h"

#include <inttypes.h>
#include <string.h>

#include "cli/args.h"
#include "cli/ask.h"
#include "cli/lines.h"

/* -- lcov: a line of a program was executed as often as its most frequent instruction ------------------------ */

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
    ByProgram *lines, *counts;
    GArray *functions;
} Lcov;

static gint by_line(gconstpointer a, gconstpointer b) {
    const LineCount *p = a, *q = b;
    int order = strcmp(p->file, q->file);
    return order ? order : p->line < q->line ? -1 : p->line > q->line;
}

static gint by_function(gconstpointer a, gconstpointer b) {
    const Function *p = a, *q = b;
    int order = strcmp(p->file, q->file);
    order = order ? order : p->line < q->line ? -1 : p->line > q->line;
    return order ? order : strcmp(p->name, q->name);
}

/* The first count at or after an address. */
static guint first_count(const GArray *counts, uint64_t addr) {
    guint low = 0, high = counts ? counts->len : 0;
    while (low < high) {
        guint middle = (low + high) / 2;
        if (g_array_index(counts, Count, middle).pc < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Sorted, and each line once. */
static void join_lines(GArray *lines) {
    guint n = 0;
    g_array_sort(lines, by_line);
    for (guint i = 0; i < lines->len; i++) {
        const LineCount *l = &g_array_index(lines, LineCount, i);
        LineCount *last = n ? &g_array_index(lines, LineCount, n - 1) : NULL;
        if (last && !by_line(last, l))
            last->count = MAX(last->count, l->count);
        else
            g_array_index(lines, LineCount, n++) = *l;
    }
    g_array_set_size(lines, n);
}

/* All lines of one program, with what ran of them. */
static void count_program(const GArray *lines, const GArray *counts, GArray *all) {
    g_autoptr(GArray) own = g_array_new(FALSE, FALSE, sizeof(LineCount));
    for (guint i = 0; i < lines->len; i++) {
        const Line *l = &g_array_index(lines, Line, i);
        uint64_t end = i + 1 < lines->len ? l[1].addr : UINT64_MAX;
        LineCount c = {l->file, l->line, 0};
        if (!l->file || l->line <= 0)
            continue;
        for (guint k = first_count(counts, l->addr);
             counts && k < counts->len && g_array_index(counts, Count, k).pc < end; k++)
            c.count = MAX(c.count, g_array_index(counts, Count, k).count);
        g_array_append_val(own, c);
    }
    join_lines(own);
    g_array_append_vals(all, own->data, own->len);
}

/* Those of several programs that were made from the same line are joined when written. */
static GArray *count_lines(const Lcov *x) {
    GArray *all = g_array_new(FALSE, FALSE, sizeof(LineCount));
    for (guint i = 0; i < by_program_count(x->lines); i++) {
        int64_t program;
        const GArray *lines = by_program_rows(x->lines, i, &program);
        count_program(lines, by_program_find(x->counts, program), all);
    }
    g_array_sort(all, by_line);
    return all;
}

/* name, address, program */
static void add_function(void *opaque, const QueryValue *v) {
    Lcov *x = opaque;
    uint64_t addr = (uint64_t)v[1].integer;
    int64_t program = v[2].integer;
    const Line *l = lines_find(x->lines, program, addr);
    if (!l || !v[0].text)
        return;
    const GArray *counts = by_program_find(x->counts, program);
    guint k = first_count(counts, addr);
    bool ran = counts && k < counts->len && g_array_index(counts, Count, k).pc == addr;
    Function f = {l->file, g_intern_string(v[0].text), l->line,
                  ran ? g_array_index(counts, Count, k).count : 0};
    g_array_append_val(x->functions, f);
}

static void put_functions(FILE *to, const GArray *functions, const char *file) {
    for (guint i = 0; i < functions->len;) {
        const Function *f = &g_array_index(functions, Function, i);
        uint64_t count = 0;
        for (; i < functions->len && !by_function(&g_array_index(functions, Function, i), f); i++)
            count += g_array_index(functions, Function, i).count;
        if (!strcmp(f->file, file))
            fprintf(to, "FN:%" G_GINT64_FORMAT ",%s\nFNDA:%" PRIu64 ",%s\n", f->line, f->name, count,
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
            count += g_array_index(lines, LineCount, i).count;
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
        "-bios, give --symbols FILE, or replay with --sysroot DIR");
    return false;
}

static bool read_functions(Lcov *l, sqlite3 *db, GError **error) {
    return ask_rows(db,
                    "SELECT min(name), addr, 0 FROM symbol WHERE kind = 'func' GROUP BY addr ORDER BY addr",
                    add_function, l, error) &&
           (!ask_has(db, "program_symbol") ||
            ask_rows(db,
                     "SELECT min(name), addr, module_id FROM program_symbol WHERE kind = 'func' "
                     "GROUP BY module_id, addr ORDER BY module_id, addr",
                     add_function, l, error));
}

bool export_lcov(Export *x, GError **error) {
    Lcov l = {.functions = g_array_new(FALSE, FALSE, sizeof(Function))};
    bool ok = (l.lines = lines_read(x->db, error)) && (l.counts = counts_read(x->db, error));
    if (ok && !by_program_count(l.lines))
        ok = no_lines(error);
    ok = ok && read_functions(&l, x->db, error);
    if (ok) {
        g_autoptr(GArray) lines = count_lines(&l);
        g_array_sort(l.functions, by_function);
        for (guint i = 0; i < lines->len;)
            i = put_file(x->to, lines, l.functions, i);
    }
    g_array_unref(l.functions);
    by_program_free(l.lines);
    by_program_free(l.counts);
    return ok;
}

/* -- drcov version 2: a module table, then {u32 offset, u16 size, u16 module} a block ------------------------- */

typedef struct DrModule {
    int64_t id; /* of the table module; 0: the 4 GiB around `base` that no module is known of */
    uint64_t base, end;
    char *path;
} DrModule;

#define BLOCK_SIZE_MAX ((uint64_t)1 << 32) /* bytes */

typedef struct Drcov {
    FILE *to;
    GArray *modules; /* of DrModule */
    GByteArray *blocks;
    guint n;
    bool bad;
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
    d->bad |= left > BLOCK_SIZE_MAX;
    for (uint64_t n; left && !d->bad; left -= n, pc += n) {
        guint module = module_of(d, v[2].type == QUERY_INTEGER ? v[2].integer : 0, pc);
        n = MIN(left, UINT16_MAX);
        put_low(d->blocks, pc - g_array_index(d->modules, DrModule, module).base, 4);
        put_low(d->blocks, n, 2);
        put_low(d->blocks, module, 2);
        d->n++;
    }
}

bool export_drcov(Export *x, GError **error) {
    Drcov d = {x->to, g_array_new(FALSE, FALSE, sizeof(DrModule)), g_byte_array_new(), 0, false};
    bool ok =
        ask_rows(x->db,
                 "SELECT id, coalesce(base, 0), coalesce(size, (SELECT max(offset + b.size) FROM block AS b "
                 "WHERE module_id = m.id), 0), coalesce(path, name) FROM main.module AS m ORDER BY id",
                 add_module, &d, error) &&
        ask_rows(x->db,
                 "SELECT iif(m.id AND m.base IS NULL, offset, pc), b.size, module_id FROM block AS b "
                 "LEFT JOIN main.module AS m ON m.id = module_id ORDER BY first_pos",
                 add_block, &d, error);
    if (ok && d.bad) {
        g_set_error(error, CLI_ERROR, 0, "block: a size is damaged; run blocks again");
        ok = false;
    }
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
