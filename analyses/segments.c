/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/segments.h"

#include "analyses/plugin/private.h"

typedef struct Hosts {
    PluginHost *host[2]; /* NULL: none */
} Hosts;

static Hosts hosts_of(const Observers *o) {
    return (Hosts){{o->plugins, o->set ? analysis_set_host(o->set) : NULL}};
}

/* All plugins of both. */
#define FOR_EACH_PLUGIN(p, o)                                                                                \
    for (Hosts hosts_ = hosts_of(o), *h_ = &hosts_; h_; h_ = NULL)                                           \
        for (unsigned k_ = 0; k_ < G_N_ELEMENTS(h_->host); k_++)                                             \
            for (guint i_ = 0; h_->host[k_] && i_ < h_->host[k_]->plugins->len; i_++)                        \
                for (Plugin *p = g_ptr_array_index(h_->host[k_]->plugins, i_); p; p = NULL)

const char *segments_alone(const Observers *o) {
    FOR_EACH_PLUGIN(p, o)
    if (!p->kind->is_parallel || !p->kind->is_parallel(p))
        return p->base;
    return NULL;
}

void segments_lead(const Observers *o) {
    Hosts hosts = hosts_of(o);
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts.host); k++)
        if (hosts.host[k])
            hosts.host[k]->leads = true;
}

/* -- the worker ------------------------------------------------------------------------------------------ */

void segments_begin(const Observers *o, Pos from, FILE *out) {
    Hosts hosts = hosts_of(o);
    if (o->set)
        analysis_set_segment(o->set);
    for (unsigned k = 0; k < G_N_ELEMENTS(hosts.host); k++)
        if (hosts.host[k])
            hosts.host[k]->segment = out;
    FOR_EACH_PLUGIN(p, o)
    p->kind->segment_begin(p, from);
}

void segments_end(const Observers *o, Pos to, bool is_last) {
    Hosts hosts = hosts_of(o);
    if (is_last && hosts.host[0])
        plugin_host_quiet(hosts.host[0]);
    if (is_last && o->set)
        analysis_set_quiet(o->set);
    FOR_EACH_PLUGIN(p, o)
    p->kind->segment_end(p, to);
}

/* -- the process that leads ------------------------------------------------------------------------------ */

void segments_pause(const Observers *o, bool pause) {
    FOR_EACH_PLUGIN(p, o)
    p->kind->pause(p, pause);
}

void segments_merge(const Observers *o) {
    FOR_EACH_PLUGIN(p, o)
    p->kind->merge(p);
}

static Plugin *plugin_at(const Hosts *hosts, const SegmentRecord *r) {
    const PluginHost *host = r->host < G_N_ELEMENTS(hosts->host) ? hosts->host[r->host] : NULL;
    return host && r->plugin < host->plugins->len ? g_ptr_array_index(host->plugins, r->plugin) : NULL;
}

bool segments_collect(const Observers *o, FILE *in, GError **error) {
    const Hosts hosts = hosts_of(o);
    SegmentRecord r;
    FOR_EACH_PLUGIN(p, o)
    p->kind->collect_begin(p);
    while (fread(&r, sizeof r, 1, in) == 1) {
        Plugin *p = plugin_at(&hosts, &r);
        g_autofree void *data = p ? g_try_malloc(r.size + 1) : NULL;
        if (!data || (r.size && fread(data, r.size, 1, in) != 1))
            break;
        p->kind->collect(p, &r, data);
    }
    if (feof(in) && !ferror(in))
        return true;
    g_set_error(error, ANALYSIS_ERROR, ANALYSIS_ERROR_STORE, "what a worker found cannot be read back");
    return false;
}
