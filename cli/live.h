/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live host: the one implementation of nd.h that touches the real world. Console bytes from a terminal, pipe
 * or file, wall clock, entropy, disk images; and everything that ends a run from outside.
 */
#ifndef CLI_LIVE_H
#define CLI_LIVE_H

#include <glib.h>
#include "core/nd.h"

#define LIVE_MAX_PORTS 9 /* the UART and eight virtio consoles */
#define LIVE_MAX_DRIVES 8

typedef struct LivePort {
    int in_fd, out_fd; /* -1: none */
    bool mux;          /* Ctrl-A is an escape, as on QEMU's mon:stdio */
    bool signals;      /* Ctrl-C on a terminal ends the run; else the guest gets it */
} LivePort;

typedef struct LiveConfig {
    LivePort ports[LIVE_MAX_PORTS];
    int drive_fds[LIVE_MAX_DRIVES]; /* -1: none */
    char *rng_path;                 /* -object rng-random,filename=; NULL: getrandom */
    bool seeded;                    /* -seed: entropy comes from a generator, so that runs are comparable */
    uint64_t seed;
    bool idle_skip, idle_wait; /* --idle; neither: wait while a source is open */
    double timeout;            /* seconds; 0: none */
    char *until, *fail;        /* regular expressions on console lines, or NULL */
    bool rtc_fixed;            /* -rtc base=…: rtc_ns, else the wall clock */
    uint64_t rtc_ns;
} LiveConfig;

void live_config_init(LiveConfig *c);
void live_config_done(LiveConfig *c);

/* Puts a terminal into raw mode and installs signal handlers until live_free. `config` must outlive it. */
bool live_new(const LiveConfig *config, Nd **ret, GError **error);
void live_free(Nd *nd);
/* Write out what the guest printed so far. */
void live_flush(Nd *nd);

#endif
