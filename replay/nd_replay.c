/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay/nd_replay.h"

#include <inttypes.h>
#include <string.h>

#define LAST_EVENTS 5u

struct NdReplay {
    Nd base;
    const Rec *rec;
    ReplayOutputFn *output;
    void *opaque;
    bool muted;
    NdReplayMark at;
    char *diverged;
    GHashTable *blocks; /* BlockKey -> index of the event + 1 */
};

/* Which block of which drive. */
typedef struct BlockKey {
    uint64_t number;
    uint32_t drive;
} BlockKey;

static guint block_hash(gconstpointer key) {
    const BlockKey *k = key;
    return (guint)(k->number * 0x9e3779b97f4a7c15u >> 32) ^ k->drive;
}

static gboolean block_equal(gconstpointer a, gconstpointer b) {
    const BlockKey *x = a, *y = b;
    return x->number == y->number && x->drive == y->drive;
}

static uint64_t payload_uint(const NdEvent *ev, unsigned at, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size && at + i < ev->size; i++)
        value |= (uint64_t)ev->payload[at + i] << (8 * i);
    return value;
}

/* Kinds that answer a request inside a step; the others are polled. */
static bool is_answer(NdKind kind) {
    return kind == ND_ENTROPY || kind == ND_CLOCK || kind == ND_BLOCK || kind == ND_IOERROR;
}

static const NdEvent *next_event(const NdReplay *r) {
    return r->at.event < rec_n_events(r->rec) ? rec_event(r->rec, r->at.event) : NULL;
}

static void append_event(GString *to, const NdEvent *ev) {
    g_string_append_printf(to, "pos %" PRIu64 " %s %u (%u bytes)", ev->pos, nd_kind_name(ev->kind),
                           ev->source, ev->size);
}

void nd_replay_diverge(NdReplay *r, Pos pos, const char *format, ...) {
    if (r->diverged)
        return;
    va_list args;
    GString *text = g_string_new(NULL);
    g_string_append_printf(text, "the replay diverged at pos %" PRIu64 ": ", pos);
    va_start(args, format);
    g_string_append_vprintf(text, format, args);
    va_end(args);
    size_t from = r->at.event > LAST_EVENTS ? r->at.event - LAST_EVENTS : 0;
    g_string_append(text, from < r->at.event ? "; last events: " : "; no event before");
    for (size_t i = from; i < r->at.event; i++) {
        g_string_append(text, i > from ? ", " : "");
        append_event(text, rec_event(r->rec, i));
    }
    r->diverged = g_string_free(text, FALSE);
}

/* -- asynchronous ---------------------------------------------------------------------------------------- */

static Pos replay_next_pos(Nd *nd) {
    const NdEvent *ev = next_event((NdReplay *)nd);
    return ev ? ev->pos : POS_NONE;
}

static bool replay_poll(Nd *nd, Pos pos, Nsec now, NdEvent *to) {
    NdReplay *r = (NdReplay *)nd;
    const NdEvent *ev = next_event(r);
    if (!ev || ev->pos > pos || r->diverged)
        return false;
    if (ev->pos < pos) {
        g_autoptr(GString) text = g_string_new(NULL);
        append_event(text, ev);
        nd_replay_diverge(r, pos, "expected the event %s, but the machine went past it", text->str);
        return false;
    }
    if (is_answer(ev->kind) || ev->time > now)
        return false;
    *to = *ev;
    r->at.event++;
    return true;
}

/* The recorder stamps what came in a wait with a time before the wait's deadline, so the log tells who was
 * first. */
static bool replay_idle(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *to) {
    NdReplay *r = (NdReplay *)nd;
    const NdEvent *ev = next_event(r);
    if (!ev || ev->pos != pos || is_answer(ev->kind) || ev->time <= now || ev->time >= deadline ||
        r->diverged)
        return false;
    *to = *ev;
    r->at.event++;
    return true;
}

/* -- requests -------------------------------------------------------------------------------------------- */

static void index_blocks(NdReplay *r) {
    r->blocks = g_hash_table_new_full(block_hash, block_equal, g_free, NULL);
    for (size_t i = 0; i < rec_n_events(r->rec); i++) {
        const NdEvent *ev = rec_event(r->rec, i);
        if (ev->kind != ND_BLOCK || ev->size < 8)
            continue;
        BlockKey *key = g_new(BlockKey, 1);
        *key = (BlockKey){payload_uint(ev, 0, 8), ev->source};
        g_hash_table_replace(r->blocks, key, GSIZE_TO_POINTER(i + 1));
    }
}

/* A block's first read is the next event; a machine that went back in time may ask for one read before. */
static const NdEvent *find_block(NdReplay *r, uint32_t drive, uint64_t number) {
    size_t i = GPOINTER_TO_SIZE(g_hash_table_lookup(r->blocks, &(BlockKey){number, drive}));
    return i && i - 1 < r->at.event ? rec_event(r->rec, i - 1) : NULL;
}

static bool answers(const NdEvent *ev, Pos pos, NdKind kind, uint32_t source, uint64_t arg, uint32_t size) {
    if (!ev || ev->pos != pos || ev->source != source)
        return false;
    if (ev->kind == ND_IOERROR)
        return ev->size == 12 && payload_uint(ev, 0, 8) == (kind == ND_BLOCK ? arg * 8 : arg);
    if (ev->kind != kind)
        return false;
    return kind == ND_BLOCK ? ev->size == size + 8 && payload_uint(ev, 0, 8) == arg : ev->size == size;
}

static bool replay_fetch(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                         uint32_t size, int *err) {
    NdReplay *r = (NdReplay *)nd;
    const NdEvent *ev = next_event(r);
    if (answers(ev, pos, kind, source, arg, size)) {
        r->at.event++;
    } else if (kind != ND_BLOCK || !(ev = find_block(r, source, arg)) || ev->size != size + 8) {
        g_autoptr(GString) text = g_string_new(NULL);
        ev = next_event(r);
        if (ev)
            append_event(text, ev);
        nd_replay_diverge(r, pos, "the machine asks for %s %u (argument %" PRIu64 ", %u bytes), expected %s",
                          nd_kind_name(kind), source, arg, size, ev ? text->str : "no request");
        memset(to, 0, size);
        return true;
    }
    if (ev->kind == ND_IOERROR) {
        *err = (int)payload_uint(ev, 8, 4);
        return false;
    }
    memcpy(to, ev->payload + (kind == ND_BLOCK ? 8 : 0), size);
    return true;
}

static void replay_output(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                          uint32_t size) {
    NdReplay *r = (NdReplay *)nd;
    if (kind == ND_CONSOLE && r->output && !r->muted)
        r->output(r->opaque, source, data, size);
}

/* -- checkpoints ----------------------------------------------------------------------------------------- */

static bool replay_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    NdReplay *r = (NdReplay *)nd;
    if (r->diverged)
        return false;
    const RecCheckpoint *c = rec_checkpoint(r->rec, r->at.checkpoint++);
    r->at.compared++;
    if (c->time != now)
        nd_replay_diverge(r, pos, "guest time %" PRIu64 " ns, expected %" PRIu64 " ns", now, c->time);
    else if (c->hash != hash)
        nd_replay_diverge(r, pos, "state hash %016" PRIx64 ", expected %016" PRIx64, hash, c->hash);
    return !r->diverged;
}

/* Once diverged, the run loop is made to ask at once, and hears that it must stop. */
static Pos replay_next_checkpoint(Nd *nd, Pos pos) {
    const NdReplay *r = (const NdReplay *)nd;
    if (r->diverged)
        return pos;
    return r->at.checkpoint < rec_n_checkpoints(r->rec) ? rec_checkpoint(r->rec, r->at.checkpoint)->pos
                                                        : POS_NONE;
}

static const NdOps replay_ops = {
    .next_pos = replay_next_pos,
    .poll = replay_poll,
    .idle = replay_idle,
    .fetch = replay_fetch,
    .output = replay_output,
    .checkpoint = replay_checkpoint,
    .next_checkpoint = replay_next_checkpoint,
};

/* -- the replay's side ----------------------------------------------------------------------------------- */

NdReplay *nd_replay_new(const Rec *rec, ReplayOutputFn *output, void *opaque) {
    NdReplay *r = g_new0(NdReplay, 1);
    r->base.ops = &replay_ops;
    r->rec = rec;
    r->output = output;
    r->opaque = opaque;
    index_blocks(r);
    return r;
}

void nd_replay_free(NdReplay *r) {
    if (!r)
        return;
    g_hash_table_unref(r->blocks);
    g_free(r->diverged);
    g_free(r);
}

Nd *nd_replay_nd(NdReplay *r) {
    return &r->base;
}
const char *nd_replay_diverged(const NdReplay *r) {
    return r->diverged;
}
size_t nd_replay_n_compared(const NdReplay *r) {
    return r->at.compared;
}
bool nd_replay_exhausted(const NdReplay *r) {
    return r->at.event == rec_n_events(r->rec);
}
void nd_replay_forget_output(NdReplay *r) {
    r->output = NULL;
}
void nd_replay_mute(NdReplay *r, bool mute) {
    r->muted = mute;
}
NdReplayMark nd_replay_mark(const NdReplay *r) {
    return r->at;
}
void nd_replay_rewind(NdReplay *r, NdReplayMark mark) {
    r->at = mark;
}
