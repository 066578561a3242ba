/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of the plugin host share: plugin.c, crash.c, qemu-plugin/, and the native interface.
 */
#ifndef ANALYSES_PLUGIN_PRIVATE_H
#define ANALYSES_PLUGIN_PRIVATE_H

#include <stdio.h>

#include "analyses/analysis.h"
#include "analyses/plugin/plugin.h"

typedef struct Plugin Plugin;
typedef struct RrPlugin RrPlugin; /* analyses/rr-plugin.h */

/* What a worker says of one plugin. */
typedef struct SegmentRecord {
    uint16_t kind; /* the interface's */
    uint16_t host; /* 0: of plugins, 1: of analyses */
    uint32_t plugin;
    uint64_t size; /* of what follows */
} SegmentRecord;

/* One of the two interfaces. */
typedef struct PluginKind {
    const char *name;
    /* The object is loaded: is it written for this interface, in a version that is understood? */
    bool (*check)(Plugin *p, GError **error);
    /* What it says of itself, for people: lines. A new string. */
    char *(*describe)(const Plugin *p);
    const char *(*rows_name)(const Plugin *p); /* in the table `analysis`; NULL: it never has rows */
    bool (*install)(Plugin *p, GError **error);
    /* After the last step: the machine tells it nothing any more. May be NULL. */
    void (*quiet)(Plugin *p);
    /* The first position from `pos` on that it waits for, and that this one is reached; both may be NULL. */
    Pos (*next_position)(const Plugin *p, Pos pos);
    void (*reached)(Plugin *p, Pos pos);
    bool (*end)(Plugin *p, bool complete, GError **error);
    void (*free)(Plugin *p);

    /* A replay by several workers. May this one be run so? NULL: none of the kind; then neither are the others called. */
    bool (*is_parallel)(const Plugin *p);
    /* (segments.h) In the worker: observe from here on; that was the segment, say what is to be said. */
    void (*segment_begin)(Plugin *p, Pos from);
    void (*segment_end)(Plugin *p, Pos to);
    /* In the process that leads: no thread of its own is at work from pause to resume; a segment's records come, in their
     * order; all were collected. */
    void (*pause)(Plugin *p, bool pause);
    void (*collect_begin)(Plugin *p);
    void (*collect)(Plugin *p, const SegmentRecord *r, const void *data);
    void (*merge)(Plugin *p);
} PluginKind;

struct Plugin {
    PluginHost *host;
    const PluginKind *kind;
    const char *option;  /* "--plugin", or of one that is linked in "--analysis" */
    char *file;          /* as given; a linked one's name */
    const char *base;    /* its last component */
    char **words;        /* arguments as given, NULL-terminated */
    void *object;        /* dlopen's */
    uint64_t id;         /* 1, 2, … */
    uint32_t generation; /* raised by reset and uninstall: what was attached before is dead */
    bool installed, uninstalled;
    bool
        is_builtin; /* its tables are those of schema/db.sql, their row of `analysis` is the set's (registry.c) */
    void *state; /* the kind's */
};

struct PluginHost {
    PluginEnv env;
    Machine *machine;
    Store *store;       /* NULL until a table is declared */
    AnalysisSet *set;   /* NULL until somebody needs it */
    GPtrArray *plugins; /* of Plugin */
    bool running;       /* between begin and end */
    bool leads;         /* workers observe, and this process collects */
    FILE *segment;      /* in a worker: where what it finds goes */

    /* What is being called, for API calls without a handle and for the message of a crash. */
    const struct PluginCode *code; /* a call from translated code; else … */
    Plugin *current;
    const char *callback;
    const Hart *hart;
    const ProbeAccess *access;
    bool any_reset; /* some plugin's generation was raised */
};

/* The process's host, or NULL: plugins call back without a handle, and exit() and signals have none either. */
extern PluginHost *plugin_process_host;
static inline PluginHost *plugin_host(void) {
    return plugin_process_host;
}
/* Another one, for plugins that are linked in: not the process's; their faults are ours. */
PluginHost *plugin_host_new_linked(const PluginEnv *env);
/* One of them, which is not the host's before it is added. */
Plugin *plugin_new_linked(PluginHost *host, const RrPlugin *class);
void plugin_host_add_linked(PluginHost *host, Plugin *p);
void plugin_free(Plugin *p);
/* The machine tells nothing any more; plugin_host_end() does it too. */
void plugin_host_quiet(PluginHost *host);
/* The analyses of the replay (PluginEnv.set); NULL: it failed. */
AnalysisSet *plugin_host_set(PluginHost *host, GError **error);

/* Brackets of every call into a plugin. */
typedef struct PluginFrame {
    Plugin *plugin;
    const char *callback;
    const Hart *hart;
} PluginFrame;

static inline PluginFrame plugin_enter(Plugin *p, const char *callback, const Hart *hart) {
    PluginHost *host = p->host;
    if (host->machine)
        scoreboard_settle(host->machine);
    PluginFrame former = {host->current, host->callback, host->hart};
    host->current = p;
    host->callback = callback;
    host->hart = hart;
    return former;
}

static inline void plugin_leave(Plugin *p, PluginFrame former) {
    p->host->current = former.plugin;
    p->host->callback = former.callback;
    p->host->hart = former.hart;
}

/*
 * The same for calls from translated code, which are never inside another one and are about the hart whose
 * turn it is. One store each: there are very many.
 */
typedef struct PluginCode {
    Plugin *plugin;
    const char *callback;
    uint32_t generation;
    bool regs; /* the hart's registers are exact */
} PluginCode;

/* Which plugin is being called, if any, and its callback's name. */
static inline Plugin *plugin_current(const PluginHost *host, const char **callback) {
    if (callback)
        *callback = host->code ? host->code->callback : host->callback;
    return host->code ? host->code->plugin : host->current;
}
/* The hart that the current callback is about; between callbacks of harts the one whose turn it is. */
static inline const Hart *plugin_hart(const PluginHost *host) {
    return host->hart ? host->hart : host->machine->harts[host->machine->current];
}

static inline bool plugin_code_is_dead(const PluginHost *host, const PluginCode *code) {
    return G_UNLIKELY(host->any_reset) && code->generation != code->plugin->generation;
}

/* Read-only looks at the guest, for both interfaces. False where there is no RAM or mapping; `to` may be
 * written then. */
bool plugin_read_vaddr(const Hart *hart, Gva va, void *to, uint64_t size);
bool plugin_read_paddr(const Machine *m, Gpa pa, void *to, uint64_t size);
bool plugin_translate(const Hart *hart, Gva va, Gpa *pa);
/* The device at a physical address; NULL: none. */
const char *plugin_device_name(const Machine *m, Gpa pa);

/* crash.c: name the plugin that a fatal signal comes from. */
void plugin_crash_watch(void);
void plugin_crash_unwatch(void);

extern const PluginKind plugin_kind_native, plugin_kind_qemu;

/* native.c, of linked plugins: a state; the value of an option that it has; the name of its tables; its rows so far. */
void native_link(Plugin *p, const RrPlugin *class);
void native_set_option(Plugin *p, const char *name, const char *value);
void native_set_name(Plugin *p, const char *name);
const char *native_name(const Plugin *p);
int64_t native_rows_count(const Plugin *p);
/* Its row of `analysis` is nobody else's; false: it is already. */
bool native_claim_name(const Plugin *p, Store *store);

#endif
