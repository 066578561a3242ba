/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --plugin: what the plugin host needs from the rest of the program. */
#ifndef CLI_PLUGINS_H
#define CLI_PLUGINS_H

#include "analyses/plugin/plugin.h"
#include "cli/cli.h"
#include "record/rec.h"

typedef struct Plugins Plugins;

/* What plugins may need of the replay, made when one does; NULL: it could not be made. */
typedef struct PluginsJob {
    Store *(*store)(void *opaque, GError **error);     /* the database: for those that declare tables */
    AnalysisSet *(*set)(void *opaque, GError **error); /* begun: for those that follow tasks */
    /* Of what the hart runs in U mode, or of a module of the kernel: a new string or NULL. */
    char *(*program_symbol)(void *opaque, Gva pc);
    char *(*program_line)(void *opaque, Gva pc); /* "FILE:LINE" */
    void *opaque;
} PluginsJob;
/* Load every --plugin; *ret is NULL when there is none. `args` and `rec` must outlive it. */
bool plugins_load(const Args *args, const Rec *rec, const PluginsJob *job, Plugins **ret, GError **error);
PluginHost *plugins_host(Plugins *p);
/* The process is about to fork a worker, which finds ready what plugins asked for before. */
void plugins_before_fork(Plugins *p);
void plugins_free(Plugins *p); /* NULL is allowed */

#endif
