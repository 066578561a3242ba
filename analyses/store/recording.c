/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables that follow from a recording without replaying it. */
#include "analyses/builtin/lines.h"
#include "analyses/store/store_private.h"
#include "schema/nd_kinds.h"

struct StoreRecording {
    StoreStmt *checkpoint, *input, *console;
    Lines *lines; /* of the console */
    int64_t n_lines;
    GError *error; /* the first one */
};

void store_recording_free(Store *s) {
    StoreRecording *r = s->recording;
    store_stmt_free(r->checkpoint);
    store_stmt_free(r->input);
    store_stmt_free(r->console);
    lines_free(r->lines);
    g_clear_error(&r->error);
    g_free(r);
    s->recording = NULL;
}

/* Where the next failure goes: nowhere once there is one. */
static GError **first_error(StoreRecording *r) {
    return r->error ? NULL : &r->error;
}

static void add_line(void *opaque, const Line *line) {
    StoreRecording *r = opaque;
    store_run(r->console, first_error(r), "iuusss", ++r->n_lines, line->first_pos, line->last_pos,
              line->device, line->to_guest ? "in" : "out", line->text);
}

bool store_recording_begin(Store *s, GError **error) {
    if (!store_begin(s, error))
        return false;
    StoreRecording *r = s->recording = g_new0(StoreRecording, 1);
    r->lines = lines_new(add_line, r);
    if (store_exec_section(s, "clear recording", NULL, error) &&
        store_prepare(s, "INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?)", &r->checkpoint, error) &&
        store_prepare(s, "INSERT OR REPLACE INTO input VALUES (?, ?, ?, ?, ?, ?, ?)", &r->input, error) &&
        store_prepare(s, "INSERT INTO console VALUES (?, ?, ?, ?, ?, ?)", &r->console, error))
        return true;
    store_recording_free(s);
    store_rollback(s);
    return false;
}

void store_add_checkpoint(Store *s, Pos pos, Nsec time, uint64_t hash) {
    store_run(s->recording->checkpoint, first_error(s->recording), "uuu", pos, time, hash);
}

void store_add_input(Store *s, Pos pos, uint32_t seq, Nsec time, uint32_t kind, uint32_t source,
                     const uint8_t *payload, uint32_t size) {
    StoreRecording *r = s->recording;
    store_run(r->input, first_error(r), "uiusiib", pos, (int64_t)seq, time, nd_kind_name(kind),
              (int64_t)source, (int64_t)size, payload, (size_t)size);
    if (kind == ND_CONSOLE)
        store_add_console(s, pos, source, true, payload, size);
}

void store_add_console(Store *s, Pos pos, uint32_t port, bool to_guest, const uint8_t *data, uint32_t size) {
    lines_add(s->recording->lines, pos, port, to_guest, data, size);
}

bool store_clear_loader(Store *s, GError **error) {
    return store_exec(s, "DELETE FROM loader", error);
}

bool store_add_loader(Store *s, Gpa paddr, uint64_t size, const char *name, GError **error) {
    StoreStmt *stmt;
    if (!store_prepare(s, "INSERT INTO loader VALUES (?, ?, ?)", &stmt, error))
        return false;
    bool ok = store_run(stmt, error, "uus", paddr, size, name);
    store_stmt_free(stmt);
    return ok;
}

bool store_recording_end(Store *s, GError **error) {
    StoreRecording *r = s->recording;
    lines_end(r->lines);
    bool ok = !r->error;
    if (!ok)
        g_propagate_error(error, g_steal_pointer(&r->error));
    store_recording_free(s);
    if (!ok) {
        store_rollback(s);
        return false;
    }
    return store_commit(s, error);
}
