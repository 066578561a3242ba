/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/store/trace_table.h"

#include <string.h>
#include <zstd.h>

#include "analyses/analysis.h"

#define SEGMENT_MAX ((size_t)64 << 20)
#define NODES_KEPT 8u

typedef struct Segment {
    CodeBlock *blocks[CODE_SEGMENT];
} Segment;

typedef struct KeptNode {
    int64_t level, group;
    uint64_t used;
    IndexNode *node;
} KeptNode;

struct TraceTable {
    sqlite3 *db;
    char *schema, *name;
    sqlite3_stmt *chunk, *touched, *code, *node;
    GPtrArray *segments; /* of Segment or NULL */
    ChunkDecoder *decoder;
    RunDecoder *runs; /* NULL until it is needed, as the one above */
    KeptNode kept[NODES_KEPT];
    uint64_t clock;
    GHashTable *insns;    /* pc -> raw, made by the first trace_table_insn */
    int changes, version; /* of the connection and the file, as of trace_table_refresh */
    bool refreshed, is_index;
};

static bool fail(TraceTable *t, GError **error, const char *what) {
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "%s.%s: %s", t->schema, t->name, what);
    return false;
}

static bool prepare(TraceTable *t, const char *format, sqlite3_stmt **ret) {
    char *sql = sqlite3_mprintf(format, t->schema, t->name);
    int result = sqlite3_prepare_v2(t->db, sql, -1, ret, NULL);
    sqlite3_free(sql);
    return result == SQLITE_OK;
}

static const CodeBlock *find_block(void *opaque, uint32_t id, GError **error);

bool trace_table_new(sqlite3 *db, const char *schema, const char *name, TraceTable **ret, GError **error) {
    TraceTable *t = g_new0(TraceTable, 1);
    t->db = db;
    t->schema = g_strdup(schema);
    t->name = g_strdup(name);
    t->segments = g_ptr_array_new();
    for (unsigned i = 0; i < NODES_KEPT; i++)
        t->kept[i].level = -1;
    if (prepare(t, "SELECT data FROM \"%w\".\"%w_chunk\" WHERE id = ?", &t->chunk) &&
        prepare(t, "SELECT touched FROM \"%w\".\"%w_chunk\" WHERE id = ?", &t->touched) &&
        prepare(t, "SELECT data FROM \"%w\".\"%w_code\" WHERE segment = ?", &t->code) &&
        prepare(t, "SELECT data FROM \"%w\".\"%w_index\" WHERE level = ? AND grp = ?", &t->node)) {
        *ret = t;
        return true;
    }
    trace_table_free(t);
    return false;
}

static void segment_free(Segment *s) {
    for (unsigned i = 0; s && i < CODE_SEGMENT; i++)
        code_block_free(s->blocks[i]);
    g_free(s);
}

static void forget(TraceTable *t) {
    for (guint i = 0; i < t->segments->len; i++)
        segment_free(g_ptr_array_index(t->segments, i));
    g_ptr_array_set_size(t->segments, 0);
    for (unsigned i = 0; i < NODES_KEPT; i++) {
        index_node_free(t->kept[i].node);
        t->kept[i] = (KeptNode){.level = -1};
    }
    if (t->insns)
        g_hash_table_unref(t->insns);
    t->insns = NULL;
}

void trace_table_free(TraceTable *t) {
    if (!t)
        return;
    sqlite3_finalize(t->chunk);
    sqlite3_finalize(t->touched);
    sqlite3_finalize(t->code);
    sqlite3_finalize(t->node);
    forget(t);
    g_ptr_array_free(t->segments, TRUE);
    chunk_decoder_free(t->decoder);
    run_decoder_free(t->runs);
    g_free(t->schema);
    g_free(t->name);
    g_free(t);
}

/* -- integers ------------------------------------------------------------------------------------------ */
static int64_t query_int(TraceTable *t, const char *format, int64_t a, int64_t fallback) {
    sqlite3_stmt *stmt = NULL;
    if (prepare(t, format, &stmt)) {
        sqlite3_bind_int64(stmt, 1, a);
        if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_type(stmt, 0) != SQLITE_NULL)
            fallback = sqlite3_column_int64(stmt, 0);
    }
    sqlite3_finalize(stmt);
    return fallback;
}

void trace_table_refresh(TraceTable *t) {
    int changes = sqlite3_total_changes(t->db), version = 0;
    sqlite3_file_control(t->db, t->schema, SQLITE_FCNTL_DATA_VERSION, &version);
    if (t->refreshed && changes == t->changes && version == t->version)
        return;
    forget(t);
    t->refreshed = true;
    t->changes = changes;
    t->version = version;
    t->is_index = query_int(t, "SELECT rows IS NULL FROM \"%w\".\"%w_chunk\" WHERE id >= ? LIMIT 1", 0, 0);
}

const char *trace_table_name(const TraceTable *t) {
    return t->name;
}

/* About every third instruction accesses memory. */
int64_t trace_table_rows(TraceTable *t) {
    const char *sql =
        "SELECT sum(ifnull(rows, (last_pos - first_pos) / 3)) FROM \"%w\".\"%w_chunk\" WHERE first_pos >= ?";
    return query_int(t, sql, INT64_MIN, 0);
}

void trace_table_range(TraceTable *t, int64_t first, int64_t last, int64_t *from, int64_t *to) {
    const char *at_or_before =
        "SELECT id FROM \"%w\".\"%w_chunk\" WHERE first_pos <= ? ORDER BY first_pos DESC LIMIT 1";
    /* Windows may share a pos at their ends: take the whole run. */
    *from = MAX(query_int(t, at_or_before, first, 0), 0);
    while (*from > 0 &&
           query_int(t, "SELECT last_pos FROM \"%w\".\"%w_chunk\" WHERE id = ?", *from - 1, -1) >= first)
        --*from;
    *to = 1 + query_int(t, at_or_before, last, -1);
    while (*to > 0 &&
           query_int(t, "SELECT first_pos FROM \"%w\".\"%w_chunk\" WHERE id = ?", *to, INT64_MAX) <= last &&
           last != INT64_MAX)
        ++*to;
}

/* -- blobs --------------------------------------------------------------------------------------------- */
/* Step `stmt` to its blob; the caller resets it. */
static bool fetch(TraceTable *t, sqlite3_stmt *stmt, const uint8_t **data, size_t *size, const char *what,
                  GError **error) {
    int result = sqlite3_step(stmt);
    if (result != SQLITE_ROW)
        return fail(t, error, result == SQLITE_DONE ? what : sqlite3_errmsg(t->db));
    *data = sqlite3_column_blob(stmt, 0);
    *size = (size_t)sqlite3_column_bytes(stmt, 0);
    return *data || fail(t, error, what);
}

static Segment *read_segment(uint32_t number, const uint8_t *blob, size_t size) {
    unsigned long long raw = ZSTD_getFrameContentSize(blob, size);
    if (raw > SEGMENT_MAX)
        return NULL;
    g_autofree uint8_t *data = g_malloc(raw + 1);
    if (ZSTD_decompress(data, raw, blob, size) != raw)
        return NULL;
    Reader r = {data, data + raw, false};
    Segment *s = g_new0(Segment, 1);
    for (unsigned i = 0; i < CODE_SEGMENT && r.at < r.end; i++) {
        if (!(s->blocks[i] = code_block_read(&r))) {
            segment_free(s);
            return NULL;
        }
        s->blocks[i]->id = number * CODE_SEGMENT + i;
    }
    return s;
}

static Segment *find_segment(TraceTable *t, uint32_t number, GError **error) {
    const uint8_t *blob;
    size_t size;
    if (number < t->segments->len && g_ptr_array_index(t->segments, number))
        return g_ptr_array_index(t->segments, number);
    sqlite3_bind_int64(t->code, 1, number);
    Segment *s = NULL;
    if (fetch(t, t->code, &blob, &size, "a code segment is missing", error) &&
        !(s = read_segment(number, blob, size)))
        fail(t, error, "a code segment is damaged");
    sqlite3_reset(t->code);
    if (!s)
        return NULL;
    if (t->segments->len <= number)
        g_ptr_array_set_size(t->segments, (gint)number + 1);
    return t->segments->pdata[number] = s;
}

static const CodeBlock *find_block(void *opaque, uint32_t id, GError **error) {
    TraceTable *t = opaque;
    Segment *s = find_segment(t, id / CODE_SEGMENT, error);
    if (!s)
        return NULL;
    if (!s->blocks[id % CODE_SEGMENT])
        fail(t, error, "a chunk names a block that is not there");
    return s->blocks[id % CODE_SEGMENT];
}

bool trace_table_chunk(TraceTable *t, int64_t id, ChunkRows *rows, GError **error) {
    const uint8_t *blob;
    size_t size;
    if (!t->decoder)
        t->decoder = chunk_decoder_new(find_block, t);
    sqlite3_bind_int64(t->chunk, 1, id);
    bool ok = fetch(t, t->chunk, &blob, &size, "a chunk is missing", error) &&
              chunk_decode(t->decoder, blob, size, rows, error);
    sqlite3_reset(t->chunk);
    return ok;
}

bool trace_table_runs(TraceTable *t, int64_t id, Runs *runs, GError **error) {
    const uint8_t *blob;
    size_t size;
    if (!t->runs)
        t->runs = run_decoder_new(find_block, t);
    sqlite3_bind_int64(t->chunk, 1, id);
    bool ok = fetch(t, t->chunk, &blob, &size, "a chunk is missing", error) &&
              run_decode(t->runs, blob, size, runs, error);
    sqlite3_reset(t->chunk);
    return ok;
}

/* -- windows ------------------------------------------------------------------------------------------- */
bool trace_table_is_index(const TraceTable *t) {
    return t->is_index;
}

/* The first column of what the query, given the table's name, finds, as a new string or NULL. */
static char *query_text(TraceTable *t, const char *format) {
    sqlite3_stmt *stmt = NULL;
    char *text = NULL, *sql = sqlite3_mprintf(format, t->schema);
    if (sqlite3_prepare_v2(t->db, sql, -1, &stmt, NULL) == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, t->name, -1, SQLITE_STATIC);
        if (sqlite3_step(stmt) == SQLITE_ROW)
            text = g_strdup((const char *)sqlite3_column_text(stmt, 0));
    }
    sqlite3_finalize(stmt);
    sqlite3_free(sql);
    return text;
}

bool trace_table_window(TraceTable *t, int64_t id, StoreWindow *ret, GError **error) {
    int64_t from = query_int(t, "SELECT first_pos FROM \"%w\".\"%w_chunk\" WHERE id = ?", id, -1);
    int64_t to = query_int(t, "SELECT last_pos FROM \"%w\".\"%w_chunk\" WHERE id = ?", id, -1);
    char *recording = query_text(t, "SELECT value FROM \"%w\".meta WHERE key = 'recording' AND ?1 = ?1");
    if (from < 0 || to < from || !recording) {
        g_free(recording);
        return fail(t, error, "a window of the index is damaged");
    }
    g_autofree char *args = query_text(t, "SELECT args FROM \"%w\".analysis WHERE name = ?1");
    const char *file = sqlite3_db_filename(t->db, t->schema);
    *ret =
        (StoreWindow){.recording = recording,
                      .path = query_text(t, "SELECT value FROM \"%w\".meta WHERE key = 'path' AND ?1 = ?1"),
                      .database = g_strdup(file ? file : ""),
                      .from = (Pos)from,
                      .to = (Pos)to,
                      .walks = args && strstr(args, "ptw=yes")};
    return true;
}

/* -- the index ----------------------------------------------------------------------------------------- */
static IndexNode *find_node(TraceTable *t, int64_t level, int64_t group, GError **error) {
    KeptNode *oldest = &t->kept[0];
    for (unsigned i = 0; i < NODES_KEPT; i++) {
        KeptNode *k = &t->kept[i];
        if (k->level == level && k->group == group) {
            k->used = ++t->clock;
            return k->node;
        }
        if (k->used < oldest->used)
            oldest = k;
    }
    const uint8_t *blob;
    size_t size;
    IndexNode *node = NULL;
    sqlite3_bind_int64(t->node, 1, level);
    sqlite3_bind_int64(t->node, 2, group);
    if (fetch(t, t->node, &blob, &size, "an index node is missing", error) &&
        !(node = index_node_read(blob, size)))
        fail(t, error, "an index node is damaged");
    sqlite3_reset(t->node);
    if (!node)
        return NULL;
    index_node_free(oldest->node);
    *oldest = (KeptNode){level, group, ++t->clock, node};
    return node;
}

static bool ask_node(TraceTable *t, int64_t level, int64_t group, const IndexQuery *queries, size_t n,
                     uint64_t *bits, GError **error) {
    IndexNode *node = find_node(t, level, group, error);
    *bits = ~0ull;
    for (size_t i = 0; node && i < n; i++)
        *bits &= index_node_ask(node, &queries[i]);
    return node != NULL;
}

static bool ask_chunk(TraceTable *t, int64_t id, const IndexQuery *queries, size_t n, bool *yes,
                      GError **error) {
    const uint8_t *blob;
    size_t size;
    sqlite3_bind_int64(t->touched, 1, id);
    bool ok = fetch(t, t->touched, &blob, &size, "a chunk is missing", error);
    *yes = ok;
    for (size_t i = 0; ok && i < n; i++)
        *yes = *yes && index_touched_ask(blob, size, &queries[i]);
    sqlite3_reset(t->touched);
    return ok;
}

/* Of the children first + 0..63 those not before `at` in the direction. */
static uint64_t ahead(uint64_t bits, int64_t first, int64_t at, bool down) {
    if (down)
        return at < first ? 0 : at - first >= 63 ? bits : bits & (~0ull >> (63 - (at - first)));
    return at <= first ? bits : at - first > 63 ? 0 : bits & ~0ull << (at - first);
}

static int64_t pick(uint64_t bits, bool down) {
    return down ? 63 - __builtin_clzll(bits) : __builtin_ctzll(bits);
}

/* The next child at or past `from` of any node of `level` that the index does not rule out; -1: none. */
static bool next_at_level(TraceTable *t, int64_t level, int64_t from, int64_t low, int64_t high, bool down,
                          const IndexQuery *queries, size_t n, int64_t *ret, GError **error) {
    const int64_t fanout = INDEX_FANOUT;
    *ret = -1;
    while (from >= low && from < high) {
        int64_t group = from / fanout, found = group;
        uint64_t bits;
        if (level < (int64_t)INDEX_LEVELS) { /* the parent may know that there is nothing for a long way */
            if (!next_at_level(t, level + 1, group, low / fanout, (high - 1) / fanout + 1, down, queries, n,
                               &found, error))
                return false;
            if (found < 0)
                return true;
            if (found != group)
                from = down ? found * fanout + fanout - 1 : found * fanout;
        }
        if (!ask_node(t, level, found, queries, n, &bits, error))
            return false;
        bits = ahead(bits, found * fanout, from, down);
        if (bits) {
            int64_t at = found * fanout + pick(bits, down);
            *ret = at >= low && at < high ? at : -1;
            return true;
        }
        from = down ? found * fanout - 1 : (found + 1) * fanout;
    }
    return true;
}

bool trace_table_next(TraceTable *t, int64_t from, int64_t low, int64_t high, bool down,
                      const IndexQuery *queries, size_t n, int64_t *ret, GError **error) {
    *ret = -1;
    if (n == 0) {
        *ret = from >= low && from < high ? from : -1;
        return true;
    }
    for (bool yes = false; !yes; from = down ? *ret - 1 : *ret + 1)
        if (!next_at_level(t, 1, from, low, high, down, queries, n, ret, error) ||
            (*ret >= 0 && !ask_chunk(t, *ret, queries, n, &yes, error)))
            return false;
        else if (*ret < 0)
            return true;
    return true;
}

/* -- instructions -------------------------------------------------------------------------------------- */
static void collect_insns(TraceTable *t) {
    t->insns = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    int64_t n = 1 + query_int(t, "SELECT max(segment) FROM \"%w\".\"%w_code\" WHERE segment >= ?", 0, -1);
    for (int64_t i = 0; i < n; i++) {
        Segment *s = find_segment(t, (uint32_t)i, NULL);
        for (unsigned k = 0; s && k < CODE_SEGMENT && s->blocks[k]; k++) {
            uint64_t pc = s->blocks[k]->pc;
            for (unsigned j = 0; j < s->blocks[k]->n_insns; pc += code_insn_size(s->blocks[k]->raw[j++]))
                g_hash_table_insert(t->insns, g_memdup2(&pc, sizeof pc),
                                    GUINT_TO_POINTER(s->blocks[k]->raw[j]));
        }
    }
}

bool trace_table_insn(TraceTable *t, uint64_t pc, uint32_t *insn) {
    gpointer value;
    if (!t->insns)
        collect_insns(t);
    if (!g_hash_table_lookup_extended(t->insns, &pc, NULL, &value))
        return false;
    *insn = GPOINTER_TO_UINT(value);
    return true;
}
