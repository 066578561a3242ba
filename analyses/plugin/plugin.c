/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/plugin/plugin.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "analyses/plugin/private.h"
#include "core/mmu.h"

PluginHost *plugin_process_host;

static const PluginKind *const kinds[] = {&plugin_kind_native, &plugin_kind_qemu};

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool refuse(GError **error, const char *format, ...) {
    va_list ap;
    va_start(ap, format);
    GError *e = g_error_new_valist(ANALYSIS_ERROR, ANALYSIS_ERROR_OPTION, format, ap);
    va_end(ap);
    g_propagate_error(error, e);
    return false;
}

/* -- life ------------------------------------------------------------------------------------------------ */

static bool host_end(PluginHost *host, bool complete, GError **error) {
    bool ok = true;
    host->running = false;
    for (guint i = 0; i < host->plugins->len; i++) {
        Plugin *p = g_ptr_array_index(host->plugins, i);
        if (p->installed && !p->kind->end(p, complete, ok ? error : NULL))
            ok = false;
        p->installed = false;
    }
    if (host == plugin_process_host)
        plugin_crash_unwatch();
    return ok;
}

/* A plugin called exit(): the others still get to say what they know. */
static void at_exit(void) {
    PluginHost *host = plugin_process_host;
    if (!host || !host->running)
        return;
    const char *callback;
    const Plugin *current = plugin_current(host, &callback);
    if (current) {
        g_autofree char *text =
            g_strdup_printf("plugin %s ended the process in %s at pos %" G_GUINT64_FORMAT "\n", current->base,
                            callback, machine_pos(host->machine));
        host->env.print(host->env.opaque, text);
    }
    if (host->segment)
        _Exit(2);                /* only the process that leads may write to the database */
    host_end(host, false, NULL); /* in the middle of a step: what others observe has no end */
}

PluginHost *plugin_host_new_linked(const PluginEnv *env) {
    PluginHost *host = g_new0(PluginHost, 1);
    host->env = *env;
    host->plugins = g_ptr_array_new();
    return host;
}

PluginHost *plugin_host_new(const PluginEnv *env) {
    static bool registered;
    g_assert(!plugin_process_host);
    plugin_process_host = plugin_host_new_linked(env);
    if (!registered)
        atexit(at_exit);
    registered = true;
    return plugin_process_host;
}

void plugin_free(Plugin *p) {
    if (p->state)
        p->kind->free(p);
    if (p->object)
        dlclose(p->object);
    g_strfreev(p->words);
    g_free(p->file);
    g_free(p);
}

void plugin_host_free(PluginHost *host) {
    if (!host)
        return;
    if (host == plugin_process_host)
        plugin_crash_unwatch();
    if (host->set) /* whose tracer may hold something for a recorder */
        analysis_set_quiet(host->set);
    for (guint i = 0; i < host->plugins->len; i++)
        plugin_free(g_ptr_array_index(host->plugins, i));
    g_ptr_array_unref(host->plugins);
    if (host == plugin_process_host)
        plugin_process_host = NULL;
    g_free(host);
}

/* -- loading --------------------------------------------------------------------------------------------- */

/* Calls of QEMU's interface that an observer must not have, and what they would do. */
static const struct {
    const char *symbol, *effect;
} not_passive[] = {
    {"qemu_plugin_request_time_control", "control the guest's time"},
    {"qemu_plugin_update_ns", "control the guest's time"},
    {"qemu_plugin_write_register", "write the guest's registers"},
    {"qemu_plugin_write_memory_vaddr", "write the guest's memory"},
    {"qemu_plugin_write_memory_hwaddr", "write the guest's memory"},
    {"qemu_plugin_set_pc", "change the guest's pc"},
};

static bool refuse_load(const Plugin *p, const char *why, GError **error) {
    for (size_t i = 0; i < G_N_ELEMENTS(not_passive); i++)
        if (strstr(why, not_passive[i].symbol))
            return refuse(error, "--plugin %s: it needs %s, to %s; plugins of rr-emu only observe", p->file,
                          not_passive[i].symbol, not_passive[i].effect);
    return refuse(error, "--plugin %s: %s", p->file, why);
}

static bool load(Plugin *p, GError **error) {
    /* Without a slash dlopen would search the system's folders. */
    g_autofree char *path = strchr(p->file, '/') ? g_strdup(p->file) : g_strconcat("./", p->file, NULL);
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        return refuse(error, "--plugin %s: no such file", p->file);
    p->object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!p->object)
        return refuse_load(p, dlerror(), error);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        GError *why = NULL;
        p->kind = kinds[i];
        if (p->kind->check(p, &why))
            return true;
        if (why) {
            g_propagate_error(error, why);
            return false;
        }
    }
    return refuse(error, "--plugin %s: not a plugin: it defines neither rr_plugin nor qemu_plugin_install",
                  p->file);
}

bool plugin_host_add(PluginHost *host, const char *spec, GError **error) {
    g_auto(GStrv) words = g_strsplit(spec, ",", -1);
    Plugin *p = g_new0(Plugin, 1);
    p->host = host;
    p->option = "--plugin";
    p->file = g_strdup(words[0] ? words[0] : "");
    const char *slash = strrchr(p->file, '/');
    p->base = slash ? slash + 1 : p->file;
    p->words = g_strdupv(words[0] ? words + 1 : words);
    p->id = host->plugins->len + 1;
    if (!load(p, error)) {
        plugin_free(p);
        return false;
    }
    g_ptr_array_add(host->plugins, p);
    return true;
}

Plugin *plugin_new_linked(PluginHost *host, const RrPlugin *class) {
    Plugin *p = g_new0(Plugin, 1);
    p->host = host;
    p->kind = &plugin_kind_native;
    p->option = "--analysis";
    p->is_builtin = true;
    p->words = g_new0(char *, 1);
    native_link(p, class);
    p->base = p->file;
    return p;
}

void plugin_host_add_linked(PluginHost *host, Plugin *p) {
    p->id = host->plugins->len + 1;
    g_ptr_array_add(host->plugins, p);
}

char *plugin_host_describe(const PluginHost *host, guint i) {
    if (i >= host->plugins->len)
        return NULL;
    const Plugin *p = g_ptr_array_index(host->plugins, i);
    return p->kind->describe ? p->kind->describe(p) : g_strdup_printf("%-10s a plugin of QEMU's\n", p->base);
}

const char *plugin_host_rows_name(const PluginHost *host, guint i) {
    if (i >= host->plugins->len)
        return NULL;
    const Plugin *p = g_ptr_array_index(host->plugins, i);
    return p->kind->rows_name ? p->kind->rows_name(p) : "";
}

Pos plugin_host_next_position(const PluginHost *host, Pos pos) {
    Pos next = POS_NONE;
    for (guint i = 0; i < host->plugins->len; i++) {
        const Plugin *p = g_ptr_array_index(host->plugins, i);
        if (p->kind->next_position)
            next = MIN(next, p->kind->next_position(p, pos));
    }
    return next;
}

void plugin_host_reached(PluginHost *host, Pos pos) {
    for (guint i = 0; i < host->plugins->len; i++) {
        Plugin *p = g_ptr_array_index(host->plugins, i);
        if (p->kind->reached)
            p->kind->reached(p, pos);
    }
}

/* -- running --------------------------------------------------------------------------------------------- */

bool plugin_host_begin(PluginHost *host, Machine *m, GError **error) {
    host->machine = m;
    if (host == plugin_process_host)
        plugin_crash_watch();
    host->running = true;
    for (guint i = 0; i < host->plugins->len; i++) {
        Plugin *p = g_ptr_array_index(host->plugins, i);
        if (!p->kind->install(p, error))
            return false;
        p->installed = true;
    }
    return true;
}

void plugin_host_quiet(PluginHost *host) {
    for (guint i = 0; i < host->plugins->len; i++) {
        Plugin *p = g_ptr_array_index(host->plugins, i);
        if (p->installed && p->kind->quiet)
            p->kind->quiet(p);
    }
}

bool plugin_host_end(PluginHost *host, bool complete, GError **error) {
    plugin_host_quiet(host);
    if (host->set)
        analysis_set_quiet(host->set);
    return host_end(host, complete, error);
}

AnalysisSet *plugin_host_set(PluginHost *host, GError **error) {
    if (!host->set)
        host->set = host->env.set(host->env.opaque, error);
    return host->set;
}

/* -- looks at the guest ---------------------------------------------------------------------------------- */

bool plugin_translate(const Hart *hart, Gva va, Gpa *pa) {
    return mmu_translate_peek(hart, va, ACCESS_LOAD, pa);
}

bool plugin_read_paddr(const Machine *m, Gpa pa, void *to, uint64_t size) {
    const uint8_t *from = machine_ram_ptr(m, pa, size);
    if (from && size)
        memcpy(to, from, size);
    return from || !size;
}

bool plugin_read_vaddr(const Hart *hart, Gva va, void *to, uint64_t size) {
    for (uint64_t done = 0; done < size;) {
        uint64_t n = MIN(size - done, PAGE_SIZE - ((va + done) & ~PAGE_MASK));
        Gpa pa;
        if (!plugin_translate(hart, va + done, &pa) ||
            !plugin_read_paddr(hart->machine, pa, (uint8_t *)to + done, n))
            return false;
        done += n;
    }
    return true;
}

const char *plugin_device_name(const Machine *m, Gpa pa) {
    const MmioRegion *r = machine_mmio_region(m, pa);
    return r ? r->device->name : NULL;
}
