/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any bytes as code, in every privilege and address space, on the compiling backend and on the interpreter:
 * both end in the same state. The input: privilege and enables, kind of translation, block limit, registers;
 * the rest is code.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/mmu.h"
#include "tcg/tcg.h"
#include "tests/unit/rv_asm.h"
#include "tests/unit/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RAM = 0x80000000u, CODE = RAM + 0x2000, TABLES = RAM + 0x10000, STEPS = 300, HEADER = 12 };

typedef struct Subject {
    World *world;
    Snapshot *start;
} Subject;

static void put64(uint8_t *image, uint64_t at, uint64_t value) {
    memcpy(image + (at - RAM), &value, 8);
}

/* Trap handlers that go on four bytes further, and an identity map, for U mode 4 GiB higher. */
static void make_image(uint8_t *image) {
    const uint32_t handler_m[] = {CSRRW(T0, 0x340, T0),   CSRRS(T0, 0x341, ZERO), ADDI(T0, T0, 4),
                                  CSRRW(ZERO, 0x341, T0), CSRRW(T0, 0x340, T0),   MRET};
    const uint32_t handler_s[] = {CSRRW(T0, 0x140, T0),   CSRRS(T0, 0x141, ZERO), ADDI(T0, T0, 4),
                                  CSRRW(ZERO, 0x141, T0), CSRRW(T0, 0x140, T0),   0x10200073u};
    memcpy(image, handler_m, sizeof handler_m);
    memcpy(image + 0x100, handler_s, sizeof handler_s);
    for (unsigned i = 0; i < 8; i++)
        put64(image, TABLES + 8 * i, (uint64_t)(i % 4) << 28 | (i < 4 ? 0xcf : 0xdf));
    put64(image, TABLES + 0x1000, (TABLES >> 12) << 10 | 1);
    put64(image, TABLES + 0x2000, ((TABLES + 0x1000) >> 12) << 10 | 1);
}

static Subject subject_new(TcgBackend backend) {
    Subject s = {.world = world_new()};
    uint8_t *image = g_malloc0(0x20000);
    GError *error = NULL;
    s.world->config.ram_size = 4 << 20;
    make_image(image);
    world_image(s.world, IMAGE_BIOS, image, 0x20000);
    g_free(image);
    if (!world_start(s.world, &error))
        g_error("%s", error->message);
    TcgOptions options = {.backend = backend, .code_cache_size = 1 << 20, .check_ir = true};
    machine_set_engine(s.world->m, tcg_engine_new(s.world->m, &options));
    s.start = snapshot_take(s.world->m);
    return s;
}

static void prepare(Hart *h, const uint8_t *data) {
    static const Priv privs[] = {PRIV_U, PRIV_S, PRIV_M, PRIV_S};
    h->priv = privs[data[0] & 3];
    h->mstatus = (uint64_t)(data[0] >> 2 & 3) << 13 | (uint64_t)(data[0] >> 4) << 17 | (data[1] & 0xaa);
    h->satp = data[2] & 1 ? (uint64_t)(8 + data[2] / 2 % 3) << 60 | (TABLES >> 12) + data[2] / 2 % 3 : 0;
    bool high = h->priv == PRIV_U && h->satp;
    h->pc = CODE + (high ? UINT64_C(4) << 30 : 0) + (data[3] & 1) * 2;
    h->mtvec = RAM;
    h->stvec = RAM + 0x100;
    h->medeleg = data[4] & 0xfff & ~0x800u;
    h->mie = data[5];
    h->mcounteren = h->scounteren = data[6] & 7;
    h->menvcfg = (uint64_t)(data[6] >> 6) << 61 | (data[6] & 0xf0);
    h->pmpcfg[0] = 0x1f;
    h->pmpaddr[0] = UINT64_MAX >> 10;
    h->frm = data[7] & 7;
    uint64_t random;
    memcpy(&random, data + 4, 8);
    for (unsigned i = 1; i < 32; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        h->x[i] = i & 1 ? h->pc + (random >> 52) : random;
        h->f[i] = i & 2 ? random : random >> 32 | UINT64_C(0xffffffff00000000);
    }
    hart_update_flags(h);
}

static uint64_t run(Subject *s, const uint8_t *data, size_t size) {
    Machine *m = s->world->m;
    snapshot_restore(m, s->start);
    machine_ram_write(m, CODE, data + HEADER, MIN(size - HEADER, 0x1800));
    prepare(m->harts[0], data);
    mmu_flush(m->harts[0]);
    m->engine->ops->set_block_limit(m->engine, data[8] % 4);
    m->limit = STEPS;
    machine_run(m);
    return machine_state_hash(m) ^ (uint64_t)m->stop;
}

static void print_state(const char *name, const Machine *m) {
    const Hart *h = m->harts[0];
    fprintf(stderr, "%s: stop %d pos %lu pc %lx priv %d status %lx cause %lx/%lx tval %lx/%lx fflags %x\n",
            name, m->stop, (unsigned long)m->pos, (unsigned long)h->pc, h->priv, (unsigned long)h->mstatus,
            (unsigned long)h->mcause, (unsigned long)h->scause, (unsigned long)h->mtval,
            (unsigned long)h->stval, h->fflags);
    for (unsigned i = 0; i < 32; i++)
        fprintf(stderr, " x%u=%lx f%u=%lx%s", i, (unsigned long)h->x[i], i, (unsigned long)h->f[i],
                i % 4 == 3 ? "\n" : "");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static Subject compiled, interpreted;
    if (size < HEADER + 2)
        return 0;
    if (!compiled.world) {
        compiled = subject_new(BACKEND_AUTO);
        interpreted = subject_new(BACKEND_INTERP);
    }
    if (run(&compiled, data, size) != run(&interpreted, data, size)) {
        print_state("compiled", compiled.world->m);
        print_state("interpreted", interpreted.world->m);
        abort();
    }
    return 0;
}
