/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine: QEMU's `virt` board. Owns harts, memory, devices; consumes the three interfaces nd (outside
 * world), engine (runs code), hooks (observation). Everything hangs from here; there are no globals.
 */
#ifndef CORE_MACHINE_H
#define CORE_MACHINE_H

#include <glib.h>
#include "core/config.h"
#include "core/device.h"
#include "core/engine.h"
#include "core/hart.h"
#include "core/hooks.h"
#include "core/nd.h"

/* RAM-like memory: main RAM, mask ROM, flash. Host pages of all blocks are numbered through, in order. */
typedef struct RamBlock {
    const char *name; /* "ram", "mrom", "flash0", "flash1" */
    Gpa base;
    uint64_t size; /* multiple of PAGE_SIZE */
    uint8_t *host; /* page-aligned, zero-filled on demand */
    uint32_t first_page;
    bool readonly; /* guest stores are ignored or fault as on QEMU; only the loader writes */
} RamBlock;

/* Bytes that the last reset put into memory. */
typedef struct MachineLoad {
    const char *name; /* the image's, or "device tree", "reset vector"; lives as long as the machine */
    Gpa addr;
    uint64_t size;
} MachineLoad;

/* page_flags[] */
enum {
    PAGE_DIRTY = 1,   /* written since its hash was last computed */
    PAGE_CODE = 2,    /* translated code was made from it */
    PAGE_PTE = 4,     /* walked page-table entries lie in it */
    PAGE_CHANGED = 8, /* hashed, but differs from the page of the last snapshot (snapshot.c) */
};

typedef enum {
    STOP_NONE = 0,
    STOP_FINISHER_PASS,
    STOP_FINISHER_FAIL, /* stop_code */
    STOP_POWEROFF,
    STOP_RESET,    /* guest asked for a reset and -no-reboot was given */
    STOP_HOST,     /* ND_STOP event; stop_code = NdStopReason */
    STOP_DEAD,     /* nothing can ever wake it */
    STOP_LIMIT,    /* driver's limit position reached (replay --to, end of the log) */
    STOP_DIVERGED, /* replay: nd refused a checkpoint or a request */
} StopReason;

/* The machine's own state section: position, time and the SMP schedule. */
#define MACHINE_STATE(F, A)                                                                                  \
    F(uint64_t, pos)          /* valid between turns; inside one use machine_pos() */                        \
    F(uint64_t, idle_ns)      /* guest time skipped while all harts waited */                                \
    F(uint64_t, mtime_delta)  /* what software added to the timebase by writing mtime (CLINT) */             \
    F(uint32_t, current)      /* whose turn it is */                                                         \
    F(uint8_t, turn_extended) /* SMP: the turn was prolonged because of a reservation, or may not be */      \
    F(uint64_t, turn_end)     /* SMP: end of the current turn */                                             \
    F(uint64_t, turn_random)  /* SMP: generator of turn lengths */

/* Counters that are kept without code: see scoreboard.c. */
#define DERIVED_MAX 4u
typedef struct DerivedCounter {
    uint32_t counter;
    uint64_t value; /* added by each instruction that is begun */
} DerivedCounter;

typedef struct Derived {
    DerivedCounter counters[DERIVED_MAX];
    unsigned n;
    uint32_t epoch; /* hooks_translate_epoch() that they hold for */
    bool decided;   /* a block of this epoch was seen */
    bool never;     /* somebody looks at counters from code */
} Derived;

struct Machine {
    MACHINE_STATE(STATE_MEMBER, STATE_MEMBER_ARRAY)

    MachineConfig config;
    Nd *nd;
    Engine *engine;
    Hooks *hooks; /* never NULL; empty when nobody observes */

    Hart *harts[MACHINE_MAX_HARTS];
    uint32_t n_harts;

    RamBlock blocks[4];
    uint32_t n_blocks;
    RamBlock *ram; /* main RAM, base 0x80000000 */
    uint8_t *page_flags;
    uint32_t n_pages;

    MmioRegion regions[48]; /* sorted by base */
    uint32_t n_regions;
    GPtrArray *devices; /* of Device*, in creation order */
    Device *plic;       /* where device_set_irq() leads; set by board_create() */
    Device *
        consoles[1 + MACHINE_VIRTIO_SLOTS]; /* by ND_CONSOLE source: 0 is the UART; NULL past the last port */
    struct Disk *disks[MACHINE_VIRTIO_SLOTS]; /* by slot; NULL where there is none (core/devices/disk.h) */
    GArray *sections;                         /* of StateSection, in registration order */
    GArray *loads; /* of MachineLoad, in the order in which board_load() wrote them */

    size_t scoreboard_used; /* bytes of every hart's (probe.h) */
    Derived derived;
    bool running;  /* the engine runs harts[current] */
    bool in_reset; /* machine_reset() is at work: the loader may write read-only blocks */
    Nsec deadline; /* earliest device deadline */
    Pos limit;     /* do not run past (driver) */
    Gpa reset_vector;

    StopReason stop;
    uint32_t stop_code;
    bool reset_requested;

    uint64_t *page_hash;         /* per page, valid when !PAGE_DIRTY; 0 for a page of zeros */
    uint64_t ram_hash;           /* sum of page_hash */
    struct PageCopy **page_copy; /* per page, as of the last snapshot; NULL until there is one (snapshot.c) */
    void *mmu;                   /* mmu.c's machine-wide part (PTE watch, second-level TLB, fetch ids) */
};

/*
 * Build the machine of `config` (copied, images shared), not yet reset. `engine` is attached later with
 * machine_set_engine(). Fails with a GError for bad images or impossible configurations.
 */
bool machine_new(const MachineConfig *config, Nd *nd, Hooks *hooks, Machine **ret, GError **error);
void machine_free(Machine *m);
void machine_set_engine(Machine *m, Engine *engine); /* takes ownership; frees the former; flushes caches */
/* Load images, build the device tree, reset harts and devices: pos 0. */
bool machine_reset(Machine *m, GError **error);

/*
 * Run until machine->stop != STOP_NONE or pos == limit (then STOP_LIMIT, which may be cleared to go on).
 * Drains nd, fires deadlines, takes interrupts, schedules harts, takes checkpoints (DESIGN §3).
 */
void machine_run(Machine *m);
/* Set m->limit before; machine_run() returns at exactly that pos ("state at P": before step P). */

Pos machine_pos(const Machine *m);               /* exact also inside a helper or device callback */
Nsec machine_time(const Machine *m);             /* guest time now: (pos << shift) + idle_ns */
Nsec machine_time_at(const Machine *m, Pos pos); /* with the present idle_ns */
uint64_t machine_mtime(const Machine *m);        /* 10 MHz timebase = time / 100 + mtime_delta */
/* First guest time at which machine_mtime() >= ticks; NSEC_NEVER if that is out of reach. */
Nsec machine_mtime_to_nsec(const Machine *m, uint64_t ticks);
/*
 * MTIP and STIP (Sstc) of every hart follow mtimecmp, stimecmp, menvcfg.STCE and the time, and the next
 * deadline with them (run loop). After a change of any of these; also after a restore.
 */
void machine_timer_update(Machine *m);

/* Host address of guest-physical RAM, NULL if [pa, pa+size) is not inside one block. */
uint8_t *machine_ram_ptr(const Machine *m, Gpa pa, uint64_t size);
const RamBlock *machine_ram_block(const Machine *m, Gpa pa);
/* Page index of a RAM address; UINT32_MAX if none. Address of a page index. */
uint32_t machine_page_index(const Machine *m, Gpa pa);
Gpa machine_page_address(const Machine *m, uint32_t page);
uint8_t *machine_page_host(const Machine *m, uint32_t page);

/* MMIO dispatch; false: no device or size not allowed (access fault). */
bool machine_mmio_read(Machine *m, Gpa pa, unsigned size, uint64_t *value);
bool machine_mmio_write(Machine *m, Gpa pa, uint64_t value, unsigned size);
const MmioRegion *machine_mmio_region(const Machine *m, Gpa pa);

void machine_request_stop(Machine *m, StopReason reason,
                          uint32_t code); /* first one wins; sets ATTN_MACHINE */
void machine_request_reset(Machine *m);
/* The running hart gives up its turn with this step (pause, wrs), if there is a hart that could use it. */
void machine_yield(Machine *m);

/*
 * Write RAM from outside any hart (loader, DMA): announced to mmu, so caches and dirty flags follow. False,
 * with nothing written, if a byte is outside RAM; read-only blocks accept it during machine_reset() only.
 */
bool machine_ram_write(Machine *m, Gpa pa, const void *from, uint64_t size);

/* Registration, during machine_new() only (board.c). */
RamBlock *machine_add_ram(Machine *m, const char *name, Gpa base, uint64_t size, bool readonly);
/* Takes ownership (ops->free). Order is the order of deadlines and of reset. */
void machine_add_device(Machine *m, Device *d);
void machine_add_section(Machine *m, const StateSection *section);
void machine_add_region(Machine *m, Gpa base, uint64_t size, unsigned min_size, unsigned max_size, Device *d);

/*
 * The state hash (core/hash.c): RAM by dirty pages, then every section in registration order. XXH3 64. Clears
 * PAGE_DIRTY and drops write tags. A pure function of the guest-visible state.
 */
uint64_t machine_state_hash(Machine *m);
/* The first half of it: rehash dirty pages into page_hash and ram_hash. */
void machine_hash_pages(Machine *m);

/* Snapshots (core/snapshot.c): the whole state in memory, for perturbation, seeking and checkpoints. */
typedef struct Snapshot Snapshot;
Snapshot *snapshot_take(Machine *m);
void snapshot_restore(Machine *m, const Snapshot *s); /* same machine configuration; caches are dropped */
Pos snapshot_pos(const Snapshot *s);
void snapshot_free(Snapshot *s);

#endif
