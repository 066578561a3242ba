/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading a recording. Header, manifest and images must be whole. After them everything counts up to the
 * first frame that is not: what a crash or damage leaves is a shorter recording, which says so.
 */
#include "record/rec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/frame.h"
#include "record/manifest.h"
#include "schema/version.h"

#define SHIFT_MAX 32u /* beyond any that a machine takes; shifts by it are defined */

GQuark rec_error_quark(void) {
    return g_quark_from_static_string("rec-error-quark");
}

typedef struct ConsoleChunk {
    Pos pos;
    uint32_t port, size;
    const uint8_t *data;
} ConsoleChunk;

struct Rec {
    char *path;
    RecInfo info;
    MachineConfig config;
    bool has_config;
    RecEnd end;
    GArray *events;      /* of NdEvent; payloads point into `buffers` */
    GArray *checkpoints; /* of RecCheckpoint */
    GArray *console;     /* of ConsoleChunk */
    GPtrArray *buffers;  /* frames' contents that others point into */
    uint64_t part_size[FRAME_TYPE_COUNT];
    /* -- while reading -- */
    const uint8_t *file;
    uint64_t size, at;
    uint32_t n_frames;
    bool ended;
};

static bool refuse(const Rec *r, RecError code, const char *what, GError **error) {
    g_set_error(error, REC_ERROR, code, "%s: offset %" PRIu64 ": %s", r->path, r->at, what);
    return false;
}

static bool next_frame(Rec *r, Frame *to, const char **what) {
    if (!frame_decode(r->file + r->at, r->size - r->at, r->n_frames, to, what))
        return false;
    r->n_frames++;
    r->part_size[to->type] += to->stored;
    return true;
}

/* -- header, manifest, images -- */

static bool read_header(Rec *r, GError **error) {
    if (r->size < REC_HEADER_SIZE || memcmp(r->file, REC_MAGIC, 8) != 0)
        return refuse(r, REC_ERROR_FORMAT, "not a recording: expected the first bytes of an rr-emu recording",
                      error);
    Bytes b = {r->file, r->size, 8, false};
    uint32_t format = (uint32_t)get_uint(&b, 4);
    r->info.behaviour = (uint32_t)get_uint(&b, 4);
    if (format != RREC_FORMAT_VERSION) {
        g_set_error(error, REC_ERROR, REC_ERROR_VERSION,
                    "%s: offset 8: recording format %u; this is rr-emu " RR_VERSION
                    ", which reads format %u: use the release "
                    "that recorded it",
                    r->path, format, RREC_FORMAT_VERSION);
        return false;
    }
    if (r->info.behaviour != RR_BEHAVIOUR_VERSION) {
        g_set_error(error, REC_ERROR, REC_ERROR_VERSION,
                    "%s: offset 12: recorded on machine behaviour %u; this is rr-emu " RR_VERSION
                    ", which replays behaviour "
                    "%u: use the release that recorded it",
                    r->path, r->info.behaviour, RR_BEHAVIOUR_VERSION);
        return false;
    }
    r->at = REC_HEADER_SIZE;
    return true;
}

static bool read_manifest(Rec *r, GArray *images, GError **error) {
    Frame f;
    const char *what;
    if (!next_frame(r, &f, &what))
        return refuse(r, REC_ERROR_FORMAT, what, error);
    r->has_config = true;
    bool good = manifest_decode(f.raw, f.size, &r->info, &r->config, images, &what);
    g_free(f.raw);
    if (f.type != FRAME_MANIFEST)
        return refuse(r, REC_ERROR_FORMAT, "expected the manifest", error);
    if (!good)
        return refuse(r, REC_ERROR_FORMAT, what, error);
    if (r->config.icount_shift > SHIFT_MAX)
        return refuse(r, REC_ERROR_FORMAT, "the manifest's icount shift is impossible", error);
    r->at += f.stored;
    return true;
}

/* One more chunk of image `index`; the sum may not exceed what the manifest says. */
static bool read_chunk(Rec *r, uint32_t index, uint64_t left, GByteArray *to, GError **error) {
    Frame f;
    const char *what = "expected a part of an image";
    if (!next_frame(r, &f, &what))
        return refuse(r, REC_ERROR_FORMAT, what, error);
    Bytes b = {f.raw, f.size, 0, false};
    bool good =
        f.type == FRAME_IMAGE && get_uint(&b, 4) == index && !b.bad && f.size > 4 && f.size - 4 <= left;
    if (good)
        put_bytes(to, f.raw + 4, f.size - 4);
    g_free(f.raw);
    if (!good)
        return refuse(r, REC_ERROR_FORMAT, what, error);
    r->at += f.stored;
    return true;
}

static bool read_image(Rec *r, uint32_t index, const ImageEntry *entry, GError **error) {
    if (entry->size > G_MAXUINT / 2)
        return refuse(r, REC_ERROR_FORMAT, "an image's size is impossible", error);
    GByteArray *bytes = g_byte_array_new();
    while (bytes->len < entry->size) {
        if (!read_chunk(r, index, entry->size - bytes->len, bytes, error)) {
            g_byte_array_unref(bytes);
            return false;
        }
    }
    g_autoptr(GBytes) data = g_byte_array_free_to_bytes(bytes);
    if (image_hash(data) != entry->hash)
        return refuse(r, REC_ERROR_FORMAT, "an image's contents do not match the manifest", error);
    g_ptr_array_add(r->config.images, machine_image_new(entry->role, entry->name, data, entry->addr));
    return true;
}

static bool read_start(Rec *r, GError **error) {
    g_autoptr(GArray) images = g_array_new(FALSE, TRUE, sizeof(ImageEntry));
    bool good = read_header(r, error) && read_manifest(r, images, error);
    for (guint i = 0; i < images->len; i++) {
        ImageEntry *entry = &g_array_index(images, ImageEntry, i);
        good = good && read_image(r, i, entry, error);
        image_entry_clear(entry);
    }
    return good;
}

/* -- the log --------------------------------------------------------------------------------------------- */

static bool kind_known(unsigned kind) {
    switch (kind) {
#define X(number, ...) case number:
        ND_KINDS(X)
#undef X
        return true;
    default: return false;
    }
}

/* Undo put_stamp(); sums that overflow are malformed. */
static bool take_stamp(const Rec *r, Bytes *b, Pos *pos, uint64_t *idle, Nsec *time) {
    bool over = __builtin_add_overflow(*pos, get_varint(b), pos);
    over |= __builtin_add_overflow(*idle, get_varint(b), idle);
    unsigned shift = r->config.icount_shift;
    over |= *pos << shift >> shift != *pos || __builtin_add_overflow(*pos << shift, *idle, time);
    if (over)
        b->bad = true;
    return !b->bad;
}

static bool take_events(Rec *r, Bytes *b) {
    Pos complete = get_varint(b), pos = 0;
    uint64_t idle = 0;
    while (bytes_left(b)) {
        NdEvent ev = {0};
        if (!take_stamp(r, b, &pos, &idle, &ev.time))
            return false;
        unsigned kind = (unsigned)get_uint(b, 1);
        uint64_t source = get_varint(b), size = get_varint(b);
        ev.payload = get_bytes(b, size);
        if (b->bad || !kind_known(kind) || source > UINT32_MAX)
            return false;
        const NdEvent *last = r->events->len ? &g_array_index(r->events, NdEvent, r->events->len - 1) : NULL;
        if (last && (pos < last->pos || ev.time < last->time))
            return false;
        ev.pos = pos;
        ev.kind = (NdKind)kind;
        ev.source = (uint32_t)source;
        ev.size = (uint32_t)size;
        g_array_append_val(r->events, ev);
    }
    if (b->bad || complete < pos || complete < r->end.pos)
        return false;
    r->end.pos = complete;
    return true;
}

static bool take_checkpoints(Rec *r, Bytes *b) {
    Pos pos = 0;
    uint64_t idle = 0;
    while (bytes_left(b)) {
        RecCheckpoint c;
        if (!take_stamp(r, b, &pos, &idle, &c.time))
            return false;
        c.pos = pos;
        c.hash = get_uint(b, 8);
        const RecCheckpoint *last =
            r->checkpoints->len ? &g_array_index(r->checkpoints, RecCheckpoint, r->checkpoints->len - 1)
                                : NULL;
        if (b->bad || (last && c.pos <= last->pos))
            return false;
        g_array_append_val(r->checkpoints, c);
    }
    return !b->bad;
}

static bool take_console(Rec *r, Bytes *b) {
    Pos pos = 0;
    while (bytes_left(b)) {
        bool over = __builtin_add_overflow(pos, get_varint(b), &pos);
        uint64_t port = get_varint(b), size = get_varint(b);
        ConsoleChunk c = {
            .pos = pos, .port = (uint32_t)port, .size = (uint32_t)size, .data = get_bytes(b, size)};
        if (b->bad || over || port > UINT32_MAX)
            return false;
        g_array_append_val(r->console, c);
    }
    return !b->bad;
}

static bool take_end(Rec *r, Bytes *b) {
    RecEnd end = {.complete = true};
    end.pos = get_uint(b, 8);
    end.time = get_uint(b, 8);
    end.hash = get_uint(b, 8);
    end.stop = (uint32_t)get_uint(b, 4);
    end.code = (uint32_t)get_uint(b, 4);
    end.exit_status = (int)(uint32_t)get_uint(b, 4);
    if (b->bad || end.pos < r->end.pos)
        return false;
    g_free(r->end.text);
    end.text = g_strndup((const char *)b->data + b->at, b->size - b->at);
    r->end = end;
    r->ended = true;
    return true;
}

static bool take_frame(Rec *r, const Frame *f) {
    Bytes b = {f->raw, f->size, 0, false};
    switch (f->type) {
    case FRAME_EVENTS: return take_events(r, &b);
    case FRAME_CHECKPOINTS: return take_checkpoints(r, &b);
    case FRAME_CONSOLE: return take_console(r, &b);
    case FRAME_END: return take_end(r, &b);
    default: return false;
    }
}

/* A frame counts as a whole or not at all. */
static bool take_whole_frame(Rec *r, const Frame *f) {
    guint events = r->events->len, checkpoints = r->checkpoints->len, console = r->console->len;
    if (take_frame(r, f))
        return true;
    g_array_set_size(r->events, events);
    g_array_set_size(r->checkpoints, checkpoints);
    g_array_set_size(r->console, console);
    return false;
}

/* What lies beyond the end was written ahead of the events frame that would have covered it. */
static void drop_beyond_end(Rec *r) {
    while (r->checkpoints->len &&
           g_array_index(r->checkpoints, RecCheckpoint, r->checkpoints->len - 1).pos > r->end.pos)
        g_array_set_size(r->checkpoints, r->checkpoints->len - 1);
    while (r->console->len && g_array_index(r->console, ConsoleChunk, r->console->len - 1).pos > r->end.pos)
        g_array_set_size(r->console, r->console->len - 1);
}

/* Without an end frame: the guest time of the end as far as stamps tell; a wait after the last one is
 * unknown. */
static void guess_end_time(Rec *r) {
    uint64_t idle = 0;
    if (r->events->len) {
        const NdEvent *ev = rec_event(r, r->events->len - 1);
        idle = ev->time - (ev->pos << r->config.icount_shift);
    }
    if (r->checkpoints->len) {
        const RecCheckpoint *c = rec_checkpoint(r, r->checkpoints->len - 1);
        idle = MAX(idle, c->time - (c->pos << r->config.icount_shift));
    }
    r->end.time = (r->end.pos << r->config.icount_shift) + idle;
}

static void read_log(Rec *r) {
    const char *what = NULL;
    while (!r->ended && r->at < r->size) {
        Frame f;
        if (!next_frame(r, &f, &what))
            break;
        g_ptr_array_add(r->buffers, f.raw);
        if (!take_whole_frame(r, &f)) {
            what = "a frame's contents are malformed";
            break;
        }
        r->at += f.stored;
    }
    if (!r->ended) {
        g_free(r->end.text);
        r->end.text = what ? g_strdup_printf("the recording is damaged at offset %" PRIu64
                                             " (%s): it is good up to here",
                                             r->at, what)
                           : g_strdup("the recording was cut short: it is good up to here");
    }
    drop_beyond_end(r);
    if (!r->ended)
        guess_end_time(r);
}

/* -- opening --------------------------------------------------------------------------------------------- */

static bool map_file(Rec *r, GError **error) {
    int fd = open(r->path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0) {
        g_set_error(error, REC_ERROR, REC_ERROR_IO, "%s: %s", r->path, g_strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return refuse(r, REC_ERROR_FORMAT, "not a recording: expected a regular file", error);
    }
    r->size = (uint64_t)st.st_size;
    void *at = r->size ? mmap(NULL, r->size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    close(fd);
    if (at == MAP_FAILED) {
        g_set_error(error, REC_ERROR, REC_ERROR_IO, "%s: cannot be read: %s", r->path, g_strerror(errno));
        return false;
    }
    r->file = at;
    return true;
}

bool rec_open(const char *path, Rec **ret, GError **error) {
    Rec *r = g_new0(Rec, 1);
    r->path = g_strdup(path);
    r->events = g_array_new(FALSE, FALSE, sizeof(NdEvent));
    r->checkpoints = g_array_new(FALSE, FALSE, sizeof(RecCheckpoint));
    r->console = g_array_new(FALSE, FALSE, sizeof(ConsoleChunk));
    r->buffers = g_ptr_array_new_with_free_func(g_free);
    bool good = map_file(r, error) && read_start(r, error);
    if (good)
        read_log(r);
    if (r->file)
        munmap((void *)r->file, r->size);
    r->file = NULL;
    if (!good) {
        rec_free(r);
        return false;
    }
    *ret = r;
    return true;
}

void rec_free(Rec *r) {
    if (!r)
        return;
    if (r->has_config)
        machine_config_done(&r->config);
    rec_info_clear(&r->info);
    g_free(r->end.text);
    g_array_unref(r->events);
    g_array_unref(r->checkpoints);
    g_array_unref(r->console);
    g_ptr_array_unref(r->buffers);
    g_free(r->path);
    g_free(r);
}

const RecInfo *rec_info(const Rec *r) {
    return &r->info;
}
const MachineConfig *rec_config(const Rec *r) {
    return &r->config;
}
const RecEnd *rec_end(const Rec *r) {
    return &r->end;
}
size_t rec_n_events(const Rec *r) {
    return r->events->len;
}
const NdEvent *rec_event(const Rec *r, size_t i) {
    return &g_array_index(r->events, NdEvent, i);
}
size_t rec_n_checkpoints(const Rec *r) {
    return r->checkpoints->len;
}
const RecCheckpoint *rec_checkpoint(const Rec *r, size_t i) {
    return &g_array_index(r->checkpoints, RecCheckpoint, i);
}

bool rec_console(const Rec *r, size_t i, Pos *pos, uint32_t *port, const uint8_t **data, uint32_t *size) {
    if (i >= r->console->len)
        return false;
    const ConsoleChunk *c = &g_array_index(r->console, ConsoleChunk, i);
    *pos = c->pos;
    *port = c->port;
    *data = c->data;
    *size = c->size;
    return true;
}

uint64_t rec_size_of(const Rec *r, const char *part) {
    uint64_t size = 0;
#define X(number, name, text)                                                                                \
    if (!strcmp(part, text))                                                                                 \
        size = r->part_size[number];
    FRAME_TYPES(X)
#undef X
    return size;
}
