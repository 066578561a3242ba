/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recording's file: what was written comes back; whatever is cut off or damaged is noticed and loses no
 * more. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "record/frame.h"
#include "record/manifest.h"
#include "record/rec.h"

#define SHIFT 1u /* one step is 2 ns */

static char *dir;

static char *path_of(const char *name) {
    return g_build_filename(dir, name, NULL);
}

static void make_config(MachineConfig *c) {
    machine_config_init(c);
    c->n_harts = 3;
    c->icount_shift = SHIFT;
    c->schedule_seed = 0x1122334455667788;
    c->rtc_base_ns = 17;
    c->no_reboot = true;
    c->virtio_legacy = false;
    c->append = g_strdup("console=ttyS0 quiet");
    c->isa.zbb = false;
    c->n_console = 2;
    c->virtio[7] = (VirtioSlotConfig){VIRTIO_BLK, g_strdup("disk0"), 2, 4096, true, {0}};
    c->virtio[3] = (VirtioSlotConfig){VIRTIO_NET, NULL, 0, 0, false, {1, 2, 3, 4, 5, 6}};
    g_autoptr(GBytes) small = g_bytes_new_static("firmware", 8), empty = g_bytes_new_static("", 0);
    uint8_t *big = g_malloc(3000000);
    for (unsigned i = 0; i < 3000000; i++)
        big[i] = (uint8_t)(i * i >> 7);
    g_autoptr(GBytes) large = g_bytes_new_take(big, 3000000);
    g_ptr_array_add(c->images, machine_image_new(IMAGE_BIOS, "fw.bin", small, 0));
    g_ptr_array_add(c->images, machine_image_new(IMAGE_LOADER, "blob", empty, 0x80001000));
    g_ptr_array_add(c->images, machine_image_new(IMAGE_KERNEL, "Image", large, 0));
}

static void put_event(RecWriter *w, Pos pos, uint64_t idle, NdKind kind, uint32_t source,
                      const char *payload) {
    NdEvent ev = {pos,    (pos << SHIFT) + idle,    kind,
                  source, (const uint8_t *)payload, (uint32_t)strlen(payload)};
    rec_writer_event(w, &ev);
}

static const RecEnd end_in = {true, 5000, 10099, 0xabcdef, 2, 77, -3, (char *)"guest powered off"};

/* A small recording with one of everything, in several flushes. */
static void write_log(RecWriter *w) {
    put_event(w, 0, 0, ND_CLOCK, 0, "12345678");
    rec_writer_checkpoint(w, &(RecCheckpoint){0, 0, 1});
    rec_writer_console(w, 10, 0, (const uint8_t *)"hello", 5);
    rec_writer_console(w, 20, 0, (const uint8_t *)" world\nsecond", 13);
    g_assert_true(rec_writer_flush(w, 1000, NULL));
    put_event(w, 1000, 50, ND_CONSOLE, 1, "ls\n");
    put_event(w, 1000, 50, ND_CLOSE, 1, "");
    rec_writer_console(w, 1500, 1, (const uint8_t *)"x", 1);
    rec_writer_checkpoint(w, &(RecCheckpoint){1024, 2098, 2});
    g_assert_true(rec_writer_flush(w, 2000, NULL));
    put_event(w, 4000, 99, ND_NET, 300, "frame");
    rec_writer_checkpoint(w, &(RecCheckpoint){4096, 8291, UINT64_MAX});
}

static char *write_recording(const char *name, const MachineConfig *config) {
    char *path = path_of(name);
    RecWriter *w;
    GError *error = NULL;
    g_assert_true(rec_writer_new(path, true, config, "rr-emu record -m 1G", &w, &error));
    write_log(w);
    g_assert_true(rec_writer_finish(w, &end_in, &error));
    rec_writer_free(w);
    return path;
}

static void check_config(const MachineConfig *a, const MachineConfig *b) {
    g_assert_cmpmem(&a->isa, sizeof a->isa, &b->isa, sizeof b->isa);
    g_assert_cmpuint(a->n_harts, ==, b->n_harts);
    g_assert_cmpuint(a->ram_size, ==, b->ram_size);
    g_assert_cmpuint(a->icount_shift, ==, b->icount_shift);
    g_assert_cmpuint(a->schedule_seed, ==, b->schedule_seed);
    g_assert_cmpuint(a->rtc_base_ns, ==, b->rtc_base_ns);
    g_assert_cmpint(a->aclint, ==, b->aclint);
    g_assert_cmpint(a->no_reboot, ==, b->no_reboot);
    g_assert_cmpint(a->virtio_legacy, ==, b->virtio_legacy);
    g_assert_cmpstr(a->append, ==, b->append);
    g_assert_cmpuint(a->n_console, ==, b->n_console);
    for (unsigned i = 0; i < MACHINE_VIRTIO_SLOTS; i++) {
        const VirtioSlotConfig *x = &a->virtio[i], *y = &b->virtio[i];
        g_assert_cmpint(x->kind, ==, y->kind);
        g_assert_cmpstr(x->id ? x->id : "", ==, y->id ? y->id : "");
        g_assert_cmpuint(x->drive, ==, y->drive);
        g_assert_cmpuint(x->sectors, ==, y->sectors);
        g_assert_cmpint(x->readonly, ==, y->readonly);
        g_assert_cmpmem(x->mac, 6, y->mac, 6);
    }
    g_assert_cmpuint(a->images->len, ==, b->images->len);
    for (guint i = 0; i < a->images->len; i++) {
        const MachineImage *x = a->images->pdata[i], *y = b->images->pdata[i];
        g_assert_cmpint(x->role, ==, y->role);
        g_assert_cmpstr(x->name, ==, y->name);
        g_assert_cmpuint(x->addr, ==, y->addr);
        g_assert_true(g_bytes_equal(x->data, y->data));
    }
}

static void check_events(const Rec *r) {
    static const struct {
        Pos pos;
        uint64_t idle;
        NdKind kind;
        uint32_t source;
        const char *payload;
    } want[] = {{0, 0, ND_CLOCK, 0, "12345678"},
                {1000, 50, ND_CONSOLE, 1, "ls\n"},
                {1000, 50, ND_CLOSE, 1, ""},
                {4000, 99, ND_NET, 300, "frame"}};
    g_assert_cmpuint(rec_n_events(r), ==, G_N_ELEMENTS(want));
    for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
        const NdEvent *ev = rec_event(r, i);
        g_assert_cmpuint(ev->pos, ==, want[i].pos);
        g_assert_cmpuint(ev->time, ==, (want[i].pos << SHIFT) + want[i].idle);
        g_assert_cmpint(ev->kind, ==, want[i].kind);
        g_assert_cmpuint(ev->source, ==, want[i].source);
        g_assert_cmpmem(ev->payload, ev->size, want[i].payload, strlen(want[i].payload));
    }
}

/* All chunks of a port as "pos:text|". */
static char *console_text(const Rec *r) {
    GString *all = g_string_new(NULL);
    Pos pos;
    uint32_t port, size;
    const uint8_t *data;
    for (size_t i = 0; rec_console(r, i, &pos, &port, &data, &size); i++)
        g_string_append_printf(all, "%u@%u:%.*s|", port, (unsigned)pos, (int)size, (const char *)data);
    return g_string_free(all, FALSE);
}

static void test_round_trip(void) {
    MachineConfig config;
    make_config(&config);
    g_autofree char *path = write_recording("round.rrec", &config);
    struct stat st;
    g_assert_cmpint(stat(path, &st), ==, 0);
    g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
    Rec *r;
    GError *error = NULL;
    g_assert_true(rec_open(path, &r, &error));
    check_config(rec_config(r), &config);
    check_events(r);
    g_assert_cmpuint(rec_n_checkpoints(r), ==, 3);
    g_assert_cmpuint(rec_checkpoint(r, 1)->pos, ==, 1024);
    g_assert_cmpuint(rec_checkpoint(r, 1)->time, ==, 2098);
    g_assert_cmpuint(rec_checkpoint(r, 2)->hash, ==, UINT64_MAX);
    g_autofree char *text = console_text(r);
    g_assert_cmpstr(text, ==, "0@10:hello world|0@20:\n|0@20:secon|0@20:d|1@1500:x|");
    const RecEnd *end = rec_end(r);
    g_assert_true(end->complete);
    g_assert_cmpuint(end->pos, ==, end_in.pos);
    g_assert_cmpuint(end->time, ==, end_in.time);
    g_assert_cmpuint(end->hash, ==, end_in.hash);
    g_assert_cmpuint(end->stop, ==, end_in.stop);
    g_assert_cmpuint(end->code, ==, end_in.code);
    g_assert_cmpint(end->exit_status, ==, end_in.exit_status);
    g_assert_cmpstr(end->text, ==, end_in.text);
    g_assert_cmpstr(rec_info(r)->command, ==, "rr-emu record -m 1G");
    g_assert_cmpuint(strlen(rec_info(r)->id_text), ==, 32);
    g_assert_cmpuint(rec_size_of(r, "images"), >, 10);
    g_assert_cmpuint(rec_size_of(r, "nothing"), ==, 0);
    rec_free(r);
    machine_config_done(&config);
}

/* A recording without large images, small enough to be damaged at every byte. */
static char *write_small(const char *name) {
    MachineConfig config;
    machine_config_init(&config);
    config.icount_shift = SHIFT;
    g_autoptr(GBytes) image = g_bytes_new_static("0123456789", 10);
    g_ptr_array_add(config.images, machine_image_new(IMAGE_BIOS, "fw", image, 0));
    char *path = write_recording(name, &config);
    machine_config_done(&config);
    return path;
}

static bool open_bytes(const char *data, gsize size, Rec **r, GError **error) {
    g_autofree char *path = path_of("damaged.rrec");
    /* Without the fsync that the default means: this is done thousands of times. */
    g_assert_true(g_file_set_contents_full(path, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    return rec_open(path, r, error);
}

/* What there is of a damaged recording must be a beginning of the whole one. */
static void check_prefix(const Rec *part, const Rec *whole) {
    g_assert_cmpuint(rec_n_events(part), <=, rec_n_events(whole));
    for (size_t i = 0; i < rec_n_events(part); i++) {
        const NdEvent *a = rec_event(part, i), *b = rec_event(whole, i);
        g_assert_cmpuint(a->pos, ==, b->pos);
        g_assert_cmpuint(a->time, ==, b->time);
        g_assert_cmpmem(a->payload, a->size, b->payload, b->size);
    }
    g_assert_cmpuint(rec_n_checkpoints(part), <=, rec_n_checkpoints(whole));
    for (size_t i = 0; i < rec_n_checkpoints(part); i++) {
        g_assert_cmpuint(rec_checkpoint(part, i)->hash, ==, rec_checkpoint(whole, i)->hash);
        g_assert_cmpuint(rec_checkpoint(part, i)->pos, <=, rec_end(part)->pos);
    }
    g_assert_cmpuint(rec_end(part)->pos, <=, rec_end(whole)->pos);
    g_assert_nonnull(rec_end(part)->text);
}

static void test_truncation(void) {
    g_autofree char *path = write_small("small.rrec");
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    Rec *whole, *part;
    g_assert_true(rec_open(path, &whole, NULL));
    unsigned refused = 0;
    Pos last = 0;
    for (gsize n = 0; n < size; n++) {
        GError *error = NULL;
        if (!open_bytes(data, n, &part, &error)) {
            g_assert_cmpuint(last, ==, 0);
            g_assert_nonnull(strstr(error->message, "offset"));
            g_error_free(error);
            refused++;
            continue;
        }
        g_assert_false(rec_end(part)->complete);
        g_assert_cmpuint(rec_end(part)->pos, >=, last);
        last = rec_end(part)->pos;
        check_prefix(part, whole);
        rec_free(part);
    }
    g_assert_cmpuint(refused, >, REC_HEADER_SIZE + 2 * FRAME_HEADER_SIZE);
    g_assert_cmpuint(last, ==, end_in.pos);
    rec_free(whole);
}

static void test_flipped_bytes(void) {
    g_autofree char *path = write_small("flip.rrec");
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    Rec *whole, *part;
    g_assert_true(rec_open(path, &whole, NULL));
    for (gsize n = 0; n < size; n++) {
        GError *error = NULL;
        data[n] ^= (char)(1 << n % 8);
        if (open_bytes(data, size, &part, &error)) {
            g_assert_false(rec_end(part)->complete);
            g_assert_nonnull(strstr(rec_end(part)->text, "damaged at offset"));
            check_prefix(part, whole);
            rec_free(part);
        } else {
            g_assert_nonnull(strstr(error->message, "offset"));
            g_error_free(error);
        }
        data[n] ^= (char)(1 << n % 8);
    }
    rec_free(whole);
}

static void test_versions(void) {
    g_autofree char *path = write_small("version.rrec");
    g_autofree char *data = NULL;
    gsize size;
    Rec *r;
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    for (unsigned at = 8; at <= 12; at += 4) {
        GError *error = NULL;
        data[at] ^= 2;
        g_assert_false(open_bytes(data, size, &r, &error));
        g_assert_error(error, REC_ERROR, REC_ERROR_VERSION);
        g_assert_nonnull(strstr(error->message, "release"));
        g_error_free(error);
        data[at] ^= 2;
    }
    GError *error = NULL;
    g_assert_false(open_bytes("hello, I am no recording", 24, &r, &error));
    g_assert_error(error, REC_ERROR, REC_ERROR_FORMAT);
    g_clear_error(&error);
    g_assert_false(rec_open("/nonexistent/x.rrec", &r, &error));
    g_assert_error(error, REC_ERROR, REC_ERROR_IO);
    g_clear_error(&error);
    g_assert_false(rec_open("/dev/zero", &r, &error));
    g_assert_error(error, REC_ERROR, REC_ERROR_FORMAT);
    g_clear_error(&error);
}

/* Frames with a good checksum and hostile contents: lengths and sums that lie. */
static void test_hostile_frames(void) {
    g_autofree char *path = write_small("hostile.rrec");
    g_autofree char *data = NULL;
    gsize size;
    g_assert_true(g_file_get_contents(path, &data, &size, NULL));
    /* The log begins after the manifest (number 0) and the image (number 1). */
    Frame f;
    const char *what;
    gsize at = REC_HEADER_SIZE;
    for (uint32_t i = 0; i < 2; i++) {
        g_assert_true(frame_decode((const uint8_t *)data + at, size - at, i, &f, &what));
        at += f.stored;
        g_free(f.raw);
    }
    static const struct {
        FrameType type;
        const char *bytes;
        unsigned size;
    } hostile[] = {
        {FRAME_EVENTS, "", 0},
        {FRAME_EVENTS, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11},
        {FRAME_EVENTS, "\x05\x01\x00\x01\x00\xff\xff\xff\xff\x0f", 10}, /* payload longer than the frame */
        {FRAME_EVENTS, "\x05\x01\x00\x63\x00\x00", 6},                  /* unknown kind */
        {FRAME_EVENTS, "\x05\x01\x00\x01\x00\x00\x01\x00\x63\x00\x00", 11}, /* a good event before it */
        {FRAME_EVENTS, "\x05\x09\x00\x01\x00\x00", 6}, /* beyond the pos that it completes */
        {FRAME_EVENTS, "\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x01\x00\x00",
         15}, /* pos << shift overflows */
        {FRAME_CHECKPOINTS, "\x01\x01\x01", 3},
        {FRAME_CHECKPOINTS,
         "\x00\x00"
         "12345678"
         "\x00\x00"
         "12345678",
         20}, /* the same pos twice */
        {FRAME_CONSOLE, "\x01\x00\xff\xff\x7f", 5},
        {FRAME_END, "short", 5},
        {FRAME_MANIFEST, "", 0},
        {FRAME_IMAGE, "\0\0\0\0x", 5},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(hostile); i++) {
        g_autoptr(GByteArray) bytes = g_byte_array_new();
        Rec *r;
        put_bytes(bytes, data, at);
        frame_encode(bytes, hostile[i].type, 2, (const uint8_t *)hostile[i].bytes, hostile[i].size, 1);
        g_assert_true(open_bytes((const char *)bytes->data, bytes->len, &r, NULL));
        g_assert_false(rec_end(r)->complete);
        g_assert_nonnull(strstr(rec_end(r)->text, "malformed"));
        g_assert_cmpuint(rec_end(r)->pos, ==, 0);
        g_assert_cmpuint(rec_n_events(r) + rec_n_checkpoints(r), ==, 0);
        rec_free(r);
    }
}

/* A disk of so many sectors that its bytes cannot be counted. */
static void test_impossible_disk(void) {
    g_autoptr(GByteArray) raw = g_byte_array_new();
    MachineConfig config, back;
    g_autoptr(GArray) images = g_array_new(FALSE, TRUE, sizeof(ImageEntry));
    RecInfo info = {.command = (char *)"", .version = (char *)""}, read = {0};
    const char *what = NULL;
    machine_config_init(&config);
    config.virtio[7] = (VirtioSlotConfig){.kind = VIRTIO_BLK, .sectors = (uint64_t)1 << 55};
    manifest_encode(raw, &info, &config);
    g_assert_false(manifest_decode(raw->data, raw->len, &read, &back, images, &what));
    g_assert_cmpstr(what, ==, "a virtio slot in the manifest is malformed");
    rec_info_clear(&read);
    machine_config_done(&back);
    machine_config_done(&config);
}

static void test_existing_file(void) {
    MachineConfig config;
    machine_config_init(&config);
    g_autofree char *path = write_small("exists.rrec");
    g_autofree char *nowhere = g_build_filename(dir, "no", "such", "dir.rrec", NULL);
    RecWriter *w;
    GError *error = NULL;
    g_assert_false(rec_writer_new(path, false, &config, "", &w, &error));
    g_assert_error(error, REC_ERROR, REC_ERROR_EXISTS);
    g_clear_error(&error);
    g_assert_false(rec_writer_new(nowhere, true, &config, "", &w, &error));
    g_assert_error(error, REC_ERROR, REC_ERROR_IO);
    g_clear_error(&error);
    g_assert_true(rec_writer_new(path, true, &config, "given up", &w, &error));
    rec_writer_free(w); /* the machine could not start, say */
    Rec *r;
    g_assert_true(rec_open(path, &r, &error));
    g_assert_cmpstr(rec_info(r)->command, !=, "given up");
    rec_free(r);
    g_assert_true(rec_writer_new(path, true, &config, "again", &w, &error));
    g_assert_true(rec_writer_commit(w, &error));
    rec_writer_free(w); /* no end frame: as after a crash */
    g_assert_true(rec_open(path, &r, &error));
    g_assert_false(rec_end(r)->complete);
    g_assert_cmpstr(rec_info(r)->command, ==, "again");
    rec_free(r);
    machine_config_done(&config);
}

/* Force replaces recordings only. */
static void test_no_recording(void) {
    MachineConfig config;
    machine_config_init(&config);
    g_autofree char *path = path_of("disk.img");
    RecWriter *w;
    GError *error = NULL;
    g_assert_true(g_file_set_contents(path, "precious", -1, NULL));
    g_autofree char *fifo = path_of("fifo");
    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    const char *const kept[] = {path, dir, fifo};
    for (size_t i = 0; i < G_N_ELEMENTS(kept); i++) {
        g_assert_false(rec_writer_new(kept[i], true, &config, "", &w, &error));
        g_assert_error(error, REC_ERROR, REC_ERROR_EXISTS);
        g_clear_error(&error);
    }
    g_autofree char *text = NULL;
    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    g_assert_cmpstr(text, ==, "precious");
    machine_config_done(&config);
}

/* The file-size limit takes the place of a full disk: the error is kept, and what was whole before stays a
 * recording. */
static void test_full_disk(void) {
    MachineConfig config;
    machine_config_init(&config);
    RecWriter *w;
    GError *error = NULL;
    g_autofree char *path = path_of("full.rrec");
    struct stat st;
    struct rlimit old;
    g_assert_true(rec_writer_new(path, false, &config, "", &w, &error));
    put_event(w, 7, 0, ND_CLOCK, 0, "12345678");
    g_assert_true(rec_writer_flush(w, 100, NULL));
    g_assert_cmpint(stat(path, &st), ==, 0);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){(rlim_t)st.st_size + 10, old.rlim_max});
    put_event(w, 200, 0, ND_CONSOLE, 0, "lost");
    g_assert_false(rec_writer_flush(w, 300, &error));
    setrlimit(RLIMIT_FSIZE, &old);
    g_assert_error(error, REC_ERROR, REC_ERROR_IO);
    g_clear_error(&error);
    g_assert_nonnull(rec_writer_error(w));
    g_assert_false(rec_writer_finish(w, &end_in, &error));
    g_assert_error(error, REC_ERROR, REC_ERROR_IO);
    g_clear_error(&error);
    rec_writer_free(w);
    Rec *r;
    g_assert_true(rec_open(path, &r, &error));
    g_assert_cmpuint(rec_end(r)->pos, ==, 100);
    g_assert_cmpuint(rec_n_events(r), ==, 1);
    g_assert_nonnull(strstr(rec_end(r)->text, "cut short"));
    rec_free(r);
    machine_config_done(&config);
}

int main(int argc, char **argv) {
    g_test_init(&argc, &argv, NULL);
    dir = g_dir_make_tmp("rr-record-XXXXXX", NULL);
    g_test_add_func("/record/round-trip", test_round_trip);
    g_test_add_func("/record/truncation", test_truncation);
    g_test_add_func("/record/flipped-bytes", test_flipped_bytes);
    g_test_add_func("/record/versions", test_versions);
    g_test_add_func("/record/hostile-frames", test_hostile_frames);
    g_test_add_func("/record/impossible-disk", test_impossible_disk);
    g_test_add_func("/record/existing-file", test_existing_file);
    g_test_add_func("/record/no-recording", test_no_recording);
    g_test_add_func("/record/full-disk", test_full_disk);
    int status = g_test_run();
    g_autoptr(GDir) list = g_dir_open(dir, 0, NULL);
    for (const char *name; (name = g_dir_read_name(list));) {
        g_autofree char *path = path_of(name);
        g_unlink(path);
    }
    g_rmdir(dir);
    g_free(dir);
    return status;
}
