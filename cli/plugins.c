/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cli/plugins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cli/symbolizer.h"
#include "tcg/riscv/translate.h"

struct Plugins {
    PluginHost *host;
    const Args *args;
    const Rec *rec;
    PluginsJob job;
    Symbolizer *symbols; /* made when first asked for */
    bool no_symbols;
    bool *asked; /* in memory that workers share: somebody asked for symbols */
};

static char *disassemble(const Isa *isa, Gva pc, uint32_t insn) {
    return riscv_disassemble(isa, pc, insn);
}

static bool have_symbols(Plugins *p) {
    *p->asked = true;
    if (!p->symbols && !p->no_symbols)
        p->no_symbols = !(p->symbols = symbolizer_new(p->rec, p->args->symbols, NULL));
    return !p->no_symbols;
}

/* The function's name alone: whoever wants the offset has the address. */
static char *symbol(void *opaque, Gva pc) {
    Plugins *p = opaque;
    char *name = p->job.program_symbol(p->job.opaque, pc);
    if (!name && !have_symbols(p))
        return NULL;
    if (!name)
        name = symbolizer_name(p->symbols, pc);
    char *plus = strrchr(name, '+');
    if (plus)
        *plus = 0;
    return name;
}

static char *line(void *opaque, Gva pc, unsigned *number) {
    Plugins *p = opaque;
    char *text = p->job.program_line(p->job.opaque, pc), *colon = text ? strrchr(text, ':') : NULL;
    if (colon) {
        *number = (unsigned)strtoul(colon + 1, NULL, 10);
        *colon = 0;
        return text;
    }
    if (!have_symbols(p))
        return NULL;
    SymbolizerLine at = symbolizer_line(p->symbols, pc);
    *number = at.number;
    return at.file;
}

static void print(void *opaque, const char *text) {
    fputs(text, stderr);
}

static Store *store(void *opaque, GError **error) {
    Plugins *p = opaque;
    return p->job.store(p->job.opaque, error);
}

static AnalysisSet *set(void *opaque, GError **error) {
    Plugins *p = opaque;
    return p->job.set(p->job.opaque, error);
}

/* Making them takes longer than a short segment. */
void plugins_before_fork(Plugins *p) {
    if (*p->asked)
        have_symbols(p);
}

bool plugins_load(const Args *args, const Rec *rec, const PluginsJob *job, Plugins **ret, GError **error) {
    *ret = NULL;
    if (!args->plugins)
        return true;
    Plugins *p = g_new0(Plugins, 1);
    p->asked = mmap(NULL, sizeof *p->asked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p->asked == MAP_FAILED) {
        g_set_error(error, CLI_ERROR, 0, "no memory to share with workers: %s", g_strerror(errno));
        g_free(p);
        return false;
    }
    p->args = args;
    p->rec = rec;
    p->job = *job;
    p->host = plugin_host_new(&(PluginEnv){.disassemble = disassemble,
                                           .symbol = symbol,
                                           .line = line,
                                           .print = print,
                                           .store = store,
                                           .set = set,
                                           .opaque = p});
    for (guint i = 0; i < args->plugins->len; i++)
        if (!plugin_host_add(p->host, args->plugins->pdata[i], error)) {
            plugins_free(p);
            return false;
        }
    *ret = p;
    return true;
}

PluginHost *plugins_host(Plugins *p) {
    return p->host;
}

void plugins_free(Plugins *p) {
    if (!p)
        return;
    plugin_host_free(p->host);
    if (p->symbols)
        symbolizer_free(p->symbols);
    munmap(p->asked, sizeof *p->asked);
    g_free(p);
}
