/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Modules that a Linux guest loads into its kernel: where they lie and what their symbols are, read out of the kernel's own
 * structures (struct module, whose layout BTF tells; Linux 6.4 and later), into the tables module, program_symbol and map
 * (satp NULL: in every address space). Addresses count from the module's first byte, part behind part, so that those of two
 * runs compare.
 *
 * A module is seen where the kernel calls do_init_module(), which it keeps out of line for debuggers: it has been placed,
 * and nothing of it has run; it goes where the kernel calls free_module().
 */
#ifndef ANALYSES_KERNEL_MODULES_H
#define ANALYSES_KERNEL_MODULES_H

#include "analyses/store/store.h"
#include "core/machine.h"

typedef struct KernelModules KernelModules;

/* The guest's kernel is Linux. */
KernelModules *kernel_modules_new(Machine *m, Store *store);
void kernel_modules_free(KernelModules *k); /* NULL is allowed */
/* Subscribe, before those who ask; modules that are there already are found. False: the database failed. */
bool kernel_modules_begin(KernelModules *k, GError **error);
/* Unsubscribe; the first failure since begin. */
bool kernel_modules_end(KernelModules *k, GError **error);

typedef struct KernelPlace {
    int64_t module; /* 0: none lies there now */
    uint64_t shift; /* what its addresses have been moved by */
    bool begins;    /* a function of it begins there */
} KernelPlace;
/* How many have been met, which only grows. */
uint64_t kernel_modules_known(const KernelModules *k);
KernelPlace kernel_modules_place(const KernelModules *k, Gva addr);
/* In a process that must not write to the database: what is loaded from here on is not seen. */
void kernel_modules_quiet(KernelModules *k);

#endif
