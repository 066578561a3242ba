/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/database.h"

#include <string.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "schema/version.h"
#include "tcg/riscv/translate.h"

static bool put(Store *store, const char *key, const char *value, GError **error) {
    return store_set_meta(store, key, value, error);
}

static bool put_number(Store *store, const char *key, uint64_t value, GError **error) {
    g_autofree char *text = g_strdup_printf("%" G_GUINT64_FORMAT, value);
    return put(store, key, text, error);
}

static bool import_meta(Store *store, const Rec *rec, GError **error) {
    const MachineConfig *c = rec_config(rec);
    const RecEnd *end = rec_end(rec);
    g_autofree char *isa = isa_string(&c->isa);
    return put_number(store, "schema_version", RR_DB_SCHEMA_VERSION, error) &&
           put(store, "recording", rec_info(rec)->id_text, error) && put(store, "isa", isa, error) &&
           put_number(store, "harts", c->n_harts, error) && put_number(store, "end_pos", end->pos, error) &&
           put_number(store, "end_time_ns", end->time, error) &&
           put(store, "end_reason", end->complete ? outcome_reason(end->stop, end->code) : "crash", error) &&
           put_number(store, "guest_code", end->code, error) &&
           put_number(store, "exit_status", (uint64_t)end->exit_status, error) &&
           put_number(store, "icount_shift", c->icount_shift, error) &&
           put(store, "command", rec_info(rec)->command, error);
}

/* seq counts the events of one pos. */
static void import_inputs(Store *store, const Rec *rec) {
    uint32_t seq = 0;
    for (size_t i = 0; i < rec_n_events(rec); i++) {
        const NdEvent *ev = rec_event(rec, i);
        seq = i && rec_event(rec, i - 1)->pos == ev->pos ? seq + 1 : 0;
        store_add_input(store, ev->pos, seq, ev->time, ev->kind, ev->source, ev->payload, ev->size);
    }
}

static void import_console(Store *store, const Rec *rec) {
    Pos pos;
    uint32_t port, size;
    const uint8_t *data;
    for (size_t i = 0; rec_console(rec, i, &pos, &port, &data, &size); i++)
        store_add_console(store, pos, port, false, data, size);
}

bool database_import(Store *store, const Rec *rec, GError **error) {
    if (!store_begin(store, error))
        return false;
    bool ok = import_meta(store, rec, error) && store_recording_begin(store, error);
    if (ok) {
        import_inputs(store, rec);
        import_console(store, rec);
        for (size_t i = 0; i < rec_n_checkpoints(rec); i++) {
            const RecCheckpoint *c = rec_checkpoint(rec, i);
            store_add_checkpoint(store, c->pos, c->time, c->hash);
        }
        ok = store_recording_end(store, error);
    }
    if (ok)
        return store_commit(store, error);
    store_rollback(store);
    return false;
}

bool database_loaded(Store *store, const Machine *m, GError **error) {
    if (!store_clear_loader(store, error))
        return false;
    for (guint i = 0; i < m->loads->len; i++) {
        const MachineLoad *load = &g_array_index(m->loads, MachineLoad, i);
        if (!store_add_loader(store, load->addr, load->size, load->name, error))
            return false;
    }
    return true;
}

bool database_is_elf(GBytes *data) {
    static const char ident[] = {'\177', 'E', 'L', 'F', 2, 1}, machine[] = {(char)243, 0};
    gsize size;
    const char *at = g_bytes_get_data(data, &size);
    return size >= 64 && !memcmp(at, ident, sizeof ident) && !memcmp(at + 18, machine, sizeof machine);
}

/* What they depend on besides the recording, whose database it is. */
static char *symbols_source(const GPtrArray *files) {
    GString *s = g_string_new("images, by rr-emu " RR_VERSION);
    for (guint i = 0; files && i < files->len; i++) {
        const char *spec = files->pdata[i], *at = strrchr(spec, '@');
        g_autofree char *path =
            at && g_ascii_isdigit(at[1]) ? g_strndup(spec, (gsize)(at - spec)) : g_strdup(spec);
        struct stat st = {0};
        if (stat(path, &st) < 0)
            st.st_size = -1;
        g_string_append_printf(s, "; %s, %" G_GINT64_FORMAT " bytes of %" G_GINT64_FORMAT ".%09ld", spec,
                               (gint64)st.st_size, (gint64)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
    }
    return g_string_free(s, FALSE);
}

static bool add_symbols(Store *store, const Rec *rec, const GPtrArray *files, GError **error) {
    const GPtrArray *images = rec_config(rec)->images;
    for (guint i = 0; i < images->len; i++) {
        const MachineImage *image = images->pdata[i];
        gsize size;
        const uint8_t *at = g_bytes_get_data(image->data, &size);
        g_autofree char *name = g_path_get_basename(image->name);
        uint64_t lies = image->role == IMAGE_SYMBOLS ? image->addr : STORE_AS_LINKED;
        bool ok =
            database_is_elf(image->data)  ? store_add_elf(store, name, image->name, at, size, lies, error)
            : image->role == IMAGE_KERNEL ? store_add_kallsyms(store, name, image->name, at, size, error)
                                          : true;
        if (!ok)
            return false;
    }
    for (guint i = 0; files && i < files->len; i++)
        if (!store_add_symbols(store, files->pdata[i], error))
            return false;
    return true;
}

bool database_symbols(Store *store, const Rec *rec, const GPtrArray *files, GError **error) {
    g_autofree char *source = symbols_source(files);
    if (store_has_symbols(store, source))
        return true;
    if (!store_symbols_begin(store, error))
        return false;
    if (add_symbols(store, rec, files, error) && store_symbols_end(store, source, error))
        return true;
    store_rollback(store);
    return false;
}

const char *database_sysroot(const Args *args, const Rec *rec) {
    const GPtrArray *images = rec_config(rec)->images;
    if (args->sysroot)
        return args->sysroot;
    for (guint i = 0; i < images->len; i++) {
        const MachineImage *image = images->pdata[i];
        if (image->role != IMAGE_SYSROOT)
            continue;
        if (g_file_test(image->name, G_FILE_TEST_IS_DIR))
            return image->name;
        tell(args, "the recording's --sysroot %s is not here: programs have no symbols", image->name);
    }
    return NULL;
}

/* disas() has no recording at hand: it decodes with every extension on. */
static char *disassemble(uint64_t pc, uint32_t insn) {
    Isa all;
    isa_init_default(&all);
    return riscv_disassemble(&all, pc, riscv_insn_length((uint16_t)insn) == 2 ? insn & 0xffff : insn);
}

void database_set_functions(sqlite3 *db, const StoreReplayer *replayer) {
    store_set_functions(db, disassemble, replayer);
}
