/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * MACHINE on the command line, spelled as qemu-system-riscv64 spells it, because users have those lines already. What is
 * not supported is refused by name with what is; nothing is ignored silently.
 */
#ifndef CLI_MACHINE_ARGS_H
#define CLI_MACHINE_ARGS_H

#include <glib.h>
#include "cli/live.h"
#include "core/config.h"
#include "tcg/tcg.h"

typedef struct DriveSetup {
    char *id, *path; /* path NULL: unused */
    bool readonly, snapshot, attached;
    uint64_t size; /* bytes */
} DriveSetup;

typedef struct MachineSetup {
    MachineConfig config;
    LiveConfig live;
    TcgOptions tcg;
    DriveSetup drives[LIVE_MAX_DRIVES];
    unsigned n_drives;
    GPtrArray *notes; /* of char*: what the user should know (generic names mapped, …) */
    char *pidfile;
} MachineSetup;

/* Parse, open files, read images. The setup is ready for machine_new() and live_new(). */
bool machine_setup_parse(MachineSetup *s, char **words, size_t n, GError **error);
void machine_setup_done(MachineSetup *s);
/* "guest,ir,opt,host,nopt=NAME" into tcg options. */
bool machine_setup_dump(TcgOptions *tcg, const char *text, GError **error);
void machine_args_help(GString *to);

#endif
