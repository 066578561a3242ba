/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --plugin: what the plugin host needs from the rest of the program. */
#ifndef CLI_PLUGINS_H
#define CLI_PLUGINS_H

#include "analyses/plugin.h"
#include "cli/cli.h"
#include "record/rec.h"

typedef struct Plugins Plugins;

/* The database, for those of them that declare tables; NULL: it could not be made. */
typedef Store *PluginsStore(void *opaque, GError **error);
/* Load every --plugin; *ret is NULL when there is none. `args` and `rec` must outlive it. */
bool plugins_load(const Args *args, const Rec *rec, PluginsStore *store, void *opaque, Plugins **ret,
                  GError **error);
PluginHost *plugins_host(Plugins *p);
void plugins_free(Plugins *p); /* NULL is allowed */

#endif
