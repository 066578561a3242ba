/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The conformance guest: it makes programs and machine states from a seed, runs them, folds all that they leave behind
 * into a hash, and prints one line a batch. The same file runs on the emulator and on its judge.
 */
#ifndef GUEST_H
#define GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what the harness asks for: it patches this in the ELF file ---- */

typedef struct Params {
    char magic[16];
    uint64_t mode, seed, first, count; /* batches first .. first + count - 1 */
    uint64_t extensions;               /* bit n: the n-th extension of insntable.py */
    uint64_t verbose;                  /* 1: a line for each program; 2: the code and the registers of `only` */
    uint64_t only;                     /* the one program of the batch to run, plus 1; 0: all */
    uint64_t limit;                    /* cut programs after so many instructions; 0: do not */
    uint64_t judge;                    /* major version of the QEMU that is compared with: 7 or 10 */
    uint64_t sstc;                     /* stimecmp exists */
} Params;
extern volatile Params params;

enum { MODE_INSNS, MODE_ILLEGAL, MODE_CSR, MODE_TRAPS, MODE_PAGING, MODE_PMP, MODE_VIRTUAL, MODE_COUNT };
void insns_batch(void), illegal_batch(void), csr_batch(void), traps_batch(void), paging_batch(void), pmp_batch(void);
void pmp_lock_all(void); /* after the last batch */

/* ---- the machine ---- */

#define TEST_FINISHER 0x100000ul
#define CLINT_BASE 0x2000000ul
#define UART_BASE 0x10000000ul

enum { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };
enum {
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_ECALL_M = 11,
    CAUSE_FETCH_PAGE = 12,
};
#define INTERRUPT (1ul << 63)
#define STATUS_SIE (1ul << 1)
#define STATUS_MIE (1ul << 3)
#define STATUS_SPIE (1ul << 5)
#define STATUS_MPIE (1ul << 7)
#define STATUS_SPP (1ul << 8)
#define STATUS_MPP_SHIFT 11
#define STATUS_MPP (3ul << 11)
#define STATUS_FS_SHIFT 13
#define STATUS_FS (3ul << 13)
#define STATUS_MPRV (1ul << 17)
#define STATUS_SUM (1ul << 18)
#define STATUS_MXR (1ul << 19)
#define STATUS_TVM (1ul << 20)
#define STATUS_TW (1ul << 21)
#define STATUS_TSR (1ul << 22)

#define csr_read(name)                                                                                       \
    ({                                                                                                       \
        uint64_t value_;                                                                                     \
        __asm__ volatile("csrr %0, " #name : "=r"(value_)::"memory");                                        \
        value_;                                                                                              \
    })
#define csr_write(name, value) __asm__ volatile("csrw " #name ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define csr_set(name, value) __asm__ volatile("csrs " #name ", %0" ::"rK"((uint64_t)(value)) : "memory")
#define csr_clear(name, value) __asm__ volatile("csrc " #name ", %0" ::"rK"((uint64_t)(value)) : "memory")

static inline uint8_t read8(uintptr_t at) { return *(volatile uint8_t *)at; }
static inline uint64_t read64(uintptr_t at) { return *(volatile uint64_t *)at; }
static inline void write8(uintptr_t at, uint8_t value) { *(volatile uint8_t *)at = value; }
static inline void write32(uintptr_t at, uint32_t value) { *(volatile uint32_t *)at = value; }
static inline void write64(uintptr_t at, uint64_t value) { *(volatile uint64_t *)at = value; }

/* Fixed places in RAM. */
#define CODE_BASE 0x80400000ul /* generated code */
#define CODE_SIZE 0x10000ul
#define DATA_BASE 0x80500000ul /* what generated code may touch */
#define DATA_SIZE 0x4000ul
#define TABLE_BASE 0x80600000ul /* page tables */

/* ---- running generated code: start.S ---- */

typedef struct Context {
    uint64_t x[32];
    uint64_t pc, status; /* in: where to start and mstatus (MPP: in which mode); out: mepc and mstatus */
    uint64_t cause, tval;
    uint64_t vector;   /* in: 0 direct, 1 vectored; out: the entry that was taken */
    uint64_t host[16]; /* the monitor's own registers meanwhile */
} Context;
void context_run(Context *c);
void fp_load(const uint64_t f[32], uint64_t fcsr);
uint64_t fp_save(uint64_t f[32]);

/* ---- support.c ---- */

void put_text(const char *text);
/* %s %d %x (64 bits) */
void print(const char *format, ...);
_Noreturn void finish(uint32_t value);

/* The random numbers of this batch, and the hash of what it has seen. */
void random_seed(uint64_t seed);
uint64_t random64(void);
static inline unsigned below(unsigned n) { return (unsigned)((random64() >> 32) * n >> 32); }
static inline bool one_in(unsigned n) { return below(n) == 0; }
uint64_t random_value(void); /* one that an integer instruction may find interesting */
uint64_t harmless_code(void); /* to be stored where it may be executed */
uint64_t random_float(void); /* one for an f register */

extern uint64_t hash;
static inline void fold(uint64_t value) {
    hash = (hash ^ value) * 0x9e3779b97f4a7c15ul;
    hash ^= hash >> 29;
}

/* Machine state as every program finds it: no paging, nothing delegated, PMP gives S and U the code and the data. */
void machine_reset_state(void);
void stimecmp_set(uint64_t value, bool enabled); /* menvcfg = STCE or 0 */
void pmp_open(void);    /* everything for S and U */
void pmp_sandbox(void); /* CODE may be executed, DATA read and written */
/* Whole words: each store to translated code costs the emulator a search. */
void memset_words(uint64_t to, size_t n);
void copy_words(uint64_t to, const void *from, size_t n);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);

/* Run it, and add what it retired to `retired`, for the summary. */
void context_count(Context *c);
extern uint64_t retired;

#endif
