/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "analyses/trackers/submissions.h"

#define WRITES_KEPT 256u /* a device, whose time and pos are remembered */

typedef struct Write {
    Nsec time;
    Pos pos;
} Write;

typedef struct Writes {
    uint32_t n; /* ever */
    Write last[WRITES_KEPT];
} Writes;

struct Submissions {
    GHashTable *writes; /* Device → Writes */
};

Submissions *submissions_new(void) {
    Submissions *s = g_new0(Submissions, 1);
    s->writes = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    return s;
}

void submissions_free(Submissions *s) {
    if (!s)
        return;
    g_hash_table_unref(s->writes);
    g_free(s);
}

void submissions_note(Submissions *s, const Device *device, Pos pos) {
    Writes *w = g_hash_table_lookup(s->writes, device);
    if (!w)
        g_hash_table_insert(s->writes, (gpointer)device, w = g_new0(Writes, 1));
    w->last[w->n++ % WRITES_KEPT] = (Write){machine_time_at(device->machine, pos), pos};
}

Pos submissions_find(const Submissions *s, const Device *device, Pos pos) {
    const Writes *w = g_hash_table_lookup(s->writes, device);
    if (device->machine->running)
        return pos;
    if (device->submitted == NSEC_NEVER || !w)
        return POS_NONE;
    for (uint32_t i = w->n; i-- > 0 && w->n - i <= WRITES_KEPT;)
        if (w->last[i % WRITES_KEPT].time == device->submitted)
            return w->last[i % WRITES_KEPT].pos;
    return POS_NONE;
}
