/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `run` and `record`: a live machine, with or without the recorder round its door. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "analyses/store/store.h"
#include "cli/database.h"
#include "cli/live.h"
#include "cli/machine_args.h"
#include "cli/machine_build.h"
#include "cli/stats.h"
#include "core/devices/disk.h"
#include "core/machine.h"
#include "tcg/tcg.h"

/* Steps between state hashes: a few a second at the engine's speed. */
#define CHECKPOINT_INTERVAL ((Pos)1 << 27)

typedef struct Session {
    MachineSetup setup;
    Nd *live, *recorder;
    RecWriter *writer;
    Hooks *hooks;
    Machine *machine;
    char *path;
    bool has_pidfile;
} Session;

static void session_done(Session *s) {
    g_clear_pointer(&s->machine, machine_free);
    g_clear_pointer(&s->recorder, nd_record_free);
    g_clear_pointer(&s->writer, rec_writer_free);
    g_clear_pointer(&s->live, live_free);
    g_clear_pointer(&s->hooks, hooks_free);
    if (s->has_pidfile)
        unlink(s->setup.pidfile);
    machine_setup_done(&s->setup);
    g_free(s->path);
}

static char *command_line(const Args *args) {
    g_autoptr(GString) text = g_string_new("rr-emu record");
    for (guint i = 0; i < args->rest->len; i++) {
        g_autofree char *quoted = g_shell_quote(args->rest->pdata[i]);
        const char *word = args->rest->pdata[i];
        bool plain = word[0] && !strpbrk(word, " \t\n'\"\\$`*?&|;<>()[]{}~#");
        g_string_append_printf(text, " %s", plain ? word : quoted);
    }
    return g_strdup(text->str);
}

static bool open_recording(Session *s, Args *args, GError **error) {
    s->path = args->output ? g_strdup(args->output) : recordings_new_name(error);
    if (!s->path)
        return false;
    g_autofree char *command = command_line(args);
    if (!rec_writer_new(s->path, args->force, &s->setup.config, command, &s->writer, error))
        return false;
    s->recorder =
        nd_record_new(s->live, s->writer, args->checkpoint ? args->checkpoint : CHECKPOINT_INTERVAL);
    return true;
}

static bool parse_idle(Session *s, const Args *args, GError **error) {
    if (!args->idle)
        return true;
    s->setup.live.idle_skip |= !strcmp(args->idle, "skip");
    s->setup.live.idle_wait |= !strcmp(args->idle, "wait");
    if (s->setup.live.idle_skip || s->setup.live.idle_wait)
        return true;
    g_set_error(error, CLI_ERROR, 0, "--idle %s: expected wait or skip", args->idle);
    return false;
}

/* For as long as the run lasts, as QEMU does. */
static bool write_pidfile(Session *s, GError **error) {
    if (!s->setup.pidfile)
        return true;
    g_autofree char *text = g_strdup_printf("%d\n", (int)getpid());
    s->has_pidfile = g_file_set_contents(s->setup.pidfile, text, -1, error);
    if (!s->has_pidfile)
        g_prefix_error(error, "-pidfile %s: ", s->setup.pidfile);
    return s->has_pidfile;
}

static bool start_machine(Session *s, const Args *args, GError **error) {
    Nd *nd = s->recorder ? s->recorder : s->live;
    if (!machine_new(&s->setup.config, nd, s->hooks, &s->machine, error))
        return false;
    machine_set_engine(s->machine, tcg_engine_new(s->machine, &s->setup.tcg));
    s->machine->limit = args->max_insns ? args->max_insns : POS_NONE;
    return machine_reset(s->machine, error) && write_pidfile(s, error);
}

/* What observers of the recording will want: the files themselves, since it is to be opened anywhere; of a sysroot its name. */
static bool keep_symbols(Session *s, const Args *args, GError **error) {
    GPtrArray *images = s->setup.config.images;
    for (guint i = 0; args->symbols && i < args->symbols->len; i++) {
        g_autofree char *path = NULL;
        uint64_t addr;
        if (!store_split_symbols(args->symbols->pdata[i], &path, &addr, error) ||
            !build_image(&s->setup.config, IMAGE_SYMBOLS, "--symbols", path, addr, error))
            return false;
        const MachineImage *image = images->pdata[images->len - 1];
        if (!database_is_elf(image->data)) {
            g_set_error(error, CLI_ERROR, 0, "--symbols %s: not a 64-bit ELF file for RISC-V", path);
            return false;
        }
    }
    if (!args->sysroot)
        return true;
    if (!g_file_test(args->sysroot, G_FILE_TEST_IS_DIR)) {
        g_set_error(error, CLI_ERROR, 0, "--sysroot %s: not a folder", args->sysroot);
        return false;
    }
    g_autofree char *path = g_canonicalize_filename(args->sysroot, NULL);
    g_ptr_array_add(images, machine_image_new(IMAGE_SYSROOT, path, g_bytes_new(NULL, 0), 0));
    return true;
}

static bool session_start(Session *s, const Command *self, Args *args, GError **error) {
    if (!machine_setup_parse(&s->setup, (char **)args->rest->pdata, args->rest->len, error) ||
        !parse_idle(s, args, error) || !keep_symbols(s, args, error))
        return false;
    if (args->dump && !machine_setup_dump(&s->setup.tcg, args->dump, error))
        return false;
    for (guint i = 0; i < s->setup.notes->len; i++)
        tell(args, "%s", (char *)s->setup.notes->pdata[i]);
    s->setup.live.timeout = args->timeout;
    s->setup.live.until = g_strdup(args->until);
    s->setup.live.fail = g_strdup(args->fail);
    s->setup.tcg.stats = args->stats;
    s->hooks = hooks_new();
    if (!live_new(&s->setup.live, &s->live, error) ||
        (self->bit == CMD_RECORD && !open_recording(s, args, error)))
        return false;
    /* Until it is committed, session_done takes a recording of nothing away. */
    return start_machine(s, args, error) && (!s->writer || rec_writer_commit(s->writer, error));
}

/* Put the blocks that the guest wrote into the image. */
typedef struct WriteBack {
    int fd, err; /* errno of the first failure, or 0 */
} WriteBack;

static void write_block(void *opaque, uint64_t block, const uint8_t *bytes, uint32_t size) {
    WriteBack *w = opaque;
    for (uint32_t done = 0; done < size && !w->err;) {
        ssize_t wrote = pwrite(w->fd, bytes + done, size - done, (off_t)(block * DISK_BLOCK + done));
        if (wrote > 0)
            done += (uint32_t)wrote;
        else if (wrote == 0 || errno != EINTR)
            w->err = wrote ? errno : EIO;
    }
}

static bool write_image(const Session *s, unsigned drive, GError **error) {
    const char *path = s->setup.drives[drive].path;
    WriteBack w = {.fd = open(path, O_WRONLY | O_CLOEXEC)};
    if (w.fd < 0) {
        w.err = errno;
    } else {
        disk_visit_written(s->machine, drive, write_block, &w);
        if (close(w.fd) && !w.err) /* where a network's file system tells */
            w.err = errno;
    }
    if (!w.err)
        return true;
    g_set_error(error, CLI_ERROR, 0, "--write-images %s: %s", path, g_strerror(w.err));
    return false;
}

/* Why the image of a drive stays as it was, or NULL: the guest's writes go there. */
static const char *image_kept(const DriveSetup *d, const Args *args, int status) {
    if (d->snapshot)
        return "the image is unchanged (-snapshot)";
    if (!args->write_images)
        return "the image is unchanged (--write-images puts them there)";
    return status ? "the image is unchanged (the guest did not end well)" : NULL;
}

/* What the guest wrote to its disks stays in the recording unless asked for, after a clean end, with --write-images. */
static bool finish_disks(Session *s, const Args *args, int status, GError **error) {
    for (unsigned i = 0; i < s->setup.n_drives; i++) {
        const DriveSetup *d = &s->setup.drives[i];
        uint64_t n = d->attached ? disk_visit_written(s->machine, i, NULL, NULL) : 0;
        const char *kept = image_kept(d, args, status);
        if (n && !kept && !write_image(s, i, error))
            return false;
        if (n)
            tell(args, "the guest wrote %" G_GUINT64_FORMAT " blocks of %s; %s", n, d->path,
                 kept ? kept : "they are in the image now");
    }
    return true;
}

/* The recording's end frame and the words about it. */
static bool session_finish(Session *s, Args *args, int status, GError **error) {
    Machine *m = s->machine;
    g_autofree char *text = outcome_text(m->stop, m->stop_code);
    if (s->writer) {
        RecEnd end = {.complete = true,
                      .pos = machine_pos(m),
                      .time = machine_time(m),
                      .hash = machine_state_hash(m),
                      .stop = m->stop,
                      .code = m->stop_code,
                      .exit_status = status,
                      .text = text};
        if (!rec_writer_finish(s->writer, &end, error))
            return false;
        tell(args, "recorded %s", s->path);
    }
    if (!finish_disks(s, args, status, error))
        return false;
    g_autofree char *steps = human_count(machine_pos(m));
    tell(args, "%s; %s steps, exit status %d", text, steps, status);
    return true;
}

int cmd_run(const Command *self, Args *args, GError **error) {
    Session s = {0};
    int status = self->failed;
    if (session_start(&s, self, args, error)) {
        machine_run(s.machine);
        live_flush(s.live);
        int outcome = outcome_status(s.machine->stop, s.machine->stop_code);
        if (args->stats)
            stats_print(s.machine);
        if (session_finish(&s, args, outcome, error))
            status = outcome;
    }
    session_done(&s);
    return status;
}
