/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native plugin interface: what rr-emu records by itself, for plugins that ask for it. */
#include <string.h>

#include "analyses/plugin/native.h"
#include "analyses/recorders/recorder.h"

static const RecorderClass *const classes[] = {
    [RR_RECORD_ACCESSES] = &accesses_recorder,   [RR_RECORD_INSTRUCTIONS] = &instructions_recorder,
    [RR_RECORD_REGISTERS] = &registers_recorder, [RR_RECORD_BLOCKS] = &blocks_recorder,
    [RR_RECORD_FUNCTIONS] = &functions_recorder, [RR_RECORD_CALLS] = &calls_recorder,
};

static Recorder *recorder_at(const RrSelf *self, guint i) {
    return g_ptr_array_index(self->recorders, i);
}

/* -- what a recorder calls ------------------------------------------------------------------------------- */

const char *recorder_setting(const Recorder *run, const char *name) {
    return g_hash_table_lookup(run->settings, name);
}

void recorder_subscribe(Recorder *run, const HookOps *ops) {
    hooks_subscribe(run->machine->hooks, ops, run);
    run->subscribed = true;
}

void recorder_trace(Recorder *run, uint32_t wants, unsigned jobs, TraceJobFn *fn, void *opaque) {
    Tracer *tracer = analysis_set_tracer(run->set);
    tracer_add(tracer, wants, jobs, fn, opaque);
    tracer_begin(tracer, run->machine);
}

bool recorder_refuse(const Recorder *run, GError **error, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    g_autofree char *what = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION, "%s: %s", run->who, what);
    return false;
}

char *recorder_table(const Recorder *run, const char *table) {
    return run->is_default ? g_strdup(table) : g_strconcat(run->name, "_", table, NULL);
}

/* -- in install ------------------------------------------------------------------------------------------ */

static Recorder *recorder_new(RrSelf *self, const RecorderClass *class, const char *suffix) {
    Recorder *run = g_new0(Recorder, 1);
    const Plugin *p = self->plugin;
    run->class = class;
    run->who = g_strdup_printf("%s %s", p->option, p->file);
    run->name = suffix ? g_strconcat(self->name, "_", suffix, NULL) : g_strdup(self->name);
    run->is_default = p->is_builtin && !suffix && !strcmp(self->name, self->class->name);
    run->settings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    run->state = g_malloc0(class->state_size);
    for (const RecorderSetting *s = class->settings; s->name; s++)
        g_hash_table_insert(run->settings, g_strdup(s->name), g_strdup(s->fallback));
    g_ptr_array_add(self->recorders, run);
    return run;
}

static const RecorderSetting *find_setting(const RecorderClass *class, const char *name) {
    for (const RecorderSetting *s = class->settings; s->name; s++)
        if (!strcmp(s->name, name))
            return s;
    return NULL;
}

static bool set(const RrSelf *self, Recorder *run, const RrSetting *setting, GError **error) {
    const RecorderSetting *known = find_setting(run->class, setting->name);
    if (!known)
        native_misuse(self, "rr_record(): there is no setting '%s' of this recording", setting->name);
    if (!setting->value)
        native_misuse(self, "rr_record(): the setting '%s' has no value", setting->name);
    g_auto(GStrv) values = g_strsplit(known->values, "|", -1);
    if (!g_ascii_isupper(*known->values) && !g_strv_contains((const gchar *const *)values, setting->value))
        return recorder_refuse(run, error, "%s=%s: expected one of %s", setting->name, setting->value,
                               known->values);
    g_hash_table_insert(run->settings, g_strdup(setting->name), g_strdup(setting->value));
    return true;
}

static void claim_tables(RrSelf *self, const Recorder *run) {
    for (const char *const *t = run->class->tables; *t; t++) {
        g_autofree char *name = g_strconcat(run->name, *t + 1, NULL); /* behind the $ */
        native_rows_claim(self, name);
    }
}

/* A former plugin's may be of another kind. */
static bool drop_tables(RrSelf *self, const Recorder *run, GError **error) {
    bool ok = true;
    for (const char *const *t = run->class->tables; ok && *t && !run->is_default; t++) {
        g_autofree char *name = g_strconcat(run->name, *t + 1, NULL);
        ok = native_rows_reserve(self, name, error) && store_drop(run->store, name, error);
    }
    return ok;
}

static bool begin(RrSelf *self, Recorder *run, GError **error) {
    PluginHost *host = self->plugin->host;
    if (host->leads)
        return recorder_refuse(run, error,
                               "what it has recorded takes one process for the whole replay: use -j 1");
    if (!(run->set = plugin_host_set(host, error)))
        return false;
    run->store = host->store;
    run->machine = analysis_set_machine(run->set);
    if (!drop_tables(self, run, error))
        return false;
    run->begun = true;
    return run->class->begin(run, error);
}

bool rr_record(RrSelf *self, RrRecording what, const char *suffix, const RrSetting *settings) {
    GError *error = NULL;
    if (!self->installing)
        native_misuse(self, "rr_record() outside install");
    if ((unsigned)what >= G_N_ELEMENTS(classes))
        native_misuse(self, "rr_record(): there is no recording %u", (unsigned)what);
    Recorder *run = recorder_new(self, classes[what], suffix);
    claim_tables(self, run);
    bool ok = true;
    for (const RrSetting *s = settings; ok && s && s->name; s++)
        ok = set(self, run, s, &error);
    if (!ok || !native_rows_open(self) || !begin(self, run, &error)) {
        if (error)
            native_rows_fail(self, error);
        return false;
    }
    return true;
}

/* -- afterwards ------------------------------------------------------------------------------------------ */

void native_records_quiet(RrSelf *self) {
    for (guint i = 0; i < self->recorders->len; i++) {
        Recorder *run = recorder_at(self, i);
        if (run->subscribed)
            hooks_unsubscribe(run->machine->hooks, run);
        run->subscribed = false;
    }
}

Pos native_records_next(const RrSelf *self, Pos pos) {
    Pos next = POS_NONE;
    for (guint i = 0; i < self->recorders->len; i++) {
        const Recorder *run = recorder_at(self, i);
        if (run->class->next_position)
            next = MIN(next, run->class->next_position(run, pos));
    }
    return next;
}

void native_records_reached(RrSelf *self, Pos pos) {
    for (guint i = 0; i < self->recorders->len; i++) {
        Recorder *run = recorder_at(self, i);
        if (run->class->next_position && run->class->next_position(run, pos) == pos)
            run->class->reached(run, pos);
    }
}

bool native_records_end(RrSelf *self, GError **error) {
    for (guint i = 0; i < self->recorders->len; i++) {
        Recorder *run = recorder_at(self, i);
        int64_t rows = 0;
        if (!run->class->end(run, &rows, error))
            return false;
        native_rows_add(self, rows);
    }
    return true;
}

void native_records_free(RrSelf *self) {
    native_records_quiet(self);
    for (guint i = 0; i < self->recorders->len; i++) {
        Recorder *run = recorder_at(self, i);
        if (run->begun)
            run->class->free(run);
        g_hash_table_unref(run->settings);
        g_free(run->who);
        g_free(run->name);
        g_free(run->state);
        g_free(run);
    }
    g_ptr_array_unref(self->recorders);
}
