/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine's public face: pick a backend, get an Engine (core/engine.h). */
#ifndef TCG_TCG_H
#define TCG_TCG_H

#include "core/engine.h"
#include "core/machine.h"

typedef enum { BACKEND_AUTO, BACKEND_X86_64, BACKEND_INTERP } TcgBackend;

typedef struct TcgOptions {
    TcgBackend backend;       /* AUTO: x86-64 where the host is one, else interp */
    size_t code_cache_size;   /* bytes of host code; 0: 64 MiB */
    unsigned disabled_passes; /* bit per pass, see tcg_pass_names() */
    bool stats;               /* count instructions that call helpers (EngineStats.helper_insns) */
    bool check_ir;            /* ir_check() after the translator and after every pass */
    unsigned dump;            /* bits: 1 guest, 2 IR, 4 IR after optimisation, 8 host code; to stderr */
} TcgOptions;

/* A new engine for the machine (attach with machine_set_engine). */
Engine *tcg_engine_new(Machine *m, const TcgOptions *options);
const char *tcg_pass_name(unsigned i); /* NULL after the last */

#endif
