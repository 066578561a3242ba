/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing a recording. Events, checkpoints and console text collect in three buffers, which a flush turns
 * into frames, the events last: their frame says up to which pos the recording is complete, so whatever a
 * crash cuts off, the frames that are there agree with it. Every write goes straight to the file.
 */
#include "record/rec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "record/frame.h"
#include "record/manifest.h"
#include "schema/version.h"

#define IMAGE_CHUNK (1u << 20)
#define BUFFER_LIMIT (256u << 10) /* a buffer this long becomes a frame without waiting for a flush */
#define PAYLOAD_MAX (1u << 20)
#define LEVEL_LOG 6

/* What varints are relative to; every frame starts from zero, so that each can be decoded alone. */
typedef struct Base {
    Pos pos;
    uint64_t idle;
} Base;

struct RecWriter {
    char *path;
    char *temporary; /* where a forced recording is made until it is committed, else NULL */
    bool committed;
    int fd;
    uint32_t shift, n_frames;
    uint64_t good; /* length of the file up to the last whole frame */
    GError *error; /* the first one stays */
    GByteArray *events, *checkpoints, *console;
    Base event_base, checkpoint_base, console_base;
    Pos flushed;
    /* Console bytes of one line so far: text from first_pos on, its last byte sent at last. */
    GByteArray *line;
    uint32_t line_port;
    Pos line_first, line_last;
};

static bool writer_fail(RecWriter *w, const char *doing) {
    if (!w->error)
        g_set_error(&w->error, REC_ERROR, REC_ERROR_IO, "%s: %s: %s", w->path, doing, g_strerror(errno));
    return false;
}

static bool report(const RecWriter *w, GError **error) {
    if (w->error && error)
        *error = g_error_copy(w->error);
    return !w->error;
}

/* Forget the first n bytes. */
static void skip(struct iovec **parts, int *n_parts, size_t n) {
    for (; *n_parts && n >= (*parts)->iov_len; ++*parts, --*n_parts)
        n -= (*parts)->iov_len;
    if (*n_parts) {
        (*parts)->iov_base = (uint8_t *)(*parts)->iov_base + n;
        (*parts)->iov_len -= n;
    }
}

/* `parts` are used up. */
static bool write_parts(RecWriter *w, struct iovec *parts, int n_parts) {
    uint64_t size = 0;
    for (skip(&parts, &n_parts, 0); n_parts > 0;) {
        ssize_t n = writev(w->fd, parts, n_parts);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            writer_fail(w, "cannot write");
            /* Leave no half frame behind; if that fails too, a reader stops at it. */
            if (ftruncate(w->fd, (off_t)w->good) == 0)
                lseek(w->fd, (off_t)w->good, SEEK_SET);
            return false;
        }
        size += (size_t)n;
        skip(&parts, &n_parts, (size_t)n);
    }
    w->good += size;
    return true;
}

static bool write_all(RecWriter *w, const uint8_t *data, size_t size) {
    return write_parts(w, &(struct iovec){(void *)data, size}, 1);
}

static void write_frame(RecWriter *w, FrameType type, const uint8_t *raw, size_t size) {
    if (w->error)
        return;
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    frame_encode(bytes, type, w->n_frames, raw, size, LEVEL_LOG);
    if (write_all(w, bytes->data, bytes->len))
        w->n_frames++;
}

/* -- the beginning: header, manifest, images -- */

static void write_start(RecWriter *w, const MachineConfig *config, const char *command) {
    RecInfo info = {.created_unix = g_get_real_time() / G_USEC_PER_SEC};
    info.command = (char *)command;
    info.version = (char *)RR_VERSION;
    if (getrandom(info.id, sizeof info.id, 0) != sizeof info.id)
        writer_fail(w, "no random bytes for the recording's id");
    g_autoptr(GByteArray) bytes = g_byte_array_new();
    put_bytes(bytes, REC_MAGIC, 8);
    put_uint(bytes, RREC_FORMAT_VERSION, 4);
    put_uint(bytes, RR_BEHAVIOUR_VERSION, 4);
    write_all(w, bytes->data, bytes->len);
    g_byte_array_set_size(bytes, 0);
    manifest_encode(bytes, &info, config);
    write_frame(w, FRAME_MANIFEST, bytes->data, bytes->len);
}

/* As they are: compressing a kernel takes longer than recording what it does, and so does every copy of it. */
static void write_image(RecWriter *w, uint32_t index, GBytes *data) {
    gsize size;
    const uint8_t *at = g_bytes_get_data(data, &size);
    g_autoptr(GByteArray) head = g_byte_array_new();
    put_uint(head, index, 4);
    for (gsize done = 0; done < size && !w->error; done += IMAGE_CHUNK) {
        gsize n = MIN(size - done, IMAGE_CHUNK);
        uint8_t header[FRAME_HEADER_SIZE];
        frame_encode_header(header, FRAME_IMAGE, w->n_frames, head->data, head->len, at + done, n);
        struct iovec parts[] = {{header, sizeof header}, {head->data, head->len}, {(void *)(at + done), n}};
        if (write_parts(w, parts, G_N_ELEMENTS(parts)))
            w->n_frames++;
    }
}

/* Only a recording (or the beginning of one) is replaced: a slip of the fingers must not cost a disk image or a device. */
static bool may_replace(const char *path, GError **error) {
    struct stat st;
    if (lstat(path, &st) < 0)
        return true; /* nothing there; what else is wrong, the making of the file tells */
    if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
        g_set_error(error, REC_ERROR, REC_ERROR_EXISTS, "%s: not a file: choose another name", path);
        return false;
    }
    char magic[8] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, magic, sizeof magic) : 0;
    if (fd >= 0)
        close(fd);
    if (n > 0 && memcmp(magic, REC_MAGIC, (size_t)n) != 0) {
        g_set_error(error, REC_ERROR, REC_ERROR_EXISTS,
                    "%s: not a recording, so it is not replaced: choose another name", path);
        return false;
    }
    return true;
}

/* Without force the file is made at its place, with force beside it; rec_writer_commit puts it there. */
static bool open_file(RecWriter *w, bool force, GError **error) {
    if (force) {
        if (!may_replace(w->path, error))
            return false;
        w->temporary = g_strdup_printf("%s.XXXXXX", w->path);
        w->fd = g_mkstemp_full(w->temporary, O_RDWR | O_CLOEXEC, 0600);
    } else {
        w->fd = open(w->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    }
    if (w->fd >= 0)
        return true;
    if (errno == EEXIST)
        g_set_error(error, REC_ERROR, REC_ERROR_EXISTS,
                    "%s: exists already: choose another name or use --force", w->path);
    else
        g_set_error(error, REC_ERROR, REC_ERROR_IO, "%s: cannot create: %s", w->path, g_strerror(errno));
    return false;
}

static RecWriter *writer_alloc(const char *path, const MachineConfig *config) {
    RecWriter *w = g_new0(RecWriter, 1);
    w->path = g_strdup(path);
    w->fd = -1;
    w->shift = config->icount_shift;
    w->events = g_byte_array_new();
    w->checkpoints = g_byte_array_new();
    w->console = g_byte_array_new();
    w->line = g_byte_array_new();
    return w;
}

bool rec_writer_new(const char *path, bool force, const MachineConfig *config, const char *command,
                    RecWriter **ret, GError **error) {
    RecWriter *w = writer_alloc(path, config);
    if (!open_file(w, force, error)) {
        w->committed = true;
        rec_writer_free(w);
        return false;
    }
    write_start(w, config, command);
    for (guint i = 0; i < config->images->len; i++)
        write_image(w, i, ((const MachineImage *)config->images->pdata[i])->data);
    if (!report(w, error)) {
        rec_writer_free(w);
        return false;
    }
    *ret = w;
    return true;
}

bool rec_writer_commit(RecWriter *w, GError **error) {
    if (w->committed)
        return true;
    if (w->temporary && rename(w->temporary, w->path) < 0) {
        writer_fail(w, "cannot replace the old file");
        return report(w, error);
    }
    w->committed = true;
    return true;
}

void rec_writer_free(RecWriter *w) {
    if (!w)
        return;
    if (!w->committed)
        unlink(w->temporary ? w->temporary : w->path);
    if (w->fd >= 0)
        close(w->fd);
    g_clear_error(&w->error);
    g_byte_array_unref(w->events);
    g_byte_array_unref(w->checkpoints);
    g_byte_array_unref(w->console);
    g_byte_array_unref(w->line);
    g_free(w->temporary);
    g_free(w->path);
    g_free(w);
}

const GError *rec_writer_error(const RecWriter *w) {
    return w->error;
}

/* -- frames from buffers -- */

static void drain(RecWriter *w, FrameType type, GByteArray *buffer, Base *base) {
    if (buffer->len)
        write_frame(w, type, buffer->data, buffer->len);
    g_byte_array_set_size(buffer, 0);
    *base = (Base){0};
}

/* An events frame: varint pos up to which the recording is complete, then the events. */
static void drain_events(RecWriter *w, Pos pos) {
    g_autoptr(GByteArray) raw = g_byte_array_new();
    put_varint(raw, pos);
    put_bytes(raw, w->events->data, w->events->len);
    write_frame(w, FRAME_EVENTS, raw->data, raw->len);
    g_byte_array_set_size(w->events, 0);
    w->event_base = (Base){0};
    w->flushed = pos;
}

/* Positions and times as differences: idle time is the part of the guest time that pos does not imply. */
static void put_stamp(const RecWriter *w, GByteArray *out, Base *base, Pos pos, Nsec time) {
    uint64_t idle = time - (pos << w->shift);
    g_assert(pos >= base->pos && idle >= base->idle);
    put_varint(out, pos - base->pos);
    put_varint(out, idle - base->idle);
    *base = (Base){pos, idle};
}

void rec_writer_event(RecWriter *w, const NdEvent *ev) {
    g_assert(ev->size <= PAYLOAD_MAX);
    put_stamp(w, w->events, &w->event_base, ev->pos, ev->time);
    put_uint(w->events, ev->kind, 1);
    put_varint(w->events, ev->source);
    put_varint(w->events, ev->size);
    put_bytes(w->events, ev->payload, ev->size);
    if (w->events->len >= BUFFER_LIMIT)
        drain_events(w, ev->pos);
}

void rec_writer_checkpoint(RecWriter *w, const RecCheckpoint *c) {
    put_stamp(w, w->checkpoints, &w->checkpoint_base, c->pos, c->time);
    put_uint(w->checkpoints, c->hash, 8);
    if (w->checkpoints->len >= BUFFER_LIMIT)
        drain(w, FRAME_CHECKPOINTS, w->checkpoints, &w->checkpoint_base);
}

static void put_console(RecWriter *w, Pos pos, const uint8_t *data, uint32_t size) {
    put_varint(w->console, pos - w->console_base.pos);
    put_varint(w->console, w->line_port);
    put_varint(w->console, size);
    put_bytes(w->console, data, size);
    w->console_base.pos = pos;
    if (w->console->len >= BUFFER_LIMIT)
        drain(w, FRAME_CONSOLE, w->console, &w->console_base);
}

/* A line is two chunks, all but the last byte and the last byte, so that both its positions are kept. */
static void end_line(RecWriter *w) {
    uint32_t n = w->line->len;
    if (n > 1)
        put_console(w, w->line_first, w->line->data, n - 1);
    if (n)
        put_console(w, w->line_last, w->line->data + n - 1, 1);
    g_byte_array_set_size(w->line, 0);
}

static void console_byte(RecWriter *w, Pos pos, uint8_t byte) {
    if (!w->line->len)
        w->line_first = pos;
    w->line_last = pos;
    g_byte_array_append(w->line, &byte, 1);
    if (byte == '\n' || w->line->len >= PAYLOAD_MAX / 2)
        end_line(w);
}

void rec_writer_console(RecWriter *w, Pos pos, uint32_t port, const uint8_t *data, uint32_t size) {
    if (port != w->line_port)
        end_line(w);
    w->line_port = port;
    for (uint32_t i = 0; i < size; i++)
        console_byte(w, pos, data[i]);
}

bool rec_writer_flush(RecWriter *w, Pos pos, GError **error) {
    if (!rec_writer_commit(w, error))
        return false;
    end_line(w);
    drain(w, FRAME_CONSOLE, w->console, &w->console_base);
    drain(w, FRAME_CHECKPOINTS, w->checkpoints, &w->checkpoint_base);
    if (w->events->len || pos != w->flushed)
        drain_events(w, pos);
    return report(w, error);
}

bool rec_writer_finish(RecWriter *w, const RecEnd *end, GError **error) {
    rec_writer_flush(w, end->pos, NULL);
    g_autoptr(GByteArray) raw = g_byte_array_new();
    put_uint(raw, end->pos, 8);
    put_uint(raw, end->time, 8);
    put_uint(raw, end->hash, 8);
    put_uint(raw, end->stop, 4);
    put_uint(raw, end->code, 4);
    put_uint(raw, (uint32_t)end->exit_status, 4);
    put_bytes(raw, end->text, strlen(end->text));
    write_frame(w, FRAME_END, raw->data, raw->len);
    if (!w->error && close(w->fd) < 0)
        writer_fail(w, "cannot write");
    w->fd = -1;
    return report(w, error);
}
