/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plugins: shared objects that observe a replay, written against rr-emu's own interface
 * (analyses/rr-plugin.h) or QEMU's (analyses/qemu-plugin/qemu-plugin.h). One host per process, because C
 * plugins call without saying whose they are.
 */
#ifndef ANALYSES_PLUGIN_H
#define ANALYSES_PLUGIN_H

#include <glib.h>
#include "analyses/analysis.h"
#include "analyses/store/store.h"
#include "core/machine.h"

typedef struct PluginHost PluginHost;

/* What the plugins are given that comes from elsewhere. */
typedef struct PluginEnv {
    char *(*disassemble)(const Isa *isa, Gva pc, uint32_t insn); /* a new string */
    /* A new string: the symbol that covers pc, or NULL. */
    char *(*symbol)(void *opaque, Gva pc);
    /* Likewise the path of the source file; its line in *number. */
    char *(*line)(void *opaque, Gva pc, unsigned *number);
    void (*print)(void *opaque, const char *text); /* what plugins say */
    /* The database, made when a plugin declares the first table; NULL: it failed. It outlives the host's end. */
    Store *(*store)(void *opaque, GError **error);
    /* The analyses of the replay, begun, when a plugin needs what they share; NULL: it failed. Likewise. */
    AnalysisSet *(*set)(void *opaque, GError **error);
    void *opaque;
} PluginEnv;

PluginHost *plugin_host_new(const PluginEnv *env);
void plugin_host_free(PluginHost *host); /* NULL is allowed */
/*
 * Load "FILE.so[,key=value]…". Refused, by name: not a plugin, an interface version that is too old or too
 * new, symbols that would change the guest, unknown or ill-typed arguments of a native plugin.
 */
bool plugin_host_add(PluginHost *host, const char *spec, GError **error);
/* What the i-th plugin says of itself and its options, as lines; NULL past the last. Caller frees. */
char *plugin_host_describe(const PluginHost *host, guint i);
/* What the rows of the i-th plugin are called in the table `analysis`; "" if it has none; NULL past the last. */
const char *plugin_host_rows_name(const PluginHost *host, guint i);
/* The machine stands at the start position: install. */
bool plugin_host_begin(PluginHost *host, Machine *m, GError **error);
/*
 * The first position from `pos` on that a plugin waits for, or POS_NONE; the driver stops there and says so,
 * which the plugins may answer with later ones.
 */
Pos plugin_host_next_position(const PluginHost *host, Pos pos);
void plugin_host_reached(PluginHost *host, Pos pos);
/* The replay is over: tell the plugins, write what is left. `complete` when it went well. */
bool plugin_host_end(PluginHost *host, bool complete, GError **error);

#endif
