/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Snapshots. RAM is kept as counted copies of pages; a page that did not change between two snapshots is one
 * copy in both, and a page of zeros is none. m->page_copy remembers which copy each page had at the last
 * snapshot taken or restored: a page equals its copy unless it is PAGE_DIRTY or PAGE_CHANGED.
 */
#include <string.h>

#include "core/machine.h"
#include "core/mmu.h"
#include "core/schedule.h"

typedef struct PageCopy {
    uint32_t refs;
    uint64_t hash;
    uint8_t bytes[PAGE_SIZE];
} PageCopy;

struct Snapshot {
    Pos pos;
    GByteArray *state; /* every section, in order */
    uint32_t n_pages;
    PageCopy **pages; /* NULL: zeros */
};

static PageCopy *copy_ref(PageCopy *c) {
    if (c)
        c->refs++;
    return c;
}

static void copy_unref(PageCopy *c) {
    if (c && --c->refs == 0)
        g_free(c);
}

static void set_copy(PageCopy **to, PageCopy *from) {
    copy_ref(from);
    copy_unref(*to);
    *to = from;
}

/* From now on page_copy says what each page was; before the first snapshot: zeros. */
static void begin_base(Machine *m) {
    if (m->page_copy)
        return;
    m->page_copy = g_new0(PageCopy *, m->n_pages + 1);
    for (uint32_t p = 0; p < m->n_pages; p++)
        if (m->page_hash[p])
            m->page_flags[p] |= PAGE_CHANGED;
}

void snapshot_drop_base(Machine *m) {
    for (uint32_t p = 0; m->page_copy && p < m->n_pages; p++)
        copy_unref(m->page_copy[p]);
    g_clear_pointer(&m->page_copy, g_free);
}

static void update_base(Machine *m, uint32_t p) {
    m->page_flags[p] &= (uint8_t)~PAGE_CHANGED;
    if (m->page_copy[p] && m->page_copy[p]->hash == m->page_hash[p] &&
        !memcmp(m->page_copy[p]->bytes, machine_page_host(m, p), PAGE_SIZE))
        return;
    PageCopy *c = NULL;
    if (m->page_hash[p]) {
        c = g_new(PageCopy, 1);
        c->refs = 0;
        c->hash = m->page_hash[p];
        memcpy(c->bytes, machine_page_host(m, p), PAGE_SIZE);
    }
    set_copy(&m->page_copy[p], c);
}

Snapshot *snapshot_take(Machine *m) {
    begin_base(m);
    machine_hash_pages(m);
    Snapshot *s = g_new0(Snapshot, 1);
    s->pos = m->pos;
    s->n_pages = m->n_pages;
    s->pages = g_new0(PageCopy *, m->n_pages + 1);
    s->state = g_byte_array_new();
    for (uint32_t p = 0; p < m->n_pages; p++) {
        if (m->page_flags[p] & PAGE_CHANGED)
            update_base(m, p);
        s->pages[p] = copy_ref(m->page_copy[p]);
    }
    for (guint i = 0; i < m->sections->len; i++)
        state_section_save(&g_array_index(m->sections, StateSection, i), s->state);
    return s;
}

static void restore_page(Machine *m, const Snapshot *s, uint32_t p) {
    PageCopy *want = s->pages[p];
    if (m->page_copy[p] == want && !(m->page_flags[p] & PAGE_CHANGED))
        return;
    uint64_t hash = want ? want->hash : 0;
    if (m->page_hash[p] || want) {
        uint8_t *host = machine_page_host(m, p);
        if (want)
            memcpy(host, want->bytes, PAGE_SIZE);
        else
            memset(host, 0, PAGE_SIZE);
    }
    m->ram_hash += hash - m->page_hash[p];
    m->page_hash[p] = hash;
    m->page_flags[p] &= (uint8_t)~PAGE_CHANGED;
    set_copy(&m->page_copy[p], want);
}

void snapshot_restore(Machine *m, const Snapshot *s) {
    g_assert(!m->running && s->n_pages == m->n_pages);
    begin_base(m);
    machine_hash_pages(m);
    for (uint32_t p = 0; p < m->n_pages; p++)
        restore_page(m, s, p);
    uint32_t was_current = m->current;
    Pos was_at = m->pos;
    StateReader r = {s->state->data, s->state->len, 0, false};
    for (guint i = 0; i < m->sections->len; i++)
        state_section_load(&g_array_index(m->sections, StateSection, i), &r);
    g_assert(!r.bad && r.at == r.size);
    hooks_trace_switch(m->hooks, m->harts[was_current], m->harts[m->current]);
    if (m->pos == was_at)
        hooks_trace_resync(m->hooks);
    else
        hooks_trace_moved(m->hooks);
    m->stop = STOP_NONE;
    m->stop_code = 0;
    m->reset_requested = false;
    for (guint i = 0; i < m->sections->len; i++) {
        const StateSection *section = &g_array_index(m->sections, StateSection, i);
        if (section->loaded)
            section->loaded(section->object);
    }
    machine_flush_caches(m);
}

Pos snapshot_pos(const Snapshot *s) {
    return s->pos;
}

void snapshot_free(Snapshot *s) {
    if (!s)
        return;
    for (uint32_t p = 0; p < s->n_pages; p++)
        copy_unref(s->pages[p]);
    g_free(s->pages);
    g_byte_array_unref(s->state);
    g_free(s);
}
