/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The native plugin interface: a plugin's life, the machine's events, questions. */
#include "analyses/plugin_native.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/csr.h"

void native_misuse(const RrSelf *self, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    g_autofree char *what = g_strdup_vprintf(format, ap);
    va_end(ap);
    const PluginHost *host = self->plugin->host;
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
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION, "--plugin %s: %s", p->file, what);
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
    static const char *const names[] = {
        [RR_OPTION_BOOL] = "on|off", [RR_OPTION_INT] = "N", [RR_OPTION_TEXT] = "TEXT"};
    return o->type == RR_OPTION_CHOICE ? o->choices : names[o->type];
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
    return *value && !*end && !errno;
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
        return refuse(p, error, "%s=%s: expected %s", o->name, value, values_of(o));
    g_hash_table_insert(self->options, g_strdup(o->name), g_strdup(value));
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
    RrSelf *self = p->state = g_new0(RrSelf, 1);
    self->plugin = p;
    self->class = class;
    self->name = g_strdup(class->name);
    self->positions = g_array_new(FALSE, FALSE, sizeof(NativePosition));
    self->row_pos = self->event_pos = POS_NONE;
    self->options = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (const RrOption *o = options_of(class); o->name; o++)
        g_hash_table_insert(self->options, g_strdup(o->name), g_strdup(o->fallback ? o->fallback : ""));
    for (char **word = p->words; *word; word++)
        if (!set_option(self, *word, error))
            return false;
    return check_name(self, error);
}

static const char *native_rows_name(const Plugin *p) {
    return ((const RrSelf *)p->state)->name;
}

/* -- events ---------------------------------------------------------------------------------------------- */

static const RrHart *view(const Hart *h) {
    return (const RrHart *)h;
}

static bool in_step(const RrSelf *self) {
    return self->plugin->host->machine->running;
}

/* After a trap was taken the hart is at the next step already: the event says which step it was. */
#define CALL(self, member, at, hart, class_of_rows, ...)                                                     \
    do {                                                                                                     \
        if (!(self)->stopped && (self)->class->member) {                                                     \
            PluginFrame former_ = plugin_enter((self)->plugin, #member, hart);                               \
            (self)->seq_class = (class_of_rows);                                                             \
            (self)->event_pos = (at);                                                                        \
            (self)->class->member(self, __VA_ARGS__);                                                        \
            (self)->event_pos = POS_NONE;                                                                    \
            plugin_leave((self)->plugin, former_);                                                           \
        }                                                                                                    \
    } while (0)

static void on_trap(void *opaque, const TrapEvent *ev) {
    RrSelf *self = opaque;
    RrTrap event = {ev->pos, view(ev->hart), ev->is_interrupt, ev->cause,
                    ev->epc, ev->tval,       ev->from_priv,    ev->to_priv};
    native_flow_break(self, ev->hart->id);
    CALL(self, trap, ev->pos, ev->hart, SEQ_TRAP, &event);
}

static void on_trap_return(void *opaque, Pos pos, const Hart *hart, uint8_t from_priv) {
    RrSelf *self = opaque;
    CALL(self, trap_return, pos, hart, SEQ_TRAP, pos, view(hart), from_priv);
}

static void on_irq(void *opaque, Pos pos, const Hart *hart, const Device *device, uint32_t source,
                   IrqStage stage) {
    RrSelf *self = opaque;
    RrIrq event = {pos, view(hart), device ? device->name : NULL, source, (RrIrqStage)stage};
    CALL(self, irq, pos, hart, in_step(self) ? SEQ_IRQ_STEP : SEQ_IRQ, &event);
}

static void on_mmio(void *opaque, Pos pos, const Hart *hart, const Device *device, Gpa offset, bool is_write,
                    unsigned size, uint64_t value) {
    RrSelf *self = opaque;
    RrMmio event = {pos, view(hart), device->name, offset, value, size, is_write};
    CALL(self, mmio, pos, hart, SEQ_MMIO, &event);
}

static void on_dma(void *opaque, Pos pos, const Device *device, bool is_write, Gpa pa, const uint8_t *data,
                   uint64_t size) {
    RrSelf *self = opaque;
    RrDma event = {pos, device->name, pa, size, data, is_write};
    CALL(self, dma, pos, NULL, in_step(self) ? SEQ_DMA_STEP : SEQ_DMA, &event);
}

static void on_console(void *opaque, Pos pos, uint32_t port, bool to_guest, const uint8_t *data,
                       uint32_t size) {
    RrSelf *self = opaque;
    RrBytes event = {pos, machine_time(self->plugin->host->machine), port, "console", to_guest, data, size};
    CALL(self, console, pos, NULL, to_guest ? SEQ_INPUT : SEQ_MMIO, &event);
}

static void on_input(void *opaque, const NdEvent *ev) {
    RrSelf *self = opaque;
    RrBytes event = {ev->pos, ev->time, ev->source, nd_kind_name(ev->kind), true, ev->payload, ev->size};
    CALL(self, input, ev->pos, NULL, SEQ_INPUT, &event);
}

static void on_checkpoint(void *opaque, Pos pos, Nsec now, uint64_t hash) {
    RrSelf *self = opaque;
    CALL(self, checkpoint, pos, NULL, SEQ_INPUT, pos, now, hash);
}

static void on_satp(void *opaque, Pos pos, const Hart *hart) {
    RrSelf *self = opaque;
    CALL(self, satp, pos, hart, SEQ_TRAP, pos, view(hart));
}

static void on_idle(void *opaque, Pos pos, const Hart *hart, bool waits) {
    RrSelf *self = opaque;
    CALL(self, idle, pos, hart, waits ? SEQ_TRAP : SEQ_INPUT, pos, view(hart), waits);
}

/* Without .translate, for plugins that look at no code: what is not subscribed costs nothing. */
#define MACHINE_EVENTS                                                                                       \
    .trap = on_trap, .trap_return = on_trap_return, .irq = on_irq, .mmio = on_mmio, .dma = on_dma,           \
    .console = on_console, .input = on_input, .checkpoint = on_checkpoint, .satp = on_satp, .idle = on_idle
static const HookOps machine_hooks = {MACHINE_EVENTS};
static const HookOps code_hooks = {.translate = native_on_translate, MACHINE_EVENTS};

/* -- life ------------------------------------------------------------------------------------------------ */

static bool native_install(Plugin *p, GError **error) {
    RrSelf *self = p->state;
    Machine *m = p->host->machine;
    if (!scoreboard_alloc(m, 8, &self->flow))
        return refuse(p, error, "no memory for counters");
    for (uint32_t i = 0; i < m->n_harts; i++)
        native_flow_break(self, i);
    native_rows_begin(self);
    self->installing = true;
    PluginFrame former = plugin_enter(p, "install", NULL);
    bool ok = !self->class->install || self->class->install(self);
    plugin_leave(p, former);
    self->installing = false;
    if (!native_rows_ready(self, error))
        return false;
    if (!ok)
        return refuse(p, error, "it refused to start");
    hooks_subscribe(m->hooks, self->class->translate ? &code_hooks : &machine_hooks, self);
    self->subscribed = true;
    return true;
}

static void unsubscribe(RrSelf *self) {
    if (self->subscribed)
        hooks_unsubscribe(self->plugin->host->machine->hooks, self);
    self->subscribed = false;
}

static bool native_end(Plugin *p, bool complete, GError **error) {
    RrSelf *self = p->state;
    unsubscribe(self);
    self->stopped = false;
    CALL(self, end, POS_NONE, NULL, SEQ_REGS, complete);
    if (self->class->uninstall) {
        PluginFrame former = plugin_enter(p, "uninstall", NULL);
        self->class->uninstall(self);
        plugin_leave(p, former);
    }
    return native_rows_end(self, complete, error);
}

static void native_free(Plugin *p) {
    RrSelf *self = p->state;
    unsubscribe(self);
    native_rows_free(self);
    g_hash_table_unref(self->options);
    g_array_unref(self->positions);
    g_free(self->name);
    g_free(self);
}

static Pos native_next_position(const Plugin *p, Pos pos) {
    const RrSelf *self = p->state;
    Pos next = POS_NONE;
    for (guint i = 0; i < self->positions->len && !self->stopped; i++) {
        Pos at = g_array_index(self->positions, NativePosition, i).pos;
        if (at >= pos)
            next = MIN(next, at);
    }
    return next;
}

static void native_reached(Plugin *p, Pos pos) {
    RrSelf *self = p->state;
    for (guint i = 0; i < self->positions->len && !self->stopped; i++) {
        NativePosition at = g_array_index(self->positions, NativePosition, i);
        if (at.pos != pos)
            continue;
        PluginFrame former = plugin_enter(p, "position", NULL);
        self->seq_class = SEQ_INPUT;
        at.fn(self, pos);
        plugin_leave(p, former);
    }
}

const PluginKind plugin_kind_native = {.name = "rr",
                                       .check = native_check,
                                       .rows_name = native_rows_name,
                                       .install = native_install,
                                       .next_position = native_next_position,
                                       .reached = native_reached,
                                       .end = native_end,
                                       .free = native_free};

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
    host->env.print(host->env.opaque, text);
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
    g_array_append_val(self->positions, at);
}

/* -- counters -------------------------------------------------------------------------------------------- */

RrCounter rr_counter_new(RrSelf *self) {
    uint32_t counter;
    if (!scoreboard_alloc(self->plugin->host->machine, 8, &counter))
        native_misuse(self, "no room for one more counter");
    return counter;
}

static uint64_t *counter_at(const RrSelf *self, RrCounter counter, unsigned hart) {
    const Machine *m = self->plugin->host->machine;
    if (hart >= m->n_harts || counter % 8 || counter >= m->scoreboard_used)
        native_misuse(self, "counter %u of hart %u does not exist", counter, hart);
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

/* -- questions ------------------------------------------------------------------------------------------- */

static const Hart *hart_of(const RrHart *hart) {
    return (const Hart *)hart;
}

Pos native_pos(const RrSelf *self) {
    return self->event_pos != POS_NONE ? self->event_pos : machine_pos(self->plugin->host->machine);
}

uint64_t rr_pos(const RrSelf *self) {
    return native_pos(self);
}
uint64_t rr_time_ns(const RrSelf *self) {
    return machine_time(self->plugin->host->machine);
}
unsigned rr_harts(const RrSelf *self) {
    return self->plugin->host->machine->n_harts;
}

const RrHart *rr_hart(const RrSelf *self, unsigned index) {
    return index < rr_harts(self) ? view(self->plugin->host->machine->harts[index]) : NULL;
}

unsigned rr_hart_index(const RrHart *hart) {
    return hart_of(hart)->id;
}
uint64_t rr_pc(const RrHart *hart) {
    return hart_of(hart)->pc;
}
unsigned rr_priv(const RrHart *hart) {
    return hart_of(hart)->priv;
}

bool rr_register(const RrHart *hart, const char *name, uint64_t *value) {
    const Hart *h = hart_of(hart);
    char *end;
    if ((*name == 'x' || *name == 'f') && g_ascii_isdigit(name[1])) {
        guint64 i = g_ascii_strtoull(name + 1, &end, 10);
        if (*end || i > 31)
            return false;
        *value = *name == 'x' ? h->x[i] : h->f[i];
        return true;
    }
    for (unsigned i = 0; i < 32; i++) {
        bool is_x = !strcmp(name, hart_x_name(i)), is_f = !strcmp(name, hart_f_name(i));
        if (is_x || is_f) {
            *value = is_x ? h->x[i] : h->f[i];
            return true;
        }
    }
    if (!strcmp(name, "pc") || !strcmp(name, "priv")) {
        *value = name[1] == 'c' ? h->pc : h->priv;
        return true;
    }
    int csr = csr_number(name);
    return csr >= 0 && csr_peek(h, (unsigned)csr, value);
}

bool rr_read_virtual(const RrHart *hart, uint64_t vaddr, void *to, size_t size) {
    return plugin_read_vaddr(hart_of(hart), vaddr, to, size);
}

bool rr_read_physical(const RrSelf *self, uint64_t paddr, void *to, size_t size) {
    return plugin_read_paddr(self->plugin->host->machine, paddr, to, size);
}

bool rr_translate(const RrHart *hart, uint64_t vaddr, uint64_t *paddr) {
    return plugin_translate(hart_of(hart), vaddr, paddr);
}

bool rr_symbol(const RrSelf *self, uint64_t vaddr, char *to, size_t size) {
    const PluginHost *host = self->plugin->host;
    g_autofree char *name = host->env.symbol(host->env.opaque, vaddr);
    g_strlcpy(to, name ? name : "", size);
    return name && *name;
}
