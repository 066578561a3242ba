/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Perfetto and chrome://tracing: the Trace Event Format, JSON. Time is guest time in microseconds; every event has its
 * pos as an argument. A process of the format is a kind of thing, a thread of it one track.
 */
#include "cli/export.h"

#include "cli/ask.h"

typedef struct Source {
    const char *table;
    int process;
    const char *title;
    const char *slices;   /* track, from_pos, to_pos or NULL (an instant), name, arguments as JSON */
    const char *tracks;   /* track, its name */
    const char *analysis; /* of slices that nest in their track; to_pos NULL: it never ended */
} Source;

#define TASK_NAME "coalesce(nullif(t.name, ''), 'task ' || t.id)"
#define TASK_TRACKS(table)                                                                                   \
    "SELECT t.id, " TASK_NAME " || ' ' || coalesce(t.tid, '') FROM task AS t WHERE t.id IN (SELECT task_id " \
    "FROM " table ")"

static const Source sources[] = {
    {"cpu", 1, "harts",
     "SELECT hart, from_pos, to_pos, coalesce(" TASK_NAME
     ", 'task ' || task_id), json_object('task', task_id, "
     "'pid', t.pid, 'tid', t.tid, 'pos', from_pos, 'insns', insns, 'idle_ns', idle_ns) FROM cpu "
     "LEFT JOIN task AS t ON t.id = task_id ORDER BY from_pos",
     "SELECT DISTINCT hart, 'hart ' || hart FROM cpu"},
    {"syscall", 2, "system calls",
     "SELECT coalesce(task_id, 0), enter_pos, exit_pos, name, json_object('pos', enter_pos, 'nr', nr, "
     "'text', "
     "text, 'result', result) FROM syscall ORDER BY enter_pos",
     TASK_TRACKS("syscall"), "syscalls"},
    {"call", 3, "functions",
     "SELECT coalesce(task_id, 0), call_pos, return_pos, coalesce(symbol, printf('%#x', pc)), "
     "json_object('pos', call_pos, 'a0', printf('%#x', a0), 'a1', printf('%#x', a1), 'result', "
     "printf('%#x', result), 'insns', insns) FROM call ORDER BY call_pos, depth",
     TASK_TRACKS("call"), "calls"},
    {"trap", 4, "interrupts and exceptions",
     "SELECT coalesce(task_id, 0), pos, coalesce(return_pos, pos), name, json_object('pos', pos, 'hart', "
     "hart, "
     "'interrupt', is_interrupt, 'epc', printf('%#x', epc), 'tval', printf('%#x', tval), 'at', symbol, "
     "'from', "
     "from_priv, 'to', to_priv) FROM trap ORDER BY pos, seq",
     TASK_TRACKS("trap")},
    {"irq", 5, "interrupt lines",
     "SELECT dense_rank() OVER (ORDER BY device), pos, NULL, event, json_object('pos', pos, 'source', "
     "source, "
     "'hart', hart) FROM irq ORDER BY pos, seq",
     "SELECT dense_rank() OVER (ORDER BY device), device FROM (SELECT DISTINCT device FROM irq)"},
    {"dma", 6, "DMA",
     "SELECT dense_rank() OVER (ORDER BY device), pos, NULL, op, json_object('pos', pos, 'paddr', "
     "printf('%#x', paddr), 'size', size) FROM dma ORDER BY pos, seq",
     "SELECT dense_rank() OVER (ORDER BY device), device FROM (SELECT DISTINCT device FROM dma)"},
    {"console", 7, "console",
     "SELECT 1, first_pos, NULL, text, json_object('pos', first_pos, 'device', device, 'dir', dir) FROM "
     "console "
     "ORDER BY first_pos",
     "SELECT 1, 'lines'"},
};

typedef struct Events {
    FILE *to;
    Clock *clock;
    const Source *source;
    bool some;          /* an event was written */
    GHashTable *last;   /* task → the last position of its last turn */
    GHashTable *within; /* track → GArray of where the slices end that the next one may lie in */
    int64_t latest;     /* how far the source's analysis was run */
} Events;

/* -- slices that never ended --------------------------------------------------------------------------------- */

static gpointer keep(int64_t number) {
    return g_memdup2(&number, sizeof number);
}

static void take_last(void *opaque, const QueryValue *v) {
    Events *e = opaque;
    if (v[0].type == QUERY_INTEGER && v[1].type == QUERY_INTEGER)
        g_hash_table_insert(e->last, keep(v[0].integer), keep(v[1].integer));
}

static GArray *track_ends(Events *e, int64_t track) {
    GArray *ends = g_hash_table_lookup(e->within, &track);
    if (!ends)
        g_hash_table_insert(e->within, keep(track), ends = g_array_new(FALSE, FALSE, sizeof(int64_t)));
    return ends;
}

/* Where a slice ends: one that never did, with the slice that it lies in, at the latest with its task's last turn. */
static int64_t slice_end(Events *e, int64_t track, int64_t from, const QueryValue *to) {
    GArray *ends = track_ends(e, track);
    while (ends->len && g_array_index(ends, int64_t, ends->len - 1) <= from)
        g_array_set_size(ends, ends->len - 1);
    int64_t end = to->integer;
    if (to->type == QUERY_NULL) {
        const int64_t *last = g_hash_table_lookup(e->last, &track);
        end = MAX(last ? *last : e->latest, from);
        if (ends->len)
            end = MIN(end, g_array_index(ends, int64_t, ends->len - 1));
    }
    g_array_append_val(ends, end);
    return end;
}

static void begin_source(Events *e, sqlite3 *db) {
    g_hash_table_remove_all(e->within);
    e->latest = ask_integer(db, "SELECT cast(value AS INTEGER) FROM meta WHERE key = 'end_pos'", 0);
    if (!e->source->analysis)
        return;
    g_autofree char *sql =
        g_strdup_printf("SELECT to_pos FROM analysis WHERE name = '%s'", e->source->analysis);
    e->latest = ask_integer(db, sql, e->latest);
}

/* -- events -------------------------------------------------------------------------------------------------- */

static void begin_event(Events *e, const char *phase, int64_t track) {
    fprintf(e->to, "%s{\"ph\":\"%s\",\"pid\":%d,\"tid\":%" G_GINT64_FORMAT, e->some ? ",\n" : "\n", phase,
            e->source->process, track);
    e->some = true;
}

static void put_name(Events *e, const char *what, int64_t track, const char *name) {
    begin_event(e, "M", track);
    fprintf(e->to, ",\"name\":\"%s\",\"args\":{\"name\":", what);
    put_json_string(e->to, name);
    fputs("}}", e->to);
}

static void put_track(void *opaque, const QueryValue *v) {
    put_name(opaque, "thread_name", v[0].integer, v[1].text);
}

static void put_time(const Events *e, const char *key, int64_t ns) {
    fprintf(e->to, ",\"%s\":%" G_GINT64_FORMAT ".%03d", key, ns / 1000, (int)(ns % 1000));
}

static void put_slice(void *opaque, const QueryValue *v) {
    Events *e = opaque;
    bool instant = !e->source->analysis && v[2].type == QUERY_NULL;
    int64_t from = clock_ns(e->clock, v[1].integer),
            end = e->source->analysis ? slice_end(e, v[0].integer, v[1].integer, &v[2]) : v[2].integer;
    begin_event(e, instant ? "i" : "X", v[0].integer);
    put_time(e, "ts", from);
    if (instant)
        fputs(",\"s\":\"t\"", e->to);
    else
        put_time(e, "dur", MAX(clock_ns(e->clock, end) - from, 0));
    fputs(",\"name\":", e->to);
    put_json_string(e->to, v[3].type == QUERY_TEXT ? v[3].text : "?");
    fprintf(e->to, ",\"args\":%s}", v[4].type == QUERY_TEXT ? v[4].text : "{}");
}

static bool put_source(Export *x, Events *e, GError **error) {
    const Source *s = e->source;
    begin_source(e, x->db);
    put_name(e, "process_name", 0, s->title);
    begin_event(e, "M", 0);
    fprintf(e->to, ",\"name\":\"process_sort_index\",\"args\":{\"sort_index\":%d}}", s->process);
    bool tracks = g_strrstr(s->tracks, "FROM task") == NULL || ask_has(x->db, "task");
    return (!tracks || ask_rows(x->db, s->tracks, put_track, e, error)) &&
           ask_rows(x->db, s->slices, put_slice, e, error);
}

bool export_perfetto(Export *x, GError **error) {
    Events e = {.to = x->to, .clock = clock_new(x->db, error)};
    if (!e.clock)
        return false;
    e.last = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    e.within =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, (GDestroyNotify)(void *)g_array_unref);
    bool ok =
        !ask_has(x->db, "task") || ask_rows(x->db, "SELECT id, last_pos FROM task", take_last, &e, error);
    fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", x->to);
    for (size_t i = 0; ok && i < G_N_ELEMENTS(sources); i++) {
        e.source = &sources[i];
        ok = !ask_has(x->db, sources[i].table) || put_source(x, &e, error);
    }
    fputs("\n]}\n", x->to);
    g_hash_table_unref(e.last);
    g_hash_table_unref(e.within);
    clock_free(e.clock);
    return ok;
}
