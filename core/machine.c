/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "core/machine.h"

#include <string.h>

#include "core/board.h"
#include "core/memory.h"
#include "core/mmu.h"
#include "core/schedule.h"

#define MAX_ICOUNT_SHIFT 10 /* one step is at most 1024 ns */

static GQuark machine_error(void) {
    return g_quark_from_static_string("rr-machine-error");
}

#define STATE_OF Machine
static const StateField machine_fields[] = {MACHINE_STATE(STATE_FIELD_ENTRY, STATE_ARRAY_ENTRY)};
#undef STATE_OF

static bool config_check(const MachineConfig *c, GError **error) {
    if (c->n_harts < 1 || c->n_harts > MACHINE_MAX_HARTS) {
        g_set_error(error, machine_error(), 0, "%u harts: expected 1 to %d", c->n_harts, MACHINE_MAX_HARTS);
        return false;
    }
    if (!c->ram_size || (c->ram_size & ~PAGE_MASK) || c->ram_size > (uint64_t)1 << 40) {
        g_set_error(error, machine_error(), 0,
                    "RAM of %" G_GUINT64_FORMAT " bytes: expected a multiple of 4096, at most 1 TiB",
                    c->ram_size);
        return false;
    }
    if (c->icount_shift > MAX_ICOUNT_SHIFT) {
        g_set_error(error, machine_error(), 0, "icount shift %u: expected 0 to %d", c->icount_shift,
                    MAX_ICOUNT_SHIFT);
        return false;
    }
    return true;
}

static void hart_loaded(void *object) {
    hart_update_flags(object);
}

static void add_own_sections(Machine *m) {
    static const char *const names[MACHINE_MAX_HARTS] = {"hart0", "hart1", "hart2", "hart3",
                                                         "hart4", "hart5", "hart6", "hart7"};
    machine_add_section(
        m, &(StateSection){"machine", m, machine_fields, G_N_ELEMENTS(machine_fields), NULL, NULL, NULL});
    for (uint32_t i = 0; i < m->n_harts; i++)
        machine_add_section(m, &(StateSection){names[i], m->harts[i], hart_state_fields, hart_state_n_fields,
                                               NULL, NULL, hart_loaded});
}

static void device_free(gpointer device) {
    Device *d = device;
    d->ops->free(d);
}

bool machine_new(const MachineConfig *config, Nd *nd, Hooks *hooks, Machine **ret, GError **error) {
    if (!config_check(config, error))
        return false;
    Machine *m = g_new0(Machine, 1);
    machine_config_copy(&m->config, config);
    m->nd = nd;
    m->hooks = hooks;
    m->n_harts = config->n_harts;
    m->devices = g_ptr_array_new_with_free_func(device_free);
    m->sections = g_array_new(FALSE, FALSE, sizeof(StateSection));
    m->loads = g_array_new(FALSE, FALSE, sizeof(MachineLoad));
    m->limit = POS_NONE;
    m->deadline = NSEC_NEVER;
    for (uint32_t i = 0; i < m->n_harts; i++)
        m->harts[i] = hart_new(m, i);
    add_own_sections(m);
    bool good = board_create(m, error);
    m->page_flags = g_new0(uint8_t, m->n_pages + 1);
    m->page_hash = g_new0(uint64_t, m->n_pages + 1);
    mmu_init(m);
    if (!good) {
        machine_free(m);
        return false;
    }
    *ret = m;
    return true;
}

void machine_free(Machine *m) {
    if (!m)
        return;
    machine_set_engine(m, NULL);
    g_ptr_array_unref(m->devices);
    g_array_unref(m->sections);
    g_array_unref(m->loads);
    mmu_done(m);
    snapshot_drop_base(m);
    for (uint32_t i = 0; i < m->n_harts; i++)
        hart_free(m->harts[i]);
    memory_free(m);
    g_free(m->page_flags);
    g_free(m->page_hash);
    machine_config_done(&m->config);
    g_free(m);
}

void machine_flush_caches(Machine *m) {
    if (m->engine)
        m->engine->ops->flush(m->engine);
    for (uint32_t i = 0; i < m->n_harts; i++)
        mmu_flush(m->harts[i]);
    mmu_forget_fetch_ids(m);
}

void machine_set_engine(Machine *m, Engine *engine) {
    if (m->engine)
        m->engine->ops->free(m->engine);
    m->engine = engine;
    for (uint32_t i = 0; i < m->n_harts; i++)
        mmu_flush(m->harts[i]);
}

/* What a reset from outside and one asked for by the guest share: pos and time are set already. */
static bool reset_contents(Machine *m, GError **error) {
    m->in_reset = true;
    for (guint i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        d->when = NSEC_NEVER;
        if (d->ops->reset)
            d->ops->reset(d);
    }
    bool good = board_load(m, error);
    for (uint32_t i = 0; i < m->n_harts; i++)
        hart_reset(m->harts[i], m->reset_vector);
    m->in_reset = false;
    m->reset_requested = false;
    schedule_reset(m);
    machine_timer_update(m);
    machine_flush_caches(m);
    return good;
}

bool machine_reset(Machine *m, GError **error) {
    m->pos = 0;
    m->idle_ns = 0;
    m->mtime_delta = 0;
    m->turn_random = m->config.schedule_seed;
    m->stop = STOP_NONE;
    m->stop_code = 0;
    memory_clear(m);
    return reset_contents(m, error);
}

void machine_reset_by_guest(Machine *m) {
    /* The same bytes were loaded into the same machine before. */
    hooks_reset(m->hooks, m->pos);
    bool good = reset_contents(m, NULL);
    g_assert(good);
}

void machine_request_stop(Machine *m, StopReason reason, uint32_t code) {
    if (m->stop == STOP_NONE) {
        m->stop = reason;
        m->stop_code = code;
    }
    m->harts[m->current]->attention |= ATTN_MACHINE;
}

void machine_request_reset(Machine *m) {
    if (m->config.no_reboot) {
        machine_request_stop(m, STOP_RESET, 0);
        return;
    }
    m->reset_requested = true;
    m->harts[m->current]->attention |= ATTN_MACHINE;
}

void machine_add_section(Machine *m, const StateSection *section) {
    g_array_append_val(m->sections, *section);
}

void machine_add_device(Machine *m, Device *d) {
    d->machine = m;
    d->when = NSEC_NEVER;
    g_ptr_array_add(m->devices, d);
}
