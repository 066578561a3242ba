/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who observes what: subscribers are few and events are rare, so a list is walked for each. The raw trace:
 * hooks_trace.c. */
#include "core/hooks.h"

#include "core/hooks_private.h"

Hooks *hooks_new(void) {
    Hooks *h = g_new0(Hooks, 1);
    h->subscribers = g_array_new(FALSE, FALSE, sizeof(Subscriber));
    hooks_trace_init(h);
    return h;
}

void hooks_free(Hooks *h) {
    if (!h)
        return;
    hooks_trace_done(h);
    g_array_unref(h->subscribers);
    g_free(h);
}

void hooks_subscribe(Hooks *h, const HookOps *ops, void *opaque) {
    Subscriber s = {ops, opaque};
    g_array_append_val(h->subscribers, s);
    if (ops->translate) {
        h->n_translate++;
        h->epoch++;
    }
    if (ops->trace) {
        g_assert(!h->tracer.ops);
        h->tracer = s;
    }
}

void hooks_unsubscribe(Hooks *h, void *opaque) {
    for (guint i = h->subscribers->len; i-- > 0;) {
        const Subscriber *s = &g_array_index(h->subscribers, Subscriber, i);
        if (s->opaque != opaque)
            continue;
        if (s->ops->translate) {
            h->n_translate--;
            h->epoch++;
        }
        g_array_remove_index(h->subscribers, i);
    }
    if (h->tracer.ops && h->tracer.opaque == opaque)
        hooks_trace_detach(h);
}

bool hooks_observed(const Hooks *h) {
    return h->subscribers->len > 0;
}

#define EMIT(hooks, member, ...)                                                                             \
    for (guint i_ = 0; i_ < (hooks)->subscribers->len; i_++) {                                               \
        const Subscriber *s_ = &g_array_index((hooks)->subscribers, Subscriber, i_);                         \
        if (s_->ops->member)                                                                                 \
            s_->ops->member(s_->opaque, __VA_ARGS__);                                                        \
    }

uint32_t hooks_translate_epoch(const Hooks *h) {
    return h->epoch;
}

void hooks_retranslate(Hooks *h) {
    h->epoch++;
}

bool hooks_wants_translate(const Hooks *h) {
    return h->n_translate > 0;
}

void hooks_translate(Hooks *h, ProbeBlock *b) {
    EMIT(h, translate, b)
}

void hooks_trap(Hooks *h, const TrapEvent *ev) {
    hooks_trace_sync_after(h, ev->hart, ev->pos);
    EMIT(h, trap, ev)
}

void hooks_trap_return(Hooks *h, Pos pos, const Hart *hart, uint8_t from_priv) {
    hooks_trace_sync_after(h, hart, pos);
    EMIT(h, trap_return, pos, hart, from_priv)
}

void hooks_irq(Hooks *h, Pos pos, const Hart *hart, const Device *device, uint32_t source, IrqStage stage) {
    EMIT(h, irq, pos, hart, device, source, stage)
}

void hooks_mmio(Hooks *h, Pos pos, const Hart *hart, const Device *device, Gpa offset, bool is_write,
                unsigned size, uint64_t value) {
    EMIT(h, mmio, pos, hart, device, offset, is_write, size, value)
}

void hooks_dma(Hooks *h, Pos pos, const Device *device, bool is_write, Gpa pa, const uint8_t *data,
               uint64_t size) {
    hooks_trace_dma(h, pos, device, is_write, pa, data, size);
    EMIT(h, dma, pos, device, is_write, pa, data, size)
}

void hooks_request(Hooks *h, Pos pos, const Device *device, bool is_done) {
    EMIT(h, request, pos, device, is_done)
}

void hooks_console(Hooks *h, Pos pos, uint32_t port, bool to_guest, const uint8_t *data, uint32_t size) {
    EMIT(h, console, pos, port, to_guest, data, size)
}

void hooks_input(Hooks *h, const NdEvent *ev) {
    EMIT(h, input, ev)
}

void hooks_checkpoint(Hooks *h, Pos pos, Nsec now, uint64_t hash) {
    EMIT(h, checkpoint, pos, now, hash)
}

void hooks_satp(Hooks *h, Pos pos, const Hart *hart) {
    hooks_trace_sync_after(h, hart, pos);
    EMIT(h, satp, pos, hart)
}

void hooks_end(Hooks *h, Pos pos) {
    EMIT(h, end, pos)
}

void hooks_touch(Hooks *h, Gva va, Gpa pa, TouchKind kind) {
    EMIT(h, touch, va, pa, kind)
}

void hooks_idle(Hooks *h, Pos pos, const Hart *hart, bool waits) {
    EMIT(h, idle, pos, hart, waits)
}

void hooks_reset(Hooks *h, Pos pos) {
    EMIT(h, reset, pos)
}

void hooks_flushed(Hooks *h) {
    for (guint i = 0; i < h->subscribers->len; i++) {
        const Subscriber *s = &g_array_index(h->subscribers, Subscriber, i);
        if (s->ops->flushed)
            s->ops->flushed(s->opaque);
    }
}
