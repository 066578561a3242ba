/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native plugin interface: a plugin's life, its options, counters. */
#include "analyses/plugin/native.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void native_misuse(const RrSelf *self, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    g_autofree char *what = g_strdup_vprintf(format, ap);
    va_end(ap);
    const PluginHost *host = self->plugin->host;
    if (self->plugin->is_builtin)
        g_error("%s: %s", self->plugin->base, what);
    g_autofree char *text = g_strdup_printf("rr-emu: plugin %s: %s\n", self->plugin->base, what);
    host->env.print(host->env.opaque, text);
    _Exit(2); /* as after a crash: nothing is committed */
}

/* -- loading and options --------------------------------------------------------------------------------- */

static bool refuse(const Plugin *p, GError **error, const char *format, ...) G_GNUC_PRINTF(3, 4);
static bool refuse(const Plugin *p, GError **error, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    g_autofree char *what = g_strdup_vprintf(format, ap);
    va_end(ap);
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION, "%s %s: %s", p->option, p->file, what);
    return false;
}

static const RrOption no_options[] = {{NULL}};

static const RrOption *options_of(const RrPlugin *class) {
    return class->options ? class->options : no_options;
}

static const RrOption *find_option(const RrPlugin *class, const char *name) {
    for (const RrOption *o = options_of(class); o->name; o++)
        if (!strcmp(o->name, name))
            return o;
    return NULL;
}

static const char *values_of(const RrOption *o) {
    static const char *const names[] = {[RR_OPTION_BOOL] = "on|off",
                                        [RR_OPTION_INT] = "N",
                                        [RR_OPTION_TEXT] = "TEXT",
                                        [RR_OPTION_CHOICE] = ""};
    return o->choices ? o->choices : names[o->type];
}

static char *describe_options(const RrPlugin *class) {
    GString *s = g_string_new("as=NAME (the name of its tables)");
    for (const RrOption *o = options_of(class); o->name; o++)
        g_string_append_printf(s, "; %s=%s (default %s): %s", o->name, values_of(o),
                               o->fallback ? o->fallback : "none", o->help ? o->help : "");
    return g_string_free(s, FALSE);
}

static bool parse_bool(const char *value, bool *to) {
    static const char *const yes[] = {"on", "yes", "true", "1", NULL}, *const no[] = {"off", "no", "false",
                                                                                      "0", NULL};
    *to = g_strv_contains(yes, value);
    return *to || g_strv_contains(no, value);
}

static bool parse_int(const char *value, int64_t *to) {
    char *end;
    errno = 0;
    *to = g_ascii_strtoll(value, &end, 0);
    int64_t unit = *end == 'k' ? 1000 : *end == 'M' ? 1000000 : *end == 'G' ? 1000000000 : 1;
    bool scaled = unit > 1 && end > value;
    return *value && !end[scaled] && !errno && !__builtin_mul_overflow(*to, unit, to);
}

static bool value_is_good(const RrOption *o, const char *value) {
    bool b;
    int64_t i;
    switch (o->type) {
    case RR_OPTION_BOOL: return parse_bool(value, &b);
    case RR_OPTION_INT: return parse_int(value, &i);
    case RR_OPTION_CHOICE: {
        g_auto(GStrv) choices = g_strsplit(o->choices, "|", -1);
        return g_strv_contains((const gchar *const *)choices, value);
    }
    default: return true;
    }
}

static bool set_option(RrSelf *self, const char *word, GError **error) {
    Plugin *p = self->plugin;
    g_auto(GStrv) pair = g_strsplit(word, "=", 2);
    const char *value = pair[0] && pair[1] ? pair[1] : "on";
    if (pair[0] && !strcmp(pair[0], "as")) {
        g_free(self->name);
        self->name = g_strdup(value);
        return analysis_name_is_free(value) ||
               refuse(p, error, "as=%s: expected letters, digits and _, and no name that rr-emu uses", value);
    }
    const RrOption *o = pair[0] ? find_option(self->class, pair[0]) : NULL;
    if (!o) {
        g_autofree char *known = describe_options(self->class);
        return refuse(p, error, "option '%s' is unknown; it takes %s", word, known);
    }
    if (!value_is_good(o, value))
        return refuse(p, error, "%s=%s: expected %s", o->name, value,
                      o->type == RR_OPTION_INT ? "a whole number (k, M, G allowed)" : values_of(o));
    native_set_option(p, o->name, value);
    return true;
}

static bool check_version(const Plugin *p, uint32_t version, GError **error) {
    if (version >= RR_PLUGIN_VERSION_MIN && version <= RR_PLUGIN_VERSION)
        return true;
    return refuse(
        p, error, "built for version %u of the plugin interface, which is too %s: this rr-emu has %d to %d",
        version, version < RR_PLUGIN_VERSION_MIN ? "old" : "new", RR_PLUGIN_VERSION_MIN, RR_PLUGIN_VERSION);
}

/* Options whose types or fallbacks make no sense are found now, not when they are asked for. */
static bool check_options(const Plugin *p, const RrPlugin *class, GError **error) {
    for (const RrOption *o = options_of(class); o->name; o++)
        if ((unsigned)o->type > RR_OPTION_CHOICE || (o->type == RR_OPTION_CHOICE && !o->choices) ||
            (o->fallback && !value_is_good(o, o->fallback)))
            return refuse(p, error, "its option '%s' has a type, choices or a fallback that do not fit",
                          o->name);
    return true;
}

/* Its tables would be dropped by a second one of that name. */
static bool check_name(const RrSelf *self, GError **error) {
    const Plugin *p = self->plugin;
    for (guint i = 0; i < p->host->plugins->len; i++) {
        const Plugin *other = g_ptr_array_index(p->host->plugins, i);
        if (other->kind == p->kind && !g_ascii_strcasecmp(((const RrSelf *)other->state)->name, self->name))
            return refuse(p, error, "'%s' is there already; give the second one as=NAME", self->name);
    }
    return true;
}

static size_t size_of_version(uint32_t version) {
    return version < 2   ? offsetof(RrPlugin, tasks)
           : version < 3 ? offsetof(RrPlugin, task_turn)
                         : sizeof(RrPlugin);
}

static void attach(Plugin *p, const RrPlugin *class) {
    RrSelf *self = p->state = g_new0(RrSelf, 1);
    self->plugin = p;
    memcpy(&self->class_copy, class, size_of_version(class->version));
    self->class = &self->class_copy;
    self->name = g_strdup(class->name);
    self->positions = g_array_new(FALSE, FALSE, sizeof(NativePosition));
    self->pieces = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    self->event_pos = POS_NONE;
    native_counts_reset(self);
    self->recorders = g_ptr_array_new();
    self->registers = g_ptr_array_new_with_free_func(g_free);
    self->options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (const RrOption *o = options_of(class); o->name; o++)
        native_set_option(p, o->name, o->fallback ? o->fallback : "");
}

void native_set_option(Plugin *p, const char *name, const char *value) {
    g_hash_table_insert(((RrSelf *)p->state)->options, g_strdup(name), g_strdup(value));
}

static bool native_check(Plugin *p, GError **error) {
    const RrPlugin *class = dlsym(p->object, "rr_plugin");
    if (!class || !check_version(p, class->version, error))
        return false;
    if (!class->name || !analysis_name_is_free(class->name))
        return refuse(p, error,
                      "its name '%s' is not one for a table: expected letters, digits and _, and no name "
                      "that rr-emu uses",
                      class->name ? class->name : "");
    if (!check_options(p, class, error))
        return false;
    attach(p, class);
    for (char **word = p->words; *word; word++)
        if (!set_option(p->state, *word, error))
            return false;
    return check_name(p->state, error);
}

void native_link(Plugin *p, const RrPlugin *class) {
    g_assert(class->version == RR_PLUGIN_VERSION);
    p->file = g_strdup(class->name);
    attach(p, class);
}

void native_set_name(Plugin *p, const char *name) {
    RrSelf *self = p->state;
    g_free(self->name);
    self->name = g_strdup(name);
}

const char *native_name(const Plugin *p) {
    return ((const RrSelf *)p->state)->name;
}

/* As `rr-emu analyses` shows the built-in ones. */
static char *native_describe(const Plugin *p) {
    const RrPlugin *class = ((const RrSelf *)p->state)->class;
    GString *s = g_string_new(NULL);
    g_string_printf(s, "%-10s %s\n           %s, version %u of the plugin interface\n", class->name,
                    class->help ? class->help : "", p->file, class->version);
    for (const RrOption *o = options_of(class); o->name; o++)
        g_string_append_printf(s, "           %s=%s (default %s): %s\n", o->name, values_of(o),
                               o->fallback && *o->fallback ? o->fallback : "none", o->help ? o->help : "");
    return g_string_free(s, FALSE);
}

static const char *native_rows_name(const Plugin *p) {
    return ((const RrSelf *)p->state)->name;
}

/* -- life ------------------------------------------------------------------------------------------------ */

static void uninstall(RrSelf *self) {
    if (!self->class->uninstall)
        return;
    PluginFrame former = plugin_enter(self->plugin, "uninstall", NULL);
    self->class->uninstall(self);
    plugin_leave(self->plugin, former);
}

static bool native_install(Plugin *p, GError **error) {
    RrSelf *self = p->state;
    Machine *m = p->host->machine;
    if (self->class->basic_blocks && !scoreboard_alloc(m, 8, &self->flow))
        return refuse(p, error, "no memory for counters");
    for (uint32_t i = 0; i < m->n_harts; i++)
        native_flow_break(self, i);
    native_rows_begin(self);
    if (!native_events_prepare(self, error))
        return false;
    if (!p->host->leads)
        native_events_watch(self);
    self->installing = true;
    PluginFrame former = plugin_enter(p, "install", NULL);
    bool ok = !self->class->install || self->class->install(self);
    plugin_leave(p, former);
    self->installing = false;
    if (!native_rows_ready(self, error)) {
        if (ok)
            uninstall(self);
        native_events_end(self);
        return false;
    }
    if (!ok) {
        native_events_end(self);
        return refuse(p, error, "%s", self->refusal ? self->refusal : "it refused to start");
    }
    if (p->host->leads)
        native_events_follow(self);
    else
        native_events_begin(self);
    return true;
}

static void native_quiet(Plugin *p) {
    native_events_stop(p->state);
    native_records_quiet(p->state);
}

static bool native_end(Plugin *p, bool complete, GError **error) {
    RrSelf *self = p->state;
    native_events_stop(self);
    self->stopped = false;
    NATIVE_CALL(self, end, POS_NONE, NULL, SEQ_REGS, complete);
    uninstall(self);
    native_events_end(self);
    native_records_quiet(self);
    GError *failure = NULL;
    native_records_end(self, &failure);
    return native_rows_end(self, complete, failure, error);
}

static void native_free(Plugin *p) {
    RrSelf *self = p->state;
    if (p->installed) /* the replay has not come to its end */
        uninstall(self);
    native_events_free(self);
    native_records_free(self);
    native_rows_free(self);
    g_hash_table_unref(self->options);
    g_array_unref(self->positions);
    g_ptr_array_unref(self->registers);
    g_ptr_array_unref(self->pieces);
    g_free(self->refusal);
    g_free(self->name);
    g_free(self);
}

static Pos native_next_position(const Plugin *p, Pos pos) {
    const RrSelf *self = p->state;
    Pos next = native_records_next(self, pos);
    for (guint i = 0; i < self->positions->len && !self->stopped; i++) {
        Pos at = g_array_index(self->positions, NativePosition, i).pos;
        if (at >= pos)
            next = MIN(next, at);
    }
    return next;
}

/* Those up to pos, which have passed. */
static void forget_positions(GArray *positions, Pos pos) {
    guint n = 0;
    for (guint i = 0; i < positions->len; i++) {
        NativePosition at = g_array_index(positions, NativePosition, i);
        if (at.pos > pos)
            g_array_index(positions, NativePosition, n++) = at;
    }
    g_array_set_size(positions, n);
}

static void native_reached(Plugin *p, Pos pos) {
    RrSelf *self = p->state;
    native_records_reached(self, pos);
    self->waits = true;
    for (guint i = 0; i < self->positions->len && !self->stopped; i++) {
        NativePosition at = g_array_index(self->positions, NativePosition, i);
        if (at.pos != pos)
            continue;
        PluginFrame former = plugin_enter(p, "position", NULL);
        self->seq_class = SEQ_INPUT;
        at.fn(self, pos);
        plugin_leave(p, former);
    }
    self->waits = false;
    forget_positions(self->positions, pos);
}

static void native_pause(Plugin *p, bool pause) {
    native_rows_pause(p->state, pause);
}

const PluginKind plugin_kind_native = {.name = "rr",
                                       .check = native_check,
                                       .describe = native_describe,
                                       .rows_name = native_rows_name,
                                       .install = native_install,
                                       .quiet = native_quiet,
                                       .next_position = native_next_position,
                                       .reached = native_reached,
                                       .end = native_end,
                                       .free = native_free,
                                       .is_parallel = native_is_parallel,
                                       .segment_begin = native_segment_begin,
                                       .segment_end = native_segment_end,
                                       .pause = native_pause,
                                       .collect_begin = native_collect_begin,
                                       .collect = native_collect,
                                       .merge = native_merge};

/* -- the instance ---------------------------------------------------------------------------------------- */

void rr_set_data(RrSelf *self, void *data) {
    self->data = data;
}
void *rr_data(const RrSelf *self) {
    return self->data;
}

static const char *option_value(const RrSelf *self, const char *name) {
    const char *value = g_hash_table_lookup(self->options, name);
    if (!value)
        native_misuse(self, "it asks for the option '%s', which it does not declare", name);
    return value;
}

bool rr_option_bool(const RrSelf *self, const char *name) {
    bool value;
    return parse_bool(option_value(self, name), &value) && value;
}

int64_t rr_option_int(const RrSelf *self, const char *name) {
    int64_t value;
    return parse_int(option_value(self, name), &value) ? value : 0;
}

const char *rr_option_text(const RrSelf *self, const char *name) {
    return option_value(self, name);
}

void rr_print(const RrSelf *self, const char *text) {
    const PluginHost *host = self->plugin->host;
    if (host->segment)
        native_segment_text((RrSelf *)self, text);
    else
        host->env.print(host->env.opaque, text);
}

void rr_refuse(RrSelf *self, const char *format, ...) {
    va_list ap;
    if (!self->installing)
        native_misuse(self, "rr_refuse() outside install");
    va_start(ap, format);
    g_free(self->refusal);
    self->refusal = g_strdelimit(g_strdup_vprintf(format, ap), "\r\n", ' '); /* one line */
    va_end(ap);
}

void rr_reset(RrSelf *self) {
    self->plugin->generation++;
    self->plugin->host->any_reset = true;
    hooks_retranslate(self->plugin->host->machine->hooks);
}

void rr_stop_observing(RrSelf *self) {
    self->stopped = true;
    rr_reset(self);
}

void rr_at_position(RrSelf *self, uint64_t pos, void (*fn)(RrSelf *self, uint64_t pos)) {
    NativePosition at = {pos, fn};
    if (!self->installing && !self->waits && self->plugin->host->running)
        native_misuse(self, "rr_at_position() outside install, segment_begin and what it calls");
    g_array_append_val(self->positions, at);
}

/* -- counters -------------------------------------------------------------------------------------------- */

RrCounter rr_counter_new(RrSelf *self) {
    uint32_t counter;
    if (!scoreboard_alloc(self->plugin->host->machine, 8, &counter))
        native_misuse(self, "no room for one more counter");
    return counter;
}

void native_check_counter(const RrSelf *self, RrCounter counter) {
    if (counter % 8 || counter >= self->plugin->host->machine->scoreboard_used)
        native_misuse(self, "counter %u does not exist", counter);
}

static uint64_t *counter_at(const RrSelf *self, RrCounter counter, unsigned hart) {
    const Machine *m = self->plugin->host->machine;
    native_check_counter(self, counter);
    if (hart >= m->n_harts)
        native_misuse(self, "a counter of hart %u, which does not exist", hart);
    return scoreboard_at(m, hart, counter);
}

uint64_t rr_counter(const RrSelf *self, RrCounter counter, unsigned hart) {
    return *counter_at(self, counter, hart);
}

void rr_counter_set(RrSelf *self, RrCounter counter, unsigned hart, uint64_t value) {
    *counter_at(self, counter, hart) = value;
}

uint64_t rr_counter_sum(const RrSelf *self, RrCounter counter) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < rr_harts(self); i++)
        sum += *counter_at(self, counter, i);
    return sum;
}
