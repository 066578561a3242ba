/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smallest host: runs a firmware image on the machine until it ends, with the console on stdout and
 * nothing from outside. Usage: run_firmware interp|x86_64 -bios FILE -cpu rv64[,PROPERTY=VALUE]…
 */
#include <stdio.h>
#include <string.h>

#include "core/machine.h"
#include "tcg/tcg.h"

static Pos next_never(Nd *nd) {
    return POS_NONE;
}
static bool poll_nothing(Nd *nd, Pos pos, Nsec now, NdEvent *ev) {
    return false;
}
static bool idle_nothing(Nd *nd, Pos pos, Nsec now, Nsec deadline, NdEvent *ev) {
    return false;
}
static bool accept_checkpoint(Nd *nd, Pos pos, Nsec now, uint64_t hash) {
    return true;
}
static Pos no_checkpoint(Nd *nd, Pos pos) {
    return POS_NONE;
}

static bool fetch_zeros(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, uint64_t arg, uint8_t *to,
                        uint32_t size, int *err) {
    memset(to, 0, size);
    return true;
}

static void write_console(Nd *nd, Pos pos, Nsec now, NdKind kind, uint32_t source, const uint8_t *data,
                          uint32_t size) {
    fwrite(data, 1, size, stdout);
}

static const NdOps nd_ops = {
    .next_pos = next_never,
    .poll = poll_nothing,
    .idle = idle_nothing,
    .fetch = fetch_zeros,
    .output = write_console,
    .checkpoint = accept_checkpoint,
    .next_checkpoint = no_checkpoint,
};

static bool set_cpu(Isa *isa, const char *model) {
    g_auto(GStrv) words = g_strsplit(model, ",", -1);
    for (unsigned i = 1; words[i]; i++) {
        char *equals = strchr(words[i], '=');
        if (!equals) {
            return false;
        }
        *equals = '\0';
        if (!isa_set_property(isa, words[i], equals + 1)) {
            return false;
        }
    }
    return true;
}

static bool set_bios(MachineConfig *config, const char *path, GError **error) {
    char *bytes;
    gsize size;
    if (!g_file_get_contents(path, &bytes, &size, error)) {
        return false;
    }
    g_ptr_array_add(config->images, machine_image_new(IMAGE_BIOS, path, g_bytes_new_take(bytes, size), 0));
    return true;
}

static bool run(MachineConfig *config, TcgBackend backend, GError **error) {
    Nd nd = {&nd_ops};
    Hooks *hooks = hooks_new();
    Machine *m;
    if (!machine_new(config, &nd, hooks, &m, error)) {
        hooks_free(hooks);
        return false;
    }
    machine_set_engine(m, tcg_engine_new(m, &(TcgOptions){.backend = backend}));
    bool ok = machine_reset(m, error);
    if (ok) {
        m->limit = 2000000000;
        machine_run(m);
        ok = m->stop == STOP_FINISHER_PASS;
        fflush(stdout);
        if (!ok) {
            g_set_error(error, g_quark_from_static_string("run-firmware"), 0,
                        "ended with %d at pos %" G_GUINT64_FORMAT, m->stop, m->pos);
        }
    }
    machine_free(m);
    hooks_free(hooks);
    return ok;
}

int main(int argc, char **argv) {
    if (argc != 6 || strcmp(argv[2], "-bios") != 0 || strcmp(argv[4], "-cpu") != 0) {
        fprintf(stderr, "usage: run_firmware interp|x86_64 -bios FILE -cpu MODEL\n");
        return 2;
    }
    g_autoptr(GError) error = NULL;
    MachineConfig config;
    machine_config_init(&config);
    bool ok = set_cpu(&config.isa, argv[5]) && set_bios(&config, argv[3], &error) &&
              run(&config, strcmp(argv[1], "interp") ? BACKEND_X86_64 : BACKEND_INTERP, &error);
    if (!ok) {
        fprintf(stderr, "run_firmware: %s\n", error ? error->message : "unknown CPU property");
    }
    machine_config_done(&config);
    return ok ? 0 : 1;
}
